"""vc-di-ecdsa (ecdsa-sd-2023) and vc-di-bbs (bbs-2023): every published intermediate value, ours to the byte."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.contexts import OPEN
from agentdid.canon.jsonld import canonicalize
from agentdid.codec.base import decode_multibase
from agentdid.codec.strict_json import encode, parse_object
from agentdid.errors import BaseProofPresented, DerivedProofMalformed, SignatureInvalid
from agentdid.keys.ecdsa import normalize_raw
from agentdid.keys.multikey import decode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof import bbs, bbs2023, ecdsa_sd
from agentdid.proof.selective import (
    Disclosure,
    Grouping,
    canonicalize_and_group,
    canonicalize_with_labels,
    disclose,
    given_labels,
    hmac_labels,
    select,
    shuffled_labels,
)
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import data_integrity, derivation
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.proof.selective import Relabelling

CREATED = datetime(2026, 11, 24, 12, tzinfo=UTC)
P256_SECRET = bytes.fromhex("8626")  # multicodec p256-priv as a varint
FEATURES = ("HolderBinding", "Pseudonym", "PseudonymHB")


def load(path: Path) -> Any:  # noqa: ANN401  # JSON
    """Return one published value."""
    return json.loads(path.read_text("utf-8"))


def unsigned(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without its proof."""
    return {name: value for name, value in document.items() if name != "proof"}


def octets(document: dict[str, Any]) -> bytes:
    """Return a document's proof value."""
    return decode_multibase(document["proof"]["proofValue"])


def statements(values: dict[str, Any]) -> dict[int, str]:
    """Return a map as the files write it."""
    return dict(values["value"])


def proof_hash(folder: Path) -> bytes:
    """Return the hash of the published proof options, having compared their canonical form."""
    config = canonicalize(load(folder / "addProofConfig.json"), rules=OPEN)
    published = (folder / "addProofConfigCanon.txt").read_text("utf-8").rstrip("\n") + "\n"
    hashed = hashlib.sha256(config).digest()

    assert published.encode() == config
    assert load(folder / "addHashData.json")["proofHash"] == hashed.hex()

    return hashed


def compare_statements(
    folder: Path, document: dict[str, Any], relabelling: Relabelling, selective: list[str]
) -> tuple[Grouping, Disclosure]:
    """Hold the published statements, groups and indexes, and return ours."""
    transform, groups = load(folder / "addBaseTransform.json"), load(folder / "derivedGroupIndexes.json")
    mandatory = transform["mandatoryPointers"]
    plain, _ = canonicalize_with_labels(document, lambda labels: labels, rules=OPEN)
    pointers = {"mandatory": mandatory, "selective": selective, "combined": [*mandatory, *selective]}
    grouping = canonicalize_and_group(document, relabelling, pointers, rules=OPEN)
    shown = disclose(document, relabelling, mandatory, selective, rules=OPEN)
    found = grouping.groups
    hashed = hashlib.sha256("".join(shown.obligatory).encode()).hexdigest()

    assert load(folder / "addBaseDocCanon.json") == plain
    assert load(folder / "addBaseDocHMACCanon.json") == grouping.lines
    assert statements(transform["mandatory"]) == found["mandatory"].matching
    assert statements(transform["nonMandatory"]) == found["mandatory"].rest
    assert load(folder / "addHashData.json")["mandatoryHash"] == hashed
    assert groups["combinedIndexes"] == list(found["combined"].matching)
    assert groups["mandatoryIndexes"] == list(found["mandatory"].matching)
    assert groups["nonMandatoryIndexes"] == list(found["mandatory"].rest)
    assert groups["selectiveIndexes"] == list(found["selective"].matching)
    assert load(folder / "derivedUnsignedReveal.json") == shown.document
    published = dict(load(folder / "derivedDisclosureData.json")["labelMap"]["value"])
    assert published == shown.labels

    return grouping, shown


@pytest.fixture
def sd() -> Path:
    """Where the values of ecdsa-sd-2023 lie."""
    return vectors("w3c-vc-di-ecdsa") / "ecdsa-sd-2023"


