"""Consumed nonces and counters shared by processes: in one SQLite file, or in a PostgreSQL database.

Every take is one transaction, held for what it touches: in SQLite by the write lock of the file, in PostgreSQL by the
nonce's own row and an advisory lock for each counter, in one order. What has ended is forgotten once a second.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, final

from sqlalchemy import (
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from agentdid.errors import StoreUnavailable
from agentdid.limits import DEFAULT, Limits
from agentdid.storage import nonces
from agentdid.storage.denied import DENY_TABLES, SqlDenied, find_denied
from agentdid.storage.engine import create_store, open_store, reading, transaction
from agentdid.storage.postgres import is_database, open_database
from agentdid.storage.spending import DONE, REPLAYED, SLACK_S, TAKEN, UNAVAILABLE, settle

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from agentdid.delegation.charges import Spend

_TABLES: Final = MetaData()
_STATE: Final = Table(
    "state",
    _TABLES,
    Column("key", LargeBinary, primary_key=True),
    Column("held", Integer, nullable=False),  # rows in `taken`: counting a hundred thousand costs more than taking
    Column("forgotten", Float(53), nullable=False),
)
_TAKEN: Final = Table(
    "taken",
    _TABLES,
    Column("audience", String, primary_key=True),
    Column("nonce", String, primary_key=True),
    Column("keep_until", Float(53), nullable=False, index=True),
)
_SPENT: Final = MetaData()
_LEDGER: Final = Table(  # one row: how far what was counted has been forgotten
    "ledger",
    _SPENT,
    Column("one", Integer, primary_key=True),
    Column("held", Integer, nullable=False),
    Column("forgotten", Float(53), nullable=False),
)
_CALLS: Final = Table(
    "calls",
    _SPENT,
    Column("number", Integer, primary_key=True),
    Column("counter", String, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("keep_until", Float(53), nullable=False, index=True),
)
_TOTALS: Final = Table(
    "totals",
    _SPENT,
    Column("counter", String, primary_key=True),
    Column("total", Text, nullable=False),  # a whole number of 10^-62: no database's own kind holds it
    Column("keep_until", Float(53), nullable=False, index=True),
)
_REQUESTS: Final = Table(
    "requests",
    _SPENT,
    Column("name", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("keep_until", Float(53), nullable=False, index=True),
)
_COUNTED: Final = (_CALLS, _TOTALS, _REQUESTS)
_KIND: Final = "nonces"
_FORGET_S: Final = 1.0


@final
class SqlTakes:
    """Nonces and counters of all processes that share one SQLite file or PostgreSQL database."""

    def __init__(self, engine: Engine, limits: Limits = DEFAULT) -> None:
        self._engine = engine
        self._limits = limits
        self._lock = Lock()
        self._sqlite = engine.dialect.name == "sqlite"
        self._insert: Any = sqlite.insert if self._sqlite else postgresql.insert
        self._forgot_at = 0.0
        self._held = self._counted = 0  # rows, as of the last forgetting, and those put in since
        with reading(engine) as connection:
            self._key: bytes = bytes(connection.execute(select(_STATE.c.key)).scalar_one())
        self.denied = SqlDenied(engine, lambda: self._key)

    @classmethod
    def open(cls, place: str | Path, limits: Limits = DEFAULT) -> Self:
        """Return the store in a file or database, which is made if it is not there.

        Args:
            place: A file, or `postgresql+psycopg://…`.
            limits: Bounds on how much is kept.

        Raises:
            StoreUnavailable, StoreVersionUnsupported: By the place.
        """
        if is_database(place):
            return cls(open_database(str(place), _KIND, _joined(), _fill), limits)
        return cls(_open_file(Path(place)), limits)

    def close(self) -> None:
        """Let go of the file or the connections."""
        self._engine.dispose()

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return nonces.issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return nonces.check(self._key, nonce, at)

    def take(
        self,
        audience: str,
        nonce: str,
        keep_until: datetime,
        at: datetime,
        spend: Spend | None = None,
        names: tuple[str, ...] = (),
    ) -> str:
        """Consume by one insert under a unique key: of any number of processes exactly one is told "taken".

        A store that was lost and made anew while this process ran has another key: what this process handed out is
        void from then on, as the nonces that were consumed are forgotten.
        """
        entry = {"audience": audience, "nonce": nonce}
        try:
            if not self._sqlite:
                return self._take(entry, keep_until, at, spend, names)
            # the threads of a process queue here, so that SQLite's own lock has one contender a process
            with self._lock:
                return self._take(entry, keep_until, at, spend, names)
        except StoreUnavailable:
            return UNAVAILABLE

    def _take(
        self, entry: dict[str, str], keep_until: datetime, at: datetime, spend: Spend | None, names: tuple[str, ...]
    ) -> str:
        now = at.timestamp()
        if abs(now - self._forgot_at) >= _FORGET_S or self._held >= self._limits.max_nonces:
            self._forget(now)
        if self._held >= self._limits.max_nonces or (spend and self._counted >= self._limits.max_counted):
            with reading(self._engine) as connection:  # what was taken before is still a replay
                mine = select(_TAKEN.c.nonce).where(_is(entry))
                return UNAVAILABLE if connection.execute(mine).first() is None else REPLAYED
        last_use, keep = nonces.times(self._key, entry["nonce"], keep_until)
        try:
            with transaction(self._engine) as connection:
                self._consume(connection, {**entry, "keep_until": keep}, last_use)
                answer = TAKEN if spend is None else self._spend(connection, spend, now)
                if names:
                    _end_if_denied(connection, names, at)
        except _Ended as end:
            return end.answer
        self._held += 1
        self._counted += 0 if spend is None else len(spend.charges) + 1
        return answer

    def _consume(self, connection: Connection, row: dict[str, object], last_use: float) -> None:
        # asked what was inserted: a driver's count of rows may be unknown, which must not read as one
        inserted = self._insert(_TAKEN).values(**row).on_conflict_do_nothing().returning(_TAKEN.c.nonce)
        if connection.execute(inserted).first() is None:
            raise _Ended(REPLAYED)
        # looked at after the insert: what somebody forgets meanwhile is seen here
        state = connection.execute(select(_STATE)).one()
        if bytes(state.key) != self._key:
            self._key = bytes(state.key)
            raise _Ended(UNAVAILABLE)
        if last_use <= state.forgotten:
            raise _Ended(UNAVAILABLE)

    def _spend(self, connection: Connection, spend: Spend, now: float) -> str:
        if not self._sqlite:
            names = [each.key for each in spend.charges] + ([] if spend.request is None else [spend.request])
            for lock in sorted({_lock_of(each) for each in names}):  # in one order, so that nobody waits in a ring
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        forgotten: float = connection.execute(select(_LEDGER.c.forgotten)).scalar_one()
        answer = settle(_SqlBook(connection, self._insert), spend, now, forgotten)
        if answer not in DONE:
            raise _Ended(answer)  # which takes the nonce back too
        return answer

    def _forget(self, now: float) -> None:
        """Give up what has ended, remember until when, and count what is left."""
        with transaction(self._engine) as connection:
            if not self._sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _lock_of("forget")})
            self._held = _forget_rows(connection, _STATE, (_TAKEN,), (_TAKEN,), now)
            self._counted = _forget_rows(connection, _LEDGER, _COUNTED, (_CALLS, _TOTALS), now - SLACK_S)
        self._forgot_at = now


def _end_if_denied(connection: Connection, names: tuple[str, ...], at: datetime) -> None:
    found = find_denied(connection, names, at)
    if found is not None:
        raise _Ended(found)


class _Ended(Exception):  # ends a transaction with an answer
    """Nothing is consumed."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


