"""Published keys in their forms: thumbprints, multicodec codes, did:key's fixtures, RFC 9964, ACVP, composites."""

from __future__ import annotations

import csv
import json
from hashlib import shake_256
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa as library

from agentdid.codec.base import decode_base58btc, decode_base64url, encode_base64url
from agentdid.codec.varint import encode_varint
from agentdid.errors import AlgKeyMismatch, KeyInvalid, SignatureInvalid
from agentdid.keys import mldsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import decode_jwk, decode_secret_jwk, encode_jwk, thumbprint
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from agentdid.proof.jws import KEYS_OF_ALG, parse_header
from tests.vectors_dir import vectors

CODES = {
    "Ed25519": "ed25519", "X25519": "x25519", "P-256": "p256", "P-384": "p384", "P-521": "p521",
    "secp256k1": "secp256k1", "ML-DSA-44": "mldsa-44", "ML-DSA-65": "mldsa-65", "ML-DSA-87": "mldsa-87",
    "BLS12-381-G2": "bls12_381-g2",
}  # fmt: skip
# draft-ietf-jose-pq-composite-sigs, appendix A.1: both seeds are zero. The key's thumbprint, the protected header's
# segment, and R of the Ed25519 half of the signature, which is deterministic.
PAYLOAD = "SXQncyBhIGRhbmdlcm91cyBidXNpbmVzcywgRnJvZG8sIGdvaW5nIG91dCB5b3VyIGRvb3Iu"
COMPOSITES = {
    "ML-DSA-44-Ed25519": (
        "5ETztyaAQkvflhmjJ6mtdwlWEb3Nr4ymcDpN8eXQ8h4",
        "eyJhbGciOiJNTC1EU0EtNDQtRWQyNTUxOSIsImtpZCI6IjVFVHp0eWFBUWt2ZmxobWpKNm10ZHdsV0ViM05yNHltY0RwTjhlWFE4aDQifQ",
        "d627ecbcf614d1d4ae93845f32ff7dc188241509b154df2cb12e41c3ab5d043e",
    ),
    "ML-DSA-65-Ed25519": (
        "87Vn3JTmvTdxvpetv0rA5GwfoLnCkMxBDCJvYgFVuh4",
        "eyJhbGciOiJNTC1EU0EtNjUtRWQyNTUxOSIsImtpZCI6Ijg3Vm4zSlRtdlRkeHZwZXR2MHJBNUd3Zm9MbkNrTXhCRENKdllnRlZ1aDQifQ",
        "354600aa018983735071f1e1055063da85418d3909facfc6edcc377cac194e16",
    ),
}


def read(folder: str, name: str) -> Any:  # noqa: ANN401  # as its file has it
    """Return one file of JSON."""
    return json.loads((vectors(folder) / name).read_text())


def test_thumbprints() -> None:
    """RFC 8037, RFC 9449 and others; RSA (RFC 7638's own example) is no key here."""
    rows = read("jose-thumbprints", "thumbprints.json")
    for row in rows:
        if row["jwk"]["kty"] == "RSA":
            with pytest.raises(KeyInvalid):
                decode_jwk(row["jwk"])
        else:
            assert row["sha256"] == thumbprint(decode_jwk(row["jwk"]))
    assert len(rows) >= 3


def test_multicodec_codes() -> None:
    """Each code of our table is the published one of its name; secrets of ML-DSA are seeds."""
    with (vectors("multiformats") / "multicodec-table.csv").open() as stream:
        table = {row["name"]: int(row[" code"].strip() if " code" in row else row["code"], 16)
                 for row in csv.DictReader(line.replace(", ", ",").replace(" ", "") for line in stream)}  # fmt: skip
    for name, row in ALGORITHMS.items():
        if row.multicodec is None:
            assert row.scheme == "composite"
            continue
        suffix = "-priv-seed" if row.scheme == "mldsa" else "-priv"
        assert table[CODES[name] + "-pub"] == row.multicodec
        if row.secret_multicodec is not None:
            assert table[CODES[name] + suffix] == row.secret_multicodec


