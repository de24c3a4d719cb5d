"""Layers A, B and C against COSE: what is JOSE's attack in text is COSE's in bytes."""

from __future__ import annotations

from typing import Any

import pytest
from pybase64 import standard_b64encode, urlsafe_b64encode

from agentdid.codec.cbor import Tagged, encode_cbor
from agentdid.codec.strict_json import encode
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.limits import DEFAULT
from agentdid.secure import cose
from tests.forgery import CHALLENGE, Faces, badge
from tests.tokens import JOSE_KEYS, anchors, party
from tests.world import AUDIENCE, Party, World

ACCEPTED = ("accepted", None)
INVALID = ("malformed", "header_invalid")
SPELLING = ("malformed", "encoding_invalid")


def header(world: World, **changes: object) -> dict[Any, Any]:
    """Return the protected header of a good credential; a change to `None` leaves a parameter out."""
    names = {"alg": 1, "crit": 2, "content": 3, "kid": 4, "claims": 15, "typ": 16, "x5chain": 33, "x5u": 35, "kccs": 14}
    good: dict[str, object] = {
        "alg": -8, "content": "application/vc", "kid": world.acme.method_id.encode(), "typ": "application/vc+cose",
    }  # fmt: skip
    return {names.get(name, name): each for name, each in (good | changes).items() if each is not None}


def sign(
    world: World,
    head: dict[Any, Any] | bytes | None = None,
    payload: bytes | None = None,
    by: Party | None = None,
    **parts: object,
) -> bytes:
    """Return a COSE_Sign1 of anything, its signature right."""
    protected = head if isinstance(head, bytes) else encode_cbor(header(world) if head is None else head)
    body = encode(badge(world)) if payload is None else payload
    signature = (by or world.acme).secret.sign(encode_cbor(["Signature1", protected, b"", body]))
    four = {"protected": protected, "unprotected": {}, "payload": body, "signature": signature} | parts
    return encode_cbor(Tagged(18, list(four.values())))


def enveloped(octets: bytes, before: str = "application/vc+cose;base64") -> dict[str, object]:
    """Return it in an envelope."""
    text = standard_b64encode(octets).decode()
    return {"@context": CREDENTIALS_V2, "type": "EnvelopedVerifiableCredential", "id": f"data:{before},{text}"}


