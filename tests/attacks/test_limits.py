"""Limits: exactly as many acceptances as allowed, at every store, under threads and processes, and never a free one."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from agentdid.delegation.charges import Charge, Spend
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT
from agentdid.storage import takes as stores
from agentdid.storage.nonces import MemoryTakes, NonceStore
from agentdid.storage.replay import SqlTakes
from agentdid.storage.spending import units
from agentdid.verify.evidence import replay
from tests.chains import NONCE
from tests.databases import postgres_url, valkey_process, valkey_url
from tests.racers import race
from tests.world import AUDIENCE, NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentdid.verify.decide import Grant

KEEP = NOW + timedelta(minutes=5)
END = NOW + timedelta(hours=8)
_NUMBERS = count()
STORES = ("memory", "sqlite", "postgres", "valkey")
SHARED = STORES[1:]


def place_of(kind: str, folder: Path) -> str:
    """A fresh place of one kind."""
    return {
        "memory": lambda: "memory:",
        "sqlite": lambda: f"sqlite:{folder / 'takes.db'}",
        "postgres": postgres_url,
        "valkey": valkey_url,
    }[kind]()


_OPENED: list[NonceStore] = []


def open_takes(place: str) -> NonceStore:
    """The store at a place, closed at the test's end."""
    _OPENED.append(stores.open_takes(place))
    return _OPENED[-1]


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


@pytest.fixture(params=STORES)
def takes(request: pytest.FixtureRequest, tmp_path: Path) -> NonceStore:
    """Each kind of store, real and empty."""
    return open_takes(place_of(request.param, tmp_path))


def window(key: str, maximum: int, window_s: int = 60) -> Charge:
    """One call of a window."""
    return Charge(key, "1", str(maximum), window_s, END, f"g/{key}")


def budget(key: str, amount: str, maximum: str) -> Charge:
    """A part of a budget."""
    return Charge(key, amount, maximum, None, END, f"g/{key}")


def spend(*charges: Charge, request: str | None = None, print_: str = "f") -> Spend:
    """What a request spends."""
    return Spend(charges, request, print_, NOW + timedelta(days=1))


def take(store: NonceStore, what: Spend | None, *, after_s: float = 0, nonce: str | None = None) -> str:
    """One take of a new nonce."""
    at = NOW + timedelta(seconds=after_s)
    return store.take(AUDIENCE, nonce or f"n{next(_NUMBERS)}", at + timedelta(minutes=5), at, what)


def test_a_window_slides(takes: NonceStore) -> None:
    """Two calls in any (now - w, now]: the third waits until the first is a whole window ago."""
    answers = [take(takes, spend(window("w", 2)), after_s=after) for after in (0, 30, 59, 59.999, 60, 61, 89, 90)]

    assert ["taken", "taken", "exceeded:0", "exceeded:0", "taken", "exceeded:0", "exceeded:0", "taken"] == answers


def test_a_budget_is_exact(takes: NonceStore) -> None:
    """Decimals add up exactly, to the last of 62 places, and the limit itself may be reached."""
    tiny = "0." + "0" * 61 + "1"
    answers = [take(takes, spend(budget("b", amount, "1000.00"))) for amount in ("999.9", "0.1", tiny, "0", "0.00")]
    large = [take(takes, spend(budget("c", "9" * 64, "9" * 64))), take(takes, spend(budget("c", tiny, "9" * 64)))]

    assert ["taken", "taken", "exceeded:0", "taken", "taken"] == answers
    assert ["taken", "exceeded:0"] == large
    assert 1 == units(tiny)


def test_all_or_nothing(takes: NonceStore) -> None:
    """Where one of several counters has no room none is charged, and the nonce is left too."""
    free, full = window("free", 3), budget("full", "6", "10")
    assert "taken" == take(takes, spend(full))
    refused = [take(takes, spend(free, budget("full", "5", "10")), nonce="one") for _ in range(5)]

    assert ["exceeded:1"] * 5 == refused
    assert ["taken"] * 3 + ["exceeded:0"] == [take(takes, spend(free)) for _ in range(4)]
    assert "taken" == take(takes, None, nonce="one")


