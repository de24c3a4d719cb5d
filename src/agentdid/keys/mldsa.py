"""ML-DSA (FIPS 204), pure, through `cryptography`: 32-byte seeds, empty context unless a composite says otherwise.

Signing is hedged, as FIPS 204 section 3.4 recommends: the same message has another signature each time.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from agentdid.errors import KeyInvalid, SignatureInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.algorithms import Algorithm


def load_public(row: Algorithm, raw: bytes, context: bytes = b"") -> Callable[[bytes, bytes], None]:
    """Return what verifies under a key. Every string of the right length is one (FIPS 204 section 7.2).

    Raises:
        KeyInvalid: Another length.
    """
    try:
        handle = _class(row, "PublicKey").from_public_bytes(raw)
    except ValueError:
        raise KeyInvalid(f"not a public key of {row.name}") from None
    return partial(_verify, row.signature_len, handle, context)


def _verify(signature_len: int, handle: Any, context: bytes, signature: bytes, message: bytes) -> None:  # noqa: ANN401  # a lazily imported type
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # Ed25519-only callers never pay for it

    if len(signature) != signature_len:
        raise SignatureInvalid(f"an ML-DSA signature of this key has {signature_len} bytes")
    try:
        handle.verify(signature, message, context)
    except InvalidSignature:
        raise SignatureInvalid("the signature does not match the signed bytes") from None


def load_secret(row: Algorithm, seed: bytes, context: bytes = b"") -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the public key of a seed, and what signs with it.

    Spec: FIPS 204 algorithms 1 and 2.
    """
    secret = _class(row, "PrivateKey").from_seed_bytes(seed)
    return secret.public_key().public_bytes_raw(), lambda message: secret.sign(message, context)


def generate_seed(row: Algorithm) -> bytes:
    """Return a fresh seed."""
    return os.urandom(row.seed_len)


def _class(row: Algorithm, half: str) -> Any:  # noqa: ANN401  # a lazily imported type
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415  # as above

    return getattr(mldsa, row.name.replace("-", "") + half)
