"""Signatures, root first: a link's DID is resolved only after its parent's signature held."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from agentdid.clock import seconds
from agentdid.did.resolve import Ask, plan, read
from agentdid.errors import (
    CODES,
    ChainLinkMismatch,
    DidNotFound,
    HolderBindingFailed,
    IssuerKeyMismatch,
    IssuerUntrusted,
    PurposeNotAuthorized,
    Undecided,
)
from agentdid.keys.jwk import thumbprint
from agentdid.verify.needs import Absent, NeedKeys

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.did.document import DidDocument
    from agentdid.keys.public import PublicKey
    from agentdid.secure.mechanism import Secured, Signature
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply, Resource
    from agentdid.verify.states import Link

DELEGATION: Final = "capabilityDelegation"
WEBVH: Final = "did:webvh:"
SIGNING: Final = "signing"


def check_signatures(case: Case) -> Generator[Need, Reply, None]:
    """Hold every signature: the chain from its root, other credentials, the presentation last.

    Raises:
        SignatureInvalid, AlgKeyMismatch, KeyInvalid: By signature.
        IssuerKeyMismatch: Signed by another DID than the one that is named.
        PurposeNotAuthorized: The key does not stand under the relationship; a delegated link needs two.
        ChainLinkMismatch: The parent is not the one whose digest the child names.
        DidNotFound and `fetch_…`: A DID document could not be had.

    Spec: specs/verification.md V10-V15.
    """
    parent: Secured | None = None
    for link in case.parsed.chain:
        yield from _check_link(case, link, delegated=parent is not None)
        if parent is not None:
            _check_parent(link, parent)
        parent = link.secured
    for link in case.parsed.others:
        yield from _check_link(case, link, delegated=False)
    if case.parsed.presentation is not None:
        yield from _check_presentation(case, case.parsed.presentation)


def find_document(case: Case, did: str) -> Generator[Need, Reply, DidDocument]:
    """Return the DID document, asked for once a judgement, at most `max_key_age_s` old.

    Raises:
        DidNotFound and `fetch_…`: It could not be had, or none is held from the asked instant.
        DidMethodUnsupported, DidDocumentMismatch, TypeMismatch: By what came.
        DidLogInvalid, DidLogRollback, DidWitnessThreshold, DidDeactivated: By the log of a did:webvh.
    """
    known = case.documents.get(did)
    if known is not None:
        return known
    planned = plan(did)
    if not isinstance(planned, Ask):
        document = planned
    elif did.startswith(WEBVH):
        document = yield from _read_log(case, planned)
    else:
        document = yield from _ask(case, planned)
    case.documents[did] = document
    return document


def _read_log(case: Case, ask: Ask) -> Generator[Need, Reply, DidDocument]:
    # Here and not above: most judgements meet no did:webvh.
    from agentdid.did.webvh.resolve import document_of  # noqa: PLC0415
    from agentdid.verify.webvh import current_version, find_history  # noqa: PLC0415

    question = case.question
    latest = None if question.historical else case.now.latest
    history = yield from find_history(ask, partial(_fetch, case), case.memory, question.trust.limits, latest)
    case.histories[ask.did] = history
    version = current_version(history, ask.did, question.at if question.historical else None)
    return document_of(version, ask.did)


def _ask(case: Case, ask: Ask) -> Generator[Need, Reply, DidDocument]:
    answer = yield from _fetch(case, ask)
    document = case.memory.documents.find(answer.digest)
    if document is None or document.id != ask.did:
        document = read(ask.did, answer.body)
        case.memory.documents.keep(answer.digest, document)
    return document


def _fetch(case: Case, ask: Ask) -> Generator[Need, Reply, Resource]:
    case.budget.spend_fetch()
    limits = case.question.trust.limits
    answer = yield NeedKeys(ask.did, ask.url, ask.accept, limits.max_key_age_s)
    if isinstance(answer, Absent):
        error = CODES.get(answer.code, DidNotFound)
        raise (error if issubclass(error, Undecided) else DidNotFound)(f"{ask.did}: {answer.detail}")
    if isinstance(answer, tuple | str):
        message = "NeedKeys is answered by a Resource or an Absent"
        raise TypeError(message)
    age = case.question.at - answer.held_at
    if age > seconds(limits.max_key_age_s) or -age > seconds(limits.leeway_s):
        raise DidNotFound(f"{ask.did}: no document is held from the asked instant")
    case.believe_until(answer.held_at, limits.max_key_age_s, f"keys of {ask.did}")
    return answer


def _check_link(case: Case, link: Link, *, delegated: bool) -> Generator[Need, Reply, None]:
    credential = link.credential
    for signature in link.secured.signatures:
        if signature.did != credential.issuer:
            raise IssuerKeyMismatch("signed by another DID than the issuer", path=f"{link.path}/issuer")
        document = yield from find_document(case, signature.did)
        key = _find_key(case, link, signature, document, signature.purpose)
        if delegated:
            _find_key(case, link, signature, document, DELEGATION)
        _check_pins(case, link, key)
        case.budget.spend_signature()
        signature.check(key)


def _find_key(case: Case, link: Link, signature: Signature, document: DidDocument, relationship: str) -> PublicKey:
    """Return the key that the DID lists now; or, where an anchor says so, listed when it was signed."""
    try:
        return document.find_key(signature.method_id, relationship, case.question.at)
    except PurposeNotAuthorized:
        history = case.histories.get(signature.did)
        fitting = tuple(each for each in case.anchors.get(link.path, ()) if each.keys_at == SIGNING)
        signed_at = link.secured.created or link.credential.valid_from
        if history is None or signed_at is None or not fitting:
            raise
    from agentdid.verify.webvh import find_past_key  # noqa: PLC0415  # as above

    key = find_past_key(history, signature.did, signature.method_id, relationship, signed_at, case.question.at)
    case.keep_anchors(link, fitting)  # those that judge by the keys of now do not cover it
    return key


def _check_pins(case: Case, link: Link, key: PublicKey) -> None:
    anchors = case.anchors.get(link.path, ())
    if not any(anchor.keys for anchor in anchors):
        return
    fitting = tuple(anchor for anchor in anchors if not anchor.keys or thumbprint(key) in anchor.keys)
    if not fitting:
        raise IssuerUntrusted("the anchor pins other keys of this issuer", path=f"{link.path}/issuer")
    case.keep_anchors(link, fitting)


def _check_parent(link: Link, parent: Secured) -> None:
    named = None if link.capability is None else link.capability.parent
    if named is None or named.digest != parent.digest:
        raise ChainLinkMismatch("the parent is not the one whose digest the link names", path=f"{link.path}/parent")


def _check_presentation(case: Case, presentation: Secured) -> Generator[Need, Reply, None]:
    did = presentation.signer
    leaf = case.parsed.links[-1] if not case.parsed.chain else case.parsed.chain[-1]
    if case.parsed.holder is not None and case.parsed.holder != did:
        raise IssuerKeyMismatch("signed by another DID than the holder", path="/holder")
    if did != leaf.subject and isinstance(plan(did), Ask):
        # its signature could hold, its holder binding could not; so nobody is asked about a stranger's DID
        raise HolderBindingFailed("the presenter is not the subject", path="/holder")
    for signature in presentation.signatures:
        document = yield from find_document(case, did)
        key = document.find_key(signature.method_id, signature.purpose, case.question.at)
        case.budget.spend_signature()
        signature.check(key)
