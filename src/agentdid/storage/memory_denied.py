"""The deny list of one process, without a database: see `storage.denied`."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, final

from agentdid.trust.denied import name_of

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from agentdid.trust.denied import DenyEntry

CLEAR: Final = "clear"
DENIED: Final = "denied"
"""Followed by a colon and the name's place."""
UNAVAILABLE: Final = "unavailable"


def place_of(names: tuple[str, ...], found: Container[str]) -> str | None:
    """Return "denied:<place>" for the first of the names that was found, or `None`."""
    for place, name in enumerate(names):
        if name in found:
            return f"{DENIED}:{place}"
    return None


@final
class MemoryDenied:
    """Entries of one process; gone with it."""

    __slots__ = ("_entries", "_lock")

    def __init__(self) -> None:
        self._entries: dict[str, DenyEntry] = {}
        self._lock = Lock()

    def find(self, names: tuple[str, ...], at: datetime) -> str:
        """Return "clear" or "denied:<place>"."""
        entries = self._entries
        for place, name in enumerate(names):
            entry = entries.get(name)
            if entry is not None and entry.counts_at(at):
                return f"{DENIED}:{place}"
        return CLEAR

    def add(self, entry: DenyEntry) -> bool:
        """Write an entry, in place of an older one; return whether there was none."""
        with self._lock:
            known = entry.name in self._entries
            self._entries[entry.name] = entry
        return not known

    def remove(self, kind: str, value: str) -> bool:
        """Take an entry off the list; return whether there was one."""
        with self._lock:
            return self._entries.pop(name_of(kind, value), None) is not None

    def entries(self) -> list[DenyEntry]:
        """Return all that is on it, by kind and value."""
        with self._lock:
            return sorted(self._entries.values(), key=lambda each: (each.kind, each.value))
