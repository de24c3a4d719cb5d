"""ATTACKS layer F: JSON that RDF does not notice is refused, each way with its code."""

from __future__ import annotations

import copy
import socket
import time
from typing import Any

import pytest

from agentdid.canon import contexts, jsonld
from agentdid.canon.contexts import OPEN, STRICT, ContextRules
from agentdid.canon.jsonld import canonicalize
from agentdid.codec.strict_json import encode, parse
from agentdid.errors import AgentdidError

V2 = "https://www.w3.org/ns/credentials/v2"
V1 = "https://www.w3.org/2018/credentials/v1"
OWN = "https://w3id.org/agentdid/v1"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
INTEGRITY = "https://w3id.org/security/data-integrity/v2"
GOOD: dict[str, Any] = {
    "@context": [V2, OWN],
    "id": "urn:uuid:3f0d3c52-6f5a-4a1d-9a58-6c43fbb1a7a5",
    "type": ["VerifiableCredential", "AgentCapabilityCredential"],
    "issuer": {"id": "did:example:issuer", "name": {"@value": "Acme", "@language": "en"}},
    "validFrom": "2026-11-24T11:00:00Z",
    "validUntil": "2026-11-24T20:00:00Z",
    "credentialSubject": {"id": "did:example:agent", "capability": {"grants": [{"max": 100}]}},
    "credentialStatus": {
        "id": "https://status.example/1#7",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://status.example/1",
        "statusSize": 1,
    },
}


def edited(path: str, value: object, *, drop: str | None = None) -> dict[str, Any]:
    """Return the good document with one member set, and another taken away if so asked."""
    document = copy.deepcopy(GOOD)
    *way, last = path.split("/")
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    if drop is not None:
        del document[drop]
    return document


def code(document: object, rules: ContextRules = STRICT) -> str:
    """Return why a document is refused, or `accepted`."""
    try:
        canonicalize(document, rules=rules)  # type: ignore[arg-type]  # some are no objects
    except AgentdidError as error:
        return error.code
    return "accepted"


