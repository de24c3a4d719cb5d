"""Who was issued what, which status entry it has, and what became of it.

An index is allotted by a keyed permutation over a counter: it looks random, so that it tells nobody in which order
credentials were issued, and it is unique by construction, whatever number of processes allot. A revocation is final:
nothing here takes one back, and a list that was published is never followed by an older one.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from sqlalchemy import (
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
    func,
    insert,
    select,
    text,
    update,
)

from agentdid.errors import CredentialExists, CredentialNotFound
from agentdid.limits import DEFAULT
from agentdid.record import Value
from agentdid.storage.engine import reading, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine, Row

LIST_SIZE: Final = DEFAULT.min_status_entries
_KEY_BYTES: Final = 32
_ROUNDS: Final = 6
_HALF_BITS: Final = 9  # two halves of nine bits hold 2^18 numbers; cycle walking keeps those below 2^17


def add_tables(tables: MetaData) -> tuple[Table, Table]:
    """Declare the ledger's tables: status lists and issued credentials."""
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
        # at most one open list a purpose: two processes that find a list full cannot both open the next
        Index("one_open_list", "purpose", unique=True, sqlite_where=text("is_open = 1")),
    )
    issued = Table(
        "issued",
        tables,
        Column("number", Integer, primary_key=True),
        Column("credential_id", String, nullable=False, unique=True),
        Column("subject", String, nullable=False, index=True),
        Column("list_id", String, ForeignKey("status_lists.list_id"), nullable=False),
        Column("list_index", Integer, nullable=False),
        Column("issued_at", Float, nullable=False),
        Column("valid_until", Float, nullable=False),
        Column("revoked_at", Float),
        Column("idempotency_key", String, unique=True),
        Column("request", LargeBinary, nullable=False),
        UniqueConstraint("list_id", "list_index"),
    )
    return lists, issued


_LISTS, _ISSUED = add_tables(MetaData())


@final
class Entry(Value, frozen=True):
    """One issued credential.

    Attributes:
        credential_id: Its `id`.
        subject: Whom it was issued to.
        list_id: Its status list.
        index: Its entry there.
        issued_at: When.
        valid_until: Until when.
        revoked_at: When it was revoked, or `None`.
    """

    credential_id: str
    subject: str
    list_id: str
    index: int
    issued_at: datetime
    valid_until: datetime
    revoked_at: datetime | None


