"""vc-di-eddsa, Appendix B.2 (eddsa-jcs-2022): every published intermediate value, ours to the byte."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import decode_base58btc, decode_multibase, encode_multibase
from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof.hash_data import hash_data, hash_document
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

SUITE = SUITES["eddsa-jcs-2022"]
ED25519_SECRET = bytes.fromhex("8026")  # multicodec ed25519-priv as a varint


@pytest.fixture
def folder() -> Path:
    """Where the values lie."""
    return vectors("w3c-vc-di-eddsa")


@pytest.fixture
def unsigned(folder: Path) -> dict[str, Any]:
    """The published credential without its proof."""
    return json.loads((folder / "unsigned.json").read_text())


@pytest.fixture
def config(folder: Path) -> dict[str, Any]:
    """The published proof configuration."""
    return json.loads((folder / "eddsa-jcs-2022" / "proofConfigJCS.json").read_text())


def text(folder: Path, name: str) -> str:
    """Return one published value."""
    return (folder / "eddsa-jcs-2022" / name).read_text("utf-8").strip()


def load_secret(folder: Path) -> SecretKey:
    """Return the published key."""
    pair = json.loads((folder / "keyPair.json").read_text())
    raw = decode_multibase(pair["privateKeyMultibase"])
    assert raw.startswith(ED25519_SECRET)
    secret = SecretKey.from_seed("Ed25519", raw[len(ED25519_SECRET) :])
    assert pair["publicKeyMultibase"] == encode_multikey(secret.public)
    return secret


def test_canonical_forms(folder: Path, unsigned: dict[str, Any], config: dict[str, Any]) -> None:
    """The canonical document and configuration are the published texts (section 3.3.3, RFC 8785)."""
    assert text(folder, "canonDocJCS.txt") == canonicalize(unsigned).decode()
    assert text(folder, "proofCanonJCS.txt") == canonicalize(config).decode()


def test_hashes(folder: Path, unsigned: dict[str, Any], config: dict[str, Any]) -> None:
    """Both hashes and their concatenation are the published ones (section 3.3.4)."""
    document_hash = hash_document(unsigned, SUITE, plain=False)

    assert text(folder, "docHashJCS.txt") == document_hash.hex()
    assert text(folder, "proofHashJCS.txt") == hash_document(config, SUITE, plain=False).hex()
    assert text(folder, "combinedHashJCS.txt") == hash_data(config, document_hash, SUITE, plain=False).hex()


def test_signature(folder: Path) -> None:
    """Signing the published hash with the published key gives the published signature, in hex and in base58."""
    signature = load_secret(folder).sign(bytes.fromhex(text(folder, "combinedHashJCS.txt")))

    assert text(folder, "sigHexJCS.txt") == signature.hex()
    assert text(folder, "sigBTC58JCS.txt") == encode_multibase(signature, "z")
    assert signature == decode_base58btc(text(folder, "sigBTC58JCS.txt")[1:])


def test_signed_document(folder: Path, unsigned: dict[str, Any], config: dict[str, Any]) -> None:
    """Our issuer writes the published secured document, member for member."""
    secret = load_secret(folder)
    signed = data_integrity.add_proof(
        unsigned, secret, config["verificationMethod"], SUITE, created=parse_instant(config["created"], "")
    )

    assert json.loads(text(folder, "signedJCS.json")) == signed


def test_published_document_verifies(folder: Path) -> None:
    """Our reader finds in the published document the published hash, and the published key verifies it."""
    secured = data_integrity.read(parse(text(folder, "signedJCS.json")), data_integrity.ASSERTION)
    (signature,) = secured.signatures
    signature.check(load_secret(folder).public)

    assert text(folder, "combinedHashJCS.txt") == signature.message.hex()


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("credentialSubject", "alumniOf"), "The School of Example", "signature_invalid"),
        (("proof", "created"), "2023-02-24T23:36:39Z", "signature_invalid"),
        (("proof", "proofPurpose"), "authentication", "proof_purpose_mismatch"),
        (("proof", "cryptosuite"), "eddsa-rdfc-2021", "proof_suite_unsupported"),
        (("proof", "type"), "Ed25519Signature2018", "proof_suite_unsupported"),
        (("proof", "@context"), ["https://www.w3.org/ns/credentials/v2"], "proof_verification_error"),
        (("proof", "proofValue"), "u" + "A" * 86, "encoding_invalid"),
        (
            ("proof", "proofValue"),
            "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpw",
            "signature_invalid",
        ),
        (("proof", "verificationMethod"), "#key-1", "key_source_forbidden"),
        (("proof", "previousProof"), "urn:uuid:1", "proof_chain_invalid"),
    ],
)
def test_tampered_document(folder: Path, path: tuple[str, str], value: object, code: str) -> None:
    """One changed member refuses the published document, each with its code."""
    document = copy.deepcopy(json.loads(text(folder, "signedJCS.json")))
    document[path[0]][path[1]] = value
    with pytest.raises(AgentdidError) as refusal:
        data_integrity.read(parse(json.dumps(document)), data_integrity.ASSERTION).signatures[0].check(
            load_secret(folder).public
        )

    assert code == refusal.value.code
