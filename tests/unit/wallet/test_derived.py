"""Selective suites in every hand: a base proof issued and kept, derived for each verifier, verified, revoked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.errors import (
    BaseProofPresented,
    DelegationForbidden,
    HolderBindingFailed,
    MandatoryMissing,
    SignatureInvalid,
    StatusRevoked,
    TermUndefined,
)
from agentdid.issuer.issuer import Issuer
from agentdid.keys.secret import SecretKey
from agentdid.present.presentation import make_presentation
from agentdid.proof.suites import SELECTIVE
from agentdid.storage.decision_log import DecisionLog
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.evidence import replay
from agentdid.verify.run import report_of
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
CLAIMS = {"name": "Ada", "description": "keeps \u00e9\U0001f511 books", "mediaType": "text/plain"}
HIDDEN = (("credentialSubject", "name"), ("credentialSubject", "description"))


class Scene:
    """An issuer with a key of the suite, an agent with its wallet, and the world they are in."""

    def __init__(self, folder: Path, form: str) -> None:
        (algorithm,) = SELECTIVE[form].algorithms
        self.form = form
        self.world, clock = World(), FixedClock(NOW)
        self.issuer = Issuer.create(
            folder / "acme.db", passphrase=PASSPHRASE, did=self.world.acme.did, kdf=CHEAP, clock=clock,
            algorithm=algorithm,
        )  # fmt: skip
        self.wallet = Wallet.create(folder / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
        self.agent = SecretKey.generate("Ed25519")
        self.did = did_key.create(self.agent.public)
        self.wallet.add_key(self.did, self.agent)
        self.world.serve(did_web.url(self.issuer.did), encode(self.issuer.did_document()))

    def issue(self, **changes: Any) -> Any:  # noqa: ANN401  # what `Issuer.issue` takes
        """Issue to the agent, publish, and let it keep what it got."""
        options: dict[str, Any] = {"claims": CLAIMS, "disclosable": HIDDEN, **changes}
        issued = self.issuer.issue(to=self.did, capability=self.world.capability(), form=self.form, **options)
        self.publish()
        self.wallet.receive(list(issued.chain), source=self.world)
        return issued

    def publish(self) -> None:
        """Serve the issuer's lists as they stand."""
        for list_id in self.issuer.ledger.lists():
            signed = self.issuer.signed_list(list_id)
            self.world.serve(signed.url, signed.body)

    def present(self, challenge: str = "n", **options: Any) -> str:  # noqa: ANN401  # what `Wallet.present` takes
        """Present to the partner."""
        return self.wallet.present(challenge=challenge, audience=AUDIENCE, **{"form": "eddsa-jcs-2022", **options})


@pytest.fixture(params=SELECTIVE)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """One for each suite."""
    made = Scene(tmp_path, request.param)
    with made.issuer, made.wallet:
        yield made


def shown(presentation: str) -> dict[str, Any]:
    """Return the one credential of a Data Integrity presentation."""
    found: dict[str, Any] = json.loads(presentation)["verifiableCredential"][0]
    return found


def test_the_whole_way(scene: Scene) -> None:
    """G15: what the agent chose is shown, what the issuer must have said is always shown, and no more."""
    issued = scene.issue()
    least, some = scene.present(), scene.present("m", disclose=[("credentialSubject", "name"), ("nothing", "here")])
    verifier = scene.world.verifier(takes=MemoryTakes())
    grant = verifier.authorize(least, challenge="n", request=READ)
    subject = {"id", "capability", "mediaType"}

    assert scene.did == grant.agent
    assert subject == set(shown(least)["credentialSubject"])
    assert subject | {"name"} == set(shown(some)["credentialSubject"])
    assert verifier.authorize(some, challenge="m", request=READ)
    assert scene.present("o") != least

    scene.issuer.revoke(issued.id)
    scene.publish()
    with pytest.raises(StatusRevoked):
        scene.world.verifier().verify(scene.present("p"), challenge="p")


@pytest.mark.parametrize("form", ["vp+jwt", "eddsa-jcs-2022", "eddsa-rdfc-2022"])
def test_in_every_presentation(scene: Scene, form: str) -> None:
    """A derived credential goes into presentations of each form."""
    scene.issue()

    decision = scene.world.verifier().verify(scene.present(form=form), challenge="n")

    assert scene.form == decision.verified.parsed.chain[0].secured.form


def test_the_decision_replays(scene: Scene, tmp_path: Path) -> None:
    """What was decided of a derived credential is decided again from its evidence, offline."""
    scene.issue()
    place = tmp_path / "log.jsonl"
    scene.world.verifier(log=DecisionLog(place)).authorize(scene.present(), challenge="n", request=READ)
    scene.world.served.clear()

    assert [None] == [report_of(replay(json.loads(line))).code for line in place.read_bytes().splitlines()]


def test_a_query_chooses(scene: Scene) -> None:
    """A DCQL query selects by paths, and the verifier finds its answer in what was derived."""
    scene.issue()
    path = ["credentialSubject", "description"]
    query = {"credentials": [{"id": "c", "format": "ldp_vc", "meta": {}, "claims": [{"path": path}]}]}
    presentation = scene.present(query=query)
    decision = scene.world.verifier().verify(presentation, challenge="n", query=query)

    assert decision.capability is not None
    assert {"id", "capability", "mediaType", "description"} == set(shown(presentation)["credentialSubject"])


