"""An agent in one call: wallet, DID, first credentials. Done again under the same key it does what is left to do.

Each step is found done or done whole: the wallet's file appears at once or not at all, the DID is known by its label, a
credential by its idempotency key at the issuer and by its id in the wallet. So whatever was interrupted where, doing it
again ends with one DID, one credential for each order, and one status entry for each credential.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from msgspec import structs

from agentdid.errors import CredentialNotFound, StoreUnavailable
from agentdid.limits import DEFAULT
from agentdid.record import Value
from agentdid.storage.postgres import is_database
from agentdid.verify.structure import read_chain
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.clock import Clock
    from agentdid.issuer.orders import Order
    from agentdid.lifecycle.desks import Desk
    from agentdid.storage.vault import Kdf
    from agentdid.trust.anchors import Trust
    from agentdid.verify.needs import Source
    from agentdid.wallet.wallet import Held

_LABEL = "provision:"


@final
class Provisioned(Value, frozen=True, eq=False):
    """An agent that can begin.

    Attributes:
        did: Its DID.
        credentials: What it holds of what was ordered, in that order.
        repeated: Whether all of it was there before.
    """

    did: str
    credentials: tuple[Held, ...]
    repeated: bool


def provision(
    path: str | Path,
    orders: Sequence[tuple[Desk, Order]],
    *,
    key: str,
    passphrase: str,
    algorithm: str = "Ed25519",
    did: str | None = None,
    trust: Trust | None = None,
    source: Source | None = None,
    clock: Clock | None = None,
    kdf: Kdf | None = None,
) -> Provisioned:
    """Make an agent's wallet, its DID and its first credentials, as far as they are not there.

    Args:
        path: The wallet's file, or `postgresql+psycopg://…`.
        orders: What is asked of whom; `Order.to` and `Order.idempotency_key` are filled in.
        key: Names this act: the same key is the same agent, also after a crash.
        passphrase: Of the wallet.
        algorithm: Of the fresh key.
        did: One of the wallet's DIDs (a did:webvh, a key in a token) instead of a fresh did:key.
        trust: Whose credentials are taken; as `Wallet.receive`.
        source: Where documents come from that the issuers at hand do not have.
        clock: Tells the time.
        kdf: The cost of a passphrase guess, of a new wallet.

    Raises:
        ValueError: An empty key, or orders that name somebody already.
        CredentialNotFound: `did` is none of the wallet's.
        CredentialExists: An issuer knows the key from other orders.
        StoreLocked: Another passphrase.
        WalletClosed: The agent was retired.
    """
    if not key:
        raise ValueError("provisioning has a key, by which it can be done again")
    if any(order.to or order.idempotency_key for _, order in orders):
        raise ValueError("whom an order is for, and its key, are filled in here")
    fresh = _make(path, passphrase, kdf)
    with Wallet.open(path, passphrase=passphrase, clock=clock) as wallet:
        agent = did if did is not None else wallet.find_did(_LABEL + key)
        if agent is None:
            wallet.create_did(algorithm, label=_LABEL + key)
            fresh = True
            agent = wallet.find_did(_LABEL + key)  # of two that came at once, the first
        if agent not in wallet.dids:
            raise CredentialNotFound("the wallet holds no key of this DID")
        held = []
        for number, (desk, order) in enumerate(orders):
            named = structs.replace(order, to=agent, idempotency_key=f"{key}#{number}")
            found, was_new = _obtain(wallet, desk, named, trust, source)
            held.append(found)
            fresh = fresh or was_new
    return Provisioned(agent, tuple(held), not fresh)


def _make(path: str | Path, passphrase: str, kdf: Kdf | None) -> bool:
    """Make the wallet where there is none; return whether it was made now."""
    if is_database(path):
        try:
            Wallet.open(path, passphrase=passphrase).close()
        except StoreUnavailable:
            pass  # not there, or the database does not answer, which the next line says
        else:
            return False
    elif Path(path).exists():
        return False
    try:
        Wallet.create(path, passphrase=passphrase, kdf=kdf).close()
    except StoreUnavailable:
        if not is_database(path) and not Path(path).exists():
            raise
        return False  # somebody else was quicker
    return True


def _obtain(wallet: Wallet, desk: Desk, order: Order, trust: Trust | None, source: Source | None) -> tuple[Held, bool]:
    """Return a credential that is held, and whether it was not until now."""
    chain = desk.issue(order)
    name = read_chain(list(chain), DEFAULT)[-1].credential.id
    if name is not None:
        try:
            return wallet.find(name), False  # also where it has expired since: it was handed over once
        except CredentialNotFound:
            pass
    return wallet.receive(list(chain), trust=trust, source=desk.source(source)), True
