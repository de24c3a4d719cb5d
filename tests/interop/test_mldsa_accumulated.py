"""C2SP/CCTV's accumulated ML-DSA test: a hundred keys, their deterministic signatures, and one published digest.

Our library signs with randomness (FIPS 204 recommends it), so @noble/post-quantum makes the signatures and we judge
them: keys are ours, each signature holds with us, and the digest over both says that all of it is what it should be.
"""

from __future__ import annotations

import re
from hashlib import shake_128

import pytest

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.keys.secret import SecretKey
from interop.ml_dsa import STACK
from interop.stack import StackUnavailable
from tests.vectors_dir import vectors

ITERATIONS = 100
SEED_BYTES = 32


@pytest.mark.parametrize("name", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_accumulated(name: str) -> None:
    """The digest over a hundred keys of ours and as many signatures that hold under them is the published one."""
    text = (vectors("cctv") / "README-ML-DSA-accumulated.md").read_text()
    section = text.partition(f"### {name}\n")[2]
    published = re.search(rf"{ITERATIONS} iterations: `([0-9a-f]{{64}})`", section)
    assert published is not None
    stream = shake_128().copy()
    drawn = stream.digest(SEED_BYTES * ITERATIONS)
    seeds = [drawn[at : at + SEED_BYTES] for at in range(0, len(drawn), SEED_BYTES)]
    tasks: list[dict[str, object]] = [
        {"op": "sign", "name": name, "seed": encode_base64url(seed), "message": "", "deterministic": True}
        for seed in seeds
    ]
    try:
        answers = STACK.ask(tasks)
    except StackUnavailable as error:
        pytest.skip(str(error))
    total = shake_128()
    for seed, answer in zip(seeds, answers, strict=True):
        key = SecretKey.from_seed(name, seed).public
        signature = decode_base64url(answer.result["signature"])
        key.verify(signature, b"")
        total.update(key.raw)
        total.update(signature)

    assert published[1] == total.hexdigest(SEED_BYTES)
