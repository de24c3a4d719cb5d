"""W3C Data Integrity 1.0: `proof` off a document, what it signed, and proofs put on.

A document may carry several proofs; every one of them is checked, and one that is unknown here refuses the whole
(ATTACKS E04). Proof chains (`previousProof`) are refused until they are built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.did.syntax import split_did_url
from agentdid.errors import (
    DidInvalid,
    EncodingInvalid,
    InputTooLarge,
    IssuerKeyMismatch,
    KeySourceForbidden,
    ProofChainInvalid,
    ProofMissing,
    ProofPurposeMismatch,
    ProofSuiteUnsupported,
    ProofVerificationError,
    TypeMismatch,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.hash_data import hash_data, hash_document
from agentdid.proof.suites import SUITES, Suite
from agentdid.secure.mechanism import Binding, Secured, Signature

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.codec.strict_json import JsonText
    from agentdid.keys.secret import Signer

ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"


def read(text: JsonText, purpose: str, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of a document secured by Data Integrity proofs.

    Args:
        text: The JSON object, as the strict parser found it.
        purpose: `assertionMethod` for credentials, `authentication` for presentations.
        limits: `max_proofs`.

    Raises:
        ProofMissing: No `proof`.
        ProofSuiteUnsupported, ProofPurposeMismatch, ProofChainInvalid, ProofVerificationError: By proof.
        IssuerKeyMismatch: Two proofs by different DIDs.
        KeySourceForbidden: `verificationMethod` is not an absolute DID URL.
        TypeMismatch, EncodingInvalid, InputTooLarge: Shapes and counts.

    Spec: Data Integrity section 4.5; vc-di-eddsa section 3.3.2.
    """
    document: dict[str, object] = text.value  # type: ignore[assignment]  # callers parse objects
    proofs = document.get("proof")
    if proofs is None or proofs == []:
        raise ProofMissing("the document carries no proof", path="/proof")
    found: list[Any] = proofs if type(proofs) is list else [proofs]
    if len(found) > limits.max_proofs:
        raise InputTooLarge(f"at most {limits.max_proofs} proofs", path="/proof")
    paths = [f"/proof/{position}" for position in range(len(found))] if type(proofs) is list else ["/proof"]
    suites = [_suite(proof, path) for proof, path in zip(found, paths, strict=True)]
    body = dict(document)
    del body["proof"]
    first = suites[0]
    body_hash = hash_document(body, first, plain=text.plain)
    signatures = []
    created, expires = [], []
    for proof, suite, path in zip(found, suites, paths, strict=True):
        document_hash = body_hash if suite is first else hash_document(body, suite, plain=text.plain)
        signatures.append(_signature(proof, suite, body, document_hash, purpose, text.plain, path))
        created.append(_instant(proof, "created", path))
        expires.append(_instant(proof, "expires", path))
    if len(found) > 1 and any(each.did != signatures[0].did for each in signatures):
        raise IssuerKeyMismatch("all proofs must be by one DID", path="/proof")
    return Secured(
        form=first.name,
        document=body,
        signatures=tuple(signatures),
        digest=body_hash,
        created=max(filter(None, created), default=None),
        expires=min(filter(None, expires), default=None),
        begins=None,
        wire=document,
        binding=None if purpose == ASSERTION else _binding(found[0], body, created[0], expires[0]),
    )


def add_proof(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    suite: Suite,
    *,
    purpose: str = ASSERTION,
    created: datetime,
    options: dict[str, object] | None = None,
) -> dict[str, object]:
    """Return the document with one proof; the proof carries the document's `@context`.

    Args:
        document: Without `proof`; left unchanged.
        signer: Of the suite's algorithm, else `ValueError`.
        method_id: The absolute DID URL of the signer's key.
        suite: A row of `proof.suites`.
        purpose: `assertionMethod` or `authentication`.
        created: The instant of signing.
        options: More members to sign: `challenge`, `domain`, `expires`.

    Spec: Data Integrity section 4.2; vc-di-eddsa section 3.3.1.
    """
    if signer.public.algorithm.name != suite.algorithm:
        message = f"{suite.name} signs with {suite.algorithm}, the key is {signer.public.algorithm.name}"
        raise ValueError(message)
    config: dict[str, object] = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite.name,
        "created": encode_instant(created),
        "verificationMethod": method_id,
        "proofPurpose": purpose,
        **(options or {}),
        "@context": document["@context"],
    }
    signed = hash_data(config, hash_document(document, suite, plain=False), suite, plain=False)
    value = encode_multibase(signer.sign(signed), suite.signature_base)
    return {**document, "proof": {**config, "proofValue": value}}


def _suite(proof: object, path: str) -> Suite:
    if type(proof) is not dict:
        raise TypeMismatch("expected a proof object", path=path)
    if proof.get("type") != "DataIntegrityProof":
        raise ProofSuiteUnsupported("expected the proof type DataIntegrityProof", path=f"{path}/type")
    name = proof.get("cryptosuite")
    suite = SUITES.get(name) if type(name) is str else None
    if suite is None:
        raise ProofSuiteUnsupported(f"expected a cryptosuite of {', '.join(SUITES)}", path=f"{path}/cryptosuite")
    return suite


def _signature(
    proof: dict[str, object],
    suite: Suite,
    body: dict[str, object],
    body_hash: bytes,
    purpose: str,
    plain: bool,
    path: str,
) -> Signature:
    if "previousProof" in proof:
        raise ProofChainInvalid("proof chains are not taken", path=f"{path}/previousProof")
    if proof.get("proofPurpose") != purpose:
        raise ProofPurposeMismatch(f"expected the purpose {purpose}", path=f"{path}/proofPurpose")
    if "id" in proof and type(proof["id"]) is not str:
        raise TypeMismatch("expected a proof id to be a string", path=f"{path}/id")
    # Deviation D1: the list is pinned. vc-di-eddsa §3.3.2 lets the document's @context extend the proof's.
    if "@context" in proof and proof["@context"] != body.get("@context"):
        raise ProofVerificationError("the proof's @context is not the document's", path=f"{path}/@context")
    method_id = proof.get("verificationMethod")
    try:
        did, _ = split_did_url(method_id)
    except DidInvalid:
        raise KeySourceForbidden("expected an absolute DID URL", path=f"{path}/verificationMethod") from None
    value = proof.get("proofValue")
    if type(value) is not str or not value.startswith(suite.signature_base):
        raise EncodingInvalid(f"expected multibase {suite.signature_base}", path=f"{path}/proofValue")
    config = dict(proof)
    del config["proofValue"]
    return Signature(
        method_id=method_id,  # type: ignore[arg-type]  # a string, by split_did_url
        did=did,
        purpose=purpose,
        suite=suite.name,
        algorithms=(suite.algorithm,),
        message=hash_data(config, body_hash, suite, plain=plain),
        value=decode_multibase(value),
    )


def _instant(proof: dict[str, object], name: str, path: str) -> datetime | None:
    return parse_instant(proof[name], path, name) if name in proof else None


def _binding(
    proof: dict[str, object], body: dict[str, object], created: datetime | None, expires: datetime | None
) -> Binding:
    request = body.get("request", {})
    if not isinstance(request, dict):
        raise TypeMismatch("expected an object", path="/request")
    return Binding(
        audience=proof.get("domain"),
        nonce=proof.get("challenge"),
        issued=created,
        expires=expires,
        method=request.get("htm"),
        url=request.get("htu"),
        content_digest=request.get("contentDigest"),
    )
