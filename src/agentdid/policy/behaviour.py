"""What an agent has done before, and how unusual its next call is beside it.

A baseline is a count of observations, so it is the same in whatever order they come, and two that were counted apart
add up to one. Of it a judgement sees the few numbers that bear on one call (`Conduct`), from which the score follows
by whole numbers alone; so a recorded conduct gives the same score again, without the log.

Spec: specs/policy.md B14-B20.
"""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from msgspec import Struct, field, structs

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
FAULTS: Final = frozenset(
    {
        "approval_used", "capability_expanded_time", "capability_not_attenuated", "capability_target_mismatch",
        "chain_parent_revoked", "delegation_forbidden", "limit_exceeded", "policy_denied", "request_id_conflict",
        "status_revoked", "status_suspended",
    }
)  # fmt: skip
"""Refusals that say something of the agent: all of them come after it is known who presents. Not among them are that
it is to ask first (`approval_required`), and that somebody sent its words again (`nonce_replayed`)."""

MAX_SCORE: Final = 100
NEW_ACTION: Final = 30
NEW_PLACE: Final = 10
NEW_HOUR: Final = 20
PACE_STEP: Final = 20
"""For each whole time that the calls of this window exceed the busiest window before, from the second on."""
REFUSAL_STEP: Final = 10
MAX_STEPS: Final = 40
"""What pace can add at most, and what refusals can."""

MAX_ACTIONS: Final = 256
MAX_PLACES: Final = 1_024
"""More distinct ones are not told apart: every further one counts as seen."""
MAX_WINDOWS: Final = 168
"""A week of hours; the latest are kept."""
_HOURS: Final = 24


@final
class Observation(Value, frozen=True):
    """One decision about one request, as far as it says something of an agent.

    Attributes:
        at: When it was judged, aware and in UTC.
        agent: DID of the agent that acted, or that delegated to the one that did.
        action: What was asked for.
        resource: On what, in its one spelling.
        outcome: `accepted`, `refused`, …
        code: Of a refusal; else `None`.
    """

    at: datetime
    agent: str
    action: str
    resource: str
    outcome: str
    code: str | None = None


@final
class Conduct(Value, frozen=True):
    """What was seen of an agent, as far as it bears on one call.

    Attributes:
        agent: Its DID.
        accepted: Calls that were accepted, ever.
        action_seen: Whether one of them was of this action.
        place_seen: Whether one was in this place (`place_of`).
        hour: How many were at this hour of the day, in UTC.
        calls: How many are in the window of this call.
        peak: The most there were in an earlier window.
        refused: Refusals in this window and the one before.
    """

    agent: str
    accepted: int
    action_seen: bool
    place_seen: bool
    hour: int
    calls: int
    peak: int
    refused: int


@final
class Conducts(Value, frozen=True):
    """What was seen of the agents of a chain, root first: what a judgement is told of them."""

    each: tuple[Conduct, ...]


@final
class Score(Value, frozen=True):
    """How unusual a call is, 0 to 100, and by what.

    Attributes:
        agent: Whose conduct it is: of all agents of the chain, the one with the highest score.
        total: The sum of the parts, at most 100.
        parts: Name and points of each part that is not 0, in the order of the names.
    """

    agent: str
    total: int
    parts: tuple[tuple[str, int], ...]

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {"agent": self.agent, "total": self.total, "parts": dict(self.parts)}


def score_of(conduct: Conduct, learning: int) -> Score:
    """Return how unusual a call is beside what its agent did before.

    Args:
        conduct: What was seen of the agent.
        learning: How many accepted calls it takes to know what is usual; with fewer only refusals count.

    Spec: specs/policy.md B17.
    """
    parts = {"refusals": min(MAX_STEPS, REFUSAL_STEP * conduct.refused)}
    if conduct.accepted >= learning:
        parts["action"] = 0 if conduct.action_seen else NEW_ACTION
        parts["place"] = 0 if conduct.place_seen else NEW_PLACE
        parts["hour"] = 0 if conduct.hour else NEW_HOUR
        times = (conduct.calls + 1) // conduct.peak if conduct.peak else 0
        parts["pace"] = min(MAX_STEPS, PACE_STEP * max(0, times - 1))
    shown = tuple(sorted((name, points) for name, points in parts.items() if points))
    return Score(conduct.agent, min(MAX_SCORE, sum(parts.values())), shown)


