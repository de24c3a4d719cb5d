"""JSON-LD at its edges: what specifications allow and credentials seldom have."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pyoxigraph
import pytest

from agentdid.canon import contexts, nquads
from agentdid.canon.contexts import OPEN, register
from agentdid.canon.jsonld import canonicalize, to_quads
from agentdid.canon.rdfc import canonical_labels, canonicalize_quads
from agentdid.codec.strict_json import encode, parse
from agentdid.errors import AgentdidError, CanonicalizationLimit, EncodingInvalid, TypeMismatch
from agentdid.limits import Budget, Limits

V2 = "https://www.w3.org/ns/credentials/v2"
OWN = "https://w3id.org/agentdid/v1"
TERMS: dict[str, Any] = {
    "id": "@id",
    "type": "@type",
    "list": {"@id": "urn:list", "@container": "@list"},
    "deep": {"@id": "urn:deep"},
    "box": {"@id": "urn:box", "@container": "@graph"},
    "titles": {"@id": "urn:titles", "@container": "@language"},
    "kind": {"@id": "urn:kind", "@type": "@vocab"},
    "count": {"@id": "urn:count", "@type": "http://www.w3.org/2001/XMLSchema#integer"},
    "weight": {"@id": "urn:weight", "@type": "http://www.w3.org/2001/XMLSchema#double"},
    "gone": None,
    "self": "@id",
    "blank": {"@id": "urn:blank"},
    "T": {"@id": "urn:T", "@context": {"inner": "urn:inner"}},
}


def code(members: dict[str, Any], terms: object = TERMS) -> str:
    """Return why a document is refused, or its canonical form."""
    try:
        return canonicalize({"@context": [terms], **members}, rules=OPEN).decode()
    except AgentdidError as error:
        return error.code


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"self": "urn:x"}, "json_rdf_divergence"),
        ({"gone": "x"}, "term_undefined"),
        ({"kind": "gone"}, "term_undefined"),
        ({"kind": "@id"}, "json_rdf_divergence"),
        ({"kind": "nothing"}, "term_undefined"),
        ({"titles": {}}, "json_rdf_divergence"),
        ({"titles": {"EN": "x"}}, "json_rdf_divergence"),
        ({"titles": {"en": None}}, "json_rdf_divergence"),
        ({"titles": {"en": []}}, "json_rdf_divergence"),
        ({"count": "true"}, "json_rdf_divergence"),
        ({"count": "5.0E0"}, "json_rdf_divergence"),
        ({"weight": "NaN"}, '_:c14n0 <urn:weight> "NaN"^^<http://www.w3.org/2001/XMLSchema#double> .\n'),
        ({"weight": "INF"}, '_:c14n0 <urn:weight> "INF"^^<http://www.w3.org/2001/XMLSchema#double> .\n'),
        ({"weight": 5}, '_:c14n0 <urn:weight> "5.0E0"^^<http://www.w3.org/2001/XMLSchema#double> .\n'),
        ({"count": "05"}, '_:c14n0 <urn:count> "05"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'),
        ({"box": {"list": ["x"], "@context": {"list": "urn:other"}}}, "_:c14n0"),
        ({"deep": {"@context": [{}], "deep": "x"}}, "context_not_allowed"),
        ({"list": []}, "_:c14n0 <urn:list> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil> .\n"),
        ({"list": [["x"], []]}, "_:c14n0"),
        ({"list": [None]}, "json_rdf_divergence"),
    ],
)
def test_values(members: dict[str, Any], expected: str) -> None:
    """Each has its statements or its code."""
    found = code(members)

    assert found == expected or (expected == "_:c14n0" and " <urn:" in found)


@pytest.mark.parametrize(
    ("terms", "members", "expected"),
    [
        ({"a": "b", "@vocab": "https://example.org/#"}, {"a": "x"}, '_:c14n0 <https://example.org/#b> "x" .\n'),
        ({"a": {"@type": "@id"}, "@vocab": "urn://v/"}, {"a": "urn:x"}, "_:c14n0 <urn://v/a> <urn:x> .\n"),
        ({"b": "urn:b#", "a": "b:c"}, {"a": "x"}, '_:c14n0 <urn:b#c> "x" .\n'),
        ({"b": {"@id": "urn:b/", "@prefix": True}, "a": "b:c"}, {"a": "x"}, '_:c14n0 <urn:b/c> "x" .\n'),
        ({"b": {"@id": "urn:b/"}, "a": "b:c"}, {"a": "x"}, '_:c14n0 <b:c> "x" .\n'),
        ({"b": "urn:b", "a": "b"}, {"b": "x"}, "json_rdf_divergence"),
        ({"b": "urn:b", "a": "b"}, {"a": "x"}, '_:c14n0 <urn:b> "x" .\n'),
        ({"a": {"@id": None}}, {"a": "x"}, "term_undefined"),
        ({"a": "urn:a b"}, {"a": "x"}, "term_undefined"),
        ({"@vocab": "https://example.org/#"}, {"a b": "x"}, "term_undefined"),
        ({"@language": "EN", "a": "urn:a"}, {"a": "x"}, '_:c14n0 <urn:a> "x"@en .\n'),
        ({"@direction": "rtl", "a": "urn:a"}, {"a": "x"}, '_:c14n0 <urn:a> "x"^^<https://www.w3.org/ns/i18n#_rtl> .\n'),
        ({"@language": "en", "a": "urn:a"}, {"a": {"@value": "x", "@language": "en"}}, "json_rdf_divergence"),
        ({"a": {"@id": "urn:a", "@type": "@none"}}, {"a": "x"}, '_:c14n0 <urn:a> "x" .\n'),
        ({"a": {"@id": "urn:a", "@type": "urn:x> <urn:y"}}, {"a": "x"}, "term_undefined"),
        ({"@language": "en> <urn:y", "a": "urn:a"}, {"a": "x"}, "json_rdf_divergence"),
        ({"@direction": "up> <urn:y", "a": "urn:a"}, {"a": "x"}, "context_not_allowed"),
    ],
)
def test_terms(terms: object, members: dict[str, Any], expected: str) -> None:
    """Terms are defined as JSON-LD 1.1 API section 4.2.2 has it, prefixes and vocabularies included."""
    assert expected == code(members, terms)


def test_protected_terms_are_not_forgotten() -> None:
    """A null context after them is refused; a property's own context may forget them."""
    assert "context_not_allowed" == code({"a": "x"}, None) or code({"a": "x"}, None) == "type_mismatch"
    protected = {"@protected": True, "a": "urn:a", "room": {"@id": "urn:room", "@context": None}}

    assert "term_undefined" == code({"room": {"a": "x"}}, protected)
    assert "context_not_allowed" == code({"type": "T", "b": "x"}, {**TERMS, **_protecting_type()})