def test_the_honest_one(world: World, faces: Faces) -> None:
    """Bare bytes, tagged or not, enveloped and presented."""
    octets = sign(world)
    untagged = octets[1:]

    for form in (octets, untagged, enveloped(octets), enveloped(untagged)):
        assert ACCEPTED == faces(form).answer
    unpadded = enveloped(octets)
    unpadded["id"] = str(unpadded["id"]).rstrip("=")
    assert ACCEPTED == faces(unpadded).answer
    assert ACCEPTED == faces(world.present([enveloped(octets)]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("algorithm", [each for each in JOSE_KEYS if "-Ed25519" not in each])
def test_every_algorithm(algorithm: str) -> None:
    """Issued and presented as COSE with keys of one algorithm."""
    from agentdid.present.presentation import make_presentation  # noqa: PLC0415

    world = World()
    issuer, holder = party("issuer", algorithm), party("holder", algorithm)
    document = badge(world, issuer=issuer.did, credentialSubject={"id": holder.did, "name": "Ada"})
    octets = cose.issue(document, issuer.secret, issuer.method_id, claims={"iat": int(world.now.timestamp())})
    presented = make_presentation(
        [enveloped(octets)], holder=holder.did, signer=holder.secret, method_id=holder.method_id, audience=AUDIENCE,
        challenge=CHALLENGE, at=world.now, form="vp+cose",
    )  # fmt: skip
    decision = world.verifier(trust=world.trust(**anchors(world, [issuer]))).verify(presented, challenge=CHALLENGE)

    assert document == decision.credentials[0].document
    assert holder.did == decision.holder


@pytest.mark.parametrize("form", ["vp+cose", "vp+sd-jwt"])
def test_a_presentation_has_the_codes_of_tokens(world: World, faces: Faces, form: str) -> None:
    """Presented once; another audience, another nonce, another time."""
    chain = world.root()

    assert ACCEPTED == faces(world.present(chain, form=form), challenge=CHALLENGE).answer
    elsewhere = world.present(chain, form=form, audience="https://other.example")
    assert ("refused", "audience_mismatch") == faces(elsewhere, challenge=CHALLENGE).answer
    assert ("refused", "nonce_mismatch") == faces(
        world.present(chain, form=form, challenge="x"), challenge=CHALLENGE
    ).answer
    from datetime import timedelta  # noqa: PLC0415

    late = world.present(chain, form=form, at=world.now - timedelta(minutes=3))
    assert ("refused", "expired") == faces(late, challenge=CHALLENGE).answer
    early = world.present(chain, form=form, at=world.now + timedelta(minutes=3))
    assert ("refused", "issued_in_future") == faces(early, challenge=CHALLENGE).answer
    other = world.present(chain, world.stranger, form=form)
    assert ("refused", "holder_binding_failed") == faces(other, challenge=CHALLENGE).answer


@pytest.mark.parametrize(
    "change",
    [
        lambda octets: octets + b"\0", lambda octets: octets[:-1], lambda octets: b"\xd8\x12" + octets[1:],
        lambda octets: octets[:1] + b"\x9f" + octets[2:] + b"\xff",
        lambda octets: octets.replace(b"\x84\x58", b"\x84\x59\x00", 1),
    ],
    ids=["trailing", "cut", "a longer tag", "indefinite", "a longer length"],
)  # fmt: skip
def test_a10_a13_spellings(world: World, faces: Faces, change: Any) -> None:  # noqa: ANN401
    """A10, A13: one spelling of each item, and nothing behind it."""
    assert SPELLING == faces(change(sign(world))).answer


def test_a01_a_parameter_twice(world: World, faces: Faces) -> None:
    """A01: two algorithms in one header, the last or the first of which counts for another reader."""
    protected = b"\xa3\x01\x27\x01\x26\x10" + encode_cbor("application/vc+cose")

    assert SPELLING == faces(sign(world, protected)).answer


@pytest.mark.parametrize("body", [b'{"issuer":"a","issuer":"b"}', b'{"a":NaN}', b'{"a":-0}', b"{} {}"])
def test_a01_to_a13_payloads(world: World, faces: Faces, body: bytes) -> None:
    """A01, A03, A04, A13: strict JSON within."""
    verdict = faces(sign(world, payload=body))

    assert ("malformed", "structure") == (verdict.family, verdict.check)
    assert (verdict.code or "").startswith("json_")


@pytest.mark.parametrize("text", ["\n", " ", "!", "-", "_", "====", "="])
def test_a10_a11_base64(world: World, faces: Faces, text: str) -> None:
    """A10, A11: one spelling of the base64 in an envelope too."""
    envelope = enveloped(sign(world))
    place = str(envelope["id"])
    envelope["id"] = place[:60] + text + place[60:]

    assert "malformed" == faces(envelope).family


def test_a11_another_alphabet(world: World, faces: Faces) -> None:
    """A11: base64url where base64 is registered."""
    octets = sign(world, payload=encode({**badge(world), "name": "\u00ff\u00fe???>>>"}))
    envelope = enveloped(octets)
    envelope["id"] = "data:application/vc+cose;base64," + urlsafe_b64encode(octets).decode()

    assert SPELLING == faces(envelope).answer


@pytest.mark.parametrize("alg", [0, 1, 5, -3, -257, -259, -37, -999, "ES256", None, True, [-8], b"\x01"], ids=repr)
def test_c01_c02_b12_algorithms(world: World, faces: Faces, alg: object) -> None:
    """C01, C02, B12: none, MACs, RSA, unknown or of another type."""
    assert ("refused", "alg_not_allowed") == faces(sign(world, header(world, alg=alg))).answer


@pytest.mark.parametrize("alg", [-7, -35, -48])
def test_b08_anothers_algorithm(world: World, faces: Faces, alg: int) -> None:
    """B08: the algorithm is not that of the issuer's key."""
    assert ("refused", "alg_key_mismatch") == faces(sign(world, header(world, alg=alg))).answer


def test_c04_c05_key_sources(world: World, faces: Faces) -> None:
    """C04, C05: x5u, a claims set with a key, a certificate chain; nobody is asked."""
    for change, code in (
        ({"x5u": "https://evil.example/k"}, "key_source_forbidden"), ({"kccs": {8: {}}}, "key_source_forbidden"),
        ({"x5chain": b"\x30"}, "issuer_untrusted"),
    ):  # fmt: skip
        verdict = faces(sign(world, header(world, **change)))
        assert ("refused", code, ()) == (*verdict.answer, verdict.asked)


@pytest.mark.parametrize("kid", [b"#key-1", b"key-1", b"https://acme.example/k", b"", None])
def test_c07_kid(world: World, faces: Faces, kid: bytes | None) -> None:
    """C07: an absolute DID URL."""
    assert ("refused", "key_source_forbidden") == faces(sign(world, header(world, kid=kid))).answer


@pytest.mark.parametrize("kid", ["did:web:acme.example#key-1", 7, b"\xff\xfe"], ids=repr)
def test_c07_kid_is_bytes(world: World, faces: Faces, kid: object) -> None:
    """A kid that is no byte string of UTF-8 is no header."""
    assert INVALID == faces(sign(world, header(world, kid=kid))).answer


@pytest.mark.parametrize("crit", [[16], [99], [], 1])
def test_c08_crit(world: World, faces: Faces, crit: object) -> None:
    """C08: whatever is critical is refused."""
    assert ("refused", "crit_unsupported") == faces(sign(world, header(world, crit=crit))).answer


@pytest.mark.parametrize("payload", [None, b""])
def test_c09_detached(world: World, faces: Faces, payload: object) -> None:
    """C09: the payload is elsewhere."""
    assert INVALID == faces(detached(world, payload)).answer


def detached(world: World, payload: object) -> bytes:
    """Return a COSE_Sign1 whose payload is not in it."""
    protected = encode_cbor(header(world))
    body = encode(badge(world))
    signature = world.acme.secret.sign(encode_cbor(["Signature1", protected, b"", body]))
    return encode_cbor(Tagged(18, [protected, {}, payload, signature]))


@pytest.mark.parametrize(
    "unprotected", [{1: -8}, {4: b"did:web:acme.example#key-1"}, {16: "x"}, {99: 1}, [], None, b""]
)
def test_c11_unprotected_parameters(world: World, faces: Faces, unprotected: object) -> None:
    """C11: what nobody signed is not read, so it is not there."""
    assert INVALID == faces(sign(world, unprotected=unprotected)).answer


@pytest.mark.parametrize(
    "typ", [None, "vc+cose", "application/vp+cose", "application/vc+jwt", "APPLICATION/VC+COSE", ""]
)
def test_c13_typ(world: World, faces: Faces, typ: str | None) -> None:
    """C13: exactly `application/vc+cose` (RFC 9596)."""
    assert ("refused", "typ_mismatch") == faces(sign(world, header(world, typ=typ))).answer


@pytest.mark.parametrize("typ", [16, b"application/vc+cose", ["x"]], ids=repr)
def test_c13_typ_is_text(world: World, faces: Faces, typ: object) -> None:
    """C13: a CoAP number or bytes are no media type here."""
    assert INVALID == faces(sign(world, header(world, typ=typ))).answer


@pytest.mark.parametrize(
    "before",
    [
        "application/vc+cose",
        "application/vp+cose;base64",
        "application/vc+cose;base64url",
        "application/cose;base64",
    ],
)
def test_c13_media_types_of_envelopes(world: World, faces: Faces, before: str) -> None:
    """C13: the one that is registered, in base64."""
    assert ("refused", "typ_mismatch") == faces(enveloped(sign(world), before)).answer


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({1: "did:web:other.example"}, "issuer_key_mismatch"), ({2: "did:web:other.example"}, "type_mismatch"),
        ({4: 1_600_000_000}, "expired"), ({5: 1_900_000_000}, "not_yet_valid"),
        ({6: 1_900_000_000}, "issued_in_future"),
        ({4: "soon"}, "type_mismatch"), ({3: "https://other.example"}, "audience_mismatch"),
        ({8: {1: {1: 1}}}, "header_invalid"), ({"cnf": {}}, "header_invalid"), ({1: "x", "iss": "y"}, "header_invalid"),
        ("x", "header_invalid"), ([], "header_invalid"),
    ],
)  # fmt: skip
def test_c15_c17_claims_in_the_header(world: World, faces: Faces, claims: object, code: str) -> None:
    """C15, C17: CWT claims bind as JWT claims do (RFC 9597)."""
    assert code == faces(sign(world, header(world, claims=claims))).code


