"""The ledger, on SQLite and on PostgreSQL: each index once, revoked for ever, and every change counted."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from agentdid.clock import FixedClock
from agentdid.errors import CredentialExists, CredentialNotFound, CredentialNotSuspendable, RevocationFinal
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.ledger_tables import LISTS, Change, Entry
from agentdid.issuer.permutation import LIST_SIZE, permute
from agentdid.issuer.status_ledger import StatusLedger, Wanted, Which
from agentdid.storage.engine import transaction
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
END = NOW + timedelta(hours=1)
WHOLE = os.environ.get("AGENTDID_WHOLE") == "1"
"""Whether the counts are those of issue 5, which take a quarter of an hour, or those of every run."""


@pytest.fixture
def issuer(database: str) -> Iterator[Issuer]:
    """A fresh issuer."""
    with Issuer.create(database, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as made:
        yield made


@pytest.fixture
def ledger(issuer: Issuer) -> StatusLedger:
    """Its ledger."""
    return issuer.ledger


def wanted(name: str, subject: str = "did:key:a", at: datetime = NOW, **more: object) -> Wanted:
    """A credential that needs its place."""
    return Wanted(name, subject, at, at + timedelta(hours=1), **{"suspendable": True, **more})  # type: ignore[arg-type]


def set_bits(ledger: StatusLedger, list_id: str) -> list[int]:
    """The indexes that are set in a list."""
    bits, _ = ledger.bits(list_id)
    return [i for i in range(LIST_SIZE) if bits[i >> 3] & 0x80 >> (i & 7)]


def token_value(ledger: StatusLedger, entry: Entry) -> int:
    """What the token form of the entry's list says."""
    octets, _ = ledger.token_octets(entry.list_id)
    return octets[entry.index >> 2] >> 2 * (entry.index & 3) & 3


def test_the_permutation_is_one_and_looks_random() -> None:
    """Every index comes once; neighbours in the counter are far apart in the list; another key, another order."""
    places = [permute(b"k" * 32, number) for number in range(LIST_SIZE)]

    assert list(range(LIST_SIZE)) == sorted(places)
    assert 200 > sum(abs(a - b) < 64 for a, b in pairwise(places))
    assert places[:50] != [permute(b"l" * 32, number) for number in range(50)]


def test_an_index_is_allotted_once(ledger: StatusLedger) -> None:
    """Two credentials never share an entry, and one id never has two."""
    entries = [ledger.allot(f"urn:{n}", "did:key:a", issued_at=NOW, valid_until=END) for n in range(20)]
    entries += ledger.allot_many([wanted(f"urn:m{n}") for n in range(700)])

    assert 720 == len({(entry.list_id, entry.index) for entry in entries})
    assert 700 == len({entry.suspension for entry in entries if entry.suspension})
    assert entries[3] == ledger.find("urn:3")
    with pytest.raises(CredentialExists):
        ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)


def test_z18_a_batch_is_whole_or_nothing(ledger: StatusLedger) -> None:
    """Z18: one id that stands already, or twice, and none of the batch is allotted."""
    ledger.allot_many([wanted("urn:1")])
    for batch in ([wanted("urn:2"), wanted("urn:1")], [wanted("urn:3"), wanted("urn:3")]):
        with pytest.raises(CredentialExists):
            ledger.allot_many(batch)

    assert ["urn:1"] == [entry.credential_id for entry in ledger.search()]
    assert [] == ledger.allot_many([])


def test_n19_the_same_idempotency_key_gets_the_same_entry(ledger: StatusLedger) -> None:
    """N19: a retry after a lost answer burns no second index; another subject or request under the key is refused."""
    first = ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END, idempotency_key="k", request=b"r")
    again = ledger.allot("urn:2", "did:key:a", issued_at=END, valid_until=END, idempotency_key="k", request=b"r")
    mixed = ledger.allot_many([wanted("urn:5"), wanted("urn:6", idempotency_key="k", request=b"r")])

    assert first == again == mixed[1]
    assert "urn:5" == mixed[0].credential_id
    for subject, request in (("did:key:b", b"r"), ("did:key:a", b"s")):
        with pytest.raises(CredentialExists):
            ledger.allot("urn:3", subject, issued_at=NOW, valid_until=END, idempotency_key="k", request=request)


def test_n19_what_is_kept_for_a_key_is_kept_once(ledger: StatusLedger) -> None:
    """N19: of two processes that sign for one key, what the first kept is what both hand out; it can be forgotten."""
    entry = ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END, idempotency_key="k", request=b"r")
    kept = [ledger.keep("urn:1", b"one"), ledger.keep("urn:1", b"two")]

    assert [b"one", b"one"] == kept
    assert (entry, b"r", b"one") == ledger.find_key("k")
    assert None is ledger.find_key("l")
    assert [0, 1] == [ledger.forget(NOW), ledger.forget(END)]
    assert (entry, b"r", None) == ledger.find_key("k")


