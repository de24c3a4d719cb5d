"""Chains: the leaf permits no more than any ancestor; and nothing done to a refused chain makes it a yes."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import combinations, count, pairwise, permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agentdid.delegation.capability import parse_capability
from agentdid.delegation.narrowing import is_narrower
from agentdid.delegation.usage import Request, approval_applies, exercise
from agentdid.errors import AgentdidError, CapabilityTargetMismatch
from agentdid.limits import DEFAULT
from agentdid.verify.memory import Memory
from tests import strategies as own
from tests.capabilities import child_json, parse, root_json
from tests.chains import FORMS, JCS, SD_JWT, Wire, child_document, grant_of, sign
from tests.profiles import examples
from tests.property.test_narrowing import normal_grant
from tests.world import RESOURCE, Party, World

if TYPE_CHECKING:
    from agentdid.delegation.capability import Capability

STEADY = settings(max_examples=examples(200))
_NONCES = count()
READ = Request("http", "invoice.read", f"{RESOURCE}/7")
PAY = Request("http", "invoice.pay", f"{RESOURCE}/7")


@st.composite
def chains(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Capabilities of two to five links, root first, each narrower than the one before."""
    top = root_json()
    top["grants"] = [draw(own.grants("g1")), draw(own.grants("g2"))]
    top["delegation"]["maxDepth"] = 7
    links = [top]
    for depth in range(1, draw(st.integers(2, 5))):
        below = child_json(depth)
        below["delegation"]["maxDepth"] = 7
        below["grants"] = []
        for number, parent in enumerate(draw(st.lists(st.sampled_from(links[-1]["grants"]), min_size=1, max_size=2))):
            grant = draw(own.narrowed(parent))
            below["grants"].append({**grant, "id": f"c{number}", "from": parent["id"]})
        links.append(below)
    return links


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests around what these chains grant."""
    tail = draw(st.sampled_from(("", "/", "/x", "/../x", "?a=1", "%2fx")))
    return Request(
        draw(st.sampled_from(("http", "mcp_tool"))),
        draw(st.sampled_from(own.ACTIONS)),
        draw(st.sampled_from(own.RESOURCES)).rstrip("/") + tail,
        draw(own.arguments()),
    )


def permitted(links: list[Any], request: Request, environment: dict[str, object]) -> Any:  # noqa: ANN401  # grants or None
    """The exercised grants, or `None`."""
    try:
        return exercise(links, request, environment)
    except CapabilityTargetMismatch:
        return None


@settings(STEADY, max_examples=examples(300))
@given(chains(), st.lists(requests(), min_size=2, max_size=6), st.sampled_from(("10.1.2.3", "::1", 5)))
def test_the_leaf_permits_a_subset_of_every_ancestor(
    values: list[dict[str, Any]], some: list[Request], address: object
) -> None:
    """What a leaf permits each chain above it permits, of its own; and asks for no fewer approvals."""
    links = [parse_capability(each, DEFAULT) for each in values]
    assert all(is_narrower(child, parent) for parent, child in pairwise(links))
    environment = {"env.ip": address}
    for request in some:
        used = permitted(links, request, environment)
        if used is None:
            continue
        for length in range(1, len(links)):
            assert permitted(links[:length], request, environment) is not None
        for parent, child in pairwise(used):
            assert not approval_applies(parent, request, environment) or approval_applies(child, request, environment)


@STEADY
@given(chains(), st.data())
def test_capabilities_are_a_partial_order(values: list[dict[str, Any]], data: st.DataObject) -> None:
    """Reflexive but for depth (which counts), transitive along a chain, and strict between two links."""
    links = [parse(each) for each in values]
    for place, link in enumerate(links):
        assert not is_narrower(link, link)  # depth + 1: nobody is his own child
        for above in links[: max(0, place - 1)]:
            assert not is_narrower(link, above)  # a generation is left out
    for parent, child in pairwise(links):
        assert is_narrower(child, parent)
        assert not is_narrower(parent, child)


WARM = Memory()


def ending(world: World, memory: Memory, chain: list[Wire], request: Request) -> str | None:
    """The code it ends with; `None` for a grant."""
    nonce = f"n{next(_NONCES)}"
    try:
        presented = world.present(chain, world.stranger, challenge=nonce)
        world.verifier(memory=memory).authorize(presented, challenge=nonce, request=request)
    except AgentdidError as error:
        return error.code
    return None


def made(world: World, mix: tuple[str, ...]) -> list[Wire]:
    """A chain of four links, in any mix of forms."""
    parties = (world.agent, world.helper, world.stranger)
    second = world.party("second")
    chain = world.root(subject=second, form=mix[0])
    for issuer, subject, form in zip((second, *parties[:2]), parties, mix[1:], strict=True):
        chain = world.child(chain, issuer, subject, form=form)
    return chain


@pytest.fixture(scope="module")
def world() -> World:
    """One world for all examples: nothing in it changes."""
    return World()


@pytest.mark.parametrize("mix", [(SD_JWT,) * 4, (JCS,) * 4, (SD_JWT, JCS, SD_JWT, JCS)], ids="/".join)
def test_removing_or_swapping_links_never_makes_a_yes(world: World, mix: tuple[str, ...]) -> None:
    """Every sub-list and every swap of a good chain of four is refused; with links known, too."""
    chain = made(world, mix)
    assert ending(world, WARM, chain, READ) is None
    for left_out in range(4):
        assert ending(world, WARM, [each for at, each in enumerate(chain) if at != left_out], READ) is not None
    for one in range(4):
        for other in range(one):
            swapped = list(chain)
            swapped[one], swapped[other] = chain[other], chain[one]
            assert "chain_link_mismatch" == ending(world, WARM, swapped, READ)
        assert "chain_link_mismatch" == ending(world, WARM, [*chain, chain[one]], READ)


def _flip(wire: Wire, place: int, bit: int) -> Wire | None:
    """The link with one bit of its text changed; `None` where that is no text or no JSON any more."""
    text = bytearray(wire.encode() if isinstance(wire, str) else json.dumps(wire, separators=(",", ":")).encode())
    text[place % len(text)] ^= 1 << bit
    try:
        changed = text.decode("utf-8")
        return changed if isinstance(wire, str) else json.loads(changed)  # type: ignore[no-any-return]  # JSON
    except ValueError:
        return None


@settings(max_examples=examples(150))
@given(st.sampled_from(FORMS), st.integers(0, 3), st.integers(0, 1 << 16), st.integers(0, 6))
def test_no_changed_byte_makes_a_no_a_yes(form: str, link: int, place: int, bit: int) -> None:
    """One bit of one link changed: what was refused (an action never granted) stays refused, what was permitted is."""
    world = _WORLD
    chain = _CHAINS.setdefault(form, made(world, (form,) * 4))
    changed = _flip(chain[link], place, bit)
    if changed is None:
        return
    altered: list[Wire] = [*chain[:link], changed, *chain[link + 1 :]]

    assert ending(world, WARM, altered, PAY) is not None
    if changed != chain[link]:
        assert ending(world, WARM, altered, READ) is not None


_WORLD = World()
_CHAINS: dict[str, list[Wire]] = {}


@st.composite
def relatives(draw: st.DrawFn) -> list[Capability]:
    """Capabilities of one depth that differ in every dimension, some of them narrowed from others."""
    made = []
    for _ in range(3):
        value = root_json()
        value["grants"] = [draw(own.grants("g1"))]
        if made and draw(st.booleans()):
            value = json.loads(json.dumps(draw(st.sampled_from(made))))
            value["grants"] = [{**draw(own.narrowed(value["grants"][0])), "id": "g1"}]
        alone = bool(value["grants"][0]["limits"]) or value["grants"][0]["approval"] is not None
        dids = ["did:web:partner.example", "did:web:other.example"]
        value["audience"] = draw(st.lists(st.sampled_from(dids), min_size=1, max_size=1 if alone else 2, unique=True))
        value["minSecurity"] = draw(st.sampled_from(("classical", "pq", "hybrid")))
        value["delegation"]["maxDepth"] = draw(st.integers(1, 4))
        made.append(value)
    return [parse_capability(each, DEFAULT) for each in made]


def below(one: Capability, other: Capability) -> bool:
    """Whether one is narrower than the other, were it one link below: the order that chains are made of."""
    grants = tuple(replace(grant, source=grant.id) for grant in one.grants)
    return is_narrower(replace(one, depth=other.depth + 1, grants=grants), other)


def meaning(capability: Capability) -> object:
    """One form for all capabilities that say the same."""
    return (
        capability.audience, capability.min_security, capability.max_depth,
        [normal_grant(grant) for grant in capability.grants],
    )  # fmt: skip


@settings(max_examples=examples(150))
@given(relatives())
def test_narrower_is_a_partial_order_of_capabilities(some: list[Capability]) -> None:
    """Depth apart: reflexive; transitive; and two that are narrower than each other say the same."""
    for a in some:
        assert below(a, a)
        for b in some:
            if below(a, b) and below(b, a):
                assert meaning(a) == meaning(b)
            for c in some:
                if below(a, b) and below(b, c):
                    assert below(a, c)


def refused(reason: str) -> tuple[World, list[Wire], Request, Party, str]:
    """A chain of three that is refused for one reason: world, chain, request, holder, and its code."""
    world = World()
    world.acme.revoked.update({3} if reason == "revoked" else set())
    world.publish(world.acme)
    past = timedelta(hours=9) if reason == "expired" else timedelta(minutes=1)
    root = world.root(subject=world.helper, index=3, form=JCS, at=world.now - past)
    if reason == "stranger's root":
        own_capability = world.capability(principal=world.stranger.did)
        root = world.root(world.stranger, world.helper, index=None, form=JCS, capability=own_capability)
    at = world.now - past
    middle = child_document(world, root[0], world.helper, world.agent)
    chain = [*root, sign(world, middle, world.helper, JCS, at=at)]
    document = child_document(world, chain[-1], world.agent, world.stranger)
    if reason == "wider":
        grant_of(document)["actions"].append("invoice.pay")
    if reason == "skipped":  # what its own delegator never had
        document = child_document(world, root[0], world.agent, world.stranger)
    by = world.helper if reason == "signed by another" else world.agent
    leaf = sign(world, document, Party("x", by.secret, world.agent.did, world.agent.method_id), JCS)
    code = {
        "revoked": "chain_parent_revoked", "expired": "chain_parent_expired", "stranger's root": "issuer_untrusted",
        "wider": "capability_not_attenuated", "skipped": "chain_link_mismatch",
        "signed by another": "signature_invalid", "held by another": "holder_binding_failed",
    }[reason]  # fmt: skip
    holder = world.helper if reason == "held by another" else world.stranger
    return world, [*chain, leaf], PAY if reason == "wider" else READ, holder, code


REASONS = ("revoked", "expired", "stranger's root", "wider", "skipped", "signed by another", "held by another")


def answer(world: World, memory: Memory, chain: list[Wire], request: Request, holder: Party) -> str | None:
    """The code it ends with; `None` for a grant."""
    nonce = f"n{next(_NONCES)}"
    try:
        presented = world.present(chain, holder, challenge=nonce)
        world.verifier(memory=memory).authorize(presented, challenge=nonce, request=request)
    except AgentdidError as error:
        return error.code
    return None


@pytest.mark.parametrize("reason", REASONS)
def test_nothing_done_to_a_refused_chain_makes_it_a_yes(reason: str) -> None:
    """Whatever a chain is refused for: links removed, swapped, doubled or exchanged, by any of its parties: no."""
    world, chain, request, holder, code = refused(reason)
    memory = Memory()
    good = world.child(
        world.child(world.root(subject=world.helper, form=JCS), world.helper, world.agent, form=JCS),
        world.agent, world.stranger, form=JCS,
    )  # fmt: skip
    assert [code, None] == [
        answer(world, memory, chain, request, holder), answer(world, memory, good, READ, world.stranger),
    ]  # fmt: skip
    altered = [[each for at, each in enumerate(chain) if at not in gone] for gone in combinations(range(3), 1)]
    altered += [list(each) for each in permutations(chain)] + [[*chain, each] for each in chain]
    altered += [
        [good[at] if at in taken else each for at, each in enumerate(chain)] for taken in combinations(range(3), 2)
    ]
    for each in altered:
        assert answer(world, memory, each, PAY if reason == "wider" else request, holder) is not None


@settings(max_examples=examples(80))
@given(st.sampled_from(REASONS), st.integers(0, 2), st.integers(0, 1 << 16), st.integers(0, 255))
def test_no_changed_byte_of_a_refused_chain_makes_it_a_yes(reason: str, link: int, place: int, octet: int) -> None:
    """Any byte of any link replaced by any other: what was refused stays refused."""
    if reason not in _REFUSED:
        _REFUSED[reason] = refused(reason)
    world, chain, request, holder, _ = _REFUSED[reason]
    text = bytearray(json.dumps(chain[link], separators=(",", ":")).encode())
    text[place % len(text)] = octet
    try:
        changed: Wire = json.loads(text.decode("utf-8"))
    except ValueError:
        return
    if isinstance(changed, dict):
        altered: list[Wire] = [*chain[:link], changed, *chain[link + 1 :]]
        assert answer(world, WARM, altered, request, holder) is not None


_REFUSED: dict[str, tuple[World, list[Wire], Request, Party, str]] = {}
