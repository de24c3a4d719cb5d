"""DCQL: the published queries parse, and select what the specification says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentdid.codec.strict_json import freeze
from agentdid.errors import AgentdidError, QueryNotSatisfied
from agentdid.query.dcql import (
    Candidate,
    check_satisfied,
    evaluate,
    parse_query,
    query_for_action,
    select_paths,
)
from tests.capabilities import root_json
from tests.vectors_dir import vectors

ARTHUR: dict[str, Any] = {
    "name": "Arthur Dent",
    "address": {"street_address": "42 Market Street", "locality": "Milliways", "postal_code": "12345"},
    "degrees": [
        {"type": "Bachelor of Science", "university": "University of Betelgeuse"},
        {"type": "Master of Science", "university": "University of Betelgeuse"},
    ],
    "nationalities": ["British", "Betelgeusian"],
    "numbers": [1, True, "1", 1.0, None],
    "nested": [["a", "b"], ["b"], []],
}
"""The example of OpenID4VP 1.0 section 7.3, and arrays of more kinds."""


def query(*claims: dict[str, Any], **members: object) -> dict[str, Any]:
    """A query for one credential; `claims` may be none."""
    credential: dict[str, Any] = {"id": "q", "format": "dc+sd-jwt", "meta": {}, **members}
    if claims:
        credential["claims"] = list(claims)
    return {"credentials": [credential]}


def selected(*claims: dict[str, Any], **members: object) -> set[tuple[str | int, ...]]:
    """The paths that the claims select in the example."""
    return set(select_paths(parse_query(query(*claims, **members)).credentials[0], ARTHUR))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["name"], {("name",)}),
        (["address"], {("address",)}),
        (["address", "street_address"], {("address", "street_address")}),
        (["degrees", None, "type"], {("degrees", 0, "type"), ("degrees", 1, "type")}),
        (["nationalities", 1], {("nationalities", 1)}),
        (["nested", None, 1], {("nested", 0, 1)}),
        (["nested", None, None], {("nested", 0, 0), ("nested", 0, 1), ("nested", 1, 0)}),
    ],
)
def test_paths_of_the_specification(path: list[object], expected: set[tuple[str | int, ...]]) -> None:
    """Pointers select the values of section 7.3; of arrays, only those that have what comes next."""
    assert selected({"path": path}) == expected


@pytest.mark.parametrize(
    "path",
    [
        ["x"],
        ["name", "x"],
        ["name", 0],
        ["name", None],
        ["address", 0],
        ["degrees", "type"],
        ["nationalities", 2],
        ["nested", 2, None],
        ["nested", None, None, "a"],
    ],
)
def test_pointers_that_fail(path: list[object]) -> None:
    """A pointer into another kind of value, or to nothing, is no match (section 7.1.1)."""
    with pytest.raises(QueryNotSatisfied) as caught:
        selected({"path": path})

    assert caught.value.code == "query_not_satisfied"


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        (["nationalities", None], ["British", "Martian"], {("nationalities", 0)}),
        (["nested", None, None], ["b"], {("nested", 0, 1), ("nested", 1, 0)}),
        (["numbers", None], [1], {("numbers", 0)}),
        (["numbers", None], [True], {("numbers", 1)}),
        (["numbers", None], ["1"], {("numbers", 2)}),
    ],
)
def test_values_choose_elements(path: list[object], values: list[object], expected: set[tuple[str | int, ...]]) -> None:
    """Of an array only the elements whose type and value fit are selected."""
    assert selected({"path": path, "values": values}) == expected


@pytest.mark.parametrize(("path", "value"), [(["name"], "arthur dent"), (["address"], "x"), (["nested", 0], "a")])
def test_values_that_do_not_fit(path: list[object], value: str) -> None:
    """A claim whose value does not fit counts as absent."""
    with pytest.raises(QueryNotSatisfied):
        selected({"path": path, "values": [value]})


def test_no_claims_select_nothing() -> None:
    """Without `claims` nothing that can be hidden is asked for."""
    assert selected() == set()


def test_the_first_claim_set_that_can_be_had() -> None:
    """Claim sets are tried in the verifier's order; if none can be had, there is no match."""
    claims = [{"id": "a", "path": ["tax"]}, {"id": "b", "path": ["name"]}, {"id": "c", "path": ["nationalities", 0]}]

    assert selected(*claims, claim_sets=[["a"], ["c"], ["b", "c"]]) == {("nationalities", 0)}
    with pytest.raises(QueryNotSatisfied):
        selected(*claims, claim_sets=[["a", "b"]])


