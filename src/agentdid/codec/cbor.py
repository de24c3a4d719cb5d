"""CBOR as tokens need it, one spelling per value: deterministic encoding (RFC 8949 section 4.2.1) and nothing else.

Integers, byte and text strings, arrays, maps, tags, false, true and null. Floats, indefinite lengths, numbers written
longer than they need be and keys that stand twice are refused: two readers cannot read two documents. Every call has
its own state (ATTACKS P12). Map keys may stand in any order on reading, as COSE lets them.
"""

from __future__ import annotations

from typing import Final, final

from agentdid.errors import EncodingInvalid
from agentdid.record import Value

_MAX_DEPTH: Final = 16
_MAX_ITEMS: Final = 4_096
_SIMPLE: Final = {20: False, 21: True, 22: None}
_HEAD_LENGTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_LEAST: Final = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}


@final
class Tagged(Value, frozen=True):
    """A value behind a tag."""

    tag: int
    value: object


def decode_cbor(octets: bytes) -> object:
    """Return the one value that the octets hold.

    Raises:
        EncodingInvalid: Cut short, something behind it, not in its one spelling, a kind that is not taken, too deep or
            of too many items.
    """
    reader = _Reader(octets)
    value = reader.item(0)
    if reader.at != len(octets):
        raise EncodingInvalid("CBOR: something stands behind the value")
    return value


def encode_cbor(value: object) -> bytes:
    """Return the value in its one spelling, map keys sorted by their encoding.

    Raises:
        TypeError: A kind that is not written.
    """
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        octets = value.encode()
        return _head(3, len(octets)) + octets
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join([encode_cbor(each) for each in value])
    if isinstance(value, dict):
        pairs = sorted((encode_cbor(key), encode_cbor(each)) for key, each in value.items())
        return _head(5, len(pairs)) + b"".join([key + each for key, each in pairs])
    if isinstance(value, Tagged):
        return _head(6, value.tag) + encode_cbor(value.value)
    message = f"CBOR: {type(value).__name__} is not written"
    raise TypeError(message)


def _head(major: int, number: int) -> bytes:
    if number < 24:  # noqa: PLR2004  # RFC 8949 section 3: below it the number stands in the first octet
        return bytes((major << 5 | number,))
    for info, length in _HEAD_LENGTHS.items():
        if number < 1 << 8 * length:
            return bytes((major << 5 | info,)) + number.to_bytes(length, "big")
    raise TypeError("CBOR: the number has more than 64 bits")


@final
class _Reader:
    """The octets, how far they are read, and how many items came."""

    __slots__ = ("at", "items", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0
        self.items = 0

    def item(self, depth: int) -> object:
        """Return the next value."""
        self.items += 1
        if depth > _MAX_DEPTH or self.items > _MAX_ITEMS:
            raise EncodingInvalid("CBOR: too deep, or of too many items")
        at, octets = self.at, self.octets
        if at >= len(octets):
            raise EncodingInvalid("CBOR: cut short")
        self.at = at + 1
        major, info = octets[at] >> 5, octets[at] & 31
        if major == 7:  # noqa: PLR2004  # the rest are the seven of RFC 8949 section 3.1
            if info not in _SIMPLE:
                raise EncodingInvalid("CBOR: floats and other simple values are not taken")
            return _SIMPLE[info]
        # most items are small numbers, and octets of a length in one more
        number = info if info < 24 else self._number(info)  # noqa: PLR2004  # as in `_number`
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:  # noqa: PLR2004
            return self._take(number)
        if major == 3:  # noqa: PLR2004
            return self._text(number)
        if major == 4:  # noqa: PLR2004
            return [self.item(depth + 1) for _ in range(self._count(number))]
        if major == 5:  # noqa: PLR2004
            return self._map(self._count(number), depth)
        return Tagged(number, self.item(depth + 1))

    def _take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.octets):
            raise EncodingInvalid("CBOR: cut short")
        taken = self.octets[self.at : end]
        self.at = end
        return taken

    def _number(self, info: int) -> int:
        if info not in _HEAD_LENGTHS:
            raise EncodingInvalid("CBOR: indefinite lengths are not taken")
        number = int.from_bytes(self._take(_HEAD_LENGTHS[info]), "big")
        if number < _LEAST[info]:
            raise EncodingInvalid("CBOR: a number is written longer than it need be")
        return number

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise EncodingInvalid("CBOR: a text is not UTF-8") from None

    def _count(self, number: int) -> int:
        if number > len(self.octets) - self.at:  # an item takes an octet at least
            raise EncodingInvalid("CBOR: cut short")
        return number

    def _map(self, count: int, depth: int) -> dict[int | str, object]:
        found: dict[int | str, object] = {}
        for _ in range(count):
            key = self.item(depth + 1)
            if isinstance(key, bool) or not isinstance(key, int | str):
                raise EncodingInvalid("CBOR: a key is a whole number or a text")
            if key in found:
                raise EncodingInvalid("CBOR: a key stands twice")
            found[key] = self.item(depth + 1)
        return found
