"""Two processes that do the same at once, and count how often they were let."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parents[1]


def race(program: str, racers: Iterable[Sequence[str]]) -> int:
    """Return the sum of what each process prints.

    Args:
        program: Python that gets ready, waits for a line on stdin, and prints a number.
        racers: The arguments of each process.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
        )
        for arguments in racers
    ]  # fmt: skip
    for racer in running:
        racer.stdin.write("go\n")  # type: ignore[union-attr]  # a pipe
        racer.stdin.flush()  # type: ignore[union-attr]
    return sum(int(racer.communicate(timeout=90)[0]) for racer in running)
