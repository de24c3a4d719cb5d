"""Who was issued what, which status entries it has, and what became of it.

An index is allotted by a keyed permutation over a counter: it looks random, so that it tells nobody in which order
credentials were issued, and it is unique by construction, whatever number of processes allot. An allotted index is
burnt, whatever becomes of its credential. A revocation is final: nothing here takes one back, and a list that was
published is never followed by an older one.

In SQLite the write lock of the file puts all writers in a row; in PostgreSQL what is changed is locked, lists before
credentials and in the order of their ids, so that writers wait for each other only where they meet.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, final

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from agentdid.errors import CredentialExists, CredentialNotFound, CredentialNotSuspendable, RevocationFinal
from agentdid.issuer.ledger_tables import (
    CHANGES,
    ISSUED,
    LISTS,
    REVOCATION,
    SUSPENSION,
    Change,
    Entry,
    KeptList,
    Place,
    complete_tables,
    read_entry,
)
from agentdid.issuer.permutation import KEY_BYTES, LIST_SIZE, permute
from agentdid.record import Value
from agentdid.storage.engine import reading, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Engine, Row

_MAX_NUMBER: Final = (1 << 63) - 1  # what databases count to
_PAGE: Final = 1_000
_ROWS_A_STATEMENT: Final = 500


@final
class Wanted(Value, frozen=True):
    """One credential that needs its place.

    Attributes:
        credential_id: Its `id`; nobody else's.
        subject: Whom it is issued to.
        issued_at: When.
        valid_until: Until when.
        suspendable: Whether it gets an entry in a list of suspensions, too.
        key_id: The verification method that will sign it.
        idempotency_key: The caller's name for this act of issuing.
        request: Digest of all that was asked for, so that the key is not reused for something else.
        in_token: Whether its `status` claim refers to the token form of the list of revocations.
    """

    credential_id: str
    subject: str
    issued_at: datetime
    valid_until: datetime
    suspendable: bool = False
    key_id: str = ""
    idempotency_key: str | None = None
    request: bytes = b""
    in_token: bool = False


@final
class Which(Value, frozen=True):
    """Which credentials are meant: those for which everything that is set holds.

    Attributes:
        subject: Whom they were issued to.
        key_id: What signed them.
        issued_from: Issued then or later.
        issued_until: Issued then or before.
        state: `good`, `suspended` or `revoked`.
        credential_ids: Of these only.
    """

    subject: str | None = None
    key_id: str | None = None
    issued_from: datetime | None = None
    issued_until: datetime | None = None
    state: str | None = None
    credential_ids: tuple[str, ...] | None = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return the conditions. Raises `ValueError` for a state that is none."""
        columns = ISSUED.c
        found: list[ColumnElement[bool]] = []
        if self.subject is not None:
            found.append(columns.subject == self.subject)
        if self.key_id is not None:
            found.append(columns.key_id == self.key_id)
        if self.issued_from is not None:
            found.append(columns.issued_at >= self.issued_from.timestamp())
        if self.issued_until is not None:
            found.append(columns.issued_at <= self.issued_until.timestamp())
        if self.credential_ids is not None:
            found.append(columns.credential_id.in_(self.credential_ids))
        if self.state is not None:
            if self.state not in _STATES:
                message = f"a state is one of {', '.join(_STATES)}"
                raise ValueError(message)
            found += [(column.is_not(None) if is_set else column.is_(None)) for column, is_set in _STATES[self.state]]
        return found


_STATES: Final[dict[str, tuple[tuple[Any, bool], ...]]] = {
    "good": ((ISSUED.c.revoked_at, False), (ISSUED.c.suspended_at, False)),
    "suspended": ((ISSUED.c.revoked_at, False), (ISSUED.c.suspended_at, True)),
    "revoked": ((ISSUED.c.revoked_at, True),),
}


