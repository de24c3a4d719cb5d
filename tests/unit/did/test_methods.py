"""did:jwk, did:peer and did:key beyond the published vectors: what each refuses, and what keys are listed for."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.codec.varint import encode_varint
from agentdid.did import jwk as did_jwk
from agentdid.did import key as did_key
from agentdid.did import key_document
from agentdid.did import peer as did_peer
from agentdid.did.document import RELATIONSHIPS
from agentdid.did.resolve import Ask, fragment_of, plan, plan_json
from agentdid.did.result import error_name
from agentdid.errors import AgentdidError
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.sources.fetch import GuardedFetcher

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 24, tzinfo=UTC)
KEY = SecretKey.from_seed("Ed25519", b"\1" * 32).public
OTHER = SecretKey.from_seed("P-256", b"\2" * 32).public
AGREEING = SecretKey.from_seed("X25519", b"\3" * 32).public
GENERATED = [name for name, row in ALGORITHMS.items() if row.signs and row.multicodec is not None]


def failure(act: Callable[..., object], *arguments: object) -> AgentdidError:
    """The error that an act ends with."""
    with pytest.raises(AgentdidError) as caught:
        act(*arguments)
    return caught.value


def jwk_did(**changes: object) -> str:
    """The did:jwk of a P-256 key with some members more, or without those that are `None`."""
    jwk = {name: each for name, each in {**encode_jwk(OTHER), **changes}.items() if each is not None}
    return did_jwk.PREFIX + encode_base64url(canonicalize(jwk))


@pytest.mark.parametrize("algorithm", GENERATED)
@pytest.mark.parametrize("method", [did_key, did_jwk], ids=["key", "jwk"])
def test_every_key_that_signs_has_its_dids(algorithm: str, method: ModuleType) -> None:
    """Made, resolved, and the same key under every relationship of a signer; the JSON says the same."""
    key = SecretKey.generate(algorithm).public
    did = method.create(key)
    method_id = f"{did}#{fragment_of(did)}"

    for relationship in RELATIONSHIPS:
        assert key == plan(did).find_key(method_id, relationship, AT)  # type: ignore[union-attr]
    assert [method_id] == plan_json(did)["assertionMethod"]  # type: ignore[index]


def test_composites_have_a_did_jwk_and_no_did_key() -> None:
    """No multicodec is registered for them, so they travel as a JWK."""
    key = SecretKey.generate("ML-DSA-44-Ed25519").public
    did = did_jwk.create(key)

    assert key == plan(did).find_key(f"{did}#0", "assertionMethod", AT)  # type: ignore[union-attr]
    assert "key_invalid" == failure(did_key.create, key).code


def test_mldsa_is_written_in_u_and_read_in_both() -> None:
    """One key, one DID by bytes, two spellings."""
    key = SecretKey.from_seed("ML-DSA-44", b"\4" * 32).public
    did = did_key.create(key)
    raw = encode_varint(key.algorithm.multicodec or 0) + key.raw
    other = did_key.PREFIX + encode_multibase(raw, "z")

    assert did.startswith("did:key:u")
    assert key == did_key.public_key(other)
    assert did_key.same_did(did, other)
    assert not did_key.same_did(did, did_key.create(KEY))
    assert not did_key.same_did(did, "did:key:z6Mk")
    assert not did_key.same_did(did, "did:web:a.example")


def test_a_key_that_agrees_signs_nothing() -> None:
    """An X25519 did:key and did:jwk are listed under keyAgreement, and under nothing else."""
    for did in (did_key.create(AGREEING), did_jwk.create(AGREEING)):
        method_id = f"{did}#{fragment_of(did)}"
        assert AGREEING == plan(did).find_key(method_id, "keyAgreement", AT)  # type: ignore[union-attr]
        error = failure(plan(did).find_key, method_id, "assertionMethod", AT)  # type: ignore[union-attr]
        assert "purpose_not_authorized" == error.code


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"publicKeyFormat": "unknown"}, "unsupportedPublicKeyType"),
        ({"publicKeyFormat": "newFormat", "enableExperimentalPublicKeyTypes": "false"}, "invalidPublicKeyType"),
        ({"publicKeyFormat": "Ed25519VerificationKey2018"}, "invalidPublicKeyType"),
        ({"publicKeyFormat": "X25519KeyAgreementKey2020"}, "invalidPublicKeyType"),
        ({"publicKeyFormat": 1}, "invalidOptions"),
        ({"defaultContext": []}, "invalidOptions"),
        ({"defaultContext": [1]}, "invalidOptions"),
        ({"enableEncryptionKeyDerivation": "perhaps"}, "invalidOptions"),
    ],
    ids=str,
)
def test_did_key_options_that_cannot_be_met(options: dict[str, object], name: str) -> None:
    """By the names of the did:key method where it has one."""

    def shown() -> object:
        return key_document.document_json(did_key.create(KEY), key_document.Options.parse(options))

    assert name == error_name(failure(shown))


@pytest.mark.parametrize("shown", ["Multikey", "JsonWebKey", "JsonWebKey2020", "Ed25519VerificationKey2020"])
def test_did_key_formats(shown: str) -> None:
    """Each shows the key, and the X25519 key beside it in its own type; their contexts follow the one asked for."""
    did = did_key.create(KEY)
    options = key_document.Options.parse({"publicKeyFormat": shown, "defaultContext": "https://a.example/v1"})
    document: Any = key_document.document_json(did, options)
    (method,) = document["verificationMethod"]
    (derived,) = document["keyAgreement"]

    assert shown == method["type"]
    assert derived["type"] == shown.replace("Ed25519VerificationKey2020", "X25519KeyAgreementKey2020")
    assert (method.get("publicKeyJwk") or encode_jwk(KEY)) == encode_jwk(KEY)
    assert "https://a.example/v1" == document["@context"][0]
    plain: Any = key_document.document_json(did, key_document.Options.parse({"enableEncryptionKeyDerivation": "false"}))
    assert "keyAgreement" not in plain


def test_a_point_off_the_curve_has_no_document_to_show() -> None:
    """Whether an Ed25519 key is a point at all shows when the X25519 key is derived."""
    did = did_key.PREFIX + encode_multibase(encode_varint(0xED) + b"\2" + b"\0" * 31, "z")

    assert "invalidPublicKey" == error_name(failure(did_key.document_json, did))


@pytest.mark.parametrize(
    ("did", "name"),
    [
        ("did:key:@", "invalidDid"),
        ("did:key:-4:z6Mk", "invalidDid"),
        ("did:key:1:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "invalidDid"),
        ("did:key:6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "invalidDid"),
        ("did:key:zTjsVPtY", "invalidPublicKeyLength"),
        ("did:key:" + encode_multibase(encode_varint(0x1200) + b"\2" + b"\xff" * 32, "z"), "invalidPublicKey"),
        ("did:key:z" + "2" * 9_000, "invalidDid"),
        ("did:experimental:z6Mk", "methodNotSupported"),
    ],
    ids=lambda each: each[:40],
)
def test_did_key_errors_by_name(did: str, name: str) -> None:
    """What the did:key conformance suite asks for, each by its name."""
    assert name == error_name(failure(plan, did))


@pytest.mark.parametrize("name", ["d", "priv", "k", "p"])
def test_h04_a_did_jwk_with_a_secret(name: str) -> None:
    """A JWK that shows its secret is nobody's identifier."""
    assert "did_invalid" == failure(plan, jwk_did(**{name: "AA"})).code


