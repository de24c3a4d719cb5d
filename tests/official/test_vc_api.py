"""VC-API over HTTP: what the issuer and verifier suites of VC-API and the suite of Bitstring Status List send."""

from __future__ import annotations

import gzip
import json
import uuid
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vc_api import Served

V1, V2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
EXAMPLES_V1 = "https://www.w3.org/2018/credentials/examples/v1"
DEGREE = ["VerifiableCredential", "UniversityDegreeCredential"]
TYPES = ("string", {}, None, 10, True)
ENTRIES = 131_072


def credential(by: object, version: str = "1.1", /, **changes: object) -> dict[str, Any]:
    """Return a credential as the suites send it; a change to `...` leaves a member out."""
    found: dict[str, Any] = {
        "@context": [V1] if version == "1.1" else [V2],
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": ["VerifiableCredential"],
        "issuer": by,
        "credentialSubject": {"id": "did:key:z6MkhTNL7i2etLerDK8Acz5t528giE5KA4p75T6ka1E1D74r"},
    }
    if version == "1.1":
        found["issuanceDate"] = "2024-01-01T00:00:00Z"
    return {name: value for name, value in {**found, **changes}.items() if value is not ...}


def at(days: float) -> str:
    """Return an instant as JavaScript without its milliseconds writes it."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


WRONG: dict[str, tuple[object, ...]] = {
    "@context": (..., 4, False, None, [], "string", [4], [False], [None], [[]], [{"foo": True}], [V1, "not a url"]),
    "type": (..., None, True, 4, [], "string", {}, [2], [None], [[]], [{"foo": True}], ["VerifiableCredential", None]),
    "issuer": (..., None, True, 4, [], {}, "not a url", {"id": None}, {"id": "relative"}),
    "credentialSubject": (..., None, True, 4, [], "did:example:1234", {}, [{}], [None, True, 4]),
    "issuanceDate": (..., None, 4, "2024-01-01", "2024-01-01T00:00:00", "yesterday", ["2024-01-01T00:00:00Z"]),
    "expirationDate": (None, 4, "2023-01-01T00:00:00Z", "2024-13-01T00:00:00Z"),
    "id": (None, 4, "relative", ["urn:uuid:1", "urn:uuid:2"], {}),
    "credentialStatus": (None, "x", {}, {"id": "https://status.example/1"}, {"id": "https://a.example", "type": 2}),
    "credentialSchema": ({"id": "https://a.example/schema"}, {"type": "JsonSchema"}, {"id": "x", "type": "JsonSchema"}),
    "evidence": ({}, {"id": "https://a.example"}, "x", [{"type": "X"}, {}]),
    "termsOfUse": ({}, {"id": "https://a.example"}, "x"),
    "refreshService": ({"id": "https://a.example"}, {"type": "X"}, "x"),
    "validFrom": ("2024-01-01T00:00:00Z",),
    "undefinedTerm": ("x",),
}


@pytest.mark.parametrize(("member", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_issue_malformed(instance: Served, member: str, value: object) -> None:
    """A member of the wrong form, or none where there must be one, is refused under 400 with a problem."""
    sent = credential(instance.manifest["ed"], **{member: value})
    for name in ("eddsa-rdfc-2022", "eddsa-jcs-2022"):
        answer = instance.issue(name, sent)

        assert 400 == answer.status_code, (name, answer.text)
        assert "application/problem+json" == answer.headers["content-type"]


@pytest.mark.parametrize(
    "body",
    [
        {"verifiableCredential": {}},
        {"credential": None},
        {"credential": "x"},
        {"credential": []},
        {"credential": {}, "options": 3},
        [],
        "x",
        None,
    ],
)
@pytest.mark.parametrize(
    "path",
    ["/eddsa-rdfc-2022/credentials/issue", "/credentials/verify", "/presentations/verify", "/credentials/derive"],
)
def test_bodies(instance: Served, path: str, body: object) -> None:
    """A request without what it must have is refused, and never with 200 or 500."""
    assert 400 == instance.post(path, body).status_code


@pytest.mark.parametrize("raw", [b"", b"{", b'{"credential":{},"credential":{}}', b"\xff", b'{"credential":1e999}'])
def test_bodies_that_are_no_json(instance: Served, raw: bytes) -> None:
    """Nor is what is no JSON text read in any way."""
    assert 400 == instance.client.post("/eddsa-jcs-2022/credentials/issue", content=raw).status_code


def test_an_unknown_instance(instance: Served) -> None:
    """There is none of that name."""
    assert 404 == instance.issue("rsa", credential(instance.manifest["ed"])).status_code


def test_issue(instance: Served) -> None:
    """201, and the credential with its proof; an expiry may stand in it, and the issuer may be an object."""
    issuer = instance.manifest["ed"]
    for sent in (
        credential(issuer),
        credential(issuer, expirationDate=at(365)),
        credential({"id": issuer}),
        credential(issuer, "2.0", validFrom=at(-1), validUntil=at(365)),
        credential(
            issuer, **{"@context": [V1, EXAMPLES_V1], "type": ["VerifiableCredential", "UniversityDegreeCredential"]}
        ),
    ):
        made = instance.issued("eddsa-rdfc-2022", sent)

        assert isinstance(made["proof"], dict)
        assert sent == {**{name: each for name, each in made.items() if name != "proof"}, "@context": sent["@context"]}
        assert sent["@context"] == made["@context"][: len(sent["@context"])]
        assert 200 == instance.verify(made).status_code


def changed(made: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    """Return a credential with one other member, left out if `...`."""
    return {key: each for key, each in {**made, name: value}.items() if each is not ...}


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "Ed25519Signature2020"])
def test_verify_malformed(instance: Served, suite: str, version: str) -> None:
    """A verified credential without one of its members, or with one of another type, is refused."""
    made = instance.issued(suite, credential(instance.manifest["ed"], version))

    assert 200 == instance.verify(made, checks=["proof"]).status_code
    for name in ("@context", "type", "issuer", "credentialSubject", "proof"):
        for value in (..., *TYPES, [], [None], [10], [[]]):
            if (name, value) == ("credentialSubject", {}) or value != made[name]:
                assert 400 == instance.verify(changed(made, name, value)).status_code, (name, value)
    for name in ("type", "created", "verificationMethod", "proofValue", "proofPurpose"):
        for value in (..., None, 10, [], {}):
            proof = changed(made["proof"], name, value)

            assert 400 == instance.verify({**made, "proof": proof}).status_code, (name, value)


def test_verify_times(instance: Served) -> None:
    """What has ended, or has not begun, does not verify."""
    issuer = instance.manifest["ed"]
    for sent in (
        credential(issuer, issuanceDate=at(-3), expirationDate=at(-1)),
        credential(issuer, issuanceDate=at(1)),
        credential(issuer, "2.0", validUntil=at(-1)),
        credential(issuer, "2.0", validFrom=at(1)),
    ):
        assert 400 == instance.verify(instance.issued("eddsa-rdfc-2022", sent)).status_code


def with_status(instance: Served, **headers: str) -> dict[str, Any]:
    """Return a credential from the instance that adds a status."""
    sent = credential(instance.manifest["ed"], "2.0")
    answer = instance.client.post("/BitstringStatusList/credentials/issue", json={"credential": sent}, headers=headers)
    assert 201 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()["verifiableCredential"]
    return found


PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "vc.example"}


def test_a_status_entry(instance: Served) -> None:
    """Bitstring Status List section 2.1: strings, an index, and the list's https URL, which is not the entry's id."""
    made = with_status(instance, **PROXY)
    entry = made["credentialStatus"]

    assert {"id", "type", "statusPurpose", "statusListIndex", "statusListCredential"} == entry.keys()
    assert ("BitstringStatusListEntry", "revocation") == (entry["type"], entry["statusPurpose"])
    assert str(int(entry["statusListIndex"])) == entry["statusListIndex"]
    assert 0 <= int(entry["statusListIndex"]) < ENTRIES
    assert entry["statusListCredential"].startswith("https://vc.example/")
    assert entry["statusListCredential"] != entry["id"]
    assert 200 == instance.verify(made, checks=["proof", "credentialStatus"]).status_code
    assert entry["statusListIndex"] != with_status(instance, **PROXY)["credentialStatus"]["statusListIndex"]


def test_a_status_list(instance: Served) -> None:
    """Sections 2.2 and 3.4: a credential by the same issuer, whose list is gzip in multibase and has enough entries."""
    entry = with_status(instance, **PROXY)["credentialStatus"]
    answer = instance.client.get(urlsplit(entry["statusListCredential"]).path, headers=PROXY)
    made = answer.json()
    subject = made["credentialSubject"]
    bits = gzip.decompress(urlsafe_b64decode(subject["encodedList"][1:] + "=="))

    assert "application/json" == answer.headers["content-type"].partition(";")[0]
    assert entry["statusListCredential"] == made["id"]
    assert ["VerifiableCredential", "BitstringStatusListCredential"] == made["type"]
    assert instance.manifest["ed"] == made["issuer"]
    assert ("BitstringStatusList", "revocation") == (subject["type"], subject["statusPurpose"])
    assert "u" == subject["encodedList"][0]
    assert ENTRIES == 8 * len(bits)
    assert 200 == instance.verify(made).status_code
    assert 404 == instance.client.get("/status/nobodys").status_code


def test_a_status_list_behind_no_proxy(instance: Served) -> None:
    """Without a proxy's headers the list is where the service itself was called."""
    made = with_status(instance)
    url = made["credentialStatus"]["statusListCredential"]

    assert url == instance.client.get(url).json()["id"]
    assert 200 == instance.verify(made).status_code


