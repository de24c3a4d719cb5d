"""Strict JSON: one reading of every text, and the same errors on the quick path and the full one."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agentdid.codec import strict_json
from agentdid.codec.strict_json import freeze, parse, parse_object
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT
from tests.profiles import examples

REFUSED = [
    ("A01-duplicate", b'{"issuer":"a","issuer":"b"}', "json_duplicate_key"),
    ("A01-duplicate-escaped", rb'{"issuer":"a","\u0069ssuer":"b"}', "json_duplicate_key"),
    ("A01-duplicate-inside", b'{"a":[{"b":1,"b":1}]}', "json_duplicate_key"),
    ("A03-nan", b'{"a":NaN}', "json_invalid"),
    ("A03-infinity", b'{"a":Infinity}', "json_invalid"),
    ("A03-minus-infinity", b"[-Infinity]", "json_invalid"),
    ("A04-overflow", b'{"a":1e400}', "json_number_range"),
    ("A04-minus-zero", b'{"a":-0}', "json_number_range"),
    ("A04-minus-zero-float", b'{"a":-0.0}', "json_number_range"),
    ("A04-minus-zero-exponent", b'{"a":-0e3}', "json_number_range"),
    ("A04-underflow", b'{"a":1e-400}', "json_number_range"),
    ("A05-beyond-2^53", b'{"a":9007199254740993}', "json_number_range"),
    ("A05-below", b'{"a":-9007199254740992}', "json_number_range"),
    ("A05-beyond-2^64", b'{"a":18446744073709551617}', "json_number_range"),
    ("A05-thousand-digits", b'{"a":' + b"9" * 5_000 + b"}", "json_number_range"),
    ("A07-arrays", b"[" * 100_000 + b"]" * 100_000, "json_too_deep"),
    ("A07-objects", b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "json_too_deep"),
    ("A07-just-over", b"[" * 65 + b"]" * 65, "json_too_deep"),
    ("A08-lone-surrogate", rb'{"a":"\ud800"}', "encoding_invalid"),
    ("A08-reversed", rb'{"a":"\ude00\ud83d"}', "encoding_invalid"),
    ("A08-in-a-name", rb'{"\ud800":1}', "encoding_invalid"),
    ("A08-as-bytes", b'{"a":"\xed\xa0\x80"}', "encoding_invalid"),
    ("A13-trailing", b'{"a":1} x', "json_invalid"),
    ("A13-second-document", b'{"a":1}{"a":1}', "json_invalid"),
    ("A13-nul", b'{"a":1}\x00', "json_invalid"),
    ("bom", b'\xef\xbb\xbf{"a":1}', "json_invalid"),
    ("control-character", b'{"a":"\x01"}', "json_invalid"),
    ("comment", b'{"a":1/*x*/}', "json_invalid"),
    ("single-quotes", b"{'a':1}", "json_invalid"),
    ("trailing-comma", b'{"a":1,}', "json_invalid"),
    ("leading-zero", b'{"a":01}', "json_invalid"),
    ("empty", b"", "json_invalid"),
    ("not-utf8", b'{"a":"\xff"}', "encoding_invalid"),
]


@pytest.mark.parametrize(("raw", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_refused(raw: bytes, code: str) -> None:
    """Each has its own code, with and without white space around it."""
    for text in (raw, b" " + raw if raw and raw[0] != 0xEF else raw):
        with pytest.raises(AgentdidError) as caught:
            parse(text)

        assert code == caught.value.code


def test_a_lone_surrogate_in_text_is_refused() -> None:
    """Text that cannot be UTF-8 is not looked at further."""
    with pytest.raises(AgentdidError) as caught:
        parse('{"a":"\ud800"}')

    assert "encoding_invalid" == caught.value.code


def test_size_and_members_are_bounded() -> None:
    """A text one byte over, or with one member too many, is input_too_large before anything else."""
    small = replace(DEFAULT, max_input_bytes=10, max_members=3)
    for raw in (b'"12345678"', b"[1,2,3]"):
        parse(raw, small)
    for raw in (b'"123456789"', b"[1,2,3,4]", "[1,2,3,4]"):
        with pytest.raises(AgentdidError) as caught:
            parse(raw, small)

        assert "input_too_large" == caught.value.code


def test_depth_64_is_read() -> None:
    """The limit itself is allowed."""
    parse(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (b'{"a":[1,"\xc3\xa9",null,true]}', True),
        (b'{"a": 1}', True),
        (b'{"a":1.5}', False),
        (b'{"a":1.0}', False),
        (b'[{"\xc3\xa9":1}]', False),
    ],
)
def test_plain_is_said_rightly(raw: bytes, plain: bool) -> None:
    """Floats and member names beyond ASCII make a value not plain, wherever they stand."""
    assert plain is parse(raw).plain


def test_an_object_is_asked_for() -> None:
    """parse_object refuses everything else."""
    assert {"a": 1} == parse_object(b'{"a":1}').value
    for raw in (b"[]", b'"a"', b"1", b"null"):
        with pytest.raises(AgentdidError) as caught:
            parse_object(raw)

        assert "type_mismatch" == caught.value.code


def test_freeze_goes_all_the_way_down() -> None:
    """Nothing of a frozen value can be changed."""
    frozen = freeze({"a": [{"b": 1}]})

    assert isinstance(frozen, MappingProxyType)
    assert ({"b": 1},) == frozen["a"]
    with pytest.raises(TypeError):
        frozen["a"][0]["b"] = 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(300))
@given(JSON, st.booleans())
def test_both_paths_agree(value: object, spaced: bool) -> None:
    """The quick path answers as the full one: the same value, or an error of the same code."""
    raw = json.dumps(value, ensure_ascii=False, separators=(", ", ": ") if spaced else (",", ":")).encode(
        "utf-8", "surrogatepass"
    )

    def answer(read: object) -> object:
        try:
            text = read(raw, DEFAULT)  # type: ignore[operator]
        except AgentdidError as error:
            return error.code
        return text.value, text.plain

    assert answer(strict_json._parse_fully) == answer(parse)
