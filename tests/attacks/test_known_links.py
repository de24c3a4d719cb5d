"""A link that was verified is not verified again: and nothing that can change is remembered with it."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.errors import AgentdidError
from agentdid.keys.secret import SecretKey
from agentdid.secure.mechanism import Signature
from agentdid.verifier.service import Verifier
from agentdid.verify import known_links
from agentdid.verify.memory import Memory
from tests.chains import FORMS, JCS, PRESENTED, SD_JWT, Wire, forged
from tests.logs import plain, secret
from tests.world import NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from agentdid.keys.public import PublicKey

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
_NONCES = count()


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The DIDs whose signatures were checked, as it happens; the real check runs."""
    seen: list[str] = []
    real = Signature.check

    def check(self: Signature, key: PublicKey) -> None:
        seen.append(self.did)
        real(self, key)

    monkeypatch.setattr(Signature, "check", check)
    return seen


def chain_in(world: World, form: str) -> list[Wire]:
    """Acme to its agent to its helper."""
    return world.child(world.root(form=form), world.agent, world.helper, form=form)


def outcome(world: World, verifier: Verifier, chain: list[Wire], holder: Party, form: str = SD_JWT) -> str | None:
    """The code with which a presentation of the chain ends, `None` for a grant."""
    nonce = f"nonce-{next(_NONCES)}"
    presented = world.present(chain, holder, challenge=nonce, form=PRESENTED[form])
    try:
        verifier.authorize(presented, challenge=nonce, request=READ)
    except AgentdidError as error:
        return error.code
    return None


@pytest.mark.parametrize("form", FORMS)
def test_a_known_link_is_not_checked_again(form: str, checked: list[str]) -> None:
    """The second time only the presentation's own signature is checked."""
    world = World()
    verifier, chain = world.verifier(), chain_in(world, form)
    assert outcome(world, verifier, chain, world.helper, form) is None
    first = [did for did in checked if did != world.acme.did or len(checked) < 9]
    checked.clear()
    assert outcome(world, verifier, chain, world.helper, form) is None

    assert [world.acme.did, world.agent.did, world.helper.did] == first[:3]
    assert [world.helper.did] == checked


def test_without_memory_everything_is_checked(checked: list[str]) -> None:
    """`Memory(max_links=0)` remembers no link."""
    world = World()
    verifier, chain = world.verifier(memory=Memory(max_links=0)), chain_in(world, SD_JWT)
    for _ in range(2):
        checked.clear()
        assert outcome(world, verifier, chain, world.helper) is None
        assert {world.acme.did, world.agent.did, world.helper.did} == set(checked)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", [0, 1])
def test_another_signature_is_another_link(form: str, place: int) -> None:
    """The same content with a signature nobody made is not the link that is known."""
    world = World()
    verifier, chain = world.verifier(), chain_in(world, form)
    assert outcome(world, verifier, chain, world.helper, form) is None
    chain[place] = forged(chain[place])

    assert "signature_invalid" == outcome(world, verifier, chain, world.helper, form)


def test_a_revocation_counts_at_once() -> None:
    """kya-os-mcp#165: no verdict is remembered, so a revoked agent does not go on."""
    world = World()
    verifier, chain = world.verifier(), chain_in(world, SD_JWT)
    assert outcome(world, verifier, chain, world.helper) is None
    world.acme.revoked.add(7)
    world.publish(world.acme)

    assert "chain_parent_revoked" == outcome(world, verifier, chain, world.helper)


def test_time_counts_every_time() -> None:
    """A known link that has ended is over."""
    world = World()
    memory, chain = Memory(), chain_in(world, SD_JWT)
    assert outcome(world, world.verifier(memory=memory), chain, world.helper) is None
    world.now = NOW + timedelta(hours=9)
    world.publish(world.acme)
    for url, body in list(world.served.items()):
        world.serve(url, body.body)  # type: ignore[union-attr]  # nothing is absent here

    assert "chain_parent_expired" == outcome(world, world.verifier(memory=memory), chain, world.helper)


def test_policy_counts_every_time() -> None:
    """Another policy over the same memory does not believe what this one did."""
    world = World()
    memory, chain = Memory(), chain_in(world, SD_JWT)
    assert outcome(world, world.verifier(memory=memory), chain, world.helper) is None

    assert "issuer_untrusted" == outcome(
        world, world.verifier(memory=memory, trust=world.trust(anchor=[])), chain, world.helper
    )