STATUS: dict[str, Callable[[dict[str, Any]], object]] = {
    "index-boolean": lambda e: {**e, "statusListIndex": True},
    "index-number": lambda e: {**e, "statusListIndex": 7},
    "index-negative": lambda e: {**e, "statusListIndex": "-1"},
    "no-purpose": lambda e: {name: each for name, each in e.items() if name != "statusPurpose"},
    "no-list": lambda e: {name: each for name, each in e.items() if name != "statusListCredential"},
    "list-no-url": lambda e: {**e, "statusListCredential": "relative"},
    "id-is-the-list": lambda e: {**e, "id": e["statusListCredential"]},
    "size-zero": lambda e: {**e, "statusSize": 0},
    "message-missing": lambda e: {**e, "statusSize": 2},
}


@pytest.mark.parametrize("how", STATUS)
def test_a_malformed_status_entry(instance: Served, how: str) -> None:
    """Refused at issue, whoever made it; so is an entry under a name that no context defines."""
    entry = {
        "id": "https://status.example/1#94567",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": "https://status.example/1",
    }
    issuer = instance.manifest["ed"]
    for member in ("credentialStatus", "statusEntry"):
        sent = credential(issuer, "2.0", **{member: STATUS[how](entry)})

        assert 400 == instance.issue("BitstringStatusList", sent).status_code

    assert 201 == instance.issue("eddsa-rdfc-2022", credential(issuer, "2.0", credentialStatus=entry)).status_code


def test_a_status_of_a_stranger(instance: Served) -> None:
    """Nothing is fetched: what speaks of another's list cannot be verified here."""
    entry = with_status(instance)["credentialStatus"]
    elsewhere = json.loads(json.dumps(entry).replace("127.0.0.1", "127.0.0.2"))
    made = instance.issued("eddsa-rdfc-2022", credential(instance.manifest["ed"], "2.0", credentialStatus=elsewhere))
    answer = instance.verify(made)

    assert (400, "status_unavailable") == (answer.status_code, answer.json()["code"])


def test_the_manifest(instance: Served) -> None:
    """Each issuer's name and its did:key."""
    prefixes = {"ed": "z6Mk", "p256": "zDn", "p384": "z82L", "bls": "zUC7", "mldsa44": "u"}

    assert prefixes.keys() == instance.manifest.keys()
    for name, prefix in prefixes.items():
        assert instance.manifest[name].startswith(f"did:key:{prefix}")