def _protecting_type() -> dict[str, Any]:
    return {"@protected": True, "T": {"@id": "urn:T", "@context": None}}


def test_literals_of_checked_texts_take_the_short_way() -> None:
    """`plain` spares a walk and changes no byte."""
    document = {
        "@context": [V2, OWN],
        "type": ["VerifiableCredential", "AgentCapabilityCredential"],
        "issuer": "did:example:i",
        "credentialSubject": {"capability": {"b": ["\x7f", "\ufffe", 'q"\\\n'], "a": None}},
    }
    text = parse(encode(document).replace(b"\\ufffe", "\ufffe".encode()))

    assert text.plain
    assert canonicalize(document) == canonicalize(text.value, plain=True)  # type: ignore[arg-type]  # an object
    assert r"[\"\u007F\",\"\uFFFE\",\"q\\\"\\\\\\n\"]" in canonicalize(document).decode()


def test_memories_are_bounded() -> None:
    """A stranger who invents names under a vocabulary, or combines types, fills no memory."""
    terms = {"@vocab": "https://example.org/#", "type": "@type", "kind": {"@id": "urn:kind", "@type": "@vocab"}}
    url = "https://acme.example/contexts/any/1"
    body = encode({"@context": terms})
    register(url, body, hashlib.sha256(body).hexdigest())
    for number in range(1100):
        document = {"@context": url, "type": f"T{number}", f"name{number}": "x", "kind": f"k{number}"}
        assert 3 == len(to_quads(document, rules=OPEN))
    active = OPEN.roots[(url,)]

    assert max(len(active.fields), len(active.typed_contexts), len(active.vocab_iris)) == 1024
    for number in range(300):
        canonicalize({"@context": [url] * (number + 1), "x": "y"}, rules=OPEN)
    assert len(OPEN.roots) <= 256


