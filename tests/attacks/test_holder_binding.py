"""Who presents, to whom, in answer to what, when, and with which HTTP request: every one of these, in both forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.delegation.usage import Request
from agentdid.keys.jwk import encode_jwk
from agentdid.present.exchange import content_digest
from agentdid.present.presentation import make_presentation
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, jose, sd_jwt
from agentdid.storage.nonces import MemoryTakes
from agentdid.verifier.service import Verifier
from agentdid.verify.case import ISSUED_HERE, HttpRequest, Question
from agentdid.verify.decide import Grant
from tests.chains import JCS, NONCE, Ending, chain_of, ending, root_document
from tests.world import AUDIENCE, NOW, RESOURCE, Party, World

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
CALL = HttpRequest("POST", f"{RESOURCE}/7?region=EU", content_digest(b'{"amount":"1"}'))
UNBOUND = Ending("holder_binding_failed", "refused", "holder")
MALFORMED = Ending("type_mismatch", "malformed", "structure")


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def jwt(world: World, claims: dict[str, Any], party: Party | None = None, **members: object) -> str:
    """A `vp+jwt` of an honest chain; a claim that is None is left out."""
    who = party or world.agent
    presentation: dict[str, Any] = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": who.did,
        "verifiableCredential": [
            {
                "@context": CREDENTIALS_V2, "id": f"data:application/vc+sd-jwt,{link}",
                "type": "EnvelopedVerifiableCredential",
            }
            for link in chain_of(world)
        ],
    } | members  # fmt: skip
    begin = int(NOW.timestamp())
    honest = {"iss": who.did, "aud": AUDIENCE, "nonce": NONCE, "iat": begin, "exp": begin + 60}
    given = {name: value for name, value in (honest | claims).items() if value is not None}
    return jose.sign(presentation, who.secret, who.method_id, given)


def signed(world: World, options: dict[str, Any], **members: object) -> str:
    """A Data Integrity presentation of an honest chain; an option that is None is left out."""
    presentation = {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "type": ["VerifiablePresentation"],
        "holder": world.agent.did,
        "verifiableCredential": chain_of(world, JCS),
    } | members
    honest = {
        "challenge": NONCE, "domain": AUDIENCE, "created": encode_instant(NOW),
        "expires": encode_instant(NOW + timedelta(seconds=60)),
    }  # fmt: skip
    given = {name: value for name, value in (honest | options).items() if value is not None}
    document = data_integrity.add_proof(
        presentation, world.agent.secret, world.agent.method_id, SUITES[JCS], purpose="authentication",
        created=NOW, options=given,
    )  # fmt: skip
    return encode(document).decode()


def judge(world: World, presented: str, http: HttpRequest | None = None) -> Ending | None:
    """How a presentation is refused; `None` when it is accepted."""
    verifier = world.verifier(takes=MemoryTakes())
    question = Question(presented, True, verifier.trust, NOW, NONCE, None, READ, http)
    if isinstance(verifier.judge(question, consume=False), Grant):
        return None
    return ending(lambda: verifier.authorize(presented, challenge=NONCE, request=READ, http=http))


AUDIENCES = [
    None, "", "https://api.partner.example/", "https://api.partner.example:443", "https://api.partner.exampl",
    "HTTPS://API.PARTNER.EXAMPLE", "https://api.partner.example.evil.example", "did:web:partner.example",
    [AUDIENCE], [AUDIENCE, "https://evil.example"], {"aud": AUDIENCE}, 1, True,
]  # fmt: skip


@pytest.mark.parametrize("audience", AUDIENCES)
def test_l20_c14_another_audience(world: World, audience: object) -> None:
    """L20, C14: absent, a list, a prefix, another case or port: anything but the one string."""
    found = [judge(world, jwt(world, {"aud": audience})), judge(world, signed(world, {"domain": audience}))]

    assert [
        Ending("audience_mismatch", "refused", "holder"), Ending("invalid_domain_error", "refused", "holder"),
    ] == found  # fmt: skip
    assert world.acme.list_url not in world.asked


@pytest.mark.parametrize("nonce", [None, "", "n", NONCE + " ", NONCE.upper(), "é", [NONCE], {"n": NONCE}, 7, True])
def test_another_nonce(world: World, nonce: object) -> None:
    """Absent, empty, longer, shorter, of another type: not the one that was handed out."""
    found = [judge(world, jwt(world, {"nonce": nonce})), judge(world, signed(world, {"challenge": nonce}))]

    assert [
        Ending("nonce_mismatch", "refused", "holder"), Ending("invalid_challenge_error", "refused", "holder"),
    ] == found  # fmt: skip
    assert world.acme.list_url not in world.asked


def test_a_jti_is_no_nonce(world: World) -> None:
    """A presentation that brings its own `jti` in place of our nonce answers nothing."""
    assert Ending("nonce_mismatch", "refused", "holder") == judge(
        world, jwt(world, {"nonce": None, "jti": "urn:uuid:0"})
    )


@pytest.mark.parametrize(
    ("begin_s", "end_s", "expected"),
    [
        (0, 61, Ending("expired", "refused", "holder")),
        (0, 86_400, Ending("expired", "refused", "holder")),
        (-121, -61, Ending("expired", "refused", "holder")),
        (-120, -60, None),
        (-119, -59, None),
        (61, 121, Ending("issued_in_future", "refused", "holder")),
        (59, 119, None),
        (60, 120, None),
    ],
)
def test_z06_the_presentations_own_time(world: World, begin_s: int, end_s: int, expected: Ending | None) -> None:
    """At most a minute long, and now within it, give or take a minute (Z06)."""
    begin = int(NOW.timestamp())
    made = jwt(world, {"iat": begin + begin_s, "exp": begin + end_s})
    moments = [encode_instant(NOW + timedelta(seconds=each)) for each in (begin_s, end_s)]
    proof = signed(world, {"created": moments[0], "expires": moments[1]})

    assert [expected, expected] == [judge(world, made), judge(world, proof)]


@pytest.mark.parametrize("name", ["iat", "exp"])
@pytest.mark.parametrize("value", [None, "1", 1.5, True, -1, 10**17, [1]])
def test_a_time_that_is_none(world: World, name: str, value: object) -> None:
    """`iat` and `exp` are whole numbers, and both are there."""
    found = judge(world, jwt(world, {name: value}))

    assert found in (MALFORMED, Ending("json_number_range", "malformed", "structure"))
    assert [] == world.asked


@pytest.mark.parametrize("expires", [None, "2026-11-24T12:01:00", "soon", 1])
def test_an_end_that_is_none(world: World, expires: object) -> None:
    """A Data Integrity presentation without `expires`, or with one that is no instant."""
    found = judge(world, signed(world, {"expires": expires}))

    assert (Ending("type_mismatch", "malformed", "holder") if expires is None else MALFORMED) == found


@pytest.mark.parametrize(
    ("method", "url", "digest"),
    [
        ("GET", CALL.url, CALL.content_digest),
        ("post", CALL.url, CALL.content_digest),
        (None, CALL.url, CALL.content_digest),
        (CALL.method, f"{RESOURCE}/8?region=EU", CALL.content_digest),
        (CALL.method, f"{RESOURCE}/7", CALL.content_digest),
        (CALL.method, f"{RESOURCE}/7?region=EU&region=US", CALL.content_digest),
        (CALL.method, f"{RESOURCE}/7?region=EU#x", CALL.content_digest),
        (CALL.method, "https://evil.example/v1/invoices/7?region=EU", CALL.content_digest),
        (CALL.method, [CALL.url], CALL.content_digest),
        (CALL.method, None, CALL.content_digest),
        (CALL.method, CALL.url, content_digest(b'{"amount":"2"}')),
        (CALL.method, CALL.url, (CALL.content_digest or "").replace("sha-256", "sha-512")),
        (CALL.method, CALL.url, None),
        (None, None, None),
    ],
)
def test_another_http_request(world: World, method: object, url: object, digest: object) -> None:
    """A presentation for another method, URL or body than the request at hand, or for none."""
    members = {"htm": method, "htu": url, "contentDigest": digest}
    given = {name: value for name, value in members.items() if value is not None}
    found = [judge(world, jwt(world, given), CALL), judge(world, signed(world, {}, request=given), CALL)]

    assert [UNBOUND, UNBOUND] == found
    assert world.acme.list_url not in world.asked


@pytest.mark.parametrize("member", ["htm", "htu", "contentDigest"])
def test_a_request_where_none_is_at_hand(world: World, member: str) -> None:
    """What was made for an HTTP request serves nothing else; neither does a digest without a body."""
    given = {member: "GET"}

    assert [UNBOUND, UNBOUND] == [judge(world, jwt(world, given)), judge(world, signed(world, {}, request=given))]


def test_a_digest_of_a_body_that_did_not_come(world: World) -> None:
    """The body was taken away on its way."""
    bare = HttpRequest(CALL.method, CALL.url, None)
    given = {"htm": CALL.method, "htu": CALL.url, "contentDigest": CALL.content_digest}

    assert [UNBOUND, UNBOUND] == [
        judge(world, jwt(world, given), bare), judge(world, signed(world, {}, request=given), bare),
    ]  # fmt: skip


def test_the_request_itself_is_accepted(world: World) -> None:
    """The one that was signed for."""
    given = {"htm": CALL.method, "htu": CALL.url, "contentDigest": CALL.content_digest}

    assert [None, None] == [judge(world, jwt(world, given), CALL), judge(world, signed(world, {}, request=given), CALL)]


@pytest.mark.parametrize("request_", ["GET", [], 1, [{"htm": "GET"}]])
def test_a_request_that_is_no_object(world: World, request_: object) -> None:
    """`request` is one JSON object."""
    assert MALFORMED == judge(world, signed(world, {}, request=request_), CALL)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"holder": "did:key:other"}, None),
        ({"holder": "did:web:partner.example"}, Ending("issuer_key_mismatch", "refused", "signatures")),
        ({"holder": {"id": "did:web:partner.example"}}, Ending("issuer_key_mismatch", "refused", "signatures")),
        ({"holder": ["did:web:partner.example"]}, MALFORMED),
    ],
)
def test_another_holder(world: World, change: dict[str, object], expected: Ending | None) -> None:
    """`holder` is who signed; it is not who the credential is about, nor anybody else."""
    found = [judge(world, jwt(world, {}, **change)), judge(world, signed(world, {}, **change))]
    wanted = expected or Ending("issuer_key_mismatch", "refused", "signatures")

    assert [wanted, wanted] == found


@pytest.mark.parametrize("issuer", ["did:web:partner.example", "", 1, ["did:key:x"]])
def test_another_iss(world: World, issuer: object) -> None:
    """`iss` of a presentation is who signed it."""
    assert judge(world, jwt(world, {"iss": issuer})) in (UNBOUND, MALFORMED)


@pytest.mark.parametrize("confirmation", ["key", "kid", "other", "otherkid", "both", "empty", "jkt", "private"])
def test_a_cnf_restricts(world: World, confirmation: str) -> None:
    """A credential's `cnf` names the one key that may present it; it never adds one."""
    ours, others = encode_jwk(world.agent.secret.public), encode_jwk(world.stranger.secret.public)
    claims = {
        "key": {"jwk": ours},
        "kid": {"kid": world.agent.method_id},
        "other": {"jwk": others},
        "otherkid": {"kid": f"{world.agent.did}#other"},
        "both": {"jwk": ours, "kid": world.agent.method_id},
        "empty": {},
        "jkt": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
        "private": {"jwk": {**ours, "d": "AAAA"}},
    }[confirmation]
    link = sd_jwt.issue(
        root_document(world),
        world.acme.secret,
        world.acme.method_id,
        claims={"cnf": claims, "iat": int(NOW.timestamp())},
    )
    presented = world.present([link], challenge=NONCE)

    assert (None if confirmation in ("key", "kid") else UNBOUND) == judge(world, presented)