def test_k25_a_revocation_is_final(ledger: StatusLedger) -> None:
    """K25: revoking sets one bit and the version grows; again changes nothing, and nothing takes it back."""
    entry = ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END, suspendable=True)
    before = ledger.version(entry.list_id)
    changed = [ledger.revoke("urn:1", at=NOW), ledger.revoke("urn:1", at=END)]

    assert [True, False] == changed
    assert before + 1 == ledger.version(entry.list_id)
    assert [entry.index] == set_bits(ledger, entry.list_id)
    assert NOW == ledger.find("urn:1").revoked_at
    with pytest.raises(CredentialNotFound):
        ledger.revoke("urn:2", at=NOW)
    for act in (ledger.suspend, ledger.reinstate):
        with pytest.raises(RevocationFinal):
            act("urn:1", at=NOW)
    assert 0 == ledger.change_all("reinstate", Which(), at=NOW)
    assert [entry.index] == set_bits(ledger, entry.list_id)


def test_a_suspension_comes_and_goes(ledger: StatusLedger) -> None:
    """A suspension is a bit in a list of its own and a value in the token form; it ends, and the history keeps it."""
    entry = ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END, suspendable=True)
    assert entry.suspension is not None
    ledger.allot("urn:2", "did:key:a", issued_at=NOW, valid_until=END)
    there = entry.suspension.list_id
    found = []
    for act in (ledger.suspend, ledger.suspend, ledger.reinstate, ledger.reinstate, ledger.suspend):
        changed = act("urn:1", at=NOW, reason="audit")
        value = token_value(ledger, entry)
        found.append((changed, ledger.find("urn:1").state, set_bits(ledger, there), value, ledger.version(there)))
    index = entry.suspension.index

    assert [
        (True, "suspended", [index], 2, 2), (False, "suspended", [index], 2, 2), (True, "good", [], 0, 3),
        (False, "good", [], 0, 3), (True, "suspended", [index], 2, 4),
    ] == found  # fmt: skip
    assert [] == set_bits(ledger, entry.list_id)
    assert [Change(act, NOW, "audit") for act in ("suspend", "reinstate", "suspend")] == ledger.history("urn:1")
    assert {"revocation", "suspension"} == {each.purpose for each in ledger.kept()}
    with pytest.raises(CredentialNotSuspendable):
        ledger.suspend("urn:2", at=NOW)
    ledger.revoke("urn:1", at=NOW)
    assert 1 == token_value(ledger, ledger.find("urn:1"))


def test_the_kill_switch_revokes_all_that_is_meant(ledger: StatusLedger) -> None:
    """By subject, by key, by time, by state, by id, or all; what is revoked already counts no second time."""
    ledger.allot_many([wanted(f"urn:a{n}", key_id="k1") for n in range(3)])
    ledger.allot_many([wanted(f"urn:b{n}", "did:key:b", key_id="k2") for n in range(3)])
    ledger.allot_many([wanted("urn:c", "did:key:c", NOW + timedelta(hours=2), key_id="k2", suspendable=False)])
    suspended = ledger.change_all("suspend", Which(key_id="k2"), at=NOW, reason="incident")
    counts = [
        ledger.change_all("revoke", Which(credential_ids=("urn:a0", "urn:none")), at=NOW),
        ledger.change_all("revoke", Which(subject="did:key:a"), at=NOW),
        ledger.change_all("revoke", Which(state="suspended"), at=NOW),
        ledger.change_all("revoke", Which(issued_from=NOW + timedelta(hours=1)), at=NOW),
        ledger.change_all("revoke", Which(), at=NOW),
    ]
    (list_id,) = {each.list_id for each in ledger.walk()}

    assert 3 == suspended
    assert [1, 2, 3, 1, 0] == counts
    assert 7 == ledger.count(Which(state="revoked")) == len(set_bits(ledger, list_id))
    assert ["suspend", "revoke"] == [each.act for each in ledger.history("urn:b1")]
    with pytest.raises(ValueError, match="state"):
        ledger.search(which=Which(state="lost"))


def test_p08_a_full_list_is_followed_by_exactly_one(issuer: Issuer, ledger: StatusLedger) -> None:
    """P08: the last index closes the list; the next allotment opens one list, in the middle of a batch too."""
    first = ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)
    with transaction(issuer._engine) as connection:  # 131,071 allotments would take minutes
        connection.execute(update(LISTS).values(allotted=LIST_SIZE - 2))
    last = ledger.allot("urn:2", "did:key:a", issued_at=NOW, valid_until=END)
    following = ledger.allot_many([wanted(f"urn:{n}", suspendable=False) for n in (3, 4, 5)])

    assert first.list_id == last.list_id == following[0].list_id
    assert [following[1].list_id] * 2 == [entry.list_id for entry in following[1:]]
    assert 2 == len(ledger.lists())


