"""What a well-formed credential or presentation says; nothing here has been proven yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast, final

from msgspec import structs
from msgspec.json import decode

from agentdid.codec.strict_json import encode, freeze
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
"""VCDM 2.0 section 4.3: the first context of every credential and presentation."""
CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
"""VCDM 1.1 section 4.1: the first context of every credential and presentation of that version."""
AGENTDID_V1: Final = "https://w3id.org/agentdid/v1"
"""Our own context (specs/contexts/agentdid-v1.jsonld); the URL is not registered yet."""
CAPABILITY_TYPE: Final = "AgentCapabilityCredential"
APPROVAL_TYPE: Final = "HumanApprovalCredential"


@final
class Credential(Value, frozen=True):
    """A credential whose members have the shapes of VCDM 2.0, or of VCDM 1.1.

    Attributes:
        id: The credential's URL, if it has one.
        types: Its types, in order, `VerifiableCredential` among them.
        issuer: The issuer's URL, whether it was written as a string or as an object.
        subjects: The `id` of each subject, `None` for one without.
        valid_from: Aware, UTC, or `None`; of VCDM 1.1 its `issuanceDate`.
        valid_until: Aware, UTC, or `None`; of VCDM 1.1 its `expirationDate`.
        status: The `credentialStatus` objects as they stand.
        body: Its `document`, or what parses that when somebody looks.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"body"})

    id: str | None
    types: tuple[str, ...]
    issuer: str
    subjects: tuple[str | None, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    status: tuple[dict[str, object], ...]
    body: dict[str, object] | Callable[[], dict[str, object]]

    @property
    def document(self) -> dict[str, object]:
        """The whole, unsecured: no `proof`, disclosures applied. Read it through `claims` outside the core."""
        return self.body() if callable(self.body) else self.body

    @property
    def claims(self) -> Mapping[str, object]:
        """The whole document, deeply read-only."""
        return cast("Mapping[str, object]", freeze(self.document))

    def copy(self) -> Credential:
        """Return a credential with JSON objects of its own: the verifier's are shared among judgements."""
        return structs.replace(self, status=tuple(_copied(self.status)), body=_copied(self.document))

    @property
    def is_capability(self) -> bool:
        """Whether it grants something to an agent."""
        return CAPABILITY_TYPE in self.types


def _copied(value: object) -> Any:  # noqa: ANN401  # as the value
    return decode(encode(value))


@final
class Presentation(Value, frozen=True):
    """A presentation whose members have the shapes of VCDM 2.0.

    Attributes:
        id: The presentation's URL, if it has one.
        holder: The holder's URL, if it is named.
        credentials: What stands in `verifiableCredential`, each still secured.
        document: The whole, without `proof` and without JWT claims.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"document"})

    id: str | None
    holder: str | None
    credentials: tuple[dict[str, object], ...]
    document: dict[str, object]
