"""JSON Pointers select parts of documents, and the statements that the parts make."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from agentdid.canon.contexts import OPEN
from agentdid.canon.jsonld import canonicalize
from agentdid.errors import AgentdidError, DerivedProofMalformed, JsonRdfDivergence, TypeMismatch
from agentdid.proof.selective import (
    canonicalize_and_group,
    canonicalize_with_labels,
    disclose,
    given_labels,
    hmac_labels,
    select,
    shuffled_labels,
)

DOCUMENT: dict[str, Any] = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        {
            "steps": {"@id": "urn:steps", "@container": "@list"},
            "data": {"@id": "urn:data", "@type": "@json"},
            "boats": "urn:boats",
            "length": "urn:length",
        },
    ],
    "id": "urn:uuid:1",
    "type": ["VerifiableCredential"],
    "issuer": {"id": "did:example:i", "name": "Acme"},
    "credentialSubject": {
        "boats": [
            {"name": "one", "length": 5, "boats": {"name": "deep"}},
            {"name": "two", "length": 5},
            {"name": "three", "length": 7},
        ],
        "data": {"id": 1, "boats": [{"name": "literal"}]},
    },
}


def test_selection_keeps_the_way_and_the_order() -> None:
    """Identifiers and types on the way are kept; elements of arrays close up."""
    part = select(DOCUMENT, ["/credentialSubject/boats/2/name", "/credentialSubject/boats/0", "/issuer/name"])

    assert part == {
        "@context": DOCUMENT["@context"],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential"],
        "issuer": {"id": "did:example:i", "name": "Acme"},
        "credentialSubject": {
            "boats": [{"name": "one", "length": 5, "boats": {"name": "deep"}}, {"name": "three"}],
        },
    }


@pytest.mark.parametrize(
    "pointers",
    [
        ["/credentialSubject/boats/0/name", "/credentialSubject/boats/0"],
        ["/credentialSubject/boats/0", "/credentialSubject/boats/0/name"],
        ["/credentialSubject/boats", "/credentialSubject/boats/0/name"],
        ["/credentialSubject/boats/1/name", "/credentialSubject/boats"],
        ["", "/issuer"],
        ["/credentialSubject", "/credentialSubject/boats/2/length"],
    ],
)
def test_the_whole_swallows_the_part(pointers: list[str]) -> None:
    """A part selected beside its whole changes nothing, in either order."""
    whole = min(pointers, key=len)

    assert select(DOCUMENT, [whole]) == select(DOCUMENT, pointers)


def test_pointers_are_unescaped() -> None:
    """`~1` is a slash, `~0` a tilde, and the empty name a name."""
    document = {"a/b~c": {"": [1, 2]}, "x": 3}

    assert {"a/b~c": {"": [2]}} == select(document, ["/a~1b~0c//1"])
    assert select(document, []) is None


@pytest.mark.parametrize(
    "pointer",
    ["issuer", "/nothing", "/credentialSubject/boats/0/id",
     "/issuer/name/x", "/credentialSubject/boats/3", "/credentialSubject/boats/01",
     "/credentialSubject/boats/-", "/credentialSubject/boats/-1", "/credentialSubject/boats/\u0661",
     "/credentialSubject/boats/9999999", "/issuer/", "/credentialSubject/boats/x", None, 5],
)  # fmt: skip
def test_pointers_that_select_nothing(pointer: Any) -> None:  # noqa: ANN401  # some are no strings
    """They are refused; a typing error must not reveal less or more."""
    with pytest.raises(TypeMismatch):
        select(DOCUMENT, [pointer])


def test_groups_share_out_the_statements() -> None:
    """Every statement matches or is of the rest; statements of a part are statements of the whole."""
    pointers = ["/issuer", "/credentialSubject/boats/0/name", "/credentialSubject/boats/1", "/credentialSubject/data"]
    for relabelling in (hmac_labels(bytes(32)), shuffled_labels(bytes(32))):
        for some in itertools.combinations(pointers, 2):
            grouping = canonicalize_and_group(DOCUMENT, relabelling, {"some": some, "none": []}, rules=OPEN)
            group = grouping.groups["some"]

            assert sorted(grouping.lines) == grouping.lines
            assert {**group.matching, **group.rest} == dict(enumerate(grouping.lines))
            assert len(group.matching) == len(group.quads) > 0
            assert {} == grouping.groups["none"].matching


def test_a_literal_is_one_statement() -> None:
    """Objects in a JSON literal are no nodes and get no identifier."""
    grouping = canonicalize_and_group(DOCUMENT, hmac_labels(bytes(32)), {"d": ["/credentialSubject/data"]}, rules=OPEN)

    assert any(
        r"{\"boats\":[{\"name\":\"literal\"}],\"id\":1}" in line for line in grouping.groups["d"].matching.values()
    )


def test_the_verifier_finds_the_statements_again() -> None:
    """The revealed part, under the labels its canonical ones stand for, makes the statements that were grouped."""
    mandatory, selective = ["/issuer"], ["/credentialSubject/boats/1/name", "/credentialSubject/boats/0/boats"]
    for relabelling in (hmac_labels(b"k" * 32), shuffled_labels(b"k" * 32)):
        shown = disclose(DOCUMENT, relabelling, mandatory, selective, rules=OPEN)
        lines, quads = canonicalize_with_labels(shown.document, given_labels(shown.labels), rules=OPEN)

        assert shown.document == select(DOCUMENT, [*mandatory, *selective])
        assert len(lines) == len(quads) == len(shown.mandatory) + len(shown.chosen)
        assert shown.obligatory == [lines[at] for at in shown.mandatory]
        assert [shown.optional[at] for at in shown.chosen] == [
            line for at, line in enumerate(lines) if at not in shown.mandatory
        ]


@pytest.mark.parametrize("labels", [{}, {"c14n1": "u"}, {"c14n0": "u", "c14n1": "v"}])
def test_labels_that_the_proof_does_not_name(labels: dict[str, str]) -> None:
    """Too few, others, or too many: the sender's mistake, not a crash."""
    document: dict[str, Any] = {"@context": DOCUMENT["@context"], "type": "VerifiableCredential"}
    with pytest.raises(DerivedProofMalformed):
        canonicalize_with_labels(document, given_labels(labels), rules=OPEN)

    assert canonicalize_with_labels(document, given_labels({"c14n0": "u"}), rules=OPEN)


