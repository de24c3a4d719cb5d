"""Whether each credential stands at the instant of judgement: its validity, and its status from signed lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.clock import seconds
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import parse
from agentdid.credential.parse import parse_credential
from agentdid.errors import (
    AgentdidError,
    AudienceMismatch,
    ChainParentExpired,
    ChainParentRevoked,
    Expired,
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
from agentdid.verify.signatures import find_document
from agentdid.verify.states import Freshness
from agentdid.verify.structure import read_credential

if TYPE_CHECKING:
    from collections.abc import Generator

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
        credential, secured, path = link.credential, link.secured, link.path
        if "aud" in secured.claims and trust.audience and secured.claims["aud"] not in (trust.audience, trust.did):
            raise AudienceMismatch("the credential was made for another verifier", path=f"{path}/aud")
        now.check_made(secured.created, path, "created")
        now.check_begun(credential.valid_from, path, "validFrom")
        now.check_begun(secured.begins, path, "nbf")
        try:
            now.check_not_ended(credential.valid_until, path, "validUntil")
            now.check_not_ended(secured.expires, path, "expires")
        except Expired as error:
            if link in case.parsed.chain[:-1]:
                raise ChainParentExpired(error.detail, path=error.path) from None
            raise
        for end in (credential.valid_until, secured.expires):
            if end is not None:
                case.freshness.append(Freshness(end, f"validity of {credential.id}"))


def check_status(case: Case) -> Generator[Need, Reply, None]:
    """Hold that no list says a credential is revoked or suspended, by lists fresh enough to believe.

    Raises:
        StatusRevoked, StatusSuspended: Of a leaf or of another credential.
        ChainParentRevoked: Of a link further up.
        StatusUnavailable, StatusStale, StatusListExpired: It could not be found out.
        StatusIssuerMismatch, StatusVerificationError, RangeError and other `status_…`: The list is not one to believe.

    Spec: specs/verification.md V25-V31.
    """
    entries = []
    for link in case.parsed.links:
        entries += _entries(case, link)
    if not entries:
        return
    urls = tuple(dict.fromkeys([entry.list_url for _, entry in entries]))
    bound = case.question.trust.limits.status_staleness_s
    answers = dict(zip(urls, (yield from _ask(case, urls, bound)), strict=True))
    for link, entry in entries:
        answer = answers[entry.list_url]
        found = yield from _find_list(case, link, entry, answer)
        if found is None:
            # what was held is older than the policy's bound: one more question, for a new one
            (answer,) = yield from _ask(case, (entry.list_url,), 0)
            answers[entry.list_url] = answer
            found = yield from _find_list(case, link, entry, answer)
        if found is None:
            raise StatusStale("the newest list to be had is too old", path=f"{link.path}/credentialStatus")
        _judge(case, link, entry, found)


def _entries(case: Case, link: Link) -> list[tuple[Link, StatusEntry]]:
    if "status" in link.secured.claims:
        # a Token Status List reference; ignoring it would make a revoked credential good
        raise StatusUnknownValue("expected credentialStatus; the claim status is not read", path=f"{link.path}/status")
    if not link.credential.status and link.capability is None:
        return []
    path = f"{link.path}/credentialStatus"
    entries = [(link, parse_entry(each, path)) for each in link.credential.status]
    if not entries and link.capability is not None:
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


def _find_list(case: Case, link: Link, entry: StatusEntry, answer: Answer) -> Generator[Need, Reply, StatusList | None]:
    """Return the verified list that `answer` holds; `None` when it is older than the policy's bound."""
    path = f"{link.path}/credentialStatus"
    if isinstance(answer, Absent):
        raise StatusUnavailable(f"the list could not be had ({answer.code}: {answer.detail})", path=path)
    known = yield from _verified_list(case, link, entry, answer)
    found = known.content
    limits, at = case.question.trust.limits, case.question.at
    if known.ends is not None and known.ends < case.now.earliest:
        raise StatusListExpired(f"the list was valid until {encode_instant(known.ends)}", path=path)
    if found.signed_at > case.now.latest:
        raise StatusStale("the list was signed after the asked instant", path=path)
    ttl = limits.max_status_ttl_s if found.ttl_s is None else found.ttl_s
    bound = min(max(limits.min_status_ttl_s, min(ttl, limits.max_status_ttl_s)), limits.status_staleness_s)
    if at - found.signed_at > seconds(bound):
        return None
    case.believe_until(found.signed_at, bound, f"status list {entry.list_url}")
    return found