def test_nquads_that_are_none() -> None:
    """A line that is no quad, and an escape that is no character, have their codes."""
    iris = ("<urn:\\\\a> <urn:b> <urn:c> .", "<urn:a> <urn:\\u0020b> <urn:c> .", "<urn:a> <b> <urn:c> .")
    for line in (
        "x", "<urn:a> <urn:b> .", '<urn:a> "p" "o" .', '<urn:a> <urn:b> "o" "g" .', "<urn:a> <urn:b> <urn:c>", *iris
    ):  # fmt: skip
        with pytest.raises(TypeMismatch):
            nquads.parse(line)
    with pytest.raises(EncodingInvalid):
        nquads.parse('<urn:a> <urn:b> "\\UFFFFFFFF" .')

    assert [] == nquads.parse("# nothing\n\n  \n")
    assert [("<urn:a>", "<urn:b>", '"\\t\u00e9\\u0000"', "_:g")] == nquads.parse(
        '<urn:a><urn:b>"\\u0009\\U000000E9\\u0000"^^<http://www.w3.org/2001/XMLSchema#string> _:g . # tail'
    )


def test_a_long_row_of_nodes_that_look_alike() -> None:
    """It is refused before Python's own stack ends."""
    quads = [(f"_:n{number}", "<urn:p>", f"_:n{(number + 1) % 900}", "") for number in range(900)]
    with pytest.raises(CanonicalizationLimit):
        canonicalize_quads(quads, budget=Budget.of(Limits(max_rdfc_steps=10**7)))


def test_graphs_that_are_hard_to_tell_apart() -> None:
    """Regular graphs take the whole algorithm; another implementation gives them the same labels."""
    both = [(a, b) for a in (0, 1, 2) for b in (3, 4, 5)]
    prism = [(6, 7), (7, 8), (8, 6), (9, 10), (10, 11), (11, 9), (6, 9), (7, 10), (8, 11)]
    ring = [(number, (number + 1) % 5) for number in range(5)]
    petersen = [*ring, *((5 + a, 5 + (2 * b - a) % 5) for a, b in ring), *((number, 5 + number) for number in range(5))]
    chosen = random.Random(7)  # noqa: S311  # to be repeated
    tree = [(number, chosen.randrange(number)) for number in range(1, 14)]
    for edges in (both + prism, petersen, tree, [(0, 1), (1, 2), (2, 3), (0, 2), (4, 5), (5, 6), (6, 7), (4, 6)]):
        quads = [(f"_:n{a}", "<urn:p>", f"_:n{b}", "") for a, b in edges] + [
            (f"_:n{b}", "<urn:p>", f"_:n{a}", "") for a, b in edges
        ]
        dataset = pyoxigraph.Dataset(pyoxigraph.parse("".join(nquads.write_lines(quads)), pyoxigraph.RdfFormat.N_QUADS))
        dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)

        assert "".join(sorted(f"{quad} .\n" for quad in dataset)).encode() == canonicalize_quads(quads)


def test_credentials_that_are_alike() -> None:
    """The same signed credential three times in a presentation costs little more to label than once."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-11-24T11:00:00Z",
        "expires": "2026-11-25T11:00:00Z",
        "verificationMethod": "did:example:issuer#key",
        "proofPurpose": "assertionMethod",
        "domain": "https://api.partner.example",
        "challenge": "nonce",
        "proofValue": "z1",
    }
    signed = {
        "@context": [V2],
        "type": "VerifiableCredential",
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:agent"},
        "proof": proof,
    }
    presentation = {
        "@context": [V2],
        "type": "VerifiablePresentation",
        "verifiableCredential": [signed, signed, signed],
    }
    quads = to_quads(presentation)
    dataset = pyoxigraph.Dataset(pyoxigraph.parse("".join(nquads.write_lines(quads)), pyoxigraph.RdfFormat.N_QUADS))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    budget = Budget.of(Limits(max_rdfc_steps=1_000))

    assert "".join(sorted(f"{quad} .\n" for quad in dataset)).encode() == canonicalize(presentation, budget=budget)


def test_the_budget_is_that_of_the_input() -> None:
    """Two labellings paid from one budget share it."""
    quads = [(f"_:n{a}", "<urn:p>", f"_:n{b}", "") for a in range(4) for b in range(4) if a != b]
    budget = Budget.of(Limits(max_rdfc_steps=1_500))
    canonical_labels(quads, budget=budget)
    with pytest.raises(CanonicalizationLimit):
        canonical_labels(quads, budget=budget)


def test_what_is_no_json_is_no_context() -> None:
    """Registering it is a caller's mistake."""
    body = b'{"@context": {"a": "urn:a", "a": "urn:b"}}'
    with pytest.raises(ValueError, match="context file"):
        register("https://acme.example/contexts/twice", body, hashlib.sha256(body).hexdigest())

    assert contexts.find_digests("https://acme.example/contexts/twice") is None
