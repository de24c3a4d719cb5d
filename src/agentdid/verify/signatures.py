"""Signatures, root first: a link's DID is resolved only after its parent's signature held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.clock import seconds
from agentdid.did.document import DidDocument
from agentdid.did.resolve import Ask, plan, read
from agentdid.errors import (
    CODES,
    ChainLinkMismatch,
    DidNotFound,
    HolderBindingFailed,
    IssuerKeyMismatch,
    IssuerUntrusted,
    Undecided,
)
from agentdid.keys.jwk import thumbprint
from agentdid.verify.needs import Absent, NeedKeys

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.keys.public import PublicKey
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link

DELEGATION: Final = "capabilityDelegation"


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
    for link in case.parsed.links:
        in_chain = link.capability is not None
        for signature in link.secured.signatures:
            if signature.did != link.credential.issuer:
                raise IssuerKeyMismatch("signed by another DID than the issuer", path=f"{link.path}/issuer")
            document = find_known(case, signature.did) or (yield from find_document(case, signature.did))
            key = document.find_key(signature.method_id, signature.purpose, case.question.at)
            if in_chain and parent is not None:
                document.find_key(signature.method_id, DELEGATION, case.question.at)
            if link.position in case.anchors:
                _check_pins(case, link, key)
            case.budget.spend_signature()
            signature.check(key)
        if in_chain:
            if parent is not None:
                _check_parent(link, parent)
            parent = link.secured
    presentation = case.parsed.presentation
    if presentation is not None:
        _check_presenter(case, presentation.signer)
        for signature in presentation.signatures:
            document = find_known(case, signature.did) or (yield from find_document(case, signature.did))
            key = document.find_key(signature.method_id, signature.purpose, case.question.at)
            case.budget.spend_signature()
            signature.check(key)


def find_document(case: Case, did: str) -> Generator[Need, Reply, DidDocument]:
    """Return the DID document, asked for once a judgement, at most `max_key_age_s` old.

    Raises:
        DidNotFound and `fetch_…`: It could not be had, or none is held from the asked instant.
        DidMethodUnsupported, DidDocumentMismatch, TypeMismatch: By what came.
    """
    known = find_known(case, did)
    if known is not None:
        return known
    planned = plan(did)
    document = planned if not isinstance(planned, Ask) else (yield from _ask(case, planned))
    case.documents[did] = document
    return document


def find_known(case: Case, did: str) -> DidDocument | None:
    """Return the document of a DID that carries it, or that this judgement has had; `None` where one must ask.

    Raises:
        DidInvalid, DidMethodUnsupported, KeyInvalid: As `did.resolve.plan`.
    """
    known = case.documents.get(did)
    if known is None:
        planned = plan(did)
        if type(planned) is DidDocument:
            known = case.documents[did] = planned
    return known


def _ask(case: Case, ask: Ask) -> Generator[Need, Reply, DidDocument]:
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
    document = case.memory.documents.find(answer.digest)
    if document is None or document.id != ask.did:
        document = read(ask.did, answer.body)
        case.memory.documents.keep(answer.digest, document)
    return document


def _check_pins(case: Case, link: Link, key: PublicKey) -> None:
    anchors = case.anchors[link.position]
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
    leaf = case.parsed.links[-1] if not case.parsed.chain else case.parsed.chain[-1]
    if case.parsed.holder is not None and case.parsed.holder != did:
        raise IssuerKeyMismatch("signed by another DID than the holder", path="/holder")
    if did != leaf.subject and isinstance(plan(did), Ask):
        # its signature could hold, its holder binding could not; so nobody is asked about a stranger's DID
        raise HolderBindingFailed("the presenter is not the subject", path="/holder")
