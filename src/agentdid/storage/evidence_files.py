"""The evidence behind a log's decisions: a file a day, which may be let go of without breaking the log.

A line is a document, named by its digest, or a bundle. What was presented stands in it, so it is the owner's alone.

Spec: specs/audit-log.md G20-G24.
"""

from __future__ import annotations

import os
import stat
from datetime import date
from typing import TYPE_CHECKING, Final, final

from agentdid.audit.packed import digest_of, encode_body
from agentdid.audit.record import Place
from agentdid.errors import StoreUnavailable
from agentdid.storage.log_folder import LogFolder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from agentdid.audit.packed import Packed

TORN: Final = b"\x18"
"""Ends a line that broke off; no JSON text holds the character."""
_MODE: Final = stat.S_IRUSR | stat.S_IWUSR
_MAX_KNOWN: Final = 16_384


def day_of(at: datetime) -> str:
    """Return the day, in UTC, whose file holds the evidence of an entry."""
    return at.date().isoformat()


def keep_private(descriptor: int) -> None:
    """Have an open file be its owner's alone, however it was made."""
    if os.fstat(descriptor).st_mode & 0o077:
        os.fchmod(descriptor, _MODE)


@final
class EvidenceFiles:
    """Appends evidence; one writer at a time, by the lock of the log.

    Attributes:
        descriptor: Of the day's file, -1 where none is open.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day = ""
        self.descriptor = -1
        self._known: set[str] = set()

    def append(self, at: datetime, packed: Packed) -> Place:
        """Write a bundle, and those of its documents that the day's file does not have from here; return where it is.

        Raises:
            OSError: It could not be written.
            StoreUnavailable: Only a part of it was.
        """
        day = day_of(at)
        if day != self._day:
            self._open(day)
        fresh = [name for name in packed.bodies if name not in self._known]
        parts = [encode_body(name, packed.bodies[name]) for name in fresh]
        whole = b"\n".join([*parts, packed.line, b""])
        written = os.write(self.descriptor, whole)
        end = os.lseek(self.descriptor, 0, os.SEEK_CUR)
        if written != len(whole):
            self.close()  # so that the next one begins on a line of its own
            raise StoreUnavailable("the evidence could be written only in part")
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
        self._known.update(fresh)
        return Place(end - len(packed.line) - 1, len(packed.line), digest_of(packed.line))

    def sync(self) -> None:
        """Have what was written on disk."""
        if self.descriptor >= 0:
            os.fsync(self.descriptor)

    def close(self) -> None:
        """Let go of the day's file."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor, self._day = -1, ""
        self._known.clear()

    def _open(self, day: str) -> None:
        self.sync()
        self.close()
        self._folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        self.descriptor = os.open(self._folder / f"{day}.jsonl", os.O_RDWR | os.O_APPEND | os.O_CREAT, _MODE)
        keep_private(self.descriptor)
        size = os.fstat(self.descriptor).st_size
        if size and os.pread(self.descriptor, 1, size - 1) != b"\n":
            os.write(self.descriptor, TORN + b"\n")  # whoever wrote last did not come to the end
        self._day = day


def forget_evidence(log: str | Path, before: date) -> list[str]:
    """Delete the evidence of the days before one, and return them: the log is whole without it.

    Args:
        log: The folder of the log, or its records.
        before: The first day that is kept.

    Raises:
        StoreUnavailable: There is no log, or a file cannot be deleted.

    Spec: specs/audit-log.md G24.
    """
    gone = []
    for path in sorted(LogFolder(log).evidence(before.isoformat()).parent.glob("*.jsonl")):
        try:
            if date.fromisoformat(path.stem) < before:
                path.unlink()
                gone.append(path.stem)
        except ValueError:
            continue  # none of ours
        except OSError as error:
            raise StoreUnavailable(f"evidence cannot be deleted ({error.strerror})") from None
    return gone
