"""What is known of an input, a type a stage: `Parsed`, then `Verified`. Holding one is the evidence for it.

`Decision` and `Grant`, which come last, stand in `verify.decide`.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Final, final

from agentdid.record import record

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.secure.mechanism import Secured

_SEAL: Final = object()


@final
@record
class Link:
    """One well-formed credential of the input: as secured, as a credential, and what it grants.

    Attributes:
        secured: How it is signed.
        credential: What it says.
        capability: What it grants; `None` for a credential that is not a capability.
        path: Where it stands in the input.
    """

    secured: Secured
    credential: Credential
    capability: Capability | None
    path: str

    @property
    def subject(self) -> str | None:
        """The one subject's `id`, or `None`."""
        return self.credential.subjects[0] if len(self.credential.subjects) == 1 else None


@final
@record
class Parsed:
    """A well-formed input whose parts hang together; no signature has been looked at.

    Attributes:
        chain: The capability credentials, root first; each is issued by the subject of the one before.
        others: Credentials of other types.
        presentation: How the presentation is signed; `None` for bare credentials.
        holder: The `holder` it names, if any.
    """

    chain: tuple[Link, ...]
    others: tuple[Link, ...]
    presentation: Secured | None
    holder: str | None

    @property
    def links(self) -> tuple[Link, ...]:
        """Every credential: the chain, root first, then the others."""
        return self.chain + self.others


@final
@record
class Freshness:
    """How long the outside evidence may be believed: the instant after which it must be asked again, and by what."""

    until: datetime
    by: str


@final
@dataclass(frozen=True, slots=True)
class Verified:
    """An input whose proofs, issuers, validity and status held at `at`; only `verify.flow` makes one.

    Attributes:
        parsed: The input.
        at: The instant of judgement, aware and in UTC.
        void: Grants of the root that no anchor covers: as if hidden.
        freshness: What bounds the time this may be relied upon.
    """

    parsed: Parsed
    at: datetime
    void: frozenset[str]
    freshness: tuple[Freshness, ...]
    seal: InitVar[object] = field(default=None)  # an InitVar, so that dataclasses.replace() cannot carry it along

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            message = "Verified comes from agentdid.verify, not from callers"
            raise TypeError(message)


def seal_verified(parsed: Parsed, at: datetime, void: frozenset[str], freshness: tuple[Freshness, ...]) -> Verified:
    """Return the `Verified` of an input all of whose checks passed; for `verify.flow` alone."""
    return Verified(parsed, at, void, freshness, seal=_SEAL)
