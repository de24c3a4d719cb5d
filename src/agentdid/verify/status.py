"""Status: what signed lists say of each credential, by lists fresh enough to believe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from msgspec import structs

from agentdid.clock import seconds
from agentdid.codec.instant import encode_instant
from agentdid.did import key as did_key
from agentdid.errors import (
    AgentdidError,
    ChainParentRevoked,
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
from agentdid.verify.signatures import find_carried, find_document, speaking
from agentdid.verify.status_list import as_list_error, find_refusal, keep_list, read_body, read_entries

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from agentdid.errors import Refused
    from agentdid.limits import Limits
    from agentdid.verify.case import Case
    from agentdid.verify.known_links import KnownLink
    from agentdid.verify.memory import KnownList
    from agentdid.verify.needs import Answer, Need, Reply
    from agentdid.verify.states import Link
    from agentdid.verify.status_list import Content, Entry


def check_statuses(case: Case, links: Sequence[Link]) -> Generator[Need, Reply, None] | None:
    """Hold that no list says that one of these credentials, which name lists or must, is revoked or suspended.

    Raises:
        As `standing.check_status`.
    """
    entries: list[tuple[Link, str, Entry]] = []
    for link in links:
        known = case.known.get(link.position)
        found = None if known is None else known.entries
        for member, entry in _read_entries(case, link, known) if found is None else found:
            entries.append((link, member, entry))
    return _check_lists(case, entries) if entries else None


def _check_lists(case: Case, entries: list[tuple[Link, str, Entry]]) -> Generator[Need, Reply, None]:
    presentation = case.parsed.presentation
    if presentation is not None and ("statuses" in presentation.claims or "request" in presentation.document):
        entries = yield from _check_stapled(case, entries)
    urls = tuple({entry.list_url: None for _, _, entry in entries})
    if not urls:
        return
    limits = case.question.trust.limits
    answers = dict(zip(urls, _answered((yield _need(case, urls, limits.status_staleness_s)), urls), strict=True))
    for link, member, entry in entries:
        try:
            known = _find_list(case, link, entry, answers[entry.list_url])
            if known is None or _is_old(case, known):
                known = yield from _fresh_list(case, link, entry, answers)
            signatures, found = known.signatures, known.content
            case.levels.append(known.level)
            if case.names:  # whoever signed it must not be denied either
                case.list_signatures += signatures
            if case.anchors or case.needed != CLASSICAL:
                _check_level(case, link, known.level)
            if not signatures[0].did.startswith(did_key.PREFIX):  # which has one key, of one kind
                yield from check_declared(case, signatures, speaking(case, link), "")
            case.believe_until(found.signed_at, _bound(found, limits), f"status list {entry.list_url}")  # type: ignore[union-attr,arg-type]  # it has been read
            refusal = find_refusal(entry, found.value(entry))  # type: ignore[union-attr]  # as above
            if refusal is not None:
                _refuse(case, link, refusal)
        except AgentdidError as error:
            error.path = f"{link.path}{member}{error.path}"
            raise


def _check_stapled(
    case: Case, entries: list[tuple[Link, str, Entry]]
) -> Generator[Need, Reply, list[tuple[Link, str, Entry]]]:
    """Judge entries by what the presentation carries; return those that it leaves open."""
    from agentdid.verify.stapled import find_fresh, read_staples  # noqa: PLC0415  # few presentations carry any

    staples = read_staples(case)
    bound = case.question.trust.limits.status_staleness_s
    left = []
    for link, member, entry in entries:
        try:
            staple = yield from find_fresh(case, entry, staples)
            if staple is None:
                left.append((link, member, entry))
                continue
            if staple.issuer != link.credential.issuer:
                _check_list_issuer(case, link, staple.issuer)
            # what is held already, and nothing that would have to be fetched: the newest evidence wins
            urls = (entry.list_url,)
            (held,) = _answered((yield _need(case, urls, -bound)), urls)
            if not isinstance(held, Absent):
                known = yield from _verified_list(case, link, entry, held)
                newest: Content = known.content  # type: ignore[assignment]  # it has been read
                if newest.signed_at > staple.issued:
                    left.append((link, member, entry))
                    continue
            level = level_of((staple.signature,))
            case.levels.append(level)
            if case.names:  # as in `_check_lists`
                case.list_signatures += (staple.signature,)
            _check_level(case, link, level)
            if not staple.signature.did.startswith(did_key.PREFIX):
                yield from check_declared(case, (staple.signature,), speaking(case, link), "")
            life = min(float(bound), (staple.expires - staple.issued).total_seconds())
            case.believe_until(staple.issued, life, f"stapled status {entry.list_url}#{entry.index}")
            refusal = find_refusal(entry, staple.value)
            if refusal is not None:
                _refuse(case, link, refusal)
        except AgentdidError as error:
            error.path = f"{link.path}{member}{error.path}"
            raise
    return left


def _fresh_list(case: Case, link: Link, entry: Entry, answers: dict[str, Answer]) -> Generator[Need, Reply, KnownList]:
    """Return the list of an entry, verified and within the policy's bound of age; a new one is asked for once."""
    url = entry.list_url
    known = yield from _verified_list(case, link, entry, answers[url])
    if _is_old(case, known):
        # what was held is older than the policy's bound: one more question, for a new one
        (answers[url],) = _answered((yield _need(case, (url,), 0)), (url,))
        known = yield from _verified_list(case, link, entry, answers[url])
        if _is_old(case, known):
            raise StatusStale("the newest list to be had is too old")
    return known


