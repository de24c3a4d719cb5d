"""Layers A and C against a credential that is a `vc+jwt`, bare, enveloped and presented."""

from __future__ import annotations

from typing import Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.keys.jwk import encode_jwk
from agentdid.limits import DEFAULT
from tests.forgery import CHALLENGE, Faces, flip, seal, write
from tests.tokens import badge_jwt
from tests.world import World

ACCEPTED = ("accepted", None)
INVALID = ("malformed", "header_invalid")


def envelope(token: str, media_type: str = "application/vc+jwt") -> dict[str, object]:
    """Return a token in an envelope."""
    return {"@context": CREDENTIALS_V2, "type": "EnvelopedVerifiableCredential", "id": f"data:{media_type},{token}"}


def test_the_honest_one(world: World, faces: Faces) -> None:
    """Bare, enveloped and presented, the credential is what its issuer signed."""
    token = badge_jwt(world, {"iss": world.acme.did, "sub": world.agent.did, "iat": 1_795_000_000}).sign(world.acme)

    assert ACCEPTED == faces(token).answer
    assert ACCEPTED == faces(envelope(token)).answer
    assert ACCEPTED == faces(world.present([token]), challenge=CHALLENGE).answer


def test_z10_an_unknown_header_member(world: World, faces: Faces) -> None:
    """Z10: what is not critical may be there (RFC 7515 section 4)."""
    token = badge_jwt(world)
    token.header |= {"x-note": {"any": ["thing"]}, "nonce": "n"}

    assert ACCEPTED == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("body", [b'{"issuer":"did:web:a","issuer":"did:web:b"}', b'{"a":{"x":1,"x":1}}'])
def test_a01_duplicate_members(world: World, faces: Faces, body: bytes) -> None:
    """A01: before any signature work."""
    verdict = faces(seal(encode(badge_jwt(world).header), body, world.acme))

    assert ("malformed", "json_duplicate_key", "structure") == (*verdict.answer, verdict.check)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"NaN", "json_invalid"), (b"-Infinity", "json_invalid"), (b"1e400", "json_number_range"),
        (b"-0", "json_number_range"), (b"9007199254740993", "json_number_range"),
        (b"[" * 5_000 + b"]" * 5_000, "json_too_deep"), (b'"\\ud800"', "encoding_invalid"), (b"1} {", "json_invalid"),
    ],
)  # fmt: skip
def test_a03_to_a13_values(world: World, faces: Faces, value: bytes, code: str) -> None:
    """A03, A04, A05, A07, A08, A13: a payload is strict JSON."""
    body = encode(badge_jwt(world).payload)[:-1] + b',"x":' + value + b"}"

    assert ("malformed", code) == faces(seal(encode(badge_jwt(world).header), body, world.acme)).answer


@pytest.mark.parametrize("extra", ["\n", "!", " ", "=", "+", "/", "=="])
@pytest.mark.parametrize("segment", [0, 1, 2])
def test_a10_a11_segments(world: World, faces: Faces, extra: str, segment: int) -> None:
    """A10, A11: one spelling of each segment."""
    parts = badge_jwt(world).sign(world.acme).split(".")
    parts[segment] = parts[segment][:8] + extra + parts[segment][8:]

    assert ("malformed", "encoding_invalid") == faces(".".join(parts)).answer


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS256", "ES256", "", None])
def test_c01_c02_algorithms(world: World, faces: Faces, alg: object) -> None:
    """C01, C02, B08, B12: not in the table, or not that of the key."""
    token = badge_jwt(world)
    token.header["alg"] = alg
    code = "alg_key_mismatch" if alg == "ES256" else "alg_not_allowed"

    assert ("refused", code) == faces(token.with_signature(bytes(64))).answer


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u"])
def test_c04_key_sources(world: World, faces: Faces, member: str) -> None:
    """C04: no key, and no place of one, comes from the token; nobody is asked."""
    token = badge_jwt(world)
    token.header[member] = encode_jwk(world.stranger.secret.public) if member == "jwk" else "https://evil.example/k"
    verdict = faces(token.sign(world.stranger))

    assert ("refused", "key_source_forbidden", ()) == (*verdict.answer, verdict.asked)


def test_c05_a_certificate_chain(world: World, faces: Faces) -> None:
    """C05: a certificate confers no authority."""
    token = badge_jwt(world)
    token.header["x5c"] = ["MIIB"]

    assert ("refused", "issuer_untrusted") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("kid", ["#key-1", "key-1", "../key", "https://acme.example/k", "' OR 1=1", "", None])
def test_c07_kid(world: World, faces: Faces, kid: object) -> None:
    """C07: an absolute DID URL or nothing."""
    token = badge_jwt(world)
    if kid is None:
        del token.header["kid"]
    else:
        token.header["kid"] = kid

    assert ("refused", "key_source_forbidden") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "exp", None])
def test_c08_crit(world: World, faces: Faces, crit: object) -> None:
    """C08: no extension is understood."""
    token = badge_jwt(world)
    token.header |= {"crit": crit, "exp": 1}

    assert ("refused", "crit_unsupported") == faces(token.sign(world.acme)).answer


