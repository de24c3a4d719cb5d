"""Behaviour: what is unusual lowers autonomy and asks people; nobody sheds a past, no race lets one more through."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.delegation.usage import Request
from agentdid.errors import ApprovalRequired, Refused
from agentdid.policy.behaviour import Observation
from agentdid.storage.baselines import MemoryBaselines
from agentdid.storage.takes import open_takes
from agentdid.verifier.service import Verifier
from tests.attacks.test_limits import SHARED
from tests.attacks.test_limits import place_of as store_at
from tests.policy_scene import PAY, READ, PolicyScene
from tests.racers import race
from tests.world import NOW, RESOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentdid.verify.needs import NeedConduct

LEARNING = 5


def watched(levels: int = 1, score: int = 30, required: int = 2, **more: object) -> dict[str, object]:
    """A `[policy]` that watches, with the boss as approver; paying needs all the autonomy that the agent has."""
    return {
        "action": [{"actions": ["invoice.pay"], "autonomy": required}],
        "approvers": [PolicyScene(None).boss.did],
        "behaviour": {"learning": LEARNING, "demotion": [{"score": score, "levels": levels}]},
        **more,
    }


def used_to(scene: PolicyScene, request: Request = PAY, times: int = LEARNING) -> None:
    """Let the agent do something until it is usual, the last time an hour ago."""
    for _ in range(times):
        assert scene.code(request=request) is None
    scene.later(hours=1)


def test_while_it_is_learnt_nothing_is_unusual() -> None:
    """An agent of whom little is known has no score but for refusals."""
    scene = PolicyScene(watched())

    assert [{}] * 3 == [scene.authorize().encode()["policy"]["score"]["parts"] for _ in range(3)]  # type: ignore[index]  # JSON


def test_who_is_judged_without_blocking_is_learnt_too() -> None:
    """What an agent does by `aauthorize`, let be or refused, is its past as much as by `authorize`."""
    scene = PolicyScene(watched())
    again = Request("http", "invoice.delete", f"{RESOURCE}/7")

    async def judge(request: Request) -> None:
        presented, nonce = scene.present()
        await scene.verifier.aauthorize(presented, challenge=nonce, request=request)

    for _ in range(LEARNING):
        asyncio.run(judge(READ))
    for _ in range(4):
        with pytest.raises(Refused):
            asyncio.run(judge(again))
    scene.later(minutes=1)
    parts = scene.refusal().report.encode()["policy"]["score"]["parts"]  # type: ignore[union-attr,index,call-overload]  # JSON of a Report

    assert {"action", "refusals"} == set(parts)


def test_what_is_unusual_is_scored_part_by_part() -> None:
    """A first action, place and hour, each with its points; what was seen before has none (B17)."""
    scene = PolicyScene(watched(score=100))
    used_to(scene, READ)
    elsewhere = Request("http", "invoice.pay", f"{RESOURCE}/7/lines/1")
    found = []
    for request in (READ, PAY, elsewhere):
        score = scene.authorize(request=request).score
        assert score is not None
        found.append((score.total, dict(score.parts)))

    assert [
        (20, {"hour": 20}),
        (30, {"action": 30}),  # it was seen at this hour just now
        (10, {"place": 10}),
    ] == found


def test_a_demoted_agent_asks_and_is_not_refused() -> None:
    """Its first payment at a new hour needs an approval; with one it is permitted, and usual from then on."""
    scene = PolicyScene(watched())
    used_to(scene, READ)
    refusal = scene.refusal()

    assert isinstance(refusal, ApprovalRequired)
    shown: Any = refusal.report.encode()["policy"]  # type: ignore[union-attr]  # a Report
    assert {"inForce": 1, "max": 2, "required": 2} == shown["autonomy"]
    assert {"action": 30, "hour": 20} == shown["score"]["parts"]
    grant = scene.authorize(scene.approval())
    assert (1, ("autonomy",), 1) == (grant.autonomy, grant.policies, len(grant.approvals))
    assert None is scene.code()


def test_where_nobody_could_approve_a_demoted_agent_is_denied() -> None:
    """The configuration names no approvers, so there is nobody to ask."""
    scene = PolicyScene(watched(approvers=[]))
    used_to(scene, READ)

    assert "policy_denied" == scene.code()


def test_an_action_that_needs_no_autonomy_is_not_touched() -> None:
    """Demotion lowers a level; it denies nothing by itself."""
    scene = PolicyScene(watched(levels=5))
    used_to(scene)
    unusual = Request("http", "invoice.read", f"{RESOURCE}/7/lines/1")
    grant = scene.authorize(request=unusual)

    assert (0, 60) == (grant.autonomy, grant.score.total if grant.score else None)


def test_refusals_count() -> None:
    """Four in an hour, and the agent asks; what it is asked for, and replays of its words, count for nothing."""
    scene = PolicyScene(watched(score=40))
    beyond = Request("http", "invoice.read", "https://api.partner.example/v1/payments")
    presented, nonce = scene.present()
    scene.verifier.authorize(presented, challenge=nonce, request=READ)
    for _ in range(6):
        with pytest.raises(Exception, match="nonce_replayed"):
            scene.verifier.authorize(presented, challenge=nonce, request=READ)
    codes = []
    for _ in range(4):
        codes.append(scene.code())
        assert "capability_target_mismatch" == scene.code(request=beyond)

    assert [None] * 4 == codes
    assert ["approval_required"] * 3 == [scene.code() for _ in range(3)]
    scene.later(hours=2)
    assert None is scene.code()


def test_nobody_is_blamed_for_what_others_send() -> None:
    """A stolen presentation under another nonce, or by another holder, is not the agent's doing."""
    scene = PolicyScene(watched(score=10))
    presented, _ = scene.present()
    for _ in range(5):
        with pytest.raises(Exception, match="nonce"):
            scene.verifier.authorize(presented, challenge="another", request=PAY)
        assert "holder_binding_failed" == scene.code(holder=scene.world.stranger)

    assert None is scene.code()


