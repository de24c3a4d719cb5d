"""Signed checkpoints of a log: how long it was, and its root then, in the form that transparency logs share.

Spec: C2SP tlog-checkpoint and signed-note, with Ed25519 signatures; the time is an extension line.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self, final

from agentdid.audit.merkle import HASH_BYTES
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.errors import AgentdidError, AuditLogInvalid, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer

ALGORITHM: Final = "Ed25519"
_TYPE: Final = b"\x01"  # signed-note's number for Ed25519
_KEY_ID_BYTES: Final = 4
_NAME: Final = re.compile(r"[^\s+]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH: Final = "\u2014 "
_LINES: Final = 3


@final
class Checkpoint(Value, frozen=True):
    """What a log was at one moment.

    Attributes:
        origin: Names the log and the key that signs for it; without white space and `+`.
        size: How many entries it had.
        root: Of the Merkle tree over them, 32 bytes.
        at: When it was signed, by its own word.
    """

    origin: str
    size: int
    root: bytes
    at: datetime | None = None

    def sign(self, signer: Signer) -> str:
        """Return the signed note.

        Args:
            signer: An Ed25519 key.

        Raises:
            ValueError: A key of another algorithm, or an origin that no note can carry.
        """
        if signer.public.algorithm.name != ALGORITHM or not _NAME.fullmatch(self.origin):
            message = f"a checkpoint is signed by {ALGORITHM} under a name without white space and plus signs"
            raise ValueError(message)
        text = self._text()
        signed = _key_id(self.origin, signer.public) + signer.sign(text.encode())
        return f"{text}\n{_DASH}{self.origin} {base64.b64encode(signed).decode()}\n"

    @classmethod
    def open(cls, note: str, origin: str, key: PublicKey) -> Self:
        """Return the checkpoint that a note holds, if `key` signed it for `origin`.

        Signatures by others beside it are witnesses' and say nothing here.

        Raises:
            AuditLogInvalid: Not a note, of another log, or not signed by the key.
        """
        text, gap, signatures = note.rpartition("\n\n")
        lines = f"{text}\n".split("\n")
        if not gap or len(lines) < _LINES + 1 or lines[0] != origin or not _SIZE.fullmatch(lines[1]):
            raise AuditLogInvalid(f"expected a checkpoint of {origin}")
        root = _decode(lines[2])
        if len(root) != HASH_BYTES:
            raise AuditLogInvalid("expected a root of 32 bytes")
        start = f"{_DASH}{origin} "
        mine = _key_id(origin, key)
        if not signatures.endswith("\n"):
            raise AuditLogInvalid("a note ends with a line's end")
        for line in signatures[:-1].split("\n"):
            signed = _decode(line[len(start) :]) if line.startswith(start) else b""
            if signed[:_KEY_ID_BYTES] == mine:
                try:
                    key.verify(signed[_KEY_ID_BYTES:], f"{text}\n".encode())
                except AgentdidError:
                    raise AuditLogInvalid("the checkpoint's signature does not hold") from None
                return cls(origin, int(lines[1]), root, _find_time(lines[3:-1]))
        raise AuditLogInvalid("the checkpoint is not signed by the log's key")

    def _text(self) -> str:
        time = "" if self.at is None else f"{encode_instant(self.at)}\n"
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{time}"


def _key_id(name: str, key: PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + _TYPE + key.raw).digest()[:_KEY_ID_BYTES]


def _find_time(extensions: list[str]) -> datetime | None:
    """Return the instant that the first extension line is; `None` for another log's extension."""
    try:
        return parse_instant(extensions[0], "") if extensions else None
    except TypeMismatch:
        return None


def _decode(text: str) -> bytes:
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    # one spelling: what is decoded is written again
    if not octets or base64.b64encode(octets).decode() != text:
        raise AuditLogInvalid("expected base64")
    return octets