def test_a_request_id_is_charged_once(takes: NonceStore) -> None:
    """The same call under its id again is charged nothing; another call is a conflict; the nonce is taken each time."""
    once = spend(window("w", 1), budget("b", "10", "10"), request="id-1")
    answers = [
        take(takes, once, nonce="a"),
        take(takes, once, nonce="b"),
        take(takes, once, nonce="b"),
        take(takes, replace(once, fingerprint="another"), nonce="c"),
        take(takes, replace(once, request="id-2"), nonce="c"),
        take(takes, once, nonce="c"),
    ]

    assert ["taken", "repeated", "replayed", "conflict", "exceeded:0", "repeated"] == answers


def test_p10_a_clock_that_goes_back_opens_no_window(takes: NonceStore) -> None:
    """P10: after a step forward and back there is no more room than before."""
    what = spend(window("w", 1, 60))

    assert ["taken", "exceeded:0", "exceeded:0"] == [
        take(takes, what, after_s=0), take(takes, what, after_s=-600), take(takes, what, after_s=-30),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres"])
def test_p10_what_was_forgotten_is_not_begun_anew(kind: str, tmp_path: Path) -> None:
    """P10: a clock a day ahead makes a store forget; back again, what may have been counted is undecided."""
    store = open_takes(place_of(kind, tmp_path))
    assert ["taken", "taken"] == [take(store, spend(budget("b", "10", "10"))), take(store, spend(window("w", 1)))]
    assert "taken" == take(store, spend(window("other", 1)), after_s=86_400)

    assert ["unavailable", "unavailable"] == [
        take(store, spend(budget("b", "10", "10")), after_s=30), take(store, spend(window("w", 1)), after_s=30),
    ]  # fmt: skip


def test_p01_threads_race_for_a_window_and_a_budget(takes: NonceStore) -> None:
    """P01 for counters: of 50 parallel requests exactly as many are taken as both counters allow."""
    what = spend(window("w", 20), budget("b", "7", "100"))
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: take(takes, what), range(50)))

    assert (14, 36) == (answers.count("taken"), answers.count("exceeded:1"))


def test_threads_race_with_one_request_id(takes: NonceStore) -> None:
    """Fifty retries of one call are charged once."""
    what = spend(budget("b", "10", "10"), request="r")
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: take(takes, what), range(50)))

    assert (1, 49) == (answers.count("taken"), answers.count("repeated"))


def test_ancestors_in_another_order(takes: NonceStore) -> None:
    """Two chains that name shared counters in opposite orders never wait for each other in a ring."""
    one = spend(window("x", 1000), window("y", 1000))
    other = spend(window("y", 1000), window("x", 1000))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: take(takes, one if number % 2 else other), range(64)))

    assert ["taken"] * 64 == answers


_RACER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from agentdid.storage.takes import open_takes
from tests.attacks.test_limits import budget, spend, window
from tests.world import AUDIENCE, NOW
from datetime import timedelta

takes = open_takes(sys.argv[1])
name = sys.argv[2]
sys.stdin.readline()
what = spend(window("w", 30), budget("b", "3", "63"))
def one(number):
    return takes.take(AUDIENCE, f"{name}-{number}", NOW + timedelta(minutes=5), NOW, what)
with ThreadPoolExecutor(25) as pool:
    print(list(pool.map(one, range(25))).count("taken"))