def test_frozen_claims_are_read_alike() -> None:
    """Claims may come deeply frozen, as a verifier holds them."""
    parsed = parse_query(query({"path": ["degrees", None, "type"], "values": ["Master of Science"]}))

    assert select_paths(parsed.credentials[0], freeze(ARTHUR)) == {("degrees", 1, "type")}  # type: ignore[arg-type]


def test_a_grant_is_selected_by_its_action() -> None:
    """Asking for an action selects that action in the grants that have it, and no other grant."""
    capability = root_json()
    capability["grants"] = [
        {**capability["grants"][0], "id": name, "actions": actions}
        for name, actions in (("g1", ["invoice.list"]), ("g2", ["invoice.list", "invoice.read"]), ("g3", ["x"]))
    ]
    claims = {
        "type": ["VerifiableCredential", "AgentCapabilityCredential"],
        "credentialSubject": {"capability": capability},
    }
    parsed = parse_query(query_for_action("invoice.read"))
    candidate = Candidate("vc+sd-jwt", claims["type"], claims, holder_bound=True)  # type: ignore[arg-type]
    match = evaluate(parsed, [candidate])

    assert match.satisfied
    assert [hit.paths for hit in match.hits["capability_vc_sd-jwt"]] == [
        frozenset({("credentialSubject", "capability", "grants", 1, "actions", 1)})
    ]
    assert match.hits["capability_ldp_vc"] == ()


@pytest.mark.parametrize("form", ["vc+sd-jwt", "ldp_vc"])
def test_a_query_for_an_action_is_answered_in_any_format(form: str) -> None:
    """One format is enough; another format, type, action or an unbound holder is not."""
    parsed = parse_query(query_for_action("invoice.read"))
    types = ["VerifiableCredential", "AgentCapabilityCredential"]
    claims = {"credentialSubject": {"capability": root_json()}}

    check_satisfied(parsed, [Candidate(form, types, claims, holder_bound=True)])
    for wrong in (
        Candidate("vc+jwt", types, claims, holder_bound=True),
        Candidate(form, types[:1], claims, holder_bound=True),
        Candidate(form, types, claims, holder_bound=False),
        Candidate(form, types, {"credentialSubject": {}}, holder_bound=True),
    ):
        with pytest.raises(QueryNotSatisfied) as caught:
            check_satisfied(parsed, [wrong])
        assert caught.value.code == "query_not_satisfied"


def test_a_query_for_nothing_is_the_callers_mistake() -> None:
    """An action and a format are needed."""
    with pytest.raises(ValueError, match="action"):
        query_for_action("")
    with pytest.raises(ValueError, match="format"):
        query_for_action("x", formats=())


@pytest.mark.parametrize(
    ("asked", "types", "fits"),
    [
        ([["AgentCapabilityCredential"]], ["https://w3id.org/agentdid/v1#AgentCapabilityCredential"], True),
        ([["https://w3id.org/agentdid/v1#AgentCapabilityCredential"]], ["AgentCapabilityCredential"], True),
        ([["IDCredential"], ["VerifiableCredential"]], ["VerifiableCredential", "Other"], True),
        ([["VerifiableCredential", "IDCredential"]], ["VerifiableCredential"], False),
        ([["idcredential"]], ["IDCredential"], False),
    ],
)
def test_types(asked: list[list[str]], types: list[str], fits: bool) -> None:
    """Every type of one alternative must be there, as its full IRI or the short name of our contexts."""
    parsed = parse_query(query(format="ldp_vc", meta={"type_values": asked}))

    assert evaluate(parsed, [Candidate("ldp_vc", types, {}, holder_bound=True)]).satisfied is fits


@pytest.mark.parametrize(("vct", "fits"), [("https://a.example/x", True), ("https://a.example", False), (None, False)])
def test_vct(vct: str | None, fits: bool) -> None:
    """A `vct` is one of those that are asked for."""
    parsed = parse_query(query(meta={"vct_values": ["https://a.example/x", "https://a.example/y"]}))

    assert evaluate(parsed, [Candidate("dc+sd-jwt", (), {"vct": vct}, holder_bound=True)]).satisfied is fits


def test_trusted_authorities_are_never_met() -> None:
    """A kind of trust that we do not have is not passed over."""
    parsed = parse_query(query(trusted_authorities=[{"type": "aki", "values": ["s9tIpPmhxdiuNkHMEWNpYim8S8Y"]}]))

    assert not evaluate(parsed, [Candidate("dc+sd-jwt", (), {}, holder_bound=True)]).satisfied


