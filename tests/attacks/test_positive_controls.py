"""Z: what must be accepted. A verifier that refuses everything is no verifier."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.delegation.usage import Request
from agentdid.limits import DEFAULT
from agentdid.proof.disclosures import digest_of
from tests.forgery import BADGE, CHALLENGE, Faces, Token, badge, badge_token, disclosure, policy, prove
from tests.world import NOW, RESOURCE, World

ACCEPTED = ("accepted", None)
DECOYS = [digest_of(f"decoy-{number}") for number in range(50)]


@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
@pytest.mark.parametrize("around", ["vp+jwt", "eddsa-jcs-2022"])
def test_the_good_documents(world: World, faces: Faces, form: str, around: str) -> None:
    """What every attack starts from is accepted, in each form, bare and presented, with a request."""
    chain = world.root(form=form)
    presented = world.present(chain, form=around)
    request = Request("http", "invoice.read", f"{RESOURCE}/7", {})

    assert ACCEPTED == faces(chain).answer
    assert ACCEPTED == faces(chain[0]).answer
    assert ACCEPTED == faces(presented, challenge=CHALLENGE).answer
    assert ACCEPTED == faces(presented, challenge=CHALLENGE, request=request).answer


@pytest.mark.parametrize("where", ["subject", "nested"])
def test_z03_decoys(world: World, faces: Faces, where: str) -> None:
    """Z03: fifty digests to which no disclosure belongs."""
    token = badge_token(world)
    subject = token.payload["credentialSubject"]
    (subject if where == "subject" else subject.setdefault("address", {"country": "DE"}))["_sd"] = DECOYS

    assert ACCEPTED == faces(token.sign(world.acme)).answer


def test_z03_decoys_in_an_array(world: World, faces: Faces) -> None:
    """Z03: and among elements."""
    token = badge_token(world)
    token.payload["credentialSubject"]["teams"] = ["a", *({"...": each} for each in DECOYS)]

    assert ACCEPTED == faces(token.sign(world.acme)).answer


def test_z04_nothing_disclosed(world: World, faces: Faces) -> None:
    """Z04: everything that can be withheld is, and the token ends in its tilde."""
    token = badge_token(world)
    hidden = disclosure("salt", "name", "Ada")
    del token.payload["credentialSubject"]["name"]
    token.payload["credentialSubject"]["_sd"] = [digest_of(hidden)]
    bare = token.sign(world.acme)

    assert bare.endswith("~")
    assert ACCEPTED == faces(bare).answer
    assert ACCEPTED == faces(world.present([bare]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("seconds", [-60, -59, 59, 60])
def test_z06_skew_of_the_holders_clock(world: World, faces: Faces, seconds: int) -> None:
    """Z06: a presentation from a clock that is at most a minute off, either way."""
    for form in ("vp+jwt", "eddsa-jcs-2022"):
        presented = world.present(world.root(), form=form, at=NOW + timedelta(seconds=seconds))
        assert ACCEPTED == faces(presented, challenge=CHALLENGE).answer


@pytest.mark.parametrize("member", ["validFrom", "validUntil"])
@pytest.mark.parametrize("seconds", [59, 60])
def test_z06_skew_of_the_issuers_clock(world: World, faces: Faces, member: str, seconds: int) -> None:
    """Z06: valid from a minute ahead, or until a minute ago."""
    shift = timedelta(seconds=seconds if member == "validFrom" else -seconds)
    changes = {"validFrom": encode_instant(NOW - timedelta(hours=1)), member: encode_instant(NOW + shift)}

    assert ACCEPTED == faces(badge_token(world, **changes).sign(world.acme)).answer
    assert ACCEPTED == faces(prove(badge(world, **changes), world.acme)).answer


@pytest.mark.parametrize(
    ("claim", "seconds"), [("iat", 59), ("iat", 60), ("nbf", 59), ("nbf", 60), ("exp", -59), ("exp", -60)]
)
def test_z06_skew_of_claims(world: World, faces: Faces, claim: str, seconds: int) -> None:
    """Z06: the same for the token's own times."""
    claims = {claim: int(NOW.timestamp()) + seconds}

    assert ACCEPTED == faces(badge_token(world, claims).sign(world.acme)).answer


