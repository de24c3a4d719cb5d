"""Looking things up in a log: what it says of an agent or a day, and proofs for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from agentdid.audit.checkpoint import Checkpoint
from agentdid.audit.head import split_line
from agentdid.audit.merkle import Tree, hash_leaf
from agentdid.audit.proofs import find_origin, prove_entry, prove_growth
from agentdid.errors import AuditLogInvalid
from agentdid.record import Value
from agentdid.storage.evidence_files import day_of
from agentdid.storage.log_folder import LogFolder, decode_kept, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.audit.record import Record
    from agentdid.keys.public import PublicKey


@final
class Wanted(Value, frozen=True):
    """Which entries are meant: those of which everything holds that is given.

    Attributes:
        day: Of this day (UTC), `2026-11-01`.
        agent: That concern this DID.
        action: In which this was asked for.
        outcome: With this outcome or this code.
        kind: Of this kind.
        link: In which a credential of this id took part.
    """

    day: str | None = None
    agent: str | None = None
    action: str | None = None
    outcome: str | None = None
    kind: str | None = None
    link: str | None = None

    def fits(self, record: Record) -> bool:
        """Whether a record is meant."""
        action = None if record.request is None else record.request.action
        return (
            self.day in (None, day_of(record.at))
            and self.agent in (None, record.agent)
            and self.action in (None, action)
            and self.outcome in (None, record.outcome, record.code)
            and self.kind in (None, record.kind)
            and (self.link is None or any(link.id == self.link for link in record.links))
        )


def select(path: str | Path, wanted: Wanted) -> Iterator[tuple[int, bytes, Record]]:
    """Yield index, line and record of the entries that are meant, the oldest first. Raises `StoreUnavailable`."""
    for index, line in enumerate(LogFolder(path).lines()):
        try:
            record, _ = split_line(line)
        except ValueError:
            continue  # torn, or for `examine` to name
        if wanted.fits(record):
            yield index, line, record


@final
class Prover:
    """The tree of a log and its newest checkpoint, from which proofs are made.

    Args:
        path: The folder of the log, or its records.
        key: That signed the checkpoint.

    Raises:
        StoreUnavailable: There is no log.
        AuditLogInvalid: It has no checkpoint, or is not the log of its newest one.
    """

    def __init__(self, path: str | Path, key: PublicKey) -> None:
        folder = LogFolder(path)
        newest = b""
        if folder.checkpoints.is_file():
            with folder.checkpoints.open("rb") as stream:
                for line in read_lines(stream):
                    newest = line
        self.note = decode_kept(newest.removesuffix(b"\n")).note
        self.checkpoint = Checkpoint.open(self.note, find_origin(self.note), key)
        self._key = key
        self._tree = Tree()
        for line in folder.lines():
            self._tree.append(hash_leaf(line))
        if len(self._tree) < self.checkpoint.size or self._tree.root(self.checkpoint.size) != self.checkpoint.root:
            raise AuditLogInvalid("the log is not the one of its newest checkpoint")

    def prove(self, index: int, line: bytes) -> dict[str, object]:
        """Return an entry with its proof.

        Raises:
            AuditLogInvalid: The newest checkpoint does not cover it yet.
        """
        if index >= self.checkpoint.size:
            raise AuditLogInvalid(f"no checkpoint was signed yet that covers entry {index}")
        return prove_entry(self._tree, index, line, self.note, self.checkpoint.size)

    def prove_since(self, note: str) -> dict[str, object]:
        """Return the proof that the log grew from an earlier checkpoint.

        Raises:
            AuditLogInvalid: It is none of this log, or a later one.
        """
        first = Checkpoint.open(note, self.checkpoint.origin, self._key)
        if not 1 <= first.size <= self.checkpoint.size:
            raise AuditLogInvalid("the checkpoint is none before the newest one")
        return prove_growth(self._tree, note, self.note, first.size, self.checkpoint.size)
