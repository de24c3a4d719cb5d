"""The cache: held documents, single flights, remembered failures, bounds."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.errors import FetchTimeout
from agentdid.sources.cache import CachedSource
from agentdid.sources.fetch import DocumentMissing
from agentdid.verify.needs import Absent, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

URL = "https://good.example/1"
AT = datetime(2026, 11, 1, tzinfo=UTC)


class _Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> datetime:
        """Return what was set."""
        return self.at

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


class _Fetcher:
    """An outside world in memory that counts how often it is asked, and can be made to wait or fail."""

    def __init__(self, clock: _Clock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self.before: Callable[[], None] = lambda: None
        self.entered = threading.Semaphore(0)
        self.gate: asyncio.Event | None = None
        self.body = b"{}"

    def fetch(self, url: str, accept: Sequence[str] = ()) -> Resource:  # noqa: ARG002
        """Return the body as of now."""
        self.asked.append(url)
        held_at = self.clock.now()
        self.entered.release()
        self.before()
        return Resource(url, self.body, held_at)

    async def afetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """As `fetch`, after the gate."""
        got = self.fetch(url, accept)
        if self.gate is not None:
            await self.gate.wait()
        return got


class _World:
    """A cache, what it asks, and its clock."""

    def __init__(self, kind: str) -> None:
        self.clock = _Clock()
        self.fetcher = _Fetcher(self.clock)
        # renewed behind nobody's back: what is asked for stays countable; see `test_a_document_is_renewed_…`
        self.source = CachedSource(self.fetcher, self.clock, renew_at=1.0, max_entries=3, max_bytes=1_000)
        self._kind = kind

    def get(self, url: str = URL, max_age_s: float = 60, accept: tuple[str, ...] = ()) -> Resource | Absent:
        """Ask in the blocking or in the asynchronous way."""
        if self._kind == "sync":
            return self.source.get(url, accept, max_age_s)
        return asyncio.run(self.source.aget(url, accept, max_age_s))


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest) -> _World:
    """A new world, asked in each way."""
    return _World(request.param)


def _failing() -> None:
    raise FetchTimeout("the answer did not come in time")


def _missing() -> None:
    raise DocumentMissing("the server answered 404")


def test_a_held_document_answers_until_its_age_is_over(world: _World) -> None:
    """The same object is the answer for as long as it is young enough, and is fetched anew after that."""
    first = world.get()
    world.clock.pass_s(60)
    again = world.get()
    world.clock.pass_s(0.001)
    anew = world.get()

    assert first is again
    assert anew is not first
    assert world.fetcher.asked == [URL, URL]


def test_each_asker_has_his_own_bound(world: _World) -> None:
    """What is too old for one is young enough for another."""
    first = world.get()
    world.clock.pass_s(10)

    assert world.get(max_age_s=20) is first
    assert world.get(max_age_s=5) is not first


def test_anew_is_not_a_storm(world: _World) -> None:
    """Who wants it anew gets what is half a second old: once per half second is asked, not more."""
    first = world.get(max_age_s=0)
    world.clock.pass_s(0.5)

    assert world.get(max_age_s=0) is first

    world.clock.pass_s(0.1)

    assert world.get(max_age_s=0) is not first


def test_a_clock_set_back_makes_nothing_fresh(world: _World) -> None:
    """A document from the future has no age that could be young enough."""
    world.get()
    world.clock.pass_s(-1)
    world.get()

    assert world.fetcher.asked == [URL, URL]


def test_a_failure_is_remembered_briefly(world: _World) -> None:
    """For five seconds a failure is the answer; then the outside is asked again."""
    world.fetcher.before = _failing
    expected = Absent(URL, "fetch_timeout", "the answer did not come in time")

    assert world.get() == expected

    world.clock.pass_s(5)

    assert world.get(max_age_s=0) == expected
    assert len(world.fetcher.asked) == 1

    world.clock.pass_s(0.1)
    world.fetcher.before = lambda: None

    assert isinstance(world.get(), Resource)


def test_a_failure_does_not_take_away_what_is_held(world: _World) -> None:
    """Who allows the age of the held document still gets it after somebody's fetch failed."""
    first = world.get()
    world.clock.pass_s(10)
    world.fetcher.before = _failing

    assert isinstance(world.get(max_age_s=1), Absent)
    assert world.get(max_age_s=60) is first


