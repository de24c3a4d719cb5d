"""Data Integrity over HTTP: what the W3C suites of eddsa, ecdsa, bbs and Ed25519Signature2020 send and wait for.

Both versions of the data model, every instance: the form of proofs, verification, and each way in which a proof can be
broken (data-integrity-test-suite-assertion and the suites that use it).
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import decode_base58btc, decode_multibase, encode_multibase
from agentdid.did.key import create
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.secure.data_integrity import add_proof
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vc_api import Served

V1, V2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
DATA_INTEGRITY_V2 = "https://w3id.org/security/data-integrity/v2"
ED25519_2020 = "https://w3id.org/security/suites/ed25519-2020/v1"
ISSUERS = {
    "eddsa-rdfc-2022": "ed", "eddsa-jcs-2022": "ed", "Ed25519Signature2020": "ed",
    "ecdsa-rdfc-2019": "p256", "ecdsa-rdfc-2019-p384": "p384", "ecdsa-jcs-2019": "p256", "ecdsa-jcs-2019-p384": "p384",
    "ecdsa-sd-2023": "p256", "bbs-2023": "bls",
    "mldsa44-jcs-2024": "mldsa44", "mldsa44-rdfc-2024": "mldsa44",
}  # fmt: skip
SELECTIVE = ("ecdsa-sd-2023", "bbs-2023")
FIXTURES = {
    "valid": ("w3c-vc-di-ecdsa-test-suite/valid/vc{}", "document.json"),
    "achievement": ("w3c-vc-di-ecdsa-test-suite/achievement/vc{}", "document.json"),
    "license": ("w3c-vc-di-bbs-test-suite/license/{}", "credential.json"),
}
LENGTHS = {"ed": 64, "p256": 64, "p384": 96, "mldsa44": 2420}


def whole(value: object) -> object:
    """Return JSON as JavaScript writes it: a whole number has no point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    return {name: whole(each) for name, each in value.items()} if isinstance(value, dict) else value


def fixture(name: str, version: str, issuer: str) -> dict[str, Any]:
    """Return a published credential as the suites send it: a fresh id, the issuer, and in 1.1 the date."""
    folder, file = FIXTURES[name]
    found: Any = whole(json.loads((vectors(folder.format(version)) / file).read_text("utf-8")))
    found |= {"id": f"urn:uuid:{uuid.uuid4()}", "issuer": issuer}
    if version == "1.1":
        found["issuanceDate"] = "2024-01-01T00:00:00Z"
    return dict(found)


def pointers(name: str, version: str, which: str) -> list[str]:
    """Return the published pointers of a credential."""
    found: list[str] = json.loads((vectors(FIXTURES[name][0].format(version)) / f"{which}.json").read_text("utf-8"))
    return found


def made(instance: Served, suite: str, version: str, name: str = "license", **options: object) -> dict[str, Any]:
    """Return what an instance issues; of a selective suite, what is derived from it."""
    issued = instance.issued(suite, fixture(name, version, instance.manifest[ISSUERS[suite]]), **options)
    if suite not in SELECTIVE:
        return issued
    answer = instance.post(
        "/credentials/derive",
        {"verifiableCredential": issued, "options": {"selectivePointers": ["/credentialSubject"]}},
    )
    assert 201 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()["verifiableCredential"]
    return found


@pytest.fixture(params=[(suite, version) for suite in ISSUERS for version in ("1.1", "2.0")], ids="-".join)
def signed(request: pytest.FixtureRequest, instance: Served) -> dict[str, Any]:
    """One credential of each suite and version."""
    suite, version = request.param
    pointed = {"mandatoryPointers": pointers("license", version, "mandatoryPointers")} if suite in SELECTIVE else {}
    return made(instance, suite, version, **pointed)


