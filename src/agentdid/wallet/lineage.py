"""What a wallet minted: every delegation and approval it signed, for whom, out of what, and until when.

A delegator answers for what it passed on. The wallet keeps each link it made (sealed like everything else), so that
it can be shown, ended where it has a status, and counted when the capability above it is given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, final

from msgspec import structs

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

DELEGATION = "delegation"
APPROVAL = "approval"


@final
class Minted(Value, frozen=True):
    """One credential that the wallet signed.

    Attributes:
        id: Its `id`.
        kind: `delegation` or `approval`.
        issuer: The wallet's DID that signed it.
        subject: For whom.
        parent: The `id` of the capability it hangs on; for an approval, of the leaf it is about.
        wire: As it travels.
        made_at: When.
        valid_until: Its end.
        revocable: Whether it has a status that this wallet's owner can set.
        ended_at: When it was revoked or given up, if it was.
        replaces: The `id` of what it was minted in place of, if it was.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"wire"})

    id: str
    kind: str
    issuer: str
    subject: str
    parent: str
    wire: str
    made_at: datetime
    valid_until: datetime
    revocable: bool
    ended_at: datetime | None = None
    replaces: str | None = None

    def stands_at(self, at: datetime) -> bool:
        """Whether it can still be used at an instant, as far as this wallet knows."""
        return self.ended_at is None and at < self.valid_until


@final
class Relinquished(Value, frozen=True):
    """What came of giving something up.

    Attributes:
        id: What was given up.
        held: Whether it was held here, and is not any more.
        revoked: Ids of what the wallet minted out of it that were revoked with it.
        standing: What it minted out of it that nobody can end before it ends by itself.
    """

    id: str
    held: bool
    revoked: tuple[str, ...]
    standing: tuple[Minted, ...]


class Statuses(Protocol):
    """A status service that the delegator runs (`issuer.Issuer` is one)."""

    did: str

    def allot_status(
        self, credential_id: str, subject: str, *, issued_at: datetime, valid_until: datetime
    ) -> Mapping[str, object]:
        """Return a fresh `credentialStatus` entry for a credential."""
        ...

    def revoke(self, credential_id: str) -> bool:
        """Revoke for ever; return whether it was good until now."""
        ...


def below(minted: Iterable[Minted], credential_id: str) -> tuple[Minted, ...]:
    """Return what was minted out of a capability, and out of what was minted out of it, oldest first."""
    found: list[Minted] = []
    names = {credential_id}
    for each in minted:  # oldest first: nothing hangs on what came later
        if each.parent in names:
            names.add(each.id)
            found.append(each)
    return tuple(found)


def end_minted(
    minted: Iterable[Minted], statuses: Statuses | None, at: datetime
) -> tuple[list[Minted], tuple[Minted, ...]]:
    """Revoke what can be revoked; return it, ended, and what nobody can end."""
    ended, standing = [], []
    for each in minted:
        if each.revocable and statuses is not None and statuses.did == each.issuer:
            statuses.revoke(each.id)
            ended.append(structs.replace(each, ended_at=at))
        else:
            standing.append(each)
    return ended, tuple(standing)
