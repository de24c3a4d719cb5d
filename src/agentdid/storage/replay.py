"""Consumed nonces in one SQLite file, shared by every process that opens it."""

from __future__ import annotations

import secrets
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, final

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from agentdid.errors import StoreUnavailable
from agentdid.limits import DEFAULT, Limits
from agentdid.storage import nonces
from agentdid.storage.engine import create_store, open_store, reading, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine, Row

_TABLES: Final = MetaData()
_STATE: Final = Table(
    "state",
    _TABLES,
    Column("key", LargeBinary, primary_key=True),
    Column("held", Integer, nullable=False),  # rows in `taken`: counting a hundred thousand costs more than taking
    Column("forgotten", Float, nullable=False),
)
_TAKEN: Final = Table(
    "taken",
    _TABLES,
    Column("audience", String, primary_key=True),
    Column("nonce", String, primary_key=True),
    Column("keep_until", Float, nullable=False, index=True),
)


@final
class SqlTakes:
    """Nonces of all processes that share one SQLite file."""

    def __init__(self, engine: Engine, limits: Limits = DEFAULT) -> None:
        self._engine = engine
        self._limits = limits
        self._lock = Lock()
        with reading(engine) as connection:
            self._key: bytes = connection.execute(select(_STATE.c.key)).scalar_one()

    @classmethod
    def open(cls, path: str | Path, limits: Limits = DEFAULT) -> Self:
        """Return the store in a file, which is made if it is not there.

        Raises:
            StoreUnavailable, StoreVersionUnsupported: By the file.
        """
        place = Path(path)
        if not place.exists():
            try:
                return cls(create_store(place, "nonces", _TABLES, _fill), limits)
            except StoreUnavailable:
                if not place.exists():
                    raise  # another process was quicker, or the folder is not ours
        return cls(open_store(place, "nonces"), limits)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return nonces.issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return nonces.check(self._key, nonce, at)

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume by one insert under a unique key: of any number of processes exactly one is told "taken".

        A file that was lost and made anew while this process ran has another key: what this process handed out is
        void from then on, as the nonces that were consumed are forgotten.
        """
        try:
            # the threads of a process queue here, so that SQLite's own lock has one contender a process
            with self._lock, transaction(self._engine) as connection:
                state = connection.execute(select(_STATE)).one()
                if state.key != self._key:
                    self._key = state.key
                    return "unavailable"
                return self._take(connection, state, {"audience": audience, "nonce": nonce}, keep_until, at)
        except StoreUnavailable:
            return "unavailable"

    def _take(
        self, connection: Connection, state: Row[Any], entry: dict[str, str], keep_until: datetime, at: datetime
    ) -> str:
        held, forgotten = state.held, state.forgotten
        past = _TAKEN.c.keep_until < at.timestamp()
        latest = connection.execute(select(func.max(_TAKEN.c.keep_until)).where(past)).scalar()
        if latest is not None:
            held -= connection.execute(delete(_TAKEN).where(past)).rowcount
            forgotten = max(forgotten, latest)
        last_use, keep = nonces.times(self._key, entry["nonce"], keep_until)
        inserted = connection.execute(insert(_TAKEN).values(**entry, keep_until=keep).on_conflict_do_nothing()).rowcount
        answer = "taken" if inserted else "replayed"
        if inserted and (last_use <= forgotten or held >= self._limits.max_nonces):
            mine = (_TAKEN.c.audience == entry["audience"]) & (_TAKEN.c.nonce == entry["nonce"])
            inserted -= connection.execute(delete(_TAKEN).where(mine)).rowcount
            answer = "unavailable"
        connection.execute(update(_STATE).values(held=held + inserted, forgotten=forgotten))
        return answer


def _fill(connection: Connection) -> None:
    connection.execute(insert(_STATE).values(key=secrets.token_bytes(nonces.KEY_BYTES), held=0, forgotten=0.0))
