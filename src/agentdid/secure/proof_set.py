"""Proof sets and proof chains (Data Integrity sections 2.1.1, 2.1.2 and 4.5): which proofs count, and what they follow.

Spec: specs/proof-sets.md.

* Without a policy every proof counts.
* A policy names proofs by their `id`, their verification method, its DID or their suite. Each name needs a proof, those
  that are named count, and so does every proof that one of them follows. The others are not looked at: they are
  endorsements by whoever put them there, and satisfy nothing.
* A proof follows the proofs that its `previousProof` names, whole and in the order in which the document has them.
* A proof that carries a `proofGroup` holds with all members of the group, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.errors import HybridComponentMissing, ProofChainInvalid, ProofMissing, TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from agentdid.secure.mechanism import Signature

PREVIOUS: Final = "previousProof"
GROUP: Final = "proofGroup"
ALL_OF: Final = "AllOf"
_MIN_MEMBERS: Final = 2  # of a group
_MEMBER: Final = frozenset({"cryptosuite", "verificationMethod"})


def select(proofs: list[Any], required: Collection[str]) -> list[Any]:
    """Return the proofs that count, in their order.

    Args:
        proofs: All of them, none checked for shape.
        required: Names of the policy.

    Raises:
        ProofMissing: None is named.
        ProofChainInvalid: As `find_previous`.
    """
    waiting = [each for each in proofs if isinstance(each, dict) and not required_names(each).isdisjoint(required)]
    if not waiting:
        raise ProofMissing("no proof is one that the policy asks for")
    counted: list[Any] = []
    while waiting:
        proof = waiting.pop()
        if not any(proof is each for each in counted):
            counted.append(proof)
            waiting += find_previous(proofs, proof)
    return [each for each in proofs if any(each is one for one in counted)]


def required_names(proof: dict[str, Any]) -> set[str]:
    """Return the names under which a policy may ask for a proof."""
    method = proof.get("verificationMethod")
    names = [proof.get("id"), method, proof.get("cryptosuite"), proof.get("type")]
    if isinstance(method, str):
        names.append(method.partition("#")[0])
    return {each for each in names if isinstance(each, str)}


def has_required(signatures: Sequence[Signature], name: str) -> bool:
    """Whether one of the signatures of a document is one that a policy asks for by this name.

    A method and a DID say whose it is. Anybody can write an `id` and choose a suite: these are names of a signature by
    the DID of the first, whose document it is, and nobody else's proof stands for it.
    """
    return any(
        name in (each.method_id, each.did) or (each.did == signatures[0].did and name in (each.id, each.suite))
        for each in signatures
    )


def find_previous(proofs: Sequence[Any], proof: dict[str, Any]) -> list[Any]:
    """Return the proofs that a proof follows, in the document's order; none where it follows none.

    Raises:
        ProofChainInvalid: It names none, one that is not there, one whose id stands twice, or at last itself.

    Spec: Data Integrity section 4.5, steps 3.2 and 3.3; ATTACKS E05.
    """
    if PREVIOUS not in proof:
        return []
    found = _named(proofs, proof)
    # every proof that one of these follows, and what that follows: nothing comes round to the first
    waiting, seen = list(found), set()
    while waiting:
        earlier = waiting.pop()
        if earlier is proof:
            raise ProofChainInvalid("a proof follows itself", path=f"/{PREVIOUS}")
        if PREVIOUS in earlier and id(earlier) not in seen:
            seen.add(id(earlier))
            waiting += _named(proofs, earlier)
    return found


def _named(proofs: Sequence[Any], proof: dict[str, Any]) -> list[dict[str, Any]]:
    named = proof[PREVIOUS]
    names = named if isinstance(named, list) else [named]
    if not names or not all(isinstance(each, str) and each for each in names) or len(set(names)) < len(names):
        raise ProofChainInvalid("expected the id of a proof, or several", path=f"/{PREVIOUS}")
    found = [each for each in proofs if isinstance(each, dict) and each.get("id") in names]
    if len(found) != len(names) or len({each["id"] for each in found}) != len(names):
        raise ProofChainInvalid("expected each id to be that of one proof", path=f"/{PREVIOUS}")
    return found


def has_group(proofs: Sequence[dict[str, Any]], signatures: Sequence[Signature]) -> bool:
    """Whether the proofs that count are one group; hold that it is whole, or that there is none.

    Args:
        proofs: Those that count.
        signatures: What was read of them.

    Raises:
        TypeMismatch: A group that is none.
        HybridComponentMissing: A member is not among the proofs, or a proof is not a member.

    Spec: specs/proof-sets.md P7-P8; PROTOCOL section 5; ATTACKS S01.
    """
    groups = [each[GROUP] for each in proofs if GROUP in each]
    if not groups:
        return False
    members = _members(groups[0])
    if len(groups) != len(proofs) or any(each != groups[0] for each in groups):
        raise HybridComponentMissing("every proof carries the same group, or none does", path="/proof")
    present = [(each.suite, each.method_id) for each in signatures]
    if len(present) != len(members) or set(present) != members:
        raise HybridComponentMissing("a proof that the group names is not there", path="/proof")
    return True


def _members(group: object) -> set[tuple[str, str]]:
    path = f"/proof/{GROUP}"
    shown = group if isinstance(group, dict) else {}
    listed = shown.get("members")
    if (
        shown.keys() != {"type", "members"}
        or shown["type"] != ALL_OF
        or not isinstance(listed, list)
        or len(listed) < _MIN_MEMBERS
    ):
        raise TypeMismatch(f"expected the type {ALL_OF} and two members or more", path=path)
    found = set()
    for each in listed:
        if (
            not isinstance(each, dict)
            or each.keys() != _MEMBER
            or not all(isinstance(one, str) for one in each.values())
        ):
            raise TypeMismatch("a member has a cryptosuite and a verification method", path=path)
        found.add((each["cryptosuite"], each["verificationMethod"]))
    if len(found) != len(listed):
        raise TypeMismatch("a member stands twice", path=path)
    return found
