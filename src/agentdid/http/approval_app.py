"""An approver as a service: agents ask, the person looks and decides, agents fetch the approval.

Asking is open to whoever reaches the service, and bounded; looking and deciding need the approver's token. What is
asked is held against its own digests when it comes, so that what the person sees is what would be signed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final, final

from fastapi import Depends, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from agentdid.clock import Clock, SystemClock
from agentdid.http.problems import problem
from agentdid.http.service import body_of, create_service, schema_of
from agentdid.limits import DEFAULT
from agentdid.wallet.approve import approval_of, check_chain, read_asked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    from agentdid.wallet.approve import Asked
    from agentdid.wallet.wallet import Wallet

_MAX_PENDING: Final = 1_000
_LIFE: Final = timedelta(minutes=15)


class Wanted(BaseModel):
    """What is to be approved, as `approval_required` says it, and the chain if the approver shall see it."""

    model_config = ConfigDict(extra="forbid")

    approval: dict[str, object]
    chain: list[str | dict[str, object]] | None = Field(default=None, max_length=8)


class Decided(BaseModel):
    """What the approver decides."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    uses: int = Field(default=1, ge=1, le=1_000)
    ttl_s: int = Field(default=300, ge=1, le=DEFAULT.max_approval_life_s)


class _Unauthorized(Exception):  # an answer, not a fault
    """The token is missing or wrong."""


@final
class _Case:
    """One thing that was asked, and what became of it."""

    def __init__(self, asked: Asked, words: list[str], until: datetime) -> None:
        self.asked = asked
        self.words = words
        self.until = until
        self.status = "pending"
        self.credential: str | dict[str, object] | None = None

    def shown(self) -> dict[str, object]:
        """What whoever asked may see."""
        return {"status": self.status, **({} if self.credential is None else {"credential": self.credential})}


@final
class _Desk:
    """What is waiting for a decision, bounded in number and time."""

    def __init__(self, wallet: Wallet, now: Callable[[], datetime]) -> None:
        self._wallet = wallet
        self._now = now
        self._cases: dict[str, _Case] = {}
        self._lock = Lock()

    def ask(self, asked: Asked, words: list[str]) -> str | None:
        """Return the name under which it waits; `None` where too much does."""
        with self._lock:
            self._forget()
            if len(self._cases) >= _MAX_PENDING:
                return None
            name = secrets.token_urlsafe(16)  # whoever asked, and nobody else, can come back for the answer
            self._cases[name] = _Case(asked, words, self._now() + _LIFE)
            return name

    def find(self, name: str) -> _Case | None:
        """Return what waits, or was decided, under a name."""
        with self._lock:
            self._forget()
            return self._cases.get(name)

    def waiting(self) -> list[dict[str, object]]:
        """Return what waits, in words."""
        with self._lock:
            self._forget()
            return [{"id": name, "words": case.words} for name, case in self._cases.items() if case.status == "pending"]

    def decide(self, name: str, decided: Decided) -> _Case | None:
        """Decide once, whoever clicks twice; `None` where nothing waits. Raises what `Wallet.approve` does."""
        with self._lock:
            self._forget()
            case = self._cases.get(name)
            if case is None or case.status != "pending":
                return None
            if decided.approve:
                case.credential = self._wallet.approve(
                    case.asked, ttl=timedelta(seconds=decided.ttl_s), uses=decided.uses
                )
            elif self._wallet.audit is not None:
                self._wallet.audit.append(approval_of(case.asked, self._wallet.dids[0], None, self._now()))
            case.status = "approved" if decided.approve else "denied"
            return case

    def _forget(self) -> None:
        at = self._now()
        for name in [name for name, case in self._cases.items() if case.until < at]:
            del self._cases[name]


def create_approval_app(wallet: Wallet, *, token_hash: str, clock: Clock | None = None) -> FastAPI:
    """Return the service.

    Args:
        wallet: The approver's.
        token_hash: Hex SHA-256 of the token for looking and deciding.
        clock: Tells when what was asked is too old.

    Spec: specs/approval.md A13-A14.
    """
    app = create_service("agentdid approvals")
    desk = _Desk(wallet, (clock or SystemClock()).now)

    async def on_unauthorized(_request: Request, _stop: Exception) -> Response:
        """Answer that a token is needed."""
        return problem(401, "token_required", "expected the bearer token", headers={"WWW-Authenticate": "Bearer"})

    app.add_exception_handler(_Unauthorized, on_unauthorized)

    def authorized(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, token = authorization.partition(" ")
        shown = hashlib.sha256(token.encode()).hexdigest()
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown, token_hash):
            raise _Unauthorized

    @app.post("/approvals", status_code=202, response_model=None, openapi_extra=schema_of(Wanted))
    def ask(wanted: Annotated[Wanted, Depends(body_of(Wanted))]) -> dict[str, object] | JSONResponse:
        asked = read_asked(wanted.approval)
        words = asked.words() + ([] if wanted.chain is None else check_chain(asked, wanted.chain))
        name = desk.ask(asked, words)
        if name is None:
            return problem(429, "too_many_requests", "too many approvals are waiting")
        return {"id": name, "status": "pending"}

    @app.get("/approvals/{name}", response_model=None)
    def fetch(name: str) -> dict[str, object] | JSONResponse:
        case = desk.find(name)
        return _nothing() if case is None else case.shown()

    @app.get("/approvals", dependencies=[Depends(authorized)])
    def waiting() -> dict[str, object]:
        return {"approvals": desk.waiting()}

    @app.post(
        "/approvals/{name}/decision",
        response_model=None,
        dependencies=[Depends(authorized)],
        openapi_extra=schema_of(Decided),
    )
    def decide(name: str, decided: Annotated[Decided, Depends(body_of(Decided))]) -> dict[str, object] | JSONResponse:
        case = desk.decide(name, decided)
        return _nothing() if case is None else case.shown()

    return app


def _nothing() -> JSONResponse:
    return problem(404, "http_404", "no such approval is waiting")
