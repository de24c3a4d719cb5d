"""What is sent to a key that lives elsewhere, and what may come back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from agentdid.errors import SignatureInvalid, StoreUnavailable
from agentdid.keys import ecdsa

if TYPE_CHECKING:
    from agentdid.keys.algorithms import Algorithm
    from agentdid.keys.public import PublicKey

Payload = Literal["message", "digest", "mu"]
"""What a key elsewhere signs: the message itself; its digest by the curve's hash (ECDSA); or ML-DSA's message
representative, 64 bytes (FIPS 204 algorithm 7, step 6), for services that bound a message's size."""
Form = Literal["raw", "der"]


def build_payload(public: PublicKey, message: bytes, payload: Payload) -> bytes:
    """Return what is sent.

    Raises:
        ValueError: The algorithm has no such payload: Ed25519 signs messages only, and its prehashed form is another
            algorithm.
    """
    row = public.algorithm
    if payload == "message":
        return message
    if payload == "digest" and row.hash is not None:
        return hash_message(row, message)
    if payload == "mu" and row.scheme == "mldsa":
        tr = hashlib.shake_256(public.raw).digest(64)
        return hashlib.shake_256(tr + b"\0\0" + message).digest(64)  # pure, and an empty context
    message_ = f"a key of {row.name} does not sign a {payload}"
    raise ValueError(message_)


def hash_message(row: Algorithm, message: bytes) -> bytes:
    """Return the digest that ECDSA signs."""
    return hashlib.new(str(row.hash), message).digest()


def check_answer(public: PublicKey, message: bytes, answer: bytes, form: Form) -> bytes:
    """Return a signature in the one form of its algorithm, once it has been verified.

    Raises:
        StoreUnavailable: It is none of the message under the key: of another key, another form, or a fault.
    """
    row = public.algorithm
    try:
        if row.hash is not None:
            answer = ecdsa.normalize_der(row, answer) if form == "der" else ecdsa.normalize_raw(row, answer)
        public.verify(answer, message)
    except (SignatureInvalid, ValueError):
        raise StoreUnavailable("what came back is no signature of the message under the key") from None
    return answer
