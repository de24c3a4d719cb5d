"""What signs: protocols that a key elsewhere can satisfy, and a key in memory that never shows itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, Self, final

from agentdid.errors import AlgKeyMismatch, KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import PublicKey, load_public
from agentdid.keys.scheme import find_scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.algorithms import Algorithm


class Signer(Protocol):
    """A key that signs, wherever it lives."""

    @property
    def public(self) -> PublicKey:
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, in the one form of the key's algorithm."""
        ...


@final
class SecretKey:
    """A secret key in memory. It shows itself to nobody but the caller of `export_seed`."""

    __slots__ = ("_agree", "_sign", "_take", "public")

    def __init__(self, algorithm: str, seed: bytes) -> None:
        row = _row(algorithm)
        if len(seed) != row.seed_len:
            # an expanded ML-DSA key is one of those that end here (ATTACKS S04)
            raise KeyInvalid(f"a secret key of {row.name} has {row.seed_len} bytes, got {len(seed)}")
        raw, sign = find_scheme(row.scheme).load_secret(row, seed)
        self.public = load_public(algorithm, raw)
        # closures keep the seed out of attributes, and so out of debuggers' and tracebacks' object dumps
        self._sign: Callable[[bytes], bytes] = sign
        self._take: Callable[[], bytes] = lambda: seed
        self._agree: Callable[[bytes], bytes] = lambda peer: _agree(seed, peer)

    @classmethod
    def generate(cls, algorithm: str = "Ed25519") -> Self:
        """Return a fresh key of an algorithm of the table. Raises `KeyInvalid` for one without secrets here."""
        row = _row(algorithm)
        return cls(algorithm, find_scheme(row.scheme).generate_seed(row))

    @classmethod
    def from_seed(cls, algorithm: str, seed: bytes) -> Self:
        """Return the key of a seed (Ed25519, X25519, ML-DSA), a big-endian scalar (curves), or the two of a composite.

        Raises:
            KeyInvalid: An unknown algorithm, another length, or a scalar outside the order of its curve.
        """
        return cls(algorithm, seed)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message. Raises `AlgKeyMismatch` for a key that does not sign."""
        return self._sign(message)

    def agree(self, peer: PublicKey) -> bytes:
        """Return the secret shared with a peer's key; it goes through a KDF before any use.

        Raises:
            AlgKeyMismatch: One of the two keys does not agree on secrets, or they are of different algorithms.
        """
        if peer.algorithm is not self.public.algorithm or not peer.algorithm.agrees:
            raise AlgKeyMismatch(f"{self.public.algorithm.name} and {peer.algorithm.name} do not agree on a secret")
        return self._agree(peer.raw)

    def export_seed(self) -> bytes:
        """Return the secret itself, for a store that seals it."""
        return self._take()

    def __repr__(self) -> str:
        return f"SecretKey({self.public!r}, secret withheld)"

    def __reduce__(self) -> NoReturn:
        message = "a SecretKey is not copied or pickled; export_seed is explicit"
        raise TypeError(message)

    def __copy__(self) -> NoReturn:
        self.__reduce__()

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce__()


def _row(algorithm: str) -> Algorithm:
    row = ALGORITHMS.get(algorithm)
    if row is None or not row.seed_len:
        raise KeyInvalid(f"no secret key of algorithm {algorithm[:64]}")
    return row


def _agree(seed: bytes, peer: bytes) -> bytes:
    from agentdid.keys import x25519  # noqa: PLC0415  # the one scheme that agrees

    return x25519.agree(seed, peer)
