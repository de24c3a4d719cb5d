"""The closed schema: what parses, into what, and where each departure is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agentdid.codec.base import encode_multibase
from agentdid.delegation.capability import Approval, BudgetLimit, CallLimit, ParentRef, parse_capability
from agentdid.delegation.constraints import Enum, Range
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT, Limits
from tests.capabilities import DIGEST, bare_json, child_json, parse, root_json


def refusal(value: object, path: str = "") -> tuple[str, str]:
    """The code and place with which a capability is refused."""
    with pytest.raises(AgentdidError) as caught:
        parse_capability(value, DEFAULT, path=path)
    return caught.value.code, caught.value.path


def changed(place: str, value: object) -> dict[str, Any]:
    """The root link with the member at a JSON Pointer exchanged (or removed, for `...`)."""
    document = root_json()
    target: Any = document
    *steps, last = [int(step) if step.isdigit() else step for step in place.split("/")[1:]]
    for step in steps:
        target = target[step]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return document


def test_a_root_link() -> None:
    """The example of the specification parses into what it says."""
    capability = parse(root_json())
    grant = capability.grants[0]

    assert (capability.root, capability.principal) == ("did:web:partner.example", "did:web:acme.example")
    assert (capability.depth, capability.max_depth, capability.parent) == (0, 3, None)
    assert (capability.audience, capability.min_security) == (frozenset({"did:web:partner.example"}), "classical")
    assert (grant.id, grant.source, grant.type, grant.autonomy_max) == ("g1", None, "http", 2)
    assert grant.actions == {"invoice.read", "invoice.list"}
    assert grant.resources == ("https://api.partner.example/v1/invoices",)
    assert grant.constraints == {
        "amount": Range(None, Decimal(100)),
        "region": Enum(frozenset({"EU", "UK"}), str),
    }
    assert grant.limits == {
        "calls": CallLimit(100, 3600),
        "budget": BudgetLimit(Decimal(1000), "EUR", "amount", "currency"),
    }
    approvers = frozenset({"did:web:acme.example", "did:web:auditor.example"})
    assert grant.approval == Approval({"amount": Decimal(80)}, approvers, 1)


@pytest.mark.parametrize("base", ["u", "z"])
def test_a_delegated_link(base: str) -> None:
    """A parent is named by id and SHA-256 multihash, in either multibase."""
    value = child_json()
    value["parent"]["digestMultibase"] = encode_multibase(b"\x12\x20" + DIGEST, base)  # type: ignore[arg-type]
    capability = parse(value)

    assert capability.parent == ParentRef(value["parent"]["id"], DIGEST)
    assert (capability.depth, capability.grants[0].source) == (1, "g1")


MEMBERS = [
    *(f"/{name}" for name in root_json()),
    *(f"/grants/0/{name}" for name in root_json()["grants"][0]),
    "/delegation/depth",
    "/delegation/maxDepth",
    "/grants/0/limits/calls/max",
    "/grants/0/limits/calls/window",
    "/grants/0/limits/budget/unitArgument",
    "/grants/0/approval/when",
    "/grants/0/approval/approvers",
    "/grants/0/approval/threshold",
    "/grants/0/constraints/amount/max",
    "/grants/0/constraints/region/in",
]


@pytest.mark.parametrize("place", MEMBERS)
def test_every_member_stands_in_every_link(place: str) -> None:
    """A member that is missing is refused where it should stand."""
    assert refusal(changed(place, ...)) == ("type_mismatch", place.rpartition("/")[0])


@pytest.mark.parametrize("place", MEMBERS)
@pytest.mark.parametrize("value", [{"x": 1}, 1.5, [], True, "", ["", ""], -1, [None], "\u00e9"])
def test_no_member_takes_another_form(place: str, value: object) -> None:
    """A member of another JSON type, an empty list and an empty string are refused at or below the member."""
    if place == "/purpose" and value == "\u00e9":
        pytest.skip("a purpose is words, in any language")
    code, found = refusal(changed(place, value))

    assert code == ("did_invalid" if place in ("/root", "/principal") and isinstance(value, str) else "type_mismatch")
    assert found.startswith(place)


@pytest.mark.parametrize(
    "place",
    ["", "/grants/0", "/delegation", "/grants/0/approval", "/grants/0/limits/calls", "/grants/0/constraints/region"],
)
def test_no_member_is_added(place: str) -> None:
    """A member that we do not know is refused: it could be what the issuer relied on."""
    assert refusal(changed(f"{place}/note", "x")) == ("type_mismatch", place)


@pytest.mark.parametrize(
    ("place", "value", "at"),
    [
        ("/root", "did:", "/root"),
        ("/audience", ["did:web:partner.example", "partner.example"], "/audience"),
        ("/grants/0/approval/approvers", ["acme"], "/grants/0/approval/approvers"),
    ],
)
def test_parties_are_dids(place: str, value: object, at: str) -> None:
    """A string that is no DID is `did_invalid`, at its place."""
    assert refusal(changed(place, value)) == ("did_invalid", at)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/minSecurity", "none"),
        ("/grants/0/autonomyMax", 6),
        ("/grants/0/actions", ["invoice.*"]),
        ("/grants/0/actions", ["*"]),
        ("/grants/0/actions", ["invoice read"]),
        ("/grants/0/actions", ["invoice.read", "invoice.read"]),
        ("/grants/0/type", "https"),
        ("/grants/0/id", "g\u0131"),
        ("/grants/0/id", "g" * 257),
        ("/grants/0/from", "g0"),
        ("/grants/0/approval/threshold", 0),
        ("/grants/0/approval/threshold", 3),
        ("/grants/0/approval/when", "never"),
        ("/grants/0/approval/when", {}),
        ("/grants/0/approval/when/amount", {"gt": "1", "in": ["1"]}),
        ("/grants/0/approval/when/amount", {"lt": "1"}),
        ("/grants/0/approval/when/amount/gt", 80),
        ("/audience", ["did:web:partner.example", "did:web:partner.example"]),
    ],
)
def test_values_outside_their_form(place: str, value: object) -> None:
    """Values have one form each; wildcards, doubles and look-alikes are none."""
    assert refusal(changed(place, value)) == ("type_mismatch", place)


@pytest.mark.parametrize(
    ("window", "seconds"),
    [("PT1S", 1), ("PT60M", 3600), ("P1D", 86_400), ("P2W", 1_209_600), ("P1DT2H3M4S", 93_784), ("PT0M1S", 1)],
)
def test_windows_are_whole_seconds(window: str, seconds: int) -> None:
    """ISO 8601 durations of weeks, or of days, hours, minutes and seconds."""
    capability = parse(changed("/grants/0/limits/calls/window", window))

    assert capability.grants[0].limits["calls"] == CallLimit(100, seconds)


@pytest.mark.parametrize(
    "window",
    [
        "P",
        "PT",
        "P1DT",
        "P1M",
        "P1Y",
        "PT1.5S",
        "PT0S",
        "P0W",
        "-PT1S",
        "pt1s",
        "1H",
        "P1W1D",
        "PT1S1M",
        "PT\u0661S",
        "PT1S\n",
        "",
    ],
)
def test_windows_of_another_form(window: str) -> None:
    """Months, years, fractions, signs and nothing at all are no window."""
    place = "/grants/0/limits/calls/window"

    assert refusal(changed(place, window)) == ("type_mismatch", place)


def test_root_and_delegated_links_are_told_apart() -> None:
    """Depth 0, no parent and grants from nowhere go together."""
    deep, orphan, adopted = root_json(), child_json(), child_json()
    deep["delegation"]["depth"] = 1
    orphan["parent"] = None
    adopted["grants"][0]["from"] = None

    assert refusal(deep) == ("type_mismatch", "/parent")
    assert refusal(orphan) == ("type_mismatch", "/parent")
    assert refusal(adopted) == ("type_mismatch", "/grants/0/from")


@pytest.mark.parametrize(
    "digest",
    [
        encode_multibase(b"\x12\x20" + DIGEST[:-1], "u"),
        encode_multibase(b"\x12\x20" + DIGEST + b"\x00", "u"),
        encode_multibase(b"\x13\x20" + DIGEST, "u"),
        encode_multibase(DIGEST, "z"),
        "m" + "A" * 46,
        "u=",
        "z" * 65,
        "",
        None,
    ],
)
def test_a_parent_digest_of_another_form(digest: object) -> None:
    """Another hash, another length, another base: none names a parent."""
    value = child_json()
    value["parent"]["digestMultibase"] = digest

    assert refusal(value) == ("type_mismatch", "/parent/digestMultibase")


@pytest.mark.parametrize("identifier", ["", None, 7])
def test_a_parent_without_an_id(identifier: object) -> None:
    """A parent has an id."""
    value = child_json()
    value["parent"]["id"] = identifier

    assert refusal(value) == ("type_mismatch", "/parent/id")


def test_grant_ids_are_unique() -> None:
    """Two grants of one id would share counters and children."""
    value = bare_json()
    value["grants"] *= 2

    assert refusal(value) == ("type_mismatch", "/grants/1/id")


def test_grants_are_counted() -> None:
    """More grants than the limit are refused before the first is read."""
    value = bare_json()
    value["grants"] = [{}] * 3
    with pytest.raises(AgentdidError) as caught:
        parse_capability(value, Limits(max_grants=2), path="/x")

    assert (caught.value.code, caught.value.path) == ("input_too_large", "/x/grants")


@pytest.mark.parametrize(("member", "count"), [("actions", 257), ("resources", 65)])
def test_lists_are_bounded(member: str, count: int) -> None:
    """Lists that are compared with a parent's have a length that bounds the work."""
    values = [f"https://a.example/{number}" for number in range(count)]

    assert refusal(changed(f"/grants/0/{member}", values)) == ("input_too_large", f"/grants/0/{member}")


