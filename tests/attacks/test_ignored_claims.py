"""Claims of a token that a verifier must not read past: whom it is for, and where its status stands."""

from __future__ import annotations

import pytest

from tests.forgery import CHALLENGE, Faces, badge_token
from tests.world import AUDIENCE, World


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (
            {"status_list": {"idx": 1, "uri": "https://acme.example/tokens/none"}},
            ("undecided", "status_unavailable"),
        ),
        ({}, ("refused", "status_unknown_value")),
        *((value, ("malformed", "status_malformed")) for value in (None, "valid", 0, [])),
    ],
    ids=repr,
)
@pytest.mark.parametrize("chain", [False, True])
def test_a_status_claim(world: World, faces: Faces, value: object, answer: tuple[str, str], chain: bool) -> None:
    """A Token Status List reference, beside `credentialStatus` or alone: what is not understood is not good."""
    from tests.forgery import Token  # noqa: PLC0415

    token = Token.read(str(world.root()[0])) if chain else badge_token(world)
    token.payload["status"] = value

    assert answer == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("value", ["https://other.example", f"{AUDIENCE}/", [AUDIENCE], None, 1, "", {}], ids=repr)
def test_aud_of_a_credential(world: World, faces: Faces, value: object) -> None:
    """RFC 7519 section 4.1.3: a token for somebody else is rejected, presented or bare."""
    token = badge_token(world, {"aud": value}).sign(world.acme)

    assert ("refused", "audience_mismatch") == faces(token).answer
    assert ("refused", "audience_mismatch") == faces(world.present([token]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("value", [AUDIENCE, "did:web:partner.example"])
def test_aud_that_names_us(world: World, faces: Faces, value: str) -> None:
    """The verifier's audience and its DID both name it."""
    assert ("accepted", None) == faces(badge_token(world, {"aud": value}).sign(world.acme)).answer
