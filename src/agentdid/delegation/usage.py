"""What a chain permits: the concrete request, judged against every link.

What it establishes: the leaf grant that is exercised and the path of grants above it, each of which permits the
request by itself. Nothing is taken from what `narrowing` found. Rules:

* A request's query is ignored in matching; its resource equals a granted one or lies below it by path segment.
* A constrained argument that is absent, repeated (a list) or not scalar denies; so does a JSON float.
* Names that begin with `env.` come from the environment alone. An argument that is called so is never read.
* A budget permits only what says, once and in its own unit, how much it takes.
* Whether limits have room and approvals are there is judged elsewhere (`delegation.charges`, `delegation.approval`).
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from msgspec import field, structs

from agentdid.delegation.capability import ENVIRONMENT, GRANT_TYPES, BudgetLimit
from agentdid.delegation.charges import find_amount
from agentdid.delegation.constraints import find_number
from agentdid.delegation.resources import find_requested, is_below
from agentdid.errors import CapabilityTargetMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.delegation.capability import Capability, CapabilityGrant

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@final
class Request(Value, frozen=True):
    """What somebody wants to do, as the verifier's own program saw it.

    Attributes:
        type: `http`, `mcp_tool` or `a2a_skill`.
        action: One action's literal name.
        resource: The absolute URI; a query may stand in it.
        arguments: What constraints and limits speak about, as JSON values: amounts as decimal strings or integers.
        id: Names the request, so that a repetition is charged once.

    Raises:
        TypeError: A part of the wrong Python type.
        ValueError: An unknown type; an empty action, resource or id.
    """

    type: str
    action: str
    resource: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    id: str | None = None

    def __post_init__(self) -> None:
        """Hold the types and copy the arguments: what was permitted is what is charged and recorded."""
        for name in ("type", "action", "resource"):
            value = getattr(self, name)
            if not isinstance(value, str):
                message = f"a request's {name} is a string, got {type(value).__name__}"
                raise TypeError(message)
            if not value:
                message = f"a request's {name} is not empty"
                raise ValueError(message)
        if self.type not in GRANT_TYPES:
            message = f"a request's type is one of {', '.join(sorted(GRANT_TYPES))}"
            raise ValueError(message)
        if self.id is not None and not isinstance(self.id, str):
            message = "a request's id is a string or None"
            raise TypeError(message)
        if self.id == "":
            message = "a request's id is not empty"
            raise ValueError(message)
        if not hasattr(self.arguments, "keys") or not all(isinstance(name, str) for name in self.arguments):
            message = "a request's arguments are a mapping from names to values"
            raise TypeError(message)
        structs.force_setattr(self, "arguments", MappingProxyType(dict(self.arguments)))


def permits(grant: CapabilityGrant, request: Request, environment: Mapping[str, object] = _NOTHING) -> str | None:
    """Return `None` when the grant permits the request, else why not, in words for people.

    Args:
        grant: One grant of one link.
        request: What is asked.
        environment: What the verifier knows by itself: `env.time` (an aware `datetime`), `env.ip` (a string), ….

    Spec: specs/delegation.md D21-D26.
    """
    if request.type != grant.type:
        return "the grant is for another type of request"
    if request.action not in grant.actions:
        return "the action is not granted"
    resource = find_requested(request.resource)
    if resource is None:
        return "the resource's form is one that no grant can permit"
    if not any(is_below(resource, each) for each in grant.resources):
        return "the resource is not granted"
    for name, constraint in grant.constraints.items():
        known = environment if name.startswith(ENVIRONMENT) else request.arguments
        if name not in known:
            return f"{name} is constrained and absent"
        if not constraint.permits(known[name]):
            return f"{name} is outside its constraint"
    for limit in grant.limits.values():
        if isinstance(limit, BudgetLimit) and find_amount(limit, request.arguments) is None:
            return f"{limit.argument} and {limit.unit_argument} do not say what it takes of the budget in {limit.unit}"
    return None


def exercise(
    chain: Sequence[Capability],
    request: Request,
    environment: Mapping[str, object] = _NOTHING,
    void: frozenset[str] = frozenset(),
) -> tuple[CapabilityGrant, ...]:
    """Return the grants that the request exercises, root first, leaf last: one of each link.

    The first leaf grant in array order is taken whose ancestors are all there and which, with all of them, permits.

    Args:
        chain: The capabilities of a chain, root first.
        request: What is asked.
        environment: As for `permits`.
        void: Ids of root grants that no trust anchor covers; they count as hidden.

    Raises:
        CapabilityTargetMismatch: No grant permits the request at every link.

    Spec: specs/delegation.md D21.
    """
    reason = "nothing is granted"
    for leaf in chain[-1].grants if chain else ():
        path = _find_path(chain, leaf)
        if path is None or path[0].id in void:
            reason = "a grant that is needed is hidden, or no anchor covers it"
            continue
        denied = None
        for grant in reversed(path):
            denied = permits(grant, request, environment)
            if denied is not None:
                break
        if denied is None:
            return path
        reason = denied
    raise CapabilityTargetMismatch(reason)


def live_grants(chain: Sequence[Capability], void: frozenset[str]) -> tuple[CapabilityGrant, ...]:
    """Return the leaf's grants that hang on a root grant which is disclosed and not void, in their order."""
    paths = ((leaf, _find_path(chain, leaf)) for leaf in chain[-1].grants)
    return tuple(leaf for leaf, path in paths if path is not None and path[0].id not in void)


def _find_path(chain: Sequence[Capability], leaf: CapabilityGrant) -> tuple[CapabilityGrant, ...] | None:
    """Return the leaf grant and its ancestors, root first, or `None` when one is not there."""
    path = [leaf]
    for capability in chain[-2::-1]:
        grant = capability.find_grant(path[-1].source)
        if grant is None:
            return None
        path.append(grant)
    return tuple(reversed(path))


def has_limits(grant: CapabilityGrant) -> bool:
    """Tell whether using the grant is counted."""
    return bool(grant.limits)


def approval_applies(grant: CapabilityGrant, request: Request, environment: Mapping[str, object] = _NOTHING) -> bool:
    """Tell whether the grant lets this request happen only with an approval.

    An argument that is missing, or of a type that the entry does not speak about, counts as needing one.

    Spec: specs/delegation.md D27.
    """
    if grant.approval is None:
        return False
    if grant.approval.when is None:
        return True
    for name, entry in grant.approval.when.items():
        known = environment if name.startswith(ENVIRONMENT) else request.arguments
        value = known.get(name)
        if isinstance(entry, Decimal):
            number = find_number(value)
            if number is None or number > entry:
                return True
        elif type(value) is not entry.kind or entry.permits(value):
            return True
    return False
