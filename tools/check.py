"""Everything that CI checks: ``python -m tools.check``. With ``--fast`` all but the tests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
PYTHON = (sys.executable, "-m")
SOURCES = ("src", "tests", "tools", "bench", "interop", "examples")

PROCESSES: Final = (
    "test_audit_log.py", "test_audited_services.py", "test_demotion.py", "test_event_loop.py", "test_ledger_crashes.py",
    "test_limits.py", "test_nonces.py", "test_service_processes.py", "test_slow_clients.py", "test_store.py",
)  # fmt: skip
"""Attacks on services and stores by several processes: the judgement in them is the one that the others attack."""

# Tests come last: their closing line ends the output.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", (*PYTHON, "ruff", "format", "--check", *SOURCES)),
    ("lint", (*PYTHON, "ruff", "check", *SOURCES)),
    ("types", (*PYTHON, "mypy")),
    ("floors", (str(Path(sys.executable).with_name("lint-imports")),)),
    ("docstrings", (*PYTHON, "interrogate", "--quiet", "src")),
    ("error book", (*PYTHON, "tools.errors_page", "--check")),
    ("attack table", (*PYTHON, "tools.attack_table", "--check")),
    ("tests", (*PYTHON, "pytest")),
    # what a test module asserts pytest holds all the same; of the package no assertion is left (ATTACKS E22)
    (
        "attacks without assertions",
        (
            sys.executable,
            "-O",
            "-m",
            "pytest",
            "-W",
            "ignore::pytest.PytestConfigWarning",
            "tests/attacks",
            *[f"--ignore=tests/attacks/{name}" for name in PROCESSES],
        ),
    ),
)
_SLOW: Final = 2  # of them, the last


def main(arguments: list[str]) -> int:
    """Run every step, whatever the one before said; return 1 if any failed."""
    failed = []
    for name, command in STEPS[:-_SLOW] if "--fast" in arguments else STEPS:
        start = time.perf_counter()
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code != 0:
            failed.append(name)
        sys.stderr.write(
            f"== {name}: {'ok' if code == 0 else f'FAILED ({code})'} {time.perf_counter() - start:.1f} s\n"
        )
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
