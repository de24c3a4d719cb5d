"""D18-D29: SD-JWTs presented by themselves, of both kinds, and key bindings that were not made for this."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentdid.codec.strict_json import encode
from agentdid.errors import AgentdidError
from agentdid.keys.jwk import encode_jwk
from agentdid.proof.disclosures import digest_of
from agentdid.secure import key_binding, sd_jwt, sd_jwt_vc
from agentdid.trust.anchors import Trust
from tests.forgery import CHALLENGE, Faces, Token, badge, flip
from tests.tokens import JOSE_KEYS, party
from tests.world import AUDIENCE, Party, World

ACCEPTED = ("accepted", None)
VCT = "https://acme.example/badge"


def kind(world: World, form: str, *, cnf: object = ..., hide: bool = True) -> tuple[str, dict[str, object]]:
    """Return an SD-JWT of a kind with the agent's key in `cnf`, and the policy that takes it."""
    confirmation = {"jwk": encode_jwk(world.agent.secret.public)} if cnf is ... else cnf
    claims: dict[str, object] = {} if confirmation is None else {"cnf": confirmation}
    policy = world.policy(anchor=[{"did": world.acme.did, "types": [VCT, "BadgeCredential"]}])
    if form == "vc+sd-jwt":
        paths: list[tuple[str | int, ...]] = [("credentialSubject", "name"), ("credentialSubject", "level")]
        return sd_jwt.issue(
            badge(world), world.acme.secret, world.acme.method_id, disclosable=paths if hide else [], claims=claims
        ), policy
    now = int(world.now.timestamp())
    claims |= {"vct": VCT, "iss": world.acme.did, "iat": now - 60, "exp": now + 3_600, "name": "Ada", "level": 3}
    return sd_jwt_vc.issue(
        claims, world.acme.secret, world.acme.method_id, disclosable=[("name",), ("level",)] if hide else []
    ), policy


def bind(world: World, token: str, by: Party | None = None, **changes: object) -> str:
    """Return it with a key binding; a change to `None` leaves a claim or header member out."""
    header: dict[str, Any] = {"alg": "EdDSA", "typ": "kb+jwt"}
    claims: dict[str, Any] = {
        "iat": int(world.now.timestamp()), "aud": AUDIENCE, "nonce": CHALLENGE, "sd_hash": digest_of(token),
    }  # fmt: skip
    for name, value in changes.items():
        place = header if name in ("alg", "typ", "jwk", "kid", "crit") else claims
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return token + Token(header, claims, None).sign(by or world.agent)


FORMS = pytest.mark.parametrize("form", ["vc+sd-jwt", "dc+sd-jwt"])


@FORMS
def test_a_credential_that_is_known_needs_its_own_binding(world: World, form: str) -> None:
    """However often a token came, its holder signs anew, over the disclosures that are shown and no others."""
    token, trust = kind(world, form)
    verifier = world.verifier(trust=Trust.parse(trust))
    issued, one, two, _ = token.split("~")

    def code(text: str, nonce: str) -> str | None:
        try:
            verifier.verify(text, challenge=nonce)
        except AgentdidError as error:
            return error.code
        return None

    for turn in range(4):
        assert code(bind(world, token, nonce=f"n{turn}"), f"n{turn}") is None
    binding = bind(world, token, nonce="m").rpartition("~")[2]
    assert "kb_sd_hash_mismatch" == code(f"{issued}~{one}~{binding}", "m")
    assert "kb_sd_hash_mismatch" == code(f"{issued}~{two}~{one}~{binding}", "m")
    assert "kb_invalid" == code(bind(world, token, by=world.stranger, nonce="m"), "m")
    assert "kb_invalid" == code(flip(f"{token}{binding}", -3), "m")
    assert "nonce_mismatch" == code(f"{token}{binding}", "o")
    assert code(f"{token}{binding}", "m") is None


@FORMS
def test_the_honest_one(world: World, faces: Faces, form: str) -> None:
    """Everything disclosed, one claim disclosed, and nothing (Z04)."""
    token, trust = kind(world, form)
    issued, first, *_ = token.split("~")

    for shown in (token, f"{issued}~{first}~", f"{issued}~"):
        assert ACCEPTED == faces(bind(world, shown), challenge=CHALLENGE, trust=trust).answer


@FORMS
def test_z02_a_minimal_cnf(world: World, faces: Faces, form: str) -> None:
    """Z02: a key of kty, crv and coordinates alone, of another algorithm than the DID's."""
    for algorithm in ("P-256", "Ed25519"):
        holder = party("holder", algorithm)
        token, trust = kind(world, form, cnf={"jwk": encode_jwk(holder.secret.public)})
        bound = bind(world, token, holder, alg="ES256" if algorithm == "P-256" else "EdDSA")
        assert ACCEPTED == faces(bound, challenge=CHALLENGE, trust=trust).answer


