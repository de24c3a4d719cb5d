"""A trust list's bytes into what counts: of the issuer that was named, signed, in its time, not revoked.

What is learnt of bytes is remembered by their digest, so that a list is read and its signature checked once. Time,
status and keys are judged anew every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from msgspec import structs

from agentdid.clock import seconds
from agentdid.codec.strict_json import JsonText, parse
from agentdid.credential.parse import parse_credential
from agentdid.errors import (
    CODES,
    AgentdidError,
    Expired,
    FetchFailed,
    IssuerKeyMismatch,
    IssuerUntrusted,
    TrustListStale,
    TypeMismatch,
    Undecided,
)
from agentdid.proof.jws import is_compact
from agentdid.record import Value
from agentdid.trust.trust_list import TYPE, find_sequence, parse_trust_list
from agentdid.verify.needs import Absent, NeedFacts
from agentdid.verify.security import check_declared, check_level, fitting_anchors
from agentdid.verify.signatures import find_carried, find_key
from agentdid.verify.states import Freshness, Link
from agentdid.verify.structure import read_credential, write_signed

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from agentdid.keys.public import PublicKey
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Signature
    from agentdid.trust.trust_list import ListRef, TrustList
    from agentdid.verify.case import Case
    from agentdid.verify.memory import Memory
    from agentdid.verify.needs import Answer, Need, Reply, Resource

_BEFORE_ALL: Final = -1
"""Before any credential of the input, whose positions begin at 0: where the anchors of a list itself stand."""


@final
class KnownTrustList(Value, frozen=True, eq=False):
    """A list that was read.

    Attributes:
        link: It as a credential; without its document once its signatures held.
        sequence: By its own word.
        signed_at: Likewise.
        keys: Those under which its signatures held; none as long as none was checked.
        content: What it says; read once its signatures held.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"link", "content"})

    link: Link
    sequence: int
    signed_at: datetime
    keys: tuple[PublicKey, ...] = ()
    content: TrustList | None = None


@final
class NewestTrustList(Value, frozen=True, eq=False):
    """The list of a URL that verified and came last in its order of all that were seen."""

    order: tuple[int, datetime]
    resource: Resource


@final
class HeardList(Value, frozen=True, eq=False):
    """A list that counts now.

    Attributes:
        content: What it says.
        bounds: Until when that may be relied upon.
        signatures: By whom it is.
    """

    content: TrustList
    bounds: tuple[Freshness, ...]
    signatures: tuple[Signature, ...]


def find_list(case: Case, ref: ListRef) -> Generator[Need, Reply, HeardList]:
    """Return a list, if it counts now.

    Raises:
        FetchFailed and other `fetch_…`, DidNotFound, StatusUnavailable and other Undecided: It could not be had, or
            what is needed to judge it.
        TrustListStale: It has ended, or what is held of it is too old, or from after the asked instant.
        AgentdidError: It is not one to believe.

    Spec: specs/trust-list.md L10-L17.
    """
    limits = case.question.trust.limits
    held = yield from ask(case, ref.url, ref.max_age_s)
    known = read_list(case.memory, held, limits)
    if _has_ended(case, known):
        # what is held has ended: one more question, for a new one
        case.budget.spend_fetch()
        held = yield from ask(case, ref.url, 0)
        known = read_list(case.memory, held, limits)
    credential = known.link.credential
    if credential.id != ref.url:
        raise TypeMismatch("the list has another id than the URL that it was had from", path="/id")
    if credential.issuer != ref.issuer or known.link.secured.signer != ref.issuer:
        raise IssuerKeyMismatch("the list is not by the one who is to sign it", path="/issuer")
    anchor = ref.scope.anchor(ref.issuer, ref.keys)
    # as a step of the judgement it has an anchor of its own, which no credential shares
    case.anchors[_BEFORE_ALL] = (anchor,)
    try:
        known = yield from _check_signatures(case, ref, held, known)
        _check_time(case, known)
        if credential.status or "status" in known.link.secured.claims:
            from agentdid.verify.status import check_statuses  # noqa: PLC0415  # most lists have none

            steps = check_statuses(case, [known.link])
            if steps is not None:
                yield from steps
    finally:
        del case.anchors[_BEFORE_ALL]
    _remember(case, known, held)
    bounds = (
        Freshness(held.held_at + seconds(ref.max_age_s), f"trust list {ref.url}"),
        *(
            Freshness(end, f"validity of trust list {ref.url}")
            for end in (credential.valid_until, known.link.secured.expires)
            if end is not None
        ),
    )
    return HeardList(known.content, bounds, known.link.secured.signatures)  # type: ignore[arg-type]  # read by now


def read_list(memory: Memory, held: Resource, limits: Limits) -> KnownTrustList:
    """Return a list taken apart, or what is known of its bytes; signatures are not checked here.

    Raises:
        Malformed, Refused: Not a list.
    """
    known = memory.trust_lists.find(held.digest)
    if known is None:
        known = _take_apart(held, limits)
        memory.trust_lists.keep(held.digest, known)
    return known


