"""``python -m tests.fuzz``: see the package."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path

from tests.fuzz.run import fuzz, reproduce
from tests.fuzz.targets import TARGETS, find


def main() -> int:
    """Fuzz what the arguments name; return 1 if anything broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Coverage-guided fuzzing of the parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="by default all")
    parser.add_argument("--seconds", type=int, default=10, help="for each target (10)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (2)")
    parser.add_argument("--corpus", type=Path, help="keeps what reached new code from one run to the next")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="where faults are left (fuzz-found)")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 2**31, help="of the mutations (the time)")
    parser.add_argument("--list", action="store_true", help="the names of the targets")
    parser.add_argument("--reproduce", type=Path, metavar="FILE", help="one input again, without instrumentation")
    arguments = parser.parse_args()
    if arguments.list:
        sys.stdout.write("".join(f"{each.name}\n" for each in TARGETS))
        return 0
    targets = [find(each) for each in arguments.targets] or list(TARGETS)
    if arguments.reproduce:
        found = reproduce(targets[0], arguments.reproduce.read_bytes())
        sys.stdout.write(found or "nothing is wrong with it\n")
        return 1 if found else 0
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write("atheris is not installed: it has wheels for CPython on Linux x86-64 (extra `test`)\n")
        return 2
    broken = False
    for run in fuzz(
        targets,
        arguments.seconds,
        jobs=arguments.jobs,
        corpus=arguments.corpus,
        keep=arguments.keep,
        seed=arguments.seed,
    ):
        broken = broken or bool(run.faults or run.trouble)
        sys.stdout.write(f"{run.name:24} {run.executed:9} inputs {run.covered:6} edges  {len(run.faults)} faults\n")
        for each in (*run.faults, run.trouble):
            sys.stdout.write(f"{each}\n" if each else "")
        sys.stdout.flush()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
