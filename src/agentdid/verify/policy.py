"""The verifier's own policy on a request that the chain permits: facts gathered, rules asked, outcome noted.

It takes away and never gives: what the chain does not permit does not come here. An approval that it asks for is had
and used up where those of the chain are (`verify.consume`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from agentdid.delegation.capability import Approval
from agentdid.delegation.charges import Charge, name_of
from agentdid.delegation.resources import find_requested
from agentdid.errors import PolicyDenied, StoreUnavailable
from agentdid.policy.behaviour import Conducts, Observation, window_of
from agentdid.policy.facts import APPROVAL, DENY, PERMIT, Facts
from agentdid.policy.rules import Ruling
from agentdid.record import Value
from agentdid.verify.needs import NeedConduct
from agentdid.verify.security import weakest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from agentdid.delegation.capability import CapabilityGrant
    from agentdid.delegation.usage import Request
    from agentdid.policy.behaviour import Conduct, Score
    from agentdid.policy.facts import Verdict
    from agentdid.policy.rules import Rules
    from agentdid.verify.case import Case, Question
    from agentdid.verify.decide import Decision
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Parsed

NAME: Final = "policy"
"""How the policy is called among those that ask for approvals."""


@final
class PolicyAsks(Value, frozen=True):
    """The verifier's own rule on approvals, in the form that grants have theirs (`delegation.approval.Asking`)."""

    approval: Approval
    id: str = NAME


def check_policy(case: Case) -> Generator[Need, Reply, None]:
    """Hold that the verifier's own policy lets the request be; sets `case.ruling`.

    Raises:
        PolicyDenied: It does not; or it asks for an approval that nobody is configured to give.
        StoreUnavailable: It looks at behaviour, and what was seen of the agent cannot be had.

    Spec: specs/verification.md V44.
    """
    question = case.question
    rules, request = question.trust.policy, question.request
    if rules is None or request is None:
        return
    agents = case.parsed.agents
    conducts: tuple[Conduct, ...] = ()
    score = None
    if rules.behaviour is not None:
        window_s = rules.behaviour.window_s
        reply = yield NeedConduct(agents, request.action, _resource(request), question.at, window_s)
        conducts = _conducts(reply, agents)
        score = rules.behaviour.score(conducts)
    facts = _facts(rules, case.parsed, case.levels, case.exercised, request, question.at, question.environment, score)
    verdict = rules.judge(facts)
    ruling = case.ruling = _rule(rules, facts, verdict, conducts)
    if verdict.outcome == DENY:
        raise PolicyDenied(f"{_decided(verdict)}: {'; '.join(verdict.reasons)}")
    if verdict.outcome == APPROVAL and len(ruling.approvers - frozenset(agents)) < ruling.threshold:
        reasons = "; ".join(verdict.reasons)
        raise PolicyDenied(f"{_decided(verdict)}: {reasons}; and too few are configured who could approve it")


def judge_later(decision: Decision, exercised: Sequence[CapabilityGrant], request: Request, at: datetime) -> str:
    """Return what the policy says of a request on a decision that was made before: `permit`, `approval` or `deny`.

    What only `Verifier.authorize` can find out, what was seen of the agent and who approved, counts as `approval`.
    """
    rules = decision.trust.policy
    if rules is None:
        return PERMIT
    if rules.behaviour is not None:
        return APPROVAL
    verified = decision.verified
    facts = _facts(rules, verified.parsed, verified.lists, exercised, request, at, {}, None)
    return rules.judge(facts).outcome


def find_rule(ruling: Ruling) -> PolicyAsks | None:
    """Return the policy's rule on approvals, if it asks for any of this request, or would of a faster agent."""
    if not ruling.approvers or not (ruling.asks or ruling.pace):
        return None
    return PolicyAsks(Approval(None, ruling.approvers, ruling.threshold))


