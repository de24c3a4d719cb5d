"""Issuing with the ledger, on SQLite and PostgreSQL, by one process and by two, alone and in batches of a hundred.

What a credential costs is measured in synchronous writes of 4 kB to the same folder, because a ledger that loses
nothing waits for the disk: that is the floor. The order goes in, the signed credential comes out, entries committed.
Memory is told by `tests/unit/issuer/test_ledger_scale.py`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from agentdid.issuer.issuer import Issuer
from bench.measure import Row

PASSPHRASE: Final = "of the bench, and of nothing else"  # noqa: S105  # seals nothing that lasts
_ROUNDS: Final = 5
_PER_ROUND: Final = {1: 20, 100: 300}
_ROOT: Final = Path(__file__).resolve().parent.parent
# (database, processes, batch) → the most that a credential may cost, in synchronous writes
_BARS: Final = {
    ("SQLite", 1, 1): 25.0,
    ("SQLite", 1, 100): 10.0,
    ("SQLite", 2, 100): 10.0,
    ("PostgreSQL", 1, 1): 25.0,
    ("PostgreSQL", 1, 100): 10.0,
    ("PostgreSQL", 2, 100): 10.0,
}
_WORKER: Final = """
import sys, time
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.orders import Order
from bench.ledger import CAPABILITY, SUBJECT, PASSPHRASE

place, count, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with Issuer.open(place, passphrase=PASSPHRASE) as issuer:
    order = Order(SUBJECT, CAPABILITY | {"principal": issuer.did}, form="eddsa-jcs-2022")
    issuer.issue_order(order)
    print("ready", flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        if batch == 1:
            for _ in range(count):
                issuer.issue_order(order)
        else:
            for _ in issuer.issue_many([order] * count, chunk=batch):
                pass
        print(time.perf_counter() - begun, flush=True)
"""
SUBJECT: Final = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
CAPABILITY: Final[dict[str, object]] = {
    "root": "did:web:partner.example",
    "principal": "",
    "purpose": "measuring",
    "grants": [
        {
            "id": "g1", "from": None, "type": "http", "actions": ["invoice.read"],
            "resources": ["https://api.partner.example/v1/invoices"], "constraints": {}, "limits": {},
            "approval": None, "autonomyMax": 2,
        }
    ],
    "audience": ["did:web:partner.example"],
    "delegation": {"maxDepth": 3},
    "parent": None,
    "minSecurity": "classical",
}  # fmt: skip


def rows() -> list[Row]:
    """Return the figures; without a PostgreSQL that can be run, those of SQLite alone."""
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentdid-bench-")))
        places = {"SQLite": str(folder / "issuer.db")}
        server = _server(stack)
        if server is not None:
            places["PostgreSQL"] = server
        for place in places.values():
            Issuer.create(place, passphrase=PASSPHRASE).close()
        for (name, processes, batch), bar in _BARS.items():
            if name in places:
                found.append(_measure(folder, places[name], name, processes, batch, bar))
    return found


def _server(stack: ExitStack) -> str | None:
    try:
        from tests.postgres import Postgres, programs  # noqa: PLC0415  # the extra `test`
    except ImportError:
        return None
    return None if programs() is None else stack.enter_context(Postgres()).new_database()


def _measure(folder: Path, place: str, name: str, processes: int, batch: int, bar: float) -> Row:
    count = _PER_ROUND[batch]
    workers = [
        subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-c", _WORKER, place, str(count), str(batch)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1, cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        for _ in range(processes)
    ]  # fmt: skip
    ratios, costs = [], []
    try:
        for worker in workers:
            _line(worker)
        for _ in range(_ROUNDS):
            floor = _synchronous_write_s(folder)
            begun = time.perf_counter()
            for worker in workers:
                worker.stdin.write("go\n")  # type: ignore[union-attr]  # a pipe
            for worker in workers:
                _line(worker)
            cost = (time.perf_counter() - begun) / (count * processes)
            ratios.append(cost / statistics.mean([floor, _synchronous_write_s(folder)]))
            costs.append(cost)
    finally:
        for worker in workers:
            worker.stdin.close()  # type: ignore[union-attr]  # as above
            worker.wait(30)
    each = "one by one" if batch == 1 else f"in batches of {batch}"
    who = "one process" if processes == 1 else f"{processes} processes"
    cost = statistics.median(costs)
    title = f"issue with the ledger, {name}, {who}, {each}: {1 / cost:.0f}/s"
    return Row(title, statistics.median(ratios), min(ratios), max(ratios), cost * 1e6, bar, "synchronous writes")


def _line(worker: subprocess.Popen[str]) -> str:
    line = worker.stdout.readline()  # type: ignore[union-attr]  # a pipe
    if not line:
        message = "a worker ended"
        raise RuntimeError(message)
    return line


def _synchronous_write_s(folder: Path) -> float:
    """The median of what a synchronous write of 4 kB takes in a folder."""
    times = []
    descriptor = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(15):
            begun = time.perf_counter()
            os.pwrite(descriptor, os.urandom(4_096), 0)
            os.fsync(descriptor)
            times.append(time.perf_counter() - begun)
    finally:
        os.close(descriptor)
    return statistics.median(times)
