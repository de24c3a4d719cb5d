"""Unsigned varints (multiformats), in their minimal form only."""

from __future__ import annotations

from typing import Final

from agentdid.errors import EncodingInvalid

_MAX_BYTES: Final = 9  # the unsigned-varint specification's practical maximum: 63 bits


def encode_varint(number: int) -> bytes:
    """Return the minimal unsigned varint of a number. Raises `ValueError` outside 0..2^63-1."""
    if not 0 <= number < 1 << 63:
        message = "a varint holds 0 to 2^63-1"
        raise ValueError(message)
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004  # seven bits a byte, the eighth says that more follow
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode_varint(raw: bytes) -> tuple[int, bytes]:
    """Return the number that begins `raw`, and what follows it.

    Raises:
        EncodingInvalid: It does not end within nine bytes, or a shorter form exists.
    """
    number = 0
    for position, byte in enumerate(raw[:_MAX_BYTES]):
        number |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:  # noqa: PLR2004  # as above
            if byte == 0 and position:
                raise EncodingInvalid("expected the minimal varint")
            return number, raw[position + 1 :]
    raise EncodingInvalid("expected a varint of at most nine bytes")
