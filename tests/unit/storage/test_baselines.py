"""Baselines beside a log: each line once, by every process alike, and nothing decided where it cannot be read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.errors import StoreUnavailable
from agentdid.keys.secret import SecretKey
from agentdid.policy.behaviour import Conducts, Observation
from agentdid.storage.audit_log import AuditLog
from agentdid.storage.baselines import LogBaselines, MemoryBaselines, open_baselines, read_observations
from agentdid.storage.decision_log import DecisionLog
from agentdid.storage.log_folder import RECORDS, records
from agentdid.verifier.service import Verifier
from agentdid.verify.needs import NeedConduct
from tests.policy_scene import PAY, READ, PolicyScene
from tests.world import NOW, RESOURCE

if TYPE_CHECKING:
    from pathlib import Path

WATCHED: dict[str, object] = {"behaviour": {"learning": 3}}


def need(*agents: str, window_s: int = 3_600) -> NeedConduct:
    """What is asked of some agents that would pay now."""
    return NeedConduct(agents, "invoice.pay", f"{RESOURCE}/7", NOW, window_s)


def watching(scene: PolicyScene, log: Path) -> Verifier:
    """A verifier of the scene that writes a log, and reads it."""
    baselines = open_baselines(scene.trust.policy, log)
    return Verifier(scene.trust, source=scene.world, clock=scene.clock, log=DecisionLog(log), baselines=baselines)


def test_two_verifiers_share_a_log(tmp_path: Path) -> None:
    """What one decides the other has seen at its next call, and a third that starts later has seen it all."""
    scene = PolicyScene(WATCHED)
    agent, log = scene.world.agent.did, tmp_path / "decisions.jsonl"
    verifiers = [watching(scene, log) for _ in range(2)]
    for turn in range(6):
        assert scene.code(request=READ if turn % 3 else PAY, verifier=verifiers[turn % 2]) is None
    scene.code(verifier=verifiers[0], holder=scene.world.stranger)
    found = [each.baselines.find(need(agent)) for each in (*verifiers, watching(scene, log)) if each.baselines]

    assert isinstance(found[0], Conducts)
    assert [found[0]] * 3 == found
    assert (6, 6, True) == (found[0].each[0].accepted, found[0].each[0].calls, found[0].each[0].action_seen)


def test_the_log_says_what_memory_saw(tmp_path: Path) -> None:
    """A baseline is rebuilt from the log: acceptances and refusals alike."""
    scene = PolicyScene({**WATCHED, "rule": [{"risk_at_most": 0, "actions": ["invoice.pay"]}],
                         "action": [{"actions": ["invoice.pay"], "risk": 1}]})  # fmt: skip
    log = tmp_path / "decisions.jsonl"
    seen = MemoryBaselines(3_600)
    verifier = Verifier(scene.trust, source=scene.world, clock=scene.clock, log=DecisionLog(log), baselines=seen)

    assert [None, "policy_denied", None] == [scene.code(request=each, verifier=verifier) for each in (READ, PAY, READ)]
    rebuilt = LogBaselines(log, 3_600)
    again = MemoryBaselines(3_600)
    for line in log.read_bytes().splitlines():
        again.observe(read_observations(line))
    found = seen.find(need(scene.world.agent.did))
    assert isinstance(found, Conducts)
    assert (2, 1) == (found.each[0].accepted, found.each[0].refused)
    assert found == rebuilt.find(need(scene.world.agent.did)) == again.find(need(scene.world.agent.did))


def test_an_audit_log_says_the_same(tmp_path: Path) -> None:
    """Its records are read as the bundles of a decision log are, what is about something else passed over."""
    policy: dict[str, object] = {"behaviour": {"learning": 2}, "rule": [{"risk_at_most": 0}],
                                 "action": [{"actions": ["invoice.pay"], "risk": 1}]}  # fmt: skip
    scene = PolicyScene(policy)
    world, log, folder = scene.world, tmp_path / "decisions.jsonl", tmp_path / "audit"
    child = {**scene.grant, "id": "c1", "from": "g1"}
    below = world.child(
        scene.chain, world.agent, world.helper, capability=world.capability(grants=[child], delegation={"maxDepth": 5})
    )
    signer = SecretKey.from_seed("Ed25519", b"a" * 32)
    with AuditLog.open(folder, signer, owner=world.partner.did, durable=False, clock=scene.clock) as audit:
        baselines = LogBaselines(folder, 3_600)
        verifier = Verifier(scene.trust, source=world, clock=scene.clock, log=DecisionLog(log), audit=audit,
                            baselines=baselines)  # fmt: skip
        for request in (READ, READ, PAY, READ):
            scene.code(request=request, verifier=verifier)
        assert scene.code(request=READ, verifier=verifier, chain=below, holder=world.helper) is None
        scene.code(request=READ, verifier=verifier, holder=world.stranger)
        refusal = scene.refusal(request=PAY, verifier=verifier)
        named = [each.policies for each in records(folder) if each.kind == "decision"]
    found = baselines.find(need(world.agent.did, world.helper.did))
    assert isinstance(found, Conducts)

    assert found == LogBaselines(log, 3_600).find(need(world.agent.did, world.helper.did))
    assert [(4, 2), (1, 0)] == [(each.accepted, each.refused) for each in found.each]
    assert "policy_denied" == refusal.code
    assert [("risk_at_most",)] * 6 == [each for each in named if each]
    with (folder / RECORDS).open("ab") as stream:
        stream.write(b'{"torn')
        stream.write(b"\n")
    assert found == baselines.find(need(world.agent.did, world.helper.did))


def test_a_log_that_is_not_there_is_empty_and_one_that_went_is_not(tmp_path: Path) -> None:
    """Before the first decision nothing was seen; a log that is gone, shorter or another decides nothing."""
    scene = PolicyScene(WATCHED)
    log = tmp_path / "decisions.jsonl"
    baselines = LogBaselines(log, 3_600)

    assert isinstance(baselines.find(need("did:web:a.example")), Conducts)
    assert scene.code(verifier=watching(scene, log)) is None
    assert isinstance(baselines.find(need("did:web:a.example")), Conducts)
    kept = log.read_bytes()
    log.write_bytes(kept[:-10])
    assert "unavailable" == baselines.find(need("did:web:a.example"))
    log.rename(tmp_path / "old.jsonl")
    assert "unavailable" == baselines.find(need("did:web:a.example"))
    log.write_bytes(kept * 2)
    assert "unavailable" == baselines.find(need("did:web:a.example"))


def test_half_a_line_waits_and_a_broken_one_stops(tmp_path: Path) -> None:
    """Another process may be writing; what is no bundle is never passed over."""
    scene = PolicyScene(WATCHED)
    log = tmp_path / "decisions.jsonl"
    assert scene.code(verifier=watching(scene, log)) is None
    line, agent = log.read_bytes(), scene.world.agent.did
    baselines = LogBaselines(log, 3_600)

    def accepted() -> int | str:
        found = baselines.find(need(agent))
        return found if isinstance(found, str) else found.each[0].accepted

    assert 1 == accepted()
    with log.open("ab") as stream:
        stream.write(line[:100])
    assert 1 == accepted()
    with log.open("ab") as stream:
        stream.write(line[100:] + b"\n")
    assert 2 == accepted()
    with log.open("ab") as stream:
        stream.write(b"{}\n" + line)
    assert ["unavailable"] * 2 == [accepted(), accepted()]


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle: bundle["decision"].update(agents="did:web:a.example"),
        lambda bundle: bundle["decision"].update(agents=[1]),
        lambda bundle: bundle["question"].update(at="yesterday"),
        lambda bundle: bundle["question"].update(request=[]),
        lambda bundle: bundle.pop("decision"),
    ],
)
def test_a_line_of_another_form_is_an_error(change: object, tmp_path: Path) -> None:
    """Nothing is guessed."""
    scene = PolicyScene(WATCHED)
    log = tmp_path / "decisions.jsonl"
    assert scene.code(verifier=watching(scene, log)) is None
    bundle = json.loads(log.read_bytes())
    assert 1 == len(read_observations(json.dumps(bundle).encode()))
    change(bundle)  # type: ignore[operator]  # a change
    with pytest.raises(StoreUnavailable):
        read_observations(json.dumps(bundle).encode())


def test_a_decision_without_agents_says_nothing(tmp_path: Path) -> None:
    """Of a policy that looks at no behaviour, or of a refusal before it was known who presents."""
    scene = PolicyScene(None)
    log = tmp_path / "decisions.jsonl"
    assert (
        scene.code(verifier=Verifier(scene.trust, source=scene.world, clock=scene.clock, log=DecisionLog(log))) is None
    )

    assert [] == read_observations(log.read_bytes())


def test_a_full_memory_knows_whom_it_knows() -> None:
    """An agent too many is not judged, and pushes nobody out."""
    baselines = MemoryBaselines(3_600, max_agents=2)
    for agent in ("did:web:a.example", "did:web:b.example", "did:web:c.example"):
        baselines.observe([Observation(NOW - timedelta(days=1), agent, "invoice.pay", RESOURCE, "accepted")])

    known = baselines.find(need("did:web:a.example", "did:web:b.example"))
    assert isinstance(known, Conducts)
    assert [1, 1] == [each.accepted for each in known.each]
    assert "unavailable" == baselines.find(need("did:web:a.example", "did:web:c.example"))
    assert "unavailable" == baselines.find(need("did:web:a.example", window_s=60))
