"""JWTs of VCDM 1.1: read where the policy says `vc_jwt_1_1`, refused where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.forgery import BADGE, CHALLENGE, Faces, Token, policy
from tests.world import AUDIENCE, World

ACCEPTED = ("accepted", None)


def token(world: World, header: dict[str, object] | None = None, **claims: object) -> str:
    """Return a credential of VCDM 1.1 as a JWT; a claim or header member that is `None` is left out."""
    now = int(world.now.timestamp())
    document: Any = {
        "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiableCredential", BADGE],
        "credentialSubject": {"name": "Ada"},
    }  # fmt: skip
    payload: dict[str, object] = {
        "iss": world.acme.did, "sub": world.agent.did, "jti": "urn:uuid:1", "nbf": now - 60, "exp": now + 600,
        "vc": document,
    } | claims  # fmt: skip
    head: dict[str, object] = {"alg": "EdDSA", "typ": "JWT", "kid": world.acme.method_id} | (header or {})
    return Token(
        {name: each for name, each in head.items() if each is not None},
        {name: each for name, each in payload.items() if each is not None},
        None,
    ).sign(world.acme)


def presented(world: World, credential: object, **claims: object) -> str:
    """Return a presentation of VCDM 1.1 as a JWT."""
    now = int(world.now.timestamp())
    document = {
        "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiablePresentation"],
        "verifiableCredential": [credential],
    }  # fmt: skip
    payload = {
        "iss": world.agent.did, "aud": AUDIENCE, "nonce": CHALLENGE, "iat": now, "exp": now + 60, "vp": document,
    } | claims  # fmt: skip
    return Token({"alg": "EdDSA", "typ": "JWT", "kid": world.agent.method_id}, payload, None).sign(world.agent)


def code_of(world: World, given: object, challenge: str | None = None, *, enabled: bool = True) -> str | None:
    """Return how an input is refused; `None` where it is accepted."""
    trust = world.trust(**policy(world, **({"vc_jwt_1_1": True} if enabled else {})))
    return world.verifier(trust=trust).inspect(given, holder=challenge is not None, challenge=challenge).code  # type: ignore[arg-type]


@pytest.mark.parametrize("typ", ["JWT", None])
def test_read_where_the_policy_says_so(world: World, typ: str | None) -> None:
    """C13: `typ` is `JWT` or absent, and only under such a policy (VCDM 1.1 section 6.3.1)."""
    given = token(world, {"typ": typ})

    assert code_of(world, given) is None
    assert "typ_mismatch" == code_of(world, given, enabled=False)


def test_claims_stand_in_for_members(world: World) -> None:
    """`iss`, `sub`, `jti`, `nbf` and `exp` say what the document leaves out."""
    trust = world.trust(**policy(world, vc_jwt_1_1=True))
    credential = world.verifier(trust=trust).verify_credential(token(world)).credentials[0]

    assert (world.acme.did, (world.agent.did,), "urn:uuid:1") == (credential.issuer, credential.subjects, credential.id)
    assert credential.valid_from is not None
    assert credential.valid_until is not None


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1_600_000_000, "nbf": 1_500_000_000}, "expired"),
        ({"nbf": 1_900_000_000, "exp": None}, "not_yet_valid"),
        ({"vc": "x"}, "type_mismatch"), ({"vc": None}, "type_mismatch"), ({"anything": 1}, "type_mismatch"),
        ({"iss": "did:web:other.example"}, "issuer_untrusted"), ({"iss": 7}, "type_mismatch"),
    ],
    ids=str,
)  # fmt: skip
def test_refusals(world: World, claims: dict[str, object], code: str) -> None:
    """C15, C17: the claims bind, and nothing else stands beside them."""
    assert code == code_of(world, token(world, **claims))


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "none"}, "alg_not_allowed"), ({"jwk": {}}, "key_source_forbidden"),
        ({"kid": "#k"}, "key_source_forbidden"),
        ({"crit": ["x"]}, "crit_unsupported"), ({"typ": "at+jwt"}, "typ_mismatch"),
    ],
    ids=str,
)  # fmt: skip
def test_headers(world: World, header: dict[str, object], code: str) -> None:
    """C01, C04, C07, C08, C13 hold of it too."""
    assert code == code_of(world, token(world, header))


def test_presented(world: World) -> None:
    """A presentation of VCDM 1.1 carries the credential's token, and the product's own rules hold of it."""
    inside = {
        "@context": "https://www.w3.org/ns/credentials/v2", "type": "EnvelopedVerifiableCredential",
        "id": f"data:application/jwt,{token(world)}",
    }  # fmt: skip

    assert code_of(world, presented(world, inside), CHALLENGE) is None
    assert "nonce_mismatch" == code_of(world, presented(world, inside, nonce="other"), CHALLENGE)
    assert "audience_mismatch" == code_of(world, presented(world, inside, aud=[AUDIENCE]), CHALLENGE)
    assert "typ_mismatch" == code_of(world, presented(world, inside), CHALLENGE, enabled=False)
    without = presented(world, inside, exp=int(world.now.timestamp()) + 3_600)
    assert "expired" == code_of(world, without, CHALLENGE)


def test_the_flag_is_true_or_false(world: World) -> None:
    """Any other value is no policy."""
    with pytest.raises(ValueError, match="vc_jwt_1_1"):
        world.trust(**policy(world, vc_jwt_1_1="yes"))


def test_the_command_line(world: World, faces: Faces) -> None:
    """The same policy in a file."""
    assert ACCEPTED == faces(token(world), trust=policy(world, vc_jwt_1_1=True)).answer
