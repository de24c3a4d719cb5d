"""A did:webvh issuer rotates while it issues: whatever it signed verifies, at every moment, by what is published then.

Sixty rotations by default; `AGENTDID_ROTATIONS=1000` for the thousand.
"""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.strict_json import encode
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.log import parse_log
from agentdid.did.webvh.witness import witness_proof
from agentdid.errors import (
    DidDeactivated,
    DidMethodUnsupported,
    DidWitnessThreshold,
    PurposeNotAuthorized,
)
from agentdid.issuer.issuer import Issuer
from agentdid.storage.controlled import Controlled, make
from agentdid.storage.held_keys import GRACE, LEAD
from agentdid.verifier.service import Verifier
from tests.logs import secret, witness_did
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

if TYPE_CHECKING:
    from pathlib import Path

ROTATIONS = int(os.environ.get("AGENTDID_ROTATIONS", "60"))
STEP = timedelta(minutes=10)
TTL = timedelta(minutes=15)


class Moving:
    """A clock that the test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return where it stands."""
        return self.at


def _issuer(tmp_path: Path, clock: Moving, made: Controlled | None = None) -> Issuer:
    return Issuer.create(
        tmp_path / "acme.db",
        passphrase=PASSPHRASE,
        webvh=made or make("vh.example", at=clock.now()),
        kdf=CHEAP,
        clock=clock,  # type: ignore[arg-type]
    )


def _publish(world: World, issuer: Issuer) -> None:
    for url, (body, _) in issuer.did_files().items():
        world.serve(url, body)
    for list_id in issuer.ledger.lists():
        signed = issuer.signed_list(list_id)
        world.serve(signed.url, signed.body)


def _verifier(world: World, issuer: Issuer, clock: Moving) -> Verifier:
    anchor = {
        "did": issuer.did,
        "types": ["AgentCapabilityCredential"],
        "roots": [world.partner.did],
        "actions": ["invoice.*"],
    }
    return Verifier(world.trust(anchor=[anchor]), source=world, clock=clock)  # type: ignore[arg-type]


def test_every_credential_verifies_at_every_moment_of_many_rotations(tmp_path: Path) -> None:
    """Threads issue without pause while keys rotate; after each rotation all that is valid is verified."""
    world, clock = World(), Moving(NOW)
    issued: list[tuple[datetime, Any]] = []
    lock, stop, turn = threading.Lock(), threading.Event(), threading.Semaphore(0)
    ready = threading.Semaphore(0)
    failures: list[BaseException] = []
    with _issuer(tmp_path, clock) as issuer:
        issuer.refresh_s = 0.001
        capability = world.capability(principal=issuer.did)

        def issue() -> None:
            try:
                while turn.acquire(timeout=30) and not stop.is_set():
                    with lock:
                        began = clock.now()
                    made = issuer.issue(to=world.agent.did, capability=capability, ttl=TTL)
                    with lock:
                        issued.append((began, made.credential))
                    ready.release()
            except BaseException as error:  # noqa: BLE001  # shown by the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=issue) for _ in range(2)]
        for each in threads:
            each.start()
        verifier, checked = _verifier(world, issuer, clock), 0
        try:
            for _ in range(ROTATIONS):
                turn.release(2)  # both issue while this thread rotates
                issuer.rotate()
                assert ready.acquire(timeout=30), failures
                assert ready.acquire(timeout=30), failures
                with lock:
                    clock.at += STEP / 2
                    world.now = clock.at
                    issued[:] = [row for row in issued if row[0] + TTL >= clock.at]
                    valid = list(issued)
                _publish(world, issuer)
                for _, credential in [*valid[:2], *valid[-2:]]:
                    verifier.verify_credential(credential)
                    checked += 1
                with lock:
                    clock.at += STEP / 2
        finally:
            stop.set()
            turn.release(2)
            for each in threads:
                each.join(30)
        history = parse_log(next(body for url, (body, _) in issuer.did_files().items() if url.endswith(".jsonl")))
        listed = [len(each.state["verificationMethod"]) for each in history.versions]

    assert [] == failures
    assert ROTATIONS + 1 == history.latest.number
    assert checked > ROTATIONS
    # what nothing valid was signed with is gone: rotations are rotations, not a growing list
    assert max(listed) <= 8


def test_a_fresh_key_signs_once_it_was_listed_long_enough(tmp_path: Path) -> None:
    """A verifier that holds the document from before the rotation does not meet a key that it cannot know."""
    world, clock = World(), Moving(NOW)
    with _issuer(tmp_path, clock) as issuer:

        def key() -> str:
            made = issuer.issue(to=world.agent.did, capability=world.capability(principal=issuer.did),
                                form="eddsa-jcs-2022")  # fmt: skip
            proof: dict[str, Any] = made.credential["proof"]  # type: ignore[index,assignment,call-overload]
            return str(proof["verificationMethod"]).rpartition("#")[2]

        _publish(world, issuer)
        issuer.rotate()
        before = key()
        clock.at += LEAD
        after = key()
        assert ("key-1", "key-2") == (before, after)
        with Issuer.open(tmp_path / "acme.db", passphrase=PASSPHRASE, clock=clock) as other:  # type: ignore[arg-type]
            other.rotate()
        clock.at += LEAD
        assert "key-3" == key()  # another process rotated


