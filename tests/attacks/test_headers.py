"""C08, C09, C11, C13, C22: headers and serializations that two readers take for two things."""

from __future__ import annotations

import json

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.credential.model import CREDENTIALS_V2
from tests.forgery import CHALLENGE, Faces, Token, badge, badge_token, prove, write
from tests.world import World

INVALID = ("malformed", "header_invalid")


@pytest.mark.parametrize(
    "value", [["exp"], ["b64"], ["http://example.invalid/UNDEFINED"], [], None, "exp", {}, [1], True]
)
def test_c08_crit(world: World, faces: Faces, value: object) -> None:
    """C08: no extension is understood, so whatever is critical is refused, and an empty list is no list of them."""
    token = badge_token(world)
    token.header |= {"crit": value, "exp": 1}
    presented = Token.read(world.present(world.root()))
    presented.header["crit"] = value

    assert ("refused", "crit_unsupported") == faces(token.sign(world.acme)).answer
    assert ("refused", "crit_unsupported") == faces(presented.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize("value", [False, True, None, "false", 0])
def test_c09_b64_without_crit(world: World, faces: Faces, value: object) -> None:
    """C09: an unencoded payload that nobody calls critical (RFC 7797 section 6)."""
    token = badge_token(world)
    token.header["b64"] = value

    assert INVALID == faces(token.sign(world.acme)).answer


def test_c09_b64_with_crit(world: World, faces: Faces) -> None:
    """C09: with `crit` it is the extension that is not understood."""
    token = badge_token(world)
    token.header |= {"b64": False, "crit": ["b64"]}

    assert ("refused", "crit_unsupported") == faces(token.sign(world.acme)).answer


def test_c09_an_unencoded_payload(world: World, faces: Faces) -> None:
    """C09: the payload as it is, between the dots."""
    token = badge_token(world)
    token.header["b64"] = False
    head = encode_base64url(encode(token.header))
    signature = world.acme.secret.sign(f"{head}.".encode() + encode(token.payload))
    forged = f"{head}.{encode(token.payload).decode()}.{encode_base64url(signature)}~"

    assert "malformed" == faces(forged).family


def test_c09_a_detached_payload(world: World, faces: Faces) -> None:
    """C09: the payload is elsewhere, so anything could be put in its place."""
    head, _, tail = badge_token(world).sign(world.acme).removesuffix("~").split(".")

    assert INVALID == faces(f"{head}..{tail}~").answer


def flattened(token: str) -> dict[str, object]:
    """Return a compact token as flattened JSON (RFC 7515 section 7.2.2)."""
    protected, payload, signature = token.removesuffix("~").split(".")
    return {"payload": payload, "protected": protected, "signature": signature}


@pytest.mark.parametrize("challenge", [None, CHALLENGE])
def test_c11_json_serializations(world: World, faces: Faces, challenge: str | None) -> None:
    """C11: flattened or general, alone or beside members of a credential or a presentation."""
    token = badge_token(world).sign(world.acme) if challenge is None else world.present(world.root())
    flat = flattened(token)
    general = {"payload": flat["payload"], "signatures": [{each: flat[each] for each in ("protected", "signature")}]}
    kind = "VerifiableCredential" if challenge is None else "VerifiablePresentation"
    for form in (flat, general, {**general, "disclosures": []}, {**flat, "header": {"disclosures": []}}):
        assert INVALID == faces({**form, "type": [kind]}, challenge=challenge).answer


@pytest.mark.parametrize("member", ["payload", "protected", "signature", "signatures"])
def test_c11_polyglots(world: World, faces: Faces, member: str) -> None:
    """C11: a good Data Integrity credential with a JWS's member in it, signed along, is one of two things."""
    signed = prove(badge(world, **{member: flattened(badge_token(world).sign(world.acme)).get(member, [])}), world.acme)

    assert INVALID == faces(signed).answer


def test_c11_a_token_as_a_members_name(world: World, faces: Faces) -> None:
    """C11: the polyglot of CVE-2022-39227: compact to one parser, JSON to another."""
    token = badge_token(world).sign(world.acme).removesuffix("~")
    head, body, tail = token.split(".")
    polyglot = {f"  {head}.{body}.": "", "protected": head, "payload": body, "signature": tail}

    assert INVALID == faces(polyglot).answer
    assert INVALID == faces(json.dumps(polyglot) + "\n").answer


TYPS: list[object] = [
    None, "", "JWT", "jwt", "vc+jwt", "vc", "dc+sd-jwt", "kb+jwt", "sd-jwt", "statuslist+jwt", "vp+sd-jwt",
    "VC+SD-JWT", "vc+sd-jwt ", "application/vc+sd-jwt", "vp+jwt", "vc+ld+json+sd-jwt",
]  # fmt: skip


@pytest.mark.parametrize("typ", TYPS, ids=repr)
def test_c13_typ_of_a_credential(world: World, faces: Faces, typ: object) -> None:
    """C13: exactly `vc+sd-jwt`, or with other members exactly `dc+sd-jwt`."""
    token = badge_token(world)
    if typ is None:
        del token.header["typ"]
    else:
        token.header["typ"] = typ

    # an SD-JWT VC is another kind of credential, and this one lacks its members
    expected = ("malformed", "type_mismatch") if typ == "dc+sd-jwt" else ("refused", "typ_mismatch")
    assert expected == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("typ", [*(each for each in TYPS if each != "vp+jwt"), "vc+sd-jwt"], ids=repr)
def test_c13_typ_of_a_presentation(world: World, faces: Faces, typ: object) -> None:
    """C13: exactly `vp+jwt`."""
    token = Token.read(world.present(world.root()))
    if typ is None:
        del token.header["typ"]
    else:
        token.header["typ"] = typ

    assert ("refused", "typ_mismatch") == faces(token.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize("value", [1, None, ["vc+sd-jwt"], {}, True])
@pytest.mark.parametrize("member", ["typ", "cty"])
def test_c13_typ_is_text(world: World, faces: Faces, member: str, value: object) -> None:
    """C13: a header member of another type is no header."""
    token = badge_token(world)
    token.header[member] = value

    assert INVALID == faces(token.sign(world.acme)).answer


def test_c13_a_credential_in_the_place_of_a_presentation(world: World, faces: Faces) -> None:
    """C13: and the reverse: neither serves as the other."""
    token = badge_token(world)
    credential, presentation = token.sign(world.acme), world.present(world.root())

    assert ("refused", "typ_mismatch") == faces(credential.removesuffix("~"), challenge=CHALLENGE).answer
    assert ("refused", "typ_mismatch") == faces(presentation + "~").answer
    assert ("refused", "typ_mismatch") == faces(presentation).answer


@pytest.mark.parametrize(
    "url",
    [
        "data:application/vc+jwt,{}", "data:application/dc+sd-jwt,{}", "data:,{}", "data:{}", "data:application/jwt,{}",
        "data:application/vc+sd-jwt;base64,{}", "data:application/VC+SD-JWT,{}", "data:application/vc+sd-jwt ,{}",
        "data:text/plain,{}", "data:application/vp+jwt,{}",
    ],
)  # fmt: skip
def test_c13_media_types_of_envelopes(world: World, faces: Faces, url: str) -> None:
    """C13: an envelope says what is in it, in the one way that is registered."""
    token = badge_token(world).sign(world.acme)
    envelope = {"@context": CREDENTIALS_V2, "type": "EnvelopedVerifiableCredential", "id": url.format(token)}

    assert ("refused", "typ_mismatch") == faces(envelope).answer


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": 1}, {"id": "https://acme.example/vc"}, {"id": ""}, {"@context": None}, {"@context": []},
        {"@context": ["https://example.org", CREDENTIALS_V2]}, {"@context": "https://www.w3.org/2018/credentials/v1"},
        {"id": "DATA:application/vc+sd-jwt,x"}, {"id": ["data:application/vc+sd-jwt,x"]},
    ],
    ids=repr,
)  # fmt: skip
def test_envelopes_have_their_form(world: World, faces: Faces, change: dict[str, object]) -> None:
    """VCDM 2.0 section 4.13: context, type and a data: URL."""
    token = badge_token(world).sign(world.acme)
    envelope = {
        "@context": CREDENTIALS_V2, "type": ["EnvelopedVerifiableCredential"],
        "id": f"data:application/vc+sd-jwt,{token}",
    } | change  # fmt: skip

    assert ("malformed", "type_mismatch") == faces(envelope).answer


