"""CBOR for tokens: one spelling a value, and nothing that two readers could read two ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdid.codec.cbor import Tagged, decode_cbor, encode_cbor
from agentdid.errors import EncodingInvalid

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.binary(max_size=40) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.integers(-300, 300), inner, max_size=4)
        | st.builds(Tagged, st.integers(0, 1 << 20), inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_decode_undoes_encode(value: object) -> None:
    """Whatever is written is read, and written again the same."""
    octets = encode_cbor(value)

    assert value == decode_cbor(octets)
    assert octets == encode_cbor(decode_cbor(octets))


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        # RFC 8949 appendix A
        ("00", 0), ("17", 23), ("1818", 24), ("1903e8", 1000), ("1bffffffffffffffff", 18446744073709551615),
        ("3bffffffffffffffff", -18446744073709551616), ("20", -1), ("3903e7", -1000), ("f4", False), ("f5", True),
        ("f6", None), ("c11a514b67b0", Tagged(1, 1363896240)), ("40", b""), ("4401020304", b"\1\2\3\4"), ("60", ""),
        ("6449455446", "IETF"), ("62c3bc", "ü"), ("80", []), ("83010203", [1, 2, 3]), ("a201020304", {1: 2, 3: 4}),
        ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ],
)  # fmt: skip
def test_published_examples(octets: str, value: object) -> None:
    """RFC 8949's own examples, both ways."""
    assert value == decode_cbor(bytes.fromhex(octets))
    assert octets == encode_cbor(value).hex()


@pytest.mark.parametrize(
    "octets",
    [
        "", "1817", "190017", "1a00000017", "1b0000000000000017", "1c", "1f", "5f42010243030405ff", "9fff", "bfff",
        "f90000", "fb3ff1999999999999", "f7", "f0", "f818", "a201020103", "a1f501", "a1400a", "61ff", "43ff", "8201",
        "0000", "9bffffffffffffffff", "5bffffffffffffffff", "81" * 20 + "00", "d2",
    ],
)  # fmt: skip
def test_what_is_not_taken(octets: str) -> None:
    """Cut short, too long, floats, open ends, keys twice or of other kinds, deep nests, and claims of huge sizes."""
    with pytest.raises(EncodingInvalid):
        decode_cbor(bytes.fromhex(octets))


@pytest.mark.parametrize("value", [1.5, object(), {1, 2}, 1 << 64, -(1 << 64) - 1])
def test_what_is_not_written(value: object) -> None:
    """Other kinds are the caller's mistake."""
    with pytest.raises(TypeError):
        encode_cbor(value)
