"""What other packages' chains let through (each was reproduced), asked of ours."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError
from agentdid.proof.hash_data import hash_data, hash_document
from agentdid.proof.suites import JCS_SHA256
from tests.chains import JCS, SD_JWT, Wire, capability_of, chain_of, child_document, forged, grant_of, opened, sign
from tests.world import AUDIENCE, NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Callable

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
DELETE = Request("http", "invoice.delete", f"{RESOURCE}/7")
_NONCES = count()


def outcome(world: World, chain: list[Wire], holder: Party, request: Request = READ) -> str | None:
    """The code with which a presentation of the chain ends; `None` for a grant."""
    nonce = f"n{next(_NONCES)}"
    try:
        presented = world.present(chain, holder, challenge=nonce)
        world.verifier().authorize(presented, challenge=nonce, request=request)
    except AgentdidError as error:
        return error.code
    return None


def altered(world: World, change: Callable[[dict[str, Any]], object], form: str = JCS) -> list[Wire]:
    """A root and a child that was changed before it was signed."""
    (root,) = chain_of(world, form)
    document = child_document(world, root, world.agent, world.helper)
    change(document)
    return [root, sign(world, document, world.agent, form)]


@pytest.mark.parametrize("place", [0, 1])
def test_vouch_a_link_without_a_proof(place: int) -> None:
    """vouch-protocol's `verify()` was true for a credential without a proof when no key was given."""
    world = World()
    chain = chain_of(world, JCS, world.agent, world.helper)
    bare: dict[str, object] = dict(chain[place])  # type: ignore[arg-type]  # a Data Integrity link
    del bare["proof"]
    chain[place] = bare

    assert "proof_missing" == outcome(world, chain, world.helper)


@pytest.mark.parametrize("form", [JCS, SD_JWT])
def test_vouch_read_then_nothing_then_delete(form: str) -> None:
    """Its chain check took read, then an empty list, then delete: an empty list is no wildcard and no list here."""
    world = World()

    assert "type_mismatch" == outcome(
        world, altered(world, lambda made: grant_of(made).update(actions=[]), form), world.helper
    )
    wider = altered(world, lambda made: grant_of(made).update(actions=["invoice.delete"]), form)
    assert "capability_not_attenuated" == outcome(world, wider, world.helper, DELETE)


def test_vouch_a_secret_behind_dots() -> None:
    """Its chain check took `/a/../secret` for something below `/a`."""
    world = World()
    chain = altered(world, lambda made: grant_of(made).update(resources=[f"{RESOURCE}/../secret"]))

    assert "capability_not_attenuated" == outcome(world, chain, world.helper)
    asked = Request("http", "invoice.read", f"{RESOURCE}/../secret")
    assert outcome(world, chain_of(world, JCS), world.agent, asked) in (
        "chain_root_untrusted",
        "capability_target_mismatch",
    )


def test_vouch_links_that_nobody_signed() -> None:
    """Its links are not signed. Here a child that somebody else signed in the delegate's name is none."""
    world = World()
    (root,) = chain_of(world, JCS)
    document = child_document(world, root, world.agent, world.stranger)
    by_stranger = sign(world, document, Party("x", world.stranger.secret, world.agent.did, world.agent.method_id), JCS)

    assert "signature_invalid" == outcome(world, [root, by_stranger], world.stranger)


def test_governance_toolkit_a_forged_parent() -> None:
    """A scope chain whose parent was forged passed: here the parent's signature is checked, and before the child's."""
    world = World()
    root, child = chain_of(world, JCS, world.agent, world.helper)

    assert "signature_invalid" == outcome(world, [forged(root), child], world.helper)
    wider = deepcopy(opened(root).document)
    grant_of(wider)["actions"].append("invoice.delete")
    replaced = sign(world, wider, world.acme, JCS)
    assert "chain_link_mismatch" == outcome(world, [replaced, child], world.helper)


@pytest.mark.parametrize(
    "member", ["actions", "resources", "constraints", "limits", "approval", "autonomyMax", "type", "from", "id"]
)
def test_zcap_a_child_that_leaves_something_out(member: str) -> None:
    """zcap-py let a child omit `allowedAction`, which then meant all: here nothing may be left out."""
    world = World()

    assert "type_mismatch" == outcome(world, altered(world, lambda made: grant_of(made).pop(member)), world.helper)


