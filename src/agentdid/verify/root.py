"""Root trust: nobody's keys are asked for before the policy says that the root may be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.delegation.resources import find_requested
from agentdid.errors import ChainRootUntrusted, IssuerUntrusted, ProofMissing
from agentdid.secure.proof_set import has_required
from agentdid.trust.anchors import named_types
from agentdid.verify.security import CLASSICAL, check_level, find_needed, fitting_anchors, weakest

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.delegation.capability import Capability, CapabilityGrant
    from agentdid.errors import AgentdidError
    from agentdid.secure.mechanism import Secured
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.anchors import Trust
    from agentdid.trust.scope import Claim
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link

_TAKE_ALL: Final = ("classical-ok", "hybrid-if-declared")
"""What is content with any signature; `verify.security` looks at the keys that the signer has."""


def check_algorithms(case: Case) -> None:
    """Hold that the signatures are of the level that every link asks for; sets `case.needed`.

    Which algorithms and suites exist at all was settled when the documents were taken apart.

    Raises:
        HybridComponentMissing: A link, an approval or the presentation is weaker than the `minSecurity` of the chain.

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
    for link in _approvals(case):
        check_level(case, link.secured.level, f"{link.path}/proof")
    if case.parsed.presentation is not None:
        check_level(case, case.parsed.presentation.level, "/proof")


def check_root(case: Case) -> Generator[Need, Reply, None] | None:
    """Hold that the policy believes the root of the chain, and the issuer of every other credential.

    What no anchor of the policy covers is asked of the trust lists and registries that it names (`verify.listed`).
    Sets `case.void` (root grants that no anchor covers) and `case.anchors` (which anchors speak for which credential).

    Raises:
        ChainRootUntrusted: The owner configured for the resource is not the `root` of every link.
        IssuerUntrusted: Another issuer starts the chain, or issued a credential, and no one anchor allows it.
        ProofMissing: The only fitting anchors ask for proofs that are not there, or the policy for a presentation's.
        HybridComponentMissing: The only fitting anchors ask for stronger signatures than some step has.
        FetchFailed and other Undecided: What could have allowed it could not be heard.

    Spec: specs/verification.md V5-V9.
    """
    trust = case.question.trust
    if (trust.lists or trust.registries) and not trust.any_issuer:
        return _ask_others(case, trust)
    _check_anchors(case, trust)
    return None


def _ask_others(case: Case, trust: Trust) -> Generator[Need, Reply, None]:
    from agentdid.verify.listed import find_listed  # noqa: PLC0415  # most policies ask nobody

    for link, claim in _claims(case, trust):
        case.listed[link.position] = yield from find_listed(case, claim)
    _check_anchors(case, trust)


def _claims(case: Case, trust: Trust) -> list[tuple[Link, Claim]]:
    """Return what the policy's own anchors do not cover, link by link."""
    from agentdid.trust.scope import Claim  # noqa: PLC0415  # as above

    claims = []
    if case.parsed.chain:
        root = case.parsed.chain[0]
        capability, issuer = _capability(root), root.credential.issuer
        if issuer != capability.root:
            wanted = _wanted(case, _owned(case, trust, capability))
            anchors = _root_anchors(trust, root, capability)
            left = tuple(each for each in wanted if not any(anchor.covers_action(each) for anchor in anchors))
            principal = None if capability.principal in (issuer, root.subject) else capability.principal
            if left:
                claims.append(
                    (root, Claim(issuer, named_types(root.credential.types), capability.root, principal, left))
                )
    claims.extend(
        (link, Claim(link.credential.issuer, named_types(link.credential.types)))
        for link in case.parsed.others
        if not _is_approval(case, link) and not trust.find_anchors(link.credential.issuer, link.credential.types)
    )
    return claims


def _check_anchors(case: Case, trust: Trust) -> None:
    if not trust.any_issuer:
        if case.parsed.chain:
            _check_chain(case, trust)
        for link in case.parsed.others:
            if _is_approval(case, link):
                continue  # the chain itself, or the verifier's policy, says whose approvals count
            anchors = trust.find_anchors(link.credential.issuer, link.credential.types) or _listed(case, link)
            if not anchors:
                raise _untrusted(case, link, "no anchor lets this issuer issue this type")
            case.keep_anchors(link, _fitting(case, anchors, link))
    presentation = case.parsed.presentation
    if presentation is not None and trust.presentation_proofs and not _has_all(presentation, trust.presentation_proofs):
        raise ProofMissing("the policy asks for a proof that the presentation does not carry", path="/proof")


def _approvals(case: Case) -> list[Link]:
    # what people agree to is done by the chain: whoever can forge their word needs no other signature
    return [link for link in case.parsed.others if link.approval is not None]


def _is_approval(case: Case, link: Link) -> bool:
    return link.approval is not None and link.credential.issuer in _approvers(case)


def _listed(case: Case, link: Link) -> tuple[Anchor, ...]:
    found = case.listed.get(link.position)
    return () if found is None else tuple(found.anchors)


def _untrusted(case: Case, link: Link, detail: str) -> AgentdidError:
    """Return why an issuer is not believed: nobody lets it, or who could have was not heard."""
    found = case.listed.get(link.position)
    path = f"{link.path}/issuer"
    if found is None:
        return IssuerUntrusted(detail, path=path)
    if found.unheard is not None:
        found.unheard.path = path
        return found.unheard
    return IssuerUntrusted(f"{detail}; {found.silent}" if found.silent else detail, path=path)


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
    owned = _owned(case, trust, capability)
    issuer = root.credential.issuer
    if issuer == capability.root:
        if capability.principal not in (issuer, root.subject):
            raise IssuerUntrusted("the principal is neither issuer nor subject", path=f"{root.path}/credentialSubject")
    else:
        wanted = _wanted(case, owned)
        anchors = tuple(
            anchor
            for anchor in (*_root_anchors(trust, root, capability), *_listed(case, root))
            if any(anchor.covers_action(action) for action in wanted)
        )
        if not anchors:
            raise _untrusted(case, root, "no anchor lets this issuer start such a chain")
        case.keep_anchors(root, _fitting(case, anchors, root))
    if len(owned) < len(capability.grants):
        case.void |= frozenset([grant.id for grant in capability.grants]) - {grant.id for grant in owned}


def _wanted(case: Case, owned: list[CapabilityGrant]) -> tuple[str, ...]:
    """Return the action that is asked for, or every action of the grants, in their order."""
    request = case.question.request
    if request is not None:
        return (request.action,)
    return tuple(dict.fromkeys(action for grant in owned for action in sorted(grant.actions)))


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
    under = [link] if link.capability is None else [*case.parsed.chain, *_approvals(case)]
    steps = [each.secured for each in under]
    if case.parsed.presentation is not None:
        steps.append(case.parsed.presentation)
    return fitting_anchors(proven, weakest([each.level for each in steps]), link.path)


def _has_all(secured: Secured, required: tuple[str, ...]) -> bool:
    """Whether each name of a policy is that of a proof; what else was there did not count."""
    return all(has_required(secured.signatures, name) for name in required)


def _capability(link: Link) -> Capability:
    if link.capability is None:
        message = "a chain holds capability credentials only"
        raise TypeError(message)
    return link.capability
