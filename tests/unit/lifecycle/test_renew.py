"""Renewing: the same sub-agents get no more than they had, from what is held now; old ones end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.delegation.lint import find_time_expanded
from agentdid.delegation.narrowing import find_wider
from agentdid.delegation.usage import Request
from agentdid.errors import (
    CapabilityNotAttenuated,
    CredentialNotFound,
    DidMethodUnsupported,
    StoreUnavailable,
)
from agentdid.issuer.issuer import Issuer
from agentdid.lifecycle.desks import LocalDesk
from agentdid.lifecycle.renew import renew
from agentdid.limits import DEFAULT
from agentdid.storage.controlled import make
from agentdid.verify.needs import Resource
from agentdid.verify.structure import read_chain
from tests.lifecycles import Office
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, RESOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.delegation.capability import Capability
    from agentdid.issuer.orders import Issued

MINUTES = timedelta(minutes=1)
PAY = Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "10.00", "currency": "EUR"})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The office of the test."""
    made = Office(tmp_path)
    yield made
    made.issuer.close()


class Cast:
    """An agent with a capability of two grants, and two sub-agents with a part of it each."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.wallet, self.one, self.two = (office.wallet(name) for name in ("agent", "one", "two"))
        for each in (self.wallet, self.one, self.two):
            each.create_did()
        world = office.world
        self.grants = [
            world.grant(actions=["invoice.read", "invoice.list"]),
            world.grant(id="g2", actions=["invoice.pay"], limits={"calls": {"max": 10, "window": "PT1H"}}),
        ]
        self.held: Issued = office.give(self.wallet, office.capability(*self.grants))
        self.chains = {
            each: self.wallet.delegate(self.held.id, to=each.dids[0], narrower={"grants": grants}, ttl=30 * MINUTES)
            for each, grants in (
                (self.one, [{"from": "g1", "actions": ["invoice.read"]}]),
                (self.two, [{"from": "g1"}, {"from": "g2"}]),
            )
        }

    def capability(self, wire: list[Any]) -> Capability:
        """What the leaf of a chain grants."""
        found = read_chain(list(wire), DEFAULT)[-1].capability
        assert found is not None
        return found

    def hold_nothing_broader(self, chain: list[Any], before: list[Any]) -> None:
        """Each grant of a new leaf is narrower than one of the old leaf, and nothing else grew."""
        new, old = self.capability(chain), self.capability(before)
        for grant in new.grants:
            match = old.find_grant(grant.id)
            assert match is not None
            assert find_wider(grant, match) is None
        assert new.audience <= old.audience
        assert new.max_depth <= old.max_depth
        *_, parent, leaf = read_chain(list(chain), DEFAULT)
        assert [] == find_time_expanded(leaf.credential, parent.credential)


def test_a_renewed_parent(office: Office) -> None:
    """Ordered anew from the issuer: both sub-agents get the same from the new one, and the old one is no good."""
    cast = Cast(office)
    before = cast.one.receive(list(cast.chains[cast.one]), source=office.source)
    office.later(20 * MINUTES)
    wallet = office.opened()
    done = renew(
        wallet, cast.held.id, at=office.now, desk=LocalDesk(office.issuer), ttl=timedelta(hours=4),
        source=office.world,
    )  # fmt: skip

    assert [each.dids[0] for each in (cast.one, cast.two)] == [each.subject for each in done.children]
    assert [("", (), ())] * 2 == [(each.problem, each.lost, each.changed) for each in done.children]
    assert [done.id] == [each.id for each in wallet.credentials()]
    for who, child in zip((cast.one, cast.two), done.children, strict=True):
        helper = office.opened("one" if who is cast.one else "two")
        cast.hold_nothing_broader(list(child.chain), cast.chains[who])
        passed = helper.receive(list(child.chain), source=office.source)
        assert passed.leaf.credential.valid_until == office.now + 30 * MINUTES
        assert office.use(helper, passed.id) is None
    assert "chain_parent_revoked" == office.use(cast.one, before.id, at=office.now)
    assert ["good", "revoked"] == [each.state for each in office.issuer.ledger.search()]
    assert {each.old for each in done.children} == {each.id for each in done.standing}
    again = renew(wallet, cast.held.id, at=office.now, desk=LocalDesk(office.issuer), source=office.world)
    assert (done.id, [each.chain for each in done.children]) == (again.id, [each.chain for each in again.children])
    assert 2 == office.issuer.ledger.count()


def test_a_narrowed_parent_narrows_what_hangs_on_it(office: Office) -> None:
    """A grant that is gone is lost below, one that is narrower is narrower below, and who has nothing left is told."""
    cast = Cast(office)
    narrow = office.capability(office.world.grant(actions=["invoice.list"], resources=[f"{RESOURCE}/7"]), depth=1)
    done = renew(
        cast.wallet, cast.held.id, at=NOW, desk=LocalDesk(office.issuer), capability=narrow, source=office.world
    )
    one, two = done.children

    assert (None, "nothing of it is left", ("g1",)) == (one.id, one.problem, tuple(grant for grant, _ in one.lost))
    assert (("g2",), ("g1",)) == (tuple(grant for grant, _ in two.lost), two.changed)
    cast.hold_nothing_broader(list(two.chain), cast.chains[cast.two])
    leaf = cast.capability(list(two.chain))
    assert [(frozenset({"invoice.list"}), (f"{RESOURCE}/7",))] == [
        (each.actions, each.resources) for each in leaf.grants
    ]
    passed = cast.two.receive(list(two.chain), source=office.source)
    assert "capability_target_mismatch" == office.use(cast.two, passed.id, PAY)


def test_a_replacement_that_is_at_hand(office: Office) -> None:
    """The issuer sent a new one: the old one is given up here, and revoking it stays the issuer's."""
    cast = Cast(office)
    new = office.issuer.issue(to=cast.wallet.dids[0], capability=office.capability(*cast.grants))
    done = renew(cast.wallet, cast.held.id, at=NOW, replacement=list(new.chain), source=office.source)

    assert (new.id, [new.id]) == (done.id, [each.id for each in cast.wallet.credentials()])
    assert 2 == len([each for each in done.children if each.id is not None])
    assert {"good"} == {each.state for each in office.issuer.ledger.search()}


