"""D01-D16: disclosures that the issuer did not make, that stand twice, or hide what every verifier must see."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.limits import DEFAULT
from agentdid.proof.disclosures import digest_of
from agentdid.secure.sd_jwt import issue
from tests.forgery import CHALLENGE, Faces, Token, badge, badge_token, disclosure
from tests.world import World

MALFORMED = ("malformed", "sd_disclosure_malformed")


def hidden(world: World, *given: str, subject: dict[str, Any] | None = None, **more: Any) -> Token:  # noqa: ANN401
    """Return a badge whose subject has the digests of these disclosures, which are given along."""
    token = badge_token(world)
    token.payload["credentialSubject"] = {
        "id": world.agent.did, "_sd": [digest_of(each) for each in given], **(subject or {}),
    }  # fmt: skip
    token.payload |= more
    token.disclosures = list(given)
    return token


NAME = disclosure("salt", "name", "Ada")
TEAM = disclosure("salt", "team", "AP")


@pytest.mark.parametrize("place", [0, 1])
def test_d01_unreferenced(world: World, faces: Faces, place: int) -> None:
    """D01: no digest leads to it, before or behind the others."""
    token = hidden(world, NAME)
    token.disclosures = [NAME, TEAM][:: 1 if place else -1]

    assert ("refused", "sd_disclosure_unreferenced") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize(
    "extra",
    [disclosure("salt", "name", "Eve"), disclosure("other", "name", "Ada"), disclosure("s", "admin", True), TEAM],
)
def test_d01_by_the_holder(world: World, faces: Faces, extra: str) -> None:
    """D01: a holder adds a disclosure, or puts one with another value in a digest's place, under its own signature."""
    token = hidden(world, NAME).sign(world.acme)
    added, exchanged = token + extra + "~", token.replace(NAME, extra)

    for forged in (added, exchanged):
        assert ("refused", "sd_disclosure_unreferenced") == faces(world.present([forged]), challenge=CHALLENGE).answer


def test_d01_referenced_by_what_is_withheld(world: World, faces: Faces) -> None:
    """D01: the disclosure within a disclosure comes without the outer one."""
    inner = disclosure("s", "street", "Main St")
    outer = disclosure("s", "address", {"_sd": [digest_of(inner)]})
    token = hidden(world, outer)
    token.disclosures = [inner]

    assert ("refused", "sd_disclosure_unreferenced") == faces(token.sign(world.acme)).answer


def test_d01_under_another_hash(world: World, faces: Faces) -> None:
    """D01: the digest is another hash's, so none leads to the disclosure."""
    token = hidden(world, NAME)
    digest = encode_base64url(hashlib.sha512(NAME.encode()).digest())
    token.payload["credentialSubject"]["_sd"] = [digest]

    assert ("refused", "sd_disclosure_unreferenced") == faces(token.sign(world.acme)).answer


DIGEST = digest_of(NAME)
TWICE: dict[str, dict[str, Any]] = {
    "same-array": {"_sd": [DIGEST, DIGEST]},
    "two-objects": {"_sd": [DIGEST], "more": {"_sd": [DIGEST]}},
    "array-and-object": {"_sd": [DIGEST], "more": [{"...": DIGEST}]},
    "two-elements": {"more": [{"...": DIGEST}, {"...": DIGEST}]},
}


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("given", [False, True])
def test_d02_the_same_digest_twice(world: World, faces: Faces, name: str, given: bool) -> None:
    """D02: disclosed or not, one digest has one place."""
    token = badge_token(world)
    token.payload["credentialSubject"] = {"id": world.agent.did, **TWICE[name]}
    # which of the two places is met first, and so whether the form is looked at, does not matter for these
    token.disclosures = [NAME] if given and "elements" not in name and "array-and" not in name else []

    assert ("refused", "sd_digest_duplicate") == faces(token.sign(world.acme)).answer


def test_d02_once_more_inside_a_disclosure(world: World, faces: Faces) -> None:
    """D02: once in the payload, once in what a disclosure opens."""
    outer = disclosure("s", "address", {"_sd": [DIGEST]})
    token = hidden(world, NAME, outer)

    assert ("refused", "sd_digest_duplicate") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("apart", [False, True])
def test_d03_the_same_disclosure_twice(world: World, faces: Faces, apart: bool) -> None:
    """D03: side by side or apart."""
    token = hidden(world, NAME, TEAM)
    token.disclosures = [NAME, TEAM, NAME] if apart else [NAME, NAME, TEAM]

    assert ("refused", "sd_digest_duplicate") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("name", ["_sd", "..."])
@pytest.mark.parametrize("value", [[DIGEST], "x", []])
def test_d04_reserved_names(world: World, faces: Faces, name: str, value: object) -> None:
    """D04: a claim called as digests are."""
    token = hidden(world, disclosure("s", name, value))

    assert ("refused", "sd_claim_reserved") == faces(token.sign(world.acme)).answer


