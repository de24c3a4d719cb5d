"""H01, H03, H09, H10, H12: identifiers that are none, and what is no proof that two of them are one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentdid.cli.main import main
from agentdid.codec.base import encode_base58btc
from agentdid.codec.strict_json import encode, parse
from agentdid.codec.varint import encode_varint
from agentdid.keys.secret import SecretKey
from tests.forgery import BADGE, Faces, acme_document, badge, badge_token, policy, prove
from tests.world import World

RAW = SecretKey.from_seed("Ed25519", b"\1" * 32).public.raw
ED25519 = encode_varint(0xED)


def z(raw: bytes) -> str:
    """Return a multibase identifier."""
    return "z" + encode_base58btc(raw)


DID_KEYS = {
    "H01-hash-code": z(encode_varint(0x12) + RAW),
    "H01-secret-code": z(encode_varint(0x1300) + RAW),
    "H01-no-code": z(RAW),
    "H01-33-bytes": z(ED25519 + RAW + b"\0"),
    "H01-31-bytes": z(ED25519 + RAW[:-1]),
    "H01-code-alone": z(ED25519),
    "H01-varint-of-three": z(b"\xed\x81\x00" + RAW),
    "H01-endless-varint": z(b"\xff" * 40),
    "H01-upper-case": z(ED25519 + RAW).upper(),
    "H01-upper-case-prefix": "Z" + z(ED25519 + RAW)[1:],
    "H01-zero-letter": "z0" + z(ED25519 + RAW)[2:],
    "H01-hex": "f" + (ED25519 + RAW).hex(),
    "H01-prefix-alone": "z",
    "H01-leading-one": "z1" + z(ED25519 + RAW)[1:],
}


def answer(did: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str, int]:
    """Return what `did resolve` says."""
    code = main(["did", "resolve", did, "--json"])
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["didDocument"] is None
    return shown["outcome"], shown["code"], code


@pytest.mark.parametrize("name", DID_KEYS)
def test_h01_did_keys(world: World, faces: Faces, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """H01: code, length, varint and base are the one right ones: as issuer, as holder, resolved alone."""
    did = f"did:key:{DID_KEYS[name]}"
    token = badge_token(world, issuer=did)
    token.header["kid"] = f"{did}#{DID_KEYS[name]}"
    trust = policy(world, anchor=[{"did": did, "types": [BADGE]}])

    assert ("malformed", "did_invalid") == faces(token.sign(world.acme), trust=trust).answer
    assert ("malformed", "did_invalid", 4) == answer(did, capsys)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
@pytest.mark.parametrize("sign", [0, 1])
def test_h03_small_order(world: World, faces: Faces, y: int, sign: int) -> None:
    """H03: a well-formed did:key of a key that verifies everything, or of none in its one spelling."""
    name = z(ED25519 + (y | sign << 255).to_bytes(32, "little"))
    token = badge_token(world, issuer=f"did:key:{name}")
    token.header["kid"] = f"did:key:{name}#{name}"
    trust = policy(world, anchor=[{"did": f"did:key:{name}", "types": [BADGE]}])

    assert ("malformed", "key_invalid") == faces(token.with_signature(b"\1" + bytes(63)), trust=trust).answer


@pytest.mark.parametrize(
    "did",
    ["did:example:1", "did:ethr:0xab", "did:KEY:z6Mk", "did:Key:z6Mk", "DID:KEY:z6Mk", "Did:key:z6Mk",
     "dId:web:acme.example", "did:WEB:acme.example", "did:keys:z6Mk", "did:ke:z6Mk", "did:ion:x", "did:0:1"],
)  # fmt: skip
def test_h09_methods(capsys: pytest.CaptureFixture[str], did: str) -> None:
    """H09: unknown, or in another case."""
    assert ("refused", "did_method_unsupported", 1) == answer(did, capsys)


@pytest.mark.parametrize("did", ["did:example:1", "did:KEY:z6Mk", "did:WEB:acme.example"])
def test_h09_an_issuer_of_an_unknown_method(world: World, faces: Faces, did: str) -> None:
    """H09: even where the policy names it."""
    token = badge_token(world, issuer=did)
    token.header["kid"] = f"{did}#key-1"
    trusted = policy(world, anchor=[{"did": did, "types": [BADGE]}])

    assert ("refused", "did_method_unsupported") == faces(token.sign(world.acme), trust=trusted).answer
    assert ("refused", "issuer_untrusted") == faces(token.sign(world.acme)).answer


ISSUERS = [
    "did:web:acme.example#key-1", "did:web:acme.example?versionId=1", "did:web:acme.example/path",
    "did:web:acme.example;service=x", "did:web:acme.example\n", "did:web:acme.example ", "did:web:acme.example\u0000",
    "did:web:acme.example\u001b[31m", "did:web:acme example", "did:web:", "did:web:acme.example:", "did::acme.example",
    "did:web", "did:", "did:web:acme.example%", "did:web:acme.example%zz", "did:web:acmé.example",
    "did:web:acme.example\\",
    "did:web:acme.example<x>", 'did:web:acme.example"', "did:web:acme.example\u202e",
]  # fmt: skip


@pytest.mark.parametrize("issuer", ISSUERS, ids=ascii)
@pytest.mark.parametrize("written", ["string", "object"])
def test_h10_issuers_that_are_no_did(world: World, faces: Faces, issuer: str, written: str) -> None:
    """H10: a DID URL, or a text with something in it that no DID has."""
    value: object = issuer if written == "string" else {"id": issuer}
    verdict = faces(badge_token(world, issuer=value).sign(world.acme))

    assert ("malformed", "did_invalid", ()) == (*verdict.answer, verdict.asked)
    assert ("malformed", "did_invalid") == faces(prove(badge(world, issuer=value), world.acme)).answer


@pytest.mark.parametrize(
    "issuer", ["https://acme.example", "urn:uuid:1", "mailto:x@acme.example", "DID:web:acme.example"]
)
def test_h10_issuers_of_another_scheme(world: World, faces: Faces, issuer: str) -> None:
    """H10: a URL is an issuer of VCDM, and nobody's here."""
    assert ("malformed", "did_invalid") == faces(badge_token(world, issuer=issuer).sign(world.acme)).answer


