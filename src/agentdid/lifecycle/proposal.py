"""A narrower capability, from what was used of a wider one. Deterministic: the same uses give the same proposal.

Rules, for what was used within the time that is looked at:

* A grant, an action or a value of an `enum` that was never used is left out.
* Of resources the places that were used stay. Three or more under one path segment stand for that segment: names of
  single things come and go. No proposal lies outside what was granted.
* Amounts and counts keep twice what was used at most; conditions that the log cannot speak about stay as they are.
* Nothing is proposed for constraints and budgets where the log does not have the arguments of every use.

Every use that was looked at is permitted by what is proposed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from agentdid.delegation.capability import CallLimit
from agentdid.delegation.charges import find_amount
from agentdid.delegation.constraints import Enum, Range, find_number
from agentdid.delegation.resources import find_normal, find_requested, is_below
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentdid.delegation.capability import BudgetLimit, Capability, CapabilityGrant
    from agentdid.lifecycle.usage import Usage

MARGIN: Final = 2
"""How many times what was used an amount may be: a month is not a year."""
_MANY: Final = 3
"""So many different names under one path segment are names of things, not of a fixed set."""
_MOST: Final = 8
"""So many places at most are proposed for a grant; more of them say nothing to whoever reads them."""
_MAX_DECIMAL: Final = 64
Json = dict[str, Any]


@final
class Proposal(Value, frozen=True):
    """What would do.

    Attributes:
        capability: The whole narrower capability, as `issue` takes it in place of what is held; `None` where nothing
            was used, so that all of it can be given up.
        narrower: The same as `wallet delegate --narrower` takes it; `None` where nothing is left, or where what is held
            cannot be passed on.
        words: What differs, and why, a sentence each.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"capability", "narrower"})

    capability: Json | None
    narrower: Json | None
    words: tuple[str, ...]


def propose(
    shown: Mapping[str, Any], capability: Capability, uses: Mapping[str, Sequence[Usage]], *, deepest: int, span: str
) -> Proposal | None:
    """Return a narrower capability for what was used of one; `None` where all of it was.

    Args:
        shown: The capability as its credential has it.
        capability: The same, parsed.
        uses: By the id of a grant, what it was used for, oldest first.
        deepest: How many links hung below it at most.
        span: The time that is looked at, in words.
    """
    words: list[str] = []
    grants: list[Json] = []
    for written, grant in zip(shown["grants"], capability.grants, strict=True):
        used = uses.get(grant.id, ())
        if not used:
            words.append(f"{grant.id} was not used in {span}: leave it out")
        else:
            grants.append(_grant(written, grant, used, span, words))
    if not grants:
        return Proposal(None, None, (f"nothing of it was used in {span}: give it up",))
    limit = min(capability.max_depth, capability.depth + deepest)
    if limit < capability.max_depth:
        passed = "was not passed on" if deepest == 0 else f"was passed on {deepest} links deep at most"
        words.append(f"it {passed} in {span}: a maxDepth of {limit} would do")
    if not words:
        return None
    whole = {
        **{name: shown[name] for name in ("root", "principal", "purpose", "audience", "minSecurity")},
        "grants": grants,
        "delegation": {"maxDepth": limit},
    }
    return Proposal(whole, _as_child(capability, grants, deepest), tuple(words))


def _as_child(capability: Capability, grants: list[Json], deepest: int) -> Json | None:
    if capability.depth >= capability.max_depth:
        return None
    below = min(capability.max_depth, capability.depth + 1 + deepest)
    return {"grants": [{**grant, "from": grant["id"]} for grant in grants], "delegation": {"maxDepth": below}}


def _grant(written: Json, grant: CapabilityGrant, used: Sequence[Usage], span: str, words: list[str]) -> Json:
    actions = [each for each in written["actions"] if any(use.action == each for use in used)]
    if unused := [each for each in written["actions"] if each not in actions]:
        words.append(f"{grant.id}: {', '.join(unused)} was not used in {span}")
    resources = _resources(grant, used)
    if set(resources) == set(grant.resources):
        resources = written["resources"]
    else:
        words.append(f"{grant.id}: only {', '.join(resources)} was used")
    made = {**written, "actions": actions, "resources": resources}
    arguments = [use.arguments for use in used if use.arguments is not None]
    whole = len(arguments) == len(used)
    made["constraints"] = {
        name: _constraint(written["constraints"][name], constraint, arguments, f"{grant.id}: {name}", words)
        if whole and all(name in each for each in arguments)
        else written["constraints"][name]
        for name, constraint in grant.constraints.items()
    }
    made["limits"] = {
        name: _calls(written["limits"][name], limit, [use.at for use in used], f"{grant.id}: {name}", words)
        if isinstance(limit, CallLimit)
        else _budget(written["limits"][name], limit, arguments if whole else [], f"{grant.id}: {name}", words)
        for name, limit in grant.limits.items()
    }
    return made


