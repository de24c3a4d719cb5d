"""The log on disk: how it is opened, gone on with, signed in time, and shared by threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from agentdid.audit.checkpoint import Checkpoint
from agentdid.audit.packed import Packed
from agentdid.audit.record import Record
from agentdid.errors import AuditLogInvalid, StoreUnavailable
from agentdid.keys import pair
from agentdid.keys.secret import SecretKey
from agentdid.storage.audit_check import examine
from agentdid.storage.audit_log import AuditLog
from agentdid.storage.log_folder import CHECKPOINTS, EVIDENCE, LogFolder, records
from tests.audit import OWNER, decide, keeping, open_log, record
from tests.world import NOW, World

if TYPE_CHECKING:
    from pathlib import Path


def test_threads_share_the_disk(tmp_path: Path) -> None:
    """Entries of many threads stand once each, and are on disk when they are said to stand."""
    with open_log(tmp_path / "log", durable=True) as log, ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(log.append, [record(number) for number in range(64)]))
    written = [each.request.resource for each in records(tmp_path / "log") if each.request]

    assert sorted(range(1, 65)) == sorted(each.index for each in entries)
    assert sorted(each.record.request.resource for each in entries if each.record.request) == sorted(written)
    assert () == examine(tmp_path / "log").faults


def test_a_checkpoint_comes_in_time(tmp_path: Path) -> None:
    """After so many entries, and after so many seconds without more of them."""
    log = open_log(tmp_path / "log", every=3, seconds=0.1)
    for _ in range(4):
        log.append(record())
    until = time.monotonic() + 20
    while examine(tmp_path / "log").covered < 5 and time.monotonic() < until:
        time.sleep(0.05)
    health = examine(tmp_path / "log")
    log.close()
    log.close()

    assert (5, 5, 3) == (health.size, health.covered, health.checkpoints)
    with pytest.raises(StoreUnavailable):
        log.append(record())


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """From its newest checkpoint, with entries behind it, and without any checkpoint at all."""
    folder = tmp_path / "log"
    with open_log(folder) as log:
        origin = log.origin
        log.append(record(1))
    left = open_log(folder)
    left.append(record(2))  # and never closed
    with open_log(folder) as log:
        assert (origin, 3) == (log.origin, log.size)
        log.append(record(3))
    (folder / CHECKPOINTS).unlink()
    with open_log(folder) as log:
        note = log.checkpoint()
        assert 4 == Checkpoint.open(note, origin, World().partner.secret.public).size
        assert note == log.checkpoint()

    assert () == examine(folder).faults


@pytest.mark.parametrize(
    ("old", "new"), [(b'"number":0', b'"number":1'), (b'"offset":', b'"offset":1'), (b"\\n2\\n", b"\\n3\\n")]
)
def test_a_checkpoint_that_was_changed(old: bytes, new: bytes, tmp_path: Path) -> None:
    """A log whose newest checkpoint is not its own is not gone on with, or `examine` names it."""
    folder = tmp_path / "log"
    with open_log(folder) as log:
        log.append(record())
    whole = (folder / CHECKPOINTS).read_bytes()
    (folder / CHECKPOINTS).write_bytes(whole.replace(old, new))

    assert {"checkpoint 0", "checkpoint 1"} & {each.place for each in examine(folder).faults}
    if old != b'"number":0':
        with pytest.raises(AuditLogInvalid):
            open_log(folder)


def test_checkpoints_without_a_log(tmp_path: Path) -> None:
    """A log that was emptied is not begun anew under its old checkpoints."""
    open_log(tmp_path / "log").close()
    (tmp_path / "log" / "records.jsonl").write_bytes(b"")

    with pytest.raises(AuditLogInvalid):
        open_log(tmp_path / "log")


def test_keys(tmp_path: Path) -> None:
    """A pair signs with its classical key; what no checkpoint can be signed with is refused, as is a foreign folder."""
    both = pair.as_signer(pair.load(pair.HYBRID, bytes(range(64))))
    with AuditLog.open(tmp_path / "pair", both, owner=OWNER) as log:
        log.append(record())

    assert () == examine(tmp_path / "pair", key=both.public).faults
    with pytest.raises(ValueError, match="Ed25519"):
        AuditLog.open(tmp_path / "other", SecretKey.generate("P-256"), owner=OWNER)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        open_log(tmp_path / "file")
    with pytest.raises(StoreUnavailable):
        LogFolder(tmp_path / "nowhere")


def test_no_evidence_where_none_is_wanted(tmp_path: Path) -> None:
    """A log may keep entries alone: nothing of what was presented is written anywhere."""
    world = World()
    with open_log(tmp_path / "log", world, evidence=False) as log:
        decide(world, keeping(world, log), 3)
    health = examine(tmp_path / "log")

    assert ((), 5, 0, 0) == (health.faults, health.size, health.evidence, health.absent)
    assert not (tmp_path / "log" / EVIDENCE).exists()


def test_days_have_files_of_their_own(tmp_path: Path) -> None:
    """Evidence lies in the file of its entry's day, each with the documents that it needs."""
    with open_log(tmp_path / "log") as log:
        for day in (1, 2, 1):
            line = b'{"type":"AgentdidPolicy","policy":{"digest":"uEiCGbGjmfMFbH_sd56aZqWezn6hmTjZHtbPOGUrGCa649w"}}'
            log.append(Record(NOW.replace(day=day), "policy", OWNER), Packed(line, {}))
    days = sorted(each.name for each in (tmp_path / "log" / EVIDENCE).iterdir())
    faults = [each.place for each in examine(tmp_path / "log").faults]

    assert ["2026-11-01.jsonl", "2026-11-02.jsonl"] == days
    assert ["evidence of entry 1", "evidence of entry 2", "evidence of entry 3"] == faults  # no such policy is there


@pytest.mark.parametrize("kind", ["anything", "", "decisions"])
def test_kinds_are_known(kind: str) -> None:
    """A record is of a kind of the list, or of one's own."""
    with pytest.raises(ValueError, match="kind"):
        Record(NOW, kind, OWNER)

    assert "x-mine" == Record(NOW, "x-mine", OWNER).kind
