"""The fast path says what PyLD and pyoxigraph say, or nothing; and no two documents sign alike that read differently.

`HYPOTHESIS_PROFILE=long python -m pytest tests/property/test_rdf_differential.py` runs it in full.
"""

from __future__ import annotations

import json
from typing import Any

import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld as pyld

from agentdid.canon import nquads
from agentdid.canon.contexts import OPEN, find_document
from agentdid.canon.dataset import Dataset
from agentdid.canon.general import write_document
from agentdid.canon.jsonld import canonicalize
from agentdid.canon.rdfc import canonicalize_quads, relabel
from agentdid.errors import AgentdidError
from tests.jsonld_documents import chance, make_document, register_odd
from tests.jsonld_mutations import mutate, normal
from tests.profiles import examples

EXAMPLES = examples(400)
SEEDS = st.integers(0, 2**64)


@pytest.fixture(autouse=True, scope="module")
def _odd() -> None:
    register_odd()


def _load(url: str, _options: object) -> dict[str, object]:
    return {"contextUrl": None, "documentUrl": url, "document": find_document(url)}


def _others(document: dict[str, Any]) -> bytes:
    """Return what PyLD expands and pyoxigraph canonicalizes."""
    text = pyld.to_rdf(
        document,
        {"documentLoader": _load, "format": "application/n-quads", "rdfDirection": "i18n-datatype", "base": ""},
    )
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, pyoxigraph.RdfFormat.N_QUADS))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    return "".join(nquads.write_lines(nquads.parse("".join(f"{quad} .\n" for quad in dataset)))).encode()


def _canonical(document: dict[str, Any]) -> bytes | None:
    try:
        return canonicalize(document, rules=OPEN)
    except AgentdidError:
        return None


@settings(max_examples=EXAMPLES)
@given(SEEDS)
def test_the_fast_path_agrees_with_pyld_and_pyoxigraph(seed: int) -> None:
    """What is taken has the bytes that the field's general processors give it."""
    document = make_document(chance(seed))
    ours = _canonical(document)
    if ours is not None:
        assert _others(document).decode() == ours.decode()


def test_most_documents_are_taken() -> None:
    """The comparison compares: more than half of the documents are ones that the fast path takes."""
    taken = [_canonical(make_document(chance(seed))) is not None for seed in range(200)]

    assert sum(taken) > 100


@settings(max_examples=EXAMPLES // 4)
@given(SEEDS)
def test_our_general_processor_agrees(seed: int) -> None:
    """It gives the same bytes as the fast path, or refuses; what the fast path refuses, it never takes."""
    document = make_document(chance(seed))
    fast = _canonical(document)
    try:
        dataset = Dataset()
        write_document(document, OPEN, dataset, dataset.graphs[0])
        ours = dataset.canonicalize(hash_name="sha256", budget=None)
    except AgentdidError:
        return
    if dataset.quads():
        assert ours == fast


@settings(max_examples=EXAMPLES)
@given(SEEDS)
def test_no_edit_goes_unnoticed(seed: int) -> None:
    """An edited document is refused, or signs differently, unless it says the same in JSON."""
    rng = chance(seed)
    document = make_document(rng)
    ours = _canonical(document)
    if ours is None:
        return
    for _ in range(6):
        edited = mutate(document, rng)
        if normal(edited) != normal(document):
            assert ours != _canonical(edited), json.dumps(edited)


GRAPHS = st.lists(
    st.tuples(
        st.integers(0, 6), st.sampled_from(["<urn:p>", "<urn:q>"]), st.integers(0, 9), st.sampled_from([None, 0, 1, 7])
    ),
    max_size=14,
)


def _quads(edges: list[tuple[int, str, int, int | None]]) -> list[nquads.Quad]:
    def term(number: int) -> str:
        return f"_:n{number}" if number < 7 else f"<urn:n{number}>"

    return [(term(s), p, term(o), "" if g is None else term(g)) for s, p, o, g in edges]


@settings(max_examples=EXAMPLES // 2)
@given(GRAPHS, st.sampled_from(["sha256", "sha384"]))
def test_rdfc_agrees_with_pyoxigraph(edges: list[tuple[int, str, int, int | None]], hash_name: str) -> None:
    """Datasets full of blank nodes that look alike have the labels that another implementation gives them.

    Each triple stands in one graph, and graphs have IRIs: pyoxigraph counts a blank node that is mentioned twice in
    one way once, where RDFC-1.0 section 4.8.2 has "including repetitions".
    """
    quads = _quads(
        [edge if edge[3] in {None, 7} else (*edge[:3], None) for edge in {edge[:3]: edge for edge in edges}.values()]
    )
    text = "".join(nquads.write_lines(quads))
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, pyoxigraph.RdfFormat.N_QUADS))
    algorithm = pyoxigraph.CanonicalizationAlgorithm
    dataset.canonicalize(algorithm.RDFC_1_0 if hash_name == "sha256" else algorithm.RDFC_1_0_SHA_384)

    assert "".join(sorted(f"{quad} .\n" for quad in dataset)).encode() == canonicalize_quads(quads, hash_name=hash_name)


@settings(max_examples=EXAMPLES // 2)
@given(GRAPHS, st.permutations(range(7)), SEEDS)
def test_labels_and_order_of_the_input_do_not_matter(
    edges: list[tuple[int, str, int, int | None]], renamed: list[int], seed: int
) -> None:
    """Isomorphic datasets have one canonical form, blank graph names and repeated quads included."""
    quads = _quads(edges)
    other = relabel(quads, {f"_:n{number}": f"_:x{renamed[number]}" for number in range(7)})
    chance(seed).shuffle(other)

    assert canonicalize_quads(quads) == canonicalize_quads(other + other[:2])
