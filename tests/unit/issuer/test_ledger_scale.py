"""A ledger of a million is worked on in the memory of a thousand; AGENTDID_WHOLE=1 makes the million."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agentdid.issuer.issuer import Issuer
from tests.stores import CHEAP, PASSPHRASE

ROOT = Path(__file__).resolve().parents[3]
STEPS = "1000 10000 100000 1000000" if os.environ.get("AGENTDID_WHOLE") == "1" else "1000 8000"
_PROGRAM = """
import resource, sys, time
from datetime import timedelta
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.status_ledger import Wanted, Which
from tests.stores import PASSPHRASE
from tests.world import NOW

def use(ledger, done):
    sum(1 for _ in zip(ledger.walk(), range(2000)))
    ledger.count()
    ledger.search(limit=100)
    ledger.change_all("revoke", Which(subject=f"did:key:{done - 1}"), at=NOW)
    for kept in ledger.kept():
        ledger.bits(kept.list_id)

with Issuer.open(sys.argv[1], passphrase=PASSPHRASE) as issuer:
    ledger, done, at = issuer.ledger, 0, time.monotonic()
    for step in map(int, sys.argv[2:]):
        while done < step:
            ledger.allot_many(
                [Wanted(f"urn:{done + n}", f"did:key:{done + n}", NOW, NOW + timedelta(1), True) for n in range(500)]
            )
            done += 500
        use(ledger, done)
        print(done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, round(time.monotonic() - at, 1), flush=True)
"""


def test_memory_is_flat(tmp_path: Path) -> None:
    """From a thousand credentials on, the most memory that issuing, searching and list making take hardly grows."""
    place = str(tmp_path / "issuer.db")
    Issuer.create(place, passphrase=PASSPHRASE, kdf=CHEAP).close()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, place, *STEPS.split()], capture_output=True, text=True, timeout=2_400,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    rows = [line.split() for line in done.stdout.splitlines()]
    peaks = [int(kib) for _, kib, _ in rows]

    assert (0, "") == (done.returncode, done.stderr)
    assert STEPS.split() == [count for count, _, _ in rows]
    print("credentials, KiB at most, seconds:", rows)  # noqa: T201  # a figure
    assert peaks[-1] - peaks[0] < 8 * 1024
