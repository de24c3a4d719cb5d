"""What a review proposes is narrower than what is held, and permits every use in the log."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentdid.delegation.capability import BudgetLimit, CallLimit, parse_capability
from agentdid.delegation.charges import find_amount
from agentdid.delegation.lint import find_wider_dimensions
from agentdid.delegation.narrower import fill_narrower
from agentdid.delegation.narrowing import check_narrower, find_wider
from agentdid.delegation.resources import find_requested, is_below
from agentdid.delegation.usage import Request, permits
from agentdid.lifecycle.proposal import propose
from agentdid.lifecycle.usage import Usage
from agentdid.limits import DEFAULT
from tests import strategies as own
from tests.capabilities import root_json
from tests.profiles import examples
from tests.world import NOW

if TYPE_CHECKING:
    from agentdid.delegation.capability import Capability, CapabilityGrant

STEADY = settings(max_examples=examples(150))
TAILS = ("", "/", "/x", "/x/1", "/x/2", "/x/3", "/y", "/y/1?q=1", "/z/a/b/c")
ENVIRONMENT = {"env.ip": "10.1.2.3"}


@st.composite
def logs(draw: st.DrawFn) -> tuple[dict[str, Any], Capability, list[Usage]]:
    """A capability of up to three grants, and requests that it permits, by the first grant that does."""
    shown = root_json()
    shown["grants"] = [draw(own.grants(f"g{number}")) for number in range(draw(st.integers(1, 3)))]
    shown["delegation"]["maxDepth"] = draw(st.integers(0, 3))
    capability = parse_capability(shown, DEFAULT)
    used = []
    for _ in range(draw(st.integers(0, 12))):
        grant = draw(st.sampled_from(capability.grants))
        arguments = {**draw(own.arguments()), **draw(_fitting(grant))}
        place = draw(st.sampled_from(grant.resources)).rstrip("/") + draw(st.sampled_from(TAILS))
        request = Request(grant.type, draw(st.sampled_from(sorted(grant.actions))), place, arguments)
        exercised = next((each for each in capability.grants if permits(each, request, ENVIRONMENT) is None), None)
        if exercised is None:
            continue
        at = NOW - timedelta(seconds=draw(st.integers(1, 200_000)))
        known = dict(arguments) if draw(st.booleans()) or draw(st.booleans()) else None
        used.append(
            Usage(
                at, "did:key:a", "urn:c", "did:key:i", "did:key:a", exercised.id, request.type, request.action,
                request.resource, known, draw(st.integers(0, 2)),
            )
        )  # fmt: skip
    return shown, capability, sorted(used, key=lambda each: each.at)


@st.composite
def _fitting(draw: st.DrawFn, grant: CapabilityGrant) -> dict[str, object]:
    """Arguments that the grant is likely to permit."""
    values: dict[str, object] = {"currency": draw(st.sampled_from(("EUR", "USD")))}
    for name, constraint in grant.constraints.items():
        fits = [each for each in (*own.SCALARS, *own.DECIMALS, "EU-west-9", "10.1.2.200") if constraint.permits(each)]
        if fits and not name.startswith("env."):
            values[name] = draw(st.sampled_from(fits))
    return values


def within_limits(grant: CapabilityGrant, used: list[Usage]) -> bool:
    """Whether all of these uses fit into the grant's limits, as far as their arguments are known."""
    for limit in grant.limits.values():
        if isinstance(limit, CallLimit):
            times = [each.at for each in used]
            for at in times:
                inside = [each for each in times if at - timedelta(seconds=limit.window_s) < each <= at]
                if len(inside) > limit.maximum:
                    return False
        elif isinstance(limit, BudgetLimit):
            amounts = [find_amount(limit, each.arguments) for each in used if each.arguments is not None]
            if sum((each for each in amounts if each is not None), Decimal(0)) > limit.maximum:
                return False
    return True


