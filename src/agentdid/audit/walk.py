"""One walk along the lines of a log that holds each against the one before."""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, Final, final

from agentdid.audit.head import add_sum, read_sum, split_line
from agentdid.audit.merkle import hash_leaf
from agentdid.audit.record import RECOVERY, Record
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentdid.audit.head import Head

_CHANGED: Final = "the entry, or its running digest, was changed"
_NEAR: Final = 4  # what two lines showed, and what they should have shown


@final
class Step(Value, frozen=True, eq=False):
    """One line, as it was met.

    Attributes:
        index: Its number; where it does not fit, the one that should stand there.
        line: Without its end.
        record: What it says; `None` where it is no entry, or was torn.
        fault: What is wrong with it; empty where nothing is.
        torn: Whether it is what was left of a write that broke off, as the entry after it says.
    """

    index: int
    line: bytes
    record: Record | None
    fault: str = ""
    torn: bool = False


def walk(head: Head, lines: Iterable[bytes]) -> Iterator[Step]:
    """Yield a step for each line; `head` is where the first one follows, and goes along.

    A line that does not fit is a fault of its own. What comes after it is held against the digests that were shown or
    should have been shown shortly before, so that a changed line, or one in the wrong place, is named alone.
    """
    rest = iter(lines)
    line = next(rest, None)
    expected, allowed = head.size, {head.size}
    before: deque[bytes] = deque([head.sum], maxlen=_NEAR)
    last = head.size - 1
    lost = False  # whether the line before was unreadable, so that the next one cannot be held against it
    while line is not None:
        after = next(rest, None)
        try:
            record, body = split_line(line)
        except ValueError as error:
            lost = after is None or not _tells_of(after, line, expected + 1, before[-1])
            step = Step(expected, line, None, str(error) if lost else "", not lost)
            expected, allowed = expected + 1, {expected + 1}
        else:
            index, shown = record.index, read_sum(line)
            sums = [add_sum(each, body) for each in before]
            fits = shown in sums
            if lost or index in allowed:
                step = Step(index, line, record, "" if lost or fits else _CHANGED)
                if lost or last == index - 1 or expected <= index:
                    expected = index + 1
                allowed = {index + 1, expected}
            elif fits:
                step = Step(index, line, record, "it stands again, or in the wrong place")
                allowed = {index + 1, expected, expected + 1}
            else:
                step = Step(expected, line, record, f"it is gone or changed: entry {index} stands in its place")
                allowed = {index + 1, expected, expected + 1}
                expected = max(expected, index) + 1
            if not fits:
                before.append(sums[-1])
            before.append(shown)
            head.sum = shown
            last, lost = index, False
        head.frontier.append(hash_leaf(line))
        yield step
        line = after


def _tells_of(line: bytes, torn: bytes, index: int, before: bytes) -> bool:
    """Whether an entry says of the line before it that it broke off."""
    try:
        record, body = split_line(line)
    except ValueError:
        return False
    said = record.kind == RECOVERY and record.context.get("sha256") == sha256(torn).hexdigest()
    return said and record.index == index and add_sum(before, body) == read_sum(line)
