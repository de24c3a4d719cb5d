"""One thing to try, whoever signs it and whoever judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.judge import judge
from interop.parties import AT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from interop.stack import Answer

Signed = TypeVar("Signed")


@dataclass(frozen=True)
class Case(Generic[Signed]):
    """A signed document, what becomes of it, and what the specifications have everybody answer.

    Attributes:
        name: In words; no two cases of a format share one.
        of: Which of the signed documents.
        code: Our answer: the code of the refusal, or `None` where it is to be accepted.
        says: What a foreign refusal speaks of, a pattern; empty where it is to be accepted.
        change: What is done after signing.
        at: When it is judged.
    """

    name: str
    of: str
    code: str | None = None
    says: str = ""
    change: Callable[[Signed], Signed] | None = None
    at: datetime = AT

    def apply(self, signed: Signed) -> Signed:
        """Return the document as it is judged. Raises `ValueError` where the change changes nothing."""
        if self.change is None:
            return signed
        changed = self.change(signed)
        if changed == signed:
            message = f"{self.name!r} changes nothing"
            raise ValueError(message)
        return changed

    def judged_by_them(self, name: str, form: str, algorithm: str, answer: Answer, *, held: bool = True) -> Cell:
        """Return the cell of what they said of ours; `held` is whether what they accepted is what we signed."""
        got = ACCEPTED if held else "other claims"
        if not answer.ok:
            # a pattern that matches nothing, where nothing is to be refused
            got = refusal(answer.error, self.says or "(?!)")
        expected = REFUSED if self.says else ACCEPTED
        return Cell(name, OURS, form, algorithm, self.name, expected, got, answer.error)

    def judged_by_us(self, name: str, form: str, algorithm: str, question: dict[str, Any]) -> Cell:
        """Return the cell of what we say of theirs."""
        expected = self.code or ACCEPTED
        return Cell(name, THEIRS, form, algorithm, self.name, expected, judge(question), question=question)
