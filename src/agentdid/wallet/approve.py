"""An approver's side: what is asked is read, held against its own digests, said in words, and signed.

No bare digest is ever signed: the digests are computed here from the content that is shown, and a request whose
digests are not those of its content is refused.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from agentdid.audit.attribution import find_attribution
from agentdid.audit.packed import name_digest
from agentdid.audit.record import APPROVAL, DONE, Named, Record, name_call
from agentdid.codec.base import decode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.credential.parse import parse_credential
from agentdid.delegation.approval import TYPES, check_approval_form, digest_of_call, digest_of_chain, parse_approval
from agentdid.delegation.link import secure_link
from agentdid.delegation.lint import describe
from agentdid.delegation.usage import Request
from agentdid.did.syntax import check_did
from agentdid.errors import ChainLinkMismatch, EncodingInvalid, TypeMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.suites import SELECTIVE
from agentdid.record import Value
from agentdid.secure import sd_jwt
from agentdid.verify.structure import read_chain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from agentdid.keys.secret import Signer

_MEMBERS: Final = frozenset(
    {
        "type", "action", "resource", "arguments", "contentDigest", "argumentsDigest", "links", "chainDigest",
        "audience", "rules",
    }
)  # fmt: skip
_LINK: Final = frozenset({"id", "issuer", "subject", "digestMultibase"})
_RULE: Final = frozenset({"approvers", "threshold"})
_MULTIHASH: Final = b"\x12\x20"


@final
class Asked(Value, frozen=True):
    """What somebody is asked to approve; its digests are those of its content.

    Attributes:
        request: The call.
        content_digest: Of its body, if it has one.
        links: Of the chain, root first: id, issuer, subject, digest.
        audience: The verifier's DID.
        approvers: Whose approval would count, by any rule.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"request"})

    request: Request
    content_digest: str | None
    links: tuple[tuple[str, str, str, bytes], ...]
    audience: str
    approvers: frozenset[str]

    @property
    def subject(self) -> str:
        """The DID of the agent that would act."""
        return self.links[-1][2]

    @property
    def arguments_digest(self) -> str:
        """The digest that names the call."""
        return digest_of_call(self.request, self.content_digest)

    @property
    def chain_digest(self) -> str:
        """The digest that names the chain."""
        return digest_of_chain([digest for *_, digest in self.links])

    def words(self) -> list[str]:
        """Return what is to be approved, for the person who decides."""
        request = self.request
        lines = [f"{self.subject} asks to do {request.action} ({request.type}) on {request.resource}"]
        lines += [f"  {name} = {value!r}" for name, value in request.arguments.items()]
        if self.content_digest is not None:
            lines.append(f"  with a body whose digest is {self.content_digest}")
        lines.append(f"at {self.audience}, by capabilities that went")
        lines += [f"  from {issuer} to {subject} ({identifier})" for identifier, issuer, subject, _ in self.links]
        return lines


def read_asked(value: object) -> Asked:
    """Return what is asked, from the `approval` of a refusal (`approval_required`), or from the refusal itself.

    Raises:
        TypeMismatch: Not such an object, or one whose digests are not those of its content.

    Spec: specs/approval.md A8, A12.
    """
    if isinstance(value, dict) and isinstance(value.get("approval"), dict):
        value = value["approval"]
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise TypeMismatch(f"expected exactly the members {', '.join(sorted(_MEMBERS))}", path="/approval")
    try:
        request = Request(value["type"], value["action"], value["resource"], value["arguments"])
    except (TypeError, ValueError) as error:
        raise TypeMismatch(str(error), path="/approval") from None
    audience = value["audience"]
    if not isinstance(audience, list) or len(audience) != 1:
        raise TypeMismatch("expected an array of one DID", path="/approval/audience")
    check_did(audience[0])
    digest = value["contentDigest"]
    if digest is not None and not isinstance(digest, str):
        raise TypeMismatch("expected a string or null", path="/approval/contentDigest")
    asked = Asked(request, digest, _links(value["links"]), audience[0], _approvers(value["rules"]))
    if value["argumentsDigest"] != asked.arguments_digest:
        raise TypeMismatch("the digest is not that of the call that is shown", path="/approval/argumentsDigest")
    if value["chainDigest"] != asked.chain_digest:
        raise TypeMismatch("the digest is not that of the links that are shown", path="/approval/chainDigest")
    return asked