def test_d04_sd_alg_inside_a_disclosure(world: World, faces: Faces) -> None:
    """D04, D12: `_sd_alg` stands at the top level only, also where a disclosure would put it."""
    token = hidden(world, disclosure("s", "address", {"_sd_alg": "sha-256"}))

    assert MALFORMED == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("first", ["plain", "disclosed"])
def test_d06_collisions(world: World, faces: Faces, first: str) -> None:
    """D06: beside a claim of its name, plain or disclosed."""
    if first == "plain":
        token = hidden(world, NAME, subject={"name": "Eve"})
    else:
        token = hidden(world, NAME, disclosure("other", "name", "Eve"))

    assert ("refused", "sd_claim_collision") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("name", ["iss", "vct", "cnf", "issuer", "type", "validUntil", "credentialSubject"])
def test_d06_collisions_at_the_top(world: World, faces: Faces, name: str) -> None:
    """D06: with what the token itself says."""
    given = disclosure("s", name, "x")
    token = badge_token(world, {"iss": world.acme.did, "vct": "x", "cnf": {"kid": world.agent.method_id}})
    token.payload["_sd"] = [digest_of(given)]
    token.disclosures = [given]

    assert ("refused", "sd_claim_collision") == faces(token.sign(world.acme)).answer


NEVER = [
    "iss", "exp", "nbf", "iat", "cnf", "vct", "status", "aud", "sub", "jti", "issuer", "validFrom", "validUntil",
    "credentialStatus", "credentialSubject", "type", "@context", "id", "credentialSchema", "termsOfUse",
]  # fmt: skip


@pytest.mark.parametrize("name", NEVER)
def test_d08_what_may_not_be_hidden(world: World, faces: Faces, name: str) -> None:
    """D08: given along, it is still refused, since the next holder could leave it out."""
    token = badge_token(world)
    given = disclosure("s", name, token.payload.pop(name, "x"))
    token.payload["_sd"] = [digest_of(given)]
    token.disclosures = [given]

    assert ("refused", "sd_claim_not_allowed") == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        ("credentialSubject", "id"), ("issuer", "name"), ("type", 1), ("@context", 1), ("credentialStatus", "type"),
        ("credentialSubject", 0), ("credentialSubject", 0, "id"), ("cnf", "kid"),
    ],
)  # fmt: skip
def test_d08_within_what_may_not_be_hidden(
    world: World, faces: Faces, path: tuple[str | int, ...], given: bool
) -> None:
    """D08: nor a part of it; where it is withheld, too."""
    if path[0] == "credentialSubject" and path[-1] == "id" and not given:
        return  # a digest among a subject's claims may be any other claim
    document: Any = badge(world, issuer={"id": world.acme.did, "name": "Acme"}, cnf={"kid": world.agent.method_id})
    document["@context"].append("https://example.org/v1")
    document["credentialStatus"] = world.status(world.acme, 7)
    if isinstance(path[1], int) and path[0] == "credentialSubject":
        document["credentialSubject"] = [document["credentialSubject"], {"x": 1}]
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    encoded = disclosure("s", last, holder[last]) if isinstance(holder, dict) else disclosure("s", holder[last])
    if isinstance(holder, dict):
        del holder[last]
        holder["_sd"] = [digest_of(encoded)]
    else:
        holder[last] = {"...": digest_of(encoded)}
    token = Token(badge_token(world).header, document, [encoded] if given else [])

    assert ("refused", "sd_claim_not_allowed") == faces(token.sign(world.acme)).answer


CAPABILITY = ("credentialSubject", "capability")
IN_A_CAPABILITY = [
    (*CAPABILITY, "root"), (*CAPABILITY, "grants"), (*CAPABILITY, "grants", 0, "limits"), (*CAPABILITY, "audience", 0),
    (*CAPABILITY, "grants", 0, "actions", 0), CAPABILITY, (*CAPABILITY, "minSecurity"), ("validUntil",), ("name",),
    (*CAPABILITY, "grants", 0, "constraints"), (*CAPABILITY, "delegation", "maxDepth"),
]  # fmt: skip


