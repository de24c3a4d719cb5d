"""The context files: our tables say what the official ones say, and name them by their published digests."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from pyld import jsonld as pyld

from agentdid.canon import contexts
from agentdid.canon.context_pins import PINS, SUPERSEDED
from agentdid.canon.term_table import compile_context, rebuild_context
from tests.jsonld_documents import LISTS, Json, chance, make_document, register_odd
from tests.vectors_dir import vectors
from tools.compile_contexts import build, main, sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def official() -> dict[str, Path]:
    """The official file of each URL."""
    return sources(vectors("contexts").parent)


def test_the_tables_are_made_from_the_official_files() -> None:
    """`python -m tools.compile_contexts` would write what is there, byte for byte."""
    files = build(vectors("contexts").parent)

    assert [] == [path.name for path, body in files.items() if path.read_bytes() != body]
    assert 0 == main(["--check"])


def test_the_digests_are_the_published_ones(official: dict[str, Path]) -> None:
    """SHA-256 and SHA-384 of each file; those that specifications state are the ones they state."""
    stated = {
        row["url"]: row["spec_stated_sha256"]
        for row in json.loads((vectors("contexts") / "index.json").read_text())["contexts"]
        if "spec_stated_sha256" in row
    }
    for url, path in official.items():
        body = path.read_bytes()

        assert (hashlib.sha256(body).hexdigest(), hashlib.sha384(body).hexdigest()) == contexts.find_digests(url)
    assert len(stated) == 8
    assert [] == [url for url, digest in stated.items() if contexts.find_digests(url).sha256 != digest]  # type: ignore[union-attr]


def test_a_superseded_text_is_known_and_not_used() -> None:
    """The candidate text of credentials/v2, which published digests still name."""
    body = (vectors("contexts") / "credentials-v2-2024-07-CR.jsonld").read_bytes()
    digests = [hashlib.sha256(body).hexdigest(), hashlib.sha384(body).hexdigest()]

    assert all(contexts.is_superseded(each, "https://www.w3.org/ns/credentials/v2") for each in digests)
    assert not contexts.is_superseded(digests[0], "https://www.w3.org/2018/credentials/v1")
    assert [*SUPERSEDED] == digests
    assert digests[0] not in {pin.sha256 for pin in PINS}


def test_a_table_goes_through_the_form_and_back(official: dict[str, Path]) -> None:
    """What is rebuilt from a table compiles to the same table."""
    for url in official:
        layers = contexts.find_layers(url)

        assert layers == compile_context(rebuild_context(layers)), url


def test_expansion_is_the_same_under_rebuilt_contexts(official: dict[str, Path]) -> None:
    """The general processor expands documents alike under the official files and under what is made from tables."""
    register_odd()
    texts = {url: json.loads(path.read_text("utf-8")) for url, path in official.items()}
    used: set[str] = set()

    def load(url: str, _options: object) -> dict[str, object]:
        used.add(url)
        return {"contextUrl": None, "documentUrl": url, "document": texts.get(url) or contexts.find_document(url)}

    def load_rebuilt(url: str, _options: object) -> dict[str, object]:
        return {"contextUrl": None, "documentUrl": url, "document": contexts.find_document(url)}

    for seed in range(250):
        document = make_document(chance(seed))

        assert _expand(document, load) == _expand(document, load_rebuilt)
    assert used >= {url for local in LISTS for url in local if isinstance(url, str)}


def test_every_term_expands_alike(official: dict[str, Path]) -> None:
    """Each name anywhere in each official context, as member and as type, under each type that has a scope."""
    for url, path in official.items():
        text = json.loads(path.read_text("utf-8"))
        if "odrl" in path.read_text("utf-8"):
            continue  # examples/v1 names a context that is not here
        names, scopes = _names(text["@context"])
        for scope in [None, *sorted(scopes)]:
            document: dict[str, Any] = {"@context": url, **dict.fromkeys(sorted(names), "https://example.org/x")}
            document |= {} if scope is None else {"type": scope}
            here, rebuilt = text, contexts.find_document(url)

            assert _expand(document, _only(here)) == _expand(document, _only(rebuilt)), (url, scope)


def _only(document: dict[str, Any]) -> Json:
    def load(url: str, _options: object) -> dict[str, object]:
        found = document
        if url == "https://w3id.org/security/v1" and "EquihashProof2018" in json.dumps(document):
            found = contexts.find_document(url)
        return {"contextUrl": None, "documentUrl": url, "document": found}

    return load


def _names(context: Json) -> tuple[set[str], set[str]]:
    names: set[str] = set()
    scopes: set[str] = set()
    for layer in context if isinstance(context, list) else [context]:
        if not isinstance(layer, dict):
            continue
        for name, entry in layer.items():
            if name[0] == "@":
                continue
            if entry not in ("@id", "@type"):  # it may be an object
                names.add(name)
            if isinstance(entry, dict) and "@context" in entry:
                scopes.add(name)
                inner, deeper = _names(entry["@context"])
                names |= inner
                scopes |= deeper
    return names - {"id", "type"}, scopes


def _expand(document: dict[str, Any], load: Json) -> object:
    try:
        return pyld.expand(document, {"documentLoader": load, "base": ""})
    except pyld.JsonLdError as error:
        return error.code