def _constraint(
    written: Json, constraint: object, arguments: Sequence[Mapping[str, Any]], name: str, words: list[str]
) -> Json:
    argument = name.partition(": ")[2]
    values = [each[argument] for each in arguments]
    if isinstance(constraint, Enum):
        kept = [each for each in written["in"] if any(type(each) is type(value) and each == value for value in values)]
        if kept and len(kept) < len(written["in"]):
            words.append(f"{name} was only {', '.join(str(each) for each in kept)}")
            return {**written, "in": kept}
    if isinstance(constraint, Range) and constraint.maximum is not None:
        numbers = [number for each in values if (number := find_number(each)) is not None]
        most = max(numbers, default=Decimal(0))
        enough = format(most * MARGIN, "f")
        if 0 < most * MARGIN < constraint.maximum and len(enough) <= _MAX_DECIMAL and _over_minimum(constraint, enough):
            words.append(f"{name} was {format(most, 'f')} at most, {written['max']} is allowed: {enough} would do")
            return {**written, "max": enough}
    return written


def _over_minimum(constraint: Range, enough: str) -> bool:
    return constraint.minimum is None or constraint.minimum <= Decimal(enough)


def _calls(written: Json, limit: CallLimit, times: Sequence[datetime], name: str, words: list[str]) -> Json:
    seconds = sorted(each.timestamp() for each in times)
    most = max(place + 1 - bisect_right(seconds, at - limit.window_s) for place, at in enumerate(seconds))
    enough = most * MARGIN
    if enough >= limit.maximum:
        return written
    words.append(f"{name} were {most} in {written['window']} at most, {limit.maximum} are allowed: {enough} would do")
    return {**written, "max": enough}


def _budget(
    written: Json, limit: BudgetLimit, arguments: Sequence[Mapping[str, Any]], name: str, words: list[str]
) -> Json:
    amounts = [find_amount(limit, each) for each in arguments]
    spent = sum((each for each in amounts if each is not None), Decimal(0))
    enough = format(spent * MARGIN, "f")
    if None in amounts or not 0 < spent * MARGIN < limit.maximum or len(enough) > _MAX_DECIMAL:
        return written
    words.append(f"{name} took {format(spent, 'f')} {limit.unit}, {written['max']} are allowed: {enough} would do")
    return {**written, "max": enough}


def _resources(grant: CapabilityGrant, used: Sequence[Usage]) -> list[str]:
    """Return the places that were used, each within what was granted; a granted place where nothing else would do."""
    places = {normal for use in used if (normal := find_requested(use.resource)) is not None}
    found: list[str] = []
    for granted in grant.resources:
        below = sorted(each for each in places if is_below(each, granted))
        places.difference_update(below)
        if not below:
            continue
        chosen = _joined(granted, below)
        fits = all(find_normal(each) == each and is_below(each, granted) for each in chosen) and all(
            any(is_below(each, top) for top in chosen) for each in below
        )
        found += chosen if fits else [granted]
    return list(dict.fromkeys(found))


def _joined(granted: str, places: list[str]) -> list[str]:
    """Return places that have all of these at or below them: many under one segment become that segment."""
    chosen = set(places)
    while True:
        under: dict[str, set[str]] = defaultdict(set)
        for each in chosen:
            if each != granted:
                under[_above(each, granted)].add(each)
        crowded = sorted(
            (top for top, names in under.items() if len(names) >= _MANY), key=lambda top: (-top.count("/"), top)
        )
        if not crowded and len(chosen) > _MOST:  # the deepest first, so that as little as possible is added
            crowded = sorted(under, key=lambda top: (-top.count("/"), -len(under[top]), top))[:1]
        if not crowded:
            return sorted(
                each for each in chosen if not any(other != each and is_below(each, other) for other in chosen)
            )
        top = crowded[0]
        chosen = {each for each in chosen if not is_below(each, top)} | {top}


def _above(place: str, granted: str) -> str:
    """Return the path segment above a place, or what was granted where that is not below it."""
    head = place.rstrip("/").rpartition("/")[0]
    normal = find_normal(head)
    return normal if normal is not None and is_below(normal, granted) else granted
