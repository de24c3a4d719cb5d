"""Public keys that verify. One is only had from `load_public`, so every one in use is well-formed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from agentdid.errors import KeyInvalid
from agentdid.keys import ecdsa, ed25519
from agentdid.keys.algorithms import ALGORITHMS

if TYPE_CHECKING:
    from agentdid.keys.algorithms import Algorithm

_MADE_HERE: Final = object()


@final
class PublicKey:
    """A well-formed public key; two are equal when algorithm and bytes are.

    Attributes:
        algorithm: Its row in the table.
        raw: Its one form: 32 bytes for Ed25519, the 33-byte compressed point for P-256.
    """

    __slots__ = ("_point", "algorithm", "raw")

    algorithm: Algorithm
    raw: bytes

    def __init__(self, algorithm: Algorithm, raw: bytes, point: Any, maker: object) -> None:  # noqa: ANN401  # a lazily imported type
        if maker is not _MADE_HERE:
            message = "a PublicKey comes from load_public"
            raise TypeError(message)
        object.__setattr__(self, "algorithm", algorithm)
        object.__setattr__(self, "raw", raw)
        object.__setattr__(self, "_point", point)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Hold that this key made the signature of the message. Raises `SignatureInvalid`."""
        if self._point is None:  # type: ignore[attr-defined]  # a slot, set above
            ed25519.verify(self.raw, signature, message)
        else:
            ecdsa.verify(self._point, signature, message)  # type: ignore[attr-defined]  # as above

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
        return f"PublicKey({self.algorithm.name}, {self.raw.hex()})"


@lru_cache(maxsize=4096)
def load_public(algorithm: str, raw: bytes) -> PublicKey:
    """Return the key of an algorithm's bytes.

    Args:
        algorithm: A name of the table.
        raw: 32 bytes for Ed25519; the compressed point for P-256.

    Raises:
        KeyInvalid: Unknown algorithm, wrong length, not canonical, off the curve, or of small order.
    """
    row = ALGORITHMS.get(algorithm)
    if row is None:
        raise KeyInvalid(f"expected a key of {', '.join(ALGORITHMS)}")
    if len(raw) != row.public_len:
        raise KeyInvalid(f"a public key of {row.name} has {row.public_len} bytes, got {len(raw)}")
    point = None
    if row.name == "Ed25519":
        ed25519.check_public(raw)
    else:
        point = ecdsa.load_point(raw)
        if ecdsa.compress(point) != raw:
            raise KeyInvalid("not the canonical spelling of a point")
    return PublicKey(row, raw, point, _MADE_HERE)
