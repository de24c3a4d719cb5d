"""What must not be taken back, by DID: in memory, or in one SQLite file that every process shares.

It is the highest version seen of each did:webvh, the highest sequence of each trust list (`verify.trust_list`), and
whether a DID was seen to sign with a post-quantum key (`verify.security`).

A mark only moves forward, and only along the log it was made from: a log that ends before it, or that has another
version at its place, leaves it as it is (ATTACKS J01).
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Self, final

from sqlalchemy import Column, Integer, MetaData, String, Table, select
from sqlalchemy.dialects.sqlite import insert

from agentdid.errors import StoreUnavailable
from agentdid.storage.engine import create_store, open_store, reading, transaction
from agentdid.storage.memory_marks import MemoryMarks, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection, Engine

__all__ = ["MemoryMarks", "SqlMarks", "compare"]

_KIND: Final = "marks"
_TABLES: Final = MetaData()
_MARKS: Final = Table(
    "webvh_marks",
    _TABLES,
    Column("scid", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("version_id", String, nullable=False),
)


@final
class SqlMarks:
    """Marks of all processes that share one SQLite file."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Return the store in a file, which is made if it is not there.

        Raises:
            StoreUnavailable, StoreVersionUnsupported: By the file.
        """
        place = Path(path)
        if not place.exists():
            try:
                return cls(create_store(place, _KIND, _TABLES, _fill))
            except StoreUnavailable:
                if not place.exists():
                    raise  # another process was quicker, or the folder is not ours
        return cls(open_store(place, _KIND))

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def advance(self, scid: str, versions: Sequence[str]) -> str:
        """Hold the mark against a log and move it forward; see `verify.needs.Marks`.

        Reading is enough where nothing is new; moving it compares again under the write lock, so that of two processes
        with two logs one is told that its log forked.
        """
        query = select(_MARKS.c.number, _MARKS.c.version_id).where(_MARKS.c.scid == scid)
        try:
            with reading(self._engine) as connection:
                row = connection.execute(query).first()
            if not versions:
                return "kept" if row is None else "behind"
            if row is not None and row.number >= len(versions):
                return compare(row.number, row.version_id, versions)
            # the threads of a process queue here, so that SQLite's own lock has one contender a process
            with self._lock, transaction(self._engine) as connection:
                row = connection.execute(query).first()
                answer = "kept" if row is None else compare(row.number, row.version_id, versions)
                if answer == "kept":
                    mark = {"number": len(versions), "version_id": versions[-1]}
                    connection.execute(
                        insert(_MARKS)
                        .values(scid=scid, **mark)
                        .on_conflict_do_update(index_elements=[_MARKS.c.scid], set_=mark)
                    )
                return answer
        except StoreUnavailable:
            return "unavailable"


def _fill(_connection: Connection) -> None:
    """An empty store has no marks."""
