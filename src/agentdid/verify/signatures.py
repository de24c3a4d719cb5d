"""Signatures, root first: a link's DID is resolved only after its parent's signature held."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from agentdid.clock import seconds
from agentdid.did import key as did_key
from agentdid.did.document import DidDocument, parse_document
from agentdid.did.resolve import Ask, plan, read
from agentdid.errors import (
    CODES,
    ChainLinkMismatch,
    DidMethodUnsupported,
    DidNotFound,
    HolderBindingFailed,
    IssuerKeyMismatch,
    IssuerUntrusted,
    KbInvalid,
    PurposeNotAuthorized,
    SignatureInvalid,
    Undecided,
)
from agentdid.verify.known_links import keep_link
from agentdid.verify.needs import Absent, NeedKeys, Resource
from agentdid.verify.security import check_declared

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.keys.public import PublicKey
    from agentdid.secure.mechanism import Secured, Signature
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link

DELEGATION: Final = "capabilityDelegation"
WEBVH: Final = "did:webvh:"
SIGNING: Final = "signing"
KEY_BINDING: Final = "kb+jwt"


def check_signatures(case: Case) -> Generator[Need, Reply, None]:
    """Hold every signature: the chain from its root, other credentials, the presentation last.

    Raises:
        SignatureInvalid, AlgKeyMismatch, KeyInvalid: By signature; of a key binding JWT KbInvalid.
        IssuerKeyMismatch: Signed by another DID than the one that is named.
        PurposeNotAuthorized: The key does not stand under the relationship; a delegated link needs two.
        ChainLinkMismatch: The parent is not the one whose digest the child names.
        HybridComponentMissing: A classical signature alone, by a DID that has post-quantum keys.
        DidNotFound and `fetch_…`: A DID document could not be had.

    Spec: specs/verification.md V10-V15.
    """
    parent: Secured | None = None
    for link in case.parsed.links:
        secured, known = link.secured, case.known.get(link.position)
        delegated = parent is not None and link.capability is not None
        keys = _carried_keys(case, link, delegated=delegated)
        if not keys:
            keys = tuple((yield from _link_keys(case, link, delegated=delegated)))
        if known is None or known.keys != keys:
            for signature, key in zip(secured.signatures, keys, strict=True):
                signature.check(key)
            if known is None or case.memory.signatures:
                keep_link(case, link, keys)
        if not secured.signer.startswith(did_key.PREFIX):  # which has one key, of one kind
            yield from check_declared(case, secured.signatures, speaking(case, link), f"{link.path}/proof")
        if link.capability is not None:
            if parent is not None:
                _check_parent(link, parent)
            parent = secured
    if case.question.trust.names_domain:
        from agentdid.verify.linkage import check_domains  # noqa: PLC0415  # most policies name no domain

        yield from check_domains(case)
    if case.parsed.presentation is not None:
        yield from _check_presentation(case, case.parsed.presentation)


def _check_presentation(case: Case, presentation: Secured) -> Generator[Need, Reply, None]:
    did = presentation.signer
    _check_presenter(case, did)
    for signature in presentation.signatures:
        key = find_carried(case, signature, signature.purpose) or (yield from find_key(case, signature))
        case.budget.spend_signature()
        try:
            signature.check(key)
        except SignatureInvalid as error:
            if presentation.form == KEY_BINDING:
                raise KbInvalid("not signed with the holder's key") from error
            raise
    if not did.startswith(did_key.PREFIX):
        links = (*case.parsed.chain[:1], *case.parsed.others)
        yield from check_declared(case, presentation.signatures, links, "/proof")


def speaking(case: Case, link: Link) -> tuple[Link, ...]:
    """Return the link whose anchors speak for a link: the root of its chain, or itself."""
    return case.parsed.chain[:1] if link.capability is not None else (link,)


def _carried_keys(case: Case, link: Link, *, delegated: bool) -> tuple[PublicKey, ...]:
    """Return the key of a link that its issuer signed once by a did:key, which says all of it; none for any other."""
    signatures = link.secured.signatures
    signature = signatures[0]
    did, method_id = signature.did, signature.method_id
    if did != link.credential.issuer or not did.startswith(did_key.PREFIX) or len(signatures) > 1:
        return ()
    if signature.key is not None or len(method_id) > did_key.MAX_REMEMBERED:
        return ()
    key = did_key.find_key(did, method_id, signature.purpose)
    if delegated:
        did_key.find_key(did, method_id, DELEGATION)
    if link.position in case.anchors:
        _check_pins(case, link, key)
    case.budget.spend_signature()
    return (key,)


def _link_keys(case: Case, link: Link, *, delegated: bool) -> Generator[Need, Reply, list[PublicKey]]:
    """Return the key of each signature, as the issuer's DID lists it now and the anchors allow it."""
    keys = []
    signer = link.secured.signer
    if (
        signer != link.credential.issuer
        and not did_key.same_did(signer, link.credential.issuer)
        and case.question.trust.profile.issuer_signs
    ):
        raise IssuerKeyMismatch("signed by another DID than the issuer", path=f"{link.path}/issuer")
    for signature in link.secured.signatures:
        own = signature.did == signer  # others signed what the policy asks for beside it (secure.proof_set)
        try:
            key = find_carried(case, signature, signature.purpose) or (yield from find_key(case, signature))
            if own and delegated and find_carried(case, signature, DELEGATION) is None:
                case.documents[signature.did].find_key(signature.method_id, DELEGATION, case.question.at)
        except PurposeNotAuthorized:
            past = _find_past_key(case, link, signature, delegated=delegated) if own else None
            if past is None:
                raise
            key = past
        if own and link.position in case.anchors:
            _check_pins(case, link, key)
        case.budget.spend_signature()  # whether or not it is known, so that a fresh memory judges alike
        keys.append(key)
    return keys


