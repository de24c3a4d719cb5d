"""Scopes and chained lists: whatever a list below lets, every list above it lets, and so does the policy."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentdid.errors import AgentdidError
from agentdid.trust.anchor import SECURITY, covers
from agentdid.trust.scope import Claim, Scope, meet_actions
from tests.attacks.test_trust_lists import LOWER, Registry
from tests.trust_lists import below, entry, publish, row

TYPES = ("AgentCapabilityCredential", "DiplomaCredential", "BadgeCredential")
ROOTS = ("did:web:partner.example", "did:web:other.example", "did:web:third.example")
PATTERNS = ("invoice.*", "invoice.read", "invoice.read.*", "invoice.read.one", "order.*", "order.place", "invoice")
ACTIONS = ("invoice", "invoice.read", "invoice.read.one", "invoice.write", "order.place", "other")

_WORLD = Registry()


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of these values, in any order."""
    return st.lists(st.sampled_from(values), unique=True, max_size=4).map(tuple)


SCOPES = st.builds(
    Scope, types=some(TYPES), roots=some(ROOTS), actions=some(PATTERNS), principals=some(ROOTS),
    status_issuers=some(ROOTS), security=st.sampled_from(SECURITY),
)  # fmt: skip
CLAIMS = st.builds(
    Claim, issuer=st.just("did:web:acme.example"), types=some(TYPES).map(frozenset),
    root=st.sampled_from((*ROOTS, None)), principal=st.sampled_from((*ROOTS, None)), actions=some(ACTIONS),
)  # fmt: skip


@given(some(PATTERNS), some(PATTERNS), st.sampled_from(ACTIONS))
def test_patterns_meet_exactly(ours: tuple[str, ...], theirs: tuple[str, ...], action: str) -> None:
    """L20: an action is covered by what two lists of patterns have in common exactly if each covers it."""
    assert covers(meet_actions(ours, theirs), action) == (covers(ours, action) and covers(theirs, action))


@given(SCOPES, SCOPES, CLAIMS)
def test_a_meet_allows_what_both_allow(one: Scope, other: Scope, claim: Claim) -> None:
    """L20: no more of a claim than each side, and no less than both."""
    if claim.root is None and TYPES[0] in claim.types:
        assert one.find_allowed(claim) is None
    met, left, right = (each.find_allowed(claim) for each in (one.meet(other), one, other))
    both = None if left is None or right is None else tuple(each for each in left if each in right)

    assert met == (None if both is None or (claim.root is not None and not both) else both)
    assert SECURITY[0] in (one.security, other.security) or one.meet(other).security != SECURITY[0]


@given(SCOPES, SCOPES, SCOPES)
def test_meeting_is_associative_and_idempotent(one: Scope, other: Scope, third: Scope) -> None:
    """L23: how deep a list is named does not matter for what is left of it."""
    left, right = one.meet(other).meet(third), one.meet(other.meet(third))

    assert _sets(left) == _sets(right)
    assert _sets(one.meet(one)) == _sets(one.meet(one).meet(one))


def _sets(scope: Scope) -> tuple[object, ...]:
    reached = frozenset(each for each in (*ACTIONS, "invoice.read.", "order.") if covers(scope.actions, each))
    return (
        frozenset(scope.types),
        frozenset(scope.roots),
        reached,
        frozenset(scope.principals),
        frozenset(scope.status_issuers),
        scope.security,
    )


@given(
    policy=some(PATTERNS).filter(bool),
    upper=some(PATTERNS).filter(bool),
    lower=some(PATTERNS).filter(bool),
    entries=some(PATTERNS).filter(bool),
    wanted=st.sampled_from(ACTIONS),
)
def test_what_a_chained_entry_permits_every_list_above_permits(
    policy: tuple[str, ...], upper: tuple[str, ...], lower: tuple[str, ...], entries: tuple[str, ...], wanted: str
) -> None:
    """L23: a verdict over three signed lists is yes exactly if the entry, every list and the policy say so."""
    world = _WORLD
    middle, last = "https://middle.example/list", LOWER
    publish(world, world.registry, lists=[below(world, world.registry, middle, actions=list(upper), maxDepth=1)])
    publish(world, world.registry, url=middle, lists=[below(world, world.sector, last, actions=list(lower))])
    publish(world, world.sector, url=last, entries=[entry(world, world.acme, actions=list(entries))])
    chain = world.root(capability=world.capability(grants=[world.grant(actions=[wanted])]))
    try:
        world.judge(row(world, world.registry, actions=list(policy), max_depth=2), chain=chain)
        code = None
    except AgentdidError as error:
        code = error.code
    said = all(covers(each, wanted) for each in (policy, upper, lower, entries))

    assert code == (None if said else "issuer_untrusted")
