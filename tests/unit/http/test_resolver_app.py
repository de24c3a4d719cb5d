"""The resolver service and the VC-API instance's DID endpoint, over their own HTTP faces."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from agentdid.codec.base import encode_multibase
from agentdid.codec.varint import encode_varint
from agentdid.did import key as did_key
from agentdid.did.document import build_document
from agentdid.did.universal import UniversalResolver
from agentdid.http.resolver_app import create_resolver_app
from agentdid.http.vc_api import app as vc_api
from agentdid.keys.secret import SecretKey
from agentdid.sources.resolver import Resolver
from agentdid.sources.source import RecordedSource

AT = datetime(2026, 11, 24, tzinfo=UTC)
KEY = SecretKey.from_seed("Ed25519", b"\1" * 32).public
DID = "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"
WEB = "did:web:acme.example"
BROKEN = {"id": "#broken", "type": "Broken", "serviceEndpoint": ["https://[", "https://acme.example/b/"]}
FILES = {"id": "#files", "type": "Files", "serviceEndpoint": "https://acme.example/files/"}
MESSAGES = {"id": f"{WEB}#messages", "type": "Messages", "serviceEndpoint": {"uri": "https://acme.example/m"}}
DOCUMENT = {**build_document(WEB, {"k": KEY}), "service": [FILES, MESSAGES, BROKEN]}
UNIVERSAL = UniversalResolver("https://resolver.example", ("ion", "ethr"))
RECORDED: dict[str, object] = {
    WEB: DOCUMENT,
    "did:web:other.example": {"id": "did:web:evil.example"},
    "did:web:gone.example": {"$status": 404},
    "did:web:down.example": {"$status": 503},
    "https://resolver.example/1.0/identifiers/did:ion:abc": {
        "didDocument": build_document("did:ion:abc", {"k": KEY}),
        "didDocumentMetadata": {"versionId": "3"},
        "didResolutionMetadata": {},
    },
    "https://resolver.example/1.0/identifiers/did:ion:bare": build_document("did:ion:bare", {"k": KEY}),
    "https://resolver.example/1.0/identifiers/did:ion:none": {
        "didDocument": None,
        "didResolutionMetadata": {"error": "notFound"},
    },
    "https://resolver.example/1.0/identifiers/did:ion:old": {
        "didDocument": build_document("did:ion:old", {"k": KEY}),
        "didDocumentMetadata": {"deactivated": True},
    },
    "https://resolver.example/1.0/identifiers/did:ion:liar": build_document("did:ion:other", {"k": KEY}),
}


def _resolver(universal: UniversalResolver | None = None) -> Resolver:
    return Resolver(RecordedSource.load(RECORDED, AT), universal=universal)


def ask(app: Any, path: str, accept: str | None = None) -> httpx.Response:  # noqa: ANN401  # an ASGI app
    """Ask an app for a path as it stands."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://resolver.example") as client:
            return await client.get(path, headers={} if accept is None else {"Accept": accept})

    return asyncio.run(go())


def resolve(
    identifier: str, accept: str | None = None, *, query: str = "", universal: UniversalResolver | None = None
) -> httpx.Response:
    """Ask the resolver for an identifier, encoded as section 12.1 has it."""
    app = create_resolver_app(_resolver(universal))
    return ask(app, f"/1.0/identifiers/{quote(identifier, safe='')}{query}", accept)


@pytest.mark.parametrize("accept", [None, "*/*", "application/did-resolution", "application/json"])
def test_the_whole_result(accept: str | None) -> None:
    """Document and metadata, in the media type of the result."""
    answer = resolve(WEB, accept)
    result = answer.json()

    assert (200, "application/did-resolution") == (answer.status_code, answer.headers["content-type"])
    assert DOCUMENT == result["didDocument"]
    assert {"contentType": "application/did", "retrieved": "2026-11-24T00:00:00Z"} == result["didResolutionMetadata"]
    assert {} == result["didDocumentMetadata"]


