"""Where the parts of an audit log lie, and how its lines are read.

records.jsonl       the entries, one a line
checkpoints.jsonl   what was signed of them
evidence/DAY.jsonl  what decisions rest on, apart, so that it can be let go of
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.audit.head import MAX_LINE, split_line
from agentdid.audit.packed import read_line
from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import decode_base64url
from agentdid.errors import AgentdidError, AuditLogInvalid, StoreUnavailable
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from agentdid.audit.record import Record

RECORDS: Final = "records.jsonl"
CHECKPOINTS: Final = "checkpoints.jsonl"
EVIDENCE: Final = "evidence"


@final
class LogFolder:
    """The folder of a log, by its own path or by that of its records.

    Raises:
        StoreUnavailable: There is none.
    """

    def __init__(self, path: str | Path) -> None:
        given = Path(path)
        self.path = given.parent if given.name == RECORDS else given
        if not self.records.is_file():
            raise StoreUnavailable("there is no audit log in this folder")

    @property
    def records(self) -> Path:
        """The file of entries."""
        return self.path / RECORDS

    @property
    def checkpoints(self) -> Path:
        """The file of checkpoints."""
        return self.path / CHECKPOINTS

    def evidence(self, day: str) -> Path:
        """Return the file of a day's evidence."""
        return self.path / EVIDENCE / f"{day}.jsonl"

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the entries, without their ends; the last one may be what a write left."""
        with self.records.open("rb") as stream:
            for line in read_lines(stream):
                yield line.removesuffix(b"\n")


def read_lines(stream: BinaryIO, longest: int = MAX_LINE) -> Iterator[bytes]:
    """Yield the lines of a file with their ends, in pieces where one is longer than any that is written."""
    while line := stream.readline(longest + 1):
        yield line


def records(path: str | Path) -> Iterator[Record]:
    """Yield what a log records, the oldest first. It only reads: whether the log is whole `examine` says.

    Args:
        path: The folder of the log, or its `records.jsonl`.

    Raises:
        StoreUnavailable: There is no log.
    """
    for line in LogFolder(path).lines():
        try:
            record, _ = split_line(line)
        except ValueError:
            continue  # torn, or for `examine` to name
        yield record


@final
class Kept(Value, frozen=True):
    """A checkpoint as it lies beside the log.

    Attributes:
        number: Its place among the checkpoints, from 0.
        offset: How many bytes the log had.
        frontier: The complete subtrees of its Merkle tree, so that the log can be gone on with from here.
        note: The signed note.
    """

    number: int
    offset: int
    frontier: tuple[str, ...]
    note: str

    def encode(self) -> bytes:
        """Return its line."""
        names = self.__struct_fields__
        return canonicalize({**{name: getattr(self, name) for name in names}, "frontier": list(self.frontier)})

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The hashes of the frontier. Raises `EncodingInvalid`."""
        return tuple(decode_base64url(each) for each in self.frontier)


def decode_kept(line: bytes) -> Kept:
    """Return the checkpoint of a line.

    Raises:
        AuditLogInvalid: Not as it was written.
    """
    try:
        value: dict[str, Any] = read_line(line)
        kept = Kept(**{**value, "frontier": tuple(value["frontier"])})
        same = kept.encode() == line and type(kept.number) is int and type(kept.offset) is int
        _ = kept.nodes
    except (ValueError, TypeError, KeyError, AttributeError, AgentdidError):
        same = False
    if not same or type(kept.note) is not str:
        raise AuditLogInvalid("not a checkpoint as it is written")
    return kept
