"""What foreign implementations once signed (tests/vectors/foreign), verified without them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from interop.cell import Cell
from interop.judge import judge

FOLDER = Path(__file__).resolve().parent.parent / "vectors" / "foreign"
FILES = (
    "digitalbazaar-vc", "digitalbazaar-ecdsa-sd-2023-cryptosuite", "jose", "openvc-core", "sd-jwt", "sd-jwt-core",
    "sd-jwt-sd-jwt-vc",
)  # fmt: skip
ROWS = [row for name in FILES for row in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))]


def name_of(row: dict[str, Any]) -> str:
    """Return what a row is called in a report."""
    return f"{row['implementation']} {row['algorithm']} {row['case']}"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_kept_answer(row: dict[str, Any]) -> None:
    """Our answer is the expected one, or `interop/divergences.toml` says why not."""
    cell = Cell(**{**row, "got": judge(row["question"])})

    assert cell.verdict in ("agrees", "explained"), f"{cell.expected} was expected, got {cell.got}"


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["question"]["claims"] is not None and row["got"] == "accepted"], ids=name_of
)
def test_kept_claims_are_compared(row: dict[str, Any]) -> None:
    """An accepted token whose expected claims are others is no longer accepted: the comparison is real."""
    question = copy.deepcopy(row["question"])
    question["claims"]["extra"] = 1

    assert judge(question) == "other claims"


@pytest.mark.parametrize("name", FILES)
def test_each_file_accepts_and_refuses(name: str) -> None:
    """No file has lost its positive or its negative cases."""
    rows = [row["got"] for row in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))]

    assert rows.count("accepted") >= 2
    assert len({got for got in rows if got != "accepted"}) >= 5
