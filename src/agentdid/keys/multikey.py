"""Multikey: a key as one multibase string (Controlled Identifiers section 2.2.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.errors import EncodingInvalid, KeyInvalid
from agentdid.keys.algorithms import BY_MULTICODEC, BY_SECRET_MULTICODEC
from agentdid.keys.public import PublicKey, load_public

if TYPE_CHECKING:
    from agentdid.keys.secret import SecretKey

_MAX_REMEMBERED: Final = 256  # characters; classical keys take under 140


def encode_multikey(key: PublicKey) -> str:
    """Return `publicKeyMultibase` of a key: base64url for ML-DSA, base58btc for all others.

    Raises:
        KeyInvalid: No multicodec is registered for its algorithm (the composites); it travels as a JWK.
    """
    code = key.algorithm.multicodec
    if code is None:
        raise KeyInvalid(f"no multicodec is registered for {key.algorithm.name}; write it as a JWK")
    return encode_multibase(encode_varint(code) + key.raw, key.algorithm.multibase)


def decode_multikey(text: str) -> PublicKey:
    """Return the key that a multibase string names, in base58btc or base64url.

    Raises:
        EncodingInvalid: Not multibase, or not a minimal varint in it.
        KeyInvalid: An unknown multicodec, a secret's one, or not a well-formed key of it.
        ExtraMissing: Its algorithm needs an extra that is not installed.
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


def encode_secret_multikey(secret: SecretKey) -> str:
    """Return `secretKeyMultibase`: the secret itself, for whoever asked for it by this name.

    Raises:
        KeyInvalid: No multicodec is registered for secrets of its algorithm.
    """
    code = secret.public.algorithm.secret_multicodec
    if code is None:
        raise KeyInvalid(f"no multicodec is registered for secrets of {secret.public.algorithm.name}")
    return encode_multibase(encode_varint(code) + secret.export_seed(), secret.public.algorithm.multibase)


def decode_secret_multikey(text: str) -> SecretKey:
    """Return the key of a `secretKeyMultibase`.

    Raises:
        EncodingInvalid: Not multibase, or not a minimal varint in it.
        KeyInvalid: Another multicodec (the expanded form of an ML-DSA key among them), or not a secret of it.
    """
    from agentdid.keys.secret import SecretKey  # noqa: PLC0415  # a verifier never needs it

    code, raw = decode_varint(decode_multibase(text))
    algorithm = BY_SECRET_MULTICODEC.get(code)
    if algorithm is None:
        raise KeyInvalid(f"multicodec 0x{code:x} is no secret that is taken here; ML-DSA secrets are seeds")
    return SecretKey(algorithm.name, raw)