@final
class StatusLedger:
    """The ledger in an issuer's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[_Ticket] = []
        self._queue = Lock()
        self._turn = Lock()
        complete_tables(engine)

    def allot(
        self,
        credential_id: str,
        subject: str,
        *,
        issued_at: datetime,
        valid_until: datetime,
        suspendable: bool = False,
        key_id: str = "",
        idempotency_key: str | None = None,
        request: bytes = b"",
    ) -> Entry:
        """Return a fresh entry for a credential, burnt whether or not the credential is ever handed over.

        The same idempotency key with the same subject and request returns the entry it was first given (ATTACKS N19):
        its credential id and times, not those of the repetition, are what counts.

        Args:
            credential_id: As in `Wanted`, and so are the others.
            subject: See `Wanted`.
            issued_at: See `Wanted`.
            valid_until: See `Wanted`.
            suspendable: See `Wanted`.
            key_id: See `Wanted`.
            idempotency_key: See `Wanted`.
            request: See `Wanted`.

        Raises:
            CredentialExists: The credential id has an entry, or the key was used for another subject or request.
        """
        wanted = Wanted(credential_id, subject, issued_at, valid_until, suspendable, key_id, idempotency_key, request)
        return self.allot_wanted(wanted)

    def allot_wanted(self, wanted: Wanted) -> Entry:
        """As `allot`; threads that come at once share a commit."""
        ticket = _Ticket(wanted)
        with self._queue:
            self._waiting.append(ticket)
        # A commit takes as long as the disk does. Threads that come meanwhile wait, and then share the next one.
        with self._turn:
            while ticket.entry is None and ticket.error is None:
                with self._queue:
                    together, self._waiting = self._waiting[:_ROWS_A_STATEMENT], self._waiting[_ROWS_A_STATEMENT:]
                self._serve(together)
        if ticket.error is not None:
            raise ticket.error
        return ticket.entry  # type: ignore[return-value]  # one of the two is there

    def _serve(self, tickets: Sequence[_Ticket]) -> None:
        try:
            for ticket, entry in zip(tickets, self.allot_many([each.wanted for each in tickets]), strict=True):
                ticket.entry = entry
        except BaseException as error:
            if len(tickets) == 1 or not isinstance(error, CredentialExists):
                for ticket in tickets:
                    ticket.error = error
                if not isinstance(error, Exception):
                    raise
                return
            for ticket in tickets:  # one of them was refused, and the others have nothing to do with it
                self._serve([ticket])

    def allot_many(self, wanted: Sequence[Wanted]) -> list[Entry]:
        """Return fresh entries, all in one transaction: all of them or none. Raises as `allot`."""
        if not wanted:
            return []
        with transaction(self._engine) as connection:
            # The open lists are locked first: whoever used the same idempotency key has then committed, or not begun.
            places = _Places(connection, REVOCATION)
            suspensions = _Places(connection, SUSPENSION) if any(each.suspendable for each in wanted) else None
            known = self._known(connection, wanted)
            fresh = [each for each in wanted if each.idempotency_key is None or each.idempotency_key not in known]
            rows = []
            for each in fresh:
                place = places.take(in_token=each.in_token)
                suspension = suspensions.take() if suspensions is not None and each.suspendable else None
                rows.append(_row(each, place, suspension))
            for taken in (places, suspensions):
                if taken is not None:
                    taken.store()
            made = _insert(connection, rows)
        return [known.get(each.idempotency_key or "") or made[each.credential_id] for each in wanted]

    def find_key(self, idempotency_key: str) -> tuple[Entry, bytes, bytes | None] | None:
        """Return what an idempotency key named first: the entry, the request's digest, and what was kept for it."""
        query = select(ISSUED).where(ISSUED.c.idempotency_key == idempotency_key)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else (read_entry(row), bytes(row.request), row.sealed)

    def keep(self, credential_id: str, sealed: bytes) -> bytes:
        """Keep a credential, sealed, with its entry, and return what is kept: of two that come at once, the first."""
        this = ISSUED.c.credential_id == credential_id
        with transaction(self._engine) as connection:
            connection.execute(update(ISSUED).where(this, ISSUED.c.sealed.is_(None)).values(sealed=sealed))
            return bytes(connection.execute(select(ISSUED.c.sealed).where(this)).scalar_one())

    def forget(self, before: datetime) -> int:
        """Let go of the credentials kept for idempotency keys of issues before an instant; return how many."""
        old = (ISSUED.c.issued_at < before.timestamp(), ISSUED.c.sealed.is_not(None))
        with transaction(self._engine) as connection:
            return connection.execute(update(ISSUED).where(*old).values(sealed=None)).rowcount

    def revoke(self, credential_id: str, *, at: datetime, reason: str | None = None) -> bool:
        """Revoke for ever; return whether it was not revoked until now.

        Raises:
            CredentialNotFound: No such credential was issued here.
        """
        return self._change(credential_id, "revoke", at, reason)

    def suspend(self, credential_id: str, *, at: datetime, reason: str | None = None) -> bool:
        """Suspend until `reinstate`; return whether it was not suspended until now.

        Raises:
            CredentialNotFound: No such credential was issued here.
            RevocationFinal: It is revoked.
            CredentialNotSuspendable: It was issued without an entry that could say so.
        """
        return self._change(credential_id, "suspend", at, reason)

    def reinstate(self, credential_id: str, *, at: datetime, reason: str | None = None) -> bool:
        """End a suspension; return whether there was one. Raises as `suspend` (ATTACKS K25)."""
        return self._change(credential_id, "reinstate", at, reason)

    def change_all(self, act: str, which: Which, *, at: datetime, reason: str | None = None) -> int:
        """Revoke, suspend or reinstate all that is meant, at once; return how many were changed by it.

        What is revoked is not suspended or reinstated, and what cannot be suspended is not: it is passed over.

        Args:
            act: `revoke`, `suspend` or `reinstate`.
            which: Whose: with nothing set, all.
            at: When.
            reason: For the history.
        """
        column, value, purpose = _ACTS[act]
        list_column = ISSUED.c.list_id if purpose == REVOCATION else ISSUED.c.suspension_list
        met = [*which.clauses(), *_changeable(act)]
        with transaction(self._engine) as connection:
            _give_time(connection)
            # a suspension shows in both: in its own list, and as a value in the token form of the other
            touched = connection.execute(select(ISSUED.c.list_id, list_column).where(*met).distinct()).all()
            _lock_lists(connection, {each for row in touched for each in row})
            change = update(ISSUED).where(*met).values({column: at.timestamp() if value else None})
            changed = connection.execute(change.returning(ISSUED.c.number, ISSUED.c.list_id, list_column)).all()
            _bump(connection, {each for row in changed for each in row[1:]})
            _note(connection, [row[0] for row in changed], act, at, reason)
        return len(changed)

    def history(self, credential_id: str) -> list[Change]:
        """Return what was done to a credential, the oldest first. Raises `CredentialNotFound`."""
        number = self.find(credential_id).number
        query = select(CHANGES).where(CHANGES.c.issued == number).order_by(CHANGES.c.number)
        with reading(self._engine) as connection:
            return [
                Change(row.act, datetime.fromtimestamp(row.at, UTC), row.reason) for row in connection.execute(query)
            ]

    def latest_end(self, begun: datetime, ceased: datetime) -> datetime | None:
        """Return when the last of the credentials issued in a span of time ends; `None` when none was."""
        issued = ISSUED.c.issued_at.between(begun.timestamp(), ceased.timestamp())
        query = select(func.max(ISSUED.c.valid_until)).where(issued & ISSUED.c.revoked_at.is_(None))
        with reading(self._engine) as connection:
            end = connection.execute(query).scalar()
        return None if end is None else datetime.fromtimestamp(end, UTC)

    def find(self, credential_id: str) -> Entry:
        """Return what is known of a credential. Raises `CredentialNotFound`."""
        with reading(self._engine) as connection:
            return read_entry(_find(connection, credential_id))

    def search(
        self,
        *,
        subject: str | None = None,
        which: Which | None = None,
        before: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Entry]:
        """Return issued credentials, newest first.

        Args:
            subject: Of this one only.
            which: Of these only.
            before: Those whose `number` is smaller: the last one of a page gives the next page, at the same cost.
            limit: How many.
            offset: How many are passed over first.
        """
        query = select(ISSUED).order_by(ISSUED.c.number.desc()).limit(limit).offset(offset)
        query = query.where(*(which or Which()).clauses(), *Which(subject=subject).clauses())
        if before is not None:
            query = query.where(ISSUED.c.number < max(0, min(before, _MAX_NUMBER)))
        with reading(self._engine) as connection:
            return [read_entry(row) for row in connection.execute(query)]

    def walk(self, which: Which | None = None) -> Iterator[Entry]:
        """Yield issued credentials, newest first, a page at a time: memory does not grow with their number."""
        before: int | None = None
        while page := self.search(which=which, before=before, limit=_PAGE):
            yield from page
            before = page[-1].number

    def count(self, which: Which | None = None) -> int:
        """Return how many credentials are meant."""
        query = select(func.count()).select_from(ISSUED).where(*(which or Which()).clauses())
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def lists(self) -> list[str]:
        """Return the id of every list, sorted."""
        with reading(self._engine) as connection:
            return list(connection.execute(select(LISTS.c.list_id).order_by(LISTS.c.list_id)).scalars())

    def kept(self) -> list[KeptList]:
        """Return what is known of every list, sorted by id."""
        query = select(LISTS).order_by(LISTS.c.list_id)
        with reading(self._engine) as connection:
            return [
                KeptList(row.list_id, row.purpose, row.version, bool(row.in_tokens))
                for row in connection.execute(query)
            ]

    def version(self, list_id: str) -> int:
        """Return a number that grows with every change of a list's bits. Raises `CredentialNotFound`."""
        with reading(self._engine) as connection:
            return int(_list(connection, list_id).version)

    def purpose(self, list_id: str) -> str:
        """Return what a list's bits say: `revocation` or `suspension`. Raises `CredentialNotFound`."""
        with reading(self._engine) as connection:
            return str(_list(connection, list_id).purpose)

    def bits(self, list_id: str) -> tuple[bytes, int]:
        """Return a list's bits, first index leftmost, and its version. Raises `CredentialNotFound`."""
        columns = ISSUED.c
        with reading(self._engine) as connection:
            # the version first: should a change come in between, the bits are newer than it says, and never older
            held = _list(connection, list_id)
            query = select(columns.list_index).where(columns.list_id == list_id, columns.revoked_at.is_not(None))
            if held.purpose == SUSPENSION:
                query = select(columns.suspension_index).where(
                    columns.suspension_list == list_id, columns.suspended_at.is_not(None)
                )
            bits = bytearray(LIST_SIZE // 8)
            for index in connection.execute(query).scalars():
                bits[index >> 3] |= 0x80 >> (index & 7)
        return bytes(bits), int(held.version)

    def states(self, list_id: str, purpose: str, index: int) -> tuple[bool, bool]:
        """Return whether what stands at an entry of a list is revoked, and whether it is suspended.

        An entry that nobody was given is neither, so that asking does not tell which those are.
        """
        columns = ISSUED.c
        here = (columns.list_id == list_id) & (columns.list_index == index)
        if purpose == SUSPENSION:
            here = (columns.suspension_list == list_id) & (columns.suspension_index == index)
        query = select(columns.revoked_at, columns.suspended_at).where(here)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return (False, False) if row is None else (row.revoked_at is not None, row.suspended_at is not None)

    def token_octets(self, list_id: str) -> tuple[bytes, int]:
        """Return what a token status list says of a revocation list's credentials, and the list's version.

        The same entries, in two bits each, the first in the least significant ones: 0 good, 1 revoked, 2 suspended.

        Raises:
            CredentialNotFound: No such list.
        """
        columns = ISSUED.c
        of_list = select(columns.list_index).where(columns.list_id == list_id)
        suspended = of_list.where(columns.suspended_at.is_not(None), columns.revoked_at.is_(None))
        octets = bytearray(LIST_SIZE // 4)
        with reading(self._engine) as connection:
            version = int(_list(connection, list_id).version)  # first, as in `bits`
            for value, query in ((1, of_list.where(columns.revoked_at.is_not(None))), (2, suspended)):
                for index in connection.execute(query).scalars():
                    place = 2 * (index & 3)
                    # what was suspended, then revoked, between the two queries is revoked
                    if not octets[index >> 2] >> place & 3:
                        octets[index >> 2] |= value << place
        return bytes(octets), version

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
            row = _list(connection, list_id, lock=True)
            if not 1 <= version <= row.version:
                message = f"list versions are 1 to {row.version}, got {version}"
                raise ValueError(message)
            if version < row.published_version or at.timestamp() < row.published_at:
                return False
            connection.execute(
                update(LISTS)
                .where(LISTS.c.list_id == list_id)
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
            row = _list(connection, list_id)
        if row.published_version == 0:
            return 0, None
        return int(row.published_version), datetime.fromtimestamp(row.published_at, UTC)

    def _change(self, credential_id: str, act: str, at: datetime, reason: str | None) -> bool:
        column, value, purpose = _ACTS[act]
        with transaction(self._engine) as connection:
            row = _find(connection, credential_id)
            list_id = row.list_id if purpose == REVOCATION else row.suspension_list
            if list_id is not None:
                _lock_lists(connection, {list_id, row.list_id})
                row = _find(connection, credential_id, lock=True)
            if purpose == SUSPENSION:
                if row.revoked_at is not None:
                    raise RevocationFinal("the credential is revoked, for ever")
                if row.suspension_list is None:
                    raise CredentialNotSuspendable("the credential was issued without an entry for suspension")
            if (getattr(row, column) is not None) == value:
                return False
            this = ISSUED.c.number == row.number
            connection.execute(update(ISSUED).where(this).values({column: at.timestamp() if value else None}))
            _bump(connection, {list_id, row.list_id})
            _note(connection, [row.number], act, at, reason)
        return True

    @staticmethod
    def _known(connection: Connection, wanted: Sequence[Wanted]) -> dict[str, Entry]:
        asked = {each.idempotency_key: each for each in wanted if each.idempotency_key is not None}
        known = {}
        if asked:
            for row in connection.execute(select(ISSUED).where(ISSUED.c.idempotency_key.in_(asked))):
                each = asked[row.idempotency_key]
                if (row.subject, bytes(row.request)) != (each.subject, each.request):
                    raise CredentialExists("the idempotency key was used for another subject or request")
                known[row.idempotency_key] = read_entry(row)
        return known


@final
class _Ticket:
    """A thread's wish, and what became of it."""

    __slots__ = ("entry", "error", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.entry: Entry | None = None
        self.error: BaseException | None = None


# what an act writes: column, whether it sets it, and whose list says so
_ACTS: Final = {
    "revoke": ("revoked_at", True, REVOCATION),
    "suspend": ("suspended_at", True, SUSPENSION),
    "reinstate": ("suspended_at", False, SUSPENSION),
}


def _changeable(act: str) -> list[ColumnElement[bool]]:
    if act == "revoke":
        return [ISSUED.c.revoked_at.is_(None)]
    there = ISSUED.c.suspended_at.is_(None) if act == "suspend" else ISSUED.c.suspended_at.is_not(None)
    return [ISSUED.c.revoked_at.is_(None), ISSUED.c.suspension_list.is_not(None), there]


@final
class _Places:
    """The open list of a purpose, locked, and how far it is allotted."""

    def __init__(self, connection: Connection, purpose: str) -> None:
        self._connection = connection
        self._purpose = purpose
        self._held = _open_list(connection, purpose)
        self._allotted = int(self._held.allotted)
        self._in_tokens = bool(self._held.in_tokens)

    def take(self, *, in_token: bool = False) -> Place:
        """Return the next place, in the next list where this one is full."""
        if self._allotted == LIST_SIZE:
            self.store()
            self._held = _open_list(self._connection, self._purpose)
            self._allotted = int(self._held.allotted)
            self._in_tokens = bool(self._held.in_tokens)
        self._in_tokens = self._in_tokens or in_token
        place = Place(self._held.list_id, permute(self._held.key, self._allotted))
        self._allotted += 1
        return place

    def store(self) -> None:
        """Write how far it is allotted; a full list is closed."""
        self._connection.execute(
            update(LISTS)
            .where(LISTS.c.list_id == self._held.list_id)
            .values(allotted=self._allotted, is_open=int(self._allotted < LIST_SIZE), in_tokens=int(self._in_tokens))
        )


def _open_list(connection: Connection, purpose: str) -> Row[Any]:
    query = select(LISTS).where(LISTS.c.purpose == purpose, LISTS.c.is_open == 1).with_for_update()
    held = connection.execute(query).first()
    while held is None:
        # whoever else opens one at the same time is waited for, and its list is the one (ATTACKS P08)
        write = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        row = {
            "list_id": secrets.token_urlsafe(9), "purpose": purpose, "key": secrets.token_bytes(KEY_BYTES),
            "allotted": 0, "version": 1, "is_open": 1, "published_version": 0, "published_at": 0.0,
        }  # fmt: skip
        connection.execute(write(LISTS).values(row).on_conflict_do_nothing())
        held = connection.execute(query).first()
    return held


def _row(wanted: Wanted, place: Place, suspension: Place | None) -> dict[str, Any]:
    return {
        "credential_id": wanted.credential_id,
        "subject": wanted.subject,
        "list_id": place.list_id,
        "list_index": place.index,
        "issued_at": wanted.issued_at.timestamp(),
        "valid_until": wanted.valid_until.timestamp(),
        "idempotency_key": wanted.idempotency_key,
        "request": wanted.request,
        "suspension_list": None if suspension is None else suspension.list_id,
        "suspension_index": None if suspension is None else suspension.index,
        "key_id": wanted.key_id,
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, Entry]:
    """Write rows of issued credentials; return them by credential id. Raises `CredentialExists`."""
    made = {}
    returning = insert(ISSUED).returning(*ISSUED.c)
    try:
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            for row in connection.execute(returning, rows[start : start + _ROWS_A_STATEMENT]):
                made[row.credential_id] = read_entry(row)
    except IntegrityError:
        raise CredentialExists("a credential of this id was issued already, or an id or key stands twice") from None
    return made


def _find(connection: Connection, credential_id: str, *, lock: bool = False) -> Row[Any]:
    query = select(ISSUED).where(ISSUED.c.credential_id == credential_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise CredentialNotFound("no credential of this id was issued here")
    return row


def _list(connection: Connection, list_id: str, *, lock: bool = False) -> Row[Any]:
    query = select(LISTS).where(LISTS.c.list_id == list_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise CredentialNotFound("no status list of this id is kept here")
    return row


def _lock_lists(connection: Connection, list_ids: set[str]) -> None:
    """Lock lists in one order, so that no two wait for each other."""
    connection.execute(
        select(LISTS.c.list_id).where(LISTS.c.list_id.in_(list_ids)).order_by(LISTS.c.list_id).with_for_update()
    ).all()


def _bump(connection: Connection, list_ids: set[str]) -> None:
    if list_ids:
        connection.execute(update(LISTS).where(LISTS.c.list_id.in_(list_ids)).values(version=LISTS.c.version + 1))


def _note(connection: Connection, numbers: Sequence[int], act: str, at: datetime, reason: str | None) -> None:
    for start in range(0, len(numbers), _ROWS_A_STATEMENT):
        connection.execute(
            insert(CHANGES),
            [
                {"issued": number, "act": act, "at": at.timestamp(), "reason": reason}
                for number in numbers[start : start + _ROWS_A_STATEMENT]
            ],
        )


def _give_time(connection: Connection) -> None:
    """Let an act on a million credentials take its time."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
