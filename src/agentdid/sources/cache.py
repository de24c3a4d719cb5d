"""Documents held as long as they may be, asked for once however many wait, and not asked for in a storm.

* A held document answers as long as it is no older than the asker allows. Past half of that a new status list is
  fetched behind the asker's back, so that who asks all the time never waits; past all of it nobody is answered with it.
* Askers who come while a document is on its way share the one answer: threads among themselves, the tasks of an event
  loop among themselves.
* A failure is remembered for a few seconds, and "anew" is at most as often as `min_refetch_s`, so that whoever makes us
  ask cannot make us ask all the time.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import Future
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, final

from agentdid.clock import Clock, SystemClock
from agentdid.errors import FetchFailed, Undecided
from agentdid.sources.fetch import DocumentMissing
from agentdid.sources.source import missing_code
from agentdid.verify.needs import Absent, Answer, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

MAX_ENTRIES: Final = 1_024
MAX_BYTES: Final = 268_435_456
"""All bodies together: 64 of the largest that are fetched."""
NEGATIVE_TTL_S: Final = 5.0
MIN_REFETCH_S: Final = 0.5
MAX_RETRY_S: Final = 60
"""Where a document is held, a failure to have a newer one is the answer for as long as the asker lets the document age,
and this long at most: a server that is down is asked as seldom as one that answers (ATTACKS I18)."""
RENEW_AT: Final = 0.5
"""The part of an asker's bound after which a document is fetched anew while the held one still answers."""
_NO_TIME: Final = timedelta()

_Key: TypeAlias = tuple[str, tuple[str, ...]]


class Fetcher(Protocol):
    """What fetches for the cache: `agentdid.sources.fetch.GuardedFetcher`, by its shape."""

    def fetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """Return the document. Raises one of `Undecided`."""
        ...

    async def afetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """As `fetch`, without blocking the event loop."""
        ...

    def listen(self, url: str, idle_s: float, stopped: Callable[[], bool]) -> AbstractContextManager[Iterator[bytes]]:
        """Open a stream of events. Raises one of `Undecided`."""
        ...


class _Held:
    """What is known of one URL: the newest document, and the newest failure."""

    __slots__ = ("failed_at", "failure", "resource")

    def __init__(self) -> None:
        self.resource: Resource | None = None
        self.failure: Absent | None = None
        self.failed_at: datetime | None = None


