"""Who administers an issuer by a capability makes no other administrator, and no greater one of himself.

A capability over an issuer's own service is signed by that very issuer, so whoever may have anything issued could have
himself one issued that lets him do everything. What he has, he passes on by delegating it, which can only narrow it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.delegation.resources import find_normal, is_below
from agentdid.errors import CapabilityNotAttenuated

if TYPE_CHECKING:
    from agentdid.trust.anchors import Trust

ACTIONS: Final = "issuer."
_ROUTES: Final = ("/credentials", "/keys")


def check_makes_none(asked: object, trust: Trust) -> None:
    """Hold that none of the credentials that are asked for is a capability over the issuer's own service.

    Args:
        asked: The body of an order or of a batch; what has not its form is refused where it is issued.
        trust: The policy of the service's own verifier: its DID and origin are the issuer's.

    Raises:
        CapabilityNotAttenuated: One is.
    """
    orders = asked.get("credentials", [asked]) if isinstance(asked, dict) else []
    for order in orders if isinstance(orders, list) else []:
        capability = order.get("capability") if isinstance(order, dict) else None
        if (
            isinstance(capability, dict)
            and capability.get("root") == trust.did
            and _is_over(capability, trust.audience)
        ):
            raise CapabilityNotAttenuated("who administers by a capability passes it on by delegating it")


def _is_over(capability: dict[str, object], origin: str) -> bool:
    grants = capability.get("grants")
    for grant in grants if isinstance(grants, list) else []:
        actions = grant.get("actions") if isinstance(grant, dict) else None
        resources = grant.get("resources") if isinstance(grant, dict) else None
        if not isinstance(actions, list) or not isinstance(resources, list):
            continue
        if any(isinstance(each, str) and each.startswith(ACTIONS) for each in actions) and any(
            _overlaps(each, f"{origin}{route}") for each in resources for route in _ROUTES
        ):
            return True
    return False


def _overlaps(resource: object, route: str) -> bool:
    normal = find_normal(resource) if isinstance(resource, str) else None
    own = find_normal(route)
    return normal is not None and own is not None and (is_below(normal, own) or is_below(own, normal))
