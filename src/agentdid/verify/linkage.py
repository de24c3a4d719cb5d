"""Anchors that ask for a domain: their issuer's DID must be linked with it, both ways, at the time of the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.clock import seconds
from agentdid.errors import CODES, AgentdidError, FetchFailed, Undecided
from agentdid.trust.linkage import check_linkage, configuration_url, read_configuration
from agentdid.verify.needs import Absent, NeedFacts
from agentdid.verify.signatures import find_document

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.trust.anchor import Anchor
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link


def check_domains(case: Case) -> Generator[Need, Reply, None]:
    """Leave each credential the anchors whose domain says that it is the issuer's; of each credential one must be left.

    It runs once the credentials' signatures held, so that nobody's domain is asked about on a stranger's word.

    Raises:
        IssuerUntrusted: The domain does not say so.
        FetchFailed and other `fetch_…`: Its DID configuration could not be had.
        Malformed: What it serves is no DID configuration.

    Spec: specs/verification.md V14; Well Known DID Configuration.
    """
    asked: dict[tuple[str, str], AgentdidError | None] = {}
    for link in (*case.parsed.chain, *case.parsed.others):
        anchors = case.anchors.get(link.position, ())
        if any(anchor.linked_domain is not None for anchor in anchors):
            yield from _narrow(case, link, anchors, asked)


def _narrow(
    case: Case, link: Link, anchors: tuple[Anchor, ...], asked: dict[tuple[str, str], AgentdidError | None]
) -> Generator[Need, Reply, None]:
    issuer = link.credential.issuer
    fitting = []
    stopped: AgentdidError | None = None
    for anchor in anchors:
        domain = anchor.linked_domain
        if domain is not None:
            if (issuer, domain) not in asked:
                try:
                    yield from _check_domain(case, issuer, domain)
                except AgentdidError as error:
                    asked[issuer, domain] = error
                else:
                    asked[issuer, domain] = None
            failure = asked[issuer, domain]
            if failure is not None:
                stopped = stopped or failure
                continue
        fitting.append(anchor)
    if stopped is None:
        return
    if not fitting:
        raise stopped
    case.keep_anchors(link, tuple(fitting))


def _check_domain(case: Case, issuer: str, domain: str) -> Generator[Need, Reply, None]:
    document = yield from find_document(case, issuer)
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