@final
class CachedSource:
    """A `Source` over a fetcher, for any number of threads and event loops.

    Args:
        fetcher: Asked when nothing held will do.
        clock: What says how old a document is.
        min_refetch_s: A document younger than this is not asked for again, even by who wants it anew.
        negative_ttl_s: A failure younger than this is the answer.
        renew_at: The part of an asker's bound after which a held document still answers and is fetched anew.
        max_entries: URLs held at once; the least recently used is forgotten.
        max_bytes: Bodies held at once, all together.
    """

    __slots__ = (
        "_bytes",
        "_clock",
        "_fetcher",
        "_flights",
        "_held",
        "_lock",
        "_max_bytes",
        "_max_entries",
        "_min_refetch_s",
        "_negative_ttl",
        "_renew_at",
        "_renewing",
        "_task_flights",
    )

    def __init__(
        self,
        fetcher: Fetcher,
        clock: Clock | None = None,
        *,
        min_refetch_s: float = MIN_REFETCH_S,
        negative_ttl_s: float = NEGATIVE_TTL_S,
        renew_at: float = RENEW_AT,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock or SystemClock()
        self._min_refetch_s = min_refetch_s
        self._negative_ttl = timedelta(seconds=negative_ttl_s)
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        # Threads wait for threads, and the tasks of a loop for tasks of that loop. If a thread could wait for a task of
        # the loop that it runs, neither would come to an end.
        self._flights: dict[_Key, Future[Answer | None]] = {}
        self._task_flights: dict[tuple[asyncio.AbstractEventLoop, _Key], asyncio.Future[Answer | None]] = {}
        self._renew_at = renew_at
        self._renewing: set[_Key] = set()
        self._lock = threading.Lock()

    @property
    def fetcher(self) -> Fetcher:
        """What fetches."""
        return self._fetcher

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Return the document at `url`, at most `max_age_s` old, or why there is none. Blocks while it is fetched.

        A hit returns the same `Resource` as before and costs about 2 µs.
        """
        key = (url, accept)
        if max_age_s < 0:
            return self._find_held(key, -max_age_s)
        while True:
            with self._lock:
                answer = self._find(key, max_age_s)
                if answer is not None:
                    return answer
                flight = self._flights.get(key)
                if flight is None:
                    mine: Future[Answer | None] = Future()
                    self._flights[key] = mine
                    break
            answer = flight.result()
            if answer is not None:
                return answer
        return self._fetch(key, mine)

    def refresh(self, url: str) -> bool:
        """Fetch a document anew that is held, whatever its age; return whether a new one came. Blocks meanwhile.

        For who was told that there is a newer one. What nobody asked for before is not fetched, so that whoever tells
        us cannot choose where we connect to.
        """
        with self._lock:
            keys = [key for key, held in self._held.items() if key[0] == url and held.resource is not None]
        came = False
        for key in keys:
            while True:
                with self._lock:
                    flight = self._flights.get(key)
                    if flight is None:
                        mine: Future[Answer | None] = Future()
                        self._flights[key] = mine
                        break
                flight.result()  # what began before we were told may have read the older one
            came = isinstance(self._fetch(key, mine), Resource) or came
        return came

    def _fetch(self, key: _Key, mine: Future[Answer | None]) -> Answer:
        """The answer to a question whose flight is ours."""
        url, accept = key
        answer: Answer | None = None
        try:
            try:
                answer = self._fetcher.fetch(url, accept)
            except Undecided as error:
                answer = _absent(url, accept, error)
        finally:
            with self._lock:
                if answer is not None:
                    self._keep(key, answer)
                del self._flights[key]
            mine.set_result(answer)  # None where we were interrupted: whoever waits asks for himself
        return answer

    def _renew(self, key: _Key) -> None:
        """Fetch behind the asker's back, unless somebody does already. The lock is held."""
        if key in self._renewing or key in self._flights:
            return
        self._renewing.add(key)
        mine: Future[Answer | None] = Future()
        self._flights[key] = mine

        def run() -> None:
            try:
                self._fetch(key, mine)
            finally:
                with self._lock:
                    self._renewing.discard(key)

        threading.Thread(target=run, name="agentdid-renew", daemon=True).start()

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`, without blocking the event loop."""
        key = (url, accept)
        if max_age_s < 0:
            return self._find_held(key, -max_age_s)
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                answer = self._find(key, max_age_s)
                if answer is not None:
                    return answer
                flight = self._task_flights.get((loop, key))
                if flight is None:
                    mine: asyncio.Future[Answer | None] = loop.create_future()
                    self._task_flights[loop, key] = mine
                    break
            answer = await asyncio.shield(flight)
            if answer is not None:
                return answer
        answer = None
        try:
            try:
                answer = await self._fetcher.afetch(url, accept)
            except Undecided as error:
                answer = _absent(url, accept, error)
        finally:
            with self._lock:
                if answer is not None:
                    self._keep(key, answer)
                del self._task_flights[loop, key]
            mine.set_result(answer)
        return answer

    def _find_held(self, key: _Key, max_age_s: float) -> Answer:
        """What is held and young enough; nothing is fetched."""
        with self._lock:
            held = self._held.get(key)
            if held is not None and held.resource is not None:
                age = self._clock.now() - held.resource.held_at
                if _NO_TIME <= age <= timedelta(seconds=max_age_s):
                    return held.resource
        return Absent(key[0], FetchFailed.code, "not held, and not to be fetched")

    def _find(self, key: _Key, max_age_s: float) -> Answer | None:
        """What is held and will do, or a failure that is recent. The lock is held."""
        held = self._held.get(key)
        if held is None:
            return None
        self._held.move_to_end(key)
        now = self._clock.now()
        if held.resource is not None:
            # A clock that was set back makes ages negative; then nothing is known of them.
            age = now - held.resource.held_at
            if _NO_TIME <= age <= timedelta(seconds=max(max_age_s, self._min_refetch_s)):
                # lists only, which come in any type: how often a DID is asked for is bounded (ATTACKS I18)
                if (
                    not key[1]
                    and age > timedelta(seconds=max_age_s * self._renew_at)
                    and max_age_s > self._min_refetch_s
                ):
                    failed = held.failed_at
                    if failed is None or now - failed > self._negative_ttl:
                        self._renew(key)
                return held.resource
        if held.failed_at is not None and _NO_TIME <= now - held.failed_at <= self._remembered(held, max_age_s):
            return held.failure
        return None

    def _remembered(self, held: _Held, max_age_s: float) -> timedelta:
        """How old a failure may be to be the answer: who asks for something newer than what is held waits his turn."""
        if held.resource is None or max_age_s > MAX_RETRY_S:
            return self._negative_ttl
        return max(self._negative_ttl, timedelta(seconds=max_age_s))

    def _keep(self, key: _Key, answer: Answer) -> None:
        """Remember the newest answer, and forget what is then too much. The lock is held."""
        held = self._held.setdefault(key, _Held())
        self._held.move_to_end(key)
        if isinstance(answer, Absent):
            # What is held stays: it is still good for who allows its age.
            held.failure, held.failed_at = answer, self._clock.now()
        else:
            self._bytes += len(answer.body) - (len(held.resource.body) if held.resource is not None else 0)
            held.resource, held.failure, held.failed_at = answer, None, None
        while len(self._held) > self._max_entries or self._bytes > self._max_bytes:
            _, forgotten = self._held.popitem(last=False)
            if forgotten.resource is not None:
                self._bytes -= len(forgotten.resource.body)


def _absent(url: str, accept: tuple[str, ...], error: Undecided) -> Absent:
    """Why there is no document, as an answer."""
    return Absent(url, missing_code(accept) if isinstance(error, DocumentMissing) else error.code, error.detail)
