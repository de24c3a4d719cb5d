"""Whether each credential stands at the instant of judgement: its validity, and its status from signed lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from agentdid.clock import seconds
from agentdid.codec.instant import encode_instant
from agentdid.did import key as did_key
from agentdid.errors import (
    AgentdidError,
    AudienceMismatch,
    ChainParentExpired,
    ChainParentRevoked,
    Expired,
    Refused,
    StatusIssuerMismatch,
    StatusListExpired,
    StatusStale,
    StatusUnavailable,
    StatusVerificationError,
    Undecided,
)
from agentdid.secure.mechanism import level_of
from agentdid.verify.needs import Absent, NeedFacts
from agentdid.verify.security import CLASSICAL, check_declared, check_level, hold_anchors
from agentdid.verify.signatures import find_carried, find_document
from agentdid.verify.status_list import as_list_error, find_refusal, read_body, read_entries

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Signature
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Answer, Need, Reply
    from agentdid.verify.states import Link
    from agentdid.verify.status_list import Content, Entry


def check_validity(case: Case) -> None:
    """Hold that every credential, and every proof's own time, covers the instant, but for the leeway.

    Raises:
        Expired, NotYetValid, IssuedInFuture: Of a leaf or of another credential.
        AudienceMismatch: A credential's token is addressed to somebody else (RFC 7519 section 4.1.3).
        ChainParentExpired: Of a link further up, whatever the leaf says.

    Spec: specs/verification.md V23-V24.
    """
    now = case.now
    trust = case.question.trust
    for link in case.parsed.links:
        credential, secured = link.credential, link.secured
        if "aud" in secured.claims and trust.audience and secured.claims["aud"] not in (trust.audience, trust.did):
            raise AudienceMismatch("the credential was made for another verifier", path=f"{link.path}/aud")
        try:
            if secured.created is not None:
                now.check_made(secured.created, "/created")
            if credential.valid_from is not None:
                now.check_begun(credential.valid_from, "/validFrom")
            if secured.begins is not None:
                now.check_begun(secured.begins, "/nbf")
            if credential.valid_until is not None:
                now.check_not_ended(credential.valid_until, "/validUntil")
            if secured.expires is not None:
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
    entries = []
    for link in case.parsed.links:
        if link.credential.status or link.capability is not None or "status" in link.secured.claims:
            entries += _entries(case, link)
    return _check_lists(case, entries) if entries else None


def _check_lists(case: Case, entries: list[tuple[Link, str, Entry]]) -> Generator[Need, Reply, None]:
    urls = tuple(dict.fromkeys([entry.list_url for _, _, entry in entries]))
    bound = case.question.trust.limits.status_staleness_s
    answers = dict(zip(urls, (yield from _ask(case, urls, bound)), strict=True))
    for link, member, entry in entries:
        try:
            yield from _check_entry(case, link, entry, answers)
        except AgentdidError as error:
            error.path = f"{link.path}{member}{error.path}"
            raise


def _check_entry(case: Case, link: Link, entry: Entry, answers: dict[str, Answer]) -> Generator[Need, Reply, None]:
    url, limits = entry.list_url, case.question.trust.limits
    found = yield from _verified_list(case, link, entry, answers[url])
    bound = _bound(found, limits)
    if case.question.at - found.signed_at > seconds(bound):
        # what was held is older than the policy's bound: one more question, for a new one
        (answers[url],) = yield from _ask(case, (url,), 0)
        found = yield from _verified_list(case, link, entry, answers[url])
        bound = _bound(found, limits)
        if case.question.at - found.signed_at > seconds(bound):
            raise StatusStale("the newest list to be had is too old")
    case.believe_until(found.signed_at, bound, f"status list {url}")
    refusal = find_refusal(entry, found.value(entry))
    if refusal is not None:
        if link in case.parsed.chain[:-1]:
            raise ChainParentRevoked(f"a link further up is no longer good ({refusal.code})")
        raise refusal("the issuer's list says so")


def _bound(found: Content, limits: Limits) -> float:
    """Return how old the list may be: the issuer's ttl within the policy's bounds, or the policy's own, if less."""
    ttl = limits.max_status_ttl_s if found.ttl_s is None else found.ttl_s
    return min(max(limits.min_status_ttl_s, min(ttl, limits.max_status_ttl_s)), limits.status_staleness_s)


