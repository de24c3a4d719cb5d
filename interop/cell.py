"""One cell of the table: who signed, who judged, what came of it; and the disagreements that have a reason."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

OURS: Final = "we sign, they verify"
THEIRS: Final = "they sign, we verify"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
_REASONS: Final = Path(__file__).resolve().parent / "divergences.toml"


@dataclass(frozen=True)
class Cell:
    """What one implementation made of what the other signed.

    Attributes:
        implementation: The foreign package and its version.
        direction: `OURS` or `THEIRS`.
        format: Of the document.
        algorithm: Of the key.
        case: What was done to it.
        expected: `accepted`, `refused`, or of us the code of the refusal.
        got: The same.
        detail: What the foreign implementation said when it refused.
        question: What we were asked, enough to ask it again; empty where they were asked.
    """

    implementation: str
    direction: str
    format: str
    algorithm: str
    case: str
    expected: str
    got: str
    detail: str = ""
    question: dict[str, Any] | None = None

    @property
    def reason(self) -> str | None:
        """Why it disagrees, if the file says so."""
        return next((row["why"] for row in REASONS if matches(row, self)), None)

    @property
    def verdict(self) -> str:
        """`agrees`, `explained` or `DISAGREES`."""
        if self.expected == self.got:
            return "agrees"
        return "DISAGREES" if self.reason is None else "explained"

    def encode(self) -> dict[str, object]:
        """Return the row as JSON."""
        names = ("implementation", "direction", "format", "algorithm", "case", "expected", "got", "detail")
        row: dict[str, object] = {name: getattr(self, name) for name in names}
        return {**row, "verdict": self.verdict, "reason": self.reason if self.verdict == "explained" else None}


def _load() -> list[dict[str, str]]:
    return tomllib.loads(_REASONS.read_text("utf-8"))["divergence"]


REASONS: Final = _load()
"""The rows of divergences.toml: implementation (without version), direction, case, got, why."""


def matches(row: dict[str, str], cell: Cell) -> bool:
    """Whether a reason speaks of this cell and of what it got."""
    return (
        cell.implementation.rpartition(" ")[0] == row["implementation"]
        and cell.direction == row["direction"]
        and cell.case == row["case"]
        and cell.got == row["got"]
    )


def stale(cells: list[Cell]) -> list[dict[str, str]]:
    """Return the reasons of implementations that ran which no disagreement needs any more."""
    ran = {cell.implementation.rpartition(" ")[0] for cell in cells}
    needed = [cell for cell in cells if cell.expected != cell.got]
    return [row for row in REASONS if row["implementation"] in ran and not any(matches(row, cell) for cell in needed)]


def refusal(error: str, says: str) -> str:
    """Return `refused` where the foreign message speaks of what was done, else that it does not, and the message."""
    return REFUSED if re.search(says, error) else f"refused otherwise: {error}"
