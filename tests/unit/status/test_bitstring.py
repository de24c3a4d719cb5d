"""Bitstring status lists: shapes, bits, and one spelling."""

from __future__ import annotations

import base64
import gzip
import random
import resource
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from agentdid.errors import AgentdidError, StatusListTooLarge
from agentdid.limits import Limits
from agentdid.status.bitstring import (
    StatusEntry,
    StatusList,
    build_list_credential,
    decode_list,
    encode_list,
    pack_values,
    parse_entry,
    read_list,
)

URL = "https://status.example/1"
ISSUER = "did:web:acme.example"
AT = datetime(2026, 11, 1, tzinfo=UTC)
ENTRY = {
    "id": "https://status.example/1#94567",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "94567",
    "statusListCredential": URL,
}


def _bits(*indexes: int, size: int = 131_072) -> bytes:
    bits = bytearray(size // 8)
    for index in indexes:
        bits[index // 8] |= 0x80 >> index % 8
    return bytes(bits)


def _pack(raw: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _list(**subject: object) -> dict[str, object]:
    document = build_list_credential(URL, ISSUER, ["revocation"], _bits(5), valid_from=AT)
    document["credentialSubject"] |= subject  # type: ignore[operator]
    return document


def test_an_entry_is_read() -> None:
    """Purpose, index and list of an entry come out as they were written."""
    assert StatusEntry("revocation", 94567, URL) == parse_entry(ENTRY)


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"statusListIndex": 94567}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": ""}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "007"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "+7"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": " 7"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "7\n"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "7.0"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "7e0"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "0x7"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "1_0"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "\u0667"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "9" * 5000}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "-0"}, "status_malformed", "/s/statusListIndex"),
        ({"statusListIndex": "-1"}, "range_error", "/s/statusListIndex"),
        ({"statusListIndex": None}, "status_malformed", "/s/statusListIndex"),
        ({"statusSize": "1"}, "status_malformed", "/s/statusSize"),
        ({"statusSize": True}, "status_malformed", "/s/statusSize"),
        ({"statusSize": 0}, "status_malformed", "/s/statusSize"),
        ({"statusSize": 16}, "status_malformed", "/s/statusSize"),
        ({"statusSize": 2**31}, "status_malformed", "/s/statusSize"),
        ({"statusSize": 2}, "status_unknown_value", "/s/statusSize"),
        ({"type": "TokenStatusListEntry"}, "status_unknown_value", "/s/type"),
        ({"type": 7}, "status_malformed", "/s/type"),
        ({"statusPurpose": ["revocation"]}, "status_malformed", "/s/statusPurpose"),
        ({"statusPurpose": ""}, "status_malformed", "/s/statusPurpose"),
        ({"statusListCredential": "status.example"}, "status_malformed", "/s/statusListCredential"),
        ({"statusListCredential": None}, "status_malformed", "/s/statusListCredential"),
        ({"id": URL}, "status_malformed", "/s/id"),
    ],
)
def test_a_broken_entry_is_refused(change: dict[str, object], code: str, path: str) -> None:
    """Each member of an entry has one form; another is named with its place."""
    with pytest.raises(AgentdidError) as refusal:
        parse_entry(ENTRY | change, "/s")

    assert (code, path) == (refusal.value.code, refusal.value.path)


def test_an_entry_is_an_object() -> None:
    """A string where an entry should stand is malformed."""
    with pytest.raises(AgentdidError) as refusal:
        parse_entry("revoked")

    assert refusal.value.code == "status_malformed"


def test_a_size_of_one_may_be_written_out() -> None:
    """`statusSize` 1 is what its absence means."""
    assert parse_entry(ENTRY) == parse_entry(ENTRY | {"statusSize": 1})


def test_bits_survive_the_round_trip() -> None:
    """What was encoded is decoded, whatever the bits are."""
    bits = random.Random(1).randbytes(20_000)  # noqa: S311  # a fixed seed, no secret

    assert bits == decode_list(encode_list(bits))


def test_encoding_is_repeatable() -> None:
    """The same bits give the same text: no time stamp, no file name."""
    packed = base64.urlsafe_b64decode(encode_list(_bits(1))[1:] + "==")

    assert bytes(5) == packed[3:8]


