"""What a verifier keeps of a judgement and hands out about it: the record, the packed evidence, the receipt.

Whom an input names is written only where its signatures held: before that it is a stranger's word, which could put
another agent's name, or anybody's, into a log.

Spec: specs/audit-log.md G9-G12; specs/decision-receipt.md R1-R3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.audit.attribution import find_attribution
from agentdid.audit.packed import Packed, digest_of, name_digest
from agentdid.audit.receipt import Logged, Statement
from agentdid.audit.record import DECISION, Call, Named, Record, name_call
from agentdid.codec.base import encode_base64url
from agentdid.delegation.approval import digest_of_call
from agentdid.errors import AgentdidError, StoreUnavailable
from agentdid.verify.decide import Grant
from agentdid.verify.evidence import encode_policy
from agentdid.verify.run import report_of

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.audit.head import Entry
    from agentdid.trust.anchors import Trust
    from agentdid.verify.case import Question
    from agentdid.verify.decide import Decision
    from agentdid.verify.states import Link


_MAX_KNOWN: Final = 256
_known: Final[dict[int, tuple[Link, Named, Named, datetime | None]]] = {}
"""What was made of links that verifiers know (`verify.memory`), by the object: names, the same in short, the end."""


@final
class Account:
    """One judgement, as it is told to a log and to whoever presented.

    Args:
        result: How it ended.
        policy: The digest of the policy it was judged by.
        at: When it was recorded.
    """

    __slots__ = (
        "_at", "_code", "_decision", "_ends", "_grant", "_outcome", "_policies", "_policy", "_result", "_short",
        "agent", "call", "named", "parsed",
    )  # fmt: skip

    def __init__(self, result: Decision | Grant | AgentdidError, policy: str, at: datetime) -> None:
        self._policy = policy
        self._at = at
        self._grant: Grant | None = None
        self._decision: Decision | None = None
        self._result = result
        self._outcome, self._code = "accepted", None
        if isinstance(result, AgentdidError):
            report = report_of(result)
            self._outcome, self._code = result.family, result.code
            question, parsed, ruling = report.question, report.established, report.ruling
        else:
            if type(result) is Grant:
                self._grant = result
                result = result.decision
            self._decision = result
            question, parsed, ruling = result.question, result.verified.parsed, result.ruling
        self.parsed = parsed
        self._policies: tuple[str, ...] = () if ruling is None else ruling.policies
        self.agent: str | None = None
        named: list[Named] = []
        short: list[Named] = []
        ends: list[datetime] = []
        if parsed is not None:
            for link in parsed.links:
                held = _known.get(id(link))
                if held is None or held[0] is not link:
                    held = _keep(link)
                named.append(held[1])
                short.append(held[2])
                if held[3] is not None:
                    ends.append(held[3])
            if parsed.presentation is not None:
                self.agent = parsed.presentation.signatures[0].did
        self.named = tuple(named)
        self._short = tuple(short)
        self._ends = ends
        self.call = None if question.request is None else _name_call(question)

    def record(self, actor: str) -> Record:
        """Return what a log keeps of it.

        Args:
            actor: The verifier's DID.
        """
        said, grant, parsed = find_attribution(), self._grant, self.parsed
        root = parsed.chain[0].capability if parsed is not None and parsed.chain else None
        return Record(
            at=self._at,
            kind=DECISION,
            actor=said.actor or actor,
            outcome=self._outcome,
            code=self._code,
            agent=self.agent,
            principal=None if root is None else root.principal,
            request=self.call,
            links=self.named,
            exercised=() if grant is None else tuple([each.id for each in grant.exercised]),
            approvals=() if grant is None else tuple([link.credential.id or "" for link in grant.approvals]),
            policy=self._policy,
            policies=self._policies,
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
        result = self._result
        try:
            packed = report_of(result).evidence.pack(result, self._policy)
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
        parsed, grant, decision = self.parsed, self._grant, self._decision
        if self.agent is None or parsed is None or parsed.presentation is None:
            return None
        shown = parsed.presentation
        binding = shown.binding
        until = None
        if decision is not None:  # as `Decision.safe_until`
            until = min([*self._ends, *[each.until for each in decision.verified.evidence]], default=self._at)
        return Statement(
            iss=verifier,
            sub=self.agent,
            iat=int(self._at.timestamp()),
            outcome=self._outcome,
            policy=self._policy,
            links=self._short,
            code=self._code,
            safe_until=until,
            audience=_text(None if binding is None else binding.audience),
            nonce=_text(None if binding is None else binding.nonce),
            presentation=digest_of(shown.signatures[0].value),
            request=self.call,
            exercised=() if grant is None else tuple([each.id for each in grant.exercised]),
            policies=self._policies,
            log=None if entry is None else Logged(origin, entry.index, encode_base64url(entry.leaf)),
        )


def _name_call(question: Question) -> Call | None:
    request = question.request
    if request is None:
        return None
    digest = question.http.content_digest if question.http is not None else None
    try:
        named = digest_of_call(request, digest)
    except AgentdidError:
        raise StoreUnavailable("the request's arguments cannot be written") from None
    return name_call(request.type, request.action, request.resource, named)


def _keep(link: Link) -> tuple[Link, Named, Named, datetime | None]:
    credential = link.credential
    ends = [end for end in (credential.valid_until, link.secured.expires) if end is not None]
    digest = name_digest(link.secured.digest)
    named = Named(credential.id, credential.issuer, link.subject, digest)
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    held = _known[id(link)] = (link, named, Named(credential.id, digest=digest), min(ends, default=None))
    return held


def name_policy(trust: Trust) -> tuple[str, bytes]:
    """Return a policy's digest and the bytes it is of."""
    body = encode_policy(trust)
    return digest_of(body), body


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
