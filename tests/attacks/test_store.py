"""Layer O: what a thief, a vandal or a crash can do to a store on disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.errors import (
    CredentialExists,
    HolderBindingFailed,
    SignatureInvalid,
    StoreLocked,
    StoreTampered,
    StoreUnavailable,
    StoreVersionUnsupported,
)
from agentdid.issuer.issuer import Issuer
from agentdid.storage.engine import reading, transaction
from agentdid.storage.replay import SqlTakes
from agentdid.storage.vault import Vault
from agentdid.wallet.store import CredentialRecord, WalletStore
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for a wallet."""
    return tmp_path / "agent.wallet"


@pytest.fixture
def store(path: Path) -> Iterator[WalletStore]:
    """An open store with two keys."""
    made = WalletStore.create(path, PASSPHRASE.encode(), CHEAP)
    made.add_key("did:key:one", "Ed25519", b"1" * 32)
    made.add_key("did:key:two", "Ed25519", b"2" * 32)
    yield made
    made.close()


def record(
    credential_id: str = "urn:uuid:1", issuer: str = "did:web:a.example", chain: str = "eyJ"
) -> CredentialRecord:
    """A credential as kept."""
    return CredentialRecord(
        id=credential_id, issuer=issuer, subject="did:key:one", types=("VerifiableCredential",), chain=(chain,),
        received_at=NOW, valid_until=None, trusted=False,
    )  # fmt: skip


def change(path: Path, statement: str, *values: object) -> None:
    """Do to the file what somebody with write access can."""
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


def test_o01_any_flipped_byte_of_a_sealed_row_is_found(store: WalletStore, path: Path) -> None:
    """A row that was changed anywhere does not open."""
    with sqlite3.connect(path) as connection:
        ((number, sealed),) = connection.execute("SELECT number, sealed FROM keys WHERE number = 1")
    connection.close()
    for position in range(0, len(sealed), 7):
        broken = sealed[:position] + bytes((sealed[position] ^ 1,)) + sealed[position + 1 :]
        change(path, "UPDATE keys SET sealed = ? WHERE number = ?", broken, number)

        with pytest.raises(StoreTampered):
            store.list_keys()


def test_o01_rows_do_not_open_in_each_others_place(store: WalletStore, path: Path) -> None:
    """Two rows exchanged, or one copied over another, are found."""
    change(path, "UPDATE keys SET sealed = (SELECT sealed FROM keys WHERE number = 2) WHERE number = 1")

    with pytest.raises(StoreTampered):
        store.list_keys()


def test_o01_a_row_does_not_open_in_another_table(store: WalletStore, path: Path) -> None:
    """A key's row put among the credentials is found."""
    change(
        path,
        "INSERT INTO credentials (row_id, identity_index, id_index, sealed)"
        " SELECT row_id, x'00', x'01', sealed FROM keys WHERE number = 1",
    )

    with pytest.raises(StoreTampered):
        store.credentials()


@pytest.mark.parametrize("column", ["row_id", "identity_index", "id_index", "sealed"])
def test_o01_no_column_can_be_exchanged_between_rows(store: WalletStore, path: Path, column: str) -> None:
    """Ciphertexts, row ids and blind indexes are bound together: asking for one credential never gives another."""
    store.add_credential(record("urn:uuid:1"))
    store.add_credential(record("urn:uuid:2"))
    with sqlite3.connect(path) as connection:
        first, second = (value for (value,) in connection.execute(f"SELECT {column} FROM credentials ORDER BY number"))  # noqa: S608
        for number, value in ((2, b"aside"), (1, second), (2, first)):
            connection.execute(f"UPDATE credentials SET {column} = ? WHERE number = ?", (value, number))  # noqa: S608
    connection.close()

    for read in (store.credentials, lambda: store.find_credential("urn:uuid:1")):
        with pytest.raises(StoreTampered):
            read()


