"""Every suite in every hand: issued, received, delegated, presented, verified, revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.link import fitting_form
from agentdid.delegation.usage import Request
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.errors import ChainParentRevoked
from agentdid.issuer.issuer import Issuer
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.structure import read_chain
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, RESOURCE, World

if TYPE_CHECKING:
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
KEYED = [(name, algorithm) for name, suite in SUITES.items() for algorithm in suite.algorithms]


@pytest.mark.parametrize(("form", "algorithm"), KEYED)
def test_the_whole_way(tmp_path: Path, form: str, algorithm: str) -> None:
    """What an issuer with such a key mints, an agent delegates and another presents; revoked, it ends for both."""
    world, clock = World(), FixedClock(NOW)
    agent, helper = SecretKey.generate(algorithm), SecretKey.generate(algorithm)
    agent_did, helper_did = did_key.create(agent.public), did_key.create(helper.public)
    acme = Issuer.create(
        tmp_path / "acme.db", passphrase=PASSPHRASE, did=world.acme.did, kdf=CHEAP, clock=clock, algorithm=algorithm
    )
    held = Wallet.create(tmp_path / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
    other = Wallet.create(tmp_path / "helper.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
    with acme, held, other:
        held.add_key(agent_did, agent)
        other.add_key(helper_did, helper)
        world.serve(did_web.url(acme.did), encode(acme.did_document()))
        issued = acme.issue(to=agent_did, capability=world.capability(), form=form)
        publish(acme, world)
        held.receive(list(issued.chain), source=world)
        narrower = world.capability(grants=[world.grant(id="c1", **{"from": "g1"})])
        chain = held.delegate(issued.id, to=helper_did, capability=narrower, ttl=timedelta(minutes=5))
        other.receive(list(chain), source=world)
        verifier = world.verifier(takes=MemoryTakes())

        grant = verifier.authorize(
            other.present(challenge="n", audience=AUDIENCE, form=form), challenge="n", request=READ
        )
        assert [form, form] == [link.secured.form for link in read_chain(list(chain), verifier.trust.limits)]
        assert (helper_did, agent_did) == (grant.agent, grant.delegators[-1])

        acme.revoke(issued.id)
        publish(acme, world)
        with pytest.raises(ChainParentRevoked):
            world.verifier().verify(other.present(challenge="m", audience=AUDIENCE, form=form), challenge="m")


def test_a_key_of_another_kind_delegates_alike() -> None:
    """Who holds a key of another suite delegates in the one that canonicalizes as the parent's does."""
    assert "ecdsa-jcs-2019" == fitting_form("eddsa-jcs-2022", "P-384")
    assert "eddsa-rdfc-2022" == fitting_form("ecdsa-rdfc-2019", "Ed25519")
    assert "vc+sd-jwt" == fitting_form("vc+sd-jwt", "P-256")
    assert "eddsa-jcs-2022" == fitting_form("eddsa-jcs-2022", "X25519")


def publish(issuer: Issuer, world: World) -> None:
    """Serve the issuer's lists as they stand."""
    for list_id in issuer.ledger.lists():
        signed = issuer.signed_list(list_id)
        world.serve(signed.url, signed.body)