@pytest.mark.parametrize(
    "did",
    [
        "did:jwk:", "did:jwk:e30", "did:jwk:W10", "did:jwk:!!", "did:jwk:eyJrdHkiOjF9", jwk_did(use=1), jwk_did(alg=[]),
        jwk_did(key_ops="sign"), "did:jwk:" + encode_base64url(b'{"kty":"EC","kty":"EC"}'),
        "did:jwk:" + encode_base64url(b"[" * 100 + b"]" * 100),
    ],
)  # fmt: skip
def test_malformed_did_jwks(did: str) -> None:
    """Not JSON, not a JWK, members of another type, a member twice, too deep."""
    assert "did_invalid" == failure(plan, did).code


def test_a_did_jwk_of_a_bad_key() -> None:
    """A point off its curve, a coordinate of the wrong length, one that is not base64url."""
    for changes in ({"y": encode_jwk(OTHER)["x"]}, {"x": "AA"}, {"x": "!"}):
        assert "key_invalid" == failure(plan, jwk_did(**changes)).code


@pytest.mark.parametrize(
    ("changes", "listed"),
    [
        ({}, {"assertionMethod", "authentication", "keyAgreement"}),  # Z21: without `use`
        ({"use": "sig"}, {"assertionMethod", "authentication"}),
        ({"use": "enc"}, {"keyAgreement"}),
        ({"use": "other"}, set()),
        ({"alg": "ES256"}, {"assertionMethod", "authentication"}),
        ({"alg": "ES384"}, set()),
        ({"alg": "ECDH-ES+A256KW"}, {"keyAgreement"}),
        ({"use": "sig", "alg": "ECDH-ES"}, set()),
        ({"key_ops": ["verify"]}, {"assertionMethod", "authentication"}),
        ({"key_ops": ["deriveBits"]}, {"keyAgreement"}),
        ({"kty": "RSA", "crv": None, "x": None, "y": None, "n": "AQAB", "e": "AQAB"}, {"assertionMethod"}),
    ],
    ids=str,
)
def test_h05_z21_what_a_did_jwk_is_for(changes: dict[str, object], listed: set[str]) -> None:
    """`use`, `alg` and `key_ops` say it; for anything else the key is `purpose_not_authorized`."""
    did = jwk_did(**changes)
    found: Any = plan(did)

    for name in ("assertionMethod", "authentication", "keyAgreement"):
        if changes.get("kty") == "RSA":
            continue
        if name in listed:
            assert OTHER == found.find_key(f"{did}#0", name, AT)
        else:
            assert "purpose_not_authorized" == failure(found.find_key, f"{did}#0", name, AT).code
    if changes.get("kty") == "RSA":
        assert "key_invalid" == failure(found.find_key, f"{did}#0", "assertionMethod", AT).code


