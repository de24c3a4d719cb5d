"""W3C Data Integrity 1.0: `proof` off a document, what it signed, and proofs put on.

A document may carry several proofs; every one of them is checked, and one that is unknown here refuses the whole
(ATTACKS E04), unless the policy says which of them count (`secure.proof_set`).

Where a suite signs statements and not JSON, what it signed is written when the judgement has come to its signatures
(`Signature.written`): reading what is held, in a wallet, costs none of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.canon.jcs import is_plain
from agentdid.codec.base import DECODERS, encode_multibase
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.did.key import same_did
from agentdid.did.syntax import split_did_url
from agentdid.errors import (
    AgentdidError,
    DidInvalid,
    EncodingInvalid,
    InputTooLarge,
    InvalidChallengeError,
    InvalidDomainError,
    IssuerKeyMismatch,
    KeySourceForbidden,
    ProofChainInvalid,
    ProofMissing,
    ProofPurposeMismatch,
    ProofSuiteUnsupported,
    ProofVerificationError,
    TypeMismatch,
)
from agentdid.keys.pair import pick
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
from agentdid.secure import proof_set
from agentdid.secure.mechanism import NO_CLAIMS, Binding, ProofCheck, Secured, Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from agentdid.canon.contexts import ContextRules
    from agentdid.codec.strict_json import JsonText
    from agentdid.keys.secret import Signer
    from agentdid.limits import Budget

    Hashes = dict[Transform, bytes]
    """Digests of one document, by how they were made: several proofs share the work."""

HYBRID_SET: Final = "hybrid-set"
"""The form of a document whose proofs are one group (`secure.hybrid`)."""
ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"


def read(
    text: JsonText,
    purpose: str,
    limits: Limits = DEFAULT,
    required: Collection[str] = (),
    *,
    base: bool = False,
    several: bool = False,
) -> Secured:
    """Return the parts of a document secured by Data Integrity proofs.

    Args:
        text: The JSON object, as the strict parser found it.
        purpose: `assertionMethod` for credentials, `authentication` for presentations.
        limits: `max_proofs`.
        required: Which proofs count, by the policy; without names all do, and are by one DID.
        base: Whether the reader is a holder, who alone takes the base proofs of selective suites.
        several: Whether proofs may be by several DIDs; they may, too, where the policy says which count.

    Raises:
        BaseProofPresented: A base proof, and the reader is no holder (ATTACKS G01).
        DerivedProofMalformed: A selective suite's proof value has not its form.
        ProofMissing: No `proof`, or none that is required.
        ProofSuiteUnsupported, ProofPurposeMismatch, ProofChainInvalid, ProofVerificationError: By proof.
        InvalidDomainError, InvalidChallengeError: A presentation's proofs are not for one audience and one challenge.
        IssuerKeyMismatch: Two proofs by different DIDs, none of which the policy asks for.
        HybridComponentMissing: Not all proofs of a group.
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
    reader = _Reader(body, found, purpose, text.plain, base=base)
    counted = proof_set.select(found, required) if required else found
    signatures = []
    for proof in counted:
        try:
            signatures.append(reader.signature(proof))
        except AgentdidError as error:
            place = f"/proof/{found.index(proof)}" if proofs is found else "/proof"
            error.path = f"{place}{error.path}"
            raise
    grouped = (len(counted) > 1 or proof_set.GROUP in counted[0]) and proof_set.has_group(counted, signatures)
    if len(signatures) > 1:
        signatures = _by_owner(signatures, body, several=several or bool(required))
    form = HYBRID_SET if grouped else signatures[0].suite
    made = tuple(signatures)
    if purpose != ASSERTION:
        binding = _binding(counted, body, reader)
        return Secured(form, body, made, b"", reader.created, reader.expires, None, document, NO_CLAIMS, binding)
    known = reader.hashes.get(JCS_SHA256)
    digest = partial(reader.hashed, JCS_SHA256) if known is None else known
    return Secured(form, body, made, digest, reader.created, reader.expires, None, document, NO_CLAIMS)


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
    """Return the document with one proof more: beside those it has, or after those that `previousProof` names.

    Under a JCS suite the proof carries the document's `@context`. Under one that signs statements the document gets
    the context that defines the proof, if none of its own does.

    Args:
        document: With or without proofs; left unchanged.
        signer: Of one of the suite's algorithms, else `ValueError`; of a `KeyPair` the fitting key signs.
        method_id: The absolute DID URL of the signer's key, of a pair that of its first.
        suite: A row of `proof.suites`.
        purpose: `assertionMethod` or `authentication`.
        created: The instant of signing.
        options: More members to sign: `id`, `challenge`, `domain`, `expires`, `previousProof`.
        rules: What `@context` may be, where statements are signed; by default `canon.contexts.STRICT`.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden: The statements would not say what
            the JSON says; nothing is signed (ATTACKS N16).
        ProofChainInvalid: `previousProof` names a proof that is not there.
        ValueError: Also where the document would need another context under the proofs that it has.

    Spec: Data Integrity sections 4.2 and 4.3; vc-di-eddsa sections 3.2.1 and 3.3.1.
    """
    signer, method_id = pick(signer, method_id, suite.algorithms)
    transform = suite.find_transform(signer.public.algorithm.name)
    body = {name: each for name, each in document.items() if name != "proof"}
    proofs: Any = document.get("proof", [])
    proofs = proofs if isinstance(proofs, list) else [proofs]
    if transform.canonical is RDFC:
        body = with_context(body, suite, rules)
        if proofs and body["@context"] != document["@context"]:
            message = f"{suite.name} needs a context that the proofs already made do not cover"
            raise ValueError(message)
    proof: dict[str, object] = {
        "type": suite.proof_type,
        **({"cryptosuite": suite.name} if suite.proof_type == PROOF_TYPE else {}),
        "created": encode_instant(created),
        "verificationMethod": method_id,
        "proofPurpose": purpose,
        **(options or {}),
    }
    config = {**proof, "@context": body["@context"]}
    if transform.canonical is JCS:
        proof = config
    followed = proof_set.find_previous(proofs, proof)
    # a document is walked for its whole form only; its `@context` in the proof is plain if it is
    walked = transform.canonical is JCS and not followed
    plain = walked and is_plain(body) and (not options or is_plain(options))
    hashed = hash_document({**body, "proof": followed} if followed else body, transform, plain=plain, rules=rules)
    signed = hash_data(config, hashed, transform, plain=plain, rules=rules)
    made = {**proof, "proofValue": encode_multibase(signer.sign(signed), suite.signature_base)}
    return {**body, "proof": [*proofs, made] if proofs else made}