def test_z10_unknown_header_members(world: World, faces: Faces) -> None:
    """Z10: a header member that nobody knows and nobody calls critical is ignored (RFC 7515 section 4)."""
    credential = Token.read(str(world.root()[0]))
    credential.header |= {"x-trace": "1", "iat": 1, "zip": "none"}
    presented = Token.read(world.present([credential.sign(world.acme)]))
    presented.header["x-trace"] = {"a": [1]}

    assert ACCEPTED == faces(presented.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize(
    "claims",
    [
        {"name": "Zoë 🤖", "motto": "שלום עולם"},
        {"\U00010437": 1, "\ufb33": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "ö": 7},
        {"text": '\u2028\u0000\u001f"\\/\u007f\ufeff'},
        {"number": [0.1, 1e21, 1e-7, 333333333.33333329, 4.50, 2e-3, 1e30, 9007199254740991, -9007199254740991]},
        {"nothing": None, "empty": {}, "list": [], "yes": True, "text": ""},
    ],
    ids=["emoji-rtl", "astral-names", "controls", "numbers", "empties"],
)
@pytest.mark.parametrize("pretty", [False, True])
def test_z15_claims_of_every_script(world: World, faces: Faces, claims: dict[str, Any], pretty: bool) -> None:
    """Z15: under JCS, in whatever spelling the JSON travels."""
    subject = {"id": world.agent.did, **claims}
    signed = prove(badge(world, credentialSubject=subject), world.acme)
    text = json.dumps(signed, indent=3, ensure_ascii=True) if pretty else encode(signed)

    assert ACCEPTED == faces(text).answer
    assert ACCEPTED == faces(badge_token(world, credentialSubject=subject).sign(world.acme)).answer


@pytest.mark.parametrize("iss", [False, True])
def test_z22_issuer_object(world: World, faces: Faces, iss: bool) -> None:
    """Z22: an issuer written as an object, with and without the claim `iss` beside it."""
    issuer = {"id": world.acme.did, "name": {"@value": "Acme", "@language": "en"}}
    claims: dict[str, object] = {"iss": world.acme.did} if iss else {}

    assert ACCEPTED == faces(badge_token(world, claims, issuer=issuer).sign(world.acme)).answer
    assert ACCEPTED == faces(prove(badge(world, issuer=issuer), world.acme)).answer


@pytest.mark.parametrize("spare", [1, 0])
@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
def test_z23_the_largest_document(world: World, faces: Faces, form: str, spare: int) -> None:
    """Z23: as large as the limit, and one byte less, within 250 ms."""
    document = sized(world, form, DEFAULT.max_input_bytes - spare)
    start = time.perf_counter()
    world.verifier(trust=world.trust(**policy(world))).verify_credential(document)

    assert 0.25 > time.perf_counter() - start
    assert DEFAULT.max_input_bytes - spare == len(document)
    assert ACCEPTED == faces(document).answer


def sized(world: World, form: str, size: int) -> str:
    """Return a credential of exactly that many bytes."""
    subject: dict[str, Any] = {"id": world.agent.did, "padding": ""}
    while True:
        if form == "vc+sd-jwt":
            text = badge_token(world, credentialSubject=subject).sign(world.acme)
        else:
            text = encode(prove(badge(world, credentialSubject=subject), world.acme)).decode()
        missing = size - len(text)
        if missing == 0:
            return text
        if form != "vc+sd-jwt":
            # a signature in base58 may be a character shorter; the next padding has another signature
            subject["padding"] = (
                subject["padding"][: missing or None] if missing < 0 else subject["padding"] + "x" * missing
            )
        else:
            # three bytes are four characters: the kid's fragment cannot be padded, a header member can
            subject["padding"] += "x" * max(1, missing * 3 // 4)
            if missing < 4:
                return padded_header(world, subject, size)


def padded_header(world: World, subject: dict[str, Any], size: int) -> str:
    """Return an SD-JWT whose last bytes of length stand in its header."""
    for cut in range(12):
        for more in range(12):
            token = badge_token(world, credentialSubject={**subject, "padding": subject["padding"][cut:]})
            token.header["x"] = "y" * more
            if len(text := token.sign(world.acme)) == size:
                return text
    message = f"no token of {size} bytes"
    raise AssertionError(message)


LEGAL: dict[str, Callable[[World], object]] = {
    "proof-without-context": lambda world: prove(badge(world), world.acme, **{"@context": None}),
    "proof-in-an-array": lambda world: {**(it := prove(badge(world), world.acme)), "proof": [it["proof"]]},
    "proof-without-created": lambda world: prove(badge(world), world.acme, created=None),
    "proof-with-id": lambda world: prove(badge(world), world.acme, id="urn:uuid:1"),
    "proof-with-unknown-option": lambda world: prove(badge(world), world.acme, nonce="x", custom={"a": 1}),
    "proof-with-expires": lambda world: prove(badge(world), world.acme, expires=encode_instant(NOW)),
    "created-with-offset": lambda world: prove(badge(world), world.acme, created="2026-11-24T13:59:00.123456+02:00"),
    "two-proofs": lambda world: {
        **(it := prove(badge(world), world.acme)),
        "proof": [it["proof"], prove(badge(world), world.acme, created=encode_instant(NOW))["proof"]],
    },
    "undefined-term": lambda world: prove(badge(world, admin=True), world.acme),
    "type-as-string-subject-as-list": lambda world: prove(
        badge(world, credentialSubject=[{"id": world.agent.did}, {"claim": 1}]), world.acme
    ),
    "no-id": lambda world: prove(badge(world, id=None), world.acme),
    "no-dates": lambda world: prove(badge(world, validFrom=None, validUntil=None), world.acme),
    "inline-context": lambda world: prove(badge(world, **{"@context": [CREDENTIALS_V2, {"x": "urn:x"}]}), world.acme),
    "escaped-names": lambda world: encode(prove(badge(world), world.acme)).replace(b'"issuer"', b'"\\u0069ssuer"'),
    "white-space": lambda world: b"\r\n\t " + json.dumps(prove(badge(world), world.acme), indent=1).encode() + b"\r\n",
    "token-with-newline": lambda world: badge_token(world).sign(world.acme) + "\r\n",
    "enveloped": lambda world: {
        "@context": CREDENTIALS_V2, "type": "EnvelopedVerifiableCredential",
        "id": f"data:application/vc+sd-jwt,{badge_token(world).sign(world.acme)}",
    },
    "alg-Ed25519": lambda world: signed_with(world, alg="Ed25519"),
    "no-cty": lambda world: signed_with(world, cty=None),
    "pretty-json-in-token": lambda world: (it := badge_token(world)).sign(
        world.acme, head=json.dumps(it.header, indent=2).encode(), body=json.dumps(it.payload, indent=2).encode()
    ),
    "all-claims": lambda world: badge_token(
        world,
        {
            "iss": world.acme.did, "sub": world.agent.did, "jti": badge(world)["id"], "iat": int(NOW.timestamp()),
            "nbf": int(NOW.timestamp()), "exp": int(NOW.timestamp()), "vct": "x", "cnf": {"kid": world.agent.method_id},
        },
    ).sign(world.acme),
}  # fmt: skip


def signed_with(world: World, **header: str | None) -> str:
    """Return a badge with these header members."""
    token = badge_token(world)
    token.header = {name: each for name, each in (token.header | header).items() if each is not None}
    return token.sign(world.acme)


@pytest.mark.parametrize("name", LEGAL)
def test_unusual_but_legal(world: World, faces: Faces, name: str) -> None:
    """What the specifications allow is accepted, however seldom it is written."""
    assert ACCEPTED == faces(LEGAL[name](world)).answer


@pytest.mark.parametrize("name", ["sha-256", "sha-384", "sha-512"])
@pytest.mark.parametrize("order", [1, -1])
def test_hashes_nesting_and_order_of_disclosures(world: World, faces: Faces, name: str, order: int) -> None:
    """Disclosures within disclosures, properties and elements, in any order, under each hash (RFC 9901 section 4)."""
    import hashlib  # noqa: PLC0415

    def digest(text: str) -> str:
        return encode_base64url(hashlib.new(name.replace("-", ""), text.encode()).digest())

    street = disclosure("", "street", "Main St")
    address = disclosure("s" * 200, "address", {"_sd": [digest(street)], "country": "DE"})
    team = disclosure("e", {"name": "AP"})
    token = badge_token(world)
    token.payload["_sd_alg"] = name
    token.payload["credentialSubject"] |= {"_sd": [digest(address)], "teams": [{"...": digest(team)}, "x"]}
    token.disclosures = [street, address, team][::order]
    signed = token.sign(world.acme)

    assert ACCEPTED == faces(signed).answer
    verifier = world.verifier(trust=world.trust(**policy(world)))
    (credential,) = verifier.verify_credential(signed).credentials
    subject: Any = credential.claims["credentialSubject"]
    assert ("Main St", "AP", 3) == (subject["address"]["street"], subject["teams"][0]["name"], subject["level"])


@pytest.mark.parametrize("name", ["p256", "ed25519"])
def test_issuers_and_holders_of_every_key(faces: Faces, world: World, name: str) -> None:
    """did:key and did:web, Ed25519 and P-256, on either side."""
    algorithm = {"p256": "P-256", "ed25519": "Ed25519"}[name]
    issuer, holder = world.party("maker", algorithm=algorithm), world.party("bearer", algorithm=algorithm)
    anchor = {"did": issuer.did, "types": [BADGE]}
    token = badge_token(world, issuer=issuer.did, credentialSubject={"id": holder.did})
    token.header |= {"alg": issuer.secret.public.algorithm.jose[0], "kid": issuer.method_id}
    presented = world.present([token.sign(issuer)], holder)

    assert ACCEPTED == faces(presented, challenge=CHALLENGE, trust=policy(world, anchor=[anchor])).answer