@pytest.mark.parametrize("algorithm", JOSE_KEYS)
def test_every_algorithm(world: World, algorithm: str) -> None:
    """Issued and bound with keys of one algorithm."""
    issuer, holder = party("issuer", algorithm), party("holder", algorithm)
    claims = {"vct": VCT, "cnf": {"jwk": encode_jwk(holder.secret.public)}, "name": "Ada"}
    token = sd_jwt_vc.issue(claims, issuer.secret, issuer.method_id, disclosable=[("name",)])
    presented = key_binding.bind(
        token, holder.secret, holder.method_id, audience=AUDIENCE, nonce=CHALLENGE, at=world.now
    )
    trust = world.trust(anchor=[{"did": issuer.did, "types": [VCT]}])
    decision = world.verifier(trust=trust).verify(presented, challenge=CHALLENGE)

    assert "Ada" == decision.credentials[0].document["name"]
    with pytest.raises(Exception, match="kb_invalid"):
        world.verifier(trust=trust).verify(presented[:-9] + flip(presented[-9:], 0), challenge=CHALLENGE)


def test_a_capability_by_itself(world: World, faces: Faces) -> None:
    """The root of a chain, bound by the key of its subject's DID or by `cnf`."""
    token = str(world.root()[0])

    assert ACCEPTED == faces(bind(world, token, kid=world.agent.method_id), challenge=CHALLENGE).answer
    assert ("refused", "kb_invalid") == faces(bind(world, token), challenge=CHALLENGE).answer


def test_a_capability_whose_cnf_is_not_its_subjects_key(world: World, faces: Faces) -> None:
    """PROTOCOL section 3.4: `cnf` only restricts; the subject's DID must list the key too."""
    part = Token.read(str(world.root()[0]))
    for holder, expected in ((world.agent, ACCEPTED), (world.stranger, ("refused", "holder_binding_failed"))):
        part.payload["cnf"] = {"jwk": encode_jwk(holder.secret.public)}
        assert expected == faces(bind(world, part.sign(world.acme), holder), challenge=CHALLENGE).answer


@FORMS
def test_d18_stripped(world: World, faces: Faces, form: str) -> None:
    """D18: the verifier asks for a holder; the token does not choose."""
    token, trust = kind(world, form)

    assert ("refused", "kb_missing") == faces(token, challenge=CHALLENGE, trust=trust).answer


@FORMS
def test_d20_sd_hash(world: World, faces: Faces, form: str) -> None:
    """D20: of another presentation, missing, of another algorithm, without the tilde."""
    import hashlib  # noqa: PLC0415

    from agentdid.codec.base import encode_base64url  # noqa: PLC0415

    token, trust = kind(world, form)
    fewer = "~".join(token.split("~")[:2]) + "~"
    other = encode_base64url(hashlib.sha512(token.encode()).digest())
    for value in (
        digest_of(fewer),
        None,
        digest_of(token[:-1]),
        other,
        "",
        7,
        digest_of(token) + "=",
        [digest_of(token)],
    ):
        answer = faces(bind(world, token, sd_hash=value), challenge=CHALLENGE, trust=trust).answer
        assert ("refused", "kb_sd_hash_mismatch") == answer
    moved = fewer + bind(world, token).rpartition("~")[2]
    assert ("refused", "kb_sd_hash_mismatch") == faces(moved, challenge=CHALLENGE, trust=trust).answer


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_d20_under_the_hash_of_the_token(world: World, algorithm: str) -> None:
    """D20: `sd_hash` is of the algorithm that `_sd_alg` names (RFC 9901 section 4.3.1)."""
    from agentdid.proof.disclosures import hide  # noqa: PLC0415
    from agentdid.proof.jws import sign_jws  # noqa: PLC0415

    claims = {"vct": VCT, "cnf": {"jwk": encode_jwk(world.agent.secret.public)}, "name": "Ada"}
    payload, disclosures = hide(claims, [("name",)], algorithm=algorithm)
    issued = sign_jws({"typ": "dc+sd-jwt", "kid": world.acme.method_id}, payload, world.acme.secret)
    token = "~".join([issued, *disclosures, ""])
    verifier = world.verifier(trust=world.trust(anchor=[{"did": world.acme.did, "types": [VCT]}]))
    bound = key_binding.bind(
        token, world.agent.secret, world.agent.method_id, audience=AUDIENCE, nonce=CHALLENGE, at=world.now
    )

    assert verifier.inspect(bound, challenge=CHALLENGE).code is None
    if algorithm != "sha-256":
        assert "kb_sd_hash_mismatch" == verifier.inspect(bind(world, token), challenge=CHALLENGE).code


