"""E01-E13, E18, E19: proofs removed, multiplied, aged, or made for another purpose, document, audience or key."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from agentdid.codec.base import encode_base58btc
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode, parse
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.limits import DEFAULT
from tests.forgery import BADGE, CHALLENGE, Faces, acme_document, badge, badge_token, policy, prove
from tests.world import AUDIENCE, NOW, Party, World

INVALID = ("refused", "signature_invalid")


def presentation(world: World, by: Party | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a Data Integrity presentation; a change to a proof option to `None` leaves it out."""
    document = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": world.agent.did,
        "verifiableCredential": changes.pop("credentials", None) or world.root(form="eddsa-jcs-2022"),
    }
    options = {
        "proofPurpose": "authentication", "challenge": CHALLENGE, "domain": AUDIENCE,
        "created": encode_instant(NOW), "expires": encode_instant(NOW + timedelta(seconds=60)),
    }  # fmt: skip
    return prove(document, by or world.agent, **(options | changes))


@pytest.mark.parametrize("value", ["absent", None, []])
def test_e01_no_proof(world: World, faces: Faces, value: object) -> None:
    """E01: removed, null or an empty list, of a credential, of one inside a presentation, of the presentation."""
    (capability,) = world.root(form="eddsa-jcs-2022")
    documents: list[Any] = [dict(capability), presentation(world)]  # type: ignore[arg-type]  # an object in this form
    for document in documents:
        del document["proof"]
        if value != "absent":
            document["proof"] = value

    assert ("refused", "proof_missing") == faces(documents[0]).answer
    assert ("refused", "proof_missing") == faces(
        presentation(world, credentials=[documents[0]]), challenge=CHALLENGE
    ).answer
    assert ("refused", "proof_missing") == faces(documents[1], challenge=CHALLENGE).answer


@pytest.mark.parametrize("value", ["x", 1, True, [1], ["x"], [[]], [None]])
def test_e01_no_object(world: World, faces: Faces, value: object) -> None:
    """E01: a proof is an object."""
    assert ("malformed", "type_mismatch") == faces({**badge(world), "proof": value}).answer


def test_e02_a_failed_presentation_of_good_credentials(world: World, faces: Faces) -> None:
    """E02: all must hold: one byte of the presentation, or of a credential within a good presentation."""
    forged = presentation(world)
    forged["proof"]["proofValue"] = "z" + encode_base58btc(b"\1" * 64)
    (inner,) = world.root(form="eddsa-jcs-2022")
    inner["proof"]["proofValue"] = "z" + encode_base58btc(b"\1" * 64)  # type: ignore[index]  # an object in this form

    assert INVALID == faces(forged, challenge=CHALLENGE).answer
    assert INVALID == faces(presentation(world, credentials=[inner]), challenge=CHALLENGE).answer


@pytest.mark.parametrize("place", [0, 1])
def test_e02_one_bad_credential_of_two(world: World, faces: Faces, place: int) -> None:
    """E02: the good one does not make up for the other."""
    credentials = [badge_token(world, id=f"urn:uuid:{number}").sign(world.acme) for number in range(2)]
    credentials[place] = badge_token(world, id="urn:uuid:3").sign(world.stranger)

    assert INVALID == faces(world.present(credentials), challenge=CHALLENGE).answer