def find_document(case: Case, did: str) -> Generator[Need, Reply, DidDocument]:
    """Return the DID document, asked for once a judgement, at most `max_key_age_s` old.

    Raises:
        DidNotFound and `fetch_…`: It could not be had, or none is held from the asked instant.
        DidMethodUnsupported, DidDocumentMismatch, TypeMismatch: By what came.
        DidLogInvalid, DidLogRollback, DidWitnessThreshold, DidDeactivated: By the log of a did:webvh.
    """
    known = find_known(case, did)
    if known is not None:
        return known
    planned = _plan(case, did)
    if isinstance(planned, Ask):
        planned = yield from _obtain(case, planned, case.question.trust.limits.max_key_age_s)
    case.documents[did] = planned
    return planned


def find_known(case: Case, did: str) -> DidDocument | None:
    """Return the document of a DID that carries it, or that this judgement has had; `None` where one must ask.

    Raises:
        DidInvalid, DidMethodUnsupported, KeyInvalid: As `did.resolve.plan`.
    """
    known = case.documents.get(did)
    if known is None:
        planned = _plan(case, did)
        if type(planned) is DidDocument:
            known = case.documents[did] = planned
    return known


def find_carried(case: Case, signature: Signature, purpose: str) -> PublicKey | None:
    """Return the key that a signature names, for a purpose, where nobody need be asked; `None` where one must.

    Raises:
        PurposeNotAuthorized, KeyInvalid: By the document; and the errors of `find_known`.
    """
    if signature.key is not None:
        return signature.key
    did, method_id = signature.did, signature.method_id
    if did.startswith(did_key.PREFIX) and len(method_id) <= did_key.MAX_REMEMBERED:
        return did_key.find_key(did, method_id, purpose)
    document = find_known(case, did)
    if document is None or method_id not in document.methods:
        return None
    return document.find_key(method_id, purpose, case.question.at)


def find_key(case: Case, signature: Signature) -> Generator[Need, Reply, PublicKey]:
    """Return the key that a signature names, if its DID lists it for that purpose now.

    A key that a held document does not have yet may have come since: then the document is asked for once more, and is
    had anew if what is held is over `min_key_refetch_s` old. However many keys strangers make up, that is one fetch in
    that time for each DID (ATTACKS I18).

    Raises:
        PurposeNotAuthorized, KeyInvalid: By the document; and the errors of `find_document`.
    """
    did, method_id = signature.did, signature.method_id
    document = yield from find_document(case, did)
    limits = case.question.trust.limits
    held_at = case.held.pop(did, None) if method_id not in document.methods else None  # asked again once at most
    if held_at is not None and case.question.at - held_at > seconds(limits.min_key_refetch_s):
        planned = _plan(case, did)
        if isinstance(planned, Ask):
            try:
                document = yield from _obtain(case, planned, limits.min_key_refetch_s)
            except Undecided:
                pass  # what is held still counts, and does not list the key
            else:
                case.documents[did] = document
    return document.find_key(method_id, signature.purpose, case.question.at)


def _plan(case: Case, did: str) -> DidDocument | Ask:
    try:
        return plan(did)
    except DidMethodUnsupported:
        if case.question.trust.resolver is None:
            raise
        return case.question.trust.resolver.ask(did)


