"""An agent at its end, in one call: denied, revoked, published, closed. What protects most comes first.

A step that fails stops none of the others; done again, it does what is left. Whatever the agent passed on dies with
what it hung on: every link below a revoked or denied one is refused with it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.errors import DidDeactivated
from agentdid.lifecycle.publish import write_did
from agentdid.lifecycle.steps import FAILED, Step, attempt
from agentdid.record import Value
from agentdid.trust.denied import DID, make_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from agentdid.lifecycle.desks import Desk
    from agentdid.trust.denied import DenyEntry
    from agentdid.wallet.lineage import Statuses
    from agentdid.wallet.wallet import Wallet

_WHY: Final = "agent retired"


class Writable(Protocol):
    """A deny list that can be written to: a store's, or a verifier's behind its service."""

    def add(self, entry: DenyEntry) -> bool:
        """Write an entry; return whether there was none."""
        ...


@final
class Retired(Value, frozen=True, eq=False):
    """What was done.

    Attributes:
        dids: Of the agent.
        steps: In their order.
    """

    dids: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return all(step.outcome != FAILED for step in self.steps)

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {"dids": list(self.dids), "complete": self.complete, "steps": [each.encode() for each in self.steps]}


def retire(
    dids: Sequence[str] = (),
    *,
    at: datetime,
    wallet: Wallet | None = None,
    deny_lists: Mapping[str, Writable] | None = None,
    desks: Sequence[Desk] = (),
    statuses: Statuses | None = None,
    folder: Path | None = None,
    reason: str = _WHY,
) -> Retired:
    """Bring an agent to its end, for ever.

    Args:
        dids: Of the agent; those of its wallet are added.
        at: Now.
        wallet: The agent's, if it is at hand.
        deny_lists: Of verifiers, by name: where it is refused at once.
        desks: Issuers that it may have credentials of.
        statuses: Its own status service, by which what it passed on is revoked.
        folder: Where the end of its did:webvh is written, to be published.
        reason: For histories and lists.

    Raises:
        ValueError: No agent is named.
    """
    everybody = tuple(dict.fromkeys((*dids, *(() if wallet is None else wallet.dids))))
    closed = wallet is not None and wallet.closed_at is not None
    if not everybody and not closed:
        raise ValueError("name the agent by a DID, or by its wallet")
    steps = [
        *_deny(everybody, deny_lists or {}, at, reason),
        *(
            attempt("revoke", f"{did} at {desk.name}", partial(_revoke, desk, did, reason))
            for desk in desks
            for did in everybody
        ),
        *(attempt("publish", desk.name, desk.publish) for desk in desks),
    ]
    if wallet is not None:
        steps += _close(wallet, statuses, folder, at, reason)
    return Retired(everybody, tuple(steps))


def _deny(dids: Sequence[str], lists: Mapping[str, Writable], at: datetime, reason: str) -> Iterator[Step]:
    for name, found in lists.items():
        for did in dids:
            entry = make_entry(DID, did, reason=reason, since=at)
            yield attempt("deny", f"{did} at {name}", partial(_add, found, entry))


def _add(found: Writable, entry: DenyEntry) -> str | None:
    return "effective at once" if found.add(entry) else None


def _revoke(desk: Desk, did: str, reason: str) -> str | None:
    count = desk.revoke_all(did, reason)
    return f"{count} credentials" if count else None


def _close(wallet: Wallet, statuses: Statuses | None, folder: Path | None, at: datetime, reason: str) -> Iterator[Step]:
    for held in wallet.credentials():
        yield attempt("relinquish", held.id, partial(_relinquish, wallet, held.id, statuses))
    for each in wallet.minted():  # passed on out of what is not held any more
        if each.stands_at(at) and each.revocable and statuses is not None and statuses.did == each.issuer:
            yield attempt("relinquish", each.id, partial(_relinquish, wallet, each.id, statuses))
    for did in wallet.controlled.dids():
        yield attempt("deactivate", did, partial(_deactivate, wallet, did, folder, at))
    yield attempt("close", "wallet", partial(_end, wallet, reason))


def _relinquish(wallet: Wallet, credential_id: str, statuses: Statuses | None) -> str:
    done = wallet.relinquish(credential_id, statuses=statuses)
    words = [f"{len(done.revoked)} of what was passed on revoked"] if done.revoked else []
    words += [f"{each.id} stands until {each.valid_until.isoformat()} by itself" for each in done.standing]
    return "; ".join(words) or "given up"


def _deactivate(wallet: Wallet, did: str, folder: Path | None, at: datetime) -> str | None:
    try:
        made = wallet.controlled.deactivate(did, at=at)
        done: str | None = "publish its log so that others learn of it"
    except DidDeactivated:
        made, done = wallet.controlled.find(did), None
    if folder is not None:
        written = write_did(made, folder)
        done = done and f"{len(written)} files in {folder}"
    return done


def _end(wallet: Wallet, reason: str) -> str | None:
    if wallet.closed_at is not None:
        return None
    wallet.end(reason=reason)
    return "keys and credentials destroyed"
