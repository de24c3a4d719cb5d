"""Where nonces and counters are kept, by one name: a file, a database, a server, or the memory of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.storage.nonces import NonceStore

MEMORY: Final = "memory:"
_FILE: Final = "sqlite:"


def open_takes(place: str | Path, limits: Limits = DEFAULT) -> NonceStore:
    """Return the store at a place; a file or a database's tables are made where they are not there.

    Args:
        place: `memory:`; a file, or `sqlite:` and a file; `postgresql+psycopg://…`; `valkey://…` or `redis://…`.
        limits: Bounds on how much is kept.

    Raises:
        StoreUnavailable, StoreVersionUnsupported: By the place, or a missing extra.
    """
    # each is imported only where it is used: a verifier in memory loads no database
    if place == MEMORY:
        from agentdid.storage.nonces import MemoryTakes  # noqa: PLC0415

        return MemoryTakes(limits)
    if isinstance(place, str):
        from agentdid.storage.valkey import SCHEMES, ValkeyTakes  # noqa: PLC0415

        if place.startswith(tuple(SCHEMES)):
            return ValkeyTakes.open(place, limits)
        place = place.removeprefix(_FILE)
    from agentdid.storage.replay import SqlTakes  # noqa: PLC0415

    return SqlTakes.open(place, limits)
