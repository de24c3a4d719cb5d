"""JSON Web Keys (RFC 7517, 7518, 8037), public only, and their thumbprints (RFC 7638)."""

from __future__ import annotations

import hashlib
from typing import Final

from agentdid.canon.jcs import canonicalize_plain
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import KeyInvalid
from agentdid.keys import ecdsa
from agentdid.keys.algorithms import BY_CURVE
from agentdid.keys.public import PublicKey, load_public

_SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_UNCOMPRESSED: Final = b"\x04"  # SEC 1 §2.3.3


def encode_jwk(key: PublicKey) -> dict[str, str]:
    """Return the required members of a key's JWK, those its thumbprint is made of."""
    algorithm = key.algorithm
    if algorithm.kty == "OKP":
        return {"kty": "OKP", "crv": algorithm.crv, "x": encode_base64url(key.raw)}
    numbers = ecdsa.load_point(key.raw).public_numbers()
    x, y = (encode_base64url(each.to_bytes(ecdsa.COORDINATE_BYTES, "big")) for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": algorithm.crv, "x": x, "y": y}


def decode_jwk(jwk: object) -> PublicKey:
    """Return the key of a public JWK.

    Raises:
        KeyInvalid: Not an object, an unknown kind, a secret member, a coordinate of the wrong length, off the curve.
        EncodingInvalid: A coordinate that is not base64url.
    """
    if not isinstance(jwk, dict):
        raise KeyInvalid("expected a JWK object")
    if _SECRET_MEMBERS & jwk.keys():
        raise KeyInvalid("a JWK with secret members is nobody's public key")
    kty, crv = jwk.get("kty"), jwk.get("crv")
    algorithm = BY_CURVE.get((kty, crv)) if isinstance(kty, str) and isinstance(crv, str) else None
    if algorithm is None:
        raise KeyInvalid("expected a JWK of a known kty and crv")
    x = _member(jwk, "x")
    if algorithm.kty == "OKP":
        return load_public(algorithm.name, x)
    y = _member(jwk, "y")
    if len(x) != ecdsa.COORDINATE_BYTES or len(y) != ecdsa.COORDINATE_BYTES:
        raise KeyInvalid(f"a coordinate of {algorithm.crv} has {ecdsa.COORDINATE_BYTES} bytes")
    return load_public(algorithm.name, ecdsa.compress(ecdsa.load_point(_UNCOMPRESSED + x + y)))


def thumbprint(key: PublicKey) -> str:
    """Return the base64url SHA-256 thumbprint (RFC 7638 section 3)."""
    return encode_base64url(hashlib.sha256(canonicalize_plain(encode_jwk(key))).digest())


def _member(jwk: dict[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyInvalid(f"expected the JWK member {name}")
    return decode_base64url(value)
