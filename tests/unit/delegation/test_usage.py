"""What a chain permits, request by request."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.delegation.usage import Request, approval_applies, exercise, has_limits, permits
from agentdid.errors import CapabilityTargetMismatch
from tests.capabilities import bare_json, child_json, parse, parse_grant, root_json

if TYPE_CHECKING:
    from agentdid.delegation.capability import CapabilityGrant

BASE = "https://api.partner.example/v1/invoices"
GOOD: dict[str, object] = {"amount": "99.99", "currency": "EUR", "region": "EU"}


def request(**changes: object) -> Request:
    """A request that the example's grant permits, with changes."""
    return Request(**{"type": "http", "action": "invoice.read", "resource": f"{BASE}/7", "arguments": GOOD, **changes})


def grant(**changes: object) -> CapabilityGrant:
    """The example's grant, with changes."""
    return parse_grant({**root_json()["grants"][0], **changes})


@pytest.mark.parametrize(
    "resource",
    [
        BASE,
        f"{BASE}/",
        f"{BASE}/7?fields=/../../x#".rstrip("#"),
        f"{BASE}?a;b",
        f"{BASE}/7?x=%2f",
        BASE.replace("https://api", "HTTPS://API"),
    ],
)
def test_resources_that_are_permitted(resource: str) -> None:
    """The resource itself and what lies below it; the query is not looked at."""
    assert permits(grant(), request(resource=resource)) is None


@pytest.mark.parametrize(
    "resource",
    [
        f"{BASE}x",
        f"{BASE}/../admin",
        f"{BASE}/%2e%2E/admin",
        f"{BASE}/%252e%252e/admin",
        f"{BASE}/%2fadmin",
        f"{BASE}//7",
        f"{BASE};v=1",
        f"{BASE}#x",
        f"{BASE}/7\\..",
        f"{BASE}/\u0661",
        f"{BASE}/" + "a" * 2048,
        "https://api.partner.example./v1/invoices",
        "https://api.partner.example/v1/Invoices",
        "https://x@api.partner.example/v1/invoices",
        "/v1/invoices",
    ],
)
def test_resources_that_are_not_permitted(resource: str) -> None:
    """Whatever a server could read as a place outside is not permitted."""
    assert permits(grant(), request(resource=resource)) is not None
    with pytest.raises(CapabilityTargetMismatch):
        exercise([parse(root_json())], request(resource=resource))


def test_a_crooked_resource_is_not_permitted_even_where_it_is_granted() -> None:
    """A grant of a path with dot segments parses, and permits nothing."""
    crooked = f"{BASE}/../x"

    assert permits(grant(resources=[crooked]), request(resource=crooked)) is not None


@pytest.mark.parametrize("changes", [{"type": "mcp_tool"}, {"action": "invoice.rea"}, {"action": "invoice.READ"}])
def test_other_types_and_actions(changes: dict[str, Any]) -> None:
    """Type and action are compared as they are written."""
    assert permits(grant(), request(**changes)) is not None


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"amount": "1"},
        {"region": "EU"},
        {**GOOD, "amount": "100.01"},
        {**GOOD, "amount": 1.0},
        {**GOOD, "amount": True},
        {**GOOD, "amount": ["1"]},
        {**GOOD, "amount": ["1", "1"]},
        {**GOOD, "amount": {"value": "1"}},
        {**GOOD, "amount": None},
        {**GOOD, "amount": "1e1"},
        {**GOOD, "region": "eu"},
    ],
)
def test_arguments_that_deny(arguments: dict[str, object]) -> None:
    """Absent, repeated, not scalar, mistyped or outside: all deny."""
    assert permits(grant(), request(arguments=arguments)) is not None


@pytest.mark.parametrize("unit", [None, "USD", "eur", 1])
def test_a_budget_needs_its_unit(unit: object) -> None:
    """An amount in another unit, or in none, is no amount of this budget (D28)."""
    arguments = {name: value for name, value in {**GOOD, "currency": unit}.items() if value is not None}

    assert permits(grant(), request(arguments=arguments)) is not None


def test_the_environment_comes_from_the_verifier() -> None:
    """An argument that is called like a fact of the environment is never read."""
    office = grant(constraints={"env.ip": {"type": "cidr", "in": ["192.0.2.0/24"]}}, limits={})
    claimed = request(arguments={"env.ip": "192.0.2.1"})

    assert permits(office, claimed) is not None
    assert permits(office, claimed, {"env.ip": "198.51.100.1"}) is not None
    assert permits(office, request(arguments={}), {"env.ip": "192.0.2.1"}) is None
    assert permits(grant(), request(arguments={}), GOOD) is not None


def test_time_is_a_fact_of_the_environment() -> None:
    """A time window is judged by the verifier's clock."""
    window = {"type": "timeWindow", "days": ["mon"], "from": "08:00", "to": "17:00", "zone": "UTC"}
    monday = datetime(2026, 11, 23, 9, tzinfo=UTC)
    weekly = grant(constraints={"env.time": window})

    assert permits(weekly, request(), {"env.time": monday}) is None
    assert permits(weekly, request(), {"env.time": monday.replace(day=24)}) is not None
    assert permits(weekly, request()) is not None


def chain() -> list[dict[str, Any]]:
    """Root and two delegated links with two grants each, all alike."""
    links = [bare_json(), child_json(1), child_json(2)]
    for link in links:
        first = link["grants"][0]
        first.update(constraints={}, limits={}, approval=None)
        second = {**first, "id": "g2", "from": first["from"] and "g2"}
        link["grants"].append(second)
    return links


