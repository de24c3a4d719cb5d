"""B12, C01, C02, C20: the token chooses its algorithm, and the verifier does not follow."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.keys.jwk import encode_jwk
from tests.forgery import CHALLENGE, Faces, Token, badge_token
from tests.world import World

REFUSED = ("refused", "alg_not_allowed")
NAMES = [
    "none", "None", "nOnE", "NONE", "none ", " none", "", "HS256", "HS384", "HS512", "hs256", "RS256", "RS384", "RS512",
    "RS1", "PS256", "PS512", "eddsa", "EDDSA", "es256", "ES256 ", "Ed448", "SHA1", "MD5",
    "HMAC-SHA1", "RSA1_5", "RSA-OAEP", "dir", "ECDH-ES", "A128KW", "A256GCMKW", "PBES2-HS256+A128KW",
]  # fmt: skip
OTHER_TYPES: list[object] = [None, 1, True, ["EdDSA"], {"alg": "EdDSA"}, []]


@pytest.mark.parametrize("alg", [*NAMES, *OTHER_TYPES], ids=repr)
@pytest.mark.parametrize("signature", [b"", b"\0" * 64], ids=["unsigned", "zeros"])
def test_c01_b12_of_a_credential(world: World, faces: Faces, alg: object, signature: bytes) -> None:
    """C01, B12: not in the table, in any spelling, signed or not."""
    token = badge_token(world)
    token.header["alg"] = alg
    verdict = faces(token.with_signature(signature))

    assert (*REFUSED, ()) == (*verdict.answer, verdict.asked)


@pytest.mark.parametrize("alg", ["none", "nOnE", "HS256", "RS256", None])
def test_c01_b12_of_a_presentation(world: World, faces: Faces, alg: object) -> None:
    """C01, B12: nor the holder's token."""
    token = Token.read(world.present(world.root()))
    token.header["alg"] = alg

    assert REFUSED == faces(token.with_signature(b""), challenge=CHALLENGE).answer


def test_c01_no_alg_at_all(world: World, faces: Faces) -> None:
    """C01: absent is not none."""
    token = badge_token(world)
    del token.header["alg"]

    assert REFUSED == faces(token.sign(world.acme)).answer
    assert REFUSED == faces("e30.e30.~").answer
    assert REFUSED == faces("e30.e30.", challenge=CHALLENGE).answer


def test_c01_an_unsigned_credential_inside_a_signed_presentation(world: World, faces: Faces) -> None:
    """C01: the holder's good signature does not sign for the issuer."""
    token = badge_token(world)
    token.header["alg"] = "none"

    assert REFUSED == faces(world.present([token.with_signature(b"")]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("signature", [b"", None], ids=["empty", "of-a-stranger"])
def test_c01_a_good_alg_without_signature(world: World, faces: Faces, signature: bytes | None) -> None:
    """C01: an empty signature under a good algorithm is a wrong one."""
    token = badge_token(world)
    forged = token.sign(world.stranger) if signature is None else token.with_signature(signature)

    assert ("refused", "signature_invalid") == faces(forged).answer


def keys(world: World) -> dict[str, bytes]:
    """Return acme's public key in every form that was ever taken for a MAC key."""
    public = ed25519.Ed25519PublicKey.from_public_bytes(world.acme.secret.public.raw)
    spki = PublicFormat.SubjectPublicKeyInfo
    return {
        "PEM": public.public_bytes(Encoding.PEM, spki),
        "PEM-stripped": public.public_bytes(Encoding.PEM, spki).strip(),
        "DER": public.public_bytes(Encoding.DER, spki),
        "SSH": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "raw": world.acme.secret.public.raw,
        "JWK": encode(encode_jwk(world.acme.secret.public)),
        "multikey": world.acme.did.encode(),
        "empty": b"",
    }


@pytest.mark.parametrize("form", ["PEM", "PEM-stripped", "DER", "SSH", "raw", "JWK", "multikey", "empty"])
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_c02_a_mac_with_the_public_key(world: World, faces: Faces, form: str, alg: str) -> None:
    """C02: the issuer's public key is nobody's secret."""
    token = badge_token(world)
    token.header["alg"] = alg
    head, body = (encode_base64url(encode(each)) for each in (token.header, token.payload))
    hash_ = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
    mac = hmac.digest(keys(world)[form], f"{head}.{body}".encode(), hash_)

    assert REFUSED == faces(token.with_signature(mac)).answer


def test_b12_a_small_rsa_key_in_the_did_document(world: World, faces: Faces) -> None:
    """B12: listed by the issuer itself, and still of no algorithm that is allowed."""
    numbers = rsa.generate_private_key(65_537, 2_048).public_key().public_numbers()
    n = encode_base64url(numbers.n.to_bytes(256, "big"))
    method = {
        "id": world.acme.method_id, "type": "JsonWebKey", "controller": world.acme.did,
        "publicKeyJwk": {"kty": "RSA", "n": n, "e": "AQAB"},
    }  # fmt: skip
    document = {"id": world.acme.did, "verificationMethod": [method], "assertionMethod": [method["id"]]}
    world.serve("https://acme.example/.well-known/did.json", encode(document))
    token = badge_token(world)
    token.header["alg"] = "RS256"
    assert REFUSED == faces(token.with_signature(b"\1" * 256)).answer

    token.header["alg"] = "EdDSA"
    assert "accepted" != faces(token.with_signature(b"\1" * 64)).family


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "p2s": "AAAAAAAAAAA"},
        {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 1, "p2s": "AA"},
        {"alg": "dir", "enc": "A128GCM"},
        {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
        {"alg": "ECDH-ES+A128KW", "enc": "A128GCM", "zip": "DEF"},
    ],
    ids=lambda header: str(header["alg"]),
)
@pytest.mark.parametrize("challenge", [None, CHALLENGE])
def test_c20_an_encrypted_token(faces: Faces, header: dict[str, object], challenge: str | None) -> None:
    """C20: five segments are a JWE; no password is derived from, nothing is decrypted."""
    head = encode_base64url(encode(header))
    token = f"{head}.AAAA.AAAA.AAAA.AAAA"

    assert REFUSED == faces(token if challenge else f"{token}~", challenge=challenge).answer