def test_c09_unencoded_and_detached(world: World, faces: Faces) -> None:
    """C09: `b64` without `crit`, and a payload that is elsewhere."""
    token = badge_jwt(world)
    head, _, tail = token.sign(world.acme).split(".")
    token.header["b64"] = False

    assert INVALID == faces(token.sign(world.acme)).answer
    assert INVALID == faces(f"{head}..{tail}").answer


@pytest.mark.parametrize(
    "typ", [None, "", "JWT", "jwt", "vc+sd-jwt", "vp+jwt", "VC+JWT", "application/vc+jwt", "kb+jwt"]
)
def test_c13_typ(world: World, faces: Faces, typ: object) -> None:
    """C13: exactly `vc+jwt`."""
    token = badge_jwt(world)
    if typ is None:
        del token.header["typ"]
    else:
        token.header["typ"] = typ
    signed = token.sign(world.acme)

    assert ("refused", "typ_mismatch") == faces(signed).answer
    assert ("refused", "typ_mismatch") == faces(envelope(signed)).answer


def test_c13_media_types_of_envelopes(world: World, faces: Faces) -> None:
    """C13: the envelope's media type decides how the token is read."""
    token = badge_jwt(world).sign(world.acme)

    assert INVALID == faces(envelope(token, "application/vc+sd-jwt")).answer
    assert ("refused", "typ_mismatch") == faces(envelope(f"{token}~")).answer
    assert ("refused", "typ_mismatch") == faces(envelope(token, "application/jwt")).answer
    assert ("refused", "typ_mismatch") == faces(envelope(token, "application/vc+jwt;base64")).answer


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": "1795600000"}, "type_mismatch"), ({"exp": 1.5}, "type_mismatch"), ({"exp": True}, "type_mismatch"),
        ({"exp": 1_600_000_000}, "expired"), ({"nbf": 1_900_000_000}, "not_yet_valid"),
        ({"iat": 1_900_000_000}, "issued_in_future"), ({"iat": "2026-11-24T12:00:00Z"}, "type_mismatch"),
    ],
)  # fmt: skip
def test_c15_times(world: World, faces: Faces, claims: dict[str, object], code: str) -> None:
    """C15: whole seconds, and they bind."""
    assert code == faces(badge_jwt(world, claims).sign(world.acme)).code


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "did:web:other.example"}, "issuer_key_mismatch"), ({"iss": ["x"]}, "type_mismatch"),
        ({"iss": None}, "type_mismatch"), ({"sub": "did:web:other.example"}, "type_mismatch"),
        ({"jti": "urn:uuid:other"}, "type_mismatch"), ({"vc": {}}, "type_mismatch"), ({"vp": {}}, "type_mismatch"),
        ({"cnf": "x"}, "type_mismatch"), ({"aud": "https://other.example"}, "audience_mismatch"),
    ],
)  # fmt: skip
def test_a15_c17_claims_that_disagree(world: World, faces: Faces, claims: dict[str, object], code: str) -> None:
    """A15, C17: claims beside the credential say what it says; `vc` and `vp` are another data model's."""
    assert code == faces(badge_jwt(world, claims).sign(world.acme)).code


def test_c17_signed_by_anothers_key(world: World, faces: Faces) -> None:
    """C17: the key's DID is the issuer's; nobody asks for another's document."""
    token = badge_jwt(world)
    token.header["kid"] = world.partner.method_id
    verdict = faces(token.sign(world.partner))

    assert ("refused", "issuer_key_mismatch", ()) == (*verdict.answer, verdict.asked)


def test_c18_a_huge_segment(world: World, faces: Faces) -> None:
    """C18: refused by size, before base64."""
    token = badge_jwt(world).sign(world.acme)
    verdict = faces(token + "A" * DEFAULT.max_input_bytes)

    assert ("malformed", "input_too_large", "size") == (*verdict.answer, verdict.check)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"1"])
def test_c22_payloads(world: World, faces: Faces, body: bytes) -> None:
    """C22: an object."""
    assert INVALID == faces(write(encode(badge_jwt(world).header), body, bytes(64))).answer


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_c22_segments(world: World, faces: Faces, count: int) -> None:
    """C22: three."""
    parts = badge_jwt(world).sign(world.acme).split(".")

    assert INVALID == faces(".".join((parts * 3)[:count])).answer


@pytest.mark.parametrize("place", [1, 0, -2])
def test_a_changed_character(world: World, faces: Faces, place: int) -> None:
    """One character of payload or signature."""
    head, body, tail = badge_jwt(world).sign(world.acme).split(".")
    forged = {
        0: f"{head}.{body}.{flip(tail, 5)}",
        1: f"{head}.{encode_base64url(encode(badge_jwt(world, name='Eve').payload))}.{tail}",
        -2: f"{head}.{body}.{encode_base64url(bytes(63))}",
    }[place]

    assert ("refused", "signature_invalid") == faces(forged).answer


def test_d29_a_key_binding_jwt_behind_it(world: World, faces: Faces) -> None:
    """D29: a JWT with a tilde and more is an SD-JWT, and of another type."""
    token: Any = badge_jwt(world).sign(world.acme)

    assert ("refused", "typ_mismatch") == faces(f"{token}~").answer
    assert ("refused", "kb_invalid") == faces(f"{token}~x").answer
