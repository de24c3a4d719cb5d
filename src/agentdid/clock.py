"""What time it is, as something that can be handed in: the core never looks at a clock itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol, final


@lru_cache(maxsize=64)
def seconds(count: float) -> timedelta:
    """Return a span of time; the same few, from `Limits`, are asked for in every judgement."""
    return timedelta(seconds=count)


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...


@final
class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


@final
class FixedClock:
    """A clock that stands still: for replay, for judging a past instant, for tests."""

    __slots__ = ("_at",)

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            message = "a clock needs an aware instant"
            raise ValueError(message)
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the one instant."""
        return self._at