def test_hidden_grants_may_leave_none() -> None:
    """Where grants were hidden the rest may be empty; where none was, it may not."""
    value = root_json()
    value["grants"] = []

    assert parse_capability(value, DEFAULT, hidden_grants=True).grants == ()
    assert refusal(value) == ("type_mismatch", "/grants")


@pytest.mark.parametrize(
    "conditions",
    [
        {"limits": {"calls": {"max": 1, "window": "PT1H"}}},
        {"approval": {"when": "always", "approvers": ["did:web:acme.example"], "threshold": 1}},
    ],
)
def test_counted_grants_have_one_audience(conditions: dict[str, Any]) -> None:
    """Limits and approvals need exactly one audience: two verifiers could not share a counter they do not know of."""
    value = bare_json()
    value["audience"].append("did:web:other.example")
    parse(value)
    value["grants"][0].update(conditions)

    assert refusal(value) == ("type_mismatch", "/grants/0")


def test_one_resource_in_two_spellings() -> None:
    """A resource stands once, whatever its spelling."""
    place = "/grants/0/resources"

    assert refusal(changed(place, ["https://a.example/x", "HTTPS://A.example:443/x"])) == ("type_mismatch", place)


@pytest.mark.parametrize("kind", ["mcp_tool", "a2a_skill"])
def test_tools_and_skills_are_absolute_uris(kind: str) -> None:
    """Tools and skills have absolute URIs of any scheme."""
    value = bare_json()
    value["grants"][0].update(type=kind, resources=["URN:example:tools/invoice", "mcp://partner.example:443/invoice"])

    assert parse(value).grants[0].resources == ("urn:example:tools/invoice", "mcp://partner.example:443/invoice")


def test_places_are_json_pointers_below_the_given_one() -> None:
    """A name with a slash or a tilde is escaped, and the caller's place comes first."""
    value = changed("/grants/0/limits", {"a/b~c": {}})

    assert refusal(value, path="/vc") == ("type_mismatch", "/vc/grants/0/limits/a~1b~0c")


def test_names_are_ascii() -> None:
    """Names of arguments are visible ASCII, so that no two look alike."""
    value = changed("/grants/0/constraints", {"am\u043eunt": {"type": "const", "value": 1}})

    assert refusal(value) == ("type_mismatch", "/grants/0/constraints")


def test_a_capability_is_frozen() -> None:
    """Nothing that was parsed can be changed."""
    grant = parse(root_json()).grants[0]

    with pytest.raises(TypeError):
        grant.constraints["amount"] = Range(None, None)  # type: ignore[index]
    with pytest.raises(AttributeError):
        grant.autonomy_max = 5  # type: ignore[misc]
