"""An issuer, agents' wallets and a verifier with a log, in real stores and at one instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from agentdid.clock import FixedClock
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.own_source import OwnSource
from agentdid.storage.decision_log import DecisionLog
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from agentdid.issuer.orders import Issued

READ = Request("http", "invoice.read", f"{RESOURCE}/7", {"amount": "10.00", "currency": "EUR"})
_NUMBERS = count()


@dataclass
class Office:
    """Acme's issuer and what it decides over; documents of others come from the world."""

    folder: Path
    database: str = ""
    now: datetime = NOW
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.issuer = Issuer.create(
            self.database or str(self.folder / "acme.db"),
            passphrase=PASSPHRASE,
            kdf=CHEAP,
            did="did:web:issuer.example",
            clock=FixedClock(self.now),
        )
        self.source = OwnSource(self.issuer, self.world)
        self.log = self.folder / "decisions.jsonl"

    def later(self, time: timedelta) -> None:
        """Let time pass for issuer, verifiers and wallets that are opened from now on."""
        self.now += time
        self.issuer._clock = self.issuer.lists._clock = FixedClock(self.now)

    def wallet(self, name: str = "agent") -> Wallet:
        """A fresh wallet."""
        return Wallet.create(
            self.folder / f"{name}.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(self.now)
        )

    def opened(self, name: str = "agent") -> Wallet:
        """A wallet that is there."""
        return Wallet.open(self.folder / f"{name}.wallet", passphrase=PASSPHRASE, clock=FixedClock(self.now))

    def capability(self, *grants: dict[str, Any], depth: int = 3) -> dict[str, Any]:
        """What an agent may be given."""
        made = grants or (self.world.grant(),)
        return self.world.capability(
            principal=self.issuer.did, grants=list(made), delegation={"depth": 0, "maxDepth": depth}
        )

    def give(self, wallet: Wallet, capability: Mapping[str, Any] | None = None, **options: Any) -> Issued:  # noqa: ANN401
        """Issue to the wallet's first DID, and have it received."""
        made = self.issuer.issue(
            to=wallet.dids[0], capability=capability or self.capability(), ttl=timedelta(hours=8), **options
        )
        wallet.receive(list(made.chain), source=self.source)
        return made

    def verifier(self, **options: Any) -> Any:  # noqa: ANN401  # a Verifier
        """The partner's, with a log, at the office's time."""
        anchor = {
            "did": self.issuer.did, "types": ["AgentCapabilityCredential"], "roots": [self.world.partner.did],
            "actions": ["invoice.*"],
        }  # fmt: skip
        made = self.world.verifier(trust=self.world.trust(anchor=[anchor]), log=DecisionLog(self.log), **options)
        made._source = self.source
        made._clock = FixedClock(self.now)
        return made

    def use(
        self, wallet: Wallet, credential_id: str, request: Request = READ, *, at: datetime | None = None,
        verifier: Any = None,  # noqa: ANN401  # a Verifier
    ) -> str | None:  # fmt: skip
        """One request by what a wallet holds; the code it ends with, `None` for a grant."""
        nonce, then = f"n{next(_NUMBERS)}", at or self.now
        judge = verifier or self.verifier()
        judge._clock, wallet._clock = FixedClock(then), FixedClock(then)
        self.issuer._clock = self.issuer.lists._clock = FixedClock(then)
        try:
            shown = wallet.present(challenge=nonce, audience=AUDIENCE, credential_id=credential_id)
            judge.authorize(shown, challenge=nonce, request=request)
        except AgentdidError as error:
            return error.code
        finally:
            wallet._clock = FixedClock(self.now)
            self.issuer._clock = self.issuer.lists._clock = FixedClock(self.now)
        return None