@pytest.mark.parametrize("path", IN_A_CAPABILITY, ids=lambda path: "/".join(map(str, path)))
@pytest.mark.parametrize("given", [False, True])
def test_d08_of_a_capability(world: World, faces: Faces, path: tuple[str | int, ...], given: bool) -> None:
    """D08: of a capability only whole grants, for the issuer's library and for the verifier."""
    token = Token.read(str(world.root(claims={"name": "Ada"})[0]))
    token.payload["credentialSubject"]["capability"]["grants"] = [world.grant()]
    token.payload["name"] = "x"
    holder: Any = token.payload
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    encoded = disclosure("s", last, holder[last]) if isinstance(holder, dict) else disclosure("s", holder[last])
    if isinstance(holder, dict):
        del holder[last]
        holder["_sd"] = [digest_of(encoded)]
    else:
        holder[last] = {"...": digest_of(encoded)}
    token.disclosures = [encoded] if given else []
    # a digest among the subject's claims may be any other claim, so a capability that is withheld is missing
    missing = path == CAPABILITY and not given
    expected = ("malformed", "type_mismatch") if missing else ("refused", "sd_claim_not_allowed")

    assert expected == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("path", [("issuer",), ("credentialSubject", "id"), ("validUntil",), ("type", 0)])
def test_d08_our_issuer_does_not_hide_it(world: World, path: tuple[str | int, ...]) -> None:
    """D08: at issue as at verification."""
    from agentdid.errors import SdClaimNotAllowed  # noqa: PLC0415

    with pytest.raises(SdClaimNotAllowed):
        issue(badge(world), world.acme.secret, world.acme.method_id, disclosable=[path])


SHAPES: dict[str, object] = {
    "D10-empty": [],
    "D10-one": ["salt"],
    "D10-two-for-a-property": ["salt", "name"],
    "D10-four": ["salt", "name", "value", "more"],
    "D10-salt-number": [1, "name", "Ada"],
    "D10-salt-null": [None, "name", "Ada"],
    "D10-salt-list": [["salt"], "name", "Ada"],
    "D10-name-number": ["salt", 1, "Ada"],
    "D10-name-null": ["salt", None, "Ada"],
    "D10-name-list": ["salt", ["name"], "Ada"],
    "D10-object": {"salt": "s", "name": "name", "value": "Ada"},
    "D10-string": "name",
    "D10-null": None,
    "D10-number": 1,
}


@pytest.mark.parametrize("name", SHAPES)
def test_d10_shapes_of_a_property(world: World, faces: Faces, name: str) -> None:
    """D10: salt, name and value."""
    token = hidden(world, encode_base64url(encode(SHAPES[name])))

    assert MALFORMED == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize(
    "content", [["salt"], ["salt", "name", "value"], ["s", "n", "v", "m"], [1, "v"], [None, 1], []]
)
def test_d10_shapes_of_an_element(world: World, faces: Faces, content: list[object]) -> None:
    """D10: salt and value."""
    encoded = encode_base64url(encode(content))
    token = badge_token(world)
    token.payload["credentialSubject"]["teams"] = [{"...": digest_of(encoded)}]
    token.disclosures = [encoded]

    assert MALFORMED == faces(token.sign(world.acme)).answer


PLACES: dict[str, dict[str, Any]] = {
    "D12-sd-string": {"_sd": DIGEST},
    "D12-sd-object": {"_sd": {"0": DIGEST}},
    "D12-sd-null": {"_sd": None},
    "D12-sd-number": {"_sd": 1},
    "D12-sd-true": {"_sd": True},
    "D12-sd-of-numbers": {"_sd": [1]},
    "D12-sd-of-null": {"_sd": [None]},
    "D12-sd-nested": {"_sd": [[DIGEST]]},
    "D12-sd-of-objects": {"_sd": [{"...": DIGEST}]},
    "D12-nested-sd-alg": {"_sd_alg": "sha-256"},
    "D12-deeply-nested-sd-alg": {"a": {"b": [{"_sd_alg": "sha-256"}]}},
    "D12-dots-beside": {"teams": [{"...": DIGEST, "x": 1}]},
    "D12-dots-number": {"teams": [{"...": 1}]},
    "D12-dots-list": {"teams": [{"...": [DIGEST]}]},
    "D12-dots-in-an-object": {"...": DIGEST},
}


@pytest.mark.parametrize("name", PLACES)
def test_d12_places_for_digests(world: World, faces: Faces, name: str) -> None:
    """D12: `_sd` is a list of strings, `...` stands alone in an element, `_sd_alg` at the top."""
    token = badge_token(world)
    token.payload["credentialSubject"] |= PLACES[name]

    assert MALFORMED == faces(token.sign(world.acme)).answer


