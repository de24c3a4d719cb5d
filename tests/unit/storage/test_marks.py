"""High-water marks: kept, never taken back, and one answer for two processes with two logs."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentdid.errors import StoreUnavailable
from agentdid.storage.marks import MemoryMarks, SqlMarks
from agentdid.verify.needs import Marks

ONE = ("1-a",)
TWO = ("1-a", "2-b")
THREE = ("1-a", "2-b", "3-c")
FORK = ("1-a", "2-x", "3-y")


@pytest.fixture(params=["memory", "sql"])
def marks(request: pytest.FixtureRequest, tmp_path: Path) -> Marks:
    """An empty store of either kind."""
    return MemoryMarks() if request.param == "memory" else SqlMarks.open(tmp_path / "marks.db")


def test_a_mark_goes_forward_along_its_log_and_never_back(marks: Marks) -> None:
    """Behind and forked logs leave it where it is."""
    assert ["kept", "kept", "behind", "forked", "kept", "behind"] == [
        marks.advance("s", each) for each in (TWO, TWO, ONE, FORK, THREE, TWO)
    ]
    assert "kept" == marks.advance("other", ONE)


def test_marks_outlive_the_process(tmp_path: Path) -> None:
    """Another process, later, knows what this one saw."""
    place = tmp_path / "marks.db"
    SqlMarks.open(place).advance("s", TWO)
    script = f"from agentdid.storage.marks import SqlMarks; print(SqlMarks.open({str(place)!r}).advance('s', ('1-a',)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)

    assert "behind\n" == done.stdout


def test_of_two_logs_that_fork_one_is_kept(tmp_path: Path) -> None:
    """Under any interleaving of two stores on one file exactly one branch wins."""
    stores = [SqlMarks.open(tmp_path / "marks.db") for _ in range(2)]
    for store in stores:
        store.advance("s", ONE)
    with ThreadPoolExecutor(8) as pool:
        logs = [TWO, ("1-a", "2-x")] * 20
        answers = list(pool.map(lambda row: stores[row[0] % 2].advance("s", row[1]), enumerate(logs)))
    by_log = {log: {answer for other, answer in zip(logs, answers, strict=True) if other == log} for log in logs}

    assert [{"forked"}, {"kept"}] == sorted(by_log.values(), key=str)


def test_a_store_that_is_gone_does_not_answer(tmp_path: Path) -> None:
    """An open store whose file vanished says so; it does not begin anew."""
    place = tmp_path / "marks.db"
    store = SqlMarks.open(place)
    place.unlink()

    assert "unavailable" == store.advance("s", ONE)
    store.close()


def test_a_store_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A file that is no store of marks is left alone."""
    place = tmp_path / "marks.db"
    place.write_bytes(b"not a database")

    with pytest.raises(StoreUnavailable):
        SqlMarks.open(place)


@pytest.mark.parametrize(("forgets", "answer"), [(False, "unavailable"), (True, "kept")])
def test_a_full_memory(forgets: bool, answer: str) -> None:
    """A verifier's refuses what is new; that of a resolver for everybody forgets what was not seen for longest."""
    marks = MemoryMarks(forgets=forgets, size=2)
    for name in ("a", "b", "a"):
        assert "kept" == marks.advance(name, TWO)

    assert answer == marks.advance("c", TWO)
    assert "behind" == marks.advance("a", ONE)
    assert ("kept" if forgets else "behind") == marks.advance("b", ONE)
