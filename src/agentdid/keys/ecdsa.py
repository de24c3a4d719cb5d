"""ECDSA (FIPS 186-5) over P-256, P-384, P-521 and secp256k1: raw `r || s`, points compressed.

What we sign is deterministic (RFC 6979) and has the lower of the two valid `s`, on every curve: a message then has one
signature under a key, and nobody else can write a second one that a cache, a log or a replay store takes for another.
What we verify may have either: neither FIPS 186-5 nor RFC 7518 nor RFC 8812 forbids the higher one.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.errors import KeyInvalid, SignatureInvalid
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurve, EllipticCurvePublicKey

    from agentdid.keys.algorithms import Algorithm

UNCOMPRESSED: Final = b"\x04"  # SEC 1 §2.3.3


@final
class Curve(Value, frozen=True):
    """A curve: its name in the library below, and the order of its base point (SEC 2 section 2)."""

    name: str
    order: int


CURVES: Final[Mapping[str, Curve]] = MappingProxyType(
    {
        "P-256": Curve("SECP256R1", 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
        "P-384": Curve(
            "SECP384R1",
            0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        ),
        "P-521": Curve(
            "SECP521R1",
            0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        ),
        "secp256k1": Curve("SECP256K1", 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141),
    }
)


def coordinate_len(row: Algorithm) -> int:
    """Return the bytes of a coordinate; `r` and `s` have as many."""
    return row.public_len - 1


def load_point(row: Algorithm, encoded: bytes) -> EllipticCurvePublicKey:
    """Return the key of a SEC 1 point, compressed or uncompressed.

    Raises:
        KeyInvalid: Not a point of the curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # Ed25519-only callers never pay for it

    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_curve(row), encoded)
    except ValueError:
        raise KeyInvalid(f"not a point of {row.name}") from None


def compress(point: EllipticCurvePublicKey) -> bytes:
    """Return the compressed point (SEC 1 section 2.3.3)."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # as above

    return point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def load_public(row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], None]:
    """Return what verifies under a compressed point. Raises `KeyInvalid`."""
    point = load_point(row, raw)
    if compress(point) != raw:
        raise KeyInvalid("not the canonical spelling of a point")
    return partial(_verify, row, point, _scheme(row))


def _verify(row: Algorithm, point: EllipticCurvePublicKey, scheme: ECDSA, signature: bytes, message: bytes) -> None:
    """Hold that the key made the raw `r || s` signature.

    Raises:
        SignatureInvalid: Another length (DER included), `r` or `s` outside 1..n-1, or no match.

    Spec: RFC 7518 section 3.4; ATTACKS B01, B02.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415

    if len(signature) != row.signature_len:
        raise SignatureInvalid(f"a {row.name} signature has {row.signature_len} bytes, r || s")
    half = row.signature_len // 2
    order = CURVES[row.name].order
    r = int.from_bytes(signature[:half], "big")
    s = int.from_bytes(signature[half:], "big")
    if not (0 < r < order and 0 < s < order):
        raise SignatureInvalid("r and s lie between 1 and the order of the curve")
    try:
        point.verify(encode_dss_signature(r, s), message, scheme)
    except InvalidSignature:
        raise SignatureInvalid("the signature does not match the signed bytes") from None


def load_secret(row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the public key of a big-endian scalar, and what signs with it.

    Raises:
        KeyInvalid: Not a scalar between 1 and the order of the curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # as above

    scalar = int.from_bytes(seed, "big")
    if not 0 < scalar < CURVES[row.name].order:
        raise KeyInvalid(f"a {row.name} secret lies between 1 and the order of the curve")
    secret = ec.derive_private_key(scalar, _curve(row))
    scheme = _scheme(row, deterministic=True)
    return compress(secret.public_key()), lambda message: normalize_der(row, secret.sign(message, scheme))


def generate_seed(row: Algorithm) -> bytes:
    """Return a fresh scalar."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # as above

    return ec.generate_private_key(_curve(row)).private_numbers().private_value.to_bytes(row.seed_len, "big")


def normalize_der(row: Algorithm, der: bytes) -> bytes:
    """Return a DER signature of ours as raw `r || s` with the lower `s`. Raises `ValueError`: no DER, no signature."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415  # as above

    return _join(row, *decode_dss_signature(der))


def normalize_raw(row: Algorithm, raw: bytes) -> bytes:
    """Return a raw signature of ours with the lower `s`. Raises `ValueError`: another length, or no signature."""
    if len(raw) != row.signature_len:
        message = f"a {row.name} signature has {row.signature_len} bytes, r || s"
        raise ValueError(message)
    half = row.signature_len // 2
    return _join(row, int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


def _join(row: Algorithm, r: int, s: int) -> bytes:
    half, order = row.signature_len // 2, CURVES[row.name].order
    if not (0 < r < order and 0 < s < order):
        message = f"r and s of a {row.name} signature lie between 1 and the order of the curve"
        raise ValueError(message)
    return r.to_bytes(half, "big") + min(s, order - s).to_bytes(half, "big")


def _curve(row: Algorithm) -> EllipticCurve:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  # as above

    curve: EllipticCurve = getattr(ec, CURVES[row.name].name)()
    return curve


def _scheme(row: Algorithm, *, deterministic: bool = False) -> ECDSA:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return ec.ECDSA(getattr(hashes, str(row.hash).upper())(), deterministic_signing=deterministic)
