"""Who lets an issuer: the answer that a policy gives to a claim before there is any credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from msgspec import structs

from agentdid.clock import SystemClock
from agentdid.codec.instant import encode_instant
from agentdid.errors import IssuerUntrusted
from agentdid.record import Value
from agentdid.trust.scope import Scope
from agentdid.trust.trust_list import encode_scope
from agentdid.verify.case import Question, open_case
from agentdid.verify.listed import find_listed
from agentdid.verify.memory import Memory
from agentdid.verify.run import answer_from
from agentdid.verify.states import Parsed

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.errors import AgentdidError
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.anchors import Trust
    from agentdid.trust.scope import Claim
    from agentdid.verify.case import Case
    from agentdid.verify.listed import Listed
    from agentdid.verify.needs import Source
    from agentdid.verify.states import Freshness

OWNER, ANCHOR, LIST = "owner", "anchor", "list"


@final
class Let(Value, frozen=True, eq=False):
    """One thing that lets an issuer.

    Attributes:
        kind: `owner` where it owns the root's resources itself, `anchor` of the policy, or `list`: a trust list's entry
            or a registry's answer.
        allowed: The actions of the claim that are covered; empty where it has none.
        anchor: What it counts as; `None` for an owner.
        way: The URLs that lead to it.
    """

    kind: str
    allowed: tuple[str, ...]
    anchor: Anchor | None = None
    way: tuple[str, ...] = ()

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        shown: dict[str, object] = {"kind": self.kind, "allowed": list(self.allowed), "way": list(self.way)}
        if self.anchor is not None:
            shown |= {**encode_scope(_scope(self.anchor)), "keys": list(self.anchor.keys)}
        return shown


@final
class Lookup(Value, frozen=True, eq=False):
    """What a policy says of a claim.

    Attributes:
        lets: Everything that lets the issuer, each by itself; where the policy's own anchors cover the claim nobody
            else is asked.
        left: The actions that nothing covers.
        refusal: Why nothing lets it, or not all of it could be found out.
        freshness: What bounds the answer.
    """

    lets: tuple[Let, ...]
    left: tuple[str, ...]
    refusal: AgentdidError | None
    freshness: tuple[Freshness, ...]

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "outcome": "accepted" if self.refusal is None else self.refusal.family,
            "code": None if self.refusal is None else self.refusal.code,
            "detail": "" if self.refusal is None else self.refusal.detail,
            "checks": [],
            "lets": [each.encode() for each in self.lets],
            "left": list(self.left),
            "freshness": [{"by": each.by, "until": encode_instant(each.until)} for each in self.freshness],
        }


def look_up(trust: Trust, claim: Claim, source: Source, at: datetime) -> Lookup:
    """Return who lets an issuer do what is claimed, under a policy.

    Args:
        trust: The policy.
        claim: Of whom, and what.
        source: Where trust lists, registries' answers and DID documents come from.
        at: The instant of judgement.

    Raises:
        InputTooLarge: More outside documents than the policy's limits allow.
    """
    case = open_case(Question(b"", False, trust, at), Memory())
    case.parsed = Parsed((), (), (), None, None)  # nothing was presented
    lets = []
    if claim.root is not None and claim.issuer == claim.root and claim.root in trust.resources.values():
        lets.append(Let(OWNER, claim.actions if claim.principal is None else ()))
    for anchor in trust.find_anchors(claim.issuer, tuple(claim.types)):
        allowed = _scope(anchor).find_allowed(claim)
        if allowed is not None:
            lets.append(Let(ANCHOR, allowed, anchor))
    left = tuple([each for each in claim.actions if not any(each in one.allowed for one in lets)])
    refusal: AgentdidError | None = None
    if (left or not lets) and (trust.lists or trust.registries):
        found = _ask(case, structs.replace(claim, actions=left), source)
        for anchor, way in zip(found.anchors, found.ways, strict=True):
            lets.append(Let(LIST, _scope(anchor).find_allowed(claim) or (), anchor, way))
        left = tuple([each for each in left if not any(each in one.allowed for one in lets)])
        if found.unheard is not None and (left or not lets):
            refusal = found.unheard
        elif found.silent and (left or not lets):
            refusal = IssuerUntrusted(found.silent)
    if refusal is None and (left or not lets):
        refusal = IssuerUntrusted("nothing in the policy lets this issuer" if not lets else "not every action is let")
    return Lookup(tuple(lets), left, refusal, tuple(case.freshness))


def _ask(case: Case, claim: Claim, source: Source) -> Listed:
    clock = SystemClock()
    steps = find_listed(case, claim)
    try:
        need = next(steps)
        while True:
            need = steps.send(answer_from(need, source, None, clock))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # what `find_listed` returns


def _scope(anchor: Anchor) -> Scope:
    return Scope(anchor.types, anchor.roots, anchor.actions, anchor.principals, anchor.status_issuers, anchor.security)
