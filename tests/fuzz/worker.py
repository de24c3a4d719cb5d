"""One target under atheris, in a process of its own: ``python -m tests.fuzz.worker TARGET [libFuzzer options]``.

To instrument our code takes seconds, so with ``--serve`` the process does it once and then forks for each target that a
line of JSON on its standard input names: target, file for what is said, options. It answers with the exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import atheris

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.target import Target

SERVE: Final = "--serve"

_OURS = 0.7  # of the mutations; the others are libFuzzer's


def mutate_some(data: bytes, max_size: int, seed: int) -> bytes:
    """Return a mutated input: ours where it can be taken apart, else libFuzzer's."""
    from tests.fuzz.mutate import mutate  # noqa: PLC0415  # it imports what is instrumented

    rng = random.Random(seed)  # noqa: S311  # no secret
    changed = mutate(data, rng) if rng.random() < _OURS else None
    if changed is None or len(changed) > max_size:
        return bytes(atheris.Mutate(data, min(max_size, len(data) + 32)))
    return changed


def main() -> None:
    """Fuzz until libFuzzer's options say enough."""
    name, *options = sys.argv[1:]
    # the hook stays: much is imported when it is first needed
    atheris.instrument_imports(include=["agentdid"], enable_loader_override=False).__enter__()
    find = importlib.import_module("tests.fuzz.targets").find
    check = importlib.import_module("tests.fuzz.target").check
    if name != SERVE:
        fuzz(find(name), check, options)
    for line in sys.stdin:
        name, log, *options = json.loads(line)
        child = os.fork()
        if child == 0:
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            fuzz(find(name), check, options)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def fuzz(target: Target, check: Callable[[Target, bytes], None], options: list[str]) -> NoReturn:
    """Fuzz one target; the process ends here."""
    atheris.Setup([target.name, *options], lambda data: check(target, data), custom_mutator=mutate_some)
    atheris.Fuzz()
    raise SystemExit


if __name__ == "__main__":
    main()
