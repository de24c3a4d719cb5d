"""Where the n-th entry of a status list lies: a keyed permutation, so that the place does not tell the number."""

from __future__ import annotations

import hmac
from typing import Final

from agentdid.limits import DEFAULT

LIST_SIZE: Final = DEFAULT.min_status_entries
KEY_BYTES: Final = 32
_ROUNDS: Final = 6
_HALF_BITS: Final = 9  # two halves of nine bits hold 2^18 numbers; cycle walking keeps those below 2^17


def permute(key: bytes, number: int) -> int:
    """Return where a keyed permutation of 0..LIST_SIZE-1 puts `number`: a Feistel network with cycle walking."""
    value = number
    while True:
        left, right = value >> _HALF_BITS, value & ((1 << _HALF_BITS) - 1)
        for turn in range(_ROUNDS):
            digest = hmac.digest(key, bytes((turn,)) + right.to_bytes(2, "big"), "sha256")
            left, right = right, left ^ (int.from_bytes(digest[:2], "big") & ((1 << _HALF_BITS) - 1))
        value = left << _HALF_BITS | right
        if value < LIST_SIZE:
            return value
