"""did:webvh in a judgement: keys of now, keys of then where the policy says so, and logs that are not believed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.did.document import build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.witness import witness_proof
from agentdid.errors import (
    AgentdidError,
    DidDeactivated,
    DidDocumentMismatch,
    DidLogInvalid,
    DidLogRollback,
    DidNotFound,
    DidWitnessThreshold,
    FetchFailed,
    PurposeNotAuthorized,
    StoreUnavailable,
)
from agentdid.storage.marks import MemoryMarks
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.evidence import replay
from agentdid.verify.run import report_of
from tests.logs import first_document, secret, witness_did
from tests.world import NOW, Party, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.did.webvh.log import History

DAY = timedelta(days=1)
MADE = NOW - 10 * DAY


class Acme:
    """An issuer with a did:webvh in the world: signs with `key-1`, and rotates to `key-2`."""

    def __init__(self, world: World, **parameters: object) -> None:
        self.world = world
        self.history = write.create(first_document(1, "vh.example"), secret(1), at=MADE, parameters=parameters)
        self.did = self.history.latest.did
        self.party = Party("vh", secret(1), self.did, f"{self.did}#key-1")
        self.serve()
        world.publish(self.party)

    def serve(self, history: History | None = None) -> None:
        """Serve the log from now on."""
        log = write.encode_log(history or self.history)
        self.world.serve(parse_identifier(self.did).log_url, log)

    def list_keys(self, at: timedelta, *numbers: int, revoked: int | None = None) -> None:
        """Publish a version that lists these keys, `at` before now."""
        document = build_document(self.did, {f"key-{each}": secret(each).public for each in numbers})
        if revoked is not None:
            for each in document["verificationMethod"]:  # type: ignore[attr-defined]
                if each["id"].endswith(f"#key-{revoked}"):
                    each["revoked"] = "2026-11-20T00:00:00Z"
        self.history = write.update(self.history, secret(1), at=NOW - at, document=document)
        self.serve()
        self.party = Party("vh", secret(numbers[0]), self.did, f"{self.did}#key-{numbers[0]}")
        self.world.publish(self.party)

    def trust(self, **changes: object) -> Trust:
        """Return a policy that believes it."""
        anchor = {
            "did": self.did,
            "types": ["AgentCapabilityCredential"],
            "roots": [self.world.partner.did],
            "actions": ["invoice.*"],
            **changes,
        }
        return self.world.trust(anchor=[anchor])

    def credential(self, before: timedelta = timedelta(minutes=1)) -> list[object]:
        """Return a credential signed with the present key, by its own word `before` now."""
        capability = self.world.capability(principal=self.did)
        return list(
            self.world.root(self.party, capability=capability, at=NOW - before, ttl=before + timedelta(hours=8))
        )


def _refused(verifier: Verifier, chain: list[object], kind: type[AgentdidError]) -> AgentdidError:
    with pytest.raises(kind) as caught:
        verifier.verify_credential(chain)
    return caught.value


def test_a_credential_of_a_webvh_issuer_is_accepted_and_replays() -> None:
    """The log is asked for, its version remembered, and the decision replays from what was answered."""
    world = World()
    acme, marks = Acme(world), MemoryMarks()
    decision = world.verifier(trust=acme.trust(), marks=marks).verify_credential(acme.credential())
    evidence = report_of(decision).evidence

    assert evidence is not None
    assert [parse_identifier(acme.did).log_url, acme.party.list_url] == world.asked
    bundle = evidence.encode(decision)
    assert ["keys", "mark", "mark", "facts"] == [row["need"]["kind"] for row in bundle["answers"]]  # type: ignore[attr-defined]
    assert replay(bundle) is not None
    assert "behind" == marks.advance(acme.history.scid, ())


def test_keys_are_those_of_the_decision_by_default() -> None:
    """PROTOCOL 3.3: after a rotation the old key is nobody's, whatever time the signer claims."""
    world = World()
    acme = Acme(world)
    old = acme.credential(3 * DAY)
    acme.list_keys(DAY, 2)
    verifier = world.verifier(trust=acme.trust())

    verifier.verify_credential(acme.credential())
    _refused(verifier, old, PurposeNotAuthorized)


def test_keys_are_those_of_the_signing_where_the_anchor_says_so() -> None:
    """`keys_at = "signing"`: what was signed before the rotation verifies with the key of its time."""
    world = World()
    acme = Acme(world)
    old, late = acme.credential(3 * DAY), acme.credential(DAY / 2)
    acme.list_keys(DAY, 2)
    verifier = world.verifier(trust=acme.trust(keys_at="signing"))

    verifier.verify_credential(old)
    verifier.verify_credential(acme.credential())
    _refused(verifier, late, PurposeNotAuthorized)  # by its own word signed with a key that was retired already
    before = world.root(Party("vh", secret(1), acme.did, f"{acme.did}#key-1"), at=MADE - DAY, ttl=12 * DAY,
                        capability=world.capability(principal=acme.did))  # fmt: skip
    _refused(verifier, list(before), PurposeNotAuthorized)  # from before there was such a DID


