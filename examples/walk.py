"""The whole walk in one process, offline: issue, receive, present, authorize, revoke: python examples/walk.py."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from agentdid import Issuer, Refused, Request, Trust, Verifier, Wallet
from agentdid.clock import SystemClock
from agentdid.codec.strict_json import parse
from agentdid.sources.source import RecordedSource

AUDIENCE = "https://api.partner.example"


def published(issuer: Issuer, folder: Path) -> RecordedSource:
    """Return what anybody could fetch from the issuer's host, here from files."""
    files = issuer.publish(folder)
    return RecordedSource.load(
        {url: parse(file.read_bytes()).value for url, file in files.items()}, SystemClock().now()
    )


def main(folder: Path) -> list[str]:
    """Walk once; return what happened."""
    happened = []
    issuer = Issuer.create(folder / "issuer.db", passphrase="issuer", base_url="https://status.acme.example")
    wallet = Wallet.create(folder / "agent.wallet", passphrase="agent")
    agent = wallet.create_did()

    made = issuer.issue(
        to=agent,
        ttl=timedelta(hours=1),
        capability={
            "root": issuer.did,
            "principal": issuer.did,
            "purpose": "invoice reconciliation",
            "grants": [
                {
                    "id": "read",
                    "from": None,
                    "type": "http",
                    "actions": ["invoice.read"],
                    "resources": [f"{AUDIENCE}/v1/invoices"],
                    "constraints": {},
                    "limits": {},
                    "approval": None,
                    "autonomyMax": 2,
                }
            ],
            "audience": ["did:web:partner.example"],
            "delegation": {"maxDepth": 2},
            "minSecurity": "classical",
        },
    )
    wallet.receive(made.credential, source=published(issuer, folder / "site"))
    happened.append("received")

    trust = Trust.parse(
        {
            "audience": AUDIENCE,
            "did": "did:web:partner.example",
            "resource": [{"prefix": f"{AUDIENCE}/", "root": issuer.did}],
        }
    )
    request = Request(type="http", action="invoice.read", resource=f"{AUDIENCE}/v1/invoices/7")
    verifier = Verifier(trust=trust, source=published(issuer, folder / "site"))
    presentation = wallet.present(challenge="nonce-1", audience=AUDIENCE)
    grant = verifier.authorize(presentation, challenge="nonce-1", request=request)
    happened.append(f"{grant.agent} may {grant.request.action}")

    issuer.revoke(made.id)
    later = Verifier(trust=trust, source=published(issuer, folder / "site"))
    try:
        later.authorize(wallet.present(challenge="nonce-2", audience=AUDIENCE), challenge="nonce-2", request=request)
    except Refused as refusal:
        happened.append(refusal.code)
    wallet.close()
    issuer.close()
    return happened


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made_folder:
        for line in main(Path(made_folder)):
            print(line)
