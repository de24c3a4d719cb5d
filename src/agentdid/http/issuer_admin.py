"""The routes of an issuer's service that only its administrators may use: issue, search, revoke, suspend, rotate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Header, Query, Response
from fastapi.responses import StreamingResponse

from agentdid.codec.strict_json import encode
from agentdid.errors import AgentdidError, Refused
from agentdid.http.issuer_models import (
    Act,
    ActOnMany,
    Batch,
    Changed,
    ChangedMany,
    Held,
    MadeCredential,
    NewCredential,
    Page,
    held_of,
)
from agentdid.http.problems import MEDIA_TYPE, problem, status_of
from agentdid.http.service import body_of, schema_of
from agentdid.issuer.orders import Order
from agentdid.issuer.own_source import OwnSource
from agentdid.issuer.status_ledger import Which
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.wallet.disclosure import parse_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from agentdid.clock import Clock
    from agentdid.issuer.issuer import Issuer
    from agentdid.issuer.orders import Issued
    from agentdid.verify.needs import Takes

    Authorized = Callable[[str], Callable[..., Awaitable[None]]]

_NDJSON: Final = "application/x-ndjson"
_PROBLEM: Final = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    400: _PROBLEM | {"description": "Something has not the form of its specification."},
    401: _PROBLEM | {"description": "Neither the token nor a capability was shown."},
    403: _PROBLEM | {"description": "The capability does not permit this."},
    404: _PROBLEM | {"description": "No such credential was issued here."},
    409: _PROBLEM | {"description": "Revoked for ever, not suspendable, or an idempotency key of another order."},
    413: _PROBLEM | {"description": "The body is too large."},
    422: _PROBLEM | {"description": "What was asked for cannot be issued, or names members that are not the caller's."},
    503: _PROBLEM | {"description": "The store, the key or a resolver does not answer now."},
}
_PASTS: Final = {"revoke": "revoked", "suspend": "suspended", "reinstate": "reinstated"}


def admin_verifier(issuer: Issuer, *, takes: Takes | None = None, clock: Clock | None = None) -> Verifier:
    """Return the verifier of capabilities that an issuer granted over its own service: root, principal and issuer.

    Args:
        issuer: Whose status lists and DID document are read directly; nothing is fetched.
        takes: The store of consumed nonces.
        clock: Tells the time of judgement.
    """
    parts = urlsplit(issuer.base_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    policy = {"audience": origin, "did": issuer.did, "resource": [{"prefix": f"{origin}/", "root": issuer.did}]}
    return Verifier(Trust.parse(policy), source=OwnSource(issuer), takes=takes, clock=clock, audit=issuer.audit)


def add_admin_routes(app: FastAPI, issuer: Issuer, authorized: Authorized) -> None:
    """Add the routes.

    Args:
        app: The service.
        issuer: Whose it is.
        authorized: Returns the dependency that lets an action through, or stops it.
    """
    _add_issuing(app, issuer, authorized)
    _add_acts(app, issuer, authorized)
    _add_reading(app, issuer, authorized)


def _add_issuing(app: FastAPI, issuer: Issuer, authorized: Authorized) -> None:
    @app.post(
        "/credentials",
        status_code=201,
        dependencies=[Depends(authorized("issuer.issue"))],
        openapi_extra=schema_of(NewCredential),
        responses={201: {"model": MadeCredential}, **_REFUSALS},
    )
    def issue(
        wanted: Annotated[NewCredential, Depends(body_of(NewCredential))],
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=256)] = None,
    ) -> Response:
        """Issue one credential; the same `Idempotency-Key` gives the same credential again."""
        try:
            made = issuer.issue_order(_order(wanted, idempotency_key))
        except ValueError:
            return problem(422, "request_invalid", "an unknown format, or a disclosable path that leads nowhere")
        except AgentdidError as error:
            app.state.outcomes.labels(error.family, error.code).inc()
            return _refusal(error)
        app.state.outcomes.labels("issued", "").inc()
        return Response(encode(_shown(made)), status_code=201, media_type="application/json")

    @app.post(
        "/credentials/batch",
        dependencies=[Depends(authorized("issuer.issue"))],
        openapi_extra=schema_of(Batch),
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "A line for each credential, in their order, as soon as it is issued: what "
                "`POST /credentials` answers, or `{status, code, detail}`, with its `position`.",
                "content": {_NDJSON: {}},
            },
            **_REFUSALS,
        },
    )
    def issue_batch(
        wanted: Annotated[Batch, Depends(body_of(Batch))],
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> Response:
        """Issue many; each stands or is refused by itself, and a repetition gives the same ones again."""
        try:
            orders = [
                _order(each, None if idempotency_key is None else f"{idempotency_key}#{position}")
                for position, each in enumerate(wanted.credentials)
            ]
        except ValueError:
            return problem(422, "request_invalid", "a disclosable path that leads nowhere")

        def lines() -> Iterator[bytes]:
            for position, made in enumerate(issuer.issue_many(orders)):
                if isinstance(made, AgentdidError):
                    app.state.outcomes.labels(made.family, made.code).inc()
                    answer = {"status": _status(made), "code": made.code, "detail": made.detail}
                else:
                    app.state.outcomes.labels("issued", "").inc()
                    answer = _shown(made)
                yield encode({"position": position, **answer}) + b"\n"

        return StreamingResponse(lines(), media_type=_NDJSON)


def _add_acts(app: FastAPI, issuer: Issuer, authorized: Authorized) -> None:
    for act in ("revoke", "suspend", "reinstate"):
        _add_act(app, issuer, authorized, act)

    @app.post(
        "/credentials/status",
        dependencies=[Depends(authorized("issuer.revoke"))],
        openapi_extra=schema_of(ActOnMany),
        responses=_REFUSALS,
    )
    def change_many(wanted: Annotated[ActOnMany, Depends(body_of(ActOnMany))]) -> ChangedMany:
        """Revoke, suspend or reinstate all credentials of a subject, a key, a time, or all: the kill switch."""
        which = Which(
            wanted.subject, wanted.key, wanted.issuedFrom, wanted.issuedUntil, None,
            None if wanted.credentials is None else tuple(wanted.credentials),
        )  # fmt: skip
        if (which == Which()) == (wanted.everything is None):
            return problem(422, "request_invalid", "expected conditions, or everything, and not both")  # type: ignore[return-value]  # a Response is sent as it is
        changed = issuer.change_all(wanted.act, which, reason=wanted.reason)
        app.state.outcomes.labels(_PASTS[wanted.act], "").inc(changed)
        return ChangedMany(changed=changed)


def _add_act(app: FastAPI, issuer: Issuer, authorized: Authorized, act: str) -> None:
    action = "issuer.revoke" if act == "revoke" else "issuer.suspend"
    extra = schema_of(Act)
    extra["requestBody"]["required"] = False

    def change(credential_id: str, given: Annotated[Act, Depends(body_of(Act, empty=Act))]) -> Changed:
        """Change what a credential's status list says."""
        changed = getattr(issuer, act)(credential_id, reason=given.reason)
        app.state.outcomes.labels(_PASTS[act], "").inc()
        return Changed(id=credential_id, changed=changed)

    app.add_api_route(
        f"/credentials/{{credential_id}}/{act}", change, methods=["POST"], name=act, operation_id=act,
        summary=f"{act.capitalize()} a credential", dependencies=[Depends(authorized(action))],
        openapi_extra=extra, responses=_REFUSALS,
    )  # fmt: skip


