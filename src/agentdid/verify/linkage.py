"""Anchors that ask for a domain: their issuer's DID must be linked with it, both ways, at the time of the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.clock import seconds
from agentdid.errors import CODES, FetchFailed, Undecided
from agentdid.trust.linkage import check_linkage, configuration_url, read_configuration
from agentdid.verify.needs import Absent, NeedFacts
from agentdid.verify.signatures import find_document

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.did.document import DidDocument
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply


def check_domains(case: Case) -> Generator[Need, Reply, None]:
    """Hold that every issuer is linked with each domain that an anchor speaking for it names.

    It runs once the issuers' signatures held, so that nobody's domain is asked about on a stranger's word. Where
    several anchors speak for an issuer, all their conditions count: none can be got round by adding another.

    Raises:
        IssuerUntrusted: The domain does not say so.
        FetchFailed and other `fetch_…`: Its DID configuration could not be had.
        Malformed: What it serves is no DID configuration.

    Spec: specs/verification.md V14; Well Known DID Configuration.
    """
    for issuer, anchors in case.anchors.items():
        for domain in dict.fromkeys(each.linked_domain for each in anchors if each.linked_domain is not None):
            yield from _check_domain(case, (yield from find_document(case, issuer)), domain)


def _check_domain(case: Case, document: DidDocument, domain: str) -> Generator[Need, Reply, None]:
    url = configuration_url(domain)
    limits = case.question.trust.limits
    case.budget.spend_fetch()
    replies = yield NeedFacts((url,), limits.max_key_age_s)
    if not isinstance(replies, tuple) or len(replies) != 1:
        message = "NeedFacts is answered by as many answers as it has URLs"
        raise TypeError(message)
    (answer,) = replies
    if isinstance(answer, Absent):
        error = CODES.get(answer.code, FetchFailed)
        raise (error if issubclass(error, Undecided) else FetchFailed)(f"{url}: {answer.detail}")
    age = case.question.at - answer.held_at
    if age > seconds(limits.max_key_age_s) or -age > seconds(limits.leeway_s):
        raise FetchFailed(f"{url}: no DID configuration is held from the asked instant")
    linkages = read_configuration(answer.body, domain, document.id, limits)
    case.budget.spend_signature()
    linkage = check_linkage(linkages, document, case.question.at)
    case.believe_until(answer.held_at, limits.max_key_age_s, f"domain of {document.id}")
    lasts_s = (linkage.expires - case.question.at).total_seconds()
    case.believe_until(case.question.at, lasts_s, f"domain linkage of {document.id}")