def _is_old(case: Case, known: KnownList) -> bool:
    content: Content = known.content  # type: ignore[assignment]  # it has been read
    return case.question.at - content.signed_at > seconds(_bound(content, case.question.trust.limits))


def _refuse(case: Case, link: Link, refusal: type[Refused]) -> NoReturn:
    if link in case.parsed.chain[:-1]:
        raise ChainParentRevoked(f"a link further up is no longer good ({refusal.code})")
    raise refusal("the issuer's list says so")


def _bound(found: Content, limits: Limits) -> float:
    """Return how old the list may be: the issuer's ttl within the policy's bounds, or the policy's own, if less."""
    ttl = limits.max_status_ttl_s if found.ttl_s is None else found.ttl_s
    most = limits.status_staleness_s
    if ttl >= most <= limits.max_status_ttl_s:
        return most
    return min(max(limits.min_status_ttl_s, min(ttl, limits.max_status_ttl_s)), most)


def _read_entries(case: Case, link: Link, known: KnownLink | None) -> Sequence[tuple[str, Entry]]:
    """Return every status of a credential with the member it came from; of a known one they are known from now on."""
    entries = read_entries(link)
    if not entries and link.capability is not None:
        path = f"{link.path}/credentialStatus"
        if link.capability.depth == 0:
            raise StatusUnavailable("a root link names a status list", path=path)
        life = link.credential.valid_until - link.credential.valid_from  # type: ignore[operator]  # by check_form
        if life > seconds(case.question.trust.limits.max_statusless_life_s):
            raise StatusUnavailable("a link without status lives an hour at most", path=path)
    if known is not None:
        case.memory.links.keep(known.text, structs.replace(known, entries=tuple(entries)))
    return entries


def _need(case: Case, urls: tuple[str, ...], max_age_s: float) -> NeedFacts:
    for _ in urls:
        case.budget.spend_fetch()
    return NeedFacts(urls, max_age_s)


def _answered(answers: Reply, urls: tuple[str, ...]) -> tuple[Answer, ...]:
    if not isinstance(answers, tuple) or len(answers) != len(urls):
        message = "NeedFacts is answered by one Answer for each URL"
        raise TypeError(message)
    return answers


def _find_list(case: Case, link: Link, entry: Entry, held: Answer) -> KnownList | None:
    """Return the list that is known of the bytes of `held`, where nobody need be asked; else `_fresh_list` says."""
    if type(held) is Absent:
        return None
    known = case.memory.lists.find(held.digest)
    if known is None or known.url != entry.list_url or known.issuer != link.credential.issuer:
        return None
    content, now = known.content, case.now
    if content is None or content.signed_at > now.latest or (known.ends is not None and known.ends < now.earliest):
        return None
    if len(known.keys) == 1 and known.signatures[0].did.startswith(did_key.PREFIX):
        return known  # by the one key that such a DID ever has
    try:
        for signature, key in zip(known.signatures, known.keys, strict=True):
            if find_carried(case, signature, signature.purpose) != key:
                return None
    except AgentdidError:
        return None
    return known


def _verified_list(case: Case, link: Link, entry: Entry, held: Answer) -> Generator[Need, Reply, KnownList]:
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
    if known.content is None or tuple(keys) != known.keys:
        known = keep_list(case, held, known, tuple(keys))
    content: Content = known.content  # type: ignore[assignment]  # `keep_list` has read it
    if known.ends is not None and known.ends < case.now.earliest:
        raise StatusListExpired(f"the list was valid until {encode_instant(known.ends)}")
    if content.signed_at > case.now.latest:
        raise StatusStale("the list was signed after the asked instant")
    return known


def _check_level(case: Case, link: Link, level: str) -> None:
    """Hold that a list is signed as strongly as what it speaks about: it is a step of its chain."""
    check_level(case, level, "")
    if case.anchors:
        hold_anchors(case, speaking(case, link), level, "")


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
