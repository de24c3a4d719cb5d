"""Token status lists: from a token's reference and a list's claims to the one value that counts, and back.

Values stand from the least significant bit of each octet upwards, the other way round than in a Bitstring Status List:
so entries and lists of the two kinds are two types, and neither reads the other's.

Spec: draft-ietf-oauth-status-list sections 4, 6, 7 and 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.credential.parse import check_url
from agentdid.errors import (
    EncodingInvalid,
    RangeError,
    StatusListTooLarge,
    StatusMalformed,
    StatusUnknownValue,
    StatusVerificationError,
    TypeMismatch,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.status.packed import ZLIB, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
"""Section 7.1. Every other value is an application's own, or nobody's yet."""
BITS: Final = (1, 2, 4, 8)
MAX_URLS: Final = 10_000
_MAX_INDEX: Final = 1 << 53


@final
class TokenEntry(Value, frozen=True):
    """Where one token's status stands in a token status list.

    Attributes:
        index: The value's place, 0 the first. Not yet compared with the list's length.
        list_url: The list's URL, byte for byte as the token wrote it.
    """

    index: int
    list_url: str


@final
class TokenStatusList(Value, frozen=True):
    """A token status list unpacked, with what is needed to judge it.

    Attributes:
        url: The list's own `sub`.
        issuer: Who signed it.
        size: Bits of a value: 1, 2, 4 or 8.
        octets: The values, the first in the least significant bits of the first octet.
        signed_at: `iat`; its age counts from here.
        valid_until: `exp`.
        ttl_s: `ttl` in seconds, as written; the judge bounds it.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"octets"})

    url: str
    issuer: str
    size: int
    octets: bytes
    signed_at: datetime
    valid_until: datetime | None
    ttl_s: float | None

    def value(self, entry: object) -> int:
        """Return the entry's value.

        Raises:
            StatusVerificationError: The entry is of another kind of list.
            RangeError: The list has no such index.

        Spec: section 4.1; section 8.3, steps 4 to 7.
        """
        if type(entry) is not TokenEntry:
            raise StatusVerificationError("the entry is not one of a token status list")
        size = self.size
        place = entry.index * size
        if place < 0 or place >> 3 >= len(self.octets):
            raise RangeError(f"the list has {len(self.octets) * 8 // size} entries, none at the entry's index")
        return self.octets[place >> 3] >> (place & 7) & ((1 << size) - 1)


def parse_reference(value: object, path: str = "") -> TokenEntry:
    """Return the place that a token's `status` claim names.

    Raises:
        StatusMalformed: A member is absent or of the wrong type.
        StatusUnknownValue: No `status_list`, or another mechanism beside it, which would be passed over.
        RangeError: A negative index.

    Spec: sections 6.1 and 6.2.
    """
    if not isinstance(value, dict):
        raise StatusMalformed("expected an object", path=path)
    if value.keys() != {"status_list"}:
        raise StatusUnknownValue("expected status_list and no other mechanism", path=path)
    reference, path = value["status_list"], f"{path}/status_list"
    if not isinstance(reference, dict):
        raise StatusMalformed("expected an object", path=path)
    index, url = reference.get("idx"), reference.get("uri")
    if type(index) is not int or index > _MAX_INDEX:
        raise StatusMalformed("expected a whole number", path=f"{path}/idx")
    if index < 0:
        raise RangeError("the index is negative", path=f"{path}/idx")
    if not isinstance(url, str):
        raise StatusMalformed("expected a string", path=f"{path}/uri")
    try:
        check_url(url, "/uri")
    except TypeMismatch as error:
        raise StatusMalformed(error.detail, path=f"{path}{error.path}") from None
    return TokenEntry(index, url)


def read_token_list(
    claims: Mapping[str, object],
    *,
    issuer: str,
    signed_at: datetime,
    valid_until: datetime | None,
    limits: Limits = DEFAULT,
) -> TokenStatusList:
    """Return the list that a status list token's claims hold. Its signature must have been verified.

    Args:
        claims: By their JWT names; see `secure.status_token`.
        issuer: Who signed it.
        signed_at: `iat`.
        valid_until: `exp`.
        limits: Sizes.

    Raises:
        StatusMalformed: A claim is absent or of the wrong form.
        StatusListTooLarge: See `decode_values`.

    Spec: sections 4.2, 4.3, 5.1 and 5.2.
    """
    url, held = claims.get("sub"), claims.get("status_list")
    if not isinstance(url, str) or not url:
        raise StatusMalformed("expected the list's URL", path="/sub")
    if not isinstance(held, dict):
        raise StatusMalformed("expected an object", path="/status_list")
    size = held.get("bits")
    if type(size) is not int or size not in BITS:
        raise StatusMalformed("expected 1, 2, 4 or 8", path="/status_list/bits")
    ttl = claims.get("ttl")
    if ttl is not None and (type(ttl) is not int or ttl <= 0):
        raise StatusMalformed("expected seconds, a whole number from 1", path="/ttl")
    octets = decode_values(held.get("lst"), limits, "/status_list/lst")
    return TokenStatusList(url, issuer, size, octets, signed_at, valid_until, ttl)


