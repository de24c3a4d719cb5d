"""Published credentials with published proofs, verified over HTTP: each as the specification's own example.

Their issuer is a URL and not the controller of the key, which an instance takes only when told to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from tests.vc_api import Served

SIGNED = (
    "w3c-vc-di-eddsa/Ed25519Signature2020/signedEdSig.json",
    "w3c-vc-di-eddsa/eddsa-jcs-2022/signedJCS.json",
    "w3c-vc-di-eddsa/eddsa-rdfc-2022/signedDataInt.json",
    "w3c-vc-di-eddsa/proof-set-chain/signedProofChain1.json",
    "w3c-vc-di-eddsa/proof-set-chain/signedProofSet1.json",
    "w3c-vc-di-eddsa/proof-set-chain/signedProofSet2.json",
    "w3c-vc-di-ecdsa/ecdsa-jcs-2019-p256/signedJCSECDSAP256.json",
    "w3c-vc-di-ecdsa/ecdsa-jcs-2019-p384/signedJCSECDSAP384.json",
    "w3c-vc-di-ecdsa/ecdsa-rdfc-2019-p256/signedECDSAP256.json",
    "w3c-vc-di-ecdsa/ecdsa-rdfc-2019-p384/signedECDSAP384.json",
    "w3c-vc-di-bbs/derivedRevealDocument.json",
)


def read(name: str) -> dict[str, Any]:
    """Return one published file."""
    folder, _, file = name.rpartition("/")
    found: dict[str, Any] = json.loads((vectors(folder) / file).read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", SIGNED)
def test_published(lenient: Served, instance: Served, name: str) -> None:
    """It verifies where others than the issuer may sign, and nowhere else; nor with one word changed."""
    signed = read(name)
    answer = lenient.verify(signed)

    assert 200 == answer.status_code, answer.text
    if not signed["issuer"].startswith("did:key:"):
        assert 400 == instance.verify(signed).status_code
    changed = {**signed, "credentialSubject": {**signed["credentialSubject"], "id": "urn:changed"}}
    assert 400 == lenient.verify(changed).status_code


def test_published_but_past(lenient: Served) -> None:
    """One is no longer valid, and that is all that is said against it: its proof was judged first."""
    signed = read("w3c-vc-di-ecdsa/ecdsa-sd-2023/prc/derivedRevealDocument.json")
    changed = {**signed, "issuer": {**signed["issuer"], "image": "data:image/png;base64,AA"}}

    assert "expired" == lenient.verify(signed).json()["code"]
    assert "signature_invalid" == lenient.verify(changed).json()["code"]


def test_published_base_proofs(lenient: Served) -> None:
    """For holders: no verifier takes them, and what is derived of them verifies."""
    for name, pointers in (
        ("w3c-vc-di-ecdsa/ecdsa-sd-2023/prc/addSignedSDBase.json", ["/name", "/credentialSubject/birthCountry"]),
        ("w3c-vc-di-bbs/addSignedSDBase.json", ["/credentialSubject/boards/0"]),
    ):
        signed = read(name)
        body = {"verifiableCredential": signed, "options": {"selectivePointers": pointers}}
        derived = lenient.post("/credentials/derive", body)
        assert "base_proof_presented" == lenient.verify(signed).json()["code"]
        assert 201 == derived.status_code, derived.text
        answer = lenient.verify(derived.json()["verifiableCredential"])
        assert answer.status_code == 200 or answer.json()["code"] == "expired", answer.text
