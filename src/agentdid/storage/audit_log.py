"""An audit log on disk: entries appended whole, checkpoints signed, evidence beside it; several processes to one log.

* An entry is one write to a file in append mode, under a lock of that file; what others appended is read first.
* What cannot be recorded did not happen: `store_unavailable`. With `durable` an entry is on disk before `append`
  returns (threads that come together share the disk's turn); without, it outlives the process, not the machine.
* A checkpoint is signed of what is on disk: after so many entries, so many seconds, and at the end.
* What a write left that broke off stays as it is; the next entry says that it is there, and the log goes on.

Spec: specs/audit-log.md.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from threading import Lock, Timer
from typing import TYPE_CHECKING, Final, Self, final

from agentdid.audit.checkpoint import ALGORITHM, Checkpoint
from agentdid.audit.frontier import Frontier
from agentdid.audit.head import MAX_LINE, Head, read_sum, split_line
from agentdid.audit.merkle import hash_leaf
from agentdid.audit.record import LOG, RECOVERY, Record
from agentdid.audit.walk import walk
from agentdid.clock import Clock, SystemClock
from agentdid.codec.base import encode_base64url
from agentdid.errors import AgentdidError, AuditLogInvalid, StoreUnavailable
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.storage.evidence_files import EvidenceFiles
from agentdid.storage.log_folder import CHECKPOINTS, EVIDENCE, RECORDS, Kept, decode_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentdid.audit.head import Entry
    from agentdid.audit.packed import Packed
    from agentdid.keys.secret import Signer

VERSION: Final = "1"
EVERY: Final = 1_000
"""Entries after which a checkpoint is signed."""
SECONDS: Final = 60.0
"""Seconds after which a checkpoint is signed of whatever was appended meanwhile."""
_MODE: Final = stat.S_IRUSR | stat.S_IWUSR


@final
class AuditLog:
    """One log: open it with `AuditLog.open`, and `close` it in the end. Safe among threads and processes.

    Attributes:
        keeps_evidence: Whether what decisions rest on is kept beside the entries.
    """

    def __init__(
        self, folder: Path, signer: Signer, owner: str, every: int, seconds: float, clock: Clock, *, durable: bool,
        evidence: bool,
    ) -> None:  # fmt: skip
        self.keeps_evidence = evidence
        self._folder = folder
        self._signer = signer
        self._owner = owner
        self._every = every
        self._seconds = seconds
        self._clock = clock
        self._durable = durable
        self._lock = Lock()
        self._syncing = Lock()
        self._timer: Timer | None = None
        self._start()

    @classmethod
    def open(
        cls,
        folder: str | Path,
        signer: Signer,
        *,
        owner: str,
        every: int = EVERY,
        seconds: float = SECONDS,
        durable: bool = True,
        evidence: bool = True,
        clock: Clock | None = None,
    ) -> Self:
        """Return the log in a folder; a new one where there is none.

        Args:
            folder: Of the log alone; made where it is missing.
            signer: The Ed25519 key that signs checkpoints; always the same for one log.
            owner: The DID of whose log it is.
            every: Entries after which a checkpoint is signed.
            seconds: Seconds after which one is.
            durable: Whether an entry is on disk before `append` returns.
            evidence: Whether what decisions rest on is kept, so that they can be decided again.
            clock: Tells the time of the log's own entries and of checkpoints.

        Raises:
            StoreUnavailable: The folder cannot be written.
            AuditLogInvalid: What is there is not as it was written, or is kept by another key.
            ValueError: A key of another algorithm.
        """
        if signer.public.algorithm.name != ALGORITHM:
            message = f"an audit log is signed by a key of {ALGORITHM}"
            raise ValueError(message)
        log = cls(
            Path(folder), signer, owner, every, seconds, clock or SystemClock(), durable=durable, evidence=evidence
        )
        try:
            log._begin()
        except BaseException:
            log._let_go()
            raise
        return log

    @property
    def origin(self) -> str:
        """What names the log in its checkpoints."""
        return self._origin

    @property
    def size(self) -> int:
        """How many entries there were when this process last looked."""
        return self._head.size

    def append(self, record: Record, packed: Packed | None = None) -> Entry:
        """Have something recorded, and its evidence kept; it stands once this returns.

        Raises:
            StoreUnavailable: It could not be recorded, and must not stand.
            AuditLogInvalid: The log is not as it was left.
        """
        try:
            with self._lock:
                if self._records < 0 or self._pid != os.getpid():
                    self._begin()
                descriptor = self._records
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                try:
                    if os.lseek(descriptor, 0, os.SEEK_END) != self._offset:
                        self._catch_up()
                    entry = self._append(record, packed)
                    if entry.index + 1 - self._covered >= self._every:
                        self._checkpoint()
                finally:
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
                if self._timer is None:
                    self._arm()
            if self._durable:
                self._sync(entry.index + 1)
        except OSError as error:
            raise StoreUnavailable(f"the audit log cannot be written ({error.strerror})") from None
        return entry

    def append_many(self, records: Sequence[Record]) -> None:
        """Have things recorded that have no evidence; they wait for the disk together. Raises as `append`."""
        try:
            with self._lock:
                self._begin()
                fcntl.flock(self._records, fcntl.LOCK_EX)
                try:
                    self._catch_up()
                    for each in records:
                        self._append(each, None)
                    size = self._head.size
                    if size - self._covered >= self._every:
                        self._checkpoint()
                finally:
                    fcntl.flock(self._records, fcntl.LOCK_UN)
                if self._timer is None:
                    self._arm()
            if self._durable:
                self._sync(size)
        except OSError as error:
            raise StoreUnavailable(f"the audit log cannot be written ({error.strerror})") from None

    def checkpoint(self) -> str:
        """Sign what is in the log now, and return the note."""
        try:
            with self._lock:
                self._begin()
                fcntl.flock(self._records, fcntl.LOCK_EX)
                try:
                    self._catch_up()
                    if self._covered < self._head.size:
                        self._checkpoint()
                finally:
                    fcntl.flock(self._records, fcntl.LOCK_UN)
                return self._note
        except OSError as error:
            raise StoreUnavailable(f"the audit log cannot be written ({error.strerror})") from None

    def close(self) -> None:
        """Sign what was not signed yet, and let go of the files."""
        if self._closed:
            return
        try:
            self.checkpoint()
        finally:
            with self._lock:
                self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._records = self._checkpoints = -1
        self._closed = False
        self._origin = self._note = ""
        self._head = Head()
        self._offset = 0  # bytes of the records that the head stands for
        self._covered = 0  # entries that the newest checkpoint stands for
        self._signed_offset = 0  # bytes of the checkpoints that were read
        self._number = 0  # of the next checkpoint
        self._synced = 0
        self._evidence = EvidenceFiles(self._folder / EVIDENCE)

    def _begin(self) -> None:
        """Open the files where they are not, or are those of the process that this one was forked from."""
        if self._closed:
            raise StoreUnavailable("the audit log is closed")
        if self._pid != os.getpid():
            # a lock of a descriptor that two processes share keeps none of them out
            for descriptor in (self._records, self._checkpoints):
                os.close(descriptor)
            self._syncing, self._timer = Lock(), None
            self._start()
        if self._records >= 0:
            return
        try:
            self._folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._records = os.open(self._folder / RECORDS, flags, _MODE)
            self._checkpoints = os.open(self._folder / CHECKPOINTS, flags, _MODE)
            fcntl.flock(self._records, fcntl.LOCK_EX)
            try:
                self._resume()
            finally:
                fcntl.flock(self._records, fcntl.LOCK_UN)
        except OSError as error:
            raise StoreUnavailable(f"the audit log cannot be opened ({error.strerror})") from None

    def _resume(self) -> None:
        if os.fstat(self._records).st_size == 0:
            if os.fstat(self._checkpoints).st_size:
                raise AuditLogInvalid("there are checkpoints of a log that is not there")
            self._origin = f"{self._owner}/{secrets.token_hex(4)}"
            key = encode_multikey(self._signer.public)
            context = {"version": VERSION, "origin": self._origin, "key": key}
            self._append(Record(self._clock.now(), LOG, self._owner, context=context), None)
            self._checkpoint()
            _keep_names(self._folder)
            return
        first, _, _ = os.pread(self._records, MAX_LINE, 0).partition(b"\n")
        self._origin, key = read_opening(first)
        if decode_multikey(key).raw != self._signer.public.raw:
            raise AuditLogInvalid("the audit log is kept by another key")
        self._read_checkpoints()
        self._catch_up()

    def _read_checkpoints(self) -> None:
        """Look at the newest checkpoint, if there is one that was not seen."""
        size = os.fstat(self._checkpoints).st_size
        if size == self._signed_offset:
            return
        start = max(0, size - MAX_LINE)
        lines = os.pread(self._checkpoints, size - start, start).split(b"\n")
        if lines[-1]:
            os.write(self._checkpoints, b"\n")  # what a write left: `examine` names it
            size += 1
        kept = next((each for each in reversed(lines[:-1]) if each), b"")
        self._signed_offset = size
        if not kept:
            return
        found = decode_kept(kept)
        signed = Checkpoint.open(found.note, self._origin, self._signer.public)
        frontier = Frontier(signed.size, found.nodes)
        if frontier.root() != signed.root:
            raise AuditLogInvalid("the newest checkpoint's frontier is not that of its root")
        self._number, self._covered, self._note = found.number + 1, signed.size, found.note
        if signed.size <= self._head.size:
            return
        if os.fstat(self._records).st_size < found.offset:
            raise AuditLogInvalid("the audit log is shorter than its newest checkpoint")
        begin = max(0, found.offset - MAX_LINE)
        last = os.pread(self._records, found.offset - begin, begin).rstrip(b"\n").rpartition(b"\n")[2]
        try:
            self._head = Head(frontier, read_sum(last))
        except ValueError:
            raise AuditLogInvalid("the entry before the newest checkpoint was changed") from None
        self._offset = found.offset

    def _catch_up(self) -> None:
        """Read what others appended, and name what a broken write left; under the lock nobody is writing."""
        size = os.lseek(self._records, 0, os.SEEK_END)
        if size == self._offset:
            return
        if size < self._offset:
            raise AuditLogInvalid("the audit log got shorter")
        self._read_checkpoints()
        for step in walk(self._head, self._fresh(size)):
            if step.fault:
                raise AuditLogInvalid(f"entry {step.index}: {step.fault}")
            self._offset += len(step.line) + 1
        if size > self._offset:
            self._recover(os.pread(self._records, size - self._offset, self._offset))

    def _fresh(self, size: int) -> Iterator[bytes]:
        """Yield the whole lines that were not read yet."""
        at, rest = self._offset, b""
        while at < size:
            piece = os.pread(self._records, min(MAX_LINE, size - at), at)
            at += len(piece)
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole

    def _recover(self, torn: bytes) -> None:
        os.write(self._records, b"\n")
        self._offset += len(torn) + 1
        self._head.frontier.append(hash_leaf(torn))
        context = {"torn": str(len(torn)), "sha256": sha256(torn).hexdigest()}
        self._append(Record(self._clock.now(), RECOVERY, self._owner, context=context), None)

    def _append(self, record: Record, packed: Packed | None) -> Entry:
        place = None if packed is None else self._evidence.append(record.at, packed)
        line, entry, digest = self._head.write(record, place)
        if len(line) > MAX_LINE:
            raise StoreUnavailable("the record is too long")
        size = len(line) + 1
        if os.write(self._records, line + b"\n") != size:
            raise StoreUnavailable("the entry could be written only in part")
        self._head.grow(entry.leaf, digest)
        self._offset += size
        return entry

    def _checkpoint(self) -> None:
        """Sign the log as it is on disk."""
        self._read_checkpoints()  # for the number, where another process signed meanwhile
        self._evidence.sync()
        os.fsync(self._records)
        frontier = self._head.frontier
        signed = Checkpoint(self._origin, frontier.size, frontier.root(), self._clock.now())
        self._note = signed.sign(self._signer)
        nodes = tuple(encode_base64url(each) for each in frontier.nodes)
        line = Kept(self._number, self._offset, nodes, self._note).encode() + b"\n"
        if os.write(self._checkpoints, line) != len(line):
            raise StoreUnavailable("the checkpoint could be written only in part")
        os.fsync(self._checkpoints)
        self._signed_offset += len(line)
        self._number += 1
        self._covered = self._synced = frontier.size

    def _sync(self, size: int) -> None:
        """Return once the first `size` entries are on disk: one turn of the disk for all who wait."""
        with self._syncing:
            if self._synced >= size:
                return
            with self._lock:
                written = self._head.size
                files = [os.dup(each) for each in (self._evidence.descriptor, self._records) if each >= 0]
            try:
                for each in files:
                    os.fsync(each)
            finally:
                for each in files:
                    os.close(each)
            self._synced = max(self._synced, written)

    def _arm(self) -> None:
        self._timer = Timer(self._seconds, self._tick)
        self._timer.daemon = True
        self._timer.start()

    def _tick(self) -> None:
        self._timer = None
        try:
            self.checkpoint()
        except AgentdidError:
            return  # the next entry will say so, or its checkpoint will be signed

    def _let_go(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._evidence.close()
        for descriptor in (self._records, self._checkpoints):
            if descriptor >= 0:
                os.close(descriptor)
        self._records = self._checkpoints = -1


def _keep_names(folder: Path) -> None:
    """Have the names of the files in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_opening(line: bytes) -> tuple[str, str]:
    """Return the origin and the Multikey that a log's first line names.

    Raises:
        AuditLogInvalid: It is no opening, or of a version that is not read here.
    """
    try:
        record, _ = split_line(line)
    except ValueError:
        raise AuditLogInvalid("the first entry was changed") from None
    context = record.context
    if record.kind != LOG or record.index != 0 or context.keys() != {"version", "origin", "key"}:
        raise AuditLogInvalid("the first entry opens no log")
    if context["version"] != VERSION:
        raise AuditLogInvalid("the log is of another version")
    return context["origin"], context["key"]
