"""W3C Data Integrity 1.0: `proof` off a document, what it signed, and proofs put on.

A document may carry several proofs; every one of them is checked, and one that is unknown here refuses the whole
(ATTACKS E04). Proof chains (`previousProof`) are refused until they are built.

Where a suite signs statements and not JSON, what it signed is written when the judgement has come to its signatures
(`Signature.written`): reading what is held, in a wallet, costs none of it.
"""

from __future__ import annotations

from functools import partial
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
from agentdid.proof.suites import (
    JCS,
    JCS_SHA256,
    PROOF_TYPE,
    RDFC,
    SELECTIVE,
    STATEMENTS,
    SUITES,
    Suite,
    Transform,
)
from agentdid.secure.mechanism import NO_CLAIMS, Binding, ProofCheck, Secured, Signature

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agentdid.canon.contexts import ContextRules
    from agentdid.codec.strict_json import JsonText
    from agentdid.keys.secret import Signer
    from agentdid.limits import Budget

    Hashes = dict[Transform, bytes]
    """Digests of one document, by how they were made: several proofs share the work."""

ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"


def read(text: JsonText, purpose: str, limits: Limits = DEFAULT, *, base: bool = False) -> Secured:
    """Return the parts of a document secured by Data Integrity proofs.

    Args:
        text: The JSON object, as the strict parser found it.
        purpose: `assertionMethod` for credentials, `authentication` for presentations.
        limits: `max_proofs`.
        base: Whether the reader is a holder, who alone takes the base proofs of selective suites.

    Raises:
        ProofMissing: No `proof`.
        BaseProofPresented: A base proof, and the reader is no holder (ATTACKS G01).
        DerivedProofMalformed: A selective suite's proof value has not its form.
        ProofSuiteUnsupported, ProofPurposeMismatch, ProofChainInvalid, ProofVerificationError: By proof.
        IssuerKeyMismatch: Two proofs by different DIDs.
        KeySourceForbidden: `verificationMethod` is not an absolute DID URL.
        TypeMismatch, EncodingInvalid, InputTooLarge: Shapes and counts.

    Spec: Data Integrity section 4.5; vc-di-eddsa sections 3.2.2 and 3.3.2.
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
    hashes: Hashes = {}
    created: datetime | None = None
    expires: datetime | None = None
    try:
        for proof in found:
            signature = _signature(proof, body, hashes, purpose, text.plain, base=base)
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
    if purpose != ASSERTION:
        binding = _binding(found[0], body, *first)
        return Secured(form, body, tuple(signatures), b"", created, expires, None, document, NO_CLAIMS, binding)
    digest = _hashed(body, JCS_SHA256, hashes, text.plain)
    return Secured(form, body, tuple(signatures), digest, created, expires, None, document, NO_CLAIMS)


def add_proof(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    suite: Suite,
    *,
    purpose: str = ASSERTION,
    created: datetime,
    options: dict[str, object] | None = None,
    rules: ContextRules | None = None,
) -> dict[str, object]:
    """Return the document with one proof.

    Under a JCS suite the proof carries the document's `@context`. Under one that signs statements the document gets
    the context that defines the proof, if none of its own does.

    Args:
        document: Without `proof`; left unchanged.
        signer: Of one of the suite's algorithms, else `ValueError`.
        method_id: The absolute DID URL of the signer's key.
        suite: A row of `proof.suites`.
        purpose: `assertionMethod` or `authentication`.
        created: The instant of signing.
        options: More members to sign: `challenge`, `domain`, `expires`.
        rules: What `@context` may be, where statements are signed; by default `canon.contexts.STRICT`.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden: The statements would not say what
            the JSON says; nothing is signed (ATTACKS N16).

    Spec: Data Integrity section 4.2; vc-di-eddsa sections 3.2.1 and 3.3.1.
    """
    transform = suite.find_transform(signer.public.algorithm.name)
    if transform.canonical is RDFC:
        document = with_context(document, suite, rules)
    proof: dict[str, object] = {
        "type": suite.proof_type,
        **({"cryptosuite": suite.name} if suite.proof_type == PROOF_TYPE else {}),
        "created": encode_instant(created),
        "verificationMethod": method_id,
        "proofPurpose": purpose,
        **(options or {}),
    }
    config = {**proof, "@context": document["@context"]}
    if transform.canonical is JCS:
        proof = config
    hashed = hash_document(document, transform, plain=False, rules=rules)
    signed = hash_data(config, hashed, transform, plain=False, rules=rules)
    value = encode_multibase(signer.sign(signed), suite.signature_base)
    return {**document, "proof": {**proof, "proofValue": value}}


def with_context(document: dict[str, object], suite: Suite, rules: ContextRules | None) -> dict[str, object]:
    """Return the document with a context that defines the suite's proofs, where the order of contexts puts it."""
    from agentdid.canon.contexts import rank  # noqa: PLC0415  # JCS-only callers never pay for it

    context = document.get("@context")
    contexts: list[Any] = context if isinstance(context, list) else [context]
    if any(each in suite.contexts for each in contexts if isinstance(each, str)):
        return document
    added = suite.contexts[0]
    place = len(contexts)
    if rules is None or rules.ordered:
        mine = rank(added)
        while place > 1 and isinstance(contexts[place - 1], str) and rank(contexts[place - 1]) > mine:
            place -= 1
    return {**document, "@context": [*contexts[:place], added, *contexts[place:]]}


