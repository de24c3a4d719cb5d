"""The ledger allots each index once, revokes for ever, and counts its changes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from agentdid.clock import FixedClock
from agentdid.errors import CredentialExists, CredentialNotFound
from agentdid.issuer import status_ledger
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.status_ledger import LIST_SIZE, permute
from agentdid.storage.engine import transaction
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
END = NOW + timedelta(hours=1)


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """A fresh issuer."""
    with Issuer.create(tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as made:
        yield made


def test_the_permutation_is_one_and_looks_random() -> None:
    """Every index comes once; neighbours in the counter are far apart in the list; another key, another order."""
    places = [permute(b"k" * 32, number) for number in range(LIST_SIZE)]

    assert list(range(LIST_SIZE)) == sorted(places)
    assert 200 > sum(abs(a - b) < 64 for a, b in pairwise(places))
    assert places[:50] != [permute(b"l" * 32, number) for number in range(50)]


def test_an_index_is_allotted_once(issuer: Issuer) -> None:
    """Two credentials never share an entry, and one id never has two."""
    entries = [issuer.ledger.allot(f"urn:{n}", "did:key:a", issued_at=NOW, valid_until=END) for n in range(500)]

    assert 500 == len({(entry.list_id, entry.index) for entry in entries})
    with pytest.raises(CredentialExists):
        issuer.ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)


def test_n19_the_same_idempotency_key_gets_the_same_entry(issuer: Issuer) -> None:
    """A retry after a lost answer burns no second index; another subject under the key is refused."""
    allot = issuer.ledger.allot
    first = allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END, idempotency_key="k")
    again = allot("urn:2", "did:key:a", issued_at=NOW, valid_until=END, idempotency_key="k")

    assert first == again
    with pytest.raises(CredentialExists):
        allot("urn:3", "did:key:b", issued_at=NOW, valid_until=END, idempotency_key="k")


def test_k25_a_revocation_is_final(issuer: Issuer) -> None:
    """Revoking sets one bit and the version grows; doing it again changes nothing, and nothing takes it back."""
    entry = issuer.ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)
    before = issuer.ledger.version(entry.list_id)
    changed = [issuer.ledger.revoke("urn:1", at=NOW), issuer.ledger.revoke("urn:1", at=END)]
    bits, version = issuer.ledger.bits(entry.list_id)

    assert [True, False] == changed
    assert before + 1 == version
    assert [entry.index] == [i for i in range(LIST_SIZE) if bits[i >> 3] & 0x80 >> (i & 7)]
    assert NOW == issuer.ledger.find("urn:1").revoked_at
    with pytest.raises(CredentialNotFound):
        issuer.ledger.revoke("urn:2", at=NOW)


def test_p08_a_full_list_is_followed_by_exactly_one(issuer: Issuer, tmp_path: Path) -> None:
    """The last index closes the list; the next allotment opens one list, not two."""
    first = issuer.ledger.allot("urn:1", "did:key:a", issued_at=NOW, valid_until=END)
    with transaction(issuer._engine) as connection:  # 131,071 allotments would take minutes
        connection.execute(update(status_ledger._LISTS).values(allotted=LIST_SIZE - 1))
    last = issuer.ledger.allot("urn:2", "did:key:a", issued_at=NOW, valid_until=END)
    following = [issuer.ledger.allot(f"urn:{n}", "did:key:a", issued_at=NOW, valid_until=END) for n in (3, 4)]

    assert first.list_id == last.list_id
    assert [following[0].list_id] * 2 == [entry.list_id for entry in following]
    assert 2 == len(issuer.ledger.lists())


def test_search_finds_a_subjects_credentials(issuer: Issuer) -> None:
    """Newest first, of one subject or of all."""
    for number, subject in enumerate(("did:key:a", "did:key:b", "did:key:a")):
        issuer.ledger.allot(f"urn:{number}", subject, issued_at=NOW, valid_until=END)

    assert ["urn:2", "urn:0"] == [entry.credential_id for entry in issuer.ledger.search(subject="did:key:a")]
    assert ["urn:1"] == [entry.credential_id for entry in issuer.ledger.search(limit=1, offset=1)]


_ALLOTTER = """
import sys
from datetime import timedelta
from agentdid.clock import FixedClock
from agentdid.issuer.issuer import Issuer
from tests.stores import PASSPHRASE
from tests.world import NOW

with Issuer.open(sys.argv[1], passphrase=PASSPHRASE, clock=FixedClock(NOW)) as issuer:
    for number in range(int(sys.argv[3])):
        entry = issuer.ledger.allot(
            f"urn:{sys.argv[2]}:{number}", "did:key:a", issued_at=NOW, valid_until=NOW + timedelta(hours=1)
        )
        print(entry.list_id, entry.index)
"""


def test_p04_two_processes_allot_no_index_twice(issuer: Issuer, tmp_path: Path) -> None:
    """Two issuers on one database: twice 150 allotments, 300 entries."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _ALLOTTER, str(tmp_path / "issuer.db"), name, "150"],
            stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )
        for name in "ab"
    ]  # fmt: skip
    lines = [line for process in processes for line in process.communicate()[0].splitlines()]

    assert 300 == len(lines)
    assert 300 == len(set(lines))
    assert 1 == len(issuer.ledger.lists())
