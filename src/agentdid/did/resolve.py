"""Resolution as data: a DID either is its document, or says what to ask for; an answer becomes a document."""

from __future__ import annotations

from typing import Final, final

from agentdid.codec.strict_json import parse
from agentdid.did import key, web
from agentdid.did.document import DidDocument, parse_document
from agentdid.did.syntax import check_did
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.errors import DidMethodUnsupported
from agentdid.record import Value

ACCEPT: Final = ("application/did+json", "application/did+ld+json", "application/did", "application/json")
# did:webvh 1.0 has text/jsonl; few servers know it, and the log proves itself whatever it is called.
LOG_ACCEPT: Final = (
    "text/jsonl",
    "application/jsonl",
    "application/x-ndjson",
    "application/json",
    "text/plain",
    "application/octet-stream",
)
WITNESS_ACCEPT: Final = ("application/json", "text/plain", "application/octet-stream")


@final
class Ask(Value, frozen=True):
    """What must be fetched to know a DID's document."""

    did: str
    url: str
    accept: tuple[str, ...] = ACCEPT


def plan(did: str) -> DidDocument | Ask:
    """Return the document of a DID that carries it, or what to ask for.

    Raises:
        DidInvalid: Not a DID of its method.
        DidMethodUnsupported: A method that is not built, or not in lower case (ATTACKS H09).
        KeyInvalid: A did:key whose key is not one.
    """
    if did[:4] != "did:" and did[:4].lower() == "did:":
        raise DidMethodUnsupported("a DID and its method are written in lower case")
    if did.startswith(key.PREFIX):
        return key.resolve(did)
    method = check_did(did)
    if method == "web":
        return Ask(did, web.url(did))
    if method == "webvh":
        return Ask(did, parse_identifier(did).log_url, LOG_ACCEPT)
    raise DidMethodUnsupported("expected a DID of the method key, web or webvh")


def read(did: str, body: bytes) -> DidDocument:
    """Return the document in an answer; a did:webvh's answer is a log, and `verify.webvh` reads it.

    Raises:
        Malformed: Not strict JSON, or not the shape of a DID document.
        DidDocumentMismatch: About another DID.
    """
    return parse_document(parse(body).value, did)