def test_delegating_sheds_no_past() -> None:
    """A fresh sub-agent of a demoted agent is demoted with it, and what it does is seen of its delegator (B14)."""
    scene = PolicyScene(watched(score=40))
    world = scene.world
    child = {**scene.grant, "id": "c1", "from": "g1"}
    below = world.child(
        scene.chain, world.agent, world.helper, capability=world.capability(grants=[child], delegation={"maxDepth": 5})
    )
    beyond = Request("http", "invoice.read", "https://api.partner.example/v1/payments")
    for _ in range(4):
        scene.code(request=beyond)
    refusal = scene.refusal(chain=below, holder=world.helper)

    assert isinstance(refusal, ApprovalRequired)
    score: Any = refusal.report.encode()["policy"]["score"]  # type: ignore[union-attr]  # a Report
    assert {"agent": world.agent.did, "total": 40, "parts": {"refusals": 40}} == score

    other = PolicyScene(watched(score=40))
    for _ in range(4):
        other.code(request=beyond, chain=below, holder=world.helper)
    assert "approval_required" == other.code()


def test_what_cannot_be_known_decides_nothing() -> None:
    """Without baselines, or with windows of another length: `store_unavailable`, and the nonce is not taken."""

    class Nowhere:
        """Baselines that cannot be had."""

        def find(self, _need: NeedConduct) -> str:
            """Say so."""
            return "unavailable"

        def observe(self, observations: Sequence[Observation]) -> None:
            """Forget."""

    for baselines in (Nowhere(), MemoryBaselines(60)):
        scene = PolicyScene(watched(), baselines=baselines)
        presented, nonce = scene.present()
        with pytest.raises(Exception, match="store_unavailable"):
            scene.verifier.authorize(presented, challenge=nonce, request=PAY)
        again = Verifier(scene.trust, source=scene.world, clock=scene.clock, takes=scene.verifier.takes)
        assert again.authorize(presented, challenge=nonce, request=PAY)


def baseline(agents: list[str], calls: int, at: datetime, window_s: int = 3_600) -> MemoryBaselines:
    """Baselines of agents that paid some times an hour before."""
    from datetime import timedelta  # noqa: PLC0415  # only here

    found = MemoryBaselines(window_s)
    for agent in agents:
        for back in (1, 24):
            found.observe(
                [Observation(at - timedelta(hours=back), agent, "invoice.pay", f"{RESOURCE}/1", "accepted")] * calls
            )
    return found


class Past:
    """Baselines that learn nothing more: what every judgement sees when all begin at once."""

    def __init__(self, agents: list[str], calls: int) -> None:
        self.find = baseline(agents, calls, NOW).find

    def observe(self, observations: Sequence[Observation]) -> None:
        """Too late."""