@FORMS
@pytest.mark.parametrize(
    "audience",
    ["https://other.example", [AUDIENCE], f"{AUDIENCE}/", AUDIENCE[:-1], AUDIENCE.upper(), None, 7, ""],
    ids=repr,
)
def test_d22_audience(world: World, faces: Faces, form: str, audience: object) -> None:
    """D22: one string, byte for byte."""
    token, trust = kind(world, form)

    assert ("refused", "audience_mismatch") == faces(
        bind(world, token, aud=audience), challenge=CHALLENGE, trust=trust
    ).answer


@FORMS
@pytest.mark.parametrize("nonce", ["other", "", None, [CHALLENGE], 7, CHALLENGE + " "], ids=repr)
def test_d23_nonce(world: World, faces: Faces, form: str, nonce: object) -> None:
    """D23: the one that was handed out."""
    token, trust = kind(world, form)

    assert ("refused", "nonce_mismatch") == faces(
        bind(world, token, nonce=nonce), challenge=CHALLENGE, trust=trust
    ).answer


@FORMS
@pytest.mark.parametrize(
    ("shift", "code"),
    [(59, None), (61, "issued_in_future"), (31_536_000, "issued_in_future"), (-359, None), (-361, "expired")],
)
def test_d25_iat(world: World, faces: Faces, form: str, shift: int, code: str | None) -> None:
    """D25, Z06: not from the future, and 300 s old at most, give or take the skew."""
    token, trust = kind(world, form)
    bound = bind(world, token, iat=int(world.now.timestamp()) + shift)

    assert code == faces(bound, challenge=CHALLENGE, trust=trust).code


@FORMS
@pytest.mark.parametrize("iat", [None, "now", 1.5, True, -1])
def test_d25_iat_that_is_none(world: World, faces: Faces, form: str, iat: object) -> None:
    """A key binding says when it was made, in whole seconds."""
    token, trust = kind(world, form)
    answer = faces(bind(world, token, iat=iat), challenge=CHALLENGE, trust=trust).answer

    assert ("malformed", "type_mismatch") == answer


@FORMS
def test_d25_an_end_of_its_own(world: World, faces: Faces, form: str) -> None:
    """Where a key binding has `exp` or `nbf`, they bind."""
    token, trust = kind(world, form)
    now = int(world.now.timestamp())

    assert "expired" == faces(bind(world, token, exp=now - 61, iat=now - 70), challenge=CHALLENGE, trust=trust).code
    assert "not_yet_valid" == faces(bind(world, token, nbf=now + 61), challenge=CHALLENGE, trust=trust).code


@FORMS
def test_d26_another_key(world: World, faces: Faces, form: str) -> None:
    """D26: not that of `cnf`, whether or not it comes along in the header."""
    token, trust = kind(world, form)
    jwk = encode_jwk(world.stranger.secret.public)

    for bound in (bind(world, token, world.stranger), bind(world, token, world.stranger, jwk=jwk)):
        assert ("refused", "kb_invalid") == faces(bound, challenge=CHALLENGE, trust=trust).answer
    changed = bind(world, token)
    assert ("refused", "kb_invalid") == faces(
        changed[:-9] + flip(changed[-9:], 0), challenge=CHALLENGE, trust=trust
    ).answer


@FORMS
@pytest.mark.parametrize(
    "confirmation",
    [
        {}, {"jkt": "x"}, {"kid": "#key"}, {"kid": 7}, {"kid": ["did:example:a#b"]}, {"kid": {}},
        {"jwk": {"kty": "oct", "k": "AAAA"}}, {"jwk": "x"},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}, {"jwk": {}, "kid": "did:example:a#b"},
    ],
    ids=str,
)  # fmt: skip
def test_d26_a_cnf_that_names_no_key(world: World, faces: Faces, form: str, confirmation: object) -> None:
    """D26: one key, by value or by DID URL."""
    token, trust = kind(world, form, cnf=confirmation)

    assert ("refused", "kb_invalid") == faces(bind(world, token), challenge=CHALLENGE, trust=trust).answer


@FORMS
def test_d26_a_cnf_by_kid(world: World, faces: Faces, form: str) -> None:
    """D26: a DID URL, whose document has the key under `authentication`."""
    token, trust = kind(world, form, cnf={"kid": world.agent.method_id})

    assert ACCEPTED == faces(bind(world, token), challenge=CHALLENGE, trust=trust).answer
    assert ("refused", "kb_invalid") == faces(
        bind(world, token, world.stranger), challenge=CHALLENGE, trust=trust
    ).answer


