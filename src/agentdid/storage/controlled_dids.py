"""The did:webvh DIDs that a store controls: their logs, and every key, under its seal.

A row is read, changed and written in one write transaction: two processes that rotate make two entries, not a fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from msgspec.json import decode
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, inspect, select, update

from agentdid.codec.strict_json import encode
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.log import History, parse_log
from agentdid.errors import CredentialExists, CredentialNotFound, DidDeactivated
from agentdid.storage import controlled
from agentdid.storage.controlled import Controlled
from agentdid.storage.engine import reading, transaction
from agentdid.storage.held_keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from agentdid.storage.held_keys import MakeKey, NeededUntil
    from agentdid.storage.vault import Vault


def add_table(tables: MetaData) -> Table:
    """Declare the table, to be called once for a sealed store's tables."""
    return Table(
        "webvh",
        tables,
        Column("number", Integer, primary_key=True),
        Column("did_index", LargeBinary, nullable=False, unique=True),
        Column("held_keys", LargeBinary, nullable=False),
        Column("log", LargeBinary, nullable=False),
    )


_TABLE: Final = add_table(MetaData())


@final
class ControlledDids:
    """The table of one sealed store. Safe among threads and processes."""

    __slots__ = ("_engine", "_known", "_vault")

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._known: dict[str, History] = {}
        if not inspect(engine).has_table(_TABLE.name):  # a store from before there were such DIDs
            with transaction(engine) as connection:
                _TABLE.create(connection, checkfirst=True)

    def dids(self) -> tuple[str, ...]:
        """Return the DIDs, the oldest first. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_TABLE.c.did_index, _TABLE.c.held_keys).order_by(_TABLE.c.number)).all()
        return tuple(self._read_keys(row.did_index, row.held_keys).did for row in rows)

    def find_keys(self, did: str) -> Keys:
        """Return the keys of a DID. Raises `CredentialNotFound`, `StoreTampered`."""
        index = self._vault.index("webvh", did)
        with reading(self._engine) as connection:
            row = connection.execute(select(_TABLE.c.held_keys).where(_TABLE.c.did_index == index)).first()
        if row is None:
            raise CredentialNotFound("the store does not control this DID")
        return self._read_keys(index, row.held_keys)

    def find(self, did: str) -> Controlled:
        """Return a DID with its log. Raises `CredentialNotFound`, `StoreTampered`."""
        with reading(self._engine) as connection:
            return self._find(connection, did)

    def create(self, made: Controlled) -> None:
        """Keep a DID from `make`. Raises `CredentialExists`."""
        with transaction(self._engine) as connection:
            self.insert(connection, self._vault, made)

    @staticmethod
    def insert(connection: Connection, vault: Vault, made: Controlled) -> None:
        """Keep a DID in a transaction of the caller's. Raises `CredentialExists`."""
        index = vault.index("webvh", made.did)
        if connection.execute(select(_TABLE.c.number).where(_TABLE.c.did_index == index)).first() is not None:
            raise CredentialExists("the store controls this DID already")
        connection.execute(insert(_TABLE).values(did_index=index, **_seal(vault, index, made)))

    def rotate(
        self,
        did: str,
        *,
        at: datetime,
        needed_until: NeededUntil | None = None,
        compromised: bool = False,
        make_key: MakeKey | None = None,
    ) -> Controlled:
        """Return the DID with a fresh signing key and fresh update keys, written before it is returned.

        Args:
            did: Which.
            at: The instant of the rotation.
            needed_until: Until when what a key signed is shown; by default nothing outlives `GRACE`.
            compromised: Whether the keys until now are: they are revoked, and what they signed dies with them.
            make_key: Makes the fresh signing key elsewhere; needed where the one until now lives there.

        Raises:
            CredentialNotFound, DidDeactivated: It is not there, or at its end.
            DidWitnessThreshold: The last entry was not approved yet.
            StoreUnavailable: The key until now lives elsewhere, and nothing was given that makes one there.
            ValueError: More keys would be listed than a document holds.
        """
        return self._change(did, lambda held: controlled.rotate(held, at, needed_until, compromised, make_key))

    def deactivate(self, did: str, *, at: datetime) -> Controlled:
        """Return the DID at its end, for ever. Raises as `rotate`."""
        return self._change(did, lambda held: controlled.deactivate(held, at))

    def update(self, did: str, members: Mapping[str, object], *, at: datetime) -> Controlled:
        """Return the DID with other members of its document; keys and identity are not among them.

        Args:
            did: Which.
            members: What they are from now on (`service`, `alsoKnownAs`, `controller`, …); `None`: no longer there.
            at: The instant of the update.

        Raises:
            CredentialNotFound, DidDeactivated, DidWitnessThreshold: As `rotate`.
            ValueError: A member that a rotation alone changes.
        """
        return self._change(did, lambda held: controlled.update(held, members, at))

    def move(self, did: str, to: str, *, at: datetime) -> Controlled:
        """Return the DID at another place, where alone it is found from now on; it stays known as what it was.

        Args:
            did: Which.
            to: The same SCID at the other place (`did.webvh.identifier`).
            at: The instant of the move.

        Raises:
            CredentialNotFound, DidDeactivated, DidWitnessThreshold: As `rotate`.
            DidLogInvalid: It is not portable, or `to` has another SCID.
            CredentialExists: The store controls a DID of that name.
        """
        parse_identifier(to)
        return self._change(did, lambda held: controlled.move(held, to, at))

    def add_proofs(self, did: str, proofs: Sequence[dict[str, object]], *, at: datetime) -> Controlled:
        """Return the DID with more approvals of its last entry; it is published when there are enough.

        Raises:
            CredentialNotFound: It is not there.
        """
        return self._change(did, lambda held: controlled.approve(held, proofs, at), pending=True)

    def _change(self, did: str, change: Callable[[Controlled], Controlled], *, pending: bool = False) -> Controlled:
        index = self._vault.index("webvh", did)
        with transaction(self._engine) as connection:
            held = self._find(connection, did)
            if held.history.deactivated:
                raise DidDeactivated("the DID is deactivated, for ever")
            if not pending:
                held.check_publishable()
            made = change(held)
            place = self._vault.index("webvh", made.did)
            taken = select(_TABLE.c.number).where(_TABLE.c.did_index == place)
            if place != index and connection.execute(taken).first() is not None:
                raise CredentialExists("the store controls a DID of that name already")
            row = {"did_index": place, **_seal(self._vault, place, made)}
            connection.execute(update(_TABLE).where(_TABLE.c.did_index == index).values(**row))
        self._known[made.did] = made.history
        return made

    def _find(self, connection: Connection, did: str) -> Controlled:
        index = self._vault.index("webvh", did)
        row = connection.execute(select(_TABLE).where(_TABLE.c.did_index == index)).first()
        if row is None:
            raise CredentialNotFound("the store does not control this DID")
        content = decode(self._vault.unseal(row.log, _place(index, "log")))
        history = parse_log(content["log"].encode(), known=self._known.get(did))
        self._known[did] = history
        proofs = content["witnesses"]
        return Controlled(history, None if proofs is None else proofs.encode(), self._read_keys(index, row.held_keys))

    def _read_keys(self, index: bytes, sealed: bytes) -> Keys:
        return Keys.decode(decode(self._vault.unseal(sealed, _place(index, "held_keys"))))


def _seal(vault: Vault, index: bytes, made: Controlled) -> dict[str, bytes]:
    log = {
        "log": made.history.content.decode(),
        "witnesses": None if made.witnesses is None else made.witnesses.decode(),
    }
    return {
        "held_keys": vault.seal(encode(made.keys.encode()), _place(index, "held_keys")),
        "log": vault.seal(encode(log), _place(index, "log")),
    }


def _place(index: bytes, column: str) -> tuple[str, ...]:
    return ("webvh", f"did_index={index.hex()}", column)
