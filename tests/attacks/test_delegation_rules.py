"""Layer L of the attack list, at the level of capabilities: each wider child is refused with its exact code."""

from __future__ import annotations

from typing import Any

import pytest

from agentdid.delegation.narrowing import check_narrower, is_narrower
from agentdid.errors import AgentdidError
from tests.capabilities import child_json, parse, root_json


def refusal(child: dict[str, Any], parent: dict[str, Any] | None = None) -> tuple[str, str]:
    """The code and place with which the child link is refused."""
    with pytest.raises(AgentdidError) as caught:
        check_narrower(parse(child), parse(parent or root_json()))
    return caught.value.code, caught.value.path


def test_l01_an_action_that_the_parent_lacks() -> None:
    """L01: a child with an action of its own is not attenuated."""
    child = child_json()
    child["grants"][0]["actions"].append("invoice.delete")

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/actions")


def test_l01_a_grant_from_nowhere() -> None:
    """L01: a grant that narrows no disclosed grant of the parent is not attenuated."""
    child = child_json()
    child["grants"][0]["from"] = "g2"

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/from")


@pytest.mark.parametrize(
    "resource",
    [
        "https://api.partner.example/v1/invoicesx",
        "https://api.partner.example/v1/invoices/../admin",
        "https://api.partner.example/v1/invoices/..",
        "https://api.partner.example/v1/invoices/./x",
        "https://api.partner.example/v1/invoices/%2e%2e/admin",
        "https://api.partner.example/v1/invoices/.%2E/admin",
        "https://api.partner.example/v1/invoices/%252e%252e/admin",
        "https://api.partner.example/v1/invoices/%252fx",
        "https://api.partner.example/v1/Invoices",
        "https://api.partner.example/V1/invoices/7",
        "https://api.partner.example./v1/invoices",
        "https://api.partner.example/v1/invoices./7",
        "https://api.partner.example/v1",
        "https://api.partner.example",
        "https://api.partner.example:8443/v1/invoices",
        "http://api.partner.example/v1/invoices",
        "https://api.partner.example.evil.example/v1/invoices",
        "https://evil.example/v1/invoices",
    ],
)
def test_l10_a_resource_outside_the_parents(resource: str) -> None:
    """L10: prefixes that are no segments, dot segments, case and trailing dots lie below nothing."""
    child = child_json()
    child["grants"][0]["resources"] = [resource]

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/resources")


@pytest.mark.parametrize(
    "resource",
    [
        "https://api.partner.example/v1/invoices%2fx",
        "https://api.partner.example/v1/invoices%2Fx",
        "https://api.partner.example/v1/invoices%5cx",
        "https://api.partner.example/v1/invoices%00",
        "https://api.partner.example/v1/invoices\\..\\admin",
        "https://api.partner.example/v1/invoices;x=1",
        "https://api.partner.example/v1//invoices",
        "https://api.partner.example//v1/invoices",
        "https://api.partner.example/v1/invoices?id=1",
        "https://api.partner.example/v1/invoices#7",
        "https://a@api.partner.example/v1/invoices",
        "https://a:b@api.partner.example/v1/invoices",
        "https://api.partner.example/v1/invoices%",
        "https://api.partner.example/v1/invoices%zz",
        "https://api.partner.example:/v1/invoices",
        "https://api.partner.example:0443/v1/invoices",
        "https://api.partner.example:99999/v1/invoices",
        "https:///v1/invoices",
        "https:v1/invoices",
        "//api.partner.example/v1/invoices",
        "/v1/invoices",
        "https://api.partner.example/v1/invoices ",
        "https://api.partner.example/v1/\u212anvoices",
        "urn:example:invoices",
        "",
    ],
)
def test_l10_a_resource_that_servers_read_differently(resource: str) -> None:
    """L10: a resource whose form two readers could understand differently is malformed."""
    child = child_json()
    child["grants"][0]["resources"] = [resource]

    assert refusal(child) == ("type_mismatch", "/grants/0/resources")


@pytest.mark.parametrize(
    "resource",
    [
        "HTTPS://API.Partner.Example:443/v1/invoices",
        "https://api.partner.example/v1/invoices/",
        "https://api.partner.example/v1/invoices/7",
        "https://api.partner.example/v1/%69nvoices/7",
        "https://api.partner.example/v1/invoices/..7",
    ],
)
def test_l10_a_resource_inside_the_parents(resource: str) -> None:
    """L10: other spellings of the parent's resource, and what lies below it, are narrower."""
    child = child_json()
    child["grants"][0]["resources"] = [resource]

    assert is_narrower(parse(child), parse(root_json()))


