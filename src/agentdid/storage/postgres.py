"""PostgreSQL databases, shared by any number of processes: one way to open one. `storage.engine` reads and writes.

* Each kind of store has a schema of its own (`agentdid_nonces`, …), so that several can live in one database.
* Statements, locks and connections have bounds: a database that does not answer is `store_unavailable`, soon.
* A forked process never uses its parent's connections.

Needs the extra `postgres`.
"""

from __future__ import annotations

import os
import re
import weakref
from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, insert, make_url, select, text
from sqlalchemy.exc import ArgumentError

from agentdid.errors import StoreUnavailable, StoreVersionUnsupported
from agentdid.storage.engine import SCHEMA_VERSION, STORE, STORE_TABLES, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import MetaData
    from sqlalchemy.engine import Connection, Engine

SCHEMES: Final = ("postgresql://", "postgresql+psycopg://")
_CONNECT_TIMEOUT_S: Final = 5
_STATEMENT_MS: Final = 5_000
_POOL: Final = 8
_MOST: Final = 32
_MAKING: Final = 7_268_013
"""The advisory lock under which tables are made; a number of our own."""
_KIND: Final = re.compile(r"[a-z]{1,32}")


def open_database(url: str, kind: str, tables: MetaData, fill: Callable[[Connection], None]) -> Engine:
    """Return the engine of a store in a PostgreSQL database; what is missing of it is made.

    Args:
        url: `postgresql+psycopg://…`; a password comes better from PGPASSFILE than from here.
        kind: What it is: `nonces`, `issuer`, ….
        tables: Its tables.
        fill: Writes its first rows, in the transaction that makes the tables.

    Raises:
        StoreUnavailable: The database does not answer, or the extra is missing.
        StoreVersionUnsupported: Written by a newer version; nothing was changed.
    """
    if _KIND.fullmatch(kind) is None:
        message = "a kind of store is one word of small letters"
        raise ValueError(message)
    schema = f"agentdid_{kind}"
    try:
        place = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(
            place,
            hide_parameters=True,
            pool_size=_POOL,
            max_overflow=_MOST - _POOL,
            pool_timeout=_CONNECT_TIMEOUT_S,
            pool_pre_ping=True,  # a server that was restarted costs no refusal
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": f"-c statement_timeout={_STATEMENT_MS} -c lock_timeout={_STATEMENT_MS} "
                f"-c idle_in_transaction_session_timeout={2 * _STATEMENT_MS} -c search_path={schema}",
            },
        )
    except ArgumentError:
        raise StoreUnavailable("expected a database URL such as postgresql+psycopg://host/name") from None
    except ModuleNotFoundError:
        raise StoreUnavailable("psycopg is missing; install it with: pip install 'agentdid[postgres]'") from None
    _guard_forks(engine)
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MAKING})
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        STORE_TABLES.create_all(connection)
        rows = connection.execute(select(STORE.c.kind, STORE.c.version)).all()
        if rows and rows[0].version > SCHEMA_VERSION:
            raise StoreVersionUnsupported(
                f"the store has version {rows[0].version}, this program knows {SCHEMA_VERSION}"
            )
        tables.create_all(connection)
        if not rows:
            connection.execute(insert(STORE).values(kind=kind, version=SCHEMA_VERSION))
            fill(connection)
    return engine


def is_database(place: object) -> bool:
    """Whether a place is the URL of a PostgreSQL database."""
    return isinstance(place, str) and place.startswith(SCHEMES)


def _guard_forks(engine: Engine) -> None:
    held = weakref.ref(engine)

    def forget() -> None:
        mine = held()
        if mine is not None:
            mine.dispose(close=False)  # the parent's sockets stay the parent's

    os.register_at_fork(after_in_child=forget)
