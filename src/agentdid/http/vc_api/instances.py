"""The issuing instances: a row each. The name stands in the URL; suites are pointed at it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVELOPE: Final = "vc+jwt"


@final
class Instance(Value, frozen=True):
    """One issuing instance.

    Attributes:
        name: As it stands in the URL.
        issuer: Whose key it signs with: a name in the manifest.
        form: A cryptosuite, or `ENVELOPE`.
        has_status: Whether it adds a status entry to what it issues.
    """

    name: str
    issuer: str
    form: str
    has_status: bool = False


INSTANCES: Final[Mapping[str, Instance]] = MappingProxyType(
    {
        row.name: row
        for row in (
            Instance("eddsa-rdfc-2022", "ed", "eddsa-rdfc-2022"),
            Instance("eddsa-jcs-2022", "ed", "eddsa-jcs-2022"),
            Instance("Ed25519Signature2020", "ed", "Ed25519Signature2020"),
            Instance("ecdsa-rdfc-2019", "p256", "ecdsa-rdfc-2019"),
            Instance("ecdsa-rdfc-2019-p384", "p384", "ecdsa-rdfc-2019"),
            Instance("ecdsa-jcs-2019", "p256", "ecdsa-jcs-2019"),
            Instance("ecdsa-jcs-2019-p384", "p384", "ecdsa-jcs-2019"),
            Instance("ecdsa-sd-2023", "p256", "ecdsa-sd-2023"),
            Instance("bbs-2023", "bls", "bbs-2023"),
            Instance("mldsa44-jcs-2024", "mldsa44", "mldsa44-jcs-2024"),
            Instance("mldsa44-rdfc-2024", "mldsa44", "mldsa44-rdfc-2024"),
            Instance("BitstringStatusList", "ed", "eddsa-rdfc-2022", has_status=True),
            Instance("EnvelopingProof", "p256", ENVELOPE),
        )
    }
)