@STEADY
@given(logs())
def test_a_proposal_is_narrower_and_permits_what_was_done(
    log: tuple[dict[str, Any], Capability, list[Usage]],
) -> None:
    """In place of what is held, and as a child of it: narrower, and every use still permitted and within limits."""
    shown, capability, used = log
    by_grant: dict[str, list[Usage]] = {}
    for use in used:
        by_grant.setdefault(use.grant, []).append(use)
    deepest = max((use.below for use in used), default=0)
    found = propose(shown, capability, by_grant, deepest=deepest, span="30 days")
    again = propose(shown, capability, by_grant, deepest=deepest, span="30 days")
    assert found == again
    if found is None:
        assert {each.id for each in capability.grants} == set(by_grant)
        return
    assert found.words
    if not used:
        assert (None, None) == (found.capability, found.narrower)
        return
    assert found.capability is not None
    made = parse_capability(
        {**found.capability, "delegation": {**found.capability["delegation"], "depth": 0}, "parent": None}, DEFAULT
    )
    assert made != capability
    # at the same place: as a child it would be one deeper, and that is all that would differ
    roomy = structs.replace(capability, max_depth=max(1, capability.max_depth))
    children = tuple(structs.replace(each, source=each.id) for each in made.grants)
    below = structs.replace(made, depth=1, grants=children)
    assert [] == find_wider_dimensions(below, roomy)
    for use in used:
        grant = made.find_grant(use.grant)
        assert grant is not None
        assert find_wider(grant, capability.find_grant(use.grant)) is None  # type: ignore[arg-type]  # it is there
        if use.arguments is not None:
            assert permits(grant, Request(use.type, use.action, use.resource, use.arguments), ENVIRONMENT) is None
        else:
            bare = structs.replace(grant, constraints={}, limits={})
            assert permits(bare, Request(use.type, use.action, use.resource), ENVIRONMENT) is None
    for grant_id, each in by_grant.items():
        wide, narrow = capability.find_grant(grant_id), made.find_grant(grant_id)
        assert wide is not None
        assert narrow is not None
        assert within_limits(narrow, each) or not within_limits(wide, each)
    assert capability.depth + deepest <= made.max_depth or made.max_depth == capability.max_depth
    if found.narrower is not None:
        child = fill_narrower(shown, found.narrower)
        parent = {"id": "urn:p", "digestMultibase": root_json_parent()}
        parsed = parse_capability(
            {**child, "delegation": {**child["delegation"], "depth": 1}, "parent": parent}, DEFAULT
        )
        check_narrower(parsed, capability)


def root_json_parent() -> str:
    """A digest that stands for a parent's."""
    return "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


HOST = "https://api.partner.example"


@STEADY
@given(st.lists(st.sampled_from([*(f"/a/{number}" for number in range(12)), "/b/1", "/b/2", "/c", ""]), min_size=1))
def test_places_are_joined_within_what_is_granted(tails: list[str]) -> None:
    """Three names under one segment stand for it; all that was used is in, and no place lies below another."""
    shown = root_json()
    grant = {**shown["grants"][0], "resources": [HOST], "constraints": {}, "limits": {}}
    shown["grants"] = [grant]
    capability = parse_capability(shown, DEFAULT)
    used = [
        Usage(NOW, "a", "c", "i", "a", grant["id"], grant["type"], grant["actions"][0], f"{HOST}{tail}", {}, 9)
        for tail in tails
    ]
    found = propose(shown, capability, {grant["id"]: used}, deepest=9, span="30 days")
    made = (
        capability
        if found is None
        else parse_capability({**shown, **found.capability, "delegation": shown["delegation"]}, DEFAULT)
    )  # type: ignore[dict-item]  # a root of depth 0
    (places,) = [each.resources for each in made.grants]

    assert len(places) <= 8
    assert all(any(is_below(find_requested(use.resource) or "", place) for place in places) for use in used)
    assert [] == [(one, other) for one in places for other in places if one != other and is_below(one, other)]
    if "" not in tails and len({tail for tail in tails if tail.startswith("/a/")}) >= 3:
        assert f"{HOST}/a" in places or places == (f"{HOST}/",)
