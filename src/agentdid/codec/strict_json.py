"""JSON texts that everybody reads alike (RFC 8259, RFC 7493), and whether their canonical form is the fast one.

* Duplicate members, NaN and Infinity, lone surrogates, trailing data and a byte order mark are refused.
* Numbers that do not survive a round trip are refused: integers beyond 2^53-1, overflow, underflow, minus zero.
* Depth, members and size are bounded, so a short text cannot cost long work.

A compact text that is the encoder's own output needs no second look for duplicate members: `parse` reads it with
`msgspec`, writes it again and compares. What most texts lack (floats, long numbers, more brackets than levels allowed)
is looked for in the text; only where it might be there is the value walked. Everything else goes through the standard
library's scanner.
"""

from __future__ import annotations

from math import copysign, isfinite, isinf
from types import MappingProxyType
from typing import ClassVar, Final, NoReturn, final

import msgspec

from agentdid.errors import (
    EncodingInvalid,
    InputTooLarge,
    JsonDuplicateKey,
    JsonInvalid,
    JsonNumberRange,
    JsonTooDeep,
    Malformed,
    TypeMismatch,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value

MAX_INT: Final = 9_007_199_254_740_991
"""2^53-1: the largest integer that IEEE 754 doubles, and so other readers, hold exactly (RFC 7493 section 2.2)."""
_MAX_INT_DIGITS: Final = 17  # a sign and sixteen digits
_OUTLINE: Final = bytes(48 if chr(octet) in "0123456789" else 123 if chr(octet) in "{[" else 32 for octet in range(256))
"""Any digit → 0, what opens an object or array → {, all else → a space."""
_LONG_NUMBER: Final = b"0" * 16  # digits of 2^53; in a string they mean nothing, and cost the walk
_encode: Final = msgspec.json.Encoder().encode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, OverflowError, RecursionError)


class _FloatMetError(Exception):
    """A float is to be decoded where none was expected."""


def _meet_float(text: str) -> NoReturn:  # noqa: ARG001  # what msgspec calls
    raise _FloatMetError


_decode: Final = msgspec.json.Decoder().decode
_decode_without_floats: Final = msgspec.json.Decoder(float_hook=_meet_float).decode