def service(value: object) -> str:
    """A did:peer:2 with one key and a service."""
    raw = value if isinstance(value, bytes) else encode(value)
    return f"did:peer:2.V{encode_multikey(KEY)}.S{encode_base64url(raw)}"


@pytest.mark.parametrize(
    "value",
    [
        {"t": "dm", "s": "javascript:alert(1)"},
        {"t": "dm", "s": {"uri": "JavaScript:alert(1)"}},
        {"t": "dm", "s": ["https://a.example", "data:text/html,x"]},
        {"t": "dm", "s": "file:///etc/passwd"},
        {"t": "dm", "s": "no-scheme"},
        {"t": "dm", "s": 1},
        {"t": "dm"},
        {"s": "https://a.example"},
        {"t": "dm", "type": "dm", "s": "https://a.example"},
        {"t": "dm", "s": "https://a.example", "id": "did:example:1#a"},
        [],
        b"\x1f\x8b\x08\x00" + b"\0" * 40,
        b'{"t":"dm","s":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"t":"dm","t":"dm","s":"https://a.example"}',
    ],
    ids=lambda each: str(each)[:40],
)
def test_h07_services_of_a_did_peer_2(value: object) -> None:
    """Schemes that run or read, gzip, nesting, members twice, shapes that are none."""
    assert "did_invalid" == failure(plan, service(value)).code


