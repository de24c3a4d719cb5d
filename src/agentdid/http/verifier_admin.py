"""The deny list over HTTP, for whoever has the verifier's token: read it, write to it, take from it."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, Header, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from agentdid.http.problems import problem
from agentdid.http.service import body_of, schema_of
from agentdid.trust.denied import make_entry

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    from agentdid.verifier.service import Verifier

Kind = Literal["did", "credential", "key"]


class Named(BaseModel):
    """What is on the list, or shall not be any more."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    value: str = Field(min_length=1, max_length=2_048)


class NewEntry(Named):
    """What is denied from now on."""

    reason: str = Field(default="", max_length=512, description="For people who read the list.")
    until: AwareDatetime | None = None


class _Unauthorized(Exception):  # an answer, not a fault
    """The token is missing or wrong."""


def add_deny_routes(app: FastAPI, verifier: Verifier, token_hash: str) -> None:
    """Add the routes; `token_hash` is the hex SHA-256 of the token that opens them."""

    async def on_unauthorized(_request: Request, _stop: Exception) -> Response:
        """Answer that a token is needed."""
        return problem(401, "token_required", "expected the bearer token", headers={"WWW-Authenticate": "Bearer"})

    app.add_exception_handler(_Unauthorized, on_unauthorized)

    def authorized(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, token = authorization.partition(" ")
        shown = hashlib.sha256(token.encode()).hexdigest()
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown, token_hash):
            raise _Unauthorized

    may = [Depends(authorized)]

    @app.get("/denied", dependencies=may)
    def denied() -> dict[str, object]:
        """List what is denied."""
        fixed = [{**each.encode(), "in": "policy"} for each in verifier.trust.denied.values()]
        return {"denied": fixed + [{**each.encode(), "in": "store"} for each in verifier.denied.entries()]}

    @app.post("/denied", status_code=201, response_model=None, dependencies=may, openapi_extra=schema_of(NewEntry))
    def deny(wanted: Annotated[NewEntry, Depends(body_of(NewEntry))]) -> dict[str, object] | JSONResponse:
        """Deny one from now on."""
        try:
            entry = verifier.deny(wanted.kind, wanted.value, reason=wanted.reason, until=wanted.until)
        except ValueError:
            return _no_such(wanted.kind)
        return {"entry": entry.encode()}

    @app.post("/denied/remove", response_model=None, dependencies=may, openapi_extra=schema_of(Named))
    def remove(wanted: Annotated[Named, Depends(body_of(Named))]) -> dict[str, object] | JSONResponse:
        """Take one off the list; what stands in the policy itself stays."""
        try:
            entry = make_entry(wanted.kind, wanted.value)
        except ValueError:
            return _no_such(wanted.kind)
        removed = verifier.lift(entry.kind, entry.value)
        return {"kind": entry.kind, "value": entry.value, "removed": removed}


def _no_such(kind: str) -> JSONResponse:
    return problem(422, "request_invalid", f"not a {kind} that can be denied")
