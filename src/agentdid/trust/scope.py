"""Scopes: what somebody may be believed about, and what is left where two of them meet.

`meet` only ever takes away: whatever the result covers, both covered. It is how a trust list is held to what its reader
lets it speak of, and a list below to what the list above lets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.record import Value
from agentdid.trust.anchor import DEFAULT_SECURITY, Anchor, covers

if TYPE_CHECKING:
    from collections.abc import Iterable

# from the least that is asked to the most: whoever is content with one is content with those after it
_STRICTER: Final = ("classical-ok", "hybrid-if-declared", "pq-required", "hybrid-required")


@final
class Claim(Value, frozen=True):
    """What must be allowed to somebody.

    Attributes:
        issuer: To whom.
        types: Of a credential, but `VerifiableCredential`.
        root: On whose behalf a chain is started; `None` for a credential that starts none.
        principal: For whom, where that is neither issuer nor subject.
        actions: What the chain grants, or of it what is asked for.
    """

    issuer: str
    types: frozenset[str]
    root: str | None = None
    principal: str | None = None
    actions: tuple[str, ...] = ()


@final
class Scope(Value, frozen=True):
    """What may be covered; each member as `Anchor` has it."""

    types: tuple[str, ...]
    roots: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    status_issuers: tuple[str, ...] = ()
    security: str = DEFAULT_SECURITY

    def meet(self, other: Scope) -> Scope:
        """Return what both cover, under the stricter demand on signatures."""
        return Scope(
            types=_both(self.types, other.types),
            roots=_both(self.roots, other.roots),
            actions=meet_actions(self.actions, other.actions),
            principals=_both(self.principals, other.principals),
            status_issuers=_both(self.status_issuers, other.status_issuers),
            security=max(self.security, other.security, key=_STRICTER.index),
        )

    def find_allowed(self, claim: Claim) -> tuple[str, ...] | None:
        """Return the actions of a claim that are covered; `None` where nothing of it is."""
        if not claim.types or not claim.types <= frozenset(self.types):
            return None
        if claim.root is None:
            return None if CAPABILITY_TYPE in claim.types else ()  # a capability is never let without its root
        if claim.root not in self.roots or (claim.principal is not None and claim.principal not in self.principals):
            return None
        return tuple([each for each in claim.actions if covers(self.actions, each)]) or None

    def anchor(self, did: str, keys: tuple[str, ...] = ()) -> Anchor:
        """Return the anchor that believes one issuer about all of it."""
        return Anchor(
            did=did,
            types=self.types,
            roots=self.roots,
            actions=self.actions,
            principals=self.principals,
            status_issuers=self.status_issuers,
            keys=keys,
            security=self.security,
        )


def meet_actions(ours: Iterable[str], theirs: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that cover an action exactly where a pattern of each side does."""
    theirs = tuple(theirs)
    met = dict.fromkeys(
        narrower
        for one in ours
        for other in theirs
        for narrower in ((one,) if _covers_pattern(other, one) else (other,) if _covers_pattern(one, other) else ())
    )
    return tuple(met)


def check_scope(scope: Scope) -> None:
    """Hold that a scope says what it is about. Raises `ValueError`."""
    if CAPABILITY_TYPE in scope.types and not (scope.roots and scope.actions):
        raise ValueError("whoever may start capability chains is named roots and actions")


def _both(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([each for each in ours if each in theirs])


def _covers_pattern(wide: str, narrow: str) -> bool:
    """Whether all that one pattern covers the other does."""
    return narrow.startswith(wide[:-1]) if wide.endswith(".*") else narrow == wide
