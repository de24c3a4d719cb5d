"""X25519 (RFC 7748): keys that agree on a secret, and sign nothing."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from agentdid.errors import AlgKeyMismatch, KeyInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.algorithms import Algorithm

_P: Final = 2**255 - 19
# The u-coordinates of the points of order 1, 2, 4 and 8, on the curve and on its twist: with such a key everybody
# agrees on zero (RFC 7748 §6.1). The last two are those of order 8.
_SMALL_ORDER: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    }
)


def load_public(row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], NoReturn]:
    """Hold that 32 bytes are the canonical u-coordinate of a point of more than small order.

    Points of the twist are keys like others (RFC 7748 section 7); a second spelling of a key is not, although
    RFC 7748 section 5 lets a receiver reduce it.

    Raises:
        KeyInvalid: `u` is not below the field's prime, or the point has small order.
    """
    u = int.from_bytes(raw, "little")
    if u >= _P:  # Deviation D27: one spelling per key, the most significant bit included
        raise KeyInvalid("not the canonical spelling of an X25519 key")
    if u in _SMALL_ORDER:
        raise KeyInvalid("an X25519 key of small order")
    return partial(_refuse, row.name)


def load_secret(row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], NoReturn]]:
    """Return the public key of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415  # only who needs it pays

    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw(), partial(_refuse, row.name, b"")


def generate_seed(row: Algorithm) -> bytes:
    """Return a fresh secret."""
    return os.urandom(row.seed_len)


def agree(seed: bytes, peer: bytes) -> bytes:
    """Return the 32 bytes on which a secret and a peer's key agree; they go through a KDF before any use.

    Raises:
        KeyInvalid: All of them are zero (RFC 7748 section 6.1).
    """
    from cryptography.hazmat.primitives.asymmetric import x25519  # noqa: PLC0415  # as above

    try:
        return x25519.X25519PrivateKey.from_private_bytes(seed).exchange(x25519.X25519PublicKey.from_public_bytes(peer))
    except ValueError:
        raise KeyInvalid("a key with which everybody agrees on zero") from None


def _refuse(name: str, signature: bytes, message: bytes) -> NoReturn:  # noqa: ARG001  # the shape of a verification
    raise AlgKeyMismatch(f"a key of {name} signs nothing")