UNKNOWN: dict[str, object] = {
    "suite": {"type": "DataIntegrityProof", "cryptosuite": "xyz-2099"},
    "type": {"type": "Ed25519Signature2018"},
    "no-type": {"cryptosuite": "eddsa-jcs-2022"},
    "empty": {},
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("place", [0, 1])
def test_e04_an_unknown_proof_beside_a_good_one(world: World, faces: Faces, name: str, place: int) -> None:
    """E04: it may be the one its signer relied on."""
    signed = prove(badge(world), world.acme)
    proofs = [signed["proof"]]
    proofs.insert(place, {**signed["proof"], "type": None, "cryptosuite": None, **UNKNOWN[name]})  # type: ignore[dict-item]

    assert ("refused", "proof_suite_unsupported") == faces({**signed, "proof": proofs}).answer


@pytest.mark.parametrize("place", [0, 1])
def test_e04_a_failing_proof_beside_a_good_one(world: World, faces: Faces, place: int) -> None:
    """E04, S08: one of a known suite that does not hold."""
    signed = prove(badge(world), world.acme)
    proofs = [signed["proof"]]
    proofs.insert(place, {**signed["proof"], "proofValue": "z" + encode_base58btc(b"\1" * 64)})

    assert INVALID == faces({**signed, "proof": proofs}).answer


@pytest.mark.parametrize("place", [0, 1])
def test_e04_a_strangers_proof_beside_a_good_one(world: World, faces: Faces, place: int) -> None:
    """E09: all proofs are by the one issuer."""
    signed = prove(badge(world), world.acme)
    proofs = [signed["proof"]]
    proofs.insert(place, prove(badge(world), world.stranger)["proof"])

    assert ("refused", "issuer_key_mismatch") == faces({**signed, "proof": proofs}).answer


@pytest.mark.parametrize(("count", "code"), [(8, None), (9, "input_too_large")])
def test_as_many_proofs_as_the_limit(world: World, faces: Faces, count: int, code: str | None) -> None:
    """Eight are checked, nine are not."""
    signed = prove(badge(world), world.acme)

    assert count - DEFAULT.max_proofs == (0 if code is None else 1)
    assert code == faces({**signed, "proof": [signed["proof"]] * count}).code


@pytest.mark.parametrize("value", ["urn:uuid:1", ["urn:uuid:1"], [], "", None, 1])
def test_e05_proof_chains_are_not_taken_for_sets(world: World, faces: Faces, value: object) -> None:
    """E05: a proof that follows another which is not there."""
    signed = prove(badge(world), world.acme)
    signed["proof"]["previousProof"] = value
    verdict = faces(signed)

    assert verdict.code in ("proof_chain_invalid", "type_mismatch", "signature_invalid")
    if value == "urn:uuid:1":
        assert ("refused", "proof_chain_invalid") == verdict.answer


@pytest.mark.parametrize(
    "purpose",
    ["authentication", "capabilityDelegation", "capabilityInvocation", "keyAgreement", "", None, 1, ["assertionMethod"],
     "AssertionMethod", "https://w3id.org/security#assertionMethod"],
    ids=repr,
)  # fmt: skip
def test_e07_purpose_of_a_credential(world: World, faces: Faces, purpose: object) -> None:
    """E07: signed for something else, by the issuer itself."""
    assert ("refused", "proof_purpose_mismatch") == faces(prove(badge(world), world.acme, proofPurpose=purpose)).answer


@pytest.mark.parametrize("purpose", ["assertionMethod", "capabilityInvocation", None, ["authentication"]], ids=repr)
def test_e07_purpose_of_a_presentation(world: World, faces: Faces, purpose: object) -> None:
    """E07: what asserts does not authenticate."""
    signed = presentation(world, proofPurpose=purpose)

    assert ("refused", "proof_purpose_mismatch") == faces(signed, challenge=CHALLENGE).answer


RELATIONSHIPS: dict[str, dict[str, Any]] = {
    "E08-listed-nowhere": {"assertionMethod": [], "authentication": [], "capabilityDelegation": []},
    "E08-authentication-only": {"assertionMethod": []},
    "E08-absent": {"assertionMethod": None},
    "E08-other-key-listed": {"assertionMethod": ["did:web:acme.example#key-2"]},
    "E08-anothers-key-listed": {"assertionMethod": ["did:web:evil.example#key-1"]},
}


def change_document(world: World, changes: dict[str, Any], method: dict[str, Any] | None = None) -> None:
    """Change acme's DID document; a member that is `None` is left out."""
    document: Any = parse(world.served[acme_document(world)].body).value  # type: ignore[union-attr]  # it was served
    document["verificationMethod"][0].update(method or {})
    document = {name: each for name, each in (document | changes).items() if each is not None}
    world.serve(acme_document(world), encode(document))


@pytest.mark.parametrize("name", RELATIONSHIPS)
@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
def test_e08_relationships(world: World, faces: Faces, name: str, form: str) -> None:
    """E08: the key is in the document and not under `assertionMethod`; of tokens as of proofs."""
    change_document(world, RELATIONSHIPS[name])

    assert ("refused", "purpose_not_authorized") == faces(world.root(form=form)).answer


METHODS: dict[str, dict[str, Any]] = {
    "E08-controlled-by-another": {"controller": "did:web:evil.example"},
    "E08-expired": {"expires": "2026-11-24T12:00:00Z"},
    "E08-revoked": {"revoked": "2026-11-24T12:00:00Z"},
    "E08-revoked-long-ago": {"revoked": "2020-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("name", METHODS)
def test_e08_methods(world: World, faces: Faces, name: str) -> None:
    """E08: listed rightly, and another's, expired or revoked; skew does not count for keys."""
    change_document(world, {}, METHODS[name])

    assert ("refused", "purpose_not_authorized") == faces(badge_token(world).sign(world.acme)).answer


@pytest.mark.parametrize("method", [{"expires": "2026-11-24T12:00:01Z"}, {"revoked": "2026-11-24T12:00:01Z"}])
def test_e08_a_key_that_will_end(world: World, faces: Faces, method: dict[str, Any]) -> None:
    """A second before it ends it is good."""
    change_document(world, {}, method)

    assert ("accepted", None) == faces(badge_token(world).sign(world.acme)).answer


def test_e08_an_authentication_key_of_the_holder(world: World, faces: Faces) -> None:
    """E08: a holder's key that only asserts does not present."""
    holder = world.party("worker", method="web")
    place = "https://worker.example/.well-known/did.json"
    document: Any = parse(world.served[place].body).value  # type: ignore[union-attr]  # it was served
    del document["authentication"]
    world.serve(place, encode(document))
    chain = world.root(subject=holder)

    assert ("refused", "purpose_not_authorized") == faces(world.present(chain, holder), challenge=CHALLENGE).answer


def test_e09_anothers_method(world: World, faces: Faces) -> None:
    """E09: the stranger's proof under the issuer's name; the stranger's presentation in the holder's."""
    signed = presentation(world, by=world.stranger)

    assert ("refused", "issuer_key_mismatch") == faces(prove(badge(world), world.stranger)).answer
    assert ("refused", "issuer_key_mismatch") == faces(signed, challenge=CHALLENGE).answer


DOMAINS: list[object] = [
    None, "", "https://evil.example", [AUDIENCE], [AUDIENCE, "https://evil.example"], f"{AUDIENCE}/",
    f"{AUDIENCE}.evil", f"evil-{AUDIENCE}", AUDIENCE.upper(), AUDIENCE.removeprefix("https://"),
    AUDIENCE.replace("https", "http"), 1,
    {"@value": AUDIENCE}, f"{AUDIENCE}\n", f" {AUDIENCE}", f"{AUDIENCE}:443", "did:web:partner.example", True,
]  # fmt: skip


@pytest.mark.parametrize("value", DOMAINS, ids=repr)
def test_e11_domain(world: World, faces: Faces, value: object) -> None:
    """E11: absent, another, a list even of one, a prefix, a suffix, another spelling."""
    assert ("refused", "invalid_domain_error") == faces(presentation(world, domain=value), challenge=CHALLENGE).answer


@pytest.mark.parametrize("value", DOMAINS, ids=repr)
def test_c14_aud(world: World, faces: Faces, value: object) -> None:
    """C14: the same of a token's `aud`."""
    from tests.forgery import Token  # noqa: PLC0415

    token = Token.read(world.present(world.root()))
    token.payload["aud"] = value
    if value is None:
        del token.payload["aud"]

    assert ("refused", "audience_mismatch") == faces(token.sign(world.agent), challenge=CHALLENGE).answer


@pytest.mark.parametrize(
    "value", [None, "", "other", [CHALLENGE], f"{CHALLENGE} ", CHALLENGE.lower(), 1, {}, True, "n"], ids=repr
)
def test_e11_challenge_and_nonce(world: World, faces: Faces, value: object) -> None:
    """E11, D23: another challenge, none, or a list of it."""
    from tests.forgery import Token  # noqa: PLC0415

    token = Token.read(world.present(world.root()))
    token.payload["nonce"] = value

    signed = presentation(world, challenge=value)
    assert ("refused", "invalid_challenge_error") == faces(signed, challenge=CHALLENGE).answer
    assert ("refused", "nonce_mismatch") == faces(token.sign(world.agent), challenge=CHALLENGE).answer


def at(seconds: int) -> str:
    """Return an instant."""
    return encode_instant(NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"created": at(61)}, "issued_in_future"),
        ({"created": at(86_400)}, "issued_in_future"),
        ({"expires": at(-61)}, "expired"),
        ({"created": at(-7_200), "expires": at(-3_600)}, "expired"),
        ({"expires": "0001-01-01T00:00:00Z"}, "expired"),
        ({"created": "9999-12-31T23:59:59Z"}, "issued_in_future"),
        ({"created": at(60), "expires": at(-60)}, None),
    ],
)
def test_e13_times_of_a_credentials_proof(
    world: World, faces: Faces, options: dict[str, str], code: str | None
) -> None:
    """E13: signed later than now, or past its end, by more than skew."""
    assert code == faces(prove(badge(world), world.acme, **options)).code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"created": at(61), "expires": at(100)}, "issued_in_future"),
        ({"created": at(-121), "expires": at(-61)}, "expired"),
        ({"created": at(-120), "expires": at(-60)}, None),
        ({"created": at(0), "expires": at(61)}, "expired"),
        ({"created": at(0), "expires": at(0)}, None),
        ({"created": None}, "type_mismatch"),
        ({"expires": None}, "type_mismatch"),
    ],
)
def test_e13_times_of_a_presentation(world: World, faces: Faces, options: dict[str, Any], code: str | None) -> None:
    """E13: the same, and it lives for a minute at most."""
    assert code == faces(presentation(world, **options), challenge=CHALLENGE).code


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -61), ("nbf", 61), ("iat", 61)])
def test_c15_times_of_a_token(world: World, faces: Faces, claim: str, seconds: int) -> None:
    """C15: by one second more than skew."""
    token = badge_token(world, {claim: int(NOW.timestamp()) + seconds})
    expected = {"exp": "expired", "nbf": "not_yet_valid", "iat": "issued_in_future"}[claim]

    assert ("refused", expected) == faces(token.sign(world.acme)).answer


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iat": -121, "exp": -61}, "expired"),
        ({"iat": 61, "exp": 100}, "issued_in_future"),
        ({"iat": 0, "exp": 61}, "expired"),
        ({"iat": 0, "exp": 30, "nbf": 61}, "not_yet_valid"),
        ({"iat": 0, "exp": 30, "nbf": 86_400}, "not_yet_valid"),
        ({"iat": 0, "exp": 30, "nbf": 60}, None),
    ],
)
def test_c15_times_of_a_presented_token(world: World, faces: Faces, claims: dict[str, int], code: str | None) -> None:
    """C15: `iat`, `exp` and, where it is there, `nbf` of a `vp+jwt`."""
    from tests.forgery import Token  # noqa: PLC0415

    token = Token.read(world.present(world.root()))
    token.payload |= {name: int(NOW.timestamp()) + shift for name, shift in claims.items()}

    assert code == faces(token.sign(world.agent), challenge=CHALLENGE).code