def test_o01_a_row_does_not_open_in_another_store(store: WalletStore, path: Path, tmp_path: Path) -> None:
    """A row of another wallet with the same passphrase, put in place with its ids, does not open."""
    other = tmp_path / "other.wallet"
    made = WalletStore.create(other, PASSPHRASE.encode(), CHEAP)
    made.add_key("did:key:foreign", "Ed25519", b"3" * 32)
    made.close()
    with sqlite3.connect(other) as connection:
        ((row_id, index, sealed),) = connection.execute("SELECT row_id, did_index, sealed FROM keys")
    connection.close()
    change(path, "UPDATE keys SET row_id = ?, did_index = ?, sealed = ? WHERE number = 1", row_id, index, sealed)

    with pytest.raises(StoreTampered):
        store.list_keys()


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE keys SET sealed = 'text'", StoreTampered),
        ("UPDATE keys SET sealed = x''", StoreTampered),
        ("UPDATE keys SET did_index = 'text' WHERE number = 1", StoreTampered),
        ("UPDATE keys SET row_id = 7 WHERE number = 1", StoreTampered),
        ("UPDATE vault SET store_id = 'text'", StoreLocked),
        ("UPDATE vault SET store_id = x'00'", StoreLocked),
        ("UPDATE vault SET salt = x'00'", StoreLocked),
        ("UPDATE vault SET sealed_key = x'00'", StoreLocked),
        ("UPDATE vault SET passes = 'text'", StoreLocked),
        ("UPDATE vault SET passes = passes + 1", StoreLocked),
        ("DELETE FROM vault", StoreUnavailable),
        ("UPDATE store SET version = 'text'", StoreUnavailable),
        ("UPDATE store SET version = 0", StoreUnavailable),
        ("UPDATE store SET kind = 'issuer'", StoreUnavailable),
        ("DROP TABLE store", StoreUnavailable),
        ("DROP TABLE keys", StoreUnavailable),
    ],
)
def test_o01_whatever_stands_in_a_file_has_a_code(
    store: WalletStore, path: Path, statement: str, error: type[Exception]
) -> None:
    """A value of another type or size, or a missing table, is one of the book's errors, never Python's or SQLite's."""
    store.close()
    change(path, statement)

    with pytest.raises(error):  # noqa: PT012  # by the change, opening fails or reading
        opened = WalletStore.open(path, PASSPHRASE.encode())
        opened.list_keys()


def test_o03_a_wrong_passphrase_says_one_constant_thing(store: WalletStore, path: Path) -> None:
    """Nothing can be told from how a wrong passphrase fails, nor from a header that was changed."""
    store.close()
    details = set()
    for passphrase in (b"wrong", b"", b"correct horse battery stapl"):
        with pytest.raises(StoreLocked) as caught:
            WalletStore.open(path, passphrase)
        details.add(caught.value.detail)
    change(path, "UPDATE vault SET salt = x'00112233445566778899aabbccddeeff'")
    with pytest.raises(StoreLocked) as caught:
        WalletStore.open(path, PASSPHRASE.encode())

    assert {"the passphrase does not open this store"} == details | {caught.value.detail}


def test_o03_a_header_cannot_ask_for_all_memory(store: WalletStore, path: Path) -> None:
    """A changed cost is refused before it is paid."""
    store.close()
    change(path, "UPDATE vault SET memory_bytes = 1099511627776")

    with pytest.raises(StoreLocked):
        WalletStore.open(path, PASSPHRASE.encode())


def test_o03_a_guess_is_dear_by_default() -> None:
    """The default Argon2id cost is 192 MiB four times over; a quarter second or more on the machines we know."""
    start = time.process_time()
    Vault.create(b"guess")

    assert time.process_time() - start >= 0.15


def test_o05_nonces_do_not_repeat() -> None:
    """Sealing the same row many times never repeats a nonce, so a copied store forks safely."""
    vault, _ = Vault.create(b"x", CHEAP)
    seen = {vault.seal(b"same", ("keys", "1", "sealed"))[:24] for _ in range(20_000)}

    assert 20_000 == len(seen)


