"""The bytes that a Data Integrity key signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.canon.jcs import canonicalize, canonicalize_plain

if TYPE_CHECKING:
    from agentdid.proof.suites import Suite


def hash_document(document: dict[str, object], suite: Suite, plain: bool) -> bytes:
    """Return the digest of the canonical document, which also names it as a parent in a chain.

    Args:
        document: The credential or presentation without `proof`.
        suite: Whose hash is used.
        plain: What `strict_json.parse` found of the text this comes from: canonical bytes need no second walk.

    Spec: vc-di-eddsa section 3.3.2 and 3.3.4.
    """
    return suite.hash(canonicalize_plain(document) if plain else canonicalize(document)).digest()


def hash_data(config: dict[str, object], document_hash: bytes, suite: Suite, plain: bool) -> bytes:
    """Return the bytes a data-integrity key signs: ``H(canon(config)) || H(canon(document))``.

    Args:
        config: The proof without `proofValue`.
        document_hash: From `hash_document`.
        suite: Whose hash is used; 64 bytes come out under SHA-256.
        plain: As for `hash_document`.

    Spec: vc-di-eddsa section 3.3.4, configuration first.
    """
    return suite.hash(canonicalize_plain(config) if plain else canonicalize(config)).digest() + document_hash
