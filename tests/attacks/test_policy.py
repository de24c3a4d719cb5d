"""The verifier's own policy: after what is true, before anything is consumed, and never around the chain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.delegation.usage import Request
from agentdid.errors import ApprovalRequired, AuthorizationRequired, CapabilityNotAttenuated, PolicyDenied
from agentdid.verifier.service import Verifier
from agentdid.verify.evidence import replay
from agentdid.verify.run import report_of
from tests.policy_scene import PAY, READ, PolicyScene
from tests.world import RESOURCE

if TYPE_CHECKING:
    from pathlib import Path

CEDAR = """
@id("small") permit(principal, action == Action::"invoice.pay", resource)
when { context.arguments has amount.number && context.arguments.amount.number.lessThanOrEqual(decimal("500.0")) };
@id("large") forbid(principal, action, resource)
when { context.arguments has amount.number && context.arguments.amount.number.greaterThan(decimal("200.0")) }
unless { context.approved };
"""


def cedar(text: str = CEDAR, **more: object) -> dict[str, object]:
    """A `[policy]` with Cedar policies, as a bundle has them."""
    return {"cedar": [{"file": "p.cedar", "text": text}], **more}


def pay(amount: object) -> Request:
    """A payment of some amount."""
    return Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": amount, "currency": "EUR"})


def needs(level: int, **more: object) -> dict[str, object]:
    """A `[policy]` under which paying needs a level of autonomy."""
    return {"action": [{"actions": ["invoice.pay"], "autonomy": level}], **more}


def with_boss(policy: dict[str, object]) -> PolicyScene:
    """A scene whose boss is the policy's approver."""
    boss = PolicyScene(None).boss.did
    return PolicyScene({**policy, "approvers": [boss]})


def test_a_decision_names_what_decided() -> None:
    """A permit, with what said so, the level in force and no score; the same in the report and as JSON."""
    grant = PolicyScene(cedar(**needs(1))).authorize()

    assert (("autonomy", "small"), 2, None) == (grant.policies, grant.autonomy, grant.score)
    assert {
        "outcome": "permit",
        "policies": ["autonomy", "small"],
        "autonomy": {"inForce": 2, "max": 2, "required": 1},
        "risk": 0,
        "score": None,
    } == grant.encode()["policy"]
    names = [each.check for each in grant.decision.checks]
    assert ["request", "policy", "approvals", "take"] == names[-4:]


def test_without_a_policy_nothing_changes() -> None:
    """No check, no member, and the chain's own level of autonomy."""
    grant = PolicyScene(None).authorize()

    assert ((), 2, None) == (grant.policies, grant.autonomy, grant.score)
    assert "policy" not in grant.encode()
    assert "policy" not in [each.check for each in grant.decision.checks]


def test_a_denial_is_before_the_take() -> None:
    """`policy_denied`, by name, under `policy`; nothing later has run, and the nonce is as good as before."""
    scene = PolicyScene(cedar())
    presented, nonce = scene.present()
    with pytest.raises(PolicyDenied, match="cedar:no-permit") as refusal:
        scene.verifier.authorize(presented, challenge=nonce, request=READ)
    report = report_of(refusal.value)

    assert ["policy_denied", None, None] == [each.code for each in report.checks[-3:]]
    assert ["refused", "not_run", "not_run"] == [each.outcome for each in report.checks[-3:]]
    assert ["cedar:no-permit"] == report.encode()["policy"]["policies"]  # type: ignore[index]  # JSON
    assert ("small",) == scene.verifier.authorize(presented, challenge=nonce, request=PAY).policies


def test_a_policy_gives_nothing() -> None:
    """What the chain does not permit is refused under `request`, whatever the policy would say."""
    scene = PolicyScene(cedar("permit(principal, action, resource);"))
    codes = [
        scene.code(request=Request("http", "invoice.delete", f"{RESOURCE}/7")),
        scene.code(request=Request("http", "invoice.pay", "https://api.partner.example/v1/payments")),
        scene.code(holder=scene.world.stranger),
    ]

    assert ["capability_target_mismatch", "capability_target_mismatch", "holder_binding_failed"] == codes


@pytest.mark.parametrize("amount", ["500.01", "9" * 30, 10**20, 700.5, ["1"], None, True, "1e3", "100.00001"])
def test_an_amount_in_any_form_is_held(amount: object) -> None:
    """Above the limit, or not readable as a number: denied, never permitted, never an exception."""
    assert "policy_denied" == PolicyScene(cedar()).code(request=pay(amount))