@pytest.mark.parametrize(
    "path",
    [
        "did%3Aweb%3Aport.example%253A8443%3Aa", "did:web:port.example%3A8443:a", "did:web:port.example%3A8443:a%23k",
        "did%3Aweb%3Aport.example%253A8443%3Aa%23k",
    ],
)  # fmt: skip
def test_a_did_with_a_port_is_found_encoded_and_as_it_is(path: str) -> None:
    """Encoded as a whole, or sent as the DID that it is: the colon of a port is decoded in neither."""
    did = "did:web:port.example%3A8443:a"
    source = RecordedSource.load({did: build_document(did, {"k": KEY})}, AT)
    result = ask(create_resolver_app(Resolver(source)), f"/1.0/identifiers/{path}").json()

    assert did in (result.get("didDocument") or result["content"])["id"]


@pytest.mark.parametrize("accept", ["application/did", "application/did+ld+json", "application/did+json"])
def test_the_document_alone(accept: str) -> None:
    """A representation that is asked for is what comes, under its own name."""
    answer = resolve(WEB, f"text/html;q=0.9, {accept};q=0.8, application/x;q=1")

    assert (200, accept, DOCUMENT) == (answer.status_code, answer.headers["content-type"], answer.json())


def test_the_older_name_of_the_result() -> None:
    """The JSON-LD profile under which the did:key suite asks."""
    accept = 'application/ld+json;profile="https://w3id.org/did-resolution"'
    answer = resolve(DID, accept)

    assert accept == answer.headers["content-type"]
    assert DID == answer.json()["didDocument"]["id"]


@pytest.mark.parametrize(
    ("identifier", "status", "name"),
    [
        ("notDid:key:z6Mk", 400, "INVALID_DID"),
        ("did:key:@", 400, "INVALID_DID"),
        ("did:key:zTjsVPtY", 400, "INVALID_PUBLIC_KEY_LENGTH"),
        ("did:key:" + encode_multibase(encode_varint(0x1200) + b"\2" + b"\xff" * 32, "z"), 400, "INVALID_PUBLIC_KEY"),
        (f"{DID}/^bar^/?query=`#x", 400, "INVALID_DID_URL"),
        ("did:example:1", 501, "METHOD_NOT_SUPPORTED"),
        ("did:ion:abc", 501, "METHOD_NOT_SUPPORTED"),
        ("did:web:gone.example", 404, "NOT_FOUND"),
        ("did:web:nowhere.example", 404, "NOT_FOUND"),
        ("did:web:down.example", 500, "INTERNAL_ERROR"),
        ("did:web:other.example", 500, "INVALID_DID_DOCUMENT"),
        (f"{WEB}#nothing", 404, "NOT_FOUND"),
        (f"{WEB}?service=nothing", 404, "NOT_FOUND"),
        (f"{WEB}?service=files&service=x", 400, "INVALID_DID_URL"),
        (f"{WEB}?relativeRef=/x", 400, "INVALID_DID_URL"),
        (f"{WEB}?service=files&relativeRef=%2F%2Fevil.example%2Fx", 400, "INVALID_DID_URL"),
        (f"{WEB}?service=files&relativeRef=https%3A%2F%2Fevil.example", 400, "INVALID_DID_URL"),
        (f"{WEB}/path", 404, "NOT_FOUND"),
        (f"{WEB}?versionId=1", 501, "FEATURE_NOT_SUPPORTED"),
        (f"{DID}?versionTime=2026-11-01T00:00:00Z", 501, "FEATURE_NOT_SUPPORTED"),
    ],
    ids=lambda each: str(each)[:50],
)
def test_errors_by_name_and_status(identifier: str, status: int, name: str) -> None:
    """An RFC 9457 object under the error, and the status that the binding has for it; nothing of an upstream body."""
    answer = resolve(identifier)
    result = answer.json()
    metadata = result.get("didResolutionMetadata") or result["didUrlDereferencingMetadata"]

    assert (status, f"https://www.w3.org/ns/did#{name}") == (answer.status_code, metadata["error"]["type"])
    assert None is result.get("didDocument", result.get("content"))
    assert "evil" not in answer.text


def test_what_cannot_be_given() -> None:
    """406, by its name."""
    answer = resolve(WEB, "text/html")

    assert 406 == answer.status_code
    assert answer.json()["didResolutionMetadata"]["error"]["title"] == "representationNotSupported"
    assert 406 == resolve(f"{WEB}#k", "text/uri-list").status_code