def test_a_proof_for_another_purpose(world: World) -> None:
    """A presentation signed as an assertion was not signed to authenticate."""
    presentation = {
        "@context": [CREDENTIALS_V2], "type": ["VerifiablePresentation"], "verifiableCredential": chain_of(world, JCS),
    }  # fmt: skip
    document = data_integrity.add_proof(
        presentation, world.agent.secret, world.agent.method_id, SUITES[JCS], created=NOW,
        options={"challenge": NONCE, "domain": AUDIENCE, "expires": encode_instant(NOW + timedelta(seconds=60))},
    )  # fmt: skip

    assert Ending("proof_purpose_mismatch", "refused", "structure") == judge(world, encode(document).decode())


def test_an_unsigned_presentation(world: World) -> None:
    """Credentials in an envelope that nobody signed."""
    presentation = {
        "@context": [CREDENTIALS_V2], "type": ["VerifiablePresentation"], "verifiableCredential": chain_of(world, JCS),
    }  # fmt: skip

    assert Ending("proof_missing", "refused", "structure") == judge(world, encode(presentation).decode())


@pytest.mark.parametrize("kind", ["credential", "chain", "bare"])
def test_a_credential_is_no_presentation(world: World, kind: str) -> None:
    """Nobody presented these."""
    text = {
        "credential": encode(chain_of(world, JCS)[0]).decode(),
        "chain": encode(chain_of(world, JCS)).decode(),
        "bare": str(chain_of(world)[0]),
    }[kind]
    expected = Ending("kb_missing", "refused", "structure") if kind == "bare" else MALFORMED

    assert expected == judge(world, text)


