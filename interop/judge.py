"""Our judgement of one input, as a value that can be written down and asked again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agentdid.clock import FixedClock
from agentdid.errors import AgentdidError
from agentdid.secure.claims import JWT_CLAIMS
from agentdid.sources.source import RecordedSource
from agentdid.verifier.service import Verifier
from agentdid.verify.case import HttpRequest
from interop.cell import ACCEPTED
from interop.parties import AUDIENCE, CHALLENGE, PUBLISHED, TRUST

HTTP = HttpRequest("GET", f"{AUDIENCE}/v1/invoices/7", None)


def ask(
    given: object, at: datetime, *, presented: bool, http: bool = False, claims: dict[str, object] | None = None
) -> dict[str, Any]:
    """Return the question whether we accept an input.

    Args:
        given: A token, a document, or a list of them, root first.
        at: When.
        presented: Whether it must be a presentation that answers `CHALLENGE`.
        http: Whether it came with the request `HTTP`.
        claims: What the credential must say, disclosures applied, besides being accepted.
    """
    return {"input": given, "at": at.isoformat(), "presented": presented, "http": http, "claims": claims}


def judge(question: dict[str, Any]) -> str:
    """Return `accepted`, the code of the refusal, or `other claims` where we read something else than was signed."""
    at = datetime.fromisoformat(question["at"])
    verifier = Verifier(TRUST, source=RecordedSource.load(PUBLISHED, at), clock=FixedClock(at))
    given = question["input"]
    try:
        if question["presented"]:
            http = HTTP if question["http"] else None
            decision = verifier.verify(given, challenge=CHALLENGE, http=http)
        else:
            decision = verifier.verify_credential(given)
    except AgentdidError as error:
        return str(error.code)
    wanted = question["claims"]
    if wanted is not None and wanted != decision.credentials[-1].document:
        return "other claims"
    return ACCEPTED


def without_jwt_claims(payload: dict[str, object]) -> dict[str, object]:
    """Return the credential in a payload that a foreign verifier returned."""
    return {name: value for name, value in payload.items() if name not in JWT_CLAIMS and name != "_sd_alg"}
