"""BLS12-381 keys in G2, as BBS signatures use them (extra `bbs`). Proofs under them are a suite's to check."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from agentdid.errors import AlgKeyMismatch, ExtraMissing, KeyInvalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from agentdid.keys.algorithms import Algorithm

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The order of G1 and G2 (draft-irtf-cfrg-pairing-friendly-curves section 4.2.1)."""


def load_public(row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], NoReturn]:
    """Hold that 96 bytes are the compressed form of a point of G2 other than infinity.

    Raises:
        KeyInvalid: Off the curve, outside the subgroup of prime order, infinity, or another spelling of a point.
        ExtraMissing: The extra `bbs` is not installed.

    Spec: draft-irtf-cfrg-bbs-signatures section 5.2.2 (octets_to_pubkey); ATTACKS B09.
    """
    curve = _library()
    try:
        point = curve.G2Point.from_compressed_bytes(raw)  # checks curve and subgroup
    except ValueError:
        raise KeyInvalid("not a point of the prime-order subgroup of G2") from None
    if point == curve.G2Point.identity():
        raise KeyInvalid("the point at infinity is nobody's key")
    if bytes(point.to_compressed_bytes()) != raw:
        raise KeyInvalid("not the canonical spelling of a point of G2")
    return partial(_refuse, row.name)


def load_secret(row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], NoReturn]]:
    """Return the public key of a 32-byte big-endian scalar (SkToPk).

    Raises:
        KeyInvalid: Not a scalar between 1 and the order of the group.
        ExtraMissing: The extra `bbs` is not installed.
    """
    if not 0 < int.from_bytes(seed, "big") < ORDER:
        raise KeyInvalid("a BLS12-381 secret lies between 1 and the order of the group")
    curve = _library()
    public = curve.G2Point() * curve.Scalar.from_be_bytes(seed)
    return bytes(public.to_compressed_bytes()), partial(_refuse, row.name, b"")


def generate_seed(row: Algorithm) -> bytes:
    """Return a fresh scalar."""
    import secrets  # noqa: PLC0415  # a verifier never needs it

    return (1 + secrets.randbelow(ORDER - 1)).to_bytes(row.seed_len, "big")


def _library() -> ModuleType:
    try:
        import py_arkworks_bls12381  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ExtraMissing("BLS12-381 keys need the extra bbs: pip install 'agentdid[bbs]'") from None
    return py_arkworks_bls12381


def _refuse(name: str, signature: bytes, message: bytes) -> NoReturn:  # noqa: ARG001  # the shape of a verification
    raise AlgKeyMismatch(f"a key of {name} signs through a selective suite only")
