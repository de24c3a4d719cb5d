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
from agentdid.did.document import build_document
from agentdid.errors import ChainParentRevoked, DidMethodUnsupported
from agentdid.issuer.issuer import Issuer
from agentdid.keys import pair
from agentdid.keys.pair import HYBRID, KeyPair
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


def test_the_whole_way_of_a_hybrid_set(tmp_path: Path) -> None:
    """An issuer and agents with two keys each, by default: every step of both kinds, and every policy content."""
    world, clock = World(), FixedClock(NOW)
    acme = Issuer.create(
        tmp_path / "acme.db", passphrase=PASSPHRASE, did=world.acme.did, kdf=CHEAP, clock=clock, algorithm=HYBRID
    )
    with acme:
        pass
    acme = Issuer.open(tmp_path / "acme.db", passphrase=PASSPHRASE, clock=clock)
    held = Wallet.create(tmp_path / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
    other = Wallet.create(tmp_path / "helper.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
    pairs = {did_web.create(f"{name}.example"): KeyPair(*pair.generate(HYBRID)) for name in ("agent", "helper")}
    agent, helper = pairs
    with acme, held, other:
        held.add_keys(agent, pairs[agent].keys)
        other.add_keys(helper, pairs[helper].keys)
        world.serve(did_web.url(acme.did), encode(acme.did_document()))
        for did, keys in pairs.items():
            world.serve(did_web.url(did), encode(build_document(did, pair.public_keys(keys, "key-1"))))
        issued = acme.issue(to=agent, capability=world.capability(minSecurity="hybrid"))
        publish(acme, world)
        held.receive(list(issued.chain), source=world)
        narrower = world.capability(grants=[world.grant(id="c1", **{"from": "g1"})], minSecurity="hybrid")
        chain = held.delegate(issued.id, to=helper, capability=narrower, ttl=timedelta(minutes=5))
        other.receive(list(chain), source=world)
        table = world.policy()
        table["anchor"] = [{**each, "security": "hybrid-required"} for each in table["anchor"]]  # type: ignore[attr-defined]
        verifier = world.verifier(takes=MemoryTakes(), trust=world.trust(**table))

        grant = verifier.authorize(other.present(challenge="n", audience=AUDIENCE), challenge="n", request=READ)
        assert ("hybrid", False) == (grant.decision.security_level, grant.decision.downgraded)
        assert ["hybrid-set"] * 2 == [link.secured.form for link in read_chain(list(chain), verifier.trust.limits)]


@pytest.mark.parametrize("did", [None, "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"])
def test_two_keys_need_a_did_that_lists_both(tmp_path: Path, did: str | None) -> None:
    """A did:key is one key."""
    with pytest.raises(DidMethodUnsupported):
        Issuer.create(tmp_path / "acme.db", passphrase=PASSPHRASE, did=did, kdf=CHEAP, algorithm=HYBRID)


def test_a_key_of_another_kind_delegates_alike() -> None:
    """Who holds a key of another suite delegates in the one that canonicalizes as the parent's does."""
    keys = {name: SecretKey.generate(name) for name in ("Ed25519", "P-256", "P-384", "X25519")}

    assert "ecdsa-jcs-2019" == fitting_form("eddsa-jcs-2022", keys["P-384"])
    assert "eddsa-rdfc-2022" == fitting_form("ecdsa-rdfc-2019", keys["Ed25519"])
    assert "vc+sd-jwt" == fitting_form("vc+sd-jwt", keys["P-256"])
    assert "eddsa-jcs-2022" == fitting_form("eddsa-jcs-2022", keys["X25519"])
    assert "eddsa-jcs-2022" == fitting_form("hybrid-set", keys["Ed25519"])
    assert "hybrid-set" == fitting_form("vc+sd-jwt", KeyPair(*pair.generate(HYBRID)))


def publish(issuer: Issuer, world: World) -> None:
    """Serve the issuer's lists as they stand."""
    for list_id in issuer.ledger.lists():
        signed = issuer.signed_list(list_id)
        world.serve(signed.url, signed.body)
