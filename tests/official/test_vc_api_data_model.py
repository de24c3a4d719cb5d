"""VCDM 2.0 over HTTP: what the W3C suite of the data model sends to an instance, and the answers that it waits for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.contexts import OPEN
from agentdid.did import key as did_key
from agentdid.keys.secret import SecretKey
from agentdid.proof.jws import sign_jws
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vc_api import Served

V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
DATES = {"PAST DATE": "2020-01-01T00:00:00Z", "FUTURE DATE": "2099-01-01T00:00:00Z"}
ISSUERS = {
    "eddsa-rdfc-2022": "ed",
    "eddsa-jcs-2022": "ed",
    "ecdsa-rdfc-2019": "p256",
    "ecdsa-rdfc-2019-p384": "p384",
    "ecdsa-jcs-2019": "p256",
    "ecdsa-jcs-2019-p384": "p384",
    "EnvelopingProof": "p256",
}
HOLDER = SecretKey.from_seed("Ed25519", bytes(range(32)))
DID = did_key.create(HOLDER.public)
METHOD = f"{DID}#{DID.removeprefix('did:key:')}"
CHALLENGE, DOMAIN = "uMTIzNDU2Nzg5MDEyMzQ1Ng", "github.example/vc-data-model"


def names() -> list[str]:
    """Return every file of the suite, one placeholder where the vectors are absent: its test then says so."""
    try:
        folder = vectors("w3c-vcdm2-test-suite")
    except pytest.skip.Exception:
        return ["absent"]
    return [str(each.relative_to(folder)) for each in sorted(folder.rglob("*.json"))]


def document(name: str, issuer: str) -> dict[str, Any]:
    """Return a file as the suite sends it, its issuer put in where it leaves one out."""
    raw = (vectors("w3c-vcdm2-test-suite") / name).read_text("utf-8")
    for placeholder, instant in DATES.items():
        raw = raw.replace(placeholder, instant)
    found: dict[str, Any] = json.loads(raw)
    if isinstance(found.get("issuer"), dict):
        found["issuer"].setdefault("id", issuer)
    elif "no-issuer" not in name:
        found.setdefault("issuer", issuer)
    return found


def credential(**changes: object) -> dict[str, object]:
    """Return a small credential by the holder."""
    subject = {"id": "did:example:subject"}
    return {
        "@context": [V2], "type": ["VerifiableCredential"], "issuer": DID, "credentialSubject": subject, **changes,
    }  # fmt: skip


def sign(
    unsigned: dict[str, object],
    purpose: str = data_integrity.ASSERTION,
    suite: str = "eddsa-rdfc-2022",
    **options: object,
) -> dict[str, Any]:
    """Return a document with a proof by the holder."""
    at = datetime.now(UTC).replace(microsecond=0)
    return data_integrity.add_proof(
        unsigned, HOLDER, METHOD, SUITES[suite], purpose=purpose, created=at, options=options, rules=OPEN
    )


def presentation(suite: str = "eddsa-rdfc-2022", **changes: object) -> dict[str, Any]:
    """Return a presentation by the holder, for the challenge and the domain."""
    unsigned = {"@context": [V2], "type": ["VerifiablePresentation"], **changes}
    return sign(unsigned, data_integrity.AUTHENTICATION, suite, challenge=CHALLENGE, domain=DOMAIN)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("suite", ISSUERS)
def test_published_file(instance: Served, suite: str, name: str) -> None:
    """Every file is issued or refused as its name says; what was issued verifies, but for its own time and proof."""
    answer = instance.issue(suite, document(name, instance.manifest[ISSUERS[suite]]))
    if not name.endswith("-ok.json"):
        assert 400 == answer.status_code
        assert {"type", "title", "code", "detail"} <= answer.json().keys()
        return

    assert 201 == answer.status_code, answer.text
    verdict = instance.verify(answer.json()["verifiableCredential"], checks=["proof"])
    if verdict.status_code != 200:
        assert verdict.json()["code"] in {"expired", "not_yet_valid"} or "proof" in name


@pytest.mark.parametrize("suite", ISSUERS)
def test_what_was_sent_is_kept(instance: Served, suite: str) -> None:
    """Identifier, subject and the order of contexts stay; the proof is one object with what it must have."""
    issuer = instance.manifest[ISSUERS[suite]]
    sent = credential(id="urn:uuid:8a7d3d5c-0000-4000-8000-000000000001", issuer=issuer)
    sent["@context"] = [V2, EXAMPLES]
    made = instance.issued(suite, sent)
    if suite == "EnvelopingProof":
        assert "EnvelopedVerifiableCredential" == made["type"]
        assert made["id"].startswith("data:application/vc+jwt,")
        return
    proof = made.pop("proof")

    assert sent == made
    assert ("DataIntegrityProof", "assertionMethod") == (proof["type"], proof["proofPurpose"])
    assert suite.removesuffix("-p384") == proof["cryptosuite"]
    assert f"{issuer}#{issuer.removeprefix('did:key:')}" == proof["verificationMethod"]
    assert proof["created"].endswith("Z")
    assert proof.get("@context") == ([V2, EXAMPLES] if "jcs" in suite else None)


IDS = ("8a7d3d5c-0000-4000-8000-000000000003", "8a7d3d5c-0000-4000-8000-000000000004")
"""Twins to the letter may cost more labelling than the limit allows."""


def test_a_presentation_verifies(instance: Served) -> None:
    """With and without credentials, identifier and holder; of any types and contexts that are defined."""
    inline = {"Shown": "https://example.org/#Shown"}
    for made in (
        presentation(),
        presentation(id="urn:uuid:8a7d3d5c-0000-4000-8000-000000000002"),
        presentation(holder=DID),
        presentation(holder={"id": DID}),
        presentation(holder=DID, verifiableCredential=[sign(credential(id=f"urn:uuid:{each}")) for each in IDS]),
        presentation(**{"@context": [V2, EXAMPLES]}),
        presentation(**{"@context": [V2, inline], "type": ["VerifiablePresentation", "Shown"]}),
    ):
        answer = instance.verify_presentation(made, challenge=CHALLENGE, domain=DOMAIN)

        assert 200 == answer.status_code, answer.text
        assert 200 == instance.verify_presentation(made).status_code


def change(made: dict[str, Any], **members: object) -> dict[str, Any]:
    """Return a document with other members, those of `None` left out."""
    return {name: value for name, value in {**made, **members}.items() if value is not None}


WRONG_PRESENTATIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "no-context": lambda: change(presentation(), **{"@context": None}),
    "unordered": lambda: change(presentation(), **{"@context": [EXAMPLES, V2]}),
    "no-base-context": lambda: change(presentation(), **{"@context": [EXAMPLES]}),
    "unknown-context": lambda: change(presentation(), **{"@context": [V2, "https://example.com"]}),
    "no-url-context": lambda: change(presentation(), **{"@context": [V2, "https ://not-a-url/contexts/v1"]}),
    "number-context": lambda: change(presentation(), **{"@context": [V2, 123192875]}),
    "no-type": lambda: change(presentation(), type=None),
    "other-type": lambda: change(presentation(), type=["VerifiableCredential"]),
    "undefined-type": lambda: change(presentation(), type=["VerifiablePresentation", "Undefined"]),
    "no-proof": lambda: change(presentation(), proof=None),
    "other-value": lambda: change(presentation(), proof={**presentation()["proof"], "proofValue": "z5nmMBw2u9TGKd9N"}),
    # of what has no statements ours signs the JSON only
    "holder-no-url": lambda: presentation("eddsa-jcs-2022", holder={"id": DID.removeprefix("did:key:")}),
    "holder-mismatch": lambda: presentation(holder="did:example:acme", verifiableCredential=[sign(credential())]),
    "self-asserted-no-holder": lambda: presentation(verifiableCredential=[sign(credential())]),
    "issuer-mismatch": lambda: presentation(
        holder=DID, verifiableCredential=[sign(credential(issuer="did:example:acme"))]
    ),
    "credential-as-string": lambda: presentation(
        "eddsa-jcs-2022", holder=DID, verifiableCredential=["did:example:credential"]
    ),
    "credential-unsecured": lambda: presentation(holder=DID, verifiableCredential=[credential()]),
    "no-document": lambda: {"type": ["NonconformingDocument"]},
}


@pytest.mark.parametrize("name", WRONG_PRESENTATIONS)
def test_a_wrong_presentation(instance: Served, name: str) -> None:
    """Each is refused under 400, with a problem that says why."""
    made = WRONG_PRESENTATIONS[name]()
    answer = instance.verify_presentation(made, challenge=CHALLENGE, domain=DOMAIN)

    assert 400 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]


@pytest.mark.parametrize(
    "options", [{"challenge": "another", "domain": DOMAIN}, {"challenge": CHALLENGE, "domain": "another.example"}]
)
def test_another_challenge_or_domain(instance: Served, options: dict[str, str]) -> None:
    """What a request states must be what was signed."""
    assert 400 == instance.verify_presentation(presentation(), **options).status_code


def test_envelopes(instance: Served) -> None:
    """An enveloped credential verifies as it was issued, and in no other shape."""
    made = instance.issued("EnvelopingProof", credential(issuer=instance.manifest["p256"]))

    assert 200 == instance.verify(made).status_code
    for changed in (
        change(made, **{"@context": []}),
        change(made, **{"@context": EXAMPLES}),
        change(made, id=made["id"].split(",")[1]),
        change(made, type=None),
        change(made, type="VerifiableCredential"),
        change(made, id=made["id"][:-8] + "AAAAAAAA"),
    ):
        assert 400 == instance.verify(changed).status_code


@pytest.mark.parametrize("typ", ["JWT", None])
def test_jwt_of_the_first_version(instance: Served, typ: str | None) -> None:
    """A presentation in `vp` with a credential in `vc` is read from `application/jwt`, and is not a `vp+jwt`."""
    header: dict[str, object] = {"kid": METHOD} | ({} if typ is None else {"typ": typ})
    inner = sign_jws(header, {"iss": DID, "sub": "did:example:subject", "vc": credential()}, HOLDER)
    enveloped = {"@context": V2, "type": "EnvelopedVerifiableCredential", "id": f"data:application/jwt,{inner}"}
    unsigned = {
        "@context": [V2], "type": ["VerifiablePresentation"], "holder": DID, "verifiableCredential": [enveloped],
    }  # fmt: skip
    token = sign_jws(header, {"iss": DID, "aud": DOMAIN, "nonce": CHALLENGE, "vp": unsigned}, HOLDER)
    made = {"@context": V2, "type": "EnvelopedVerifiablePresentation", "id": f"data:application/jwt,{token}"}

    assert 200 == instance.verify_presentation(made, challenge=CHALLENGE, domain=DOMAIN).status_code
    assert 200 == instance.verify(enveloped).status_code
    for changed in (
        change(made, id=f"data:application/vp+jwt,{token}"),
        change(made, **{"@context": []}),
        change(made, **{"@context": [EXAMPLES]}),
        change(made, id=token),
        change(made, type=["VerifiablePresentation"]),
    ):
        assert 400 == instance.verify_presentation(changed, challenge=CHALLENGE, domain=DOMAIN).status_code
    assert 400 == instance.verify_presentation(made, challenge="another", domain=DOMAIN).status_code


RELATED = {"id": V2, "mediaType": "application/ld+json"}
TODAY = {
    "digestSRI": "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU",
    "digestMultibase": "uWZVc7WaX1h4D8rJVb-vlMIqxaEKEb1tYbX8fet7JJzQ",
}
FORMER = {
    "digestSRI": "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg",
    "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k",
}


@pytest.mark.parametrize("member", TODAY)
def test_related_resources(instance: Served, member: str) -> None:
    """Right digests pass, those of a superseded text too; a wrong one, a missing one and a repeated resource do not."""

    def answer(*related: object) -> int:
        sent = credential(issuer=instance.manifest["ed"], relatedResource=list(related))
        return instance.issue("eddsa-rdfc-2022", sent).status_code

    other = TODAY[member][:-6] + ("AAAAAA" if member == "digestSRI" else "AAAAAQ")

    assert [201, 201] == [answer({**RELATED, member: digests[member]}) for digests in (TODAY, FORMER)]
    assert 201 == answer({"id": V2, **TODAY})
    assert 400 == answer({**RELATED, member: other})
    assert 400 == answer({"id": V2, **TODAY, member: other})
    assert 400 == answer(RELATED)
    assert 400 == answer({member: TODAY[member]})
    assert 400 == answer({**RELATED, member: TODAY[member]}, {**RELATED, member: TODAY[member]})
    assert 400 == answer(V2)
    assert 400 == answer({**RELATED, member: "uZTQ0MjM1NiAgcmVwb3J0cc5jZWxhdGVkLXJlc291cmNlLmpzb24K"})
