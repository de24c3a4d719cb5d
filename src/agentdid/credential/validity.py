"""Whether an instant lies within what a credential or proof says of its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from agentdid.codec.instant import encode_instant
from agentdid.errors import Expired, IssuedInFuture, NotYetValid
from agentdid.record import Value

if TYPE_CHECKING:
    from datetime import datetime


@final
class Now(Value, frozen=True, eq=False):
    """The instant of judgement with its leeway on both sides, for honest clocks differ (RFC 7519 section 4.1.4)."""

    at: datetime
    earliest: datetime
    latest: datetime

    def check_begun(self, begin: datetime, path: str) -> None:
        """Hold that `begin` is not after now. Raises `NotYetValid`."""
        if begin > self.latest:
            detail = f"valid from {encode_instant(begin)}, judged at {encode_instant(self.at)}"
            raise NotYetValid(detail, path=path)

    def check_not_ended(self, end: datetime, path: str) -> None:
        """Hold that `end` is not before now. Raises `Expired`."""
        if end < self.earliest:
            detail = f"valid until {encode_instant(end)}, judged at {encode_instant(self.at)}"
            raise Expired(detail, path=path)

    def check_made(self, made: datetime, path: str) -> None:
        """Hold that what says when it was signed was not signed after now. Raises `IssuedInFuture`."""
        if made > self.latest:
            detail = f"signed at {encode_instant(made)}, judged at {encode_instant(self.at)}"
            raise IssuedInFuture(detail, path=path)
