"""Multikey: a public key as one multibase string (Controlled Identifiers section 2.2.2)."""

from __future__ import annotations

from functools import lru_cache

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.errors import EncodingInvalid, KeyInvalid
from agentdid.keys.algorithms import BY_MULTICODEC
from agentdid.keys.public import PublicKey, load_public

_MAX_REMEMBERED = 256  # characters; classical keys take under 60


def encode_multikey(key: PublicKey) -> str:
    """Return `publicKeyMultibase` of a key, base58btc."""
    return encode_multibase(encode_varint(key.algorithm.multicodec) + key.raw, "z")


def decode_multikey(text: str) -> PublicKey:
    """Return the key that a multibase string names.

    Raises:
        EncodingInvalid: Not multibase, or not a minimal varint in it.
        KeyInvalid: An unknown multicodec, or not a well-formed key of it.
    """
    if not isinstance(text, str):
        raise EncodingInvalid("expected multibase text")
    # before the cache, so that strangers cannot make it hold long texts
    return _decode(text) if len(text) <= _MAX_REMEMBERED else _decode.__wrapped__(text)


@lru_cache(maxsize=4096)
def _decode(text: str) -> PublicKey:
    code, raw = decode_varint(decode_multibase(text))
    algorithm = BY_MULTICODEC.get(code)
    if algorithm is None:
        raise KeyInvalid(f"multicodec 0x{code:x} is no known public key")
    return load_public(algorithm.name, raw)
