"""No input makes a parser or the verifier raise anything else than it promises, nor costs more than it may."""

from __future__ import annotations

import importlib.util
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.fuzz.run import FOUND, Workers, all_seeds, fuzz_one, reproduce
from tests.fuzz.targets import TARGETS, find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from tests.fuzz.run import Run

SECONDS: Final = int(os.environ.get("AGENTDID_FUZZ_SECONDS", "3"))
"""For each target; `python -m tests.fuzz --seconds 60` is for a closer look."""
INPUTS: Final = -1 if "AGENTDID_FUZZ_SECONDS" in os.environ else 1_000
"""At most, for each target: with one seed the same on every machine, so that a fast one finds nothing new by chance."""
JOBS: Final = 2
ATHERIS: Final = importlib.util.find_spec("atheris") is not None
NAMES: Final = [each.name for each in TARGETS]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Run]]]:
    """The runs of the targets that were asked for, two at once."""
    names = {
        item.callspec.params["name"]
        for item in request.session.items
        if hasattr(item, "callspec") and item.module is request.module
    }
    with ThreadPoolExecutor(JOBS) as pool, Workers() as workers:
        made = {
            name: pool.submit(fuzz_one, workers, find(name), SECONDS, inputs=INPUTS) for name in NAMES if name in names
        }
        yield made
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", [each for each in NAMES if not ATHERIS or (FOUND / each).is_dir()])
def test_honest_and_once_dangerous_inputs(name: str) -> None:
    """What a target begins from holds all promises; among it is every input that once broke one.

    Where there is mutation it begins with the same, so that only what was once dangerous is tried twice.
    """
    target = find(name)
    seeds = all_seeds(target)

    assert seeds
    assert [] == [found for each in seeds if (found := reproduce(target, each))]


@pytest.mark.skipif(not ATHERIS, reason="atheris has no wheel for this Python")
@pytest.mark.parametrize("name", NAMES)
def test_mutated_inputs(name: str, runs: dict[str, Future[Run]]) -> None:
    """A few seconds of coverage-guided mutation find nothing."""
    run = runs[name].result()

    assert ("", []) == (run.trouble, run.faults)
    assert run.executed > 0
