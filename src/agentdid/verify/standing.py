"""Whether each credential stands at the instant of judgement: its validity, and its status from signed lists."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agentdid.errors import AudienceMismatch, ChainParentExpired, Expired, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link


def check_validity(case: Case) -> None:
    """Hold that every credential, and every proof's own time, covers the instant, but for the leeway.

    Raises:
        Expired, NotYetValid, IssuedInFuture: Of a leaf or of another credential.
        AudienceMismatch: A credential's token is addressed to somebody else (RFC 7519 section 4.1.3).
        ChainParentExpired: Of a link further up, whatever the leaf says.

    Spec: specs/verification.md V23-V24.
    """
    now = case.now
    earliest, latest = now.earliest, now.latest
    trust = case.question.trust
    for link in case.parsed.links:
        credential, secured = link.credential, link.secured
        if "aud" in secured.claims and trust.audience and secured.claims["aud"] not in (trust.audience, trust.did):
            raise AudienceMismatch("the credential was made for another verifier", path=f"{link.path}/aud")
        try:
            # compared here, and only what fails goes to where that is said
            if secured.created is not None and secured.created > latest:
                now.check_made(secured.created, "/created")
            if credential.valid_from is not None and credential.valid_from > latest:
                now.check_begun(credential.valid_from, "/validFrom")
            if secured.begins is not None and secured.begins > latest:
                now.check_begun(secured.begins, "/nbf")
            if credential.valid_until is not None and credential.valid_until < earliest:
                now.check_not_ended(credential.valid_until, "/validUntil")
            if secured.expires is not None and secured.expires < earliest:
                now.check_not_ended(secured.expires, "/expires")
        except Refused as error:
            error.path = f"{link.path}{error.path}"
            if type(error) is Expired and link in case.parsed.chain[:-1]:
                raise ChainParentExpired(error.detail, path=error.path) from None
            raise


def check_status(case: Case) -> Generator[Need, Reply, None] | None:
    """Hold that no list says a credential is revoked or suspended, by lists fresh enough to believe.

    Raises:
        StatusRevoked, StatusSuspended: Of a leaf or of another credential.
        ChainParentRevoked: Of a link further up.
        StatusUnavailable, StatusStale, StatusListExpired: It could not be found out.
        HybridComponentMissing: A list that is signed less strongly than the chain, the policy or its issuer's keys ask.
        StatusIssuerMismatch, StatusVerificationError, RangeError and other `status_…`: The list is not one to believe.

    Spec: specs/verification.md V25-V31.
    """
    links = [
        link
        for link in case.parsed.links
        if link.credential.status or link.capability is not None or "status" in link.secured.claims
    ]
    if not links:
        return None
    return _status()(case, links)


@cache
def _status() -> Callable[[Case, Sequence[Link]], Generator[Need, Reply, None] | None]:
    from agentdid.verify.status import check_statuses  # noqa: PLC0415  # many credentials have none

    return check_statuses
