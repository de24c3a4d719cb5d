"""A partner's API that lets agents in by their capabilities: uvicorn --factory examples.partner_api:create_app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI

from agentdid import Grant, Trust, Verifier
from agentdid.http import protect, require_capability


def create_app(trust: Path = Path("trust.toml")) -> FastAPI:
    """Return the API; its trust policy says who may do what."""
    app = FastAPI()
    protect(app, Verifier(trust=Trust.load(trust)))

    @app.get("/v1/invoices/{number}")
    async def read_invoice(
        number: int, grant: Annotated[Grant, Depends(require_capability("invoice.read"))]
    ) -> dict[str, object]:
        return {"invoice": number, "agent": grant.agent, "for": grant.principal}

    return app
