"""The ledger's tables, and the values that its rows are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.schema import CreateColumn, CreateIndex

from agentdid.record import Value
from agentdid.storage.engine import reading, transaction

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine, Row

REVOCATION: Final = "revocation"
SUSPENSION: Final = "suspension"
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts by itself only what is an INTEGER


def add_tables(tables: MetaData) -> tuple[Table, Table, Table]:
    """Declare status lists, issued credentials and the history of their changes."""
    lists = Table(
        "status_lists",
        tables,
        Column("list_id", String, primary_key=True),
        Column("purpose", String, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("allotted", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("is_open", Integer, nullable=False),
        Column("published_version", Integer, nullable=False),
        Column("published_at", Float, nullable=False),
        Column("in_tokens", Integer),  # whether tokens refer to it, so that its token forms are published
        # at most one open list a purpose: two processes that find a list full cannot both open the next
        Index(
            "one_open_list", "purpose", unique=True,
            sqlite_where=text("is_open = 1"), postgresql_where=text("is_open = 1"),
        ),
    )  # fmt: skip
    issued = Table(
        "issued",
        tables,
        Column("number", _NUMBER, primary_key=True),
        Column("credential_id", String, nullable=False, unique=True),
        Column("subject", String, nullable=False, index=True),
        Column("list_id", String, ForeignKey("status_lists.list_id"), nullable=False),
        Column("list_index", Integer, nullable=False),
        Column("issued_at", Float, nullable=False),
        Column("valid_until", Float, nullable=False),
        Column("revoked_at", Float),
        Column("idempotency_key", String, unique=True),
        Column("request", LargeBinary, nullable=False),
        Column("suspension_list", String, ForeignKey("status_lists.list_id")),
        Column("suspension_index", Integer),
        Column("suspended_at", Float),
        Column("key_id", String, index=True),
        Column("sealed", LargeBinary),
        UniqueConstraint("list_id", "list_index"),
        Index("one_suspension", "suspension_list", "suspension_index", unique=True),
        Index(
            "revoked_of", "list_id", "list_index",
            sqlite_where=text("revoked_at IS NOT NULL"), postgresql_where=text("revoked_at IS NOT NULL"),
        ),
        Index(
            "suspended_of", "suspension_list", "suspension_index",
            sqlite_where=text("suspended_at IS NOT NULL"), postgresql_where=text("suspended_at IS NOT NULL"),
        ),
    )  # fmt: skip
    changes = Table(
        "status_changes",
        tables,
        Column("number", _NUMBER, primary_key=True),
        Column("issued", _NUMBER, ForeignKey("issued.number"), nullable=False, index=True),
        Column("act", String, nullable=False),
        Column("at", Float, nullable=False),
        Column("reason", String),
    )
    return lists, issued, changes


_TABLES: Final = MetaData()
LISTS, ISSUED, CHANGES = add_tables(_TABLES)


@final
class Place(Value, frozen=True):
    """An entry of a list."""

    list_id: str
    index: int


@final
class KeptList(Value, frozen=True):
    """A status list: what its bits say, its version, and whether tokens refer to it."""

    list_id: str
    purpose: str
    version: int
    in_tokens: bool


@final
class Entry(Value, frozen=True):
    """One issued credential.

    Attributes:
        number: Its place in the order of issue, by which pages go on.
        credential_id: Its `id`.
        subject: Whom it was issued to.
        list_id: The list that says whether it is revoked.
        index: Its entry there.
        suspension: Its entry in the list that says whether it is suspended; `None` where it cannot be.
        issued_at: When.
        valid_until: Until when.
        key_id: The verification method that signs it; empty where that was not kept.
        revoked_at: When it was revoked, or `None`.
        suspended_at: Since when it is suspended, or `None`.
    """

    number: int
    credential_id: str
    subject: str
    list_id: str
    index: int
    suspension: Place | None
    issued_at: datetime
    valid_until: datetime
    key_id: str
    revoked_at: datetime | None
    suspended_at: datetime | None

    @property
    def state(self) -> str:
        """`revoked`, `suspended` or `good`."""
        if self.revoked_at is not None:
            return "revoked"
        return "good" if self.suspended_at is None else "suspended"


@final
class Change(Value, frozen=True):
    """One act upon a credential: `revoke`, `suspend` or `reinstate`, when, and why if anybody said."""

    act: str
    at: datetime
    reason: str | None


def read_entry(row: Row[Any]) -> Entry:
    """Return a row of the issued credentials as a value."""
    suspension = None if row.suspension_list is None else Place(row.suspension_list, row.suspension_index)
    return Entry(
        row.number, row.credential_id, row.subject, row.list_id, row.list_index, suspension,
        datetime.fromtimestamp(row.issued_at, UTC), datetime.fromtimestamp(row.valid_until, UTC), row.key_id or "",
        _instant(row.revoked_at), _instant(row.suspended_at),
    )  # fmt: skip


def complete_tables(engine: Engine) -> None:
    """Add to an older store what its tables lack; nothing that is there is changed."""
    with reading(engine) as connection:
        if not _lacking(connection):
            return
    with transaction(engine) as connection:
        for table, column in _lacking(connection):  # asked again: another process may have been first
            if column is None:
                table.create(connection)
            else:
                written = CreateColumn(column).compile(dialect=engine.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {written}")
        for index in [each for table in _TABLES.sorted_tables for each in table.indexes]:
            connection.execute(CreateIndex(index, if_not_exists=True))


def _lacking(connection: Connection) -> list[tuple[Table, Column[Any] | None]]:
    """Tables, and columns of tables, that are not there."""
    found = inspect(connection)
    there = {name: {each["name"] for each in found.get_columns(name)} for name in found.get_table_names()}
    lacking: list[tuple[Table, Column[Any] | None]] = []
    for table in _TABLES.sorted_tables:
        if table.name not in there:
            lacking.append((table, None))
        else:
            lacking += [(table, column) for column in table.columns if column.name not in there[table.name]]
    return lacking


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