@pytest.fixture
def keys(sd: Path) -> dict[str, SecretKey]:
    """The published pairs, by name."""
    pairs, found = load(sd / "SDKeyMaterial.json"), {}
    for name in ("baseKeyPair", "proofKeyPair"):
        raw = decode_multibase(pairs[name]["secretKeyMultibase"])
        assert raw.startswith(P256_SECRET)
        found[name] = SecretKey.from_seed("P-256", raw[len(P256_SECRET) :])
        assert decode_multikey(pairs[name]["publicKeyMultibase"]) == found[name].public
    return found


def test_ecdsa_sd_base(sd: Path, keys: dict[str, SecretKey]) -> None:
    """Statements, hashes, both kinds of signature and the proof value of the issuer."""
    folder = sd / "prc"
    hmac_key = bytes.fromhex(load(sd / "SDKeyMaterial.json")["hmacKeyString"])
    signed, info = load(folder / "addSignedSDBase.json"), load(folder / "addRawBaseSignatureInfo.json")
    selective = load(sd.parent / "prCredSelective.json")
    document = unsigned(signed)
    grouping, _ = compare_statements(folder, document, hmac_labels(hmac_key), selective)
    mandatory = load(sd.parent / "prCredMandatory.json")
    published = ecdsa_sd.parse_base(octets(signed))
    made = ecdsa_sd.make_base(
        grouping, mandatory, proof_hash(folder), keys["baseKeyPair"], keys["proofKeyPair"], hmac_key
    )

    assert info["mandatoryPointers"] == mandatory == list(published.pointers)
    assert info["baseSignature"] == published.signature.hex()
    assert decode_multibase(info["publicKey"]) == published.key == made.key
    assert info["signatures"] == [each.hex() for each in published.signatures]
    assert octets(signed) == published.encode()
    # theirs are deterministic as ours are; ours have the lower s
    row = keys["baseKeyPair"].public.algorithm
    assert normalize_raw(row, published.signature) == made.signature
    assert [normalize_raw(row, each) for each in published.signatures] == list(made.signatures)
    assert ecdsa_sd.parse_base(made.encode()) == made


def test_ecdsa_sd_derived(sd: Path, keys: dict[str, SecretKey]) -> None:
    """What the holder recovers, shows and writes; to the byte, as nothing in it is random."""
    folder = sd / "prc"
    signed, revealed = load(folder / "addSignedSDBase.json"), load(folder / "derivedRevealDocument.json")
    recovered, data = load(folder / "derivedRecoveredBaseData.json"), load(folder / "derivedDisclosureData.json")
    base = ecdsa_sd.parse_base(octets(signed))
    selective = load(sd.parent / "prCredSelective.json")
    shown = disclose(unsigned(signed), base.relabelling, base.pointers, selective, rules=OPEN)
    made = ecdsa_sd.derive(base, shown)

    assert recovered["baseSignature"] == base.signature.hex()
    assert recovered["hmacKey"] == base.hmac_key.hex()
    assert decode_multibase(recovered["proofPublicKey"]) == base.key
    assert recovered["signatures"] == [each.hex() for each in base.signatures]
    assert load(folder / "derivedAdjMandatoryIndexes.json")["adjMandatoryIndexes"] == shown.mandatory
    adjusted = load(folder / "derivedAdjSignatures.json")
    # the published positions are of all statements that are not mandatory, by their place among them
    assert adjusted["adjSignatureIndexes"] == shown.chosen
    assert adjusted["filteredSignatures"] == data["signatures"] == [each.hex() for each in made.signatures]
    assert data["mandatoryIndexes"] == list(made.mandatory)
    assert unsigned(revealed) == shown.document
    assert octets(revealed) == made.encode()


def test_ecdsa_sd_verify(sd: Path, keys: dict[str, SecretKey]) -> None:
    """What the verifier reads and recomputes, and that the signatures hold."""
    folder = sd / "prc"
    revealed, data = load(folder / "derivedRevealDocument.json"), load(folder / "verifyCreateVerifyData.json")
    read = load(folder / "verifyDerivedProofValue.json")
    proof = ecdsa_sd.parse_derived(octets(revealed))
    lines, _ = canonicalize_with_labels(unsigned(revealed), given_labels(proof.labels), rules=OPEN)
    mandatory = [line for at, line in enumerate(lines) if at in proof.mandatory]
    optional = [line for at, line in enumerate(lines) if at not in proof.mandatory]
    signed = ecdsa_sd.signed_bytes(proof_hash(folder), proof.key, mandatory)
    issuer = keys["baseKeyPair"].public
    ecdsa_sd.check(proof, issuer, signed, optional)

    assert dict(read["labelMap"]) == proof.labels
    assert read["mandatoryIndexes"] == list(proof.mandatory)
    assert read["baseSignature"] == data["baseSignature"] == proof.signature.hex()
    assert read["signatures"] == data["signatures"] == [each.hex() for each in proof.signatures]
    assert load(folder / "verifyNQuads.json") == lines
    assert data["nonMandatory"] == optional
    assert data["mandatoryHash"] == signed[-32:].hex()
    with pytest.raises(SignatureInvalid):
        ecdsa_sd.check(proof, keys["proofKeyPair"].public, signed, optional)
    with pytest.raises(SignatureInvalid):
        ecdsa_sd.check(proof, issuer, signed, [*optional[:-1], optional[-1].replace("2025", "2026")])


