"""Public keys that verify. One is only had from `load_public`, so every one in use is well-formed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn, final

from agentdid.errors import KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.scheme import find_scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.algorithms import Algorithm

_MADE_HERE: Final = object()
_SMALL: Final = 256
"""Bytes; classical keys take under 100, and the smallest ML-DSA key 1,312 and ten times as much once loaded."""


@final
class PublicKey:
    """A well-formed public key; two are equal when algorithm and bytes are.

    Attributes:
        algorithm: Its row in the table.
        raw: Its one form: 32 bytes for Ed25519 and X25519, the compressed point on other curves, FIPS 204's encoding
            for ML-DSA, the two halves for a composite.
        verify: Hold that this key made a signature (first argument) of a message (second). Raises `SignatureInvalid`;
            `AlgKeyMismatch` for a key that signs nothing, or through a suite only.
    """

    __slots__ = ("algorithm", "raw", "verify")

    algorithm: Algorithm
    raw: bytes
    verify: Callable[[bytes, bytes], None]

    def __init__(self, algorithm: Algorithm, raw: bytes, verify: Callable[[bytes, bytes], None], maker: object) -> None:
        if maker is not _MADE_HERE:
            message = "a PublicKey comes from load_public"
            raise TypeError(message)
        _set_algorithm(self, algorithm)
        _set_raw(self, raw)
        _set_verify(self, verify)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        message = "a PublicKey does not change"
        raise AttributeError(message)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, PublicKey) and self.algorithm is other.algorithm and self.raw == other.raw

    def __hash__(self) -> int:
        return hash((self.algorithm.name, self.raw))

    def __repr__(self) -> str:
        shown = self.raw.hex() if len(self.raw) <= _SMALL else f"{self.raw[:16].hex()}..."
        return f"PublicKey({self.algorithm.name}, {shown})"


# the slots themselves, past the refusal above
_set_algorithm: Final = PublicKey.__dict__["algorithm"].__set__
_set_raw: Final = PublicKey.__dict__["raw"].__set__
_set_verify: Final = PublicKey.__dict__["verify"].__set__


def load_public(algorithm: str, raw: bytes) -> PublicKey:
    """Return the key of an algorithm's bytes.

    Args:
        algorithm: A name of the table.
        raw: As `PublicKey.raw`.

    Raises:
        KeyInvalid: Unknown algorithm, wrong length, not canonical, off the curve, outside the subgroup, or of small
            order.
        ExtraMissing: Its algorithm needs an extra that is not installed.
    """
    # two caches, so that strangers cannot make one hold megabytes of post-quantum keys
    return _load(algorithm, raw) if len(raw) <= _SMALL else _load_large(algorithm, raw)


def _load_key(algorithm: str, raw: bytes) -> PublicKey:
    row = ALGORITHMS.get(algorithm)
    if row is None:
        raise KeyInvalid(f"expected a key of {', '.join(ALGORITHMS)}")
    if len(raw) != row.public_len:
        raise KeyInvalid(f"a public key of {row.name} has {row.public_len} bytes, got {len(raw)}")
    return load_row(row, raw)


def load_row(row: Algorithm, raw: bytes) -> PublicKey:
    """Return the key of as many bytes as the row says; not remembered, for whoever remembers by other means.

    Raises:
        KeyInvalid, ExtraMissing: As `load_public`.
    """
    return PublicKey(row, raw, find_scheme(row.scheme).load_public(row, raw), _MADE_HERE)


_load = lru_cache(maxsize=4096)(_load_key)
_load_large = lru_cache(maxsize=256)(_load_key)