def _entries(case: Case, link: Link) -> list[tuple[Link, str, Entry]]:
    entries = [(link, member, entry) for member, entry in read_entries(link)]
    if not entries and link.capability is not None:
        path = f"{link.path}/credentialStatus"
        if link.capability.depth == 0:
            raise StatusUnavailable("a root link names a status list", path=path)
        life = link.credential.valid_until - link.credential.valid_from  # type: ignore[operator]  # by check_form
        if life > seconds(case.question.trust.limits.max_statusless_life_s):
            raise StatusUnavailable("a link without status lives an hour at most", path=path)
    return entries


def _ask(case: Case, urls: tuple[str, ...], max_age_s: float) -> Generator[Need, Reply, tuple[Answer, ...]]:
    for _ in urls:
        case.budget.spend_fetch()
    answers = yield NeedFacts(urls, max_age_s)
    if not isinstance(answers, tuple) or len(answers) != len(urls):
        message = "NeedFacts is answered by one Answer for each URL"
        raise TypeError(message)
    return answers


def _verified_list(case: Case, link: Link, entry: Entry, held: Answer) -> Generator[Need, Reply, Content]:
    """Return the list that `held` holds, of the right issuer, signed, and not ended."""
    if isinstance(held, Absent):
        raise StatusUnavailable(f"the list could not be had ({held.code}: {held.detail})")
    known = case.memory.lists.find(held.digest) or read_body(case, held)
    if known.url != entry.list_url:
        raise StatusVerificationError("expected the status list that the credential names")
    if known.issuer != link.credential.issuer:
        _check_list_issuer(case, link, known.issuer)
    keys = []
    try:
        for signature in known.signatures:
            key = find_carried(case, signature, signature.purpose)
            if key is None:
                document = yield from find_document(case, signature.did)
                key = document.find_key(signature.method_id, signature.purpose, case.question.at)
            keys.append(key)
        # the same bytes under the same keys hold the same signatures: that, and no verdict, is what is remembered
        if tuple(keys) != known.keys:
            for signature, key in zip(known.signatures, keys, strict=True):
                case.budget.spend_signature()
                signature.check(key)
    except Undecided as error:
        raise StatusUnavailable(f"the list's issuer could not be resolved ({error.code})") from None
    except AgentdidError as error:
        raise as_list_error(error) from None
    content = known.content
    if content is None or tuple(keys) != known.keys:
        content = content or known.read()  # type: ignore[misc]  # either is there
        held_now = structs.replace(known, keys=tuple(keys), read=None, content=content)
        case.memory.lists.keep(held.digest, held_now)
    yield from _check_security(case, link, known.signatures)
    if known.ends is not None and known.ends < case.now.earliest:
        raise StatusListExpired(f"the list was valid until {encode_instant(known.ends)}")
    if content.signed_at > case.now.latest:
        raise StatusStale("the list was signed after the asked instant")
    return content


def _check_security(case: Case, link: Link, signatures: tuple[Signature, ...]) -> Generator[Need, Reply, None]:
    """Hold that a list is signed as strongly as what it speaks about: it is a step of its chain."""
    level = level_of(signatures)
    case.levels.append(level)
    links = (link,) if link.capability is None else case.parsed.chain[:1]
    if case.needed != CLASSICAL:
        check_level(case, level, "")
    if case.anchors:
        hold_anchors(case, links, level, "")
    if not signatures[0].did.startswith(did_key.PREFIX):
        yield from check_declared(case, signatures, links, "")


def _check_list_issuer(case: Case, link: Link, issuer: str) -> None:
    # not its own issuer's: an ancestor's, or one the anchor names (specs/verification.md V27)
    chain = case.parsed.chain
    above = chain[: chain.index(link) + 1] if link.capability is not None else (link,)
    if any(issuer == each.credential.issuer for each in above):
        return
    for each in above:
        fitting = tuple(anchor for anchor in case.anchors.get(each.position, ()) if issuer in anchor.status_issuers)
        if fitting:
            case.keep_anchors(each, fitting)
            return
    raise StatusIssuerMismatch("the list's issuer may not speak about this credential")