def paces_of(case: Case, ruling: Ruling, keep_until: datetime) -> tuple[Charge, ...]:
    """Return what counts the calls of each agent in this window, up to those after which it would be demoted.

    The store counts them in the same step that takes the nonce, so no more are let through side by side than one
    after the other, whatever each judgement had seen before (specs/policy.md B20).
    """
    rules = case.question.trust.policy
    behaviour = None if rules is None else rules.behaviour
    if behaviour is None:
        return ()
    end = datetime.fromtimestamp((ruling.window + 1) * behaviour.window_s, UTC)
    return tuple(
        Charge(
            key=name_of("pace", case.question.trust.did, agent, str(ruling.window)),
            amount="1",
            maximum=str(calls),
            window_s=None,
            keep_until=max(end, keep_until),
            place=f"pace/{agent}",
            pace=True,
        )
        for agent, calls in ruling.pace
    )


def observations_of(question: Question, agents: Sequence[str], outcome: str, code: str | None) -> list[Observation]:
    """Return what a decision says of the agents of its chain (specs/policy.md B14)."""
    request = question.request
    if request is None:
        return []
    resource = _resource(request)
    return [Observation(question.at, agent, request.action, resource, outcome, code) for agent in agents]


def autonomy_of(exercised: Sequence[CapabilityGrant]) -> int:
    """Return the chain's level of autonomy: the least `autonomyMax` of the exercised grants; 0 of none."""
    return min((grant.autonomy_max for grant in exercised), default=0)


def _conducts(reply: Reply, agents: tuple[str, ...]) -> tuple[Conduct, ...]:
    if isinstance(reply, Conducts) and tuple(each.agent for each in reply.each) == agents:
        return reply.each
    raise StoreUnavailable("what was seen of the agent before cannot be had")


def _facts(
    rules: Rules, parsed: Parsed, levels: Sequence[str], exercised: Sequence[CapabilityGrant], request: Request,
    at: datetime, environment: Mapping[str, object], score: Score | None,
) -> Facts:  # fmt: skip
    chain = parsed.chain
    leaf = chain[-1].capability
    if leaf is None:
        message = "a chain holds capability credentials only"
        raise TypeError(message)
    autonomy_max = autonomy_of(exercised)
    lowered = 0 if rules.behaviour is None else rules.behaviour.levels(score)
    steps = [link.secured.level for link in parsed.links]
    if parsed.presentation is not None:
        steps.append(parsed.presentation.level)
    ip = environment.get("env.ip")
    return Facts(
        agent=chain[-1].subject or "",
        principal=leaf.principal,
        root=leaf.root,
        issuers=tuple(link.credential.issuer for link in chain),
        depth=leaf.depth,
        security=weakest([*steps, *levels]),
        purpose=leaf.purpose,
        type=request.type,
        action=request.action,
        resource=_resource(request),
        arguments=request.arguments,
        autonomy=max(0, autonomy_max - lowered),
        autonomy_max=autonomy_max,
        autonomy_required=rules.required(request.action),
        risk=rules.risk(request.action),
        at=at if at.tzinfo is UTC else at.astimezone(UTC),
        ip=ip if isinstance(ip, str) else None,
        score=score,
    )


def _resource(request: Request) -> str:
    return find_requested(request.resource) or request.resource


def _rule(rules: Rules, facts: Facts, verdict: Verdict, conducts: tuple[Conduct, ...]) -> Ruling:
    asks = verdict.outcome == APPROVAL
    pace: tuple[tuple[str, int], ...] = ()
    if rules.behaviour is not None and facts.autonomy_required and not asks:
        pace = rules.behaviour.pace(conducts, facts.autonomy_max - facts.autonomy_required)
    return Ruling(
        outcome=verdict.outcome,
        policies=verdict.names,
        autonomy=facts.autonomy,
        autonomy_max=facts.autonomy_max,
        autonomy_required=facts.autonomy_required,
        risk=facts.risk,
        score=facts.score,
        approvers=rules.approvers if asks or pace else frozenset(),
        threshold=rules.threshold,
        pace=pace,
        window=window_of(facts.at, rules.behaviour.window_s) if pace and rules.behaviour is not None else 0,
    )


def _decided(verdict: Verdict) -> str:
    return ", ".join(verdict.names) or NAME
