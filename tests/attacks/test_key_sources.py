"""C04, C05, C07: the token brings its key, says where to fetch one, or names one by anything but a DID URL."""

from __future__ import annotations

import base64

import pytest

from agentdid.keys.jwk import encode_jwk
from tests.forgery import CHALLENGE, Faces, Token, acme_document, badge, badge_token, prove
from tests.world import World

FORBIDDEN = ("refused", "key_source_forbidden")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jku", "https://evil.example/jwks.json"),
        ("jku", "https://acme.example/jwks.json"),
        ("jku", ""),
        ("jku", None),
        ("x5u", "https://evil.example/chain.pem"),
        ("jwk", {}),
        ("jwk", None),
        ("jwk", "x"),
    ],
    ids=repr,
)
def test_c04_a_place_to_fetch_from(world: World, faces: Faces, name: str, value: object) -> None:
    """C04: not even looked at: nobody is asked."""
    token = badge_token(world)
    token.header[name] = value
    presented = Token.read(world.present(world.root()))
    presented.header[name] = value
    verdict = faces(token.sign(world.acme))

    assert (*FORBIDDEN, ()) == (*verdict.answer, verdict.asked)
    assert FORBIDDEN == faces(presented.sign(world.agent), challenge=CHALLENGE).answer


def test_c04_its_own_key(world: World, faces: Faces) -> None:
    """C04: a stranger's key in the header, the stranger's signature, the issuer's name."""
    token = badge_token(world)
    token.header["jwk"] = encode_jwk(world.stranger.secret.public)

    assert FORBIDDEN == faces(token.sign(world.stranger)).answer


@pytest.mark.parametrize("chain", [[], ["MIIB"], [base64.b64encode(b"acme.example").decode()], "MIIB", None], ids=repr)
def test_c05_a_certificate(world: World, faces: Faces, chain: object) -> None:
    """C05: self-signed for the issuer's name or not, a certificate confers no authority."""
    token = badge_token(world)
    token.header["x5c"] = chain
    verdict = faces(token.sign(world.stranger))

    assert ("refused", "issuer_untrusted", ()) == (*verdict.answer, verdict.asked)


KIDS: dict[str, object] = {
    "C07-relative": "#key-1",
    "C07-bare": "key-1",
    "C07-empty": "",
    "C07-null": None,
    "C07-number": 1,
    "C07-list": ["did:web:acme.example#key-1"],
    "C07-did-without-fragment": "did:web:acme.example",
    "C07-empty-fragment": "did:web:acme.example#",
    "C07-two-fragments": "did:web:acme.example#key-1#key-2",
    "C07-path": "did:web:acme.example/../evil#key-1",
    "C07-query": "did:web:acme.example?versionId=1#key-1",
    "C07-params": "did:web:acme.example;service=x#key-1",
    "C07-traversal": "../../etc/passwd",
    "C07-absolute-file": "/dev/null",
    "C07-file-url": "file:///dev/null",
    "C07-url": "https://evil.example/key.json",
    "C07-url-with-fragment": "https://acme.example/did.json#key-1",
    "C07-sql": "' UNION SELECT 'key' --",
    "C07-sql-in-fragment": "did:web:acme.example#key-1' OR '1'='1 ",
    "C07-newline": "did:web:acme.example#key-1\n",
    "C07-leading-space": " did:web:acme.example#key-1",
    "C07-nul": "did:web:acme.example#key-1\u0000",
    "C07-thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "C07-scheme-case": "DID:web:acme.example#key-1",
    "C07-urn": "urn:uuid:1#key-1",
}


@pytest.mark.parametrize("name", KIDS)
def test_c07_kid(world: World, faces: Faces, name: str) -> None:
    """C07: a key is named by an absolute DID URL or not at all; a kid of another type is no header."""
    token = badge_token(world)
    token.header["kid"] = KIDS[name]
    presented = Token.read(world.present(world.root()))
    presented.header["kid"] = KIDS[name]
    other_type = name in ("C07-null", "C07-number", "C07-list")
    expected = ("malformed", "header_invalid") if other_type else FORBIDDEN

    assert expected == faces(token.sign(world.acme)).answer
    assert expected == faces(presented.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize("name", KIDS)
def test_c07_verification_method(world: World, faces: Faces, name: str) -> None:
    """C07: the same of a proof, where an object or a list is no name of a key either."""
    signed = prove(badge(world), world.acme)
    signed["proof"]["verificationMethod"] = KIDS[name]

    assert FORBIDDEN == faces(signed).answer


def test_c07_no_kid(world: World, faces: Faces) -> None:
    """C07: the issuer's only key is not guessed."""
    token = badge_token(world)
    del token.header["kid"]
    signed = prove(badge(world), world.acme, verificationMethod=None)

    assert FORBIDDEN == faces(token.sign(world.acme)).answer
    assert FORBIDDEN == faces(signed).answer


def test_c07_an_embedded_key(world: World, faces: Faces) -> None:
    """C07: a verification method that is written out in the proof is the forger's own."""
    method = {
        "id": world.acme.method_id, "type": "Multikey", "controller": world.acme.did,
        "publicKeyMultibase": world.stranger.did.removeprefix("did:key:"),
    }  # fmt: skip

    assert FORBIDDEN == faces(prove(badge(world), world.stranger, verificationMethod=method)).answer


def test_c07_anothers_did(world: World, faces: Faces) -> None:
    """C07, E09: an absolute kid of another DID: nobody asks for that DID's document."""
    attacker = world.party("evil", method="web")
    token = badge_token(world)
    token.header["kid"] = attacker.method_id
    for forged in (token.sign(attacker), prove(badge(world), attacker)):
        verdict = faces(forged)
        assert ("refused", "issuer_key_mismatch", ()) == (*verdict.answer, verdict.asked)


def test_c07_a_fragment_that_the_document_does_not_list(world: World, faces: Faces) -> None:
    """C07: the DID is right and asked, the key is not there."""
    token = badge_token(world)
    token.header["kid"] = f"{world.acme.did}#key-2"
    verdict = faces(token.sign(world.acme))

    assert ("refused", "purpose_not_authorized") == verdict.answer
    assert (acme_document(world),) == verdict.asked