def prefer_newest(memory: Memory, answer: Answer, limits: Limits) -> Answer:
    """Return the answer; or, where it is a list before one that verified already, that one.

    A list never goes back, whoever serves it. As with status lists it is decided before the judgement hears the
    answer, so that what is recorded is what was judged.
    """
    newest = memory.newest_trust_lists.find(answer.url)
    if newest is None or isinstance(answer, Absent) or newest.resource.digest == answer.digest:
        return answer
    try:
        known = read_list(memory, answer, limits)
    except AgentdidError:
        return answer  # the judgement says what is wrong with it
    return newest.resource if (known.sequence, known.signed_at) < newest.order else answer


def ask(case: Case, url: str, max_age_s: float) -> Generator[Need, Reply, Resource]:
    """Return a document that says whom to trust. Raises one of `Undecided`; `InputTooLarge` of the budget."""
    replies = yield NeedFacts((url,), max_age_s)
    if not isinstance(replies, tuple) or len(replies) != 1:
        message = "NeedFacts is answered by as many answers as it has URLs"
        raise TypeError(message)
    (answer,) = replies
    if isinstance(answer, Absent):
        error = CODES.get(answer.code, FetchFailed)
        raise (error if issubclass(error, Undecided) else FetchFailed)(answer.detail)
    age, limits = case.question.at - answer.held_at, case.question.trust.limits
    if age > seconds(max_age_s or limits.leeway_s) or -age > seconds(limits.leeway_s):
        raise TrustListStale("nothing is held from the asked instant that is young enough")
    return answer


def _has_ended(case: Case, known: KnownTrustList) -> bool:
    end = known.link.credential.valid_until
    return end is not None and end < case.now.earliest


def _take_apart(held: Resource, limits: Limits) -> KnownTrustList:
    # whoever named the list lets it be longer than what a stranger may present
    limits = structs.replace(limits, max_input_bytes=limits.max_fetch_bytes, max_members=limits.max_trust_list_members)
    text = held.body.strip()
    value: object
    if is_compact(text.decode("ascii", "replace")):
        value, plain = text.decode("ascii"), False
    else:
        parsed: JsonText = parse(text, limits)
        value, plain = parsed.value, parsed.plain
    secured = read_credential(value, plain, limits)
    credential = parse_credential(secured.document)
    if TYPE not in credential.types or credential.valid_from is None or credential.valid_until is None:
        raise TypeMismatch(f"expected a {TYPE} with validFrom and validUntil", path="/type")
    link = Link(secured, credential, None, _BEFORE_ALL)
    return KnownTrustList(link, find_sequence(secured.document), secured.created or credential.valid_from)


def _check_signatures(
    case: Case, ref: ListRef, held: Resource, known: KnownTrustList
) -> Generator[Need, Reply, KnownTrustList]:
    """Hold that the issuer's keys of now, and none but those that are pinned, made every signature."""
    link = known.link
    level = link.secured.level
    check_level(case, level, "")
    fitting_anchors(case.anchors[_BEFORE_ALL], level, "")
    keys = []
    for signature in link.secured.signatures:
        key = find_carried(case, signature, signature.purpose) or (yield from find_key(case, signature))
        if ref.keys:
            from agentdid.keys.jwk import thumbprint  # noqa: PLC0415  # most policies pin no key

            if thumbprint(key) not in ref.keys:
                raise IssuerUntrusted("other keys of the list's issuer are pinned")
        case.budget.spend_signature()  # whether or not it is known, so that a fresh memory judges alike
        keys.append(key)
    if tuple(keys) != known.keys:
        known = _verified(case, held, known, tuple(keys))
    yield from check_declared(case, link.secured.signatures, (link,), "")
    return known


def _verified(case: Case, held: Resource, known: KnownTrustList, keys: tuple[PublicKey, ...]) -> KnownTrustList:
    if known.content is not None:  # it held under other keys, and its document was let go of
        known = _take_apart(held, case.question.trust.limits)
    secured = write_signed(case, known.link.secured)
    for signature, key in zip(secured.signatures, keys, strict=True):
        signature.check(key)
    content = parse_trust_list(known.link.credential)
    light = structs.replace(
        known.link,
        secured=structs.replace(
            secured,
            body={},
            sent="",
            signatures=tuple([structs.replace(each, message=b"", write=None) for each in secured.signatures]),
        ),
        credential=structs.replace(known.link.credential, body={}),
    )
    known = structs.replace(known, link=light, keys=keys, content=content)
    case.memory.trust_lists.keep(held.digest, known)
    return known


def _check_time(case: Case, known: KnownTrustList) -> None:
    credential, secured, now = known.link.credential, known.link.secured, case.now
    now.check_made(known.signed_at, "/created")
    for begin in (credential.valid_from, secured.begins):
        if begin is not None:
            now.check_begun(begin, "/validFrom")
    try:
        for end in (credential.valid_until, secured.expires):
            if end is not None:
                now.check_not_ended(end, "/validUntil")
    except Expired as error:
        raise TrustListStale(error.detail) from None


def _remember(case: Case, known: KnownTrustList, held: Resource) -> None:
    if case.question.historical:
        return
    key, order = held.url, (known.sequence, known.signed_at)
    newest = case.memory.newest_trust_lists.find(key)
    if newest is None or newest.order <= order:
        case.memory.newest_trust_lists.keep(key, NewestTrustList(order, held))
