"""Status lists: a value of a decoded list, and the decoding, beside one Ed25519 verification by libsodium.

A list has one entry in a hundred set, at random, as one that has been in use; the fuller a list is, the longer it is.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agentdid.codec.base import encode_base64url
from agentdid.status.bitstring import StatusEntry, StatusList, decode_list, encode_list
from agentdid.status.packed import ZLIB, pack
from agentdid.status.token_list import TokenEntry, TokenStatusList, decode_values
from bench.measure import CALLS, Row, Work, compare
from bench.verify import LIST_URL, NOW, floor

if TYPE_CHECKING:
    from typing import Any

_SMALL: Final = 131_072
_LARGE: Final = 1_048_576
_ISSUER: Final = "did:web:acme.example"


def _octets(entries: int, size: int = 1) -> bytes:
    chance = random.Random(entries)  # noqa: S311  # the same list every time
    octets = bytearray(entries * size // 8)
    for index in chance.sample(range(entries), entries // 100):
        octets[index * size >> 3] |= 1 << (index * size & 7)
    return bytes(octets)


def _values(held: StatusList | TokenStatusList, entries: list[Any], bar: float) -> Work:
    return Work(lambda: entries, held.value, bar)


def works() -> dict[str, Work]:
    """Return what is timed, by row."""
    chance = random.Random(1)  # noqa: S311  # as above
    places = [chance.randrange(_SMALL) for _ in range(40 * CALLS)]
    bits = StatusList(LIST_URL, _ISSUER, ("revocation",), _octets(_SMALL), NOW, None, None, None)
    values = TokenStatusList(LIST_URL, _ISSUER, 2, _octets(_SMALL, 2), NOW, None, None)
    packed = {size: encode_list(_octets(size)) for size in (_SMALL, _LARGE)}
    token = encode_base64url(pack(_octets(_LARGE), ZLIB))
    return {
        "status check, decoded Bitstring list": _values(
            bits, [StatusEntry("revocation", place, LIST_URL) for place in places], 0.02
        ),
        "status check, decoded token list of 2 bits": _values(
            values, [TokenEntry(place, LIST_URL) for place in places], 0.02
        ),
        "decode a Bitstring list, 131,072 entries": Work(lambda: [packed[_SMALL]] * CALLS, decode_list, 0.75),
        "decode a Bitstring list, 1,048,576 entries": Work(lambda: [packed[_LARGE]] * CALLS, decode_list, 4.1),
        "decode a token list, 1,048,576 entries": Work(lambda: [token] * CALLS, decode_values, 4.1),
    }


def rows() -> list[Row]:
    """Return the figures."""
    return compare(floor(), works())
