"""Whether an instant lies within what a credential or proof says of its own time."""

from __future__ import annotations

from datetime import datetime, timedelta

from agentdid.codec.instant import encode_instant
from agentdid.errors import Expired, IssuedInFuture, NotYetValid


def check_begun(begin: datetime | None, at: datetime, leeway_s: int, path: str) -> None:
    """Hold that `begin` is not after `at`, but for the leeway. Raises `NotYetValid`."""
    if begin is not None and begin > at + timedelta(seconds=leeway_s):
        raise NotYetValid(f"valid from {encode_instant(begin)}, judged at {encode_instant(at)}", path=path)


def check_not_ended(end: datetime | None, at: datetime, leeway_s: int, path: str) -> None:
    """Hold that `end` is not before `at`, but for the leeway. Raises `Expired`."""
    if end is not None and end < at - timedelta(seconds=leeway_s):
        raise Expired(f"valid until {encode_instant(end)}, judged at {encode_instant(at)}", path=path)


def check_not_from_future(made: datetime | None, at: datetime, leeway_s: int, path: str) -> None:
    """Hold that what says when it was signed was not signed after `at`. Raises `IssuedInFuture`."""
    if made is not None and made > at + timedelta(seconds=leeway_s):
        raise IssuedInFuture(f"signed at {encode_instant(made)}, judged at {encode_instant(at)}", path=path)
