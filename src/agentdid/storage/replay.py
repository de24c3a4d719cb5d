"""Nonces: handed out without being stored, and consumed once.

A nonce carries its own end and a MAC under a key that is born and lost together with the set of consumed ones: when
that set is lost (a restart, a restore), every nonce from before is unknown, so nothing can be answered twice.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from heapq import heappop, heappush
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, final

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import Malformed, StoreUnavailable
from agentdid.limits import DEFAULT, Limits
from agentdid.storage.engine import create_store, open_store, reading, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine, Row

_RANDOM_BYTES: Final = 16
_END_BYTES: Final = 8
_MAC_BYTES: Final = 16
_KEY_BYTES: Final = 32


class NonceStore(Protocol):
    """Hands nonces out, and takes each back once."""

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce."""
        ...

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        ...

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume atomically; return "taken", "replayed" or "unavailable"."""
        ...


@final
class MemoryTakes:
    """Nonces of one process. Its end is the end of every nonce it handed out."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._taken: set[tuple[str, str]] = set()
        self._ends: list[tuple[float, tuple[str, str]]] = []  # a heap, the next to be forgotten first
        self._forgotten = 0.0
        self._lock = Lock()

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return _issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return _check(self._key, nonce, at)

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume atomically; when full, new ones are "unavailable", and none is forgotten early."""
        entry = (audience, nonce)
        last_use, keep = _times(self._key, nonce, keep_until)
        with self._lock:
            while self._ends and self._ends[0][0] < at.timestamp():
                until, past = heappop(self._ends)
                self._taken.discard(past)
                self._forgotten = max(self._forgotten, until)
            if entry in self._taken:
                return "replayed"
            if last_use <= self._forgotten or len(self._taken) >= self._limits.max_nonces:
                return "unavailable"
            self._taken.add(entry)
            heappush(self._ends, (keep, entry))
            return "taken"


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
        return _issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return _check(self._key, nonce, at)

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
        last_use, keep = _times(self._key, entry["nonce"], keep_until)
        inserted = connection.execute(insert(_TAKEN).values(**entry, keep_until=keep).on_conflict_do_nothing()).rowcount
        answer = "taken" if inserted else "replayed"
        if inserted and (last_use <= forgotten or held >= self._limits.max_nonces):
            mine = (_TAKEN.c.audience == entry["audience"]) & (_TAKEN.c.nonce == entry["nonce"])
            inserted -= connection.execute(delete(_TAKEN).where(mine)).rowcount
            answer = "unavailable"
        connection.execute(update(_STATE).values(held=held + inserted, forgotten=forgotten))
        return answer


def _fill(connection: Connection) -> None:
    connection.execute(insert(_STATE).values(key=secrets.token_bytes(_KEY_BYTES), held=0, forgotten=0.0))


def _issue(key: bytes, at: datetime, limits: Limits) -> str:
    end = int((at + timedelta(seconds=limits.nonce_life_s)).timestamp())
    body = secrets.token_bytes(_RANDOM_BYTES) + end.to_bytes(_END_BYTES, "big")
    return encode_base64url(body + _mac(key, body))


def _check(key: bytes, nonce: str, at: datetime) -> str:
    end = _find_end(key, nonce)
    if end is None:
        return "unknown"
    return "ours" if at.timestamp() <= end else "expired"


def _times(key: bytes, nonce: str, keep_until: datetime) -> tuple[float, float]:
    """Return until when a nonce can be answered, and until when it is kept: never less.

    A nonce whose last use is not after the newest forgotten one may itself have been forgotten (the clock went
    forward, then back, ATTACKS P10), and is not taken.
    """
    end, keep = _find_end(key, nonce), keep_until.timestamp()
    return (keep, keep) if end is None else (end, max(keep, end))


def _find_end(key: bytes, nonce: str) -> int | None:
    try:
        raw = decode_base64url(nonce, max_bytes=256)
    except Malformed:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(body) != _RANDOM_BYTES + _END_BYTES or not hmac.compare_digest(mac, _mac(key, body)):
        return None
    return int.from_bytes(body[_RANDOM_BYTES:], "big")


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
