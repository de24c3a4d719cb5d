"""Tokens that a reader of VC-JWT 1.1 would take another document from: the claims `vc` and `vp`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentdid.delegation.link import build_link
from agentdid.errors import TypeMismatch
from agentdid.present.presentation import make_presentation
from agentdid.proof.jws import parse_jws
from agentdid.secure import jose, sd_jwt
from tests.world import AUDIENCE, World


@pytest.mark.parametrize("name", ["vc", "vp"])
def test_a_credential_with_an_old_claim(name: str) -> None:
    """VC-JOSE-COSE section 3.1.3 has them absent; beside a VCDM 2.0 credential they are `type_mismatch`."""
    world = World()
    document = build_link(
        issuer=world.acme.did, subject=world.agent.did, capability=world.capability(), at=world.now,
        ttl=timedelta(hours=1), status=world.status(world.acme, 7), claims=None,
    )  # fmt: skip
    token = sd_jwt.issue({**document, name: {"type": "x"}}, world.acme.secret, world.acme.method_id)

    with pytest.raises(TypeMismatch) as refusal:
        world.verifier().verify_credential(token)
    assert "type_mismatch" == refusal.value.code


@pytest.mark.parametrize("name", ["vc", "vp"])
def test_a_presentation_with_an_old_claim(name: str) -> None:
    """The same of a `vp+jwt`."""
    world = World()
    made = make_presentation(
        world.root(), holder=world.agent.did, signer=world.agent.secret, method_id=world.agent.method_id,
        audience=AUDIENCE, challenge="n-1", at=world.now,
    )  # fmt: skip
    claims = {**parse_jws(made).claims, name: {"type": "x"}}
    token = jose.sign({}, world.agent.secret, world.agent.method_id, claims)

    with pytest.raises(TypeMismatch) as refusal:
        world.verifier().verify(token, challenge="n-1")
    assert "type_mismatch" == refusal.value.code
