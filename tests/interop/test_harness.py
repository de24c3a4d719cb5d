"""The harness itself: what it calls a disagreement, and what it says where nothing can be run."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from interop import stack
from interop.cell import OURS, REASONS, REFUSED, THEIRS, Cell, matches, refusal, stale
from interop.data_integrity import STACK
from interop.data_integrity_cases import CASES, change
from interop.stack import NodeStack, PythonStack, StackUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELL = Cell("somebody/else 1.0", OURS, "vc+sd-jwt", "EdDSA", "everything disclosed", "accepted", "refused")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Node and npm are looked for anew, before and after."""
    for found in (stack.node, stack.npm):
        found.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    for found in (stack.node, stack.npm):
        found.cache_clear()


def test_an_answer_without_a_reason_disagrees() -> None:
    """What is neither expected nor explained is a disagreement, whichever way it goes."""
    assert "DISAGREES" == CELL.verdict
    assert "DISAGREES" == dataclasses.replace(CELL, direction=THEIRS, expected="expired", got="accepted").verdict
    assert "agrees" == dataclasses.replace(CELL, got="accepted").verdict


@pytest.mark.parametrize("row", REASONS, ids=lambda row: f"{row['implementation']} {row['case']}")
def test_a_reason_explains_one_answer_only(row: dict[str, str]) -> None:
    """A reason covers its own answer, and no other answer, case or direction; unneeded, it is reported."""
    cell = Cell(f"{row['implementation']} 1.0", row["direction"], "", "", row["case"], "something else", row["got"])

    assert "explained" == cell.verdict
    assert row not in stale([cell])
    assert row in stale([dataclasses.replace(cell, expected=row["got"])])
    for changed in ({"got": "yet another"}, {"case": "yet another"}, {"direction": "yet another"}):
        assert not matches(row, dataclasses.replace(cell, **changed))


def test_a_refusal_for_another_reason_is_none() -> None:
    """A foreign refusal counts only when its message speaks of what was done."""
    assert REFUSED == refusal("Invalid signature.", "signature")
    assert REFUSED != refusal("Cannot read properties of undefined", "signature")


def test_a_change_changes_a_copy() -> None:
    """Spoiling a document leaves the good one as it was."""
    document = {"a": {"b": 1}}

    assert {"a": {"b": 2}} == change("a", "b", 2)(document)
    assert {"a": {"b": 1}} == document


def test_every_case_has_a_name_of_its_own() -> None:
    """Reasons name cases, so no two of them share a name."""
    assert len(CASES) == len({case.name for case in CASES})


def test_without_node_nothing_is_run(fresh: pytest.MonkeyPatch) -> None:
    """Where there is no Node.js, the message says so and where it could come from."""
    fresh.setattr(shutil, "which", lambda *_args, **_options: None)
    fresh.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(StackUnavailable, match=r"no Node\.js.*extra 'test'"):
        STACK.ask([])
    with pytest.raises(StackUnavailable, match="extra 'test'"):
        _ = PythonStack("sdjwt_python", "sd-jwt").name


def test_without_registry_nothing_is_run(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no registry answers, npm's own words are the reason, and the half installation is not taken for one."""
    try:
        stack.npm()
    except StackUnavailable as error:
        pytest.skip(str(error))
    fresh.setattr(stack, "WORK", tmp_path / "work")
    fresh.setenv("npm_config_registry", "http://127.0.0.1:9/")  # the discard port: nobody listens
    fresh.setenv("npm_config_cache", str(tmp_path / "cache"))
    fresh.setenv("npm_config_fetch_retries", "0")
    for _ in range(2):
        with pytest.raises(StackUnavailable, match="npm could not install jose 6"):
            NodeStack("jose_js", "jose").ask([])

    assert not (tmp_path / "work" / "jose_js" / "installed").exists()


@pytest.mark.parametrize("folder", ["digitalbazaar", "jose_js", "sdjwt_js"])
def test_packages_are_pinned_without_addresses(folder: str) -> None:
    """Every package has one exact version and its digest, and the lock file names no registry."""
    wanted = json.loads((stack.HERE / folder / "package.json").read_text("utf-8"))["dependencies"]
    locked = json.loads((stack.HERE / folder / "package-lock.json").read_text("utf-8"))["packages"]
    installed = {name: row for name, row in locked.items() if name}

    assert wanted == {name: installed[f"node_modules/{name}"]["version"] for name in wanted}
    assert all(row["integrity"].startswith("sha512-") and "resolved" not in row for row in installed.values())
