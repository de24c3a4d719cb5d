"""Whether each credential stands at the instant of judgement: its validity, and its status from signed lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.clock import seconds
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import parse
from agentdid.credential.parse import parse_credential
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
    StatusRevoked,
    StatusStale,
    StatusSuspended,
    StatusUnavailable,
    StatusUnknownValue,
    StatusVerificationError,
    Undecided,
)
from agentdid.proof.jws import is_compact
from agentdid.status.bitstring import StatusEntry, StatusList, parse_entry, read_list
from agentdid.verify.memory import KnownList
from agentdid.verify.needs import Absent, NeedFacts, Resource
from agentdid.verify.security import CLASSICAL, check_declared, check_level, hold_anchors
from agentdid.verify.signatures import find_document, find_known
from agentdid.verify.structure import read_credential, write_signed

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.limits import Limits
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Answer, Need, Reply
    from agentdid.verify.states import Link

_LIST_TYPE: Final = "BitstringStatusListCredential"
_REFUSALS: Final = {"revocation": StatusRevoked, "suspension": StatusSuspended}


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


def _check_lists(case: Case, entries: list[tuple[Link, StatusEntry]]) -> Generator[Need, Reply, None]:
    urls = tuple(dict.fromkeys([entry.list_url for _, entry in entries]))
    bound = case.question.trust.limits.status_staleness_s
    answers = dict(zip(urls, (yield from _ask(case, urls, bound)), strict=True))
    for link, entry in entries:
        try:
            yield from _check_entry(case, link, entry, answers)
        except AgentdidError as error:
            error.path = f"{link.path}/credentialStatus{error.path}"
            raise


def _check_entry(
    case: Case, link: Link, entry: StatusEntry, answers: dict[str, Answer]
) -> Generator[Need, Reply, None]:
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
    value = found.value(entry)
    refusal = _REFUSALS.get(entry.purpose)
    if refusal is None:
        raise StatusUnknownValue("expected the purpose revocation or suspension", path="/statusPurpose")
    if value:
        if link in case.parsed.chain[:-1]:
            raise ChainParentRevoked(f"a link further up is no longer good ({refusal.code})")
        raise refusal("the issuer's list says so")


def _bound(found: StatusList, limits: Limits) -> float:
    """Return how old the list may be: the issuer's ttl within the policy's bounds, or the policy's own, if less."""
    ttl = limits.max_status_ttl_s if found.ttl_s is None else found.ttl_s
    return min(max(limits.min_status_ttl_s, min(ttl, limits.max_status_ttl_s)), limits.status_staleness_s)


def _entries(case: Case, link: Link) -> list[tuple[Link, StatusEntry]]:
    if "status" in link.secured.claims:
        # a Token Status List reference; ignoring it would make a revoked credential good
        raise StatusUnknownValue("expected credentialStatus; the claim status is not read", path=f"{link.path}/status")
    try:
        entries = [(link, parse_entry(each)) for each in link.credential.status]
    except AgentdidError as error:
        error.path = f"{link.path}/credentialStatus{error.path}"
        raise
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


def _verified_list(case: Case, link: Link, entry: StatusEntry, held: Answer) -> Generator[Need, Reply, StatusList]:
    """Return the list that `held` holds, of the right issuer, signed, and not ended."""
    if isinstance(held, Absent):
        raise StatusUnavailable(f"the list could not be had ({held.code}: {held.detail})")
    known = case.memory.lists.find(held.digest) or _read(case, held)
    content = known.content
    if content.url != entry.list_url:
        raise StatusVerificationError("expected the status list that the credential names")
    if content.issuer != link.credential.issuer:
        _check_list_issuer(case, link, content.issuer)
    keys = []
    try:
        for signature in known.signatures:
            document = find_known(case, signature.did) or (yield from find_document(case, signature.did))
            keys.append(document.find_key(signature.method_id, signature.purpose, case.question.at))
        # the same bytes under the same keys hold the same signatures: that, and no verdict, is what is remembered
        if tuple(keys) != known.keys:
            for signature, key in zip(known.signatures, keys, strict=True):
                case.budget.spend_signature()
                signature.check(key)
            case.memory.lists.keep(held.digest, structs.replace(known, keys=tuple(keys)))
    except Undecided as error:
        raise StatusUnavailable(f"the list's issuer could not be resolved ({error.code})") from None
    except AgentdidError as error:
        raise _as_list_error(error) from None
    case.levels.append(known.level)
    if case.needed != CLASSICAL or case.anchors or not known.signatures[0].did.startswith(did_key.PREFIX):
        yield from _check_security(case, link, known)
    if known.ends is not None and known.ends < case.now.earliest:
        raise StatusListExpired(f"the list was valid until {encode_instant(known.ends)}")
    if content.signed_at > case.now.latest:
        raise StatusStale("the list was signed after the asked instant")
    return content


def _check_security(case: Case, link: Link, known: KnownList) -> Generator[Need, Reply, None]:
    """Hold that a list is signed as strongly as what it speaks about: it is a step of its chain."""
    links = (link,) if link.capability is None else case.parsed.chain[:1]
    check_level(case, known.level, "")
    hold_anchors(case, links, known.level, "")
    did = known.signatures[0].did
    if not did.startswith(did_key.PREFIX):
        yield from check_declared(case, known.signatures, case.documents[did], links, "")


def _read(case: Case, held: Resource) -> KnownList:
    """Return a list taken apart, none of its signatures checked."""
    limits = case.question.trust.limits
    try:
        text = held.body.decode("utf-8").strip()
        item = (text, False) if is_compact(text) else _value(text, case)
        secured = write_signed(case, read_credential(*item, limits))
        credential = parse_credential(secured.document)
        if _LIST_TYPE not in credential.types or credential.id is None:
            raise StatusVerificationError("expected a status list credential with an id")
        if secured.signer != credential.issuer:
            raise StatusVerificationError("signed by another DID than the list's issuer")
        if credential.valid_from is not None:
            case.now.check_begun(credential.valid_from, "/validFrom")
    except (AgentdidError, UnicodeDecodeError) as error:
        raise _as_list_error(error) from None
    content = read_list(
        secured.document, url=credential.id, issuer=credential.issuer, signed_at=secured.created, limits=limits
    )
    ends = [end for end in (content.valid_until, secured.expires) if end is not None]
    return KnownList(content, min(ends, default=None), secured.signatures, (), secured.level)


def _value(text: str, case: Case) -> tuple[object, bool]:
    parsed = parse(text, case.question.trust.limits)
    return parsed.value, parsed.plain


def _as_list_error(error: Exception) -> AgentdidError:
    """What is wrong with a list is said as such: the sender of the presentation did not make it."""
    if isinstance(error, StatusVerificationError):
        return error
    detail = f"{error.code}: {error.detail}" if isinstance(error, AgentdidError) else "not UTF-8"
    return StatusVerificationError(f"the list does not verify ({detail})")


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