def test_did_key_nist_curves() -> None:
    """The published JWK of a did:key of P-256, P-384 or P-521 is its key, and its secret its own."""
    found = read("did-key/w3c-ccg-did-method-key", "nist-curves.json")
    for did, case in found.items():
        key = decode_multikey(did.removeprefix("did:key:"))
        assert did == f"did:key:{encode_multikey(key)}"
        method = case["verificationMethod"]
        if "publicKeyBase58" in method:
            assert key.raw == decode_base58btc(method["publicKeyBase58"])
            assert key == SecretKey.from_seed("P-256", decode_base58btc(method["privateKeyBase58"])).public
            continue
        jwk = method["publicKeyJwk"]
        assert key == decode_jwk(jwk)
        assert {name: jwk[name] for name in ("kty", "crv", "x", "y")} == encode_jwk(key)
        assert key == decode_secret_jwk(method["privateKeyJwk"]).public
    assert {"P-256", "P-384", "P-521"} == {decode_multikey(did[8:]).algorithm.name for did in found}


@pytest.mark.parametrize(("file", "name"), [("secp256k1.json", "secp256k1"), ("bls12381.json", "BLS12-381-G2")])
def test_did_key_other_curves(file: str, name: str) -> None:
    """The base58 key of each fixture is the key of its DID; BLS secrets give their public key."""
    pairs = [
        (did.removeprefix("did:key:"), case["verificationKeyPair"])
        for did, case in read("did-key/w3c-ccg-did-method-key", file).items()
        if "publicKeyBase58" in case.get("verificationKeyPair", {})
    ]
    for text, pair in pairs:
        key = decode_multikey(text)
        assert load_public(name, decode_base58btc(pair["publicKeyBase58"])) == key
        if name != "secp256k1":
            assert key == SecretKey.from_seed(name, decode_base58btc(pair["privateKeyBase58"])).public
    assert pairs


