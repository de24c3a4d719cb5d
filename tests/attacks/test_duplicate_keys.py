"""A01: an object that names a member twice, so that the signer saw one document and the reader sees another."""

from __future__ import annotations

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.proof.disclosures import digest_of
from tests.forgery import CHALLENGE, Faces, Token, badge, badge_token, prove, seal
from tests.world import World

REFUSED = ("malformed", "json_duplicate_key")


@pytest.mark.parametrize("spelling", [b'"issuer"', b'"\\u0069ssuer"', b'"iss\\u0075er"'])
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_a01_issuer_twice(world: World, faces: Faces, spelling: bytes, first: bool) -> None:
    """A01: the second issuer, in whatever spelling of its name, before or behind the signed one."""
    signed = encode(prove(badge(world), world.acme))
    other = spelling + b":" + encode(world.stranger.did)
    text = b"{" + other + b"," + signed[1:] if first else signed[:-1] + b"," + other + b"}"

    assert REFUSED == faces(text).answer


@pytest.mark.parametrize(
    "member",
    [b'"proof":', b'"credentialSubject":', b'"@context":', b'"proofValue":', b'"cryptosuite":', b'"name":'],
)
def test_a01_any_member_twice(world: World, faces: Faces, member: bytes) -> None:
    """A01: at any depth, and even with the same value."""
    signed = encode(prove(badge(world), world.acme))

    assert REFUSED == faces(signed.replace(member, member + b"1," + member, 1)).answer


def test_a01_the_same_value_twice(world: World, faces: Faces) -> None:
    """A01: two members that agree are still two."""
    signed = encode(prove(badge(world), world.acme))

    assert REFUSED == faces(signed.replace(b'"level":3', b'"level":3,"level":3')).answer


def test_a01_in_the_payload_of_a_token(world: World, faces: Faces) -> None:
    """A01: signed by the issuer, which is no excuse."""
    token = badge_token(world)
    body = encode(token.payload)[:-1] + b',"issuer":"did:web:other.example"}'

    assert REFUSED == faces(token.sign(world.acme, body=body)).answer


@pytest.mark.parametrize("member", ["alg", "kid", "typ", "x"])
def test_a01_in_the_header_of_a_token(world: World, faces: Faces, member: str) -> None:
    """A01: which of two keys or algorithms is meant is nobody's to choose."""
    token = badge_token(world)
    token.header["x"] = 1
    head = encode(token.header)[:-1] + b"," + encode(member) + b":" + encode(token.header[member]) + b"}"

    assert REFUSED == faces(token.sign(world.acme, head=head)).answer


@pytest.mark.parametrize("member", ["aud", "nonce", "verifiableCredential", "exp", "holder"])
def test_a01_in_a_presentation(world: World, faces: Faces, member: str) -> None:
    """A01: the holder says two audiences, or two of anything."""
    token = Token.read(world.present(world.root()))
    body = encode(token.payload)[:-1] + b"," + encode(member) + b":1}"

    assert REFUSED == faces(token.sign(world.agent, body=body), challenge=CHALLENGE).answer


def test_a01_in_a_presentation_with_a_proof(world: World, faces: Faces) -> None:
    """A01: the same in the Data Integrity form."""
    text = world.present(world.root(form="eddsa-jcs-2022"), form="eddsa-jcs-2022")

    assert REFUSED == faces(text[:-1] + ',"holder":"did:web:x.example"}', challenge=CHALLENGE).answer


@pytest.mark.parametrize(
    "content", ['["s","name",{"a":1,"a":2}]', '["s","name",{"a":{"b":1,"\\u0062":2}}]'], ids=["plain", "escaped"]
)
def test_a01_d16_in_a_disclosure(world: World, faces: Faces, content: str) -> None:
    """D16: within a disclosure it is the disclosure that is malformed."""
    token = badge_token(world)
    encoded = encode_base64url(content.encode())
    del token.payload["credentialSubject"]["name"]
    token.payload["credentialSubject"]["_sd"] = [digest_of(encoded)]
    token.disclosures = [encoded]

    assert ("malformed", "sd_disclosure_malformed") == faces(token.sign(world.acme)).answer


def test_a01_in_a_did_document(world: World, faces: Faces) -> None:
    """A01: a DID document that lists a key twice over is no DID document."""
    url = "https://acme.example/.well-known/did.json"
    body = world.served[url].body  # type: ignore[union-attr]  # it was served
    world.serve(url, body[:-1] + b',"assertionMethod":[]}')

    assert REFUSED == faces(badge_token(world).sign(world.acme)).answer


def test_a01_in_a_status_list(world: World, faces: Faces) -> None:
    """A01: in a list it is said to be the list's fault."""
    body = world.served[world.acme.list_url].body  # type: ignore[union-attr]  # it was served
    world.serve(world.acme.list_url, body[:-1] + b',"issuer":"x"}')

    assert ("refused", "status_verification_error") == faces(world.root()).answer


def test_a01_costs_no_signature(world: World, faces: Faces) -> None:
    """A01: nobody is asked and nothing is checked before the text is one text."""
    verdict = faces(seal(b'{"alg":"EdDSA","alg":"none"}', b"{}", world.acme, []))

    assert ("structure", ()) == (verdict.check, verdict.asked)
