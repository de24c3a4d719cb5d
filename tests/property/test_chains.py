"""Chains: the leaf permits no more than any ancestor; and nothing done to a refused chain makes it a yes."""

from __future__ import annotations

import json
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.delegation.capability import parse_capability
from agentdid.delegation.narrowing import is_narrower
from agentdid.delegation.usage import Request, approval_applies, exercise
from agentdid.errors import AgentdidError, CapabilityTargetMismatch
from agentdid.limits import DEFAULT
from agentdid.verify.memory import Memory
from tests import strategies as own
from tests.capabilities import child_json, parse, root_json
from tests.chains import FORMS, JCS, SD_JWT, Wire
from tests.profiles import examples
from tests.world import RESOURCE, World

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


@settings(max_examples=examples(400))
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
