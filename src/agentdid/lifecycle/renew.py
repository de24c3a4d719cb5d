"""A capability replaced, and everything that hung on it re-minted from the new one, for the same agents.

After a renewal, a narrowing, a rotation of the agent's key or a change of its DID. A child becomes what it was, cut
down to what the new parent allows (`delegation.meet`): nothing comes out broader. What was re-minted is remembered by
what it replaces, so that doing it again re-mints what is left. Old ones are ended last.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.codec.strict_json import parse
from agentdid.delegation.meet import meet_parent
from agentdid.errors import CredentialNotFound, DelegationForbidden, DidMethodUnsupported, Malformed, Refused
from agentdid.issuer.orders import DEFAULT_TTL, Order
from agentdid.limits import DEFAULT
from agentdid.proof.jws import is_compact
from agentdid.record import Value
from agentdid.storage.controlled import is_webvh
from agentdid.verify.structure import read_chain, read_credential
from agentdid.wallet.lineage import DELEGATION
from agentdid.wallet.passing_on import minted_capability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentdid.lifecycle.desks import Desk
    from agentdid.trust.anchors import Trust
    from agentdid.verify.needs import Source
    from agentdid.wallet.lineage import Minted, Statuses
    from agentdid.wallet.wallet import Held, Wallet

_HOUR: Final = timedelta(hours=1)
Wire = str | dict[str, object]


@final
class Reminted(Value, frozen=True, eq=False):
    """What became of one capability that was passed on.

    Attributes:
        old: Its `id`.
        subject: For whom.
        id: Of what replaces it; `None` where nothing does.
        chain: That, root first, to be handed to the subject.
        lost: Grants that could not be carried over, each with why.
        changed: Grants that came out narrower.
        problem: Why nothing replaces it.
    """

    old: str
    subject: str
    id: str | None
    chain: tuple[Wire, ...]
    lost: tuple[tuple[str, str], ...] = ()
    changed: tuple[str, ...] = ()
    problem: str = ""

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "old": self.old,
            "subject": self.subject,
            "id": self.id,
            "chain": list(self.chain),
            "lost": [{"grant": grant, "why": why} for grant, why in self.lost],
            "changed": list(self.changed),
            "problem": self.problem,
        }


@final
class Renewed(Value, frozen=True, eq=False):
    """What was done.

    Attributes:
        old: The `id` of what was replaced.
        id: Of what is held now.
        did: The agent's DID now.
        children: What became of each capability that was passed on out of it.
        revoked: Ids of old ones that were revoked.
        standing: Old ones that nobody could end: they end by themselves.
    """

    old: str
    id: str
    did: str
    children: tuple[Reminted, ...]
    revoked: tuple[str, ...]
    standing: tuple[Minted, ...]

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "old": self.old,
            "id": self.id,
            "did": self.did,
            "children": [each.encode() for each in self.children],
            "revoked": list(self.revoked),
            "standing": [{"id": each.id, "until": each.valid_until.isoformat()} for each in self.standing],
        }


def renew(
    wallet: Wallet,
    credential_id: str,
    *,
    at: datetime,
    replacement: Sequence[Wire] | None = None,
    desk: Desk | None = None,
    capability: Mapping[str, Any] | None = None,
    new_did: bool = False,
    rotate: bool = False,
    key: str | None = None,
    ttl: timedelta = DEFAULT_TTL,
    statuses: Statuses | None = None,
    trust: Trust | None = None,
    source: Source | None = None,
) -> Renewed:
    """Replace a capability that the wallet holds, and re-mint all that it passed on out of it.

    The new one is `replacement`, or is ordered from `desk`, which then revokes the old one; with neither it is the
    same again, and only what hangs on it is signed anew.

    Args:
        wallet: The agent's.
        credential_id: Of what is replaced.
        at: Now.
        replacement: The new chain, root first.
        desk: The issuer that is asked for a new one.
        capability: What is asked of it, such as a review proposes; by default the same as before.
        new_did: Whether the new one is for a fresh did:key.
        rotate: Whether the agent's did:webvh gets fresh keys first, the ones until now being compromised.
        key: Names what is ordered; by default made from `credential_id`.
        ttl: How long the new one shall be valid.
        statuses: The agent's own status service, for what is passed on; without one that lives an hour at most.
        trust: As `Wallet.receive`.
        source: As `Wallet.receive`.

    Raises:
        CredentialNotFound: It is not held, and was not renewed before.
        Undecided: A store or an issuer did not answer; nothing old was ended, and it can be done again.
        ValueError: A replacement and a desk; a fresh DID without a desk.
        CapabilityNotAttenuated: The new one is for another root, principal or purpose.
        DidMethodUnsupported: Another DID than a did:webvh does not rotate.
    """
    if replacement is not None and desk is not None:
        raise ValueError("a replacement is given, or ordered from a desk, and not both")
    if (new_did or capability is not None) and desk is None:
        raise ValueError("somebody must issue for the fresh DID, or the other capability: name a desk")
    children = [each for each in wallet.minted() if (each.parent, each.kind) == (credential_id, DELEGATION)]
    old = _find(wallet, credential_id)
    if old is None:
        return _finished(wallet, credential_id, children)
    if rotate:
        if not is_webvh(old.subject):
            raise DidMethodUnsupported("only a did:webvh rotates; ask for a fresh DID instead")
        wallet.controlled.rotate(old.subject, at=at, compromised=True)
    new = old
    if desk is not None:
        name = key or f"renew:{credential_id}"
        did = _fresh_did(wallet, name) if new_did else old.subject
        above = [link.secured.wire for link in old.chain[:-1]]
        wanted = _shown(old) if capability is None else capability
        order = Order(did, wanted, above or None, ttl=ttl, idempotency_key=name)
        new = _take(wallet, desk.issue(order), trust, desk.source(source))
    elif replacement is not None:
        new = _take(wallet, replacement, trust, source)
    own = statuses if statuses is not None and statuses.did == new.subject else None
    made = [
        _remint(wallet, each, new, at, own)
        for each in children
        if _successor(wallet, each.id, new.id) is not None or (each.stands_at(at) and _needs(wallet, each, new))
    ]
    if desk is not None:
        desk.revoke(credential_id, "replaced")
        desk.publish()
    # the old one goes last: as long as it is held, this can be done again
    revoked, standing = _end(wallet, [each.old for each in made], old, new, statuses)
    return Renewed(credential_id, new.id, new.subject, tuple(made), revoked, standing)


def _finished(wallet: Wallet, credential_id: str, children: Sequence[Minted]) -> Renewed:
    """Return what came of it where it was done before. Raises `CredentialNotFound`: it was not."""
    names = {each.id for each in children}
    made = [each for each in wallet.minted() if each.replaces in names]
    if not made:
        raise CredentialNotFound("no credential of this id is held, and nothing that hung on it was re-minted")
    new = wallet.find(made[-1].parent)
    again = tuple(
        Reminted(str(each.replaces), each.subject, each.id, tuple(wallet.passed_on(each.id))) for each in made
    )
    return Renewed(credential_id, new.id, new.subject, again, (), ())


def _remint(wallet: Wallet, child: Minted, new: Held, at: datetime, statuses: Statuses | None) -> Reminted:
    """Mint what a child becomes under a new parent, once. Raises `Undecided`: nothing is ended then."""
    known = _successor(wallet, child.id, new.id)
    if known is not None:
        return Reminted(child.id, child.subject, known.id, tuple(wallet.passed_on(known.id)))
    met = meet_parent(minted_capability(child, DEFAULT), _shown(new))
    if met.capability is None:
        return Reminted(child.id, child.subject, None, (), met.lost, problem="nothing of it is left")
    ends = new.leaf.credential.valid_until
    life = child.valid_until - child.made_at if ends is None else min(child.valid_until - child.made_at, ends - at)
    if statuses is None:
        life = min(life, _HOUR)
    life -= timedelta(microseconds=life.microseconds)
    if life <= timedelta(0):
        return Reminted(child.id, child.subject, None, (), met.lost, problem="the new parent has ended")
    try:
        chain = wallet.delegate(
            new.id, to=child.subject, capability=met.capability, ttl=life, statuses=statuses, replaces=child.id
        )
    except (Refused, Malformed) as error:
        return Reminted(child.id, child.subject, None, (), met.lost, met.changed, str(error))
    made = _successor(wallet, child.id, new.id)
    return Reminted(child.id, child.subject, made and made.id, tuple(chain), met.lost, met.changed)


def _needs(wallet: Wallet, child: Minted, new: Held) -> bool:
    """Whether a child is minted anew: its parent is another one, or it was signed by a key that is not used now."""
    if child.parent != new.id:
        return True
    wire: Any = child.wire if is_compact(child.wire) else parse(child.wire, DEFAULT).value
    signed = read_credential(wire, plain=False, limits=DEFAULT).signatures
    _, method_id = wallet.signer(new.subject)
    return signed[0].method_id != method_id


def _end(
    wallet: Wallet, children: Sequence[str], old: Held, new: Held, statuses: Statuses | None
) -> tuple[tuple[str, ...], tuple[Minted, ...]]:
    """Give up what was replaced, with all that hung on it."""
    revoked: list[str] = []
    standing: list[Minted] = []
    for each in children if new.id == old.id else [old.id]:
        done = wallet.relinquish(each, statuses=statuses)
        revoked += done.revoked
        standing += done.standing
    return tuple(revoked), tuple(standing)


def _successor(wallet: Wallet, old: str, parent: str) -> Minted | None:
    return next((each for each in wallet.minted() if (each.replaces, each.parent) == (old, parent)), None)


def _find(wallet: Wallet, credential_id: str) -> Held | None:
    try:
        return wallet.find(credential_id)
    except CredentialNotFound:
        return None


def _take(wallet: Wallet, chain: Sequence[Wire], trust: Trust | None, source: Source | None) -> Held:
    name = read_chain(list(chain), DEFAULT)[-1].credential.id
    return _find(wallet, name or "") or wallet.receive(list(chain), trust=trust, source=source)


def _fresh_did(wallet: Wallet, name: str) -> str:
    return wallet.find_did(name) or wallet.create_did(label=name)


def _shown(held: Held) -> dict[str, Any]:
    """Return the capability of a credential as it stands in it."""
    if held.leaf.capability is None:
        raise DelegationForbidden("only capability credentials are renewed so")
    subject: Any = held.leaf.credential.document["credentialSubject"]
    return subject["capability"]  # type: ignore[no-any-return]  # JSON
