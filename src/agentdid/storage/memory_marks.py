"""Marks of one process, without a database: see `storage.marks`."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_MARKS: Final = 100_000  # 20 MB


def compare(number: int, version_id: str, versions: Sequence[str]) -> str:
    """Return "kept", "behind" or "forked": what a log is to the mark `number`, `version_id`.

    Nothing at all is behind any mark: whoever only asks whether there is one leaves it as it is.
    """
    if len(versions) < number:
        return "behind"
    return "kept" if versions[number - 1] == version_id else "forked"


@final
class MemoryMarks:
    """Marks of one process; gone with it.

    Args:
        forgets: What happens when it is full. A verifier meets issuers that its policy names, so nothing is forgotten
            and what was not seen yet is refused; a resolver for everybody forgets what was not seen for longest, or
            strangers could fill it and close it for others.
        size: How many marks there are at most.
    """

    __slots__ = ("_forgets", "_lock", "_marks", "_size")

    def __init__(self, *, forgets: bool = False, size: int = _MAX_MARKS) -> None:
        self._lock = Lock()
        self._marks: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._forgets = forgets
        self._size = size

    def advance(self, scid: str, versions: Sequence[str]) -> str:
        """Hold the mark against a log and move it forward; see `verify.needs.Marks`."""
        with self._lock:
            mark = self._marks.get(scid)
            if not versions:
                return "kept" if mark is None else "behind"
            if mark is None and len(self._marks) >= self._size:
                if not self._forgets:
                    return "unavailable"
                self._marks.popitem(last=False)
            answer = "kept" if mark is None else compare(*mark, versions)
            if answer == "kept":
                self._marks[scid] = (len(versions), versions[-1])
                self._marks.move_to_end(scid)
            return answer