def test_a_base_proof_is_its_holders(scene: Scene) -> None:
    """Presented as it is, or alone, it is refused (ATTACKS G01); the wallet takes it (and checks it)."""
    issued = scene.issue()
    base = issued.credential
    presentation = make_presentation(
        [base], holder=scene.did, signer=scene.agent, method_id=f"{scene.did}#{scene.did[8:]}", audience=AUDIENCE,
        challenge="n", at=NOW,
    )  # fmt: skip
    changed = {**base, "credentialSubject": {**base["credentialSubject"], "name": "Eve"}}

    with pytest.raises(BaseProofPresented):
        scene.world.verifier().verify(presentation, challenge="n")
    with pytest.raises(BaseProofPresented):
        scene.world.verifier().verify_credential(base)
    with pytest.raises(SignatureInvalid):
        scene.wallet.receive([changed], source=scene.world)


def test_it_is_nobodys_parent(scene: Scene) -> None:
    """Each derivation has another digest; so nothing hangs on one (specs/selective-disclosure.md S11)."""
    issued = scene.issue()
    narrower = scene.world.capability(grants=[scene.world.grant(id="c1", **{"from": "g1"})])
    with pytest.raises(DelegationForbidden):
        scene.wallet.delegate(issued.id, to=scene.world.helper.did, capability=narrower, ttl=timedelta(minutes=5))
    with pytest.raises(DelegationForbidden):
        scene.issuer.issue(to=scene.world.helper.did, capability=narrower, parent=issued.chain)


@pytest.mark.parametrize(
    "path",
    [("validUntil",), ("credentialStatus",), ("issuer",), ("type",), ("credentialSubject",),
     ("credentialSubject", "id"),
     ("credentialSubject", "capability"), ("credentialSubject", "capability", "grants", 0), ("id",), ("@context", 0),
     ("credentialStatus", "statusListIndex"), ("credentialSubject", 0), ("credentialSubject", 0, "id"), ()],
)  # fmt: skip
def test_what_may_not_be_hidden(scene: Scene, path: tuple[str | int, ...]) -> None:
    """The issuer refuses to sign what would hide by what it is judged (ATTACKS G04)."""
    with pytest.raises(MandatoryMissing):
        scene.issue(disclosable=[path])


def test_paths_that_lead_nowhere(scene: Scene) -> None:
    """A typing error would show what was meant to be hidden."""
    with pytest.raises(ValueError, match="nowhere"):
        scene.issue(disclosable=[("credentialSubject", "nmae")])


def test_terms_that_no_context_defines(scene: Scene) -> None:
    """They would not be signed; nothing is issued."""
    with pytest.raises(TermUndefined):
        scene.issue(claims={"shoeSize": 41}, disclosable=[])


def test_a_bbs_proof_serves_one_occasion(tmp_path: Path) -> None:
    """G13: derived for another challenge or audience, it is refused though whoever presents is the subject."""
    scene = Scene(tmp_path, "bbs-2023")
    with scene.issuer, scene.wallet:
        scene.issue()
        for kept in (
            shown(scene.present("earlier")),
            shown(scene.wallet.present(challenge="n", audience="https://other.example", form="eddsa-jcs-2022")),
        ):
            presentation = make_presentation(
                [kept], holder=scene.did, signer=scene.agent, method_id=f"{scene.did}#{scene.did[8:]}",
                audience=AUDIENCE, challenge="n", at=NOW,
            )  # fmt: skip
            with pytest.raises(HolderBindingFailed):
                scene.world.verifier().verify(presentation, challenge="n")


def test_a_leaf_may_be_derived(tmp_path: Path) -> None:
    """A delegated link may be under a selective suite; its parent is named in what it always shows."""
    world, clock = World(), FixedClock(NOW)
    agent = SecretKey.generate("P-256")
    did = did_key.create(agent.public)
    acme = Issuer.create(tmp_path / "acme.db", passphrase=PASSPHRASE, did=world.acme.did, kdf=CHEAP, clock=clock)
    held = Wallet.create(tmp_path / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
    other = Wallet.create(tmp_path / "helper.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=clock)
    with acme, held, other:
        held.add_key(did, agent)
        other.add_key(world.helper.did, world.helper.secret)
        world.serve(did_web.url(acme.did), encode(acme.did_document()))
        issued = acme.issue(to=did, capability=world.capability())
        for list_id in acme.ledger.lists():
            signed = acme.signed_list(list_id)
            world.serve(signed.url, signed.body)
        held.receive(list(issued.chain), source=world)
        narrower = world.capability(grants=[world.grant(id="c1", **{"from": "g1"})])
        chain = held.delegate(
            issued.id, to=world.helper.did, capability=narrower, ttl=timedelta(minutes=5), form="ecdsa-sd-2023"
        )
        other.receive(list(chain), source=world)
        presentation = other.present(challenge="n", audience=AUDIENCE)
        grant = world.verifier(takes=MemoryTakes()).authorize(presentation, challenge="n", request=READ)

        assert (world.helper.did, did) == (grant.agent, grant.delegators[-1])
