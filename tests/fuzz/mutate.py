"""Mutations that know what the formats are made of: JSON, tokens of dots and tildes, CBOR, base64 within strings.

Random bytes die in the outermost parser. Here an input is taken apart as far as it can be, changed in one place, and
put together again, so that the change reaches what it was meant for.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_base64url, encode_base58btc, encode_base64url
from agentdid.codec.cbor import Tagged, decode_cbor, encode_cbor
from agentdid.errors import AgentdidError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NUMBERS: Final = (
    0,
    1,
    -1,
    2,
    7,
    63,
    64,
    255,
    256,
    65535,
    2**31,
    2**53 - 1,
    2**53,
    -(2**53),
    2**63,
    2**64,
    10**30,
    0.5,
    -0.0,
    1e300,
    1e-320,
)
TEXTS: Final = (
    "",
    " ",
    "\0",
    "a",
    "é",
    "\ud800",
    "\U0001d538",
    "-",
    "0",
    "-0",
    "1e5",
    "null",
    "true",
    "#",
    "/",
    "?",
    "%",
    "%00",
    "../",
    "*",
    "~",
    ".",
    "..",
    "@",
    ":",
    "did:",
    "did:key:",
    "did:key:z",
    "did:web:acme.example",
    "did:peer:2",
    "urn:uuid:",
    "data:,",
    "data:application/vc+sd-jwt,",
    "https://",
    "https://[::1]",
    "https://[",
    "https://a:99999999/",
    "http://127.0.0.1/",
    "https://api.partner.example/v1/invoices",
    "_sd",
    "...",
    "@context",
    "@id",
    "@type",
    "@json",
    "@list",
    "@graph",
    "@nest",
    "@reverse",
    "@included",
    "@vocab",
    "@base",
    "@value",
    "@language",
    "id",
    "type",
    "proof",
    "2026-11-24T12:00:00Z",
    "2026-11-24T12:00:60Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-11-24T12:00:00+23:59",
    "0001-01-01T00:00:00+23:59",
    "PT1H",
    "P9999999D",
    "UTC",
    "Etc/GMT+2",
    "../etc/passwd",
    "10.0.0.0/8",
    "::/0",
    "EdDSA",
    "ES256",
    "none",
    "ML-DSA-44",
    "sha-256",
    "eddsa-jcs-2022",
    "eddsa-rdfc-2022",
    "ecdsa-rdfc-2019",
    "ecdsa-sd-2023",
    "bbs-2023",
    "z",
    "u",
    "z1",
    "zz",
    "1" * 100,
    "9" * 40,
    "A" * 300,
    "\n",
    "\r\n",
)
_PLACES: Final = (
    "credentialSubject",
    "credentialStatus",
    "issuer",
    "type",
    "id",
    "@context",
    "proof",
    "holder",
    "exp",
    "validUntil",
    "verifiableCredential",
    "evidence",
    "termsOfUse",
    "_sd",
    "_sd_alg",
    "cnf",
    "status",
    "__proto__",
    "__class__",
    "",
    "\u0131d",
    "capability",
    "crit",
    "jwk",
    "kid",
    "alg",
    "typ",
)
_TOKEN: Final = re.compile(rb"[A-Za-z0-9_.~-]{8,}")
_DATA_URL: Final = re.compile(r"^(data:[^,]*,)(.+)$", re.DOTALL)
_MAX_NODES: Final = 4_000
_CBOR: Final = frozenset(b"\xd2\x84\xd8\xd9\xa1\xa2\xa3\xa4\xa5\xa6\x82\x83\x85")


def mutate(data: bytes, rng: random.Random) -> bytes | None:
    """Return the input with a few changes where it can be taken apart, else `None`."""
    for read, write in _READERS:
        try:
            tree = read(data)
        except (ValueError, RecursionError, AgentdidError):
            continue
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            tree = change(tree, rng)
        try:
            return write(tree)
        except (ValueError, TypeError, RecursionError):
            return None
    return None


def change(tree: Any, rng: random.Random) -> Any:  # noqa: ANN401  # any tree
    """Return a tree with one change in one place."""
    places = _places(tree)
    if not places or rng.random() < 0.03:
        return _changed(tree, rng, tree)
    container, key = rng.choice(places)
    roll = rng.random()
    if roll < 0.1:
        del container[key]
    elif roll < 0.2 and isinstance(container, dict):
        container[rng.choice(_PLACES)] = container.pop(key) if rng.random() < 0.5 else container[key]
    elif roll < 0.3:
        other, place = rng.choice(places)
        taken = other.get(place) if isinstance(other, dict) else other[place] if place < len(other) else None
        container[key] = _copy(taken)
    elif roll < 0.4 and isinstance(container, list):
        container.insert(key, _copy(container[key]))
    else:
        container[key] = _changed(container[key], rng, tree)
    return tree


def _changed(value: Any, rng: random.Random, tree: Any) -> Any:  # noqa: ANN401  # a list of what may be done
    roll = rng.random()
    if roll < 0.15:
        return rng.choice((None, True, False, [], {}, [value], {"id": value}, [value, value], [[value]]))
    if roll < 0.25:
        return rng.choice(NUMBERS)
    if roll < 0.35:
        return rng.choice(TEXTS)
    if roll < 0.38:
        for _ in range(rng.choice((3, 20, 70))):
            value = [value] if rng.random() < 0.5 else {"id": value}
        return value
    if roll < 0.4 and isinstance(value, list):
        return value * rng.choice((0, 2, 20, 70))
    if isinstance(value, dict):
        value[rng.choice(_PLACES)] = rng.choice((*NUMBERS[:3], *TEXTS, None, [], {}))
    elif isinstance(value, list):
        value.append(rng.choice((*NUMBERS[:3], *TEXTS, None, [], {})))
    elif isinstance(value, str):
        return change_text(value, rng)
    elif isinstance(value, bytes):
        return change_bytes(value, rng)
    elif isinstance(value, bool) or value is None:
        return not value
    elif isinstance(value, int | float):
        return rng.choice((value + 1, value - 1, -value, value * 2, str(value), float(value)))
    return value


def change_text(text: str, rng: random.Random) -> str:
    """Return a text with one change, within what it encodes where it encodes something."""
    if rng.random() < 0.6 and len(text) > 7:
        found = _DATA_URL.match(text)
        head, rest = found.groups() if found else ("", text)
        inner = _inner(rest, rng)
        if inner is not None:
            return head + inner
    at = rng.randrange(len(text) + 1)
    roll = rng.randrange(6)
    if roll == 0:
        return text[:at] + text[at + rng.choice((1, 1, 2, 8)) :]
    if roll == 1:
        return text[:at] + rng.choice(TEXTS) + text[at:]
    if roll == 2 and text:
        return (
            text[:at]
            + chr(rng.choice((0, 9, 32, 37, 45, 46, 48, 58, 65, 90, 95, 122, 126, 233, 0x10FFFF)))
            + text[at + 1 :]
        )
    if roll == 3:
        return text * 2
    if roll == 4:
        return text.swapcase()
    return text[:at]


def _inner(text: str, rng: random.Random) -> str | None:
    """Change what a token, base64url or multibase text holds."""
    try:
        octets = text.encode("ascii")
    except UnicodeEncodeError:
        return None
    changed = mutate(octets, rng) if text[0] not in "zu" or "." in text else None
    if changed is not None:
        return changed.decode("utf-8", "replace")
    prefix = text[0] if text[0] in "zu" else ""
    try:
        if prefix == "z":
            from agentdid.codec.base import decode_base58btc  # noqa: PLC0415  # beside its caller

            return "z" + encode_base58btc(change_bytes(decode_base58btc(text[1:]), rng))
        held = decode_base64url(text[len(prefix) :])
    except AgentdidError:
        return None
    deeper = mutate(held, rng)
    return prefix + encode_base64url(change_bytes(held, rng) if deeper is None else deeper)


def change_bytes(octets: bytes, rng: random.Random) -> bytes:
    """Return octets with one change."""
    at = rng.randrange(len(octets) + 1)
    roll = rng.randrange(6)
    if roll == 0 and octets:
        at %= len(octets)
        return octets[:at] + bytes((octets[at] ^ 1 << rng.randrange(8),)) + octets[at + 1 :]
    if roll == 1:
        return octets[:at] + octets[at + 1 :]
    if roll == 2:
        return octets[:at] + bytes((rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20, 0xED)),)) + octets[at:]
    if roll == 3:
        return octets[:at]
    if roll == 4:
        return octets[:at] + bytes(min(32, len(octets) - at)) + octets[at + 32 :]
    return octets[:at] + b"\xff" * min(32, len(octets) - at) + octets[at + 32 :]


def _copy(value: Any) -> Any:  # noqa: ANN401  # any tree
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _places(tree: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401  # any tree
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left and len(found) < _MAX_NODES:
        node = left.pop()
        if isinstance(node, dict | list):
            keys = list(node) if isinstance(node, dict) else range(len(node))
            found += [(node, key) for key in keys]
            left += [node[key] for key in keys]
    return found


def _read_json(data: bytes) -> Any:  # noqa: ANN401  # any tree
    if data[:1] not in (b"{", b"[", b'"'):
        message = "no JSON"
        raise ValueError(message)
    return json.loads(data)


def _write_json(tree: Any) -> bytes:  # noqa: ANN401  # any tree
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _read_token(data: bytes) -> list[list[Any]]:
    """Tildes, dots, and in each segment the JSON it encodes, where it does."""
    if not _TOKEN.fullmatch(data) or not (b"." in data or b"~" in data):
        message = "no token"
        raise ValueError(message)
    return [[_read_segment(each) for each in part.split(".")] for part in data.decode("ascii").split("~")]


def _read_segment(text: str) -> Any:  # noqa: ANN401  # any tree
    try:
        return ["json", _read_json(decode_base64url(text))]
    except (ValueError, AgentdidError):
        return text


def _write_token(tree: Any) -> bytes:  # noqa: ANN401  # any tree
    parts = tree if isinstance(tree, list) else [tree]
    return b"~".join(
        b".".join(_write_segment(each) for each in (part if isinstance(part, list) else [part])) for part in parts
    )


def _write_segment(value: Any) -> bytes:  # noqa: ANN401  # any tree
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, list) and len(value) == 2 and value[0] == "json":
        return base64.urlsafe_b64encode(_write_json(value[1])).rstrip(b"=")
    return base64.urlsafe_b64encode(_write_json(value)).rstrip(b"=")


def _read_cbor(data: bytes) -> Any:  # noqa: ANN401  # any tree
    if data[:1] == b"" or data[0] not in _CBOR:
        message = "no CBOR"
        raise ValueError(message)
    return _untag(decode_cbor(data))


def _untag(value: Any) -> Any:  # noqa: ANN401  # any tree
    if isinstance(value, Tagged):
        return {"\0tag": value.tag, "\0value": _untag(value.value)}
    if isinstance(value, list):
        return [_untag(each) for each in value]
    return {key: _untag(each) for key, each in value.items()} if isinstance(value, dict) else value


def _write_cbor(tree: Any) -> bytes:  # noqa: ANN401  # any tree
    return encode_cbor(_tag(tree))


def _tag(value: Any) -> Any:  # noqa: ANN401  # any tree
    if isinstance(value, list):
        return [_tag(each) for each in value]
    if not isinstance(value, dict):
        return value
    tag = value.get("\0tag")
    if value.keys() == {"\0tag", "\0value"} and isinstance(tag, int) and tag >= 0:
        return Tagged(tag, _tag(value["\0value"]))
    return {key: _tag(each) for key, each in value.items()}


_READERS: Final[tuple[tuple[Callable[[bytes], Any], Callable[[Any], bytes]], ...]] = (
    (_read_json, _write_json),
    (_read_token, _write_token),
    (_read_cbor, _write_cbor),
)