@pytest.mark.parametrize("challenge", [None, "", 7, b"n", [NONCE]])
def test_no_challenge_is_an_error_of_the_caller(world: World, challenge: str) -> None:
    """`challenge=None` is a mistake, not a verification without one."""
    presented = jwt(world, {})
    with pytest.raises(TypeError, match="challenge"):
        world.verifier().verify(presented, challenge=challenge)
    with pytest.raises(TypeError, match="challenge"):
        world.verifier().authorize(presented, challenge=challenge, request=READ)
    with pytest.raises(TypeError):
        world.verifier().verify(presented)  # type: ignore[call-arg]  # that is the point

    assert [] == world.asked


def test_a_challenge_of_ours_once_and_in_time(world: World) -> None:
    """With `ISSUED_HERE`: foreign, changed, too old and used nonces are each said to be so, and none is taken.

    One that another store made is as one from before this store was lost (ATTACKS P03).
    """
    takes = MemoryTakes()
    verifier = world.verifier(takes=takes)
    old = takes.issue(NOW - timedelta(seconds=121))
    good = verifier.issue_nonce()

    def tried(nonce: str) -> Ending:
        presented = jwt(world, {"nonce": nonce})
        return ending(lambda: verifier.authorize(presented, challenge=ISSUED_HERE, request=READ))

    before = [tried(nonce) for nonce in (NONCE, MemoryTakes().issue(NOW), good[:-1], f"{good}A", old)]
    verifier.authorize(jwt(world, {"nonce": good}), challenge=ISSUED_HERE, request=READ)
    mismatch, ended = (Ending(code, "refused", "holder") for code in ("nonce_mismatch", "nonce_expired"))

    assert [mismatch, ended, mismatch, mismatch, ended] == before
    assert Ending("nonce_replayed", "refused", "take") == tried(good)


