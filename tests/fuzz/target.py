"""What a target is, and what every input must hold."""

from __future__ import annotations

import resource
import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentdid.errors import AgentdidError, Malformed, Refused, Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_SECONDS: Final = 1.0
MAX_BYTES: Final = 32 << 20
_SUSPECT_KIB: Final = 512  # the peak grew by this much: the input is run again and measured exactly


class TooSlowError(Exception):
    """An input took more processor time than any may."""


class TooLargeError(Exception):
    """An input took more memory than any may."""


class BrokenPromiseError(AssertionError):
    """What a target holds of its inputs does not hold."""


@dataclass(frozen=True)
class Target:
    """One parser under test.

    Attributes:
        name: As the command line has it.
        run: Takes one input; raises nothing but `AgentdidError`, and `BrokenPromiseError` where a promise fails.
        seeds: Honest inputs to begin from.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


def hold(promise: object, words: str) -> None:
    """Raise `BrokenPromiseError` unless the promise is kept; unlike `assert`, under `-O` too."""
    if not promise:
        raise BrokenPromiseError(words)


def check(target: Target, data: bytes) -> None:
    """Run one input and hold what every input must.

    Raises:
        Exception: Whatever is no `AgentdidError`; `TooSlowError` and `TooLargeError`.
    """
    before, start = _peak_kib(), time.process_time()
    _run(target, data)
    seconds, grown = time.process_time() - start, _peak_kib() - before
    if seconds > MAX_SECONDS:
        message = f"{seconds:.2f} s"
        raise TooSlowError(message)
    if grown > _SUSPECT_KIB:
        _weigh(target, data)


def _run(target: Target, data: bytes) -> None:
    try:
        target.run(data)
    except AgentdidError as error:
        hold(isinstance(error, Malformed | Refused | Undecided) and error.code, "an error of no family")


def _weigh(target: Target, data: bytes) -> None:
    """Run an input again and count what it allocates."""
    tracemalloc.start()
    before = _peak_kib()
    try:
        _run(target, data)
        peak = max(tracemalloc.get_traced_memory()[1], _peak_kib() - before << 10)
    finally:
        tracemalloc.stop()
    if peak > MAX_BYTES:
        message = f"{peak / (1 << 20):.1f} MiB"
        raise TooLargeError(message)


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
