"""base64url, base58btc and multibase, one spelling per value.

Lenient decoders skip stray characters and stray bits; two spellings of one signature would be two cache keys and two
audit rows, so every decoder here refuses all spellings but the encoder's.
"""

from __future__ import annotations

from binascii import Error
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pybase64 import b64decode, b64encode_as_string

from agentdid.errors import EncodingInvalid, InputTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_URL: Final = b"-_"
_PADDING: Final = ("", "===", "==", "=")
# the last character holds 2 or 4 bits that no byte takes; they are zero
_LAST_OF: Final = (None, None, frozenset("AQgw"), frozenset("AEIMQUYcgkosw048"))
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIR_BASE: Final = 58 * 58
_FOUR_BASE: Final = _PAIR_BASE * _PAIR_BASE
# Decoding works on 96 digits at once, a byte each: neighbours are joined in all lanes of one big number together, in
# lanes of 1, 2, 4, 8 and 16 digits, and at last three lanes of 32. A signature has 88 digits. Two neighbours h and l
# stand as h * 256^w + l and mean h * 58^w + l, so their difference is taken off, h times.
_DIGITS: Final = 96
_LANE: Final = 32
(_MASK_1, _LESS_1), (_MASK_2, _LESS_2), (_MASK_4, _LESS_4), (_MASK_8, _LESS_8), (_MASK_16, _LESS_16) = (
    (sum((256**width - 1) << 16 * width * at for at in range(_DIGITS // (2 * width))), 256**width - 58**width)
    for width in (1, 2, 4, 8, 16)
)
_LANE_BITS: Final = 8 * _LANE
_LANE_MASK: Final = (1 << _LANE_BITS) - 1
_LANE_BASE: Final = 58**_LANE
_RUN_BASE: Final = 58**_DIGITS
_VALUES: Final = bytes(_ALPHABET.find(chr(octet)) & 0xFF for octet in range(256))
"""ASCII of a digit → its value; of anything else → 255, which is not ASCII."""
_MAX_BASE58: Final = 8_192
"""Characters: the work grows with the square. An ML-DSA-87 key has under 3,600."""


def encode_base64url(raw: bytes) -> str:
    """Return unpadded base64url (RFC 7515 section 2)."""
    return b64encode_as_string(raw, _URL).rstrip("=")


def decode_base64url(text: str, *, max_bytes: int | None = None) -> bytes:
    """Return the bytes of unpadded base64url, in its one spelling.

    Raises:
        EncodingInvalid: Padding, another alphabet, white space, or stray bits at the end.
        InputTooLarge: More than `max_bytes` would come out; nothing was decoded.

    Spec: RFC 7515 section 2; RFC 4648 section 3.5.
    """
    if max_bytes is not None and len(text) * 3 // 4 > max_bytes:
        raise InputTooLarge(f"at most {max_bytes} bytes in base64url")
    over = len(text) & 3
    # the decoder takes these three beside its alphabet
    if "=" in text or "+" in text or "/" in text:
        raise EncodingInvalid("expected unpadded base64url")
    try:
        raw = b64decode(text + _PADDING[over], _URL, True)
    except (Error, ValueError):
        raise EncodingInvalid("expected unpadded base64url") from None
    last = _LAST_OF[over]
    if last is not None and text[-1] not in last:
        raise EncodingInvalid("expected the one spelling of base64url")
    return raw


def encode_base58btc(raw: bytes) -> str:
    """Return base58btc, leading zero bytes as leading ones (the Bitcoin alphabet; no multibase prefix)."""
    number = int.from_bytes(raw, "big")
    pairs, written = [], _pairs()
    while number:
        # four digits at once: a long number is divided seldom, and a short one at little cost
        number, four = divmod(number, _FOUR_BASE)
        high, low = divmod(four, _PAIR_BASE)
        pairs.append(written[low])
        pairs.append(written[high])
    text = "".join(reversed(pairs)).lstrip("1")
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


@cache
def _pairs() -> list[str]:
    """Return how two digits are written, by their number; who only verifies never asks."""
    return [high + low for high in _ALPHABET for low in _ALPHABET]


def decode_base58btc(text: str) -> bytes:
    """Return the bytes of base58btc. Every text of the alphabet is the one spelling of its bytes.

    Raises:
        EncodingInvalid: A character outside the alphabet.
        InputTooLarge: Over 8,192 characters.
    """
    if len(text) > _MAX_BASE58:
        raise InputTooLarge(f"at most {_MAX_BASE58} characters of base58btc")
    try:
        digits = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise EncodingInvalid("expected base58btc") from None
    if not digits.isascii():
        raise EncodingInvalid("expected base58btc")
    if len(digits) <= _DIGITS:
        number = _read_run(digits)
        if digits[:1] != b"\0":
            return number.to_bytes((number.bit_length() + 7) // 8, "big")
    else:
        number, first = 0, len(digits) % _DIGITS
        for run in (digits[:first], *(digits[at : at + _DIGITS] for at in range(first, len(digits), _DIGITS))):
            number = number * _RUN_BASE + _read_run(run)
    leading = len(digits) - len(digits.lstrip(b"\0"))
    return number.to_bytes(leading + (number.bit_length() + 7) // 8, "big")


def _read_run(digits: bytes) -> int:
    """Return the number that at most 96 digits write, most significant first."""
    lanes = int.from_bytes(digits, "big")
    lanes -= (lanes >> 8 & _MASK_1) * _LESS_1
    lanes -= (lanes >> 16 & _MASK_2) * _LESS_2
    lanes -= (lanes >> 32 & _MASK_4) * _LESS_4
    lanes -= (lanes >> 64 & _MASK_8) * _LESS_8
    lanes -= (lanes >> 128 & _MASK_16) * _LESS_16
    high = lanes >> _LANE_BITS
    return ((high >> _LANE_BITS) * _LANE_BASE + (high & _LANE_MASK)) * _LANE_BASE + (lanes & _LANE_MASK)


def encode_multibase(raw: bytes, base: str) -> str:
    """Return multibase text: `z` for base58btc, `u` for base64url. Raises `ValueError` for another base."""
    if base == "z":
        return "z" + encode_base58btc(raw)
    if base == "u":
        return "u" + encode_base64url(raw)
    message = f"multibase {base!r} is not written here"
    raise ValueError(message)


def decode_multibase(text: str) -> bytes:
    """Return the bytes of multibase text in base58btc (`z`) or base64url (`u`).

    Raises:
        EncodingInvalid: Another base, or a spelling its decoder refuses.

    Spec: Controlled Identifiers section 2.4.
    """
    decode = DECODERS.get(text[:1])
    if decode is None:
        raise EncodingInvalid("expected multibase z or u")
    return decode(text[1:])


DECODERS: Final[Mapping[str, Callable[[str], bytes]]] = MappingProxyType({"z": decode_base58btc, "u": decode_base64url})
"""The prefix of a multibase → what decodes the rest."""
