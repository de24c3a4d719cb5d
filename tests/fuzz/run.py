"""Runs targets under atheris in processes of their own, and tries again without it whatever they found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

from tests.fuzz.target import check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.fuzz.target import Target

ROOT: Final = Path(__file__).resolve().parent.parent.parent
FOUND: Final = Path(__file__).resolve().parent / "found"
"""Inputs that once broke a promise, by target; each is a seed ever since."""
_START_S: Final = 300  # imports and seeds on a laden machine
_LEAST_LEN: Final = 4_096
_UNITS: Final = re.compile(r"stat::number_of_executed_units: (\d+)")
_COVERED: Final = re.compile(r"cov: (\d+)")


@dataclass
class Run:
    """What became of one target.

    Attributes:
        name: The target's.
        executed: How many inputs were tried.
        covered: How many edges of our code they reached.
        faults: What was found, each with the file of its input and whether it happens without instrumentation too.
        trouble: Why the run itself did not end as it should.
    """

    name: str
    executed: int = 0
    covered: int = 0
    faults: list[str] = field(default_factory=list)
    trouble: str = ""


def fuzz(
    targets: Iterable[Target],
    seconds: int,
    *,
    jobs: int = 2,
    corpus: Path | None = None,
    keep: Path | None = None,
    seed: int = 1,
) -> Iterator[Run]:
    """Fuzz each target for some seconds, several at once; yield what became of them, in their order.

    Args:
        targets: What to fuzz.
        seconds: For each.
        jobs: How many at once.
        corpus: A folder that keeps what reached new code from one run to the next; by default nothing is kept.
        keep: Where inputs are left that broke a promise.
        seed: Of the mutations.
    """
    with ThreadPoolExecutor(jobs) as pool, Workers() as workers:
        yield from pool.map(lambda each: fuzz_one(workers, each, seconds, corpus=corpus, keep=keep, seed=seed), targets)


@final
class Workers:
    """Processes that have our code instrumented, each fuzzing one target at a time; one more wherever none is free."""

    def __init__(self) -> None:
        self._free: list[subprocess.Popen[str]] = []
        self._all: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._all:
            with suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.communicate()

    def run(self, name: str, log: Path, options: list[str], timeout_s: float) -> int | None:
        """Fuzz a target; return how its process ended, or nothing where it did not in time."""
        worker = self._free.pop() if self._free else self._start()
        pipe_in, pipe_out = worker.stdin, worker.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(json.dumps([name, str(log), *options]) + "\n")
        pipe_in.flush()
        if not select.select([pipe_out], [], [], timeout_s)[0]:
            return None
        ended = int(pipe_out.readline() or -1)
        self._free.append(worker)
        return ended

    def _start(self) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", "--serve"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        self._all.append(worker)
        return worker


def fuzz_one(
    workers: Workers, target: Target, seconds: int, *, corpus: Path | None = None, keep: Path | None = None,
    seed: int = 1, inputs: int = -1,
) -> Run:  # fmt: skip
    """Fuzz one target in a process of its own, for some seconds, or until it had so many inputs (-1: however many)."""
    run = Run(target.name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds, artifacts = folder / "seeds", folder / "artifacts"
        grown = folder / "corpus" if corpus is None else corpus / target.name
        for place in (seeds, artifacts, grown):
            place.mkdir(parents=True, exist_ok=True)
        begun = all_seeds(target)
        for each in begun:
            (seeds / hashlib.sha256(each).hexdigest()[:16]).write_bytes(each)
        longest = max(_LEAST_LEN, *(2 * len(each) for each in begun))
        log = folder / "log"
        options = [
            f"-max_total_time={seconds}", f"-runs={inputs}", f"-seed={seed}", f"-artifact_prefix={artifacts}/",
            f"-max_len={longest}",
            "-len_control=0", "-timeout=20", "-rss_limit_mb=1024", "-print_final_stats=1", str(grown), str(seeds),
        ]  # fmt: skip
        ended = workers.run(target.name, log, options, seconds + _START_S)
        if ended is None:
            run.trouble = "did not end"
            return run
        said = (
            log.read_text("utf-8", "replace") if log.exists() else "the worker ended: see what tests.fuzz.worker says"
        )
        run.executed = int(found.group(1)) if (found := _UNITS.search(said)) else 0
        run.covered = max((int(each) for each in _COVERED.findall(said)), default=0)
        left = sorted(artifacts.iterdir())
        run.faults += [_fault(target, each, keep) for each in left]
        if not left and (ended != 0 or run.executed == 0):
            run.trouble = said[-3000:]
    return run


def all_seeds(target: Target) -> list[bytes]:
    """Return honest inputs, and those that once broke a promise."""
    folder = FOUND / target.name
    kept = [each.read_bytes() for each in sorted(folder.iterdir())] if folder.is_dir() else []
    return [*target.seeds(), *kept]


def reproduce(target: Target, data: bytes) -> str:
    """Return what one input does without instrumentation: nothing, where it does what it should."""
    try:
        check(target, data)
    except Exception:  # noqa: BLE001  # whatever comes out is the finding
        return traceback.format_exc()
    return ""


def _fault(target: Target, artifact: Path, keep: Path | None) -> str:
    data = artifact.read_bytes()
    kept = artifact
    if keep is not None:
        kept = keep / f"{target.name}-{artifact.name}"
        keep.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
    again = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target.name, "--reproduce", str(kept)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    said = again.stdout.decode("utf-8", "replace")
    found = said if again.returncode else "(only under instrumentation)"
    return f"{kept.name}: {data[:400]!r}\n{found}"
