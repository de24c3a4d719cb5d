"""Status entries, lists, tokens and staples; what is packed never unpacks to more than the limit."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode, parse_object
from agentdid.errors import AgentdidError
from agentdid.secure import status_token
from agentdid.status import bitstring, packed, token_list
from agentdid.status.staple import read_staple
from tests.fuzz import material
from tests.fuzz.target import Target, hold
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL: Final = "https://acme.example/status/1"


def _decode_bitstring(data: bytes) -> None:
    bits = bitstring.decode_list(material.text_of(data))
    small = len(bits) < 1 << 20
    hold(
        not small or bitstring.decode_list(bitstring.encode_list(bits)) == bits, "what was read is not what was written"
    )


def _decode_token(data: bytes) -> None:
    token_list.decode_values(material.text_of(data))


def _unpack(data: bytes) -> None:
    for wrapper in (15, 31):
        try:
            octets = packed.unpack(data, wrapper, 1 << 24, "")
        except AgentdidError:
            continue
        hold(len(octets) <= 1 << 24, "more than the limit")


def _list_document(data: bytes) -> None:
    document: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    found = bitstring.read_list(document, url=_URL, issuer=material.world().acme.did, signed_at=NOW)
    entry = bitstring.parse_entry(material.world().status(material.world().acme, 7))
    found.value(entry)


def _entry(data: bytes) -> None:
    value = parse_object(data).value
    for parse in (bitstring.parse_entry, token_list.parse_reference):
        try:
            parse(value)
        except AgentdidError:
            continue


def _token_claims(data: bytes) -> None:
    claims: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    found = token_list.read_token_list(claims, issuer="did:web:acme.example", signed_at=NOW, valid_until=None)
    found.value(token_list.parse_reference(token_list.build_reference(_URL, 3)))


def _token(data: bytes) -> None:
    try:
        token = status_token.read_jwt(material.text_of(data))
    except AgentdidError:
        token = status_token.read_cwt(data)
    token_list.read_token_list(token.claims, issuer="did:web:acme.example", signed_at=NOW, valid_until=None)


def _staple(data: bytes) -> None:
    read_staple(material.text_of(data))


def _aggregation(data: bytes) -> None:
    token_list.read_aggregation(parse_object(data).value)


def _claims(*, binary: bool = False) -> dict[str, object]:
    octets = token_list.pack_values([0, 1, 2, 3] * 64, 2)
    return token_list.build_claims(_URL, octets, 2, at=NOW, expires=NOW + timedelta(hours=1), ttl_s=60, binary=binary)


def _tokens() -> Iterator[bytes]:
    acme = material.world().acme
    yield status_token.sign_jwt(_claims(), acme.secret, acme.method_id).encode()
    yield status_token.sign_cwt(_claims(binary=True), acme.secret, acme.method_id)


def _bombs() -> Iterator[bytes]:
    for size in (1 << 14, 1 << 24, (1 << 24) + 1):
        for wrapper in (15, 31):
            packer = zlib.compressobj(1, zlib.DEFLATED, wrapper)
            yield packer.compress(bytes(size)) + packer.flush()


def _lists() -> Iterator[bytes]:
    acme = material.world().acme
    yield encode(
        bitstring.build_list_credential(
            _URL, acme.did, ["revocation"], bytes(16_384), valid_from=NOW, valid_until=NOW + timedelta(1)
        )
    )
    yield material.world().served[acme.list_url].body  # type: ignore[union-attr]  # it was published


TARGETS: Final = (
    Target(
        "bitstring",
        _decode_bitstring,
        lambda: [
            bitstring.encode_list(bytes(16_384)).encode(),
            *(b"u" + encode_base64url(each).encode() for each in _bombs()),
        ],
    ),
    Target(
        "token-list",
        _decode_token,
        lambda: [
            str(_claims()["status_list"]["lst"]).encode(),
            *(encode_base64url(each).encode() for each in _bombs()),
        ],
    ),  # type: ignore[index]
    Target("unpack", _unpack, _bombs),
    Target("status-list-credential", _list_document, _lists),
    Target(
        "status-entry",
        _entry,
        lambda: [
            encode(material.world().status(material.world().acme, 7)),
            encode(token_list.build_reference(_URL, 3)),
        ],
    ),
    Target(
        "token-list-claims",
        _token_claims,
        lambda: [encode(_claims()), *material.published("token-status-list", most=10, having="status_list")],
    ),
    Target("status-token", _token, _tokens),
    Target("staple", _staple, lambda: [material.staple_token()]),
    Target("status-aggregation", _aggregation, lambda: [encode({"status_lists": [_URL]})]),
)
