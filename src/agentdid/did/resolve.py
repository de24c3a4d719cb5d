"""Resolution as data: a DID either is its document, or says what to ask for; an answer becomes a document."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.codec.strict_json import parse
from agentdid.did import jwk, key, peer, web
from agentdid.did.document import DidDocument, parse_document
from agentdid.did.syntax import check_did
from agentdid.errors import DidMethodUnsupported
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCEPT: Final = ("application/did+json", "application/did+ld+json", "application/did", "application/json")
"""What a document may be served as: DID Resolution section 4.1, and what plain web servers say of a .json file."""


@final
class Ask(Value, frozen=True):
    """What must be fetched to know a DID's document."""

    did: str
    url: str
    accept: tuple[str, ...] = ACCEPT


@final
class Method(Value, frozen=True):
    """A DID method whose documents are computed from the DID alone."""

    resolve: Callable[[str], DidDocument]
    document_json: Callable[[str], dict[str, object]]


COMPUTED: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "key": Method(key.resolve, key.document_json),
        "jwk": Method(jwk.resolve, jwk.document_json),
        "peer": Method(peer.resolve, peer.document_json),
    }
)
METHODS: Final = (*COMPUTED, "web")
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
        return COMPUTED[method].resolve(did)
    if method == "web":
        return Ask(did, web.url(did))
    raise DidMethodUnsupported(f"expected a DID of the method {', '.join(METHODS)}")


def plan_json(did: str, options: key.Options | None = None) -> dict[str, object] | Ask:
    """As `plan`, for who wants the document's JSON.

    Args:
        did: The DID.
        options: How a did:key is shown; other methods have no such choice.
    """
    planned = plan(did)
    if isinstance(planned, Ask):
        return planned
    if options is not None and did.startswith(key.PREFIX):
        return key.document_json(did, options)
    return COMPUTED[check_did(did)].document_json(did)


def fragment_of(did: str) -> str:
    """Return the fragment of the one key that a DID is made with here: a did:key's own name, `0` of a did:jwk."""
    if did.startswith(key.PREFIX):
        return did.removeprefix(key.PREFIX)
    return jwk.FRAGMENT if did.startswith(jwk.PREFIX) else peer.FRAGMENT


def read(did: str, body: bytes) -> DidDocument:
    """Return the document in an answer.

    Raises:
        Malformed: Not strict JSON, or not the shape of a DID document.
        DidDocumentMismatch: About another DID.
    """
    return parse_document(parse(body).value, did)