def _find_suite(kind: object, name: object) -> Suite:
    """Return the suite of a proof whose `type` or `cryptosuite` is not that of most."""
    if kind != PROOF_TYPE:
        suite = SUITES.get(kind) if type(kind) is str else None
        if suite is None or suite.proof_type != kind:
            raise ProofSuiteUnsupported(f"expected the proof type {PROOF_TYPE}", path="/type")
        return suite
    suite = SELECTIVE.get(name) if type(name) is str else None
    if suite is None:
        known = ", ".join((*SUITES, *SELECTIVE))
        raise ProofSuiteUnsupported(f"expected a cryptosuite of {known}", path="/cryptosuite")
    return suite


def _signature(
    proof: object, body: dict[str, object], hashes: Hashes, purpose: str, plain: bool, *, base: bool
) -> Signature:
    if type(proof) is not dict:
        raise TypeMismatch("expected a proof object")
    kind, name = proof.get("type"), proof.get("cryptosuite")
    suite = SUITES.get(name) if kind == PROOF_TYPE and type(name) is str else None
    if suite is None or suite.proof_type != PROOF_TYPE:
        suite = _find_suite(kind, name)
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
    made = DECODERS[suite.signature_base](value[1:])
    algorithms = suite.fitting(made)
    transform = suite.transforms[algorithms[0]]
    message, variant = b"", None
    write: Callable[[ContextRules | None, Budget | None], bytes | ProofCheck] | None = None
    if transform.canonical is JCS:
        hashed = _hashed(body, transform, hashes, plain)
        message = hash_data(config, hashed, transform, plain)
        if suite.implied_context and "@context" not in proof:
            # Deviation D38: the published example hashes a context that its proof lacks; both readings are taken
            variant = hash_data({**config, "@context": body.get("@context")}, hashed, transform, plain)
    elif transform.canonical is STATEMENTS:
        from agentdid.secure import derivation  # noqa: PLC0415  # most proofs are of one signature

        write = derivation.open_proof(made, suite.name, config, body, plain, base=base)
    else:
        config["@context"] = body.get("@context")
        write = partial(_write, config, body, transform, hashes, plain)
    return Signature(
        method_id,  # type: ignore[arg-type]  # a string, by split_did_url
        did,
        purpose,
        suite.name,
        algorithms,
        message,
        made,
        write,
        variant,
    )


def _write(
    config: dict[str, object],
    body: dict[str, object],
    transform: Transform,
    hashes: Hashes,
    plain: bool,
    rules: ContextRules | None,
    budget: Budget | None,
) -> bytes:
    hashed = _hashed(body, transform, hashes, plain, rules, budget)
    try:
        return hash_data(config, hashed, transform, plain, rules, budget)
    except AgentdidError as error:
        error.path = f"/proof{error.path}"
        raise


def _hashed(
    body: dict[str, object],
    transform: Transform,
    hashes: Hashes,
    plain: bool,
    rules: ContextRules | None = None,
    budget: Budget | None = None,
) -> bytes:
    found = hashes.get(transform)
    if found is None:
        found = hashes[transform] = hash_document(body, transform, plain, rules, budget)
    return found


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
