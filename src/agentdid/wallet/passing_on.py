"""A link made by the holder of a capability: offline, narrower, and kept in the lineage."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.strict_json import encode, parse
from agentdid.delegation.link import ParentLink, build_link, fitting_form, secure_link
from agentdid.delegation.narrower import fill_narrower
from agentdid.errors import DelegationForbidden
from agentdid.proof.jws import is_compact
from agentdid.verify.structure import read_credential
from agentdid.wallet.lineage import DELEGATION, Minted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.keys.secret import Signer
    from agentdid.limits import Limits
    from agentdid.wallet.lineage import Statuses
    from agentdid.wallet.wallet import Held

_HOUR: Final = timedelta(hours=1)


def wanted_capability(
    held: Held, capability: Mapping[str, object] | None, narrower: Mapping[str, object] | None
) -> Mapping[str, object]:
    """Return the whole capability of the new link, given as such or by what differs from the parent.

    Raises:
        DelegationForbidden: What is held is no capability.
        TypeError: Neither was given, or both.
        TypeMismatch, CapabilityNotAttenuated: As `fill_narrower`.
    """
    if held.leaf.capability is None:
        raise DelegationForbidden("only capability credentials can be delegated")
    if (capability is None) == (narrower is None):
        message = "delegate takes either a whole capability or what is narrower in it"
        raise TypeError(message)
    if capability is not None:
        return capability
    subject: dict[str, dict[str, object]] = held.leaf.credential.document["credentialSubject"]  # type: ignore[assignment]
    return fill_narrower(subject["capability"], narrower or {})


def minted_capability(minted: Minted, limits: Limits) -> dict[str, Any]:
    """Return the capability of a link that was minted, as it was signed."""
    wire: Any = minted.wire if is_compact(minted.wire) else parse(minted.wire, limits).value
    subject: Any = read_credential(wire, plain=False, limits=limits).document["credentialSubject"]
    return subject["capability"]  # type: ignore[no-any-return]  # JSON


def make_link(
    held: Held,
    capability: Mapping[str, object],
    signing: tuple[Signer, str],
    *,
    to: str,
    at: datetime,
    ttl: timedelta,
    form: str | None,
    statuses: Statuses | None,
    limits: Limits,
) -> tuple[str | dict[str, object], Minted]:
    """Return a link below a held capability, secured, and what is to be remembered of it.

    Args:
        held: The capability it hangs on; its subject signs.
        capability: What the new link grants.
        signing: The subject's key, and its method's id.
        to: For whom.
        at: `validFrom`, whole seconds.
        ttl: How long it is valid.
        form: By default the parent's, or where the key signs no such suite its own one of the same canonical form;
            a pair of keys signs with both.
        statuses: The delegator's status service, if it runs one.
        limits: Bounds on the capability.

    Raises:
        DelegationForbidden: Too long for a link without status, or the status service is somebody else's.
        CapabilityNotAttenuated, CapabilityExpandedTime, TypeMismatch: As `build_link`.
    """
    leaf = held.leaf
    if leaf.capability is None:
        raise DelegationForbidden("only capability credentials can be delegated")
    if leaf.secured.is_selective:
        raise DelegationForbidden(f"a credential under {leaf.secured.form} is nobody's parent")
    if statuses is None and ttl > _HOUR:
        raise DelegationForbidden("a link without a status of its own lives an hour at most")
    if statuses is not None and statuses.did != held.subject:
        raise DelegationForbidden("the status service speaks for another DID than the delegator's")
    begin, identifier = at.replace(microsecond=0), f"urn:uuid:{uuid.uuid4()}"
    build = partial(
        build_link,
        issuer=held.subject,
        subject=to,
        capability=capability,
        at=begin,
        ttl=ttl,
        parent=ParentLink(leaf.credential, leaf.capability, leaf.secured.digest),
        credential_id=identifier,
        limits=limits,
    )
    document = build()
    if statuses is not None:  # only now: what is refused above burns no index
        document = build(status=statuses.allot_status(identifier, to, issued_at=begin, valid_until=begin + ttl))
    signer, method_id = signing
    fitting = form or fitting_form(leaf.secured.form, signer)
    link = secure_link(document, signer, method_id, form=fitting, at=begin)
    wire = link if isinstance(link, str) else encode(link).decode("utf-8")
    revocable = statuses is not None
    return link, Minted(identifier, DELEGATION, held.subject, to, held.id, wire, begin, begin + ttl, revocable)
