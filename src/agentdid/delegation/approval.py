"""Approvals: what a person agrees to, bound to one call by one chain, and whose word counts.

An approval is a credential of its own (`HumanApprovalCredential`), issued by an approver to the agent that acts. It
names the call by the digest of its content and the chain by the digests of its links, so that it serves nothing else.
Rules:

* The approvers are those whom the exercised grants name; whoever is the subject of a link never counts.
* Several approvals of one approver count once.
* It is given for what is about to be done: it lives minutes, and may be used a number of times, counted by the store.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import encode_multibase
from agentdid.credential.model import APPROVAL_TYPE
from agentdid.delegation.capability import GRANT_TYPES
from agentdid.did.key import same_did
from agentdid.did.syntax import check_did
from agentdid.errors import TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Approval
    from agentdid.delegation.usage import Request
    from agentdid.limits import Limits

TYPES: Final = ("VerifiableCredential", APPROVAL_TYPE)
_MEMBERS: Final = frozenset({"type", "action", "resource", "argumentsDigest", "chainDigest", "audience", "maxUses"})
_MULTIHASH: Final = b"\x12\x20"
_MAX_USES: Final = 1_000
_MAX_TEXT: Final = 2_048


@final
class HumanApproval(Value, frozen=True):
    """What one approval says yes to.

    Attributes:
        type: Of the request.
        action: Of the request.
        resource: Of the request, as it was asked for.
        arguments_digest: Of the whole call (`digest_of_call`).
        chain_digest: Of the links (`digest_of_chain`).
        audience: The one verifier's DID.
        max_uses: How often it may be used.
    """

    type: str
    action: str
    resource: str
    arguments_digest: str
    chain_digest: str
    audience: str
    max_uses: int


class Asking(Protocol):
    """What may ask for approvals: a grant, or the verifier's own policy."""

    @property
    def id(self) -> str:
        """What it is called."""
        ...

    @property
    def approval(self) -> Approval | None:
        """Whose approvals it asks for, and how many; `None` for nobody's."""
        ...


def digest_of_call(request: Request, content_digest: str | None) -> str:
    """Return the multibase multihash that names a call: type, action, resource, arguments, and its body's digest.

    Spec: specs/approval.md A5.
    """
    return _digest(
        {
            "type": request.type,
            "action": request.action,
            "resource": request.resource,
            "arguments": dict(request.arguments),
            "contentDigest": content_digest,
        }
    )


def digest_of_chain(digests: Sequence[bytes]) -> str:
    """Return the multibase multihash that names a chain, of its links' digests, root first (specs/approval.md A6)."""
    return _digest([encode_multibase(_MULTIHASH + digest, "u") for digest in digests])


def parse_approval(value: object, path: str = "") -> HumanApproval:
    """Return what an approval's subject states.

    Raises:
        TypeMismatch: Outside the closed schema.
        DidInvalid: An audience that is no DID.

    Spec: specs/approval.md A3-A7.
    """
    if type(value) is not dict or value.keys() != _MEMBERS:
        raise TypeMismatch(f"expected exactly the members {', '.join(sorted(_MEMBERS))}", path=path)
    for name in ("type", "action", "resource", "argumentsDigest", "chainDigest"):
        text = value[name]
        if type(text) is not str or not 0 < len(text) <= _MAX_TEXT:
            raise TypeMismatch("expected a non-empty string", path=f"{path}/{name}")
    if value["type"] not in GRANT_TYPES:
        raise TypeMismatch("expected http, mcp_tool or a2a_skill", path=f"{path}/type")
    audience, uses = value["audience"], value["maxUses"]
    if type(audience) is not list or len(audience) != 1 or type(audience[0]) is not str:
        raise TypeMismatch("expected an array of one DID", path=f"{path}/audience")
    check_did(audience[0])
    if type(uses) is not int or not 1 <= uses <= _MAX_USES:
        raise TypeMismatch(f"expected an integer from 1 to {_MAX_USES}", path=f"{path}/maxUses")
    return HumanApproval(
        value["type"], value["action"], value["resource"], value["argumentsDigest"], value["chainDigest"],
        audience[0], uses,
    )  # fmt: skip


def check_approval_form(credential: Credential, limits: Limits) -> None:
    """Hold that an approval names all that it needs, and lives minutes.

    Raises:
        TypeMismatch: Other types, no `id`, not one subject, an open-ended validity, or one that is too long.
        DidInvalid: The issuer or the subject is not a DID.

    Spec: specs/approval.md A1-A2.
    """
    if credential.types != TYPES:
        raise TypeMismatch(f"expected the types {', '.join(TYPES)}", path="/type")
    if credential.id is None:
        raise TypeMismatch("an approval has an id", path="/id")
    if len(credential.subjects) != 1 or credential.subjects[0] is None:
        raise TypeMismatch("an approval has one subject, with an id", path="/credentialSubject")
    if credential.valid_from is None or credential.valid_until is None:
        raise TypeMismatch("an approval has validFrom and validUntil", path="/validUntil")
    if (credential.valid_until - credential.valid_from).total_seconds() > limits.max_approval_life_s:
        raise TypeMismatch(f"an approval lives at most {limits.max_approval_life_s} s", path="/validUntil")
    check_did(credential.issuer)
    check_did(credential.subjects[0])


def choose(
    asking: Iterable[Asking], fitting: Mapping[str, int], subjects: frozenset[str]
) -> tuple[frozenset[int], Asking | None]:
    """Return which approvals are used up, and the first that asks and has too few; `None` where each has enough.

    Args:
        asking: The exercised grants that need an approval, root first, then the verifier's own policy if it does.
        fitting: Where an approval stands that names this very call and chain, by its approver.
        subjects: Of all links: their word does not count.

    Spec: specs/approval.md A9-A11.
    """
    used: set[int] = set()
    for each in asking:
        rule = each.approval
        if rule is None:
            continue
        given = [did for did in eligible(rule.approvers, subjects) if did in fitting]
        counting = [fitting[did] for at, did in enumerate(given) if not _is_any(did, given[:at])]
        # those that count for an earlier grant first, so that no more are used up than need be
        counting.sort(key=lambda position: position not in used)
        if len(counting) < rule.threshold:
            return frozenset(), each
        used.update(counting[: rule.threshold])
    return frozenset(used), None


def eligible(approvers: Iterable[str], subjects: Iterable[str]) -> list[str]:
    """Return the approvers who are no link's subject, in whatever spelling, sorted (specs/approval.md A10)."""
    return [did for did in sorted(approvers) if not _is_any(did, subjects)]


def _is_any(did: str, others: Iterable[str]) -> bool:
    # a did:key has two spellings, and one key says yes once, and never to itself
    return any(same_did(did, each) for each in others)


def _digest(value: object) -> str:
    return encode_multibase(_MULTIHASH + sha256(canonicalize(value)).digest(), "u")
