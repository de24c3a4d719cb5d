"""RFC 8785: the one byte string of a JSON value.

`msgspec` with sorted keys is not RFC 8785 (floats, integers beyond 2^53-1, UTF-16 order of names), but where none of
these occurs it gives the same bytes at a tenth of the cost; a walk makes sure, or the strict parser already has.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

import msgspec

from agentdid.codec.strict_json import MAX_INT
from agentdid.errors import EncodingInvalid, JsonNumberRange, JsonTooDeep, TypeMismatch

_MAX_DEPTH: Final = 256
_MAX_PARTS: Final = 100_000  # a value that holds itself has no end; what is left then refuses it by its depth
_FIXED_POINT: Final = 21  # ECMAScript Number::toString: fixed notation up to 10^21, and down to 10^-6
_SMALLEST_FIXED: Final = -6

canonicalize_plain: Final = msgspec.json.Encoder(order="sorted").encode
"""Value → the RFC 8785 bytes of (a part of) a value that `strict_json.parse` found plain."""


def canonicalize(value: object) -> bytes:
    """Return the RFC 8785 bytes of any JSON value.

    Raises:
        JsonNumberRange: An integer beyond 2^53-1, NaN or an infinity.
        EncodingInvalid: A lone surrogate.
        TypeMismatch: Not a JSON value.
        JsonTooDeep: Nested over 256 levels.
    """
    try:
        if is_plain(value):
            return canonicalize_plain(value)
        return _write(value, _MAX_DEPTH).encode("utf-8")
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None


def is_plain(value: object, depth: int = _MAX_DEPTH) -> bool:
    """Whether sorted msgspec output is canonical for `value`, which may be any Python value, and for all its parts."""
    parts: list[Any] = [[value]]
    for part in parts:  # which grows as it is gone through: every object and array of the value, level by level
        values = part
        if type(part) is dict:
            for name in part:
                if type(name) is not str or not name.isascii():
                    return False
            values = part.values()
        for each in values:
            kind = type(each)
            if kind is str or each is None or kind is bool:
                continue
            if kind is dict or kind is list:
                parts.append(each)
            elif kind is not int or not -MAX_INT <= each <= MAX_INT:
                return False
        if len(parts) > _MAX_PARTS:
            return False
    return len(parts) <= depth + 1 or _is_shallow(value, depth)


def _is_shallow(value: object, depth: int) -> bool:
    if type(value) is dict or type(value) is list:
        inner = value.values() if type(value) is dict else value
        return depth > 0 and all(_is_shallow(each, depth - 1) for each in inner)
    return True


def _write(value: object, depth: int) -> str:
    if depth <= 0:
        raise JsonTooDeep("arrays and objects are nested deeper than the limit")
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return canonicalize_plain(str(value)).decode("utf-8")
    if isinstance(value, int):
        if not -MAX_INT <= value <= MAX_INT:
            raise JsonNumberRange("an integer is within 2^53-1 on either side of zero")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return f"[{','.join(_write(each, depth - 1) for each in value)}]"
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeMismatch("member names are strings")
        names = sorted(value, key=_utf16)
        return f"{{{','.join(f'{_write(name, depth)}:{_write(value[name], depth - 1)}' for name in names)}}}"
    raise TypeMismatch(f"{type(value).__name__} is not a JSON value")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")  # RFC 8785 §3.2.3; a lone surrogate is refused when it is written


def _number(value: float) -> str:
    """Return ECMAScript's Number::toString of a finite double (RFC 8785 section 3.2.2.3)."""
    if not isfinite(value):
        raise JsonNumberRange("NaN and infinities are not JSON")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # the decimal point stands after `point` of these digits
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= _FIXED_POINT:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= _FIXED_POINT:
        text = f"{digits[:point]}.{digits[point:]}"
    elif _SMALLEST_FIXED < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{tail}e{point - 1:+d}"
    return f"-{text}" if value < 0 else text
