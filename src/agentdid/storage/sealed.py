"""A store whose rows are sealed: the vault's header in the open, everything else under it. A file, or a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select

from agentdid.errors import StoreLocked, StoreUnavailable
from agentdid.storage.engine import create_store, open_store, reading
from agentdid.storage.postgres import is_database, open_database
from agentdid.storage.vault import Kdf, Vault, VaultHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine, Row


def header_table(tables: MetaData) -> Table:
    """Return the table of the vault's header, to be declared once in a sealed store's tables."""
    return Table(
        "vault",
        tables,
        Column("store_id", LargeBinary, primary_key=True),
        Column("salt", LargeBinary, nullable=False),
        Column("passes", Integer, nullable=False),
        Column("memory_bytes", Integer, nullable=False),
        Column("sealed_key", LargeBinary, nullable=False),
    )


_HEADER: Final = header_table(MetaData())


def create_sealed(
    path: str | Path,
    kind: str,
    tables: MetaData,
    passphrase: bytes,
    kdf: Kdf | None,
    fill: Callable[[Connection, Vault], None] | None = None,
) -> tuple[Engine, Vault]:
    """Return a new sealed store and its open vault; `tables` holds `header_table`.

    Args:
        path: A file that must not exist, or the URL of a PostgreSQL database that holds no store of this kind.
        kind: See `engine.create_store`.
        tables: See there.
        passphrase: Seals the vault.
        kdf: The cost of a passphrase guess.
        fill: Writes the first rows.

    Raises:
        StoreUnavailable: As `engine.create_store` and `postgres.open_database`.
    """
    vault, header = Vault.create(passphrase, kdf)
    made = False

    def write(connection: Connection) -> None:
        nonlocal made
        made = True
        connection.execute(
            insert(_HEADER).values(
                store_id=header.store_id,
                salt=header.salt,
                passes=header.kdf.passes,
                memory_bytes=header.kdf.memory_bytes,
                sealed_key=header.sealed_key,
            )
        )
        if fill is not None:
            fill(connection, vault)

    if not is_database(path):
        return create_store(path, kind, tables, write), vault
    engine = open_database(str(path), kind, tables, write)
    if not made:
        engine.dispose()
        raise StoreUnavailable("a store of this kind is in the database already")
    return engine, vault


def open_sealed(path: str | Path, kind: str, passphrase: bytes) -> tuple[Engine, Vault]:
    """Return an existing sealed store and its open vault.

    Raises:
        StoreLocked: Another passphrase.
        StoreUnavailable, StoreVersionUnsupported: As `engine.open_store` and `postgres.open_database`.
    """
    engine = open_database(str(path), kind, MetaData(), _absent) if is_database(path) else open_store(path, kind)
    try:
        with reading(engine) as connection:
            rows = connection.execute(select(_HEADER)).all()
        return engine, Vault.open(_read_header(rows), passphrase)
    except BaseException:
        engine.dispose()
        raise


def _absent(_connection: Connection) -> None:
    """End the transaction that would make a store where one was to be opened."""
    raise StoreUnavailable("no store of this kind is in the database")


def _read_header(rows: Sequence[Row[Any]]) -> VaultHeader:
    if len(rows) != 1:
        raise StoreUnavailable("expected one vault header")
    row = rows[0]
    try:
        # SQLite columns hold any type, whatever was declared
        if not all(isinstance(each, bytes) for each in (row.store_id, row.salt, row.sealed_key)):
            raise StoreLocked("the passphrase does not open this store")
        cost = Kdf(row.passes, row.memory_bytes)
    except (TypeError, ValueError):
        # a header that asks for nothing, or for all memory, was not written here
        raise StoreLocked("the passphrase does not open this store") from None
    return VaultHeader(row.store_id, row.salt, cost, row.sealed_key)