@pytest.mark.parametrize(
    "kind",
    ["Ed25519Signature2018", "JsonWebSignature2020", "", None, 1, [], ["DataIntegrityProof"], "dataIntegrityProof",
     "DataIntegrityProof "],
    ids=repr,
)  # fmt: skip
def test_e15_proof_types(world: World, faces: Faces, kind: object) -> None:
    """E15: no way round to older code, whatever else the proof says."""
    assert ("refused", "proof_suite_unsupported") == faces(prove(badge(world), world.acme, type=kind)).answer


@pytest.mark.parametrize("value", [None, 1, ["eddsa-jcs-2022"], {}, True], ids=repr)
def test_e15_suites_of_another_type(world: World, faces: Faces, value: object) -> None:
    """E15: a cryptosuite is named by text."""
    assert ("refused", "proof_suite_unsupported") == faces(prove(badge(world), world.acme, cryptosuite=value)).answer


CONTEXTS: list[object] = [
    [CREDENTIALS_V2, "https://example.org/v1"], [], [AGENTDID_V1], CREDENTIALS_V2, ["https://www.w3.org/2018/credentials/v1"],
    [[CREDENTIALS_V2]], {}, 1, [CREDENTIALS_V2, CREDENTIALS_V2], [{"@vocab": "urn:x:"}],
]  # fmt: skip


