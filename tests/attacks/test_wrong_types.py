"""A15, A17, C15, C17: members of another JSON type or form than they are read as."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentdid.codec.instant import encode_instant
from tests.forgery import BADGE, CHALLENGE, Faces, Token, badge, badge_token, prove
from tests.world import NOW, World

MISMATCH = ("malformed", "type_mismatch")
EPOCH = int(NOW.timestamp())
NOT_TEXT = [["did:web:acme.example"], {"id": "did:web:acme.example"}, 1, True, None, ["a", "b"], [], ""]


@pytest.mark.parametrize("value", NOT_TEXT, ids=repr)
def test_a15_iss_of_a_credential(world: World, faces: Faces, value: object) -> None:
    """A15: `iss` is a string; the empty one is another issuer."""
    answer = faces(badge_token(world, {"iss": value}).sign(world.acme)).answer

    assert (("refused", "issuer_key_mismatch") if value == "" else MISMATCH) == answer


@pytest.mark.parametrize("value", NOT_TEXT, ids=repr)
def test_a15_iss_of_a_presentation(world: World, faces: Faces, value: object) -> None:
    """A15: the same where a holder presents."""
    token = Token.read(world.present(world.root()))
    token.payload["iss"] = value
    answer = faces(token.sign(world.agent), challenge=CHALLENGE).answer

    assert (("refused", "holder_binding_failed") if value == "" else MISMATCH) == answer


ISSUERS = [["did:web:acme.example"], 1, True, None, [], {}, "", "acme", {"id": ["did:web:acme.example"]}, {"id": None}]


@pytest.mark.parametrize("value", ISSUERS, ids=repr)
@pytest.mark.parametrize("form", ["token", "proof"])
def test_a15_issuer(world: World, faces: Faces, value: object, form: str) -> None:
    """A15: `issuer` is a URL or an object with one."""
    document = {**badge(world), "issuer": value}
    signed = prove(document, world.acme) if form == "proof" else None
    token = badge_token(world)
    token.payload["issuer"] = value

    assert MISMATCH == faces(signed or token.sign(world.acme)).answer


TYPES = [
    f"VerifiableCredential,{BADGE}", f"VerifiableCredential {BADGE}", BADGE, [BADGE], [], None, 1, {},
    ["VerifiableCredential", ["Admin"]], ["VerifiableCredential", 1], ["VerifiableCredential", ""],
    ["VerifiableCredential", "a b"], ["verifiablecredential", BADGE], [["VerifiableCredential", BADGE]],
    ["VerifiableCredentials", BADGE], {"VerifiableCredential": True},
]  # fmt: skip


@pytest.mark.parametrize("value", TYPES, ids=repr)
def test_a15_type(world: World, faces: Faces, value: object) -> None:
    """A15: types are names in a list, and no text that contains one."""
    document = {**badge(world), "type": value}
    token = badge_token(world)
    token.payload["type"] = value

    assert MISMATCH == faces(prove(document, world.acme)).answer
    assert MISMATCH == faces(token.sign(world.acme)).answer


MEMBERS: dict[str, tuple[object, ...]] = {
    "id": (1, None, [], "", "no-url", {"id": "urn:x"}, "urn:"),
    "credentialSubject": ("did:key:z6Mk", None, [], {}, 1, [{}], ["x"], [None], {"id": 1}, {"id": "x"}, [{"id": "x"}]),
    "credentialStatus": ("https://x", None, [], 1, {}, {"id": "https://x.example"}, [{"type": ""}], {"type": 1}),
    "credentialSchema": ({"id": "https://x.example"}, {"type": "JsonSchema"}, [], "x"),
    "evidence": ("x", {}, [1]),
    "termsOfUse": ("x", {}),
    "refreshService": ("https://x", {}),
    "relatedResource": ({}, [{}], [{"id": "https://x.example"}], "x", [{"id": "urn:x", "digestSRI": "md5-AA"}]),
    "name": (1, [], {"value": "x"}, {"@value": 1}),
    "description": ({"@value": "x", "@direction": "up"}, {"@value": "x", "@language": "not a tag"}),
    "@context": ("https://www.w3.org/ns/credentials/v2", {}, [], None, 1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("member", "value"), [(name, value) for name, values in MEMBERS.items() for value in values], ids=repr
)
def test_a15_members_of_a_credential(world: World, faces: Faces, member: str, value: object) -> None:
    """A15: every member of VCDM 2.0 has its shape, whoever signed."""
    token = badge_token(world)
    token.payload[member] = value

    assert MISMATCH == faces(token.sign(world.acme)).answer
    assert MISMATCH == faces(prove({**badge(world), member: value}, world.acme)).answer


@pytest.mark.parametrize("member", ["@context", "type", "issuer", "credentialSubject"])
def test_a15_required_members(world: World, faces: Faces, member: str) -> None:
    """A15: absent is not empty."""
    token = badge_token(world)
    del token.payload[member]

    assert MISMATCH == faces(token.sign(world.acme)).answer


PRESENTED: dict[str, tuple[object, ...]] = {
    "type": ("VerifiableCredential", [], None, ["EnvelopedVerifiablePresentation"]),
    "holder": (1, [], {}, {"id": 1}, "x", None),
    "verifiableCredential": ([], {}, None, "eyJ", ["eyJhbGciOiJFZERTQSJ9.e30.AA~"], [[]], 1, [{}], [None]),
    "@context": ([], {}, None),
    "id": (1, "x"),
    "iat": ("1", 1.5, True, None, [EPOCH], -1, 10**12, float(EPOCH)),
    "exp": (str(EPOCH + 30), EPOCH + 0.5, True, None, {}, -1, 253_402_300_800),
    "nbf": ("1", 1.5, True, None),
    "vp": ({},),
    "vc": ({},),
}


@pytest.mark.parametrize(
    ("member", "value"), [(name, value) for name, values in PRESENTED.items() for value in values], ids=repr
)
def test_a15_c15_members_of_a_presentation(world: World, faces: Faces, member: str, value: object) -> None:
    """A15, C15: of the presentation and of its token."""
    token = Token.read(world.present(world.root()))
    token.payload[member] = value

    assert MISMATCH == faces(token.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize("claim", ["iat", "exp"])
def test_c15_a_presentation_says_when(world: World, faces: Faces, claim: str) -> None:
    """C15: absent where the profile requires it."""
    token = Token.read(world.present(world.root()))
    del token.payload[claim]

    assert MISMATCH == faces(token.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize("claim", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("value", [str(EPOCH), float(EPOCH), True, None, [], {}, -1, 253_402_300_800], ids=repr)
def test_c15_times_of_a_credential(world: World, faces: Faces, claim: str, value: object) -> None:
    """C15: a NumericDate is a whole number and nothing that converts to one."""
    assert MISMATCH == faces(badge_token(world, {claim: value}).sign(world.acme)).answer


STAMPS: dict[str, object] = {
    "A17-no-zone": "2026-11-24T11:00:00",
    "A17-date": "2026-11-24",
    "A17-leap-second": "2026-11-24T11:00:60Z",
    "A17-year-0": "0000-11-24T11:00:00Z",
    "A17-year-10000": "10000-01-01T00:00:00Z",
    "A17-negative-year": "-2026-11-24T11:00:00Z",
    "A17-week-date": "2026-W01-1",
    "A17-week-date-time": "2026-W01-1T00:00:00Z",
    "A17-ordinal": "2026-327T11:00:00Z",
    "A17-lower-case-t": "2026-11-24t11:00:00Z",
    "A17-lower-case-z": "2026-11-24T11:00:00z",
    "A17-space": "2026-11-24 11:00:00Z",
    "A17-basic": "20261124T110000Z",
    "A17-no-seconds": "2026-11-24T11:00Z",
    "A17-short-offset": "2026-11-24T11:00:00+01",
    "A17-bare-offset": "2026-11-24T11:00:00+0100",
    "A17-offset-of-15": "2026-11-24T11:00:00+15:00",
    "A17-offset-seconds": "2026-11-24T11:00:00+01:00:30",
    "A17-hour-24": "2026-11-24T24:00:00Z",
    "A17-hour-25": "2026-11-24T25:00:00Z",
    "A17-30-february": "2026-02-30T11:00:00Z",
    "A17-29-february": "2026-02-29T11:00:00Z",
    "A17-month-13": "2026-13-01T11:00:00Z",
    "A17-comma": "2026-11-24T11:00:00,5Z",
    "A17-empty-fraction": "2026-11-24T11:00:00.Z",
    "A17-newline": "2026-11-24T11:00:00Z\n",
    "A17-leading-space": " 2026-11-24T11:00:00Z",
    "A17-arabic-digits": "٢٠٢٦-11-24T11:00:00Z",
    "A17-minus-sign": "2026-11-24T11:00:00\u221201:00",
    "A17-number": EPOCH,
    "A17-null": None,
    "A17-list": ["2026-11-24T11:00:00Z"],
    "A17-object": {"@value": "2026-11-24T11:00:00Z"},
    "A17-empty": "",
}


@pytest.mark.parametrize("name", STAMPS)
@pytest.mark.parametrize("member", ["validFrom", "validUntil"])
def test_a17_validity(world: World, faces: Faces, name: str, member: str) -> None:
    """A17: what is no `xsd:dateTimeStamp` of the calendar; never a time without zone."""
    token = badge_token(world)
    token.payload[member] = STAMPS[name]

    assert MISMATCH == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("name", STAMPS)
@pytest.mark.parametrize("member", ["created", "expires"])
def test_a17_times_of_a_proof(world: World, faces: Faces, name: str, member: str) -> None:
    """A17: of a proof too."""
    signed = prove(badge(world), world.acme)
    signed["proof"][member] = STAMPS[name]

    assert MISMATCH == faces(signed).answer


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-24T11:00:00Z", "2026-11-24T11:00:00.5Z", "2026-11-24T11:00:00.123456789Z", "2026-11-24T12:00:00+01:00",
        "2026-11-25T01:00:00+14:00", "2026-11-23T21:30:00-14:00", "0001-01-01T00:00:00Z", "2024-02-29T00:00:00+00:00",
        "2026-11-24T11:00:00-00:00",
    ],
)  # fmt: skip
def test_a17_what_is_taken(world: World, faces: Faces, stamp: str) -> None:
    """Fractions, offsets and leap days are legal."""
    token = badge_token(world, validFrom=stamp)

    assert ("accepted", None) == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a17_the_ends_of_the_calendar(world: World, faces: Faces, stamp: str) -> None:
    """A17: an instant before year 1 or after 9999 in UTC overflows nothing."""
    assert MISMATCH == faces(badge_token(world, validUntil=stamp).sign(world.acme)).answer


def test_a17_it_ends_after_it_begins(world: World, faces: Faces) -> None:
    """A17: `validFrom` after `validUntil`, both within reach, is no validity."""
    begin, end = NOW + timedelta(seconds=30), NOW - timedelta(seconds=30)
    token = badge_token(world, validFrom=encode_instant(begin), validUntil=encode_instant(end))

    assert MISMATCH == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("form", ["vp+jwt", "eddsa-jcs-2022"])
def test_a_presentation_ends_after_it_begins(world: World, faces: Faces, form: str) -> None:
    """A17: the same of a presentation, whose ends skew alone would allow."""
    before, after = NOW - timedelta(seconds=40), NOW + timedelta(seconds=40)
    if form == "vp+jwt":
        token = Token.read(world.present(world.root()))
        token.payload |= {"iat": int(after.timestamp()), "exp": int(before.timestamp())}
        presented: object = token.sign(world.agent)
    else:
        presented = prove(
            {
                "@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"],
                "holder": world.agent.did, "verifiableCredential": world.root(form=form),
            },
            world.agent, proofPurpose="authentication", challenge=CHALLENGE, domain="https://api.partner.example",
            created=encode_instant(after), expires=encode_instant(before),
        )  # fmt: skip

    assert MISMATCH == faces(presented, challenge=CHALLENGE).answer


CLAIMS: list[tuple[str, object, str]] = [
    ("iss", "did:web:other.example", "issuer_key_mismatch"),
    ("iss", "did:web:acme.example/", "issuer_key_mismatch"),
    ("iss", "did:web:acme.exampl", "issuer_key_mismatch"),
    ("iss", "DID:WEB:ACME.EXAMPLE", "issuer_key_mismatch"),
    ("sub", "did:web:other.example", "type_mismatch"),
    ("sub", "", "type_mismatch"),
    ("sub", None, "type_mismatch"),
    ("sub", ["did:key:z6Mk"], "type_mismatch"),
    ("jti", "urn:uuid:other", "type_mismatch"),
    ("jti", 1, "type_mismatch"),
    ("vc", {}, "type_mismatch"),
    ("vp", {}, "type_mismatch"),
    ("cnf", "x", "type_mismatch"),
    ("cnf", [], "type_mismatch"),
]


@pytest.mark.parametrize(("claim", "value", "code"), CLAIMS, ids=repr)
def test_c17_claims_that_say_otherwise(world: World, faces: Faces, claim: str, value: object, code: str) -> None:
    """C17: a token's claims say what the credential says, or nothing."""
    assert code == faces(badge_token(world, {claim: value}).sign(world.acme)).code


def test_c17_sub_of_a_credential_with_two_subjects(world: World, faces: Faces) -> None:
    """C17: `sub` cannot name one of several."""
    subjects = [{"id": world.agent.did}, {"id": world.helper.did}]
    token = badge_token(world, {"sub": world.agent.did}, credentialSubject=subjects)

    assert MISMATCH == faces(token.sign(world.acme)).answer


def test_c17_jti_of_a_credential_without_id(world: World, faces: Faces) -> None:
    """C17: `jti` beside no `id`."""
    token = badge_token(world, {"jti": "urn:uuid:1"}, id=None)

    assert MISMATCH == faces(token.sign(world.acme)).answer
