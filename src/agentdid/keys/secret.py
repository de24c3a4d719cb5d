"""What signs: a protocol that a key elsewhere can satisfy, and a key in memory that never shows itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn, Protocol, Self, final

from agentdid.errors import KeyInvalid
from agentdid.keys import ecdsa, ed25519
from agentdid.keys.public import PublicKey, load_public

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """A signing key in memory. It shows itself to nobody but the caller of `export_seed`."""

    __slots__ = ("_sign", "_take", "public")

    def __init__(self, algorithm: str, seed: bytes) -> None:
        # closures keep the seed out of attributes, and so out of debuggers' and tracebacks' object dumps
        module = {"Ed25519": ed25519, "P-256": ecdsa}.get(algorithm)
        if module is None:
            raise KeyInvalid(f"no secret key of algorithm {algorithm}")
        if module is ed25519:
            if len(seed) != ed25519.SEED_BYTES:
                raise KeyInvalid(f"an Ed25519 seed has {ed25519.SEED_BYTES} bytes")
            raw = ed25519.public_of(seed)
        else:
            raw = ecdsa.compress(ecdsa.load_secret(seed).public_key())
        self.public = load_public(algorithm, raw)
        self._sign: Callable[[bytes], bytes] = lambda message: module.sign(seed, message)
        self._take: Callable[[], bytes] = lambda: seed

    @classmethod
    def generate(cls, algorithm: str = "Ed25519") -> Self:
        """Return a fresh key of an algorithm of the table. Raises `KeyInvalid` for another."""
        return cls(algorithm, ecdsa.generate_seed() if algorithm == "P-256" else os.urandom(32))

    @classmethod
    def from_seed(cls, algorithm: str, seed: bytes) -> Self:
        """Return the key of a 32-byte Ed25519 seed or P-256 scalar. Raises `KeyInvalid`."""
        return cls(algorithm, seed)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message: 64 bytes, `R || S` or `r || s`."""
        return self._sign(message)

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
