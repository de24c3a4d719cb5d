"""One partial order: when a child link is narrower than its parent.

What it establishes: whatever request the child permits, the parent permits too. The verifier does not rest on this
alone: the concrete request is also judged against every link (`delegation.usage`), so that one bug is no escalation.
Rules:

* Equal: root, principal, purpose, a grant's type.
* Subset: actions, audience, approvers; resources equal or below by path segment.
* Kept: every constraint, limit and approval entry of the parent; a child may add its own.
* Only the parent grant that `from` names is compared; a grant that was not disclosed is not there.
* Depth counts up by one, stays within the parent's `maxDepth`, and `maxDepth` never grows.

Time (validity windows) and who issued what stand in `delegation.chain`, where the credentials are.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from agentdid.delegation.capability import BudgetLimit, CallLimit, pointer_step
from agentdid.delegation.constraints import Cidr, Const, Enum, Prefix, Range, TimeWindow
from agentdid.delegation.resources import is_below
from agentdid.errors import CapabilityNotAttenuated, DelegationForbidden
from agentdid.secure.mechanism import SECURITY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.delegation.capability import Approval, Capability, CapabilityGrant, Limit
    from agentdid.delegation.constraints import Constraint


def check_narrower(child: Capability, parent: Capability) -> None:
    """Hold that `child` grants nothing that `parent` does not.

    Raises:
        CapabilityNotAttenuated: Wider in the dimension that the path names.
        DelegationForbidden: The depth was not counted up by one or is over `maxDepth`, or `maxDepth` grew.

    Spec: specs/delegation.md D9-D20.
    """
    _check_depth(child, parent)
    if child.root != parent.root:
        raise CapabilityNotAttenuated("not the parent's", path="/root")
    if child.principal != parent.principal:
        raise CapabilityNotAttenuated("not the parent's", path="/principal")
    if child.purpose != parent.purpose:
        raise CapabilityNotAttenuated("not the parent's", path="/purpose")
    if not child.audience <= parent.audience:
        raise CapabilityNotAttenuated("names an audience that the parent does not", path="/audience")
    if child.min_security != parent.min_security and SECURITY_LEVELS.index(child.min_security) < SECURITY_LEVELS.index(
        parent.min_security
    ):
        raise CapabilityNotAttenuated("weaker than the parent's", path="/minSecurity")
    for position, grant in enumerate(child.grants):
        source = parent.find_grant(grant.source)
        if source is None:
            raise CapabilityNotAttenuated("the parent has no such grant", path=f"/grants/{position}/from")
        wider = find_wider(grant, source)
        if wider is not None:
            raise CapabilityNotAttenuated("wider than the parent's grant", path=f"/grants/{position}{wider}")


def _check_depth(child: Capability, parent: Capability) -> None:
    """Hold that the depth counts up by one, within bounds that do not grow. Raises `DelegationForbidden`."""
    if child.depth != parent.depth + 1:
        raise DelegationForbidden(f"expected depth {parent.depth + 1}", path="/delegation/depth")
    if child.depth > parent.max_depth:
        raise DelegationForbidden(f"the parent allows depth {parent.max_depth} at most", path="/delegation/depth")
    if child.max_depth > parent.max_depth:
        raise DelegationForbidden(f"expected at most {parent.max_depth}", path="/delegation/maxDepth")


def is_narrower(child: Capability, parent: Capability) -> bool:
    """Tell whether `check_narrower` would hold."""
    try:
        check_narrower(child, parent)
    except (CapabilityNotAttenuated, DelegationForbidden):
        return False
    return True


def check_grant_narrower(child: CapabilityGrant, parent: CapabilityGrant) -> None:
    """Hold that one grant allows nothing that the other does not; ids and `from` are not looked at.

    Raises:
        CapabilityNotAttenuated: Wider in the dimension that the path names, relative to the grant.

    Spec: specs/delegation.md D13-D18.
    """
    wider = find_wider(child, parent)
    if wider is not None:
        raise CapabilityNotAttenuated("wider than the parent's grant", path=wider)


def find_wider(child: CapabilityGrant, parent: CapabilityGrant) -> str | None:
    """Return the first dimension in which `child` is wider, as a JSON Pointer into the grant, or `None`."""
    if child.type != parent.type:
        return "/type"
    if not child.actions <= parent.actions:
        return "/actions"
    for resource in child.resources:
        # most are the parent's own
        if resource not in parent.resources and not any(is_below(resource, each) for each in parent.resources):
            return "/resources"
    for name, constraint in parent.constraints.items():
        own = child.constraints.get(name)
        if own is None or not constraint_narrower(own, constraint):
            return f"/constraints/{pointer_step(name)}"
    for name, limit in parent.limits.items():
        kept = child.limits.get(name)
        if kept is None or not limit_narrower(kept, limit):
            return f"/limits/{pointer_step(name)}"
    if not approval_narrower(child.approval, parent.approval):
        return "/approval"
    return "/autonomyMax" if child.autonomy_max > parent.autonomy_max else None


def constraint_narrower(child: Constraint, parent: Constraint) -> bool:
    """Tell whether every value that `child` permits `parent` permits, among the pairs that are compared at all.

    The same type; `const` under enum, range, prefix, cidr; `enum` under range, prefix, cidr. Networks are compared
    one by one, so two halves do not stand for their whole: too strict at times, never too lax.

    Spec: specs/delegation.md D14.
    """
    compare = _COMPARED.get((type(child), type(parent)))
    return compare is not None and compare(child, parent)


def _value_permitted(child: Const, parent: Constraint) -> bool:
    return parent.permits(child.value)


def _values_permitted(child: Enum, parent: Constraint) -> bool:
    return all(parent.permits(value) for value in child.values)


def _values_kept(child: Enum, parent: Enum) -> bool:
    return child.kind is parent.kind and child.values <= parent.values


def _prefix_narrower(child: Prefix, parent: Prefix) -> bool:
    return child.value.startswith(parent.value)


def _networks_narrower(child: Cidr, parent: Cidr) -> bool:
    return all(
        any(own.version == each.version and own.subnet_of(each) for each in parent.networks)  # type: ignore[arg-type]
        for own in child.networks
    )


def _window_narrower(child: TimeWindow, parent: TimeWindow) -> bool:
    return (
        child.zone == parent.zone
        and child.days <= parent.days
        and child.start >= parent.start
        and child.end <= parent.end
    )


def _range_narrower(child: Range, parent: Range) -> bool:
    """Tell whether one range lies inside the other."""
    if parent.minimum is not None and (child.minimum is None or child.minimum < parent.minimum):
        return False
    return parent.maximum is None or (child.maximum is not None and child.maximum <= parent.maximum)


_COMPARED: Final[Mapping[tuple[type, type], Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        **{(Const, kind): _value_permitted for kind in (Const, Enum, Range, Prefix, Cidr)},
        **{(Enum, kind): _values_permitted for kind in (Range, Prefix, Cidr)},
        (Enum, Enum): _values_kept,
        (Range, Range): _range_narrower,
        (Prefix, Prefix): _prefix_narrower,
        (Cidr, Cidr): _networks_narrower,
        (TimeWindow, TimeWindow): _window_narrower,
    }
)
"""The pairs of constraints that are compared, child and parent; of any other the child is not narrower."""


def limit_narrower(child: Limit, parent: Limit) -> bool:
    """Tell whether `child` lets through no more than `parent`: a smaller maximum, a longer window, the same unit."""
    if isinstance(child, CallLimit) and isinstance(parent, CallLimit):
        return child.maximum <= parent.maximum and child.window_s >= parent.window_s
    if isinstance(child, BudgetLimit) and isinstance(parent, BudgetLimit):
        return (
            child.maximum <= parent.maximum
            and child.unit == parent.unit
            and child.argument == parent.argument
            and child.unit_argument == parent.unit_argument
        )
    return False


def approval_narrower(child: Approval | None, parent: Approval | None) -> bool:
    """Tell whether `child` asks for an approval whenever `parent` does, of no other people and of no fewer."""
    if parent is None:
        return True
    if child is None or not child.approvers <= parent.approvers or child.threshold < parent.threshold:
        return False
    if child.when is None:
        return True  # always: whenever the parent does, and at other times too
    return parent.when is not None and _entries_narrower(child.when, parent.when)


def _entries_narrower(child: Mapping[str, Decimal | Enum], parent: Mapping[str, Decimal | Enum]) -> bool:
    """Tell whether each entry of the parent is kept and applies at least as often."""
    for name, entry in parent.items():
        own = child.get(name)
        if isinstance(entry, Decimal):
            if not isinstance(own, Decimal) or own > entry:
                return False
        elif not isinstance(own, Enum) or own.kind is not entry.kind or not own.values >= entry.values:
            return False
    return True
