"""An issuer as a service: its DID document and status lists for everybody, issuing and revoking for whoever may."""

from __future__ import annotations

import gzip
import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from agentdid.codec.strict_json import encode
from agentdid.errors import AgentdidError, Refused
from agentdid.http.problems import problem, problem_of
from agentdid.http.service import body_of, create_service, schema_of
from agentdid.secure import sd_jwt
from agentdid.wallet.disclosure import parse_path

if TYPE_CHECKING:
    from agentdid.issuer.issuer import Issuer, SignedList

_DOCUMENT_LIFE_S: Final = 60
_GZIP_FROM: Final = 512  # bytes under which packing costs more than it saves


class NewCredential(BaseModel):
    """What may be asked of an issuer; whatever it decides itself (issuer, status, validity's start) is not here."""

    model_config = ConfigDict(extra="forbid")

    to: str
    capability: dict[str, object]
    claims: dict[str, object] | None = None
    disclosable: list[str] = Field(default_factory=list, max_length=64)
    parent: list[str | dict[str, object]] | None = Field(default=None, max_length=8)
    ttl_s: int = Field(default=3_600, ge=1, le=366 * 86_400)
    format: str = sd_jwt.TYP


class _Unauthorized(Exception):  # an answer, not a fault
    """The token is missing or wrong."""


def create_issuer_app(issuer: Issuer, *, token_hash: str | None) -> FastAPI:
    """Return the service.

    Args:
        issuer: Whose it is.
        token_hash: Hex SHA-256 of the token for issuing and revoking; `None` closes both.
    """
    app = create_service("agentdid issuer")

    async def on_unauthorized(_request: Request, _stop: Exception) -> Response:
        """Answer that a token is needed."""
        return problem(401, "token_required", "expected the bearer token", headers={"WWW-Authenticate": "Bearer"})

    app.add_exception_handler(_Unauthorized, on_unauthorized)

    def authorized(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, token = authorization.partition(" ")
        shown = hashlib.sha256(token.encode()).hexdigest()
        if token_hash is None or scheme.lower() != "bearer" or not hmac.compare_digest(shown, token_hash):
            raise _Unauthorized

    for url in issuer.did_files():
        _serve_file(app, issuer, url)

    @app.get("/status/{list_id}")
    def status_list(list_id: str, request: Request) -> Response:
        return _list_response(issuer.signed_list(list_id), request, issuer.refresh_s)

    @app.post(
        "/credentials",
        status_code=201,
        dependencies=[Depends(authorized)],
        openapi_extra=schema_of(NewCredential),
    )
    def issue(
        wanted: Annotated[NewCredential, Depends(body_of(NewCredential))],
        idempotency_key: Annotated[str | None, Header(max_length=256)] = None,
    ) -> Response:
        try:
            made = issuer.issue(
                to=wanted.to,
                capability=wanted.capability,
                parent=wanted.parent,
                claims=wanted.claims,
                disclosable=[parse_path(each) for each in wanted.disclosable],
                ttl=timedelta(seconds=wanted.ttl_s),
                form=wanted.format,
                idempotency_key=idempotency_key,
            )
        except ValueError:
            return problem(422, "request_invalid", "an unknown format, or a disclosable path that leads nowhere")
        except AgentdidError as error:
            app.state.outcomes.labels(error.family, error.code).inc()
            return _refusal(error)
        app.state.outcomes.labels("issued", "").inc()
        content = {"id": made.id, "credential": made.credential, "chain": list(made.chain)}
        return Response(encode(content), status_code=201, media_type="application/json")

    @app.post("/credentials/{credential_id}/revoke", dependencies=[Depends(authorized)])
    def revoke(credential_id: str) -> dict[str, object]:
        changed = issuer.revoke(credential_id)
        app.state.outcomes.labels("revoked", "").inc()
        return {"id": credential_id, "changed": changed}

    return app


def _refusal(error: AgentdidError) -> Response:
    if isinstance(error, Refused):
        # nobody's right was judged: what was asked for cannot be issued
        return problem(422, error.code, error.detail, kind=error.problem)
    return problem_of(error)


def _serve_file(app: FastAPI, issuer: Issuer, url: str) -> None:
    """Serve one of the DID's files, as it is at each request."""

    def did_file() -> Response:
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
    if "gzip" in request.headers.get("accept-encoding", "") and len(body) >= _GZIP_FROM:
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    media_type = "application/vc" if signed.body.startswith(b"{") else sd_jwt.MEDIA_TYPE
    return Response(body, media_type=media_type, headers=headers)
