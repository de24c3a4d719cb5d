"""B06, B08, B16, E14, E20, H03: keys that are none, of another kind than the document says, or another's."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.codec.varint import encode_varint
from agentdid.did.document import RELATIONSHIPS
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SELECTIVE, SUITES
from tests.forgery import CHALLENGE, Faces, Token, acme_document, badge, badge_token, prove
from tests.world import World

P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ED_P = 2**255 - 19
P256 = SecretKey.from_seed("P-256", b"\7" * 32)
ED25519 = SecretKey.from_seed("Ed25519", b"\7" * 32)


def publish(world: World, method: dict[str, Any], **members: object) -> None:
    """Have acme's DID document hold one method, listed under everything."""
    did = world.acme.did
    whole = {"id": f"{did}#key-1", "controller": did, **method}
    document = {"@context": ["https://www.w3.org/ns/did/v1"], "id": did, "verificationMethod": [whole]}
    listed = {name: [whole["id"]] for name in RELATIONSHIPS}
    world.serve(acme_document(world), encode({**document, **listed, **members}))


def jwk(**members: object) -> dict[str, Any]:
    """Return a JWK method; a member that is `None` is left out."""
    return {"type": "JsonWebKey", "publicKeyJwk": {name: each for name, each in members.items() if each is not None}}


def number(value: int, size: int = 32) -> str:
    """Return a coordinate."""
    return encode_base64url(value.to_bytes(size, "big"))


