"""Resolution as data: a DID either is its document, or says what to ask for; an answer becomes a document."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast, final

from agentdid.codec.strict_json import parse
from agentdid.did import key, web
from agentdid.did.document import DidDocument, parse_document
from agentdid.did.syntax import check_did
from agentdid.errors import DidMethodUnsupported
from agentdid.record import Value

if TYPE_CHECKING:
    from agentdid.did.key_document import Options

ACCEPT: Final = ("application/did+json", "application/did+ld+json", "application/did", "application/json")
"""What a document may be served as: DID Resolution section 4.1, and what plain web servers say of a .json file."""
# did:webvh 1.0 has text/jsonl; few servers know it, and the log proves itself whatever it is called.
LOG_ACCEPT: Final = (
    "text/jsonl",
    "application/jsonl",
    "application/x-ndjson",
    "application/json",
    "text/plain",
    "application/octet-stream",
)
# text/jsonl stands for "of a DID": where there is no such file, that is known of the DID and no failure to ask
WITNESS_ACCEPT: Final = ("application/json", "text/jsonl", "text/plain", "application/octet-stream")


class Method(Protocol):
    """What a module of `COMPUTED` can do."""

    def resolve(self, did: str) -> DidDocument:
        """Return the document of a DID."""
        ...

    def document_json(self, did: str) -> dict[str, object]:
        """Return its JSON."""
        ...


@final
class Ask(Value, frozen=True):
    """What must be fetched to know a DID's document."""

    did: str
    url: str
    accept: tuple[str, ...] = ACCEPT


COMPUTED: Final = ("key", "jwk", "peer")
"""The methods whose documents are computed from the DID alone; each is a module of this package."""
METHODS: Final = (*COMPUTED, "web", "webvh")
"""The methods that are resolved here, without anybody's help."""


def plan(did: str) -> DidDocument | Ask:
    """Return the document of a DID that carries it, or what to ask for.

    Raises:
        DidInvalid: Not a DID of its method.
        DidMethodUnsupported: A method that is not built, or not in lower case (ATTACKS H09).
        KeyInvalid: A DID that is a key, and the key is none.
        DidNotFound: A did:peer that is only a hash.
    """
    if did[:4] != "did:" and did[:4].lower() == "did:":
        raise DidMethodUnsupported("a DID and its method are written in lower case")
    if did.startswith(key.PREFIX):
        return key.resolve(did)
    method = check_did(did)
    if method in COMPUTED:
        return _method(method).resolve(did)
    if method == "web":
        return Ask(did, web.url(did))
    if method == "webvh":
        from agentdid.did.webvh.identifier import parse_identifier  # noqa: PLC0415  # as in _method

        return Ask(did, parse_identifier(did).log_url, LOG_ACCEPT)
    raise DidMethodUnsupported(f"expected a DID of the method {', '.join(METHODS)}")


def plan_json(did: str, options: Options | None = None) -> dict[str, object] | Ask:
    """As `plan`, for who wants the document's JSON.

    Args:
        did: The DID.
        options: How a did:key is shown; other methods have no such choice.
    """
    planned = plan(did)
    if isinstance(planned, Ask):
        return planned
    if options is not None and did.startswith(key.PREFIX):
        from agentdid.did import key_document  # noqa: PLC0415  # who verifies shows nobody a document

        return key_document.document_json(did, options)
    return _method(check_did(did)).document_json(did)


def fragment_of(did: str) -> str:
    """Return the fragment of the one key that a DID is made with here: a did:key's own name, `0` of a did:jwk."""
    if did.startswith(key.PREFIX):
        return did.removeprefix(key.PREFIX)
    return "0" if did.startswith("did:jwk:") else "key-1"


def _method(name: str) -> Method:
    # imported when the first such DID is met: most verifiers see did:key and did:web
    return cast("Method", import_module(f"agentdid.did.{name}"))


def read(did: str, body: bytes) -> DidDocument:
    """Return the document in an answer; a did:webvh's answer is a log, and `verify.webvh` reads it.

    Raises:
        Malformed: Not strict JSON, or not the shape of a DID document.
        DidDocumentMismatch: About another DID.
    """
    return parse_document(parse(body).value, did)
