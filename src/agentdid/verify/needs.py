"""What the judgement asks of the outside, and what it is answered.

The core yields a need and is sent its answer; it never opens a socket, a file or a clock. Every question and every
answer is plain data, so that a judgement can be recorded and replayed (`verify.evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, TypeAlias, final

from agentdid.record import record

if TYPE_CHECKING:
    from datetime import datetime


@final
@dataclass(frozen=True, slots=True)
class Resource:
    """A document as it was served.

    Attributes:
        url: What was asked for.
        body: The decoded body.
        held_at: When it came, aware and in UTC; how old it is counts from here.
        digest: SHA-256 of the body, computed once, so that what was learnt from these bytes can be remembered.
    """

    url: str
    body: bytes
    held_at: datetime
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha256(self.body).digest())


@final
@dataclass(frozen=True, slots=True)
class Absent:
    """Why there is no document: a code of the book (`fetch_…` or `did_not_found`) and words for people."""

    url: str
    code: str
    detail: str


Answer: TypeAlias = Resource | Absent


@final
@record
class NeedKeys:
    """The document of one DID, at most `max_age_s` old."""

    did: str
    url: str
    accept: tuple[str, ...]
    max_age_s: float


@final
@record
class NeedFacts:
    """Status lists, each at most `max_age_s` old (0: fetched anew); answered in the same order."""

    urls: tuple[str, ...]
    max_age_s: float


@final
@record
class NeedNonce:
    """Whether a nonce is one that this verifier handed out and may still be answered."""

    nonce: str


@final
@record
class NeedTake:
    """The atomic consumption of a nonce, the last act of a judgement; remembered until `keep_until`."""

    audience: str
    nonce: str
    keep_until: datetime


Need: TypeAlias = NeedKeys | NeedFacts | NeedNonce | NeedTake

# NeedKeys → Answer; NeedFacts → tuple[Answer, ...]; NeedNonce → "ours" | "expired" | "unknown";
# NeedTake → "taken" | "replayed" | "unavailable"
Reply: TypeAlias = Answer | tuple[Answer, ...] | str


class Source(Protocol):
    """Where documents come from: the network through its guard, or a file of recorded answers."""

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Return the document at `url`, at most `max_age_s` old, or why there is none; never raises for the outside."""
        ...

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`, without blocking the event loop."""
        ...


class Takes(Protocol):
    """The store of consumed nonces, shared by all verifiers of one audience."""

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown" for a nonce from a challenge."""
        ...

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume atomically; return "taken", "replayed" or "unavailable"."""
        ...
