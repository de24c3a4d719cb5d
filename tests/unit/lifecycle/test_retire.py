"""Retiring: denied, revoked, closed; what hung on it dies with it; what failed is done again."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from agentdid.errors import AgentdidError, CredentialNotFound, StoreUnavailable, WalletClosed
from agentdid.http import create_issuer_app, create_verifier_app
from agentdid.issuer.issuer import Issuer
from agentdid.lifecycle.desks import HttpDenyList, HttpDesk, LocalDesk
from agentdid.lifecycle.retire import retire
from agentdid.storage.controlled import make
from agentdid.storage.denied import MemoryDenied
from agentdid.storage.takes import open_takes
from agentdid.wallet.wallet import Wallet
from tests.databases import postgres_url
from tests.lifecycles import Office
from tests.servers import bound_socket, client_context, serving
from tests.stores import CHEAP, PASSPHRASE
from tests.unit.http.test_services import TOKEN
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.lifecycle.retire import Retired
    from agentdid.trust.denied import DenyEntry


@pytest.fixture(params=["sqlite", "postgres"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """The office, its issuer in a file or in a database."""
    made = Office(tmp_path, postgres_url() if request.param == "postgres" else "")
    yield made
    made.issuer.close()


def outcomes(done: Retired) -> list[tuple[str, str]]:
    """What was tried, and how it went."""
    return [(step.act, step.outcome) for step in done.steps]


def test_all_of_it_in_one_call(office: Office) -> None:
    """Denied first, revoked, published, given up, closed: agent and sub-agent are refused by every verifier."""
    listed = office.verifier(denied=MemoryDenied())
    with office.wallet() as wallet, office.wallet("helper") as helper:
        wallet.create_did()
        helper.create_did()
        held = [office.give(wallet) for _ in range(3)]
        chain = wallet.delegate(held[0].id, to=helper.dids[0], narrower={}, ttl=timedelta(minutes=30))
        passed = helper.receive(list(chain), source=office.source)
        assert [None, None] == [office.use(wallet, held[1].id), office.use(helper, passed.id)]
        desk = LocalDesk(office.issuer, office.folder / "site")
        done = retire(wallet=wallet, at=NOW, deny_lists={"partner": listed.denied}, desks=[desk], reason="left")

        assert done.complete
        assert [
            ("deny", "done"), ("revoke", "done"), ("publish", "done"), *[("relinquish", "done")] * 3, ("close", "done"),
        ] == outcomes(done)  # fmt: skip
        assert "3 credentials" in done.steps[1].detail
        assert f"{passed.id} stands until" in done.steps[3].detail
        assert {"revoked"} == {each.state for each in office.issuer.ledger.search()}
        # a verifier that was told nothing reads the issuer's list; one that was denies at once
        assert ["chain_parent_revoked", "denied"] == [
            office.use(helper, passed.id, verifier=judge) for judge in (office.verifier(), listed)
        ]
        for act in (
            wallet.create_did,
            lambda: wallet.present(challenge="n", audience="https://x.example"),
            lambda: wallet.receive(list(held[0].chain), source=office.source),
            lambda: wallet.signer(done.dids[0]),
        ):
            with pytest.raises(WalletClosed):
                act()
        assert [] == list(wallet.credentials())
        assert [passed.id] == [each.id for each in wallet.minted()]
    with office.opened() as again:
        assert (NOW, ()) == (again.closed_at, again.dids)


def test_keys_are_gone_from_the_file(tmp_path: Path) -> None:
    """A closed wallet holds no key that a thief with the passphrase could use."""
    office = Office(tmp_path)
    with office.wallet() as wallet:
        did = wallet.create_did()
        wallet.end()
        with pytest.raises(WalletClosed):
            wallet.signers(did)
        assert [] == wallet._store.list_keys()


class Broken:
    """A deny list that does not answer, until it is mended."""

    def __init__(self) -> None:
        self.broken = True
        self.entries: list[DenyEntry] = []

    def add(self, entry: DenyEntry) -> bool:
        """Write, or not."""
        if self.broken:
            raise StoreUnavailable("the database did not answer")
        self.entries.append(entry)
        return True


def test_what_fails_stops_nothing_and_is_done_again(office: Office) -> None:
    """A list and an issuer that are down are reported; all else is done; the second run does what is left."""
    other = Issuer.create(office.folder / "other.db", passphrase=PASSPHRASE, kdf=CHEAP)
    lists = {"down": Broken(), "up": open_takes(f"sqlite:{office.folder / 'nonces.db'}").denied}
    with office.wallet() as wallet:
        did = wallet.create_did()
        office.give(wallet)
        other.issue(to=did, capability=office.capability(), ttl=timedelta(hours=1))
        (office.folder / "other.db").rename(office.folder / "away.db")
        desks = [LocalDesk(other), LocalDesk(office.issuer)]
        first = retire(wallet=wallet, at=NOW, deny_lists=lists, desks=desks)

        assert not first.complete
        assert [
            ("deny", "failed"), ("deny", "done"), ("revoke", "failed"), ("revoke", "done"), ("publish", "nothing"),
            ("publish", "nothing"), ("relinquish", "done"), ("close", "done"),
        ] == outcomes(first)  # fmt: skip
        assert ["store_unavailable"] * 2 == [step.code for step in first.steps if step.outcome == "failed"]
        lists["down"].broken = False  # type: ignore[union-attr]  # the one of the test
        (office.folder / "away.db").rename(office.folder / "other.db")
        again = retire([did], wallet=wallet, at=NOW, deny_lists=lists, desks=desks)

        assert again.complete
        assert [
            ("deny", "done"), ("deny", "nothing"), ("revoke", "done"), ("revoke", "nothing"), ("publish", "nothing"),
            ("publish", "nothing"), ("close", "nothing"),
        ] == outcomes(again)  # fmt: skip
        assert {"revoked"} == {each.state for each in other.ledger.search()}


def test_without_its_wallet(office: Office) -> None:
    """An agent whose machine is lost is denied and revoked by its DID alone; nobody at all is a mistake."""
    with office.wallet() as wallet:
        did = wallet.create_did()
        office.give(wallet)
        denied = MemoryDenied()
        done = retire([did], at=NOW, deny_lists={"partner": denied}, desks=[LocalDesk(office.issuer)])

        assert [("deny", "done"), ("revoke", "done"), ("publish", "nothing")] == outcomes(done)
        assert [(did, "agent retired")] == [(each.value, each.reason) for each in denied.entries()]
        assert wallet.closed_at is None
    with pytest.raises(ValueError, match="name the agent"):
        retire(at=NOW)


def test_what_it_passed_on_is_revoked_where_it_has_a_status(tmp_path: Path) -> None:
    """With the agent's own status service each link that it passed on is revoked by itself, too."""
    office = Office(tmp_path)
    with office.wallet() as wallet:
        did = wallet.create_did()
        secret, _ = wallet.signer(did)
        with Issuer.create(tmp_path / "status.db", passphrase=PASSPHRASE, kdf=CHEAP, secret=secret) as statuses:  # type: ignore[arg-type]  # a SecretKey
            held = office.give(wallet)
            wallet.delegate(held.id, to=office.world.helper.did, narrower={}, ttl=timedelta(hours=2), statuses=statuses)
            done = retire(wallet=wallet, at=NOW, statuses=statuses)

            assert [("relinquish", "done"), ("close", "done")] == outcomes(done)
            assert "1 of what was passed on revoked" in done.steps[0].detail
            assert {"revoked"} == {each.state for each in statuses.ledger.search()}


