"""Many signatures at once, on as many threads as there are processors: libsodium works without the interpreter's lock.

No library that verifies Ed25519 in batches is to be had as a wheel; threads do nearly as well (docs/did-webvh.md).
"""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING, Final

from agentdid.errors import AgentdidError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.keys.public import PublicKey

Claim = tuple["PublicKey", bytes, bytes]
"""A key, the signature it is said to have made, and the message."""
_MAX_THREADS: Final = 4
_WORTH_A_THREAD: Final = 32  # signatures, 1.7 ms: a thread takes a tenth of a millisecond to begin and to end


def find_false(claims: Sequence[Claim]) -> int | None:
    """Return the place of the first signature that does not hold, or `None` when all do."""
    threads = min(_MAX_THREADS, len(os.sched_getaffinity(0)), len(claims) // _WORTH_A_THREAD)
    if threads < 2:  # noqa: PLR2004  # one is the caller's own
        return _first_false(claims)
    size = -(-len(claims) // threads)
    found: list[int | None] = [None] * threads

    def work(part: int) -> None:
        place = _first_false(claims[part * size : (part + 1) * size])
        found[part] = None if place is None else part * size + place

    # A daemon takes nothing with it: who interrupts the caller waits for nobody.
    others = [Thread(target=work, args=(part,), daemon=True, name="agentdid-verify") for part in range(1, threads)]
    for each in others:
        each.start()
    work(0)
    for each in others:
        each.join()
    return next((place for place in found if place is not None), None)


def _first_false(claims: Sequence[Claim]) -> int | None:
    for place, (key, signature, message) in enumerate(claims):
        try:
            key.verify(signature, message)
        except AgentdidError:
            return place
    return None
