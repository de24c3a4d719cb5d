"""Layer P: nonces under races, restarts and floods."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from agentdid.clock import FixedClock
from agentdid.limits import DEFAULT
from agentdid.storage.nonces import MemoryTakes, NonceStore
from agentdid.storage.replay import SqlTakes
from agentdid.storage.takes import MEMORY, open_takes
from agentdid.verifier.service import Verifier
from agentdid.verify.needs import Resource
from tests.databases import postgres_url, valkey_url
from tests.world import AUDIENCE, NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
KEEP = NOW + timedelta(minutes=5)


@pytest.fixture(params=["memory", "sqlite", "postgres", "valkey"])
def takes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NonceStore]:
    """Each kind of store, real and empty."""
    places = {"memory": lambda: MEMORY, "sqlite": lambda: str(tmp_path / "nonces.db"), "postgres": postgres_url}
    store = open_takes(places.get(request.param, valkey_url)())
    yield store
    store.close()


def test_a_nonce_is_taken_once(takes: NonceStore) -> None:
    """The second take of one nonce is a replay; another audience's is another nonce."""
    nonce = takes.issue(NOW)

    assert ["ours", "taken", "replayed", "taken"] == [
        takes.check(nonce, NOW),
        takes.take(AUDIENCE, nonce, KEEP, NOW),
        takes.take(AUDIENCE, nonce, KEEP, NOW),
        takes.take("https://other.example", nonce, KEEP, NOW),
    ]


def test_a_nonce_expires_and_a_foreign_one_is_unknown(takes: NonceStore) -> None:
    """A nonce past its life is expired, as is one that was changed, or made elsewhere; other texts are unknown."""
    nonce = takes.issue(NOW)
    late = NOW + timedelta(seconds=DEFAULT.nonce_life_s + 1)
    changed = ("A" if nonce[0] != "A" else "B") + nonce[1:]

    assert ["expired", "expired", "unknown", "unknown", "expired"] == [
        takes.check(nonce, late),
        takes.check(changed, NOW),
        takes.check("", NOW),
        takes.check("é", NOW),
        takes.check(MemoryTakes().issue(NOW), NOW),
    ]


def test_p01_threads_race_for_one_nonce(takes: NonceStore) -> None:
    """Of 16 threads exactly one is told that it took the nonce, for each of 20 nonces."""
    with ThreadPoolExecutor(16) as pool:
        for _ in range(20):
            nonce = takes.issue(NOW)
            answers = list(pool.map(lambda _, nonce=nonce: takes.take(AUDIENCE, nonce, KEEP, NOW), range(16)))

            assert 1 == answers.count("taken")
            assert 15 == answers.count("replayed")


_RACER = """
import sys
from datetime import timedelta
from agentdid.storage.takes import open_takes
from tests.world import AUDIENCE, NOW

takes = open_takes(sys.argv[1])
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    if takes.take(AUDIENCE, f"nonce-{number}", NOW + timedelta(minutes=5), NOW) == "taken":
        print(number)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "valkey"])
def test_p01_two_processes_race_for_each_nonce(kind: str, tmp_path: Path) -> None:
    """Two processes on one store take 300 nonces, and none twice."""
    path = {"sqlite": lambda: str(tmp_path / "nonces.db"), "postgres": postgres_url, "valkey": valkey_url}[kind]()
    count = 300
    open_takes(path).close()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(path), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )
        for _ in range(2)
    ]  # fmt: skip
    for racer in racers:
        racer.stdin.write("go\n")  # type: ignore[union-attr]  # a pipe
        racer.stdin.flush()  # type: ignore[union-attr]
    taken = [int(line) for racer in racers for line in racer.communicate()[0].split()]

    assert list(range(count)) == sorted(taken)


def test_p03_a_lost_store_knows_no_nonce_from_before(tmp_path: Path) -> None:
    """When the set of consumed nonces is lost, so is the key that made them ours."""
    path = tmp_path / "nonces.db"
    first = SqlTakes.open(path)
    nonce = first.issue(NOW)
    first.close()
    kept = SqlTakes.open(path).check(nonce, NOW)
    path.unlink()

    assert ("ours", "expired", "expired") == (
        kept,
        SqlTakes.open(path).check(nonce, NOW),
        MemoryTakes().check(nonce, NOW),
    )


@pytest.mark.parametrize(
    ("step_s", "expected"),
    [
        (-600, "issued_in_future"),
        (86_400, "expired"),
        (121, "expired"),
        (-61, "issued_in_future"),
        (59, None),
        (-59, None),
    ],
)
def test_p10_a_clock_that_jumps(step_s: int, expected: str | None) -> None:
    """P10: one node's clock steps: beyond skew nothing that has ended, or has not begun, is taken."""
    world = World()
    presented = world.present(world.root(), challenge="n")
    clock = FixedClock(world.now + timedelta(seconds=step_s))
    # what is fetched comes by the same clock, and lists are signed when they are asked for
    world.now = clock.now()
    world.publish(world.acme)
    for url, held in list(world.served.items()):
        assert isinstance(held, Resource)
        world.serve(url, held.body)
    verifier = Verifier(world.trust(), source=world, clock=clock, takes=MemoryTakes())

    assert expected == verifier.inspect(presented, challenge="n").code


def test_q12_a_full_store_refuses_and_forgets_nothing(tmp_path: Path) -> None:
    """At the cap a new nonce is unavailable; once old ones have ended there is room again."""
    limits = replace(DEFAULT, max_nonces=3)
    for takes in (MemoryTakes(limits), SqlTakes.open(tmp_path / "nonces.db", limits)):
        answers = [takes.take(AUDIENCE, f"n{number}", KEEP, NOW) for number in range(4)]
        later = KEEP + timedelta(seconds=1)

        assert ["taken", "taken", "taken", "unavailable"] == answers
        assert ["replayed", "taken"] == [
            takes.take(AUDIENCE, "n0", KEEP, NOW),
            takes.take(AUDIENCE, "n3", later + timedelta(minutes=5), later),
        ]


def test_a_broken_store_is_unavailable(tmp_path: Path) -> None:
    """A store that cannot be written answers so, and the judgement then refuses."""
    path = tmp_path / "nonces.db"
    takes = SqlTakes.open(path)
    path.write_bytes(b"garbage" * 1_000)

    assert "unavailable" == takes.take(AUDIENCE, "n", KEEP, NOW)
