"""W3C vc-jose-cose: the suite's documents and tokens through its harness, and the examples of the Recommendation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.cli.main import main
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import AgentdidError
from agentdid.proof.cose import parse_sign1
from agentdid.proof.disclosures import open_payload
from agentdid.proof.jws import parse_jws
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "w3c-vc-jose-cose-test-suite"
CLASS = {"P-256": "vm-p256.json", "P-384": "vm-p384.json", "P-521": "vm-p521.json", "Ed25519": "vm-ed25519.json"}
NESTED = ["credentialSubject.address.street", "credentialSubject.address.city", "credentialSubject.phoneNumbers[0]"]


def harness(tmp_path: Path, verb: str, given: Path | bytes | str, key: str, feature: str, *more: str) -> dict[str, Any]:
    """Run the command line as the suite does; return the result object."""
    if not hasattr(given, "exists"):
        place = tmp_path / "input"
        place.write_bytes(given.encode() if isinstance(given, str) else given)
        given = place
    output = tmp_path / "output.json"
    code = main(
        ["interop", "vc-jose-cose", verb, "--input", str(given), "--key", str(vectors(SUITE) / key),
         "--feature", feature, "--output", str(output), *more]
    )  # fmt: skip

    assert 0 == code
    return json.loads(output.read_text("utf-8"))  # type: ignore[no-any-return]


ISSUED = [
    ("credential-minimal.json", "vm-p256.json", "credential_jose", [], "success"),
    ("credential-full.json", "vm-p384.json", "credential_jose", [], "success"),
    ("credential-unknown-extensions.json", "vm-p521.json", "credential_jose", [], "failure"),
    ("credential-selective.json", "vm-p384.json", "credential_sdjwt",
     ["credentialSubject.firstName", "credentialSubject.lastName"], "success"),
    ("credential-nested-selective.json", "vm-p521.json", "credential_sdjwt", NESTED, "success"),
    ("credential-minimal.json", "vm-did-ed25519.json", "credential_cose", [], "success"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "feature", "hidden", "expected"), ISSUED)
def test_issue(tmp_path: Path, name: str, key: str, feature: str, hidden: list[str], expected: str) -> None:
    """Cases 1, 2, 5, 17, 18, 27: what is issued is what was asked for, and our own harness verifies it."""
    document = vectors(SUITE) / name
    issued = harness(tmp_path, "issue", document, key, feature, *(["--sd", json.dumps(hidden)] if hidden else []))

    assert expected == issued["result"]
    if expected == "success":
        verified = harness(tmp_path, "verify", issued["data"], key, feature)
        assert "success" == verified["result"]
        opened = {name: each for name, each in verified["data"].items() if name != "_sd_alg"}
        assert ordered(json.loads(document.read_text("utf-8"))) == ordered(opened)
        assert len(hidden) == issued["data"].count("~") - 1 if hidden else "~" not in issued["data"]


def ordered(value: object) -> object:
    """Return the value with a digest's leavings out of account: members in one order."""
    return json.dumps(value, sort_keys=True)


VERIFIED = [
    ("credential-jose-minimal.txt", "vm-p256.json", "credential_jose", "success"),
    ("credential-issuer-match-signed.txt", "vm-ed25519.json", "credential_jose", "success"),
    ("credential-issuer-match-signed.txt", "vm-did-ed25519.json", "credential_jose", "success"),
    ("credential-jose-unknown-extensions.txt", "vm-p521.json", "credential_jose", "success"),
    ("credential-sdjwt-selective.txt", "vm-p384.json", "credential_sdjwt", "success"),
    ("credential-cose-minimal.txt", "vm-p256.json", "credential_cose", "success"),
]


