"""Layer L, end to end: chains really signed in both securing forms, parents really forged, judged by the verifier.

The rules themselves are held at the level of capabilities in `test_delegation_rules`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.instant import encode_instant
from agentdid.delegation.usage import Request
from tests.chains import (
    FORMS,
    JCS,
    NONCE,
    PRESENTED,
    SD_JWT,
    Ending,
    Wire,
    capability_of,
    chain_of,
    child_document,
    ending,
    forged,
    grant_of,
    root_document,
    sign,
)
from tests.world import AUDIENCE, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Callable

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
WIDER = Ending("capability_not_attenuated", "refused", "delegation")
BROKEN = Ending("chain_link_mismatch", "refused", "structure")

pytestmark = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def judge(world: World, chain: list[Wire], holder: Party, form: str, request: Request = READ) -> Ending:
    """How the verifier refuses the chain, presented by its holder for a request."""
    presented = world.present(chain, holder, challenge=NONCE, form=PRESENTED[form])
    return ending(lambda: world.verifier().authorize(presented, challenge=NONCE, request=request))


def with_child(world: World, form: str, change: Callable[[dict[str, Any]], object]) -> list[Wire]:
    """A root from acme to its agent, and the agent's link to its helper, changed before it was signed."""
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.agent, world.helper)
    change(document)
    return [*chain, sign(world, document, world.agent, form)]


def setting(member: str, value: object) -> Callable[[dict[str, Any]], object]:
    """A change of one member of the first grant."""
    return lambda document: grant_of(document).update({member: value})


def stating(member: str, value: object) -> Callable[[dict[str, Any]], object]:
    """A change of one member of the capability."""
    return lambda document: capability_of(document).update({member: value})


@pytest.mark.parametrize(
    "change",
    [
        setting("actions", ["invoice.read", "invoice.pay"]),
        setting("actions", ["invoice.pay"]),
        setting("from", "g2"),
        setting("autonomyMax", 3),
        setting("type", "a2a_skill"),
    ],
)
def test_l01_a_wider_child(world: World, form: str, change: Callable[[dict[str, Any]], object]) -> None:
    """L01: whatever the request, a child with more than its parent ends the whole chain."""
    assert WIDER == judge(world, with_child(world, form, change), world.helper, form)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("root", None),
        ("principal", "did:web:evil.example"),
        ("purpose", "anything else"),
        ("audience", ["did:web:partner.example", "did:web:evil.example"]),
    ],
)
def test_l01_a_child_for_others(world: World, form: str, member: str, value: object) -> None:
    """L01: principal, purpose and audience are the parent's; another root is not even believed."""
    chain = with_child(world, form, stating(member, value or "did:web:evil.example"))
    expected = WIDER if member != "root" else Ending("chain_root_untrusted", "refused", "root")

    assert expected == judge(world, chain, world.helper, form)


def test_l02_a_parent_that_is_not_there(world: World, form: str) -> None:
    """L02: a leaf alone, its parent named and absent, is a broken chain; nobody is asked for the parent."""
    chain = chain_of(world, form, world.agent, world.helper)[1:]

    assert BROKEN == judge(world, chain, world.helper, form)
    assert [] == world.asked


def test_l02_a_parent_with_a_forged_signature(world: World, form: str) -> None:
    """L02: the parent is the one digested (its signature is no part of that), and its signature is nobody's."""
    root, child = chain_of(world, form, world.agent, world.helper)

    assert Ending("signature_invalid", "refused", "signatures") == judge(
        world, [forged(root), child], world.helper, form
    )
    assert ["https://acme.example/.well-known/did.json"] == world.asked


def test_l02_a_parent_that_the_attacker_made_in_acmes_name(world: World, form: str) -> None:
    """L02: a root that names acme as its issuer and is signed by another key, with a child that digests it."""
    document = root_document(world)
    named = Party("acme", world.stranger.secret, world.acme.did, world.acme.method_id)
    root = sign(world, document, named, form)
    chain = [root, sign(world, child_document(world, root, world.agent, world.helper), world.agent, form)]

    assert Ending("signature_invalid", "refused", "signatures") == judge(world, chain, world.helper, form)


def test_l02_a_parent_signed_by_another_did(world: World, form: str) -> None:
    """L02: a root signed with the stranger's own key, named as what it is, is not the issuer's."""
    root = sign(world, root_document(world), world.stranger, form)
    chain = [root, sign(world, child_document(world, root, world.agent, world.helper), world.agent, form)]

    assert Ending("issuer_key_mismatch", "refused", "signatures") == judge(world, chain, world.helper, form)
    assert [] == world.asked


