"""Composite ML-DSA with Ed25519: two signatures in one slot, and neither counts without the other.

A key is the ML-DSA key followed by the Ed25519 key, a secret the two 32-byte seeds in that order, a signature the two
signatures. Both sign `M' = Prefix || Label || 0x00 || SHA-512(M)`, the ML-DSA half with the label as its context, so
that neither half is a signature of anything outside the composite (draft-ietf-lamps-pq-composite-sigs-19 section 3.2).
Component keys are never used outside theirs (section 10.3 there); `check_separate` holds a set of keys to that.
"""

from __future__ import annotations

import os
from functools import partial
from hashlib import sha512
from typing import TYPE_CHECKING, Final

from agentdid.errors import KeyInvalid, SignatureInvalid
from agentdid.keys import ed25519, mldsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import PublicKey
from agentdid.keys.public import load_public as load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentdid.keys.algorithms import Algorithm

_PREFIX: Final = b"CompositeAlgorithmSignatures2025"
_CLASSICAL: Final = ALGORITHMS["Ed25519"]
_NO_CONTEXT: Final = b"\0"  # the length of the application's context, which JOSE leaves empty
_SUFFIX: Final = "-Ed25519"


def load_public(row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], None]:
    """Return what verifies under both halves of a key. Raises `KeyInvalid` where either is none."""
    first, label = _first(row), _label(row)
    return partial(
        _verify,
        row,
        mldsa.load_public(first, raw[: first.public_len], label),
        ed25519.load_public(_CLASSICAL, raw[first.public_len :]),
        _PREFIX + label + _NO_CONTEXT,
    )


def _verify(
    row: Algorithm,
    post_quantum: Callable[[bytes, bytes], None],
    classical: Callable[[bytes, bytes], None],
    head: bytes,
    signature: bytes,
    message: bytes,
) -> None:
    if len(signature) != row.signature_len:
        raise SignatureInvalid(f"a signature of {row.name} has {row.signature_len} bytes")
    # Deviation D26: M' is signed as it is, as the draft's examples have it, not as base64url
    represented = head + sha512(message).digest()
    cut = row.signature_len - _CLASSICAL.signature_len
    # each raises by itself, so one that holds cannot stand for the other (ATTACKS S08); the cheaper one goes first
    classical(signature[cut:], represented)
    post_quantum(signature[:cut], represented)


def load_secret(row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the public key of the two seeds, and what signs with both."""
    first, label = _first(row), _label(row)
    public, post_quantum = mldsa.load_secret(first, seed[: first.seed_len], label)
    other, classical = ed25519.load_secret(_CLASSICAL, seed[first.seed_len :])
    head = _PREFIX + label + _NO_CONTEXT

    def sign(message: bytes) -> bytes:
        represented = head + sha512(message).digest()
        return post_quantum(represented) + classical(represented)

    return public + other, sign


def generate_seed(row: Algorithm) -> bytes:
    """Return two fresh seeds, independent of each other."""
    return os.urandom(row.seed_len)


def components(key: PublicKey) -> tuple[PublicKey, ...]:
    """Return the two keys of a composite key, ML-DSA first; nothing for a key of one algorithm."""
    if key.algorithm.scheme != "composite":
        return ()
    first = _first(key.algorithm)
    return load(first.name, key.raw[: first.public_len]), load(_CLASSICAL.name, key.raw[first.public_len :])


def check_separate(keys: Iterable[PublicKey]) -> None:
    """Hold that no key is also a component of another one, or shares a component with one.

    Raises:
        KeyInvalid: One is; whoever breaks its algorithm would have half of the composite already.

    Spec: draft-ietf-lamps-pq-composite-sigs-19 section 10.3.
    """
    distinct = set(keys)
    parts = [part for key in distinct for part in components(key)]
    if len(parts) != len(set(parts)) or not distinct.isdisjoint(parts):
        raise KeyInvalid("a component of a composite key is used outside it")


def _first(row: Algorithm) -> Algorithm:
    return ALGORITHMS[row.name.removesuffix(_SUFFIX)]


def _label(row: Algorithm) -> bytes:
    return b"COMPSIG-" + _first(row).name.replace("-", "").encode("ascii") + b"-Ed25519-SHA512"
