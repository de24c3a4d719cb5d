"""Trust lists in files, for whoever answers from them: each verified before a word of it is passed on.

A file is read anew when it changed, and a list verified anew when its issuer's keys were looked at too long ago. What
does not verify, has ended or went back is not answered from.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Final, final

from agentdid.clock import Clock, SystemClock
from agentdid.credential.validity import Now
from agentdid.errors import AgentdidError, TrustListStale
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.trust.anchors import Trust
from agentdid.trust.scope import Scope
from agentdid.trust.trust_list import TYPE, ListRef, is_valid
from agentdid.verify.case import Question, open_case
from agentdid.verify.memory import Memory
from agentdid.verify.needs import NeedFacts, Resource
from agentdid.verify.run import answer_from
from agentdid.verify.states import Parsed
from agentdid.verify.trust_list import find_list, read_list

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from agentdid.trust.scope import Claim
    from agentdid.trust.trust_list import TrustList
    from agentdid.verify.needs import Need, Reply, Source

_SELF: Final = Scope((TYPE,))
_MAX_LISTS: Final = 64


@final
class Shelved(Value, frozen=True, eq=False):
    """A list that verified.

    Attributes:
        issuer: Whose it is.
        content: What it says.
        begins: When it begins to be valid.
        ends: When it ends to be.
        mark: Of the file when it was read: its time and its size.
        checked: When it was verified.
    """

    issuer: str
    content: TrustList
    begins: datetime
    ends: datetime
    mark: tuple[int, int]
    checked: datetime


@final
class Shelf:
    """Lists in files. Safe among threads.

    Args:
        files: One list each.
        source: Where their issuers' DID documents and status lists come from.
        limits: Of a list; `max_key_age_s` is how long ago a list may have been verified.
        clock: Tells the time.
    """

    def __init__(
        self, files: Sequence[Path], source: Source, *, limits: Limits = DEFAULT, clock: Clock | None = None
    ) -> None:
        self._files = tuple(files)
        self._source = source
        self._trust = Trust("", "", {}, limits=limits)
        self._clock = clock or SystemClock()
        self._memory = Memory()
        self._held: dict[Path, Shelved] = {}
        self._lock = Lock()

    def load(self) -> None:
        """Hold that every list can be answered from now. Raises what verifying one raises, and `OSError`."""
        now = self._clock.now()
        for file in self._files:
            self._fresh(file, now)

    def is_ready(self) -> bool:
        """Whether every list can be answered from now."""
        try:
            self.load()
        except (AgentdidError, OSError):
            return False
        return True

    def lets(self, authority: str, claim: Claim, at: datetime, *, recognized: bool = False) -> bool | None:
        """Return whether an authority's lists let a claim at an instant; `None` for one that has none here.

        Args:
            authority: Who must have signed the first list.
            claim: Of whom, and what.
            at: As of when.
            recognized: Ask instead whether its lists name a list that the claim's issuer signs, for as much.

        Raises:
            AgentdidError, OSError: No list says so, and one cannot be answered from.
        """
        now = self._clock.now()
        good, failure = [], None
        for file in self._files:
            try:
                good.append(self._fresh(file, now))
            except (AgentdidError, OSError) as error:
                failure = error
        own = [each for each in good if each.issuer == authority]
        instant = Now(at, at, at)
        if any(self._lets(each, good, claim, instant, recognized=recognized) for each in own):
            return True
        if failure is not None:
            raise failure  # it could have said so
        return False if own else None

    @staticmethod
    def _lets(first: Shelved, shelved: Sequence[Shelved], claim: Claim, now: Now, *, recognized: bool) -> bool:
        waiting: deque[tuple[Shelved, ListRef | None, tuple[str, ...]]] = deque([(first, None, (first.content.url,))])
        for _ in range(_MAX_LISTS):
            if not waiting:
                return False
            held, ref, way = waiting.popleft()
            if not held.begins <= now.at <= held.ends:
                continue
            for named in held.content.lists:
                below = named if ref is None else ref.below(named)
                if named.url in way or not is_valid(named, now) or below.scope.find_allowed(claim) is None:
                    continue
                if recognized and below.issuer == claim.issuer:
                    return True
                if ref is None or ref.max_depth > 0:
                    found = [each for each in shelved if (each.content.url, each.issuer) == (named.url, named.issuer)]
                    waiting.extend((each, below, (*way, named.url)) for each in found)
            if not recognized and any(
                is_valid(entry, now) and _met(ref, entry.scope).find_allowed(claim) is not None
                for entry in held.content.entries.get(claim.issuer, ())
            ):
                return True
        return False

    def _fresh(self, file: Path, now: datetime) -> Shelved:
        found = file.stat()
        mark = (found.st_mtime_ns, found.st_size)
        with self._lock:
            held = self._held.get(file)
            age_s = (now - held.checked).total_seconds() if held is not None else 0.0
            if held is None or held.mark != mark or not 0 <= age_s <= self._trust.limits.max_key_age_s:
                made = self._verify(file, mark, now)
                if held is not None and made.content.sequence < held.content.sequence:
                    raise TrustListStale("the file holds a list before one that it held")
                held = self._held[file] = made
        if held.ends < now:
            raise TrustListStale("the list in the file has ended")
        return held

    def _verify(self, file: Path, mark: tuple[int, int], now: datetime) -> Shelved:
        held = Resource(file.name, file.read_bytes(), now)
        credential = read_list(self._memory, held, self._trust.limits).link.credential
        ref = ListRef(credential.id or "", credential.issuer, _SELF)
        case = open_case(Question(b"", False, self._trust, now), self._memory)
        case.parsed = Parsed((), (), (), None, None)  # nothing was presented
        steps = find_list(case, ref)
        try:
            need = next(steps)
            while True:
                need = steps.send(self._answer(need, ref.url, held))
        except StopIteration as end:
            content = end.value.content
        begins, ends = credential.valid_from, credential.valid_until
        return Shelved(credential.issuer, content, begins, ends, mark, now)  # type: ignore[arg-type]  # by its form

    def _answer(self, need: Need, url: str, held: Resource) -> Reply:
        if isinstance(need, NeedFacts) and need.urls == (url,):
            return (Resource(url, held.body, held.held_at),)
        return answer_from(need, self._source, None, self._clock)


def _met(ref: ListRef | None, scope: Scope) -> Scope:
    return scope if ref is None else ref.scope.meet(scope)
