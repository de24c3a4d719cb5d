"""Bitstring status lists: from a credential's entry and a list's JSON to the one bit that counts, and back.

This module reads and writes shapes and bits. That the list's signature holds, that its issuer may speak for this
credential, that it is fresh and within its validity, and what a set bit means: all that is judged by `agentdid.verify`.

* Every number a sender writes is checked before it is used: an index never wraps around, a list never grows past its
  limit while it is unpacked.
* A list is one gzip member and nothing else, so that two readers cannot unpack two lists.

Spec: Bitstring Status List v1.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.credential.parse import check_url
from agentdid.errors import (
    EncodingInvalid,
    RangeError,
    StatusListLengthError,
    StatusListTooLarge,
    StatusMalformed,
    StatusUnknownValue,
    StatusVerificationError,
    TypeMismatch,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.status.packed import GZIP, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ENTRY_TYPE: Final = "BitstringStatusListEntry"
LIST_TYPE: Final = "BitstringStatusListCredential"
SUBJECT_TYPE: Final = "BitstringStatusList"

# Twenty digits hold 2^64: whoever writes more does not mean an index.
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,19}")
_MAX_STATUS_SIZE: Final = 8
_HEX: Final = re.compile(r"0x[0-9A-Fa-f]{1,2}")


@final
class StatusEntry(Value, frozen=True):
    """Where one credential's status stands in a Bitstring Status List.

    Attributes:
        purpose: What a value other than 0 would mean: `revocation`, `suspension`, `refresh`, `message` or a word that
            the judge may not know.
        index: The value's place, 0 the first. Not yet compared with the list's length.
        list_url: The list credential's URL, byte for byte as the credential wrote it.
        size: Bits of a value.
        messages: What each value says, by the credential; empty where it says nothing.
    """

    purpose: str
    index: int
    list_url: str
    size: int = 1
    messages: tuple[str, ...] = ()


@final
class StatusList(Value, frozen=True):
    """A Bitstring Status List unpacked, with what is needed to judge it.

    Attributes:
        url: Where it was had.
        issuer: Who signed it.
        purposes: What its bits say.
        bits: The bits, first index leftmost (most significant) in the first byte.
        signed_at: When it was signed; its age counts from here.
        valid_from: The list's own `validFrom`.
        valid_until: The list's own `validUntil`.
        ttl_s: The issuer's `ttl` in seconds, as written; the judge bounds it.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"bits"})

    url: str
    issuer: str
    purposes: tuple[str, ...]
    bits: bytes
    signed_at: datetime
    valid_from: datetime | None
    valid_until: datetime | None
    ttl_s: float | None

    def value(self, entry: object) -> int:
        """Return the entry's value; its first bit is the most significant.

        Raises:
            StatusVerificationError: The list does not speak about the entry's purpose, or is of another kind.
            RangeError: The list has no such index.
            StatusListLengthError: Fewer entries of this size than give herd privacy.

        Spec: Bitstring Status List section 3.2, steps 8 to 14.
        """
        if type(entry) is not StatusEntry:
            raise StatusVerificationError("the entry is not one of a Bitstring Status List")
        if entry.purpose not in self.purposes:
            raise StatusVerificationError("the list is not about the entry's purpose")
        index = entry.index
        if entry.size != 1:
            return self._wide(index, entry.size)
        if index < 0 or index >> 3 >= len(self.bits):
            raise RangeError(f"the list has {len(self.bits) * 8} entries, none at the entry's index")
        return self.bits[index >> 3] >> (7 - (index & 7)) & 1

    def _wide(self, index: int, size: int) -> int:
        """The value of `size` bits at `index`, which may lie across two octets."""
        entries = len(self.bits) * 8 // size
        if entries < DEFAULT.min_status_entries:
            raise StatusListLengthError(f"expected at least {DEFAULT.min_status_entries} entries, found {entries}")
        if not 0 <= index < entries:
            raise RangeError(f"the list has {entries} entries, none at the entry's index")
        first, last = index * size >> 3, (index * size + size - 1) >> 3
        octets = int.from_bytes(self.bits[first : last + 1], "big")
        return octets >> (8 * (last + 1) - (index + 1) * size) & (1 << size) - 1