def highest(scores: Iterable[Score]) -> Score:
    """Return the highest of some scores; of equal ones the first."""
    return max(scores, key=lambda each: each.total)


def find_pace(conduct: Conduct, learning: int, bound: int) -> int | None:
    """Return how many calls of this window may be accepted before the score is above `bound`; `None` for any number.

    Spec: specs/policy.md B20.
    """
    if conduct.accepted < learning or not conduct.peak:
        return None
    for times in range(2, MAX_STEPS // PACE_STEP + 2):
        calls = times * conduct.peak
        if score_of(structs.replace(conduct, calls=calls - 1), learning).total > bound:
            return calls - 1
    return None


def window_of(at: datetime, window_s: int) -> int:
    """Return the number of the window that an instant lies in, counted from 1970."""
    return int(at.timestamp()) // window_s


def hour_of(at: datetime) -> int:
    """Return the hour of the day of an instant, in UTC."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).hour


@lru_cache(maxsize=1_024)  # of resources, which have at most 2,048 characters
def place_of(resource: str) -> str:
    """Return where a resource is: itself without its last path segment, so that one place holds many of a kind."""
    scheme, mark, rest = resource.partition("://")
    path = rest.rstrip("/")
    return f"{scheme}{mark}{path.rpartition('/')[0] or path}"


@final
class Baseline(Struct, eq=True):
    """What was observed of one agent. Adding up: neither the order of observations matters, nor who saw which.

    Attributes:
        accepted: Calls that were accepted.
        actions: Their actions.
        places: Their places.
        hours: How many at each hour of the day, in UTC.
        windows: Of each window how many were accepted and how many refused; the latest `MAX_WINDOWS`.
    """

    accepted: int = 0
    actions: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    hours: list[int] = field(default_factory=lambda: [0] * _HOURS)
    windows: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, seen: Observation, window_s: int) -> None:
        """Count one observation of this agent (specs/policy.md B15)."""
        accepted = seen.outcome == ACCEPTED
        if not accepted and (seen.outcome != REFUSED or seen.code not in FAULTS):
            return
        if accepted:
            self.accepted += 1
            _remember(self.actions, {seen.action}, MAX_ACTIONS)
            _remember(self.places, {place_of(seen.resource)}, MAX_PLACES)
            self.hours[hour_of(seen.at)] += 1
        self._count(window_of(seen.at, window_s), int(accepted), int(not accepted))

    def merge(self, other: Baseline) -> None:
        """Count what was counted elsewhere."""
        self.accepted += other.accepted
        _remember(self.actions, other.actions, MAX_ACTIONS)
        _remember(self.places, other.places, MAX_PLACES)
        self.hours = [mine + theirs for mine, theirs in zip(self.hours, other.hours, strict=True)]
        for window, (accepted, refused) in other.windows.items():
            self._count(window, accepted, refused)

    def conduct(self, agent: str, action: str, resource: str, at: datetime, window_s: int) -> Conduct:
        """Return what bears on one call (specs/policy.md B16)."""
        now = window_of(at, window_s)
        earlier = [accepted for window, (accepted, _) in self.windows.items() if window < now]
        calls, refused = self.windows.get(now, (0, 0))
        return Conduct(
            agent=agent,
            accepted=self.accepted,
            action_seen=action in self.actions or len(self.actions) > MAX_ACTIONS,
            place_seen=place_of(resource) in self.places or len(self.places) > MAX_PLACES,
            hour=self.hours[hour_of(at)],
            calls=calls,
            peak=max(earlier, default=0),
            refused=refused + self.windows.get(now - 1, (0, 0))[1],
        )

    def _count(self, window: int, accepted: int, refused: int) -> None:
        before = self.windows.get(window, (0, 0))
        self.windows[window] = (before[0] + accepted, before[1] + refused)
        if len(self.windows) > MAX_WINDOWS:
            # those kept were never dropped before: of any order the same remain
            del self.windows[min(self.windows)]


def _remember(known: set[str], names: Iterable[str], size: int) -> None:
    """Add names to a set that, once it is over its size, holds the same few whatever came first."""
    known.update(names)
    if len(known) > size + 1:
        known.intersection_update(sorted(known)[: size + 1])