@pytest.mark.parametrize("issuer", [did for did in ISSUERS if did.startswith("did:web:acme.example")], ids=ascii)
def test_h10_issuers_of_a_capability(world: World, faces: Faces, issuer: str) -> None:
    """H10: the same of a link."""
    from tests.forgery import Token  # noqa: PLC0415

    token = Token.read(str(world.root()[0]))
    token.payload["issuer"] = issuer

    assert ("malformed", "did_invalid") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("member", ["alsoKnownAs", "controller", "equivalentId", "sameAs"])
def test_h12_claims_of_being_another(world: World, faces: Faces, member: str) -> None:
    """H12: a DID document says that its DID is acme too, or is acme's; nobody believes it."""
    evil = world.party("evil", method="web")
    place = "https://evil.example/.well-known/did.json"
    document: Any = parse(world.served[place].body).value  # type: ignore[union-attr]  # it was served
    value = [world.acme.did] if member == "alsoKnownAs" else world.acme.did
    world.serve(place, encode({**document, member: value}))
    token = badge_token(world, issuer=evil.did)
    token.header["kid"] = evil.method_id

    assert ("refused", "issuer_untrusted") == faces(token.sign(evil)).answer
    token.payload["issuer"] = world.acme.did
    assert ("refused", "issuer_key_mismatch") == faces(token.sign(evil)).answer


def test_h12_the_issuers_document_names_another(world: World, faces: Faces) -> None:
    """H12: acme's own document says it is known as evil too: evil still does not sign for it."""
    evil = world.party("evil", method="web")
    document: Any = parse(world.served[acme_document(world)].body).value  # type: ignore[union-attr]  # it was served
    world.serve(acme_document(world), encode({**document, "alsoKnownAs": [evil.did], "controller": [evil.did]}))

    assert ("accepted", None) == faces(badge_token(world).sign(world.acme)).answer
    assert ("refused", "issuer_key_mismatch") == faces(prove(badge(world), evil)).answer


NEAR = [
    "did:web:acme.exampl", "did:web:acme.example.evil.example", "did:web:evil-acme.example", "did:web:acme.example:x",
    "did:web:acme.example%3A443", "did:web:acme", "did:web:partner.example", "did:web:cme.example",
]  # fmt: skip


@pytest.mark.parametrize("issuer", NEAR)
def test_a16_names_that_contain_or_are_contained(world: World, faces: Faces, issuer: str) -> None:
    """A16, V01: an anchor is equal or it is not, for badges and for capabilities, in either direction."""
    from tests.forgery import Token  # noqa: PLC0415

    token = badge_token(world, issuer=issuer)
    token.header["kid"] = f"{issuer}#key-1"
    link = Token.read(str(world.root()[0]))
    link.payload["issuer"] = issuer
    link.payload["credentialSubject"]["capability"]["principal"] = issuer
    link.header["kid"] = f"{issuer}#key-1"
    anchor = {"did": issuer, "types": [BADGE]}
    verdict = faces(token.sign(world.acme))

    assert ("refused", "issuer_untrusted", ()) == (*verdict.answer, verdict.asked)
    assert ("refused", "issuer_untrusted") == faces(
        badge_token(world).sign(world.acme), trust=policy(world, anchor=[anchor])
    ).answer
    if issuer != world.partner.did:  # the owner needs no anchor
        assert ("refused", "issuer_untrusted") == faces(link.sign(world.acme)).answer


TYPES = [
    ["VerifiableCredential", BADGE, "AdminCredential"], ["VerifiableCredential", "BadgeCredentials"],
    ["VerifiableCredential", "Badge"], ["VerifiableCredential"], ["VerifiableCredential", "badgecredential"],
    ["AdminCredential", "VerifiableCredential", BADGE], ["VerifiableCredential", f"urn:{BADGE}"],
]  # fmt: skip


@pytest.mark.parametrize("types", TYPES, ids=repr)
def test_v08_types_that_contain_or_are_contained(world: World, faces: Faces, types: list[str]) -> None:
    """V08: every type is one that the anchor names."""
    assert ("refused", "issuer_untrusted") == faces(badge_token(world, type=types).sign(world.acme)).answer


@pytest.mark.parametrize("types", [[BADGE, "VerifiableCredential"], ["VerifiableCredential", BADGE, BADGE]])
def test_v08_order_does_not_count(world: World, faces: Faces, types: list[str]) -> None:
    """V08: nor does saying it twice."""
    assert ("accepted", None) == faces(badge_token(world, type=types).sign(world.acme)).answer


def test_v01_a_good_signature_by_anybody(world: World, faces: Faces) -> None:
    """V01: no trust by default: a stranger's DID, key and signature are all in order."""
    token = badge_token(world, issuer=world.stranger.did)
    token.header["kid"] = world.stranger.method_id

    assert ("refused", "issuer_untrusted") == faces(token.sign(world.stranger)).answer
    assert ("refused", "issuer_untrusted") == faces(
        badge_token(world).sign(world.acme), trust=policy(world, anchor=[])
    ).answer