@pytest.mark.parametrize("value", CONTEXTS, ids=repr)
def test_e18_the_proofs_context(world: World, faces: Faces, value: object) -> None:
    """E18: signed so by the issuer itself: it differs from the document's."""
    signed = prove(badge(world), world.acme, **{"@context": value})

    assert ("refused", "proof_verification_error") == faces(signed).answer


def test_e18_the_documents_context(world: World, faces: Faces) -> None:
    """E18: a stranger appends to the document's, or takes the proof's away along with it."""
    signed = prove(badge(world), world.acme)
    longer = {**signed, "@context": [CREDENTIALS_V2, {"level": "urn:other"}]}
    without = {**longer, "proof": {name: each for name, each in signed["proof"].items() if name != "@context"}}

    assert ("refused", "proof_verification_error") == faces(longer).answer
    assert INVALID == faces(without).answer


LOOSE = {
    "escaped": {"name": "Zoë"},
    "code-point-order": {"\U00010437": 1, "\ufb33": 2},
    "floats": {"number": 1e-07},
    "big-floats": {"number": 1e16},
    "one-point-zero": {"number": 1.0},
}


@pytest.mark.parametrize("name", LOOSE)
def test_e19_a_signer_that_only_sorted(world: World, faces: Faces, name: str) -> None:
    """E19: `json.dumps(sort_keys=True)` is not RFC 8785: what it signed does not verify, what we sign does."""
    import hashlib  # noqa: PLC0415

    document = badge(world, credentialSubject={"id": world.agent.did, **LOOSE[name]})
    signed = prove(document, world.acme)
    config = {key: each for key, each in signed["proof"].items() if key != "proofValue"}
    loose = b"".join(
        hashlib.sha256(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()).digest()
        for part in (config, document)
    )
    signed["proof"]["proofValue"] = "z" + encode_base58btc(world.acme.secret.sign(loose))

    assert ("accepted", None) == faces(prove(document, world.acme)).answer
    assert INVALID == faces(signed).answer


