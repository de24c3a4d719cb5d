"""Each kind of constraint: its form, and what it permits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from agentdid.delegation.constraints import parse_constraint
from agentdid.errors import AgentdidError

WINDOW = {"type": "timeWindow", "days": ["mon", "tue"], "from": "08:00", "to": "17:30", "zone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ({"type": "const", "value": "EU"}, ["EU"], ["eu", "EU ", None, ["EU"], {"EU": 1}]),
        ({"type": "const", "value": 1}, [1], [True, "1", 1.0, 2]),
        ({"type": "const", "value": True}, [True], [1, False, "true"]),
        ({"type": "enum", "in": ["EU", "US"]}, ["EU", "US"], ["UK", ["EU"], None]),
        ({"type": "enum", "in": [0, 1]}, [0, 1], [True, False, "0", 0.0]),
        ({"type": "enum", "in": [True]}, [True], [1, 1.0]),
        (
            {"type": "range", "min": "-1", "max": "100.00"},
            ["100", "100.000", 100, "-1", "-0", 0],
            [
                "100.0000000000000000000000001",
                "-1.01",
                101,
                1.0,
                True,
                "1e2",
                "01",
                "+1",
                "",
                " 1",
                None,
                [1],
                "\u0661",
            ],
        ),
        ({"type": "range", "min": "0.1"}, ["0.1", 1, "9" * 64], ["0.09999999999999999999999", 0, "9" * 65]),
        ({"type": "prefix", "value": "inv-"}, ["inv-", "inv-7"], ["INV-7", "in", 7, None, ["inv-7"]]),
        (
            {"type": "cidr", "in": ["192.0.2.0/24", "2001:db8::/32"]},
            ["192.0.2.255", "2001:DB8::1"],
            ["192.0.3.0", "192.0.2.1/32", "192.0.2.01", "::ffff:192.0.2.1", "2001:db8::1%eth0", "x", 3221225985, None],
        ),
    ],
)
def test_what_a_constraint_permits(constraint: dict[str, object], good: list[object], bad: list[object]) -> None:
    """A constraint permits its values, in their type, and nothing else."""
    parsed = parse_constraint(constraint, "")

    assert [value for value in good if not parsed.permits(value)] == []
    assert [value for value in bad if parsed.permits(value)] == []


def test_what_a_window_permits() -> None:
    """A window speaks of instants, in its own zone: from is inside, to is outside."""
    parsed = parse_constraint(WINDOW, "")
    winter = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # a Monday, 08:00 in Berlin

    assert parsed.permits(winter)
    assert parsed.permits(winter + timedelta(hours=9, minutes=29, seconds=59))
    assert not parsed.permits(winter + timedelta(hours=9, minutes=30))
    assert not parsed.permits(winter - timedelta(seconds=1))
    assert not parsed.permits(winter + timedelta(days=2))
    assert not parsed.permits(datetime(2026, 7, 6, 5, 59, tzinfo=UTC))
    assert parsed.permits(datetime(2026, 7, 6, 6, 0, tzinfo=UTC))
    assert parsed.permits(winter.astimezone(timezone(timedelta(hours=-9))))
    assert not parsed.permits(winter.replace(tzinfo=None))
    assert not parsed.permits("2026-11-23T07:00:00Z")


def test_a_window_to_the_days_end() -> None:
    """`24:00` is the day's end, so that the last minute can be inside."""
    parsed = parse_constraint({**WINDOW, "from": "23:59", "to": "24:00", "zone": "UTC"}, "")

    assert parsed.permits(datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC))
    assert not parsed.permits(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("constraint", "place"),
    [
        ("const", ""),
        ({"value": 1}, ""),
        ({"type": 1}, ""),
        ({"type": "const"}, ""),
        ({"type": "const", "value": 1, "note": 1}, ""),
        ({"type": "const", "value": 1.5}, "/value"),
        ({"type": "const", "value": None}, "/value"),
        ({"type": "const", "value": ["EU"]}, "/value"),
        ({"type": "enum", "in": []}, "/in"),
        ({"type": "enum", "in": "EU"}, "/in"),
        ({"type": "enum", "in": ["EU", "EU"]}, "/in"),
        ({"type": "enum", "in": ["EU", 1]}, "/in"),
        ({"type": "enum", "in": [1, True]}, "/in"),
        ({"type": "enum", "in": [1.5]}, "/in"),
        ({"type": "range"}, ""),
        ({"type": "range", "minimum": "1"}, ""),
        ({"type": "range", "min": "1", "max": "2", "step": "1"}, ""),
        ({"type": "range", "min": "2", "max": "1.99"}, ""),
        ({"type": "range", "max": None}, "/max"),
        ({"type": "prefix", "value": ""}, "/value"),
        ({"type": "prefix", "value": 1}, "/value"),
        ({"type": "cidr", "in": ["192.0.2.1/24"]}, "/in"),
        ({"type": "cidr", "in": ["192.0.2.1"]}, "/in"),
        ({"type": "cidr", "in": ["192.0.2.0/255.255.255.0"]}, "/in"),
        ({"type": "cidr", "in": ["192.0.2.0/024"]}, "/in"),
        ({"type": "cidr", "in": ["192.0.2.0/33"]}, "/in"),
        ({"type": "cidr", "in": [1]}, "/in"),
        ({**WINDOW, "days": ["Mon"]}, "/days"),
        ({**WINDOW, "days": [1]}, "/days"),
        ({**WINDOW, "days": ["mon", "mon"]}, "/days"),
        ({**WINDOW, "from": "8:00"}, "/from"),
        ({**WINDOW, "from": "24:00"}, "/from"),
        ({**WINDOW, "from": 8}, "/from"),
        ({**WINDOW, "to": "08:00"}, "/to"),
        ({**WINDOW, "to": "07:00"}, "/to"),
        ({**WINDOW, "to": "17:60"}, "/to"),
        ({**WINDOW, "zone": "Europe/Nowhere"}, "/zone"),
        ({**WINDOW, "zone": "Europe"}, "/zone"),
        ({**WINDOW, "zone": "utc"}, "/zone"),
        ({**WINDOW, "zone": "localtime"}, "/zone"),
        ({**WINDOW, "zone": "../../etc/passwd"}, "/zone"),
        ({**WINDOW, "zone": None}, "/zone"),
    ],
)
def test_forms_that_no_constraint_has(constraint: object, place: str) -> None:
    """Each departure from a constraint's form is refused at its place."""
    with pytest.raises(AgentdidError) as caught:
        parse_constraint(constraint, "")

    assert (caught.value.code, caught.value.path) == ("type_mismatch", place)


@pytest.mark.parametrize(
    "constraint",
    [
        {"type": "enum", "in": list(range(257))},
        {"type": "cidr", "in": [f"10.{number}.0.0/16" for number in range(65)]},
    ],
)
def test_lists_are_bounded(constraint: dict[str, object]) -> None:
    """Long lists are refused: each element may be compared with each of the parent's."""
    with pytest.raises(AgentdidError) as caught:
        parse_constraint(constraint, "")

    assert (caught.value.code, caught.value.path) == ("input_too_large", "/in")
