"""An issuer mints what its verifiers accept, and nothing they would refuse as malformed or wider."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.did import web as did_web
from agentdid.errors import (
    CapabilityNotAttenuated,
    ChainLinkMismatch,
    CredentialNotFound,
    DidMethodUnsupported,
    SdClaimNotAllowed,
    StatusRevoked,
    StoreLocked,
    TypeMismatch,
)
from agentdid.issuer.issuer import Issuer
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, Party, World

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    """The world the issuer lives in."""
    return World()


@pytest.fixture
def issuer(tmp_path: Path, world: World) -> Iterator[Issuer]:
    """An issuer that is acme, as far as the world can tell."""
    made = Issuer.create(
        tmp_path / "acme.db", passphrase=PASSPHRASE, did=world.acme.did, kdf=CHEAP, clock=FixedClock(NOW)
    )
    with made:
        world.serve(did_web.url(made.did), encode(made.did_document()))
        yield made


def publish(issuer: Issuer, world: World) -> None:
    """Serve the issuer's lists as they stand."""
    for list_id in issuer.ledger.lists():
        signed = issuer.signed_list(list_id)
        world.serve(signed.url, signed.body)


@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
def test_what_is_issued_is_accepted_until_it_is_revoked(issuer: Issuer, world: World, form: str) -> None:
    """A minted credential verifies; once revoked and published, it is refused."""
    made = issuer.issue(to=world.agent.did, capability=world.capability(), ttl=HOUR, form=form)
    publish(issuer, world)
    decision = world.verifier().verify_credential(made.credential)
    issuer.revoke(made.id)
    publish(issuer, world)

    assert made.id == decision.credentials[0].id
    with pytest.raises(StatusRevoked):
        world.verifier().verify_credential(made.credential)


def test_a_p256_issuer_works_too(tmp_path: Path, world: World) -> None:
    """An ES256 issuer under did:key signs credentials and lists that verify."""
    with Issuer.create(
        tmp_path / "p256.db", passphrase=PASSPHRASE, algorithm="P-256", kdf=CHEAP, clock=FixedClock(NOW),
        base_url="https://lists.example",
    ) as issuer:  # fmt: skip
        made = issuer.issue(to=world.agent.did, capability=world.capability(principal=issuer.did), ttl=HOUR)
        publish(issuer, world)
        anchor = {"did": issuer.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did],
                  "actions": ["invoice.read"]}  # fmt: skip
        decision = world.verifier(trust=world.trust(anchor=[anchor])).verify_credential(made.credential)

    assert issuer.did == decision.credentials[0].issuer


def test_the_chain_is_returned_root_first(issuer: Issuer, world: World) -> None:
    """A credential under a parent comes with its parent."""
    parent = world.root(world.partner, world.acme)
    capability = world.capability(grants=[world.grant(id="c1", **{"from": "g1"})])
    made = issuer.issue(to=world.agent.did, capability=capability, parent=parent, ttl=HOUR)
    publish(issuer, world)

    assert [*parent, made.credential] == list(made.chain)
    assert 2 == len(world.verifier().verify_credential(list(made.chain)).credentials)


@pytest.mark.parametrize("order", [(), (0, 0), (1, 0), (1,)])
def test_only_a_whole_chain_is_hung_on(issuer: Issuer, world: World, order: tuple[int, ...]) -> None:
    """No parent at all, a doubled one, one out of order or without its own: nothing is signed under it."""
    root = world.root(subject=world.agent)
    chain = world.child(root, world.agent, Party("issuer", world.stranger.secret, issuer.did, ""))
    with pytest.raises(ChainLinkMismatch):
        issuer.issue(
            to=world.helper.did,
            capability=world.capability(grants=[world.grant(id="x", **{"from": "c1"})]),
            parent=[chain[place] for place in order],
            ttl=timedelta(minutes=1),
        )