@pytest.mark.parametrize("name", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_rfc_9964(name: str) -> None:
    """The JWK, its thumbprint (its kid), its seed and the JWS of each example hold, and ours over the same input."""
    file = f"{name.replace('-', '_')}.jose.json"
    if not (vectors("cose-dilithium") / "jose" / file).exists():
        pytest.skip(f"{file} is not here")
    case = read("cose-dilithium/jose", file)
    jwk = case["jwk"]
    secret = decode_secret_jwk(jwk)
    key = decode_jwk({name: value for name, value in jwk.items() if name != "priv"})
    head, payload, signature = case["jws"].split(".")
    key.verify(decode_base64url(signature), f"{head}.{payload}".encode())
    key.verify(secret.sign(b"ours"), b"ours")

    assert jwk["kid"] == thumbprint(key)
    assert secret.public == key
    assert (key.algorithm.name,) == KEYS_OF_ALG[parse_header(head).alg]
    with pytest.raises(SignatureInvalid):
        key.verify(decode_base64url(signature), f"{head}.{payload}A".encode())


def test_acvp_keygen() -> None:
    """FIPS 204 key generation: each seed gives the published key."""
    count = 0
    for path in vectors("acvp-ml-dsa").glob("*keyGen*.json"):
        for group in json.loads(path.read_text())["testGroups"]:
            for case in group["tests"]:
                count += 1
                assert (
                    case["pk"].lower()
                    == SecretKey.from_seed(group["parameterSet"], bytes.fromhex(case["seed"])).public.raw.hex()
                )
    assert count >= 16


def test_acvp_verdicts() -> None:
    """FIPS 204 signature verification: `testPassed` is what we say, of the pure variant and of the internal one.

    The internal interface signs M' itself (FIPS 204 algorithm 8): its verdicts are the library's, by its mu.
    """
    for path in vectors("acvp-ml-dsa").glob("*sigVer*.json"):
        for group in json.loads(path.read_text())["testGroups"]:
            if group.get("preHash", "none") not in ("none", "pure"):
                continue  # HashML-DSA is another algorithm
            row = ALGORITHMS[group["parameterSet"]]
            for case in group["tests"]:
                raw = bytes.fromhex(case.get("pk") or group["pk"])
                signature = bytes.fromhex(case["signature"])
                passed = True
                try:
                    if group.get("signatureInterface", "internal") == "external":
                        context = bytes.fromhex(case.get("context", ""))
                        mldsa.load_public(row, raw, context)(signature, bytes.fromhex(case["message"]))
                    else:
                        _check_internal(row.name, raw, signature, case)
                except (KeyInvalid, SignatureInvalid, InvalidSignature):
                    passed = False
                assert (path.name, case["tcId"], case["testPassed"]) == (path.name, case["tcId"], passed)


def _check_internal(name: str, raw: bytes, signature: bytes, case: dict[str, Any]) -> None:
    handle = getattr(library, f"{name.replace('-', '')}PublicKey").from_public_bytes(raw)
    if "mu" in case:
        mu = bytes.fromhex(case["mu"])
    else:
        mu = shake_256(shake_256(raw).digest(64) + bytes.fromhex(case["message"])).digest(64)
    handle.verify_mu(signature, mu)


def test_kat_pure_with_context() -> None:
    """Each published seed gives the published key; each signature holds with its context, and without it does not."""
    seen = 0
    for path in vectors("acvp-ml-dsa").glob("kat_MLDSA_*_pure*.rsp"):
        row = ALGORITHMS[f"ML-DSA-{path.name.split('_')[2]}"]
        records: list[dict[str, str]] = []
        for line in path.read_text().splitlines():
            name, _, value = line.partition(" = ")
            if name == "count":
                records.append({})
            if records and value:
                records[-1][name] = value.strip()
        for record in records:
            raw, message, context = (bytes.fromhex(record.get(name, "")) for name in ("pk", "msg", "ctx"))
            signature = bytes.fromhex(record["sm"])[: row.signature_len]
            assert raw == SecretKey.from_seed(row.name, bytes.fromhex(record["xi"])).public.raw
            mldsa.load_public(row, raw, context)(signature, message)
            if context:
                with pytest.raises(SignatureInvalid):
                    load_public(row.name, raw).verify(signature, message)
            seen += 1
    assert seen >= 8


def test_di_quantum_safe_key() -> None:
    """The Multikey of the ML-DSA-44 examples is the published bytes, in base64url."""
    pair = read("di-quantum-safe/inputs", "KeysMLDSA.json")["mldsa44"]
    key = load_public("ML-DSA-44", bytes.fromhex(pair["publicKeyHex"]))

    assert pair["publicKeyMultibase"] == encode_multikey(key)
    with pytest.raises(KeyInvalid):  # S04: the examples publish the expanded form
        SecretKey.from_seed("ML-DSA-44", bytes.fromhex(pair["secretKeyHex"]))


@pytest.mark.parametrize("name", COMPOSITES)
def test_composite_examples(name: str) -> None:
    """The key of two zero seeds has the published thumbprint, and its signature the published Ed25519 commitment R.

    R hashes the message representative with the seed, so prefix, label, context and pre-hash are the draft's. The
    ML-DSA half is hedged; `tests/unit/keys/test_foreign_mldsa.py` has one that another implementation made.
    """
    kid, head, commitment = COMPOSITES[name]
    secret = SecretKey.from_seed(name, bytes(64))
    message = f"{head}.{PAYLOAD}".encode()
    signature = secret.sign(message)
    secret.public.verify(signature, message)

    assert kid == thumbprint(secret.public)
    assert commitment == signature[-64:-32].hex()
    assert (name,) == KEYS_OF_ALG[parse_header(head).alg]


def test_a_zero_seed_names_one_ml_dsa_key() -> None:
    """The composite's first half is the key of RFC 9964's example, whose seed is zero too."""
    published = decode_base64url(read("cose-dilithium/jose", "ML_DSA_44.jose.json")["jwk"]["pub"])

    assert published == SecretKey.from_seed("ML-DSA-44-Ed25519", bytes(64)).public.raw[: len(published)]


def test_bls_draft_example() -> None:
    """draft-ietf-cose-bls-key-representations-01, appendix A.1: the second key in G2, in both forms."""
    jwk = {
        "kty": "OKP",
        "crv": "Bls12381G2",
        "x": (
            "pHufIAzbxDG-oaD0Kb1BcRsDpjw0JX3h6FHRJQpuYSpqQr_sZigCD3UOTrDO2YEvAxiC"
            "6GZXZvlwkqSIOVHRWAwRt2loaqAu6jFiL0L0r8LuXhBxX0tvfPX1UhYgcl3_"
        ),
    }
    key = decode_jwk(jwk)

    assert jwk == encode_jwk(key)
    assert encode_base64url(key.raw) == jwk["x"]
    assert key == decode_multikey(encode_multikey(key))
    assert encode_varint(0xEB).hex() == "eb01"
    with pytest.raises(AlgKeyMismatch):
        key.verify(b"", b"")
