"""Instants: one grammar for `xsd:dateTimeStamp`, whole seconds for NumericDate, and nothing naive."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentdid.codec.instant import MAX_NUMERIC_DATE, encode_instant, parse_instant, parse_numeric_date
from agentdid.errors import TypeMismatch


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T14:00:00+14:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-10-31T10:00:00-14:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T05:45:00.250+05:45", datetime(2026, 11, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-11-01T00:00:00.123456789Z", datetime(2026, 11, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_what_is_read(text: str, instant: datetime) -> None:
    """Zones, and fractions to the microsecond, come out in UTC."""
    assert instant == parse_instant(text, "")


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01T00:00:00", "2026-11-01", "2026-11-01T00:00:60Z", "2026-11-01T24:00:00Z", "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-W01-1T00:00:00Z", "2026-11-01t00:00:00z",
        "2026-11-01 00:00:00Z", "2026-11-01T00:00:00.Z", "2026-11-01T00:00:00.1234567890Z",
        "2026-11-01T00:00:00+14:01", "2026-11-01T00:00:00+15:00", "2026-11-01T00:00:00+01:60",
        "0001-01-01T00:00:00+01:00", "2026-11-01T00:00:00Z\n", 1_793_491_200, None,
    ],
)  # fmt: skip
def test_what_is_not_read(value: object) -> None:
    """What XML Schema 1.1 refuses, and the forms that readers differ about, are `type_mismatch` (A17, deviation D3)."""
    with pytest.raises(TypeMismatch) as refusal:
        parse_instant(value, "/validFrom")

    assert ("type_mismatch", "/validFrom") == (refusal.value.code, refusal.value.path)


@pytest.mark.parametrize("value", [-1, MAX_NUMERIC_DATE + 1, 1.5, True, "1793491200", None])
def test_numeric_dates_are_whole_seconds(value: object) -> None:
    """A NumericDate is an integer of the years 1970 to 9999 (deviation D13)."""
    with pytest.raises(TypeMismatch) as refusal:
        parse_numeric_date(value, "/iat")

    assert "type_mismatch" == refusal.value.code


def test_what_is_written_is_read() -> None:
    """The Z form comes back, whole seconds or milliseconds."""
    for instant in (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, 0, 250_000, tzinfo=UTC)):
        assert instant == parse_instant(encode_instant(instant), "")
    assert "2026-11-01T00:00:00Z" == encode_instant(parse_numeric_date(1_793_491_200, ""))