@pytest.fixture
def bbs_folder() -> Path:
    """Where the values of bbs-2023 lie."""
    return vectors("w3c-vc-di-bbs")


def test_bbs_2023_base(bbs_folder: Path) -> None:
    """Statements, hashes, signature and proof value of the issuer, to the byte."""
    folder = bbs_folder
    pair, signed = load(folder / "BBSKeyMaterial.json"), load(folder / "addSignedSDBase.json")
    secret = SecretKey.from_seed(bbs2023.ALGORITHM, bytes.fromhex(pair["privateKeyHex"]))
    hmac_key = bytes.fromhex(pair["hmacKeyString"])
    mandatory, selective = load(folder / "windMandatory.json"), load(folder / "windSelective.json")
    grouping, shown = compare_statements(folder, unsigned(signed), shuffled_labels(hmac_key), selective)
    made = bbs2023.make_base(grouping, mandatory, proof_hash(folder), secret, hmac_key)
    recovered, adjusted = load(folder / "derivedRecoveredBaseData.json"), load(folder / "derivedAdjIndexes.json")

    assert pair["publicKeyHex"] == secret.public.raw.hex()
    assert load(folder / "addRawBaseSignatureInfo.json")["bbsSignature"] == made.signature.hex()
    assert octets(signed) == made.encode()
    assert made == bbs2023.parse_base(octets(signed))
    assert recovered["hmacKey"] == made.hmac_key.hex()
    assert recovered["mandatoryPointers"] == list(made.pointers)
    assert adjusted["adjMandatoryIndexes"] == shown.mandatory
    assert adjusted["adjSelectiveIndexes"] == shown.chosen


def test_bbs_2023_derived(bbs_folder: Path) -> None:
    """The holder's proof value, to the byte under the published scalars; and the verifier's answer."""
    folder, material = bbs_folder, load(bbs_folder / "BBSDeriveMaterial.json")
    base, revealed = load(folder / "addSignedSDBase.json"), load(folder / "derivedRevealDocument.json")
    proof = bbs2023.parse_base(octets(base))
    shown = disclose(unsigned(base), proof.relabelling, proof.pointers, load(folder / "windSelective.json"), rules=OPEN)
    seed, tag = (
        bytes.fromhex(material["pseudoRandSeedHex"]),
        bbs.SHA_256.api,
    )  # no tag of its own, unlike the fixtures of BBS

    def mocked(count: int) -> list[bbs.Scalar]:
        stream = bbs.expand_xmd(seed, tag, 48 * count)
        return [bbs.Scalar.from_be_bytes_mod_order(stream[at : at + 48]) for at in range(0, len(stream), 48)]

    made = bbs2023.derive(proof, shown, bytes.fromhex(material["presentationHeaderHex"]), scalars=mocked)
    data = load(folder / "derivedDisclosureData.json")

    assert data["bbsProof"] == made.proof.hex()
    assert octets(revealed) == made.encode()
    assert unsigned(revealed) == shown.document
    assert made == bbs2023.parse_derived(octets(revealed))

    lines, _ = canonicalize_with_labels(unsigned(revealed), given_labels(made.labels), rules=OPEN)
    mandatory = [line for at, line in enumerate(lines) if at in made.mandatory]
    optional = [line for at, line in enumerate(lines) if at not in made.mandatory]
    header = bbs2023.header_of(proof_hash(folder), mandatory)
    bbs2023.check_base(proof, proof.key, header, shown.optional)
    bbs2023.check_derived(made, proof.key, header, optional)
    with pytest.raises(SignatureInvalid):
        bbs2023.check_derived(made, proof.key, header[::-1], optional)