def _obtain(case: Case, ask: Ask, max_age_s: float) -> Generator[Need, Reply, DidDocument]:
    if ask.did.startswith(WEBVH):
        return (yield from _read_log(case, ask, max_age_s))
    answer = yield from _fetch(case, ask, max_age_s)
    document = case.memory.documents.find(answer.digest)
    if document is None or document.id != ask.did:
        document = _read(case, ask, answer.body)
        case.memory.documents.keep(answer.digest, document)
    return document


def _read_log(case: Case, ask: Ask, max_age_s: float) -> Generator[Need, Reply, DidDocument]:
    # Here and not above: most judgements meet no did:webvh.
    from agentdid.did.webvh.resolve import document_of  # noqa: PLC0415
    from agentdid.verify.webvh import current_version, find_history  # noqa: PLC0415

    question = case.question
    latest = None if question.historical else case.now.latest
    fetch = partial(_fetch, case, max_age_s=max_age_s)
    history = yield from find_history(ask, fetch, case.memory, question.trust.limits, latest)
    case.histories[ask.did] = history
    version = current_version(history, ask.did, question.at if question.historical else None)
    return document_of(version, ask.did)


def _fetch(case: Case, ask: Ask, max_age_s: float) -> Generator[Need, Reply, Resource]:
    case.budget.spend_fetch()
    limits = case.question.trust.limits
    answer = yield NeedKeys(ask.did, ask.url, ask.accept, max_age_s)
    if isinstance(answer, Absent):
        error = CODES.get(answer.code, DidNotFound)
        raise (error if issubclass(error, Undecided) else DidNotFound)(f"{ask.did}: {answer.detail}")
    if not isinstance(answer, Resource):
        message = "NeedKeys is answered by a Resource or an Absent"
        raise TypeError(message)
    age = case.question.at - answer.held_at
    if age > seconds(limits.max_key_age_s) or -age > seconds(limits.leeway_s):
        raise DidNotFound(f"{ask.did}: no document is held from the asked instant")
    case.believe_until(answer.held_at, limits.max_key_age_s, f"keys of {ask.did}")
    case.held[ask.did] = answer.held_at
    case.asked.add(ask.did)
    return answer


def _read(case: Case, ask: Ask, body: bytes) -> DidDocument:
    universal = case.question.trust.resolver
    if universal is not None and universal.is_ask(ask):
        return parse_document(universal.read(ask.did, body).document, ask.did)
    return read(ask.did, body)


def _find_past_key(case: Case, link: Link, signature: Signature, *, delegated: bool) -> PublicKey | None:
    """Return the key that the DID listed when it was signed, where an anchor says that this counts; else `None`."""
    history = case.histories.get(signature.did)
    fitting = tuple([each for each in case.anchors.get(link.position, ()) if each.keys_at == SIGNING])
    signed_at = link.secured.created or link.credential.valid_from
    if history is None or signed_at is None or not fitting:
        return None
    from agentdid.verify.webvh import find_past_key  # noqa: PLC0415  # as above

    at = case.question.at
    key = find_past_key(history, signature.did, signature.method_id, signature.purpose, signed_at, at)
    if delegated:
        find_past_key(history, signature.did, signature.method_id, DELEGATION, signed_at, at)
    case.keep_anchors(link, fitting)  # those that judge by the keys of now do not cover it
    return key


def _check_pins(case: Case, link: Link, key: PublicKey) -> None:
    anchors = case.anchors[link.position]
    for anchor in anchors:
        if anchor.keys:
            break
    else:
        return  # most anchors pin no key
    from agentdid.keys.jwk import thumbprint  # noqa: PLC0415  # as above

    fitting = tuple([anchor for anchor in anchors if not anchor.keys or thumbprint(key) in anchor.keys])
    if not fitting:
        raise IssuerUntrusted("the anchor pins other keys of this issuer", path=f"{link.path}/issuer")
    if len(fitting) < len(anchors):
        case.keep_anchors(link, fitting)


def _check_parent(link: Link, parent: Secured) -> None:
    named = None if link.capability is None else link.capability.parent
    if named is None or named.digest != parent.digest:
        raise ChainLinkMismatch("the parent is not the one whose digest the link names", path=f"{link.path}/parent")


def _check_presenter(case: Case, did: str) -> None:
    if case.parsed.holder is not None and case.parsed.holder != did:
        raise IssuerKeyMismatch("signed by another DID than the holder", path="/holder")
    if not case.question.trust.profile.bound_subject:
        return
    leaf = case.parsed.links[-1] if not case.parsed.chain else case.parsed.chain[-1]
    if leaf.credential.subjects != (did,) and isinstance(_plan(case, did), Ask):
        # its signature could hold, its holder binding could not; so nobody is asked about a stranger's DID
        raise HolderBindingFailed("the presenter is not the subject", path="/holder")