def test_credential_sets() -> None:
    """Each required set needs one option whole; others need nothing."""
    value = {
        "credentials": [{"id": name, "format": name, "meta": {}} for name in ("a", "b", "c", "d")],
        "credential_sets": [{"options": [["a"], ["b", "c"]]}, {"options": [["d"]], "required": False}],
    }
    parsed = parse_query(value)

    def satisfied(*formats: str) -> bool:
        return evaluate(parsed, [Candidate(each, (), {}, holder_bound=True) for each in formats]).satisfied

    assert [satisfied("a"), satisfied("b", "c"), satisfied("c", "d"), satisfied("b"), satisfied()] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_unknown_members_are_ignored() -> None:
    """Members that the specification does not define are passed over, at every level (section 6)."""
    value = query({"path": ["name"], "x": 1}, x=1, meta={"x": 1})
    value["x"] = value["credentials"][0]["claims"][0]["y"] = {}

    plain = parse_query(query({"path": ["name"]}))

    assert parse_query(value).credentials == plain.credentials
    assert parse_query(value).credential_sets == plain.credential_sets


SETS = {"credential_sets": [{"options": [["q"]]}]}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, ""),
        ([], ""),
        ({}, "/credentials"),
        ({"credentials": []}, "/credentials"),
        ({"credentials": ["q"]}, "/credentials/0"),
        (query(id=""), "/credentials/0/id"),
        (query(id="a b"), "/credentials/0/id"),
        (query(id=None), "/credentials/0/id"),
        (query(format=""), "/credentials/0/format"),
        (query(meta=None), "/credentials/0/meta"),
        (query(meta={"type_values": []}), "/credentials/0/meta/type_values"),
        (query(meta={"type_values": ["VerifiableCredential"]}), "/credentials/0/meta/type_values/0"),
        (query(meta={"vct_values": [1]}), "/credentials/0/meta/vct_values"),
        (query(multiple="yes"), "/credentials/0/multiple"),
        (query(require_cryptographic_holder_binding=1), "/credentials/0/require_cryptographic_holder_binding"),
        (query(trusted_authorities=[]), "/credentials/0/trusted_authorities"),
        (query(trusted_authorities=[{"type": "aki"}]), "/credentials/0/trusted_authorities/0/values"),
        (query(trusted_authorities=[{"values": ["x"]}]), "/credentials/0/trusted_authorities/0/type"),
        (query(claims=[]), "/credentials/0/claims"),
        (query({}), "/credentials/0/claims/0/path"),
        (query({"path": []}), "/credentials/0/claims/0/path"),
        (query({"path": [-1]}), "/credentials/0/claims/0/path"),
        (query({"path": [True]}), "/credentials/0/claims/0/path"),
        (query({"path": [1.0]}), "/credentials/0/claims/0/path"),
        (query({"path": ["a"], "values": []}), "/credentials/0/claims/0/values"),
        (query({"path": ["a"], "values": [None]}), "/credentials/0/claims/0/values"),
        (query({"path": ["a"], "values": [1.5]}), "/credentials/0/claims/0/values"),
        (query({"path": ["a"], "id": "a/b"}), "/credentials/0/claims/0/id"),
        (query({"path": ["a"], "id": "a"}, {"path": ["b"], "id": "a"}), "/credentials/0/claims"),
        (query(claim_sets=[["a"]]), "/credentials/0/claim_sets"),
        (query({"path": ["a"]}, claim_sets=[["a"]]), "/credentials/0/claim_sets"),
        (query({"path": ["a"], "id": "a"}, claim_sets=[]), "/credentials/0/claim_sets"),
        (query({"path": ["a"], "id": "a"}, claim_sets=[["b"]]), "/credentials/0/claim_sets/0"),
        (query({"path": ["a"], "id": "a"}, claim_sets=["a"]), "/credentials/0/claim_sets/0"),
        ({"credentials": query()["credentials"] * 2}, "/credentials"),
        ({**query(), "credential_sets": []}, "/credential_sets"),
        ({**query(), "credential_sets": [{}]}, "/credential_sets/0/options"),
        ({**query(), "credential_sets": [{"options": [[]]}]}, "/credential_sets/0/options/0"),
        ({**query(), "credential_sets": [{"options": [["x"]]}]}, "/credential_sets/0/options/0"),
        ({**query(), "credential_sets": [{"options": [["q"]], "required": "no"}]}, "/credential_sets/0/required"),
    ],
)
def test_queries_outside_their_form(value: object, place: str) -> None:
    """Each departure from a defined member's form is refused at its place."""
    with pytest.raises(AgentdidError) as caught:
        parse_query(value)

    assert (caught.value.code, caught.value.path) == ("type_mismatch", place)