@pytest.mark.parametrize(
    ("accept", "code"),
    [(("application/did+json", "application/json"), "did_not_found"), (("application/vc",), "fetch_failed")],
)
def test_a_missing_document_is_a_missing_did(world: _World, accept: tuple[str, ...], code: str) -> None:
    """404 for a DID document says that the DID was not found; for others it is a failure like any."""
    world.fetcher.before = _missing

    assert world.get(accept=accept) == Absent(URL, code, "the server answered 404")


def test_the_least_used_is_forgotten(world: _World) -> None:
    """The number of documents is bounded, and use keeps a document."""
    for url in ("a", "b", "c", "a", "d", "a", "b"):
        world.get(url)

    assert world.fetcher.asked == ["a", "b", "c", "d", "b"]


def test_failures_are_forgotten_alike(world: _World) -> None:
    """Remembered failures count as entries and make room like documents."""
    world.fetcher.before = _failing
    for url in ("a", "b", "c", "d", "d", "a"):
        world.get(url)

    assert world.fetcher.asked == ["a", "b", "c", "d", "a"]


def test_the_bytes_are_bounded(world: _World) -> None:
    """All bodies together stay under the limit; one that alone is over it is not kept."""
    world.fetcher.body = b" " * 600
    for url in ("a", "b", "b", "a"):
        world.get(url)

    assert world.fetcher.asked == ["a", "b", "a"]

    world.fetcher.body = b" " * 1_001
    for _ in range(2):
        world.get("c")
    world.fetcher.body = b" " * 400
    for url in ("a", "b", "a", "b"):
        world.get(url)

    assert world.fetcher.asked[3:] == ["c", "c", "a", "b"]


def test_threads_share_one_flight() -> None:
    """Thirty threads that want one document, anew at that, cause one fetch and get one object."""
    world = _World("sync")
    go = threading.Event()

    def wait() -> None:
        go.wait(2)

    world.fetcher.before = wait
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(world.get(max_age_s=0))) for _ in range(30)]
    for thread in threads:
        thread.start()
    world.fetcher.entered.acquire()
    world.clock.pass_s(3)
    go.set()
    for thread in threads:
        thread.join()

    assert len(answers) == 30
    # Threads that arrive after the landing may cause another flight; with the clock 3 s on, they must.
    assert len(world.fetcher.asked) <= 2


def test_tasks_share_one_flight() -> None:
    """Thirty tasks that want one document cause one fetch and get one object."""
    world = _World("async")

    async def ask() -> list[Resource | Absent]:
        world.fetcher.gate = asyncio.Event()
        tasks = [asyncio.create_task(world.source.aget(URL, (), 0)) for _ in range(30)]
        await asyncio.sleep(0)
        world.fetcher.gate.set()
        return await asyncio.gather(*tasks)

    answers = asyncio.run(ask())

    assert all(each is answers[0] for each in answers)
    assert world.fetcher.asked == [URL]


def test_a_cancelled_leader_leaves_the_others_an_answer() -> None:
    """When the task that fetches is cancelled, one of the waiting takes over."""
    world = _World("async")

    async def ask() -> Resource | Absent:
        world.fetcher.gate = asyncio.Event()
        leader = asyncio.create_task(world.source.aget(URL, (), 60))
        other = asyncio.create_task(world.source.aget(URL, (), 60))
        await asyncio.sleep(0)
        leader.cancel()
        await asyncio.sleep(0)
        world.fetcher.gate.set()
        return await other

    assert isinstance(asyncio.run(ask()), Resource)
    assert world.fetcher.asked == [URL, URL]


def test_a_cancelled_waiter_disturbs_nobody() -> None:
    """A task that stops waiting does not take the flight down with it."""
    world = _World("async")

    async def ask() -> Resource | Absent:
        world.fetcher.gate = asyncio.Event()
        leader = asyncio.create_task(world.source.aget(URL, (), 60))
        other = asyncio.create_task(world.source.aget(URL, (), 60))
        await asyncio.sleep(0)
        other.cancel()
        await asyncio.sleep(0)
        world.fetcher.gate.set()
        return await leader

    assert isinstance(asyncio.run(ask()), Resource)
    assert world.fetcher.asked == [URL]


