"""The table of Data Integrity cryptosuites: how each makes bytes of a document, and with which keys it signs them."""

from __future__ import annotations

from hashlib import sha256, sha384
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, final

from msgspec import structs

from agentdid.keys.algorithms import ALGORITHMS
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from hashlib import _Hash

JCS: Final = "jcs"
"""Signs the JSON: RFC 8785."""
RDFC: Final = "rdfc"
"""Signs the statements: JSON-LD to RDF, then RDFC-1.0 (`canon.jsonld`)."""
STATEMENTS: Final = "statements"
"""Signs each statement for itself, so that a holder can leave some out (`proof.selective`)."""
PROOF_TYPE: Final = "DataIntegrityProof"
_DATA_INTEGRITY: Final = (
    "https://w3id.org/security/data-integrity/v2",
    "https://w3id.org/security/data-integrity/v1",
    "https://www.w3.org/ns/credentials/v2",
)


@final
class Transform(Value, frozen=True, eq=False):
    """How a document becomes the bytes of which a hash is signed.

    Attributes:
        canonical: `JCS`, `RDFC` or `STATEMENTS`.
        hash: Of both halves of the signed bytes.
        hash_name: The same, as RDFC-1.0 is asked for it.
    """

    canonical: Literal["jcs", "rdfc", "statements"]
    hash: Callable[[bytes], _Hash]
    hash_name: Literal["sha256", "sha384"]


JCS_SHA256: Final = Transform(JCS, sha256, "sha256")
"""What also names a document as a parent in a chain (PROTOCOL section 1)."""
_JCS_SHA384: Final = Transform(JCS, sha384, "sha384")
_RDFC_SHA256: Final = Transform(RDFC, sha256, "sha256")
_RDFC_SHA384: Final = Transform(RDFC, sha384, "sha384")


@final
class Suite(Value, frozen=True):
    """One cryptosuite.

    Attributes:
        name: As it stands in `proof.cryptosuite`; of an older suite, `proof.type`.
        transforms: The key algorithms it signs with (`keys.algorithms`), and what each of them signs.
        signature_base: The multibase of `proofValue`.
        contexts: Those that define its proofs; the first is what a document gets that has none of them.
        proof_type: `proof.type`.
        implied_context: Whether some sign the document's `@context` in a proof that does not show it.
        algorithms: The key algorithms it signs with.
        canonical: How it canonicalizes, whatever the key.
    """

    name: str
    transforms: Mapping[str, Transform]
    signature_base: Literal["z", "u"] = "z"
    contexts: tuple[str, ...] = _DATA_INTEGRITY
    proof_type: str = PROOF_TYPE
    implied_context: bool = False
    algorithms: tuple[str, ...] = ()
    canonical: str = ""

    def __post_init__(self) -> None:
        structs.force_setattr(self, "algorithms", tuple(self.transforms))
        structs.force_setattr(self, "canonical", next(iter(self.transforms.values())).canonical)

    def find_transform(self, algorithm: str) -> Transform:
        """Return what a key of an algorithm signs. Raises `ValueError` for a key of another suite."""
        found = self.transforms.get(algorithm)
        if found is None:
            message = f"{self.name} signs with {' or '.join(self.transforms)}, the key is {algorithm}"
            raise ValueError(message)
        return found

    def fitting(self, signature: bytes) -> tuple[str, ...]:
        """Return the algorithms whose signatures are as long as this one; where none are, all that it could be of.

        The length says which curve an ECDSA suite was used with, and so which hash (vc-di-ecdsa sections 3.2.4 and
        3.3.4), before anybody is asked for the key. Which key it is must agree, else it is `alg_key_mismatch`.
        """
        if len(self.algorithms) == 1:
            return self.algorithms
        size = len(signature)
        return tuple([each for each in self.transforms if ALGORITHMS[each].signature_len == size]) or self.algorithms


_ED25519: Final = "Ed25519"
_ED25519_2020: Final = "Ed25519Signature2020"

SUITES: Final[Mapping[str, Suite]] = MappingProxyType(
    {
        row.name: row
        for row in (
            # vc-di-eddsa §3.3, §3.2
            Suite("eddsa-jcs-2022", {_ED25519: JCS_SHA256}),
            Suite("eddsa-rdfc-2022", {_ED25519: _RDFC_SHA256}),
            # vc-di-ecdsa §3.3, §3.2: the hash goes by the curve, RDFC-1.0's own too
            Suite("ecdsa-jcs-2019", {"P-256": JCS_SHA256, "P-384": _JCS_SHA384}),
            Suite("ecdsa-rdfc-2019", {"P-256": _RDFC_SHA256, "P-384": _RDFC_SHA384}),
            # vc-di-quantum-resistant §2.2: ctx is empty; SHA-256 goes with security category 2
            Suite("mldsa44-jcs-2024", {"ML-DSA-44": JCS_SHA256}, "u", implied_context=True),
            Suite("mldsa44-rdfc-2024", {"ML-DSA-44": _RDFC_SHA256}, "u"),
            # vc-di-eddsa §3.1: older than DataIntegrityProof, with a type and a context of its own
            Suite(
                _ED25519_2020, {_ED25519: _RDFC_SHA256}, proof_type=_ED25519_2020,
                contexts=("https://w3id.org/security/suites/ed25519-2020/v1",),
            ),
        )
    }
)  # fmt: skip

SELECTIVE: Final[Mapping[str, Suite]] = MappingProxyType(
    {
        row.name: row
        for row in (
            # vc-di-ecdsa §3.6; vc-di-bbs §3.4
            Suite("ecdsa-sd-2023", {"P-256": Transform(STATEMENTS, sha256, "sha256")}, "u"),
            Suite("bbs-2023", {"BLS12-381-G2": Transform(STATEMENTS, sha256, "sha256")}, "u"),
        )
    }
)
"""Suites of credentials that their holder derives from (`secure.derivation`); nothing else is secured with them."""


def find_suite(algorithm: str, canonical: str = JCS) -> Suite | None:
    """Return the first suite of a canonical form that a key of an algorithm signs with, or `None`."""
    return next((row for row in SUITES.values() if algorithm in row.transforms and row.canonical == canonical), None)
