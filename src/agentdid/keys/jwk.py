"""JSON Web Keys (RFC 7517, 7518, 8037, 8812, 9964) and their thumbprints (RFC 7638)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from agentdid.canon.jcs import canonicalize_plain
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import KeyInvalid
from agentdid.keys import ecdsa
from agentdid.keys.algorithms import ALGORITHMS, BY_JWK, Algorithm
from agentdid.keys.public import PublicKey, load_public

if TYPE_CHECKING:
    from agentdid.keys.secret import SecretKey

SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_NAMES: Final = frozenset(name for row in ALGORITHMS.values() for name in row.jose)


def encode_jwk(key: PublicKey) -> dict[str, str]:
    """Return the required members of a key's JWK, those its thumbprint is made of.

    Spec: RFC 7518 section 6.2.1; RFC 8037 section 2; RFC 9964 section 4; for BLS12-381
        draft-ietf-cose-bls-key-representations-01, whose curve names are not registered yet.
    """
    row = key.algorithm
    if row.crv is None:
        return {"alg": row.name, "kty": row.kty, "pub": encode_base64url(key.raw)}
    if row.kty == "OKP":  # Deviation D28 for BLS12-381
        return {"kty": row.kty, "crv": row.crv, "x": encode_base64url(key.raw)}
    numbers = ecdsa.load_point(row, key.raw).public_numbers()
    x, y = (encode_base64url(each.to_bytes(ecdsa.coordinate_len(row), "big")) for each in (numbers.x, numbers.y))
    return {"kty": row.kty, "crv": row.crv, "x": x, "y": y}


def decode_jwk(jwk: object) -> PublicKey:
    """Return the key of a public JWK.

    Raises:
        KeyInvalid: Not an object, an unknown kind, a secret member, a coordinate of the wrong length, off the curve,
            or an `alg` that signs with keys of another kind.
        EncodingInvalid: A member that is not base64url.
        ExtraMissing: Its algorithm needs an extra that is not installed.
    """
    if not isinstance(jwk, dict):
        raise KeyInvalid("expected a JWK object")
    if SECRET_MEMBERS & jwk.keys():
        raise KeyInvalid("a JWK with secret members is nobody's public key")
    return _decode(jwk)


def encode_secret_jwk(secret: SecretKey) -> dict[str, str]:
    """Return the JWK of a secret: the secret itself, for whoever asked for it by this name.

    Raises:
        KeyInvalid: A BLS12-381 key; drafts differ on how its secret is written.

    Spec: RFC 7518 section 6.2.2; RFC 8037 section 2; RFC 9964 section 4.
    """
    row = secret.public.algorithm
    return {**encode_jwk(secret.public), _secret_member(row): encode_base64url(secret.export_seed())}


def decode_secret_jwk(jwk: object) -> SecretKey:
    """Return the key of a secret JWK whose public members are its own.

    Raises:
        KeyInvalid: As `decode_jwk`; no secret, one of the wrong length, or one of another public key.
        EncodingInvalid: A member that is not base64url.
    """
    from agentdid.keys.secret import SecretKey  # noqa: PLC0415  # a verifier never needs it

    if not isinstance(jwk, dict):
        raise KeyInvalid("expected a JWK object")
    public = _decode(jwk)
    secret = SecretKey(public.algorithm.name, _member(jwk, _secret_member(public.algorithm)))
    if secret.public != public:
        raise KeyInvalid("the secret is that of another public key")
    return secret


def thumbprint(key: PublicKey) -> str:
    """Return the base64url SHA-256 thumbprint (RFC 7638 section 3; RFC 9964 section 6 for `AKP`)."""
    return encode_base64url(hashlib.sha256(canonicalize_plain(encode_jwk(key))).digest())


def _decode(jwk: dict[str, object]) -> PublicKey:
    kty, alg = jwk.get("kty"), jwk.get("alg")
    kind = alg if kty == "AKP" else jwk.get("crv")
    row = BY_JWK.get((kty, kind)) if isinstance(kty, str) and isinstance(kind, str) else None
    if row is None:
        raise KeyInvalid("expected a JWK of a known kty and crv, or of kty AKP and a known alg")
    if isinstance(alg, str) and alg in _NAMES and alg not in row.jose:
        raise KeyInvalid(f"a key of {row.name} does not sign under the alg that its JWK names")
    if row.crv is None:
        return load_public(row.name, _member(jwk, "pub"))
    x = _member(jwk, "x")
    if row.kty == "OKP":
        return load_public(row.name, x)
    y = _member(jwk, "y")
    length = ecdsa.coordinate_len(row)
    if len(x) != length or len(y) != length:
        raise KeyInvalid(f"a coordinate of {row.name} has {length} bytes")
    return load_public(row.name, ecdsa.compress(ecdsa.load_point(row, ecdsa.UNCOMPRESSED + x + y)))


def _secret_member(row: Algorithm) -> str:
    if row.scheme == "bls":
        raise KeyInvalid("the secret of a BLS12-381 key has no settled JWK")
    return "priv" if row.crv is None else "d"


def _member(jwk: dict[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyInvalid(f"expected the JWK member {name}")
    return decode_base64url(value)