def test_c17_a_claim_that_is_there_twice(world: World, faces: Faces) -> None:
    """C17: in the header and in the payload, and not the same."""
    now = int(world.now.timestamp())
    payload = encode({**badge(world), "iat": now - 5})

    assert ACCEPTED == faces(sign(world, header(world, claims={6: now - 5}), payload)).answer
    assert ("malformed", "type_mismatch") == faces(sign(world, header(world, claims={6: now - 6}), payload)).answer


def test_c18_a_huge_item(world: World, faces: Faces) -> None:
    """C18: by size, before CBOR."""
    verdict = faces(sign(world, payload=b" " * DEFAULT.max_input_bytes))

    assert ("malformed", "input_too_large", "size") == (*verdict.answer, verdict.check)


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_c22_parts(world: World, faces: Faces, count: int) -> None:
    """C22: four."""
    protected = encode_cbor(header(world))
    parts: list[object] = [protected, {}, b"{}", bytes(64), b""]

    assert INVALID == faces(encode_cbor(Tagged(18, parts[:count]))).answer


@pytest.mark.parametrize("tag", [17, 97, 98, 61])
def test_c22_another_tag(world: World, faces: Faces, tag: int) -> None:
    """C22: COSE_Mac0, COSE_Encrypt, COSE_Sign and a CWT are no COSE_Sign1."""
    item = Tagged(tag, [encode_cbor(header(world)), {}, b"{}", bytes(64)])

    assert "malformed" == faces(encode_cbor(item)).family


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
def test_b02_lengths(world: World, faces: Faces, signature: bytes) -> None:
    """B02: a signature of another length or of nothing."""
    assert ("refused", "signature_invalid") == faces(sign(world, signature=signature)).answer


def test_s05_trailing_bytes(world: World, faces: Faces) -> None:
    """S05: bytes behind a good signature."""
    from agentdid.codec.cbor import decode_cbor  # noqa: PLC0415

    item: Any = decode_cbor(sign(world))
    item.value[3] += b"\0"

    assert ("refused", "signature_invalid") == faces(encode_cbor(item)).answer


def test_by_a_stranger(world: World, faces: Faces) -> None:
    """Another's key under the issuer's name, and another's name."""
    assert ("refused", "signature_invalid") == faces(sign(world, by=world.stranger)).answer
    strange = header(world, kid=world.stranger.method_id.encode())
    assert ("refused", "issuer_key_mismatch") == faces(sign(world, strange, by=world.stranger)).answer


def test_p12_readers_share_nothing() -> None:
    """P12: two interleaved readings of CBOR know nothing of each other (CVE-2025-68131)."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from agentdid.codec.cbor import decode_cbor  # noqa: PLC0415

    values = [encode_cbor([number, {"n": number, "t": "x" * number}]) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert [[number, {"n": number, "t": "x" * number}] for number in range(200)] == list(
            pool.map(decode_cbor, values)
        )
