"""Anchors are never merged: one alone must believe issuer, type, root, action, key, security and status list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.delegation.usage import Request
from agentdid.keys.jwk import thumbprint
from agentdid.query.dcql import query_for_action
from tests.chains import FORMS, NONCE, PRESENTED, Ending, Wire, ending, grant_of, root_document, sign
from tests.world import RESOURCE, Party, World

if TYPE_CHECKING:
    from agentdid.trust.anchors import Trust

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
PAY = Request("http", "invoice.pay", f"{RESOURCE}/7")


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def anchor(world: World, **changes: object) -> dict[str, object]:
    """An anchor for acme's capabilities over the partner's resources."""
    return {
        "did": world.acme.did,
        "types": ["AgentCapabilityCredential"],
        "roots": [world.partner.did],
        "actions": ["invoice.read"],
    } | changes


def pair(world: World, first: dict[str, object], second: dict[str, object]) -> Trust:
    """Two anchors, one for reading and one for paying, that differ in what is given."""
    return world.trust(anchor=[anchor(world, **first), anchor(world, actions=["invoice.pay"], **second)])


def both(world: World, form: str, **changes: object) -> list[Wire]:
    """A root by acme with one grant to read and one to pay."""
    document = root_document(world)
    grant_of(document)["id"] = "read"
    paying = {**grant_of(document), "id": "pay", "actions": ["invoice.pay"]}
    document["credentialSubject"]["capability"]["grants"].append(paying)
    document.update(changes)
    return [sign(world, document, world.acme, form)]


def asked(world: World, trust: Trust, chain: list[Wire], request: Request, form: str) -> Ending | str:
    """How the verifier answers a request."""
    presented = world.present(chain, challenge=NONCE, form=PRESENTED[form])
    verifier = world.verifier(trust=trust)
    if request is READ:
        return verifier.authorize(presented, challenge=NONCE, request=request).exercised[0].id
    return ending(lambda: verifier.authorize(presented, challenge=NONCE, request=request))


def permitted(world: World, trust: Trust, chain: list[Wire], form: str) -> list[bool]:
    """Whether a decision without a request permits to read, and to pay."""
    presented = world.present(chain, challenge=NONCE, form=PRESENTED[form])
    decision = world.verifier(trust=trust).verify(presented, challenge=NONCE)
    return [decision.permits(READ), decision.permits(PAY)]


@pytest.mark.parametrize("form", FORMS)
def test_the_key_of_another_anchor(world: World, form: str) -> None:
    """An anchor that pins another key lends its actions to nobody."""
    ours, others = thumbprint(world.acme.secret.public), thumbprint(world.stranger.secret.public)
    trust, chain = pair(world, {"keys": [ours]}, {"keys": [others]}), both(world, form)

    assert "read" == asked(world, trust, chain, READ, form)
    assert Ending("issuer_untrusted", "refused", "signatures") == asked(world, trust, chain, PAY, form)
    assert [True, False] == permitted(world, trust, chain, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("security", ["hybrid-required", "pq-required"])
def test_the_security_of_another_anchor(world: World, form: str, security: str) -> None:
    """What an anchor lets happen under post-quantum signatures does not happen under classical ones."""
    trust, chain = pair(world, {}, {"security": security}), both(world, form)

    assert "read" == asked(world, trust, chain, READ, form)
    assert Ending("hybrid_component_missing", "refused", "root") == asked(world, trust, chain, PAY, form)
    assert [True, False] == permitted(world, trust, chain, form)


@pytest.mark.parametrize("form", FORMS)
def test_the_status_issuer_of_another_anchor(world: World, form: str) -> None:
    """A list by whom one anchor names says nothing about what another anchor lets happen."""
    lists = world.party("lists", method="web")
    trust = pair(world, {"status_issuers": [lists.did]}, {})
    chain = both(world, form, credentialStatus=world.status(lists, 9))

    assert "read" == asked(world, trust, chain, READ, form)
    assert Ending("status_issuer_mismatch", "refused", "status") == asked(world, trust, chain, PAY, form)
    assert [True, False] == permitted(world, trust, chain, form)


@pytest.mark.parametrize(
    "second",
    [
        {"roots": ["did:web:other.example"]},
        {"types": ["EmployeeCredential"]},
        {"types": ["AgentCapabilityCredential2"]},
        {"did": "did:web:acme.example.evil.example"},
        {"did": "did:web:acme.exampl"},
        {"actions": ["invoice.payment"]},
        {"actions": ["invoice.pa"]},
        {"actions": ["Invoice.*"]},
        {"actions": ["pay", "invoice"]},
    ],
)
def test_half_an_anchor_each(world: World, second: dict[str, object]) -> None:
    """Issuer, type, root and action are matched whole, byte for byte, in one anchor; nobody is asked before."""
    trust = world.trust(anchor=[anchor(world), anchor(world, **({"actions": ["invoice.pay"]} | second))])
    presented = world.present(both(world, FORMS[0]), challenge=NONCE)

    assert Ending("issuer_untrusted", "refused", "root") == ending(
        lambda: world.verifier(trust=trust).authorize(presented, challenge=NONCE, request=PAY)
    )
    assert [] == world.asked


def employee(world: World, issuer: Party, subject: Party | None) -> Wire:
    """A credential that is no capability."""
    document = root_document(world)
    document["type"] = ["VerifiableCredential", "EmployeeCredential"]
    document["credentialSubject"] = {"name": "Ada"} if subject is None else {"id": subject.did, "name": "Ada"}
    return sign(world, document, issuer, "eddsa-jcs-2022")


def test_the_anchor_of_another_credential(world: World) -> None:
    """An anchor for another type by the same issuer does not lift the pins of the capability's."""
    others = thumbprint(world.stranger.secret.public)
    staff = {"did": world.acme.did, "types": ["EmployeeCredential"]}
    trust = world.trust(anchor=[anchor(world, keys=[others]), staff])
    presented = world.present([*both(world, FORMS[0]), employee(world, world.acme, world.agent)], challenge=NONCE)

    assert Ending("issuer_untrusted", "refused", "signatures") == ending(
        lambda: world.verifier(trust=trust).authorize(presented, challenge=NONCE, request=READ)
    )