def test_search_finds_a_subjects_credentials(ledger: StatusLedger) -> None:
    """Newest first, of one subject or of all, a page after the other."""
    for number, subject in enumerate(("did:key:a", "did:key:b", "did:key:a")):
        ledger.allot(f"urn:{number}", subject, issued_at=NOW, valid_until=END)
    newest = ledger.search(limit=1)[0]

    assert ["urn:2", "urn:0"] == [entry.credential_id for entry in ledger.search(subject="did:key:a")]
    assert ["urn:1"] == [entry.credential_id for entry in ledger.search(limit=1, offset=1)]
    assert ["urn:1", "urn:0"] == [entry.credential_id for entry in ledger.search(before=newest.number)]
    assert [3, 2] == [ledger.count(), ledger.count(Which(subject="did:key:a"))]


def test_p06_an_older_list_never_follows_a_newer(ledger: StatusLedger) -> None:
    """P06: what was signed with an older version, or at an earlier time, is not written over a newer one."""
    entry = ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)
    ledger.revoke("urn:1", at=NOW)
    written: list[str] = []
    outcomes = [
        ledger.record_publication(entry.list_id, 2, NOW, lambda: written.append("two")),
        ledger.record_publication(entry.list_id, 1, END, lambda: written.append("older version")),
        ledger.record_publication(entry.list_id, 2, NOW - timedelta(seconds=1), lambda: written.append("earlier")),
        ledger.record_publication(entry.list_id, 2, END, lambda: written.append("again")),
    ]

    assert [True, False, False, True] == outcomes
    assert ["two", "again"] == written
    assert (2, END) == ledger.published(entry.list_id)
    with pytest.raises(ValueError, match="version"):
        ledger.record_publication(entry.list_id, 3, END)


def test_threads_share_a_commit_and_nothing_else(ledger: StatusLedger) -> None:
    """Forty threads allot at once, one of them an id that is taken: it alone is refused."""
    ledger.allot("urn:taken", "did:key:a", issued_at=NOW, valid_until=END)

    def allot(number: int) -> object:
        name = "urn:taken" if number == 7 else f"urn:{number}"
        try:
            return ledger.allot(name, "did:key:a", issued_at=NOW, valid_until=END).index
        except CredentialExists:
            return "taken"

    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(allot, range(40)))

    assert 40 == len(set(found))
    assert ["taken"] == [each for each in found if isinstance(each, str)]


_ALLOTTER = """
import random, sys
from datetime import timedelta
from agentdid.clock import FixedClock
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.status_ledger import Wanted
from tests.stores import PASSPHRASE
from tests.world import NOW

place, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(name)
with Issuer.open(place, passphrase=PASSPHRASE, clock=FixedClock(NOW)) as issuer:
    done = 0
    while done < count:
        size = min(chance.choice([1, 1, 7, 40] if count < 1000 else [1, 40, 100]), count - done)
        wanted = [
            Wanted(f"urn:{name}:{done + n}", "did:key:a", NOW, NOW + timedelta(hours=1), True) for n in range(size)
        ]
        for entry in issuer.ledger.allot_many(wanted):
            print(entry.list_id, entry.index, entry.suspension.list_id, entry.suspension.index)
        done += size
"""


def test_p04_processes_allot_no_index_twice(issuer: Issuer, database: str) -> None:
    """P04: issuers on one database, alone and in batches: no entry of either list is had twice, no list is double."""
    processes, each = (4, 25_000) if WHOLE else (2, 300)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _ALLOTTER, database, str(name), str(each)],
            stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )
        for name in range(processes)
    ]  # fmt: skip
    with ThreadPoolExecutor(processes) as readers:
        outputs = list(readers.map(lambda process: process.communicate(timeout=3_000)[0], started))
    lines = [line.split() for output in outputs for line in output.splitlines()]

    assert [0] * processes == [process.returncode for process in started]
    assert processes * each == len(lines) == issuer.ledger.count()
    assert (
        processes * each == len({(line[0], line[1]) for line in lines}) == len({(line[2], line[3]) for line in lines})
    )
    assert 2 == len(issuer.ledger.lists())


def test_an_older_store_is_completed(tmp_path: Path) -> None:
    """A store from before there were suspensions and histories gets what it lacks, and keeps what it has."""
    place = str(tmp_path / "old.db")
    with Issuer.create(place, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as made:
        first = made.ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)
        with transaction(made._engine) as connection:
            connection.execute(text("DROP TABLE status_changes"))
            for index in ("one_suspension", "suspended_of", "revoked_of", "ix_issued_key_id"):
                connection.execute(text(f"DROP INDEX {index}"))
            for column in ("suspension_index", "suspended_at", "key_id", "sealed"):
                connection.execute(text(f"ALTER TABLE issued DROP COLUMN {column}"))
    with Issuer.open(place, passphrase=PASSPHRASE, clock=FixedClock(NOW)) as opened:
        second = opened.ledger.allot("urn:2", "did:key:a", issued_at=NOW, valid_until=END, suspendable=True)
        opened.ledger.suspend("urn:2", at=NOW)

        assert first == opened.ledger.find("urn:1")
        assert first.list_id == second.list_id
        assert ["suspend"] == [each.act for each in opened.ledger.history("urn:2")]
