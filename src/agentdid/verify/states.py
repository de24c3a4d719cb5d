"""What is known of an input, a type a stage: `Parsed`, then `Verified`. Holding one is the evidence for it.

`Decision` and `Grant`, which come last, stand in `verify.decide`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from msgspec import structs

from agentdid.record import Value

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.credential.model import Credential
    from agentdid.delegation.approval import HumanApproval
    from agentdid.delegation.capability import Capability
    from agentdid.secure.mechanism import Secured
    from agentdid.trust.anchor import Anchor

_SEAL: Final = object()


@final
class Link(Value, frozen=True, eq=False):
    """One well-formed credential of the input: as secured, as a credential, and what it grants.

    Attributes:
        secured: How it is signed.
        credential: What it says.
        capability: What it grants; `None` for a credential that is not a capability.
        position: Where it stands among the credentials of the input.
        approval: What it says yes to; `None` for a credential that is not an approval.
    """

    secured: Secured
    credential: Credential
    capability: Capability | None
    position: int
    approval: HumanApproval | None = None

    @property
    def path(self) -> str:
        """Where it stands in the input, for the path of an error."""
        return f"/{self.position}"

    @property
    def subject(self) -> str | None:
        """The one subject's `id`, or `None`."""
        subjects = self.credential.subjects
        return subjects[0] if len(subjects) == 1 else None


@final
class Parsed(Value, frozen=True, eq=False):
    """A well-formed input whose parts hang together; no signature has been looked at.

    Attributes:
        chain: The capability credentials, root first; each is issued by the subject of the one before.
        others: Credentials of other types.
        links: Every credential: the chain, root first, then the others.
        presentation: How the presentation is signed; `None` for bare credentials.
        holder: The `holder` it names, if any.
    """

    chain: tuple[Link, ...]
    others: tuple[Link, ...]
    links: tuple[Link, ...]
    presentation: Secured | None
    holder: str | None

    @property
    def agents(self) -> tuple[str, ...]:
        """The subjects of the chain's links, root first: who acts, and through whose hands the capability came."""
        return tuple(dict.fromkeys([link.subject for link in self.chain if link.subject is not None]))


@final
class Freshness(Value, frozen=True, eq=False):
    """How long the outside evidence may be believed: the instant after which it must be asked again, and by what."""

    until: datetime
    by: str


@final
class Verified(Value, frozen=True):
    """An input whose proofs, issuers, validity and status held at `at`; only `verify.flow` makes one.

    Attributes:
        parsed: The input.
        at: The instant of judgement, aware and in UTC.
        void: Grants of the root that no anchor covers: as if hidden.
        anchors: Those under which the chain's root is believed, each of them alone; none where it needs none.
        evidence: How long what came from outside may be believed.
        lists: What the signatures of the status lists withstand.
        downgraded: Whether the policy took less than what a signer's DID has keys for.
        seal: Shown once, by `seal_verified`.
    """

    parsed: Parsed
    at: datetime
    void: frozenset[str]
    anchors: tuple[Anchor, ...]
    evidence: tuple[Freshness, ...]
    lists: tuple[str, ...] = ()
    downgraded: bool = False
    seal: object = None

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            message = "Verified comes from agentdid.verify, not from callers"
            raise TypeError(message)
        structs.force_setattr(self, "seal", None)  # so that structs.replace() cannot carry it along

    @property
    def freshness(self) -> tuple[Freshness, ...]:
        """What bounds the time this may be relied upon: the evidence, and the validity of every credential."""
        ends = [
            Freshness(end, f"validity of {link.credential.id}")
            for link in self.parsed.links
            for end in (link.credential.valid_until, link.secured.expires)
            if end is not None
        ]
        return (*self.evidence, *ends)


def seal_verified(
    parsed: Parsed,
    at: datetime,
    void: frozenset[str],
    anchors: tuple[Anchor, ...],
    evidence: tuple[Freshness, ...],
    lists: tuple[str, ...] = (),
    downgraded: bool = False,
) -> Verified:
    """Return the `Verified` of an input all of whose checks passed; for `verify.flow` alone."""
    return Verified(parsed, at, void, anchors, evidence, lists, downgraded, _SEAL)