@pytest.mark.parametrize("wildcard", ["invoice.*", "invoice.read"])
def test_grants_that_no_anchor_covers_are_void(world: World, wildcard: str) -> None:
    """A void grant is as if hidden, also for what hangs on it; the others stand."""
    trust = world.trust(anchor=[anchor(world, actions=[wildcard])])
    presented = world.present(both(world, FORMS[0]), challenge=NONCE)
    decision = world.verifier(trust=trust).verify(presented, challenge=NONCE)

    assert [True, wildcard == "invoice.*"] == [decision.permits(READ), decision.permits(PAY)]


def test_a_void_grant_is_as_if_hidden(world: World) -> None:
    """It answers no query and is no part of the decision's capability, in a root link and in what hangs on it."""
    trust, chain = world.trust(anchor=[anchor(world)]), both(world, FORMS[0])
    below = world.child(
        chain, world.agent, world.helper,
        capability=world.capability(
            grants=[
                world.grant(id="c-pay", actions=["invoice.pay"], **{"from": "pay"}),
                world.grant(id="c-read", **{"from": "read"}),
            ]
        ),
    )  # fmt: skip
    for links, holder, live in ((chain, world.agent, "read"), (below, world.helper, "c-read")):
        presented = world.present(links, holder, challenge=NONCE)
        verifier = world.verifier(trust=trust)
        found = [
            verifier.inspect(presented, challenge=NONCE, query=query_for_action(action)).code
            for action in ("invoice.read", "invoice.pay")
        ]
        capability = verifier.verify(presented, challenge=NONCE).capability

        assert [None, "query_not_satisfied"] == found
        assert capability is not None
        assert [live] == [grant.id for grant in capability.grants]


