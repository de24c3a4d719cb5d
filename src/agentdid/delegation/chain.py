"""How links hang together: who issued to whom, in which order, and that each child is narrower than its parent.

Signatures and parent digests are judged where the keys are (`verify.signatures`); here is what the documents say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.delegation.narrowing import check_narrower
from agentdid.did.syntax import check_did
from agentdid.errors import CapabilityExpandedTime, ChainLinkMismatch, ChainTooDeep, TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.limits import Limits


def check_form(credential: Credential, capability: Capability, path: str) -> None:
    """Hold that a capability credential names all that a chain needs.

    Raises:
        TypeMismatch: No `id`, not exactly one subject with a DID, or an open-ended validity.
        DidInvalid: The issuer or the subject is not a DID.

    Spec: specs/capability-credential.md C3-C5.
    """
    if credential.id is None:
        raise TypeMismatch("a capability credential has an id", path=f"{path}/id")
    if len(credential.subjects) != 1 or credential.subjects[0] is None:
        raise TypeMismatch("a capability credential has one subject, with an id", path=f"{path}/credentialSubject")
    if credential.valid_from is None or credential.valid_until is None:
        raise TypeMismatch("a capability credential has validFrom and validUntil", path=path)
    check_did(credential.issuer)
    check_did(credential.subjects[0])
    if (capability.parent is None) != (capability.depth == 0):
        raise TypeMismatch("a root link has depth 0 and no parent, any other has both", path=f"{path}/capability")


def check_connected(chain: Sequence[tuple[Credential, Capability]], limits: Limits) -> None:
    """Hold that the credentials are one chain, root first, each issued by the subject of the one before.

    Raises:
        ChainTooDeep: More links than `limits.max_chain`, root included.
        ChainLinkMismatch: A link is missing, doubled, out of order or foreign.

    Spec: specs/delegation.md D1-D4.
    """
    if len(chain) > limits.max_chain:
        raise ChainTooDeep(f"at most {limits.max_chain} links, got {len(chain)}")
    parent: Credential | None = None
    seen = set()
    for position, (credential, capability) in enumerate(chain):
        path = f"/{position}"
        if credential.id in seen:
            raise ChainLinkMismatch("a link stands twice", path=path)
        seen.add(credential.id)
        named = None if capability.parent is None else capability.parent.id
        if named != (None if parent is None else parent.id):
            raise ChainLinkMismatch("the link before it is not the parent that it names", path=path)
        if parent is not None and credential.issuer != parent.subjects[0]:
            raise ChainLinkMismatch("its issuer is not the subject of the link before it", path=path)
        parent = credential


def check_delegation(parent: Credential, wider: Capability, child: Credential, narrower: Capability) -> None:
    """Hold that a child is narrower than its parent in every dimension, time included.

    Args:
        parent: The link before.
        wider: What it grants.
        child: The link.
        narrower: What that grants.

    Raises:
        CapabilityExpandedTime: A child is valid when its parent is not; no skew counts here.
        DelegationForbidden, CapabilityNotAttenuated: As `narrowing.check_narrower`.

    Spec: specs/delegation.md D8-D20.
    """
    # all four are there, by check_form
    if child.valid_from < parent.valid_from or child.valid_until > parent.valid_until:  # type: ignore[operator]
        raise CapabilityExpandedTime("valid when its parent is not", path="/validUntil")
    check_narrower(narrower, wider)