"""


@pytest.mark.parametrize("kind", SHARED)
def test_p01_two_processes_share_a_limit(kind: str, tmp_path: Path) -> None:
    """Two processes, 25 threads each: 21 of 50 fit into the budget, and exactly 21 are taken."""
    place = place_of(kind, tmp_path)
    open_takes(place)
    taken = race(_RACER, [[place, "racer0"], [place, "racer1"]])

    assert 21 == taken


def test_a_forked_process_has_its_own_connections() -> None:
    """A child never speaks on its parent's connection to PostgreSQL: both go on, and share what is counted."""
    store = open_takes(postgres_url())
    assert "taken" == take(store, spend(window("w", 3)))
    child = os.fork()
    if child == 0:
        answer = "failed"
        try:
            answer = take(store, spend(window("w", 3)), nonce="of the child")
        finally:
            os._exit(0 if answer == "taken" else 1)
    own = take(store, spend(window("w", 3)), nonce="of the parent")
    _, status = os.waitpid(child, 0)

    assert ("taken", 0) == (own, status)
    assert "exceeded:0" == take(store, spend(window("w", 3)), nonce="one more")


def test_p10_a_server_keeps_nonces_longer_than_any_step_back() -> None:
    """P10: ten minutes back on the verifier's clock, an old nonce is still known to have been taken."""
    store = open_takes(valkey_url())
    nonce = store.issue(NOW)
    assert "taken" == take(store, None, nonce=nonce)
    client: Any = store._client  # type: ignore[attr-defined]  # a ValkeyTakes
    left = [client.ttl(key) for key in client.scan_iter("{agentdid:takes}:n:*")]

    assert min(left) >= 3_600
    assert "replayed" == take(store, None, nonce=nonce, after_s=-600)


def test_a_full_store_counts_nothing_more(tmp_path: Path) -> None:
    """At `max_counted` a charge is undecided, never free; a plain nonce is still taken."""
    limits = replace(DEFAULT, max_counted=4)
    for store in (MemoryTakes(limits), SqlTakes.open(tmp_path / "t.db", limits)):
        answers = [take(store, spend(window(f"k{number}", 5))) for number in range(6)]

        assert "unavailable" == answers[-1]
        assert "taken" == take(store, None)