def test_an_envelope_in_an_envelope(world: World, faces: Faces) -> None:
    """One token stands in an envelope, and an envelope in none."""
    envelope = encode({"@context": CREDENTIALS_V2, "type": "EnvelopedVerifiableCredential", "id": "data:x"})
    nested = {
        "@context": CREDENTIALS_V2, "type": "EnvelopedVerifiableCredential",
        "id": f"data:application/vc+sd-jwt,{envelope.decode()}",
    }  # fmt: skip

    assert "malformed" == faces(nested).family


def test_an_enveloped_presentation(world: World, faces: Faces) -> None:
    """The legal form of the same: a presentation's token in its envelope."""
    envelope = {
        "@context": [CREDENTIALS_V2], "type": "EnvelopedVerifiablePresentation",
        "id": f"data:application/vp+jwt,{world.present(world.root())}",
    }  # fmt: skip

    assert ("accepted", None) == faces(envelope, challenge=CHALLENGE).answer


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 1_000])
def test_c22_segments(world: World, faces: Faces, count: int) -> None:
    """C22: three, neither more nor less."""
    head, body, tail = badge_token(world).sign(world.acme).removesuffix("~").split(".")
    segments = [head, body, tail, *[tail] * 1_000][:count]

    assert INVALID == faces(".".join(segments) + "~").answer
    assert INVALID == faces(".".join(segments), challenge=CHALLENGE).answer


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"1", b"true", b'[{"iss":"x"}]'])
@pytest.mark.parametrize("challenge", [None, CHALLENGE])
def test_c22_payloads(world: World, faces: Faces, body: bytes, challenge: str | None) -> None:
    """C22: an object, whole and present."""
    token = badge_token(world) if challenge is None else Token.read(world.present(world.root()))
    signed = write(encode(token.header), body, world.acme.secret.sign(b"x"), token.disclosures)

    assert INVALID == faces(signed, challenge=challenge).answer


@pytest.mark.parametrize("head", [b"[]", b"null", b'"EdDSA"', b"1"])
def test_c22_headers(world: World, faces: Faces, head: bytes) -> None:
    """C22: the header too; a text that begins otherwise than an object's is no token at all."""
    signed = write(head, encode(badge(world)), bytes(64), [])

    assert "malformed" == faces(signed).family


@pytest.mark.parametrize("tail", ["..", "...", ".", "~", "~~", "~.", ".~.", "e", "e~", "e.e.e~", "ey~", "~ey"])
def test_c22_scraps(faces: Faces, tail: str) -> None:
    """C22: hardly a token."""
    assert "malformed" == faces(tail).family
    assert faces(tail, challenge=CHALLENGE).family in ("malformed", "refused")
