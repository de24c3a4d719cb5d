"""SQLite files that lose nothing: one engine, one way to write, one way to read (`storage.postgres`: databases).

* DELETE journal with synchronous=FULL. SQLite before 3.51.3 can lose commits of two processes in WAL mode: a file that
  somebody switched to WAL is refused, not switched back.
* A write transaction takes the write lock at its beginning, so that it never reads what it then cannot change.
* The file is the owner's alone (0600), and so is a folder that is made for it (0700).
* Every file says what kind of store it is and by which version it was written; a newer one is left untouched.
* An open store whose file vanished is gone: no empty one is made in its place.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Column, Integer, MetaData, String, Table, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from agentdid.errors import StoreUnavailable, StoreVersionUnsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine

SCHEMA_VERSION: Final = 1
_BUSY_TIMEOUT_S: Final = 10.0
_OWNER_ONLY: Final = stat.S_IRUSR | stat.S_IWUSR
_FOLDER_MODE: Final = stat.S_IRWXU

STORE_TABLES: Final = MetaData()
STORE: Final = Table(
    "store",
    STORE_TABLES,
    Column("kind", String, primary_key=True),
    Column("version", Integer, nullable=False),
)


def create_store(path: str | Path, kind: str, tables: MetaData, fill: Callable[[Connection], None]) -> Engine:
    """Return the engine of a new store file, which appears whole or not at all.

    Args:
        path: Must not exist; a missing folder is made.
        kind: What it is: `wallet`, `issuer`, `nonces`.
        tables: Its tables.
        fill: Writes its first rows, in the transaction that makes the tables.

    Raises:
        StoreUnavailable: The file exists or cannot be made.
    """
    place = Path(path).absolute()
    making = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        # made by us and for us alone, before anything is in it
        os.close(os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
        engine = _engine(making)
        with transaction(engine) as connection:
            STORE_TABLES.create_all(connection)
            tables.create_all(connection)
            connection.execute(insert(STORE).values(kind=kind, version=SCHEMA_VERSION))
            fill(connection)
        engine.dispose()
        os.link(making, place)  # fails where a file is, unlike a rename
        _keep_name(place.parent)
    except FileExistsError:
        raise StoreUnavailable("a store is made in a new file, and this one exists") from None
    except OSError as error:
        raise StoreUnavailable(f"the file cannot be made ({error.strerror})") from None
    finally:
        with suppress(OSError):  # it was never made where its folder is none
            making.unlink()
    return _engine(place)


def open_store(path: str | Path, kind: str) -> Engine:
    """Return the engine of an existing store file, its mode tightened to 0600.

    Raises:
        StoreUnavailable: No such file, not a store, or a store of another kind.
        StoreVersionUnsupported: Written by a newer version; nothing was changed.
    """
    place = Path(path).absolute()
    try:
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & ~_OWNER_ONLY:
            place.chmod(_OWNER_ONLY)
    except OSError as error:
        raise StoreUnavailable(f"the file cannot be opened ({error.strerror})") from None
    engine = _engine(place)
    with reading(engine) as connection:
        rows = connection.execute(select(STORE.c.kind, STORE.c.version)).all()
    # SQLite columns hold any type, whatever was declared
    if len(rows) != 1 or rows[0].kind != kind or not isinstance(rows[0].version, int) or rows[0].version < 1:
        engine.dispose()
        raise StoreUnavailable(f"expected a store of the kind {kind}")
    if rows[0].version > SCHEMA_VERSION:
        engine.dispose()
        raise StoreVersionUnsupported(f"the store has version {rows[0].version}, this program knows {SCHEMA_VERSION}")
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Write: all of the block or nothing of it. Raises `StoreUnavailable` for what the database cannot do."""
    if engine.dialect.name != "sqlite":
        with _named_errors(), engine.begin() as connection:
            yield connection
        return
    with _named_errors(), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Read one consistent state. Raises `StoreUnavailable` for what the database cannot do."""
    with _named_errors(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield connection
        connection.rollback()


def _engine(place: Path) -> Engine:
    # a URI, so that opening never makes a file; quoted, so that no character of a path is read as anything else
    database = f"file:{quote(os.fsencode(place))}"
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=database, query={"mode": "rw", "uri": "true"}),
        hide_parameters=True,  # what is stored does not show up in tracebacks
        poolclass=NullPool,  # a connection a transaction: no lock or descriptor outlives its use, forks share nothing
        # isolation_level None: BEGIN and COMMIT are ours alone
        connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own connection
    cursor = connection.cursor()
    # asked, not set: setting it would convert, that is write to, a file that we may have to leave untouched
    (journal,) = cursor.execute("PRAGMA journal_mode").fetchone()
    if journal != "delete":
        connection.close()
        raise StoreUnavailable(f"expected the journal mode delete, found {journal}")
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "trusted_schema=OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _keep_name(folder: Path) -> None:
    """Have the folder's new entry on disk, as its content is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailable(f"the database did not answer ({type(error.orig).__name__})") from error
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the database could not be used ({type(error).__name__})") from error