def test_the_list_of_the_specification_decodes() -> None:
    """131,072 zeros, packed by the command-line gzip, are read as such."""
    assert bytes(16384) == decode_list(_pack(gzip.compress(bytes(16384), mtime=1)))


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        (None, "status_malformed"),
        (7, "status_malformed"),
        ("", "status_malformed"),
        ("z" + encode_list(bytes(16384))[1:], "status_malformed"),
        (encode_list(bytes(16384))[1:], "status_malformed"),
        (encode_list(bytes(16384)) + "=", "status_malformed"),
        (encode_list(bytes(16384)) + "\n", "status_malformed"),
        (_pack(b""), "status_malformed"),
        (_pack(b"not gzip at all"), "status_malformed"),
        (_pack(zlib.compress(bytes(16384))), "status_malformed"),
        (_pack(gzip.compress(bytes(16384))[:-1]), "status_malformed"),
        (_pack(gzip.compress(bytes(2**21))[:-9]), "status_malformed"),
        (_pack(gzip.compress(bytes(16384))[:-8] + bytes(8)), "status_malformed"),
        (_pack(gzip.compress(bytes(16384)) + b"\0"), "status_malformed"),
        (_pack(gzip.compress(bytes(16384)) * 2), "status_malformed"),
        (_pack(gzip.compress(bytes(16383))), "status_list_length_error"),
        (_pack(gzip.compress(b"")), "status_list_length_error"),
    ],
)
def test_a_broken_list_is_refused(encoded: object, code: str) -> None:
    """One gzip member in unpadded base64url and nothing else, of at least 131,072 entries (K06)."""
    with pytest.raises(AgentdidError) as refusal:
        decode_list(encoded, path="/l")

    assert (code, "/l") == (refusal.value.code, refusal.value.path)


@pytest.mark.parametrize("size", [2**14, 2**17, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20, 2**24])
def test_lists_up_to_the_limit_are_read(size: int) -> None:
    """Short lists and those that come in pieces are the same to the caller."""
    assert bytes(size) == decode_list(encode_list(bytes(size)))


@pytest.mark.parametrize(("size", "limit"), [(20_001, 20_000), (2**20 + 1, 2**20), (2**21 + 1, 2**21)])
def test_a_list_over_the_limit_is_refused(size: int, limit: int) -> None:
    """One byte over `max_status_list_bytes` is too many."""
    limits = Limits(max_status_list_bytes=limit)

    assert bytes(size - 1) == decode_list(encode_list(bytes(size - 1)), limits)
    with pytest.raises(StatusListTooLarge):
        decode_list(encode_list(bytes(size)), limits)


def test_a_text_over_the_limit_is_refused_unread() -> None:
    """A text that cannot be a list within the limit is not even decoded."""
    with pytest.raises(StatusListTooLarge):
        decode_list("u" + "!" * 40_000, Limits(max_status_list_bytes=20_000))


