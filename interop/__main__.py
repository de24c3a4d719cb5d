"""`python -m interop [--json] [--write]`: our documents under foreign implementations, and theirs under ours.

Exit code 1 where an answer is not the expected one and `divergences.toml` does not say why, or where it explains what
is no longer so; 3 where an implementation could not be run here; else 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from interop import data_integrity, did_key, did_webvh, ml_dsa, sd_jwt, vp_jwt
from interop.cell import stale
from interop.page import PAGE, page
from interop.stack import StackUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.cell import Cell

TOPICS: Final[dict[str, Callable[[], list[Cell]]]] = {
    data_integrity.STACK.package: data_integrity.cells,
    sd_jwt.JAVASCRIPT.package: partial(sd_jwt.cells, sd_jwt.JAVASCRIPT),
    sd_jwt.PYTHON.package: partial(sd_jwt.cells, sd_jwt.PYTHON),
    vp_jwt.STACK.package: vp_jwt.cells,
    ml_dsa.STACK.package: ml_dsa.cells,
    did_key.STACK.package: did_key.cells,
    did_webvh.TYPESCRIPT.package: partial(did_webvh.cells, did_webvh.TYPESCRIPT),
    did_webvh.PYTHON.package: partial(did_webvh.cells, did_webvh.PYTHON),
}
"""Foreign package → what makes its cells."""


def run() -> tuple[list[Cell], dict[str, str]]:
    """Return every cell, and why the packages that could not be run could not."""
    cells: list[Cell] = []
    unavailable = {}
    for package, make in TOPICS.items():
        try:
            cells += make()
        except StackUnavailable as error:
            unavailable[package] = str(error)
    return cells, unavailable


def main(arguments: list[str]) -> int:
    """Run every implementation and print a row a cell."""
    parser = argparse.ArgumentParser(prog="python -m interop", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--write", action="store_true", help="write docs/interop.md, if every implementation ran")
    options = parser.parse_args(arguments)
    cells, unavailable = run()
    unneeded = stale(cells)
    wrong = [cell for cell in cells if cell.verdict == "DISAGREES"]
    if options.json:
        report = {"rows": [cell.encode() for cell in cells], "unavailable": unavailable, "stale": unneeded}
        print(json.dumps(report | {"ok": not wrong and not unneeded}, indent=2, ensure_ascii=False))
    else:
        _print(cells)
    for package, reason in unavailable.items():
        sys.stderr.write(f"{package}: not run: {reason}\n")
    for row in unneeded:
        sys.stderr.write(f"divergences.toml explains what is not so: {row['implementation']}, {row['case']}\n")
    if options.write and not unavailable:
        PAGE.write_text(page(cells), "utf-8")
    if wrong or unneeded:
        return 1
    return 3 if unavailable else 0


def _print(cells: list[Cell]) -> None:
    for cell in cells:
        print(
            f"{cell.implementation:24} {cell.direction:20} {cell.format:18} {cell.algorithm:17} {cell.case:56} "
            f"{cell.expected:26} {cell.got:26} {cell.verdict}"
        )
    counts = {name: sum(cell.verdict == name for cell in cells) for name in ("agrees", "explained", "DISAGREES")}
    print(f"{len(cells)} cells: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
