"""What two capabilities allow both: a child carried over to a new parent, with nothing broader in it.

For re-minting a link under a parent that was renewed or narrowed. What comes out is held against both by `narrowing`;
where two conditions have no common form that is narrower than either, the grant is left out and named.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.delegation.capability import BudgetLimit, CallLimit, parse_grant
from agentdid.delegation.constraints import Cidr, Enum, Range, parse_constraint
from agentdid.delegation.narrowing import constraint_narrower, find_wider
from agentdid.delegation.resources import find_normal, is_below
from agentdid.errors import AgentdidError, CapabilityNotAttenuated
from agentdid.record import Value
from agentdid.secure.mechanism import SECURITY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.delegation.capability import CapabilityGrant, Limit

_EQUAL: Final = ("root", "principal", "purpose")
Json = dict[str, Any]


@final
class Met(Value, frozen=True):
    """What is left of a child under another parent.

    Attributes:
        capability: As `delegate` takes it; `None` where nothing is left.
        lost: Ids of the child's grants that could not be carried over, each with why.
        changed: Ids of those that came out narrower than they were.
    """

    capability: Json | None
    lost: tuple[tuple[str, str], ...]
    changed: tuple[str, ...]


def meet_parent(child: Mapping[str, Any], parent: Mapping[str, Any]) -> Met:
    """Return a child's capability cut down to what a new parent allows; grants keep their ids and their `from`.

    Args:
        child: The capability of the link as it was.
        parent: That of the new parent, as disclosed.

    Raises:
        CapabilityNotAttenuated: The parent is for another root, principal or purpose.
    """
    for name in _EQUAL:
        if child[name] != parent[name]:
            raise CapabilityNotAttenuated("the new parent has another", path=f"/{name}")
    above = {grant["id"]: grant for grant in parent["grants"]}
    grants, lost, changed = [], [], []
    for grant in child["grants"]:
        source = above.get(grant["from"])
        if source is None:
            lost.append((grant["id"], f"the new parent has no grant {grant['from']}"))
            continue
        met = meet_grants(grant, source)
        if met is None:
            lost.append((grant["id"], f"it has nothing in common with the new parent's {grant['from']}"))
            continue
        if met != grant:
            changed.append(grant["id"])
        grants.append(met)
    audience = [did for did in child["audience"] if did in parent["audience"]]
    if not grants or not audience:
        return Met(None, tuple(lost), tuple(changed))
    levels = (child["minSecurity"], parent["minSecurity"])
    capability = {
        **{name: child[name] for name in _EQUAL},
        "grants": grants,
        "audience": audience,
        "delegation": {"maxDepth": min(each["delegation"]["maxDepth"] for each in (child, parent))},
        "minSecurity": max(levels, key=SECURITY_LEVELS.index),
    }
    return Met(capability, tuple(lost), tuple(changed))


def meet_grants(one: Json, other: Json) -> Json | None:
    """Return a grant that is narrower than both, with the id and `from` of the first; `None` where there is none."""
    first, second = parse_grant(one), parse_grant(other)
    met = _meet(one, other, (first, second))
    if met is None:
        return None
    try:
        made = parse_grant(met)
    except AgentdidError:
        return None  # the two together have no form that a grant may have
    return met if find_wider(made, first) is None and find_wider(made, second) is None else None


def _meet(one: Json, other: Json, read: tuple[CapabilityGrant, CapabilityGrant]) -> Json | None:
    actions = [each for each in one["actions"] if each in other["actions"]]
    resources = _resources(one["resources"], other["resources"])
    if one["type"] != other["type"] or not actions or not resources:
        return None
    constraints = dict(one["constraints"])
    for name, constraint in other["constraints"].items():
        met = _constraint(constraints[name], constraint) if name in constraints else constraint
        if met is None:
            return None
        constraints[name] = met
    limits = dict(one["limits"])
    for name, limit in other["limits"].items():
        least = limit
        if name in limits:
            if (found := _limit(limits[name], limit, *(each.limits[name] for each in read))) is None:
                return None
            least = found
        limits[name] = least
    approval = one["approval"] or other["approval"]
    if one["approval"] is not None and other["approval"] is not None:
        approval = _approval(one["approval"], other["approval"])
    return {
        **one,
        "actions": actions,
        "resources": resources,
        "constraints": constraints,
        "limits": limits,
        "approval": approval,
        "autonomyMax": min(one["autonomyMax"], other["autonomyMax"]),
    }


def _resources(one: list[str], other: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in one:
        for above in other:
            lower, upper = find_normal(text), find_normal(above)
            if lower is None or upper is None:
                continue
            if is_below(lower, upper):
                found.setdefault(lower, text)
            elif is_below(upper, lower):
                found.setdefault(upper, above)
    return list(found.values())


def _constraint(one: Json, other: Json) -> Json | None:
    first, second = parse_constraint(one, ""), parse_constraint(other, "")
    if constraint_narrower(first, second):
        return one
    if constraint_narrower(second, first):
        return other
    match first, second:
        case Enum(), Enum():
            kept = [each for each in one["in"] if second.permits(each)]
            return {"type": "enum", "in": kept} if kept else None
        case Range(), Range():
            bounds = {"type": "range"}
            for name, side, choose in (("min", "minimum", max), ("max", "maximum", min)):
                known = [
                    (getattr(each, side), shown[name])
                    for each, shown in ((first, one), (second, other))
                    if getattr(each, side) is not None
                ]
                if known:
                    bounds[name] = choose(known)[1]
            return bounds
        case Cidr(), Cidr():
            inside = [
                text
                for texts, against in ((one["in"], second), (other["in"], first))
                for text in texts
                if constraint_narrower(parse_constraint({"type": "cidr", "in": [text]}, ""), against)
            ]
            return {"type": "cidr", "in": list(dict.fromkeys(inside))} if inside else None
        case _:
            return None


def _limit(one: Json, other: Json, first: Limit, second: Limit) -> Json | None:
    least = one if first.maximum <= second.maximum else other
    if isinstance(first, CallLimit) and isinstance(second, CallLimit):
        return {**least, "window": (one if first.window_s >= second.window_s else other)["window"]}
    if isinstance(first, BudgetLimit) and isinstance(second, BudgetLimit):
        return {**one, "max": least["max"]}  # of another unit it is narrower than one of them only, which is seen above
    return None


def _approval(one: Json, other: Json) -> Json:
    first, second = one["when"], other["when"]
    when: object = "always"
    if isinstance(first, dict) and isinstance(second, dict):
        entries = {**first, **second}
        for name in first.keys() & second.keys():
            entry = _entry(first[name], second[name])
            if entry is None:
                break
            entries[name] = entry
        else:
            when = entries
    return {
        "when": when,  # always asks at least as often as either
        "approvers": [each for each in one["approvers"] if each in other["approvers"]],
        "threshold": max(one["threshold"], other["threshold"]),
    }


def _entry(one: Json, other: Json) -> Json | None:
    if one.keys() != other.keys():
        return None
    if "gt" in one:
        return min((one, other), key=lambda each: Decimal(each["gt"]))
    kinds = {type(each) for each in (*one["in"], *other["in"])}
    return {"in": [*one["in"], *[each for each in other["in"] if each not in one["in"]]]} if len(kinds) == 1 else None
