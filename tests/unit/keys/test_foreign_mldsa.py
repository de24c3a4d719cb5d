"""ML-DSA and composites against @noble/post-quantum, both ways (tests/vectors/foreign/noble, with what made it)."""

from __future__ import annotations

import json

import pytest

from agentdid.codec.base import decode_base64url
from agentdid.errors import SignatureInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from tests.vectors_dir import ROOT

ROWS = json.loads((ROOT / "tests" / "vectors" / "foreign" / "noble" / "mldsa.json").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']}-{len(row['message'])}")
def test_both_ways(row: dict[str, str]) -> None:
    """Both derive one key from the seed; it accepted our signature, and we accept its own and ours."""
    key = load_public(row["name"], decode_base64url(row["publicKey"]))
    message = decode_base64url(row["message"])

    assert key == SecretKey.from_seed(row["name"], decode_base64url(row["seed"])).public
    assert row["accepted"] is True
    for signature in (decode_base64url(row["signature"]), decode_base64url(row["noble"])):
        key.verify(signature, message)
        with pytest.raises(SignatureInvalid):
            key.verify(signature, message + b"\0")


def test_every_algorithm_is_there() -> None:
    """All `AKP` keys of the table."""
    assert {name for name, row in ALGORITHMS.items() if row.kty == "AKP"} == {row["name"] for row in ROWS}