def parse_entry(value: object, path: str = "") -> StatusEntry:
    """Return the place that a `credentialStatus` object names.

    Raises:
        StatusMalformed: A member is absent, of the wrong type, or an index that is not written as decimal digits.
        StatusUnknownValue: Another type of status, or values of several bits that the credential does not explain.
        RangeError: A negative index.

    Spec: Bitstring Status List section 2.1.
    """
    if type(value) is not dict:
        raise StatusMalformed("expected an object", path=path)
    if _text(value, "type", path) != ENTRY_TYPE:
        raise StatusUnknownValue(f"expected type {ENTRY_TYPE}", path=f"{path}/type")
    purpose = _text(value, "statusPurpose", path)
    list_url = _text(value, "statusListCredential", path)
    try:
        check_url(list_url, "/statusListCredential")
    except TypeMismatch as error:
        raise StatusMalformed(error.detail, path=f"{path}{error.path}") from None
    if value.get("id") == list_url:
        raise StatusMalformed("the entry's id is the list's URL", path=f"{path}/id")
    index = _parse_index(value.get("statusListIndex"), path)
    if "statusSize" not in value and "statusMessage" not in value:
        return StatusEntry(purpose, index, list_url)
    size = _parse_size(value.get("statusSize", 1), f"{path}/statusSize")
    return StatusEntry(purpose, index, list_url, size, _parse_messages(value.get("statusMessage"), size, path))


def decode_list(encoded: object, limits: Limits = DEFAULT, path: str = "") -> bytes:
    """Return the bits of an `encodedList`: multibase `u`, base64url without padding, one gzip member.

    Costs about as much as inflating: 35 µs for 131,072 entries. Memory stays within `limits.max_status_list_bytes`
    and an eighth, whatever the text unpacks to.

    Raises:
        StatusMalformed: Not a string, not base64url, not gzip, cut short, or with anything behind its one member.
        StatusListTooLarge: It unpacks to more than `limits.max_status_list_bytes`.
        StatusListLengthError: It unpacks to fewer than `limits.min_status_entries` entries.

    Spec: Bitstring Status List sections 2.2 and 3.4; ATTACKS K06, K16.
    """
    if not isinstance(encoded, str) or not encoded.startswith("u"):
        raise StatusMalformed("expected multibase base64url, which begins with u", path=path)
    if len(encoded) > limits.max_status_list_bytes * 3 // 2:  # base64 adds a third, gzip next to nothing
        raise StatusListTooLarge(f"more than {limits.max_status_list_bytes} bytes before unpacking", path=path)
    try:
        bits = unpack(decode_base64url(encoded[1:]), GZIP, limits.max_status_list_bytes, path)
    except EncodingInvalid as error:
        raise StatusMalformed(error.detail, path=path) from None
    if len(bits) * 8 < limits.min_status_entries:
        raise StatusListLengthError(
            f"expected at least {limits.min_status_entries} entries, found {len(bits) * 8}", path=path
        )
    return bits


