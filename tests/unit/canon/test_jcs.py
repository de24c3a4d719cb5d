"""RFC 8785: the published values, the field's reference package, and the quick path against the full one."""

from __future__ import annotations

import json
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.canon import jcs
from agentdid.canon.contexts import AGENTDID_V1_SHA256, load_agentdid_v1
from agentdid.canon.jcs import canonicalize, canonicalize_plain
from agentdid.codec.strict_json import parse
from agentdid.credential.model import AGENTDID_V1
from agentdid.errors import AgentdidError
from tests.profiles import examples
from tests.vectors_dir import ROOT, vectors

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=15,
)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values"])
def test_published_documents(name: str) -> None:
    """The input becomes the output, byte for byte."""
    folder = vectors("rfc8785-jcs")
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text("ascii"))

    assert expected == canonicalize(json.loads((folder / "input" / f"{name}.json").read_text("utf-8")))


def test_published_numbers() -> None:
    """The first thousand doubles of the published file have their ECMAScript spelling."""
    lines = (vectors("rfc8785-jcs") / "numbers" / "es6-first1000.txt").read_text("ascii").split()
    for line in lines:
        bits, _, expected = line.partition(",")
        (value,) = struct.unpack(">d", bytes.fromhex(bits.zfill(16)))

        assert expected.encode() == canonicalize(value)


@settings(max_examples=examples(400))
@given(JSON)
def test_the_reference_package_agrees(value: object) -> None:
    """Any JSON value has the bytes that the package rfc8785 gives it."""
    assert rfc8785.dumps(value) == canonicalize(value)  # type: ignore[arg-type]


@settings(max_examples=examples(400))
@given(JSON)
def test_the_quick_path_is_the_full_one(value: object) -> None:
    """Where the strict parser calls a text plain, sorted output is canonical; canonical text stays as it is."""
    full = jcs._write(value, 64).encode()
    text = parse(json.dumps(value).encode()) if "-0.0" not in json.dumps(value) else None

    assert full == canonicalize(value)
    if text is not None and text.plain:
        assert full == canonicalize_plain(text.value)
        assert full == canonicalize(parse(full).value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (2**53, "json_number_range"),
        ([float("nan")], "json_number_range"),
        ({"a": float("inf")}, "json_number_range"),
        ("\ud800", "encoding_invalid"),
        ({"\ud800": 1}, "encoding_invalid"),
        ({1: 2}, "type_mismatch"),
        ([object()], "type_mismatch"),
        ((1, 2), "type_mismatch"),
    ],
    ids=repr,
)
def test_what_has_no_canonical_form(value: object, code: str) -> None:
    """Each has its code."""
    with pytest.raises(AgentdidError) as caught:
        canonicalize(value)

    assert code == caught.value.code


def test_depth_is_bounded() -> None:
    """A value nested beyond any parser's limit is refused, not recursed into."""
    value: object = 1
    for _ in range(5_000):
        value = [value]
    with pytest.raises(AgentdidError) as caught:
        canonicalize(value)

    assert "json_too_deep" == caught.value.code


def test_our_context_is_the_published_one() -> None:
    """The file in the package is the one in specs/contexts, pinned by its digest, and defines only terms of ours."""
    body = load_agentdid_v1()
    terms = json.loads(body)["@context"]

    assert (ROOT / "specs" / "contexts" / "agentdid-v1.jsonld").read_bytes() == body
    assert 64 == len(AGENTDID_V1_SHA256)
    assert all(
        (value if isinstance(value, str) else value["@id"]).startswith(f"{AGENTDID_V1}#")
        for name, value in terms.items()
        if not name.startswith("@")
    )
