"""Trust lists of a small world: entries, and lists that a party signs and serves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agentdid.codec.strict_json import encode
from agentdid.proof.suites import find_suite
from agentdid.secure import data_integrity, vc_jwt
from agentdid.trust.trust_list import build_trust_list

if TYPE_CHECKING:
    from datetime import datetime

    from tests.world import Party, World

CAPABILITY = "AgentCapabilityCredential"
URL = "https://registry.example/trust/agents"


def entry(world: World, issuer: Party, **changes: object) -> dict[str, object]:
    """Return an entry that lets a party start chains for the partner's invoices."""
    row: dict[str, object] = {
        "issuers": [issuer.did],
        "types": [CAPABILITY],
        "roots": [world.partner.did],
        "actions": ["invoice.*"],
    }
    return {name: value for name, value in (row | changes).items() if value is not None}


def below(world: World, issuer: Party, url: str, **changes: object) -> dict[str, object]:
    """Return an entry that names another's list."""
    row = entry(world, issuer)
    del row["issuers"]
    return row | {"issuer": issuer.did, "url": url, "maxDepth": 0} | changes


def build(  # what a list may have
    world: World,
    signer: Party,
    *,
    url: str = URL,
    entries: list[dict[str, object]] | None = None,
    lists: list[dict[str, object]] | None = None,
    sequence: int = 1,
    status: dict[str, object] | None = None,
    begin: datetime | None = None,
    life: timedelta = timedelta(days=1),
) -> dict[str, object]:
    """Return an unsigned list."""
    valid_from = begin or world.now - timedelta(minutes=1)
    return build_trust_list(
        url, signer.did, sequence, entries or [], lists or [],
        valid_from=valid_from, valid_until=valid_from + life, status=status,
    )  # fmt: skip


def sign(world: World, signer: Party, document: dict[str, object], form: str = "eddsa-jcs-2022") -> bytes:
    """Return a list signed by a party."""
    at = world.now - timedelta(seconds=30)
    if form == "vc+jwt":
        claims: dict[str, object] = {"iat": int(at.timestamp())}
        return vc_jwt.issue(document, signer.secret, signer.method_id, claims=claims).encode()
    suite = find_suite(signer.secret.public.algorithm.name)
    assert suite is not None
    return encode(data_integrity.add_proof(document, signer.secret, signer.method_id, suite, created=at))


def publish(world: World, signer: Party, *, form: str = "eddsa-jcs-2022", **members: object) -> dict[str, object]:
    """Sign and serve a list; return it unsigned."""
    document = build(world, signer, **members)  # type: ignore[arg-type]  # as `build` has them
    world.serve(str(document["id"]), sign(world, signer, document, form))
    return document


def row(world: World, signer: Party, **changes: object) -> dict[str, object]:
    """Return a `[[trust_list]]` of the policy."""
    table: dict[str, object] = {
        "url": URL,
        "issuer": signer.did,
        "types": [CAPABILITY],
        "roots": [world.partner.did],
        "actions": ["invoice.*"],
    }
    return table | changes