def test_nothing_is_shown_without_pointers() -> None:
    """A document of no statements is none."""
    with pytest.raises(TypeMismatch):
        disclose(DOCUMENT, hmac_labels(bytes(32)), [], [], rules=OPEN)


def test_no_part_of_a_literal() -> None:
    """What is one statement is shown whole or not at all."""
    with pytest.raises(TypeMismatch):
        disclose(DOCUMENT, hmac_labels(bytes(32)), ["/issuer"], ["/credentialSubject/data/id"], rules=OPEN)


def test_an_object_that_stands_in_two_places() -> None:
    """A caller may build a document of shared objects; each place is a node of its own all the same."""
    boat = {"name": "one", "length": 5}
    document = {
        "@context": DOCUMENT["@context"], "type": "VerifiableCredential",
        "issuer": {"id": "did:example:i", "boats": boat}, "credentialSubject": {"boats": boat},
    }  # fmt: skip
    shown = disclose(document, hmac_labels(bytes(32)), ["/issuer/boats/name"], ["/credentialSubject"], rules=OPEN)
    lines, _ = canonicalize_with_labels(shown.document, given_labels(shown.labels), rules=OPEN)

    assert len(lines) == len(shown.mandatory) + len(shown.chosen)


def test_nothing_is_selected_from_lists() -> None:
    """Cells of an RDF list have no identifier, so a part of a document with one could not be recognized."""
    document = {**DOCUMENT, "steps": ["x", "y"]}
    with pytest.raises(JsonRdfDivergence):
        canonicalize_and_group(document, hmac_labels(bytes(32)), {"all": ["/steps"]}, rules=OPEN)

    assert canonicalize(document, rules=OPEN)


def test_documents_are_left_as_they_were() -> None:
    """Selecting and skolemizing work on copies."""
    before = repr(DOCUMENT)
    canonicalize_and_group(DOCUMENT, hmac_labels(bytes(32)), {"all": [""]}, rules=OPEN)
    part = select(DOCUMENT, ["/credentialSubject"])
    assert part is not None
    part["credentialSubject"]["boats"].clear()  # type: ignore[index]  # JSON

    assert before == repr(DOCUMENT)


def test_what_only_the_general_processor_reads() -> None:
    """It has no places, and says so."""
    document = {**DOCUMENT, "@context": [*DOCUMENT["@context"], {"x": {"@id": "urn:x", "@nest": "@nest"}}], "x": "y"}
    with pytest.raises(AgentdidError):
        canonicalize_and_group(document, hmac_labels(bytes(32)), {"all": [""]}, rules=OPEN)
