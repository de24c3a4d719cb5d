"""A verifier's own rules: the `[policy]` of its trust file, ready to judge.

What is configured is kept beside what was made of it, file contents included, so that a decision can be replayed from
its bundle alone.

Spec: specs/policy.md B1-B8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.policy.behaviour import find_pace, highest, score_of
from agentdid.policy.builtin import is_among
from agentdid.policy.facts import APPROVAL
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.policy.behaviour import Conduct, Score
    from agentdid.policy.cedar import CedarPolicy
    from agentdid.policy.facts import Facts, Policy, Verdict

MAX_RISK: Final = 100


@final
class ActionRow(Value, frozen=True):
    """What is asked of some actions.

    Attributes:
        actions: Literal names, or everything below a name with a trailing `.*`.
        autonomy: The level that they need; 0 for none.
        risk: 0 to 100.
    """

    actions: tuple[str, ...]
    autonomy: int
    risk: int


@final
class Demotion(Value, frozen=True):
    """By how many levels an agent's autonomy is lowered while its score is at least so high."""

    score: int
    levels: int


@final
class BehaviourRule(Value, frozen=True):
    """How behaviour is looked at.

    Attributes:
        window_s: How long one window of the baseline is.
        learning: How many accepted calls it takes to know what is usual of an agent.
        demotions: Of those whose score is reached, the one with most levels counts.
    """

    window_s: int
    learning: int
    demotions: tuple[Demotion, ...]

    def levels(self, score: Score | None) -> int:
        """Return by how many levels autonomy is lowered (specs/policy.md B18)."""
        if score is None:
            return 0
        return max((each.levels for each in self.demotions if score.total >= each.score), default=0)

    def score(self, conducts: Sequence[Conduct]) -> Score:
        """Return the score of a call: the highest among the agents of its chain (specs/policy.md B17)."""
        return highest(score_of(each, self.learning) for each in conducts)

    def pace(self, conducts: Sequence[Conduct], spare: int) -> tuple[tuple[str, int], ...]:
        """Return how many calls of this window each agent may make before it is demoted by more than `spare` levels.

        Agents without such a bound are left out.
        """
        reached = [each.score for each in self.demotions if each.levels > spare]
        if not reached:
            return ()
        found = ((each.agent, find_pace(each, self.learning, min(reached) - 1)) for each in conducts)
        return tuple((agent, calls) for agent, calls in found if calls is not None)


@final
class Rules(Value, frozen=True, eq=False):
    """What a verifier wants of requests beyond what is true.

    Attributes:
        source: The table it was made of, with the content of the files it names.
        policy: All that is to permit: autonomy, the configured rules, and Cedar's policies.
        rows: What actions need, and how risky they are.
        approvers: DIDs whose approvals count where the policy asks for one.
        threshold: How many distinct ones it takes.
        behaviour: How behaviour is looked at; `None` for not at all.
        cedar: Cedar's policies among them, if there are any.
    """

    source: Mapping[str, object]
    policy: Policy
    rows: tuple[ActionRow, ...]
    approvers: frozenset[str]
    threshold: int
    behaviour: BehaviourRule | None
    cedar: CedarPolicy | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self.source == other.source

    def __hash__(self) -> int:
        return hash((self.approvers, self.threshold, self.rows))

    def required(self, action: str) -> int:
        """Return the level of autonomy that an action needs: the highest of the rows that name it (B7)."""
        return max((row.autonomy for row in self.rows if is_among(action, row.actions)), default=0)

    def risk(self, action: str) -> int:
        """Return how risky an action is: the highest of the rows that name it (B7)."""
        return max((row.risk for row in self.rows if is_among(action, row.actions)), default=0)

    def judge(self, facts: Facts) -> Verdict:
        """Return what the rules say of a request."""
        return self.policy.judge(facts)


@final
class Ruling(Value, frozen=True):
    """How the rules of a verifier decided on one request.

    Attributes:
        outcome: `permit`, `approval` or `deny`.
        policies: What decided so, by name.
        autonomy: The level in force.
        autonomy_max: The chain's least `autonomyMax`.
        autonomy_required: What the action needs.
        risk: Of the action.
        score: How unusual the call was, where behaviour is looked at.
        approvers: Whose approvals count, where one is or could be asked for; nobody's where too few could give one.
        threshold: How many it takes.
        pace: Agents of the chain, and how many calls of this window they may make before they are demoted.
        window: The number of this window, where there is a pace.
    """

    outcome: str
    policies: tuple[str, ...]
    autonomy: int
    autonomy_max: int
    autonomy_required: int
    risk: int
    score: Score | None = None
    approvers: frozenset[str] = frozenset()
    threshold: int = 0
    pace: tuple[tuple[str, int], ...] = ()
    window: int = 0

    @property
    def asks(self) -> bool:
        """Whether approvals are needed."""
        return self.outcome == APPROVAL

    def encode(self) -> dict[str, object]:
        """Return it as JSON (specs/policy.md B21)."""
        return {
            "outcome": self.outcome,
            "policies": list(self.policies),
            "autonomy": {"inForce": self.autonomy, "max": self.autonomy_max, "required": self.autonomy_required},
            "risk": self.risk,
            "score": None if self.score is None else self.score.encode(),
        }
