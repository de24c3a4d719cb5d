"""Approvals over HTTP: an agent asks, a person decides, and the agent's call goes through; over real sockets."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentdid.clock import FixedClock
from agentdid.http import create_approval_app
from agentdid.wallet.wallet import Wallet
from tests.attacks.test_http_walk import Caller, Partner, root_at
from tests.servers import bound_socket, client_context, origin_of, serving
from tests.stores import CHEAP, PASSPHRASE
from tests.unit.wallet.test_passing_on import READ, asked_of, wallet_of, watched
from tests.world import NOW, Party, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "let me look"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Scene:
    """A world, an approver's service, and somebody who asks."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.world = World()
        self.boss: Party = self.world.party("boss")
        self.chain = watched(self.world, self.boss)
        self.wallet = stack.enter_context(wallet_of(self.world, self.boss, folder / "boss.wallet"))
        app = create_approval_app(
            self.wallet, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest(), clock=FixedClock(NOW)
        )
        origin = stack.enter_context(serving(app, bound_socket(), folder))
        options: dict[str, Any] = {"verify": client_context(), "trust_env": False, "timeout": 20.0}
        self.client = stack.enter_context(httpx.Client(base_url=origin, **options))

    def ask(self, **more: Any) -> httpx.Response:  # noqa: ANN401  # members of the body
        """Ask for what the chain needs."""
        return self.client.post("/approvals", json={"approval": asked_of(self.world, self.chain), **more})


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """The scene of a test."""
    with ExitStack() as stack:
        yield Scene(tmp_path, stack)


def test_asked_decided_fetched(scene: Scene) -> None:
    """Pending until the person says yes; then the agent fetches a credential that permits the call."""
    asked = scene.ask(chain=scene.chain)
    name = asked.json()["id"]
    before = scene.client.get(f"/approvals/{name}").json()
    waiting = scene.client.get("/approvals", headers=BEARER).json()["approvals"]
    decided = scene.client.post(f"/approvals/{name}/decision", headers=BEARER, json={"approve": True})
    again = scene.client.post(f"/approvals/{name}/decision", headers=BEARER, json={"approve": True})
    after = scene.client.get(f"/approvals/{name}").json()

    assert (202, {"status": "pending"}) == (asked.status_code, before)
    assert [name] == [each["id"] for each in waiting]
    assert any("invoice.read" in line for line in waiting[0]["words"])
    assert any("up to autonomy level 2" in line for line in waiting[0]["words"])
    assert (200, "approved", 404) == (decided.status_code, after["status"], again.status_code)
    world = scene.world
    presented = world.present([*scene.chain, after["credential"]], challenge="m")
    assert world.verifier().authorize(presented, challenge="m", request=READ).approvals


def test_denied(scene: Scene) -> None:
    """A no is a no, and nothing was signed."""
    name = scene.ask().json()["id"]
    scene.client.post(f"/approvals/{name}/decision", headers=BEARER, json={"approve": False})

    assert {"status": "denied"} == scene.client.get(f"/approvals/{name}").json()
    assert () == scene.wallet.minted()


def test_who_may_look_and_decide(scene: Scene) -> None:
    """Without the token neither; and nobody fetches by guessing."""
    name = scene.ask().json()["id"]
    answers = [
        scene.client.get("/approvals"),
        scene.client.get("/approvals", headers={"Authorization": "Bearer wrong"}),
        scene.client.post(f"/approvals/{name}/decision", json={"approve": True}),
        scene.client.get("/approvals/guess"),
    ]

    assert [401, 401, 401, 404] == [each.status_code for each in answers]
    assert {"status": "pending"} == scene.client.get(f"/approvals/{name}").json()


def test_what_is_asked_is_held_against_its_digests(scene: Scene) -> None:
    """A request whose content is not what its digests name never reaches the person, nor one with another chain."""
    asked = asked_of(scene.world, scene.chain)
    other = scene.client.post("/approvals", json={"approval": {**asked, "arguments": {"amount": "1"}}})
    chain = scene.ask(chain=scene.world.root(index=9))
    extra = scene.client.post("/approvals", json={"approval": asked, "note": "please"})

    assert [(400, "type_mismatch"), (403, "chain_link_mismatch"), (422, "request_invalid")] == [
        (each.status_code, each.json()["code"]) for each in (other, chain, extra)
    ]
    assert [] == scene.client.get("/approvals", headers=BEARER).json()["approvals"]


def test_what_waits_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q12: strangers cannot fill the desk."""
    monkeypatch.setattr("agentdid.http.approval_app._MAX_PENDING", 2)

    assert [202, 202, 429] == [scene.ask().status_code for _ in range(3)]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_call_goes_through_when_somebody_approves(scene: Scene, tmp_path: Path, allowed: bool, kind: str) -> None:
    """End to end: 401, presented, 403 with what is to be approved, asked, decided, presented again with it, 200."""
    listener = bound_socket()
    partner = Partner(scene.world, origin_of(listener))
    rule = {"when": "always", "approvers": [scene.boss.did], "threshold": 1}
    chain = root_at(scene.world, partner.origin, approval=rule)

    def approve(asked: dict[str, object]) -> list[Any]:
        name = scene.client.post("/approvals", json={"approval": asked, "chain": chain}).json()["id"]
        scene.client.post(f"/approvals/{name}/decision", headers=BEARER, json={"approve": allowed})
        credential = scene.client.get(f"/approvals/{name}").json().get("credential")
        return [] if credential is None else [credential]

    with (
        serving(partner.app, listener, tmp_path),
        Wallet.create(tmp_path / "agent", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as agent,
    ):
        agent.add_key(scene.world.agent.did, scene.world.agent.secret)
        agent.receive(chain, source=scene.world)
        caller = Caller(kind, agent.auth(approve=approve))
        answers = [caller("GET", f"{partner.origin}/v1/invoices/{number}") for number in (7, 8)]

    expected = (200, None) if allowed else (403, "approval_required")
    assert [expected] * 2 == [(each.status_code, each.json().get("code")) for each in answers]
    assert (2 if allowed else 0) == len(scene.wallet.minted())
