"""Small policies that need no engine, and how policies compose.

Each states one condition; where it does not hold, the answer is `otherwise`: `deny`, or `approval`. Composition is
that of a lattice (deny < approval < permit): `AllOf` is the least of its parts, `AnyOf` the most. Either of nothing is
a mistake, not a yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.policy.facts import DENY, PERMIT, Verdict, least, most
from agentdid.record import Value
from agentdid.secure.mechanism import SECURITY_LEVELS

if TYPE_CHECKING:
    from agentdid.delegation.constraints import TimeWindow
    from agentdid.policy.facts import Facts, Policy

_YES: Final = Verdict(PERMIT)


class _Rule(Protocol):
    """What each of the small policies has: its name, and what it answers where its condition does not hold."""

    @property
    def name(self) -> str: ...

    @property
    def otherwise(self) -> str: ...


def _answer(rule: _Rule, holds: bool, detail: str) -> Verdict:
    return Verdict(PERMIT, (rule.name,)) if holds else Verdict(rule.otherwise, (rule.name,), (detail,))


@final
class MinSecurity(Value, frozen=True):
    """Every signature withstands at least this: `classical`, `pq` or `hybrid`."""

    level: str
    otherwise: str = DENY
    name: str = "min_security"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        holds = SECURITY_LEVELS.index(facts.security) >= SECURITY_LEVELS.index(self.level)
        detail = f"the signatures are not all {self.level} or better"
        return _answer(self, holds, detail)


@final
class MaxDepth(Value, frozen=True):
    """The capability was delegated at most so often."""

    depth: int
    otherwise: str = DENY
    name: str = "max_depth"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = f"the capability was delegated more than {self.depth} times"
        return _answer(self, facts.depth <= self.depth, detail)


@final
class Within(Value, frozen=True):
    """It is within some hours of some days (the constraint `timeWindow`)."""

    hours: TimeWindow
    otherwise: str = DENY
    name: str = "within"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = "it is not within the hours of the policy"
        return _answer(self, self.hours.permits(facts.at), detail)


@final
class AutonomyAtMost(Value, frozen=True):
    """The action asks for no more autonomy than this, however much the chain has."""

    level: int
    otherwise: str = DENY
    name: str = "autonomy_at_most"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = f"the action asks for a level of autonomy above {self.level}"
        holds = facts.autonomy_required <= self.level
        return _answer(self, holds, detail)


@final
class PurposeIn(Value, frozen=True):
    """The capability is for one of these purposes, in exactly these words."""

    purposes: frozenset[str]
    otherwise: str = DENY
    name: str = "purpose_in"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = "the capability is for another purpose than the policy allows"
        return _answer(self, facts.purpose in self.purposes, detail)


@final
class PrincipalIn(Value, frozen=True):
    """It is done for one of these parties."""

    principals: frozenset[str]
    otherwise: str = DENY
    name: str = "principal_in"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = "the principal is none that the policy allows"
        return _answer(self, facts.principal in self.principals, detail)


@final
class RiskAtMost(Value, frozen=True):
    """The configured risk of the action is at most this."""

    risk: int
    otherwise: str = DENY
    name: str = "risk_at_most"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = f"the action's risk is above {self.risk}"
        return _answer(self, facts.risk <= self.risk, detail)


@final
class ScoreAtMost(Value, frozen=True):
    """The call is at most so unusual; where behaviour is not looked at, it does not hold."""

    score: int
    otherwise: str = DENY
    name: str = "score_at_most"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        detail = f"the call is more unusual than {self.score}"
        holds = facts.score is not None and facts.score.total <= self.score
        return _answer(self, holds, detail)


@final
class Autonomy(Value, frozen=True):
    """The level in force is at least what the action asks for; else people are asked. Part of every verifier's rules.

    Spec: specs/policy.md B8.
    """

    otherwise: str
    name: str = "autonomy"

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        if not facts.autonomy_required:
            return _YES
        detail = f"the action asks for autonomy {facts.autonomy_required}, and {facts.autonomy} is in force"
        holds = facts.autonomy >= facts.autonomy_required
        return _answer(self, holds, detail)


@final
class When(Value, frozen=True):
    """A policy on some actions; of all others it says nothing, which permits.

    Attributes:
        actions: Literal names, or everything below a name with a trailing `.*`.
        policy: What is said of them.
    """

    actions: tuple[str, ...]
    policy: Policy

    def judge(self, facts: Facts) -> Verdict:
        """Return what it says of a request."""
        return self.policy.judge(facts) if is_among(facts.action, self.actions) else _YES


@final
class AllOf(Value, frozen=True):
    """Every part must permit. No parts is a mistake, not a yes."""

    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            message = "AllOf needs at least one policy"
            raise ValueError(message)

    def judge(self, facts: Facts) -> Verdict:
        """Return the least of what the parts say."""
        return least(each.judge(facts) for each in self.parts)


@final
class AnyOf(Value, frozen=True):
    """One part that permits is enough. No parts is a mistake, not a no."""

    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            message = "AnyOf needs at least one policy"
            raise ValueError(message)

    def judge(self, facts: Facts) -> Verdict:
        """Return the most of what the parts say."""
        return most(each.judge(facts) for each in self.parts)


def is_among(action: str, patterns: tuple[str, ...]) -> bool:
    """Whether an action is one of these names, or below one that ends in `.*`."""
    return any(action.startswith(each[:-1]) if each.endswith(".*") else action == each for each in patterns)