def test_fragments() -> None:
    """A key by its id, relative or absolute; a service; each with the document's context."""
    answer = resolve(f"{WEB}#k").json()
    part = resolve(f"{WEB}#files", "application/did").json()

    assert KEY == did_key.public_key("did:key:" + answer["content"]["publicKeyMultibase"])
    assert DOCUMENT["@context"] == answer["content"]["@context"]
    assert {**FILES, "@context": DOCUMENT["@context"]} == part


def test_services() -> None:
    """Selected by id or type, with a relative reference; as a document, or as where to go."""
    found = resolve(f"{WEB}?service=files&relativeRef=a.pdf%3Fb", "application/did").json()
    there = resolve(f"{WEB}?service=files&relativeRef=a.pdf%3Fb#c", "text/uri-list")
    typed = resolve(f"{WEB}?serviceType=Messages").json()["content"]["service"]
    raw = ask(create_resolver_app(_resolver()), f"/1.0/identifiers/{WEB}?service=files&relativeRef=/x", "text/uri-list")

    assert ["https://acme.example/files/a.pdf?b"] == [each["serviceEndpoint"] for each in found["service"]]
    assert (303, "https://acme.example/files/a.pdf?b#c", b"") == (
        there.status_code, there.headers["location"], there.content,
    )  # fmt: skip
    assert [MESSAGES] == typed
    assert "https://acme.example/x" == raw.headers["location"]
    assert 404 == resolve(f"{WEB}?service=messages", "text/uri-list").status_code


def test_a_service_whose_endpoint_is_no_url() -> None:
    """It stays as it stands; what is no URL leads nowhere, and the others of the service do."""
    found = resolve(f"{WEB}?service=broken&relativeRef=x", "application/did").json()
    there = resolve(f"{WEB}?service=broken&relativeRef=x", "text/uri-list")

    assert [["https://[", "https://acme.example/b/x"]] == [each["serviceEndpoint"] for each in found["service"]]
    assert (303, "https://acme.example/b/x") == (there.status_code, there.headers["location"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?verificationRelationship=assertionMethod", 200),
        ("?verificationRelationship=keyAgreement", 400),
        ("?verificationRelationship=nonsense", 400),
    ],
)
def test_relationships_that_a_key_is_asked_for(query: str, status: int) -> None:
    """The method is only given where the document lists it so."""
    assert status == resolve(f"{WEB}#k", query=query).status_code


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?publicKeyFormat=JsonWebKey2020", 200), ("?publicKeyFormat=unknown", 400), ("?noCache=true", 200),
        ("?noCache=maybe", 400), ("?enableEncryptionKeyDerivation=maybe", 400),
    ],
)  # fmt: skip
def test_options(query: str, status: int) -> None:
    """Query parameters are resolution options."""
    assert status == resolve(DID, query=query).status_code


@pytest.mark.parametrize(
    ("did", "status"),
    [
        ("did:ion:abc", 200), ("did:ion:bare", 200), ("did:ion:none", 404), ("did:ion:old", 404),
        ("did:ion:liar", 500), ("did:ion:else", 404), ("did:sov:x", 501), ("did:web:gone.example", 404),
    ],
)  # fmt: skip
def test_a_universal_resolver_that_was_named(did: str, status: int) -> None:
    """It is asked for its methods only, and believed about the DID that was asked for; never in place of ours."""
    answer = resolve(did, universal=UNIVERSAL)

    assert status == answer.status_code
    if did == "did:ion:abc":
        assert {"versionId": "3"} == answer.json()["didDocumentMetadata"]


@pytest.mark.parametrize(
    ("url", "methods"),
    [("http://r.example", ("ion",)), ("https://r.example?x", ("ion",)), ("https://r.example", ()),
     ("https://r.example", ("web",))],
)  # fmt: skip
def test_universal_resolvers_that_cannot_be_meant(url: str, methods: tuple[str, ...]) -> None:
    """No https, a query, for nothing, or for a method that is resolved here."""
    with pytest.raises(ValueError, match="resolver"):
        UniversalResolver(url, methods)


