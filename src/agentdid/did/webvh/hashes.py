"""The three hashes of did:webvh 1.0: SCID, entry hash and pre-rotation hash, each base58btc of a SHA-256 multihash."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final

from msgspec.json import decode

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import encode_base58btc
from agentdid.did.webvh.identifier import PLACEHOLDER

SHA_256: Final = b"\x12\x20"
"""What a multihash begins with, of the one hash that did:webvh:1.0 permits, and its length."""


def encode_multihash(digest: bytes) -> str:
    """Return a SHA-256 digest as base58btc of its multihash."""
    return encode_base58btc(SHA_256 + digest)


@lru_cache(maxsize=4096)
def hash_key(multikey: str) -> str:
    """Return what `nextKeyHashes` says of a key (did:webvh 1.0, Pre-Rotation Key Hash Generation)."""
    return encode_multihash(sha256(multikey.encode()).digest())


def hash_entry(entry: dict[str, object], predecessor: str) -> str:
    """Return the hash of an entry without its proof, chained to what came before it.

    Args:
        entry: `versionTime`, `parameters` and `state`; a `versionId` and a `proof` in it are not looked at.
        predecessor: The `versionId` of the entry before; the SCID for the first.

    Spec: did:webvh 1.0, Entry Hash Generation and Verification.
    """
    body = {name: each for name, each in entry.items() if name != "proof"}
    return encode_multihash(sha256(canonicalize({**body, "versionId": predecessor})).digest())


def hash_inception(entry: dict[str, object], scid: str) -> str:
    """Return the SCID that a first entry has, whichever `scid` it names.

    Spec: did:webvh 1.0, SCID Generation and Verification: the replacement is one of text.
    """
    body = {name: each for name, each in entry.items() if name != "proof"}
    text = canonicalize({**body, "versionId": PLACEHOLDER}).decode()
    preliminary = decode(text.replace(scid, PLACEHOLDER))
    return encode_multihash(sha256(canonicalize(preliminary)).digest())