def pack_values(values: Sequence[int], size: int = 1) -> bytes:
    """Return values of `size` bits side by side, the first in the most significant bits of the first octet.

    Raises:
        ValueError: A value that has no room in `size` bits, or a size that is none.

    Spec: Bitstring Status List section 3.3.
    """
    if not 1 <= size <= _MAX_STATUS_SIZE:
        message = f"expected a number of bits from 1 to {_MAX_STATUS_SIZE}"
        raise ValueError(message)
    octets = bytearray(-(-len(values) * size // 8))
    for index, value in enumerate(values):
        if not 0 <= value < 1 << size:
            message = f"a value of {size} bits is from 0 to {(1 << size) - 1}"
            raise ValueError(message)
        for bit in range(size):
            if value >> (size - 1 - bit) & 1:
                place = index * size + bit
                octets[place >> 3] |= 0x80 >> (place & 7)
    return bytes(octets)


def encode_list(bits: bytes) -> str:
    """Return the `encodedList` of `bits`. The same bits give the same text: gzip's time stamp stays zero."""
    return "u" + encode_base64url(pack(bits, GZIP))


def read_list(
    document: dict[str, object],
    *,
    url: str,
    issuer: str,
    signed_at: datetime | None,
    limits: Limits = DEFAULT,
) -> StatusList:
    """Return the list that a status list credential holds. Its proof must have been verified.

    Args:
        document: The credential without its proof.
        url: Where it was had.
        issuer: Who signed it.
        signed_at: When the signature says it was made; where it does not say, `validFrom` stands for it.
        limits: Sizes.

    Raises:
        StatusMalformed: Not a list credential, a member of the wrong form, or no telling when it was signed.
        StatusVerificationError: A list that names another URL as its own: one list served in place of another.
        StatusListTooLarge: See `decode_list`.
        StatusListLengthError: See `decode_list`.

    Spec: Bitstring Status List section 2.2.
    """
    if LIST_TYPE not in _texts(document, "type", ""):
        raise StatusMalformed(f"expected {LIST_TYPE} among the types", path="/type")
    own = document.get("id")
    if own is not None and own != url:
        raise StatusVerificationError("the list's id is not the URL it was had from", path="/id")
    subject = document.get("credentialSubject")
    path = "/credentialSubject"
    if not isinstance(subject, dict):
        raise StatusMalformed("expected one object", path=path)
    if SUBJECT_TYPE not in _texts(subject, "type", path):
        raise StatusMalformed(f"expected {SUBJECT_TYPE} among the types", path=f"{path}/type")
    valid_from = _instant(document, "validFrom")
    signed = signed_at or valid_from
    if signed is None:
        raise StatusMalformed("neither the signature nor validFrom says how old the list is", path="/validFrom")
    return StatusList(
        url=url,
        issuer=issuer,
        purposes=_texts(subject, "statusPurpose", path),
        bits=decode_list(subject.get("encodedList"), limits, f"{path}/encodedList"),
        signed_at=signed,
        valid_from=valid_from,
        valid_until=_instant(document, "validUntil"),
        ttl_s=_ttl(subject.get("ttl"), f"{path}/ttl"),
    )


def build_list_credential(
    url: str,
    issuer: str,
    purposes: Sequence[str],
    bits: bytes,
    *,
    valid_from: datetime,
    valid_until: datetime | None = None,
    ttl_s: float | None = None,
) -> dict[str, object]:
    """Return the unsigned list credential of `bits`, first index in the most significant bit of the first byte.

    Raises:
        ValueError: No purpose.

    Spec: Bitstring Status List section 2.2; `ttl` is written in milliseconds.
    """
    if not purposes:
        raise ValueError("a status list needs at least one purpose")
    subject: dict[str, object] = {
        "id": f"{url}#list",
        "type": SUBJECT_TYPE,
        "statusPurpose": purposes[0] if len(purposes) == 1 else list(purposes),
        "encodedList": encode_list(bits),
    }
    if ttl_s is not None:
        subject["ttl"] = round(ttl_s * 1000)
    document: dict[str, object] = {
        "@context": [CREDENTIALS_V2],
        "id": url,
        "type": ["VerifiableCredential", LIST_TYPE],
        "issuer": issuer,
        "validFrom": encode_instant(valid_from),
        "credentialSubject": subject,
    }
    if valid_until is not None:
        document["validUntil"] = encode_instant(valid_until)
    return document


def _parse_index(value: object, path: str) -> int:
    """The number that decimal digits write in their one way."""
    if type(value) is str and _INDEX.fullmatch(value):
        return int(value)
    path = f"{path}/statusListIndex"
    if type(value) is not str:
        raise StatusMalformed("expected decimal digits in a string", path=path)
    if value[:1] == "-" and value != "-0" and _INDEX.fullmatch(value[1:]):
        raise RangeError("the index is negative", path=path)
    raise StatusMalformed("expected decimal digits without sign or leading zero", path=path)


def _parse_size(value: object, path: str) -> int:
    """The bits of a value."""
    # ATTACKS K18: a size that nobody could have meant is a broken entry.
    if type(value) is not int or not 1 <= value <= _MAX_STATUS_SIZE:
        raise StatusMalformed(f"expected a number of bits from 1 to {_MAX_STATUS_SIZE}", path=path)
    return value


def _parse_messages(value: object, size: int, at: str) -> tuple[str, ...]:
    """What each value says, in the order of the values."""
    path = f"{at}/statusMessage"
    if value is None:
        if size == 1:
            return ()
        raise StatusUnknownValue("values of several bits mean nothing without statusMessage", path=f"{at}/statusSize")
    if not isinstance(value, list) or len(value) != 1 << size:
        raise StatusMalformed(f"expected an array of {1 << size} messages", path=path)
    messages: dict[int, str] = {}
    for position, each in enumerate(value):
        status = each.get("status") if isinstance(each, dict) else None
        if not isinstance(each, dict) or type(status) is not str or not _HEX.fullmatch(status):
            raise StatusMalformed(
                "expected status and message, status as 0x and hexadecimal", path=f"{path}/{position}"
            )
        messages[int(status, 16)] = _text(each, "message", f"{path}/{position}")
    if sorted(messages) != list(range(1 << size)):
        raise StatusMalformed("expected one message for every value", path=path)
    return tuple([messages[each] for each in range(1 << size)])


def _ttl(value: object, path: str) -> float | None:
    """Seconds of a `ttl` in milliseconds."""
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise StatusMalformed("expected milliseconds, a whole number from 0", path=path)
    return value / 1000


def _instant(document: dict[str, object], name: str) -> datetime | None:
    """The instant of a member, `None` where there is none."""
    if name not in document:
        return None
    try:
        return parse_instant(document[name], f"/{name}")
    except TypeMismatch as error:
        raise StatusMalformed(error.detail, path=error.path) from None


def _text(value: dict[str, object], name: str, path: str) -> str:
    """A member that is a string and not empty."""
    text = value.get(name)
    if type(text) is not str or not text:
        raise StatusMalformed("expected a string that says something", path=f"{path}/{name}")
    return text


def _texts(value: dict[str, object], name: str, path: str) -> tuple[str, ...]:
    """A member that is one string or an array of them, none empty."""
    found = value.get(name)
    texts = tuple(found) if isinstance(found, list) else (found,)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise StatusMalformed("expected a string, or an array of one or more", path=f"{path}/{name}")
    return texts
