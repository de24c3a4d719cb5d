"""Contexts that applications register: pinned by a digest they state, and for good."""

from __future__ import annotations

import builtins
import hashlib
import json
import re
import sys
import threading
from typing import Any

import pytest

from agentdid.canon import contexts
from agentdid.canon.contexts import ContextRules, find_digests, register
from agentdid.canon.jsonld import canonicalize
from agentdid.canon.term_table import Uncovered, compile_context
from agentdid.errors import AgentdidError, ContextLoadForbidden

V2 = "https://www.w3.org/ns/credentials/v2"
STAFF = json.dumps({"@context": {"@protected": True, "badge": "https://acme.example/terms#badge"}}).encode()
EXOTIC = json.dumps(
    {
        "@context": {
            "@version": 1.1,
            "ax": "https://acme.example/terms#",
            "posts": {"@id": "ax:posts", "@container": "@id"},
            "employs": {"@reverse": "ax:employer", "@type": "@id"},
            "labels": {"@id": "ax:labels", "@container": "@index"},
            "address": {"@id": "ax:address"},
            "grouped": "@nest",
            "street": {"@id": "ax:street", "@nest": "grouped"},
            "since": {"@id": "ax:since", "@type": "http://www.w3.org/2001/XMLSchema#date"},
            "count": {"@id": "ax:count", "@type": "http://www.w3.org/2001/XMLSchema#integer"},
            "raw": {"@id": "ax:raw", "@type": "@json"},
            "order": {"@id": "ax:order", "@container": "@list"},
            "nick": "ax:nick",
            "nickname": "ax:nick",
        }
    }
).encode()


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _credential(url: str, **claims: object) -> dict[str, Any]:
    return {
        "@context": [V2, url],
        "type": "VerifiableCredential",
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:agent", **claims},
    }


def _code(document: dict[str, Any]) -> str:
    try:
        canonicalize(document)
    except AgentdidError as error:
        return error.code
    return "accepted"


@pytest.fixture
def exotic() -> str:
    """The URL of a context that tables do not cover."""
    url = "https://acme.example/contexts/exotic/v1"
    register(url, EXOTIC, _sha256(EXOTIC))
    return url


def test_a_registered_context_is_used() -> None:
    """Before, its URL is forbidden; after, its terms are terms."""
    url = "https://acme.example/contexts/staff/v1"
    document = _credential(url, badge="4711")

    assert "context_load_forbidden" == _code(document)
    register(url, STAFF, _sha256(STAFF).upper())
    assert b'<https://acme.example/terms#badge> "4711" .\n' in canonicalize(document)
    assert (_sha256(STAFF), hashlib.sha384(STAFF).hexdigest()) == find_digests(url)
    register(url, STAFF, _sha256(STAFF))
    with pytest.raises(ValueError, match="already known"):
        register(url, EXOTIC, _sha256(EXOTIC))


def test_a_registered_context_is_pinned() -> None:
    """A file that is not the one the application means is not taken; nor is one that is no context."""
    url = "https://acme.example/contexts/other/v1"
    with pytest.raises(ValueError, match="another SHA-256"):
        register(url, STAFF, _sha256(EXOTIC))
    for body in (b"[]", b"{}", b"5"):
        with pytest.raises(ValueError, match="context file"):
            register(url, body, _sha256(body))
    with pytest.raises(ValueError, match="absolute URL"):
        register("relative", STAFF, _sha256(STAFF))
    with pytest.raises(ValueError, match="already known"):
        register(V2, STAFF, _sha256(STAFF))

    assert find_digests(url) is None


def test_registering_from_many_threads() -> None:
    """Every URL is known once all are done, and ranks are distinct."""
    urls = [f"https://acme.example/contexts/thread/{number}" for number in range(40)]
    threads = [threading.Thread(target=register, args=(url, STAFF, _sha256(STAFF))) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(urls) == len({contexts.rank(url) for url in urls})


def test_what_tables_do_not_cover_is_processed_in_general(exotic: str) -> None:
    """Reversed properties, nesting and lists come out as their specification has it."""
    document = _credential(
        exotic,
        employs=["did:example:b"],
        grouped={"street": "Main"},
        since="2026-01-01",
        count=5,
        raw={"b": [None, 1.5], "a:b": "@id"},
        order=["x", "x"],
    )
    found = canonicalize(document).decode()

    assert "<did:example:b> <https://acme.example/terms#employer> <did:example:agent> .\n" in found
    assert '<did:example:agent> <https://acme.example/terms#street> "Main" .\n' in found
    assert '"2026-01-01"^^<http://www.w3.org/2001/XMLSchema#date>' in found
    assert r'"{\"a:b\":\"@id\",\"b\":[null,1.5]}"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>' in found
    assert found.count("#first>") == 2


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"admin": True}, "term_undefined"),
        ({"labels": {"a": "x"}}, "json_rdf_divergence"),
        ({"https://acme.example/terms#street": "Main"}, "json_rdf_divergence"),
        ({"ax:other": "x"}, "json_rdf_divergence"),
        ({"count": "5"}, "json_rdf_divergence"),
        ({"since": 5}, "json_rdf_divergence"),
        ({"count": 5.0}, "json_rdf_divergence"),
        ({"nickname": "x"}, "json_rdf_divergence"),
        ({"address": None}, "json_rdf_divergence"),
        ({"address": []}, "json_rdf_divergence"),
        ({"address": [["x"]]}, "json_rdf_divergence"),
        ({"address": ["x", "x"]}, "json_rdf_divergence"),
        ({"address": {"@value": "x"}}, "json_rdf_divergence"),
        ({"address": {"@value": "x", "@language": "EN"}}, "json_rdf_divergence"),
        ({"address": {"@value": "x", "@type": "http://www.w3.org/2001/XMLSchema#string"}}, "json_rdf_divergence"),
        ({"address": {"@id": "urn:x"}}, "json_rdf_divergence"),
        ({"address": {"id": "relative", "nick": "x"}}, "term_undefined"),
        ({"address": {"id": "did:example:agent", "nick": "x"}}, "json_rdf_divergence"),
        ({"@graph": [{"nick": "x"}]}, "json_rdf_divergence"),
        ({"address": {"@context": {}, "nick": "x"}}, "context_not_allowed"),
        ({"address": {"@value": "x", "@language": "en"}}, "accepted"),
        ({"nick": ["x"], "address": {"id": "did:example:b", "nick": "y"}}, "accepted"),
    ],
)
def test_the_general_processor_has_the_same_rules(exotic: str, claims: dict[str, object], code: str) -> None:
    """What the fast path refuses is refused here, for whatever reason it comes here."""
    found = _code(_credential(exotic, **claims))

    assert code == found or {code, found} == {"term_undefined", "json_rdf_divergence"}


