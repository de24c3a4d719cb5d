"""Rows R01, R04 and R12: the log of decisions under strangers' words, canaries, meddling, rivals and kills.

AGENTDID_WHOLE=1 replays 10,000 decisions (issue 6) and kills the writer two hundred times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentdid import Request
from agentdid.audit.attribution import attributed
from agentdid.audit.merkle import hash_leaf
from agentdid.audit.receipt import ReceiptKey, read_receipt
from agentdid.audit.record import RECOVERY, clean
from agentdid.cli.main import main
from agentdid.errors import AgentdidError, AuditLogInvalid, StoreUnavailable
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.storage.audit_check import examine
from agentdid.storage.log_folder import CHECKPOINTS, EVIDENCE, RECORDS, LogFolder, records
from agentdid.verifier.replaying import replay_log
from tests.attacks.test_policy import cedar
from tests.audit import DAY, copy, decide, keeping, open_log, record
from tests.policy_scene import READ, PolicyScene
from tests.world import RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
WHOLE = os.environ.get("AGENTDID_WHOLE") == "1"
REPLAYED = 10_000 if WHOLE else 300
KILLS = 200 if WHOLE else 8
CANARY = "canary-7f3a91"
KEY = encode_multikey(World().partner.secret.public)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of some decisions."""
    world = World()
    with open_log(tmp_path / "log", world, every=10) as opened:
        decide(world, keeping(world, opened), 25)
    return tmp_path / "log"


def _cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def _edit(lines: list[bytes]) -> None:
    lines[13] = lines[13].replace(b'"accepted"', b'"refused!"')


def _remove(lines: list[bytes]) -> None:
    del lines[13]