@pytest.mark.parametrize("feature", FEATURES)
def test_bbs_2023_features(bbs_folder: Path, feature: str) -> None:
    """Experimental features share all up to the signature; their proof values are not taken for baseline ones."""
    folder, inputs = bbs_folder / feature, bbs_folder / "FeatureInputs"
    signed = load(folder / "addSignedSDBase.json")
    transform = load(folder / "addBaseTransform.json")
    key = bytes.fromhex(transform["hmacKeyString"])
    _, shown = compare_statements(
        folder, unsigned(signed), shuffled_labels(key), load(inputs / "licenseSelective.json")
    )
    adjusted = load(folder / "derivedAdjIndexes.json")
    lines, _ = canonicalize_with_labels(shown.document, given_labels(shown.labels), rules=OPEN)
    proof_hash(folder)

    assert load(inputs / "licenseMandatory.json") == transform["mandatoryPointers"]
    assert adjusted["adjMandatoryIndexes"] == shown.mandatory
    assert adjusted["adjSelectiveIndexes"] == shown.chosen
    assert load(folder / "verifyNQuads.json") == lines
    with pytest.raises(DerivedProofMalformed):
        bbs2023.parse_base(octets(signed))
    with pytest.raises(DerivedProofMalformed):
        bbs2023.parse_derived(octets(load(folder / "derivedRevealDocument.json")))


INPUTS = [
    ("w3c-vc-di-ecdsa-test-suite", f"{name}/{version}/document.json")
    for name in ("achievement", "valid")
    for version in ("vc1.1", "vc2.0")
] + [("w3c-vc-di-bbs-test-suite", f"license/{version}/credential.json") for version in ("1.1", "2.0")]


@pytest.mark.parametrize("name", SELECTIVE)
@pytest.mark.parametrize(("source", "file"), INPUTS)
def test_inputs_of_the_official_suites(name: str, source: str, file: str) -> None:
    """Their credentials with their pointers: signed, derived, verified, and nothing else shown."""
    place = vectors(source) / file
    # their harness is JavaScript, where 7.0 is written 7, and names the issuer itself
    document = json.loads(place.read_text("utf-8").replace(".0,", ","))
    mandatory, selective = (load(place.parent / f"{each}Pointers.json") for each in ("mandatory", "selective"))
    secret = SecretKey.generate(SELECTIVE[name].algorithms[0])
    document = unsigned(document) | {"issuer": "did:example:issuer"}
    if "/issuanceDate" in mandatory:
        document.setdefault("issuanceDate", "2023-11-15T10:00:00Z")
    base = derivation.add_base_proof(
        document, secret, "did:example:issuer#key", name, pointers=mandatory, created=CREATED, rules=OPEN
    )
    shown = derivation.derive(base, selective, rules=OPEN)
    secured = data_integrity.read(parse_object(encode(shown)), data_integrity.ASSERTION).written(rules=OPEN)
    secured.signatures[0].check(secret.public)
    body = unsigned(base)

    assert unsigned(shown) == select(body, [*mandatory, *selective])
    with pytest.raises(BaseProofPresented):
        data_integrity.read(parse_object(encode(base)), data_integrity.ASSERTION)


@pytest.mark.parametrize("name", SELECTIVE)
def test_published_base_proofs_hold(name: str, request: pytest.FixtureRequest) -> None:
    """A holder who receives a published base proof finds that it holds, and not over another document."""
    if name == ecdsa_sd.NAME:
        folder = request.getfixturevalue("sd") / "prc"
        key = request.getfixturevalue("keys")["baseKeyPair"].public
    else:
        folder = request.getfixturevalue("bbs_folder")
        pair = load(folder / "BBSKeyMaterial.json")
        key = SecretKey.from_seed(bbs2023.ALGORITHM, bytes.fromhex(pair["privateKeyHex"])).public
    base = load(folder / "addSignedSDBase.json")

    def check(document: dict[str, Any]) -> None:
        secured = data_integrity.read(parse_object(encode(document)), data_integrity.ASSERTION, base=True)
        secured.written(rules=OPEN).signatures[0].check(key)

    check(base)
    for change in ({"issuer": "did:example:other"}, {"name": "another"}):
        with pytest.raises((SignatureInvalid, DerivedProofMalformed)):
            check({**base, **change})
