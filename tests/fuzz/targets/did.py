"""DIDs, DID URLs, documents, logs and witness files."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.strict_json import encode, parse_object
from agentdid.did import resolve
from agentdid.did.dereference import dereference
from agentdid.did.document import parse_document
from agentdid.did.key_document import Options
from agentdid.did.resolve import Ask, plan, plan_json
from agentdid.did.syntax import check_did, parse_did_url, split_did_url
from agentdid.did.universal import UniversalResolver
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.log import parse_log
from agentdid.did.webvh.resolve import document_json, document_of, locate, metadata_of, select
from agentdid.did.webvh.witness import add_proofs, check_witnesses, witness_proof
from agentdid.did.webvh.write import encode_log
from agentdid.errors import AgentdidError
from tests import logs
from tests.fuzz import material
from tests.fuzz.target import Target, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.did.webvh.log import History

_RELATIONSHIPS: Final = ("authentication", "assertionMethod", "keyAgreement", "capabilityDelegation")
_URLS: Final = (
    b"did:web:acme.example#key-1",
    b"did:web:acme.example/path?service=a&relativeRef=%2Fb#f",
    b"did:key:z6Mk?versionId=1",
    b"did:web:acme.example?versionTime=2026-11-24T12:00:00Z&hl=z",
)


def _syntax(data: bytes) -> None:
    text = material.text_of(data)
    for each in (check_did, split_did_url):
        with contextlib.suppress(AgentdidError):
            each(text)
    url = parse_did_url(text)
    hold(check_did(url.did), "the DID of a DID URL is none")
    _ = url.parameters, url.is_did


def _plan(data: bytes) -> None:
    did = material.text_of(data)
    planned = plan(did)
    if isinstance(planned, Ask):
        hold(planned.url.startswith("https://"), "something else than https is to be asked")
        return
    hold(planned.id == did, "the document is about another DID")
    for method_id in planned.methods:
        for relationship in _RELATIONSHIPS:
            with contextlib.suppress(AgentdidError):
                planned.find_key(method_id, relationship, material.world().now)
    shown: Any = plan_json(did)
    hold(parse_document(shown, did).methods.keys() >= planned.methods.keys(), "what is shown lacks a key")


def _key_options(data: bytes) -> None:
    text, _, options = data.partition(b"\n")
    plan_json(material.text_of(text), Options.parse(parse_object(options).value))  # type: ignore[arg-type]  # an object


def _identifier(data: bytes) -> None:
    identifier = parse_identifier(material.text_of(data))
    hold(identifier.log_url().startswith("https://") if callable(identifier.log_url) else identifier.log_url, "no URL")


def _document(data: bytes) -> None:
    did = material.world().acme.did
    document = resolve.read(did, data)
    for method_id in document.methods:
        for relationship in _RELATIONSHIPS:
            with contextlib.suppress(AgentdidError):
                document.find_key(method_id, relationship, material.world().now)


def _dereference(data: bytes) -> None:
    text, _, document = data.partition(b"\n")
    url = parse_did_url(material.text_of(text))
    value: Any = parse_object(document).value
    for uri_list in (False, True):
        with contextlib.suppress(AgentdidError):
            dereference(url, value, {}, uri_list=uri_list, relationship="authentication").encode()


def _universal(data: bytes) -> None:
    did = "did:example:1"
    resolver = UniversalResolver("https://resolver.example/1.0/", frozenset({"example"}))
    resolver.read(did, data).encode()


def _log(data: bytes) -> None:
    history = parse_log(data)
    hold(encode_log(parse_log(encode_log(history))) == encode_log(history), "written again it is another log")
    version = select(history)
    document_json(version)
    metadata_of(history, version)
    document_of(version, version.did)
    locate(version, "/governance/a.json")


@cache
def _witnessed() -> History:
    return logs.plain(
        2, witness={"threshold": 1, "witnesses": [{"id": logs.witness_did(7)}, {"id": logs.witness_did(8)}]}
    )


def _witnesses(data: bytes) -> None:
    check_witnesses(_witnessed(), data)


def _document_seeds() -> Iterator[bytes]:
    here = material.world()
    yield next(
        held.body for url, held in here.served.items() if url.startswith("https://acme") and url.endswith("did.json")
    )  # type: ignore[union-attr]
    yield from material.published("w3c-cid-spec-examples", most=30, having="id")


def _dereference_seeds() -> Iterator[bytes]:
    for document in _document_seeds():
        for url in _URLS:
            yield url + b"\n" + document
        break
    services = {
        "id": "did:web:acme.example",
        "service": [{"id": "#a", "type": "x", "serviceEndpoint": ["https://a.example/b", {"uri": "https://c"}]}],
    }
    yield _URLS[1] + b"\n" + encode(services)


def _log_seeds() -> Iterator[bytes]:
    yield encode_log(logs.plain())
    yield encode_log(_witnessed())
    yield from material.published("did-webvh-test-suite", "did.jsonl", most=30)


def _witness_seeds() -> Iterator[bytes]:
    history = _witnessed()
    version = history.latest.version_id
    yield add_proofs(None, version, [witness_proof(version, logs.secret(7), history.latest.time)], history)
    yield from material.published("did-webvh-test-suite", "did-witness.json", most=10)


TARGETS: Final = (
    Target("did-syntax", _syntax, lambda: [*_URLS, *(each.encode() for each in material.dids())]),
    Target("did-methods", _plan, lambda: [each.encode() for each in material.dids()]),
    Target(
        "did-key-options",
        _key_options,
        lambda: [
            material.dids()[0].encode()
            + b'\n{"publicKeyFormat":"JsonWebKey","defaultContext":["https://a"],"enableEncryptionKeyDerivation":"true"}'
        ],
    ),
    Target("did-webvh-identifier", _identifier, lambda: [material.dids()[-1].encode()]),
    Target("did-document", _document, _document_seeds),
    Target("did-dereference", _dereference, _dereference_seeds),
    Target(
        "did-universal",
        _universal,
        lambda: [
            b'{"didDocument":{"id":"did:example:1"},"didDocumentMetadata":{},"didResolutionMetadata":{"contentType":"application/did"}}'
        ],
    ),
    Target("did-log", _log, _log_seeds),
    Target("did-witness", _witnesses, _witness_seeds),
)
