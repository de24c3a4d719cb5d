"""Whatever a holder selects of whatever was signed: a part of the statements, which verifies; and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentdid.canon.contexts import OPEN
from agentdid.canon.jsonld import to_quads
from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import encode, parse_object
from agentdid.errors import AgentdidError, Malformed, Refused
from agentdid.keys.secret import SecretKey
from agentdid.proof.disclosures import pointer
from agentdid.proof.selective import canonicalize_with_labels, given_labels, hmac_labels
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import data_integrity, derivation
from tests.jsonld_documents import chance, make_document, register_odd
from tests.profiles import examples

register_odd()
EXAMPLES = examples(60)
CREATED = parse_instant("2026-11-24T12:00:00Z", "")
KEYS = {name: SecretKey.from_seed(suite.algorithms[0], b"\1" * 32) for name, suite in SELECTIVE.items()}
DID = "did:example:issuer"


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every member and element of a document, contexts aside."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for step, each in entries:
        if step != "@context":
            found += [(*path, step), *places(each, (*path, step))]
    return found


def check(document: dict[str, Any], name: str) -> None:
    """Hold a document's derived proof, from its text on."""
    secured = data_integrity.read(parse_object(encode(document)), data_integrity.ASSERTION).written(rules=OPEN)
    (signature,) = secured.signatures
    signature.check(KEYS[name].public)


def sign(document: dict[str, Any], name: str, pointers: list[str]) -> dict[str, Any]:
    """Return the document with a base proof."""
    return derivation.add_base_proof(
        document, KEYS[name], f"{DID}#key-1", name, pointers=pointers, created=CREATED, rules=OPEN
    )


@pytest.mark.parametrize("name", SELECTIVE)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_any_selection(name: str, seed: int, data: st.DataObject) -> None:
    """Any mandatory and chosen places: what is shown verifies, and makes statements of the whole and no others."""
    document = make_document(chance(seed))
    assume("proof" not in document)
    found = [pointer(path) for path in places(document)]
    assume(len(found) > 0)
    some = st.lists(st.sampled_from(found), max_size=4, unique=True)
    mandatory, chosen = data.draw(some), data.draw(some)
    assume(mandatory or chosen)
    try:
        base = sign(document, name, mandatory)
    except AgentdidError:
        assume(condition=False)  # no document of statements, or none that can be parted so
        raise
    try:
        shown = derivation.derive(base, chosen, rules=OPEN)
    except AgentdidError as error:
        # a part of a list, of one literal, or of a graph with contexts of its own is nobody's to show, and says so
        if error.code not in ("type_mismatch", "json_rdf_divergence", "term_undefined", "context_not_allowed"):
            raise
        return
    check(shown, name)
    body = {member: each for member, each in shown.items() if member != "proof"}
    whole = {member: each for member, each in base.items() if member != "proof"}
    key = bytes(32)
    lines, _ = canonicalize_with_labels(whole, hmac_labels(key), rules=OPEN)
    disclosed = derivation.disclose(whole, hmac_labels(key), mandatory, chosen, rules=OPEN)
    part, _ = canonicalize_with_labels(disclosed.document, given_labels(disclosed.labels), rules=OPEN)

    assert body == disclosed.document
    assert set(part) <= set(lines)
    assert len(part) == len(to_quads(body, rules=OPEN)) == len(disclosed.mandatory) + len(disclosed.chosen)


def _document() -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/citizenship/v4rc1"],
        "type": ["VerifiableCredential", "PermanentResidentCardCredential"],
        "issuer": DID,
        "validUntil": "2027-11-24T12:00:00Z",
        "credentialSubject": {
            "type": ["PermanentResident", "Person"],
            "givenName": "Zoe\u0308",
            "birthCountry": "Arcadia",
            "permanentResidentCard": {"type": "PermanentResidentCard", "lprCategory": "C09", "lprNumber": "9"},
        },
    }


SHOWN = {
    name: derivation.derive(
        sign(_document(), name, ["/issuer", "/validUntil"]),
        ["/credentialSubject/givenName", "/credentialSubject/permanentResidentCard/lprNumber"],
    )
    for name in SELECTIVE
}


@pytest.mark.parametrize("name", SELECTIVE)
@settings(max_examples=4 * EXAMPLES)
@given(place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_any_bit_of_the_proof_value(name: str, place: int, bit: int) -> None:
    """One bit of the proof value changed, and it holds no more."""
    shown = SHOWN[name]
    raw = bytearray(decode_multibase(shown["proof"]["proofValue"]))
    raw[place % len(raw)] ^= 1 << bit
    forged = {**shown, "proof": {**shown["proof"], "proofValue": encode_multibase(bytes(raw), "u")}}

    with pytest.raises((Malformed, Refused)):
        check(forged, name)


@pytest.mark.parametrize("name", SELECTIVE)
@settings(max_examples=4 * EXAMPLES)
@given(place=st.integers(0, 2**16), character=st.sampled_from("aZ0 -.:"))
def test_any_character_of_the_text(name: str, place: int, character: str) -> None:
    """One character of the JSON text exchanged, and it holds no more, unless it says the same."""
    check(SHOWN[name], name)
    text = encode(SHOWN[name]).decode()
    at = place % len(text)
    forged = text[:at] + character + text[at + 1 :]
    try:
        value: Any = parse_object(forged.encode()).value
    except Malformed:
        return
    assume(value != SHOWN[name])

    with pytest.raises((Malformed, Refused)):
        check(value, name)


@settings(max_examples=EXAMPLES)
@given(count=st.integers(0, 12), data=st.data())
def test_bbs_any_messages_any_shown(count: int, data: st.DataObject) -> None:
    """Any messages under one signature, any of them shown; none exchanged, added or moved."""
    from agentdid.proof import bbs  # noqa: PLC0415  # an extra

    key = KEYS["bbs-2023"]
    messages = data.draw(st.lists(st.binary(max_size=40), min_size=count, max_size=count))
    shown = sorted(data.draw(st.sets(st.integers(0, count - 1)))) if count else []
    header, presentation = data.draw(st.binary(max_size=64)), data.draw(st.binary(max_size=40))
    public = key.public.raw
    signature = bbs.sign(key.export_seed(), public, header, messages)
    bbs.verify(public, signature, header, messages)
    proof = bbs.prove(public, signature, header, presentation, messages, shown)
    known = [messages[at] for at in shown]
    bbs.verify_proof(public, proof, header, presentation, known, shown)

    for wrong in (
        (header + b"\0", presentation, known, shown),
        (header, presentation + b"\0", known, shown),
        *[
            (header, presentation, [*known[:at], each + b"\0", *known[at + 1 :]], shown)
            for at, each in enumerate(known)
        ],
        *([(header, presentation, known, [each + 1 for each in shown])] if known else []),
    ):
        with pytest.raises((Malformed, Refused)):
            bbs.verify_proof(public, proof, *wrong)
