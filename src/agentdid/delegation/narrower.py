"""A whole capability from what a delegator wants to take away: what is not said stays as in the parent.

On the wire every dimension stands in every link, so that no reader guesses; people state the differences alone. What
comes out is checked like any other capability: asking for more than the parent has is refused, not cut down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.errors import CapabilityNotAttenuated, TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINK: Final = frozenset({"purpose", "audience", "delegation", "minSecurity", "grants"})
_DEPTH: Final = frozenset({"maxDepth"})


def fill_narrower(parent: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the capability of a child that differs from its parent in what `changes` says.

    Args:
        parent: The parent's `capability`, as disclosed.
        changes: Any of `audience`, `delegation.maxDepth`, `minSecurity`, `purpose` and `grants`; each of these names
            the parent's grant in `from`, and any of its members anew. Without `grants` all are passed on.

    Raises:
        TypeMismatch: Other members, or a grant without `from`.
        CapabilityNotAttenuated: A grant that the parent has not, or does not show.

    Spec: specs/delegation.md D33.
    """
    unknown = changes.keys() - _LINK
    if unknown:
        raise TypeMismatch(f"a child says anew only {', '.join(sorted(_LINK))}", path=f"/{min(unknown)}")
    delegation = changes.get("delegation", {})
    if not isinstance(delegation, dict) or delegation.keys() - _DEPTH:
        raise TypeMismatch("expected an object with maxDepth", path="/delegation")
    grants = changes.get("grants")
    if grants is None:
        grants = [{"from": grant["id"]} for grant in parent["grants"]]
    if not isinstance(grants, list):
        raise TypeMismatch("expected an array", path="/grants")
    return {
        "root": parent["root"],
        "principal": parent["principal"],
        "purpose": changes.get("purpose", parent["purpose"]),
        "grants": [_grant(parent, grant, f"/grants/{place}") for place, grant in enumerate(grants)],
        "audience": changes.get("audience", parent["audience"]),
        "delegation": {"maxDepth": delegation.get("maxDepth", parent["delegation"]["maxDepth"])},
        "minSecurity": changes.get("minSecurity", parent["minSecurity"]),
    }


def _grant(parent: Mapping[str, Any], changes: object, path: str) -> dict[str, Any]:
    if not isinstance(changes, dict) or not isinstance(changes.get("from"), str):
        raise TypeMismatch("expected an object that names the parent's grant in from", path=path)
    source = next((grant for grant in parent["grants"] if grant["id"] == changes["from"]), None)
    if source is None:
        raise CapabilityNotAttenuated("the parent has no such grant", path=f"{path}/from")
    return {**source, **changes}
