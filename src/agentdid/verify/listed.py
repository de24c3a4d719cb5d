"""Whom others let: anchors out of trust lists and registries, for what no anchor of the policy's own covers.

* Lists are asked in the order of the policy, then those that they name, then registries; the first that cover what is
  claimed end the search. Each entry is an anchor by itself, and never more than every list on the way to it may say.
* A list or registry that cannot cover the claim is not asked. One that could, and could not be heard, makes the answer
  `Undecided` where nothing else allows the claim.
* A list that is not one to believe says nothing.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

from agentdid.clock import seconds
from agentdid.errors import AgentdidError, TrustListStale, Undecided
from agentdid.record import Value
from agentdid.secure.mechanism import level_of
from agentdid.trust.registry import parse_answer
from agentdid.trust.scope import Scope
from agentdid.trust.trust_list import is_valid
from agentdid.verify.states import Freshness
from agentdid.verify.trust_list import HeardList, ask, find_list

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from agentdid.secure.mechanism import Signature
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.registry import Registry
    from agentdid.trust.scope import Claim
    from agentdid.trust.trust_list import Entry, ListRef
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply


@final
class Listed:
    """What a search found.

    Attributes:
        anchors: Each allows something of the claim by itself.
        ways: For each of them the URLs that lead to it, the policy's own list first.
        unheard: Why something that could have allowed the claim was not heard.
        silent: Why something that was heard says nothing.
    """

    __slots__ = ("_left", "anchors", "silent", "unheard", "ways")

    def __init__(self, claim: Claim) -> None:
        self.anchors: list[Anchor] = []
        self.ways: list[tuple[str, ...]] = []
        self.unheard: AgentdidError | None = None
        self.silent: str = ""
        self._left: set[str] | None = None if claim.root is None else set(claim.actions)

    @property
    def complete(self) -> bool:
        """Whether all that was claimed is allowed."""
        return bool(self.anchors) if self._left is None else not self._left

    def add(self, anchor: Anchor, allowed: Iterable[str], way: tuple[str, ...]) -> None:
        """Note an anchor, what of the claim it allows, and how it was come to."""
        self.anchors.append(anchor)
        self.ways.append(way)
        if self._left is not None:
            self._left -= set(allowed)

    def miss(self, where: str, error: AgentdidError) -> None:
        """Note that something did not count."""
        if isinstance(error, Undecided):
            self.unheard = self.unheard or type(error)(f"{where}: {error.detail}")
        else:
            self.silent = self.silent or f"{where} says nothing ({error.code}: {error.detail})"


def find_listed(case: Case, claim: Claim) -> Generator[Need, Reply, Listed]:
    """Return the anchors that others give for a claim; what bounds the trust in them is noted in the case.

    Raises:
        InputTooLarge: More outside documents than the input may cause.

    Spec: specs/trust-list.md L18-L27.
    """
    found = Listed(claim)
    trust = case.question.trust
    yield from _walk(case, claim, trust.lists, found)
    for registry in trust.registries:
        if found.complete:
            break
        yield from _query(case, claim, registry, found)
    return found


@final
class _Way(Value, frozen=True, eq=False):
    """A list that waits to be asked: how it was come to, what bounds the trust in that, and who signed the way."""

    ref: ListRef
    urls: tuple[str, ...]
    bounds: tuple[Freshness, ...] = ()
    signed: tuple[tuple[Signature, ...], ...] = ()


def _walk(case: Case, claim: Claim, lists: tuple[ListRef, ...], found: Listed) -> Generator[Need, Reply, None]:
    left = case.question.trust.limits.max_trust_lists
    waiting = deque(_Way(each, (each.url,)) for each in lists)
    while waiting and not found.complete:
        way = waiting.popleft()
        ref = way.ref
        if ref.scope.find_allowed(claim) is None:
            continue
        if not left:
            found.silent = found.silent or "more trust lists than the limit allows"
            return
        left -= 1
        heard = case.lists.get(ref)
        if heard is None:
            heard = case.lists[ref] = yield from _hear(case, ref)
        if not isinstance(heard, HeardList):
            found.miss(f"trust list {ref.url}", heard)
            continue
        content, bounds, signed = heard.content, (*way.bounds, *heard.bounds), (*way.signed, heard.signatures)
        for entry in content.entries.get(claim.issuer, ()):
            scope = ref.scope.meet(entry.scope)
            allowed = scope.find_allowed(claim)
            if allowed is not None and is_valid(entry, case.now):
                case.freshness.extend((*bounds, *_end(entry, ref)))
                for signatures in signed:  # each list on the way is a step of the judgement, as a status list is
                    case.levels.append(level_of(signatures))
                    case.list_signatures += signatures
                found.add(scope.anchor(claim.issuer, entry.keys), allowed, way.urls)
        for named in content.lists:
            if ref.max_depth > 0 and named.url not in way.urls and is_valid(named, case.now):
                waiting.append(_Way(ref.below(named), (*way.urls, named.url), (*bounds, *_end(named, ref)), signed))


def _hear(case: Case, ref: ListRef) -> Generator[Need, Reply, HeardList | AgentdidError]:
    """Return what a list says, or why it does not count; asked once a judgement."""
    case.budget.spend_fetch()
    try:
        return (yield from find_list(case, ref))
    except AgentdidError as error:
        return error


def _end(row: Entry | ListRef, ref: ListRef) -> tuple[Freshness, ...]:
    return () if row.valid_until is None else (Freshness(row.valid_until, f"entry of trust list {ref.url}"),)


def _query(case: Case, claim: Claim, registry: Registry, found: Listed) -> Generator[Need, Reply, None]:
    limits = case.question.trust.limits
    said: list[str] = []
    bounds: list[Freshness] = []
    for about, query in registry.questions(claim)[: limits.max_registry_queries]:
        case.budget.spend_fetch()
        try:
            held = yield from ask(case, query.name(registry.url), registry.max_age_s)
            answer = parse_answer(held.body, query, limits)
            age_s = (case.question.at - answer.evaluated).total_seconds()
            if not -limits.leeway_s <= age_s <= registry.max_age_s:
                raise TrustListStale("the answer is not from the asked instant")
        except AgentdidError as error:
            found.miss(f"registry {registry.url}", error)
            continue
        if answer.positive:
            said.append(about)
            until = min(held.held_at, answer.evaluated) + seconds(registry.max_age_s)
            bounds.append(Freshness(until, f"registry {registry.url}"))
    types = tuple(sorted(claim.types))
    if claim.root is None:
        if len(said) == len(types):
            case.freshness.extend(bounds)
            found.add(Scope(types, security=registry.scope.security).anchor(claim.issuer), (), (registry.url,))
    elif said:
        case.freshness.extend(bounds)
        scope = Scope(types, (claim.root,), tuple(said), security=registry.scope.security)
        found.add(scope.anchor(claim.issuer), said, (registry.url,))
