"""Status lists, for all bits and all texts."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.codec.base import encode_base64url
from agentdid.errors import AgentdidError
from agentdid.limits import Limits
from agentdid.status.bitstring import (
    StatusEntry,
    build_list_credential,
    decode_list,
    encode_list,
    parse_entry,
    read_list,
)
from tests.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = Limits(min_status_entries=1, max_status_list_bytes=4_096)
CODES = {"status_malformed", "status_list_too_large", "status_list_length_error"}
URL = "https://status.example/1"
AT = datetime(2026, 11, 1, tzinfo=UTC)


def _outcome(work: Callable[[], object]) -> object:
    """Return what `work` returns, or the code that it raises."""
    try:
        return work()
    except AgentdidError as error:
        return error.code


@given(st.binary(min_size=1, max_size=4_096))
def test_decode_undoes_encode(bits: bytes) -> None:
    """Whatever was encoded is decoded."""
    assert decode_list(encode_list(bits), SMALL) == bits


@given(st.binary(min_size=1, max_size=64), st.data())
def test_a_changed_octet_is_noticed_or_harmless(bits: bytes, data: st.DataObject) -> None:
    """One octet changed in the gzip gives the same bits (its header says little) or a code, never other bits."""
    packed = bytearray(zlib.compress(bits, 9, 31))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    found = _outcome(lambda: decode_list("u" + encode_base64url(bytes(packed)), SMALL))

    assert found == bits or found in CODES


@given(st.one_of(st.text(), st.text("uAQgz_-H4sI"), st.binary().map(lambda raw: "u" + encode_base64url(raw))))
def test_any_text_has_an_answer(text: str) -> None:
    """No text does more than be refused by one of three codes."""
    found = _outcome(lambda: decode_list(text, SMALL))

    assert isinstance(found, bytes) or found in CODES


@settings(max_examples=examples(50))
@given(st.sets(st.integers(0, 4_095)), st.integers(-10, 5_000))
def test_a_bit_is_set_exactly_where_it_was_set(indexes: set[int], index: int) -> None:
    """The value of an index is whether it was set; outside the list there is none."""
    bits = bytearray(512)
    for each in indexes:
        bits[each // 8] |= 0x80 >> each % 8
    made = build_list_credential(URL, "did:web:a.example", ["revocation"], bytes(bits), valid_from=AT)
    held = read_list(made, url=URL, issuer="did:web:a.example", signed_at=AT, limits=SMALL)
    expected = int(index in indexes) if 0 <= index < 4_096 else "range_error"

    assert expected == _outcome(lambda: held.value(StatusEntry("revocation", index, URL)))


@given(st.one_of(st.text(), st.integers(), st.from_regex(r"[-+0]?[0-9]{1,25}")))
def test_an_index_has_one_spelling(written: object) -> None:
    """Only the digits that a number prints as are its index."""
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": written,
        "statusListCredential": URL,
    }
    found = _outcome(lambda: str(parse_entry(entry).index))

    assert found in {written, "status_malformed", "range_error"}
