"""Every form of token is received, held, disclosed by path or by query, and presented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.errors import KbInvalid, QueryNotSatisfied
from agentdid.secure import cose, sd_jwt, sd_jwt_vc, vc_jwt
from agentdid.secure.envelope import envelop_octets
from agentdid.wallet.wallet import Wallet
from tests.attacks.test_key_binding import bind, kind
from tests.forgery import BADGE, CHALLENGE, badge
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VCT = "https://acme.example/badge"


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


def credential(world: World, form: str) -> str | dict[str, object]:
    """Return a badge of the agent's in a form."""
    key = world.acme.secret, world.acme.method_id
    if form == "vc+jwt":
        return vc_jwt.issue(badge(world), *key)
    if form == "vc+cose":
        return envelop_octets(cose.issue(badge(world), *key), cose.CREDENTIAL_MEDIA_TYPE)
    if form == "vc+sd-jwt":
        return sd_jwt.issue(
            badge(world), *key, disclosable=[("credentialSubject", "name"), ("credentialSubject", "level")]
        )
    claims = {"vct": VCT, "cnf": {"kid": world.agent.method_id}, "name": "Ada", "level": 3, "jti": "urn:uuid:7"}
    return sd_jwt_vc.issue(claims, *key, disclosable=[("name",), ("level",)])


@pytest.mark.parametrize(
    ("form", "presented"),
    [
        ("vc+jwt", "vp+jwt"), ("vc+jwt", "vp+sd-jwt"), ("vc+jwt", "vp+cose"), ("vc+cose", "vp+jwt"),
        ("vc+cose", "vp+cose"), ("vc+sd-jwt", "vp+jwt"), ("vc+sd-jwt", "vp+cose"), ("vc+sd-jwt", "kb+jwt"),
        ("dc+sd-jwt", "kb+jwt"),
    ],
)  # fmt: skip
def test_received_and_presented(world: World, wallet: Wallet, form: str, presented: str) -> None:
    """What was kept is presented in every form that can carry it, and a verifier takes it."""
    held = wallet.receive(credential(world, form), source=world)
    shown = wallet.present(challenge=CHALLENGE, audience=AUDIENCE, credential_id=held.id, form=presented)
    trust = world.trust(anchor=[{"did": world.acme.did, "types": [BADGE, VCT]}])
    decision = world.verifier(trust=trust).verify(shown, challenge=CHALLENGE)

    assert world.agent.did == decision.holder
    assert world.acme.did == decision.credentials[0].issuer


def test_disclosed_by_query(world: World, wallet: Wallet) -> None:
    """DCQL selects the SD-JWT VC and the one claim that is asked for; the other stays hidden."""
    wallet.receive(credential(world, "dc+sd-jwt"), source=world)

    def query(name: str, vct: str = VCT) -> dict[str, object]:
        asked = {"id": "b", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": [{"path": [name]}]}
        return {"credentials": [asked]}

    shown = wallet.present(challenge=CHALLENGE, audience=AUDIENCE, query=query("name"), form="kb+jwt")
    trust = world.trust(anchor=[{"did": world.acme.did, "types": [VCT]}])
    decision = world.verifier(trust=trust).verify(shown, challenge=CHALLENGE, query=query("name"))
    document = decision.credentials[0].document

    assert "Ada" == document["name"]
    assert "level" not in document
    with pytest.raises(QueryNotSatisfied):
        wallet.present(challenge=CHALLENGE, audience=AUDIENCE, query=query("name", f"{VCT}/2"), form="kb+jwt")


def test_d29_a_key_binding_is_not_kept(world: World, wallet: Wallet) -> None:
    """D29: what an issuer sends with a key binding was made for somebody else."""
    for form in ("vc+sd-jwt", "dc+sd-jwt"):
        token, _ = kind(world, form)
        with pytest.raises(KbInvalid):
            wallet.receive(bind(world, token), source=world)

    assert () == wallet.credentials()


def test_one_credential_goes_by_itself(world: World, wallet: Wallet) -> None:
    """A key binding stands behind one SD-JWT: not behind a JWT, nor behind a chain."""
    held = wallet.receive(credential(world, "vc+jwt"), source=world)

    with pytest.raises(ValueError, match="tilde"):
        wallet.present(challenge=CHALLENGE, audience=AUDIENCE, credential_id=held.id, form="kb+jwt")
