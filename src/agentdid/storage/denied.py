"""The deny list beside the nonces: in memory, or in the tables of the store that all processes of a verifier share.

An entry counts from the moment it is written, for every process, and a judgement under way asks once more in its last
step. A list that does not answer, or that was lost and made anew, is "unavailable", never "clear".
"""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from sqlalchemy import Column, Float, LargeBinary, MetaData, String, Table, Text, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from agentdid.errors import StoreUnavailable
from agentdid.storage.engine import reading, transaction
from agentdid.storage.memory_denied import CLEAR, UNAVAILABLE, MemoryDenied, place_of
from agentdid.trust.denied import SLACK, DenyEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine

__all__ = ["DENY_TABLES", "DeniedStore", "MemoryDenied", "SqlDenied", "find_denied"]

DENY_TABLES: Final = MetaData()
_DENIED: Final = Table(
    "denied",
    DENY_TABLES,
    Column("name", Text, primary_key=True),
    Column("kind", String, nullable=False),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Float(53)),
    Column("until", Float(53)),
)
_STATE: Final = Table("state", MetaData(), Column("key", LargeBinary, primary_key=True))
"""Of `storage.replay`: what tells a store from one that was made anew in its place."""


class DeniedStore(Protocol):
    """What every deny list can do (`verify.needs.DenyList` is what a judgement needs of it)."""

    def find(self, names: tuple[str, ...], at: datetime) -> str:
        """Return "clear", "denied:<place>" or "unavailable"."""
        ...

    def add(self, entry: DenyEntry) -> bool:
        """Write an entry, in place of an older one; return whether there was none. Raises `StoreUnavailable`."""
        ...

    def remove(self, kind: str, value: str) -> bool:
        """Take an entry off the list; return whether there was one. Raises `StoreUnavailable`."""
        ...

    def entries(self) -> list[DenyEntry]:
        """Return all that is on it, by kind and value. Raises `StoreUnavailable`."""
        ...


@final
class SqlDenied:
    """The deny list in a SQLite file or a PostgreSQL database of nonces (`storage.replay`)."""

    def __init__(self, engine: Engine, key: Callable[[], bytes]) -> None:
        self._engine = engine
        self._key = key
        self._lock = Lock()
        self._insert: Any = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert

    def find(self, names: tuple[str, ...], at: datetime) -> str:
        """Return "clear", "denied:<place>" or "unavailable", by one look-up for all names."""
        try:
            with reading(self._engine) as connection:
                found = find_denied(connection, names, at)
                if bytes(connection.execute(select(_STATE.c.key)).scalar_one()) != self._key():
                    return UNAVAILABLE  # the list that this process knew is gone
        except StoreUnavailable:
            return UNAVAILABLE
        return found or CLEAR

    def add(self, entry: DenyEntry) -> bool:
        """Write an entry, in place of an older one; return whether there was none. Raises `StoreUnavailable`."""
        since, until = (None if each is None else each.timestamp() for each in (entry.since, entry.until))
        changing = {"reason": entry.reason, "since": since, "until": until}
        row = {"name": entry.name, "kind": entry.kind, "value": entry.value, **changing}
        write = self._insert(_DENIED).values(row).on_conflict_do_update(index_elements=["name"], set_=changing)
        with self._lock, transaction(self._engine) as connection:
            known = connection.execute(select(_DENIED.c.name).where(_DENIED.c.name == entry.name)).first()
            connection.execute(write)
        return known is None

    def remove(self, kind: str, value: str) -> bool:
        """Take an entry off the list; return whether there was one. Raises `StoreUnavailable`."""
        mine = _DENIED.c.name == DenyEntry(kind, value).name
        with self._lock, transaction(self._engine) as connection:
            return connection.execute(delete(_DENIED).where(mine).returning(_DENIED.c.name)).first() is not None

    def entries(self) -> list[DenyEntry]:
        """Return all that is on it, by kind and value. Raises `StoreUnavailable`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_DENIED).order_by(_DENIED.c.kind, _DENIED.c.value)).all()
        return [DenyEntry(row.kind, row.value, row.reason, _instant(row.since), _instant(row.until)) for row in rows]


def find_denied(connection: Connection, names: tuple[str, ...], at: datetime) -> str | None:
    """Return "denied:<place>" for the first of the names that is on the list, or `None`; within a transaction."""
    counts = or_(_DENIED.c.until.is_(None), _DENIED.c.until > (at - SLACK).timestamp())
    found = connection.execute(select(_DENIED.c.name).where(_DENIED.c.name.in_(names), counts)).scalars()
    return place_of(names, set(found))


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