CRED = "https://www.w3.org/2018/credentials#"
XSD = "http://www.w3.org/2001/XMLSchema#"
ROWS = [
    ("F01", edited("admin", True), "term_undefined"),
    ("F02", edited("credentialSubject/admin", True), "term_undefined"),
    ("F02", edited("issuer/admin", True), "term_undefined"),
    ("F02", edited("credentialStatus/admin", True), "term_undefined"),
    ("F05", edited("@context", [V2, OWN, {"st": f"{CRED}credentialStatus"}]), "context_not_allowed"),
    ("F07", edited("@context", [OWN, V2]), "context_not_allowed"),
    ("F07", edited("@context", [V2, INTEGRITY, OWN]), "context_not_allowed"),
    ("F07", edited("@context", [V2, OWN, OWN]), "context_not_allowed"),
    ("F07", edited("@context", [V2, V2, OWN]), "context_not_allowed"),
    ("F07", edited("@context", []), "context_not_allowed"),
    ("F07", edited("@context", None), "context_not_allowed"),
    ("F08", edited("@context", [V2, OWN, {"@vocab": "https://example.org/#"}]), "context_not_allowed"),
    ("F08", edited("@context", [V2, OWN, EXAMPLES]), "context_not_allowed"),
    ("F10", edited("credentialSubject/capability", {"grants": [{"max": 100.0}]}), "json_rdf_divergence"),
    ("F10", edited("credentialStatus/statusSize", 1.0), "json_rdf_divergence"),
    ("F10", edited("credentialStatus/statusSize", "1"), "json_rdf_divergence"),
    ("F10", edited("validFrom", 5), "json_rdf_divergence"),
    ("F10", edited("validFrom", True), "json_rdf_divergence"),
    ("F12", {"@context": [V2, OWN], "@graph": [{**GOOD, "@context": [V2]}]}, "json_rdf_divergence"),
    *[
        ("F12", edited(f"credentialSubject/{keyword}", value), "json_rdf_divergence")
        for keyword, value in (
            ("@graph", []), ("@included", [{"id": "urn:x"}]), ("@nest", {"name": "x"}), ("@index", "1"),
            ("@reverse", {"issuer": "urn:x"}), ("@set", ["x"]), ("@list", ["x"]), ("@json", 1),
        )
    ],
    ("F12", edited("name", {"@set": ["x"]}), "json_rdf_divergence"),
    ("F12", edited("name", {"@list": ["x"]}), "json_rdf_divergence"),
    ("F12", edited("name", {"@value": "x", "@language": "en", "@index": "1"}), "json_rdf_divergence"),
    ("F13", edited("@id", GOOD["id"], drop="id"), "json_rdf_divergence"),
    ("F13", edited("@type", GOOD["type"], drop="type"), "json_rdf_divergence"),
    ("F13", edited("credentialSubject/@id", "did:example:agent"), "json_rdf_divergence"),
    ("F13", edited("type", [f"{CRED}VerifiableCredential", "AgentCapabilityCredential"]), "json_rdf_divergence"),
    ("F15", edited("evidence", None), "json_rdf_divergence"),
    ("F15", edited("evidence", []), "json_rdf_divergence"),
    ("F15", edited("evidence", [None]), "json_rdf_divergence"),
    ("F15", edited("id", None), "json_rdf_divergence"),
    ("F15", edited("credentialSubject/capability", None), "json_rdf_divergence"),
    ("F15", edited("name", [["x"]]), "json_rdf_divergence"),
    ("F15", edited("name", ["x", "x"]), "json_rdf_divergence"),
    ("F17", edited("@context", [V2, OWN, "https://evil.example/v1"]), "context_load_forbidden"),
    ("F17", edited("@context", "https://evil.example/v1"), "context_load_forbidden"),
    ("F18", edited("credentialSubject/@context", "https://evil.example/v1"), "context_load_forbidden"),
    ("F18", edited("credentialSubject/@context", OWN), "context_not_allowed"),
    ("F22", edited("id", "relative"), "term_undefined"),
    ("F22", edited("id", "#fragment"), "term_undefined"),
    ("F22", edited("id", ""), "term_undefined"),
    ("F22", edited("issuer", "relative"), "term_undefined"),
    ("F22", edited("type", ["VerifiableCredential", "Relative"]), "term_undefined"),
    ("F22", edited("id", "https://example.org/a b"), "json_rdf_divergence"),
    ("F22", edited("id", "_:b0"), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": "x", "@language": "EN"}), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": "x", "@language": "en-GB"}), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": "x", "@type": f"{XSD}string"}), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": "x"}), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": "x", "@direction": "up"}), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": "x", "@direction": ["rtl"]}), "json_rdf_divergence"),
    ("F24", edited("name", {"@value": 5, "@language": "en"}), "json_rdf_divergence"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "document", "expected"), ROWS)
def test_refused(row: str, document: dict[str, Any], expected: str) -> None:
    """F01, F02, F05, F07, F08, F10, F12, F13, F15, F17, F18, F22, F24: each row of the layer has its code."""
    assert expected == code(document)


def test_the_good_document_is_taken() -> None:
    """One that refuses everything fails."""
    assert "accepted" == code(GOOD)
    assert "accepted" == code({**GOOD, "name": {"@value": "\u05e9", "@language": "he", "@direction": "rtl"}})
    assert "accepted" == code({**GOOD, "issuer": "did:example:issuer"})
    assert canonicalize(GOOD) == canonicalize(dict(reversed(GOOD.items())))


def test_f03_a_full_iri_hides_a_member() -> None:
    """`credentialStatus` under its full IRI would be the same statements, and no JSON reader would see it."""
    document = {**GOOD, f"{CRED}credentialStatus": GOOD["credentialStatus"]}
    del document["credentialStatus"]

    assert "json_rdf_divergence" == code(document)
    assert "json_rdf_divergence" == code({**document, "cred:credentialStatus": 1})