def test_h07_an_internal_endpoint_on_use() -> None:
    """H07: it is listed as it stands; whoever follows it goes through the guarded fetch, which opens no connection."""
    document: Any = plan_json(service({"t": "dm", "s": "https://127.0.0.1/"}))
    endpoint = document["service"][0]["serviceEndpoint"]

    assert "https://127.0.0.1/" == endpoint
    assert "fetch_forbidden_address" == failure(GuardedFetcher().fetch, endpoint).code


def test_did_peer_2_is_made() -> None:
    """Keys for their purposes, in order, and a service; unnamed services are numbered."""
    services = [{"type": "A", "serviceEndpoint": "https://a.example"}] * 2
    did = did_peer.create2([("V", KEY), ("A", OTHER), ("E", AGREEING)], services)
    document: Any = did_peer.document_json(did)

    assert KEY == plan(did).find_key(f"{did}#key-1", "authentication", AT)  # type: ignore[union-attr]
    assert OTHER == plan(did).find_key(f"{did}#key-2", "assertionMethod", AT)  # type: ignore[union-attr]
    assert "purpose_not_authorized" == failure(plan(did).find_key, f"{did}#key-1", "assertionMethod", AT).code  # type: ignore[union-attr]
    assert ["#service", "#service-1"] == [each["id"] for each in document["service"]]
    assert "did_invalid" == failure(did_peer.create2, [("X", KEY)]).code
    assert "did_invalid" == failure(did_peer.create2, []).code


def test_did_peer_0_is_a_did_key_by_another_name() -> None:
    """The same document with the DID in its place."""
    did = "did:peer:0" + encode_multikey(KEY)
    document: Any = did_peer.document_json(did)

    assert did == document["id"] == document["verificationMethod"][0]["controller"]
    assert KEY == plan(did).find_key(document["assertionMethod"][0], "assertionMethod", AT)  # type: ignore[union-attr]


def peer4(document: object, code: int = 0x0200) -> str:
    """A did:peer:4 of whatever was given, its hash right."""
    raw = document if isinstance(document, bytes) else encode(document)
    encoded = encode_multibase(encode_varint(code) + raw, "z")
    return f"did:peer:4{did_peer._multihash(encoded)}:{encoded}"


def test_did_peer_4_is_made() -> None:
    """One key under every relationship; the short form is only known to who has the long one."""
    did = did_peer.create4(did_peer.input_document(KEY))

    assert KEY == plan(did).find_key(f"{did}#{fragment_of(did)}", "capabilityDelegation", AT)  # type: ignore[union-attr]
    assert "did_not_found" == failure(plan, did_peer.short_form(did)).code
    assert did_peer.short_form(did) == did_peer.short_form(did_peer.short_form(did))


@pytest.mark.parametrize(
    "did",
    [
        peer4({"id": "did:example:1"}), peer4([]), peer4(b"{"), peer4({}, 0x51), peer4({"alsoKnownAs": "x"}),
        peer4({"service": [{"serviceEndpoint": "javascript:1"}]}), peer4({"service": 1}),
        peer4({"verificationMethod": [1]}), peer4({}).replace("4zQm", "4zQn"), peer4({}) + "1", "did:peer:5z",
        "did:peer:", "did:peer:2", "did:peer:2.", "did:peer:2.Vx", "did:peer:2.Sx",
        "did:peer:2" + f".V{encode_multikey(KEY)}" * 65, "did:peer:2.Sey",
    ],
    ids=lambda each: each[:60],
)  # fmt: skip
def test_malformed_did_peers(did: str) -> None:
    """Wrong hashes, shapes, codes, counts and numalgos."""
    assert "did_invalid" == failure(plan, did).code


def test_computed_methods_ask_nobody() -> None:
    """Nothing is fetched for them (ATTACKS layer H)."""
    for did in (did_key.create(KEY), did_jwk.create(KEY), did_peer.create4(did_peer.input_document(KEY))):
        assert not isinstance(plan_json(did), Ask)