def run(links: list[dict[str, Any]], void: frozenset[str] = frozenset()) -> list[str]:
    """The ids of the grants that are exercised, or nothing when the chain permits nothing."""
    try:
        return [each.id for each in exercise([parse(link) for link in links], request(), void=void)]
    except CapabilityTargetMismatch:
        return []


def test_the_first_leaf_grant_that_permits_is_exercised() -> None:
    """Array order decides between grants that both permit."""
    assert run(chain()) == ["g1", "g1", "g1"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_every_link_judges_the_request(position: int) -> None:
    """A grant that one link's grant does not permit is passed over, whatever the leaf says."""
    links = chain()
    links[position]["grants"][0]["actions"] = ["invoice.list"]

    assert run(links) == ["g2", "g2", "g2"]


@pytest.mark.parametrize("position", [0, 1])
def test_a_grant_whose_parent_is_hidden_is_not_exercised(position: int) -> None:
    """Without the parent's grant there is nothing to judge the request against."""
    links = chain()
    del links[position]["grants"][0]

    assert run(links) == ["g2", "g2", "g2"]


def test_grants_of_the_root_can_be_void() -> None:
    """A root grant that no anchor covers counts as hidden; when all are, nothing is permitted."""
    assert run(chain(), void=frozenset({"g1"})) == ["g2", "g2", "g2"]
    assert run(chain(), void=frozenset({"g1", "g2"})) == []


def test_void_names_grants_of_the_root_only() -> None:
    """A leaf grant that is called like a void one of the root is not void for it."""
    links = chain()
    links[1]["grants"] = [{**links[1]["grants"][1], "id": "g1", "from": "g2"}]
    links[2]["grants"] = links[2]["grants"][:1]

    assert run(links, void=frozenset({"g1"})) == ["g2", "g1", "g1"]


def test_only_the_leaf_is_invoked() -> None:
    """What an ancestor could do and the leaf cannot is not permitted (L19, confused deputy)."""
    links = chain()
    for each in links[2]["grants"]:
        each["actions"] = ["invoice.list"]

    assert run(links) == []
    assert run(links[:2]) == ["g1", "g1"]


def test_nothing_permits_nothing() -> None:
    """A chain of no links, and a leaf without disclosed grants, permit nothing."""
    with pytest.raises(CapabilityTargetMismatch) as caught:
        exercise([], request())

    assert caught.value.code == "capability_target_mismatch"


@pytest.mark.parametrize(
    ("when", "arguments", "environment", "expected"),
    [
        ("always", {}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": "80.00"}, {}, False),
        ({"amount": {"gt": "80"}}, {"amount": "80.000000000000000000000000000001"}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": 81}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": 5}, {}, False),
        ({"amount": {"gt": "80"}}, {}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": 1.0}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": ["1"]}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": "1e1"}, {}, True),
        ({"amount": {"gt": "80"}}, {"amount": False}, {}, True),
        ({"region": {"in": ["US"]}}, {"region": "US"}, {}, True),
        ({"region": {"in": ["US"]}}, {"region": "EU"}, {}, False),
        ({"region": {"in": ["US"]}}, {"region": 7}, {}, True),
        ({"region": {"in": ["US"]}}, {}, {}, True),
        ({"region": {"in": ["US"]}, "amount": {"gt": "80"}}, {"region": "EU", "amount": "81"}, {}, True),
        ({"region": {"in": ["US"]}, "amount": {"gt": "80"}}, {"region": "EU", "amount": "80"}, {}, False),
        ({"env.ip": {"in": ["192.0.2.1"]}}, {"env.ip": "192.0.2.2"}, {}, True),
        ({"env.ip": {"in": ["192.0.2.1"]}}, {}, {"env.ip": "192.0.2.2"}, False),
    ],
)
def test_when_an_approval_applies(
    when: object, arguments: dict[str, object], environment: dict[str, object], expected: bool
) -> None:
    """Entries are OR-ed, and what is missing or mistyped counts as true (PROTOCOL section 4)."""
    guarded = grant(approval={"when": when, "approvers": ["did:web:acme.example"], "threshold": 1})

    assert approval_applies(guarded, request(arguments=arguments), environment) == expected


def test_a_grant_without_conditions() -> None:
    """Without limits nothing is counted, without approval nobody is asked."""
    plain = parse(bare_json()).grants[0]

    assert (has_limits(plain), has_limits(grant())) == (False, True)
    assert not approval_applies(plain, request())


def test_a_request_is_what_it_was() -> None:
    """Changing the mapping that a request was made from does not change the request."""
    arguments = dict(GOOD)
    made = request(arguments=arguments)
    arguments["amount"] = "1000000"

    assert made.arguments == GOOD
    assert isinstance(made.arguments, MappingProxyType)
    assert request(arguments=made.arguments) == made


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"type": "grpc"}, ValueError),
        ({"type": ""}, ValueError),
        ({"action": ""}, ValueError),
        ({"resource": ""}, ValueError),
        ({"id": ""}, ValueError),
        ({"action": None}, TypeError),
        ({"resource": b"https://a.example"}, TypeError),
        ({"id": 7}, TypeError),
        ({"arguments": None}, TypeError),
        ({"arguments": [("a", 1)]}, TypeError),
        ({"arguments": {1: 2}}, TypeError),
    ],
)
def test_a_request_that_the_caller_made_wrong(changes: dict[str, Any], error: type[Exception]) -> None:
    """A request is the caller's own value: its mistakes are `TypeError` and `ValueError`."""
    with pytest.raises(error):
        request(**changes)