@pytest.mark.parametrize(
    ("member", "value", "place"),
    [
        ("constraints", {"amount": {"type": "range", "max": "100.5"}}, "/grants/0/constraints/amount"),
        ("constraints", {"amount": {"type": "range", "min": "1"}}, "/grants/0/constraints/amount"),
        ("constraints", {"amount": {"type": "const", "value": "100.0001"}}, "/grants/0/constraints/amount"),
        ("constraints", {"amount": {"type": "prefix", "value": "1"}}, "/grants/0/constraints/amount"),
        ("constraints", {"region": {"type": "enum", "in": ["EU"]}}, "/grants/0/constraints/amount"),
        ("constraints", {}, "/grants/0/constraints/amount"),
    ],
)
def test_l12_a_wider_constraint(member: str, value: object, place: str) -> None:
    """L12: a constraint that is widened by half a unit, exchanged or dropped is not attenuated."""
    child = child_json()
    child["grants"][0][member] = value

    assert refusal(child) == ("capability_not_attenuated", place)


@pytest.mark.parametrize(
    ("limit", "member", "value"),
    [
        ("budget", "max", "1000.01"),
        ("budget", "unit", "USD"),
        ("budget", "argument", "net"),
        ("budget", "unitArgument", "unit"),
        ("calls", "max", 101),
        ("calls", "window", "PT59M59S"),
    ],
)
def test_l12_a_wider_limit(limit: str, member: str, value: object) -> None:
    """L12: a limit with a greater maximum, a shorter window, another unit or another argument is not attenuated."""
    child = child_json()
    child["grants"][0]["limits"][limit][member] = value

    assert refusal(child) == ("capability_not_attenuated", f"/grants/0/limits/{limit}")


def test_l12_a_limit_that_is_dropped() -> None:
    """L12: a child keeps every limit."""
    child = child_json()
    del child["grants"][0]["limits"]["budget"]

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/limits/budget")


@pytest.mark.parametrize(
    "value", ["-1", "-0", "1e2", "1E2", "+1", "01", ".5", "1.", "1,0", " 1", "1\n", "\u0661", "NaN", "", "9" * 65]
)
def test_l12_a_limit_that_is_no_plain_decimal(value: str) -> None:
    """L12: a negative limit, and any spelling of a decimal but the plain one, is malformed."""
    child = child_json()
    child["grants"][0]["limits"]["budget"]["max"] = value

    assert refusal(child) == ("type_mismatch", "/grants/0/limits/budget/max")


@pytest.mark.parametrize("value", [-1, 1.0, True, "100", None])
def test_l12_a_count_that_is_no_count(value: object) -> None:
    """L12: a number of calls is a JSON integer that is not negative."""
    child = child_json()
    child["grants"][0]["limits"]["calls"]["max"] = value

    assert refusal(child) == ("type_mismatch", "/grants/0/limits/calls/max")


@pytest.mark.parametrize("value", ["1e2", "01", "+1", 100, 100.0, None])
def test_l12_a_bound_that_is_no_plain_decimal(value: object) -> None:
    """L12: the bounds of a range are decimals as strings."""
    child = child_json()
    child["grants"][0]["constraints"]["amount"]["max"] = value

    assert refusal(child) == ("type_mismatch", "/grants/0/constraints/amount/max")


@pytest.mark.parametrize("kind", ["regex", "Range", "", "not", "const "])
def test_l14_an_unknown_caveat(kind: str) -> None:
    """L14: a constraint type that is unknown is refused, in a root as in a child."""
    child = child_json()
    child["grants"][0]["constraints"]["note"] = {"type": kind, "value": "x"}

    assert refusal(child) == ("capability_unknown_caveat", "/grants/0/constraints/note/type")


def test_l14_an_unknown_member_of_a_grant() -> None:
    """L14: a condition in a member that we do not know is not passed over."""
    child = child_json()
    child["grants"][0]["conditions"] = {}

    assert refusal(child) == ("type_mismatch", "/grants/0")