def test_nothing_wider_than_its_parent_is_signed(issuer: Issuer, world: World) -> None:
    """A wider child, or one under somebody else's parent, is refused and burns no index."""
    wider = world.capability(grants=[world.grant(id="c1", actions=["invoice.read", "payment.send"], **{"from": "g1"})])

    with pytest.raises(CapabilityNotAttenuated):
        issuer.issue(to=world.agent.did, capability=wider, parent=world.root(world.partner, world.acme), ttl=HOUR)
    with pytest.raises(ChainLinkMismatch):
        issuer.issue(to=world.agent.did, capability=wider, parent=world.root(world.partner, world.agent), ttl=HOUR)
    assert [] == issuer.ledger.lists()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"capability": {}}, TypeMismatch),
        ({"claims": {"id": "did:key:other"}}, TypeMismatch),
        ({"claims": {"capability": {}}}, TypeMismatch),
        ({"disclosable": [("issuer",)]}, SdClaimNotAllowed),
        ({"disclosable": [("credentialSubject", "capability", "root")]}, SdClaimNotAllowed),
        ({"disclosable": [("credentialSubject", "nothing")]}, ValueError),
        ({"form": "nonsense"}, ValueError),
        (
            {"form": "eddsa-jcs-2022", "disclosable": [("credentialSubject", "name")], "claims": {"name": "x"}},
            ValueError,
        ),
        ({"ttl": timedelta(0)}, ValueError),
    ],
)
def test_what_a_verifier_would_refuse_is_not_signed(
    issuer: Issuer, world: World, changes: dict[str, object], error: type[Exception]
) -> None:
    """Malformed input is refused before an index is burnt."""
    arguments: dict[str, object] = {"to": world.agent.did, "capability": world.capability(), "ttl": HOUR}

    with pytest.raises(error):
        issuer.issue(**(arguments | changes))  # type: ignore[arg-type]  # wrong on purpose
    assert [] == issuer.ledger.lists()


def test_claims_can_be_withheld_and_cannot_be_forged(issuer: Issuer, world: World) -> None:
    """Disclosable claims are digests in what is signed; their values stand in disclosures only."""
    made = issuer.issue(
        to=world.agent.did, capability=world.capability(), claims={"name": "Ada", "team": "AP"},
        disclosable=[("credentialSubject", "name")], ttl=HOUR,
    )  # fmt: skip
    publish(issuer, world)
    (credential,) = world.verifier().verify_credential(made.credential).credentials
    bare = str(made.credential).split("~")[0] + "~"
    with_name = credential.claims["credentialSubject"]

    assert {"name": "Ada", "team": "AP"} == {key: with_name[key] for key in ("name", "team")}  # type: ignore[index]
    assert "Ada" not in json.dumps(bare)


def test_a_list_is_signed_anew_when_it_must_be(issuer: Issuer, world: World) -> None:
    """Within the refresh time the same bytes are served; a revocation gives new ones at once."""
    made = issuer.issue(to=world.agent.did, capability=world.capability(), ttl=HOUR)
    list_id = made.list_url.rpartition("/")[2]
    first, second = issuer.signed_list(list_id), issuer.signed_list(list_id)
    issuer.revoke(made.id)

    assert first is second
    assert first.etag != issuer.signed_list(list_id).etag
    with pytest.raises(CredentialNotFound):
        issuer.signed_list("nothing")


def test_publish_writes_what_is_served(issuer: Issuer, world: World, tmp_path: Path) -> None:
    """The DID document and every list, laid out as their URLs are."""
    issuer.issue(to=world.agent.did, capability=world.capability(), ttl=HOUR)
    written = issuer.publish(tmp_path / "site")

    assert tmp_path / "site" / ".well-known" / "did.json" == written["https://acme.example/.well-known/did.json"]
    assert issuer.did == json.loads(written["https://acme.example/.well-known/did.json"].read_bytes())["id"]
    assert {issuer.list_url(each) for each in issuer.ledger.lists()} == {each for each in written if "status" in each}
    assert 3 == len(written)


def test_an_issuer_opens_again_with_its_passphrase_only(issuer: Issuer, tmp_path: Path, world: World) -> None:
    """The key is the same after opening; a wrong passphrase opens nothing."""
    issuer.close()
    with Issuer.open(tmp_path / "acme.db", passphrase=PASSPHRASE) as again:
        assert issuer.did_document() == again.did_document()
    with pytest.raises(StoreLocked):
        Issuer.open(tmp_path / "acme.db", passphrase="wrong")


@pytest.mark.parametrize("did", ["did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH", "did:example:1"])
def test_only_a_did_that_can_be_served_is_issued_under(tmp_path: Path, did: str) -> None:
    """A did:key is its key's name, and unknown methods are refused; no file is made."""
    with pytest.raises(DidMethodUnsupported):
        Issuer.create(tmp_path / "x.db", passphrase=PASSPHRASE, did=did, kdf=CHEAP)
    assert [] == list(tmp_path.iterdir())
