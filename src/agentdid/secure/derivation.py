"""Credentials of the selective suites, ecdsa-sd-2023 and bbs-2023: base proofs made, derived from, and read.

An issuer puts a base proof on a credential and says which of its members are mandatory. The holder alone has it; for a
verifier it derives a proof of the mandatory members and of those it chose. What of a credential must be mandatory, so
that hiding it changes no judgement, stands in `secure.mandatory`.

Spec: vc-di-ecdsa section 3.6; vc-di-bbs section 3.4; specs/selective-disclosure.md S1-S13.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agentdid.canon.contexts import STRICT, ContextRules
from agentdid.canon.jcs import canonicalize as canonicalize_json
from agentdid.canon.jsonld import canonicalize
from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.errors import (
    AgentdidError,
    BaseProofPresented,
    DerivedProofMalformed,
    EncodingInvalid,
    ProofMissing,
    ProofSuiteUnsupported,
    TypeMismatch,
)
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT, Budget
from agentdid.proof import bbs2023, ecdsa_sd
from agentdid.proof.selective import (
    Relabelling,
    canonicalize_and_group,
    canonicalize_with_labels,
    disclose,
    given_labels,
    hmac_labels,
    shuffled_labels,
)
from agentdid.proof.suites import PROOF_TYPE, SELECTIVE
from agentdid.secure.data_integrity import ASSERTION, with_context
from agentdid.secure.mechanism import ProofCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from agentdid.canon.nquads import Quad
    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer

_BASE: Final = "u"
_MANDATORY: Final = "mandatory"
_BASES: Final = (ecdsa_sd.BaseProof, bbs2023.BaseProof)
_ECDSA: Final = (ecdsa_sd.BaseProof, ecdsa_sd.DerivedProof)


def add_base_proof(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    cryptosuite: str,
    *,
    pointers: Sequence[str],
    created: datetime,
    rules: ContextRules = STRICT,
) -> dict[str, object]:
    """Return the document with a base proof, for its holder.

    Args:
        document: Without `proof`; left unchanged.
        signer: P-256 for ecdsa-sd-2023; for bbs-2023 a `SecretKey` of BLS12-381, as no key service signs with BBS.
        method_id: The absolute DID URL of the signer's key.
        cryptosuite: `ecdsa-sd-2023` or `bbs-2023`.
        pointers: JSON Pointers (RFC 6901) to what every derived proof shows.
        created: The instant of signing.
        rules: What `@context` may be.

    Raises:
        TypeMismatch: A pointer selects nothing, or a part of what is one statement.
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden: The statements would not say what
            the JSON says.
        InputTooLarge: More statements than one BBS signature covers.
        ValueError: Another suite, or a key of another.

    Spec: vc-di-ecdsa sections 3.6.1 to 3.6.5; vc-di-bbs sections 3.4.1 to 3.4.5.
    """
    suite = SELECTIVE.get(cryptosuite)
    if suite is None:
        message = f"expected a suite of {', '.join(SELECTIVE)}"
        raise ValueError(message)
    suite.find_transform(signer.public.algorithm.name)
    document = with_context(document, suite, rules)
    proof: dict[str, object] = {
        "type": PROOF_TYPE,
        "cryptosuite": cryptosuite,
        "created": encode_instant(created),
        "verificationMethod": method_id,
        "proofPurpose": ASSERTION,
    }
    hashed = _hash_options(proof, document, rules, None)
    key = secrets.token_bytes(ecdsa_sd.HMAC_LEN)  # never twice: it would show which hidden labels are alike (G12)
    made: ecdsa_sd.BaseProof | bbs2023.BaseProof
    if cryptosuite == ecdsa_sd.NAME:
        grouping = canonicalize_and_group(document, hmac_labels(key), {_MANDATORY: pointers}, rules=rules)
        own = SecretKey.generate(ecdsa_sd.ALGORITHM)
        made = ecdsa_sd.make_base(grouping, pointers, hashed, signer, own, key)
    else:
        if not isinstance(signer, SecretKey):
            message = "bbs-2023 needs its key in memory"
            raise ValueError(message)
        grouping = canonicalize_and_group(document, shuffled_labels(key), {_MANDATORY: pointers}, rules=rules)
        made = bbs2023.make_base(grouping, pointers, hashed, signer, key)
    return {**document, "proof": {**proof, "proofValue": encode_multibase(made.encode(), _BASE)}}


def derive(
    document: dict[str, object],
    pointers: Sequence[str],
    *,
    presentation_header: bytes = b"",
    rules: ContextRules = STRICT,
    budget: Budget | None = None,
) -> dict[str, object]:
    """Return what a holder shows of a credential: the mandatory members and the chosen ones, with a derived proof.

    Args:
        document: The credential with its base proof, and none beside it; left unchanged.
        pointers: JSON Pointers (RFC 6901) to what is chosen; each leads somewhere.
        presentation_header: What it is made for, signed along under bbs-2023 (`bind`).
        rules: What `@context` may be.
        budget: Pays for labelling blank nodes.

    Raises:
        ProofMissing, ProofSuiteUnsupported: It carries no base proof of a selective suite.
        DerivedProofMalformed: The base proof has not its form, or is not of this document.
        TypeMismatch: A pointer selects nothing, or nothing is selected at all.
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: By document.

    Spec: vc-di-ecdsa section 3.6.6; vc-di-bbs section 3.4.6.
    """
    proof = _base_proof(document)
    body = {name: value for name, value in document.items() if name != "proof"}
    octets = _proof_octets(proof)
    if proof["cryptosuite"] == ecdsa_sd.NAME:
        base = ecdsa_sd.parse_base(octets)
        shown = disclose(body, base.relabelling, base.pointers, pointers, rules=rules, budget=budget)
        value = ecdsa_sd.derive(base, shown).encode()
    else:
        signed = bbs2023.parse_base(octets)
        shown = disclose(body, signed.relabelling, signed.pointers, pointers, rules=rules, budget=budget)
        value = bbs2023.derive(signed, shown, presentation_header).encode()
    return {**shown.document, "proof": {**proof, "proofValue": encode_multibase(value, _BASE)}}


def bind(audience: str, challenge: str) -> bytes:
    """Return the presentation header of what is derived for one audience and one challenge (ATTACKS G13).

    The SHA-256 of the JCS of ``{"audience", "challenge"}`` (specs/selective-disclosure.md S13).
    """
    return hashlib.sha256(canonicalize_json({"audience": audience, "challenge": challenge})).digest()


def open_proof(
    octets: bytes, cryptosuite: str, options: dict[str, object], body: dict[str, object], plain: bool, *, base: bool
) -> Callable[[ContextRules | None, Budget | None], ProofCheck]:
    """Return what prepares the check of a proof, whose value has its form.

    Args:
        octets: The proof value.
        cryptosuite: A row of `SELECTIVE`.
        options: The proof without its value.
        body: The document without its proof.
        plain: What `strict_json.parse` found of the text it comes from.
        base: Whether a base proof is taken.

    Raises:
        BaseProofPresented: It is a base proof and none is taken.
        DerivedProofMalformed: It has not the form of either.
    """
    suite = ecdsa_sd if cryptosuite == ecdsa_sd.NAME else bbs2023
    try:
        if octets[: len(suite.BASE)] != suite.BASE:
            return partial(_prepare, suite.parse_derived(octets), options, body, plain)
        if not base:
            raise BaseProofPresented("a base proof is its holder's; expected one derived from it")
        return partial(_prepare, suite.parse_base(octets), options, body, plain)
    except AgentdidError as error:
        error.path = "/proofValue"
        raise


def _prepare(
    proof: ecdsa_sd.BaseProof | ecdsa_sd.DerivedProof | bbs2023.BaseProof | bbs2023.DerivedProof,
    options: dict[str, object],
    body: dict[str, object],
    plain: bool,
    rules: ContextRules | None,
    budget: Budget | None,
) -> ProofCheck:
    """Find the statements again, before anybody is asked for a key."""
    rules = rules or STRICT
    budget = budget or Budget.of(DEFAULT)
    if isinstance(proof, _BASES):
        lines, quads, mandatory = _group(body, proof.relabelling, proof.pointers, rules, budget)
    else:
        lines, quads = canonicalize_with_labels(
            body, given_labels(proof.labels), rules=rules, budget=budget, plain=plain
        )
        mandatory = frozenset(proof.mandatory)
        if mandatory and max(mandatory) >= len(lines):
            raise DerivedProofMalformed("a position that is none of a statement", path="/proof/proofValue")
    optional = [line for at, line in enumerate(lines) if at not in mandatory]
    obligatory = [line for at, line in enumerate(lines) if at in mandatory]
    hashed = _hash_options(options, body, rules, budget)
    run: Callable[[PublicKey], None]
    try:
        if isinstance(proof, _ECDSA):
            ecdsa_sd.check_count(proof, optional)
            budget.spend_statements(len(optional))
            run = partial(_run_ecdsa, proof, ecdsa_sd.signed_bytes(hashed, proof.key, obligatory), optional)
        else:
            header = bbs2023.header_of(hashed, obligatory)
            budget.spend_statements(bbs2023.count_statements(proof, optional))
            run = partial(_run_bbs, proof, header, optional)
    except AgentdidError as error:
        error.path = error.path or "/proof/proofValue"
        raise
    hideable = [quad for at, quad in enumerate(quads) if at not in mandatory]
    bound = proof.presentation_header if isinstance(proof, bbs2023.DerivedProof) else None
    return ProofCheck(run, quads, hideable, bound)


def _group(
    body: dict[str, object], relabelling: Relabelling, pointers: Sequence[str], rules: ContextRules, budget: Budget
) -> tuple[list[str], list[Quad], frozenset[int]]:
    grouping = canonicalize_and_group(body, relabelling, {_MANDATORY: pointers}, rules=rules, budget=budget)
    return grouping.lines, grouping.quads, frozenset(grouping.groups[_MANDATORY].matching)


def _run_ecdsa(
    proof: ecdsa_sd.BaseProof | ecdsa_sd.DerivedProof, signed: bytes, optional: list[str], key: PublicKey
) -> None:
    ecdsa_sd.check(proof, key, signed, optional)


def _run_bbs(
    proof: bbs2023.BaseProof | bbs2023.DerivedProof, header: bytes, optional: list[str], key: PublicKey
) -> None:
    if isinstance(proof, bbs2023.BaseProof):
        bbs2023.check_base(proof, key.raw, header, optional)
    else:
        bbs2023.check_derived(proof, key.raw, header, optional)


def _hash_options(
    options: dict[str, object], document: dict[str, object], rules: ContextRules, budget: Budget | None
) -> bytes:
    """Return the hash of the canonical proof options (vc-di-ecdsa section 3.6.4)."""
    config = {**options, "@context": document.get("@context")}
    try:
        return hashlib.sha256(canonicalize(config, rules=rules, budget=budget)).digest()
    except AgentdidError as error:
        error.path = f"/proof{error.path}"
        raise


def _base_proof(document: dict[str, object]) -> dict[str, Any]:
    proof = document.get("proof")
    if isinstance(proof, list) and len(proof) == 1:
        (proof,) = proof
    if proof is None:
        raise ProofMissing("the credential carries no proof", path="/proof")
    if not isinstance(proof, dict):
        raise TypeMismatch("expected one proof, the base proof", path="/proof")
    suite = proof.get("cryptosuite")
    if proof.get("type") != PROOF_TYPE or type(suite) is not str or suite not in SELECTIVE:
        raise ProofSuiteUnsupported(f"expected a base proof of {' or '.join(SELECTIVE)}", path="/proof/cryptosuite")
    return proof


def _proof_octets(proof: dict[str, Any]) -> bytes:
    value = proof.get("proofValue")
    if type(value) is not str or value[:1] != _BASE:
        raise EncodingInvalid(f"expected multibase {_BASE}", path="/proof/proofValue")
    return decode_multibase(value)
