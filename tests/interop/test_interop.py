"""`python -m interop` as it is called, with the foreign implementations installed into their own folders.

Needs Node.js with npm (the wheel of the extra `test` has both) and, the first time, a package registry.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interop.__main__ import TOPICS
from interop.cell import OURS, THEIRS, Cell
from interop.page import PAGE, page

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 900  # three installations of at most 180 s, and the runs


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The report of the command, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "interop", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stderr
    return {**json.loads(done.stdout), "code": done.returncode}


@pytest.fixture(params=TOPICS)
def rows(request: pytest.FixtureRequest, report: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one implementation; skips where it could not be run."""
    if request.param in report["unavailable"]:
        pytest.skip(report["unavailable"][request.param])
    return [row for row in report["rows"] if row["implementation"].startswith(f"{request.param} ")]


def test_no_unexplained_disagreement(rows: list[dict[str, Any]]) -> None:
    """Every answer is the expected one, or divergences.toml says why not."""
    assert [] == [row for row in rows if row["verdict"] not in ("agrees", "explained")]


def test_both_directions_accept_and_refuse(rows: list[dict[str, Any]]) -> None:
    """Each implementation accepts ours and has its own accepted, and each refuses what was spoiled."""
    answers = {(row["direction"], row["got"] == "accepted") for row in rows if row["verdict"] == "agrees"}

    assert {(OURS, True), (OURS, False), (THEIRS, True), (THEIRS, False)} <= answers


def test_every_reason_is_still_needed(report: dict[str, Any]) -> None:
    """An explanation with nothing left to explain is deleted."""
    assert [] == report["stale"]


def test_exit_code(report: dict[str, Any]) -> None:
    """0 where all agrees or is explained, 1 where something is not, 3 where something could not be run."""
    assert (0 if report["ok"] and not report["unavailable"] else 3 if report["ok"] else 1) == report["code"]


def test_page_is_up_to_date(report: dict[str, Any]) -> None:
    """docs/interop.md is what `--write` would write."""
    if report["unavailable"]:
        pytest.skip(next(iter(report["unavailable"].values())))
    cells = [
        Cell(**{name: value for name, value in row.items() if name not in ("verdict", "reason")})
        for row in report["rows"]
    ]

    assert PAGE.read_text("utf-8") == page(cells)