def with_context(document: dict[str, object], suite: Suite, rules: ContextRules | None) -> dict[str, object]:
    """Return the document with a context that defines the suite's proofs, where the order of contexts puts it."""
    context = document.get("@context")
    contexts: list[Any] = context if isinstance(context, list) else [context]
    if any(each in suite.contexts for each in contexts if isinstance(each, str)):
        return document
    from agentdid.canon.contexts import rank  # noqa: PLC0415  # JCS-only callers never pay for it

    added = suite.contexts[0]
    place = len(contexts)
    if rules is None or rules.ordered:
        mine = rank(added)
        while place > 1 and isinstance(contexts[place - 1], str) and rank(contexts[place - 1]) > mine:
            place -= 1
    return {**document, "@context": [*contexts[:place], added, *contexts[place:]]}


def _find_suite(kind: object, name: object) -> Suite:
    suite = SUITES.get(name) if kind == PROOF_TYPE and type(name) is str else None
    if suite is not None and suite.proof_type == PROOF_TYPE:
        return suite
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


@final
class _Reader:
    """One document's proofs being taken apart.

    Attributes:
        created: The latest instant at which one was made, by its own word.
        expires: The earliest instant at which one ends.
    """

    __slots__ = ("base", "body", "created", "expires", "hashes", "plain", "proofs", "purpose")

    def __init__(self, body: dict[str, object], proofs: list[Any], purpose: str, plain: bool, *, base: bool) -> None:
        self.base = base
        self.body = body
        self.proofs = proofs
        self.purpose = purpose
        self.plain = plain
        self.hashes: Hashes = {}
        self.created: datetime | None = None
        self.expires: datetime | None = None

    def times(self, proof: dict[str, object]) -> None:
        if "created" in proof:
            begin = parse_instant(proof["created"], "/created")
            if self.created is None or begin > self.created:
                self.created = begin
        if "expires" in proof:
            end = parse_instant(proof["expires"], "/expires")
            if self.expires is None or end < self.expires:
                self.expires = end

    def hashed(self, transform: Transform) -> bytes:
        return _hashed(self.body, transform, self.hashes, self.plain)

    def signature(self, proof: object) -> Signature:
        if type(proof) is not dict:
            raise TypeMismatch("expected a proof object")
        suite = _find_suite(proof.get("type"), proof.get("cryptosuite"))
        if proof.get("proofPurpose") != self.purpose:
            raise ProofPurposeMismatch(f"expected the purpose {self.purpose}", path="/proofPurpose")
        if "id" in proof and type(proof["id"]) is not str:
            raise TypeMismatch("expected a proof id to be a string", path="/id")
        body = self.body
        # Deviation D1: the list is pinned. vc-di-eddsa §3.3.2 lets the document's @context extend the proof's.
        if "@context" in proof and proof["@context"] != body.get("@context"):
            raise ProofVerificationError("the proof's @context is not the document's", path="/@context")
        method_id = proof.get("verificationMethod")
        try:
            did, _ = split_did_url(method_id if type(method_id) is str else None)
        except DidInvalid:
            raise KeySourceForbidden("expected an absolute DID URL", path="/verificationMethod") from None
        config = proof.copy()
        value = config.pop("proofValue", None)
        if type(value) is not str or value[:1] != suite.signature_base:
            raise EncodingInvalid(f"expected multibase {suite.signature_base}", path="/proofValue")
        made = DECODERS[suite.signature_base](value[1:])
        self.times(proof)
        algorithms = suite.fitting(made)
        transform = suite.transforms[algorithms[0]]
        hashes, plain = self.hashes, self.plain
        if "previousProof" in proof:
            # what it follows is part of what it signs, whole (Data Integrity §4.3 and §4.5)
            body, hashes = {**body, "proof": proof_set.find_previous(self.proofs, proof)}, {}
        message, variant = b"", None
        write: Callable[[ContextRules | None, Budget | None], bytes | ProofCheck] | None = None
        if transform.canonical is JCS:
            hashed = _hashed(body, transform, hashes, plain)
            message = hash_data(config, hashed, transform, plain)
            if suite.implied_context and "@context" not in proof:
                # Deviation D38: the published example hashes a context that its proof lacks; both readings are taken
                variant = hash_data({**config, "@context": body.get("@context")}, hashed, transform, plain)
        elif transform.canonical is STATEMENTS:
            if "previousProof" in proof:
                raise ProofChainInvalid("what its holder derives follows no other proof", path="/previousProof")
            from agentdid.secure import derivation  # noqa: PLC0415  # most proofs are of one signature

            write = derivation.open_proof(made, suite.name, config, body, plain, base=self.base)
        else:
            config["@context"] = body.get("@context")
            write = partial(_write, config, body, transform, hashes, plain)
        return Signature(
            method_id,  # type: ignore[arg-type]  # a string, by split_did_url
            did,
            self.purpose,
            suite.name,
            algorithms,
            message,
            made,
            write,
            variant,
            id=proof.get("id"),
        )


