"""The one map from codes to HTTP, and problem details (RFC 9457) that show nothing of the input."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from agentdid.audit.receipt import HEADER, MAX_RECEIPT
from agentdid.errors import AgentdidError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE: Final = "application/problem+json"
_FAMILIES: Final = {"malformed": 400, "refused": 403, "undecided": 503}
_CODES: Final = {
    "input_too_large": 413,
    "credential_not_found": 404,
    "credential_exists": 409,
    "credential_not_suspendable": 409,
    "request_id_conflict": 409,
    "revocation_final": 409,
    "limit_exceeded": 429,
}
FRESH: Final = frozenset(
    {"nonce_mismatch", "nonce_expired", "nonce_replayed", "invalid_challenge_error", "issued_in_future"}
)
"""Refusals that another presentation of the same credentials can cure: 401 with a new challenge, not 403."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def status_of(error: AgentdidError) -> int:
    """Return the HTTP status of an error."""
    if error.code in FRESH:
        return HTTPStatus.UNAUTHORIZED
    return _CODES.get(error.code, _FAMILIES[error.family])


def problem(
    status: int,
    code: str,
    detail: str = "",
    *,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> JSONResponse:
    """Return a problem details answer.

    Args:
        status: The HTTP status.
        code: Ours, from the error book, or one of this module's for HTTP's own mistakes.
        detail: For people; never the sender's input.
        kind: The W3C problem type; by default a URN of the code.
        headers: More headers.
        members: More members (RFC 9457 section 3.2).
    """
    content = {
        **(members or {}),
        "type": kind or f"urn:agentdid:error:{code}",
        "title": code.replace("_", " "),
        "status": int(status),
        "code": code,
        "detail": detail,
    }
    return JSONResponse(content, status_code=int(status), headers=dict(headers or {}), media_type=MEDIA_TYPE)


def problem_of(error: AgentdidError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the problem details of an error."""
    # what is to be approved must be shown to whoever is to approve it; nothing else of a request is ever answered
    asked = getattr(error, "approval", None)
    members = None if asked is None else {"approval": asked}
    headers = {**(headers or {}), **receipt_header(error.receipt)}
    return problem(status_of(error), error.code, error.detail, kind=error.problem, headers=headers, members=members)


def receipt_header(receipt: str | None) -> dict[str, str]:
    """Return the header that carries a receipt; none without one, or where it is too long for one."""
    return {} if receipt is None or len(receipt) > MAX_RECEIPT else {HEADER: receipt}


def add_handlers(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""

    async def on_agentdid(_request: Request, error: Exception) -> JSONResponse:
        """Answer an error of the book."""
        return problem_of(error)  # type: ignore[arg-type]  # registered for AgentdidError

    async def on_http(_request: Request, error: Exception) -> JSONResponse:
        """Answer HTTP's own mistakes: no such route, no such method."""
        status = error.status_code if isinstance(error, StarletteHTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return problem(status, f"http_{status}", HTTPStatus(status).phrase, headers=headers)

    async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
        """Answer a request of the wrong form."""
        # where and what kind, never the value (ATTACKS R05)
        found = error.errors() if isinstance(error, RequestValidationError) else []
        detail = "; ".join(f"{_place(each)}: {each['type']}" for each in found[:8])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "request_invalid", detail)

    async def on_defect(_request: Request, _error: Exception) -> JSONResponse:
        """Answer a defect of ours without showing anything of it."""
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the service failed")

    app.add_exception_handler(AgentdidError, on_agentdid)
    app.add_exception_handler(StarletteHTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_defect)


def _place(error: Mapping[str, Any]) -> str:
    """Return where a value stood, without a name that the sender made up."""
    parts = list(error["loc"])
    if error["type"] == "extra_forbidden":
        parts.pop()
    return "/".join(str(each) if isinstance(each, int) or _NAME.fullmatch(each) else "…" for each in parts)