@pytest.mark.parametrize(("name", "key", "feature", "expected"), VERIFIED)
def test_verify(tmp_path: Path, name: str, key: str, feature: str, expected: str) -> None:
    """Cases 6, 8, 20, 29; under every other key, as another kind of token and with a byte changed it fails."""
    given = vectors(SUITE) / name

    assert expected == harness(tmp_path, "verify", given, key, feature)["result"]
    for other in set(CLASS.values()) - {key, "vm-ed25519.json" if "ed25519" in key else key}:
        assert "failure" == harness(tmp_path, "verify", given, other, feature)["result"]
    for how in ("jose", "sdjwt", "cose"):
        for what in ("credential", "presentation"):
            if f"{what}_{how}" != feature:
                assert "failure" == harness(tmp_path, "verify", given, key, f"{what}_{how}")["result"]
    text = given.read_text("utf-8").strip()
    at = text.index("~") - 12 if "~" in text else len(text) - 12
    changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    assert "failure" == harness(tmp_path, "verify", changed, key, feature)["result"]


def test_cose_that_is_not_base64(tmp_path: Path) -> None:
    """Case 30: hex is not base64, nor is base64 with white space in it."""
    text = (vectors(SUITE) / "credential-cose-minimal.txt").read_text("utf-8").strip()
    octets = decode_base64url(text.rstrip("=").replace("+", "-").replace("/", "_"))
    for spoiled in (octets.hex(), f"{text[:40]}\n{text[40:]}", text + "====", octets):
        answer = harness(tmp_path, "verify", spoiled, "vm-p256.json", "credential_cose")
        assert "failure" == answer["result"]


def presentation(**changes: object) -> dict[str, Any]:
    """Return a presentation of one enveloped credential of the suite, unsecured."""
    token = (vectors(SUITE) / "credential-sdjwt-selective.txt").read_text("utf-8").strip()
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5",
        "type": ["VerifiablePresentation"],
        "holder": "https://example.issuer/vc-jose-cose",
        "verifiableCredential": [
            {
                "@context": "https://www.w3.org/ns/credentials/v2",
                "type": "EnvelopedVerifiableCredential",
                "id": f"data:application/vc+sd-jwt,{token}",
            }
        ],
    } | changes


@pytest.mark.parametrize("how", ["jose", "sdjwt", "cose"])
@pytest.mark.parametrize("key", CLASS.values())
def test_presentations(tmp_path: Path, how: str, key: str) -> None:
    """Cases 3, 4, 7, 19, 26, 28, 31: issued and verified, under SD-JWT with holder and credential hidden."""
    hidden = ["--sd", '["holder", "verifiableCredential[0]"]'] if how == "sdjwt" else []
    issued = harness(tmp_path, "issue", json.dumps(presentation()), key, f"presentation_{how}", *hidden)
    verified = harness(tmp_path, "verify", issued["data"], key, f"presentation_{how}")

    assert ("success", "success") == (issued["result"], verified["result"])
    assert ordered(presentation()) == ordered({n: v for n, v in verified["data"].items() if n != "_sd_alg"})


@pytest.mark.parametrize("how", ["jose", "sdjwt", "cose"])
@pytest.mark.parametrize(
    "changes",
    [
        {"verifiableCredential": [{"@context": "https://www.w3.org/ns/credentials/v2", "id": "not-a-credential",
                                   "type": "EnvelopedVerifiableCredential"}]},
        {"verifiableCredential": [{"type": ["VerifiableCredential"], "issuer": "https://example.issuer"}]},
        {"verifiableCredential": ["eyJ.eyJ.x"]}, {"type": ["VerifiableCredential"]}, {"holder": 7}, {"@context": []},
        {"badExtension": {"huh": "what?"}}, {"vc": {}}, {"vp": {}}, {"iss": "https://other.example"},
    ],
    ids=str,
)  # fmt: skip
def test_presentations_that_are_none(tmp_path: Path, how: str, changes: dict[str, object]) -> None:
    """Cases 16, 26, 35: credentials that are not secured, and members of another kind or from elsewhere."""
    issued = harness(tmp_path, "issue", json.dumps(presentation(**changes)), "vm-p256.json", f"presentation_{how}")

    assert "failure" == issued["result"]


