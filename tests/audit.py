"""Audit logs for tests: a world's verifier that keeps one, and copies that somebody has meddled with."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from agentdid import Request
from agentdid.audit.receipt import ReceiptKey
from agentdid.audit.record import DECISION, Record, name_call
from agentdid.errors import AgentdidError
from agentdid.storage.audit_log import AuditLog
from tests.world import NOW, RESOURCE, World

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.verifier.service import Verifier

OWNER = "did:web:partner.example"
DAY = "2026-11-24.jsonl"


def open_log(folder: Path, world: World | None = None, **options: object) -> AuditLog:
    """Return the partner's log, which does not wait for the disk."""
    signer = (world or World()).partner.secret
    return AuditLog.open(folder, signer, owner=OWNER, **({"durable": False, "seconds": 3_600.0} | options))  # type: ignore[arg-type]


def keeping(world: World, log: AuditLog, **options: object) -> Verifier:
    """Return a verifier that keeps a log and gives receipts."""
    key = ReceiptKey(world.partner.secret, world.partner.method_id)
    return world.verifier(audit=log, receipts=key, **options)


def decide(world: World, verifier: Verifier, count: int) -> list[str]:
    """Have so many requests decided, every fifth of them refused; return the outcomes."""
    chains = [world.root(), world.child(world.root(), world.agent, world.helper)]
    holders = [world.agent, world.helper]
    outcomes = []
    for number in range(count):
        nonce = f"nonce-{number}"
        shown = world.present(chains[number % 2], holders[number % 2], challenge=nonce)
        action = "invoice.read" if number % 5 else "invoice.pay"
        try:
            verifier.authorize(shown, challenge=nonce, request=Request("http", action, f"{RESOURCE}/{number}"))
            outcomes.append("accepted")
        except AgentdidError as error:
            outcomes.append(error.code)
    return outcomes


def record(number: int = 0) -> Record:
    """Return a record of a decision."""
    return Record(NOW, DECISION, OWNER, "accepted", request=name_call("http", "a.b", f"{RESOURCE}/{number}", "uEiA"))


def copy(folder: Path, to: Path) -> Path:
    """Return a copy of a log, for somebody to meddle with."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to
