"""A chain, and a verifier with rules of its own, for tests of `[policy]`."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.clock import FixedClock
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, ApprovalRequired
from agentdid.verifier.service import Verifier
from agentdid.wallet.approve import read_asked, sign_approval
from tests.world import NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.verify.decide import Grant

PAY = Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "100.00", "currency": "EUR"})
READ = Request("http", "invoice.read", f"{RESOURCE}/7")
Wire = str | dict[str, object]
_NUMBERS = count()


class Clock:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant it was moved to."""
        return self.at


class PolicyScene:
    """An agent that may read and pay, at a verifier with a `[policy]`; the boss is whom it names as approver."""

    def __init__(self, policy: dict[str, object] | None, *, autonomy: int = 2, **options: Any) -> None:  # noqa: ANN401  # of a verifier
        self.world = world = World()
        self.boss, self.auditor = world.party("boss"), world.party("auditor")
        self.grant = world.grant(actions=["invoice.pay", "invoice.read"], autonomyMax=autonomy)
        self.chain: list[Wire] = world.root(capability=world.capability(grants=[self.grant]))
        changes: dict[str, object] = {} if policy is None else {"policy": policy}
        changes["limits"] = {"status_staleness_s": 86_400, "max_key_age_s": 86_400}
        self.trust = world.trust(**changes)
        self.clock = Clock(NOW)
        self.verifier = Verifier(self.trust, source=world, clock=self.clock, **options)

    def present(
        self, *approvals: Wire, chain: list[Wire] | None = None, holder: Party | None = None
    ) -> tuple[str, str]:
        """A presentation with a nonce of its own, and the nonce."""
        nonce = f"n{next(_NUMBERS)}"
        shown = [*(chain or self.chain), *approvals]
        return self.world.present(shown, holder, challenge=nonce, at=self.clock.at), nonce

    def authorize(
        self, *approvals: Wire, request: Request = PAY, chain: list[Wire] | None = None, holder: Party | None = None,
        verifier: Verifier | None = None, environment: dict[str, object] | None = None,
    ) -> Grant:  # fmt: skip
        """One request, with a nonce of its own."""
        presented, nonce = self.present(*approvals, chain=chain, holder=holder)
        judge = verifier or self.verifier
        return judge.authorize(presented, challenge=nonce, request=request, environment=environment)

    def code(self, *approvals: Wire, **options: Any) -> str | None:  # noqa: ANN401  # of `authorize`
        """The code it ends with; `None` for a grant."""
        try:
            self.authorize(*approvals, **options)
        except AgentdidError as error:
            return error.code
        return None

    def refusal(self, *approvals: Wire, **options: Any) -> AgentdidError:  # noqa: ANN401  # of `authorize`
        """The refusal it ends with."""
        with pytest.raises(AgentdidError) as found:
            self.authorize(*approvals, **options)
        return found.value

    def approval(self, by: Party | None = None, *, uses: int = 1, **options: Any) -> Wire:  # noqa: ANN401  # of `authorize`
        """What somebody signs who agrees to what is asked."""
        refusal = self.refusal(**options)
        assert isinstance(refusal, ApprovalRequired)
        assert refusal.approval is not None
        return self.sign(dict(refusal.approval), by, uses=uses)

    def sign(self, asked: dict[str, object], by: Party | None = None, *, uses: int = 1) -> Wire:
        """What somebody signs who agrees to it."""
        who = by or self.boss
        _, made = sign_approval(
            read_asked(asked), who.secret, who.method_id, issuer=who.did, at=self.clock.at,
            ttl=timedelta(minutes=5), uses=uses, form="vc+sd-jwt",
        )  # fmt: skip
        return made

    def later(self, **span: int) -> None:
        """Let time pass."""
        self.clock.at += timedelta(**span)

    def at(self) -> FixedClock:
        """The instant as a clock that stands still."""
        return FixedClock(self.clock.at)
