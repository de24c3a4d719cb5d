"""Ed25519 through libsodium: verified in half of OpenSSL's time, and small-order keys are refused.

The library is called as PyNaCl binds it, without the wrappers around it (docs/adr/0008-libsodium-directly.md). Every
length that C code relies on is checked in the function that calls it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # compiled, without stubs

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
# As they are written, with either sign of x: to look bytes up takes a third of the time of a number's arithmetic.
_SMALL_ORDER_BYTES: Final = frozenset(
    (y | sign).to_bytes(32, "little") for y in _SMALL_ORDER for sign in (0, _SIGN_BIT)
)
_BEYOND: Final = b"\xff" * 30  # bytes 1 to 30 of every number between 2^255 - 256 and 2^255
SIGNATURE_BYTES: Final = 64
_PUBLIC_BYTES: Final = 32
_SEED_BYTES: Final = 32
_EXPANDED_BYTES: Final = 64
_NULL: Final = ffi.NULL
_OCTETS: Final = ffi.typeof("unsigned char[]")
_crypto_sign_seed_keypair: Final = lib.crypto_sign_seed_keypair
_crypto_sign: Final = lib.crypto_sign
_crypto_sign_open: Final = lib.crypto_sign_open

if lib.sodium_init() < 0:  # 0 the first time in a process, 1 afterwards
    message = "libsodium could not be initialized"
    raise RuntimeError(message)


def load_public(row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], None]:  # noqa: ARG001  # a Scheme's signature
    """Return what verifies under a canonical point of more than small order.

    Whether it lies on the curve shows in the first verification; nothing verifies under a key that does not.

    Raises:
        KeyInvalid: `y` is not below the field's prime, or the point has small order.

    Spec: RFC 8032 section 5.1.3; ATTACKS B05, H03.
    """
    if raw in _SMALL_ORDER_BYTES:
        raise KeyInvalid("an Ed25519 key of small order")
    if raw[1:31] == _BEYOND and int.from_bytes(raw, "little") & (_SIGN_BIT - 1) >= _P:
        raise KeyInvalid("not the canonical spelling of an Ed25519 key")
    return partial(verify, raw)


def verify(raw: bytes, signature: bytes, message: bytes) -> None:
    """Hold that the key made the signature. Raises `SignatureInvalid`."""
    if len(signature) != SIGNATURE_BYTES or len(raw) != _PUBLIC_BYTES:
        raise SignatureInvalid(f"an Ed25519 signature has {SIGNATURE_BYTES} bytes")
    signed = signature + message
    # the message is at hand, so it is not asked for again: libsodium takes no pointer as nowhere to write it
    if _crypto_sign_open(_NULL, _NULL, signed, len(signed), raw) != 0:
        raise SignatureInvalid("the signature does not match the signed bytes")


def load_secret(row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:  # noqa: ARG001  # a Scheme's signature
    """Return the public key of a seed, and what signs with it (RFC 8032 section 5.1.6)."""
    if len(seed) != _SEED_BYTES:
        raise KeyInvalid(f"an Ed25519 seed has {_SEED_BYTES} bytes")
    public, secret = ffi.new(_OCTETS, _PUBLIC_BYTES), ffi.new(_OCTETS, _EXPANDED_BYTES)
    if _crypto_sign_seed_keypair(public, secret, seed) != 0:
        raise KeyInvalid("libsodium made no key of the seed")
    expanded = bytes(ffi.buffer(secret))
    return bytes(ffi.buffer(public)), lambda message: _sign(expanded, message)  # a partial would show it in its repr


def _sign(expanded: bytes, message: bytes) -> bytes:
    signed = ffi.new(_OCTETS, SIGNATURE_BYTES + len(message))
    if len(expanded) != _EXPANDED_BYTES or _crypto_sign(signed, _NULL, message, len(message), expanded) != 0:
        raise KeyInvalid("libsodium made no signature")
    return bytes(ffi.buffer(signed, SIGNATURE_BYTES))


def generate_seed(row: Algorithm) -> bytes:
    """Return a fresh seed."""
    return os.urandom(row.seed_len)