def test_a_proof_has_its_form(instance: Served, signed: dict[str, Any]) -> None:
    """One object: type, purpose, key, time and value, under a context that defines them; and it verifies."""
    proof, contexts = signed["proof"], signed["@context"]

    assert {"type", "created", "proofPurpose", "verificationMethod", "proofValue"} <= proof.keys()
    if proof["type"] == "Ed25519Signature2020":
        assert ED25519_2020 in contexts
    else:
        assert "DataIntegrityProof" == proof["type"]
        assert proof["cryptosuite"] in {each.removesuffix("-p384") for each in ISSUERS}
        assert {V2, DATA_INTEGRITY_V2} & set(contexts)
    assert "assertionMethod" == proof["proofPurpose"]
    did, _, fragment = proof["verificationMethod"].partition("#")
    assert did == f"did:key:{fragment}"
    suite = proof.get("cryptosuite", "")
    assert proof["proofValue"][0] == ("u" if suite in SELECTIVE or "mldsa" in suite else "z")
    answer = instance.verify(signed, checks=["proof"])
    assert 200 == answer.status_code, answer.text


def test_presented(instance: Served, signed: dict[str, Any]) -> None:
    """By a holder who is not its subject; what is derived says nothing of who asks, as other libraries derive it."""
    key = SecretKey.generate()
    did = create(key.public)
    unsigned = {"@context": [V2], "type": ["VerifiablePresentation"], "holder": did, "verifiableCredential": [signed]}
    presented = add_proof(
        unsigned,
        key,
        f"{did}#{did.removeprefix('did:key:')}",
        SUITES["eddsa-jcs-2022"],
        purpose="authentication",
        created=datetime.now(UTC),
        options={"challenge": "abc", "domain": "domain.example"},
    )

    for options in ({"challenge": "abc", "domain": "domain.example"}, {"challenge": "abc"}, {}):
        answer = instance.verify_presentation(presented, **options)
        assert 200 == answer.status_code, answer.text
    for options in ({"challenge": "abd"}, {"challenge": "abc", "domain": "other.example"}):
        assert 400 == instance.verify_presentation(presented, **options).status_code


def changed(credential: dict[str, Any], **members: object) -> dict[str, Any]:
    """Return a credential whose proof has other members, those of `...` left out."""
    proof = {name: value for name, value in {**credential["proof"], **members}.items() if value is not ...}
    return {**credential, "proof": proof}


def longer(value: str) -> str:
    """Return a proof value with 32 bytes more."""
    return encode_multibase(decode_multibase(value) + bytes(range(32)), value[0])  # type: ignore[arg-type]  # z or u


def flipped(value: str) -> str:
    """Return a proof value with one bit changed near its end."""
    raw = bytearray(decode_multibase(value))
    raw[-5] ^= 1
    return encode_multibase(bytes(raw), value[0])  # type: ignore[arg-type]  # z or u


BROKEN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no-proof": lambda c: {name: value for name, value in c.items() if name != "proof"},
    "proof-null": lambda c: {**c, "proof": None},
    "proof-empty": lambda c: {**c, "proof": []},
    "proof-text": lambda c: {**c, "proof": "proof"},
    "no-type": lambda c: changed(c, type=...),
    "unknown-type": lambda c: changed(c, type="UnknownProofType"),
    "empty-type": lambda c: changed(c, type="", cryptosuite=""),
    "no-method": lambda c: changed(c, verificationMethod=...),
    "invalid-method": lambda c: changed(c, verificationMethod="did:key:invalidVm"),
    "no-purpose": lambda c: changed(c, proofPurpose=...),
    "unknown-purpose": lambda c: changed(c, proofPurpose="invalidPurpose"),
    "other-purpose": lambda c: changed(c, proofPurpose="authentication"),
    "no-value": lambda c: changed(c, proofValue=...),
    "value-null": lambda c: changed(c, proofValue=None),
    "value-no-prefix": lambda c: changed(c, proofValue=c["proof"]["proofValue"][1:]),
    "value-other-prefix": lambda c: changed(c, proofValue="a"),
    "value-truncated": lambda c: changed(c, proofValue=c["proof"]["proofValue"][:-4]),
    "value-longer": lambda c: changed(c, proofValue=longer(c["proof"]["proofValue"])),
    "value-flipped": lambda c: changed(c, proofValue=flipped(c["proof"]["proofValue"])),
    "created-no-date": lambda c: changed(c, created="invalidDate"),
    "created-no-offset": lambda c: changed(c, created=c["proof"]["created"].removesuffix("Z")),
    "created-removed": lambda c: changed(c, created=...),
    "expires-no-offset": lambda c: changed(c, expires="2024-01-01T00:00:00"),
    "expired": lambda c: changed(c, expires="2024-01-01T00:00:00Z"),
    "unknown-suite": lambda c: changed(c, cryptosuite="UnknownCryptosuite"),
    "other-suite": lambda c: changed(
        c, cryptosuite="eddsa-jcs-2022" if c["proof"].get("cryptosuite") == "eddsa-rdfc-2022" else "eddsa-rdfc-2022"
    ),
    "other-subject": lambda c: {**c, "credentialSubject": {**c["credentialSubject"], "id": "urn:invalid"}},
    "other-issuer": lambda c: {**c, "issuer": "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"},
    "undefined-term": lambda c: {**c, "unknownTerm": "x"},
    "other-context": lambda c: {**c, "@context": [*c["@context"], {"unknownTerm": "https://example.org/#x"}]},
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_proof(instance: Served, signed: dict[str, Any], how: str) -> None:
    """Nothing that was changed verifies: 400, and a problem that says why."""
    proof = signed["proof"]
    if how == "unknown-suite" and proof["type"] == "Ed25519Signature2020":
        pytest.skip("the older proof has no cryptosuite")
    answer = instance.verify(BROKEN[how](signed), checks=["proof"])
    if how == "other-context" and "jcs" not in proof.get("cryptosuite", ""):
        # statements are signed, and an inline context that nothing uses adds none (policy.CONFORMANCE takes it)
        assert 200 == answer.status_code
        return

    assert 400 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]


