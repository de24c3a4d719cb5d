"""What two grants allow both is narrower than either, and permits what both do wherever it exists."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.delegation.capability import parse_grant
from agentdid.delegation.meet import meet_grants
from agentdid.delegation.narrowing import find_wider
from agentdid.delegation.usage import Request, approval_applies, permits
from tests import strategies as own
from tests.profiles import examples
from tests.property.test_narrowing import requests

STEADY = settings(max_examples=examples(150))


@STEADY
@given(own.grants(), st.data(), st.booleans())
def test_a_meet_is_below_both(one: dict[str, Any], data: st.DataObject, related: bool) -> None:
    """Whatever comes out is narrower than both; of a grant and one below it, it is that one."""
    other = data.draw(own.narrowed(one)) if related else data.draw(own.grants("other"))
    met = meet_grants(one, other)
    if related:
        assert met is not None
        assert find_wider(parse_grant(other), parse_grant(met)) is None
    if met is not None:
        assert (None, None) == tuple(find_wider(parse_grant(met), parse_grant(each)) for each in (one, other))
        assert (one["id"], one["from"]) == (met["id"], met["from"])
        assert met == meet_grants(met, other)


@STEADY
@given(own.grants(), own.grants("other"), st.lists(requests(), min_size=3, max_size=6))
def test_a_meet_permits_no_more_than_both(one: dict[str, Any], other: dict[str, Any], some: list[Request]) -> None:
    """What it permits both permit, and it asks for an approval whenever one of them does."""
    met = meet_grants(one, other)
    if met is None:
        return
    made, first, second = (parse_grant(each) for each in (met, one, other))
    for request in some:
        if permits(made, request) is None:
            assert (None, None) == (permits(first, request), permits(second, request))
        if approval_applies(first, request) or approval_applies(second, request):
            assert approval_applies(made, request)


@STEADY
@given(own.grants())
def test_a_grant_meets_itself(one: dict[str, Any]) -> None:
    """Nothing is lost where nothing differs."""
    met = meet_grants(one, one)

    assert met is not None
    assert find_wider(parse_grant(one), parse_grant(met)) is None
