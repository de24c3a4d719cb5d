"""`hybrid-set` written: two proofs over one document that only hold together, made by a pair of keys.

Reading, and holding that the set is whole, is `secure.proof_set`'s; what a policy asks for is `verify.security`'s.

Spec: specs/proof-sets.md P6; PROTOCOL section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.keys.pair import KeyPair
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from agentdid.secure.proof_set import ALL_OF, GROUP

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.keys.secret import Signer

_SUITES: Final = (SUITES["eddsa-jcs-2022"], SUITES["mldsa44-jcs-2024"])
"""The classical proof first: who knows only the first takes it unchanged."""


def add_set(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    *,
    purpose: str = data_integrity.ASSERTION,
    created: datetime,
    options: dict[str, object] | None = None,
) -> dict[str, object]:
    """Return the document with both proofs.

    Args:
        document: Without proofs; left unchanged.
        signer: A `KeyPair`.
        method_id: The absolute DID URL of its classical key.
        purpose: `assertionMethod` or `authentication`.
        created: The instant of signing.
        options: More members for both proofs to sign: `challenge`, `domain`, `expires`.

    Raises:
        ValueError: One key alone, or a document that has proofs.
    """
    if not isinstance(signer, KeyPair):
        message = f"a {data_integrity.HYBRID_SET} is signed by a pair of keys (--key hybrid)"
        raise ValueError(message)  # as for a key of another suite
    if "proof" in document:
        message = f"a {data_integrity.HYBRID_SET} is the only proof of its document"
        raise ValueError(message)
    members = tuple(zip(_SUITES, signer.members(method_id), strict=True))
    group = {
        "type": ALL_OF,
        "members": [{"cryptosuite": suite.name, "verificationMethod": name} for suite, (_, name) in members],
    }
    for suite, (key, name) in members:
        document = data_integrity.add_proof(
            document, key, name, suite, purpose=purpose, created=created, options={**(options or {}), GROUP: group}
        )
    return document
