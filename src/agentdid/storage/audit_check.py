"""Whether a log is whole: every line, every checkpoint, every bundle of evidence; and what is wrong with it, where.

One pass, in memory that does not grow with the log. A fault is named by its place: the entry, the checkpoint, the
evidence of an entry. What may be is a note: evidence that was let go of, entries that no checkpoint covers yet.

Spec: specs/audit-log.md G13-G19, G24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.audit.checkpoint import Checkpoint
from agentdid.audit.frontier import Frontier
from agentdid.audit.head import Head
from agentdid.audit.proofs import find_origin
from agentdid.audit.walk import walk
from agentdid.errors import AgentdidError, AuditLogInvalid
from agentdid.keys.multikey import decode_multikey
from agentdid.record import Value
from agentdid.storage.audit_log import read_opening
from agentdid.storage.evidence_check import DayReader
from agentdid.storage.evidence_files import day_of
from agentdid.storage.log_folder import LogFolder, decode_kept, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agentdid.audit.record import Record
    from agentdid.audit.walk import Step
    from agentdid.keys.public import PublicKey
    from agentdid.storage.evidence_check import Bundle

_MAX_FINDINGS: Final = 1_000


@final
class Finding(Value, frozen=True):
    """One thing that was found.

    Attributes:
        place: `entry 12`, `checkpoint 3`, `evidence of entry 12`, `2026-11-01.jsonl, byte 900`.
        detail: What is wrong there.
        line: The line of the file, from 1; 0 where it is none of a file.
    """

    place: str
    detail: str
    line: int = 0


@final
class Health(Value, frozen=True):
    """What an examination came to.

    Attributes:
        origin: Of the log.
        size: Its entries.
        root: The root over all of them.
        checkpoints: How many there are that hold.
        covered: The entries that the newest of them covers.
        evidence: How many bundles are there and as they were written.
        absent: How many are gone.
        faults: What is wrong; the first ones where there is much.
        notes: What may be, and is worth knowing.
    """

    origin: str
    size: int
    root: bytes
    checkpoints: int
    covered: int
    evidence: int
    absent: int
    faults: tuple[Finding, ...]
    notes: tuple[Finding, ...]

    def check(self) -> None:
        """Hold that nothing is wrong.

        Raises:
            AuditLogInvalid: Naming the first place.
        """
        if self.faults:
            first = self.faults[0]
            more = f", and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            raise AuditLogInvalid(f"{first.place}: {first.detail}{more}")


def examine(
    path: str | Path,
    *,
    key: PublicKey | None = None,
    since: Sequence[str] = (),
    advance: Callable[[int], object] = lambda _: None,
    see: Callable[[Record, Bundle | None, DayReader | None], object] | None = None,
) -> Health:
    """Return whether a log is whole.

    Args:
        path: Its folder, or its records.
        key: That must have signed its checkpoints; by default the one that it names itself, which shows less.
        since: Notes of checkpoints that were kept elsewhere: the log must have grown from each of them.
        advance: Told how many bytes of the records were gone through, a line at a time.
        see: Shown every entry with its evidence.

    Raises:
        StoreUnavailable: There is no log.
    """
    return _Examination(LogFolder(path), key, since, advance, see).run()


@final
class _Examination:
    def __init__(
        self,
        folder: LogFolder,
        key: PublicKey | None,
        since: Sequence[str],
        advance: Callable[[int], object],
        see: Callable[[Record, Bundle | None, DayReader | None], object] | None,
    ) -> None:
        self._folder = folder
        self._key = key
        self._since = since
        self._advance = advance
        self._see = see
        self._origin = ""
        self._faults: list[Finding] = []
        self._notes: list[Finding] = []
        self._signed: list[tuple[str, Checkpoint, int | None]] = []  # by size: place, checkpoint, offset
        self._days: dict[str, DayReader] = {}
        self._evidence = self._absent = self._good = self._covered = 0
        self._broken = False  # whether a line was at fault, so that no later root can be the signed one

    def run(self) -> Health:
        """Go through all of it."""
        self._open()
        self._read_checkpoints()
        head, number, offset = Head(), 0, 0
        for step in walk(head, self._folder.lines()):
            number += 1
            offset += len(step.line) + 1
            self._advance(len(step.line) + 1)
            self._look(step, number)
            if self._signed and self._signed[0][1].size <= number:
                self._compare(head.frontier, offset)
        if offset > self._folder.records.stat().st_size:  # a log that is being written to may have grown meanwhile
            self._fault(Finding(f"entry {head.size - 1}", "the line is not ended: a write broke off", number))
        for place, checkpoint, _ in self._signed:
            self._fault(Finding(place, f"was signed of {checkpoint.size} entries, and there are {head.size}"))
        for day in list(self._days):
            self._finish(day)
        if self._covered < head.size:
            self._notes.append(Finding(f"entry {self._covered}", "from here on no checkpoint was signed yet"))
        return Health(
            self._origin, head.size, head.frontier.root(), self._good, self._covered, self._evidence, self._absent,
            tuple(self._faults), tuple(self._notes),
        )  # fmt: skip

    def _open(self) -> None:
        try:
            self._origin, named = read_opening(next(self._folder.lines(), b""))
            own = decode_multikey(named)
        except AgentdidError as error:
            self._fault(Finding("entry 0", error.detail, 1))
            return
        if self._key is None:
            self._key = own
        elif self._key.raw != own.raw:
            self._fault(Finding("entry 0", "the log names another key than the one that it is held against", 1))

    def _read_checkpoints(self) -> None:
        if not self._folder.checkpoints.is_file():
            self._fault(Finding("checkpoint 0", "there is no checkpoint"))
            return
        expected = 0
        with self._folder.checkpoints.open("rb") as stream:
            for number, line in enumerate(read_lines(stream), 1):
                expected = self._read_checkpoint(line, number, expected)
        if expected == 0:
            self._fault(Finding("checkpoint 0", "there is no checkpoint"))
        for place, note in enumerate(self._since, 1):
            try:
                self._signed.append((f"known checkpoint {place}", self._verify(note), None))
            except AuditLogInvalid as error:
                self._fault(Finding(f"known checkpoint {place}", error.detail))
        self._signed.sort(key=lambda each: each[1].size)

    def _read_checkpoint(self, line: bytes, number: int, expected: int) -> int:
        place = f"checkpoint {expected}"
        try:
            kept = decode_kept(line.removesuffix(b"\n"))
            checkpoint = self._verify(kept.note)
            root = Frontier(checkpoint.size, kept.nodes).root()
        except AuditLogInvalid as error:
            self._fault(Finding(place, error.detail, number))
            return expected + 1
        if root != checkpoint.root or not line.endswith(b"\n"):
            self._fault(Finding(place, "its frontier is not that of its root, or its line is not ended", number))
            return expected + 1
        if kept.number != expected:
            self._fault(Finding(place, f"expected it, and found checkpoint {kept.number}", number))
        self._signed.append((f"checkpoint {kept.number}", checkpoint, kept.offset))
        return kept.number + 1

    def _verify(self, note: str) -> Checkpoint:
        if self._key is None:
            raise AuditLogInvalid("there is no key to hold it against")
        return Checkpoint.open(note, self._origin or find_origin(note), self._key)

    def _look(self, step: Step, number: int) -> None:
        if step.torn:
            self._notes.append(Finding(f"entry {step.index}", "a write broke off here, as the next entry says", number))
        if step.fault:
            self._broken = True
            self._fault(Finding(f"entry {step.index}", step.fault, number))
        record = step.record
        if record is None or record.evidence is None:
            if record is not None and self._see is not None:
                self._see(record, None, None)
            return
        if step.fault:
            return  # what it says of its evidence is nobody's word
        day = day_of(record.at)
        reader = self._days.get(day)
        if reader is None:
            for old in sorted(self._days)[:-1]:
                self._finish(old)  # only about midnight are two days written to
            reader = self._days[day] = DayReader(self._folder.evidence(day), keep=self._see is not None)
        found = reader.take(record.evidence)
        if found.absent:
            self._absent += 1
        elif found.fault:
            self._fault(Finding(f"evidence of entry {record.index}", found.fault))
        else:
            self._evidence += 1
        if self._see is not None:
            self._see(record, found, reader)

    def _finish(self, day: str) -> None:
        reader = self._days.pop(day)
        reader.finish()
        for at, detail in reader.faults:
            self._fault(Finding(f"{reader.name}, byte {at}", detail))
        for at in reader.unnamed:
            self._notes.append(Finding(f"{reader.name}, byte {at}", "evidence that no entry names"))
        if reader.broken is not None:
            self._notes.append(Finding(f"{reader.name}, byte {reader.broken}", "a write broke off here"))
        if not reader.is_there:
            self._notes.append(Finding(reader.name, "the evidence of this day is gone"))

    def _compare(self, frontier: Frontier, offset: int) -> None:
        while self._signed and self._signed[0][1].size <= frontier.size:
            place, checkpoint, at = self._signed.pop(0)
            if checkpoint.size < frontier.size:
                self._fault(Finding(place, "its size is that of no place in the log"))
            elif checkpoint.root != frontier.root():
                if not self._broken:
                    detail = f"its root is another: entries {self._covered} to {checkpoint.size - 1} were written anew"
                    self._fault(Finding(place, detail))
                self._broken = True
            elif at is not None and at != offset:
                self._fault(Finding(place, "it names another offset"))
            else:
                self._good += at is not None  # those that lie beside the log
                self._covered = checkpoint.size

    def _fault(self, finding: Finding) -> None:
        if len(self._faults) < _MAX_FINDINGS:
            self._faults.append(finding)
