"""What is handed to others of a log: an entry with its inclusion, the growth of the log, and how to hold them.

Spec: specs/audit-log.md G25-G29.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from agentdid.audit.checkpoint import Checkpoint
from agentdid.audit.head import split_line
from agentdid.audit.merkle import check_consistency, check_inclusion, hash_leaf
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import AgentdidError, AuditLogInvalid
from agentdid.record import Value

if TYPE_CHECKING:
    from agentdid.audit.merkle import Tree
    from agentdid.audit.record import Record
    from agentdid.keys.public import PublicKey

ENTRY: Final = "AgentdidAuditEntry"
GROWTH: Final = "AgentdidAuditGrowth"


@final
class Shown(Value, frozen=True, eq=False):
    """An entry that was held against a checkpoint."""

    record: Record
    leaf: bytes
    checkpoint: Checkpoint


def prove_entry(tree: Tree, index: int, line: bytes, note: str, size: int) -> dict[str, object]:
    """Return an entry with the proof that it stands in the log that a checkpoint was signed of.

    Args:
        tree: Of the log.
        index: Of the entry.
        line: The entry's own, without its end.
        note: The checkpoint.
        size: Which the checkpoint has.

    Raises:
        ValueError: No such entry in a log of that size.
    """
    path = [encode_base64url(each) for each in tree.prove_inclusion(index, size)]
    return {"type": ENTRY, "index": index, "entry": line.decode("ascii"), "path": path, "checkpoint": note}


def hold_entry(value: object, key: PublicKey, origin: str | None = None) -> Shown:
    """Return the entry that a proof shows.

    Args:
        value: What `prove_entry` returned.
        key: That signs the log's checkpoints.
        origin: Of the log; by default whatever the checkpoint says.

    Raises:
        AuditLogInvalid: The entry is not in the log, or what is shown of it proves nothing.
    """
    row, path = _open(value, ENTRY, {"index", "entry", "path"})
    try:
        index, line = row["index"], row["entry"].encode("ascii")
        record, _ = split_line(line)
    except (ValueError, AttributeError):
        raise AuditLogInvalid("not an entry as it is written") from None
    if type(index) is not int or record.index != index:
        raise AuditLogInvalid("the entry has another number")
    checkpoint = _checkpoint(row, key, origin)
    leaf = hash_leaf(line)
    check_inclusion(leaf, index, checkpoint.size, path, checkpoint.root)
    return Shown(record, leaf, checkpoint)


def prove_growth(tree: Tree, first: str, note: str, first_size: int, size: int) -> dict[str, object]:
    """Return the proof that a log only grew between two checkpoints. Raises `ValueError` as `Tree` does."""
    path = [encode_base64url(each) for each in tree.prove_consistency(first_size, size)]
    return {"type": GROWTH, "first": first, "path": path, "checkpoint": note}


def hold_growth(value: object, key: PublicKey, origin: str | None = None) -> tuple[Checkpoint, Checkpoint]:
    """Return the two checkpoints of a log that only grew between them.

    Raises:
        AuditLogInvalid: It did not, or what is shown of it proves nothing.
    """
    row, path = _open(value, GROWTH, {"first", "path"})
    first = _checkpoint({"checkpoint": row["first"]}, key, origin)
    second = _checkpoint(row, key, first.origin)
    check_consistency(first.size, second.size, path, first.root, second.root)
    return first, second


def find_origin(note: str) -> str:
    """Return what a note says it is of; nothing of it is believed."""
    return note.partition("\n")[0]


def _open(value: object, kind: str, members: set[str]) -> tuple[dict[str, Any], list[bytes]]:
    if not isinstance(value, dict) or value.keys() != {"type", "checkpoint", *members} or value["type"] != kind:
        raise AuditLogInvalid(f"expected an {kind}")
    try:
        return value, [decode_base64url(each) for each in value["path"]]
    except (TypeError, AttributeError, AgentdidError):
        raise AuditLogInvalid("expected a path of hashes") from None


def _checkpoint(row: dict[str, Any], key: PublicKey, origin: str | None) -> Checkpoint:
    note = row["checkpoint"]
    if not isinstance(note, str):
        raise AuditLogInvalid("expected a checkpoint")
    return Checkpoint.open(note, find_origin(note) if origin is None else origin, key)