def test_l02_a_parent_exchanged_for_a_wider_one(world: World, form: str) -> None:
    """L02: another root of the same id, as good as the first, is not the one that was digested."""
    document = root_document(world)
    root = sign(world, document, world.acme, form)
    child = sign(world, child_document(world, root, world.agent, world.helper), world.agent, form)
    grant_of(document)["actions"].append("invoice.pay")
    wider = sign(world, document, world.acme, form)

    assert Ending("chain_link_mismatch", "refused", "signatures") == judge(world, [wider, child], world.helper, form)


def test_l04_a_parent_revoked_after_the_child_was_made(world: World, form: str) -> None:
    """L04: every link's status is read, root and middle; the leaf's own is another code."""
    first = chain_of(world, form)
    middle = sign(world, child_document(world, first[0], world.agent, world.helper, index=3), world.agent, form)
    leaf = sign(world, child_document(world, middle, world.helper, world.stranger, index=4), world.helper, form)
    chain = [*first, middle, leaf]
    for party, index, code in (
        (world.helper, 4, "status_revoked"),
        (world.agent, 3, "chain_parent_revoked"),
        (world.acme, 7, "chain_parent_revoked"),
    ):
        party.revoked.add(index)
        world.publish(party)

        assert Ending(code, "refused", "status") == judge(world, chain, world.stranger, form)
        party.revoked.clear()
        world.publish(party)


def test_l05_a_parent_that_has_expired(world: World, form: str) -> None:
    """L05: a root past its end is not mended by a leaf that claims to live on."""
    document = root_document(world)
    document["validFrom"] = encode_instant(world.now - timedelta(hours=1))
    document["validUntil"] = encode_instant(world.now - timedelta(seconds=61))
    root = sign(world, document, world.acme, form)
    chain = [root, sign(world, child_document(world, root, world.agent, world.helper), world.agent, form)]

    assert Ending("chain_parent_expired", "refused", "validity") == judge(world, chain, world.helper, form)
    assert not [url for url in world.asked if "status" in url]


@pytest.mark.parametrize(("member", "shift"), [("validUntil", 481), ("validFrom", -2)])
def test_l05_a_child_that_outlives_its_parent(world: World, form: str, member: str, shift: int) -> None:
    """L05: windows nest exactly; no skew counts between parent and child."""
    moment = encode_instant(world.now + timedelta(minutes=shift))
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.agent, world.helper, index=9)
    document[member] = moment
    chain.append(sign(world, document, world.agent, form))

    assert Ending("capability_expanded_time", "refused", "delegation") == judge(world, chain, world.helper, form)


@pytest.mark.parametrize(("links", "bound"), [(6, 5), (9, 8)])
def test_l07_a_chain_too_long(world: World, form: str, links: int, bound: int) -> None:
    """L07: links are counted, root included, before any signature or fetch, though every link is good."""
    chain = long_chain(world, form, links)
    presented = world.present(chain, world.agent, challenge=NONCE, form=PRESENTED[form])
    verifier = world.verifier(trust=world.trust(limits={"max_chain": bound}))

    assert Ending("chain_too_deep", "malformed", "structure") == ending(
        lambda: verifier.authorize(presented, challenge=NONCE, request=READ)
    )
    assert [] == world.asked


def test_l07_a_bogus_chain_in_front_of_an_unreachable_root(world: World, form: str) -> None:
    """L07: the same links over and over, of an issuer that nobody can reach: no signature is checked, no fetch made."""
    del world.served["https://acme.example/.well-known/did.json"]
    chain = [forged(link) for link in long_chain(world, form, 9)] * 4
    presented = world.present(chain, world.agent, challenge=NONCE, form=PRESENTED[form])

    assert Ending("chain_too_deep", "malformed", "structure") == ending(
        lambda: world.verifier().authorize(presented, challenge=NONCE, request=READ)
    )
    assert [] == world.asked


def test_l09_a_link_by_another_than_the_parents_subject(world: World, form: str) -> None:
    """L09: the helper was given nothing, so it can pass nothing on."""
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.helper, world.stranger)
    chain.append(sign(world, document, world.helper, form))

    assert BROKEN == judge(world, chain, world.stranger, form)
    assert [] == world.asked


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (f"{RESOURCE}x", "capability_not_attenuated"),
        (f"{RESOURCE}/../payments", "capability_not_attenuated"),
        (f"{RESOURCE}/%2e%2e/payments", "capability_not_attenuated"),
        (f"{AUDIENCE}/v1/Invoices", "capability_not_attenuated"),
        ("https://api.partner.example./v1/invoices", "capability_not_attenuated"),
        (f"{RESOURCE}%2f7", "type_mismatch"),
        (f"{RESOURCE}//7", "type_mismatch"),
        (f"{RESOURCE}\\7", "type_mismatch"),
    ],
)
def test_l10_tricks_with_resources(world: World, form: str, resource: str, code: str) -> None:
    """L10: a resource that only looks as if it lay below the parent's; the request itself would be harmless."""
    chain = with_child(world, form, setting("resources", [f"{RESOURCE}/7", resource]))
    expected = Ending(code, "malformed", "structure") if code == "type_mismatch" else WIDER

    assert expected == judge(world, chain, world.helper, form)