def test_the_two_forms_share_their_nonces(world: World) -> None:
    """A challenge that a `vp+jwt` has answered is not answered again by a Data Integrity presentation."""
    verifier = world.verifier(takes=MemoryTakes())
    verifier.authorize(jwt(world, {}), challenge=NONCE, request=READ)

    assert Ending("nonce_replayed", "refused", "take") == ending(
        lambda: verifier.verify(signed(world, {}), challenge=NONCE)
    )


def test_a_key_that_may_not_authenticate(world: World) -> None:
    """The presenter's key stands in its document, and not under `authentication`."""
    from agentdid.did.document import build_document  # noqa: PLC0415  # of this one test
    from agentdid.did.web import url  # noqa: PLC0415

    agent = world.party("agency", method="web")
    document: dict[str, Any] = build_document(agent.did, {"key-1": agent.secret.public})
    del document["authentication"]
    world.serve(url(agent.did), encode(document))
    presented = make_presentation(
        chain_of(world, "vc+sd-jwt", agent), holder=agent.did, signer=agent.secret, method_id=agent.method_id,
        audience=AUDIENCE, challenge=NONCE, at=NOW,
    )  # fmt: skip

    assert Ending("purpose_not_authorized", "refused", "signatures") == judge(world, presented)


def test_nothing_is_consumed_by_a_refusal(world: World) -> None:
    """Every refusal above left the nonce for the honest presentation that follows."""
    verifier: Verifier = world.verifier(takes=MemoryTakes())
    for wrong in (jwt(world, {"aud": "x"}), signed(world, {"domain": "x"}), jwt(world, {"exp": 1}), "eyJ.e.e", "{}"):
        ending(lambda wrong=wrong: verifier.authorize(wrong, challenge=NONCE, request=READ))  # type: ignore[misc]

    assert world.agent.did == verifier.authorize(jwt(world, {}), challenge=NONCE, request=READ).agent