@pytest.mark.parametrize("act", [_edit, _remove])
def test_r12_a_line_removed_or_edited(
    act: Callable[[list[bytes]], None], log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`audit verify` and `replay` name the entry, and end with 1; of the honest log they say nothing."""
    honest = _cli(capsys, "audit", "verify", str(log), "--key", KEY)
    lines = (log / RECORDS).read_bytes().splitlines(keepends=True)
    act(lines)
    (log / RECORDS).write_bytes(b"".join(lines))
    code, found = _cli(capsys, "audit", "verify", str(log), "--key", KEY)
    again, replayed = _cli(capsys, "replay", str(log))
    faults: list[dict[str, object]] = found["faults"]  # type: ignore[assignment]

    assert (0, "accepted", []) == (honest[0], honest[1]["outcome"], honest[1]["faults"])
    assert (1, "audit_log_invalid", 1) == (code, found["code"], again)
    assert (14, faults) == (faults[0]["line"], replayed["faults"])
    assert faults[0]["place"] in {"entry 13", "entry 14"}


def test_r12_an_open_log_is_cut_or_changed(tmp_path: Path) -> None:
    """Whoever keeps it does not go on: nothing is appended to a log that is not as it was left."""
    log = open_log(tmp_path / "log")
    for _ in range(3):
        log.append(record())
    whole = (tmp_path / "log" / RECORDS).read_bytes()
    (tmp_path / "log" / RECORDS).write_bytes(whole[:-300])

    with pytest.raises(AuditLogInvalid):
        log.append(record())
    (tmp_path / "log" / RECORDS).write_bytes(whole.replace(b'"index":2', b'"index":3'))
    with pytest.raises(AuditLogInvalid):
        open_log(tmp_path / "log")


def test_r12_of_another_key(log: Path) -> None:
    """A log goes on under its own key alone, and is whole under its own key alone."""
    other = SecretKey.generate()

    assert [] != [each for each in examine(log, key=other.public).faults if each.place.startswith("checkpoint")]
    world = World()
    world.partner.secret = other
    with pytest.raises(AuditLogInvalid, match="another key"):
        open_log(log, world)


def test_r12_evidence_may_go_and_nothing_else(log: Path) -> None:
    """A day's evidence that was let go of is absent; the log is whole without it, and the replay says what it lacks."""
    (log / EVIDENCE / DAY).unlink()
    health, replayed = examine(log), replay_log(log)

    assert ((), 0, 26) == (health.faults, health.evidence, health.absent)
    assert (0, tuple(range(2, 27))) == (replayed.same, replayed.absent)
    with pytest.raises(AuditLogInvalid, match="25 decisions"):
        replayed.check()


def test_r01_what_a_stranger_writes_stays_on_its_line(tmp_path: Path) -> None:
    """Line ends, escape sequences and other control characters are escaped: one line an entry, printable ASCII."""
    world = World()
    nasty = "a\r\nb\x1b[31m\u009b2J\u2028\u202e\x7f\x00é"
    with open_log(tmp_path / "log", world) as log:
        verifier = keeping(world, log)
        for action, resource in ((nasty, f"{RESOURCE}/{nasty}"), ("x" * 9_000, f"{RESOURCE}/{'y' * 9_000}")):
            with pytest.raises(AgentdidError):
                verifier.authorize(
                    world.present(world.root()), challenge="n-0S6_WzA2Mj", request=Request("http", action, resource)
                )
    text = (tmp_path / "log" / RECORDS).read_bytes()
    written = [each for each in records(tmp_path / "log") if each.request is not None]

    assert text.count(b"\n") == 4
    assert text.replace(b"\n", b"").decode("ascii").isprintable()
    assert [clean(nasty), "x" * 2_048] == [each.request.action for each in written if each.request]
    assert () == examine(tmp_path / "log").faults


def test_r04_no_claim_and_no_argument_in_the_log(tmp_path: Path) -> None:
    """Canary values of claims, arguments, queries and forged names are nowhere but in the evidence."""
    world = World()
    claims = {"name": CANARY, "email": f"{CANARY}@acme.example"}
    chain = world.root(claims=claims, disclosable=[("credentialSubject", "email")])
    request = Request("http", "invoice.read", f"{RESOURCE}/7?q={CANARY}", {"note": CANARY})
    forged = world.present(world.root(subject=world.party(CANARY, method="web")), world.stranger, challenge="n2")
    receipts = []
    with open_log(tmp_path / "log", world) as log:
        verifier = keeping(world, log)
        grant = verifier.authorize(world.present(chain), challenge="n-0S6_WzA2Mj", request=request)
        receipts.append(grant.receipt)
        for shown, nonce in ((forged[:-8] + "AAAAAAAA", "n2"), (CANARY, "n3"), (f'{{"{CANARY}":1}}', "n4")):
            with pytest.raises(AgentdidError) as refusal:
                verifier.authorize(shown, challenge=nonce, request=request)
            receipts.append(refusal.value.receipt)
    public = (tmp_path / "log" / RECORDS).read_text() + (tmp_path / "log" / CHECKPOINTS).read_text()

    assert CANARY not in public
    assert CANARY in (tmp_path / "log" / EVIDENCE / DAY).read_text()
    # whose signature did not hold is nobody: no receipt, no name in the log
    assert (True, [None] * 3) == (receipts[0] is not None, receipts[1:])
    assert [world.agent.did, None, None, None] == [each.agent for each in records(tmp_path / "log")][2:]
    for file in (RECORDS, CHECKPOINTS, f"{EVIDENCE}/{DAY}"):
        assert 0o600 == (tmp_path / "log" / file).stat().st_mode & 0o777


def test_who_acts_and_why(tmp_path: Path) -> None:
    """What a caller says around an act stands in its record, and only there."""
    world = World()
    with open_log(tmp_path / "log", world) as log:
        verifier = keeping(world, log)
        with attributed(actor=world.helper.did, reasoning="urn:trace:81", context={"ticket": "OPS-7"}):
            verifier.verify(world.present(world.root()), challenge="n-0S6_WzA2Mj")
        verifier.verify(world.present(world.root(), challenge="n2"), challenge="n2")
        with pytest.raises(ValueError, match="ASCII"), attributed(context={"név": "x"}):
            pass
    *_, first, second = records(tmp_path / "log")

    assert (world.helper.did, "urn:trace:81", {"ticket": "OPS-7"}) == (first.actor, first.reasoning, first.context)
    assert (world.partner.did, None, {}) == (second.actor, second.reasoning, second.context)


def test_what_cannot_be_recorded_did_not_happen(tmp_path: Path) -> None:
    """A log that is closed, gone or full is `store_unavailable`, and the decision does not stand."""
    world = World()
    log = open_log(tmp_path / "log", world)
    verifier = keeping(world, log)
    log.close()

    with pytest.raises(StoreUnavailable):
        verifier.verify(world.present(world.root()), challenge="n-0S6_WzA2Mj")
    full = open_log(tmp_path / "full", world)
    os.close(full._records)
    full._records = os.open("/dev/full", os.O_RDWR)
    with pytest.raises((StoreUnavailable, AuditLogInvalid)):
        full.append(record())


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.attacks.appending", str(folder), *arguments], stdout=subprocess.PIPE, cwd=ROOT
    )


@pytest.mark.parametrize("durable", [(), ("durable",)])
def test_processes_append_to_one_log(durable: tuple[str, ...], tmp_path: Path) -> None:
    """Every entry that was acknowledged stands once at its index, and the log is whole."""
    folder = tmp_path / "log"
    count = 60 if durable else 400
    writers = [_start(folder, str(count), *durable) for _ in range(3)]
    said = [row.split() for each in writers for row in each.communicate(timeout=120)[0].decode().splitlines()]
    lines = list(LogFolder(folder).lines())
    health = examine(folder)

    assert [0, 0, 0] == [each.returncode for each in writers]
    assert 3 * count == len({index for index, _ in said}) == len(said)
    assert all(hash_leaf(lines[int(index)]).hex() == leaf for index, leaf in said)
    assert ((), 3 * count + 1, 3 * count + 1) == (health.faults, health.size, health.covered)