@final
class _SqlBook:
    """Counters in tables, within one transaction that has locked them."""

    def __init__(self, connection: Connection, insert: Any) -> None:  # noqa: ANN401  # the dialect's own insert
        self._run = connection.execute
        self._insert = insert

    def find_request(self, name: str) -> str | None:
        """Return the fingerprint that was charged under a name."""
        return self._run(select(_REQUESTS.c.fingerprint).where(_REQUESTS.c.name == name)).scalar()

    def newest(self, key: str) -> float:
        """Return the instant of the last call, or 0."""
        return self._run(select(func.max(_CALLS.c.at)).where(_CALLS.c.counter == key)).scalar() or 0.0

    def calls(self, key: str, after: float) -> int:
        """Return how many calls came after an instant."""
        later = (_CALLS.c.counter == key) & (_CALLS.c.at > after)
        return self._run(select(func.count()).select_from(_CALLS).where(later)).scalar_one()

    def find_total(self, key: str) -> int | None:
        """Return what a counter has reached."""
        total = self._run(select(_TOTALS.c.total).where(_TOTALS.c.counter == key)).scalar()
        return None if total is None else int(total)

    def add_call(self, key: str, at: float, keep_until: float) -> None:
        """Count a call."""
        self._run(self._insert(_CALLS).values(counter=key, at=at, keep_until=keep_until))

    def set_total(self, key: str, total: int, keep_until: float) -> None:
        """Set what a counter has reached."""
        row = self._insert(_TOTALS).values(counter=key, total=str(total), keep_until=keep_until)
        self._run(row.on_conflict_do_update(index_elements=[_TOTALS.c.counter], set_={"total": str(total)}))

    def add_request(self, name: str, fingerprint: str, keep_until: float) -> None:
        """Remember what was charged under a name."""
        row = self._insert(_REQUESTS).values(name=name, fingerprint=fingerprint, keep_until=keep_until)
        self._run(row)


