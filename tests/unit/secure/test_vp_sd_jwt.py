"""`vp+sd-jwt`: a presentation whose credentials may be hidden, and nothing else of it."""

from __future__ import annotations

import pytest

from agentdid.errors import AgentdidError
from agentdid.proof.disclosures import hide
from agentdid.proof.jws import sign_jws
from agentdid.secure.sd_jwt import withhold
from tests.forgery import CHALLENGE, Token
from tests.world import World


def presented(world: World, *paths: tuple[str | int, ...]) -> list[str]:
    """Return a presentation of two credentials with these places hidden: its signed part, then its disclosures."""
    plain = Token.read(world.present([*world.root(), *world.root(form="vc+jwt")], form="vp+sd-jwt")).payload
    payload, disclosures = hide(plain, paths)
    header = {"typ": "vp+sd-jwt", "cty": "vp", "kid": world.agent.method_id}
    return [sign_jws(header, payload, world.agent.secret), *disclosures]


def code_of(world: World, token: str) -> str | None:
    """Return how the presentation is refused; `None` where it is accepted."""
    try:
        world.verifier().verify(token, challenge=CHALLENGE)
    except AgentdidError as error:
        return error.code
    return None


def test_a_hidden_credential() -> None:
    """A holder presents two credentials hidden and discloses one: the other is as if it were not there."""
    world = World()
    issued, first, second = presented(world, ("verifiableCredential", 0), ("verifiableCredential", 1))

    assert code_of(World(), f"{issued}~{first}~") is None
    assert code_of(World(), f"{issued}~{second}~") is None
    assert "chain_link_mismatch" == code_of(World(), f"{issued}~{first}~{second}~")
    assert "type_mismatch" == code_of(World(), f"{issued}~")


@pytest.mark.parametrize("path", [("holder",), ("aud",), ("nonce",), ("exp",), ("type", 0), ("verifiableCredential",)])
def test_nothing_else_is_hidden(path: tuple[str | int, ...]) -> None:
    """What a presentation is judged by stands in the open (D39)."""
    world = World()

    assert "sd_claim_not_allowed" == code_of(world, "~".join([*presented(world, path), ""]))


def test_within_a_credential_nothing_is_hidden() -> None:
    """An envelope is one token, whole or hidden."""
    world = World()

    assert "sd_claim_not_allowed" == code_of(
        world, "~".join([*presented(world, ("verifiableCredential", 0, "@context")), ""])
    )


def test_forms_that_are_none() -> None:
    """A key binding JWT behind it, no tilde at all, another typ in its envelope."""
    world = World()
    token = world.present(world.root(), form="vp+sd-jwt")
    envelope = {"@context": "https://www.w3.org/ns/credentials/v2", "type": "EnvelopedVerifiablePresentation"}
    verifier = world.verifier()

    def judged(url: str) -> str | None:
        return verifier.inspect({**envelope, "id": url}, challenge=CHALLENGE).code

    assert judged(f"data:application/vp+sd-jwt,{token}") is None
    assert "kb_invalid" == judged(f"data:application/vp+sd-jwt,{token}x")
    assert "header_invalid" == judged(f"data:application/vp+sd-jwt,{token[:-1]}")
    assert "typ_mismatch" == judged(f"data:application/vp+jwt,{token}")


@pytest.mark.parametrize("token", ["", "~", "a.b.c", "a.b.c~d.e.f", "e30.e30.AA~x~"])
def test_nothing_is_withheld_from_what_is_no_sd_jwt(token: str) -> None:
    """It is refused with a code, not with an error of Python's."""
    with pytest.raises(AgentdidError):
        withhold(token, frozenset())
