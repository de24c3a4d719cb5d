"""What issuers, approvers and a verifier's administrators do stands in their audit logs, and nothing without it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.audit.attribution import attributed
from agentdid.cli.main import main
from agentdid.clock import FixedClock
from agentdid.errors import AgentdidError, StoreUnavailable
from agentdid.http.issuer_admin import admin_verifier
from agentdid.http.issuer_app import create_issuer_app
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.orders import Order
from agentdid.issuer.status_ledger import Which
from agentdid.storage.audit_check import examine
from agentdid.storage.audit_log import AuditLog
from agentdid.storage.log_folder import records
from agentdid.storage.nonces import MemoryTakes
from agentdid.wallet.approve import read_asked
from tests.audit import keeping, open_log
from tests.stores import CHEAP, PASSPHRASE
from tests.unit.http.test_services import call
from tests.unit.wallet.test_passing_on import asked_of, wallet_of, watched
from tests.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a token"


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """An issuer that keeps a log under its own key."""
    path, clock = tmp_path / "acme.db", FixedClock(NOW)
    Issuer.create(path, passphrase=PASSPHRASE, kdf=CHEAP, did="did:web:acme.example", clock=clock).close()
    with Issuer.open(path, passphrase=PASSPHRASE, clock=clock) as opened:
        signer, _ = opened.signing_key()
        with AuditLog.open(tmp_path / "log", signer, owner=opened.did, durable=False, clock=clock) as log:
            opened.audit = log
            yield opened


def _acts(folder: Path) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.agent, each.links[0].id if each.links else None) for each in records(folder)][1:]


def test_what_an_issuer_does(issuer: Issuer, tmp_path: Path) -> None:
    """Issuances, single and many, revocations, suspensions, reinstatements; whom they concern, and no claim."""
    world = World()
    capability = world.capability(principal=issuer.did)
    with attributed(actor="did:web:acme.example:ops", reasoning="urn:ticket:7"):
        made = issuer.issue(to=world.agent.did, capability=capability, claims={"name": "canary-9"}, idempotency_key="k")
    again = issuer.issue(to=world.agent.did, capability=capability, claims={"name": "canary-9"}, idempotency_key="k")
    orders = [Order(each.did, capability) for each in (world.agent, world.helper)]
    many = [each.id for each in issuer.issue_many(orders)]  # type: ignore[union-attr]
    issuer.suspend(made.id)
    issuer.reinstate(made.id)
    issuer.revoke(made.id, reason="canary-9 said so")
    issuer.revoke(made.id)
    changed = issuer.change_all("revoke", Which(subject=world.helper.did))
    did = world.agent.did

    assert again.repeated
    assert [
        ("issuance", did, made.id), ("issuance", did, made.id), ("issuance", did, many[0]),
        ("issuance", world.helper.did, many[1]), ("suspension", did, made.id), ("reinstatement", did, made.id),
        ("revocation", did, made.id), ("revocation", did, made.id), ("revocation", world.helper.did, None),
    ] == _acts(tmp_path / "log")  # fmt: skip
    _, first, second, *_, last = records(tmp_path / "log")
    assert ("did:web:acme.example:ops", "urn:ticket:7") == (first.actor, first.reasoning)
    assert ({"repeated": "1"}, issuer.did) == (
        {name: each for name, each in second.context.items() if name != "validUntil"}, second.actor,
    )  # fmt: skip
    assert (1, {"changed": "1", "many": "1"}) == (changed, last.context)
    assert "canary" not in (tmp_path / "log" / "records.jsonl").read_text()


def test_what_cannot_be_recorded_is_not_handed_over(issuer: Issuer) -> None:
    """Without its record an issuance is `store_unavailable`; a revocation stands, and is recorded when repeated."""
    world = World()
    capability = world.capability(principal=issuer.did)
    made = issuer.issue(to=world.agent.did, capability=capability)
    assert isinstance(issuer.audit, AuditLog)
    issuer.audit.close()

    with pytest.raises(StoreUnavailable):
        issuer.issue(to=world.agent.did, capability=capability)
    with pytest.raises(StoreUnavailable):
        issuer.revoke(made.id)
    issuer.audit = None
    assert not issuer.revoke(made.id)


def test_the_service_says_who(issuer: Issuer, tmp_path: Path) -> None:
    """What is done by the token is the issuer's own act; the policy of its verifier stands in the log, too."""
    verifier = admin_verifier(issuer, takes=MemoryTakes(), clock=FixedClock(NOW))
    app = create_issuer_app(issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest(), verifier=verifier)
    world = World()
    body = {"to": world.agent.did, "capability": world.capability(principal=issuer.did)}
    answer = call(app, "POST", "/credentials", json=body, headers={"Authorization": f"Bearer {TOKEN}"})

    assert 201 == answer.status_code
    assert [("policy", None, None), ("issuance", world.agent.did, answer.json()["id"])] == _acts(tmp_path / "log")


