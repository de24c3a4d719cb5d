"""Our did:keys from fixed seeds, for make.mjs to resolve; run it, then make.mjs."""

from __future__ import annotations

import json
from pathlib import Path

from agentdid.did import key as did_key
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

KINDS = ("Ed25519", "P-256", "P-384", "P-521")


def seed_of(algorithm: str, number: int) -> bytes:
    """Return the seed of a row: small enough to be a scalar of every curve."""
    length = ALGORITHMS[algorithm].seed_len
    return bytes([0, number]) + b"\7" * (length - 2)


def rows() -> list[dict[str, object]]:
    """Return algorithm, number and DID of each key."""
    return [
        {
            "algorithm": algorithm,
            "number": number,
            "did": did_key.create(SecretKey.from_seed(algorithm, seed_of(algorithm, number)).public),
        }
        for algorithm in KINDS
        for number in (1, 2, 3)
    ]


if __name__ == "__main__":
    file = Path(__file__).with_name("ours.json")
    file.write_text(json.dumps(rows(), indent=1) + "\n", "utf-8")
