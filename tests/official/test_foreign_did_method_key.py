"""did:key with Digital Bazaar's `did-method-key`, both ways: recorded by the scripts beside the files."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from agentdid.did import key as did_key
from agentdid.did import key_document
from agentdid.did.document import RELATIONSHIPS, parse_document
from agentdid.did.resolve import plan
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.secret import SecretKey
from tests.vectors_dir import ROOT

FOLDER = ROOT / "tests" / "vectors" / "foreign" / "did-method-key"
AT = datetime(2026, 11, 24, tzinfo=UTC)
RECORDED: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "documents.json").read_text("utf-8"))
NO_DERIVED_KEY = key_document.Options.parse({"enableEncryptionKeyDerivation": False})


def same_document(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Hold that two documents say the same, their contexts apart."""
    names = theirs.keys() - {"@context"}

    assert {name: theirs[name] for name in names} == {name: ours[name] for name in names}
    assert names == ours.keys() - {"@context"}


def test_we_resolve_theirs() -> None:
    """Every DID of theirs: the key they made it of, in a document that says the same."""
    for case in RECORDED["theirs"]:
        theirs = case["didDocument"]
        same_document(theirs, key_document.document_json(theirs["id"], NO_DERIVED_KEY))
        key = did_key.public_key(theirs["id"])
        assert case["algorithm"] == key.algorithm.name
        if "seed" in case:
            assert SecretKey.from_seed("Ed25519", bytes.fromhex(case["seed"])).public == key
        else:
            assert encode_jwk(key) == {name: case["publicKeyJwk"][name] for name in encode_jwk(key)}
    assert 8 == len(RECORDED["theirs"])


def test_the_derived_x25519_key_is_theirs() -> None:
    """Under the suites of 2020 they derive one too: the same bytes, types, contexts and relationships."""
    options = key_document.Options.parse({"publicKeyFormat": "Ed25519VerificationKey2020"})
    for case in RECORDED["theirs"]:
        theirs = case.get("document2020")
        if theirs is None:
            continue
        did = case["didDocument"]["id"]
        ours: Any = key_document.document_json(did, options)
        (agreeing,) = theirs["keyAgreement"]
        assert agreeing["publicKeyMultibase"] == ours["keyAgreement"][0]["publicKeyMultibase"]
        assert agreeing["type"] == ours["keyAgreement"][0]["type"]
        assert theirs["@context"][1:] == ours["@context"][1:]


def test_they_resolve_ours() -> None:
    """Every DID of ours: a document in which we find the key again, under every relationship of a signer."""
    for case in RECORDED["ours"]:
        held = parse_document(case["didDocument"], case["did"])
        (method_id,) = held.methods
        for relationship in RELATIONSHIPS:
            assert did_key.public_key(case["did"]) == held.find_key(method_id, relationship, AT)
        assert plan(case["did"]).find_key(method_id, "assertionMethod", AT)  # type: ignore[union-attr]
    assert 12 == len(RECORDED["ours"])


def test_what_they_were_given_is_what_we_make() -> None:
    """The script that makes our half makes it still."""
    done = subprocess.run(
        [sys.executable, "-c", "import json, runpy, sys; print(json.dumps(runpy.run_path(sys.argv[1])['rows']()))",
         str(FOLDER / "make_ours.py")],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert json.loads((FOLDER / "ours.json").read_text("utf-8")) == json.loads(done.stdout)