@pytest.mark.parametrize("member", ["audience", "delegation", "purpose", "principal", "root", "minSecurity", "parent"])
def test_zcap_a_link_that_leaves_something_out(member: str) -> None:
    """The same of every member of the capability itself."""
    world = World()

    assert "type_mismatch" == outcome(world, altered(world, lambda made: capability_of(made).pop(member)), world.helper)


def test_openvc_proofs_in_an_array_and_without_a_context_are_taken() -> None:
    """Openvc refuses proof arrays and signs without `@context`: links of either kind are good links here."""
    world = World()
    root = world.root(form=JCS)[0]
    assert isinstance(root, dict)
    assert outcome(world, [{**root, "proof": [root["proof"]]}], world.agent) is None
    body = {name: value for name, value in root.items() if name != "proof"}
    config = {**root["proof"]}  # type: ignore[dict-item]  # a proof
    del config["@context"], config["proofValue"]
    signed = hash_data(config, hash_document(body, JCS_SHA256, plain=False), JCS_SHA256, plain=False)
    value = encode_multibase(world.acme.secret.sign(signed), "z")

    assert outcome(world, [{**body, "proof": {**config, "proofValue": value}}], world.agent) is None


def test_sd_jwt_an_unreferenced_disclosure_in_a_link() -> None:
    """sd-jwt 0.10.4 takes disclosures to which no digest leads: a grant slipped in beside the signed ones."""
    world = World()
    token = str(world.root()[0])
    slipped = encode_base64url(encode(["c2FsdA", world.grant(id="all", actions=["invoice.delete"])]))

    assert "sd_disclosure_unreferenced" == outcome(world, [f"{token}{slipped}~"], world.agent, DELETE)


def test_sd_jwt_an_expired_link() -> None:
    """sd-jwt 0.10.4 takes expired tokens."""
    world = World()
    past = world.root(at=NOW - timedelta(hours=3), ttl=timedelta(hours=1))

    assert "expired" == outcome(world, past, world.agent)


@pytest.mark.parametrize("form", ["vp+jwt", JCS])
def test_acapy_a_presentation_whose_own_proof_fails(form: str) -> None:
    """CVE-2024-21669: good credentials do not make up for a presentation that nobody signed."""
    world = World()
    chain: list[Wire] = world.root(form=JCS)
    by_stranger = Party("x", world.stranger.secret, world.agent.did, world.agent.method_id)
    presented = world.present(chain, by_stranger, challenge="n", form=form)
    with pytest.raises(AgentdidError) as refusal:
        world.verifier().authorize(presented, challenge="n", request=READ)

    assert "signature_invalid" == refusal.value.code


def test_acapy_a_link_signed_over_another_canonical_form() -> None:
    """ACA-Py canonicalizes with canonicaljson, which sorts by code points: RFC 8785 sorts by UTF-16 units, as we do."""
    world = World()
    (root,) = world.root(form=JCS, claims={"\ufb33": "first by code point", "\U0001f600": "first by UTF-16 unit"})
    assert isinstance(root, dict)
    assert outcome(world, [root], world.agent) is None
    body = {name: value for name, value in root.items() if name != "proof"}
    config = {name: value for name, value in root["proof"].items() if name != "proofValue"}  # type: ignore[attr-defined]  # a proof
    by_code_point = [
        json.dumps(each, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() for each in (config, body)
    ]
    assert canonicalize(config) == by_code_point[0]
    assert canonicalize(body) != by_code_point[1]
    signed = b"".join(sha256(each).digest() for each in by_code_point)
    value = encode_multibase(world.acme.secret.sign(signed), "z")

    assert "signature_invalid" == outcome(world, [{**body, "proof": {**config, "proofValue": value}}], world.agent)


def test_credo_a_good_signature_is_not_trust() -> None:
    """credo#2901: a chain that a stranger starts is well signed, and believed by nobody."""
    world = World()
    root = world.root(
        world.stranger, world.agent, index=None, capability=world.capability(principal=world.stranger.did)
    )

    assert "issuer_untrusted" == outcome(world, root, world.agent)
    assert [] == world.asked
    assert AUDIENCE == world.trust().audience
