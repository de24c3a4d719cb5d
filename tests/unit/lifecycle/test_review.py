"""Access reviews over real wallets and real logs: what is held, when it was used, and what narrower would do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.keys.secret import SecretKey
from agentdid.lifecycle.review import review
from agentdid.lifecycle.usage import read_usages
from agentdid.storage.audit_log import AuditLog
from tests.lifecycles import READ, Office
from tests.world import NOW, RESOURCE

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.lifecycle.review import Holding, Review

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """The office of the test."""
    return Office(tmp_path)


def reviewed(office: Office, name: str = "agent", *, days: int = 30) -> Review:
    """The review of a wallet by what is in the log."""
    with office.opened(name) as wallet:
        return review(wallet, read_usages(office.log), at=office.now + HOUR, days=days)


def only(found: Review) -> Holding:
    """The one holding."""
    (holding,) = found.holdings
    return holding


def test_what_was_not_used_is_left_out(office: Office) -> None:
    """Unused grants, actions and places are named; the proposal is issued in place of what is held, and is enough."""
    wide = office.world.grant(
        actions=["invoice.read", "invoice.list"],
        resources=[RESOURCE, "https://api.partner.example/v1/orders"],
        constraints={"amount": {"type": "range", "max": "500.00"}, "currency": {"type": "enum", "in": ["EUR", "USD"]}},
        limits={
            "calls": {"max": 100, "window": "PT1H"},
            "budget": {"max": "1000.00", "unit": "EUR", "argument": "amount", "unitArgument": "currency"},
        },
    )
    with office.wallet() as wallet:
        wallet.create_did()
        held = office.give(wallet, office.capability(wide, office.world.grant(id="g2", actions=["invoice.pay"])))
        judge = office.verifier()
        for number in (7, 8):
            request = Request("http", "invoice.read", f"{RESOURCE}/{number}?full=1", READ.arguments)
            assert office.use(wallet, held.id, request, at=NOW + timedelta(minutes=number), verifier=judge) is None
        assert "capability_target_mismatch" == office.use(
            wallet, held.id, Request("http", "invoice.delete", RESOURCE), verifier=judge, at=NOW + 9 * MINUTE
        )
    holding = only(reviewed(office))

    assert ("used", 2, NOW + timedelta(minutes=8)) == (holding.state, holding.uses, holding.last_used)
    assert [office.opened().dids[0]] == list(holding.agents)
    assert holding.proposal is not None
    assert (
        "g1: invoice.list was not used in 30 days",
        f"g1: only {RESOURCE}/7, {RESOURCE}/8 was used",
        "g1: amount was 10.00 at most, 500.00 is allowed: 20.00 would do",
        "g1: currency was only EUR",
        "g1: calls were 2 in PT1H at most, 100 are allowed: 4 would do",
        "g1: budget took 20.00 EUR, 1000.00 are allowed: 40.00 would do",
        "g2 was not used in 30 days: leave it out",
        "it was not passed on in 30 days: a maxDepth of 0 would do",
    ) == holding.proposal.words
    office.later(20 * MINUTE)
    with office.opened() as wallet:
        narrow = office.give(wallet, holding.proposal.capability)
        assert [None, "capability_target_mismatch"] == [
            office.use(
                wallet,
                narrow.id,
                Request("http", "invoice.read", f"{RESOURCE}/{number}", READ.arguments),
                at=office.now + number * MINUTE,
            )
            for number in (8, 9)
        ]
        chain = wallet.delegate(
            held.id, to=office.world.helper.did, narrower=holding.proposal.narrower, ttl=timedelta(minutes=5)
        )
    assert 2 == len(chain)


def test_a_use_far_below_counts_for_all_above(office: Office) -> None:
    """What a sub-agent does is a use of what its delegator holds, and of what was passed on."""
    with office.wallet() as wallet, office.wallet("helper") as helper:
        wallet.create_did()
        helper.create_did()
        held = office.give(wallet)
        chain = wallet.delegate(held.id, to=helper.dids[0], narrower={}, ttl=timedelta(minutes=30))
        passed = helper.receive(list(chain), source=office.source)
        wallet.delegate(held.id, to=office.world.helper.did, narrower={}, ttl=timedelta(hours=1))
        assert office.use(helper, passed.id) is None
    above, below = reviewed(office), reviewed(office, "helper")

    assert ("used", 1) == (only(above).state, only(above).uses)
    assert only(above).agents == only(below).agents == (below.dids[0],)
    assert [] == list(above.passed_on)  # both have ended by the time of the review
    with office.opened() as wallet:
        early = review(wallet, read_usages(office.log), at=office.now)
    assert [(passed.id, 1), (office.world.helper.did, 0)] == [
        (early.passed_on[0].minted.id, early.passed_on[0].uses),
        (early.passed_on[1].minted.subject, early.passed_on[1].uses),
    ]
    assert only(above).proposal is not None
    assert "a maxDepth of 1 would do" in only(above).proposal.words[-1]  # type: ignore[union-attr]  # as above


def test_a_successor_inherits_what_its_predecessor_was_used_for(office: Office) -> None:
    """Credentials of short life are renewed: the same issuer and subject, another id."""
    with office.wallet() as wallet:
        wallet.create_did()
        first = office.give(wallet)
        assert office.use(wallet, first.id) is None
        office.give(
            wallet, office.capability(office.world.grant(), office.world.grant(id="g2", actions=["invoice.pay"]))
        )
        wallet.relinquish(first.id)
    holding = only(reviewed(office))

    assert ("used", 1) == (holding.state, holding.uses)
    assert "g2 was not used in 30 days: leave it out" in holding.proposal.words  # type: ignore[union-attr]  # something is proposed


def test_new_unused_and_ended(office: Office) -> None:
    """What is new is not judged; what went unused for longer is to be given up; what has ended is only named."""
    with office.wallet() as wallet:
        wallet.create_did()
        office.give(wallet)
    office.log.write_text("")
    new = only(reviewed(office))
    assert ("new", None, None) == (new.state, new.last_used, new.proposal)
    with office.opened() as wallet:
        late = review(wallet, [], at=office.now + timedelta(hours=2), days=1)
        assert "new" == only(late).state
        ended = review(wallet, [], at=office.now + timedelta(hours=8))
        assert ("ended", None) == (only(ended).state, only(ended).proposal)
    with office.wallet("old") as wallet:
        wallet.create_did()
        made = office.issuer.issue(to=wallet.dids[0], capability=office.capability(), ttl=timedelta(days=90))
        wallet.receive(list(made.chain), source=office.source)
        old = only(review(wallet, [], at=office.now + timedelta(days=40)))
    assert ("unused", ("nothing of it was used in 30 days: give it up",)) == (old.state, old.proposal.words)  # type: ignore[union-attr]  # something is proposed
    assert old.proposal.capability is None  # type: ignore[union-attr]  # as above
    assert any("lives 90 days" in note or "90 days" in note for note in old.notes)


def test_the_same_log_gives_the_same_bytes(office: Office) -> None:
    """Whatever order the uses come in, a review is the same JSON."""
    with office.wallet() as wallet:
        wallet.create_did()
        held = office.give(wallet)
        judge = office.verifier()
        for number in range(4):
            office.use(wallet, held.id, Request("http", "invoice.read", f"{RESOURCE}/{number}"), verifier=judge)
        uses = list(read_usages(office.log))
        shown = [encode(review(wallet, each, at=NOW + HOUR).encode()) for each in (uses, uses[::-1])]

    assert shown[0] == shown[1]
    assert uses == [] or [use.resource for use in uses] == [f"{RESOURCE}/{number}" for number in range(4)]


def test_a_log_that_is_none_is_said(office: Office) -> None:
    """A review over a broken log would call everything unused: the line is named instead."""
    office.log.write_text('\n{"type": "AgentdidEvidence"}\n')
    with pytest.raises(ValueError, match="line 2"):
        list(read_usages(office.log))
    with office.wallet() as wallet, pytest.raises(ValueError, match="a day"):
        review(wallet, [], at=NOW, days=0)


def test_refusals_and_repetitions_are_no_uses(office: Office) -> None:
    """Only what was permitted counts, once."""
    with office.wallet() as wallet:
        wallet.create_did()
        held = office.give(wallet)
        judge = office.verifier()
        named = Request("http", "invoice.read", f"{RESOURCE}/7", {}, "call-1")
        assert [None, None] == [office.use(wallet, held.id, named, verifier=judge) for _ in range(2)]
        office.use(wallet, held.id, Request("http", "invoice.pay", f"{RESOURCE}/7"), verifier=judge)
    lines = office.log.read_text().splitlines()
    uses = []
    for line in lines:
        office.log.write_text(line)
        uses.append(len(list(read_usages(office.log))))
    office.log.write_text("\n".join(lines))

    assert [1, 0, 0] == uses
    assert 1 == only(reviewed(office)).uses


def test_an_audit_log_is_read_too(office: Office, tmp_path: Path) -> None:
    """Its records name what was done and no argument: grants, actions and places are reviewed, amounts are not."""
    bounded = office.world.grant(constraints={"amount": {"type": "range", "max": "500.00"}})
    key = SecretKey.generate()
    with office.wallet() as wallet, AuditLog.open(tmp_path / "audit", key, owner=office.world.partner.did) as kept:
        wallet.create_did()
        held = office.give(wallet, office.capability(bounded, office.world.grant(id="g2", actions=["invoice.pay"])))
        judge = office.verifier(audit=kept)
        assert office.use(wallet, held.id, verifier=judge) is None
        office.use(wallet, held.id, Request("http", "invoice.delete", RESOURCE), verifier=judge)
        found = only(review(wallet, read_usages(tmp_path / "audit"), at=NOW + HOUR))

    assert ("used", 1, NOW) == (found.state, found.uses, found.last_used)
    assert (
        f"g1: only {RESOURCE}/7 was used",
        "g2 was not used in 30 days: leave it out",
        "it was not passed on in 30 days: a maxDepth of 0 would do",
    ) == found.proposal.words  # type: ignore[union-attr]  # something is proposed
