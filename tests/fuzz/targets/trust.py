"""Policies, evidence, logs, and the small texts that parties exchange over HTTP."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.audit.checkpoint import Checkpoint
from agentdid.codec.strict_json import encode, parse_object
from agentdid.did.web import url as did_url
from agentdid.errors import AgentdidError
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import decode_authorization, encode_authorization, normalize_url, origin
from agentdid.sources.events import _events
from agentdid.sources.source import RecordedSource
from agentdid.trust import linkage
from agentdid.trust.anchors import Trust
from agentdid.verify.evidence import replay
from tests.fuzz import material
from tests.fuzz.target import Target, hold
from tests.world import AUDIENCE, NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORIGIN: Final = "https://acme.example"
_LOG: Final = "log.acme.example"


def _trust_file(data: bytes) -> None:
    try:
        trust = Trust.parse(tomllib.loads(data.decode("utf-8")))
    except (ValueError, RecursionError):
        return  # the operator's mistake, who may be told of it by Python's own errors
    hold(Trust.decode(trust.encode()).encode() == trust.encode(), "what was read is not what was written")


def _trust_json(data: bytes) -> None:
    trust = Trust.decode(parse_object(data).value)
    hold(Trust.decode(trust.encode()).encode() == trust.encode(), "what was read is not what was written")


def _replay(data: bytes) -> None:
    replay(parse_object(data).value)


def _checkpoint(data: bytes) -> None:
    key = material.keys()["Ed25519"]
    found = Checkpoint.open(material.text_of(data), _LOG, key.public)
    hold(Checkpoint.open(found.sign(key), _LOG, key.public) == found, "what was read is not what was written")


def _challenge(data: bytes) -> None:
    found = Challenge.find([material.text_of(data)])
    if found is not None:
        hold(Challenge.find([found.encode()]) == found, "what was read is not what was written")
        found.check_for(f"{AUDIENCE}/v1/invoices")


def _authorization(data: bytes) -> None:
    text = decode_authorization(material.text_of(data))
    hold(decode_authorization(encode_authorization(text)) == text, "what was read is not what was written")


def _url(data: bytes) -> None:
    text = material.text_of(data)
    hold(normalize_url(text).startswith(origin(text)), "the URL is not of its origin")


def _linkage(data: bytes) -> None:
    for each in linkage.read_configuration(data, _ORIGIN, material.world().acme.did):
        hold(each.origin == _ORIGIN, "about another origin")


def _recorded(data: bytes) -> None:
    value: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    source = RecordedSource.load(value, NOW)
    for key in value:
        source.get(key, (), 0)


def _server_events(data: bytes) -> None:
    half = len(data) // 2
    hold(sum(1 for _ in _events(iter((data[:half], data[half:])))) <= data.count(b"\n"), "more events than lines")


def _configurations() -> Iterator[bytes]:
    acme = material.world().acme
    for form in linkage.FORMS:
        try:
            entry = linkage.issue(
                acme.did, _ORIGIN, acme.secret, acme.method_id, at=NOW, ttl=timedelta(days=30), form=form
            )
        except AgentdidError:
            continue
        yield encode(linkage.build_configuration([entry]))


def _bundles() -> Iterator[bytes]:
    yield from (each for each in material.examples(".json") if b"EvidenceBundle" in each or b"answers" in each)


_TOML: Final = b"""audience = "https://api.partner.example"
did = "did:web:partner.example"
[[resource]]
prefix = "https://api.partner.example/"
root = "did:web:partner.example"
[[anchor]]
did = "did:web:acme.example"
types = ["AgentCapabilityCredential"]
roots = ["did:web:partner.example"]
actions = ["invoice.*"]
"""

TARGETS: Final = (
    Target("trust-file", _trust_file, lambda: [_TOML, *material.examples(".toml")]),
    Target("trust-json", _trust_json, lambda: [encode(material.world().trust().encode())]),
    Target("evidence", _replay, _bundles),
    Target(
        "checkpoint", _checkpoint, lambda: [Checkpoint(_LOG, 3, bytes(32)).sign(material.keys()["Ed25519"]).encode()]
    ),
    Target(
        "challenge",
        _challenge,
        lambda: [
            Challenge("n-1", AUDIENCE, f"{AUDIENCE}/q").encode().encode(),
            b'Bearer a="b", AgentVP nonce="x", aud="https://a.example"',
        ],
    ),
    Target("authorization", _authorization, lambda: [encode_authorization("a.b.c").encode()]),
    Target(
        "http-url",
        _url,
        lambda: [b"https://API.partner.example:443/a?b#c", b"http://[::1]:80", did_url("did:web:a.example").encode()],
    ),
    Target("did-configuration", _linkage, _configurations),
    Target(
        "recorded-sources",
        _recorded,
        lambda: [
            b'{"https://a.example/":{"a":1},"did:web:b.example":"raw","https://c.example/":{"$status":404}}',
            *(each for each in material.examples(".json") if b"$status" in each),
        ],
    ),
    Target("server-events", _server_events, lambda: [b'data: {"url":"https://a.example","version":1}\n\n: ping\n\n']),
)