def _by_owner(signatures: list[Signature], body: dict[str, object], *, several: bool) -> list[Signature]:
    """Return the signatures, those of the issuer or holder first; others are there only where a policy asks for it."""
    if not several:
        if any(each.did != signatures[0].did for each in signatures):
            raise IssuerKeyMismatch("all proofs must be by one DID", path="/proof")
        return signatures
    owner = body.get("issuer", body.get("holder"))
    name = owner.get("id") if isinstance(owner, dict) else owner
    # where none is its own, whoever judges says so
    return sorted(signatures, key=lambda each: not (type(name) is str and same_did(each.did, name)))


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


def _binding(proofs: list[Any], body: dict[str, object], times: _Reader) -> Binding:
    """Return what the proofs bind a presentation to: all of them to the same, as one that did not could be older."""
    first = proofs[0]
    audience, nonce, request = first.get("domain"), first.get("challenge"), body.get("request")
    for each in proofs[1:]:
        for name, wrong in (("domain", InvalidDomainError), ("challenge", InvalidChallengeError)):
            if each.get(name) != first.get(name):
                raise wrong(f"every proof has the same {name}", path=f"/proof/{name}")
    issued = times.created if all("created" in each for each in proofs) else None
    expires = times.expires if all("expires" in each for each in proofs) else None
    if request is None and "request" not in body:
        return Binding(audience, nonce, issued, expires)
    if type(request) is not dict:
        raise TypeMismatch("expected an object", path="/request")
    method, url, digest = request.get("htm"), request.get("htu"), request.get("contentDigest")
    return Binding(audience, nonce, issued, expires, method, url, digest)