def test_more_autonomy_than_there_is_asks() -> None:
    """`approval_required`, with what is to be approved and by whom; an approval then permits, once."""
    scene = with_boss(needs(3))
    refusal = scene.refusal()
    assert isinstance(refusal, ApprovalRequired)
    assert refusal.approval is not None

    assert [{"approvers": [scene.boss.did], "threshold": 1}] == refusal.approval["rules"]
    assert "approvals" == next(each.check for each in report_of(refusal).checks if each.code)
    approval = scene.approval()
    grant = scene.authorize(approval)
    assert (("autonomy",), 2, 1) == (grant.policies, grant.autonomy, len(grant.approvals))
    assert "approval" == grant.encode()["policy"]["outcome"]  # type: ignore[index]  # JSON
    assert ["approval_used", "approval_required"] == [scene.code(approval), scene.code()]
    assert None is scene.code(request=READ)


def test_where_nobody_could_approve_it_is_denied() -> None:
    """No approvers in the configuration, or only the agents of the chain: a denial, not a question."""
    assert "policy_denied" == PolicyScene(needs(3)).code()
    agent = PolicyScene(None).world.agent.did

    assert "policy_denied" == PolicyScene(needs(3, approvers=[agent])).code()


def test_only_whom_the_policy_names_approves() -> None:
    """Another approver is nobody; an approval for another call is none."""
    scene = with_boss(needs(3))

    assert "issuer_untrusted" == scene.code(scene.approval(scene.auditor))
    assert "approval_required" == scene.code(scene.approval(), request=pay("100.01"))


def test_policy_and_grant_ask_together() -> None:
    """Both rules are asked and both must be met; one approver whom both name is used once."""
    scene = with_boss(needs(3))
    world = scene.world
    rule = {"when": "always", "approvers": [scene.auditor.did, scene.boss.did], "threshold": 2}
    scene.chain = world.root(capability=world.capability(grants=[{**scene.grant, "approval": rule}]))
    refusal = scene.refusal()
    assert isinstance(refusal, ApprovalRequired)
    assert refusal.approval is not None
    boss, auditor = scene.approval(), scene.approval(scene.auditor)

    assert [2, 1] == [each["threshold"] for each in refusal.approval["rules"]]  # type: ignore[attr-defined]  # rows
    assert ["approval_required", "approval_required"] == [scene.code(boss), scene.code(auditor)]
    assert 2 == len(scene.authorize(boss, auditor).approvals)


def test_cedar_can_ask() -> None:
    """`unless { context.approved }`: small is permitted, large asks, too large is denied even with an approval."""
    scene = with_boss(cedar())
    large, huge = pay("300.00"), pay("500.01")
    approval = scene.approval(request=large)

    assert [None, "approval_required", None, "approval_used", "policy_denied"] == [
        scene.code(), scene.code(request=large), scene.code(approval, request=large),
        scene.code(approval, request=large), scene.code(approval, request=huge),
    ]  # fmt: skip


def test_permits_knows_the_policy() -> None:
    """A decision made before is asked too: no, or what only `authorize` can say."""
    scene = PolicyScene(cedar())
    presented, nonce = scene.present()
    decision = scene.verifier.verify(presented, challenge=nonce)

    assert [True, False, False] == [decision.permits(each) for each in (PAY, READ, pay("501"))]
    with pytest.raises(AuthorizationRequired):
        decision.permits(pay("300"))
    watched = PolicyScene({"behaviour": {}})
    presented, nonce = watched.present()
    with pytest.raises(AuthorizationRequired):
        watched.verifier.verify(presented, challenge=nonce).permits(READ)


def test_the_environment_is_the_verifiers() -> None:
    """`context.ip` comes from the environment; an argument of that name is not it."""
    scene = PolicyScene(
        cedar("permit(principal, action, resource) when { context has ip && context.ip.isLoopback() };")
    )
    claimed = Request("http", "invoice.read", f"{RESOURCE}/7", {"env.ip": "127.0.0.1", "ip": "127.0.0.1"})

    assert ["policy_denied", None, "policy_denied", "policy_denied"] == [
        scene.code(request=claimed),
        scene.code(environment={"env.ip": "127.0.0.1"}),
        scene.code(environment={"env.ip": "10.0.0.1"}),
        scene.code(environment={"env.ip": "localhost"}),
    ]


def test_a_chains_least_autonomy_counts() -> None:
    """Of two links the lower level, wherever it stands; a child cannot have more than its parent."""
    scene = with_boss(needs(2))
    world = scene.world

    def below(level: int) -> list[Any]:
        child = {**scene.grant, "id": "c1", "from": "g1", "autonomyMax": level}
        return world.child(
            scene.chain,
            world.agent,
            world.helper,
            capability=world.capability(grants=[child], delegation={"maxDepth": 5}),
        )

    assert [None, "approval_required"] == [scene.code(chain=below(level), holder=world.helper) for level in (2, 1)]
    with pytest.raises(CapabilityNotAttenuated):
        below(3)
    assert 2 == scene.authorize(chain=below(2), holder=world.helper).autonomy


