"""CBOR has one spelling a value, and none for what proof values do not hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentdid.codec.cbor import decode, encode
from agentdid.errors import EncodingInvalid

_KEYS = st.integers(0, 2**64 - 1) | st.text(max_size=5)
_VALUES = st.recursive(
    st.integers(0, 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def _depth(value: object) -> int:
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return max((1 + _depth(each) for each in inner), default=0)


@pytest.mark.parametrize(
    ("value", "octets"),
    [  # RFC 8949 appendix A
        (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (1000000, "1a000f4240"),
        (1000000000000, "1b000000e8d4a51000"), (18446744073709551615, "1bffffffffffffffff"),
        (b"", "40"), (b"\1\2\3\4", "4401020304"), ("", "60"), ("IETF", "6449455446"), ("\u6c34", "63e6b0b4"),
        ([], "80"), ([1, [2, 3], [4, 5]], "8301820203820405"), ({}, "a0"), ({1: 2, 3: 4}, "a201020304"),
    ],
)  # fmt: skip
def test_published_encodings(value: object, octets: str) -> None:
    """As the specification's own table has them, both ways."""
    assert octets == encode(value).hex()
    assert value == decode(bytes.fromhex(octets))


@pytest.mark.parametrize(
    "octets",
    ["", "1817", "18", "190018", "1a0000ffff", "1b00000000ffffffff", "1c00", "1f", "5f4101ff", "9fff", "bfff", "ff",
     "20", "c001", "d95d0000", "f4", "f6", "f93c00", "fb3ff0000000000000", "0000", "4102ff", "42ff", "62c328", "61ff",
     "8201", "a101", "a201010102", "a1410102", "9b7fffffffffffffff", "bb7fffffffffffffff", "5b7fffffffffffffff",
     "818181818180"],
)  # fmt: skip
def test_what_is_no_encoding(octets: str) -> None:
    """Longer spellings, indefinite lengths, tags, floats, keys twice, more bytes, fewer bytes: all one answer."""
    with pytest.raises(EncodingInvalid):
        decode(bytes.fromhex(octets))


@given(_VALUES)
def test_round_trip(value: object) -> None:
    """What is encoded comes back."""
    assume(_depth(value) <= 4)

    assert value == decode(encode(value))


@given(st.binary(max_size=60))
def test_one_spelling(octets: bytes) -> None:
    """Bytes that decode are the encoding of what they decode to."""
    try:
        value = decode(octets)
    except EncodingInvalid:
        return

    assert octets == encode(value)


@pytest.mark.parametrize("value", [-1, 1.5, None, True, (1,), object(), {(): 1}])
def test_what_has_no_encoding(value: Any) -> None:  # noqa: ANN401  # anything
    """The caller's mistake."""
    with pytest.raises(TypeError):
        encode(value)
