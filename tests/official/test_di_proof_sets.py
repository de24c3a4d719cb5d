"""vc-di-eddsa appendix B.4 and B.5: the published proof set and proof chain, made and read, to the byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.contexts import OPEN
from agentdid.codec.base import decode_multibase
from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

SUITE = SUITES["eddsa-rdfc-2022"]


@pytest.fixture
def folder() -> Path:
    """Where the values lie."""
    return vectors("w3c-vc-di-eddsa") / "proof-set-chain"


def load(folder: Path, name: str) -> Any:  # noqa: ANN401
    """Return one published object."""
    return json.loads((folder / f"{name}.json").read_text("utf-8"))


def keys(folder: Path) -> dict[str, SecretKey]:
    """Return the published keys by their did:key methods."""
    found = {}
    for pair in load(folder, "multiKeyPairs").values():
        secret = SecretKey.from_seed("Ed25519", decode_multibase(pair["privateKeyMultibase"])[2:])
        assert pair["publicKeyMultibase"] == encode_multikey(secret.public)
        found[f"did:key:{pair['publicKeyMultibase']}#{pair['publicKeyMultibase']}"] = secret
    return found


def add(folder: Path, document: dict[str, Any], config: str) -> dict[str, Any]:
    """Return the document with the proof of a published configuration."""
    options = load(folder, config)
    named = {name: each for name, each in options.items() if name in ("id", "previousProof")}
    return data_integrity.add_proof(
        document, keys(folder)[options["verificationMethod"]], options["verificationMethod"], SUITE,
        created=parse_instant(options["created"], ""), options=named, rules=OPEN,
    )  # fmt: skip


def test_made(folder: Path) -> None:
    """One proof, a second beside it, a third that follows both: each document as published."""
    first = add(folder, load(folder, "unsigned"), "proofSetConfig1")
    second = add(folder, first, "proofSetConfig2")
    third = add(folder, second, "proofChainConfig1")

    assert load(folder, "signedProofSet1") == first
    assert load(folder, "signedProofSet2") == second == load(folder, "proofChainTempDoc1")
    assert load(folder, "signedProofChain1") == third
    assert load(folder, "proofChainConfigSigned1") == third["proof"][-1]


def check(folder: Path, document: dict[str, Any]) -> int:
    """Return how many proofs hold, each for the published key that it names."""
    methods = [each["verificationMethod"] for each in document["proof"]]
    secured = data_integrity.read(parse(json.dumps(document)), data_integrity.ASSERTION, required=methods)
    for signature in secured.written(rules=OPEN).signatures:
        signature.check(keys(folder)[signature.method_id].public)
    return len(secured.signatures)


@pytest.mark.parametrize(("name", "count"), [("signedProofSet2", 2), ("signedProofChain1", 3)])
def test_published_documents_verify(folder: Path, name: str, count: int) -> None:
    """Every proof of the set and of the chain holds."""
    assert count == check(folder, load(folder, name))


@pytest.mark.parametrize("place", [0, 1])
def test_a_chain_signs_what_it_follows(folder: Path, place: int) -> None:
    """A proof that is followed cannot be exchanged, changed or taken away."""
    chain = load(folder, "signedProofChain1")
    changed = json.loads(json.dumps(chain))
    changed["proof"][place]["created"] = "2023-02-24T23:36:39Z"
    with pytest.raises(AgentdidError) as refusal:
        check(folder, changed)
    assert "signature_invalid" == refusal.value.code

    del chain["proof"][place]
    with pytest.raises(AgentdidError) as refusal:
        check(folder, chain)
    assert "proof_chain_invalid" == refusal.value.code
