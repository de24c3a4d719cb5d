"""What a verifier keeps of a judgement and hands out about it: the record, the packed evidence, the receipt.

Whom an input names is written only where its signatures held: before that it is a stranger's word, which could put
another agent's name, or anybody's, into a log.

Spec: specs/audit-log.md G9-G12; specs/decision-receipt.md R1-R3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from agentdid.audit.attribution import find_attribution
from agentdid.audit.packed import Packed, digest_of, name_digest
from agentdid.audit.receipt import Logged, Statement
from agentdid.audit.record import DECISION, Call, Named, Record, name_call
from agentdid.codec.base import encode_base64url
from agentdid.delegation.approval import digest_of_call
from agentdid.errors import AgentdidError, StoreUnavailable
from agentdid.verify.evidence import encode_policy
from agentdid.verify.run import report_of

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.audit.head import Entry
    from agentdid.trust.anchors import Trust
    from agentdid.verify.decide import Decision, Grant
    from agentdid.verify.report import Report
    from agentdid.verify.states import Link


@final
class Account:
    """One judgement, as it is told to a log and to whoever presented.

    Args:
        result: How it ended.
        policy: The digest of the policy it was judged by.
        at: When it was recorded.
    """

    __slots__ = ("_at", "_policy", "_report", "_result", "call", "named", "parsed")

    def __init__(self, result: Decision | Grant | AgentdidError, policy: str, at: datetime) -> None:
        self._result = result
        self._policy = policy
        self._at = at
        self._report: Report = report_of(result)
        parsed = self.parsed = self._report.established
        self.named: tuple[Named, ...] = () if parsed is None else tuple([_name(link) for link in parsed.links])
        self.call = self._name_call()

    @property
    def agent(self) -> str | None:
        """The DID that presented, if its signature held."""
        shown = None if self.parsed is None else self.parsed.presentation
        return None if shown is None else shown.signer

    @property
    def _exercised(self) -> tuple[str, ...]:
        grants = getattr(self._result, "exercised", None)
        return tuple([grant.id for grant in grants]) if grants else ()

    def record(self, actor: str) -> Record:
        """Return what a log keeps of it.

        Args:
            actor: The verifier's DID.
        """
        said = find_attribution()
        parsed, report = self.parsed, self._report
        root = parsed.chain[0].capability if parsed is not None and parsed.chain else None
        return Record(
            at=self._at,
            kind=DECISION,
            actor=said.actor or actor,
            outcome=report.outcome,
            code=report.code,
            agent=self.agent,
            principal=None if root is None else root.principal,
            request=self.call,
            links=self.named,
            exercised=self._exercised,
            approvals=tuple([link.credential.id or "" for link in getattr(self._result, "approvals", ())]),
            policy=self._policy,
            reasoning=said.reasoning,
            context=said.context,
        )

    def pack(self, policy: bytes) -> Packed:
        """Return the evidence of it.

        Args:
            policy: The policy's own bytes.

        Raises:
            StoreUnavailable: It cannot be written as JSON.
        """
        try:
            packed = self._report.evidence.pack(self._result, self._policy)
        except (TypeError, ValueError, OverflowError, RecursionError):
            raise StoreUnavailable("the evidence cannot be written") from None
        packed.bodies[self._policy] = policy
        return packed

    def state(self, verifier: str, entry: Entry | None, origin: str) -> Statement | None:
        """Return what a receipt says of it; `None` where nobody is established whom one could be given.

        Args:
            verifier: The DID that signs.
            entry: The log's entry of it, if there is one.
            origin: Of that log.
        """
        agent = self.agent
        if agent is None or self.parsed is None or self.parsed.presentation is None:
            return None
        shown = self.parsed.presentation
        binding = shown.binding
        decision = getattr(self._result, "decision", self._result)
        return Statement(
            iss=verifier,
            sub=agent,
            iat=int(self._at.timestamp()),
            outcome=self._report.outcome,
            policy=self._policy,
            links=self.named,
            code=self._report.code,
            safe_until=getattr(decision, "safe_until", None),
            audience=_text(None if binding is None else binding.audience),
            nonce=_text(None if binding is None else binding.nonce),
            presentation=digest_of(shown.signatures[0].value),
            request=self.call,
            exercised=self._exercised,
            log=None if entry is None else Logged(origin, entry.index, encode_base64url(entry.leaf)),
        )

    def _name_call(self) -> Call | None:
        question = self._report.question
        request = question.request
        if request is None:
            return None
        digest = question.http.content_digest if question.http is not None else None
        try:
            named = digest_of_call(request, digest)
        except AgentdidError:
            raise StoreUnavailable("the request's arguments cannot be written") from None
        return name_call(request.type, request.action, request.resource, named)


def name_policy(trust: Trust) -> tuple[str, bytes]:
    """Return a policy's digest and the bytes it is of."""
    body = encode_policy(trust)
    return digest_of(body), body


def _name(link: Link) -> Named:
    credential = link.credential
    return Named(credential.id, credential.issuer, link.subject, name_digest(link.secured.digest))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
