"""Digests of resources as credentials write them: `digestSRI` and `digestMultibase` (VCDM 2.0 section 5.3)."""

from __future__ import annotations

import hashlib
from binascii import Error
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from pybase64 import b64decode, b64encode_as_string

from agentdid.codec.base import decode_multibase
from agentdid.codec.varint import decode_varint
from agentdid.errors import EncodingInvalid, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

# SHA-2 by its name in Subresource Integrity, weakest first, with its length
_LENGTHS: Final[Mapping[str, int]] = MappingProxyType({"sha256": 32, "sha384": 48, "sha512": 64})
_BY_MULTIHASH: Final[Mapping[int, str]] = MappingProxyType({0x12: "sha256", 0x20: "sha384", 0x13: "sha512"})
_MAX_CHARS: Final = 1_024
_BARE: Final = 32


@final
class Digest(Value, frozen=True):
    """One digest of a resource.

    Attributes:
        algorithm: `sha256`, `sha384` or `sha512`.
        value: Its bytes, as many as the algorithm makes.
        bare: Whether nothing said that it is SHA-256: 32 bytes without a multihash header.
    """

    algorithm: str
    value: bytes
    bare: bool = False

    def is_of(self, body: bytes) -> bool:
        """Whether it is the digest of `body`."""
        return hashlib.new(self.algorithm, body).digest() == self.value


def parse_sri(value: object) -> tuple[Digest, ...]:
    """Return the digests of Subresource Integrity metadata that count: those of the strongest algorithm in it.

    Raises:
        TypeMismatch: Not SHA-2 digests in base64, or one of another length than its algorithm makes.

    Spec: Subresource Integrity sections 3.3.2 and 3.5.
    """
    if not isinstance(value, str) or len(value) > _MAX_CHARS or not value.strip():
        raise TypeMismatch("expected a Subresource Integrity digest")
    found = [_parse_expression(each) for each in value.split()]
    strongest = max(len(each.value) for each in found)
    return tuple(each for each in found if len(each.value) == strongest)


def parse_multibase(value: object) -> Digest:
    """Return the digest of a multibase text: a multihash of SHA-2, or 32 bytes and nothing else.

    Raises:
        EncodingInvalid: Not multibase.
        TypeMismatch: Something else in it.

    Spec: Controlled Identifiers sections 2.4 and 2.5; VCDM 2.0 section 5.3.
    """
    if not isinstance(value, str) or len(value) > _MAX_CHARS:
        raise TypeMismatch("expected a multibase digest")
    raw = decode_multibase(value)
    if len(raw) == _BARE:
        return Digest("sha256", raw, bare=True)
    try:
        code, rest = decode_varint(raw)
        length, digest = decode_varint(rest)
    except EncodingInvalid:
        raise TypeMismatch("expected a multihash") from None
    algorithm = _BY_MULTIHASH.get(code)
    if algorithm is None or length != len(digest) or length != _LENGTHS[algorithm]:
        raise TypeMismatch("expected a multihash of SHA-256, SHA-384 or SHA-512")
    return Digest(algorithm, digest)


def _parse_expression(text: str) -> Digest:
    algorithm, dash, rest = text.partition("-")
    encoded = rest.partition("?")[0]  # options, which none are defined of
    length = _LENGTHS.get(algorithm)
    try:
        value = b64decode(encoded, validate=True) if dash else b""
    except (Error, ValueError):
        value = b""
    if len(value) != length or b64encode_as_string(value) != encoded:
        raise TypeMismatch("expected sha256-, sha384- or sha512- and as many bytes in base64 as it makes")
    return Digest(algorithm, value)
