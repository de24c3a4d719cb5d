"""Chains whose links are secured in different ways: one law for all of them."""

from __future__ import annotations

from itertools import count, product

import pytest

from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError
from tests.chains import FORMS, JCS, SD_JWT, Wire, forged
from tests.world import RESOURCE, World

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
MIXES = [mix for mix in product(FORMS, repeat=3) if len(set(mix)) > 1]
AROUND = ("vp+jwt", JCS)
_NONCES = count()


def chain_of(world: World, mix: tuple[str, ...]) -> list[Wire]:
    """Acme to agent to helper to stranger, each link in its own form."""
    chain = world.root(form=mix[0])
    for issuer, subject, form in ((world.agent, world.helper, mix[1]), (world.helper, world.stranger, mix[2])):
        chain = world.child(chain, issuer, subject, form=form)
    return chain


def outcome(world: World, chain: list[Wire], around: str, request: Request = READ) -> str | None:
    """The code with which it ends, `None` for a grant."""
    nonce = f"n{next(_NONCES)}"
    presented = world.present(chain, world.stranger, challenge=nonce, form=around)
    try:
        world.verifier().authorize(presented, challenge=nonce, request=request)
    except AgentdidError as error:
        return error.code
    return None


LINKS = (
    ("Ed25519", "eddsa-rdfc-2022"),
    ("P-256", "ecdsa-jcs-2019"),
    ("ML-DSA-44", "mldsa44-jcs-2024"),
    ("P-384", "vc+jwt"),
    ("P-256", "ecdsa-rdfc-2019"),
    ("Ed25519", "vc+sd-jwt"),
    ("ML-DSA-44", "mldsa44-rdfc-2024"),
    ("Ed25519", "eddsa-jcs-2022"),
)
"""A form a link, and the key it needs: as many as a chain may have."""


@pytest.mark.parametrize("around", AROUND)
def test_z24_a_form_a_link(around: str) -> None:
    """Z24: eight links, each secured in another way by another kind of key; any one forged or left out ends it."""
    world = World()
    parties = [world.party(f"p{place}", algorithm=algorithm) for place, (algorithm, _) in enumerate(LINKS[1:], 1)]
    chain = world.root(subject=parties[0], form=LINKS[0][1], capability=world.capability(delegation={"maxDepth": 9}))
    for issuer, subject, (_, form) in zip(parties, [*parties[1:], world.stranger], LINKS[1:], strict=True):
        chain = world.child(chain, issuer, subject, form=form)
    trust = world.trust(limits={"max_chain": 8})

    def judged(links: list[Wire]) -> str | None:
        nonce = f"n{next(_NONCES)}"
        presented = world.present(links, world.stranger, challenge=nonce, form=around)
        try:
            world.verifier(trust=trust).authorize(presented, challenge=nonce, request=READ)
        except AgentdidError as error:
            return error.code
        return None

    assert judged(chain) is None
    for place in range(8):
        if LINKS[place][1] not in ("ecdsa-jcs-2019", "ecdsa-rdfc-2019", "mldsa44-jcs-2024", "mldsa44-rdfc-2024"):
            changed = [forged(link) if at == place else link for at, link in enumerate(chain)]
            assert "signature_invalid" == judged(changed)
        assert judged([link for at, link in enumerate(chain) if at != place]) is not None


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("mix", MIXES, ids="/".join)
def test_z16_a_mixed_chain_is_accepted(mix: tuple[str, ...], around: str) -> None:
    """Z16: three links in any mix of forms, in either presentation."""
    world = World()

    assert outcome(world, chain_of(world, mix), around) is None


@pytest.mark.parametrize("mix", MIXES, ids="/".join)
def test_l02_any_link_of_a_mixed_chain_forged(mix: tuple[str, ...]) -> None:
    """L02: a signature nobody made is found at every place, whatever stands around it."""
    world = World()
    chain = chain_of(world, mix)
    for place in range(3):
        changed = [forged(link) if at == place else link for at, link in enumerate(chain)]
        assert "signature_invalid" == outcome(world, changed, "vp+jwt")


@pytest.mark.parametrize("mix", MIXES, ids="/".join)
def test_l04_revoked_anywhere_in_a_mixed_chain(mix: tuple[str, ...]) -> None:
    """L04: the root's bit ends a mixed chain."""
    world = World()
    chain = chain_of(world, mix)
    world.acme.revoked.add(7)
    world.publish(world.acme)

    assert "chain_parent_revoked" == outcome(world, chain, JCS)


def test_l22_the_digest_of_another_form_is_not_the_parents() -> None:
    """L22: the same content secured in two ways is two parents; a child names one of them."""
    world = World()
    token, signed = world.root(form=SD_JWT), world.root(form=JCS)
    child = world.child(token, world.agent, world.stranger, form=JCS)

    assert "chain_link_mismatch" == outcome(world, [*signed, child[-1]], "vp+jwt")


def test_a_hidden_grant_above_a_data_integrity_child() -> None:
    """A grant withheld from an SD-JWT root cannot be used below, in whichever form the child is."""
    world = World()
    grants = [world.grant(), world.grant(id="g2", actions=["invoice.list"])]
    root = world.root(capability=world.capability(grants=grants))
    both = [world.grant(id="c1", **{"from": "g1"}), world.grant(id="c2", **{"from": "g2", "actions": ["invoice.list"]})]
    wanted = world.capability(grants=both, delegation={"maxDepth": 5})
    chain = world.child(root, world.agent, world.stranger, form=JCS, capability=wanted)
    issued, one, two, _ = str(root[0]).split("~")
    listing = Request("http", "invoice.list", f"{RESOURCE}/7")
    assert outcome(world, chain, "vp+jwt", listing) is None

    ends = {outcome(world, [f"{issued}~{kept}~", chain[1]], "vp+jwt") for kept in (one, two)}
    assert {"capability_not_attenuated"} == ends
