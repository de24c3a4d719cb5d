"""DIDs: syntax, documents, did:key and did:web, and what is never taken for one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentdid.codec.base import encode_base58btc, encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.codec.varint import encode_varint
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.did.document import RELATIONSHIPS, build_document, parse_document
from agentdid.did.resolve import Ask, plan, read
from agentdid.did.syntax import check_did, split_did_url
from agentdid.errors import AgentdidError
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.secret import SecretKey
from tests.vectors_dir import ROOT, vectors

AT = datetime(2026, 11, 24, tzinfo=UTC)
KEY = SecretKey.from_seed("Ed25519", b"\1" * 32).public
OTHER = SecretKey.from_seed("P-256", b"\2" * 32).public
DID = "did:web:example.com"


def lines(name: str) -> list[str]:
    """The cases of a syntax file: a case a line, Python escapes, `#` lines are comments."""
    text = (Path(ROOT) / "tests" / "syntax" / name).read_text("utf-8")
    return [line.encode().decode("unicode_escape") for line in text.splitlines() if line and not line.startswith("# ")]


def code_of(act: object, *arguments: object) -> str:
    """The code that an act ends with."""
    with pytest.raises(AgentdidError) as caught:
        act(*arguments)  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize("text", lines("did_valid.txt"))
def test_valid_dids(text: str) -> None:
    """Each is a DID, and its method is what stands between the first two colons."""
    assert text.split(":")[1] == check_did(text)


@pytest.mark.parametrize("text", lines("did_invalid.txt"), ids=repr)
def test_h10_invalid_dids(text: str) -> None:
    """Each is refused, as an issuer and as anything else."""
    assert "did_invalid" == code_of(check_did, text)


@pytest.mark.parametrize("text", [f"{DID}#k", "did:key:z6Mk#z6Mk", f"{DID}#a/b?c"])
def test_method_ids(text: str) -> None:
    """A DID and a fragment."""
    assert tuple(text.split("#")) == split_did_url(text)


@pytest.mark.parametrize(
    "text", [DID, "#k", f"{DID}#", f"{DID}/p#k", f"{DID}?q#k", f"{DID}#a#b", None, 1, "", [f"{DID}#k"], {}], ids=repr
)
def test_what_is_no_method_id(text: object) -> None:
    """Relative ones, ones without fragment, ones with path or query, and what is no text."""
    assert "did_invalid" == code_of(split_did_url, text)


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_a_did_key_is_its_own_document(key: object) -> None:
    """One method, listed under every signing relationship; the JSON says the same."""
    did = did_key.create(key)  # type: ignore[arg-type]
    method_id = f"{did}#{did[8:]}"
    found = plan(did)

    for relationship in RELATIONSHIPS:
        assert key == found.find_key(method_id, relationship, AT)  # type: ignore[union-attr]
        assert key == parse_document(did_key.document_json(did), did).find_key(method_id, relationship, AT)
    assert "purpose_not_authorized" == code_of(found.find_key, method_id, "keyAgreement", AT)  # type: ignore[union-attr]
    assert "purpose_not_authorized" == code_of(found.find_key, f"{did}#x", "authentication", AT)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (encode_multibase(encode_varint(0xED) + b"\1" * 31, "z"), "did_invalid"),
        (encode_multibase(encode_varint(0xED) + KEY.raw + b"\0", "z"), "did_invalid"),
        (encode_multibase(encode_varint(0x12) + KEY.raw, "z"), "did_invalid"),
        (encode_multibase(b"\xed\x81\x00" + KEY.raw, "z"), "did_invalid"),
        (encode_multibase(encode_varint(0xED) + b"\0" * 32, "z"), "key_invalid"),
        ("Z" + encode_base58btc(encode_varint(0xED) + KEY.raw), "did_invalid"),
        ("z0OIl", "did_invalid"),
        ("z", "did_invalid"),
    ],
)
def test_h01_h03_malformed_did_keys(name: str, code: str) -> None:
    """Wrong code, length, varint, base or point."""
    assert code in ("did_invalid", "key_invalid")
    assert code == code_of(plan, f"did:key:{name}")


@pytest.mark.parametrize(
    "did", ["DID:KEY:z6Mk", "did:KEY:z6Mk", "did:example:1", "did:ethr:0x1", "did:WEB:example.com"]
)
def test_h09_unknown_methods(did: str) -> None:
    """An unknown method, or a known one in another case."""
    assert "did_method_unsupported" == code_of(plan, did)


def test_published_did_keys() -> None:
    """The method's own Ed25519 and P-256 vectors: the same key under the same name."""
    folder = vectors("did-key") / "w3c-ccg-did-method-key"
    checked = 0
    for file in ("ed25519-x25519.json", "nist-curves.json"):
        for did, case in json.loads((folder / file).read_text()).items():
            if not did.startswith(("did:key:z6Mk", "did:key:zDn")):
                continue
            (method,) = plan(did).methods.values()  # type: ignore[union-attr]
            checked += 1
            pair = case.get("verificationKeyPair") or case["verificationMethod"]
            if "publicKeyBase58" in pair:
                assert pair["publicKeyBase58"] == encode_base58btc(method.public_key().raw)
            elif "publicKeyJwk" in pair:
                wanted = {name: pair["publicKeyJwk"][name] for name in encode_jwk(method.public_key())}
                assert wanted == encode_jwk(method.public_key())

    assert checked >= 6


