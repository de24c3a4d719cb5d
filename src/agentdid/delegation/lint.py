"""What a capability says, in plain words; everything in which a child is wider; and what to look at twice.

For people who write or review capabilities: nothing here decides. `narrowing.check_narrower` stops at the first
dimension that is wider, here every one is named, and the two agree on whether there is any.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, final

from agentdid.codec.instant import encode_instant
from agentdid.delegation.capability import BudgetLimit, CallLimit, pointer_step
from agentdid.delegation.constraints import Cidr, Const, Enum, Prefix, Range
from agentdid.delegation.narrowing import approval_narrower, constraint_narrower, limit_narrower
from agentdid.delegation.resources import is_below
from agentdid.record import Value
from agentdid.secure.mechanism import SECURITY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Approval, Capability, CapabilityGrant, Limit
    from agentdid.delegation.constraints import Constraint

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS: Final = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_LONG_S: Final = 24 * 3_600
"""A capability that lives longer is worth a second look: agents are given new ones cheaply."""
_ORIGIN_SLASHES: Final = 3


@final
class Finding(Value, frozen=True):
    """One thing that was found: where, as a JSON Pointer into the capability, and what, in words."""

    path: str
    detail: str


def describe(capability: Capability, credential: Credential | None = None) -> list[str]:
    """Return what the capability allows, a sentence a line.

    Args:
        capability: Of one link.
        credential: The link, if at hand: then who gives it to whom, and for how long, is said too.
    """
    lines = []
    if credential is not None:
        lines.append(f"{credential.issuer} lets {credential.subjects[0]} act for {capability.principal}.")
        if credential.valid_from is not None and credential.valid_until is not None:
            lines.append(
                f"Valid from {encode_instant(credential.valid_from)} until {encode_instant(credential.valid_until)}."
            )
    else:
        lines.append(f"It lets an agent act for {capability.principal}.")
    lines.append(f"Purpose: {capability.purpose}. The resources are those of {capability.root}.")
    lines.append(f"Only {_listed(sorted(capability.audience))} may be shown it.")
    left = capability.max_depth - capability.depth
    lines.append(
        "It cannot be passed on." if left <= 0 else f"It can be passed on, narrower, {_times(left)} below this link."
    )
    if capability.min_security != SECURITY_LEVELS[0]:
        lines.append(f"Every link must be signed {capability.min_security}.")
    for grant in capability.grants:
        lines.extend(_describe_grant(grant))
    return lines


def find_wider_dimensions(child: Capability, parent: Capability) -> list[Finding]:
    """Return everything in which `child` is not narrower than `parent`; nothing where it is.

    Spec: specs/delegation.md D9-D20.
    """
    return list(_wider(child, parent))


def find_time_expanded(child: Credential, parent: Credential) -> list[Finding]:
    """Return where a child is valid when its parent is not (specs/delegation.md D8)."""
    found = []
    if child.valid_from is not None and parent.valid_from is not None and child.valid_from < parent.valid_from:
        found.append(Finding("/validFrom", f"begins before the parent does, at {encode_instant(parent.valid_from)}"))
    if child.valid_until is not None and parent.valid_until is not None and child.valid_until > parent.valid_until:
        found.append(Finding("/validUntil", f"lasts longer than the parent: {encode_instant(parent.valid_until)}"))
    return found


def find_broad(capability: Capability, credential: Credential | None = None) -> list[Finding]:
    """Return what is allowed, and worth a second look: whole hosts, no bound of any kind, amounts of any unit."""
    found = []
    if credential is not None and credential.valid_from is not None and credential.valid_until is not None:
        life = (credential.valid_until - credential.valid_from).total_seconds()
        if life > _LONG_S:
            found.append(Finding("/validUntil", f"lives {_duration(int(life))}; agents do well with hours"))
    for place, grant in enumerate(capability.grants):
        path = f"/grants/{place}"
        found += [
            Finding(f"{path}/resources", f"{resource} is everything at that host")
            for resource in grant.resources
            if resource.endswith("/") and resource.count("/") == _ORIGIN_SLASHES
        ]
        if not grant.constraints and not grant.limits and grant.approval is None:
            found.append(Finding(path, "has no constraint, no limit and no approval"))
        for name, limit in grant.limits.items():
            if isinstance(limit, BudgetLimit) and limit.argument not in grant.constraints:
                found.append(
                    Finding(
                        f"{path}/limits/{pointer_step(name)}",
                        f"one call may take all of it: {limit.argument} itself is not constrained",
                    )
                )
    return found


def _wider(child: Capability, parent: Capability) -> Iterator[Finding]:
    if child.depth != parent.depth + 1:
        yield Finding("/delegation/depth", f"is {child.depth}, and one below {parent.depth} is {parent.depth + 1}")
    if child.depth > parent.max_depth:
        yield Finding("/delegation/depth", f"is {child.depth}, and the parent allows {parent.max_depth} at most")
    if child.max_depth > parent.max_depth:
        yield Finding("/delegation/maxDepth", f"grew from {parent.max_depth} to {child.max_depth}")
    for name in ("root", "principal", "purpose"):
        own, above = getattr(child, name), getattr(parent, name)
        if own != above:
            yield Finding(f"/{name}", f"is {own!r}, and the parent's is {above!r}")
    if more := sorted(child.audience - parent.audience):
        yield Finding("/audience", f"adds {_listed(more)}")
    if SECURITY_LEVELS.index(child.min_security) < SECURITY_LEVELS.index(parent.min_security):
        yield Finding("/minSecurity", f"is {child.min_security}, and the parent asks for {parent.min_security}")
    for position, grant in enumerate(child.grants):
        path = f"/grants/{position}"
        source = parent.find_grant(grant.source)
        if source is None:
            yield Finding(f"{path}/from", f"names {grant.source!r}, and the parent has no such grant")
        else:
            for found in _wider_grant(grant, source):
                yield Finding(path + found.path, found.detail)


def _wider_grant(child: CapabilityGrant, parent: CapabilityGrant) -> Iterator[Finding]:
    if child.type != parent.type:
        yield Finding("/type", f"is {child.type}, and the parent's is {parent.type}")
    if more := sorted(child.actions - parent.actions):
        yield Finding("/actions", f"adds {_listed(more)}")
    for resource in child.resources:
        if not any(is_below(resource, each) for each in parent.resources):
            yield Finding("/resources", f"{resource} is not within {_listed(parent.resources)}")
    for name, constraint in parent.constraints.items():
        own, path = child.constraints.get(name), f"/constraints/{pointer_step(name)}"
        if own is None:
            yield Finding(path, f"is dropped: the parent says that {name} is {_constraint(constraint)}")
        elif not constraint_narrower(own, constraint):
            yield Finding(path, f"{name} may be {_constraint(own)}; under the parent it is {_constraint(constraint)}")
    for name, limit in parent.limits.items():
        kept, path = child.limits.get(name), f"/limits/{pointer_step(name)}"
        if kept is None:
            yield Finding(path, f"is dropped: the parent allows {_limit(limit)}")
        elif not limit_narrower(kept, limit):
            yield Finding(path, f"{_limit(kept)} is more than, or not comparable with, {_limit(limit)}")
    if not approval_narrower(child.approval, parent.approval):
        own_rule = "nobody's approval" if child.approval is None else _approval(child.approval)
        above = "" if parent.approval is None else _approval(parent.approval)
        yield Finding("/approval", f"needs {own_rule}, and the parent {above}")
    if child.autonomy_max > parent.autonomy_max:
        yield Finding("/autonomyMax", f"is {child.autonomy_max}, and the parent's is {parent.autonomy_max}")


def _describe_grant(grant: CapabilityGrant) -> Iterator[str]:
    above = "" if grant.source is None else f", out of the parent's {grant.source}"
    yield f"Grant {grant.id} ({grant.type}{above}): {_listed(sorted(grant.actions))} on"
    for resource in grant.resources:
        yield f"    {resource} and below"
    for name, constraint in grant.constraints.items():
        yield f"  if {name} is {_constraint(constraint)}"
    for limit in grant.limits.values():
        yield f"  at most {_limit(limit)}"
    if grant.approval is not None:
        yield f"  with {_approval(grant.approval)}"
    yield f"  up to autonomy level {grant.autonomy_max}"


def _constraint(constraint: Constraint) -> str:
    match constraint:
        case Const():
            return f"exactly {constraint.value!r}"
        case Enum():
            return f"one of {_listed(sorted(map(repr, constraint.values)))}"
        case Range():
            return _range(constraint)
        case Prefix():
            return f"a text that begins with {constraint.value!r}"
        case Cidr():
            return f"an address in {_listed(map(str, constraint.networks))}"
        case _:
            days = _listed(_DAYS[day] for day in sorted(constraint.days))
            return f"{days}, {_clock(constraint.start)} to {_clock(constraint.end)} {constraint.zone}"


def _range(constraint: Range) -> str:
    if constraint.minimum is None:
        return f"a number up to {constraint.maximum}"
    if constraint.maximum is None:
        return f"a number from {constraint.minimum}"
    return f"a number from {constraint.minimum} to {constraint.maximum}"


def _limit(limit: Limit) -> str:
    if isinstance(limit, CallLimit):
        return f"{limit.maximum} calls in any {_duration(limit.window_s)}"
    return f"{limit.maximum} {limit.unit} of {limit.argument} (in {limit.unit_argument}) in its whole life"


def _approval(approval: Approval) -> str:
    people = f"the approval of {approval.threshold} of {_listed(sorted(approval.approvers))}"
    return f"{people} {_when(approval.when)}"


def _when(when: Mapping[str, Decimal | Enum] | None) -> str:
    if when is None:
        return "every time"
    entries = (
        f"{name} is over {entry}" if isinstance(entry, Decimal) else f"{name} is {_constraint(entry)}"
        for name, entry in when.items()
    )
    return "when " + " or ".join(entries)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _duration(seconds: int) -> str:
    for unit, name in _UNITS:
        if seconds % unit == 0:
            count = seconds // unit
            return name if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"