def test_a_bomb_never_unfolds() -> None:
    """256 MB in 260 kB of gzip end at 16 MiB, within 32 MB of memory (K16)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    encoded = _pack(b"".join(packer.compress(bytes(2**20)) for _ in range(256)) + packer.flush())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(StatusListTooLarge):
        decode_list(encoded)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert grown_kb <= 32_000


def test_the_first_index_is_the_leftmost_bit() -> None:
    """Index 0 is the most significant bit of the first byte, the last index the least of the last."""
    held = read_list(
        build_list_credential(URL, ISSUER, ["revocation"], _bits(0, 9, 131_071), valid_from=AT),
        url=URL,
        issuer=ISSUER,
        signed_at=None,
    )
    places = [0, 1, 7, 8, 9, 10, 131_070, 131_071]

    assert [1, 0, 0, 0, 1, 0, 0, 1] == [held.value(StatusEntry("revocation", place, URL)) for place in places]


@pytest.mark.parametrize("index", [131_072, 2**31, 2**64, -1, -131_072])
def test_an_index_outside_the_list_is_a_range_error(index: int) -> None:
    """No index wraps around or reads past the end (K04)."""
    held = read_list(_list(), url=URL, issuer=ISSUER, signed_at=AT)

    with pytest.raises(AgentdidError) as refusal:
        held.value(StatusEntry("revocation", index, URL))

    assert refusal.value.code == "range_error"


def test_another_purpose_is_not_answered() -> None:
    """A revocation list says nothing about suspension (K11)."""
    held = read_list(_list(), url=URL, issuer=ISSUER, signed_at=AT)

    with pytest.raises(AgentdidError) as refusal:
        held.value(StatusEntry("suspension", 5, URL))

    assert refusal.value.code == "status_verification_error"


def test_a_list_may_serve_several_purposes() -> None:
    """`statusPurpose` of a list is a string or an array of strings."""
    held = read_list(_list(statusPurpose=["revocation", "suspension"]), url=URL, issuer=ISSUER, signed_at=AT)

    assert [1, 1] == [held.value(StatusEntry(purpose, 5, URL)) for purpose in held.purposes]


def test_what_the_judge_needs_is_returned() -> None:
    """Validity, ttl (milliseconds on the wire) and the moment of signing come out as data."""
    made = build_list_credential(
        URL, ISSUER, ["revocation"], _bits(), valid_from=AT, valid_until=AT + timedelta(days=1), ttl_s=300
    )
    signed = AT + timedelta(minutes=1)
    held = read_list(made, url=URL, issuer=ISSUER, signed_at=signed)

    assert made["credentialSubject"]["ttl"] == 300_000  # type: ignore[index]
    assert (URL, ISSUER, signed, AT, AT + timedelta(days=1), 300.0) == (
        held.url,
        held.issuer,
        held.signed_at,
        held.valid_from,
        held.valid_until,
        held.ttl_s,
    )


def test_valid_from_stands_in_for_the_moment_of_signing() -> None:
    """Where the signature says nothing of time, the list's own `validFrom` does."""
    assert read_list(_list(), url=URL, issuer=ISSUER, signed_at=None).signed_at == AT


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"type": ["VerifiableCredential"]}, "status_malformed", "/type"),
        ({"type": []}, "status_malformed", "/type"),
        ({"id": "https://status.example/2"}, "status_verification_error", "/id"),
        ({"credentialSubject": []}, "status_malformed", "/credentialSubject"),
        ({"validFrom": None}, "status_malformed", "/validFrom"),
        ({"validUntil": "tomorrow"}, "status_malformed", "/validUntil"),
    ],
)
def test_a_broken_list_credential_is_refused(change: dict[str, object], code: str, path: str) -> None:
    """Each member of a list credential has one form; a list of another URL is not this list."""
    with pytest.raises(AgentdidError) as refusal:
        read_list(_list() | change, url=URL, issuer=ISSUER, signed_at=None)

    assert (code, path) == (refusal.value.code, refusal.value.path)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"type": "StatusList2021"}, "/credentialSubject/type"),
        ({"statusPurpose": []}, "/credentialSubject/statusPurpose"),
        ({"statusPurpose": ["revocation", 7]}, "/credentialSubject/statusPurpose"),
        ({"statusPurpose": None}, "/credentialSubject/statusPurpose"),
        ({"ttl": -1}, "/credentialSubject/ttl"),
        ({"ttl": "300000"}, "/credentialSubject/ttl"),
        ({"ttl": True}, "/credentialSubject/ttl"),
        ({"encodedList": None}, "/credentialSubject/encodedList"),
    ],
)
def test_a_broken_list_subject_is_refused(change: dict[str, object], path: str) -> None:
    """Each member of the list itself has one form."""
    with pytest.raises(AgentdidError) as refusal:
        read_list(_list(**change), url=URL, issuer=ISSUER, signed_at=AT)

    assert ("status_malformed", path) == (refusal.value.code, refusal.value.path)


def test_a_list_of_unknown_age_is_refused() -> None:
    """Neither signature nor `validFrom` tells the time: nobody can say how stale it is."""
    document = _list()
    del document["validFrom"]

    with pytest.raises(AgentdidError) as refusal:
        read_list(document, url=URL, issuer=ISSUER, signed_at=None)

    assert ("status_malformed", "/validFrom") == (refusal.value.code, refusal.value.path)


def test_building_needs_a_purpose() -> None:
    """A list about nothing is the caller's mistake."""
    with pytest.raises(ValueError, match="purpose"):
        build_list_credential(URL, ISSUER, [], _bits(), valid_from=AT)


@pytest.mark.parametrize("size", [2, 3, 5, 7, 8])
def test_values_of_several_bits_from_the_first_to_the_last(size: int) -> None:
    """Each is read from where it lies, across octets and up to the end of the list; behind it there is nothing."""
    count = 131_072 + 7
    places = {0: 1, 1: (1 << size) - 1, 5: 2, count - 2: 3, count - 1: (1 << size) - 2}
    octets = pack_values([places.get(index, 0) for index in range(count)], size)
    held = StatusList(URL, ISSUER, ("message",), octets, AT, AT, None, None)
    there = len(octets) * 8 // size

    assert places == {index: held.value(StatusEntry("message", index, URL, size)) for index in places}
    assert 0 == held.value(StatusEntry("message", 4, URL, size))
    for index in (-1, there):
        with pytest.raises(AgentdidError) as refusal:
            held.value(StatusEntry("message", index, URL, size))
        assert "range_error" == refusal.value.code


@pytest.mark.parametrize(("value", "size"), [(2, 1), (4, 2), (256, 8), (-1, 3), (0, 0), (0, 9)])
def test_values_that_have_no_room(value: int, size: int) -> None:
    """They are the issuer's mistake, and not cut."""
    with pytest.raises(ValueError, match="bits"):
        pack_values([value], size)