@final
class StatusLedger:
    """The ledger in an issuer's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def allot(
        self,
        credential_id: str,
        subject: str,
        *,
        issued_at: datetime,
        valid_until: datetime,
        purpose: str = "revocation",
        idempotency_key: str | None = None,
        request: bytes = b"",
    ) -> Entry:
        """Return a fresh entry for a credential, burnt whether or not the credential is ever handed over.

        The same idempotency key with the same subject and request returns the entry it was first given (ATTACKS N19):
        its credential id and times, not those of the repetition, are what counts.

        Args:
            credential_id: The credential's `id`; nobody else's.
            subject: Whom it is issued to.
            issued_at: When.
            valid_until: Until when.
            purpose: Of the list.
            idempotency_key: The caller's name for this act of issuing.
            request: Digest of all that was asked for, so that the key is not reused for something else.

        Raises:
            CredentialExists: The credential id has an entry, or the key was used for another subject or request.
        """
        with transaction(self._engine) as connection:
            if idempotency_key is not None:
                known = connection.execute(select(_ISSUED).where(_ISSUED.c.idempotency_key == idempotency_key)).first()
                if known is not None:
                    if (known.subject, known.request) != (subject, request):
                        raise CredentialExists("the idempotency key was used for another subject or request")
                    return _entry(known)
            if connection.execute(select(_ISSUED.c.number).where(_ISSUED.c.credential_id == credential_id)).first():
                raise CredentialExists("a credential of this id was issued already")
            held = self._open_list(connection, purpose)
            index = permute(held.key, held.allotted)
            left = held.allotted + 1 < LIST_SIZE
            connection.execute(
                update(_LISTS)
                .where(_LISTS.c.list_id == held.list_id)
                .values(allotted=held.allotted + 1, is_open=int(left))
            )
            connection.execute(
                insert(_ISSUED).values(
                    credential_id=credential_id,
                    subject=subject,
                    list_id=held.list_id,
                    list_index=index,
                    issued_at=issued_at.timestamp(),
                    valid_until=valid_until.timestamp(),
                    idempotency_key=idempotency_key,
                    request=request,
                )
            )
        return Entry(credential_id, subject, held.list_id, index, issued_at, valid_until, None)

    def revoke(self, credential_id: str, *, at: datetime) -> bool:
        """Revoke for ever; return whether it was good until now.

        Raises:
            CredentialNotFound: No such credential was issued here.
        """
        with transaction(self._engine) as connection:
            row = connection.execute(select(_ISSUED).where(_ISSUED.c.credential_id == credential_id)).first()
            if row is None:
                raise CredentialNotFound("no credential of this id was issued here")
            if row.revoked_at is not None:
                return False
            connection.execute(update(_ISSUED).where(_ISSUED.c.number == row.number).values(revoked_at=at.timestamp()))
            connection.execute(
                update(_LISTS).where(_LISTS.c.list_id == row.list_id).values(version=_LISTS.c.version + 1)
            )
        return True

    def latest_end(self, begun: datetime, ceased: datetime) -> datetime | None:
        """Return when the last of the credentials issued in a span of time ends; `None` when none was."""
        issued = _ISSUED.c.issued_at.between(begun.timestamp(), ceased.timestamp())
        query = select(func.max(_ISSUED.c.valid_until)).where(issued & _ISSUED.c.revoked_at.is_(None))
        with reading(self._engine) as connection:
            end = connection.execute(query).scalar()
        return None if end is None else datetime.fromtimestamp(end, UTC)

    def find(self, credential_id: str) -> Entry:
        """Return what is known of a credential. Raises `CredentialNotFound`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(_ISSUED).where(_ISSUED.c.credential_id == credential_id)).first()
        if row is None:
            raise CredentialNotFound("no credential of this id was issued here")
        return _entry(row)

    def search(self, *, subject: str | None = None, limit: int = 100, offset: int = 0) -> list[Entry]:
        """Return issued credentials, newest first, of one subject or of all."""
        query = select(_ISSUED).order_by(_ISSUED.c.number.desc()).limit(limit).offset(offset)
        if subject is not None:
            query = query.where(_ISSUED.c.subject == subject)
        with reading(self._engine) as connection:
            return [_entry(row) for row in connection.execute(query)]

    def lists(self) -> list[str]:
        """Return the id of every list, sorted."""
        with reading(self._engine) as connection:
            return list(connection.execute(select(_LISTS.c.list_id).order_by(_LISTS.c.list_id)).scalars())

    def version(self, list_id: str) -> int:
        """Return a number that grows with every change of a list's bits. Raises `CredentialNotFound`."""
        with reading(self._engine) as connection:
            return int(self._list(connection, list_id).version)

    def bits(self, list_id: str) -> tuple[bytes, int]:
        """Return a list's bits, first index leftmost, and its version. Raises `CredentialNotFound`."""
        with reading(self._engine) as connection:
            version = int(self._list(connection, list_id).version)
            revoked = connection.execute(
                select(_ISSUED.c.list_index).where(_ISSUED.c.list_id == list_id, _ISSUED.c.revoked_at.is_not(None))
            ).scalars()
            bits = bytearray(LIST_SIZE // 8)
            for index in revoked:
                bits[index >> 3] |= 0x80 >> (index & 7)
        return bytes(bits), version

    def record_publication(
        self, list_id: str, version: int, at: datetime, write: Callable[[], None] | None = None
    ) -> bool:
        """Record that a list of this version, signed at `at`, is the published one; `False` if a newer one is.

        Of two processes the slower cannot overwrite what the faster published (ATTACKS P06), when each writes through
        `write`. The same list may be published any number of times.

        Args:
            list_id: Which list.
            version: What `bits` returned with the bits that were signed.
            at: The list's signed time. After a clock went back, sign at `published` time or later.
            write: Puts the list where it is read; runs alone among all processes, and only if `True` follows. What it
                raises is raised, and nothing is recorded.

        Raises:
            CredentialNotFound: No such list.
            ValueError: A version that the list never had.
        """
        with transaction(self._engine) as connection:
            row = self._list(connection, list_id)
            if not 1 <= version <= row.version:
                message = f"list versions are 1 to {row.version}, got {version}"
                raise ValueError(message)
            if version < row.published_version or at.timestamp() < row.published_at:
                return False
            connection.execute(
                update(_LISTS)
                .where(_LISTS.c.list_id == list_id)
                .values(published_version=version, published_at=at.timestamp())
            )
            if write is not None:
                write()
        return True

    def published(self, list_id: str) -> tuple[int, datetime | None]:
        """Return version and signed time of the newest published list; 0 and `None` before the first.

        Raises:
            CredentialNotFound: No such list.
        """
        with reading(self._engine) as connection:
            row = self._list(connection, list_id)
        if row.published_version == 0:
            return 0, None
        return int(row.published_version), datetime.fromtimestamp(row.published_at, UTC)

    @staticmethod
    def _list(connection: Connection, list_id: str) -> Row[Any]:
        row = connection.execute(select(_LISTS).where(_LISTS.c.list_id == list_id)).first()
        if row is None:
            raise CredentialNotFound("no status list of this id is kept here")
        return row

    @staticmethod
    def _open_list(connection: Connection, purpose: str) -> Row[Any]:
        query = select(_LISTS).where(_LISTS.c.purpose == purpose, _LISTS.c.is_open == 1)
        held = connection.execute(query).first()
        if held is None:
            connection.execute(
                insert(_LISTS).values(
                    list_id=secrets.token_urlsafe(9),
                    purpose=purpose,
                    key=secrets.token_bytes(_KEY_BYTES),
                    allotted=0,
                    version=1,
                    is_open=1,
                    published_version=0,
                    published_at=0.0,
                )
            )
            held = connection.execute(query).one()
        return held


def permute(key: bytes, number: int) -> int:
    """Return where a keyed permutation of 0..LIST_SIZE-1 puts `number`: a Feistel network with cycle walking."""
    value = number
    while True:
        left, right = value >> _HALF_BITS, value & ((1 << _HALF_BITS) - 1)
        for turn in range(_ROUNDS):
            digest = hmac.digest(key, bytes((turn,)) + right.to_bytes(2, "big"), "sha256")
            left, right = right, left ^ (int.from_bytes(digest[:2], "big") & ((1 << _HALF_BITS) - 1))
        value = left << _HALF_BITS | right
        if value < LIST_SIZE:
            return value


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        credential_id=row.credential_id,
        subject=row.subject,
        list_id=row.list_id,
        index=row.list_index,
        issued_at=datetime.fromtimestamp(row.issued_at, UTC),
        valid_until=datetime.fromtimestamp(row.valid_until, UTC),
        revoked_at=None if row.revoked_at is None else datetime.fromtimestamp(row.revoked_at, UTC),
    )
