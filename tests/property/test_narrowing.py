"""Narrowing is a partial order, and sound: what a narrower grant permits, the wider one permits."""

from __future__ import annotations

from ipaddress import collapse_addresses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from agentdid.delegation.constraints import Cidr, parse_constraint
from agentdid.delegation.narrowing import (
    approval_narrower,
    check_grant_narrower,
    constraint_narrower,
    find_wider,
    is_narrower,
    limit_narrower,
)
from agentdid.delegation.resources import is_below
from agentdid.delegation.usage import Request, approval_applies, permits
from agentdid.errors import CapabilityNotAttenuated
from tests import strategies as own
from tests.capabilities import child_json, parse, parse_grant, root_json
from tests.profiles import examples

if TYPE_CHECKING:
    from agentdid.delegation.capability import Approval, CapabilityGrant
    from agentdid.delegation.constraints import Constraint

STEADY = settings(max_examples=examples(150))

constraints = own.constraints().map(lambda value: parse_constraint(value, ""))
grants = own.grants().map(parse_grant)


def normal_constraint(constraint: Constraint) -> object:
    """One form for all constraints that permit the same in the same way: networks are joined."""
    if not isinstance(constraint, Cidr):
        return constraint
    families: dict[int, list[Any]] = {}
    for network in constraint.networks:
        families.setdefault(network.version, []).append(network)
    return {version: tuple(collapse_addresses(networks)) for version, networks in families.items()}


def normal_grant(grant: CapabilityGrant) -> object:
    """One form for all grants that say the same: only the highest resources, networks joined, no ids."""
    tops = {
        each
        for each in grant.resources
        if not any(other != each and is_below(each, other) for other in grant.resources)
    }
    approval: Approval | None = grant.approval
    return (
        grant.type,
        grant.actions,
        tops,
        {name: normal_constraint(each) for name, each in grant.constraints.items()},
        dict(grant.limits),
        approval and (approval.when and dict(approval.when), approval.approvers, approval.threshold),
        grant.autonomy_max,
    )


@STEADY
@given(constraints)
def test_constraints_are_reflexive(one: Constraint) -> None:
    """Every constraint is narrower than itself."""
    assert constraint_narrower(one, one)


@STEADY
@given(st.lists(constraints, min_size=12, max_size=12))
def test_constraints_are_transitive_and_antisymmetric(some: list[Constraint]) -> None:
    """Among a dozen constraints each two steps down are one step down, and no two are below each other."""
    for a in some:
        for b in some:
            if not constraint_narrower(a, b):
                continue
            if constraint_narrower(b, a):
                assert normal_constraint(a) == normal_constraint(b)
            for c in some:
                if constraint_narrower(b, c):
                    assert constraint_narrower(a, c)


VALUES = st.sampled_from((*own.SCALARS, *own.DECIMALS, "EU-west-9", "10.1.2.200", "10.9.9.9", "::1", "x", 5.0, None))


@STEADY
@given(st.lists(constraints, min_size=8, max_size=8), st.lists(VALUES, min_size=8, max_size=8))
def test_constraints_are_sound(some: list[Constraint], values: list[object]) -> None:
    """A value that a narrower constraint permits is permitted by the wider one."""
    for a in some:
        for b in some:
            if constraint_narrower(a, b):
                assert [value for value in values if a.permits(value) and not b.permits(value)] == []


@STEADY
@given(grants)
def test_grants_are_reflexive(one: CapabilityGrant) -> None:
    """Every grant is narrower than itself."""
    assert find_wider(one, one) is None


@STEADY
@given(st.data(), own.grants())
def test_grants_are_transitive(data: st.DataObject, top: dict[str, Any]) -> None:
    """A grant that was narrowed twice is narrower than the first."""
    middle = data.draw(own.narrowed(top))
    bottom = data.draw(own.narrowed(middle))
    a, b, c = parse_grant(bottom), parse_grant(middle), parse_grant(top)
    check_grant_narrower(a, b)
    check_grant_narrower(b, c)

    assert find_wider(a, c) is None


@STEADY
@given(grants, grants, grants)
def test_any_three_grants_are_transitive(a: CapabilityGrant, b: CapabilityGrant, c: CapabilityGrant) -> None:
    """Two steps down are one step down, however the grants came about."""
    if find_wider(a, b) is None and find_wider(b, c) is None:
        assert find_wider(a, c) is None


