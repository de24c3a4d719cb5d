"""DIDs beside one Ed25519 verification by libsodium: from a did:key to the key that it is, well-formed and loaded."""

from __future__ import annotations

import secrets
from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from agentdid.codec.base import encode_multibase
from agentdid.did import key as did_key
from bench.measure import CALLS, Row, Work, compare

_FRESH: Final = 50
_AGAIN: Final = 2_000
"""A look-up in a cache takes about as long as a timer's own error, so many are timed together."""


def _floor() -> Work:
    public, secret = crypto_sign_seed_keypair(b"f" * 32)
    signed = crypto_sign(b"m" * 64, secret)
    return Work(lambda: [signed] * CALLS, lambda each: crypto_sign_open(each, public), 1.0)


def _fresh() -> list[str]:
    """Return did:keys that nobody has seen: whether such a point is on the curve shows when it verifies something."""
    return ["did:key:" + encode_multibase(b"\xed\x01" + secrets.token_bytes(31) + b"\x11", "z") for _ in range(_FRESH)]


def works() -> dict[str, Work]:
    """Return what is timed, by row."""
    known = did_key.create(did_key.public_key(_fresh()[0]))
    return {
        "did:key to verified key, never seen before": Work(_fresh, did_key.public_key, 0.1),
        "did:key to verified key, seen before": Work(lambda: [known] * _AGAIN, did_key.public_key, 0.006),
    }


def rows() -> list[Row]:
    """Return the figures."""
    return compare(_floor(), works())
