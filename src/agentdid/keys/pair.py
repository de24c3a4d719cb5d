"""Two keys of one DID, a classical and a post-quantum one: what a hybrid proof set is signed with (PROTOCOL section 5).

Unlike a composite each is a key of its own, listed beside the other, and a reader who knows only one of the two reads
that one's proof. A store keeps both as one record: its algorithm is `HYBRID`, its secret the two seeds in that order.
"""

from __future__ import annotations

from typing import Final

from agentdid.errors import KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

HYBRID: Final = "Ed25519+ML-DSA-44"
SUFFIX: Final = "-pq"
"""What the second key's fragment has behind that of the first."""


def generate(algorithm: str) -> tuple[SecretKey, ...]:
    """Return a fresh key of an algorithm, or the two of `HYBRID`. Raises `KeyInvalid`: unknown, or without secrets."""
    return tuple(SecretKey.generate(each) for each in algorithm.split("+"))


def load(algorithm: str, seed: bytes) -> tuple[SecretKey, ...]:
    """Return the keys of a record: one, or the two of `HYBRID`. Raises `KeyInvalid`: another length."""
    names = algorithm.split("+")
    if any(name not in ALGORITHMS for name in names):
        raise KeyInvalid("a record of keys of an unknown algorithm")
    found = []
    for name in names[:-1]:
        cut = ALGORITHMS[name].seed_len
        found.append(SecretKey(name, seed[:cut]))
        seed = seed[cut:]
    return (*found, SecretKey(names[-1], seed))


def name_of(keys: tuple[SecretKey, ...]) -> str:
    """Return the algorithm of a record of keys."""
    return "+".join(key.public.algorithm.name for key in keys)


def seed_of(keys: tuple[SecretKey, ...]) -> bytes:
    """Return the secret of a record of keys, for a store that seals it."""
    return b"".join(key.export_seed() for key in keys)


def fragments(first: str, keys: tuple[SecretKey, ...]) -> tuple[str, ...]:
    """Return the fragments of a record's keys."""
    return tuple(first + SUFFIX * position for position in range(len(keys)))
