"""How a verifier keeps what it decides: the entry of its log and the receipt, before anybody hears of the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from msgspec import structs

from agentdid.audit.attribution import find_attribution
from agentdid.audit.packed import Packed
from agentdid.audit.record import DENIAL, POLICY, Named, Record
from agentdid.codec.strict_json import encode
from agentdid.errors import AgentdidError
from agentdid.verify.account import Account, name_policy

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.audit.head import Audit
    from agentdid.audit.receipt import ReceiptKey
    from agentdid.trust.anchors import Trust
    from agentdid.verify.decide import Decision, Grant


@final
class Keeper:
    """Keeps decisions of one verifier."""

    def __init__(self, audit: Audit | None, receipts: ReceiptKey | None) -> None:
        self._audit = audit
        self._receipts = receipts
        self._trust: Trust | None = None
        self._policy = ("", b"")

    def keep_policy(self, trust: Trust, at: datetime) -> None:
        """Record by which policy is judged from now on, where it is another than until now.

        Raises:
            StoreUnavailable: It could not be recorded.
        """
        if trust is self._trust:
            return
        policy = name_policy(trust)
        if self._audit is not None and policy != self._policy:
            said = find_attribution()
            record = Record(
                at, POLICY, said.actor or trust.did, policy=policy[0], reasoning=said.reasoning, context=said.context
            )
            packed = Packed(encode({"type": "AgentdidPolicy", "policy": {"digest": policy[0]}}), {policy[0]: policy[1]})
            self._audit.append(record, packed if self._audit.keeps_evidence else None)
        self._trust, self._policy = trust, policy

    def keep_denial(self, owner: str, kind: str, value: str, at: datetime, *, lifted: bool) -> None:
        """Record that somebody or something is denied from now on, or not any more.

        Raises:
            StoreUnavailable: It could not be recorded; the deny list itself was written before.
        """
        if self._audit is None:
            return
        said = find_attribution()
        context = {**said.context, "denied": kind, "lifted": "1" if lifted else "0"}
        if kind == "key":
            context["key"] = value
        links = (Named(id=value),) if kind == "credential" else ()
        agent = value if kind == "did" else None
        record = Record(
            at, DENIAL, said.actor or owner, agent=agent, links=links, reasoning=said.reasoning, context=context
        )  # fmt: skip
        self._audit.append(record)

    def keep(self, result: Decision | Grant | AgentdidError, trust: Trust, at: datetime) -> None:
        """Record a decision with its evidence, and put the receipt to it.

        Raises:
            StoreUnavailable: It could not be recorded, or not be signed for, and must not stand.
        """
        self.keep_policy(trust, at)
        name, body = self._policy
        account = Account(result, name, at)
        entry, origin = None, ""
        if self._audit is not None:
            packed = account.pack(body) if self._audit.keeps_evidence else None
            entry = self._audit.append(account.record(trust.did), packed)
            origin = self._audit.origin
        if self._receipts is None:
            return
        statement = account.state(self._receipts.did, entry, origin)
        if statement is None:
            return
        receipt = self._receipts.sign(statement)
        if isinstance(result, AgentdidError):
            result.receipt = receipt
        else:
            structs.force_setattr(getattr(result, "decision", result), "receipt", receipt)
