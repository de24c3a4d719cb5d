"""Who acts and why, said once around what is done: `with attributed(actor=…, reasoning=…):`.

It holds for this thread or task, and for what they await: no function between has to pass it on.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, final

from msgspec import field

from agentdid.audit.record import check_context, clean
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@final
class Attribution(Value, frozen=True):
    """What a record says of its own accord.

    Attributes:
        actor: The DID of whoever acts; `None`: whoever keeps the log.
        reasoning: An opaque reference to why: a URI or a digest, never the reasons.
        context: Anything else that names nobody's claims.
    """

    actor: str | None = None
    reasoning: str | None = None
    context: dict[str, str] = field(default_factory=dict)


MAX_SAID: Final = 8
"""Members of a context that are the caller's: the rest is for what is recorded."""
_current: Final[ContextVar[Attribution]] = ContextVar("attribution")
_NOBODY: Final = Attribution()


@contextmanager
def attributed(
    *, actor: str | None = None, reasoning: str | None = None, context: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Have what is recorded within say who acted and why; what is not given stays as around it.

    Args:
        actor: The DID of whoever acts.
        reasoning: An opaque reference to why.
        context: What else; added to what is said around it.

    Raises:
        ValueError: A context that no record can carry.
    """
    around = find_attribution()
    said = {**around.context, **(context or {})}
    check_context(said)
    if len(said) > MAX_SAID:
        message = f"a caller says at most {MAX_SAID} things"
        raise ValueError(message)
    why = around.reasoning if reasoning is None else clean(reasoning)
    token = _current.set(Attribution(actor or around.actor, why, said))
    try:
        yield
    finally:
        _current.reset(token)


def attribute(actor: str | None) -> None:
    """Have what is recorded from here on, in this task, say who acts; for a request's own task, which ends with it."""
    around = find_attribution()
    _current.set(Attribution(actor or around.actor, around.reasoning, around.context))


def find_attribution() -> Attribution:
    """Return what was said around here."""
    return _current.get(_NOBODY)
