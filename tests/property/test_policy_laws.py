"""Laws of policies and baselines: a lattice, a sum, and autonomy that only takes away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agentdid.policy.behaviour import Baseline, Observation, find_pace, score_of
from agentdid.policy.builtin import AllOf, AnyOf, MaxDepth, MinSecurity, PurposeIn, RiskAtMost
from agentdid.policy.cedar import CedarPolicy, _arguments
from agentdid.policy.facts import OUTCOMES
from agentdid.policy.table import parse_rules
from tests.unit.policy.test_cedar import FACTS

if TYPE_CHECKING:
    from agentdid.policy.facts import Facts, Policy

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
OTHERWISE = st.sampled_from(["deny", "approval"])
PARTS = st.one_of(
    st.builds(MaxDepth, st.integers(0, 3), OTHERWISE),
    st.builds(MinSecurity, st.sampled_from(["classical", "pq", "hybrid"]), OTHERWISE),
    st.builds(RiskAtMost, st.integers(0, 4), OTHERWISE, st.sampled_from(["risk", "careful"])),
    st.builds(PurposeIn, st.frozensets(st.sampled_from(["a", "b", "c"]), min_size=1), OTHERWISE),
)
POLICIES = st.recursive(
    PARTS,
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from([AllOf(tuple(parts)), AnyOf(tuple(parts))])
    ),
    max_leaves=8,
)
FACT = st.builds(
    lambda depth, security, risk, purpose: structs.replace(
        FACTS, depth=depth, security=security, risk=risk, purpose=purpose
    ),
    st.integers(0, 3), st.sampled_from(["classical", "pq", "hybrid"]), st.integers(0, 4), st.sampled_from("abc"),
)  # fmt: skip
RANK = {name: place for place, name in enumerate(OUTCOMES)}


@given(POLICIES, POLICIES, POLICIES, FACT)
def test_composition_is_a_lattice(one: Policy, two: Policy, three: Policy, facts: Facts) -> None:
    """Commutative, associative, idempotent, absorbing; names and reasons included but where something is absorbed."""
    for compose in (AllOf, AnyOf):
        assert compose((one, two)).judge(facts) == compose((two, one)).judge(facts)
        assert compose((one, one)).judge(facts) == compose((one,)).judge(facts) == one.judge(facts)
        flat = compose((one, two, three)).judge(facts)
        assert flat == compose((compose((one, two)), three)).judge(facts)
        assert flat == compose((one, compose((two, three)))).judge(facts)
    assert one.judge(facts).outcome == AllOf((one, AnyOf((one, two)))).judge(facts).outcome
    assert one.judge(facts).outcome == AnyOf((one, AllOf((one, two)))).judge(facts).outcome


@given(POLICIES, POLICIES, FACT)
def test_all_is_the_least_and_any_the_most(one: Policy, two: Policy, facts: Facts) -> None:
    """One more part of `all` never permits more, one more of `any` never less; and somebody is named for a no."""
    ranks = [RANK[each.judge(facts).outcome] for each in (one, two)]
    least, most = AllOf((one, two)).judge(facts), AnyOf((one, two)).judge(facts)

    assert (min(ranks), max(ranks)) == (RANK[least.outcome], RANK[most.outcome])
    assert least.names
    assert bool(least.reasons) is (least.outcome != "permit")


def test_nothing_composed_is_a_mistake() -> None:
    """Neither a yes nor a no."""
    for compose in (AllOf, AnyOf):
        with pytest.raises(ValueError, match="at least one"):
            compose(())


OBSERVATIONS = st.lists(
    st.builds(
        lambda *members: Observation(*members),  # noqa: PLW0108  # its annotations are for type checkers alone
        st.integers(0, 400 * 3_600).map(lambda seconds: AT - timedelta(seconds=seconds)),
        st.just("did:web:a.example"),
        st.sampled_from(["invoice.read", "invoice.pay", "x"]),
        st.sampled_from(["https://a.example/v1/1", "https://a.example/v1/2", "https://a.example/w/1", "urn:x:y"]),
        st.sampled_from(["accepted", "accepted", "refused", "undecided", "malformed"]),
        st.sampled_from([None, "policy_denied", "approval_required", "nonce_replayed"]),
    ),
    max_size=60,
)


def folded(observations: list[Observation]) -> Baseline:
    """The baseline of some observations, in this order."""
    baseline = Baseline()
    for each in observations:
        baseline.add(each, 3_600)
    return baseline


@given(OBSERVATIONS, st.randoms(use_true_random=False), st.integers(0, 60))
def test_a_baseline_is_a_sum(observations: list[Observation], random: object, cut: int) -> None:
    """The same whatever the order, equal instants or not, and whether two counted apart or one counted all."""
    shuffled = list(observations)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    together, apart = folded(observations), folded(shuffled[:cut])
    apart.merge(folded(shuffled[cut:]))

    assert together == folded(shuffled) == apart
    seen = [each.conduct("did:web:a.example", "x", "https://a.example/v1/9", AT, 3_600) for each in (together, apart)]
    assert seen[0] == seen[1]
    assert score_of(seen[0], 5) == score_of(seen[1], 5)


@given(OBSERVATIONS, st.integers(0, 99), st.integers(1, 30))
def test_the_pace_is_the_last_call_within_the_bound(observations: list[Observation], bound: int, learning: int) -> None:
    """`find_pace` says where counting one by one would cross the bound."""
    seen = folded(observations).conduct("did:web:a.example", "x", "https://a.example/v1/9", AT, 3_600)
    if score_of(structs.replace(seen, calls=0), learning).total > bound:
        return  # it is over it already, with or without pace
    pace = find_pace(seen, learning, bound)
    over = [
        calls + 1
        for calls in range(6 * (seen.peak + 1))
        if score_of(structs.replace(seen, calls=calls), learning).total > bound
    ]

    assert (min(over) - 1 if over else None) == pace


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_less_autonomy_never_permits_more(high: int, lower_by: int, required: int, demoted: int) -> None:
    """Of two levels in force the lower one is permitted nothing that the higher one is not."""
    rules = parse_rules({"action": [{"actions": ["invoice.*"], "autonomy": required, "risk": 1}]})
    less, more = max(0, high - lower_by), high
    outcomes = [
        RANK[rules.judge(structs.replace(FACTS, autonomy=max(0, level - demoted), autonomy_required=required)).outcome]
        for level in (less, more)
    ]

    assert outcomes[0] <= outcomes[1]
    assert RANK["approval"] <= outcomes[0]  # never a denial


SHARED = CedarPolicy(
    [
        (
            "shared.cedar",
            """
            @id("read") permit(principal, action == Action::"invoice.read", resource in Resource::"https://a.example/v1");
            @id("pay") permit(principal == Agent::"did:web:a.example", action == Action::"invoice.pay", resource)
            when { context.arguments has amount.number && context.arguments.amount.number.lessThan(decimal("500.0")) };
            @id("other") permit(principal, action, resource == Resource::"https://a.example/v1/x")
            when { context.action like "x*" && context.arguments has note.text && context.arguments.note.text == "a" };
            @id("exact") forbid(principal, action, resource)
            when { context.arguments has amount.number && context.arguments.amount.number == decimal("13.0") };
            @id("over") forbid(principal, action, resource)
            when { context.arguments has amount.number && context.arguments has most.number
              && context.arguments.amount.number.greaterThan(context.arguments.most.number) }
            unless { context.approved };
            @id("flag") forbid(principal, action, resource)
            when { context.arguments has stop && context.arguments.stop has flag && context.arguments.stop.flag };
            """,
        )
    ]
)
VALUES = st.sampled_from(
    ["12.9999", "13", 13, "13.0001", "499.9999", "500", 500, "500.0001", "1", 1, True, "a", ["a"], 1.5]
)
ASKED = st.builds(
    lambda agent, action, resource, arguments, autonomy: structs.replace(
        FACTS, agent=agent, action=action, resource=resource, arguments=arguments, autonomy=autonomy
    ),
    st.sampled_from(["did:web:a.example", "did:web:b.example"]),
    st.sampled_from(["invoice.read", "invoice.pay", "invoice.list", "x", "xy"]),
    st.sampled_from([f"https://a.example/{each}" for each in ("v1", "v1/x", "v1/x/y", "v1x", "v2")]),
    st.dictionaries(st.sampled_from(["amount", "most", "note", "stop", "text", "number"]), VALUES, max_size=4),
    st.integers(0, 1),
)


APART = CedarPolicy([("a.cedar", SHARED.text.text.replace("context.arguments.most.number", 'decimal("499.9999")'))])


@given(st.sampled_from([SHARED, APART]), ASKED)
def test_what_is_remembered_is_what_the_engine_says(policy: CedarPolicy, facts: Facts) -> None:
    """Calls that the policies cannot tell apart are judged once; each would be judged the same by itself."""
    arguments = _arguments(facts.arguments, policy.text.reading.arguments)
    known = policy.judge(facts)

    if isinstance(arguments, str):
        assert ("deny", ("cedar:arguments",)) == (known.outcome, known.names)
    else:
        assert policy._judge(facts, arguments) == known


def test_numbers_are_told_apart_where_they_are_compared() -> None:
    """By bounds where those are all that is asked, else by themselves."""
    assert {"amount", "most"} == {
        name for name, members in SHARED.text.reading.arguments.items() if "number" in members
    }
    assert {} == SHARED.text.reading.bounds
    assert {"amount": (Decimal(13), Decimal("499.9999"), Decimal(500))} == APART.text.reading.bounds