def test_l15_a_parent_that_may_not_be_delegated() -> None:
    """L15: below maxDepth 0 there is nothing."""
    parent = root_json()
    parent["delegation"]["maxDepth"] = 0
    child = child_json()
    child["delegation"]["maxDepth"] = 0

    assert refusal(child, parent) == ("delegation_forbidden", "/delegation/depth")


@pytest.mark.parametrize("depth", [2, 3])
def test_l16_a_depth_that_skips(depth: int) -> None:
    """L16: depth counts up by exactly one."""
    assert refusal(child_json(depth)) == ("delegation_forbidden", "/delegation/depth")


def test_l16_a_depth_that_stays() -> None:
    """L16: a grandchild that claims its parent's depth is refused."""
    assert refusal(child_json(1), child_json(1)) == ("delegation_forbidden", "/delegation/depth")


def test_l16_a_max_depth_that_grows() -> None:
    """L16: maxDepth is absolute and never grows."""
    child = child_json()
    child["delegation"]["maxDepth"] = 4

    assert refusal(child) == ("delegation_forbidden", "/delegation/maxDepth")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("root", "did:web:evil.example"),
        ("principal", "did:web:evil.example"),
        ("purpose", "anything"),
        ("audience", ["did:web:evil.example"]),
    ],
)
def test_a_child_with_another_party(member: str, value: object) -> None:
    """Root, principal and purpose are the parent's, and the audience is among the parent's."""
    child = child_json()
    child[member] = value

    assert refusal(child) == ("capability_not_attenuated", f"/{member}")


def test_a_child_that_asks_for_less_security() -> None:
    """`minSecurity` never goes down: classical, then pq, then hybrid."""
    parent = root_json()
    parent["minSecurity"] = "hybrid"
    child = child_json()
    child["minSecurity"] = "pq"

    assert refusal(child, parent) == ("capability_not_attenuated", "/minSecurity")


@pytest.mark.parametrize(
    "approval",
    [
        None,
        {"when": {"amount": {"gt": "80.01"}}, "approvers": ["did:web:acme.example"], "threshold": 1},
        {"when": {"region": {"in": ["EU"]}}, "approvers": ["did:web:acme.example"], "threshold": 1},
        {"when": {"amount": {"in": ["80.00"]}}, "approvers": ["did:web:acme.example"], "threshold": 1},
        {"when": "always", "approvers": ["did:web:evil.example"], "threshold": 1},
    ],
)
def test_a_child_that_asks_for_less_approval(approval: object) -> None:
    """Approval is dropped by nobody: no fewer occasions, no other people."""
    child = child_json()
    child["grants"][0]["approval"] = approval

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/approval")


def test_a_child_with_more_autonomy() -> None:
    """`autonomyMax` never grows."""
    child = child_json()
    child["grants"][0]["autonomyMax"] = 3

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/autonomyMax")


def test_a_child_of_another_type() -> None:
    """A right over HTTP is no right to call a tool."""
    child = child_json()
    child["grants"][0]["type"] = "mcp_tool"

    assert refusal(child) == ("capability_not_attenuated", "/grants/0/type")


def test_measured_fact_7_read_then_nothing_then_delete() -> None:
    """A peer's chain check accepted read, then nothing, then delete: here a link without actions is malformed."""
    child = child_json()
    child["grants"][0]["actions"] = []

    assert refusal(child) == ("type_mismatch", "/grants/0/actions")


def test_measured_fact_7_an_omitted_list() -> None:
    """A peer lets a child omit its allowed actions: here every member stands in every link."""
    child = child_json()
    del child["grants"][0]["actions"]

    assert refusal(child) == ("type_mismatch", "/grants/0")


def test_z16_a_strict_subset_three_links_long() -> None:
    """Z16: a chain of strict subsets is narrower at each step, and so from end to end."""
    middle, leaf = child_json(1), child_json(2)
    middle["grants"][0]["actions"] = leaf["grants"][0]["actions"] = ["invoice.read"]
    leaf["grants"][0]["resources"] = ["https://api.partner.example/v1/invoices/7"]
    leaf["grants"][0]["limits"]["calls"] = {"max": 1, "window": "P1D"}
    leaf["delegation"]["maxDepth"] = 2

    assert is_narrower(parse(middle), parse(root_json()))
    assert is_narrower(parse(leaf), parse(middle))
