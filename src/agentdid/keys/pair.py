"""Two keys of one controller, against two kinds of attacker: an Ed25519 key, and an ML-DSA-44 key beside it.

Unlike a composite (`keys.composite`) each of them is a key of its own, with a verification method of its own: what is
signed by both carries two proofs (PROTOCOL section 5, `hybrid-set`), and who knows only one kind can still read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, Self, final

from agentdid.errors import KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer

PAIR: Final = "Ed25519+ML-DSA-44"
"""What stores call such a pair in place of an algorithm."""
SECOND: Final = "key-2"
"""The fragment of the post-quantum key; the classical one has the fragment that a single key would have."""
_CLASSICAL: Final = "Ed25519"
_POST_QUANTUM: Final = "ML-DSA-44"
_SPLIT: Final = ALGORITHMS[_CLASSICAL].seed_len


@final
class KeyPair:
    """Both keys in memory. As a `Signer` it is its classical key, so that what needs one signature has one.

    Attributes:
        classical: The Ed25519 key.
        post_quantum: The ML-DSA-44 key.
    """

    __slots__ = ("classical", "post_quantum")

    def __init__(self, classical: SecretKey, post_quantum: SecretKey) -> None:
        self.classical = classical
        self.post_quantum = post_quantum

    @classmethod
    def generate(cls) -> Self:
        """Return a fresh pair."""
        return cls(SecretKey.generate(_CLASSICAL), SecretKey.generate(_POST_QUANTUM))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the pair of two seeds, one after the other. Raises `KeyInvalid` for another length."""
        return cls(SecretKey(_CLASSICAL, seed[:_SPLIT]), SecretKey(_POST_QUANTUM, seed[_SPLIT:]))

    @property
    def public(self) -> PublicKey:
        """The classical public key."""
        return self.classical.public

    def sign(self, message: bytes) -> bytes:
        """Return the classical signature of a message."""
        return self.classical.sign(message)

    def export_seed(self) -> bytes:
        """Return both secrets, for a store that seals them."""
        return self.classical.export_seed() + self.post_quantum.export_seed()

    def members(self, method_id: str) -> tuple[tuple[SecretKey, str], tuple[SecretKey, str]]:
        """Return each key with its method's id, given that of the first."""
        did, _, _ = method_id.partition("#")
        return (self.classical, method_id), (self.post_quantum, f"{did}#{SECOND}")

    def __repr__(self) -> str:
        return f"KeyPair({self.classical!r}, {self.post_quantum!r})"

    def __reduce__(self) -> NoReturn:
        message = "a KeyPair is not copied or pickled; export_seed is explicit"
        raise TypeError(message)


def generate_secret(algorithm: str) -> SecretKey | KeyPair:
    """Return a fresh key of an algorithm of the table, or a fresh `PAIR`. Raises `KeyInvalid`."""
    return KeyPair.generate() if algorithm == PAIR else SecretKey.generate(algorithm)


def load_secret(algorithm: str, seed: bytes) -> SecretKey | KeyPair:
    """Return the key of a seed, or the pair of two. Raises `KeyInvalid`."""
    return KeyPair.from_seed(seed) if algorithm == PAIR else SecretKey.from_seed(algorithm, seed)


def algorithm_of(secret: SecretKey | KeyPair) -> str:
    """Return what a store calls the kind of a key."""
    return PAIR if isinstance(secret, KeyPair) else secret.public.algorithm.name


def public_keys(secret: SecretKey | KeyPair, fragment: str) -> dict[str, PublicKey]:
    """Return what a DID document lists of a key: by its fragment, and of a pair by two.

    Raises:
        KeyInvalid: The first key of a pair has the fragment of the second.
    """
    if not isinstance(secret, KeyPair):
        return {fragment: secret.public}
    if fragment == SECOND:
        raise KeyInvalid(f"the first key of a pair is not called {SECOND}")
    return {fragment: secret.classical.public, SECOND: secret.post_quantum.public}


def pick(signer: Signer, method_id: str, algorithms: Collection[str]) -> tuple[Signer, str]:
    """Return the key that signs with one of the algorithms and its method's id: of a pair the fitting one."""
    if isinstance(signer, KeyPair):
        for member, name in signer.members(method_id):
            if member.public.algorithm.name in algorithms:
                return member, name
    return signer, method_id