def test_a_thread_takes_over_from_a_broken_one() -> None:
    """When the thread that fetches breaks down, one of the waiting asks for itself."""
    world = _World("sync")
    go = threading.Event()
    broken: list[BaseException] = []

    def break_down() -> None:
        go.wait(2)
        if len(world.fetcher.asked) == 1:
            raise KeyboardInterrupt

    world.fetcher.before = break_down

    def lead() -> None:
        try:
            world.get()
        except KeyboardInterrupt as error:
            broken.append(error)

    answers: list[object] = []
    leader = threading.Thread(target=lead)
    leader.start()
    world.fetcher.entered.acquire()
    other = threading.Thread(target=lambda: answers.append(world.get()))
    other.start()
    go.set()
    leader.join()
    other.join()

    assert (1, 1, 2) == (len(broken), len(answers), len(world.fetcher.asked))
    assert isinstance(answers[0], Resource)


def test_a_blocking_question_inside_the_loop_comes_to_an_end() -> None:
    """A blocking `get` on the loop's own thread does not wait for a task of that loop."""
    world = _World("async")

    async def ask() -> Resource | Absent:
        world.fetcher.gate = asyncio.Event()
        task = asyncio.create_task(world.source.aget(URL, (), 60))
        await asyncio.sleep(0)
        answer = world.source.get(URL, (), 60)
        world.fetcher.gate.set()
        await task
        return answer

    assert isinstance(asyncio.run(ask()), Resource)


def _until(holds: Callable[[], bool]) -> None:
    """Wait for another thread, five seconds at most."""
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.002)


def test_a_document_is_renewed_before_its_time_is_over() -> None:
    """Past half of the bound the held one answers at once, and one new one is fetched meanwhile, however many ask."""
    clock = _Clock()
    fetcher = _Fetcher(clock)
    source = CachedSource(fetcher, clock)
    gate = threading.Event()
    first = source.get(URL, (), 60)
    clock.pass_s(30)
    unasked = source.get(URL, (), 60)
    fetcher.before = lambda: gate.wait(5)  # type: ignore[assignment,return-value]
    clock.pass_s(1)
    held = [source.get(URL, (), 60) for _ in range(5)]
    _until(lambda: len(fetcher.asked) == 2)
    gate.set()
    _until(lambda: source.get(URL, (), 60) is not first)

    assert [first] * 6 == [unasked, *held]
    assert [URL, URL] == fetcher.asked


def test_a_document_that_cannot_be_renewed_answers_until_its_time_is_over() -> None:
    """The server is down: the held one answers up to the bound, then nobody is answered with it; no storm meanwhile."""
    clock = _Clock()
    fetcher = _Fetcher(clock)
    source = CachedSource(fetcher, clock)
    first = source.get(URL, (), 60)
    fetcher.before = _failing
    found = []
    for _ in range(58):
        clock.pass_s(1)
        found.append(source.get(URL, (), 60) is first)
        time.sleep(0.003)
    clock.pass_s(3)
    after = source.get(URL, (), 60)

    assert [True] * 58 == found
    assert isinstance(after, Absent)
    assert "fetch_timeout" == after.code
    assert len(fetcher.asked) < 10


def test_what_is_held_is_refreshed_when_somebody_says_so() -> None:
    """`refresh` fetches what is held, waits for a fetch that began before, and asks for nothing that was not held."""
    clock = _Clock()
    fetcher = _Fetcher(clock)
    source = CachedSource(fetcher, clock)
    nothing = source.refresh(URL)
    first = source.get(URL, (), 60)
    fetcher.body = b"[]"
    came = source.refresh(URL)
    newer = source.get(URL, (), 60)
    fetcher.before = _failing
    failed = source.refresh(URL)

    assert (False, True, False) == (nothing, came, failed)
    assert isinstance(first, Resource)
    assert isinstance(newer, Resource)
    assert (b"{}", b"[]") == (first.body, newer.body)
    assert source.get(URL, (), 60) is newer
    assert [URL] * 3 == fetcher.asked