@pytest.mark.parametrize("keep_name", [True, False])
def test_a_key_that_was_replaced_is_gone(keep_name: bool) -> None:
    """When the DID lists another key, under the same name or another, a known link is checked again, and fails."""
    world = World()
    verifier, chain = world.verifier(), chain_in(world, SD_JWT)
    assert outcome(world, verifier, chain, world.helper) is None
    other = SecretKey.from_seed("Ed25519", b"o" * 32)
    name = "key-1" if keep_name else "key-2"
    world.serve(did_web.url(world.acme.did), encode(build_document(world.acme.did, {name: other.public})))

    expected = "signature_invalid" if keep_name else "purpose_not_authorized"
    assert expected == outcome(world, verifier, chain, world.helper)


def test_a_key_under_another_relationship_only(checked: list[str]) -> None:
    """A known child whose issuer's key left `capabilityDelegation` is refused, though its signature held."""
    world = World()
    middle = world.party("middle", method="web")
    chain = world.child(world.root(subject=middle), middle, world.helper)
    verifier = world.verifier()
    assert outcome(world, verifier, chain, world.helper) is None
    document: Any = build_document(middle.did, {"key-1": middle.secret.public})
    del document["capabilityDelegation"]
    world.serve(did_web.url(middle.did), encode(document))

    assert "purpose_not_authorized" == outcome(world, verifier, chain, world.helper)
    assert checked


def test_a_known_parent_does_not_vouch_for_another_child() -> None:
    """Root and child are each known, from two chains: they do not fit together."""
    world = World()
    verifier = world.verifier()
    one = world.child(world.root(), world.agent, world.helper)
    two = world.child(world.root(index=8), world.agent, world.helper)
    assert outcome(world, verifier, one, world.helper) is None
    assert outcome(world, verifier, two, world.helper) is None

    assert "chain_link_mismatch" == outcome(world, verifier, [one[0], two[1]], world.helper)


def test_other_disclosures_are_another_link(checked: list[str]) -> None:
    """What a link grants depends on what is disclosed of it, so that is part of what it is known by."""
    world = World()
    grants = [world.grant(), world.grant(id="g2", actions=["invoice.list"])]
    root = world.root(capability=world.capability(grants=grants))
    verifier = world.verifier()
    assert outcome(world, verifier, root, world.agent) is None
    whole = str(root[0])
    first, second = whole.split("~")[1:3]
    checked.clear()
    outcomes = {
        outcome(world, verifier, [whole.replace(f"~{hidden}~", "~")], world.agent) for hidden in (first, second)
    }

    assert {None, "capability_target_mismatch"} == outcomes
    assert 2 == checked.count(world.acme.did)


def test_a_long_link_is_verified_every_time(checked: list[str]) -> None:
    """Over 16 KiB nothing is kept: a delegate cannot fill a verifier's memory."""
    world = World()
    root = world.root(claims={"note": "x" * known_links.MAX_BYTES})
    verifier = world.verifier()
    for _ in range(2):
        checked.clear()
        assert outcome(world, verifier, root, world.agent) is None
        assert world.acme.did in checked


def test_what_callers_change_is_not_remembered() -> None:
    """A document that a caller got hold of and changed is not what the next decision says."""
    world = World()
    verifier, chain = world.verifier(), chain_in(world, JCS)
    for nonce in ("n1", "n2"):
        presented = world.present(chain, world.helper, challenge=nonce, form=JCS)
        decision = verifier.verify(presented, challenge=nonce)
        document: Any = decision.credentials[0].document
        assert "forged" not in document["credentialSubject"]
        document["credentialSubject"]["forged"] = True


def test_limits_are_part_of_what_is_known() -> None:
    """A link read under wider limits is read anew under narrower ones."""
    world = World()
    memory = Memory()
    chain = world.root(capability=world.capability(grants=[world.grant(), world.grant(id="g2")]))
    assert outcome(world, world.verifier(memory=memory), chain, world.agent) is None
    narrow = Verifier(world.trust(limits={"max_grants": 1}), source=world, clock=FixedClock(world.now), memory=memory)

    assert "input_too_large" == outcome(world, narrow, chain, world.agent)


def test_v14_a_known_link_of_an_issuer_that_has_ended() -> None:
    """V14: when the issuer's did:webvh is deactivated, a link that verified before is refused."""
    world = World()
    history = plain(1)
    did = history.latest.did
    issuer = Party("historic", secret(1), did, f"{did}#key-1")
    world.publish(issuer)
    url = parse_identifier(did).log_url
    world.serve(url, write.encode_log(history))
    anchor = {
        "did": did,
        "types": ["AgentCapabilityCredential"],
        "roots": [world.partner.did],
        "actions": ["invoice.*"],
    }
    verifier = world.verifier(trust=world.trust(anchor=[anchor]))
    chain = world.root(issuer, capability=world.capability(principal=did))
    assert outcome(world, verifier, chain, world.agent) is None
    world.serve(url, write.encode_log(write.deactivate(history, secret(1), at=NOW - timedelta(hours=1))))

    assert "did_deactivated" == outcome(world, verifier, chain, world.agent)
