"""One judgement under way: what was handed in, and what its checks have established so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from msgspec import Struct, field

from agentdid.clock import seconds
from agentdid.credential.validity import Now
from agentdid.limits import Budget
from agentdid.record import Value
from agentdid.verify.states import Freshness

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.codec.strict_json import JsonText
    from agentdid.delegation.capability import CapabilityGrant
    from agentdid.delegation.usage import Request
    from agentdid.did.document import DidDocument
    from agentdid.did.webvh.log import History
    from agentdid.errors import AgentdidError
    from agentdid.policy.rules import Ruling
    from agentdid.query.dcql import Query
    from agentdid.secure.mechanism import Secured, Signature
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.anchors import Trust
    from agentdid.trust.trust_list import ListRef
    from agentdid.verify.inputs import Item
    from agentdid.verify.known_links import KnownLink, NewText
    from agentdid.verify.listed import Listed
    from agentdid.verify.memory import Memory
    from agentdid.verify.states import Link, Parsed
    from agentdid.verify.trust_list import HeardList


@final
class IssuedHere:
    """Says that the nonce must be one this verifier handed out: the store of nonces is asked.

    Args:
        nonce: The very one, where whoever asks knows which; by default any.
    """

    __slots__ = ("nonce",)

    def __init__(self, nonce: str | None = None) -> None:
        self.nonce = nonce

    def __repr__(self) -> str:
        return "ISSUED_HERE" if self.nonce is None else "IssuedHere(…)"


ISSUED_HERE: Final = IssuedHere()


@final
class HttpRequest(Value, frozen=True):
    """The one HTTP request a presentation came with.

    Attributes:
        method: Upper case.
        url: The target URI as `present.exchange.normalize_url` writes it.
        content_digest: Of the body (RFC 9530, sha-256), or `None` without one.
    """

    method: str
    url: str
    content_digest: str | None


@final
class Question(Value, frozen=True, eq=False):
    """What is asked of an input: everything a decision depends on but the outside's answers.

    Attributes:
        raw: The input: compact text, JSON text, or a JSON value.
        holder: Whether it must be a presentation by its holder; if not, it is one credential or a chain of them.
        trust: The policy.
        at: The instant of judgement.
        challenge: The nonce that was handed out, or `ISSUED_HERE`; `None` is never satisfied.
        query: What was asked for, if anything.
        request: What is to be done, if anything.
        http: The HTTP request it came with, if it did.
        environment: `env.…` values, which only the verifier sets.
        historical: Whether `at` is a past instant: evidence from later does not count.
        keeps: Whether its holder is to keep it, who alone takes the base proofs of selective suites.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"raw"})

    raw: bytes | str | dict[str, object] | list[object]
    holder: bool
    trust: Trust
    at: datetime
    challenge: str | IssuedHere | None = None
    query: Query | None = None
    request: Request | None = None
    http: HttpRequest | None = None
    environment: Mapping[str, object] = field(default_factory=dict)
    historical: bool = False
    keeps: bool = False


@final
class Case(Struct, eq=False):
    """A question with its working state. The checks of `verify.flow` fill it in, in their order.

    Attributes:
        question: What is asked.
        memory: What was learnt from bytes that cannot change.
        budget: The work that the input may still cause.
        now: The instant of judgement, with its leeway.
        raw: Set by `check_size`.
        text: Set by `check_parse`: the compact token, the COSE_Sign1, or the JSON text.
        presented: Set by `check_parse`: a presentation of the closed form, taken apart with its credentials in `items`.
        items: Set by `check_parse`: the credentials in it that were parsed apart; empty where none was.
        known: Set by `check_structure`: what is known of credentials (`verify.known_links`), by their position.
        new: Set by `check_structure`: the texts of those of which nothing is.
        parsed: Set by `check_structure`.
        void: Grants of the root that no anchor covers.
        anchors: Which anchors can still speak for a link, by its position.
        listed: What others say of links that no anchor of the policy covers, by their position.
        lists: The trust lists that were asked: what each says and until when, or why it does not count.
        documents: The DID documents that this judgement has had.
        held: When the documents that were asked for came, by DID.
        asked: The DIDs whose documents came from outside.
        seen: Whether a DID was seen to sign with a post-quantum key, as far as that was asked.
        histories: The verified logs of the did:webvh among them.
        freshness: What bounds the time the outcome may be relied upon.
        exercised: Set by `check_request`: the grant used at each link.
        needed: Set by `check_algorithms`: what every step's signatures have to withstand.
        levels: What the signatures of the status lists, and of the trust lists that count, withstand.
        list_signatures: Those signatures, as far as somebody denied may have made them.
        names: Set by `check_denied`: what the deny list was asked for.
        downgraded: Whether the policy took a classical signature of a DID that has post-quantum keys.
        ruling: Set by `check_policy`: how the verifier's own policy decided; `None` where it has none.
        approvals: Set by `check_approvals`: those that are used up.
        repeated: Set by `check_take`: whether the same call was charged before under its id.
    """

    question: Question
    memory: Memory
    budget: Budget
    now: Now
    raw: bytes | str = b""
    text: JsonText | str | bytes = ""
    presented: Secured | None = None
    items: tuple[Item, ...] = ()
    known: dict[int, KnownLink] = field(default_factory=dict)
    new: dict[int, NewText] = field(default_factory=dict)
    parsed: Parsed = None  # type: ignore[assignment]  # set by check_structure, the first to need it
    void: frozenset[str] = frozenset()
    anchors: dict[int, tuple[Anchor, ...]] = field(default_factory=dict)
    listed: dict[int, Listed] = field(default_factory=dict)
    lists: dict[ListRef, HeardList | AgentdidError] = field(default_factory=dict)
    documents: dict[str, DidDocument] = field(default_factory=dict)
    held: dict[str, datetime] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    seen: dict[str, bool] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    freshness: list[Freshness] = field(default_factory=list)
    exercised: tuple[CapabilityGrant, ...] = ()
    needed: str = "classical"
    levels: list[str] = field(default_factory=list)
    list_signatures: tuple[Signature, ...] = ()
    names: tuple[str, ...] = ()
    downgraded: bool = False
    ruling: Ruling | None = None
    approvals: tuple[Link, ...] = ()
    repeated: bool = False

    def __repr__(self) -> str:
        return f"Case(at={self.now.at.isoformat()})"  # and nothing of what was presented

    @property
    def root_anchors(self) -> tuple[Anchor, ...]:
        """The anchors that can speak for the root of the chain, by all that was checked so far."""
        return self.anchors.get(self.parsed.chain[0].position, ()) if self.parsed.chain else ()

    def keep_anchors(self, link: Link, anchors: tuple[Anchor, ...]) -> None:
        """Note which anchors can still speak for `link`; root grants that none of them covers are void.

        Anchors are never merged: each check leaves those that allow what it saw, so that one alone allows it all.
        """
        self.anchors[link.position] = anchors
        if link.capability is not None:
            self.void |= frozenset(
                grant.id
                for grant in link.capability.grants
                if not any(anchor.covers_action(action) for anchor in anchors for action in grant.actions)
            )

    def believe_until(self, start: datetime, life_s: float, by: str) -> None:
        """Note that some evidence may be relied on for `life_s` from `start`."""
        self.freshness.append(Freshness(start + seconds(life_s), by))


def open_case(question: Question, memory: Memory) -> Case:
    """Return a question with nothing established yet."""
    at, limits = question.at, question.trust.limits
    leeway = seconds(limits.leeway_s)
    budget = Budget.of(limits)
    return Case(question, memory, budget, Now(at, at - leeway, at + leeway))