def check_chain(asked: Asked, chain: Sequence[object], limits: Limits = DEFAULT) -> list[str]:
    """Hold that the links that are named are those of a chain at hand; return in words what its leaf allows.

    Raises:
        ChainLinkMismatch: They are others. And the errors of reading a chain.
    """
    links = read_chain(list(chain), limits)
    if [link.secured.digest for link in links] != [digest for *_, digest in asked.links]:
        raise ChainLinkMismatch("the chain is not the one whose links are named")
    leaf = links[-1]
    if leaf.capability is None or leaf.subject != asked.subject:
        raise ChainLinkMismatch("the chain's leaf is not a capability of the agent that asks")
    return describe(leaf.capability, leaf.credential)


def sign_approval(
    asked: Asked,
    signer: Signer,
    method_id: str,
    *,
    issuer: str,
    at: datetime,
    ttl: timedelta,
    uses: int = 1,
    form: str = sd_jwt.TYP,
    status: Mapping[str, object] | None = None,
    limits: Limits = DEFAULT,
) -> tuple[str, str | dict[str, object]]:
    """Return the id and the credential by which `issuer` approves what is asked.

    Raises:
        TypeMismatch: It would live too long or be used too often.
        ValueError: An unknown form.

    Spec: specs/approval.md A1-A7.
    """
    begin = at.replace(microsecond=0)
    identifier = f"urn:uuid:{uuid.uuid4()}"
    given: dict[str, object] = {
        "type": asked.request.type,
        "action": asked.request.action,
        "resource": asked.request.resource,
        "argumentsDigest": asked.arguments_digest,
        "chainDigest": asked.chain_digest,
        "audience": [asked.audience],
        "maxUses": uses,
    }
    document: dict[str, object] = {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "id": identifier,
        "type": list(TYPES),
        "issuer": issuer,
        "validFrom": encode_instant(begin),
        "validUntil": encode_instant(begin + ttl),
        "credentialSubject": {"id": asked.subject, "approval": given},
    }
    if status is not None:
        document["credentialStatus"] = dict(status)
    parse_approval(given, "/credentialSubject/approval")
    check_approval_form(parse_credential(document), limits)
    if form == sd_jwt.TYP:
        claims: dict[str, object] = {"iat": int(begin.timestamp())}
        return identifier, sd_jwt.issue(document, signer, method_id, claims=claims)
    if form in SELECTIVE:
        message = f"an approval hides nothing; {form} is for credentials that do"
        raise ValueError(message)
    return identifier, secure_link(document, signer, method_id, form=form, at=begin)


def _links(value: object) -> tuple[tuple[str, str, str, bytes], ...]:
    if not isinstance(value, list) or not value:
        raise TypeMismatch("expected a non-empty array", path="/approval/links")
    found = []
    for place, each in enumerate(value):
        path = f"/approval/links/{place}"
        row: dict[str, Any] = each if isinstance(each, dict) else {}
        if row.keys() != _LINK or not all(isinstance(part, str) and part for part in row.values()):
            raise TypeMismatch(f"expected strings {', '.join(sorted(_LINK))}", path=path)
        check_did(row["subject"])
        try:
            digest = decode_multibase(row["digestMultibase"])
        except EncodingInvalid:
            digest = b""
        if digest[:2] != _MULTIHASH:
            raise TypeMismatch("expected the multibase of a SHA-256 multihash", path=f"{path}/digestMultibase")
        found.append((row["id"], row["issuer"], row["subject"], digest[2:]))
    return tuple(found)


def _approvers(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise TypeMismatch("expected an array", path="/approval/rules")
    found: set[str] = set()
    for place, rule in enumerate(value):
        if not isinstance(rule, dict) or rule.keys() != _RULE or not isinstance(rule["approvers"], list):
            raise TypeMismatch("expected approvers and threshold", path=f"/approval/rules/{place}")
        for did in rule["approvers"]:
            check_did(did)
        found.update(rule["approvers"])
    return frozenset(found)


def approval_of(asked: Asked, did: str, identifier: str | None, at: datetime) -> Record:
    """Return the record of what a person decided: an approval by its id, or that there is none.

    Args:
        asked: What was asked.
        did: The approver's.
        identifier: Of the approval; `None` where it was denied.
        at: When.
    """
    said, request = find_attribution(), asked.request
    return Record(
        at, APPROVAL, said.actor or did, "refused" if identifier is None else DONE, agent=asked.subject,
        request=name_call(request.type, request.action, request.resource, asked.arguments_digest),
        links=tuple(Named(name, issuer, subject, name_digest(digest)) for name, issuer, subject, digest in asked.links),
        approvals=() if identifier is None else (identifier,), reasoning=said.reasoning, context=said.context,
    )  # fmt: skip