GOOD = encode_jwk(P256.public)
ED_JWK = encode_jwk(ED25519.public)
BAD_KEYS: dict[str, dict[str, Any]] = {
    "B06-off-curve": jwk(**{**GOOD, "y": number(5)}),
    "B06-infinity": jwk(**{**GOOD, "x": number(0), "y": number(0)}),
    "B06-x-is-p": jwk(**{**GOOD, "x": number(P256_P)}),
    "B06-y-over-p": jwk(**{**GOOD, "y": number(P256_P + 1)}),
    "B06-x-all-ones": jwk(**{**GOOD, "x": encode_base64url(b"\xff" * 32)}),
    "B06-short-x": jwk(**{**GOOD, "x": encode_base64url(b"\1" * 31)}),
    "B06-long-y": jwk(**{**GOOD, "y": encode_base64url(b"\0" + b"\1" * 32)}),
    "B06-empty-x": jwk(**{**GOOD, "x": ""}),
    "B06-no-y": jwk(**{**GOOD, "y": None}),
    "B06-x-number": jwk(**{**GOOD, "x": 1}),
    "B06-swapped": jwk(**{**GOOD, "x": GOOD["y"], "y": GOOD["x"]}),
    "B06-private": jwk(**GOOD, d=number(7)),
    "B06-symmetric": jwk(kty="oct", k="AAAA"),
    "okp-short": jwk(**{**ED_JWK, "x": encode_base64url(b"\1" * 31)}),
    "okp-long": jwk(**{**ED_JWK, "x": encode_base64url(b"\1" * 33)}),
    "okp-private": jwk(**ED_JWK, d=number(7)),
    "kty-crv-crossed": jwk(**{**ED_JWK, "kty": "EC"}),
    "no-jwk": {"type": "JsonWebKey"},
    "jwk-is-list": {"type": "JsonWebKey", "publicKeyJwk": [GOOD]},
    "H03-okp-small-order": jwk(kty="OKP", crv="Ed25519", x=encode_base64url(bytes(32))),
    "H03-okp-identity": jwk(kty="OKP", crv="Ed25519", x=encode_base64url(b"\1" + bytes(31))),
    "B05-okp-non-canonical": jwk(kty="OKP", crv="Ed25519", x=encode_base64url((ED_P + 2).to_bytes(32, "little"))),
    "type-unknown": {"type": "RsaVerificationKey2018", "publicKeyPem": "x"},
    "type-2018": {"type": "Ed25519VerificationKey2018", "publicKeyBase58": "x"},
}
for _name, _code, _raw in (
    ("B16-ed25519-33", 0xED, b"\1" * 33), ("B16-ed25519-31", 0xED, b"\1" * 31), ("B16-ed25519-0", 0xED, b""),
    ("B16-p256-32", 0x1200, b"\2" * 32), ("B16-p256-34", 0x1200, b"\2" * 34),
    ("B16-p256-uncompressed", 0x1200, b"\4" * 65),
    ("B16-p256-bad-parity", 0x1200, b"\5" + P256.public.raw[1:]), ("B16-p256-off-curve", 0x1200, b"\2" + b"\xff" * 32),
    ("B16-ed25519-code-p256-key", 0xED, P256.public.raw), ("B16-p256-code-ed25519-key", 0x1200, ED25519.public.raw),
    ("B16-secret-code", 0x1300, b"\1" * 32), ("B16-hash-code", 0x12, b"\1" * 32),
    ("H03-zero", 0xED, bytes(32)), ("H03-one", 0xED, b"\1" + bytes(31)),
    ("H03-minus-one", 0xED, (ED_P - 1).to_bytes(32, "little")),
    ("H03-order-8", 0xED, bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
    ("H03-order-8-sign", 0xED, bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")),
    ("B05-non-canonical", 0xED, (ED_P + 1).to_bytes(32, "little")),
):  # fmt: skip
    BAD_KEYS[_name] = {"type": "Multikey", "publicKeyMultibase": encode_multibase(encode_varint(_code) + _raw, "z")}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_b06_b16_h03_keys_that_are_none(world: World, faces: Faces, name: str) -> None:
    """B06, B16, H03: the DID document lists what is no key, and a signature under it is not even tried."""
    publish(world, BAD_KEYS[name])
    token = badge_token(world)
    answers = {faces(token.with_signature(each)).answer for each in (bytes(64), b"\1" + bytes(63))}

    assert {("malformed", "key_invalid")} == answers


def es384(curve: ec.EllipticCurve) -> tuple[ec.EllipticCurvePrivateKey, dict[str, Any]]:
    """Return a key of another curve and its JWK method."""
    key = ec.derive_private_key(0x1234567, curve)
    numbers = key.public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    name = {"secp384r1": "P-384", "secp521r1": "P-521"}.get(curve.name, curve.name)
    return key, jwk(kty="EC", crv=name, x=number(numbers.x, size), y=number(numbers.y, size))


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_b08_es256_with_a_key_of_another_curve(world: World, faces: Faces, curve: ec.EllipticCurve) -> None:
    """B08: ES256 is P-256 with SHA-256, whatever else the key could sign."""
    key, method = es384(curve)
    publish(world, method)
    token = badge_token(world)
    token.header["alg"] = "ES256"
    head, body = (encode_base64url(encode(each)) for each in (token.header, token.payload))
    r, s = utils.decode_dss_signature(key.sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
    size = 32 if curve.name == "secp256k1" else (curve.key_size + 7) // 8

    signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert other_kind(method) == faces(token.with_signature(signature)).answer


def other_kind(method: dict[str, Any]) -> tuple[str, str]:
    """Return the answer to a key of a curve in the table: a mismatch; any other is no key here."""
    known = method["publicKeyJwk"]["crv"] in {row.crv for row in ALGORITHMS.values()}
    return ("refused", "alg_key_mismatch") if known else ("malformed", "key_invalid")


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_e20_a_suite_with_a_key_of_another_curve(world: World, faces: Faces, curve: ec.EllipticCurve) -> None:
    """E20: a proof names a suite, and the suite names its keys."""
    _, method = es384(curve)
    publish(world, method)

    assert other_kind(method) == faces(prove(badge(world), world.acme)).answer


@pytest.mark.parametrize(("alg", "secret"), [("ES256", ED25519), ("EdDSA", P256), ("Ed25519", P256)])
def test_b08_alg_and_key_of_different_kinds(world: World, faces: Faces, alg: str, secret: SecretKey) -> None:
    """B08: both known, and not of each other."""
    publish(world, {"type": "JsonWebKey", "publicKeyJwk": encode_jwk(secret.public)})
    token = badge_token(world)
    token.header["alg"] = alg

    assert ("refused", "alg_key_mismatch") == faces(token.sign(secret)).answer


def test_e20_an_eddsa_suite_with_a_p256_key(world: World, faces: Faces) -> None:
    """E20: the signature is right, and the suite is not the key's."""
    publish(world, {"type": "JsonWebKey", "publicKeyJwk": encode_jwk(P256.public)})
    world.acme.secret = P256

    assert ("refused", "alg_key_mismatch") == faces(prove(badge(world), world.acme)).answer


SUITE_NAMES = [
    "eddsa-rdfc-2022", "ecdsa-jcs-2019", "ecdsa-rdfc-2019", "ecdsa-sd-2023", "bbs-2023", "mldsa44-jcs-2024",
    "Eddsa-jcs-2022", "eddsa-jcs-2022 ", "eddsa-jcs-2021", "jcs-eddsa-2022", "", "none",
]  # fmt: skip


@pytest.mark.parametrize("name", SUITE_NAMES)
@pytest.mark.parametrize("resigned", [False, True])
def test_e14_another_suites_name(world: World, faces: Faces, name: str, resigned: bool) -> None:
    """E14: relabelled, by a stranger or by the signer: another suite hashes otherwise, or asks for another key."""
    (capability,) = world.root(form="eddsa-jcs-2022")  # every term of it is defined, so any suite could have signed it
    signed = prove(capability, world.acme, **({"cryptosuite": name} if resigned else {}))  # type: ignore[arg-type]
    signed["proof"]["cryptosuite"] = name
    verdict = faces(signed)

    assert "accepted" != verdict.family
    if name in SUITES or name in SELECTIVE:
        assert verdict.code in ("signature_invalid", "alg_key_mismatch", "encoding_invalid", "derived_proof_malformed")
    else:
        assert ("refused", "proof_suite_unsupported") == verdict.answer


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_e14_the_other_name_of_an_algorithm(world: World, faces: Faces, alg: str) -> None:
    """E14: the header is signed: EdDSA and Ed25519 mean one algorithm, and cannot be exchanged afterwards."""
    token = badge_token(world)
    token.header["alg"] = {"EdDSA": "Ed25519", "Ed25519": "EdDSA"}[alg]
    signature = token.sign(world.acme).removesuffix("~").rpartition(".")[2]
    token.header["alg"] = alg
    forged = token.sign(world.acme).removesuffix("~").rpartition(".")[0] + f".{signature}~"

    assert ("refused", "signature_invalid") == faces(forged).answer


def test_another_key_of_the_same_issuer(world: World, faces: Faces) -> None:
    """The kid names one key, another one signed."""
    publish(world, {"type": "JsonWebKey", "publicKeyJwk": encode_jwk(ED25519.public)})

    assert ("refused", "signature_invalid") == faces(badge_token(world).sign(world.acme)).answer


def test_another_partys_key(world: World, faces: Faces) -> None:
    """A stranger signs in acme's name, under acme's kid or under its own."""
    token = badge_token(world)
    presented = Token.read(world.present(world.root()))
    assert ("refused", "signature_invalid") == faces(token.sign(world.stranger)).answer
    assert ("refused", "signature_invalid") == faces(presented.sign(world.stranger), challenge=CHALLENGE).answer

    token.header["kid"] = world.stranger.method_id
    presented.header["kid"] = world.stranger.method_id
    assert ("refused", "issuer_key_mismatch") == faces(token.sign(world.stranger)).answer
    assert ("refused", "issuer_key_mismatch") == faces(presented.sign(world.stranger), challenge=CHALLENGE).answer
