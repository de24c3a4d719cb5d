"""`[policy]` of a trust file: what it means, and that nothing in it is passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from agentdid.policy.behaviour import Score
from agentdid.policy.table import parse_rules
from agentdid.trust.anchors import Trust
from tests.unit.policy.test_cedar import FACTS
from tests.world import World

if TYPE_CHECKING:
    from pathlib import Path

CEDAR = '@id("all") permit(principal, action, resource);'


def judge(*rules: dict[str, object], **changes: object) -> tuple[str, tuple[str, ...]]:
    """Outcome and names of some rules on the facts, with some of them changed."""
    found = parse_rules({"rule": list(rules)}).judge(structs.replace(FACTS, **{"autonomy_required": 0, **changes}))
    return found.outcome, found.names


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        ({"min_security": "pq"}, {"security": "hybrid"}),
        ({"max_depth": 1}, {"depth": 1}),
        ({"within": {"days": ["wed"], "from": "09:00", "to": "10:00", "zone": "UTC"}}, {}),
        ({"within": {"days": ["wed"], "from": "10:00", "to": "11:00", "zone": "Europe/Berlin"}}, {}),
        ({"autonomy_at_most": 3}, {"autonomy": 5, "autonomy_required": 3}),
        ({"purpose_in": ["audit", "invoice reconciliation"]}, {}),
        ({"principal_in": ["did:web:acme.example"]}, {}),
        ({"risk_at_most": 40}, {}),
        ({"score_at_most": 10}, {"score": Score("did:web:a.example", 10, (("place", 10),))}),
    ],
)
def test_each_condition_can_hold(condition: dict[str, object], facts: dict[str, object]) -> None:
    """It permits, by its own name or the rule's (B4, B5)."""
    (key,) = condition
    needs = ("autonomy",) if facts.get("autonomy_required") else ()

    assert ("permit", (*needs, key)) == judge(condition, **facts)
    assert ("permit", (*needs, "mine")) == judge({**condition, "name": "mine"}, **facts)


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        ({"min_security": "hybrid"}, {"security": "pq"}),
        ({"max_depth": 0}, {"depth": 1}),
        ({"within": {"days": ["mon", "tue"], "from": "00:00", "to": "24:00", "zone": "UTC"}}, {}),
        ({"within": {"days": ["wed"], "from": "09:31", "to": "24:00", "zone": "UTC"}}, {}),
        ({"autonomy_at_most": 2}, {"autonomy": 5, "autonomy_required": 3}),
        ({"purpose_in": ["Invoice reconciliation", "invoice"]}, {}),
        ({"principal_in": ["did:web:acme.example.evil.example"]}, {}),
        ({"risk_at_most": 39}, {}),
        ({"score_at_most": 9}, {"score": Score("did:web:a.example", 10, (("place", 10),))}),
        ({"score_at_most": 100}, {"score": None}),
    ],
)
def test_each_condition_can_fail(condition: dict[str, object], facts: dict[str, object]) -> None:
    """It denies, or asks for an approval where the rule says so; a score that is not known is not low (B5)."""
    (key,) = condition

    assert ("deny", (key,)) == judge(condition, **facts)
    assert ("approval", (key,)) == judge({**condition, "otherwise": "approval"}, **facts)


def test_a_rule_is_about_its_actions() -> None:
    """Of other actions it says nothing (B6)."""
    strict = {"max_depth": 0}

    assert ("deny", ("max_depth",)) == judge({**strict, "actions": ["invoice.*"]})
    assert ("permit", ()) == judge({**strict, "actions": ["invoice.read", "invoices.*"]})


def test_rules_compose() -> None:
    """All conditions of a rule, any of several, and what inner rules have of the outer one (B4, B5)."""
    shallow, safe = {"max_depth": 0}, {"min_security": "hybrid"}

    assert ("deny", ("max_depth", "min_security")) == judge({**shallow, **safe})
    assert ("permit", ("risk_at_most",)) == judge({"any": [shallow, {"risk_at_most": 50}]})
    assert ("approval", ("either",)) == judge({"any": [shallow, safe], "otherwise": "approval", "name": "either"})
    assert ("approval", ("max_depth",)) == judge({"any": [{**shallow, "otherwise": "approval"}, safe]})
    assert ("deny", ("min_security",)) == judge({"all": [{**shallow, "otherwise": "approval"}, safe]})


