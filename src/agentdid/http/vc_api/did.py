"""`GET /did/{DID or DID URL}`, in the form that the did:key conformance suite reads.

It differs from the resolver service: errors are strings, `didDocument` holds what a DID URL names and is never null
for a DID, and a DID URL with a path or a query is `invalidDidUrl`, since no method here gives these a meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import Request  # noqa: TC002  # FastAPI reads annotations when it runs
from fastapi.responses import JSONResponse

from agentdid.did.result import RESULT_CONTEXT, Dereferencing, Resolution, error_name
from agentdid.did.syntax import DidUrlInvalid, parse_did_url
from agentdid.errors import AgentdidError
from agentdid.http.resolver_app import STATUS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agentdid.sources.resolver import Resolver

_RESOLUTION: Final = "didResolutionMetadata"
_DEREFERENCING: Final = "didDereferencingMetadata"
_BAD_REQUEST: Final = 400


def add_did(app: FastAPI, resolver: Resolver) -> None:
    """Add the endpoint to a service."""

    @app.get("/did/{identifier:path}")
    async def did(identifier: str, request: Request) -> JSONResponse:
        """Resolve a DID, or dereference a DID URL."""
        options = dict(request.query_params)
        outcome: Resolution | Dereferencing
        try:
            url = parse_did_url(identifier)
            if url.path or url.query:
                raise DidUrlInvalid("no method here gives a path or a query a meaning")
        except AgentdidError as error:
            is_url = isinstance(error, DidUrlInvalid)
            outcome = Dereferencing(None, error=error) if is_url else Resolution(None, error)
        else:
            outcome = await (
                resolver.adereference(identifier, options) if url.fragment else resolver.aresolve(identifier, options)
            )
        return _answer(outcome, identifier)


def _answer(outcome: Resolution | Dereferencing, text: str) -> JSONResponse:
    is_did = isinstance(outcome, Resolution)
    document = outcome.document if isinstance(outcome, Resolution) else outcome.content
    metadata = outcome.document_metadata if isinstance(outcome, Resolution) else outcome.content_metadata
    said: dict[str, object] = {"contentType": "application/did+ld+json"}
    status = 200
    if outcome.error is not None:
        name = error_name(outcome.error)
        said = {"error": name, "message": outcome.error.detail}
        # the suite expects 4xx of everything that is the asker's doing, an unknown method included
        status = STATUS[name] if name in STATUS and STATUS[name] < 500 else _BAD_REQUEST  # noqa: PLR2004
        document = {"id": text} if is_did else None
    content = {
        "@context": RESULT_CONTEXT,
        "didDocument": document,
        "didDocumentMetadata": dict(metadata),
        (_RESOLUTION if is_did else _DEREFERENCING): said,
    }
    return JSONResponse(content, status)
