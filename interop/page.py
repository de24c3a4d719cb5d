"""docs/interop.md: how many cells, what disagrees and why, and the answer to every case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from interop.cell import OURS, THEIRS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interop.cell import Cell

_T = TypeVar("_T")
PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "interop.md"
_INTRODUCTION: Final = """\
# With foreign implementations

Made by `python -m interop --write`, which runs everything below anew: each implementation signs what the other
verifies, whole and spoiled, for the same keys, documents and instant. Needs Node.js with npm (on the `PATH`, or the
wheel of the extra `test`) and, the first time, a package registry; the packages and their exact versions stand in
`interop/*/package-lock.json`. What foreign implementations signed is kept in `tests/vectors/foreign/` and verified by
the tests without any of this.

A refusal counts only when it is about what was done: ours by its code, theirs by what their message speaks of. An
acceptance of an SD-JWT counts only when its claims are those that were signed and disclosed.
"""


def page(cells: list[Cell]) -> str:
    """Return the page."""
    lines = [_INTRODUCTION, "## Cells", ""]
    lines += _table(
        ("implementation", "format", "algorithm", "direction", "cells", "agree", "explained", "disagree"),
        _counts(cells),
    )
    lines += ["", "## Where answers differ", ""]
    lines += _table(("implementation", "direction", "case", "expected", "got", "why"), _explained(cells))
    for name in _unique(cell.implementation for cell in cells):
        lines += ["", f"## {name}", ""]
        lines += _table(
            ("format", "case", OURS, THEIRS), _answers([each for each in cells if each.implementation == name])
        )
    return "\n".join(lines) + "\n"


def _counts(cells: list[Cell]) -> Iterable[tuple[object, ...]]:
    for key in _unique((cell.implementation, cell.format, cell.algorithm, cell.direction) for cell in cells):
        verdicts = [
            cell.verdict for cell in cells if key == (cell.implementation, cell.format, cell.algorithm, cell.direction)
        ]
        yield (*key, len(verdicts), *(verdicts.count(name) for name in ("agrees", "explained", "DISAGREES")))


def _explained(cells: list[Cell]) -> Iterable[tuple[object, ...]]:
    return _unique(
        (
            cell.implementation,
            cell.direction,
            cell.case,
            _code(cell.expected),
            _code(cell.got),
            cell.reason or "**nothing**",
        )
        for cell in cells
        if cell.verdict != "agrees"
    )


def _answers(cells: list[Cell]) -> Iterable[tuple[object, ...]]:
    for form, case in _unique((cell.format, cell.case) for cell in cells):
        found = [cell for cell in cells if (cell.format, cell.case) == (form, case)]
        yield (form, case, *(_answer([cell for cell in found if cell.direction == way]) for way in (OURS, THEIRS)))


def _answer(cells: list[Cell]) -> str:
    """One answer where every algorithm has the same, else each with its algorithm."""
    answers = {cell.algorithm: _code(cell.got) + ("" if cell.verdict == "agrees" else " (see above)") for cell in cells}
    if len(set(answers.values())) == 1:
        return next(iter(answers.values()))
    return ", ".join(f"{algorithm}: {answer}" for algorithm, answer in answers.items())


def _code(answer: str) -> str:
    return answer if answer in ("accepted", "refused", "same") else f"`{answer}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    cells = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(str(each).replace('|', chr(92) + '|') for each in row)} |" for row in cells]


def _unique(values: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(values))
