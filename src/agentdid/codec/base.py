"""base64url, base58btc and multibase, one spelling per value.

Lenient decoders skip stray characters and stray bits; two spellings of one signature would be two cache keys and two
audit rows, so every decoder here refuses all spellings but the encoder's.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from typing import Final

from agentdid.errors import EncodingInvalid, InputTooLarge

_TO_STANDARD: Final = str.maketrans("-_", "+/")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
# two characters at a time: half the big-number steps for the 88 characters of a signature
_PAIR_VALUES: Final = {pair: value for value, pair in enumerate(_PAIRS)}
_PAIR_BASE: Final = 58 * 58
_MAX_BASE58: Final = 8_192
"""Characters: the work grows with the square. An ML-DSA-87 key has under 3,600."""


def encode_base64url(raw: bytes) -> str:
    """Return unpadded base64url (RFC 7515 section 2)."""
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode_base64url(text: str, *, max_bytes: int | None = None) -> bytes:
    """Return the bytes of unpadded base64url, in its one spelling.

    Raises:
        EncodingInvalid: Padding, another alphabet, white space, or stray bits at the end.
        InputTooLarge: More than `max_bytes` would come out; nothing was decoded.

    Spec: RFC 7515 section 2; RFC 4648 section 3.5.
    """
    if max_bytes is not None and len(text) * 3 // 4 > max_bytes:
        raise InputTooLarge(f"at most {max_bytes} bytes in base64url")
    try:
        raw = a2b_base64(text.translate(_TO_STANDARD) + "=" * (-len(text) % 4), strict_mode=True)
    except (Error, ValueError, AttributeError):
        raise EncodingInvalid("expected unpadded base64url") from None
    # strict mode still takes "+", "/" and stray bits
    if encode_base64url(raw) != text:
        raise EncodingInvalid("expected the one spelling of base64url")
    return raw


def encode_base58btc(raw: bytes) -> str:
    """Return base58btc, leading zero bytes as leading ones (the Bitcoin alphabet; no multibase prefix)."""
    number = int.from_bytes(raw, "big")
    pairs = []
    while number:
        number, value = divmod(number, _PAIR_BASE)
        pairs.append(_PAIRS[value])
    text = "".join(reversed(pairs)).lstrip("1")
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def decode_base58btc(text: str) -> bytes:
    """Return the bytes of base58btc. Every text of the alphabet is the one spelling of its bytes.

    Raises:
        EncodingInvalid: A character outside the alphabet.
        InputTooLarge: Over 8,192 characters.
    """
    if len(text) > _MAX_BASE58:
        raise InputTooLarge(f"at most {_MAX_BASE58} characters of base58btc")
    digits = text.lstrip("1")
    even = digits if len(digits) % 2 == 0 else "1" + digits  # "1" is the digit zero
    number = 0
    try:
        for at in range(0, len(even), 2):
            number = number * _PAIR_BASE + _PAIR_VALUES[even[at : at + 2]]
    except KeyError:
        raise EncodingInvalid("expected base58btc") from None
    return b"\0" * (len(text) - len(digits)) + number.to_bytes((number.bit_length() + 7) // 8, "big")


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
    if text[:1] == "z":
        return decode_base58btc(text[1:])
    if text[:1] == "u":
        return decode_base64url(text[1:])
    raise EncodingInvalid("expected multibase z or u")
