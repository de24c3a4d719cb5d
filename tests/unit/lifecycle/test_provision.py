"""Provisioning: one DID, one credential an order, one status entry a credential, wherever it was interrupted."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentdid.clock import FixedClock
from agentdid.errors import (
    CredentialExists,
    CredentialNotFound,
    FetchFailed,
    StoreLocked,
    TypeMismatch,
    WalletClosed,
)
from agentdid.http import create_issuer_app
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.orders import Order
from agentdid.lifecycle.desks import HttpDesk, LocalDesk
from agentdid.lifecycle.provision import provision
from agentdid.storage.postgres import is_database
from agentdid.wallet.wallet import Wallet
from tests.databases import postgres_url
from tests.lifecycles import Office
from tests.servers import bound_socket, client_context, serving
from tests.stores import CHEAP, PASSPHRASE
from tests.unit.http.test_services import TOKEN
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.lifecycle.desks import Desk
    from agentdid.lifecycle.provision import Provisioned

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["sqlite", "postgres"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """The office, its issuer in a file or in a database."""
    made = Office(tmp_path, postgres_url() if request.param == "postgres" else "")
    yield made
    made.issuer.close()


def provisioned(office: Office, desk: Desk | None = None, *, name: str = "billing-1", **options: Any) -> Provisioned:  # noqa: ANN401
    """An agent with two credentials."""
    place = options.pop("path", office.folder / "new" / "agent.wallet")
    orders = options.pop("orders", None) or [
        Order("", office.capability(), ttl=timedelta(hours=2), status="token", suspendable=False),
        Order("", office.capability(office.world.grant(actions=["invoice.list"])), form="eddsa-jcs-2022"),
    ]
    desk = desk or LocalDesk(office.issuer)
    return provision(
        place, [(desk, each) for each in orders], key=name, passphrase=PASSPHRASE, source=office.world,
        clock=FixedClock(office.now), kdf=CHEAP, **options,
    )  # fmt: skip


def test_an_agent_in_one_call(office: Office) -> None:
    """Wallet, DID and both credentials, with the status and life that were asked for; usable at once."""
    made = provisioned(office)

    assert [(NOW + timedelta(hours=2)), NOW + timedelta(hours=1)] == [
        each.leaf.credential.valid_until for each in made.credentials
    ]
    assert ["vc+sd-jwt", "eddsa-jcs-2022"] == [each.leaf.secured.form for each in made.credentials]
    assert ["status" in each.leaf.secured.claims for each in made.credentials] == [True, False]
    assert not made.repeated
    with Wallet.open(office.folder / "new" / "agent.wallet", passphrase=PASSPHRASE, clock=FixedClock(NOW)) as wallet:
        assert office.use(wallet, made.credentials[1].id) == "capability_target_mismatch"
        assert office.use(wallet, made.credentials[0].id) is None
        assert wallet.dids == (made.did,)


def test_done_again_it_is_the_same(office: Office) -> None:
    """The same name is the same agent: nothing is issued, also when its credentials have expired since."""
    first = provisioned(office)
    again = provisioned(office)
    office.later(timedelta(hours=5))
    late = provisioned(office)

    assert [False, True, True] == [each.repeated for each in (first, again, late)]
    assert first.did == again.did == late.did
    assert 2 == office.issuer.ledger.count()
    assert [each.id for each in first.credentials] == [each.id for each in late.credentials]


def test_another_name_is_another_agent(office: Office) -> None:
    """In one wallet, too; and a name that stood for other orders is refused, with nothing changed."""
    first = provisioned(office)
    other = provisioned(office, name="billing-2")
    with pytest.raises(CredentialExists):
        provisioned(office, orders=[Order("", office.capability(), ttl=timedelta(hours=3))])

    assert first.did != other.did
    assert 4 == office.issuer.ledger.count()


_KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from agentdid.clock import FixedClock
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.orders import Order
from agentdid.issuer.own_source import OwnSource
from agentdid.issuer.status_ledger import StatusLedger
from agentdid.lifecycle.desks import LocalDesk
from agentdid.lifecycle.provision import provision
from agentdid.wallet.store import WalletStore
from agentdid.wallet.wallet import Wallet
from tests.lifecycles import Office
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

where, nth = sys.argv[3], int(sys.argv[4])
owner = {"create": Wallet, "add_key": WalletStore, "allot_wanted": StatusLedger, "keep": StatusLedger,
         "add_credential": WalletStore}[where]
real, calls = getattr(owner, where), 0
def dying(*given, **options):
    global calls
    result = real(*given, **options)
    calls += 1
    if calls == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
if where == "create":
    dying = classmethod(lambda cls, *given, **options: (real(*given, **options), os.kill(os.getpid(), signal.SIGKILL)))
setattr(owner, where, dying)
world = World()
issuer = Issuer.open(sys.argv[1], passphrase=PASSPHRASE, clock=FixedClock(NOW))
capability = world.capability(principal=issuer.did)
second = world.capability(principal=issuer.did, grants=[world.grant(actions=["invoice.list"])])
orders = [Order("", capability, ttl=timedelta(hours=2)), Order("", second)]
made = provision(sys.argv[2], [(LocalDesk(issuer), each) for each in orders], key="billing-1", passphrase=PASSPHRASE,
                 source=world, clock=FixedClock(NOW), kdf=CHEAP)
print(made.did, *[each.id for each in made.credentials])
"""