def decode_values(packed: object, limits: Limits = DEFAULT, path: str = "") -> bytes:
    """Return the octets of a `lst`: one zlib member, in base64url where it stands in JSON, as it is in CBOR.

    Raises:
        StatusMalformed: Not that, cut short, empty, or with anything behind its one member.
        StatusListTooLarge: It unpacks to more than `limits.max_status_list_bytes`.

    Spec: sections 4.1 to 4.3; ATTACKS K16.
    """
    if isinstance(packed, str):
        if len(packed) > limits.max_status_list_bytes * 3 // 2:  # as in `status.bitstring`
            raise StatusListTooLarge(f"more than {limits.max_status_list_bytes} bytes before unpacking", path=path)
        try:
            packed = decode_base64url(packed)
        except EncodingInvalid as error:
            raise StatusMalformed(error.detail, path=path) from None
    if not isinstance(packed, bytes):
        raise StatusMalformed("expected a packed list", path=path)
    octets = unpack(packed, ZLIB, limits.max_status_list_bytes, path)
    if not octets:
        raise StatusMalformed("the list is empty", path=path)
    return octets


def pack_values(values: Sequence[int], size: int) -> bytes:
    """Return values side by side, the first in the least significant bits of the first octet.

    Raises:
        ValueError: A value that has no room in `size` bits, or a size that is none of 1, 2, 4 and 8.

    Spec: section 4.1.
    """
    if size not in BITS:
        message = f"a value has 1, 2, 4 or 8 bits, not {size}"
        raise ValueError(message)
    octets = bytearray(-(-len(values) * size // 8))
    for index, value in enumerate(values):
        if not 0 <= value < 1 << size:
            message = f"a value of {size} bits is from 0 to {(1 << size) - 1}"
            raise ValueError(message)
        place = index * size
        octets[place >> 3] |= value << (place & 7)
    return bytes(octets)


def build_claims(
    url: str,
    octets: bytes,
    size: int,
    *,
    at: datetime,
    expires: datetime | None = None,
    ttl_s: int | None = None,
    aggregation_url: str | None = None,
    binary: bool = False,
) -> dict[str, object]:
    """Return the claims of a status list token, to be signed by `secure.status_token`.

    Args:
        url: Where the list is served: `sub`, and `uri` in the tokens that refer to it.
        octets: From `pack_values`.
        size: Bits of a value.
        at: When it is signed.
        expires: When it may no longer be believed.
        ttl_s: For how long it may be held.
        aggregation_url: Where the URLs of all lists of the issuer are had (section 9).
        binary: For a CWT, which holds the packed octets as they are.
    """
    packed = pack(octets, ZLIB)
    held: dict[str, object] = {"bits": size, "lst": packed if binary else encode_base64url(packed)}
    if aggregation_url is not None:
        held["aggregation_uri"] = aggregation_url
    claims: dict[str, object] = {"sub": url, "iat": int(at.timestamp()), "status_list": held}
    if expires is not None:
        claims["exp"] = int(expires.timestamp())
    if ttl_s is not None:
        claims["ttl"] = ttl_s
    return claims


def build_reference(url: str, index: int) -> dict[str, object]:
    """Return the `status` claim of a token whose status stands at `index` of the list at `url`."""
    return {"status_list": {"idx": index, "uri": url}}


def read_aggregation(value: object) -> tuple[str, ...]:
    """Return the URLs of an issuer's lists, from the document at its `aggregation_uri`.

    Raises:
        StatusMalformed: Not an object with an array of URLs, or more of them than `MAX_URLS`.

    Spec: section 9.3.
    """
    urls = value.get("status_lists") if isinstance(value, dict) else None
    if not isinstance(urls, list) or not all(isinstance(each, str) and each for each in urls):
        raise StatusMalformed("expected status_lists, an array of URLs", path="/status_lists")
    if len(urls) > MAX_URLS:
        raise StatusMalformed(f"at most {MAX_URLS} lists", path="/status_lists")
    return tuple(urls)