@pytest.mark.parametrize(
    "options",
    [
        {"expectedProofPurpose": "authentication"},
        {"domain": "domain.example"},
        {"domain": "domain.example", "challenge": "1235abcd6789"},
    ],
)
def test_what_a_request_expects(instance: Served, options: dict[str, str]) -> None:
    """A purpose, a domain or a challenge that the proof has not."""
    issued = made(instance, "eddsa-rdfc-2022", "2.0")

    assert 400 == instance.verify(issued, **options).status_code


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize("suite", [suite for suite in ISSUERS if suite not in SELECTIVE])
def test_the_length_of_a_signature(instance: Served, suite: str, version: str) -> None:
    """RFC 4754 section 7 for ECDSA, RFC 8032 for Ed25519, FIPS 204 for ML-DSA: raw, and of one length."""
    value = made(instance, suite, version)["proof"]["proofValue"]

    assert LENGTHS[ISSUERS[suite]] == len(decode_multibase(value))
    if value[0] == "z" and len(value) < 200:
        assert decode_base58btc(value[1:])


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize("suite", SELECTIVE)
def test_published_pointers(instance: Served, suite: str, version: str, name: str) -> None:
    """A base proof is not for verifiers; with the published pointers, and with each alone, what is derived verifies."""
    mandatory, selective = (pointers(name, version, f"{which}Pointers") for which in ("mandatory", "selective"))
    sent = fixture(name, version, instance.manifest[ISSUERS[suite]])
    issued = instance.issued(suite, sent, mandatoryPointers=mandatory)
    header = {"ecdsa-sd-2023": b"\xd9\x5d\x00", "bbs-2023": b"\xd9\x5d\x02"}[suite]

    assert header == decode_multibase(issued["proof"]["proofValue"])[:3]
    assert "base_proof_presented" == instance.verify(issued).json()["code"]
    for chosen in (selective, *[[each] for each in selective[:3]]):
        body = {"verifiableCredential": issued, "options": {"selectivePointers": chosen}}
        derived = instance.post("/credentials/derive", body).json()["verifiableCredential"]
        answer = instance.verify(derived)

        assert 200 == answer.status_code, answer.text


@pytest.mark.parametrize("suite", SELECTIVE)
def test_pointers_that_match_nothing(instance: Served, suite: str) -> None:
    """Refused at issue and at derivation."""
    sent = fixture("license", "2.0", instance.manifest[ISSUERS[suite]])
    issued = instance.issued(suite, sent, mandatoryPointers=["/issuer"])
    body = {"verifiableCredential": issued, "options": {"selectivePointers": ["/non/existent/path"]}}

    assert 400 == instance.issue(suite, sent, mandatoryPointers=["/non/existent/path"]).status_code
    assert 400 == instance.issue(suite, sent, mandatoryPointers="/issuer").status_code
    assert 400 == instance.post("/credentials/derive", body).status_code
    assert 400 == instance.post("/credentials/derive", {"verifiableCredential": sent}).status_code