_POINTS = [
    ("create", 1), ("add_key", 1), ("allot_wanted", 1), ("keep", 1), ("add_credential", 1), ("add_credential", 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shared", "where", "nth"),
    [*((False, *point) for point in _POINTS), (True, "create", 1), (True, "keep", 1), (True, "add_credential", 1)],
)
def test_killed_anywhere_and_done_again(shared: bool, where: str, nth: int, tmp_path: Path) -> None:
    """SIGKILL right after each thing that lasts: the next run ends with one DID, two credentials, two entries."""
    office = Office(tmp_path, postgres_url() if shared else "")
    database = office.database or str(office.folder / "acme.db")
    wallet = postgres_url() if shared else str(office.folder / "w" / "agent.wallet")
    command = [sys.executable, "-c", _KILLED, database, wallet]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(
        [*command, where, str(nth)], capture_output=True, text=True, timeout=60, env=environment, cwd=ROOT, check=False
    )
    assert -signal.SIGKILL == killed.returncode, killed.stderr
    done = subprocess.run(
        [*command, "keep", "99"], capture_output=True, text=True, timeout=60, env=environment, cwd=ROOT, check=False
    )
    assert 0 == done.returncode, done.stderr
    did, *credentials = done.stdout.split()

    assert 2 == office.issuer.ledger.count()
    assert sorted(credentials) == sorted(each.credential_id for each in office.issuer.ledger.search())
    assert {did} == {each.subject for each in office.issuer.ledger.search()}
    with Wallet.open(wallet, passphrase=PASSPHRASE, clock=FixedClock(NOW)) as opened:
        assert [did] == list(opened.dids)
        assert credentials == [each.id for each in opened.credentials()]
        assert office.use(opened, credentials[0]) is None
    office.issuer.close()


def test_two_at_once_make_one_agent(tmp_path: Path) -> None:
    """Eight provision the same name in one wallet at once: one DID is used, and each order is issued once."""
    office = Office(tmp_path)
    office.wallet().close()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: provisioned(office, path=tmp_path / "agent.wallet"), range(8)))

    assert 1 == len({each.did for each in made})
    assert 2 == office.issuer.ledger.count()


def test_by_an_issuer_s_service(tmp_path: Path) -> None:
    """Over HTTPS with the administrator's token: the same agent whether or not the first answer was lost."""
    office = Office(tmp_path)
    listener = bound_socket()
    app = create_issuer_app(office.issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest())
    with (
        serving(app, listener, tmp_path) as origin,
        httpx.Client(verify=client_context(), trust_env=False) as client,
    ):
        lost = _Losing(client)
        desk = HttpDesk(origin, TOKEN, lost)  # type: ignore[arg-type]  # as far as a desk uses a client
        with pytest.raises(FetchFailed):
            provisioned(office, _Sourced(desk, office))
        assert 1 == office.issuer.ledger.count()
        made = provisioned(office, _Sourced(HttpDesk(origin, TOKEN, client), office))
        with pytest.raises(FetchFailed, match="401"):
            HttpDesk(origin, "wrong", client).issue(Order(made.did, office.capability()))
        with pytest.raises(TypeMismatch):
            HttpDesk(origin, TOKEN, client).issue(Order(made.did, {}))

    assert 2 == office.issuer.ledger.count()
    assert [made.did] * 2 == [each.subject for each in office.issuer.ledger.search()]


class _Losing:
    """A client whose answers are lost after the server has done its work."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, *given: Any, **options: Any) -> httpx.Response:  # noqa: ANN401  # of httpx
        """Post, and lose the answer."""
        self._client.post(*given, **options)
        raise httpx.ReadTimeout("lost")


class _Sourced:
    """A desk behind a service whose documents the test reads at hand, as there is no such host."""

    def __init__(self, desk: HttpDesk, office: Office) -> None:
        self.name, self.issue, self.publish = desk.name, desk.issue, desk.publish
        self.revoke, self.revoke_all = desk.revoke, desk.revoke_all
        self._office = office

    def source(self, others: Any) -> Any:  # noqa: ANN401, ARG002  # a Source
        """Return the issuer's own documents."""
        return self._office.source


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    """No name, orders for somebody, another passphrase, a DID of somebody else, a wallet that was closed."""
    office = Office(tmp_path)
    with pytest.raises(ValueError, match="key"):
        provisioned(office, name="")
    with pytest.raises(ValueError, match="filled in"):
        provisioned(office, orders=[Order("did:key:x", office.capability())])
    provisioned(office)
    with pytest.raises(CredentialNotFound):
        provisioned(office, did=office.world.agent.did)
    with pytest.raises(StoreLocked):
        provision(office.folder / "new" / "agent.wallet", [], key="billing-1", passphrase="another")
    with Wallet.open(office.folder / "new" / "agent.wallet", passphrase=PASSPHRASE) as wallet:
        wallet.end(reason="over")
    with pytest.raises(WalletClosed):
        provisioned(office)
    assert not is_database(tmp_path)


def test_a_did_of_the_wallet_s_own(tmp_path: Path) -> None:
    """An agent that has a DID keeps it."""
    office = Office(tmp_path)
    with office.wallet() as wallet:
        did = wallet.create_did("P-256")
    made = provisioned(office, path=tmp_path / "agent.wallet", did=did, orders=[Order("", office.capability())])

    assert (did, did) == (made.did, made.credentials[0].subject)
    assert isinstance(office.issuer, Issuer)
