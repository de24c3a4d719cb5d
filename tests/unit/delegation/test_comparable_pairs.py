"""Which constraints, limits and approvals are compared at all, and how each pair comes out."""

from __future__ import annotations

from itertools import product

import pytest

from agentdid.delegation.constraints import parse_constraint
from agentdid.delegation.narrowing import approval_narrower, constraint_narrower, limit_narrower
from tests.capabilities import parse_grant, root_json

WINDOW = {"type": "timeWindow", "days": ["mon", "tue"], "from": "08:00", "to": "17:00", "zone": "Europe/Berlin"}
ONE_OF_EACH = {
    "const": {"type": "const", "value": "10.0.0.1"},
    "enum": {"type": "enum", "in": ["10.0.0.1"]},
    "range": {"type": "range", "min": "0", "max": "1"},
    "prefix": {"type": "prefix", "value": "10."},
    "cidr": {"type": "cidr", "in": ["10.0.0.0/8"]},
    "timeWindow": WINDOW,
}
COMPARED = {
    *((kind, kind) for kind in ONE_OF_EACH),
    ("const", "enum"),
    ("const", "prefix"),
    ("const", "cidr"),
    ("enum", "prefix"),
    ("enum", "cidr"),
}
"""The pairs of section 2.6; `const` and `enum` under `range` need numbers and stand below."""


@pytest.mark.parametrize(("child", "parent"), list(product(ONE_OF_EACH, repeat=2)))
def test_pairs_that_are_compared(child: str, parent: str) -> None:
    """Only the pairs of PROTOCOL section 2.6 are compared; nothing else is narrower than anything."""
    narrower = constraint_narrower(parse_constraint(ONE_OF_EACH[child], ""), parse_constraint(ONE_OF_EACH[parent], ""))

    assert narrower == ((child, parent) in COMPARED)


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        ({"type": "const", "value": "5"}, {"type": "range", "max": "5.0"}, True),
        ({"type": "const", "value": 5}, {"type": "range", "max": "5.0"}, True),
        ({"type": "const", "value": "5.01"}, {"type": "range", "max": "5.0"}, False),
        ({"type": "const", "value": True}, {"type": "range", "max": "5.0"}, False),
        ({"type": "const", "value": "05"}, {"type": "range", "max": "5.0"}, False),
        ({"type": "const", "value": 1}, {"type": "const", "value": True}, False),
        ({"type": "const", "value": 1}, {"type": "enum", "in": [True]}, False),
        ({"type": "enum", "in": ["5", "4.99"]}, {"type": "range", "min": "4.99"}, True),
        ({"type": "enum", "in": ["5", "4.98"]}, {"type": "range", "min": "4.99"}, False),
        ({"type": "enum", "in": [1]}, {"type": "enum", "in": [True, False]}, False),
        ({"type": "enum", "in": ["EU"]}, {"type": "enum", "in": ["EU", "US"]}, True),
        ({"type": "enum", "in": ["EU", "US"]}, {"type": "enum", "in": ["EU"]}, False),
        ({"type": "enum", "in": ["EU"]}, {"type": "const", "value": "EU"}, False),
        ({"type": "range", "min": "1", "max": "5"}, {"type": "range", "min": "1.0", "max": "5.00"}, True),
        ({"type": "range", "max": "5"}, {"type": "range", "min": "1", "max": "5"}, False),
        ({"type": "range", "min": "0.9", "max": "5"}, {"type": "range", "min": "1", "max": "5"}, False),
        ({"type": "range", "min": "1"}, {"type": "range", "max": "5"}, False),
        ({"type": "prefix", "value": "inv-2"}, {"type": "prefix", "value": "inv-"}, True),
        ({"type": "prefix", "value": "in"}, {"type": "prefix", "value": "inv-"}, False),
        ({"type": "cidr", "in": ["10.1.0.0/16"]}, {"type": "cidr", "in": ["2001:db8::/32", "10.0.0.0/8"]}, True),
        ({"type": "cidr", "in": ["0.0.0.0/0"]}, {"type": "cidr", "in": ["10.0.0.0/8"]}, False),
        ({"type": "cidr", "in": ["10.0.0.0/8", "11.0.0.0/8"]}, {"type": "cidr", "in": ["10.0.0.0/8"]}, False),
        ({"type": "cidr", "in": ["10.0.0.0/8"]}, {"type": "cidr", "in": ["::/0"]}, False),
        ({"type": "cidr", "in": ["10.0.0.0/8"]}, {"type": "cidr", "in": ["10.0.0.0/9", "10.128.0.0/9"]}, False),
        ({**WINDOW, "days": ["mon"], "from": "09:00", "to": "16:00"}, WINDOW, True),
        ({**WINDOW, "days": ["wed"]}, WINDOW, False),
        ({**WINDOW, "from": "07:59"}, WINDOW, False),
        ({**WINDOW, "to": "17:01"}, WINDOW, False),
        ({**WINDOW, "zone": "UTC"}, WINDOW, False),
    ],
)
def test_constraints(child: object, parent: object, expected: bool) -> None:
    """Each comparable pair is narrower exactly when the parent permits all that the child permits."""
    assert constraint_narrower(parse_constraint(child, ""), parse_constraint(parent, "")) is expected