def test_a_did_webvh_ends(tmp_path: Path) -> None:
    """Its log ends, as files to be published; again it is written again; its keys sign nothing in between."""
    office = Office(tmp_path)
    with office.wallet() as wallet:
        wallet.controlled.create(make("agent.example", at=NOW - timedelta(days=1)))
        (did,) = wallet.dids
        done = retire(wallet=wallet, at=NOW, folder=tmp_path / "site")

        assert [("deactivate", "done"), ("close", "done")] == outcomes(done)
        (log,) = (tmp_path / "site").rglob("did.jsonl")
        assert '"deactivated": true' in log.read_text() or '"deactivated":true' in log.read_text()
        log.unlink()
        again = retire(wallet=wallet, at=NOW, folder=tmp_path / "site")
        assert [("deactivate", "nothing"), ("close", "nothing")] == outcomes(again)
        assert log.exists()
        with pytest.raises(AgentdidError):
            wallet.signer(did)


def test_by_services(tmp_path: Path) -> None:
    """Issuer and verifier behind their services: one call, effective for the next presentation."""
    office = Office(tmp_path)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    judge = office.verifier()
    issuing, judging = bound_socket(), bound_socket()
    with (
        office.wallet() as wallet,
        serving(create_issuer_app(office.issuer, token_hash=digest), issuing, tmp_path) as issuer,
        serving(create_verifier_app(judge, token_hash=digest), judging, tmp_path) as verifier,
        httpx.Client(verify=client_context(), trust_env=False) as client,
    ):
        wallet.create_did()
        held = office.give(wallet)
        assert office.use(wallet, held.id, verifier=judge) is None
        done = retire(
            list(wallet.dids), at=NOW, deny_lists={verifier: HttpDenyList(verifier, TOKEN, client)},
            desks=[HttpDesk(issuer, TOKEN, client)],
        )  # fmt: skip

        assert [("deny", "done"), ("revoke", "done"), ("publish", "nothing")] == outcomes(done)
        assert "denied" == office.use(wallet, held.id, verifier=judge)
        assert "status_revoked" == office.use(wallet, held.id)
        wrong = retire(
            list(wallet.dids), at=NOW, deny_lists={verifier: HttpDenyList(verifier, "x", client)},
            desks=[HttpDesk(issuer, "x", client), HttpDesk("https://localhost:1", TOKEN, client)],
        )  # fmt: skip
        assert ["fetch_failed"] * 3 == [step.code for step in wrong.steps if step.outcome == "failed"]
        assert HttpDesk(issuer, TOKEN, client).revoke(held.id, "again") is False
        assert HttpDesk(issuer, TOKEN, client).revoke_all("did:key:nobody", "") == 0


def test_a_wallet_of_before_can_be_closed(tmp_path: Path) -> None:
    """A file that an older version made gets what closing needs when it is opened."""
    office = Office(tmp_path)
    with office.wallet() as wallet:
        wallet.create_did()
        with wallet._store._engine.connect() as connection:
            connection.exec_driver_sql("DROP TABLE closing")
            connection.commit()
    with Wallet.open(tmp_path / "agent.wallet", passphrase=PASSPHRASE) as again:
        assert again.closed_at is None
        again.end()
        assert again.closed_at is not None
        with pytest.raises(CredentialNotFound):
            again.passed_on("urn:uuid:nothing")
