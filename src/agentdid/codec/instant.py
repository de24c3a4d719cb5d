"""Instants as the field writes them: `xsd:dateTimeStamp` in credentials and proofs, NumericDate in tokens."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from agentdid.errors import TypeMismatch

# Deviation D3: XML Schema 1.1 part 2 §3.4.28 dateTimeStamp, without the forms that Python and the field read
# differently: leap seconds, hour 24, years outside 0001-9999, lower-case separators (ATTACKS A17).
_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
_MAX_CHARS: Final = 35  # the longest that the pattern takes
MAX_NUMERIC_DATE: Final = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that `datetime` holds."""


def parse_instant(value: object, path: str, member: str = "") -> datetime:
    """Return the aware UTC instant that an `xsd:dateTimeStamp` names.

    Args:
        value: Any JSON value.
        path: Where it stands, or where the object stands whose `member` it is.
        member: See `path`.

    Raises:
        TypeMismatch: Not a string, no zone, or not a date of the calendar.

    Spec: VCDM 2.0 section 4.9; ATTACKS A17.
    """
    # bounded before the cache, so that strangers cannot make it hold long texts
    found = _find_instant(value) if type(value) is str and len(value) <= _MAX_CHARS else None
    if found is None:
        place = f"{path}/{member}" if member else path
        raise TypeMismatch("expected an xsd:dateTimeStamp such as 2026-11-01T00:00:00Z", path=place)
    return found


@lru_cache(maxsize=4096)
def _find_instant(text: str) -> datetime | None:
    if _STAMP.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # no date of the calendar


def parse_numeric_date(value: object, path: str) -> datetime:
    """Return the aware UTC instant of a JWT NumericDate in whole seconds (RFC 7519 section 2).

    Raises:
        TypeMismatch: Not an integer (a bool, a float and a string are not), or outside the years 1970-9999.
    """
    if type(value) is not int or not 0 <= value <= MAX_NUMERIC_DATE:
        raise TypeMismatch("expected whole seconds since 1970", path=path)
    return _find_date(value)


@lru_cache(maxsize=4096)
def _find_date(value: int) -> datetime:
    return datetime.fromtimestamp(value, UTC)


@lru_cache(maxsize=4096)
def encode_instant(at: datetime) -> str:
    """Return the instant in the Z form, whole seconds where it has none finer.

    Remembered: ends of validity and of freshness come again with every decision on the same links.
    """
    text = at.astimezone(UTC).isoformat(timespec="seconds" if at.microsecond == 0 else "milliseconds")
    return text.replace("+00:00", "Z")