class Kept:
    """A log in memory."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []

    def append(self, bundle: dict[str, object]) -> None:
        """Keep a bundle as JSON has it."""
        self.bundles.append(json.loads(json.dumps(bundle)))


def test_decisions_replay_without_the_log() -> None:
    """Permit, denial, question and approval come out the same again, behaviour and Cedar's text included."""
    kept = Kept()
    boss = PolicyScene(None).boss.did
    scene = PolicyScene(cedar(approvers=[boss], behaviour={"demotion": [{"score": 10, "levels": 1}]}), log=kept)
    approval = scene.approval(request=pay("300"))
    codes = [scene.code(), scene.code(request=READ), scene.code(approval, request=pay("300"))]

    assert [None, "policy_denied", None] == codes
    assert 4 == len(kept.bundles)
    for bundle in kept.bundles:
        replay(bundle)
        assert bundle["decision"]["policy"]["score"] is not None


def changed(bundle: dict[str, Any], place: str, value: object) -> str | None:
    """The code with which a replay ends when one place is changed."""
    bundle = json.loads(json.dumps(bundle))
    at: Any = bundle
    *steps, last = place.split("/")
    for step in steps:
        at = at[int(step) if isinstance(at, list) else step]
    if isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    from agentdid.errors import AgentdidError  # noqa: PLC0415  # only here

    try:
        replay(bundle)
    except AgentdidError as error:
        return error.code
    return None


def test_a_changed_bundle_does_not_replay() -> None:
    """The score, what was seen, who decided, the policy, or the level: any change is found."""
    kept = Kept()
    scene = PolicyScene(cedar(**needs(1, behaviour={})), log=kept)
    scene.authorize()
    (bundle,) = kept.bundles
    place = next(number for number, each in enumerate(bundle["answers"]) if each["need"]["kind"] == "conduct")
    seen = f"answers/{place}/reply/conducts/0"
    text = bundle["question"]["trust"]["policy"]["cedar"][0]["text"]

    assert None is changed(bundle, "type", "AgentdidEvidence")
    for where, value in (
        ("decision/policy/score/total", 1),
        ("decision/policy/policies", ["autonomy"]),
        ("decision/policy/autonomy/inForce", 5),
        ("question/trust/policy/cedar/0/text", text.replace("small", "tiny")),
        ("question/trust/policy/cedar/0/text", text.replace('"500.0"', '"50.0"')),
        ("question/trust/policy/action/0/autonomy", 5),
        (f"{seen}/refused", 1),
        (f"answers/{place}/need/action", "invoice.read"),
        (f"answers/{place}/reply", "unavailable"),
    ):
        assert "evidence_mismatch" == changed(bundle, where, value)
    for where, value in ((f"{seen}/refused", -1), (f"{seen}/refused", "0"), (f"{seen}/refused", 0.0), (seen, None)):
        assert "type_mismatch" == changed(bundle, where, value)
    # an agent less is one of whom nothing is known
    assert "evidence_mismatch" == changed(bundle, f"answers/{place}/reply/conducts", [])


def test_a_bundle_opens_no_file(tmp_path: Path) -> None:
    """A bundle that names a file in place of policies is not a bundle; nothing is read for whoever wrote it."""
    kept = Kept()
    PolicyScene(cedar(), log=kept).authorize()
    secret = tmp_path / "policies.cedar"
    secret.write_text(CEDAR)

    for value in (str(secret), [str(secret)], [{"file": str(secret)}], [{"file": str(secret), "text": None}]):
        assert "type_mismatch" == changed(kept.bundles[0], "question/trust/policy/cedar", value)


def test_credentials_alone_are_judged_by_the_policy_too() -> None:
    """A chain with a request, without a holder: the same rules; its agent is the leaf's subject."""
    scene = PolicyScene(cedar())
    verifier = Verifier(scene.trust, source=scene.world, clock=scene.at())

    assert ("small",) == verifier.verify_credential(list(scene.chain), request=PAY).policies
    with pytest.raises(PolicyDenied):
        verifier.verify_credential(list(scene.chain), request=READ)


def test_an_inspection_consumes_nothing_and_is_judged() -> None:
    """`inspect` says what the policy would say."""
    scene = PolicyScene(cedar())
    presented, nonce = scene.present()

    assert ["policy_denied", None] == [
        scene.verifier.inspect(presented, challenge=nonce, request=each).code for each in (READ, PAY)
    ]
