"""Routes that let agents in by their capabilities: `protect(app, verifier)` once, then `require_capability`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import FastAPI, Request  # noqa: TC002  # FastAPI reads annotations as it runs
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from agentdid.codec.strict_json import parse
from agentdid.delegation.usage import Request as Asked
from agentdid.errors import AgentdidError, HeaderInvalid, TypeMismatch
from agentdid.http.middleware import BoundedRequests, Receipts
from agentdid.http.problems import FRESH, add_handlers, problem, problem_of, receipt_header
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import SCHEME, content_digest, decode_authorization, normalize_url
from agentdid.query.dcql import query_for_action
from agentdid.verify.case import ISSUED_HERE, HttpRequest
from agentdid.verify.decide import Grant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi.dependencies.models import Dependant

    from agentdid.verifier.service import Verifier

READS_NO_QUERY: Final = "reads_no_query"
"""On a dependency that has the request and does nothing by its query but what the guard judges."""
QUERY_PATH: Final = "/.well-known/agentdid/dcql"
_QUERY_LIFE_S: Final = 300
_ACTION: Final = re.compile("[!-)+-~]{1,256}")  # what a grant can name: visible ASCII without wildcards


class _Unauthorized(Exception):  # carries an answer, not a fault of ours
    """The request needs a (new) presentation."""

    def __init__(self, action: str, error: AgentdidError | None) -> None:
        super().__init__(action)
        self.action = action
        self.error = error


def protect(app: FastAPI, verifier: Verifier) -> None:
    """Prepare an app for `require_capability`: its verifier, problem answers, bounds, and the query's address.

    Args:
        app: Yours; call this once, before it serves.
        verifier: Its trust policy's `audience` is the origin under which agents call this app.
    """
    app.state.agentdid = verifier
    add_handlers(app)
    app.add_middleware(BoundedRequests, limits=verifier.trust.limits, json_only=False)
    app.add_middleware(Receipts)

    async def on_unauthorized(_request: Request, stop: Exception) -> JSONResponse:
        """Answer with a challenge, or that there is none to be had."""
        try:
            return _challenge(verifier, stop)  # type: ignore[arg-type]  # registered for _Unauthorized
        except AgentdidError as error:
            return problem_of(error)

    app.add_exception_handler(_Unauthorized, on_unauthorized)

    @app.get(QUERY_PATH, include_in_schema=False)
    async def query(action: str = "") -> JSONResponse:
        """Tell what a presentation for an action must show."""
        if not _ACTION.fullmatch(action):
            return problem_of(TypeMismatch("expected the name of an action", path="/action"))
        return JSONResponse(query_for_action(action), headers={"Cache-Control": f"max-age={_QUERY_LIFE_S}"})


def require_capability(
    action: str,
    *,
    kind: str = "http",
    resource: Callable[[Request], str] | None = None,
    arguments: Callable[[Request], Awaitable[dict[str, object]]] | None = None,
    request_id: Callable[[Request], str | None] | None = None,
) -> Callable[[Request], Awaitable[Grant]]:
    """Return a FastAPI dependency that yields the `Grant` for this request, or answers why there is none.

    The presentation must be bound to this very request: its method, its URL under the policy's audience (never the
    Host header), its body, and a nonce of ours, which is consumed.

    Args:
        action: What the route does, as grants name it.
        kind: `http`, `mcp_tool` or `a2a_skill`.
        resource: What it is done to; by default the request's URL without its query.
        arguments: What constraints speak about; by default the parts that the route takes from its path, the query's
            parameters that it declares (all of them where it has the request itself) and the members of a JSON body,
            where a name that comes twice is a list, which no constraint permits. Beside a body of any other kind
            nothing is known. A route that reads what may be constrained elsewhere, such as a form, a header, a cookie
            or an object within the body, says so here.
        request_id: The name under which a repetition of the very same call is charged once, such as its
            `Idempotency-Key`. Only for routes that do nothing twice: they look at `grant.repeated`.

    Raises:
        RuntimeError: When the app was not prepared with `protect`.

    Spec: specs/presentation-over-http.md.
    """
    query = query_for_action(action)

    async def dependency(request: Request) -> Grant:
        """Permit one request, or stop it."""
        verifier: Verifier | None = getattr(request.app.state, "agentdid", None)
        if verifier is None:
            message = "call agentdid.http.protect(app, verifier) before the app serves"
            raise RuntimeError(message)
        presentation = _presentation(request, action, verifier)
        body = await request.body()
        url = normalize_url(_target(request, verifier))
        asked = Asked(
            kind,
            action,
            url.partition("?")[0] if resource is None else resource(request),
            _arguments(request, body) if arguments is None else await arguments(request),
            None if request_id is None else request_id(request),
        )
        client = request.client
        try:
            grant = await verifier.aauthorize(
                presentation,
                challenge=ISSUED_HERE,
                request=asked,
                query=query,
                http=HttpRequest(request.method, url, content_digest(body)),
                environment={} if client is None else {"env.ip": client.host},
            )
        except AgentdidError as error:
            if error.code in FRESH or _is_stale(error):
                raise _Unauthorized(action, error) from None
            raise
        request.state.agentdid_receipt = grant.receipt
        return grant

    setattr(dependency, READS_NO_QUERY, True)
    return dependency


def _presentation(request: Request, action: str, verifier: Verifier) -> str:
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise HeaderInvalid("expected one Authorization header")
    if not headers or headers[0].partition(" ")[0].lower() != SCHEME.lower():
        raise _Unauthorized(action, None)
    return decode_authorization(headers[0], verifier.trust.limits)


def _is_stale(error: AgentdidError) -> bool:
    # the presentation's own end, not a credential's: a new one of the same credentials can be made
    return error.code == "expired" and error.path == "/exp"


def _target(request: Request, verifier: Verifier) -> str:
    path: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode("ascii")
    query: bytes = request.scope.get("query_string", b"")
    target = path + (b"?" + query if query else b"")
    if b"#" in target:
        # RFC 9112 section 3.2; some servers route what stands behind it, and no URL that is compared has it
        raise HeaderInvalid("a request's target has no fragment")
    return verifier.trust.audience + target.decode("ascii", "replace")


def _arguments(request: Request, body: bytes) -> dict[str, object]:
    """Return what a route may read by a name: whatever it takes one from, a constraint has judged it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    members = parse(body).value if body and kind == "application/json" else {} if not body else None
    if not isinstance(members, dict):
        return {}  # what the route reads in such a body is not known here, and a query of that name is not it
    found: dict[str, list[object]] = {name: [str(value)] for name, value in request.path_params.items()}
    read = _read_of_query(getattr(request.scope.get("route"), "dependant", None))
    queried = [each for each in request.query_params.multi_items() if read is None or each[0] in read]
    for name, value in (*queried, *members.items()):
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _read_of_query(dependant: Dependant | None) -> frozenset[str] | None:
    """Return the names of the query's parameters that a route reads; `None` where it may read any.

    A parameter that nobody reads would only stand for one that is read elsewhere: in an object within the body, say.
    """
    if dependant is None:
        return None
    by_hand = dependant.request_param_name is not None and not getattr(dependant.call, READS_NO_QUERY, False)
    if by_hand or any(isinstance(each.field_info.annotation, type(BaseModel)) for each in dependant.query_params):
        return None
    names = {each.alias for each in dependant.query_params}
    for each in dependant.dependencies:
        more = _read_of_query(each)
        if more is None:
            return None
        names |= more
    return frozenset(names)


def _challenge(verifier: Verifier, stop: _Unauthorized) -> JSONResponse:
    nonce = verifier.issue_nonce()
    url = f"{verifier.trust.audience}{QUERY_PATH}?action={quote(stop.action, safe='')}"
    headers = {
        "WWW-Authenticate": Challenge(nonce, verifier.trust.audience, url).encode(),
        "Cache-Control": "no-store",
    }
    if stop.error is not None:
        headers |= receipt_header(stop.error.receipt)
        return problem(401, stop.error.code, stop.error.detail, kind=stop.error.problem, headers=headers)
    return problem(401, "presentation_required", "present a capability for this request", headers=headers)