def test_f05_an_inline_alias() -> None:
    """Even where inline contexts are taken, a second name for a member is not."""
    document = {**GOOD, "@context": [V2, OWN, {"st": f"{CRED}credentialStatus"}], "st": GOOD["credentialStatus"]}
    del document["credentialStatus"]

    assert "context_not_allowed" == code(document)
    assert "json_rdf_divergence" == code(document, OPEN)


def test_f07_configured_lists() -> None:
    """Where lists are configured, nothing else is taken."""
    rules = ContextRules(lists=frozenset({(V2, OWN)}))

    assert "accepted" == code(GOOD, rules)
    assert "context_not_allowed" == code({**GOOD, "@context": [V2, OWN, INTEGRITY]}, rules)
    assert "accepted" == code({**GOOD, "@context": [V2, OWN, INTEGRITY]})


def test_f08_a_protected_term_is_not_redefined() -> None:
    """An inline context cannot give `issuer` another meaning."""
    for hidden in ({"VerifiableCredential": "urn:x"}, {"type": "@id"}, {"name": {"@id": "urn:x"}}, None):
        assert "context_not_allowed" == code({**GOOD, "@context": [V2, hidden, OWN]}, OPEN) or hidden is None
    assert code({**GOOD, "@context": [V2, None, OWN]}, OPEN) in {"type_mismatch", "context_not_allowed"}


def test_f10_as_it_arrives() -> None:
    """A number spelled `100.0` or `1E2` in the text is refused; `100` is not."""
    for spelling, expected in (("100", "accepted"), ("100.0", "json_rdf_divergence"), ("1E2", "json_rdf_divergence")):
        text = encode({**GOOD, "credentialSubject": {"capability": {"max": 4711}}}).replace(b"4711", spelling.encode())

        assert expected == code(parse(text).value)


def test_f17_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts are never fetched, by whatever path."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for url in ("https://evil.example/v1", "http://127.0.0.1/v1", "file:///etc/passwd", "data:,{}", ""):
        assert "context_load_forbidden" == code({**GOOD, "@context": [V2, url]}, OPEN)
        inline = {"@import": url}
        assert code({**GOOD, "@context": [V2, inline]}, OPEN) in {"context_load_forbidden", "context_not_allowed"}
        scoped = {"room": {"@id": "urn:room", "@context": url}}
        used = {**GOOD, "@context": [V2, OWN, scoped], "room": {"name": "x"}}
        assert "context_load_forbidden" == code(used, OPEN)


def test_f19_a_changed_table_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table on disk that is not the pinned one stops whoever needs it."""
    pin = contexts._KNOWN.pins["https://www.w3.org/ns/cid/v1"]
    monkeypatch.setitem(contexts._KNOWN.pins, pin.url, pin._replace(table_sha256="0" * 64))
    contexts._KNOWN.layers.pop(pin.url, None)
    with pytest.raises(RuntimeError, match="has been changed"):
        canonicalize({"@context": pin.url, "id": "did:example:a"}, rules=ContextRules())


@pytest.mark.parametrize("depth", [65, 200, 1_000, 100_000])
def test_f21_deep_nesting(depth: int) -> None:
    """Objects within objects, deeper than the limit, cost nothing and overflow nothing."""
    node: dict[str, Any] = {"name": "x"}
    for _ in range(depth):
        node = {"evidence": node, "type": "VerifiableCredential"}
    start = time.perf_counter()

    assert "json_too_deep" == code({"@context": V2, **node})
    assert time.perf_counter() - start < 1
    _unwind(node)


def test_f21_deep_literals_and_lists() -> None:
    """So with JSON literals and arrays."""
    value: Any = 1.5
    for _ in range(300):
        value = [value]

    assert "json_too_deep" == code(edited("credentialSubject/capability", value))


def _unwind(node: object) -> None:
    """Take a deep value apart from the outside: Python's own deallocation is not what is tested."""
    while isinstance(node, dict) and "evidence" in node:
        node = node.pop("evidence")


