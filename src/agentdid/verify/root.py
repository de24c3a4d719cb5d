"""Root trust: nobody's keys are asked for before the policy says that the root may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.delegation.resources import find_requested
from agentdid.errors import ChainRootUntrusted, IssuerUntrusted, ProofMissing
from agentdid.secure.proof_set import is_required
from agentdid.verify.security import CLASSICAL, check_level, find_needed, fitting_anchors, weakest

if TYPE_CHECKING:
    from agentdid.delegation.capability import Capability, CapabilityGrant
    from agentdid.secure.mechanism import Secured
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.anchors import Trust
    from agentdid.verify.case import Case
    from agentdid.verify.states import Link

_TAKE_ALL: Final = ("classical-ok", "hybrid-if-declared")
"""What is content with any signature; `verify.security` looks at the keys that the signer has."""


def check_algorithms(case: Case) -> None:
    """Hold that the signatures are of the level that every link asks for; sets `case.needed`.

    Which algorithms and suites exist at all was settled when the documents were taken apart.

    Raises:
        HybridComponentMissing: A link, or the presentation, is weaker than the `minSecurity` of the chain.

    Spec: specs/verification.md V4.
    """
    for link in case.parsed.chain:
        if link.capability is not None and link.capability.min_security != CLASSICAL:
            break
    else:
        return
    case.needed = find_needed(case.parsed.chain)
    for link in case.parsed.chain:
        check_level(case, link.secured.level, f"{link.path}/credentialSubject/capability/minSecurity")
    if case.parsed.presentation is not None:
        check_level(case, case.parsed.presentation.level, "/proof")


def check_root(case: Case) -> None:
    """Hold that the policy believes the root of the chain, and the issuer of every other credential.

    Sets `case.void` (root grants that no anchor covers) and `case.anchors` (which anchors speak for which credential).

    Raises:
        ChainRootUntrusted: The owner configured for the resource is not the `root` of every link.
        IssuerUntrusted: Another issuer starts the chain, or issued a credential, and no one anchor allows it.
        ProofMissing: The only fitting anchors ask for proofs that are not there, or the policy for a presentation's.
        HybridComponentMissing: The only fitting anchors ask for stronger signatures than some step has.

    Spec: specs/verification.md V5-V9.
    """
    trust = case.question.trust
    if not trust.any_issuer:
        if case.parsed.chain:
            _check_chain(case, trust)
        for link in case.parsed.others:
            if link.approval is not None and link.credential.issuer in _approvers(case):
                continue  # the chain itself, or the verifier's policy, says whose approvals count
            anchors = trust.find_anchors(link.credential.issuer, link.credential.types)
            if not anchors:
                raise IssuerUntrusted("no anchor lets this issuer issue this type", path=f"{link.path}/issuer")
            case.keep_anchors(link, _fitting(case, anchors, link))
    presentation = case.parsed.presentation
    if presentation is not None and trust.presentation_proofs and not _has_all(presentation, trust.presentation_proofs):
        raise ProofMissing("the policy asks for a proof that the presentation does not carry", path="/proof")


def _approvers(case: Case) -> frozenset[str]:
    rules = [
        grant.approval for link in case.parsed.chain if link.capability is not None for grant in link.capability.grants
    ]
    policy = case.question.trust.policy
    own: frozenset[str] = frozenset() if policy is None else policy.approvers
    return own.union(*(rule.approvers for rule in rules if rule is not None))


def is_root_action(trust: Trust, chain: tuple[Link, ...], anchors: tuple[Anchor, ...], action: str) -> bool:
    """Whether the root of a chain may grant `action`: it owns the resources, or one of the anchors left says so."""
    if trust.any_issuer or chain[0].credential.issuer == _capability(chain[0]).root:
        return True
    return any(anchor.covers_action(action) for anchor in anchors)


def _check_chain(case: Case, trust: Trust) -> None:
    root = case.parsed.chain[0]
    capability = _capability(root)
    request = case.question.request
    owned = _owned(case, trust, capability)
    issuer = root.credential.issuer
    if issuer == capability.root:
        if capability.principal not in (issuer, root.subject):
            raise IssuerUntrusted("the principal is neither issuer nor subject", path=f"{root.path}/credentialSubject")
    else:
        wanted = {action for grant in owned for action in grant.actions} if request is None else {request.action}
        anchors = tuple(
            anchor
            for anchor in _root_anchors(trust, root, capability)
            if any(anchor.covers_action(action) for action in wanted)
        )
        if not anchors:
            raise IssuerUntrusted("no anchor lets this issuer start such a chain", path=f"{root.path}/issuer")
        case.keep_anchors(root, _fitting(case, anchors, root))
    if len(owned) < len(capability.grants):
        case.void |= frozenset([grant.id for grant in capability.grants]) - {grant.id for grant in owned}


def _owned(case: Case, trust: Trust, capability: Capability) -> list[CapabilityGrant]:
    """Return the root's grants whose resources the policy puts under the chain's one root."""
    request = case.question.request
    if request is not None:
        resource = find_requested(request.resource)
        owner = None if resource is None else trust.find_root(resource)
        if owner is None or any(_capability(link).root != owner for link in case.parsed.chain):
            raise ChainRootUntrusted("the capability's root does not own the resource", path="/root")
        return list(capability.grants)
    owned = []
    for grant in capability.grants:
        for resource in grant.resources:
            if trust.find_root(resource) != capability.root:
                break
        else:
            owned.append(grant)
    if not owned:
        raise ChainRootUntrusted("the capability's root owns none of its resources", path="/root")
    for link in case.parsed.chain:
        if link.capability is None or link.capability.root != capability.root:
            raise ChainRootUntrusted("the links name several roots", path="/root")
    return owned


def _root_anchors(trust: Trust, root: Link, capability: Capability) -> tuple[Anchor, ...]:
    # one anchor must match issuer, type, root and principal together; actions are asked one by one
    return tuple(
        anchor
        for anchor in trust.find_anchors(root.credential.issuer, root.credential.types)
        if capability.root in anchor.roots
        and capability.principal in (root.credential.issuer, root.subject, *anchor.principals)
    )


def _fitting(case: Case, anchors: tuple[Anchor, ...], link: Link) -> tuple[Anchor, ...]:
    """Return the anchors that are content with the proofs that are there, by name and by what they withstand."""
    for anchor in anchors:
        if anchor.required_proofs or anchor.security not in _TAKE_ALL:
            break
    else:
        return anchors
    proven = tuple([anchor for anchor in anchors if _has_all(link.secured, anchor.required_proofs)])
    if not proven:
        raise ProofMissing("the policy asks for a proof that the credential does not carry", path=f"{link.path}/proof")
    steps = [link.secured] if link.capability is None else [each.secured for each in case.parsed.chain]
    if case.parsed.presentation is not None:
        steps.append(case.parsed.presentation)
    return fitting_anchors(proven, weakest([each.level for each in steps]), link.path)


def _has_all(secured: Secured, required: tuple[str, ...]) -> bool:
    """Whether each name of a policy is that of a proof; what else was there did not count."""
    return all(any(is_required(each, name) for each in secured.signatures) for name in required)


def _capability(link: Link) -> Capability:
    if link.capability is None:
        message = "a chain holds capability credentials only"
        raise TypeError(message)
    return link.capability