def test_o09_nothing_readable_reaches_the_disk(store: WalletStore, tmp_path: Path) -> None:
    """No claim, DID or key stands in any file of the folder in the open."""
    store.add_credential(record(chain="eyJ-canary-claim"))
    store.delete_credential("did:web:a.example", "urn:uuid:1")
    canaries = (b"canary", b"did:key:one", b"1" * 32, b"MTExMTEx", b"did:web:a.example")

    for file in tmp_path.rglob("*"):
        content = file.read_bytes()
        assert [] == [each for each in canaries if each in content]


def test_o09_o10_the_journal_is_sealed_and_its_owners_alone(store: WalletStore, path: Path) -> None:
    """What SQLite writes aside while it changes rows holds nothing readable, and nobody else may read it."""
    store.add_credential(record(chain="eyJ-canary-claim"))
    journal = path.with_name(path.name + "-journal")
    with transaction(store._engine) as connection:
        connection.exec_driver_sql("DELETE FROM credentials")
        connection.exec_driver_sql("UPDATE keys SET sealed = x'00'")
        content, mode = journal.read_bytes(), stat.S_IMODE(journal.stat().st_mode)

    assert (True, 0o600) == (len(content) > 512, mode)
    assert [] == [each for each in (b"canary", b"did:key:", b"1" * 32, b"MTExMTEx") if each in content]
    assert [path] == list(path.parent.iterdir())


def test_o10_files_are_their_owners_alone(tmp_path: Path) -> None:
    """A store is 0600 in a 0700 folder, and an open one is made so."""
    path = tmp_path / "made" / "agent.wallet"
    WalletStore.create(path, PASSPHRASE.encode(), CHEAP).close()
    modes = (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode))
    path.chmod(0o644)
    WalletStore.open(path, PASSPHRASE.encode()).close()

    assert (0o600, 0o700, 0o600) == (*modes, stat.S_IMODE(path.stat().st_mode))


def test_o08_the_journal_is_not_wal(store: WalletStore) -> None:
    """SQLite before 3.51.3 can lose commits of two processes in WAL mode, so it is not used; commits are on disk."""
    names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
    with reading(store._engine) as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    assert {"journal_mode": "delete", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1} == found


def test_o08_a_file_in_wal_mode_is_refused_and_not_converted(store: WalletStore, path: Path) -> None:
    """A file that somebody switched to WAL is neither opened nor, if it was open, read or written."""
    change(path, "PRAGMA journal_mode=WAL")
    before = path.read_bytes()

    with pytest.raises(StoreUnavailable):
        store.list_keys()
    with pytest.raises(StoreUnavailable):
        store.add_key("did:key:three", "Ed25519", b"3" * 32)
    with pytest.raises(StoreUnavailable):
        WalletStore.open(path, PASSPHRASE.encode())
    assert before == path.read_bytes()


def test_o11_no_issuer_overwrites_anothers_credential(store: WalletStore) -> None:
    """The same id from another issuer stands beside the first; other bytes of the same issuer are refused."""
    store.add_credential(record())
    store.add_credential(record())
    store.add_credential(record(issuer="did:web:b.example", chain="eyK"))

    with pytest.raises(CredentialExists):
        store.add_credential(record(chain="eyX"))
    assert ["eyJ", "eyK"] == [each.chain[0] for each in store.credentials()]


def test_o11_a_later_credential_of_the_same_id_does_not_take_its_place(store: WalletStore) -> None:
    """The id still finds the credential that came first; forgetting is by issuer and id together."""
    store.add_credential(record())
    store.add_credential(record(issuer="did:web:b.example", chain="eyK"))
    found = store.find_credential("urn:uuid:1")
    gone = [store.delete_credential("did:web:b.example", "urn:uuid:1") for _ in range(2)]

    assert found == store.find_credential("urn:uuid:1") == record()
    assert [True, False] == gone