def test_a_root_is_judged_for_the_resource_or_for_each_grant(world: World) -> None:
    """Without a request a grant over another owner's resource is void; with one, its owner must be the root."""
    elsewhere = "https://other.example/v1/things"
    document = root_document(world)
    foreign = {**grant_of(document), "id": "g2", "resources": [elsewhere]}
    document["credentialSubject"]["capability"]["grants"].append(foreign)
    trust = world.trust(
        resource=[
            {"prefix": "https://api.partner.example/", "root": world.partner.did},
            {"prefix": "https://other.example/", "root": "did:web:other.example"},
        ]
    )
    presented = world.present([sign(world, document, world.acme)], challenge=NONCE)
    there = Request("http", "invoice.read", f"{elsewhere}/1")
    decision = world.verifier(trust=trust).verify(presented, challenge=NONCE)

    assert [True, False] == [decision.permits(READ), decision.permits(there)]
    assert Ending("chain_root_untrusted", "refused", "root") == ending(
        lambda: world.verifier(trust=trust).authorize(presented, challenge=NONCE, request=there)
    )


def test_the_longest_prefix_decides(world: World) -> None:
    """A part of the partner's API that belongs to somebody else is not the partner's to grant."""
    trust = world.trust(
        resource=[
            {"prefix": "https://api.partner.example/", "root": world.partner.did},
            {"prefix": f"{RESOURCE}/7", "root": "did:web:other.example"},
        ]
    )
    presented = world.present(both(world, FORMS[0]), challenge=NONCE)
    verifier = world.verifier(trust=trust)

    assert Ending("chain_root_untrusted", "refused", "root") == ending(
        lambda: verifier.authorize(presented, challenge=NONCE, request=READ)
    )
    beside = Request("http", "invoice.read", f"{RESOURCE}/8")
    assert "read" == verifier.authorize(presented, challenge=NONCE, request=beside).exercised[0].id


def test_an_anchor_that_names_no_principal(world: World) -> None:
    """Acme may act for itself or its subject; for a third party only where the anchor says so."""
    third = "did:web:third.example"
    document = root_document(world)
    document["credentialSubject"]["capability"]["principal"] = third
    chain = [sign(world, document, world.acme)]
    presented = world.present(chain, challenge=NONCE)

    assert Ending("issuer_untrusted", "refused", "root") == ending(
        lambda: world.verifier().authorize(presented, challenge=NONCE, request=READ)
    )
    named = world.trust(anchor=[anchor(world, principals=[third])])
    assert third == world.verifier(trust=named).authorize(presented, challenge=NONCE, request=READ).principal


def test_the_owner_itself_needs_no_anchor_but_a_principal(world: World) -> None:
    """A root link by its own root: believed without an anchor, for itself or its subject and nobody else."""
    document = root_document(world, world.partner)
    capability = document["credentialSubject"]["capability"]
    nobody = world.trust(anchor=[])
    codes: list[object] = []
    for principal in (world.partner.did, world.agent.did, world.acme.did):
        capability["principal"] = principal
        presented = world.present([sign(world, document, world.partner)], challenge=f"{NONCE}{principal}")
        judged = world.verifier(trust=nobody).inspect(presented, challenge=f"{NONCE}{principal}", request=READ)
        codes.append(judged.code)

    assert [None, None, "issuer_untrusted"] == codes


@pytest.mark.parametrize("life", [timedelta(minutes=10)])
def test_a_child_under_a_void_grant(world: World, life: timedelta) -> None:
    """What hangs on a void grant is refused for the request, however narrow."""
    trust = world.trust(anchor=[anchor(world)])
    chain = both(world, FORMS[0])
    below = world.child(
        chain, world.agent, world.helper, ttl=life,
        capability=world.capability(grants=[world.grant(id="c", actions=["invoice.pay"], **{"from": "pay"})]),
    )  # fmt: skip
    presented = world.present(below, world.helper, challenge=NONCE)
    decision = world.verifier(trust=trust).verify(presented, challenge=NONCE)

    assert not decision.permits(PAY)