def test_published_did_key_document() -> None:
    """The specification's example document lists the same key under the same relationships."""
    examples = json.loads((vectors("did-key") / "did-key-spec-v0.9-examples.json").read_text())
    document = next(each["value"] for each in examples if each["kind"] == "json" and "id" in each["value"])
    ours = did_key.document_json(document["id"])

    assert document["verificationMethod"][0] == ours["verificationMethod"][0]  # type: ignore[index]
    assert {name: document[name] for name in RELATIONSHIPS} == {name: ours[name] for name in RELATIONSHIPS}


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:example.com%3A8443:user:alice", "https://example.com:8443/user/alice/did.json"),
        ("did:web:127.0.0.1%3A6379", "https://127.0.0.1:6379/.well-known/did.json"),
    ],
)
def test_did_web_urls(did: str, url: str) -> None:
    """The method's own examples, Z07 among them; never http."""
    assert Ask(did, url) == plan(did)


@pytest.mark.parametrize(
    "tail",
    [
        "example.com:%2e%2e:etc", "example.com:a%2fb", "example.com:a%5Cb", "example.com:a%00", "a%40example.com",
        "example.com:%252e", "example.com%3a3000", "example.com%3A0", "example.com%3A65536", "example.com%3A03000",
        "Example.com", "example..com", ".example.com", "example.com::a", "example.com:..", "example.com:.",
        "%5B::1%5D", "example.com%3A", "-", "ex_ample.com",
    ],
)  # fmt: skip
def test_i07_did_webs_that_two_readers_could_read_differently(tail: str) -> None:
    """Encoded separators, dots and NULs, bad ports, empty and dot segments, odd hosts."""
    assert "did_invalid" == code_of(plan, f"did:web:{tail}")


def test_did_webs_are_made() -> None:
    """A host, a port and a path become a DID, and only if one comes of it."""
    assert "did:web:example.com%3A8443:a:b" == did_web.create("Example.com", 8_443, ["a", "b"])
    assert "did_invalid" == code_of(did_web.create, "example.com", None, ["..", "b"])


def document(**changes: object) -> dict[str, object]:
    """A document with one key under every relationship."""
    return {**build_document(DID, {"k": KEY}), **changes}


def method(**changes: object) -> dict[str, object]:
    """A verification method."""
    (row,) = build_document(DID, {"k": KEY})["verificationMethod"]  # type: ignore[misc]
    return {**row, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"verificationMethod": [method(id="#k")], "assertionMethod": ["#k"]},
        {"verificationMethod": [], "assertionMethod": [method()]},
        {"verificationMethod": [method(type="JsonWebKey", publicKeyJwk=encode_jwk(KEY))]},
        {"verificationMethod": [method(type="JsonWebKey2020", publicKeyJwk=encode_jwk(KEY))]},
        {"verificationMethod": [method(type="Ed25519VerificationKey2020")]},
        {"verificationMethod": [method(), method(id="#other", type="Unknown", publicKeyHex="00")]},
        {"verificationMethod": [method(expires="2026-11-25T00:00:00Z")]},
        {"@context": "https://www.w3.org/ns/did/v1", "service": [{"id": "#s"}], "more": 1},
    ],
    ids=repr,
)
def test_documents_in_all_their_forms(changes: dict[str, object]) -> None:
    """Relative ids, embedded methods, JWKs, older types, unknown neighbours."""
    assert KEY == read(DID, encode(document(**changes))).find_key(f"{DID}#k", "assertionMethod", AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"assertionMethod": []},
        {"verificationMethod": [method(controller="did:web:other.example")]},
        {"verificationMethod": [method(expires="2026-11-23T00:00:00Z")]},
        {"verificationMethod": [method(revoked="2026-11-23T00:00:00Z")]},
        {"assertionMethod": ["did:web:other.example#k"]},
    ],
    ids=repr,
)
def test_keys_that_may_not_sign(changes: dict[str, object]) -> None:
    """Not listed, another's, expired, revoked."""
    assert "purpose_not_authorized" == code_of(
        read(DID, encode(document(**changes))).find_key, f"{DID}#k", "assertionMethod", AT
    )


@pytest.mark.parametrize("changes", [{"type": "Unknown"}, {"publicKeyMultibase": None}, {"publicKeyMultibase": "z6Mk"}])
def test_a_bad_key_harms_only_who_uses_it(changes: dict[str, object]) -> None:
    """The document is read; the key is refused when it is wanted."""
    found = read(DID, encode(document(verificationMethod=[method(**changes)])))

    assert code_of(found.find_key, f"{DID}#k", "assertionMethod", AT) in ("key_invalid", "encoding_invalid")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (document(id="did:web:other.example"), "did_document_mismatch"),
        (document(id=None), "did_document_mismatch"),
        (document(verificationMethod={}), "type_mismatch"),
        (document(verificationMethod=[1]), "type_mismatch"),
        (document(verificationMethod=[method(), method()]), "type_mismatch"),
        (document(verificationMethod=[method(id="k")]), "type_mismatch"),
        (document(verificationMethod=[method(type=None)]), "type_mismatch"),
        (document(verificationMethod=[method(expires="soon")]), "type_mismatch"),
        (document(assertionMethod="#k"), "type_mismatch"),
        (document(assertionMethod=[1]), "type_mismatch"),
        (document(alsoKnownAs=[1]), "type_mismatch"),
        ([], "type_mismatch"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_i09_malformed_documents(value: object, code: str) -> None:
    """About another DID, or of another shape than DID Core gives it."""
    assert code == code_of(read, DID, encode(value))
