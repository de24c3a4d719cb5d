"""An issuer as a service: its DID document and status lists for everybody, issuing and revoking for whoever may.

Who may: whoever has the token that was shown once when the service began, or presents a capability that this issuer
itself granted over itself (`issuer.issue`, `issuer.read`, `issuer.revoke`, `issuer.suspend`, `issuer.rotate`).
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPBase

from agentdid.audit.attribution import attribute
from agentdid.codec.strict_json import parse_object
from agentdid.http import events
from agentdid.http.administrators import check_makes_none
from agentdid.http.guard import READS_NO_QUERY, protect, require_capability
from agentdid.http.issuer_admin import add_admin_routes
from agentdid.http.problems import problem
from agentdid.http.service import create_service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentdid.issuer.issuer import Issuer
    from agentdid.issuer.lists import SignedList
    from agentdid.verifier.service import Verifier

_ISSUE: Final = "issuer.issue"
_DOCUMENT_LIFE_S: Final = 60
_GZIP_FROM: Final = 512  # bytes under which packing costs more than it saves
_LIST_TYPES: Final = (
    "application/vc",
    "application/vc+sd-jwt",
    "application/statuslist+jwt",
    "application/statuslist+cwt",
)
# for the OpenAPI document: what `authorized` below looks at
_TOKEN: Final = HTTPBearer(scheme_name="token", auto_error=False, description="Shown once when the service began.")
_CAPABILITY: Final = HTTPBase(
    scheme="AgentVP", scheme_name="capability", auto_error=False,
    description="A capability that the issuer granted over this service (specs/presentation-over-http.md).",
)  # fmt: skip
_STAPLE_TYPE: Final = "application/agentdid-status+jwt"
_ANY: Final = {"schema": {"type": "string", "format": "binary"}}


class _Unauthorized(Exception):  # an answer, not a fault
    """The token is missing or wrong."""


def create_issuer_app(issuer: Issuer, *, token_hash: str | None, verifier: Verifier | None = None) -> FastAPI:
    """Return the service.

    Args:
        issuer: Whose it is.
        token_hash: Hex SHA-256 of the token for issuing and revoking; `None`: no token is taken.
        verifier: Judges capabilities over this service (`issuer_admin.admin_verifier`); `None`: none is taken.
    """
    app = create_service("agentdid issuer")
    if verifier is not None:
        protect(app, verifier)

    async def on_unauthorized(_request: Request, _stop: Exception) -> Response:
        """Answer that a token is needed."""
        return problem(401, "token_required", "expected the bearer token", headers={"WWW-Authenticate": "Bearer"})

    app.add_exception_handler(_Unauthorized, on_unauthorized)
    for url in issuer.did_files():
        _serve_file(app, issuer, url)
    _add_lists(app, issuer)
    add_admin_routes(app, issuer, lambda action: _authorized(action, token_hash, verifier))
    return app


def _authorized(action: str, token_hash: str | None, verifier: Verifier | None) -> Callable[..., Awaitable[None]]:
    by_capability = require_capability(action)

    async def authorized(
        request: Request,
        _token: Annotated[object, Depends(_TOKEN)],
        _presentation: Annotated[object, Depends(_CAPABILITY)],
    ) -> None:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if verifier is not None and scheme.lower() != "bearer":
            grant = await by_capability(request)
            attribute(grant.agent)
            if action == _ISSUE:
                check_makes_none(parse_object(await request.body()).value, verifier.trust)
            return
        digest = hashlib.sha256(shown.encode()).hexdigest()
        if token_hash is None or scheme.lower() != "bearer" or not hmac.compare_digest(digest, token_hash):
            raise _Unauthorized

    setattr(authorized, READS_NO_QUERY, True)
    return authorized


def _add_lists(app: FastAPI, issuer: Issuer) -> None:
    feed: list[events.VersionFeed] = []  # made in the loop that serves

    @app.get(
        "/status/events",
        response_class=StreamingResponse,
        responses={200: {"content": {events.MEDIA_TYPE: {}}, "description": "Server-sent events, without an end."}},
    )
    async def list_events() -> Response:
        """Tell which version each status list has, and every change at once."""
        if not feed:
            feed.append(events.VersionFeed(issuer.lists.versions, issuer.lists.url))
        if feed[0].is_full:
            return problem(503, "too_many_listeners", "no more listeners are taken now")
        headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*", "X-Accel-Buffering": "no"}
        return StreamingResponse(feed[0].events(), media_type=events.MEDIA_TYPE, headers=headers)

    @app.get("/status/aggregation")
    def aggregation() -> Response:
        """Name all token status lists (Token Status List section 9)."""
        headers = {"Cache-Control": f"max-age={_DOCUMENT_LIFE_S}", "Access-Control-Allow-Origin": "*"}
        return Response(issuer.lists.aggregation(), media_type="application/json", headers=headers)

    @app.get(
        "/status/{name}",
        response_class=Response,
        responses={
            200: {"description": "The signed list.", "content": dict.fromkeys(_LIST_TYPES, _ANY)},
            304: {"description": "It is the one that `If-None-Match` names."},
            501: {"description": "Lists of the past are not kept."},
        },
    )
    def status_list(
        name: str, request: Request, time: Annotated[str | None, Query(description="Not supported.")] = None
    ) -> Response:
        """Serve a status list: by its id, or a token status list by its id and `.jwt` or `.cwt`."""
        if time is not None:
            # Token Status List section 8.4: the current list must not pass for a past one (ATTACKS K24)
            return problem(501, "history_not_kept", "only the current list is served")
        return _list_response(issuer.signed_list(name), request, issuer.refresh_s)

    @app.get(
        "/status/{name}/{index}",
        response_class=Response,
        responses={200: {"description": "A JWT (specs/stapled-status.md).", "content": {_STAPLE_TYPE: _ANY}}},
    )
    def staple(name: str, index: Annotated[int, Path(ge=0)]) -> Response:
        """Tell the status of one entry as of now, signed, for the credential's holder to carry."""
        headers = {"Cache-Control": "no-store"}
        return Response(issuer.lists.staple(name, index), media_type=_STAPLE_TYPE, headers=headers)


def _serve_file(app: FastAPI, issuer: Issuer, url: str) -> None:
    """Serve one of the DID's files, as it is at each request."""

    def did_file() -> Response:
        """Serve a file of the issuer's DID."""
        body, media_type = issuer.did_files()[url]
        return Response(body, media_type=media_type, headers={"Cache-Control": f"max-age={_DOCUMENT_LIFE_S}"})

    path = urlsplit(url).path
    app.add_api_route(path, did_file, methods=["GET"], name=path.rpartition("/")[2])


def _list_response(signed: SignedList, request: Request, refresh_s: float) -> Response:
    headers = {
        "ETag": signed.etag,
        "Cache-Control": f"max-age={max(0, round(refresh_s))}",
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",  # public by purpose: any verifier, in a browser too
    }
    if signed.etag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    body = signed.body
    if _takes_gzip(request.headers.get("accept-encoding", "")) and len(body) >= _GZIP_FROM:
        body = _packed(body)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=signed.media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


@lru_cache(maxsize=64)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
