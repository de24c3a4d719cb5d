"""Logs that didwebvh-ts and did-webvh made (tests/vectors/foreign/didwebvh): resolved, and refused when spoilt.

What they make of ours is in tests/interop, where they are installed.
"""

from __future__ import annotations

import json

import pytest

from interop.did_webvh import SCENARIOS, judge
from tests.vectors_dir import ROOT

FOLDER = ROOT / "tests" / "vectors" / "foreign" / "didwebvh"


@pytest.mark.parametrize("package", ["didwebvh-ts", "did-webvh"])
def test_foreign_logs_resolve_and_spoilt_ones_do_not(package: str) -> None:
    """After rotation, with pre-rotation, with witnesses, moved and ended."""
    kept = json.loads((FOLDER / f"{package}.json").read_text("utf-8"))
    cells = [cell for name in SCENARIOS for cell in judge(kept["implementation"], name, kept["logs"][name])]

    assert [] == [(cell.case, cell.expected, cell.got) for cell in cells if cell.expected != cell.got]
    assert {"accepted", "did_log_invalid", "did_witness_threshold"} == {cell.got for cell in cells}
