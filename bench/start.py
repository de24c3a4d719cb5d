"""What a fresh process pays: importing, and the first verdict, over bare Python started in the same round."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.measure import Row

ROUNDS: Final = 15
_BARE: Final = "pass"
_IMPORT: Final = "import agentdid"
# the verifier is not handed a clock or a source: what it needs by default is paid for too
_VERDICT: Final = """
import sys
from agentdid import Trust, Verifier
verifier = Verifier(trust=Trust.load(sys.argv[1]))
with open(sys.argv[2], "rb") as file:
    decision = verifier.verify_credential(file.read())
assert decision.code is None
"""


def rows() -> list[Row]:
    """Return the figures in milliseconds over bare Python."""
    from agentdid.codec.strict_json import encode  # noqa: PLC0415  # the measured processes import for themselves
    from agentdid.secure import data_integrity  # noqa: PLC0415
    from bench import verify  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        trust, credential = Path(folder, "trust.toml"), Path(folder, "credential.json")
        trust.write_text(
            f'audience = "https://api.partner.example"\ndid = "did:web:partner.example"\n'
            f'[[resource]]\nprefix = "https://api.partner.example/"\nroot = "{verify.ISSUER[1]}"\n'
            f'[[anchor]]\ndid = "{verify.ISSUER[1]}"\ntypes = ["EmployeeCredential"]\n',
            "utf-8",
        )
        document = verify.credential()
        document["validFrom"], document["validUntil"] = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
        signed = data_integrity.add_proof(
            document, verify.ISSUER[0], verify.ISSUER[2], verify.SUITE, created=verify.PAST
        )
        credential.write_bytes(encode(signed))
        programs = {
            "import agentdid": ((_IMPORT,), 30.0),
            "first eddsa-jcs-2022 verdict of a process": ((_VERDICT, str(trust), str(credential)), 70.0),
        }
        bare: list[float] = []
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(ROUNDS + 1):  # the first round writes byte code, and does not count
            bare.append(_start((_BARE,)))
            for name, (program, _) in programs.items():
                times[name].append(_start(program))
    found = []
    for name, (_, bar) in programs.items():
        over = sorted(own - none for own, none in zip(times[name][1:], bare[1:], strict=True))
        found.append(
            Row(name, statistics.median(over), over[1], over[-2], statistics.median(over) * 1000, bar, "ms over bare")
        )
    return found


def _start(program: tuple[str, ...]) -> float:
    start = time.perf_counter()
    # installed packages have their byte code; a developer's setting must not make every process compile anew
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", *program], check=True, env=environment)  # noqa: S603  # our own programs
    return (time.perf_counter() - start) * 1000