@pytest.mark.parametrize("policy", [{}, {"keys_at": "signing"}])
def test_a_key_that_was_compromised_is_nobodys_at_any_time(policy: Mapping[str, str]) -> None:
    """A key that a later version lists as `revoked` signs for no time: its thief would claim one before the theft."""
    world = World()
    acme = Acme(world)
    old = acme.credential(6 * DAY)
    acme.list_keys(DAY, 2, 1, revoked=1)

    _refused(world.verifier(trust=acme.trust(**policy)), old, PurposeNotAuthorized)


def test_a_past_instant_is_judged_by_the_version_of_then() -> None:
    """`--at`: the key in force then counts, later entries do not, and no mark is asked for or moved."""
    world = World()
    acme, marks = Acme(world), MemoryMarks()
    old = acme.credential(3 * DAY)
    acme.list_keys(DAY, 2)
    then = World(NOW - 2 * DAY)
    then.served = {
        url: type(each)(url, each.body, then.now) for url, each in world.served.items()  # type: ignore[union-attr,call-arg]
    }  # fmt: skip
    then.publish(Party("vh", secret(1), acme.did, f"{acme.did}#key-1"))
    verifier = Verifier(acme.trust(), source=then, clock=FixedClock(NOW), marks=marks)

    verifier.verify_credential(old, at=then.now)
    assert "kept" == marks.advance(acme.history.scid, ("1-Qm",))
    with pytest.raises(DidNotFound):
        verifier.verify_credential(acme.credential(), at=MADE - DAY)


def test_a_log_that_was_taken_back_is_refused() -> None:
    """J01 in a judgement: the same verifier, or another with the same store, has seen more."""
    world = World()
    acme, marks = Acme(world), MemoryMarks()
    first, chain = acme.history, acme.credential()
    acme.list_keys(DAY, 1, 2)
    world.verifier(trust=acme.trust(), marks=marks).verify_credential(chain)
    acme.serve(first)

    _refused(world.verifier(trust=acme.trust(), marks=marks), chain, DidLogRollback)
    world.verifier(trust=acme.trust()).verify_credential(chain)  # who has seen nothing cannot know


def test_a_store_of_marks_that_does_not_answer_refuses() -> None:
    """What cannot be found out fails closed."""

    class Broken:
        def advance(self, _scid: str, _versions: Sequence[str]) -> str:
            return "unavailable"

    world = World()
    acme = Acme(world)
    _refused(world.verifier(trust=acme.trust(), marks=Broken()), acme.credential(), StoreUnavailable)


def test_a_deactivated_issuer_is_nobody() -> None:
    """J15: what it signed before does not stand either."""
    world = World()
    acme = Acme(world)
    chain = acme.credential()
    acme.serve(write.deactivate(acme.history, secret(1), at=NOW - DAY))

    for policy in ({}, {"keys_at": "signing"}):
        _refused(world.verifier(trust=acme.trust(**policy)), chain, DidDeactivated)


def test_a_did_that_moved_is_not_who_it_was() -> None:
    """A credential under the old name does not verify once the log says another."""
    world = World()
    acme = Acme(world, portable=True)
    chain = acme.credential()
    new = acme.did.replace("vh.example", "moved.example")
    acme.serve(write.move(acme.history, secret(1), new, at=NOW - DAY))

    _refused(world.verifier(trust=acme.trust()), chain, DidDocumentMismatch)


def test_witnesses_are_asked_and_counted() -> None:
    """J08 in a judgement: no file, a file of too little, and one that is enough."""
    world = World()
    rule = {"threshold": 1, "witnesses": [{"id": witness_did(11)}]}
    acme = Acme(world, witness=rule)
    verifier = world.verifier(trust=acme.trust())
    url = parse_identifier(acme.did).witness_url
    version = acme.history.latest.version_id

    _refused(verifier, acme.credential(), FetchFailed)
    world.serve(url, b"[]")
    _refused(verifier, acme.credential(), DidWitnessThreshold)
    world.serve(url, encode([{"versionId": version, "proof": [witness_proof(version, secret(11), MADE)]}]))
    verifier.verify_credential(acme.credential())
    verifier.verify_credential(acme.credential())
    world.serve(url, b"[]")
    _refused(verifier, acme.credential(), DidWitnessThreshold)  # what is remembered is bytes, not names


def test_an_entry_from_the_future_refuses_the_log() -> None:
    """Read step 4, for every judgement anew: a log is verified once, its clock every time."""
    world = World()
    acme = Acme(world)
    acme.list_keys(-DAY, 1)

    _refused(world.verifier(trust=acme.trust()), acme.credential(), DidLogInvalid)


def test_a_policy_names_a_known_instant() -> None:
    """An unknown `keys_at` is an error of the file."""
    world = World()
    with pytest.raises(ValueError, match="keys_at must be one of decision, signing"):
        Acme(world).trust(keys_at="always")