def test_a_writer_is_killed(tmp_path: Path) -> None:
    """After SIGKILL at any moment what was acknowledged stands, and the log goes on and is whole."""
    folder = tmp_path / "log"
    chance = random.Random(81)  # noqa: S311  # when to kill
    said: list[list[str]] = []
    for _ in range(KILLS):
        writer = _start(folder, "0")
        assert writer.stdout is not None
        said.append(writer.stdout.readline().decode().split())
        time.sleep(chance.random() / 20)
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate(timeout=20)[0].decode()
        said += [row.split() for row in rest.splitlines(keepends=True) if row.endswith("\n")]
    open_log(folder).close()
    lines = list(LogFolder(folder).lines())
    health = examine(folder)

    assert len(said) > KILLS
    assert all(hash_leaf(lines[int(index)]).hex() == leaf for index, leaf in said)
    assert ((), health.size) == (health.faults, health.covered)


@pytest.mark.parametrize("torn", [b"{", b'{"actor":"did:web:partner.example","at":"2026', b"\0" * 700])
def test_a_write_that_broke_off(torn: bytes, log: Path, tmp_path: Path) -> None:
    """It is named; the next entry says what was left, the log goes on, and every bit of what was left is covered."""
    with (log / RECORDS).open("ab") as stream:
        stream.write(torn)
    before = examine(log).faults
    with open_log(log) as opened:
        opened.append(record())
    after = examine(log)
    recovery = next(each for each in records(log) if each.kind == RECOVERY)
    changed = copy(log, tmp_path / "changed")
    octets = (changed / RECORDS).read_bytes().replace(torn + b"\n", torn[:-1] + b"!\n")
    (changed / RECORDS).write_bytes(octets)

    assert {"entry 27"} == {each.place for each in before}
    assert ((), ["entry 27"], 30) == (after.faults, [each.place for each in after.notes], after.size)
    assert (28, str(len(torn))) == (recovery.index, recovery.context["torn"])
    assert "entry 27" in {each.place for each in examine(changed).faults}


def test_a_fork_has_a_lock_of_its_own(tmp_path: Path) -> None:
    """A log that was opened before a fork is appended to by both processes, entry by entry."""
    log = open_log(tmp_path / "log")
    child = os.fork()
    if child == 0:
        try:
            for number in range(100):
                log.append(record(number))
            os._exit(0)
        finally:
            os._exit(1)
    for number in range(100):
        log.append(record(number))
    _, status = os.waitpid(child, 0)
    log.close()

    assert 0 == status
    assert ((), 201) == (examine(tmp_path / "log").faults, examine(tmp_path / "log").size)


def test_replay_of_a_day_and_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every decision comes out the same, refusals too; a day without decisions has none."""
    world = World()
    with open_log(tmp_path / "log", world) as log:
        outcomes = decide(world, keeping(world, log), REPLAYED)
    code, found = _cli(capsys, "replay", str(tmp_path / "log"))
    day = _cli(capsys, "replay", str(tmp_path / "log"), "--day", DAY.removesuffix(".jsonl"))
    other = _cli(capsys, "replay", str(tmp_path / "log"), "--day", "2026-11-23")

    assert {"accepted", "capability_target_mismatch"} == set(outcomes)
    assert (0, REPLAYED) == (code, found["replayed"])
    assert ((0, REPLAYED), (0, 0)) == ((day[0], day[1]["replayed"]), (other[0], other[1]["replayed"]))


def test_decisions_under_a_policy(tmp_path: Path) -> None:
    """Entries and receipts name the policies that decided, of refusals too; and the log decides them again."""
    world = World()
    boss = PolicyScene(None).boss.did
    with open_log(tmp_path / "log", world) as log:
        key = ReceiptKey(world.partner.secret, world.partner.method_id)
        policy = cedar(approvers=[boss], behaviour={"demotion": [{"score": 10, "levels": 1}]})
        scene = PolicyScene(policy, audit=log, receipts=key)
        grant = scene.authorize()
        refusal = scene.refusal(request=READ)
    _, _, first, second = records(tmp_path / "log")
    said = [read_receipt(each).statement for each in (grant.receipt, refusal.receipt)]

    assert (("small",), ("cedar:no-permit",)) == (first.policies, second.policies)
    assert [first.policies, second.policies] == [each.policies for each in said]
    assert ("policy_denied", first.policy) == (second.code, said[0].policy)
    assert (2, ()) == ((done := replay_log(tmp_path / "log")).same, done.differing)
