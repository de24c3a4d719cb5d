"""The demo's partner API: what an application looks like that lets agents in by their capabilities.

Run as a process of its own: ``python -m agentdid.cli.demo.partner TRUST LOG PORT CERTIFICATE KEY``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from agentdid.http import protect, require_capability
from agentdid.http.middleware import MAX_HEAD
from agentdid.storage.decision_log import DecisionLog
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.decide import Grant


def create_app(trust: Path, log: Path) -> FastAPI:
    """Return the API: one resource, readable by whoever holds `invoice.read` for it."""
    app = FastAPI(title="Partner API of the agentdid demo")
    protect(app, Verifier(Trust.load(trust), log=DecisionLog(log)))

    @app.get("/v1/invoices/{number}")
    async def read_invoice(
        number: int, grant: Annotated[Grant, Depends(require_capability("invoice.read"))]
    ) -> dict[str, object]:
        """Show an invoice to an agent that may see it."""
        (*_, leaf) = grant.decision.credentials
        return {
            "invoice": number,
            "agent": grant.agent,
            "principal": grant.principal,
            # what this API got to see of the agent's credential, for the demo to check
            "seen": leaf.document["credentialSubject"],
        }

    return app


def main(trust: str, log: str, port: str, certificate: str, key: str) -> None:
    """Serve the API on loopback until the process is ended."""
    uvicorn.run(
        create_app(Path(trust), Path(log)),
        host="127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
