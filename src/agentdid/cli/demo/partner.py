"""The demo's partner API: what an application looks like that lets agents in by their capabilities.

Run as a process of its own: ``python -m agentdid.cli.demo.partner TRUST LOG ISSUER PORT CERTIFICATE KEY`` with
AGENTDID_PASSPHRASE set; the issuer's database holds the key of the partner's DID, which signs receipts and its log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from agentdid.audit.receipt import ReceiptKey
from agentdid.http import protect, require_capability
from agentdid.http.middleware import MAX_HEAD
from agentdid.issuer.issuer import Issuer
from agentdid.storage.audit_log import AuditLog
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.decide import Grant


def create_app(trust: Path, log: AuditLog, receipts: ReceiptKey) -> FastAPI:
    """Return the API: one resource, readable by whoever holds `invoice.read` for it."""
    app = FastAPI(title="Partner API of the agentdid demo")
    protect(app, Verifier(Trust.load(trust), audit=log, receipts=receipts))

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


def main(trust: str, log: str, issuer: str, port: str, certificate: str, key: str) -> None:
    """Serve the API on loopback until the process is ended."""
    with Issuer.open(issuer, passphrase=os.environ["AGENTDID_PASSPHRASE"]) as partner:
        receipts = ReceiptKey(*partner.signing_key())
    with AuditLog.open(log, receipts.signer, owner=receipts.did) as opened:
        uvicorn.run(
            create_app(Path(trust), opened, receipts),
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