def test_a_file_of_before_there_were_counters(tmp_path: Path) -> None:
    """A store that an older version made gets its counters when it is opened, and keeps its nonces."""
    store = SqlTakes.open(tmp_path / "t.db")
    assert "taken" == take(store, None, nonce="old")
    with store._engine.connect() as connection:
        for table in ("ledger", "calls", "totals", "requests"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.commit()
    again = SqlTakes.open(tmp_path / "t.db")

    assert ["replayed", "taken", "exceeded:0"] == [
        take(again, None, nonce="old"), take(again, spend(window("w", 1))), take(again, spend(window("w", 1))),
    ]  # fmt: skip


def test_p03_a_flushed_server_answers_nothing() -> None:
    """P03: a Valkey that lost its data is unavailable to who was connected; who opens it anew knows no old nonce."""
    url = valkey_url()
    store = open_takes(url)
    nonce = store.issue(NOW)
    assert "taken" == take(store, spend(window("w", 1)))
    store._client.flushdb()  # type: ignore[attr-defined]  # a ValkeyTakes
    anew = open_takes(url)

    assert ["unavailable", "unavailable"] == [take(store, None), take(store, spend(window("w", 1)))]
    assert ("expired", "ours") == (anew.check(nonce, NOW), anew.check(anew.issue(NOW), NOW))


def test_a_server_that_does_not_answer_is_undecided() -> None:
    """A paused Valkey: no answer within its bound is no yes."""
    store = open_takes(valkey_url())
    server = valkey_process()
    server.send_signal(signal.SIGSTOP)
    try:
        assert "unavailable" == take(store, spend(window("w", 1)))
    finally:
        server.send_signal(signal.SIGCONT)
    assert take(store, spend(window("v", 1))) in ("taken", "unavailable")


def test_a_server_that_may_evict_is_refused() -> None:
    """An evicted nonce could be answered again."""
    store = open_takes(valkey_url())
    client: Any = store._client  # type: ignore[attr-defined]  # a ValkeyTakes
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(AgentdidError) as refusal:
            open_takes(valkey_url())
    finally:
        client.config_set("maxmemory-policy", "noeviction")

    assert "store_unavailable" == refusal.value.code


@pytest.mark.parametrize("place", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1/0"])
def test_a_place_where_nobody_is(place: str) -> None:
    """A store that cannot be opened is said to be so, with its code."""
    with pytest.raises(AgentdidError) as refusal:
        open_takes(place)

    assert "store_unavailable" == refusal.value.code


# --- through the verifier ----------------------------------------------------------------------------------------

PAY = {"amount": "40.00", "currency": "EUR"}
LIMITS = {
    "calls": {"max": 3, "window": "PT1H"},
    "budget": {"max": "100.00", "unit": "EUR", "argument": "amount", "unitArgument": "currency"},
}


def request_of(arguments: dict[str, object] | None = None, identifier: str | None = None) -> Request:
    """A request that takes of a budget."""
    return Request("http", "invoice.read", f"{RESOURCE}/7", PAY if arguments is None else arguments, identifier)


def limited(world: World, limits: dict[str, Any] | None = None) -> list[Any]:
    """A root with limits, to the agent."""
    return world.root(capability=world.capability(grants=[world.grant(limits=limits or LIMITS)]))


def below(world: World, chain: list[Any], subject: Party, limits: dict[str, Any] | None = None) -> list[Any]:
    """A child of it for a sub-agent, with the same limits or smaller ones."""
    grant = world.grant(id="c1", limits=limits or LIMITS, **{"from": "g1"})
    return world.child(
        chain, world.agent, subject, capability=world.capability(grants=[grant], delegation={"maxDepth": 5})
    )


def authorizer(world: World, **options: object) -> Callable[[list[Any], Party, Request], Grant]:
    """Authorize a chain's request by one verifier, each time with a new nonce."""
    verifier = world.verifier(**options)

    def authorize(chain: list[Any], holder: Party, request: Request) -> Grant:
        nonce = f"nonce-{next(_NUMBERS)}"
        return verifier.authorize(world.present(chain, holder, challenge=nonce), challenge=nonce, request=request)

    return authorize


def code_of(judge: Callable[[], object]) -> str | None:
    """The code it ends with; `None` where it is permitted."""
    try:
        judge()
    except AgentdidError as error:
        return error.code
    return None


def test_siblings_share_their_parents_budget() -> None:
    """Two sub-agents of one agent together get what the agent got, each no more than its own."""
    world = World()
    authorize, root = authorizer(world), limited(world)
    one = below(world, root, world.helper)
    two = below(world, root, world.stranger, {**LIMITS, "budget": {**LIMITS["budget"], "max": "40.00"}})

    assert [None, "limit_exceeded", None, "limit_exceeded"] == [
        code_of(lambda: authorize(two, world.stranger, request_of())),
        code_of(lambda: authorize(two, world.stranger, request_of({**PAY, "amount": "0.01"}))),
        code_of(lambda: authorize(one, world.helper, request_of())),
        code_of(lambda: authorize(one, world.helper, request_of())),
    ]
    # 20.00 are left, of the root's, for whoever comes first
    assert None is code_of(lambda: authorize(root, world.agent, request_of({**PAY, "amount": "20.00"})))
    assert "limit_exceeded" == code_of(lambda: authorize(one, world.helper, request_of({**PAY, "amount": "0.00"})))


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"amount": "1"}, {"currency": "EUR"}, {"amount": "1", "currency": "USD"}, {**PAY, "amount": "1e1"},
        {**PAY, "amount": "-1"}, {**PAY, "amount": ["1", "2"]}, {**PAY, "amount": 1.5}, {**PAY, "currency": ["EUR"]},
        {**PAY, "amount": True},
    ],
)  # fmt: skip
def test_l12_an_amount_that_cannot_be_read_is_not_permitted(arguments: dict[str, object]) -> None:
    """L12: absent, repeated, negative, of another unit, no decimal: it is not for the store to guess."""
    world = World()
    authorize = authorizer(world)

    assert "capability_target_mismatch" == code_of(
        lambda: authorize(limited(world), world.agent, request_of(arguments))
    )