def test_d26_no_cnf_at_all(world: World, faces: Faces) -> None:
    """D26, V05: an SD-JWT VC that is bound to nobody is presented by nobody."""
    token, trust = kind(world, "dc+sd-jwt", cnf=None)

    assert ("refused", "kb_invalid") == faces(bind(world, token), challenge=CHALLENGE, trust=trust).answer
    bound = bind(world, token, kid=world.agent.method_id)
    assert ("refused", "kb_invalid") == faces(bound, challenge=CHALLENGE, trust=trust).answer


@FORMS
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"typ": None}, "typ_mismatch"), ({"typ": "JWT"}, "typ_mismatch"), ({"typ": "vp+jwt"}, "typ_mismatch"),
        ({"typ": "KB+JWT"}, "typ_mismatch"), ({"alg": "none"}, "alg_not_allowed"),
        ({"alg": "HS256"}, "alg_not_allowed"), ({"alg": None}, "alg_not_allowed"),
        ({"alg": "ES256"}, "alg_key_mismatch"), ({"crit": ["x"]}, "crit_unsupported"),
    ],
    ids=str,
)  # fmt: skip
def test_d27_headers(world: World, faces: Faces, form: str, change: dict[str, object], code: str) -> None:
    """D27: exactly `kb+jwt`, and an algorithm of the table, that of the key."""
    token, trust = kind(world, form)

    assert ("refused", code) == faces(bind(world, token, **change), challenge=CHALLENGE, trust=trust).answer


@FORMS
def test_d29_stored_or_forwarded(world: World, faces: Faces, form: str) -> None:
    """D29: with its key binding it is a presentation, and no credential for a holder to keep or to present again."""
    from agentdid.errors import KbInvalid  # noqa: PLC0415
    from agentdid.limits import DEFAULT  # noqa: PLC0415
    from agentdid.verify.structure import read_chain  # noqa: PLC0415

    token, trust = kind(world, form)
    bound = bind(world, token)

    assert ("refused", "kb_invalid") == faces(bound, trust=trust).answer
    inside = "kb_invalid" if form == "vc+sd-jwt" else "typ_mismatch"  # the other is no credential of VCDM at all
    assert ("refused", inside) == faces(world.present([bound]), challenge=CHALLENGE, trust=trust).answer
    with pytest.raises(KbInvalid):
        read_chain([bound], DEFAULT)


@FORMS
def test_two_key_bindings(world: World, faces: Faces, form: str) -> None:
    """What stands between the last two tildes is a disclosure, whatever it looks like."""
    token, trust = kind(world, form)
    twice = bind(world, bind(world, token) + "~")

    assert ("malformed", "sd_disclosure_malformed") == faces(twice, challenge=CHALLENGE, trust=trust).answer


@FORMS
def test_it_serves_once(world: World, form: str) -> None:
    """The nonce is consumed, and with it the presentation."""
    token, table = kind(world, form)
    verifier = world.verifier(trust=world.trust(**table))
    verifier.verify(bind(world, token), challenge=CHALLENGE)

    with pytest.raises(Exception, match="nonce_replayed"):
        verifier.verify(bind(world, token), challenge=CHALLENGE)


@FORMS
def test_for_one_http_request(world: World, form: str) -> None:
    """`htm` and `htu` tie a key binding to a request as they tie a `vp+jwt`."""
    from agentdid.verify.case import HttpRequest  # noqa: PLC0415

    token, table = kind(world, form)
    here = HttpRequest("GET", "https://api.partner.example/v1/invoices", None)
    verifier = world.verifier(trust=world.trust(**table))
    verifier.verify(bind(world, token, htm=here.method, htu=here.url), challenge=CHALLENGE, http=here)

    for wrong in ({"htm": "POST", "htu": here.url}, {}):
        with pytest.raises(Exception, match="holder_binding_failed"):
            verifier.verify(bind(world, token, **wrong), challenge=CHALLENGE, http=here)


@FORMS
def test_the_time_it_takes_is_not_the_credentials(world: World, faces: Faces, form: str) -> None:
    """A fresh key binding does not freshen a credential that has ended."""
    token, trust = kind(world, form)
    part = Token.read(token)
    end = world.now - timedelta(seconds=61)
    part.payload |= {"exp": int(end.timestamp()), "iat": int(end.timestamp()) - 60}
    expired = part.sign(world.acme)

    assert ("refused", "expired") == faces(bind(world, expired), challenge=CHALLENGE, trust=trust).answer
    assert encode(part.payload)