def test_deep_documents_in_general(exotic: str) -> None:
    """PyLD's work grows with the square of the depth; so the depth is bounded before it."""
    node: dict[str, Any] = {"nick": "x"}
    for _ in range(60):
        node = {"address": node}

    assert "json_too_deep" == _code(_credential(exotic, address=node))


def test_an_exotic_credential_in_a_presentation(exotic: str) -> None:
    """A presentation takes the fast path up to the credential that needs the other."""
    presentation = {
        "@context": [V2],
        "type": "VerifiablePresentation",
        "verifiableCredential": [_credential(exotic, employs=["did:example:b"]), _credential(exotic, nick="x")],
    }
    found = canonicalize(presentation).decode()

    assert 2 == found.count("#employer>") + found.count("#nick>")
    assert {f"_:c14n{number}" for number in range(5)} == set(re.findall(r"_:c14n\d", found))
    undefined = {**presentation, "verifiableCredential": _credential(exotic, admin=True)}
    assert "term_undefined" == _code(undefined)


def test_the_missing_extra_is_named(exotic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyLD, what needs it says which extra brings it."""
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "pyld":
            raise ModuleNotFoundError("No module named 'pyld'", name="pyld")
        return real(name, *rest)  # type: ignore[arg-type]  # as they came

    for name in [name for name in sys.modules if name.startswith("pyld")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"agentdid\[rdf\]"):
        canonicalize(_credential(exotic, nick="x"))


def test_vocabularies_are_found_in_every_form() -> None:
    """A context with `@vocab` is one whether tables cover it or not."""
    for number, terms in enumerate(({"@vocab": "https://acme.example/all#"}, {"@vocab": "x", "@propagate": True})):
        url = f"https://acme.example/contexts/all/{number}"
        body = json.dumps({"@context": terms}).encode()
        register(url, body, _sha256(body))

        assert "context_not_allowed" == _code(_credential(url, anything="x"))


@pytest.mark.parametrize(
    "context",
    [
        5, {"@base": "https://x/"}, {"@import": "https://x/"}, {"@propagate": False}, {"@version": 1.0}, {"@vocab": ""},
        {"@language": 5}, {"@protected": "yes"}, {"a": 5}, {"a": {"@id": 5}}, {"a": {"@id": "@list"}},
        {"a": {"@id": "urn:a", "@container": "@index"}}, {"a": {"@id": "urn:a", "@container": 5}},
        {"a": {"@id": "urn:a", "@type": "@set"}}, {"a": {"@reverse": "urn:a"}}, {"a:b": "urn:a"}, {"a/b": "urn:a"},
        {"": "urn:a"}, {"a": {"@id": "urn:a", "@protected": 1}}, {"a": {"@id": "urn:a", "@language": 1}}, {"a": ""},
    ],
)  # fmt: skip
def test_what_the_form_does_not_say(context: object) -> None:
    """It is left to the general processor, never read as something else."""
    with pytest.raises(Uncovered):
        compile_context({"@context": context})


def test_contexts_that_cannot_be() -> None:
    """Circles, terms without an IRI and redefinitions are refused, not followed."""
    rules = ContextRules(inline=True, ordered=False)
    for context in (
        {"a": "b:x", "b": {"@id": "a:y", "@prefix": True}},
        {"a": "b"},
        {"a": {"@type": "@id"}},
        {"a": {"@id": "a"}},
    ):
        with pytest.raises(AgentdidError) as caught:
            canonicalize({"@context": [context], "a": "x"}, rules=rules)
        assert "context_not_allowed" == caught.value.code


def test_contexts_that_include_one_another() -> None:
    """Two registered contexts that name each other end at once."""
    one, two = "https://acme.example/contexts/one", "https://acme.example/contexts/two"
    for url, other in ((one, two), (two, one)):
        body = json.dumps({"@context": [other, {"a": "urn:a"}]}).encode()
        register(url, body, _sha256(body))

    assert "context_not_allowed" == _code(_credential(one, a="x"))


def test_unknown_urls() -> None:
    """Nothing is said of a URL that is not known."""
    with pytest.raises(ContextLoadForbidden):
        contexts.find_document("https://evil.example/v1")

    assert find_digests("https://evil.example/v1") is None
    assert not contexts.is_superseded("0" * 64)