def test_d12_no_digests_at_all(world: World, faces: Faces) -> None:
    """An empty `_sd` hides nothing; it is legal."""
    token = badge_token(world)
    token.payload["credentialSubject"]["_sd"] = []

    assert ("accepted", None) == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize(
    "name",
    ["md5", "sha-1", "sha1", "sha-256-32", "sha-256-128", "SHA-256", "sha256", "sha-224", "crc32", "", "none",
     None, 256, ["sha-256"], {}, True],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("given", [False, True])
def test_d13_hashes(world: World, faces: Faces, name: object, given: bool) -> None:
    """D13: weak, shortened, unknown, or no name at all; used or not."""
    token = hidden(world, NAME, _sd_alg=name)
    token.disclosures = [NAME] if given else []

    assert ("refused", "sd_alg_unsupported") == faces(token.sign(world.acme)).answer


def test_d15_ten_thousand_disclosures(world: World, faces: Faces) -> None:
    """D15: 10 MB of them are refused by size, before anything is hashed."""
    token = badge_token(world)
    token.disclosures = ["x" * 1_000] * 10_000
    verdict = faces(token.sign(world.acme))

    assert ("malformed", "input_too_large", "size") == (*verdict.answer, verdict.check)


@pytest.mark.parametrize(("more", "code"), [(0, None), (1, "input_too_large")])
def test_d15_as_many_as_the_limit(world: World, faces: Faces, more: int, code: str | None) -> None:
    """D15: 512 small ones are taken, one more is not."""
    given = [disclosure("s", f"claim-{number}", 1) for number in range(DEFAULT.max_disclosures + more)]

    assert code == faces(hidden(world, *given).sign(world.acme)).code


CONTENTS: dict[str, bytes] = {
    "D16-text": b"not json",
    "D16-nothing": b"",
    "D16-binary": b"\xff\xfe\0",
    "D16-duplicate": b'["s","name",{"a":1,"a":2}]',
    "D16-trailing": b'["s","name","Ada"]x',
    "D16-two": b'["s","name","Ada"]["s","b",1]',
    "D16-nan": b'["s","name",NaN]',
    "D16-range": b'["s","name",1e400]',
    "D16-big": b'["s","name",9007199254740993]',
    "D16-surrogate": b'["s","name","\\ud800"]',
    "D16-deep": b'["s","name",' + b"[" * 100 + b"]" * 100 + b"]",
    "D16-deeper": b"[" * 5_000,
    "D16-bom": b'\xef\xbb\xbf["s","name","Ada"]',
    "D16-utf-16": '["s","name","Ada"]'.encode("utf-16"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_d16_contents(world: World, faces: Faces, name: str) -> None:
    """D16: good base64url of what is no strict JSON."""
    token = hidden(world, encode_base64url(CONTENTS[name]))

    assert MALFORMED == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize("change", ["empty-between", "empty-first", "two-tildes-at-the-end"])
def test_d16_empty_disclosures(world: World, faces: Faces, change: str) -> None:
    """D16: nothing between two tildes is no disclosure."""
    token = hidden(world, NAME, TEAM).sign(world.acme)
    forged = {
        "empty-between": token.replace(f"{NAME}~", f"{NAME}~~"),
        "empty-first": token.replace(f"~{NAME}", f"~~{NAME}"),
        "two-tildes-at-the-end": token + "~",
    }[change]

    assert MALFORMED == faces(forged).answer


# --- key binding where none belongs, and none where one does


def test_d18_a_credential_where_a_holder_must_present(world: World, faces: Faces) -> None:
    """D18: the verifier asks for a holder; the token does not choose to come without one."""
    assert ("refused", "kb_missing") == faces(str(world.root()[0]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("challenge", [None, ""])
def test_d19_no_challenge_is_no_verification(world: World, challenge: Any) -> None:  # noqa: ANN401
    """D19: a challenge is a required argument, and neither None nor empty."""
    with pytest.raises(TypeError):
        world.verifier().verify(world.present(world.root()), challenge=challenge)
    with pytest.raises(TypeError):
        world.verifier().verify(world.present(world.root()))  # type: ignore[call-arg]  # the point


def bound(world: World) -> str:
    """Return an SD-JWT with a key binding JWT that the holder signed."""
    token = str(world.root()[0])
    digest = encode_base64url(hashlib.sha256(token.encode()).digest())
    claims = {"iat": int(world.now.timestamp()), "aud": "https://api.partner.example", "nonce": CHALLENGE}
    binding = Token({"alg": "EdDSA", "typ": "kb+jwt"}, {**claims, "sd_hash": digest}, None)
    return token + binding.sign(world.agent)


def test_d29_a_key_binding_jwt_in_an_envelope(world: World, faces: Faces) -> None:
    """D29: a credential has none, bare, enveloped or presented: it was made for somebody else's nonce."""
    assert ("refused", "kb_invalid") == faces(bound(world)).answer
    assert ("refused", "kb_invalid") == faces(world.present([bound(world)]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("tail", ["x", "e30.e30.AA", " ", "null"])
def test_d29_anything_behind_the_last_tilde(world: World, faces: Faces, tail: str) -> None:
    """D29: whatever it is."""
    assert ("refused", "kb_invalid") == faces(world.present([f"{world.root()[0]}{tail}"]), challenge=CHALLENGE).answer