@final
class JsonText(Value, frozen=True, eq=False):
    """A JSON value with what one walk over it found.

    Attributes:
        value: Plain Python values.
        plain: No float and no member name beyond ASCII anywhere in it, so that sorted `msgspec` output is RFC 8785
            for it and for each of its parts.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"value"})

    value: object
    plain: bool


def parse(raw: bytes | str, limits: Limits = DEFAULT, *, above: int = 0) -> JsonText:
    """Return the value of one JSON text.

    Args:
        raw: UTF-8 bytes, or text.
        limits: `max_input_bytes`, `max_depth`, `max_members`.
        above: How many levels of `max_depth` are around the text.

    Raises:
        InputTooLarge: Over the size or member limit.
        EncodingInvalid: Not UTF-8, or a lone surrogate.
        JsonInvalid: Not one JSON text.
        JsonDuplicateKey, JsonTooDeep, JsonNumberRange: As they say.

    Spec: RFC 8259; RFC 7493 sections 2.1-2.3.
    """
    octets = raw if type(raw) is bytes else _octets(raw, limits)
    size = len(octets)
    if size > limits.max_input_bytes:
        raise InputTooLarge(f"a JSON text is at most {limits.max_input_bytes} bytes")
    # a member or element takes two bytes at least
    if size <= 2 * limits.max_members and octets.isascii():
        outline = octets.translate(_OUTLINE)
        if _LONG_NUMBER not in outline and outline.count(b"{") <= limits.max_depth - above:
            try:
                value = _decode_without_floats(octets)
            except (_FloatMetError, *_UNREADABLE):
                pass
            else:
                if _encode(value) == octets:
                    return JsonText(value, True)
    return _parse_walking(octets, limits, above)


def parse_object(raw: bytes | str, limits: Limits = DEFAULT) -> JsonText:
    """Return the value of one JSON text that is an object.

    Raises:
        TypeMismatch: It is something else; and the errors of `parse`.
    """
    text = parse(raw, limits)
    if type(text.value) is not dict:
        raise TypeMismatch("expected a JSON object")
    return text


def encode(value: object) -> bytes:
    """Return the value as compact UTF-8 JSON, members in their order: what goes on the wire."""
    return _encode(value)


def encode_given(value: object, limits: Limits = DEFAULT) -> bytes:
    """Return the JSON text of a value that a caller parsed, by a reader that may have been lenient.

    Raises:
        JsonInvalid: NaN or an infinity, which the encoder would write as null.
        JsonNumberRange, JsonTooDeep, EncodingInvalid: As for a text.
        TypeError: No JSON value at all: the caller's mistake.
    """
    _check_given(value, limits.max_depth)
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None


def _check_given(value: object, depth: int) -> None:
    if value is None or isinstance(value, str):
        return
    if isinstance(value, dict | list | tuple):
        if depth <= 0:
            raise JsonTooDeep("arrays and objects are nested deeper than the limit")
        if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
            message = "member names are strings"
            raise TypeError(message)
        for each in value.values() if isinstance(value, dict) else value:
            _check_given(each, depth - 1)
    elif isinstance(value, int):
        if not -MAX_INT <= value <= MAX_INT:
            raise JsonNumberRange("an integer is within 2^53-1 on either side of zero")
    elif isinstance(value, float):
        if not isfinite(value):
            raise JsonInvalid("NaN and infinities are not JSON")
        _check_float(value)
    else:
        message = f"{type(value).__name__} is no JSON value"
        raise TypeError(message)


def write_given(value: object, limits: Limits = DEFAULT) -> bytes | str:
    """Return the JSON text of a value that a caller parsed, with whatever a lenient reader let through.

    NaN, a lone surrogate or a number out of range stands in the text as such, so that `parse` says what is wrong.

    Raises:
        JsonTooDeep: Nested deeper than any text is written.
        TypeError: No JSON value at all: the caller's mistake.
    """
    try:
        return encode_given(value, limits)
    except Malformed:
        import json  # noqa: PLC0415  # only for values that are refused
    try:
        return json.dumps(value)
    except RecursionError:
        raise JsonTooDeep("arrays and objects are nested deeper than the limit") from None


def freeze(value: object) -> object:
    """Return a read-only view of a JSON value, all the way down: mappings and tuples."""
    if isinstance(value, dict):
        return MappingProxyType({name: freeze(each) for name, each in value.items()})
    return tuple(freeze(each) for each in value) if isinstance(value, list) else value


def _check_int(value: int) -> None:
    if not -MAX_INT <= value <= MAX_INT:
        raise JsonNumberRange("an integer is within 2^53-1 on either side of zero")


def _check_float(value: float) -> None:
    if value == 0 and copysign(1, value) < 0:
        raise JsonNumberRange("minus zero is not written")


@final
class _Walk:
    """One pass over a parsed value: depth, members, numbers, and whether it is plain."""

    __slots__ = ("left", "plain")

    def __init__(self, limits: Limits) -> None:
        self.left = limits.max_members
        self.plain = True

    def visit(self, value: object, depth: int) -> None:
        kind = type(value)
        if kind is dict:
            self.visit_object(value, depth)  # type: ignore[arg-type]  # by the line above
        elif kind is list:
            self.visit_array(value, depth)  # type: ignore[arg-type]  # by the line above
        elif kind is int or kind is float:
            self.visit_number(value)  # type: ignore[arg-type]  # by the line above

    def visit_object(self, value: dict[str, object], depth: int) -> None:
        self._enter(len(value), depth)
        for name, each in value.items():
            if not name.isascii():
                self.plain = False
            kind = type(each)
            if kind is str:
                continue
            if kind is dict:
                self.visit_object(each, depth - 1)  # type: ignore[arg-type]  # by the line above
            elif kind is list:
                self.visit_array(each, depth - 1)  # type: ignore[arg-type]  # by the line above
            elif kind is int or kind is float:
                self.visit_number(each)  # type: ignore[arg-type]  # by the line above

    def visit_array(self, value: list[object], depth: int) -> None:
        self._enter(len(value), depth)
        for each in value:
            if type(each) is not str:
                self.visit(each, depth - 1)

    def visit_number(self, value: float) -> None:
        if type(value) is int:
            _check_int(value)
        else:
            self.plain = False
            _check_float(value)

    def _enter(self, members: int, depth: int) -> None:
        if depth <= 0:
            raise JsonTooDeep("arrays and objects are nested deeper than the limit")
        self.left -= members
        if self.left < 0:
            raise InputTooLarge("more members and elements than the limit")


def _octets(raw: bytes | str, limits: Limits) -> bytes:
    if not isinstance(raw, str):
        return bytes(raw)
    if len(raw) > limits.max_input_bytes:
        raise InputTooLarge(f"a JSON text is at most {limits.max_input_bytes} bytes")
    try:
        return raw.encode("utf-8")
    except UnicodeEncodeError:
        raise EncodingInvalid("expected text without lone surrogates") from None


def _parse_walking(octets: bytes, limits: Limits, above: int) -> JsonText:
    """Return the value of a text that may hold anything, after a walk over all of it."""
    try:
        value = _decode(octets)
        again = _encode(value)
    except _UNREADABLE:
        return _parse_fully(octets, limits, above)  # which says what is wrong
    walk = _Walk(limits)
    walk.visit(value, limits.max_depth - above)
    if again == octets:
        return JsonText(value, walk.plain)
    return _parse_fully(octets, limits, above)


def _parse_fully(octets: bytes, limits: Limits, above: int = 0) -> JsonText:
    import json  # noqa: PLC0415  # the compact texts that we and our peers write never come here

    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise EncodingInvalid("expected UTF-8") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except RecursionError:
        raise JsonTooDeep("arrays and objects are nested deeper than the limit") from None
    except json.JSONDecodeError as error:
        raise JsonInvalid(f"not JSON: {error.msg} at character {error.pos}") from None
    walk = _Walk(limits)
    walk.visit(value, limits.max_depth - above)
    try:
        _encode(value)
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None
    return JsonText(value, walk.plain)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonDuplicateKey("an object names a member twice")
    return members


def _integer(text: str) -> int:
    if text == "-0" or len(text) > _MAX_INT_DIGITS:
        raise JsonNumberRange("an integer is within 2^53-1 on either side of zero, and zero has no sign")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    mantissa = text.lower().partition("e")[0]
    if isinf(value) or (value == 0 and (text.startswith("-") or mantissa.strip("-0."))):
        raise JsonNumberRange("a number overflows, underflows, or is minus zero")
    return value


def _constant(name: str) -> NoReturn:
    raise JsonInvalid(f"{name} is not JSON")
