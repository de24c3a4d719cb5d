"""Codecs, canonical forms and keys: each value has one spelling, and what is read is written the same."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from agentdid.canon import jsonld, nquads, rdfc
from agentdid.canon.contexts import ContextRules
from agentdid.canon.jcs import canonicalize
from agentdid.codec import base, strict_json
from agentdid.codec.cbor import decode_cbor, encode_cbor
from agentdid.codec.instant import encode_instant, parse_instant, parse_numeric_date
from agentdid.codec.json_parts import splitter
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.errors import AgentdidError
from agentdid.keys import jwk, multikey, pem
from agentdid.limits import DEFAULT, Budget
from tests.fuzz import material
from tests.fuzz.target import Target, hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_JSON: Final = (
    b'{"a":[1,2.5,true,null,"\xc3\xa9"],"b":{"c":-1}}',
    b'[1e5,0.1,"\\ud834\\udd1e","\\u0000"]',
    b'{"a":1,"a":2}',
    b'"x"',
    b"[" * 70 + b"]" * 70,
    b'{"n":9007199254740993}',
    b" [ ] ",
)
_MILLISECOND: Final = timedelta(milliseconds=1)
_split: Final = splitter("verifiableCredential")


def _strict_json(data: bytes) -> None:
    text = strict_json.parse(data)
    written = strict_json.encode(text.value)
    hold(strict_json.parse(written).value == text.value, "what was read is not what was written")
    hold(json.loads(data) == text.value, "another reader reads another value")
    if text.plain:
        hold(canonicalize(text.value) == rfc8785.dumps(text.value), "plain, and not canonical")


def _jcs(data: bytes) -> None:
    value: Any = strict_json.parse(data).value
    canonical = canonicalize(value)
    hold(canonical == rfc8785.dumps(value), "another canonical form than rfc8785's")
    hold(canonicalize(strict_json.parse(canonical).value) == canonical, "the canonical form of itself is another")


def _json_parts(data: bytes) -> None:
    found = _split(data)
    if found is None:
        return
    rest, elements = found
    around: Any = strict_json.parse(rest).value
    if isinstance(around, dict) and around.get("verifiableCredential") == []:
        around["verifiableCredential"] = [strict_json.parse(each).value for each in elements]
        hold(strict_json.parse(data).value == around, "put together, the parts are another value")


def _bases(data: bytes) -> None:
    text = material.text_of(data)
    for decode, encode in (
        (base.decode_base64url, base.encode_base64url),
        (base.decode_base58btc, base.encode_base58btc),
        (base.decode_multibase, lambda raw: base.encode_multibase(raw, text[0])),
    ):
        _one_spelling(decode, encode, text)
    hold(base.decode_base64url(base.encode_base64url(data)) == data, "base64url")
    short = data[:512]
    hold(base.decode_base58btc(base.encode_base58btc(short)) == short, "base58btc")


def _one_spelling(decode: Callable[[str], bytes], encode: Callable[[bytes], str], text: str) -> None:
    try:
        raw = decode(text)
    except AgentdidError:
        return
    hold(encode(raw) == text, "two spellings of one value")


def _varint(data: bytes) -> None:
    number, rest = decode_varint(data)
    hold(encode_varint(number) + rest == data, "two spellings of one number")


def _cbor(data: bytes) -> None:
    value = decode_cbor(data)
    again = encode_cbor(value)
    hold(decode_cbor(again) == value, "what was read is not what was written")
    hold(len(again) == len(data), "two lengths of one value")


def _instant(data: bytes) -> None:
    text = material.text_of(data)
    with contextlib.suppress(AgentdidError):
        parse_numeric_date(strict_json.parse(data).value, "")
    at = parse_instant(text, "")
    hold(at.tzinfo is not None and abs(parse_instant(encode_instant(at), "") - at) < _MILLISECOND, "not one instant")


def _keys(data: bytes) -> None:
    text = material.text_of(data)
    for read, write in ((multikey.decode_multikey, multikey.encode_multikey),):
        try:
            key = read(text)
        except AgentdidError:
            continue
        hold(write(key) == text, "two spellings of one key")
    multikey.decode_secret_multikey(text)


def _jwk(data: bytes) -> None:
    value = strict_json.parse(data).value
    try:
        key = jwk.decode_jwk(value)
    except AgentdidError:
        jwk.decode_secret_jwk(value)
        return
    hold(jwk.decode_jwk(jwk.encode_jwk(key)).raw == key.raw, "another key than was read")
    jwk.thumbprint(key)


def _pem(data: bytes) -> None:
    try:
        key = pem.decode_public_pem(data)
    except AgentdidError:
        pem.decode_secret_pem(data)
        return
    hold(pem.decode_public_pem(pem.encode_public_pem(key)).raw == key.raw, "another key than was read")


def _jsonld(data: bytes) -> None:
    document = strict_json.parse_object(data).value
    canonical = jsonld.canonicalize(document, budget=Budget.of(DEFAULT))  # type: ignore[arg-type]  # an object
    hold(jsonld.canonicalize(document, budget=Budget.of(DEFAULT)) == canonical, "not one canonical form")  # type: ignore[arg-type]
    quads = nquads.parse(canonical.decode())
    hold(rdfc.canonicalize_quads(quads, budget=Budget.of(DEFAULT)) == canonical, "the statements read again are others")


def _jsonld_inline(data: bytes) -> None:
    document = strict_json.parse_object(data).value
    jsonld.canonicalize(document, budget=Budget.of(DEFAULT), rules=_LENIENT)  # type: ignore[arg-type]  # an object


def _rdfc(data: bytes) -> None:
    quads = nquads.parse(material.text_of(data))
    canonical = rdfc.canonicalize_quads(quads, budget=Budget.of(DEFAULT))
    again = rdfc.canonicalize_quads(nquads.parse(canonical.decode()), budget=Budget.of(DEFAULT))
    hold(again == canonical, "the canonical form of itself is another")


_LENIENT: Final = ContextRules(inline=True, vocabularies=True, ordered=False)


def _documents() -> Iterator[bytes]:
    for form in ("eddsa-rdfc-2022", "ecdsa-sd-2023"):
        document: Any = strict_json.parse(material.secured(form)).value
        yield strict_json.encode({name: each for name, each in document.items() if name != "proof"})
    yield from (strict_json.encode(each) for each in material.chain("eddsa-jcs-2022"))
    yield from material.published("w3c-vcdm2-json-schema", most=10)
    yield from material.published("w3c-vcdm2-test-suite", "*-ok.json", most=20)


def _inline_documents() -> Iterator[bytes]:
    yield from _documents()
    inline = {
        "@context": [
            {
                "@vocab": "https://e.example/#",
                "n": {"@id": "@nest"},
                "l": {"@id": "ex:l", "@container": "@list"},
                "ex": "https://e.example/",
                "j": {"@id": "ex:j", "@type": "@json"},
                "p": {"@id": "ex:p", "@type": "@id", "@container": ["@set"]},
                "T": {"@id": "ex:T", "@context": {"q": "ex:q"}},
            }
        ],
        "@id": "urn:x:1",
        "@type": "T",
        "l": [1, "a", True],
        "j": {"b": [1]},
        "p": ["urn:a:b"],
        "q": {"n": {"x": "y"}},
    }
    yield strict_json.encode(inline)


def _quads() -> Iterator[bytes]:
    yield b'<urn:a:1> <urn:p:1> "x"@en .\n_:b0 <urn:p:2> _:b1 .\n_:b1 <urn:p:2> _:b0 <urn:g:1> .\n'
    yield b'_:a <urn:p:1> "\\u0041\\n"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
    yield from material.published("w3c-rdf-canon", "*-in.nq", most=30)


def _written_keys() -> Iterator[bytes]:
    for each in material.keys().values():
        yield multikey.encode_multikey(each.public).encode()
        yield multikey.encode_secret_multikey(each).encode()


def _jwks() -> Iterator[bytes]:
    for name, each in material.keys().items():
        yield strict_json.encode(jwk.encode_jwk(each.public))
        if name != "X25519":
            yield strict_json.encode(jwk.encode_secret_jwk(each))


def _pems() -> Iterator[bytes]:
    for name, each in material.keys().items():
        if name != "X25519":
            yield pem.encode_public_pem(each.public)


TARGETS: Final = (
    Target("strict-json", _strict_json, lambda: _JSON),
    Target("jcs", _jcs, lambda: [*_JSON, *material.published("rfc8785-jcs", most=20)]),
    Target(
        "json-parts", _json_parts, lambda: [material.presentations()[-1], b'{"verifiableCredential":[{"a":1},"b"]}']
    ),
    Target(
        "bases", _bases, lambda: [b"zQ3sh", b"uAAEC", b"-_-_", b"11115Q", *(each.encode() for each in material.dids())]
    ),
    Target("varint", _varint, lambda: [b"\xed\x01", b"\x80\x80\x01x", b"\x7f"]),
    Target(
        "cbor",
        _cbor,
        lambda: [encode_cbor({1: [b"a", "b", None, True], -2: {"x": 2**40}}), material.secured("vc+cose")],
    ),
    Target("instant", _instant, lambda: [b"2026-11-24T12:00:00Z", b"2026-11-24T12:00:00.123+01:00", b"1764000000"]),
    Target("multikey", _keys, _written_keys),
    Target("jwk", _jwk, _jwks),
    Target("pem", _pem, _pems),
    Target("jsonld", _jsonld, _documents),
    Target("jsonld-inline", _jsonld_inline, _inline_documents),
    Target("rdfc", _rdfc, _quads),
)
