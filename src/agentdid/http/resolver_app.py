"""A DID resolver in the HTTP binding of DID Resolution (section 12.1): `GET /1.0/identifiers/{DID or DID URL}`."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from agentdid.did.dereference import VERSIONING
from agentdid.did.resolve import METHODS
from agentdid.did.result import (
    DEREFERENCING_TYPE,
    DID_TYPE,
    RESULT_TYPE,
    URI_LIST,
    Dereferencing,
    RepresentationUnsupported,
    Resolution,
    error_name,
)
from agentdid.did.syntax import parse_did_url
from agentdid.errors import AgentdidError
from agentdid.http.service import create_service
from agentdid.limits import DEFAULT, Limits
from agentdid.sources.resolver import REPRESENTATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.sources.resolver import Resolver

PREFIX: Final = "/1.0/identifiers/"
_LD_RESULT: Final = 'application/ld+json;profile="https://w3id.org/did-resolution"'
_ANY: Final = frozenset({"*/*", "application/*", "application/json", "application/ld+json"})
_PARAMETERS: Final = ("service", "serviceType", "relativeRef", *VERSIONING)
# DID Resolution section 12.1; what is not here is 500. A key that is none is the sender's fault, as its DID is.
STATUS: Final = {
    "invalidDid": HTTPStatus.BAD_REQUEST,
    "invalidDidUrl": HTTPStatus.BAD_REQUEST,
    "invalidOptions": HTTPStatus.BAD_REQUEST,
    "invalidPublicKey": HTTPStatus.BAD_REQUEST,
    "invalidPublicKeyLength": HTTPStatus.BAD_REQUEST,
    "invalidPublicKeyType": HTTPStatus.BAD_REQUEST,
    "unsupportedPublicKeyType": HTTPStatus.BAD_REQUEST,
    "invalidRelationshipForVerificationMethod": HTTPStatus.BAD_REQUEST,
    "notFound": HTTPStatus.NOT_FOUND,
    "representationNotSupported": HTTPStatus.NOT_ACCEPTABLE,
    "methodNotSupported": HTTPStatus.NOT_IMPLEMENTED,
    "featureNotSupported": HTTPStatus.NOT_IMPLEMENTED,
}


def create_resolver_app(resolver: Resolver, *, limits: Limits = DEFAULT) -> FastAPI:
    """Return the service: a DID or DID URL in, a document, a part of one or the whole result out.

    What is answered goes by `Accept`: a representation of a document gives the document alone, `text/uri-list` a
    redirect to a service, and anything else that JSON fits the result with its metadata. Every other query parameter
    than those of the DID URL is a resolution option.
    """
    app = create_service("agentdid resolver", limits=limits)

    @app.get(PREFIX + "{identifier:path}", response_class=JSONResponse)
    async def identifiers(identifier: str, request: Request) -> Response:
        """Resolve a DID, or dereference a DID URL."""
        text, options = _asked(_as_sent(identifier, request.scope), request.query_params)
        accept = _negotiate(request.headers.get("accept", ""))
        options["accept"] = accept or ""
        outcome: Resolution | Dereferencing
        try:
            url = parse_did_url(text)
            if accept is None:
                raise RepresentationUnsupported("nothing that was asked for can be given")
        except AgentdidError as error:
            outcome = Resolution(None, error)
        else:
            if url.is_did and accept not in (DEREFERENCING_TYPE, URI_LIST):
                outcome = await resolver.aresolve(text, options)
            else:
                outcome = await resolver.adereference(text, options)
        app.state.outcomes.labels(*_outcome(outcome.error)).inc()
        return _answer(outcome, accept or RESULT_TYPE)

    @app.get("/1.0/methods")
    async def methods() -> list[str]:
        """Tell which DID methods are resolved here."""
        return sorted(METHODS)

    return app


def _as_sent(identifier: str, scope: Mapping[str, Any]) -> str:
    """Return the DID URL that a path holds, decoded once where it was encoded.

    Clients that do not encode it send the DID itself: then `%3A` is the port of a did:web and nothing to decode. Only
    what a path cannot hold, `#` and `?`, is encoded in it nevertheless.
    """
    raw = scope.get("raw_path") or b""
    _, found, sent = raw.decode("ascii", "replace").partition(PREFIX)
    if not found or not sent.startswith("did:") or "%" not in sent:
        return identifier
    return sent.replace("%23", "#").replace("%3F", "?").replace("%3f", "?")


def _asked(text: str, query: Mapping[str, str]) -> tuple[str, dict[str, object]]:
    """Return the DID URL that was asked for and the options beside it.

    An unencoded DID URL has its query where HTTP has it: the DID parameters in it are taken back. The version of a
    bare DID is an option of its resolution all the same (DID Resolution section 4.1).
    """
    options: dict[str, object] = dict(query)
    names: list[str] = [each for each in _PARAMETERS if each in options and "?" not in text]
    if names and (any(each not in VERSIONING for each in names) or set(text) & set("/#")):
        parameters = [(each, str(options.pop(each))) for each in names]
        rest, mark, fragment = text.partition("#")
        text = f"{rest}?{urlencode(parameters, quote_via=quote)}{mark}{fragment}"
    return text, options


def _negotiate(header: str) -> str | None:
    """Return what is given for an `Accept` header (RFC 9110 section 12.5.1), `None` where nothing of it can be.

    Of several that will do, the first with the highest weight.
    """
    best: tuple[float, str] | None = None
    for each in (header or "*/*").split(","):
        kind, *parameters = (part.strip() for part in each.split(";"))
        weight = next((_weight(part[2:]) for part in parameters if part.lower().startswith("q=")), 1.0)
        kind = kind.lower()
        if kind in _ANY or kind == RESULT_TYPE:
            found = _LD_RESULT if kind == "application/ld+json" else RESULT_TYPE
        elif kind in (*REPRESENTATIONS, DEREFERENCING_TYPE, URI_LIST):
            found = kind
        else:
            continue
        if weight > 0 and (best is None or weight > best[0]):
            best = (weight, found)
    return None if best is None else best[1]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _outcome(error: AgentdidError | None) -> tuple[str, str]:
    return ("accepted", "") if error is None else (error.family, error.code)


def _answer(outcome: Resolution | Dereferencing, accept: str) -> Response:
    if outcome.error is not None:
        status = STATUS.get(error_name(outcome.error), HTTPStatus.INTERNAL_SERVER_ERROR)
        kind = RESULT_TYPE if isinstance(outcome, Resolution) else DEREFERENCING_TYPE
        return JSONResponse(outcome.encode(), status, media_type=_LD_RESULT if accept == _LD_RESULT else kind)
    content = outcome.document if isinstance(outcome, Resolution) else outcome.content
    metadata = outcome.document_metadata if isinstance(outcome, Resolution) else outcome.content_metadata
    status = HTTPStatus.GONE if metadata.get("deactivated") is True else HTTPStatus.OK
    if accept == URI_LIST and isinstance(content, list):
        return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": content[0]})
    if accept in REPRESENTATIONS:
        return JSONResponse(content, status, media_type=accept if isinstance(outcome, Resolution) else DID_TYPE)
    if isinstance(outcome, Dereferencing) and accept == RESULT_TYPE:
        accept = DEREFERENCING_TYPE
    return JSONResponse(outcome.encode(), status, media_type=accept)
