"""Multikey: a public key as one multibase string (Controlled Identifiers section 2.2.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.errors import EncodingInvalid, KeyInvalid
from agentdid.keys.algorithms import BY_MULTICODEC
from agentdid.keys.public import KeyKindUnknown, PublicKey, load_public

_MAX_REMEMBERED: Final = 256  # characters; classical keys take under 60
# Public keys of the multicodec table: secp256k1, BLS12-381 G1 and G2, X25519, P-384, P-521, Ed448, X448, RSA.
_OTHER_KINDS: Final = frozenset({0xE7, 0xEA, 0xEB, 0xEC, 0x1201, 0x1202, 0x1203, 0x1204, 0x1205})


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
        raise (KeyKindUnknown if code in _OTHER_KINDS else KeyInvalid)(f"multicodec 0x{code:x} is no known public key")
    return load_public(algorithm.name, raw)