def test_a_fresh_did(office: Office) -> None:
    """The agent's key was its DID: the issuer issues to a fresh one, and what hangs on it is signed by that."""
    cast = Cast(office)
    done = renew(cast.wallet, cast.held.id, at=NOW, desk=LocalDesk(office.issuer), new_did=True, source=office.world)

    assert cast.wallet.dids == (cast.wallet.dids[0], done.did)
    assert {done.did} == {read_chain(list(each.chain), DEFAULT)[-1].credential.issuer for each in done.children}
    passed = cast.one.receive(list(done.children[0].chain), source=office.source)
    assert office.use(cast.one, passed.id) is None


def test_rotated_keys_sign_what_hangs_on_them_anew(office: Office) -> None:
    """A did:webvh with a compromised key: what that signed is refused, what was signed anew is good; once is enough."""
    with office.wallet() as wallet, office.wallet("one") as helper:
        wallet.controlled.create(make("agent.example", at=NOW - timedelta(days=1)))
        helper.create_did()
        (did,) = wallet.dids

        def serve() -> None:
            for url, body in wallet.controlled.find(did).files().items():
                office.world.served[url] = Resource(url, body, office.now)

        serve()
        made = office.issuer.issue(to=did, capability=office.capability(), ttl=timedelta(hours=8))
        wallet.receive(list(made.chain), source=office.source)
        chain = wallet.delegate(made.id, to=helper.dids[0], narrower={}, ttl=30 * MINUTES)
        old = helper.receive(list(chain), source=office.source)
        assert office.use(helper, old.id) is None
        done = renew(wallet, made.id, at=NOW + MINUTES, rotate=True, source=office.source)
        office.later(2 * MINUTES)
        serve()

        assert [made.id] == [each.id for each in wallet.credentials()]
        (child,) = done.children
        assert (old.id, True) == (child.old, child.id is not None)
        assert "purpose_not_authorized" == office.use(helper, old.id, at=office.now)
    with office.opened() as wallet, office.opened("one") as helper:
        passed = helper.receive(list(child.chain), source=office.source)
        assert office.use(helper, passed.id, at=office.now) is None
        again = renew(wallet, made.id, at=office.now, source=office.source)
        assert [] == [each.id for each in again.children if each.id not in (child.id, None)]
        assert 2 == len(wallet.minted())