def members(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401
    """Return the path to every leaf."""
    if not isinstance(value, dict | list) or not value:
        return [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for name, each in pairs for leaf in members(each, (*path, name))]


def test_any_member_of_a_signed_document(world: World) -> None:
    """One leaf at a time, of credential and proof, changed to another text or left out: never accepted."""
    (signed,) = world.root(form="eddsa-jcs-2022")
    verifier = world.verifier()
    leaves = members(signed)
    taken = []
    for path in leaves:
        for change in ("set", "delete"):
            forged: Any = json.loads(encode(signed))
            holder = forged
            for step in path[:-1]:
                holder = holder[step]
            if change == "delete":
                del holder[path[-1]]
            else:
                holder[path[-1]] = "changed"
            if verifier.inspect(forged).outcome == "accepted":
                taken.append((path, change))

    assert len(leaves) > 30
    assert [] == taken


def test_any_byte_of_a_signed_token(world: World) -> None:
    """One character at a time, of every fifth of a presentation with its credential."""
    presented = world.present(world.root())
    verifier = world.verifier()
    taken = []
    for place in range(0, len(presented), 5):
        forged = presented[:place] + ("A" if presented[place] != "A" else "B") + presented[place + 1 :]
        if verifier.inspect(forged, holder=True, challenge=CHALLENGE).outcome == "accepted":
            taken.append(place)

    assert [] == taken


def test_a_proof_for_a_presentation_does_not_secure_a_credential(world: World, faces: Faces) -> None:
    """E07: a document that is both types, under either proof."""
    both = badge(world, type=["VerifiableCredential", BADGE, "VerifiablePresentation"])
    signed = prove(both, world.acme, proofPurpose="authentication", challenge=CHALLENGE, domain=AUDIENCE)

    assert "accepted" != faces(signed).family
    assert "accepted" != faces(signed, challenge=CHALLENGE).family


def test_a_policy_that_pins_other_keys(world: World, faces: Faces) -> None:
    """The anchor names the key, and it is another: the issuer is not believed."""
    anchor = {"did": world.acme.did, "types": [BADGE], "keys": ["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"]}
    answer = faces(badge_token(world).sign(world.acme), trust=policy(world, anchor=[anchor])).answer

    assert ("refused", "issuer_untrusted") == answer
