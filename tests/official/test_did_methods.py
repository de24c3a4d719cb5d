"""Published documents of did:key, did:jwk, did:peer and did:web, and the multiformats they stand on."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from agentdid.codec.base import decode_base58btc, decode_base64url, decode_multibase, encode_base58btc, encode_multibase
from agentdid.codec.varint import decode_varint
from agentdid.did import jwk as did_jwk
from agentdid.did import key as did_key
from agentdid.did import key_document
from agentdid.did import peer as did_peer
from agentdid.did.document import RELATIONSHIPS, parse_document
from agentdid.did.resolve import plan, plan_json
from agentdid.did.webvh.hashes import SHA_256
from agentdid.errors import AgentdidError
from agentdid.keys.algorithms import ALGORITHMS, BY_JWK, BY_MULTICODEC
from agentdid.keys.jwk import encode_jwk
from tests.vectors_dir import vectors

AT = datetime(2026, 11, 24, tzinfo=UTC)
LEGACY = {
    "Ed25519VerificationKey2018": "publicKeyBase58",
    "X25519KeyAgreementKey2019": "publicKeyBase58",
    "EcdsaSecp256k1VerificationKey2019": "publicKeyBase58",
    "Bls12381G2Key2020": "publicKeyBase58",
    "P256Key2021": "publicKeyBase58",
    "JsonWebKey2020": "publicKeyJwk",
}
"""Types that the did:key vectors show keys as, and the member that holds the key."""


def published_did_keys() -> list[tuple[str, dict[str, Any]]]:
    """Every did:key with its published document."""
    folder = vectors("did-key") / "w3c-ccg-did-method-key"
    found = []
    for file in sorted(folder.glob("*.json")):
        for name, case in json.loads(file.read_text()).items():
            if name.startswith("did:key:"):
                found.append((name, case.get("didDocument", case)))
            else:
                found.extend(case.items())  # x25519.json has its documents a level deeper
    return [(did, document) for did, document in found if "verificationMethod" in document]


def test_published_did_key_documents() -> None:
    """Asked for in the format of the published document, a key is shown with the same bytes and purposes."""
    checked: dict[str, int] = {}
    for did, document in published_did_keys():
        code, _ = decode_varint(decode_multibase(did[8:]))
        row = BY_MULTICODEC.get(code)
        if row is None:
            with pytest.raises(AgentdidError) as caught:
                plan(did)
            assert "did_invalid" == caught.value.code
            continue
        wanted, *others = document["verificationMethod"]
        options = key_document.Options(wanted["type"], experimental=True, context=("https://www.w3.org/ns/did/v1",))
        ours = key_document.document_json(did, options)
        (method,) = ours["verificationMethod"]  # type: ignore[misc]
        member = LEGACY[wanted["type"]]
        assert (wanted["id"], wanted["type"], wanted["controller"]) == (
            method["id"], method["type"], method["controller"],
        )  # fmt: skip
        shown = {name: wanted[member][name] for name in method[member]} if member == "publicKeyJwk" else wanted[member]
        assert shown == method[member]
        if not row.agrees:
            assert [document[name] for name in RELATIONSHIPS] == [ours[name] for name in RELATIONSHIPS]
        if others:  # a derived X25519 key: ours stands in keyAgreement itself, as the current method has it
            (derived,) = ours["keyAgreement"]  # type: ignore[misc]
            assert [derived] == others
            assert document["@context"] == ours["@context"]
        checked[row.name] = checked.get(row.name, 0) + 1

    assert checked["Ed25519"] >= 5
    assert checked["P-256"] >= 2


def test_the_published_example_is_ours_to_the_letter() -> None:
    """The document in the did:key specification, derived X25519 key included."""
    examples = json.loads((vectors("did-key") / "did-key-spec-v0.9-examples.json").read_text())
    documents = [each["value"] for each in examples if each["kind"] == "json" and "id" in each["value"]]
    for document in documents:
        assert document == did_key.document_json(document["id"])

    assert documents


def test_the_specifications_did_keys_are_read() -> None:
    """Every did:key that the specification prints, of a kind in our table, is a DID with a key."""
    examples = json.loads((vectors("did-key") / "did-key-spec-v0.9-examples.json").read_text())
    found = {did for each in examples for did in re.findall(r"did:key:z[1-9A-HJ-NP-Za-km-z]{40,}", str(each["value"]))}
    known = [did for did in found if decode_varint(decode_multibase(did[8:]))[0] in BY_MULTICODEC]
    for did in known:
        assert did == did_key.create(did_key.public_key(did))

    assert len(known) >= 3


def test_published_did_jwks() -> None:
    """The method's examples; the P-256 one has a stray dollar sign in one reference."""
    cases = json.loads((vectors("did-jwk") / "examples.json").read_text())
    for case in cases:
        expected = json.loads(json.dumps(case["didDocument"]).replace("did:jwk:$", "did:jwk:"))
        assert expected == did_jwk.document_json(case["did"])
        method_id = case["did"] + "#0"
        held = plan(case["did"])
        if (held.methods[method_id].material["kty"], held.methods[method_id].material["crv"]) in BY_JWK:  # type: ignore[union-attr, index]
            assert held.methods[method_id].public_key()  # type: ignore[union-attr]
    assert len(cases) >= 2