BUDGET = {"max": "100", "unit": "EUR", "argument": "amount", "unitArgument": "currency"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"constraints": {"amount": {"type": "range", "max": "100.5"}}}, "capability_not_attenuated"),
        ({"constraints": {}}, "capability_not_attenuated"),
        ({"limits": {"budget": BUDGET | {"max": "100.01"}}}, "capability_not_attenuated"),
        ({"limits": {"budget": BUDGET | {"unit": "USD"}}}, "capability_not_attenuated"),
        ({"limits": {"budget": BUDGET | {"unitArgument": "unit"}}}, "capability_not_attenuated"),
        ({"limits": {}}, "capability_not_attenuated"),
        ({"limits": {"budget": BUDGET | {"max": "-1"}}}, "type_mismatch"),
        ({"limits": {"budget": BUDGET | {"max": "1e2"}}}, "type_mismatch"),
        ({"constraints": {"amount": {"type": "range", "max": "1e2"}}}, "type_mismatch"),
    ],
)
def test_l12_a_wider_number(world: World, form: str, changes: dict[str, object], code: str) -> None:
    """L12: a numeric caveat widened, its unit exchanged, negative, or in another spelling."""
    document = root_document(world)
    grant_of(document).update(
        constraints={"amount": {"type": "range", "max": "100"}}, limits={"budget": BUDGET}, approval=None
    )
    root = sign(world, document, world.acme, form)
    below = child_document(world, root, world.agent, world.helper)
    grant_of(below).update(changes)
    chain = [root, sign(world, below, world.agent, form)]
    expected = Ending(code, "malformed", "structure") if code == "type_mismatch" else WIDER

    assert expected == judge(world, chain, world.helper, form)


@pytest.mark.parametrize("place", ["root", "child"])
def test_l14_an_unknown_caveat(world: World, form: str, place: str) -> None:
    """L14: a caveat that this verifier does not know is not passed over, wherever it stands."""
    caveat = setting("constraints", {"weekday": {"type": "moonPhase", "value": "full"}})
    if place == "root":
        document = root_document(world)
        caveat(document)
        chain, holder = [sign(world, document, world.acme, form)], world.agent
    else:
        chain, holder = with_child(world, form, caveat), world.helper

    assert Ending("capability_unknown_caveat", "refused", "structure") == judge(world, chain, holder, form)


def test_l15_a_parent_that_may_not_be_delegated(world: World, form: str) -> None:
    """L15: under `maxDepth` 0 nothing hangs."""
    document = root_document(world)
    capability_of(document)["delegation"]["maxDepth"] = 0
    root = sign(world, document, world.acme, form)
    chain = [root, sign(world, child_document(world, root, world.agent, world.helper), world.agent, form)]

    assert Ending("delegation_forbidden", "refused", "delegation") == judge(world, chain, world.helper, form)


@pytest.mark.parametrize(
    "delegation", [{"depth": 2, "maxDepth": 5}, {"depth": 1, "maxDepth": 6}, {"depth": 5, "maxDepth": 5}]
)
def test_l16_a_depth_of_the_childs_own(world: World, form: str, delegation: dict[str, int]) -> None:
    """L16: depth counts up by one, and `maxDepth` never grows."""
    chain = with_child(world, form, stating("delegation", delegation))

    assert Ending("delegation_forbidden", "refused", "delegation") == judge(world, chain, world.helper, form)


def test_l17_a_root_that_does_not_own_the_resource(world: World, form: str) -> None:
    """L17: acme says it owns the partner's invoices; the policy says who does. Nobody is asked."""
    document = root_document(world)
    capability_of(document)["root"] = world.acme.did
    chain = [sign(world, document, world.acme, form)]

    assert Ending("chain_root_untrusted", "refused", "root") == judge(world, chain, world.agent, form)
    assert [] == world.asked


def test_l19_what_is_presented_is_what_is_invoked(world: World, form: str) -> None:
    """L19: the agent's wide right is no help to who presents a narrow one, and two leaves are no presentation."""
    root = chain_of(world, form)[0]
    narrow = child_document(world, root, world.agent, world.agent)
    grant_of(narrow)["resources"] = [f"{RESOURCE}/8"]
    leaf = sign(world, narrow, world.agent, form)
    other = sign(world, child_document(world, root, world.agent, world.agent), world.agent, form)

    assert Ending("capability_target_mismatch", "refused", "request") == judge(world, [root, leaf], world.agent, form)
    assert BROKEN == judge(world, [root, leaf, other], world.agent, form)
    assert BROKEN == judge(world, [root, leaf, root, other], world.agent, form)


