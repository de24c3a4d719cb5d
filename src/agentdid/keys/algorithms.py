"""The table of key algorithms: exact lengths, codes and names. Law stands in rows, not in branches."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping


@final
class Algorithm(Value, frozen=True):
    """One kind of signing key.

    Attributes:
        name: Ours, used in the table of suites and in stores.
        multicodec: The code of its public keys (the multicodec table).
        public_len: Bytes of a public key in its one form: raw, or a compressed point.
        signature_len: Bytes of a signature.
        jose: The JOSE `alg` names under which it may stand; the first is what we write.
        kty: The JWK key type.
        crv: The JWK curve.
    """

    name: str
    multicodec: int
    public_len: int
    signature_len: int
    jose: tuple[str, ...]
    kty: str
    crv: str


ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        row.name: row
        for row in (
            # RFC 8032 §5.1; RFC 8037 names it EdDSA, RFC 9864 Ed25519
            Algorithm("Ed25519", 0xED, 32, 64, ("EdDSA", "Ed25519"), "OKP", "Ed25519"),
            # FIPS 186-5, SEC 1 §2.3.3 compressed point; RFC 7518 §3.4
            Algorithm("P-256", 0x1200, 33, 64, ("ES256",), "EC", "P-256"),
        )
    }
)
BY_MULTICODEC: Final[Mapping[int, Algorithm]] = MappingProxyType({row.multicodec: row for row in ALGORITHMS.values()})
BY_CURVE: Final[Mapping[tuple[str, str], Algorithm]] = MappingProxyType(
    {(row.kty, row.crv): row for row in ALGORITHMS.values()}
)