def test_what_an_approver_decides(tmp_path: Path) -> None:
    """An approval stands in the approver's log with the call's digest and the chain before it is given."""
    world = World()
    boss = world.party("boss")
    chain = watched(world, boss)
    with wallet_of(world, boss, tmp_path / "boss.wallet") as wallet, open_log(tmp_path / "log", world) as log:
        wallet.audit = log
        asked = read_asked(asked_of(world, chain))
        wallet.approve(asked)
        (minted,) = wallet.minted()
    (_, record) = records(tmp_path / "log")

    assert ("approval", boss.did, asked.subject, (minted.id,)) == (
        record.kind, record.actor, record.agent, record.approvals,
    )  # fmt: skip
    assert record.request is not None
    assert asked.arguments_digest == record.request.arguments_digest
    assert [name for name, *_ in asked.links] == [each.id for each in record.links]


def test_what_a_verifier_denies(tmp_path: Path) -> None:
    """Entries of the deny list, and their end, stand in the log; and so does a policy that is exchanged."""
    world = World()
    with open_log(tmp_path / "log", world) as log:
        verifier = keeping(world, log, takes=MemoryTakes())
        verifier.deny("did", world.agent.did)
        verifier.deny("credential", "urn:uuid:1")
        assert verifier.lift("did", world.agent.did)
        assert not verifier.lift("did", world.helper.did)
        verifier.trust = world.trust(anchor=[])
        verifier.inspect(world.root())
        with pytest.raises(AgentdidError):
            verifier.verify_credential(world.root())  # type: ignore[arg-type]
    kinds = [each.kind for each in records(tmp_path / "log")]

    assert ["log", "policy", "denial", "denial", "denial", "policy", "decision"] == kinds
    assert [("did", "0"), ("credential", "0"), ("did", "1")] == [
        (each.context["denied"], each.context["lifted"]) for each in records(tmp_path / "log") if each.kind == "denial"
    ]
    assert () == examine(tmp_path / "log").faults


def test_rotations(tmp_path: Path) -> None:
    """A rotation of keys stands in the log, and whether they were compromised."""
    from agentdid.storage.controlled import make  # noqa: PLC0415

    held = make("acme.example", None, [], at=NOW)
    clock = FixedClock(NOW + timedelta(hours=1))
    with (
        Issuer.create(tmp_path / "a.db", passphrase=PASSPHRASE, kdf=CHEAP, webvh=held, clock=clock) as issuer,
        open_log(tmp_path / "log") as log,
    ):
        issuer.audit = log
        issuer.rotate(compromised=True)
    (_, record) = records(tmp_path / "log")

    assert ("rotation", held.did, {"compromised": "1"}) == (record.kind, record.actor, record.context)


def test_the_verbs_keep_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`wallet approve --audit` keeps the approver's log; another folder's key does not go on with it."""
    world = World()
    boss = world.party("boss")
    wallet_of(world, boss, tmp_path / "boss.wallet").close()
    (tmp_path / "asked.json").write_text(json.dumps(asked_of(world, watched(world, boss))))
    (tmp_path / "phrase").write_text(PASSPHRASE)
    arguments = [
        "wallet", "approve", str(tmp_path / "asked.json"), "--wallet", str(tmp_path / "boss.wallet"), "--yes",
        "--audit", str(tmp_path / "log"), "--passphrase-file", str(tmp_path / "phrase"), "--json",
    ]  # fmt: skip
    first, second = main(arguments), main(arguments)
    capsys.readouterr()

    assert (0, 0) == (first, second)
    assert ["log", "approval", "approval"] == [each.kind for each in records(tmp_path / "log")]
    assert 0 == main(["audit", "verify", str(tmp_path / "log"), "--did", boss.did, "--json"])
    assert 1 == main(["audit", "verify", str(tmp_path / "log"), "--did", world.helper.did, "--json"])