def test_o14_a_newer_store_is_left_alone(store: WalletStore, path: Path) -> None:
    """A store of a newer version is refused and not written."""
    store.close()
    change(path, "UPDATE store SET version = 2")
    before = path.read_bytes()

    with pytest.raises(StoreVersionUnsupported):
        WalletStore.open(path, PASSPHRASE.encode())
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    ("make", "load"),
    [
        (
            lambda path: Issuer.create(path, passphrase=PASSPHRASE, kdf=CHEAP).close(),
            lambda path: Issuer.open(path, passphrase=PASSPHRASE),
        ),
        (lambda path: SqlTakes.open(path).close(), SqlTakes.open),
    ],
    ids=["issuer", "nonces"],
)
def test_o14_so_is_every_kind_of_store(
    path: Path, make: Callable[[Path], None], load: Callable[[Path], object]
) -> None:
    """An issuer's store and a store of nonces of a newer version are refused and not written."""
    make(path)
    change(path, "UPDATE store SET version = 2")
    before = path.read_bytes()

    with pytest.raises(StoreVersionUnsupported):
        load(path)
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


def test_o15_what_does_not_verify_is_not_kept(path: Path) -> None:
    """A credential with a broken signature, or for somebody else, leaves no trace."""
    world = World()
    with Wallet.create(path, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as wallet:
        wallet.add_key(world.agent.did, world.agent.secret)
        (token,) = world.root()
        issued, _, rest = str(token).partition("~")
        head, body, signature = issued.split(".")
        flipped = signature[:20] + ("A" if signature[20] != "A" else "B") + signature[21:]

        with pytest.raises(SignatureInvalid):
            wallet.receive(f"{head}.{body}.{flipped}~{rest}", source=world)
        with pytest.raises(HolderBindingFailed):
            wallet.receive(world.root(subject=world.stranger), source=world)
        assert () == wallet.credentials()


@pytest.mark.parametrize("text", ["' OR 1=1 --", 'x"; DROP TABLE keys; --', "\0", "%"])
def test_o16_filters_are_values_never_statements(store: WalletStore, text: str) -> None:
    """What looks like SQL finds nothing and harms nothing."""
    assert store.find_credential(text) is None
    assert 2 == len(store.list_keys())


def test_a_store_is_not_made_over_a_file(path: Path) -> None:
    """An existing file is never touched by making a store."""
    path.write_bytes(b"something else")

    with pytest.raises(StoreUnavailable):
        WalletStore.create(path, PASSPHRASE.encode(), CHEAP)
    assert b"something else" == path.read_bytes()


def test_a_file_that_is_no_store_is_said_to_be_none(path: Path) -> None:
    """Any other file is store_unavailable, never a driver's error."""
    path.write_bytes(b"not a database at all, and long enough to have a header" * 40)

    with pytest.raises(StoreUnavailable):
        WalletStore.open(path, PASSPHRASE.encode())


_FORKER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from agentdid.wallet.store import CredentialRecord, WalletStore

def write(path, start):
    store = WalletStore.open(path, os.environ["AGENTDID_PASSPHRASE"].encode())
    for number in range(start, start + 100_000):
        did = f"did:key:canary{number}"
        store.add_key(did, "Ed25519", b"canary" + number.to_bytes(26, "big"))
        store.add_credential(CredentialRecord(
            f"urn:{number}", "did:web:a.example", did, ("VerifiableCredential",), ("eyJcanary" * 500,),
            datetime.now(UTC), None, False))
        os.write(1, f"{number}\\n".encode())

for line in sys.stdin:
    child = os.fork()  # a round without paying for the imports again
    if child == 0:
        write(Path(sys.argv[1]), int(line))
    os.write(1, f"pid {child}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"dead\\n")
"""


def test_o06_o09_sigkill_leaves_keys_and_credentials_whole_and_sealed(path: Path) -> None:
    """Twenty times killed between and within inserts: no credential without its key, no acknowledged row lost.

    Nor does what lies there at that moment, hot journal included, hold anything readable.
    """
    WalletStore.create(path, PASSPHRASE.encode(), CHEAP).close()
    environment = {**os.environ, "AGENTDID_PASSPHRASE": PASSPHRASE}
    acknowledged: set[int] = set()
    readable: list[str] = []
    with subprocess.Popen(  # ourselves
        [sys.executable, "-c", _FORKER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment,
    ) as forker:  # fmt: skip
        if forker.stdin is None or forker.stdout is None:
            pytest.fail("no pipes")
        for turn in range(20):
            forker.stdin.write(f"{turn * 100_000}\n")
            child, numbers = 0, 0
            while not child or not numbers:
                word, _, rest = forker.stdout.readline().partition(" ")
                child, numbers = (int(rest), numbers) if word == "pid" else (child, numbers + 1)
                acknowledged |= set() if word == "pid" else {int(word)}
            time.sleep(0.0007 * (turn % 7))
            os.kill(child, signal.SIGKILL)
            acknowledged.update(int(line) for line in iter(forker.stdout.readline, "dead\n"))
            files = [file for file in path.parent.iterdir() if b"canary" in file.read_bytes()]
            readable += [file.name for file in files]
        forker.stdin.close()
    store = WalletStore.open(path, PASSPHRASE.encode())
    held, keys = store.credentials(), {key.did for key in store.list_keys()}
    store.close()

    assert [] == readable
    assert 20 <= len(acknowledged) <= len(held) <= len(acknowledged) + 20
    assert acknowledged <= {int(each.id.removeprefix("urn:")) for each in held}
    assert {each.subject for each in held} <= keys


_WRITER = """
import os, sys
from datetime import timedelta
from agentdid.clock import FixedClock
from agentdid.wallet.wallet import Wallet
from tests.world import NOW, World

world = World()
with Wallet.open(sys.argv[1], passphrase=os.environ["AGENTDID_PASSPHRASE"], clock=FixedClock(NOW)) as wallet:
    sys.stdout.write("go\\n"); sys.stdout.flush()
    for number in range(int(sys.argv[2]), 1_000_000):
        held = wallet.receive(world.root(index=number), source=world)
        capability = world.capability(grants=[world.grant(id="c", **{"from": "g1"})], delegation={"maxDepth": 5})
        wallet.delegate(held.id, to=world.helper.did, capability=capability, ttl=timedelta(minutes=5))
        sys.stdout.write(held.id + "\\n"); sys.stdout.flush()
"""


def test_o06_sigkill_leaves_each_credential_whole_or_absent(path: Path) -> None:
    """Fifty times killed while it receives and delegates: the wallet opens, and what was acknowledged is there."""
    world = World()
    with Wallet.create(path, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as wallet:
        wallet.add_key(world.agent.did, world.agent.secret)
    environment = {**os.environ, "AGENTDID_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(ROOT)}
    acknowledged: set[str] = set()
    for turn in range(50):
        process = subprocess.Popen(  # ourselves
            [sys.executable, "-c", _WRITER, str(path), str(turn * 1_000)],
            stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip
        if process.stdout is None:
            pytest.fail("no pipe")
        process.stdout.readline()
        time.sleep(0.002 + 0.0017 * (turn % 23))  # another moment of its work each time
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        acknowledged.update(line for line in output.splitlines() if line.startswith("urn:"))
    with Wallet.open(path, passphrase=PASSPHRASE, clock=FixedClock(NOW)) as wallet:
        held = wallet.credentials()

    assert acknowledged <= {each.id for each in held}
    assert all(each.leaf.capability is not None for each in held)
    assert timedelta(hours=8) == held[0].leaf.credential.valid_until - held[0].leaf.credential.valid_from  # type: ignore[operator]