def peer_examples() -> list[dict[str, Any]]:
    """The examples of the did:peer specification."""
    return json.loads((vectors("did-peer") / "spec-examples.json").read_text())  # type: ignore[no-any-return]


def test_published_did_peer_2() -> None:
    """The specification's document, its trailing commas taken out, from the DID alone; and its did:peer:3."""
    texts = [each["value"] for each in peer_examples() if each["kind"] == "text"]
    shown = next(text for text in texts if text.startswith("{") and '"alsoKnownAs"' in text)
    document = json.loads(re.sub(r",(\s*[\]}])", r"\1", shown))
    did = document["id"]

    assert did in texts
    assert document == did_peer.document_json(did)
    assert plan(did).find_key(f"{did}#key-1", "authentication", AT)  # type: ignore[union-attr]

    long = next(text for text in texts if text.startswith("did:peer:2.Ez6LSbysY2"))
    short = next(text for text in texts if text.startswith("did:peer:3z"))
    assert [short] == did_peer.document_json(long)["alsoKnownAs"]


def test_published_did_peer_2_services() -> None:
    """The abbreviated service is the one in full."""
    texts = [each["value"] for each in peer_examples() if each["kind"] == "text"]
    full = next(
        each["value"] for each in peer_examples() if isinstance(each["value"], dict) and "type" in each["value"]
    )
    short = next(text for text in texts if text.startswith("eyJ0IjoiZG0i"))
    key = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc"

    assert [{**full, "id": "#service"}] == did_peer.document_json(f"did:peer:2.V{key}.S{short}")["service"]


def test_published_did_peer_4() -> None:
    """Long form, short form, input document: each from the other."""
    resolved = [each["value"] for each in peer_examples() if isinstance(each["value"], dict) and "id" in each["value"]]
    long, short = sorted((each for each in resolved if "did:peer:4" in each["id"]), key=lambda each: -len(each["id"]))

    assert long == did_peer.document_json(long["id"])
    assert short["id"] == did_peer.short_form(long["id"])
    assert [long["id"]] == short["alsoKnownAs"]
    (method,) = [each for each in long["verificationMethod"] if each["type"] == "Ed25519VerificationKey2020"]
    held = plan(long["id"]).find_key(long["id"] + method["id"], "assertionMethod", AT)  # type: ignore[union-attr]
    assert method["publicKeyMultibase"] == did_key.create(held)[8:]
    with pytest.raises(AgentdidError) as caught:
        plan(short["id"])
    assert "did_not_found" == caught.value.code


def test_published_did_peer_1() -> None:
    """Good ones are DIDs whose document only the peer has; bad ones are none; they compare as text does."""
    folder = vectors("did-peer") / "spec-test-data" / "level-1"
    for file in folder.glob("good-*.txt"):
        with pytest.raises(AgentdidError) as caught:
            plan(file.read_text().strip())
        assert ("did_not_found", file.name) == (caught.value.code, file.name)
    bad = sorted(folder.glob("bad-*.txt"))
    for file in bad:
        with pytest.raises(AgentdidError) as caught:
            plan(file.read_text().strip())
        # a scheme in capitals is no method of anybody's (ATTACKS H09)
        code = "did_method_unsupported" if "prefix-not-lower" in file.name else "did_invalid"
        assert (code, file.name) == (caught.value.code, file.name)
    assert len(bad) >= 6
    one, other = (folder / "compare-equal.txt").read_text().split()
    assert did_key.same_did(one, other)
    one, other = (folder / "compare-lt.txt").read_text().split()
    assert one < other
    assert not did_key.same_did(one, other)


