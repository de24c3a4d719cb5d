"""ECDSA over P-256 with SHA-256: raw `r || s` signatures, deterministic and low-S where we sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import KeyInvalid, SignatureInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

COORDINATE_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
COMPRESSED_BYTES: Final = 33
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2 §2.4.2


def load_point(encoded: bytes) -> EllipticCurvePublicKey:
    """Return the P-256 key of a SEC 1 point, compressed or uncompressed.

    Raises:
        KeyInvalid: Not a point of the curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # Ed25519-only callers never pay for it

    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
    except ValueError:
        raise KeyInvalid("not a point of P-256") from None


def compress(point: EllipticCurvePublicKey) -> bytes:
    """Return the 33-byte compressed point (SEC 1 section 2.3.3)."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # as above

    return point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def verify(point: EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    """Hold that the key made the raw `r || s` signature.

    Raises:
        SignatureInvalid: Another length (DER included), `r` or `s` outside 1..n-1, or no match.

    Spec: RFC 7518 section 3.4; ATTACKS B01, B02.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415

    if len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalid(f"a P-256 signature has {SIGNATURE_BYTES} bytes, r || s")
    r = int.from_bytes(signature[:COORDINATE_BYTES], "big")
    s = int.from_bytes(signature[COORDINATE_BYTES:], "big")
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise SignatureInvalid("r and s lie between 1 and the order of the curve")
    try:
        point.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SignatureInvalid("the signature does not match the signed bytes") from None


def load_secret(seed: bytes) -> EllipticCurvePrivateKey:
    """Return the private key of a 32-byte scalar.

    Raises:
        KeyInvalid: Not a scalar between 1 and the order of the curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # as above

    scalar = int.from_bytes(seed, "big")
    if len(seed) != COORDINATE_BYTES or not 0 < scalar < _ORDER:
        raise KeyInvalid("a P-256 secret has 32 bytes and lies between 1 and the order of the curve")
    return ec.derive_private_key(scalar, ec.SECP256R1())


def generate_seed() -> bytes:
    """Return a fresh 32-byte scalar."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # as above

    scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return scalar.to_bytes(COORDINATE_BYTES, "big")


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the raw `r || s` signature, deterministic (RFC 6979) and with the lower of the two valid `s`."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415

    der = load_secret(seed).sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(COORDINATE_BYTES, "big") + min(s, _ORDER - s).to_bytes(COORDINATE_BYTES, "big")
