"""di-quantum-safe, mldsa44-jcs-2024 and mldsa44-rdfc-2024: every published value, and both readings of the JCS one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import decode_multibase
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError, SignatureInvalid
from agentdid.keys.multikey import decode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof.hash_data import canonical_form, hash_data, hash_document
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.secure.mechanism import Signature

NAMES = ("mldsa44-jcs-2024", "mldsa44-rdfc-2024")
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = SecretKey.from_seed("ML-DSA-44", b"\7" * 32)
DOCUMENT: dict[str, object] = {"@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:x:1", "name": "Ada"}


@pytest.fixture
def folder() -> Path:
    """Where the values lie."""
    return vectors("di-quantum-safe")


def load(folder: Path, name: str) -> dict[str, Any]:
    """Return one published object."""
    found: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return found


def options(folder: Path, name: str) -> dict[str, Any]:
    """Return the proof options of a suite, with the document's contexts as both suites hash them."""
    key = load(folder, "inputs/KeysMLDSA.json")["mldsa44"]["publicKeyMultibase"]
    document = load(folder, "inputs/employmentAuth.json")
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": name,
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"did:key:{key}",
        "proofPurpose": "assertionMethod",
        "@context": document["@context"],
    }


@pytest.mark.parametrize("name", NAMES)
def test_canonical_forms_and_hashes(folder: Path, name: str) -> None:
    """The canonical document, the canonical proof options and their joined hashes are the published ones."""
    (transform,) = SUITES[name].transforms.values()
    document, config = load(folder, "inputs/employmentAuth.json"), options(folder, name)
    form = "jcs" if "jcs" in name else "rdfc"
    expected = (folder / "commonAlgs" / f"transform-{form}-sha256.txt").read_text("utf-8")
    shown = (folder / "commonAlgs" / f"proofConfig-{name}.txt").read_text("utf-8")
    hashed = hash_document(document, transform, plain=False)

    assert expected.strip() == canonical_form(document, transform, plain=False).decode().strip()
    assert shown.strip() == canonical_form(config, transform, plain=False).decode().strip()
    assert (
        load(folder, "commonAlgs/hashing-combined.json")[name]
        == hash_data(config, hashed, transform, plain=False).hex()
    )


def test_published_document(folder: Path) -> None:
    """The published document of the RDF suite verifies; its method names the key without a fragment, so we add one."""
    document = load(folder, "mldsa44-rdfc-2024/signed-mldsa44-rdfc-2024.json")
    key = decode_multikey(load(folder, "inputs/KeysMLDSA.json")["mldsa44"]["publicKeyMultibase"])
    with pytest.raises(AgentdidError) as refusal:
        data_integrity.read(parse(json.dumps(document)), data_integrity.ASSERTION)
    assert "key_source_forbidden" == refusal.value.code

    proof = document.pop("proof")
    value = decode_multibase(proof.pop("proofValue"))
    (transform,) = SUITES["mldsa44-rdfc-2024"].transforms.values()
    hashed = hash_document(document, transform, plain=False)
    key.verify(value, hash_data({**proof, "@context": document["@context"]}, hashed, transform, plain=False))


def signed(*, shown: bool, hashed: bool) -> Signature:
    """Return the signature of a document whose proof shows its context or not, and hashes it or not."""
    suite = SUITES["mldsa44-jcs-2024"]
    (transform,) = suite.transforms.values()
    made: Any = data_integrity.add_proof(DOCUMENT, SECRET, "did:web:a.example#k", suite, created=AT)
    proof = made["proof"]
    if not hashed:
        config = {name: each for name, each in proof.items() if name not in ("@context", "proofValue")}
        message = hash_data(config, hash_document(DOCUMENT, transform, plain=False), transform, plain=False)
        proof["proofValue"] = data_integrity.encode_multibase(SECRET.sign(message), "u")
    if not shown:
        del proof["@context"]
    (signature,) = data_integrity.read(parse(json.dumps(made)), data_integrity.ASSERTION).signatures
    return signature


def test_both_readings_of_a_proof_without_a_context() -> None:
    """Deviation D38: a proof that does not show the context it hashed, and one that hashed none."""
    signed(shown=True, hashed=True).check(SECRET.public)
    signed(shown=False, hashed=True).check(SECRET.public)
    signed(shown=False, hashed=False).check(SECRET.public)

    with pytest.raises(SignatureInvalid):
        signed(shown=True, hashed=False).check(SECRET.public)
