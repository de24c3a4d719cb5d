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
from agentdid.storage.vault import Vault
from agentdid.wallet.store import CredentialRecord, WalletStore
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        "INSERT INTO credentials (row_id, identity_index, id_index, sealed) SELECT row_id, x'00', x'01', sealed FROM keys"
        " WHERE number = 1",
    )

    with pytest.raises(StoreTampered):
        store.credentials()


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


def test_o05_nonces_do_not_repeat(path: Path) -> None:
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


def test_o10_files_are_their_owners_alone(tmp_path: Path) -> None:
    """A store is 0600 in a 0700 folder, and an open one is made so."""
    path = tmp_path / "made" / "agent.wallet"
    WalletStore.create(path, PASSPHRASE.encode(), CHEAP).close()
    modes = (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode))
    path.chmod(0o644)
    WalletStore.open(path, PASSPHRASE.encode()).close()

    assert (0o600, 0o700, 0o600) == (*modes, stat.S_IMODE(path.stat().st_mode))


def test_o08_the_journal_is_not_wal(store: WalletStore, path: Path) -> None:
    """SQLite before 3.51.3 can lose commits of two processes in WAL mode, so it is not used."""
    with sqlite3.connect(path) as connection:
        ((mode,),) = connection.execute("PRAGMA journal_mode")
    connection.close()

    assert "delete" == mode


def test_o11_no_issuer_overwrites_anothers_credential(store: WalletStore) -> None:
    """The same id from another issuer stands beside the first; other bytes of the same issuer are refused."""
    store.add_credential(record())
    store.add_credential(record())
    store.add_credential(record(issuer="did:web:b.example", chain="eyK"))

    with pytest.raises(CredentialExists):
        store.add_credential(record(chain="eyX"))
    assert ["eyJ", "eyK"] == [each.chain[0] for each in store.credentials()]


def test_o14_a_newer_store_is_left_alone(store: WalletStore, path: Path) -> None:
    """A store of a newer version is refused and not written."""
    store.close()
    change(path, "UPDATE store SET version = 2")
    before = path.read_bytes()

    with pytest.raises(StoreVersionUnsupported):
        WalletStore.open(path, PASSPHRASE.encode())
    assert before == path.read_bytes()


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
        process = subprocess.Popen(
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