def test_a_refused_call_is_not_charged() -> None:
    """Nothing is consumed by a call that was refused before the take."""
    world = World()
    authorize, root = authorizer(world), limited(world, {"calls": {"max": 1, "window": "PT1H"}})
    other = Request("http", "invoice.pay", f"{RESOURCE}/7", PAY)
    for _ in range(3):
        assert "capability_target_mismatch" == code_of(lambda: authorize(root, world.agent, other))

    assert [None, "limit_exceeded"] == [code_of(lambda: authorize(root, world.agent, request_of())) for _ in range(2)]


def test_request_ids_through_the_verifier() -> None:
    """A retry is charged once and says so; another call under the id is a conflict; another agent's id is another."""
    world = World()
    authorize, root = authorizer(world), limited(world, {"calls": {"max": 2, "window": "PT1H"}})
    first = authorize(root, world.agent, request_of(identifier="r1"))
    again = authorize(root, world.agent, request_of(identifier="r1"))
    child = below(world, root, world.helper, {"calls": {"max": 2, "window": "PT1H"}})

    assert (False, True) == (first.repeated, again.repeated)
    assert "request_id_conflict" == code_of(
        lambda: authorize(root, world.agent, request_of({**PAY, "amount": "1"}, "r1"))
    )
    assert None is code_of(lambda: authorize(child, world.helper, request_of(identifier="r1")))
    assert "limit_exceeded" == code_of(lambda: authorize(root, world.agent, request_of(identifier="r2")))


def test_a_store_that_is_down_is_undecided(tmp_path: Path) -> None:
    """`store_unavailable`, never yes."""
    world = World()
    store = SqlTakes.open(tmp_path / "t.db")
    authorize = authorizer(world, takes=store)
    (tmp_path / "t.db").write_bytes(b"garbage" * 1_000)

    assert "store_unavailable" == code_of(lambda: authorize(limited(world), world.agent, request_of()))


def test_the_store_stands_in_the_trust_file(tmp_path: Path) -> None:
    """`[store] url` names it; two verifiers of one policy share what it counts, and it is in no bundle."""
    world = World()
    (tmp_path / "x").mkdir()
    trust = world.trust(store={"url": f"sqlite:{tmp_path / 'x' / 'takes.db'}"})
    root = limited(world, {"calls": {"max": 1, "window": "PT1H"}})
    codes = [code_of(lambda: authorizer(world, trust=trust)(root, world.agent, request_of())) for _ in range(2)]

    assert [None, "limit_exceeded"] == codes
    assert "takes.db" not in str(trust.encode())


def test_a_charged_decision_replays() -> None:
    """The bundle of a grant with limits, and of a refusal by them, each lead to the same decision again."""
    world = World()
    kept: list[dict[str, Any]] = []
    log = type("Log", (), {"append": staticmethod(kept.append)})()
    authorize, root = authorizer(world, log=log), limited(world, {"calls": {"max": 1, "window": "PT1H"}})
    asked = [request_of(identifier=name) for name in ("a", "b", "a")]
    codes = [code_of(lambda each=each: authorize(root, world.agent, each)) for each in asked]  # type: ignore[misc]

    assert [None, "limit_exceeded", None] == codes
    for bundle in kept:
        replay(bundle)
    assert "exceeded:0" == kept[1]["answers"][-1]["reply"]
    assert NONCE != kept[0]["answers"][-1]["need"]["nonce"]


@pytest.mark.parametrize("kind", STORES)
def test_fifty_parallel_requests_get_what_is_allowed(kind: str, tmp_path: Path) -> None:
    """The whole judgement under 50 threads: 12 calls are allowed, exactly 12 are permitted, each with its own nonce."""
    world = World()
    takes = open_takes(place_of(kind, tmp_path))
    authorize, root = authorizer(world, takes=takes), limited(world, {"calls": {"max": 12, "window": "PT1H"}})
    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(lambda _: code_of(lambda: authorize(root, world.agent, request_of({}))), range(50)))

    assert (12, 38) == (codes.count(None), codes.count("limit_exceeded"))
