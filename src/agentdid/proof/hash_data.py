"""The bytes that a Data Integrity key signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.canon.jcs import canonicalize, canonicalize_plain
from agentdid.proof.suites import JCS

if TYPE_CHECKING:
    from agentdid.canon.contexts import ContextRules
    from agentdid.limits import Budget
    from agentdid.proof.suites import Transform


def canonical_form(
    document: dict[str, object],
    transform: Transform,
    *,
    plain: bool,
    rules: ContextRules | None = None,
    budget: Budget | None = None,
) -> bytes:
    """Return the canonical bytes of a document or of proof options.

    Args:
        document: The credential or presentation without `proof`, or the proof without `proofValue`.
        transform: Which canonical form.
        plain: What `strict_json.parse` found of the text this comes from: canonical bytes need no second walk.
        rules: What `@context` may be, where statements are signed; by default `canon.contexts.STRICT`.
        budget: Pays for labelling blank nodes; by default that of one input.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, CanonicalizationLimit: As `canon.jsonld.canonicalize`.

    Spec: vc-di-eddsa sections 3.2.3 and 3.3.3; vc-di-ecdsa sections 3.2.3 and 3.3.3.
    """
    if transform.canonical is JCS:
        return canonicalize_plain(document) if plain else canonicalize(document)
    from agentdid.canon.jsonld import canonicalize as write_statements  # noqa: PLC0415  # JCS-only callers never pay

    return write_statements(document, hash_name=transform.hash_name, budget=budget, plain=plain, rules=rules)


def hash_document(
    document: dict[str, object],
    transform: Transform,
    plain: bool,
    rules: ContextRules | None = None,
    budget: Budget | None = None,
) -> bytes:
    """Return the digest of the canonical document.

    Args:
        document: The credential or presentation without `proof`.
        transform: Its canonical form and hash.
        plain: As for `canonical_form`, as are the others.
        rules: As for `canonical_form`.
        budget: As for `canonical_form`.

    Raises:
        As `canonical_form`.

    Spec: vc-di-eddsa sections 3.2.4 and 3.3.4.
    """
    if plain and transform.canonical is JCS:
        return transform.hash(canonicalize_plain(document)).digest()
    form = canonical_form(document, transform, plain=plain, rules=rules, budget=budget)
    return transform.hash(form).digest()


def hash_data(
    config: dict[str, object],
    document_hash: bytes,
    transform: Transform,
    plain: bool,
    rules: ContextRules | None = None,
    budget: Budget | None = None,
) -> bytes:
    """Return the bytes a data-integrity key signs: ``H(canon(config)) || H(canon(document))``.

    Args:
        config: The proof without `proofValue`; where statements are signed, with the document's `@context`.
        document_hash: From `hash_document`.
        transform: Its canonical form and hash: 64 bytes come out under SHA-256, 96 under SHA-384.
        plain: As for `canonical_form`, as are the others.
        rules: As for `canonical_form`.
        budget: As for `canonical_form`.

    Raises:
        As `canonical_form`.

    Spec: vc-di-eddsa sections 3.2.4 and 3.3.4, configuration first.
    """
    return hash_document(config, transform, plain, rules, budget) + document_hash
