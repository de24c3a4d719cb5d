"""RDFC-1.0: every test of the W3C suite that is here, both hashes, and the poison it must refuse."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.nquads import parse
from agentdid.canon.rdfc import canonical_labels, canonicalize_quads
from agentdid.errors import CanonicalizationLimit
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

HASHES = {None: "sha256", "SHA256": "sha256", "SHA384": "sha384"}


def _entries(kind: str) -> list[tuple[Path, Path, str]]:
    folder = vectors("w3c-rdf-canon")
    manifest: dict[str, Any] = json.loads((folder / "manifest.jsonld").read_text("utf-8"))
    found = [
        (folder / entry["action"], folder / entry.get("result", entry["action"]), HASHES[entry.get("hashAlgorithm")])
        for entry in manifest["entries"]
        if entry["type"] == f"rdfc:{kind}"
    ]
    return [entry for entry in found if entry[0].exists() and entry[1].exists()]


def test_canonical_datasets() -> None:
    """The published bytes, for every dataset."""
    entries = _entries("RDFC10EvalTest")
    answers = {
        action.name: canonicalize_quads(parse(action.read_text("utf-8")), hash_name=name) == result.read_bytes()
        for action, result, name in entries
    }

    assert len(entries) >= 30
    assert [] == [name for name, same in answers.items() if not same]


def test_canonical_labels() -> None:
    """The published map of blank nodes, for every dataset that has one."""
    entries = _entries("RDFC10MapTest")
    for action, result, name in entries:
        quads = list(dict.fromkeys(parse(action.read_text("utf-8"))))
        labels = canonical_labels(quads, hash_name=name)

        assert json.loads(result.read_text()) == {node[2:]: label[2:] for node, label in labels.items()}, action.name
    assert len(entries) >= 10


def test_poison() -> None:
    """A clique of ten blank nodes, and whatever else is published as poison, is refused within a bounded time."""
    clique = [(f"_:e{a}", "<urn:p>", f"_:e{b}", "") for a in range(10) for b in range(10) if a != b]
    published = [parse(action.read_text("utf-8")) for action, _, _ in _entries("RDFC10NegativeEvalTest")]
    for quads in (clique, *published):
        start = time.perf_counter()
        with pytest.raises(CanonicalizationLimit):
            canonicalize_quads(quads)

        assert time.perf_counter() - start < 10  # half a second on an idle machine