@STEADY
@given(st.data(), own.grants())
def test_grants_are_antisymmetric(data: st.DataObject, top: dict[str, Any]) -> None:
    """Two grants that are narrower than each other say the same."""
    a, b = parse_grant(data.draw(own.narrowed(top))), parse_grant(top)
    if find_wider(b, a) is None:
        assert normal_grant(a) == normal_grant(b)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests around what the grants of these tests grant."""
    tail = draw(st.sampled_from(("", "/", "/x", "/../x", "/%2e%2e/x", "?a=/../..", "%2fx", ";a")))
    return Request(
        draw(st.sampled_from(("http", "mcp_tool"))),
        draw(st.sampled_from(own.ACTIONS)),
        draw(st.sampled_from(own.RESOURCES)).rstrip("/") + tail,
        draw(own.arguments()),
    )


@settings(STEADY, max_examples=examples(250))
@given(st.data(), own.grants())
def test_grants_are_sound(data: st.DataObject, top: dict[str, Any]) -> None:
    """What a narrower grant permits the wider one permits, and approvals asked above are asked below."""
    child, parent = parse_grant(data.draw(own.narrowed(top))), parse_grant(top)
    for request in data.draw(st.lists(requests(), min_size=3, max_size=6)):
        environment = {"env.ip": data.draw(st.sampled_from(("10.1.2.3", "::1", 5)))}
        if permits(child, request, environment) is None:
            assert permits(parent, request, environment) is None
        if approval_applies(parent, request, environment):
            assert approval_applies(child, request, environment)


@settings(STEADY, max_examples=examples(250))
@given(grants, grants, st.lists(requests(), min_size=3, max_size=3), own.arguments())
def test_unrelated_grants_are_sound(
    child: CapabilityGrant, parent: CapabilityGrant, some: list[Request], environment: dict[str, object]
) -> None:
    """Soundness holds dimension by dimension for grants that share nothing by construction."""
    for request in some:
        if find_wider(child, parent) is None and permits(child, request, environment) is None:
            assert permits(parent, request, environment) is None
        if approval_narrower(child.approval, parent.approval) and approval_applies(parent, request, environment):
            assert approval_applies(child, request, environment)


@STEADY
@given(st.lists(grants, min_size=6, max_size=6))
def test_limits_and_approvals_are_partial_orders(some: list[CapabilityGrant]) -> None:
    """Limits and approvals are reflexive, transitive and antisymmetric."""
    limits = [limit for grant in some for limit in grant.limits.values()]
    approvals = [grant.approval for grant in some]
    for values, narrower in ((limits, limit_narrower), (approvals, approval_narrower)):
        for a in values:
            assert narrower(a, a)  # type: ignore[operator]
            for b in values:
                if narrower(a, b) and narrower(b, a):  # type: ignore[operator]
                    assert a == b
                for c in values:
                    if narrower(a, b) and narrower(b, c):  # type: ignore[operator]
                        assert narrower(a, c)  # type: ignore[operator]


@STEADY
@given(own.grants(), own.grants())
@example(root_json()["grants"][0], root_json()["grants"][0])
def test_links_judge_as_their_grants_do(child: dict[str, Any], parent: dict[str, Any]) -> None:
    """A link of one grant is narrower exactly when its grant is, and the refusal names the same dimension."""
    wide, narrow = root_json(), child_json()
    wide["grants"], narrow["grants"] = [{**parent, "id": "p"}], [{**child, "from": "p"}]
    wider = find_wider(parse_grant(child), parse_grant(parent))

    assert is_narrower(parse(narrow), parse(wide)) == (wider is None)


@STEADY
@given(grants, grants)
def test_the_check_raises_where_the_question_says_no(child: CapabilityGrant, parent: CapabilityGrant) -> None:
    """`check_grant_narrower` raises `capability_not_attenuated` at the dimension that `find_wider` names."""
    place = find_wider(child, parent)
    assume(place is not None)
    with pytest.raises(CapabilityNotAttenuated) as caught:
        check_grant_narrower(child, parent)

    assert caught.value.path == place
