"""What the judgement asks of the outside, and what it is answered.

The core yields a need and is sent its answer; it never opens a socket, a file or a clock. Every question and every
answer is plain data, so that a judgement can be recorded and replayed (`verify.evidence`).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, final

from msgspec import structs

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentdid.delegation.charges import Spend
    from agentdid.policy.behaviour import Conducts, Observation


@final
class Resource(Value, frozen=True):
    """A document as it was served.

    Attributes:
        url: What was asked for.
        body: The decoded body.
        held_at: When it came, aware and in UTC; how old it is counts from here.
        digest: SHA-256 of the body, computed once, so that what was learnt from these bytes can be remembered.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"digest"})

    url: str
    body: bytes
    held_at: datetime
    digest: bytes = b""

    def __post_init__(self) -> None:
        structs.force_setattr(self, "digest", sha256(self.body).digest())  # whatever was handed in


@final
class Absent(Value, frozen=True):
    """Why there is no document: a code of the book (`fetch_…` or `did_not_found`) and words for people."""

    url: str
    code: str
    detail: str


Answer: TypeAlias = Resource | Absent


@final
class NeedKeys(Value, frozen=True, eq=False):
    """The document of one DID, at most `max_age_s` old."""

    did: str
    url: str
    accept: tuple[str, ...]
    max_age_s: float


@final
class NeedFacts(Value, frozen=True, eq=False):
    """Documents beside the input: status lists, related resources, schemas.

    Each at most `max_age_s` old (0: fetched anew); answered in the same order.

    A negative `max_age_s` asks for what is held already and no older than its absolute value: nothing is fetched.
    """

    urls: tuple[str, ...]
    max_age_s: float


@final
class NeedNonce(Value, frozen=True, eq=False):
    """Whether a nonce is one that this verifier handed out and may still be answered."""

    nonce: str


@final
class NeedDenied(Value, frozen=True, eq=False):
    """Whether the verifier's deny list has one of these names (`trust.denied.name_of`)."""

    names: tuple[str, ...]


@final
class NeedTake(Value, frozen=True, eq=False):
    """The atomic consumption of a nonce, and of all that the request spends: the last act of a judgement.

    Attributes:
        audience: Whose nonce.
        nonce: Which; remembered until `keep_until`.
        keep_until: When the presentation cannot be taken any more.
        spend: Limits, approvals and request id; `None` where the request touches none.
        names: What must not be on the deny list then, still; none where there is no list.
    """

    audience: str
    nonce: str
    keep_until: datetime
    spend: Spend | None = None
    names: tuple[str, ...] = ()


@final
class NeedMark(Value, frozen=True, eq=False):
    """Whether a verified did:webvh log, or a trust list, goes on from what was seen of it; what is new is remembered.

    With no versions: whether anything was seen ("behind"), and nothing is remembered.
    """

    scid: str
    versions: Sequence[str]


@final
class NeedConduct(Value, frozen=True, eq=False):
    """What was seen before of the agents of a chain, as far as it bears on one call.

    Attributes:
        agents: Their DIDs, root first.
        action: Of the call.
        resource: Of the call, in its one spelling.
        at: The instant of judgement.
        window_s: How long a window of their baselines is.
    """

    agents: tuple[str, ...]
    action: str
    resource: str
    at: datetime
    window_s: int


Need: TypeAlias = NeedKeys | NeedFacts | NeedNonce | NeedDenied | NeedTake | NeedMark | NeedConduct

# NeedKeys → Answer; NeedFacts → tuple[Answer, ...]; NeedNonce → "ours" | "expired" | "unknown";
# NeedDenied → "clear" | "denied:<place in its names>" | "unavailable";
# NeedTake → "taken" | "repeated" | "replayed" | "unavailable" | "conflict" | "exceeded:<place>" | "denied:<place>";
# NeedMark → "kept" | "behind" | "forked" | "unavailable"; NeedConduct → Conducts | "unavailable"
Reply: TypeAlias = "Answer | tuple[Answer, ...] | Conducts | str"


class Source(Protocol):
    """Where documents come from: the network through its guard, or a file of recorded answers."""

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Return the document at `url`, at most `max_age_s` old, or why there is none; never raises for the outside.

        With a negative `max_age_s` nothing is fetched: what is held and no older than its absolute value, or `Absent`.
        """
        ...

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`, without blocking the event loop."""
        ...


class Marks(Protocol):
    """The highest version seen of each did:webvh, shared by all processes of a verifier."""

    def advance(self, scid: str, versions: Sequence[str]) -> str:
        """Hold the mark against a log and move it forward, atomically.

        Args:
            scid: Of the log.
            versions: The `versionId` of every entry, the first one first.

        Returns:
            "kept", "behind" where the log ends before the mark, "forked" where it has another version there, or
            "unavailable". The mark never goes back.
        """
        ...


class DenyList(Protocol):
    """What a verifier denies from one instant to the next, shared by all its processes."""

    def find(self, names: tuple[str, ...], at: datetime) -> str:
        """Return "clear", "denied:<place>" for the first of the names that is on the list, or "unavailable"."""
        ...


class Takes(Protocol):
    """The store of consumed nonces and of counters, shared by all verifiers of one audience."""

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown" for a nonce from a challenge."""
        ...

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime, spend: Spend | None = None) -> str:
        """Consume a nonce, and what is spent with it, atomically: all of it or nothing.

        Returns:
            "taken"; "repeated" where only the nonce was left to take, as the same call was charged under its id before;
            "replayed" for a nonce that was taken before; "conflict" for a request id that named another
            call; "exceeded:<place>" for the first charge that is over its maximum; "unavailable".
        """
        ...


class Baselines(Protocol):
    """What was seen of agents before: counts of observations (`policy.behaviour`)."""

    def find(self, need: NeedConduct) -> Conducts | str:
        """Return the conduct of each agent, in the order of the need; "unavailable" where it cannot be known."""
        ...

    def observe(self, observations: Sequence[Observation]) -> None:
        """Count what one decision says, where that does not come from elsewhere."""
        ...
