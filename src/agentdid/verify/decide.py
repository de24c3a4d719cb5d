"""The decision: what was established, what it permits, until when; and the grant to do one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn, final

from msgspec import structs

from agentdid.codec.instant import encode_instant
from agentdid.delegation.resources import find_requested
from agentdid.errors import (
    AgentdidError,
    AuthorizationRequired,
    CapabilityTargetMismatch,
    Refused,
)
from agentdid.record import Value
from agentdid.verify.report import Report
from agentdid.verify.root import is_root_action
from agentdid.verify.security import weakest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentdid.clock import Clock
    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability, CapabilityGrant
    from agentdid.delegation.usage import Request
    from agentdid.policy.behaviour import Score
    from agentdid.policy.rules import Ruling
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.anchors import Trust
    from agentdid.verify.case import Case, Question
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.report import CheckResult, Named
    from agentdid.verify.states import Link, Parsed, Verified


@final
class Decision(Value, frozen=True):
    """What a verifier established of one input. There is one only when every check passed.

    Attributes:
        verified: The input, verified.
        recipe: The checks, all of which passed.
        question: What was asked, and by which policy it was judged.
        exchange: Every question to the outside with its answer.
        clock: Tells `permits` whether the decision may still be relied upon.
        ruling: How the verifier's own policy decided on the request, where it has one and there was one.
        receipt: What its verifier signed about it, where it gives receipts (specs/decision-receipt.md).
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"recipe", "question", "exchange", "clock", "receipt"})

    verified: Verified
    recipe: Sequence[Named]
    question: Question
    exchange: Sequence[tuple[Need, Reply]]
    clock: Clock
    receipt: str | None = None
    ruling: Ruling | None = None

    def __bool__(self) -> NoReturn:
        message = "a Decision is no yes or no: ask decision.permits(request), or use Verifier.authorize"
        raise TypeError(message)

    @property
    def code(self) -> None:
        """The code of what went wrong: nothing did."""
        return

    @property
    def report(self) -> Report:
        """How each check ended."""
        return Report(
            self.recipe, len(self.recipe), None, self.question, self.exchange, self.verified.parsed, self.ruling
        )

    @property
    def policies(self) -> tuple[str, ...]:
        """What in the verifier's own policy decided, by name; nothing where it has none, or there was no request."""
        return () if self.ruling is None else self.ruling.policies

    @property
    def score(self) -> Score | None:
        """How unusual the call was, where the verifier looks at behaviour."""
        return None if self.ruling is None else self.ruling.score

    @property
    def trust(self) -> Trust:
        """The policy it was judged by."""
        return self.question.trust

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """How each check ended, in order."""
        return self.report.checks

    @property
    def at(self) -> datetime:
        """The instant of judgement."""
        return self.verified.at

    @property
    def capability(self) -> Capability | None:
        """What the leaf of the chain grants, void grants left out; `None` without a chain."""
        chain = [link.capability for link in self.verified.parsed.chain if link.capability is not None]
        if not chain:
            return None
        from agentdid.delegation.usage import live_grants  # noqa: PLC0415  # only capabilities need it

        return structs.replace(chain[-1], grants=live_grants(chain, self.verified.void))

    @property
    def holder(self) -> str | None:
        """The DID that presented; `None` when bare credentials were judged."""
        presentation = self.verified.parsed.presentation
        return None if presentation is None else presentation.signer

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The credentials as disclosed: the chain, root first, then the others."""
        # copies: a link that is known to the verifier is shared by all decisions on it
        return tuple(link.credential.copy() for link in self.verified.parsed.links)

    @property
    def security_level(self) -> str:
        """The weakest level among the signatures, of status lists too: `classical`, `pq` or `hybrid`."""
        parsed = self.verified.parsed
        steps = [link.secured.level for link in parsed.links]
        if parsed.presentation is not None:
            steps.append(parsed.presentation.level)
        return weakest([*steps, *self.verified.lists])

    @property
    def downgraded(self) -> bool:
        """Whether the policy took a classical signature of a DID that has post-quantum keys (`classical-ok`)."""
        return self.verified.downgraded

    @property
    def safe_until(self) -> datetime:
        """The instant after which keys, status or validity must be looked at again (specs/verification.md V36)."""
        verified = self.verified
        ends = [each.until for each in verified.evidence]
        for link in verified.parsed.links:  # as `Verified.freshness`, which says by what
            until, expires = link.credential.valid_until, link.secured.expires
            if until is not None:
                ends.append(until)
            if expires is not None:
                ends.append(expires)
        return min(ends, default=verified.at)

    def permits(self, request: Request, *, at: datetime | None = None) -> bool:
        """Whether every link of the chain permits `request`, and the decision may still be relied upon.

        Pure: nothing is consumed and nobody is asked.

        Raises:
            AuthorizationRequired: The exercised grant has limits or an approval rule, or the verifier's own policy
                looks at behaviour or asks for an approval, which only `Verifier.authorize` can judge.

        Spec: specs/verification.md V34-V36.
        """
        now = self.clock.now() if at is None else at
        if now > self.safe_until:
            return False
        try:
            verified = self.verified
            exercised = exercise_chain(self.trust, verified.parsed, verified.void, verified.anchors, request, {})
        except Refused:
            return False
        from agentdid.delegation.usage import has_limits  # noqa: PLC0415  # as above

        if any(has_limits(grant) or grant.approval is not None for grant in exercised):
            raise AuthorizationRequired("the grant has limits or an approval rule; call Verifier.authorize")
        if self.trust.policy is None:
            return True
        from agentdid.verify.policy import judge_later  # noqa: PLC0415  # most verifiers state none

        outcome = judge_later(self, exercised, request, now)
        if outcome == "approval":
            raise AuthorizationRequired("the verifier's policy asks for more than a decision has; call authorize")
        return outcome == "permit"

    def encode(self) -> dict[str, object]:
        """Return the decision as JSON; the same inputs give the same bytes under RFC 8785."""
        return {
            **self.report.encode(),
            "at": encode_instant(self.at),
            "safeUntil": encode_instant(self.safe_until),
            "securityLevel": self.security_level,
            "downgraded": self.downgraded,
            "holder": self.holder,
            "links": [
                {
                    "id": link.credential.id,
                    "issuer": link.credential.issuer,
                    "subject": link.subject,
                    "types": list(link.credential.types),
                    "digest": link.secured.digest.hex(),
                }
                for link in self.verified.parsed.links
            ],
            "freshness": [{"by": each.by, "until": encode_instant(each.until)} for each in self.verified.freshness],
        }


@final
class Grant(Value, frozen=True):
    """Permission for one request, given by one presentation, consumed with its nonce.

    Attributes:
        decision: What it rests on.
        request: What is permitted.
        exercised: The grant used at each link, root first.
        approvals: The credentials by which people agreed to it, each used once more.
        repeated: Whether the same call was permitted and charged before under the same request id: whoever acts on it
            again answers as before, and does nothing twice.
    """

    decision: Decision
    request: Request
    exercised: tuple[CapabilityGrant, ...]
    approvals: tuple[Link, ...] = ()
    repeated: bool = False

    @property
    def receipt(self) -> str | None:
        """What its verifier signed about it, where it gives receipts."""
        return self.decision.receipt

    @property
    def agent(self) -> str | None:
        """The DID of the agent that acts."""
        return self.decision.holder

    @property
    def principal(self) -> str:
        """The DID of the party acted for."""
        capability = self.decision.capability
        return "" if capability is None else capability.principal

    @property
    def policies(self) -> tuple[str, ...]:
        """What in the verifier's own policy decided, by name; nothing where it has none."""
        return self.decision.policies

    @property
    def score(self) -> Score | None:
        """How unusual the call was, where the verifier looks at behaviour."""
        return self.decision.score

    @property
    def autonomy(self) -> int:
        """The level of autonomy in force: the chain's least `autonomyMax`, less what behaviour took away."""
        ruling = self.decision.ruling
        return min(grant.autonomy_max for grant in self.exercised) if ruling is None else ruling.autonomy

    @property
    def delegators(self) -> tuple[str, ...]:
        """The DIDs through whose hands the capability went, root first."""
        return tuple(link.credential.issuer for link in self.decision.verified.parsed.chain)

    def encode(self) -> dict[str, object]:
        """Return the decision as JSON, with the request and the exercised grants."""
        return {
            **self.decision.encode(),
            "grant": {
                "agent": self.agent,
                "principal": self.principal,
                "delegators": list(self.delegators),
                "action": self.request.action,
                "resource": self.request.resource,
                "exercised": [grant.id for grant in self.exercised],
                "approvals": [link.credential.id for link in self.approvals],
                "repeated": self.repeated,
            },
        }


