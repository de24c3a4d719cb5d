"""A trust registry that answers from trust lists (Trust Registry Query Protocol v2.0, HTTPS Binding).

* `issue` on a type, or `grant:` and an action on an owner's DID (specs/trust-list.md L29): what the authority's lists
  say, and the lists that they name if they are served here too.
* The lists are all there is: whoever they do not name is not authorized, and that is an answer and no error.
* Nothing is signed, and nothing is remembered of who asked.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from agentdid.clock import Clock, SystemClock
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.errors import AgentdidError, StoreUnavailable, TypeMismatch
from agentdid.http.problems import problem, problem_of
from agentdid.http.service import body_of, create_service, schema_of
from agentdid.limits import DEFAULT, Limits
from agentdid.trust.registry import AUTHORIZATION, GRANT, ISSUE, RECOGNITION, VERDICTS
from agentdid.trust.scope import Claim

if TYPE_CHECKING:
    from agentdid.verifier.shelf import Shelf

# RFC 3986 by its character set: what no identifier has is refused before it is looked up
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,2048}$")]
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_HEADER: Final = "X-Request-ID"


class Question(BaseModel):
    """An authorization or a recognition query; members that the protocol does not know are ignored, as it says."""

    model_config = ConfigDict(strict=True, extra="ignore")

    entity_id: Identifier
    authority_id: Identifier
    action: Identifier
    resource: Identifier
    context: dict[str, str] | None = None

    @field_validator("context")
    @classmethod
    def _has_a_time(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        time = (value or {}).get("time")
        if time is not None:
            try:
                parse_instant(time, "/context/time")
            except TypeMismatch:
                raise ValueError("time is an RFC 3339 date and time") from None
        return value


def create_trqp_app(shelf: Shelf, *, limits: Limits = DEFAULT, clock: Clock | None = None) -> FastAPI:
    """Return the service.

    Args:
        shelf: The lists that it answers from.
        limits: Of a request.
        clock: Tells when a question is evaluated.
    """
    app = create_service("agentdid trust registry", limits=limits, is_ready=shelf.is_ready)
    told = clock or SystemClock()

    def answer(kind: str, asked: Question, request: Request) -> Response:
        headers = _echo(request)
        now = told.now()
        context = asked.context or {}
        time = context.get("time")
        claim = _claim(asked)
        try:
            at = now if time is None else parse_instant(time, "/context/time")
            found = None
            if claim is not None:
                found = shelf.lets(asked.authority_id, claim, at, recognized=kind == RECOGNITION)
        except AgentdidError as error:
            app.state.outcomes.labels(error.family, error.code).inc()
            return problem_of(error, headers)
        except OSError:
            app.state.outcomes.labels("undecided", StoreUnavailable.code).inc()
            return problem_of(StoreUnavailable("a list cannot be read"), headers)
        if found is None:
            detail = "no list of this authority is answered from" if claim else "the action is none that lists speak of"
            return problem(HTTPStatus.NOT_FOUND, "statement_not_found", detail, headers=headers)
        app.state.outcomes.labels("accepted" if found else "refused", "").inc()
        said: dict[str, object] = {
            "entity_id": asked.entity_id,
            "authority_id": asked.authority_id,
            "action": asked.action,
            "resource": asked.resource,
            VERDICTS[kind]: found,
            "time_evaluated": encode_instant(now),
            "message": "a list of the authority says so" if found else "no list of the authority says so",
        }
        if time is not None:
            said["time_requested"] = time
        if asked.context is not None:
            said["context"] = asked.context
        return JSONResponse(said, headers={**headers, "Cache-Control": "no-store"})

    @app.post("/authorization", openapi_extra=schema_of(Question), response_class=JSONResponse)
    def authorization(asked: Annotated[Question, Depends(body_of(Question))], request: Request) -> Response:
        """Tell whether an authority lets an entity take an action on a resource."""
        return answer(AUTHORIZATION, asked, request)

    @app.post("/recognition", openapi_extra=schema_of(Question), response_class=JSONResponse)
    def recognition(asked: Annotated[Question, Depends(body_of(Question))], request: Request) -> Response:
        """Tell whether an authority takes another for one, about an action on a resource."""
        return answer(RECOGNITION, asked, request)

    return app


def _claim(asked: Question) -> Claim | None:
    """Return what is asked about; `None` for an action that lists do not speak of."""
    if asked.action == ISSUE:
        return Claim(asked.entity_id, frozenset({asked.resource}))
    if asked.action.startswith(GRANT) and len(asked.action) > len(GRANT):
        action = asked.action.removeprefix(GRANT)
        return Claim(asked.entity_id, frozenset({CAPABILITY_TYPE}), asked.resource, None, (action,))
    return None


def _echo(request: Request) -> dict[str, str]:
    """Return the request's id, where it is one that a log can hold."""
    given = request.headers.get(_HEADER, "")
    return {_HEADER: given} if _REQUEST_ID.fullmatch(given) else {}