def _is(entry: dict[str, str]) -> Any:  # noqa: ANN401  # a condition
    return (_TAKEN.c.audience == entry["audience"]) & (_TAKEN.c.nonce == entry["nonce"])


def _forget_rows(
    connection: Connection, mark: Table, tables: Iterable[Table], final_: Iterable[Table], now: float
) -> int:
    """Delete what has ended; of `final_`, what may not come back, note until when. Return how many rows are left."""
    ends = [
        connection.execute(select(func.max(table.c.keep_until)).where(table.c.keep_until < now)).scalar()
        for table in final_
    ]
    for table in tables:
        connection.execute(delete(table).where(table.c.keep_until < now))
    held = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
    latest = max((each for each in ends if each is not None), default=0.0)
    forgotten = connection.execute(select(mark.c.forgotten)).scalar_one()
    connection.execute(update(mark).values(held=held, forgotten=max(forgotten, latest)))
    return held


def _lock_of(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


def _joined() -> MetaData:
    """Return all tables as one set, for a place where all are made at once."""
    joined = MetaData()
    for table in (*_TABLES.sorted_tables, *_SPENT.sorted_tables, *DENY_TABLES.sorted_tables):
        table.to_metadata(joined)
    return joined


def _open_file(place: Path) -> Engine:
    if not place.exists():
        try:
            return create_store(place, _KIND, _joined(), _fill)
        except StoreUnavailable:
            if not place.exists():
                raise  # another process was quicker, or the folder is not ours
    engine = open_store(place, _KIND)
    with transaction(engine) as connection:  # a file of before there were counters gets its tables
        _SPENT.create_all(connection)
        DENY_TABLES.create_all(connection)
        if connection.execute(select(_LEDGER)).first() is None:
            connection.execute(sqlite.insert(_LEDGER).values(one=1, held=0, forgotten=0.0))
    return engine


def _fill(connection: Connection) -> None:
    connection.execute(_STATE.insert().values(key=secrets.token_bytes(nonces.KEY_BYTES), held=0, forgotten=0.0))
    connection.execute(_LEDGER.insert().values(one=1, held=0, forgotten=0.0))
