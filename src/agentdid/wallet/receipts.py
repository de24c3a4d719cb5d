"""Receipts as an agent keeps them: beside what it presented, and held against that.

A receipt is kept as it came. Whether it fits is looked at when it comes; whether its verifier signed it, and recorded
what it says, is looked at when somebody asks, for that takes the verifier's DID document, and its log's proof.

Spec: specs/decision-receipt.md R4-R8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from agentdid.audit.packed import digest_of, name_digest
from agentdid.audit.proofs import hold_entry
from agentdid.audit.receipt import read_receipt
from agentdid.audit.record import Named
from agentdid.codec.base import encode_base64url
from agentdid.did.document import parse_document
from agentdid.errors import AgentdidError, AuditLogInvalid, DidNotFound, ReceiptInvalid
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.trust.anchors import UnsafeAnyIssuer
from agentdid.verify.case import Question, open_case
from agentdid.verify.inputs import check_parse, check_size
from agentdid.verify.memory import Memory
from agentdid.verify.structure import check_structure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.audit.receipt import Receipt
    from agentdid.did.document import DidDocument
    from agentdid.sources.resolver import Resolver


@final
class Presented(Value, frozen=True):
    """What an agent presented, as far as a receipt speaks of it.

    Attributes:
        digest: Of the presentation's first signature.
        holder: Who presented.
        audience: To whom.
        nonce: Which it answered.
        links: The digests of the credentials, in their order.
        verifiers: The DIDs that the leaf names as its audience; none where it is no capability.
    """

    digest: str
    holder: str
    audience: str
    nonce: str
    links: tuple[str, ...]
    verifiers: tuple[str, ...] = ()


@final
class KeptReceipt(Value, frozen=True):
    """A receipt as kept.

    Attributes:
        token: As it came.
        presented: What it came for.
        method: Of the HTTP request; empty outside HTTP.
        url: Of the HTTP request.
        at: When it came.
        fault: Why it does not fit; empty where it does.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"token"})

    token: str
    presented: Presented
    method: str
    url: str
    at: datetime
    fault: str = ""


def read_presented(presentation: str, at: datetime, limits: Limits = DEFAULT) -> Presented:
    """Return what a presentation shows, read as a verifier reads it.

    Raises:
        Malformed: It is none.
    """
    case = open_case(Question(presentation, True, UnsafeAnyIssuer(limits=limits), at), Memory(max_links=0))
    for check in (check_size, check_parse, check_structure):
        check(case)
    parsed = case.parsed
    shown = parsed.presentation
    if shown is None or shown.binding is None:
        raise ReceiptInvalid("there is no presentation that the receipt could be for")
    leaf = parsed.chain[-1].capability if parsed.chain else None
    return Presented(
        digest_of(shown.signatures[0].value),
        shown.signatures[0].did,
        str(shown.binding.audience),
        str(shown.binding.nonce),
        tuple(name_digest(link.secured.digest) for link in parsed.links),
        () if leaf is None else tuple(sorted(leaf.audience)),
    )


def check_fits(receipt: Receipt, presented: Presented) -> None:
    """Hold that a receipt is about what was presented, by a verifier that it was meant for.

    Raises:
        ReceiptInvalid: It is not.

    Spec: specs/decision-receipt.md R6.
    """
    said = receipt.statement
    if presented.verifiers and said.iss not in presented.verifiers:
        raise ReceiptInvalid("the receipt is by another verifier than the capability is for", path="/iss")
    for name, found, expected in (
        ("sub", said.sub, presented.holder),
        ("audience", said.audience, presented.audience),
        ("nonce", said.nonce, presented.nonce),
        ("presentation", said.presentation, presented.digest),
        ("links", tuple(link.digest for link in said.links), presented.links),
    ):
        if found != expected:
            raise ReceiptInvalid("the receipt is about something else than was presented", path=f"/{name}")


def keep(token: str, presentation: str, at: datetime, method: str, url: str, limits: Limits = DEFAULT) -> KeptReceipt:
    """Return a receipt as it is to be kept, with what is wrong with it at first sight."""
    presented = read_presented(presentation, at, limits)
    fault = ""
    try:
        check_fits(read_receipt(token, limits), presented)
    except ReceiptInvalid as error:
        fault = str(error)
    return KeptReceipt(token, presented, method, url, at, fault)


def check_receipt(kept: KeptReceipt, resolver: Resolver, proof: Mapping[str, object] | None = None) -> Receipt:
    """Return a receipt that its verifier signed for what was presented and, with a proof, recorded.

    Args:
        kept: As kept.
        resolver: Of the verifier's DID.
        proof: Of the entry in the verifier's log (specs/audit-log.md G25).

    Raises:
        ReceiptInvalid: It is not for what was presented, or its log says something else.
        AuditLogInvalid: The entry is not in the log.
        Refused, Malformed, Undecided: By the signature, or the verifier's DID.

    Spec: specs/decision-receipt.md R4-R7.
    """
    receipt = read_receipt(kept.token)
    check_fits(receipt, kept.presented)
    said, signature = receipt.statement, receipt.signature
    resolved = resolver.resolve(said.iss)
    if resolved.document is None:
        raise resolved.error or DidNotFound("the verifier's DID has no document")
    document = parse_document(resolved.document, said.iss)
    # by the instant of the decision: a key that ended since still signed what it signed
    signature.check(document.find_key(signature.method_id, signature.purpose, kept.at))
    if proof is not None:
        _check_recorded(receipt, document, proof, kept.at)
    return receipt


def _check_recorded(receipt: Receipt, document: DidDocument, proof: Mapping[str, object], at: datetime) -> None:
    said = receipt.statement
    if said.log is None:
        raise ReceiptInvalid("the receipt names no entry of a log", path="/log")
    failed: AgentdidError = AuditLogInvalid("the DID lists no key that signs its log")
    for method_id in sorted(document.relationships.get("assertionMethod", ())):
        try:
            key = document.find_key(method_id, "assertionMethod", at)
            shown = hold_entry(dict(proof), key, said.log.origin)
        except AgentdidError as error:
            failed = error
            continue
        record = shown.record
        same = (record.index, encode_base64url(shown.leaf)) == (said.log.index, said.log.leaf)
        links = tuple(Named(link.id, digest=link.digest) for link in record.links)
        agreed = (record.outcome, record.code, record.agent, links) == (said.outcome, said.code, said.sub, said.links)
        if not same or not agreed:
            raise ReceiptInvalid("the log says something else than the receipt", path="/log")
        return
    raise failed