def test_l19_two_chains_of_two_principals(world: World, form: str) -> None:
    """L19: two roots are two leaves."""
    two = [*chain_of(world, form), *chain_of(world, form)]

    assert BROKEN == judge(world, two, world.agent, form)


def test_l20_a_presentation_for_another_service(world: World, form: str) -> None:
    """L20: what was presented to one service opens no other, and was not consumed there."""
    code = "audience_mismatch" if form == SD_JWT else "invalid_domain_error"
    presented = world.present(
        chain_of(world, form), challenge=NONCE, audience="https://elsewhere.example", form=PRESENTED[form]
    )

    assert Ending(code, "refused", "holder") == ending(
        lambda: world.verifier().authorize(presented, challenge=NONCE, request=READ)
    )
    assert not [url for url in world.asked if "status" in url]


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ({"id": "urn:uuid:1"}, Ending("type_mismatch", "malformed", "structure")),
        ("https://acme.example/root", Ending("type_mismatch", "malformed", "structure")),
        (None, Ending("type_mismatch", "malformed", "structure")),
        (
            {"id": "https://acme.example/root", "digestMultibase": "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
            BROKEN,
        ),
        ({"digestMultibase": "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, None),
    ],
)
def test_l22_a_parent_by_its_url_alone(world: World, form: str, parent: object, expected: Ending | None) -> None:
    """L22: without the right digest there is no parent, and its URL is never followed."""
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.agent, world.helper)
    reference = capability_of(document)["parent"]
    capability_of(document)["parent"] = parent if expected is not None else reference | parent  # type: ignore[operator]
    chain.append(sign(world, document, world.agent, form))

    assert (expected or Ending("chain_link_mismatch", "refused", "signatures")) == judge(
        world, chain, world.helper, form
    )
    assert "https://acme.example/root" not in world.asked


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 1, 0), (0, 0, 1, 2), (0, 1, 1, 2), (0, 1, 2, 2), (0, 2)])
def test_l23_a_chain_out_of_order(world: World, form: str, order: tuple[int, ...]) -> None:
    """L23: shuffled, doubled or with a link left out; nobody is asked."""
    chain = chain_of(world, form, world.agent, world.helper, world.stranger)

    assert BROKEN == judge(world, [chain[place] for place in order], world.stranger, form)
    assert [] == world.asked


@pytest.mark.parametrize("links", [2, 3, 5, 8])
def test_z16_z24_strict_subsets_are_accepted(world: World, form: str, links: int) -> None:
    """Z16, Z24: honest chains up to the hard cap of eight links let their holder in, for what the leaf says."""
    chain = long_chain(world, form, links)
    verifier = world.verifier(trust=world.trust(limits={"max_chain": 8}))
    presented = world.present(chain, world.agent, challenge=NONCE, form=PRESENTED[form])
    grant = verifier.authorize(presented, challenge=NONCE, request=READ)

    assert (links, world.agent.did, world.acme.did) == (len(grant.exercised), grant.agent, grant.principal)
    assert ["https://acme.example/.well-known/did.json", world.acme.list_url] == world.asked


def test_z16_forms_mix_in_one_chain(world: World, form: str) -> None:
    """Z16: a parent in one securing form and a child in the other hang together by the same digests."""
    root = chain_of(world, form)[0]
    other = JCS if form == SD_JWT else SD_JWT
    chain = [root, sign(world, child_document(world, root, world.agent, world.helper), world.agent, other)]
    presented = world.present(chain, world.helper, challenge=NONCE, form=PRESENTED[form])

    assert world.helper.did == world.verifier().authorize(presented, challenge=NONCE, request=READ).agent


def long_chain(world: World, form: str, links: int) -> list[Wire]:
    """An honest chain of so many links, each a strict subset, that ends with the agent."""
    document = root_document(world)
    capability_of(document)["delegation"]["maxDepth"] = 9
    grant_of(document)["actions"] = ["invoice.read", *[f"invoice.extra{number}" for number in range(links)]]
    chain = [sign(world, document, world.acme, form)]
    for number in range(1, links):
        below = child_document(world, chain[-1], world.agent, world.agent)
        grant_of(below)["actions"] = ["invoice.read", *[f"invoice.extra{left}" for left in range(links - number)]]
        chain.append(sign(world, below, world.agent, form))
    return chain
