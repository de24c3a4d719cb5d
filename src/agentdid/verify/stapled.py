"""Statuses that a presentation carries along: which of them may be believed, and for which entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.clock import seconds
from agentdid.errors import AgentdidError, StatusMalformed, StatusUnavailable, StatusVerificationError, Undecided
from agentdid.status.bitstring import StatusEntry
from agentdid.status.staple import Staple, read_staple
from agentdid.verify.signatures import find_carried, find_document

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.status_list import Entry


def read_staples(case: Case) -> list[Staple]:
    """Return the stapled statuses of the presentation, none of them verified.

    Raises:
        StatusMalformed: Not an array of stapled statuses, or more than two for each credential that may be there.

    Spec: specs/stapled-status.md T5.
    """
    presentation = case.parsed.presentation
    if presentation is None:
        return []
    path = "/statuses"
    carried = presentation.claims.get("statuses")
    request = presentation.document.get("request")
    if carried is None and isinstance(request, dict):
        path, carried = "/request/statuses", request.get("statuses")
    if carried is None:
        return []
    limits = case.question.trust.limits
    if not isinstance(carried, list) or len(carried) > 2 * limits.max_credentials:
        raise StatusMalformed(f"expected an array of at most {2 * limits.max_credentials} stapled statuses", path=path)
    return [read_staple(each, limits, f"{path}/{position}") for position, each in enumerate(carried)]


def find_fresh(case: Case, entry: Entry, staples: list[Staple]) -> Generator[Need, Reply, Staple | None]:
    """Return the newest stapled status of an entry that may be believed now; `None` where there is none.

    Raises:
        StatusVerificationError: Its signature does not hold: nobody carries a forgery by mistake.
        StatusUnavailable: Its issuer could not be resolved.

    Spec: specs/stapled-status.md T6-T8.
    """
    purpose = entry.purpose if isinstance(entry, StatusEntry) else None
    bound = seconds(case.question.trust.limits.status_staleness_s)
    fitting = [
        each
        for each in staples
        if (each.list_url, each.index, each.purpose) == (entry.list_url, entry.index, purpose)
        and case.question.at - each.issued <= bound
        and each.issued <= case.now.latest
        and case.now.earliest <= each.expires
    ]
    if not fitting:
        return None
    newest = max(fitting, key=lambda each: each.issued)
    signature = newest.signature
    try:
        key = find_carried(case, signature, signature.purpose)
        if key is None:
            document = yield from find_document(case, signature.did)
            key = document.find_key(signature.method_id, signature.purpose, case.question.at)
        case.budget.spend_signature()
        signature.check(key)
    except Undecided as error:
        raise StatusUnavailable(f"the status's issuer could not be resolved ({error.code})") from None
    except AgentdidError as error:
        raise StatusVerificationError(f"the stapled status does not verify ({error.code})") from None
    return newest
