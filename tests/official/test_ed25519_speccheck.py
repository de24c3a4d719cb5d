"""ed25519-speccheck: twelve signatures on which implementations differ, and what we say of each.

The suite states no verdicts; this table is our policy, that of libsodium, with keys judged when they are loaded. Case 3
holds under every reading: key and commitment are of mixed order, and the equation without cofactor is met.
"""

from __future__ import annotations

import json

import pytest

from agentdid.errors import AgentdidError
from agentdid.keys.public import load_public
from tests.vectors_dir import vectors

POLICY = {
    0: "key_invalid",  # A of small order, S = 0
    1: "key_invalid",  # A of small order
    2: "signature_invalid",  # R of small order
    3: None,  # A and R of mixed order; both equations hold
    4: "signature_invalid",  # only the equation with cofactor holds
    5: "signature_invalid",  # only the equation with cofactor holds, computed with 8h unreduced
    6: "signature_invalid",  # S over the order
    7: "signature_invalid",  # S far over the order
    8: "signature_invalid",  # R not canonical, reduced before hashing
    9: "signature_invalid",  # R not canonical, hashed as it stands
    10: "key_invalid",  # A not canonical and of small order, reduced before hashing
    11: "key_invalid",  # A not canonical and of small order, hashed as it stands
}


@pytest.mark.parametrize("number", POLICY)
def test_our_policy(number: int) -> None:
    """B05: each case gives the code of our table."""
    case = json.loads((vectors("ed25519-speccheck") / "cases.json").read_text())[number]
    code = None
    try:
        key = load_public("Ed25519", bytes.fromhex(case["pub_key"]))
        key.verify(bytes.fromhex(case["signature"]), bytes.fromhex(case["message"]))
    except AgentdidError as error:
        code = error.code

    assert POLICY[number] == code


def test_the_table_is_complete() -> None:
    """A case that is new has no verdict yet."""
    assert len(POLICY) == len(json.loads((vectors("ed25519-speccheck") / "cases.json").read_text()))
