"""Ed25519 through libsodium: verified in half of OpenSSL's time, and small-order keys are refused."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from agentdid.errors import KeyInvalid, SignatureInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.algorithms import Algorithm

_P: Final = 2**255 - 19
# The y-coordinates of the eight points of small order (RFC 8032 §5.1 curve): such a key validates every message in
# some libraries. The order-8 pair is the root of the curve's torsion polynomial and its negative.
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
_SIGN_BIT: Final = 1 << 255
SIGNATURE_BYTES: Final = 64


def load_public(row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], None]:  # noqa: ARG001  # a Scheme's signature
    """Return what verifies under a canonical point of more than small order.

    Whether it lies on the curve shows in the first verification; nothing verifies under a key that does not.

    Raises:
        KeyInvalid: `y` is not below the field's prime, or the point has small order.

    Spec: RFC 8032 section 5.1.3; ATTACKS B05, H03.
    """
    y = int.from_bytes(raw, "little") & (_SIGN_BIT - 1)
    if y >= _P:
        raise KeyInvalid("not the canonical spelling of an Ed25519 key")
    if y in _SMALL_ORDER:
        raise KeyInvalid("an Ed25519 key of small order")
    return partial(verify, raw)


def verify(raw: bytes, signature: bytes, message: bytes) -> None:
    """Hold that the key made the signature. Raises `SignatureInvalid`."""
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalid(f"an Ed25519 signature has {SIGNATURE_BYTES} bytes")
    try:
        crypto_sign_open(signature + message, raw)
    except BadSignatureError:
        raise SignatureInvalid("the signature does not match the signed bytes") from None


def load_secret(row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:  # noqa: ARG001  # a Scheme's signature
    """Return the public key of a seed, and what signs with it (RFC 8032 section 5.1.6)."""
    public, expanded = crypto_sign_seed_keypair(seed)
    return public, lambda message: crypto_sign(message, expanded)[:SIGNATURE_BYTES]


def generate_seed(row: Algorithm) -> bytes:
    """Return a fresh seed."""
    return os.urandom(row.seed_len)