def exercise_chain(
    trust: Trust,
    parsed: Parsed,
    void: frozenset[str],
    anchors: tuple[Anchor, ...],
    request: Request,
    environment: Mapping[str, object],
) -> tuple[CapabilityGrant, ...]:
    """Return the grant exercised at each link, root first.

    Raises:
        CapabilityTargetMismatch: No leaf grant permits the request at every link, its root does not own the
            resource, or no anchor lets its root grant the action.

    Spec: specs/verification.md V34-V35.
    """
    if not parsed.chain:
        raise CapabilityTargetMismatch("no capability was presented")
    chain = [link.capability for link in parsed.chain if link.capability is not None]
    resource = find_requested(request.resource)
    if resource is None:
        raise CapabilityTargetMismatch("the resource's form is one that no grant can permit", path="/resource")
    if not trust.any_issuer and trust.find_root(resource) != chain[0].root:
        raise CapabilityTargetMismatch("the capability's root does not own the resource", path="/resource")
    if not is_root_action(trust, parsed.chain, anchors, request.action):
        raise CapabilityTargetMismatch("no anchor lets the root grant this action", path="/action")
    from agentdid.delegation.usage import exercise  # noqa: PLC0415  # as above

    return exercise(chain, request, environment, void)


def check_request(case: Case) -> None:
    """Hold that the chain permits the request at every link; sets `case.exercised`.

    Raises:
        CapabilityTargetMismatch: It does not.

    Spec: specs/verification.md V34-V35.
    """
    question = case.question
    if question.request is None:
        message = "check_request needs a request"
        raise TypeError(message)
    environment = {"env.time": question.at, **question.environment}
    case.exercised = exercise_chain(
        question.trust, case.parsed, case.void, case.root_anchors, question.request, environment
    )


def as_outcome(result: Decision | Grant | AgentdidError) -> dict[str, object]:
    """Return the JSON of a decision, a grant or a refusal, the same shape for all three."""
    if isinstance(result, AgentdidError):
        report = result.report
        if report is None:
            return {"outcome": result.family, **result.as_problem(), "checks": []}
        return report.encode()  # type: ignore[no-any-return,attr-defined]  # a Report, by verify.flow
    return result.encode()
