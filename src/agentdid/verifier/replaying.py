"""Deciding again what a log records, offline: every decision of a day, or of all, must come out the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from agentdid.audit.record import DECISION
from agentdid.errors import AgentdidError, AuditLogInvalid
from agentdid.record import Value
from agentdid.storage.audit_check import Finding, examine
from agentdid.storage.evidence_files import day_of
from agentdid.verify.evidence import replay, unpack
from agentdid.verify.memory import Memory
from agentdid.verify.run import report_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentdid.audit.record import Record
    from agentdid.keys.public import PublicKey
    from agentdid.storage.audit_check import Health
    from agentdid.storage.evidence_check import Bundle, DayReader


@final
class Replayed(Value, frozen=True):
    """What replaying a log came to.

    Attributes:
        same: How many decisions came out as recorded.
        absent: The entries whose evidence is gone.
        differing: The entries that did not come out as recorded, and why.
        health: Of the log itself.
    """

    same: int
    absent: tuple[int, ...]
    differing: tuple[Finding, ...]
    health: Health

    def check(self) -> None:
        """Hold that all of them are the same.

        Raises:
            AuditLogInvalid: The log is not whole, a decision differs, or its evidence is gone.
        """
        self.health.check()
        for each in self.differing:
            raise AuditLogInvalid(f"{each.place}: {each.detail}")
        if self.absent:
            raise AuditLogInvalid(f"the evidence of {len(self.absent)} decisions is gone, from entry {self.absent[0]}")


def replay_log(
    path: str | Path,
    *,
    day: str | None = None,
    key: PublicKey | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> Replayed:
    """Decide again what a log records.

    Args:
        path: Its folder, or its records.
        day: Of this day (UTC, `2026-11-01`) only; the log is examined whole in any case.
        key: That must have signed the checkpoints; by default the one that the log names.
        advance: Told how many bytes of the records were gone through.

    Raises:
        StoreUnavailable: There is no log.
    """
    again = _Again(day)
    health = examine(path, key=key, advance=advance, see=again.see)
    return Replayed(again.same, tuple(again.absent), tuple(again.differing), health)


@final
class _Again:
    def __init__(self, day: str | None) -> None:
        self._day = day
        self._memory = Memory()
        self.same = 0
        self.absent: list[int] = []
        self.differing: list[Finding] = []

    def see(self, record: Record, found: Bundle | None, documents: DayReader | None) -> None:
        """Decide one entry again."""
        if record.kind != DECISION or self._day not in (None, day_of(record.at)):
            return
        if found is None or found.absent or documents is None:
            self.absent.append(record.index)
            return
        if found.fault or found.packed is None:
            return  # the examination names it
        try:
            report = report_of(replay(unpack(found.packed, documents.find), self._memory))
            if (report.outcome, report.code) != (record.outcome, record.code):
                raise AuditLogInvalid("the evidence leads to another outcome than the entry's")
        except (AgentdidError, KeyError, ValueError) as error:
            detail = error.detail if isinstance(error, AgentdidError) else "a document of its evidence is gone"
            self.differing.append(Finding(f"entry {record.index}", detail))
        else:
            self.same += 1
