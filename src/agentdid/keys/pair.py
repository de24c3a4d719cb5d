"""Two keys of one DID, a classical and a post-quantum one: what a hybrid proof set is signed with (PROTOCOL section 5).

Unlike a composite each is a key of its own, listed beside the other, and a reader who knows only one of the two reads
that one's proof. A store keeps both as one record: its algorithm is `HYBRID`, its secret the two seeds in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, final

from agentdid.errors import KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer

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


@final
class KeyPair:
    """Both keys as one `Signer`. What needs one signature has that of the classical key.

    Attributes:
        classical: The first key.
        post_quantum: The one beside it.
    """

    __slots__ = ("classical", "post_quantum")

    def __init__(self, classical: SecretKey, post_quantum: SecretKey) -> None:
        self.classical = classical
        self.post_quantum = post_quantum

    @property
    def public(self) -> PublicKey:
        """The classical public key."""
        return self.classical.public

    def sign(self, message: bytes) -> bytes:
        """Return the classical signature of a message."""
        return self.classical.sign(message)

    @property
    def keys(self) -> tuple[SecretKey, SecretKey]:
        """Both keys, the classical first."""
        return self.classical, self.post_quantum

    def members(self, method_id: str) -> tuple[tuple[SecretKey, str], tuple[SecretKey, str]]:
        """Return each key with its method's id, given that of the first."""
        return (self.classical, method_id), (self.post_quantum, method_id + SUFFIX)

    def __repr__(self) -> str:
        return f"KeyPair({self.classical!r}, {self.post_quantum!r})"

    def __reduce__(self) -> NoReturn:
        message = "a KeyPair is not copied or pickled; its keys' export_seed is explicit"
        raise TypeError(message)


def as_signer(keys: tuple[SecretKey, ...]) -> SecretKey | KeyPair:
    """Return a record's keys as what signs."""
    return keys[0] if len(keys) == 1 else KeyPair(*keys)


def public_keys(signer: Signer, fragment: str) -> dict[str, PublicKey]:
    """Return what a DID document lists of a signer: fragment → key, of a pair two."""
    if not isinstance(signer, KeyPair):
        return {fragment: signer.public}
    return dict(zip(fragments(fragment, signer.keys), (each.public for each in signer.keys), strict=True))


def pick(signer: Signer, method_id: str, algorithms: Collection[str]) -> tuple[Signer, str]:
    """Return the key that signs with one of the algorithms and its method's id: of a pair the fitting one."""
    if isinstance(signer, KeyPair):
        for member, name in signer.members(method_id):
            if member.public.algorithm.name in algorithms:
                return member, name
    return signer, method_id