def _add_reading(app: FastAPI, issuer: Issuer, authorized: Authorized) -> None:
    @app.get("/credentials", dependencies=[Depends(authorized("issuer.read"))], responses=_REFUSALS)
    def search(
        subject: str | None = None,
        key: str | None = None,
        state: Literal["good", "suspended", "revoked"] | None = None,
        before: Annotated[int | None, Query(description="`next` of the page before this one.")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> Page:
        """List what was issued, newest first."""
        found = issuer.ledger.search(which=Which(subject, key, state=state), before=before, limit=limit)
        following = found[-1].number if len(found) == limit else None
        return Page(credentials=[held_of(each, issuer.list_url(each.list_id)) for each in found], next=following)

    @app.get("/credentials/{credential_id}", dependencies=[Depends(authorized("issuer.read"))], responses=_REFUSALS)
    def show(credential_id: str) -> Held:
        """Show what is known of a credential, and all that was done to it."""
        entry = issuer.ledger.find(credential_id)
        return held_of(entry, issuer.list_url(entry.list_id), issuer.ledger.history(credential_id))

    @app.post("/keys/rotate", status_code=204, dependencies=[Depends(authorized("issuer.rotate"))], responses=_REFUSALS)
    def rotate() -> Response:
        """Give the issuer a fresh signing key; what the old one signed stays good."""
        try:
            issuer.rotate()
        except AgentdidError as error:
            return _refusal(error)
        return Response(status_code=204)


def _order(wanted: NewCredential, idempotency_key: str | None) -> Order:
    return Order(
        wanted.to, wanted.capability, wanted.parent, wanted.claims, [parse_path(each) for each in wanted.disclosable],
        timedelta(seconds=wanted.ttl_s), wanted.format, wanted.statusForm, wanted.suspendable, idempotency_key,
    )  # fmt: skip


def _shown(made: Issued) -> dict[str, object]:
    return {"id": made.id, "credential": made.credential, "chain": list(made.chain)}


def _status(error: AgentdidError) -> int:
    # nobody's right was judged: what was asked for cannot be issued
    status = int(status_of(error))
    return 422 if isinstance(error, Refused) and status != 409 else status  # noqa: PLR2004  # a conflict stays one


def _refusal(error: AgentdidError) -> Response:
    return problem(_status(error), error.code, error.detail, kind=error.problem)
