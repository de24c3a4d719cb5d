"""Verification as a service, for programs that cannot embed the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from agentdid.delegation.usage import Request as Asked
from agentdid.errors import AgentdidError
from agentdid.http.problems import problem, problem_of, receipt_header
from agentdid.http.service import body_of, create_service, schema_of
from agentdid.http.verifier_admin import add_deny_routes
from agentdid.verify.case import IssuedHere

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from agentdid.verifier.service import Verifier
    from agentdid.verify.decide import Decision, Grant


class Act(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(extra="forbid")

    action: str
    resource: str
    type: str = "http"
    arguments: dict[str, object] = Field(default_factory=dict)
    id: str | None = None


class Presented(BaseModel):
    """A presentation, the challenge it answers and, if anything is to be done, what."""

    model_config = ConfigDict(extra="forbid")

    presentation: str | dict[str, object]
    challenge: str = Field(min_length=1, max_length=1_024)
    query: dict[str, object] | None = None
    request: Act | None = None


class Held(BaseModel):
    """A credential, or a chain of them root first, without a holder."""

    model_config = ConfigDict(extra="forbid")

    credential: str | dict[str, object] | list[str | dict[str, object]]


def create_verifier_app(verifier: Verifier, *, token_hash: str | None = None) -> FastAPI:
    """Return the service: challenges out, presentations in, decisions back.

    Args:
        verifier: Who judges.
        token_hash: Hex SHA-256 of the token by which the deny list is read and written; without one nobody may.
    """
    limits = verifier.trust.limits
    app = create_service("agentdid verifier", limits=limits)

    def judged(judge: Callable[[], Decision | Grant]) -> JSONResponse:
        try:
            result = judge()
        except AgentdidError as error:
            app.state.outcomes.labels(error.family, error.code).inc()
            return problem_of(error)
        except (TypeError, ValueError):
            return problem(422, "request_invalid", "the request's type, action, resource or arguments cannot be meant")
        app.state.outcomes.labels("accepted", "").inc()
        return JSONResponse(result.encode(), headers=receipt_header(result.receipt))

    @app.post("/challenges")
    def challenge() -> dict[str, object]:
        return {
            "nonce": verifier.issue_nonce(),
            "audience": verifier.trust.audience,
            "expiresIn": limits.nonce_life_s,
        }

    @app.post("/verify", response_model=None, openapi_extra=schema_of(Presented))
    def verify(given: Annotated[Presented, Depends(body_of(Presented))]) -> JSONResponse:
        act = given.request
        # a challenge of our own, and no other: what a restart or a lost store forgot is not taken again (ATTACKS P03)
        challenge = IssuedHere(given.challenge)
        if act is None:
            return judged(lambda: verifier.verify(given.presentation, challenge=challenge, query=given.query))
        return judged(
            lambda: verifier.authorize(
                given.presentation,
                challenge=challenge,
                query=given.query,
                request=Asked(act.type, act.action, act.resource, act.arguments, act.id),
            )
        )

    @app.post("/credentials/verify", response_model=None, openapi_extra=schema_of(Held))
    def verify_credential(given: Annotated[Held, Depends(body_of(Held))]) -> JSONResponse:
        return judged(lambda: verifier.verify_credential(given.credential))  # type: ignore[arg-type]  # JSON values

    if token_hash is not None:
        add_deny_routes(app, verifier, token_hash)
    return app
