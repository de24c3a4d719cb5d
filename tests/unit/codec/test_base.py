"""Base encodings and varints: decode undoes encode, and no other spelling is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdid.codec import base
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.errors import AgentdidError
from tests.vectors_dir import vectors


@given(st.binary(max_size=100))
def test_every_value_comes_back(raw: bytes) -> None:
    """base64url, base58btc and multibase lose nothing."""
    assert raw == base.decode_base64url(base.encode_base64url(raw))
    assert raw == base.decode_base58btc(base.encode_base58btc(raw))
    assert [raw, raw] == [base.decode_multibase(base.encode_multibase(raw, each)) for each in "zu"]


@given(st.text("ABab01-_", max_size=12))
def test_base64url_has_one_spelling(text: str) -> None:
    """What decodes is what its value encodes to."""
    try:
        raw = base.decode_base64url(text)
    except AgentdidError:
        return

    assert text == base.encode_base64url(raw)


@pytest.mark.parametrize(
    "text",
    ["aGVsbG8=", "aGVs bG8", "aGVs\nbG8", "aG!!Vs\nbG8=", "a+/b", "aGVsbG9", "A", "é", "aGVsbG8\n", "\u212a" * 4],
    ids=repr,
)
def test_a10_a11_other_spellings_are_refused(text: str) -> None:
    """Padding, white space, the standard alphabet, stray bits and stray characters."""
    with pytest.raises(AgentdidError) as caught:
        base.decode_base64url(text)

    assert "encoding_invalid" == caught.value.code


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "z z", "é", "z\n"])
def test_base58_has_one_alphabet(text: str) -> None:
    """Look-alikes and white space are refused."""
    with pytest.raises(AgentdidError) as caught:
        base.decode_base58btc(text)

    assert "encoding_invalid" == caught.value.code


@pytest.mark.parametrize("text", ["", "m" + "aGk", "f00", "Zabc", "z0", "u=", "é"])
def test_other_multibases_are_refused(text: str) -> None:
    """Only base58btc and base64url are read."""
    with pytest.raises(AgentdidError) as caught:
        base.decode_multibase(text)

    assert "encoding_invalid" == caught.value.code


def test_long_base58_is_not_worked_on() -> None:
    """Its cost grows with the square, so its length is bounded."""
    with pytest.raises(AgentdidError) as caught:
        base.decode_base58btc("2" * 8_193)

    assert "input_too_large" == caught.value.code


def test_published_multibase_values() -> None:
    """The multibase test files' base58btc and base64url rows."""
    files = sorted((vectors("multiformats") / "multibase-tests").glob("*.csv"))
    checked = 0
    for file in files:
        rows = [line.split(",", 1) for line in file.read_text("utf-8").splitlines() if "," in line]
        cells = [[cell.strip().strip('"') for cell in row] for row in rows]
        original = cells[0][1].encode().decode("unicode_escape").encode("latin-1")
        for name, value in cells[1:]:
            if name in ("base58btc", "base64url"):
                assert original == base.decode_multibase(value)
                checked += 1

    assert checked >= 6


@given(st.integers(0, 2**63 - 1), st.binary(max_size=4))
def test_varints_come_back(number: int, rest: bytes) -> None:
    """The number and what follows it."""
    assert (number, rest) == decode_varint(encode_varint(number) + rest)


@pytest.mark.parametrize("raw", [b"", b"\x80", b"\x80\x00", b"\xed\x81\x00", b"\xff" * 9, b"\x80" * 9 + b"\x01"])
def test_varints_are_minimal_and_end(raw: bytes) -> None:
    """Longer spellings, and ones that do not end, are refused."""
    with pytest.raises(AgentdidError) as caught:
        decode_varint(raw)

    assert "encoding_invalid" == caught.value.code


@pytest.mark.parametrize("number", [-1, 2**63])
def test_varints_hold_63_bits(number: int) -> None:
    """Other numbers are a caller's mistake."""
    with pytest.raises(ValueError, match="varint"):
        encode_varint(number)
