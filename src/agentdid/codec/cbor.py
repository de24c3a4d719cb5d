"""CBOR as proof values need it, one spelling a value: the deterministic subset of RFC 8949 without tags and floats.

Unsigned integers, byte strings, text strings, arrays, maps with distinct keys. Lengths are definite and shortest, and
nothing follows the value. The order of a map's entries is the sender's: proof values state none.

Spec: RFC 8949 section 4.2.1; vc-di-ecdsa section 3.5.3 and vc-di-bbs section 3.3.3, by which nothing in a proof value
is tagged.
"""

from __future__ import annotations

from typing import Final

from agentdid.errors import EncodingInvalid

_UNSIGNED: Final = 0
_BYTES: Final = 2
_TEXT: Final = 3
_ARRAY: Final = 4
_MAP: Final = 5
_IN_HEAD: Final = 24
_EIGHT_BYTES: Final = 27
_MAX_DEPTH: Final = 4


def encode(value: object) -> bytes:
    """Return the encoding of integers from 0, bytes, text, lists and dictionaries. Raises `TypeError` for others."""
    if type(value) is int and value >= 0:
        return _head(_UNSIGNED, value)
    if type(value) is bytes:
        return _head(_BYTES, len(value)) + value
    if type(value) is str:
        text = value.encode()
        return _head(_TEXT, len(text)) + text
    if type(value) is list:
        return _head(_ARRAY, len(value)) + b"".join([encode(each) for each in value])
    if type(value) is dict:
        entries = [encode(key) + encode(each) for key, each in value.items()]
        return _head(_MAP, len(value)) + b"".join(entries)
    message = f"no encoding for a {type(value).__name__}"
    raise TypeError(message)


def decode(data: bytes) -> object:
    """Return the value of which these bytes are the one encoding, but for the order of maps.

    Raises:
        EncodingInvalid: Cut short, followed by more, a longer spelling, a key twice, or a kind that is not taken.
    """
    value, end = _decode(data, 0, _MAX_DEPTH)
    if end != len(data):
        raise EncodingInvalid("CBOR is followed by more bytes")
    return value


def _head(kind: int, number: int) -> bytes:
    if number < _IN_HEAD:
        return bytes((kind << 5 | number,))
    size = 1 if number < 1 << 8 else 2 if number < 1 << 16 else 4 if number < 1 << 32 else 8
    return bytes((kind << 5 | _IN_HEAD + size.bit_length() - 1,)) + number.to_bytes(size, "big")


def _decode(data: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth < 0:
        raise EncodingInvalid("CBOR is nested deeper than the limit")
    if at >= len(data):
        raise EncodingInvalid("CBOR is cut short")
    kind, number = data[at] >> 5, data[at] & 31
    at += 1
    if number >= _IN_HEAD:
        if number > _EIGHT_BYTES:
            raise EncodingInvalid("CBOR of an indefinite or reserved length")
        number, at = _number(data, at, 1 << number - _IN_HEAD)
    if kind == _UNSIGNED:
        return number, at
    if kind in (_BYTES, _TEXT):
        end = at + number
        if end > len(data):
            raise EncodingInvalid("CBOR is cut short")
        return data[at:end] if kind == _BYTES else _text(data[at:end]), end
    if kind == _ARRAY:
        return _array(data, at, number, depth)
    if kind == _MAP:
        return _map(data, at, number, depth)
    raise EncodingInvalid("CBOR of a kind that is not taken: negative numbers, tags, floats, simple values")


def _number(data: bytes, at: int, size: int) -> tuple[int, int]:
    end = at + size
    if end > len(data):
        raise EncodingInvalid("CBOR is cut short")
    number = int.from_bytes(data[at:end], "big")
    if number < _IN_HEAD or (size > 1 and number < 1 << 4 * size):
        raise EncodingInvalid("CBOR that is not of the shortest spelling")
    return number, end


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise EncodingInvalid("CBOR text that is not UTF-8") from None


def _array(data: bytes, at: int, count: int, depth: int) -> tuple[list[object], int]:
    found: list[object] = []
    for _ in range(_possible(data, at, count)):
        value, at = _decode(data, at, depth - 1)
        found.append(value)
    return found, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[object, object], int]:
    found: dict[object, object] = {}
    for _ in range(_possible(data, at, count)):
        key, at = _decode(data, at, depth - 1)
        if type(key) is not int and type(key) is not str:
            raise EncodingInvalid("expected numbers or texts as keys of a CBOR map")
        if key in found:
            raise EncodingInvalid("a CBOR map with a key twice")
        found[key], at = _decode(data, at, depth - 1)
    return found, at


def _possible(data: bytes, at: int, count: int) -> int:
    # every element takes a byte; so a stated count costs nothing that was not sent
    if count > len(data) - at:
        raise EncodingInvalid("CBOR is cut short")
    return count