def test_a_burst_is_let_through_up_to_its_bound() -> None:
    """Twice the busiest hour adds 20: of calls one after the other exactly those before are accepted."""
    scene = PolicyScene(watched(score=20))
    agent = scene.world.agent.did
    scene.verifier = Verifier(scene.trust, source=scene.world, clock=scene.clock, baselines=baseline([agent], 5, NOW))
    codes = [scene.code() for _ in range(14)]

    assert [None] * 9 + ["approval_required"] * 5 == codes
    # at the bound of what was seen the score says so; an approval lets a call through, and counts nothing
    assert None is scene.code(scene.approval())


def test_of_fifty_at_once_as_many_as_one_after_the_other() -> None:
    """Fifty threads that all saw the same past: nine are accepted, and the others are asked for an approval."""
    scene = PolicyScene(watched(score=20))
    past = Past([scene.world.agent.did], 5)
    scene.verifier = Verifier(scene.trust, source=scene.world, clock=scene.clock, baselines=past)
    with ThreadPoolExecutor(25) as pool:
        codes = list(pool.map(lambda _: scene.code(), range(50)))

    assert (9, 41) == (codes.count(None), codes.count("approval_required"))
    approval = scene.approval(uses=3)
    with ThreadPoolExecutor(25) as pool:
        codes = list(pool.map(lambda _: scene.code(approval), range(50)))
    assert (3, 47) == (codes.count(None), codes.count("approval_used"))


def test_a_burst_without_approvers_is_denied() -> None:
    """Past the pace there is nobody to ask."""
    scene = PolicyScene(watched(score=20, approvers=[]))
    agent = scene.world.agent.did
    past = Past([agent], 5)
    scene.verifier = Verifier(scene.trust, source=scene.world, clock=scene.clock, baselines=past)

    assert [None] * 9 + ["policy_denied"] * 2 == [scene.code() for _ in range(11)]


def test_an_agent_does_not_approve_its_own_pace() -> None:
    """Named as the only approver, it is still nobody who could be asked."""
    agent = PolicyScene(None).world.agent.did
    scene = PolicyScene(watched(score=20, approvers=[agent]))
    past = Past([agent], 5)
    scene.verifier = Verifier(scene.trust, source=scene.world, clock=scene.clock, baselines=past)

    assert [None] * 9 + ["policy_denied"] == [scene.code() for _ in range(10)]


def test_a_retry_counts_once() -> None:
    """The same call under its request id is no faster pace."""
    scene = PolicyScene(watched(score=20))
    past = Past([scene.world.agent.did], 5)
    scene.verifier = Verifier(scene.trust, source=scene.world, clock=scene.clock, baselines=past)
    same = Request(PAY.type, PAY.action, PAY.resource, PAY.arguments, "r1")

    assert [None] * 20 == [scene.code(request=same) for _ in range(20)]
    assert [None] * 8 + ["approval_required"] == [scene.code() for _ in range(9)]


_RACER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from agentdid.verifier.service import Verifier
from agentdid.storage.takes import open_takes
from tests.attacks.test_demotion import baseline, watched
from tests.policy_scene import PolicyScene
from tests.world import NOW
import tests.policy_scene as numbers
place, chain, approval, first = sys.argv[1:]
import json
from itertools import count
numbers._NUMBERS = count(int(first))
scene = PolicyScene(watched(score=20))
scene.chain = json.loads(chain)
past = baseline([scene.world.agent.did], 5, NOW)
scene.verifier = Verifier(
    scene.trust, source=scene.world, clock=scene.clock, baselines=past, takes=open_takes(place)
)
given = (approval,) if approval else ()
sys.stdin.readline()
with ThreadPoolExecutor(25) as pool:
    print(list(pool.map(lambda _: scene.code(*given), range(25))).count(None))
"""


@pytest.mark.parametrize("kind", SHARED)
@pytest.mark.parametrize("approved", [False, True])
def test_two_processes_of_fifty(kind: str, approved: bool, tmp_path: Path) -> None:  # a parameter
    """Two processes, 25 threads each, one store: exactly nine without an approval, exactly the uses of one with it."""
    place = store_at(kind, tmp_path)
    open_takes(place).close()
    scene = PolicyScene(watched(score=20))
    approval = ""
    if approved:
        asking = PolicyScene(watched(required=3))
        asking.chain = scene.chain
        approval = str(asking.approval(uses=7))
    accepted = race(_RACER, [[place, json.dumps(scene.chain), approval, first] for first in ("10000", "20000")])

    assert (7 if approved else 9) == accepted
