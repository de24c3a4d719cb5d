"""An access review: what an agent holds and has passed on, when each was last used, and what narrower would do.

A use counts for a credential that carried it, and for its successors: credentials of short life are renewed under the
same issuer and subject, and only their ids change.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.codec.instant import encode_instant
from agentdid.delegation.capability import ENVIRONMENT
from agentdid.delegation.lint import describe, find_broad
from agentdid.delegation.resources import find_requested, is_below
from agentdid.lifecycle.proposal import Proposal, propose
from agentdid.record import Value
from agentdid.wallet.lineage import DELEGATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from agentdid.delegation.capability import Capability, CapabilityGrant
    from agentdid.lifecycle.usage import Usage
    from agentdid.wallet.lineage import Minted
    from agentdid.wallet.wallet import Held, Wallet

DAYS: Final = 30
USED, UNUSED, NEW, ENDED = "used", "unused", "new", "ended"


@final
class Holding(Value, frozen=True, eq=False):
    """One credential that is held, and what became of it.

    Attributes:
        held: The credential.
        state: `used` within the time that is looked at; `unused`; `new`, if it was issued within it and not used yet;
            `ended`.
        last_used: By whomever; `None`: never, as far as the log goes back.
        uses: How often within the time.
        agents: Who used it: its subject, or those it was passed on to.
        notes: What in it is worth a second look, in words.
        proposal: What narrower would do; `None` where nothing would, or nothing is known.
    """

    held: Held
    state: str
    last_used: datetime | None
    uses: int
    agents: tuple[str, ...]
    notes: tuple[str, ...]
    proposal: Proposal | None

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        credential = self.held.leaf.credential
        proposal = self.proposal
        return {
            "id": self.held.id,
            "issuer": self.held.issuer,
            "subject": self.held.subject,
            "validUntil": _shown(credential.valid_until),
            "says": [] if self.held.leaf.capability is None else describe(self.held.leaf.capability, credential),
            "state": self.state,
            "lastUsed": _shown(self.last_used),
            "uses": self.uses,
            "agents": list(self.agents),
            "notes": list(self.notes),
            "proposal": None
            if proposal is None
            else {
                "capability": proposal.capability,
                "narrower": proposal.narrower,
                "words": list(proposal.words),
            },
        }


@final
class PassedOn(Value, frozen=True, eq=False):
    """One capability that the agent passed on and that still stands.

    Attributes:
        minted: What it signed.
        last_used: As in `Holding`.
        uses: As in `Holding`.
    """

    minted: Minted
    last_used: datetime | None
    uses: int

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "id": self.minted.id,
            "parent": self.minted.parent,
            "subject": self.minted.subject,
            "validUntil": _shown(self.minted.valid_until),
            "revocable": self.minted.revocable,
            "lastUsed": _shown(self.last_used),
            "uses": self.uses,
        }


@final
class Review(Value, frozen=True, eq=False):
    """What came of looking at one wallet.

    Attributes:
        at: Until when uses were looked at.
        since: From when.
        dids: Of the agent.
        holdings: Capabilities that it holds, oldest first.
        passed_on: What it passed on and still stands.
        closed_at: When the wallet was closed, if it was.
    """

    at: datetime
    since: datetime
    dids: tuple[str, ...]
    holdings: tuple[Holding, ...]
    passed_on: tuple[PassedOn, ...]
    closed_at: datetime | None = None

    def encode(self) -> dict[str, object]:
        """Return it as JSON; the same wallet, uses and instant give the same bytes."""
        return {
            "at": encode_instant(self.at),
            "since": encode_instant(self.since),
            "dids": list(self.dids),
            "closedAt": _shown(self.closed_at),
            "holds": [each.encode() for each in self.holdings],
            "passedOn": [each.encode() for each in self.passed_on],
        }


def review(wallet: Wallet, usages: Iterable[Usage], *, at: datetime, days: int = DAYS) -> Review:
    """Return what the agent of a wallet holds, what of it was used, and what narrower would do.

    Args:
        wallet: The agent's.
        usages: Of any agents, in any order; what is later than `at` is not looked at.
        at: The instant of the review.
        days: How long something may go unused.

    Raises:
        ValueError: No time at all is looked at.
    """
    if days < 1:
        raise ValueError("a review looks at a day at least")
    since = at - timedelta(days=days)
    minted = [each for each in wallet.minted() if each.kind == DELEGATION]
    mine = {(each.issuer, each.subject) for each in wallet.credentials()}
    ids = {each.id for each in minted}
    of_parties: dict[tuple[str, str | None], list[Usage]] = defaultdict(list)
    of_minted: dict[str, list[Usage]] = defaultdict(list)
    for use in usages:
        if use.at > at:
            continue
        if (use.issuer, use.subject) in mine:
            of_parties[use.issuer, use.subject].append(use)
        if use.credential in ids:
            of_minted[use.credential].append(use)
    holdings = [
        _holding(held, of_parties[held.issuer, held.subject], minted, since, at, days)
        for held in wallet.credentials()
        if held.leaf.capability is not None
    ]
    passed_on = [_passed_on(each, of_minted[each.id], since) for each in minted if each.stands_at(at)]
    return Review(at, since, wallet.dids, tuple(holdings), tuple(passed_on), wallet.closed_at)


def _passed_on(minted: Minted, uses: Sequence[Usage], since: datetime) -> PassedOn:
    return PassedOn(minted, max((use.at for use in uses), default=None), sum(use.at > since for use in uses))


def _holding(
    held: Held, uses: Sequence[Usage], minted: Sequence[Minted], since: datetime, at: datetime, days: int
) -> Holding:
    leaf = held.leaf
    capability: Capability = leaf.capability  # type: ignore[assignment]  # only capabilities come here
    by_grant: dict[str, list[Usage]] = defaultdict(list)
    last_used: datetime | None = None
    for use in sorted(uses, key=lambda each: (each.at, each.agent, each.credential, each.action, each.resource)):
        grant = _find_grant(capability, use, own=use.credential == held.id)
        if grant is None:
            continue
        last_used = use.at
        if use.at > since:
            by_grant[grant.id].append(use)
    count = sum(len(each) for each in by_grant.values())
    agents = sorted({use.agent for each in by_grant.values() for use in each})
    begun, ends = leaf.credential.valid_from, leaf.credential.valid_until
    young = begun is not None and begun > since
    state = USED if count else NEW if young else UNUSED
    if ends is not None and ends <= at:
        state = ENDED
    proposal = None
    if state in (USED, UNUSED):
        children = [each for each in minted if each.parent == held.id and (each.made_at > since or each.stands_at(at))]
        deepest = max((use.below for each in by_grant.values() for use in each), default=0)
        proposal = propose(
            _capability_json(held), capability, by_grant, deepest=max(deepest, 1 if children else 0),
            span=f"{days} days",
        )  # fmt: skip
    notes = tuple(f"{found.path}: {found.detail}" for found in find_broad(capability, leaf.credential))
    return Holding(held, state, last_used, count, tuple(agents), notes, proposal)


def _capability_json(held: Held) -> dict[str, Any]:
    subject: dict[str, Any] = held.leaf.credential.document["credentialSubject"]  # type: ignore[assignment]  # by its form
    return subject["capability"]  # type: ignore[no-any-return]  # JSON


def _find_grant(capability: Capability, use: Usage, *, own: bool) -> CapabilityGrant | None:
    """Return the grant by which a use was or would be permitted; `None` where an earlier credential was wider."""
    named = capability.find_grant(use.grant)
    if named is not None and _covers(named, use, own=own):
        return named
    return next((grant for grant in capability.grants if _covers(grant, use, own=own)), None)


def _covers(grant: CapabilityGrant, use: Usage, *, own: bool) -> bool:
    resource = find_requested(use.resource)
    if use.type != grant.type or use.action not in grant.actions or resource is None:
        return False
    if not any(is_below(resource, each) for each in grant.resources):
        return False
    if own or use.arguments is None:
        return True
    return all(
        name in use.arguments and constraint.permits(use.arguments[name])
        for name, constraint in grant.constraints.items()
        if not name.startswith(ENVIRONMENT)
    )


def _shown(at: datetime | None) -> str | None:
    return None if at is None else encode_instant(at)
