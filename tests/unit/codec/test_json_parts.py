"""An object's text and the elements of one of its arrays, apart: nothing is lost, or it is not taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdid.codec.json_parts import splitter
from agentdid.codec.strict_json import encode, parse

NAME = "verifiableCredential"
split = splitter(NAME)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab[]{},:"\\ ', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([NAME, "a", "b"]), inner, max_size=3),
    max_leaves=8,
)


def test_a_text_is_taken_apart() -> None:
    """The array is empty in what is around, and its elements are as they stood."""
    text = b'{"a":[1],"verifiableCredential":[{"x":[1,"]"]},"y"],"b":2}'

    assert (b'{"a":[1],"verifiableCredential":[],"b":2}', [b'{"x":[1,"]"]}', b'"y"']) == split(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1}',
        b'{"verifiableCredential":{}}',
        b'{"verifiableCredential":"x"}',
        b'{"verifiableCredential": [1]}',
        b'{"verifiableCredential":[1, 2]}',
        b'{"verifiableCredential":[1],"verifiableCredential":[2]}',
        b'{"verifiableCredential":[1]} x',
        b'{"verifiableCredential":[1}',
        b'[{"verifiableCredential":[1]}]',
        b'{"\\u0076erifiableCredential":[1]}',
        b'{"a":{"verifiableCredential":[2]},"verifiableCredential":[1]}',
        b"\xff",
        b"[" * 5_000,
    ],
)
def test_other_texts_are_not(text: bytes) -> None:
    """Without the array, with white space in it, with the member twice, or with another of its name before it."""
    assert split(text) is None


@given(st.dictionaries(st.sampled_from([NAME, "a", "b"]), _VALUES, max_size=3))
def test_nothing_is_lost(value: dict[str, object]) -> None:
    """Where the member is empty in what is around, the elements put back into it are the value."""
    parts = split(encode(value))
    if parts is None:
        return
    around, elements = parts
    shell = parse(around).value
    assert isinstance(shell, dict)
    if shell[NAME] == []:
        assert value == {**shell, NAME: [parse(each).value for each in elements]}