def test_who_rotates_faster_than_keys_begin_lists_few(tmp_path: Path) -> None:
    """A rotation a second: the first fresh key still begins when it should, and those between never do."""
    clock = Moving(NOW)
    with _issuer(tmp_path, clock) as issuer:
        for _ in range(100):
            issuer.rotate()
            clock.at += timedelta(seconds=1)
        held = issuer.controlled.find(issuer.did)  # type: ignore[union-attr]

        assert ["key-1", "key-2", "key-101"] == [each.fragment for each in held.keys.signing]
        assert "key-2" == held.keys.signer(NOW + LEAD).fragment


def test_a_compromised_key_signs_nothing_any_more_and_its_credentials_die(tmp_path: Path) -> None:
    """The successor signs at once; the old key stays listed as revoked, for whoever judges by the past."""
    world, clock = World(), Moving(NOW)
    with _issuer(tmp_path, clock) as issuer:
        capability = world.capability(principal=issuer.did)
        old = issuer.issue(to=world.agent.did, capability=capability)
        clock.at += timedelta(seconds=1)
        issuer.rotate(compromised=True)
        new = issuer.issue(to=world.agent.did, capability=capability)
        _publish(world, issuer)
        world.now = clock.at
        verifier = _verifier(world, issuer, clock)

        verifier.verify_credential(new.credential)
        with pytest.raises(PurposeNotAuthorized):
            verifier.verify_credential(old.credential)
        document = issuer.did_document()
        assert ["key-2", "key-1"] == [each["id"].rpartition("#")[2] for each in document["verificationMethod"]]  # type: ignore[attr-defined]
        assert "revoked" in document["verificationMethod"][1]  # type: ignore[index]


def test_keys_stay_as_long_as_what_they_signed(tmp_path: Path) -> None:
    """A key is dropped when its last credential has ended, and not before."""
    world, clock = World(), Moving(NOW)
    with _issuer(tmp_path, clock) as issuer:

        def listed() -> list[str]:
            return [each["id"].rpartition("#")[2] for each in issuer.did_document()["verificationMethod"]]  # type: ignore[attr-defined]

        issuer.issue(to=world.agent.did, capability=world.capability(principal=issuer.did), ttl=timedelta(hours=5))
        issuer.rotate()
        clock.at += timedelta(hours=4)
        issuer.rotate()
        assert ["key-1", "key-2", "key-3"] == listed()
        clock.at += timedelta(hours=1) + 2 * GRACE
        issuer.rotate()
        assert ["key-3", "key-4"] == listed()


def test_witnesses_decide_when_an_entry_is_published(tmp_path: Path) -> None:
    """Until enough approved, the log is published without it, the key before signs, and nothing more is rotated."""
    clock = Moving(NOW)
    rule = {"threshold": 1, "witnesses": [{"id": witness_did(11)}]}
    made = make("vh.example", at=NOW, parameters={"witness": rule})
    with _issuer(tmp_path, clock, made) as issuer:
        held = issuer.controlled
        assert held is not None
        with pytest.raises(DidWitnessThreshold):
            issuer.did_files()
        with pytest.raises(DidWitnessThreshold):
            issuer.rotate()
        held.add_proofs(issuer.did, [witness_proof(made.history.latest.version_id, secret(11), NOW)], at=NOW)
        issuer.rotate()
        clock.at += 2 * LEAD
        pending = held.find(issuer.did)
        assert (1, 2) == (pending.published().latest.number, pending.history.latest.number)
        assert "key-1" == pending.keys.signer(clock.at).fragment
        files = list(issuer.did_files())
        assert [parse_identifier(issuer.did).witness_url, parse_identifier(issuer.did).log_url] == files[:2]
        held.add_proofs(issuer.did, [witness_proof(pending.history.latest.version_id, secret(11), NOW)], at=clock.at)
        assert 2 == held.find(issuer.did).published().latest.number
        clock.at += LEAD
        assert "key-2" == held.find_keys(issuer.did).signer(clock.at).fragment


def test_only_what_has_a_history_rotates_and_the_end_is_the_end(tmp_path: Path) -> None:
    """A did:key is its key; a deactivated DID stays so."""
    clock = Moving(NOW)
    with (
        Issuer.create(tmp_path / "key.db", passphrase=PASSPHRASE, kdf=CHEAP) as issuer,
        pytest.raises(DidMethodUnsupported),
    ):
        issuer.rotate()
    with _issuer(tmp_path, clock) as issuer:
        assert issuer.controlled is not None
        ended = issuer.controlled.deactivate(issuer.did, at=NOW)
        assert ended.history.deactivated
        assert () == ended.keys.signing
        assert encode(ended.history.latest.state) == encode({"@context": ended.history.latest.state["@context"],
                                                             "id": issuer.did})  # fmt: skip
        with pytest.raises(DidDeactivated):
            issuer.rotate()
