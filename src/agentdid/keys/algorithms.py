"""The table of key algorithms: exact lengths, codes and names. Law stands in rows, not in branches."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, final

from agentdid.codec.varint import encode_varint
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

Security = Literal["classical", "pq", "hybrid"]


@final
class Algorithm(Value, frozen=True):
    """One kind of key.

    Attributes:
        name: Ours, used in the table of suites and in stores.
        scheme: The module of this package that computes with it.
        multicodec: The code of its public keys (the multicodec table); `None` where none is registered.
        secret_multicodec: The code of its secrets, as `export_seed` gives them; `None` where none is registered.
        public_len: Bytes of a public key in its one form: raw, or a compressed point.
        seed_len: Bytes of a secret in its one form: seed or big-endian scalar; 0 where only public keys are taken.
        signature_len: Bytes of a signature; 0 for a key that makes none through `PublicKey.verify`.
        jose: The JOSE `alg` names under which it may sign; the first is what we write.
        kty: The JWK key type.
        crv: The JWK curve; `None` for `AKP` keys, whose JWK says `alg`.
        security: What it withstands.
        multibase: The prefix its Multikey is written with; both are read.
        hash: The hash that ECDSA signs with.
        agrees: Whether it agrees on a secret with another key.
    """

    name: str
    scheme: str
    multicodec: int | None
    secret_multicodec: int | None
    public_len: int
    seed_len: int
    signature_len: int
    jose: tuple[str, ...]
    kty: str
    crv: str | None
    security: Security = "classical"
    multibase: Literal["z", "u"] = "z"
    hash: str | None = None
    agrees: bool = False

    @property
    def verifies(self) -> bool:
        """Whether a public key of this kind checks signatures."""
        return self.signature_len > 0

    @property
    def signs(self) -> bool:
        """Whether a secret key of this kind makes signatures here."""
        return self.signature_len > 0 and self.seed_len > 0


ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        row.name: row
        for row in (
            # RFC 8032 §5.1; RFC 8037 names it EdDSA, RFC 9864 Ed25519
            Algorithm("Ed25519", "ed25519", 0xED, 0x1300, 32, 32, 64, ("EdDSA", "Ed25519"), "OKP", "Ed25519"),
            # RFC 7748 §5; RFC 8037 §3.2
            Algorithm("X25519", "x25519", 0xEC, 0x1302, 32, 32, 0, (), "OKP", "X25519", agrees=True),
            # FIPS 186-5, SEC 1 §2.3.3 compressed points; RFC 7518 §3.4 fixes curve and hash for each name
            Algorithm("P-256", "ecdsa", 0x1200, 0x1306, 33, 32, 64, ("ES256",), "EC", "P-256", hash="sha256"),
            Algorithm("P-384", "ecdsa", 0x1201, 0x1307, 49, 48, 96, ("ES384",), "EC", "P-384", hash="sha384"),
            Algorithm("P-521", "ecdsa", 0x1202, 0x1308, 67, 66, 132, ("ES512",), "EC", "P-521", hash="sha512"),
            # RFC 8812 §3.2; verified only: nothing of ours signs with it
            Algorithm("secp256k1", "ecdsa", 0xE7, None, 33, 0, 64, ("ES256K",), "EC", "secp256k1", hash="sha256"),
            # FIPS 204 table 2; RFC 9964; secrets are the 32-byte seed, never the expanded key
            Algorithm(
                "ML-DSA-44", "mldsa", 0x1210, 0x131A, 1312, 32, 2420, ("ML-DSA-44",), "AKP", None, "pq", multibase="u"
            ),
            Algorithm(
                "ML-DSA-65", "mldsa", 0x1211, 0x131B, 1952, 32, 3309, ("ML-DSA-65",), "AKP", None, "pq", multibase="u"
            ),
            Algorithm(
                "ML-DSA-87", "mldsa", 0x1212, 0x131C, 2592, 32, 4627, ("ML-DSA-87",), "AKP", None, "pq", multibase="u"
            ),
            # draft-ietf-jose-pq-composite-sigs §5.1; no multicodec is registered, so they travel as JWK
            Algorithm(
                "ML-DSA-44-Ed25519", "composite", None, None, 1312 + 32, 32 + 32, 2420 + 64,
                ("ML-DSA-44-Ed25519",), "AKP", None, "hybrid",
            ),
            Algorithm(
                "ML-DSA-65-Ed25519", "composite", None, None, 1952 + 32, 32 + 32, 3309 + 64,
                ("ML-DSA-65-Ed25519",), "AKP", None, "hybrid",
            ),
            # draft-irtf-cfrg-bbs-signatures §4: keys in G2; their signatures are checked by a suite, not by the key
            Algorithm("BLS12-381-G2", "bls", 0xEB, 0x130A, 96, 32, 0, (), "OKP", "Bls12381G2"),
        )
    }
)  # fmt: skip
BY_MULTICODEC: Final[Mapping[int, Algorithm]] = MappingProxyType(
    {row.multicodec: row for row in ALGORITHMS.values() if row.multicodec is not None}
)
BY_PREFIX: Final[Mapping[bytes, Algorithm]] = MappingProxyType(
    {encode_varint(code): row for code, row in BY_MULTICODEC.items()}
)
"""By the code as it is written, which takes two bytes for every one of them."""
BY_SECRET_MULTICODEC: Final[Mapping[int, Algorithm]] = MappingProxyType(
    {row.secret_multicodec: row for row in ALGORITHMS.values() if row.secret_multicodec is not None}
)
BY_JWK: Final[Mapping[tuple[str, str], Algorithm]] = MappingProxyType(
    {(row.kty, row.crv or row.name): row for row in ALGORITHMS.values()}
)
"""`kty` and `crv`, or for `AKP` keys `kty` and `alg` (RFC 9964 section 4), which is our name too."""
