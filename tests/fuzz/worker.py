"""One target under atheris, in a process of its own: ``python -m tests.fuzz.worker TARGET [libFuzzer options]``."""

from __future__ import annotations

import importlib
import random
import sys

import atheris

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
    """Fuzz until libFuzzer's options say enough; the process ends here."""
    name, *options = sys.argv[1:]
    # the hook stays: much is imported when it is first needed
    atheris.instrument_imports(include=["agentdid"], enable_loader_override=False).__enter__()
    find = importlib.import_module("tests.fuzz.targets").find
    check = importlib.import_module("tests.fuzz.target").check
    target = find(name)
    atheris.Setup([name, *options], lambda data: check(target, data), custom_mutator=mutate_some)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
