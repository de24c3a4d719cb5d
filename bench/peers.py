"""Peers measured in the same run: Digital Bazaar's libraries on Node, where npm can install them; for comparison only.

A task crosses a pipe, which costs some tens of microseconds beside their milliseconds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.instant import encode_instant
from bench.measure import Work
from bench.verify import NOW
from interop.stack import StackUnavailable, node
from interop.suites import STACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROUNDS: Final = 9
_CALLS: Final = 5
_BAR: Final = 1_000.0
_WARM_UP: Final = 200
_PEER: Final = Path(__file__).resolve().parent / "peer.mjs"


@contextmanager
def started(signed: Mapping[str, object], documents: Mapping[str, object]) -> Iterator[dict[str, Work]]:
    """Yield what peers can be timed with, by row: one credential a suite, verified by each of them.

    Args:
        signed: Suite → a credential under it.
        documents: URL → what their loader gives.
    """
    try:
        place = STACK.install()
    except StackUnavailable as error:
        sys.stderr.write(f"{STACK.name}: not measured: {error}\n")
        yield {}
        return
    shutil.copyfile(_PEER, place / _PEER.name)
    process = subprocess.Popen(  # noqa: S603  # our own script
        [*node(), str(place / _PEER.name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield {
            f"{STACK.package.split('/')[0]} on Node, verify {name}": _work(process, name, document, documents)
            for name, document in signed.items()
        }
    finally:
        process.terminate()
        process.wait(10)


def _work(process: subprocess.Popen[str], suite: str, document: object, documents: Mapping[str, object]) -> Work:
    task = {
        "op": "verify", "suite": suite, "input": document, "now": encode_instant(NOW), "purpose": "assertionMethod",
        "options": {}, "documents": documents,
    }  # fmt: skip
    line = json.dumps(task) + "\n"

    def call(_: object) -> None:
        pipe_in: Any = process.stdin
        pipe_out: Any = process.stdout
        pipe_in.write(line)
        pipe_in.flush()
        answer = json.loads(pipe_out.readline())
        if not answer["ok"]:
            raise RuntimeError(answer["error"])

    for _ in range(_WARM_UP):
        call(None)
    return Work(lambda: [None] * _CALLS, call, _BAR)