@pytest.mark.parametrize("typ", [None, "bad+typ", "JWT", "vp+jwt", "application/vc+jwt", "VC+JWT"])
def test_wrong_media_types(tmp_path: Path, typ: str | None) -> None:
    """Cases 13, 14, 24, 25, 33, 34: the type of a token is that of its document."""
    from agentdid.keys.jwk import decode_secret_jwk  # noqa: PLC0415
    from agentdid.proof.jws import sign_jws  # noqa: PLC0415

    method = json.loads((vectors(SUITE) / "vm-p256.json").read_text("utf-8"))
    document = json.loads((vectors(SUITE) / "credential-minimal.json").read_text("utf-8"))
    token = sign_jws({} if typ is None else {"typ": typ}, document, decode_secret_jwk(method["secretKeyJwk"]))

    assert "failure" == harness(tmp_path, "verify", token, "vm-p256.json", "credential_jose")["result"]


@pytest.mark.parametrize("claims", [{"vc": {}}, {"vp": "no"}, {"iss": "https://other.example"}, {"anything": 1}])
def test_claims_that_do_not_belong(tmp_path: Path, claims: dict[str, object]) -> None:
    """Case 15: `vc` and `vp` of the older model, another `iss`, a member outside the data model."""
    document = {**json.loads((vectors(SUITE) / "credential-minimal.json").read_text("utf-8")), **claims}
    for how in ("jose", "sdjwt", "cose"):
        answer = harness(tmp_path, "issue", json.dumps(document), "vm-p256.json", f"credential_{how}")
        assert "failure" == answer["result"]


def test_an_unsecured_credential(tmp_path: Path) -> None:
    """Cases 10 and 11: JSON, and a token whose algorithm is none."""
    document = (vectors(SUITE) / "credential-minimal.json").read_bytes()
    parts = [b'{"alg":"none","typ":"vc+jwt"}', document, b""]
    for given in (document, ".".join(encode_base64url(each) for each in parts), b"", b"\xff"):
        assert "failure" == harness(tmp_path, "verify", given, "vm-p256.json", "credential_jose")["result"]


def test_a_feature_that_is_none(tmp_path: Path) -> None:
    """What is not built is neither success nor failure."""
    document = vectors(SUITE) / "credential-minimal.json"

    assert "indeterminate" == harness(tmp_path, "issue", document, "vm-p256.json", "credential_zip")["result"]
    assert "indeterminate" == harness(tmp_path, "verify", document, "vm-p256.json", "credential_zip")["result"]


def spec_examples() -> list[dict[str, Any]]:
    """Return the examples of the Recommendation."""
    return json.loads((vectors("w3c-spec-examples") / "vc-jose-cose-PR-2025.json").read_text("utf-8"))  # type: ignore[no-any-return]


def test_examples_of_cose() -> None:
    """Every COSE_Sign1 of the Recommendation holds the document beside it; its key is unpublished."""
    rows = spec_examples()
    count = 0
    for row in rows:
        if row["kind"] == "cose_sign1_hex":
            parts = parse_sign1(bytes.fromhex(row["value"]))
            documents = [each["value"] for each in rows if each["example"] == row["example"] and each["kind"] == "json"]
            count += 1
            assert "ES384" == parts.header.alg
            if parts.document.get("verifiableCredential") == []:
                del parts.document["verifiableCredential"]  # of an envelope, whose printed form has no such member
            assert parts.document in documents

    assert 6 == count


def test_examples_of_jose() -> None:
    """Every JWT and SD-JWT of the Recommendation opens; their keys are unpublished."""
    count = 0
    for row in spec_examples():
        if row["kind"] not in ("jwt", "sd-jwt", "jws") or not isinstance(row["value"], str):
            continue
        issued, *disclosures = "".join(row["value"].split()).split("~")
        try:
            jws = parse_jws(issued)
            if disclosures:
                open_payload(jws.claims, [each for each in disclosures if each])
        except AgentdidError as error:
            pytest.fail(f"{row['section']}: {error}")
        count += 1

    assert count > 10