def test_what_has_a_status_is_revoked_and_outlives_an_hour(office: Office) -> None:
    """With the agent's own status service the old links are revoked, and the new ones live as long."""
    with office.wallet() as wallet:
        did = wallet.create_did()
        secret, _ = wallet.signer(did)
        with Issuer.create(office.folder / "status.db", passphrase=PASSPHRASE, kdf=CHEAP, secret=secret) as statuses:  # type: ignore[arg-type]  # a SecretKey
            held = office.give(wallet)
            wallet.delegate(held.id, to=office.world.helper.did, narrower={}, ttl=timedelta(hours=3), statuses=statuses)
            done = renew(
                wallet, held.id, at=NOW, desk=LocalDesk(office.issuer), statuses=statuses, source=office.world,
                ttl=timedelta(hours=8),
            )  # fmt: skip

            assert [each.old for each in done.children] == list(done.revoked)
            assert ["good", "revoked"] == [each.state for each in statuses.ledger.search()]
            (_, new) = wallet.minted()
            assert timedelta(hours=3) == new.valid_until - new.made_at


class Failing:
    """A status service that does not answer after a while."""

    def __init__(self, issuer: Issuer, after: int) -> None:
        self._issuer, self.left = issuer, after
        self.did = issuer.did
        self.revoke = issuer.revoke

    def allot_status(self, *given: Any, **options: Any) -> Any:  # noqa: ANN401  # as Issuer
        """Allot, as long as it answers."""
        if self.left == 0:
            raise StoreUnavailable("the database did not answer")
        self.left -= 1
        return self._issuer.allot_status(*given, **options)


def test_interrupted_nothing_old_has_ended(office: Office) -> None:
    """The second of two could not be minted: all that was there still stands; done again there is one of each."""
    with office.wallet() as wallet:
        did = wallet.create_did()
        secret, _ = wallet.signer(did)
        with Issuer.create(office.folder / "status.db", passphrase=PASSPHRASE, kdf=CHEAP, secret=secret) as statuses:  # type: ignore[arg-type]  # a SecretKey
            held = office.give(wallet)
            for each in (office.world.helper, office.world.stranger):
                wallet.delegate(held.id, to=each.did, narrower={}, ttl=timedelta(hours=1), statuses=statuses)
            options: dict[str, Any] = {"at": NOW, "desk": LocalDesk(office.issuer), "source": office.world}
            with pytest.raises(StoreUnavailable):
                renew(wallet, held.id, statuses=Failing(statuses, 1), **options)
            assert {"good"} == {each.state for each in office.issuer.ledger.search()}
            assert 3 == len([each for each in statuses.ledger.search() if each.state == "good"])
            done = renew(wallet, held.id, statuses=statuses, **options)

    assert [office.world.helper.did, office.world.stranger.did] == [each.subject for each in done.children]
    assert 4 == len(wallet_minted(office))
    assert 2 == len(done.revoked)


def wallet_minted(office: Office) -> list[str]:
    """What the agent's wallet signed."""
    with office.opened() as wallet:
        return [each.id for each in wallet.minted()]


def test_what_cannot_be_meant_is_refused(office: Office) -> None:
    """Both or neither source of a new one, another purpose, a DID that does not rotate, nothing that is known."""
    cast = Cast(office)
    desk = LocalDesk(office.issuer)
    for options in (
        {"desk": desk, "replacement": list(cast.held.chain)}, {"new_did": True}, {"capability": office.capability()},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="desk"):
            renew(cast.wallet, cast.held.id, at=NOW, **options)  # type: ignore[arg-type]  # of the cases
    with pytest.raises(CredentialNotFound):
        renew(cast.wallet, "urn:uuid:nothing", at=NOW)
    with pytest.raises(DidMethodUnsupported):
        renew(cast.wallet, cast.held.id, at=NOW, rotate=True)
    other = office.issuer.issue(to=cast.wallet.dids[0], capability={**office.capability(), "purpose": "something else"})
    with pytest.raises(CapabilityNotAttenuated):
        renew(cast.wallet, cast.held.id, at=NOW, replacement=list(other.chain), source=office.source)
    nothing = renew(cast.wallet, cast.held.id, at=NOW)
    assert ((), ()) == (nothing.children, nothing.revoked)
