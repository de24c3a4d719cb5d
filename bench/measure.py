"""Interleaved timing. A figure is a ratio to something measured in the same round, so a noisy machine moves both."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 45
CALLS = 25


@final
@dataclass(frozen=True)
class Work:
    """What a row times.

    Attributes:
        prepare: Returns the inputs of one sample, outside the timing: a presentation can be used once.
        call: Takes one input.
        bar: The greatest ratio that passes.
    """

    prepare: Callable[[], list[Any]]
    call: Callable[[Any], object]
    bar: float


@final
@dataclass(frozen=True)
class Row:
    """One figure: the median ratio, its 10th and 90th percentile, and what it had to be."""

    name: str
    figure: float
    low: float
    high: float
    microseconds: float
    bar: float
    unit: str = "x"

    @property
    def ok(self) -> bool:
        """Whether the bar was met."""
        return self.figure <= self.bar

    def encode(self) -> dict[str, object]:
        """Return the row as JSON."""
        return {
            "row": self.name,
            "figure": round(self.figure, 4),
            "spread": [round(self.low, 4), round(self.high, 4)],
            "microseconds": round(self.microseconds, 2),
            "bar": self.bar,
            "unit": self.unit,
            "ok": self.ok,
        }


def compare(floor: Work, works: Mapping[str, Work], rounds: int = ROUNDS) -> list[Row]:
    """Return a row for each work: its time per call over the floor's, in rounds that time all of them in turn."""
    ratios: dict[str, list[float]] = {name: [] for name in works}
    times: dict[str, list[float]] = {name: [] for name in works}
    sample(floor)
    for work in works.values():
        sample(work)  # warms what a running service has warm
    for _ in range(rounds):
        for name, work in works.items():
            before, own, after = sample(floor), sample(work), sample(floor)
            ratios[name].append(own / ((before + after) / 2))
            times[name].append(own)
    return [
        Row(
            name,
            statistics.median(ratios[name]),
            *_spread(ratios[name]),
            statistics.median(times[name]) * 1e6,
            work.bar,
        )
        for name, work in works.items()
    ]


def added(floor: Work, plain: Work, more: Work, name: str, bar: float, rounds: int = ROUNDS) -> Row:
    """Return what `more` costs above `plain`, over the floor, in rounds that time all three in turn."""
    for work in (floor, plain, more):
        sample(work)
    ratios, times = [], []
    for _ in range(rounds):
        before, first, own, second, after = (sample(work) for work in (floor, plain, more, plain, floor))
        times.append(own - (first + second) / 2)
        ratios.append(times[-1] / ((before + after) / 2))
    return Row(name, statistics.median(ratios), *_spread(ratios), statistics.median(times) * 1e6, bar)


def sample(work: Work) -> float:
    """Return the seconds a call takes, over the inputs of one sample."""
    inputs, call = work.prepare(), work.call
    start = time.perf_counter()
    for each in inputs:
        call(each)
    return (time.perf_counter() - start) / len(inputs)


def _spread(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    tenth = len(ordered) // 10
    return ordered[tenth], ordered[-1 - tenth]
