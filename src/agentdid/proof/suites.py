"""The table of Data Integrity cryptosuites: what each hashes, and with which keys it signs."""

from __future__ import annotations

from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from hashlib import _Hash


@final
class Suite(Value, frozen=True):
    """One cryptosuite.

    Attributes:
        name: As it stands in `proof.cryptosuite`.
        algorithm: The only key algorithm it signs with (`keys.algorithms`).
        hash: The hash of both halves of the signed bytes.
        signature_base: The multibase of `proofValue`.
    """

    name: str
    algorithm: str
    hash: Callable[[bytes], _Hash]
    signature_base: str


SUITES: Final[Mapping[str, Suite]] = MappingProxyType(
    {
        row.name: row
        for row in (
            # vc-di-eddsa §3.3
            Suite(name="eddsa-jcs-2022", algorithm="Ed25519", hash=sha256, signature_base="z"),
        )
    }
)
JCS_NAMES: Final = tuple(SUITES)
"""Suites that sign the RFC 8785 form of the document."""