def test_moved_claims() -> None:
    """Claims of a node described in two places could be moved between them unseen."""
    evidence = {"id": "did:example:agent", "name": "x"}

    assert "json_rdf_divergence" == code(edited("evidence", evidence))
    assert "accepted" == code(edited("evidence", {"id": "did:example:agent"}))
    assert "json_rdf_divergence" == code(edited("evidence", {"id": GOOD["id"], "name": "x"}))


def test_second_names() -> None:
    """Of two names for one property, the shorter is taken, as compaction chooses."""
    local = "https://w3id.org/security/v2"

    assert "json_rdf_divergence" == code({"@context": local, "id": "urn:x", "expiration": "2026-01-01T00:00:00Z"}, OPEN)
    assert "accepted" == code({"@context": local, "id": "urn:x", "expires": "2026-01-01T00:00:00Z"}, OPEN)


def test_compact_iris() -> None:
    """`cred:` is a prefix under credentials/v1: an identifier that begins with it would be another one in RDF."""
    document = {
        "@context": [V1],
        "type": "VerifiableCredential",
        "issuer": "cred:issuer",
        "issuanceDate": "2026-11-24T11:00:00Z",
        "credentialSubject": {"id": "did:example:agent"},
    }

    assert "json_rdf_divergence" == code(document)
    assert "accepted" == code({**document, "issuer": "did:example:issuer"})


def test_presentations() -> None:
    """A credential within a presentation has its own context; a string or a bare identifier there says nothing."""
    presentation = {"@context": [V2], "type": "VerifiablePresentation", "holder": "did:example:agent"}

    assert "accepted" == code({**presentation, "verifiableCredential": [GOOD]})
    for nothing in ("urn:x", {"@context": [V2], "id": "urn:x"}, {}, {"@value": "x", "@language": "en"}, 5):
        assert "json_rdf_divergence" == code({**presentation, "verifiableCredential": nothing})
    loose = {name: value for name, value in GOOD.items() if name != "@context"}
    assert "term_undefined" == code({**presentation, "verifiableCredential": loose})
    evil = {**GOOD, "@context": [V2, OWN, "https://evil.example/v1"]}
    assert "context_load_forbidden" == code({**presentation, "verifiableCredential": evil})
    inline = {**GOOD, "@context": [V2, OWN, {"x": "urn:x"}]}
    assert "context_not_allowed" == code({**presentation, "verifiableCredential": inline})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], "type_mismatch"),
        ({**GOOD, "type": [["VerifiableCredential"]]}, "type_mismatch"),
        ({**GOOD, "type": {"a": 1}}, "type_mismatch"),
        ({**GOOD, "type": []}, "json_rdf_divergence"),
        ({**GOOD, "type": ["VerifiableCredential", "VerifiableCredential"]}, "json_rdf_divergence"),
        ({**GOOD, "id": ["urn:x"]}, "type_mismatch"),
        ({**GOOD, "@context": [V2, 5]}, "type_mismatch"),
        ({**GOOD, "@context": [[V2]]}, "type_mismatch"),
        ({**GOOD, "name": "\ud800"}, "encoding_invalid"),
        ({"@context": [V2]}, "json_rdf_divergence"),
    ],
)
def test_shapes(document: object, expected: str) -> None:
    """What is no such document has a code as well, and raises nothing else."""
    assert expected == code(document)


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says where, as a JSON Pointer."""
    with pytest.raises(AgentdidError) as caught:
        jsonld.to_quads(edited("credentialSubject", [{"id": "urn:a"}, {"id": "urn:b", "a/b~c": 1}]))

    assert "/credentialSubject/1/a~1b~0c" == caught.value.path