def _verified_list(case: Case, link: Link, entry: StatusEntry, held: Resource) -> Generator[Need, Reply, KnownList]:
    path = f"{link.path}/credentialStatus"
    known = case.memory.lists.find(held.digest)
    if known is None:
        known = _read(case, held, path)
    if known.content.url != entry.list_url:
        raise StatusVerificationError("expected the status list that the credential names", path=path)
    _check_list_issuer(case, link, known.content.issuer, path)
    keys = []
    try:
        for signature in known.signatures:
            document = yield from find_document(case, signature.did)
            keys.append(document.find_key(signature.method_id, signature.purpose, case.question.at))
        # the same bytes under the same keys hold the same signatures: that, and no verdict, is what is remembered
        if tuple(keys) != known.keys:
            for signature, key in zip(known.signatures, keys, strict=True):
                case.budget.spend_signature()
                signature.check(key)
            case.memory.lists.keep(held.digest, structs.replace(known, keys=tuple(keys)))
    except Undecided as error:
        raise StatusUnavailable(f"the list's issuer could not be resolved ({error.code})", path=path) from None
    except AgentdidError as error:
        raise _as_list_error(error, path) from None
    return known


def _read(case: Case, held: Resource, path: str) -> KnownList:
    """Return a list taken apart, none of its signatures checked."""
    limits = case.question.trust.limits
    try:
        text = held.body.decode("utf-8").strip()
        secured = read_credential(*((text, False) if is_compact(text) else _value(text, case)), limits)
        credential = parse_credential(secured.document)
        if _LIST_TYPE not in credential.types or credential.id is None:
            raise StatusVerificationError("expected a status list credential with an id")
        if secured.signer != credential.issuer:
            raise StatusVerificationError("signed by another DID than the list's issuer")
        case.now.check_begun(credential.valid_from, "", "validFrom")
    except (AgentdidError, UnicodeDecodeError) as error:
        raise _as_list_error(error, path) from None
    content = read_list(
        secured.document, url=credential.id, issuer=credential.issuer, signed_at=secured.created, limits=limits
    )
    ends = [end for end in (content.valid_until, secured.expires) if end is not None]
    return KnownList(content, min(ends, default=None), secured.signatures, ())


def _value(text: str, case: Case) -> tuple[object, bool]:
    parsed = parse(text, case.question.trust.limits)
    return parsed.value, parsed.plain


def _as_list_error(error: Exception, path: str) -> AgentdidError:
    """What is wrong with a list is said as such: the sender of the presentation did not make it."""
    if isinstance(error, StatusVerificationError):
        return error
    detail = f"{error.code}: {error.detail}" if isinstance(error, AgentdidError) else "not UTF-8"
    return StatusVerificationError(f"the list does not verify ({detail})", path=path)


def _check_list_issuer(case: Case, link: Link, issuer: str, path: str) -> None:
    if issuer == link.credential.issuer:
        return
    # else an ancestor's, or one the anchor names (specs/verification.md V27)
    chain = case.parsed.chain
    above = chain[: chain.index(link) + 1] if link.capability is not None else (link,)
    if any(issuer == each.credential.issuer for each in above):
        return
    for each in above:
        fitting = tuple(anchor for anchor in case.anchors.get(each.path, ()) if issuer in anchor.status_issuers)
        if fitting:
            case.keep_anchors(each, fitting)
            return
    raise StatusIssuerMismatch("the list's issuer may not speak about this credential", path=path)


def _judge(case: Case, link: Link, entry: StatusEntry, found: StatusList) -> None:
    path = f"{link.path}/credentialStatus"
    value = found.value(entry)
    refusal = _REFUSALS.get(entry.purpose)
    if refusal is None:
        raise StatusUnknownValue("expected the purpose revocation or suspension", path=f"{path}/statusPurpose")
    if value:
        if link in case.parsed.chain[:-1]:
            raise ChainParentRevoked(f"a link further up is no longer good ({refusal.code})", path=path)
        raise refusal("the issuer's list says so", path=path)
