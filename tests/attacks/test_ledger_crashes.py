"""Rows K25, N19, P04 and P06 under fire: issuers killed while they work, and a database killed while it commits.

The counts of issue 5 (300 kills) take some minutes: AGENTDID_WHOLE=1. Every run does a tenth of that or less.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.errors import StoreUnavailable
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.status_ledger import Which
from tests.postgres import Postgres
from tests.stores import CHEAP, PASSPHRASE
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
WHOLE = os.environ.get("AGENTDID_WHOLE") == "1"
KILLS = 300 if WHOLE else 12
COMMITS = 60 if WHOLE else 6


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A file, or a database of a server of its own."""
    if request.param == "sqlite":
        yield str(tmp_path / "issuer.db")
    else:
        with Postgres() as server:
            yield server.new_database()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_p06_issuers_killed_at_random_moments(database: str, tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, no index was given twice, and no list ever went back."""
    folder = tmp_path / "site"
    Issuer.create(database, passphrase=PASSPHRASE, kdf=CHEAP, did="did:web:acme.example").close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.killed_issuers", database, str(folder), str(KILLS)],
        capture_output=True, text=True, timeout=2_400, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    rows: list[Any] = [json.loads(line) for line in done.stdout.splitlines()]
    issued = {row[1]: row for row in rows if row[0] == "issued"}
    revoked = [row[1] for row in rows if row[0] == "revoked"]
    snapshots = [row[1] for row in rows if row[0] == "killed"]

    assert (0, "") == (done.returncode, done.stderr)
    assert KILLS == len(snapshots)
    assert issued
    assert len(issued) == len([row for row in rows if row[0] == "issued"])
    with Issuer.open(database, passphrase=PASSPHRASE) as issuer:
        entries = {entry.credential_id: entry for entry in issuer.ledger.walk()}
        for _, _, credential_id, list_id, index, suspension, _ in issued.values():
            entry = entries[credential_id]
            assert (list_id, index) == (entry.list_id, entry.index)
            assert entry.suspension is not None
            assert suspension == entry.suspension.index
        # an act that was not acknowledged may have happened; one that was, did
        assert {"revoked"} == {entries[each].state for each in revoked} or not revoked
        bits, _ = issuer.ledger.bits(next(iter(entries.values())).list_id)
        assert all(bits[entries[each].index >> 3] & 0x80 >> (entries[each].index & 7) for each in revoked)
        assert len(entries) == len({(entry.list_id, entry.index) for entry in entries.values()})
        # one entry a key: what was asked for again was not issued again
        assert len(entries) <= len(issued) + 1
        again = issuer.issue(
            to=World().agent.did, capability=World().capability(principal=issuer.did), idempotency_key="key-0"
        )
        assert issued[0][2:3] + issued[0][6:] == [again.id, again.credential]
    for before, after in pairwise(snapshots):
        held = {name: (created, count) for name, created, count in after}
        for name, created, count in before:
            assert created <= held[name][0]
            assert count <= held[name][1]
    print(f"{len(snapshots)} kills, {len(issued)} issued, {len(revoked)} revoked")  # noqa: T201  # a figure


def test_n19_a_database_killed_while_it_commits() -> None:
    """Whether or not the commit came through, the retry under the same key gives one credential, always the same."""
    world, chance = World(), random.Random(7)  # noqa: S311  # of a test, and repeatable
    # every commit waits 50 ms before it is flushed, so that most kills come in the middle of one
    with Postgres(commit_delay="50000", commit_siblings="0") as server:
        url = server.new_database()
        Issuer.create(url, passphrase=PASSPHRASE, kdf=CHEAP).close()
        outcomes = []
        for number in range(COMMITS):
            with Issuer.open(url, passphrase=PASSPHRASE) as issuer:
                order = {"to": world.agent.did, "capability": world.capability(principal=issuer.did)}
                found: list[object] = []

                def ask(
                    issuer: Issuer = issuer, order: dict[str, Any] = order, found: list[object] = found, n: int = number
                ) -> None:
                    try:
                        found.append(issuer.issue(**order, idempotency_key=f"key-{n}").credential)
                    except StoreUnavailable:
                        found.append(None)

                asker = threading.Thread(target=ask)
                asker.start()
                time.sleep(chance.uniform(0.0, 0.2))
                server.kill()
                asker.join(60)
                assert not asker.is_alive()
                server.start()
                retries = [issuer.issue(**order, idempotency_key=f"key-{number}").credential for _ in range(2)]

                assert retries[0] == retries[1]
                assert found in ([None], [retries[0]])
                assert number + 1 == issuer.ledger.count(Which())
                outcomes.append(found == [None])
    assert any(outcomes)
    print(f"{len(outcomes)} kills, {sum(outcomes)} of them before the answer")  # noqa: T201  # a figure
