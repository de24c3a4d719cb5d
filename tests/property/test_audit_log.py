"""A log of decisions: whatever is changed in it, anywhere, is found and named (ATTACKS R12; specs/audit-log.md)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.audit.frontier import Frontier
from agentdid.audit.head import Head, split_line
from agentdid.audit.merkle import Tree, hash_leaf
from agentdid.storage.audit_check import examine
from agentdid.storage.log_folder import CHECKPOINTS, EVIDENCE, RECORDS, decode_kept
from agentdid.verifier.replaying import replay_log
from tests.audit import DAY, copy, decide, keeping, open_log
from tests.world import World

if TYPE_CHECKING:
    from pathlib import Path

WORLD = World()
DECISIONS = 12


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with some checkpoints and the evidence of every decision."""
    folder = tmp_path_factory.mktemp("audit") / "log"
    with open_log(folder, WORLD, every=5) as log:
        decide(WORLD, keeping(WORLD, log), DECISIONS)
    return folder


def _places(folder: Path) -> set[str]:
    return {each.place for each in examine(folder, key=WORLD.partner.secret.public).faults}


def test_an_honest_log(honest: Path) -> None:
    """Nothing is found in it, every checkpoint holds, and every decision comes out again."""
    health = examine(honest, key=WORLD.partner.secret.public)
    replayed = replay_log(honest)

    assert ((), ()) == (health.faults, health.notes)
    assert (DECISIONS + 2, DECISIONS + 2, DECISIONS + 1) == (health.size, health.covered, health.evidence)
    assert (DECISIONS, (), ()) == (replayed.same, replayed.absent, replayed.differing)


@settings(max_examples=150, deadline=None)
@given(st.data())
@pytest.mark.parametrize("file", [RECORDS, CHECKPOINTS, f"{EVIDENCE}/{DAY}"])
def test_a_flipped_bit(file: str, honest: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is found wherever it is, and named: the entry that holds it, the checkpoint, the evidence or its document."""
    octets = bytearray((honest / file).read_bytes())
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 7))
    folder = copy(honest, tmp_path_factory.getbasetemp() / "flipped")
    (folder / file).write_bytes(octets)
    places = _places(folder)
    line = bytes((honest / file).read_bytes()[:at]).count(b"\n")

    assert places
    if file == RECORDS:
        # a line's end that is gone makes one line of two
        assert f"entry {line}" in places
        assert not {f"entry {each}" for each in range(DECISIONS + 2) if abs(each - line) > 1} & places
    elif file == CHECKPOINTS:
        assert f"checkpoint {line}" in places
    else:
        assert all(place.startswith((DAY, "evidence of entry")) for place in places)


def _whole(lines: list[bytes]) -> bytes:
    return b"".join(lines)


@pytest.mark.parametrize("at", range(DECISIONS + 2))
@pytest.mark.parametrize("act", ["remove", "repeat", "swap", "truncate", "move"])
def test_lines_that_are_moved(act: str, at: int, honest: Path, tmp_path: Path) -> None:
    """A line that is removed, repeated, exchanged, cut or put elsewhere is named, with its neighbours at most."""
    folder = copy(honest, tmp_path / "log")
    file = folder / RECORDS
    lines = file.read_bytes().splitlines(keepends=True)
    last = len(lines) - 1
    if (act in ("swap", "move") and at == last) or (act == "move" and at == last - 1):
        pytest.skip("there is nothing to exchange it with")
    if act == "remove":
        del lines[at]
    elif act == "repeat":
        lines.insert(at, lines[at])
    elif act == "swap":
        lines[at : at + 2] = lines[at + 1], lines[at]
    elif act == "truncate":
        lines[at] = lines[at][: len(lines[at]) // 2] + (b"\n" if at < last else b"")
    else:
        lines.append(lines.pop(at))
    file.write_bytes(_whole(lines))
    places = _places(folder)
    near = {f"entry {each}" for each in (at - 1, at, at + 1)}

    assert places
    if act == "remove" and at == last:
        assert any(place.startswith("checkpoint") for place in places)
    else:
        assert near & places


def test_lines_that_were_written_anew(honest: Path, tmp_path: Path) -> None:
    """Whoever edits an entry and writes all running digests anew is told by the next checkpoint."""
    folder = copy(honest, tmp_path / "log")
    file = folder / RECORDS
    head, written = Head(), []
    for number, line in enumerate(file.read_bytes().splitlines()):
        record, _ = split_line(line)
        changed = record if number != 8 else type(record)(record.at, record.kind, record.actor, "accepted")
        again, entry, digest = head.write(changed, record.evidence)
        head.grow(entry.leaf, digest)
        written.append(again + b"\n")
    file.write_bytes(_whole(written))
    (fault,) = [each for each in examine(folder).faults if "anew" in each.detail]

    assert ("checkpoint 2", "its root is another: entries 6 to 10 were written anew") == (fault.place, fault.detail)


def test_a_log_that_is_cut_with_its_checkpoints(honest: Path, tmp_path: Path) -> None:
    """Only who kept a checkpoint elsewhere sees that an end is gone with all that tells of it."""
    folder = copy(honest, tmp_path / "log")
    lines = (folder / RECORDS).read_bytes().splitlines(keepends=True)
    notes = (folder / CHECKPOINTS).read_bytes().splitlines(keepends=True)
    kept = decode_kept(notes[-1].rstrip(b"\n")).note
    (folder / RECORDS).write_bytes(_whole(lines[:6]))
    (folder / CHECKPOINTS).write_bytes(_whole(notes[:2]))

    assert () == examine(folder).faults
    assert ["known checkpoint 1"] == [each.place for each in examine(folder, since=[kept]).faults]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
def test_frontier_and_tree_agree(entries: list[bytes]) -> None:
    """At every size the frontier has the tree's root (RFC 9162 section 2.1.1)."""
    tree, frontier = Tree(), Frontier()
    for each in entries:
        tree.append(hash_leaf(each))
        frontier.append(hash_leaf(each))

        assert tree.root() == frontier.root()


def test_evidence_is_in_order(honest: Path) -> None:
    """Bundles lie in the order of the entries that name them, so that one pass reads both."""
    places: list[int] = []
    examine(honest, see=lambda record, _found, _day: places.append(record.evidence.at) if record.evidence else None)

    assert all(first < second for first, second in pairwise(places))
