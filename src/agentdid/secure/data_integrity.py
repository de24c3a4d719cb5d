"""W3C Data Integrity 1.0: `proof` off a document, what it signed, and proofs put on.

A document may carry several proofs; every one of them is checked, and one that is unknown here refuses the whole
(ATTACKS E04). Proof chains (`previousProof`) are refused until they are built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import DECODERS, encode_multibase
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.did.syntax import split_did_url
from agentdid.errors import (
    AgentdidError,
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
from agentdid.secure.mechanism import NO_CLAIMS, Binding, Secured, Signature

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
    body = document.copy()
    del body["proof"]
    signatures: list[Signature] = []
    hashes: dict[str, bytes] = {}  # of the body, by suite
    created: datetime | None = None
    expires: datetime | None = None
    try:
        for proof in found:
            signature = _signature(proof, body, hashes, purpose, text.plain)
            begin = parse_instant(proof["created"], "/created") if "created" in proof else None
            if begin is not None and (created is None or begin > created):
                created = begin
            end = parse_instant(proof["expires"], "/expires") if "expires" in proof else None
            if end is not None and (expires is None or end < expires):
                expires = end
            if not signatures:
                first = (begin, end)
            signatures.append(signature)
    except AgentdidError as error:
        place = f"/proof/{len(signatures)}" if proofs is found else "/proof"
        error.path = f"{place}{error.path}"
        raise
    if len(found) > 1 and any(each.did != signatures[0].did for each in signatures):
        raise IssuerKeyMismatch("all proofs must be by one DID", path="/proof")
    form = signatures[0].suite
    binding = None if purpose == ASSERTION else _binding(found[0], body, *first)
    return Secured(form, body, tuple(signatures), hashes[form], created, expires, None, document, NO_CLAIMS, binding)


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


def _signature(
    proof: object, body: dict[str, object], hashes: dict[str, bytes], purpose: str, plain: bool
) -> Signature:
    if type(proof) is not dict:
        raise TypeMismatch("expected a proof object")
    if proof.get("type") != "DataIntegrityProof":
        raise ProofSuiteUnsupported("expected the proof type DataIntegrityProof", path="/type")
    name = proof.get("cryptosuite")
    suite = SUITES.get(name) if type(name) is str else None
    if suite is None:
        raise ProofSuiteUnsupported(f"expected a cryptosuite of {', '.join(SUITES)}", path="/cryptosuite")
    if "previousProof" in proof:
        raise ProofChainInvalid("proof chains are not taken", path="/previousProof")
    if proof.get("proofPurpose") != purpose:
        raise ProofPurposeMismatch(f"expected the purpose {purpose}", path="/proofPurpose")
    if "id" in proof and type(proof["id"]) is not str:
        raise TypeMismatch("expected a proof id to be a string", path="/id")
    # Deviation D1: the list is pinned. vc-di-eddsa §3.3.2 lets the document's @context extend the proof's.
    if "@context" in proof and proof["@context"] != body.get("@context"):
        raise ProofVerificationError("the proof's @context is not the document's", path="/@context")
    method_id = proof.get("verificationMethod")
    try:
        did = split_did_url(method_id if type(method_id) is str else None)[0]
    except DidInvalid:
        raise KeySourceForbidden("expected an absolute DID URL", path="/verificationMethod") from None
    config = proof.copy()
    value = config.pop("proofValue", None)
    if type(value) is not str or value[:1] != suite.signature_base:
        raise EncodingInvalid(f"expected multibase {suite.signature_base}", path="/proofValue")
    hashed = hashes.get(suite.name)
    if hashed is None:
        hashed = hashes[suite.name] = hash_document(body, suite, plain)
    return Signature(
        method_id,  # type: ignore[arg-type]  # a string, by split_did_url
        did,
        purpose,
        suite.name,
        (suite.algorithm,),
        hash_data(config, hashed, suite, plain),
        DECODERS[suite.signature_base](value[1:]),
    )


def _binding(
    proof: dict[str, object], body: dict[str, object], created: datetime | None, expires: datetime | None
) -> Binding:
    audience, nonce, request = proof.get("domain"), proof.get("challenge"), body.get("request")
    if request is None and "request" not in body:
        return Binding(audience, nonce, created, expires)
    if type(request) is not dict:
        raise TypeMismatch("expected an object", path="/request")
    method, url, digest = request.get("htm"), request.get("htu"), request.get("contentDigest")
    return Binding(audience, nonce, created, expires, method, url, digest)
