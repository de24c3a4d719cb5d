"""A wallet keeps what verifies, presents what is asked and no more, and delegates only what is narrower."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.delegation.usage import Request
from agentdid.errors import (
    CapabilityAmbiguous,
    CapabilityExpandedTime,
    CapabilityNotAttenuated,
    CredentialExists,
    CredentialNotFound,
    DelegationForbidden,
    IssuerUntrusted,
    KbInvalid,
    QueryNotSatisfied,
    StatusRevoked,
    StatusUnavailable,
)
from agentdid.query.dcql import query_for_action
from agentdid.storage.nonces import MemoryTakes
from agentdid.wallet.disclosure import parse_path
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
QUERY = query_for_action("invoice.read")


@pytest.fixture
def world() -> World:
    """The world the wallet lives in."""
    return World()


@pytest.fixture
def wallet(tmp_path: Path, world: World) -> Iterator[Wallet]:
    """The agent's wallet."""
    with Wallet.create(tmp_path / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as made:
        made.add_key(world.agent.did, world.agent.secret)
        yield made


def two_grants(world: World) -> dict[str, object]:
    """A capability to read and to pay."""
    return world.capability(
        grants=[world.grant(), world.grant(id="g2", actions=["payment.send"], resources=[f"{AUDIENCE}/v1/payments"])]
    )


@pytest.mark.parametrize("form", ["vp+jwt", "eddsa-jcs-2022"])
def test_a_presentation_is_accepted_once(world: World, wallet: Wallet, form: str) -> None:
    """What the wallet presents lets the agent in."""
    wallet.receive(world.root(), source=world)
    made = wallet.present(challenge="n", audience=AUDIENCE, query=QUERY, form=form)
    grant = world.verifier(takes=MemoryTakes()).authorize(made, challenge="n", request=READ, query=QUERY)

    assert (world.agent.did, world.acme.did) == (grant.agent, grant.principal)


def test_only_what_is_asked_is_disclosed(world: World, wallet: Wallet) -> None:
    """Of two grants and a personal claim, a query for reading shows one grant and nothing else."""
    wallet.receive(
        world.root(capability=two_grants(world), claims={"name": "Ada"}, disclosable=[("credentialSubject", "name")]),
        source=world,
    )
    made = wallet.present(challenge="n", audience=AUDIENCE, query=QUERY)
    decision = world.verifier(takes=MemoryTakes()).verify(made, challenge="n", query=QUERY)
    subject = decision.credentials[0].document["credentialSubject"]

    assert {"id", "capability"} == set(subject)  # type: ignore[arg-type]  # an object
    assert ["g1"] == [grant["id"] for grant in subject["capability"]["grants"]]  # type: ignore[index]
    assert not decision.permits(Request("http", "payment.send", f"{AUDIENCE}/v1/payments"))


def test_a_named_claim_is_disclosed_beside_the_grants(world: World, wallet: Wallet) -> None:
    """Without a query all grants are shown, and of the claims those that the holder names."""
    held = wallet.receive(
        world.root(claims={"name": "Ada", "team": "AP"},
                   disclosable=[("credentialSubject", "name"), ("credentialSubject", "team")]),
        source=world,
    )  # fmt: skip
    made = wallet.present(
        challenge="n", audience=AUDIENCE, credential_id=held.id, disclose=[parse_path("credentialSubject.team")]
    )
    decision = world.verifier(takes=MemoryTakes()).verify(made, challenge="n")

    assert {"id", "capability", "team"} == set(decision.credentials[0].document["credentialSubject"])  # type: ignore[arg-type]
    assert decision.permits(READ)


def test_a_delegate_is_let_in_for_less(world: World, wallet: Wallet, tmp_path: Path) -> None:
    """A narrower capability works for the sub-agent, for what it may and no more, and shows nothing of the rest."""
    held = wallet.receive(
        world.root(capability=two_grants(world), claims={"name": "Ada"}, disclosable=[("credentialSubject", "name")]),
        source=world,
    )
    world.asked.clear()
    narrower = world.capability(grants=[world.grant(id="one", resources=[f"{RESOURCE}/7"], **{"from": "g1"})])
    chain = wallet.delegate(held.id, to=world.helper.did, capability=narrower, ttl=timedelta(minutes=5))
    asked = list(world.asked)
    with Wallet.create(tmp_path / "sub.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as sub:
        sub.add_key(world.helper.did, world.helper.secret)
        sub.receive(json.dumps(chain), source=world)
        made = sub.present(challenge="n", audience=AUDIENCE, query=QUERY)
    decision = world.verifier(takes=MemoryTakes()).verify(made, challenge="n")

    assert [] == asked  # offline
    assert [["g1"], ["one"]] == [
        [grant["id"] for grant in each.document["credentialSubject"]["capability"]["grants"]]  # type: ignore[index]
        for each in decision.credentials
    ]
    assert "name" not in decision.credentials[0].document["credentialSubject"]  # type: ignore[operator]
    assert decision.permits(READ)
    assert not decision.permits(Request("http", "invoice.read", f"{RESOURCE}/8"))


@pytest.mark.parametrize(
    ("changes", "ttl_s", "error"),
    [
        ({"resources": [f"{AUDIENCE}/v1"]}, 60, CapabilityNotAttenuated),
        ({"actions": ["invoice.read", "payment.send"]}, 60, CapabilityNotAttenuated),
        ({"from": "g9"}, 60, CapabilityNotAttenuated),
        ({}, 3_601, DelegationForbidden),
        ({}, 3_000, CapabilityExpandedTime),
    ],
)
def test_nothing_wider_is_delegated(
    world: World, wallet: Wallet, changes: dict[str, object], ttl_s: int, error: type[Exception]
) -> None:
    """The wallet refuses what every verifier would refuse."""
    held = wallet.receive(world.root(ttl=timedelta(minutes=30)), source=world)
    grant = world.grant(id="c1", **({"from": "g1"} | changes))

    with pytest.raises(error):
        wallet.delegate(
            held.id, to=world.helper.did, capability=world.capability(grants=[grant]), ttl=timedelta(seconds=ttl_s)
        )


def test_receiving_verifies_first(world: World, wallet: Wallet) -> None:
    """A revoked credential, an unknown status, a foreign key binding and an untrusted issuer are not kept."""
    world.acme.revoked.add(9)
    world.publish(world.acme)

    with pytest.raises(StatusRevoked):
        wallet.receive(world.root(index=9), source=world)
    with pytest.raises(StatusUnavailable):
        wallet.receive(world.root(index=None), source=world)
    with pytest.raises(KbInvalid):
        wallet.receive(f"{world.root()[0]}eyJhbGciOiJFZERTQSJ9.e30.AA", source=world)
    with pytest.raises(IssuerUntrusted):
        wallet.receive(world.root(world.stranger), trust=world.trust(), source=world)
    assert () == wallet.credentials()


def test_the_same_credential_again_changes_nothing(world: World, wallet: Wallet) -> None:
    """Receiving twice keeps one; fewer disclosures of it are another credential of the same id, and refused."""
    chain = world.root()
    first, second = wallet.receive(chain, source=world), wallet.receive(chain, source=world)

    assert first.id == second.id
    assert 1 == len(wallet.credentials())
    with pytest.raises(CredentialExists):
        wallet.receive(str(chain[0]).split("~")[0] + "~", source=world)


def test_choosing(world: World, wallet: Wallet) -> None:
    """Nothing that fits, and credentials of two principals, are said as such; naming the principal decides."""
    with pytest.raises(CredentialNotFound):
        wallet.present(challenge="n", audience=AUDIENCE)
    wallet.receive(world.root(), source=world)
    wallet.receive(world.root(capability=world.capability(principal=world.agent.did)), source=world)

    with pytest.raises(QueryNotSatisfied):
        wallet.present(challenge="n", audience=AUDIENCE, query=query_for_action("payment.send"))
    with pytest.raises(CapabilityAmbiguous):
        wallet.present(challenge="n", audience=AUDIENCE, query=QUERY)
    with pytest.raises(CredentialNotFound):
        wallet.find("urn:nothing")
    made = wallet.present(challenge="n", audience=AUDIENCE, query=QUERY, principal=world.acme.did)
    verified = world.verifier(takes=MemoryTakes()).authorize(made, challenge="n", request=READ)
    assert world.acme.did == verified.principal


def test_an_expired_credential_is_not_chosen(world: World, tmp_path: Path) -> None:
    """A query finds only what is still valid."""
    path = tmp_path / "agent.wallet"
    with Wallet.create(path, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as wallet:
        wallet.add_key(world.agent.did, world.agent.secret)
        wallet.receive(world.root(ttl=timedelta(minutes=5)), source=world)
    later = FixedClock(NOW + timedelta(minutes=10))
    with Wallet.open(path, passphrase=PASSPHRASE, clock=later) as wallet, pytest.raises(CredentialNotFound):
        wallet.present(challenge="n", audience=AUDIENCE, query=QUERY)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("credentialSubject.name", ("credentialSubject", "name")),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("/a/b/0", ("a", "b", 0)),
        ("/a~1b/c~0d", ("a/b", "c~d")),
    ],
)
def test_paths_are_read(text: str, path: tuple[str | int, ...]) -> None:
    """Dotted paths and JSON Pointers name the same places."""
    assert path == parse_path(text)


@pytest.mark.parametrize("text", ["", ".a", "a..b", "a[x]", "a[01]"])
def test_other_paths_are_refused(text: str) -> None:
    """What is neither form is an error."""
    with pytest.raises(ValueError, match="path"):
        parse_path(text)
