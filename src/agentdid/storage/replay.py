"""Nonces: handed out without being stored, and consumed once.

A nonce carries its own end and a MAC under a key that is born and lost together with the set of consumed ones: when
that set is lost (a restart, a restore), every nonce from before is unknown, so nothing can be answered twice.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, Self, final

from sqlalchemy import Column, Float, LargeBinary, MetaData, String, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import Malformed, StoreUnavailable
from agentdid.limits import DEFAULT, Limits
from agentdid.storage.engine import create_store, open_store, reading, transaction

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

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
        self._taken: dict[tuple[str, str], datetime] = {}
        self._lock = Lock()

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return _issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return _check(self._key, nonce, at)

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume atomically; when full, new ones are "unavailable", and none is forgotten early."""
        with self._lock:
            if (audience, nonce) in self._taken:
                return "replayed"
            if len(self._taken) >= self._limits.max_nonces:
                self._taken = {key: until for key, until in self._taken.items() if until > at}
                if len(self._taken) >= self._limits.max_nonces:
                    return "unavailable"
            self._taken[audience, nonce] = keep_until
            return "taken"


_TABLES: Final = MetaData()
_SECRET: Final = Table("secret", _TABLES, Column("key", LargeBinary, primary_key=True))
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
        with reading(engine) as connection:
            self._key: bytes = connection.execute(select(_SECRET.c.key)).scalar_one()

    @classmethod
    def open(cls, path: Path, limits: Limits = DEFAULT) -> Self:
        """Return the store in a file, which is made if it is not there.

        Raises:
            StoreUnavailable, StoreVersionUnsupported: By the file.
        """
        if not path.exists():
            try:
                return cls(create_store(path, "nonces", _TABLES, _fill), limits)
            except StoreUnavailable:
                if not path.exists():
                    raise  # another process was quicker, or the folder is not ours
        return cls(open_store(path, "nonces"), limits)

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
        """Consume by one insert under a unique key: of any number of processes exactly one is told "taken"."""
        row = {"audience": audience, "nonce": nonce, "keep_until": keep_until.timestamp()}
        try:
            with transaction(self._engine) as connection:
                if not connection.execute(insert(_TAKEN).values(row).on_conflict_do_nothing()).rowcount:
                    return "replayed"
                connection.execute(delete(_TAKEN).where(_TAKEN.c.keep_until < at.timestamp()))
                count = connection.execute(select(func.count()).select_from(_TAKEN)).scalar_one()
                if count > self._limits.max_nonces:
                    connection.rollback()  # the insert too: what is not remembered was not taken
                    connection.exec_driver_sql("BEGIN")
                    return "unavailable"
        except StoreUnavailable:
            return "unavailable"
        return "taken"


def _fill(connection: Connection) -> None:
    connection.execute(insert(_SECRET).values(key=secrets.token_bytes(_KEY_BYTES)))


def _issue(key: bytes, at: datetime, limits: Limits) -> str:
    end = int((at + timedelta(seconds=limits.nonce_life_s)).timestamp())
    body = secrets.token_bytes(_RANDOM_BYTES) + end.to_bytes(_END_BYTES, "big")
    return encode_base64url(body + _mac(key, body))


def _check(key: bytes, nonce: str, at: datetime) -> str:
    try:
        raw = decode_base64url(nonce, max_bytes=256)
    except Malformed:
        return "unknown"
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(body) != _RANDOM_BYTES + _END_BYTES or not hmac.compare_digest(mac, _mac(key, body)):
        return "unknown"
    end = datetime.fromtimestamp(int.from_bytes(body[_RANDOM_BYTES:], "big"), UTC)
    return "ours" if at <= end else "expired"


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