def test_the_highest_row_of_an_action_counts() -> None:
    """Each number by itself; an action that no row names needs nothing (B7)."""
    rules = parse_rules(
        {
            "action": [
                {"actions": ["pay.*"], "autonomy": 2, "risk": 30},
                {"actions": ["pay.large", "x"], "autonomy": 1, "risk": 90},
            ]
        }
    )

    assert [(2, 30), (2, 90), (1, 90), (0, 0)] == [
        (rules.required(action), rules.risk(action)) for action in ("pay.small", "pay.large", "x", "pay")
    ]


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"x": 1},
        {"rule": [{}]},
        {"rule": {}},
        {"rule": [{"name": "only"}]},
        {"rule": [{"max_depth": -1}]},
        {"rule": [{"max_depth": True}]},
        {"rule": [{"max_depth": "1"}]},
        {"rule": [{"max_deph": 1}]},
        {"rule": [{"max_depth": 1, "name": ""}]},
        {"rule": [{"max_depth": 1, "otherwise": "permit"}]},
        {"rule": [{"max_depth": 1, "actions": []}]},
        {"rule": [{"max_depth": 1, "actions": ["*"]}]},
        {"rule": [{"max_depth": 1, "actions": ["a*"]}]},
        {"rule": [{"min_security": "strong"}]},
        {"rule": [{"within": {"days": ["mon"]}}]},
        {"rule": [{"within": "always"}]},
        {"rule": [{"purpose_in": []}]},
        {"rule": [{"purpose_in": "audit"}]},
        {"rule": [{"principal_in": ["acme"]}]},
        {"rule": [{"any": []}]},
        {"rule": [{"all": []}]},
        {"rule": [{"any": [{}]}]},
        {"rule": [{"risk_at_most": 101}]},
        {"action": [{"actions": ["a"]}]},
        {"action": [{"autonomy": 1}]},
        {"action": [{"actions": ["a"], "autonomy": 6}]},
        {"action": [{"actions": ["a"], "autonomy": 1.5}]},
        {"approvers": ["boss"]},
        {"approvers": ["did:web:boss.example"], "threshold": 2},
        {"approvers": ["did:web:boss.example"], "threshold": 0},
        {"behaviour": 1},
        {"behaviour": {"window_s": 1}},
        {"behaviour": {"learning": 0}},
        {"behaviour": {"demotion": [{"score": 50}]}},
        {"behaviour": {"demotion": [{"score": 0, "levels": 1}]}},
        {"behaviour": {"demotion": [{"score": 50, "levels": 0}]}},
        {"cedar": 1},
        {"cedar": []},
        {"cedar": "policies.cedar"},
        {"cedar": [""]},
        {"cedar": [{"file": "a.cedar"}]},
        {"cedar": [{"file": "a.cedar", "text": "permit"}]},
    ],
)
def test_what_cannot_be_meant_is_an_error(table: object) -> None:
    """An unknown key, a wrong type or number, nothing where something must be."""
    with pytest.raises(ValueError, match=r"."):
        parse_rules(table)


def test_rules_nested_without_end_are_an_error() -> None:
    """A bounded depth, whatever a file says."""
    rule: dict[str, object] = {"max_depth": 1}
    for _ in range(50):
        rule = {"all": [rule]}

    with pytest.raises(ValueError, match="nested too deep"):
        parse_rules({"rule": [rule]})


def test_policies_stand_beside_the_trust_file(tmp_path: Path) -> None:
    """A relative name belongs to the trust file's folder; a missing or unreadable file is an error at load (B9)."""
    (tmp_path / "mine.cedar").write_text(CEDAR)
    trust = tmp_path / "trust.toml"
    head = 'audience = "https://a.example"\ndid = "did:web:a.example"\n[policy]\n'
    trust.write_text(f'{head}cedar = "mine.cedar"\n')
    loaded = Trust.load(trust)
    assert loaded.policy is not None
    assert loaded.policy.cedar is not None

    assert ("all",) == loaded.policy.cedar.text.names
    trust.write_text(f'{head}cedar = ["mine.cedar", "other.cedar"]\n')
    with pytest.raises(OSError, match="other"):
        Trust.load(trust)
    (tmp_path / "other.cedar").write_bytes(b"// \xff")
    with pytest.raises(ValueError, match=r"other\.cedar"):
        Trust.load(trust)
    (tmp_path / "other.cedar").write_bytes(b"// x\n" * 300_000)
    with pytest.raises(ValueError, match="more than"):
        Trust.load(trust)


def test_rules_travel_with_the_policy() -> None:
    """What `Trust.encode` writes is the same policy again, Cedar's text included; a changed one is none."""
    table = {
        "cedar": [{"file": "a.cedar", "text": CEDAR}],
        "rule": [{"max_depth": 2}],
        "approvers": ["did:web:boss.example"],
        "behaviour": {"demotion": [{"score": 50, "levels": 1}]},
    }
    trust = World().trust(policy=table)
    again = Trust.decode(trust.encode())

    assert trust == again
    assert trust.encode() == again.encode()
    assert trust != World().trust(policy={**table, "rule": [{"max_depth": 3}]})
    assert trust != World().trust()