APPROVERS = ["did:web:acme.example", "did:web:auditor.example"]


def guarded(when: object, approvers: list[str] = APPROVERS, threshold: int = 1) -> dict[str, object]:
    """An approval in its wire form."""
    return {"when": when, "approvers": approvers, "threshold": threshold}


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        (None, None, True),
        (guarded("always"), None, True),
        (None, guarded("always"), False),
        (guarded("always"), guarded({"amount": {"gt": "5"}}), True),
        (guarded({"amount": {"gt": "0"}}), guarded("always"), False),
        (guarded({"amount": {"gt": "5.0"}}), guarded({"amount": {"gt": "5"}}), True),
        (guarded({"amount": {"gt": "4"}, "region": {"in": ["US"]}}), guarded({"amount": {"gt": "5"}}), True),
        (guarded({"region": {"in": ["US"]}}), guarded({"amount": {"gt": "5"}}), False),
        (guarded({"amount": {"gt": "5.01"}}), guarded({"amount": {"gt": "5"}}), False),
        (guarded({"region": {"in": ["US", "EU"]}}), guarded({"region": {"in": ["US"]}}), True),
        (guarded({"region": {"in": ["EU"]}}), guarded({"region": {"in": ["US"]}}), False),
        (guarded({"level": {"in": [True]}}), guarded({"level": {"in": [1]}}), False),
        (guarded({"amount": {"in": ["5"]}}), guarded({"amount": {"gt": "5"}}), False),
        (guarded({"amount": {"gt": "0"}}), guarded({"amount": {"in": ["5"]}}), False),
        (guarded("always", APPROVERS[:1]), guarded("always"), True),
        (guarded("always", ["did:web:evil.example"]), guarded("always"), False),
        (guarded("always", threshold=2), guarded("always"), True),
        (guarded("always"), guarded("always", threshold=2), False),
    ],
)
def test_approvals(child: object, parent: object, expected: bool) -> None:
    """A child asks for approval at least as often, of no other people, and of no fewer (section 2.7)."""
    base = root_json()["grants"][0]
    mine, theirs = (parse_grant({**base, "approval": each}).approval for each in (child, parent))

    assert approval_narrower(mine, theirs) is expected


def test_limits_of_two_forms() -> None:
    """A number of calls and a budget are not compared, whatever they are called."""
    limits = parse_grant(root_json()["grants"][0]).limits

    assert limit_narrower(limits["calls"], limits["calls"])
    assert not limit_narrower(limits["calls"], limits["budget"])
    assert not limit_narrower(limits["budget"], limits["calls"])
