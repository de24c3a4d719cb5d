"""What an issuer's acts are in an audit log: whom they concern and which credential, by names and digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.audit.attribution import find_attribution
from agentdid.audit.packed import name_digest
from agentdid.audit.record import ISSUANCE, REINSTATEMENT, REVOCATION, ROTATION, SUSPENSION, Named, Record
from agentdid.codec.instant import encode_instant
from agentdid.verify.structure import read_chain

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.issuer.ledger_tables import Entry
    from agentdid.issuer.orders import Issued
    from agentdid.issuer.status_ledger import Which
    from agentdid.limits import Limits

_KINDS: Final = {"revoke": REVOCATION, "suspend": SUSPENSION, "reinstate": REINSTATEMENT}
_MAX_NAMED: Final = 64
"""Credentials that one record names; what concerned more says how many."""


def issuance_of(made: Issued, at: datetime, limits: Limits) -> Record:
    """Return the record of an issuance."""
    (link,) = read_chain([made.credential], limits)
    credential = link.credential
    named = Named(credential.id, credential.issuer, link.subject, name_digest(link.secured.digest))
    context = {} if credential.valid_until is None else {"validUntil": encode_instant(credential.valid_until)}
    if made.repeated:
        context["repeated"] = "1"
    capability = link.capability
    return _record(
        at, ISSUANCE, credential.issuer, context, agent=link.subject, links=(named,),
        principal=None if capability is None else capability.principal,
    )  # fmt: skip


def act_of(act: str, did: str, entry: Entry, at: datetime, *, changed: bool) -> Record:
    """Return the record of a credential's revocation, suspension or reinstatement.

    Args:
        act: `revoke`, `suspend` or `reinstate`.
        did: The issuer's.
        entry: The credential's.
        at: When.
        changed: Whether it was otherwise until now.
    """
    named = Named(entry.credential_id, did, entry.subject)
    said = {"changed": "1" if changed else "0"}
    return _record(at, _KINDS[act], did, said, agent=entry.subject, links=(named,))


def acts_of(act: str, did: str, which: Which, at: datetime, changed: int) -> Record:
    """Return the record of an act on many credentials at once: which were meant, and how many were changed."""
    said = {"changed": str(changed), "many": "1"}
    if which.key_id is not None:
        said["key"] = which.key_id[:512]
    for name, instant in (("issuedFrom", which.issued_from), ("issuedUntil", which.issued_until)):
        if instant is not None:
            said[name] = encode_instant(instant)
    if which.state is not None:
        said["state"] = which.state
    ids = which.credential_ids or ()
    named = tuple(Named(each, did) for each in ids) if len(ids) <= _MAX_NAMED else ()
    return _record(at, _KINDS[act], did, said, agent=which.subject, links=named)


def rotation_of(did: str, at: datetime, *, compromised: bool) -> Record:
    """Return the record of a rotation of keys."""
    return _record(at, ROTATION, did, {"compromised": "1"} if compromised else {})


def _record(
    at: datetime, kind: str, did: str, context: dict[str, str], *, agent: str | None = None,
    links: tuple[Named, ...] = (), principal: str | None = None,
) -> Record:  # fmt: skip
    said = find_attribution()
    return Record(
        at, kind, said.actor or did, agent=agent, principal=principal, links=links, reasoning=said.reasoning,
        context={**said.context, **context},
    )  # fmt: skip