def test_methods_health_and_counters() -> None:
    """What every service has, and no DID in a label."""
    app = create_resolver_app(_resolver())
    assert 404 == ask(app, f"/1.0/identifiers/{quote('did:web:gone.example', safe='')}").status_code

    assert {"key", "jwk", "peer", "web"} <= set(ask(app, "/1.0/methods").json())
    assert 200 == ask(app, "/healthz").status_code
    metrics = ask(app, "/metrics").text
    assert 'code="did_not_found"' in metrics
    assert "gone.example" not in metrics


def vc(identifier: str, query: str = "") -> tuple[int, dict[str, Any]]:
    """Ask the VC-API instance for an identifier, as the did:key suite does."""
    answer = ask(vc_api.create_vc_api_app(_resolver()), f"/did/{quote(identifier, safe='')}{query}")
    return answer.status_code, answer.json()


def test_vc_api_documents() -> None:
    """A DID gives its document, a DID URL its method, whose controller is the DID."""
    status, found = vc(DID)
    assert (200, DID) == (status, found["didDocument"]["id"])
    assert {"@context", "didDocument", "didDocumentMetadata", "didResolutionMetadata"} == found.keys()
    for fragment in (DID[8:], "z6LSfHfAMAopsuBxaBzvp51GXrPf38Az13j2fmwqadbwwrzJ"):
        status, found = vc(f"{DID}#{fragment}")
        assert (200, DID) == (status, found["didDocument"]["controller"])
        assert {"@context", "didDocument", "didDocumentMetadata", "didDereferencingMetadata"} == found.keys()


@pytest.mark.parametrize(
    ("identifier", "query", "member", "name"),
    [
        (DID.replace("did:", "notDid:", 1), "", "didResolutionMetadata", "invalidDid"),
        (DID.replace(":key:", ":experimental:"), "", "didResolutionMetadata", "methodNotSupported"),
        (DID.replace(":key:", ":key:-4:"), "", "didResolutionMetadata", "invalidDid"),
        (DID.replace(":z", ":"), "", "didResolutionMetadata", "invalidDid"),
        ("did:key:@", "", "didResolutionMetadata", "invalidDid"),
        ("did:key:zTjsVPtY", "", "didResolutionMetadata", "invalidPublicKeyLength"),
        (f"{DID}/^bar^/?query=`#{DID[8:]}", "", "didDereferencingMetadata", "invalidDidUrl"),
        (f"{DID}/?query=true#{DID[8:]}", "", "didDereferencingMetadata", "invalidDidUrl"),
        (DID, "?publicKeyFormat=unknown", "didResolutionMetadata", "unsupportedPublicKeyType"),
        (
            f"{DID}#{DID[8:]}", "?publicKeyFormat=Ed25519VerificationKey2018&enableExperimentalPublicKeyTypes=false",
            "didDereferencingMetadata", "invalidPublicKeyType",
        ),
        (f"{DID}#x", "", "didDereferencingMetadata", "notFound"),
        ("did:web:down.example", "", "didResolutionMetadata", "internalError"),
    ],
    ids=lambda each: str(each)[:60],
)  # fmt: skip
def test_vc_api_errors(identifier: str, query: str, member: str, name: str) -> None:
    """4xx, the error's name as a string, and all members there; a DID's `didDocument` is never null."""
    status, found = vc(identifier, query)

    assert 400 <= status < 500
    assert name == found[member]["error"]
    assert {"@context", "didDocument", "didDocumentMetadata", member} == found.keys()
    if member == "didResolutionMetadata":
        assert identifier == found["didDocument"]["id"]


def test_the_manifest_names_who_signs() -> None:
    """A did:key for every issuer whose key can be made, each of its own kind."""
    keys = vc_api.make_keys()
    manifest = vc_api.manifest(keys)

    assert manifest["ed"].startswith("did:key:z6Mk")
    assert manifest["p256"].startswith("did:key:zDn")
    assert json.loads(json.dumps(manifest)) == manifest
    for name, did in manifest.items():
        assert keys[name].public == did_key.public_key(did)