def test_published_did_webs() -> None:
    """Every DID in the method's examples with its URL, and its document with the keys we know."""
    examples = json.loads((vectors("did-web") / "spec-examples.json").read_text())
    texts = [each["value"] for each in examples if each["kind"] == "text"]
    mapped = [re.findall(r"(did:web:\S+)\s+-> (\S+)", text) for text in texts]
    pairs = [pair for found in mapped for pair in found]
    for did, url in pairs:
        assert url == plan(did).url  # type: ignore[union-attr]
    assert len(pairs) >= 3

    shown = json.loads(re.sub(r",(\s*[\]}])", r"\1", texts[0]))
    held = parse_document(shown, "did:web:example.com")
    for method in shown["verificationMethod"]:
        if (method["publicKeyJwk"]["kty"], method["publicKeyJwk"]["crv"]) in BY_JWK:
            assert encode_jwk(held.methods[method["id"]].public_key()) == method["publicKeyJwk"]
    chain = next(each["value"] for each in examples if each["kind"] == "json")
    assert (
        frozenset({"did:web:example.com#address-0"})
        == parse_document(chain, chain["id"]).relationships["authentication"]
    )


def test_published_multibase() -> None:
    """The rows for base58btc and base64url, both ways; every other base is refused, its second spellings included."""
    folder = vectors("multiformats") / "multibase-tests"
    ours = {"base58btc": "z", "base64url": "u"}
    seen = 0
    for file in folder.glob("*.csv"):
        rows = list(csv.reader(file.read_text().splitlines(), skipinitialspace=True))
        raw = rows[0][1].encode().decode("unicode_escape").encode()
        for name, text in rows[1:]:
            if name in ours:
                assert (raw, text) == (decode_multibase(text), encode_multibase(raw, ours[name]))
                seen += 1
            else:
                with pytest.raises(AgentdidError):
                    decode_multibase(text)
    assert seen >= 6
    table = csv.reader((folder.parent / "multibase.csv").read_text().splitlines(), skipinitialspace=True)
    prefixes = {row[2].strip().rstrip(","): row[1].strip() for row in table if len(row) > 2}
    assert ours == {name: prefixes[name] for name in ours}


def test_published_multicodecs() -> None:
    """Every code in our table is the one that the multicodec table has."""
    rows = csv.reader(
        (vectors("multiformats") / "multicodec-table.csv").read_text().splitlines(), skipinitialspace=True
    )
    codes = {int(row[2].strip(), 16): row[0].strip() for row in list(rows)[1:]}
    names = {
        "Ed25519": "ed25519-pub", "X25519": "x25519-pub", "P-256": "p256-pub", "P-384": "p384-pub",
        "P-521": "p521-pub", "secp256k1": "secp256k1-pub", "BLS12-381-G2": "bls12_381-g2-pub",
        "ML-DSA-44": "mldsa-44-pub", "ML-DSA-65": "mldsa-65-pub", "ML-DSA-87": "mldsa-87-pub",
    }  # fmt: skip
    for row in ALGORITHMS.values():
        if row.name in names:
            assert names[row.name] == codes[row.multicodec]
    assert codes[0x0200] == "json"


def test_published_multihashes() -> None:
    """Every SHA-256 row at full length is the hash of its input, as did:peer and did:webvh write theirs."""
    folder = vectors("multiformats") / "multihash-values"
    rows = list(csv.DictReader((folder / "test_cases.csv").read_text().splitlines()))
    published = {row["input"]: row["multihash"] for row in rows
                 if (row["algorithm"].strip(), row["bits"].strip()) == ("sha2-256", "256")}  # fmt: skip
    for text, multihash in published.items():
        code, rest = decode_varint(bytes.fromhex(multihash))
        length, digest = decode_varint(rest)
        assert (0x12, 32, 32) == (code, length, len(digest))
        assert multihash == (SHA_256 + sha256(text.encode()).digest()).hex()
    inputs = set((folder / "random_vals.csv").read_text().split())
    assert set(published) <= inputs
    assert published


def test_bases_are_the_published_ones() -> None:
    """A did:key in `u` is the same key as in `z`."""
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    raw = decode_base58btc(did[9:])
    other = "did:key:" + encode_multibase(raw, "u")

    assert decode_base64url(other[9:]) == raw
    assert did_key.public_key(did) == did_key.public_key(other)
    assert did_key.same_did(did, other)
    assert "did:key:z" + encode_base58btc(raw) == did
    assert plan_json(other)["id"] == other  # type: ignore[index]