@pytest.mark.parametrize(
    "value",
    [
        {"credentials": [{"id": f"q{number}", "format": "x", "meta": {}} for number in range(65)]},
        query(*({"path": [str(number)]} for number in range(129))),
    ],
)
def test_queries_are_bounded(value: object) -> None:
    """A query that would cost too many walks is refused."""
    with pytest.raises(AgentdidError) as caught:
        parse_query(value)

    assert (caught.value.code, caught.value.path) == ("input_too_large", "/credentials")


def test_the_published_examples_parse() -> None:
    """Every query of the specification is one to us; those for mdoc are never matched."""
    folder = vectors("openid4vp-1.0") / "examples"
    files = sorted([*folder.glob("query_lang/*.json"), *folder.glob("request/dcql*.json")])
    queries = [parse_query(json.loads(file.read_text())) for file in files]

    assert len(queries) == 9
    assert not any(evaluate(each, []).satisfied for each in queries)


def test_the_published_credential_answers_its_query() -> None:
    """The specification's Data Integrity credential answers the specification's query for it."""
    folder = vectors("openid4vp-1.0") / "examples"
    parsed = parse_query(json.loads((folder / "request" / "dcql_ldp_vc.json").read_text()))
    document = json.loads((folder / "credentials" / "ldp_vc.json").read_text())
    match = evaluate(parsed, [Candidate("ldp_vc", document["type"], document, holder_bound=True)])

    assert match.satisfied
    assert len(match.hits["example_ldp_vc"][0].paths) == 7


RECORDED = "query-cases.public.json"
OURS = {
    # OpenID4VP 1.0 section 6.1: `meta` is required; the recorded library reads older queries too.
    "where a specific array index was requested": "type_mismatch",
}


def recorded_candidate(value: dict[str, Any]) -> Candidate:
    """A credential of the recorded cases, whose `vct` and `type` stand beside its claims."""
    claims = {**value.get("claims", value.get("namespaces", {}))}
    if "vct" in value:
        claims["vct"] = value["vct"]
    form, bound = value["credential_format"], value["cryptographic_holder_binding"]
    return Candidate(form, value.get("type", ()), claims, holder_bound=bound)


@pytest.mark.parametrize("index", range(13))
def test_recorded_queries(index: int) -> None:
    """The recorded evaluations of dcql-ts are ours too, for the formats that we speak."""
    case = json.loads((vectors("dcql-ts") / RECORDED).read_text())[index]
    if any(each["format"] == "mso_mdoc" for each in case["query"]["credentials"]):
        pytest.skip("asks for mso_mdoc, a format that agentdid does not speak")
    ours = [code for words, code in OURS.items() if words in case["test"]]
    if ours:
        with pytest.raises(AgentdidError) as caught:
            parse_query(case["query"])
        assert caught.value.code == ours[0]
        return
    match = evaluate(parse_query(case["query"]), [recorded_candidate(each) for each in case["credentials"]])
    expected = case["expected"]

    assert match.satisfied == expected["can_be_satisfied"]
    assert {name: [hit.index for hit in hits] for name, hits in match.hits.items()} == {
        name: each["valid_credential_indexes"] for name, each in expected["matches"].items()
    }


@pytest.mark.parametrize("index", range(11))
def test_recorded_presentations(index: int) -> None:
    """What dcql-ts takes for an answer answers our query, and what it does not does not, but for extra credentials."""
    case = json.loads((vectors("dcql-ts") / "presentation-cases.public.json").read_text())[index]
    value = case["context"]["dcqlQuery"]
    if any(each["format"] == "mso_mdoc" for each in value["credentials"]):
        pytest.skip("asks for mso_mdoc, a format that agentdid does not speak")
    if any("meta" not in each for each in value["credentials"]):
        pytest.skip("asks without `meta`, which OpenID4VP 1.0 section 6.1 requires")
    parsed, matched = parse_query(value), {}
    for name, presented in case["presentation"].items():
        candidates = [recorded_candidate(each) for each in (presented if isinstance(presented, list) else [presented])]
        matched[name] = [hit.index for hit in evaluate(parsed, candidates).hits[name]]

    assert matched == {
        name: [each["input_credential_index"] for each in answer.get("valid_credentials", [])]
        for name, answer in case["result"]["credential_matches"].items()
    }
