"""The end of a log: how long it is, its running digest, its frontier; and the lines by which it grows.

A line is the record's RFC 8785 bytes with a last member `sum`, the running digest: SHA-256 of the digest before and of
the record's bytes. So one changed line is told from its neighbours, and the last one from itself; whoever writes all
digests anew is told by the checkpoints, which are signed over the Merkle tree of the lines.

Spec: specs/audit-log.md G1-G4.
"""

from __future__ import annotations

from copy import copy
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol, final

from msgspec import structs

from agentdid.audit.frontier import Frontier
from agentdid.audit.merkle import hash_leaf
from agentdid.audit.record import Place, Record, decode_record, encode_record
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import EncodingInvalid
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.audit.packed import Packed

FIRST_SUM: Final = bytes(32)
"""The running digest before the first entry."""
MAX_LINE: Final = 1 << 20
"""Bytes of a line: eight links of the longest DIDs have a tenth of it."""
_SUM: Final = b',"sum":"'
_SUM_CHARS: Final = 43
_TAIL: Final = len(_SUM) + _SUM_CHARS + len(b'"}')


@final
class Entry(Value, frozen=True):
    """An entry that stands in a log.

    Attributes:
        index: Its number, from 0.
        leaf: Its leaf hash, by which its inclusion is proved.
        record: What it says.
    """

    index: int
    leaf: bytes
    record: Record


class Audit(Protocol):
    """A log that is written to, such as `agentdid.storage.audit_log.AuditLog`."""

    @property
    def origin(self) -> str:
        """What names it."""
        ...

    @property
    def keeps_evidence(self) -> bool:
        """Whether it takes evidence; if not, none is made ready."""
        ...

    def append(self, record: Record, packed: Packed | None = None) -> Entry:
        """Keep an entry and its evidence; raising refuses what it records."""
        ...

    def append_many(self, records: Sequence[Record]) -> None:
        """Keep entries, all of which wait for the disk together."""
        ...


@final
class Head:
    """The end of a log, from which it grows."""

    __slots__ = ("frontier", "sum")

    def __init__(self, frontier: Frontier | None = None, last_sum: bytes = FIRST_SUM) -> None:
        self.frontier = frontier or Frontier()
        self.sum = last_sum

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.frontier.size

    def write(self, record: Record, evidence: Place | None = None) -> tuple[bytes, Entry, bytes]:
        """Return the line by which a record becomes the next entry, the entry, and the running digest after it.

        The line comes without its end, and nothing is changed by it.
        """
        index = self.frontier.size
        numbered = copy(record)  # not made anew: what it says was held when it was made
        structs.force_setattr(numbered, "index", index)
        structs.force_setattr(numbered, "evidence", evidence)
        body = encode_record(numbered)
        digest = add_sum(self.sum, body)
        line = b"".join((body[:-1], _SUM, encode_base64url(digest).encode(), b'"}'))
        return line, Entry(index, hash_leaf(line), numbered), digest

    def grow(self, leaf: bytes, digest: bytes) -> None:
        """Have the next entry stand: its leaf hash, and the running digest after it."""
        self.sum = digest
        self.frontier.append(leaf)


def add_sum(before: bytes, body: bytes) -> bytes:
    """Return the running digest after a record's bytes."""
    return sha256(before + body).digest()


def split_line(line: bytes) -> tuple[Record, bytes]:
    """Return the record of a line, and its bytes.

    Raises:
        ValueError: Not a line as it is written.
    """
    if len(line) > MAX_LINE or line[-_TAIL : -_TAIL + len(_SUM)] != _SUM or line[-2:] != b'"}':
        raise ValueError("not an entry as it is written")
    read_sum(line)
    body = line[:-_TAIL] + b"}"
    return decode_record(body), body


def read_sum(line: bytes) -> bytes:
    """Return the running digest that a line ends with. Raises `ValueError`."""
    try:
        return decode_base64url(line[-_SUM_CHARS - 2 : -2].decode("ascii"))
    except (UnicodeDecodeError, EncodingInvalid):
        raise ValueError("not a running digest as it is written") from None
