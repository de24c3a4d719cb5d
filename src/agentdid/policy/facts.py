"""What a policy is asked about, and what it answers.

Everything here is established before a policy is asked: the chain holds, and it permits the request. A policy only
takes away: it lets the request be, asks for approvals, or denies, and it names what in it decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from agentdid.policy.behaviour import Score

DENY: Final = "deny"
APPROVAL: Final = "approval"
PERMIT: Final = "permit"
OUTCOMES: Final = (DENY, APPROVAL, PERMIT)
"""From the least that is allowed to the most: a conjunction is the least of its parts, a disjunction the most."""
_RANK: Final = {name: place for place, name in enumerate(OUTCOMES)}


@final
class Facts(Value, frozen=True):
    """One request, and what is established of the chain that permits it (specs/policy.md B4).

    Attributes:
        agent: DID of the leaf's subject, which acts.
        principal: DID of the party acted for.
        root: DID of the resources' owner.
        issuers: DIDs of the links' issuers, root first; the last one delegated to the agent.
        depth: Of the leaf: 0 where nobody delegated.
        security: The weakest level among the signatures: `classical`, `pq` or `hybrid`.
        purpose: What the capability is for.
        type: Of the request.
        action: Of the request.
        resource: Of the request, in its one spelling, without query.
        arguments: Of the request.
        autonomy: The level in force: the chain's least `autonomyMax`, less what behaviour takes away.
        autonomy_max: The chain's least `autonomyMax`.
        autonomy_required: What the configuration asks of this action; 0 where it asks nothing.
        risk: What the configuration says of this action, 0 to 100; 0 where it says nothing.
        at: The instant of judgement.
        ip: `env.ip`, where the verifier knows it.
        score: How unusual the call is, where behaviour is looked at.
    """

    agent: str
    principal: str
    root: str
    issuers: tuple[str, ...]
    depth: int
    security: str
    purpose: str
    type: str
    action: str
    resource: str
    arguments: Mapping[str, object]
    autonomy: int
    autonomy_max: int
    autonomy_required: int
    risk: int
    at: datetime
    ip: str | None = None
    score: Score | None = None


@final
class Verdict(Value, frozen=True):
    """What a policy says of a request.

    Attributes:
        outcome: `permit`, `approval` or `deny`.
        names: What in it decided so, sorted, each once; empty where it has nothing to say.
        reasons: Why, in words for people, sorted, each once; empty for a permit.
    """

    outcome: str
    names: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class Policy(Protocol):
    """A rule on requests. Pure: the same facts give the same verdict."""

    def judge(self, facts: Facts) -> Verdict:
        """Return what this policy says of a request."""
        ...


def least(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a conjunction: the strictest outcome, with the names of all that reached it."""
    return _merge([(_RANK[each.outcome], each) for each in verdicts], min)


def most(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a disjunction: the mildest outcome, with the names of all that reached it."""
    return _merge([(_RANK[each.outcome], each) for each in verdicts], max)


def _merge(ranked: list[tuple[int, Verdict]], choose: Callable[..., int]) -> Verdict:
    if len(ranked) == 1:
        return ranked[0][1]
    rank = choose([each for each, _ in ranked])
    names: set[str] = set()
    reasons: set[str] = set()
    for place, verdict in ranked:
        if place == rank:
            names.update(verdict.names)
            reasons.update(verdict.reasons)
    return Verdict(OUTCOMES[rank], tuple(sorted(names)), tuple(sorted(reasons)))
