"""A decision: what it permits and until when; a grant: what was consumed for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.did.document import build_document
from agentdid.did.web import url as did_url
from agentdid.errors import (
    AuthorizationRequired,
    ChainRootUntrusted,
    StatusStale,
    StoreUnavailable,
)
from agentdid.query.dcql import query_for_action
from agentdid.secure import sd_jwt
from agentdid.storage.decision_log import DecisionLog
from agentdid.storage.nonces import MemoryTakes
from agentdid.verifier.service import Verifier
from agentdid.verify.decide import Decision, Grant
from agentdid.verify.evidence import replay
from agentdid.verify.run import report_of
from agentdid.verify.states import Verified
from tests.chains import NONCE, Ending, capability_of, chain_of, child_document, ending, grant_of, root_document, sign
from tests.world import AUDIENCE, NOW, RESOURCE, World

if TYPE_CHECKING:
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")


@pytest.fixture
def world() -> World:
    """The world of the decision."""
    return World()


def decided(world: World, **grant: object) -> Decision:
    """A decision on a root link whose grant is changed."""
    document = root_document(world)
    grant_of(document).update(grant)
    presented = world.present([sign(world, document, world.acme)], challenge=NONCE)
    return world.verifier().verify(presented, challenge=NONCE)


def test_a_decision_is_no_yes_or_no(world: World) -> None:
    """`if decision:` raises, whatever was decided."""
    with pytest.raises(TypeError, match="permits"):
        bool(decided(world))


def test_a_decision_says_what_it_rests_on(world: World) -> None:
    """Code, checks, capability, level, holder and end are there to be read."""
    decision = decided(world)

    assert (None, "classical", world.agent.did, NOW) == (
        decision.code, decision.security_level, decision.holder, decision.at,
    )  # fmt: skip
    assert {"passed"} == {row.outcome for row in decision.checks}
    assert decision.capability is not None
    assert world.acme.did == decision.capability.principal
    assert NOW + timedelta(seconds=60) == decision.safe_until
    assert "accepted" in repr(report_of(decision))


def test_permits_ends_with_the_evidence(world: World) -> None:
    """At `safe_until` it still permits, a moment later it does not; the clock of the verifier counts."""
    decision = decided(world)
    later = structs.replace(decision, clock=FixedClock(decision.safe_until + timedelta(seconds=1)))

    assert decision.permits(READ)
    assert decision.permits(READ, at=decision.safe_until)
    assert not decision.permits(READ, at=decision.safe_until + timedelta(microseconds=1))
    assert not later.permits(READ)


@pytest.mark.parametrize(
    "request_",
    [
        Request("http", "invoice.pay", f"{RESOURCE}/7"),
        Request("mcp_tool", "invoice.read", f"{RESOURCE}/7"),
        Request("http", "invoice.read", f"{AUDIENCE}/v1/payments"),
        Request("http", "invoice.read", "https://elsewhere.example/v1/invoices/7"),
        Request("http", "invoice.read", f"{RESOURCE}/../payments"),
        Request("http", "invoice.read", "invoices"),
        Request("http", "payment.send", f"{RESOURCE}/7"),
    ],
)
def test_what_is_not_permitted(world: World, request_: Request) -> None:
    """Another action, type, resource or owner, a crooked path, an action that no anchor covers."""
    assert not decided(world).permits(request_)


@pytest.mark.parametrize(
    "grant",
    [
        {"limits": {"calls": {"max": 1, "window": "PT1H"}}},
        {"approval": {"when": "always", "approvers": ["did:web:acme.example"], "threshold": 1}},
        {"approval": {"when": {"amount": {"gt": "5"}}, "approvers": ["did:web:acme.example"], "threshold": 1}},
    ],
)
def test_what_must_be_authorized(world: World, grant: dict[str, object]) -> None:
    """Where something is counted or approved, a pure yes would be a lie, even if this request needed neither."""
    decision = decided(world, **grant)
    with pytest.raises(AuthorizationRequired):
        decision.permits(Request("http", "invoice.read", f"{RESOURCE}/7", {"amount": "1"}))
    assert not decision.permits(Request("http", "invoice.pay", f"{RESOURCE}/7"))


@pytest.mark.parametrize(
    ("when", "arguments", "needed"),
    [
        ("always", {}, True),
        ({"amount": {"gt": "200.00"}}, {"amount": "200.00"}, False),
        ({"amount": {"gt": "200.00"}}, {"amount": "200.01"}, True),
        ({"amount": {"gt": "200.00"}}, {"amount": 200}, False),
        ({"amount": {"gt": "200.00"}}, {}, True),
        ({"amount": {"gt": "200.00"}}, {"amount": ["1"]}, True),
        ({"amount": {"gt": "200.00"}}, {"amount": 1.5}, True),
        ({"amount": {"gt": "200.00"}}, {"amount": True}, True),
        ({"amount": {"gt": "200.00"}}, {"amount": "1e9"}, True),
        ({"region": {"in": ["US"]}}, {"region": "EU"}, False),
        ({"region": {"in": ["US"]}}, {"region": "US"}, True),
        ({"region": {"in": ["US"]}}, {"region": 1}, True),
        ({"amount": {"gt": "5"}, "region": {"in": ["US"]}}, {"amount": "1", "region": "US"}, True),
    ],
)
def test_when_an_approval_is_needed(world: World, when: object, arguments: dict[str, object], *, needed: bool) -> None:
    """Missing and mistyped arguments count as true, entries are OR-ed, and nothing is consumed by the answer."""
    document = root_document(world)
    grant_of(document)["approval"] = {"when": when, "approvers": [world.acme.did], "threshold": 1}
    presented = world.present([sign(world, document, world.acme)], challenge=NONCE)
    verifier = world.verifier()
    request = Request("http", "invoice.read", f"{RESOURCE}/7", arguments)
    for _ in range(2 if needed else 1):
        if needed:
            assert Ending("approval_required", "refused", "approvals") == ending(
                lambda: verifier.authorize(presented, challenge=NONCE, request=request)
            )
        else:
            assert world.agent.did == verifier.authorize(presented, challenge=NONCE, request=request).agent


def test_an_approval_of_an_ancestor_counts(world: World) -> None:
    """A child cannot lose its parent's approval rule; and each link's own is asked."""
    document = root_document(world)
    grant_of(document)["approval"] = {"when": "always", "approvers": [world.acme.did], "threshold": 1}
    root = sign(world, document, world.acme)
    chain = [root, sign(world, child_document(world, root, world.agent, world.helper), world.agent)]
    presented = world.present(chain, world.helper, challenge=NONCE)

    assert Ending("approval_required", "refused", "approvals") == ending(
        lambda: world.verifier().authorize(presented, challenge=NONCE, request=READ)
    )


def test_limits_are_counted_and_a_refusal_takes_nothing(world: World) -> None:
    """A grant with limits is permitted while they last; the refusal then takes no nonce."""
    document = root_document(world)
    grant_of(document)["limits"] = {"calls": {"max": 0, "window": "PT1H"}}
    free = {**grant_of(document), "id": "free", "actions": ["invoice.list"], "limits": {}}
    capability_of(document)["grants"].append(free)
    presented = world.present([sign(world, document, world.acme)], challenge=NONCE)
    verifier = world.verifier()
    for _ in range(2):
        assert Ending("limit_exceeded", "refused", "take") == ending(
            lambda: verifier.authorize(presented, challenge=NONCE, request=READ)
        )
    listing = Request("http", "invoice.list", f"{RESOURCE}/7")
    assert "free" == verifier.authorize(presented, challenge=NONCE, request=listing).exercised[0].id


def test_a_hidden_grant_is_not_there(world: World) -> None:
    """A grant that was withheld permits nothing, and one that hangs on a withheld one hangs on nothing."""
    document = root_document(world)
    paying = {**grant_of(document), "id": "g2", "actions": ["invoice.pay"]}
    capability_of(document)["grants"].append(paying)
    root = str(sign(world, document, world.acme))
    shown = sd_jwt.withhold(root, frozenset({("credentialSubject", "capability", "grants", 0)}))
    pay = Request("http", "invoice.pay", f"{RESOURCE}/7")
    presented = world.present([shown], challenge=NONCE)

    assert Ending("capability_target_mismatch", "refused", "request") == ending(
        lambda: world.verifier().authorize(presented, challenge=NONCE, request=pay)
    )
    below = child_document(world, root, world.agent, world.helper)
    chain = [shown, sign(world, below, world.agent)]
    assert Ending("capability_not_attenuated", "refused", "delegation") == ending(
        lambda: world.verifier().authorize(
            world.present(chain, world.helper, challenge=NONCE), challenge=NONCE, request=READ
        )
    )


def test_all_grants_hidden(world: World) -> None:
    """A capability that shows nothing has no grant under any root."""
    shown = sd_jwt.withhold(str(chain_of(world)[0]), frozenset())
    presented = world.present([shown], challenge=NONCE)

    with pytest.raises(ChainRootUntrusted):
        world.verifier().verify(presented, challenge=NONCE)
    assert (
        "capability_target_mismatch"
        == ending(lambda: world.verifier().authorize(presented, challenge=NONCE, request=READ)).code
    )


def test_environment_is_the_verifiers_own(world: World) -> None:
    """`env.ip` counts from the environment alone: an argument of that name is not read, and its absence denies."""
    document = root_document(world)
    grant_of(document)["constraints"] = {"env.ip": {"type": "cidr", "in": ["10.0.0.0/8"]}}
    presented = world.present([sign(world, document, world.acme)], challenge=NONCE)
    claimed = Request("http", "invoice.read", f"{RESOURCE}/7", {"env.ip": "10.1.2.3"})
    verifier = world.verifier()
    for environment in (None, {"env.ip": "192.0.2.1"}, {"env.ip": "nowhere"}):
        found = ending(
            lambda here=environment: verifier.authorize(  # type: ignore[misc]  # a default binds the loop's value
                presented, challenge=NONCE, request=claimed, environment=here
            )
        )
        assert Ending("capability_target_mismatch", "refused", "request") == found
    assert verifier.authorize(presented, challenge=NONCE, request=READ, environment={"env.ip": "10.1.2.3"})


def test_a_query_that_is_not_answered(world: World) -> None:
    """What was asked for was not shown: `query_not_satisfied`, before the request is looked at."""
    presented = world.present(chain_of(world), challenge=NONCE)
    query = query_for_action("invoice.pay")

    assert Ending("query_not_satisfied", "refused", "query") == ending(
        lambda: world.verifier().verify(presented, challenge=NONCE, query=query)
    )


@pytest.mark.parametrize("form", ["vp+jwt", "eddsa-jcs-2022"])
def test_the_asynchronous_face_is_the_same(world: World, form: str) -> None:
    """`aauthorize` and `averify` decide what `authorize` and `verify` do, by the same store."""
    verifier = world.verifier(takes=MemoryTakes())
    one, two = (world.present(chain_of(world), challenge=name, form=form) for name in ("one", "two"))

    async def run() -> tuple[Grant, Decision]:
        return (
            await verifier.aauthorize(one, challenge="one", request=READ),
            await verifier.averify(two, challenge="two"),
        )

    grant, decision = asyncio.run(run())
    assert grant.encode()["outcome"] == decision.encode()["outcome"] == "accepted"
    for presented, name in ((one, "one"), (two, "two")):
        expected = Ending("nonce_replayed", "refused", "take")
        assert expected == ending(lambda p=presented, n=name: verifier.verify(p, challenge=n))  # type: ignore[misc]
        assert expected == ending(
            lambda p=presented, n=name: asyncio.run(verifier.aauthorize(p, challenge=n, request=READ))  # type: ignore[misc]
        )


def test_a_decision_that_cannot_be_recorded_does_not_stand(world: World, tmp_path: Path) -> None:
    """A log that cannot be written refuses, whatever was decided; one that can be replays to the same decisions."""
    place = tmp_path / "log.jsonl"
    kept = world.verifier(log=DecisionLog(place))
    presented = world.present(chain_of(world), challenge=NONCE)
    kept.authorize(presented, challenge=NONCE, request=READ)
    ending(lambda: kept.authorize(presented, challenge=NONCE, request=READ))
    lines = place.read_bytes().splitlines()
    lost = world.verifier(log=DecisionLog(tmp_path / "nowhere" / "log.jsonl"))

    with pytest.raises(StoreUnavailable):
        lost.authorize(presented, challenge=NONCE, request=READ)
    with pytest.raises(StoreUnavailable):
        lost.verify(presented, challenge="another")
    assert [None, "nonce_replayed"] == [report_of(replay(_json(line))).code for line in lines]


def _json(line: bytes) -> object:
    import json  # noqa: PLC0415  # of this helper alone

    return json.loads(line)


def test_a_store_that_hands_out_nothing(world: World) -> None:
    """A store that only consumes cannot issue challenges, and says so."""

    class Consuming:
        """Takes everything."""

        check = staticmethod(lambda _nonce, _at: "ours")
        take = staticmethod(lambda *_: "taken")

    with pytest.raises(StoreUnavailable):
        world.verifier(takes=Consuming()).issue_nonce()


def test_a_store_that_does_not_answer(world: World) -> None:
    """Anything but "taken" refuses."""
    presented = world.present(chain_of(world), challenge=NONCE)
    for word in ("unavailable", "", "TAKEN", "ok"):
        store = type("Odd", (), {"take": staticmethod(lambda *_, said=word: said)})()

        assert Ending("store_unavailable", "undecided", "take") == ending(
            lambda odd=store: world.verifier(takes=odd).verify(presented, challenge=NONCE)  # type: ignore[misc]
        )


def test_verified_comes_from_the_verifier_alone(world: World) -> None:
    """Nobody makes, copies or changes a `Verified` by hand."""
    from msgspec.structs import replace  # noqa: PLC0415  # the attack itself

    verified = decided(world).verified
    with pytest.raises(TypeError):
        Verified(verified.parsed, NOW, frozenset(), (), ())
    with pytest.raises((TypeError, ValueError)):
        replace(verified, void=frozenset())


def test_a_past_instant_grants_nothing(world: World) -> None:
    """Judged as of a past instant, evidence from later does not count, and no grant comes of it."""
    chain = chain_of(world)
    verifier: Verifier = world.verifier()
    past = NOW - timedelta(minutes=30)

    assert "did_not_found" == ending(lambda: verifier.verify_credential(chain, at=past)).code  # type: ignore[arg-type]
    report = verifier.inspect(world.present(chain, challenge=NONCE), challenge=NONCE, at=past, request=READ)
    assert "accepted" != report.outcome


def test_a_document_from_the_future_is_not_held(world: World) -> None:
    """A DID document or list that came after the asked instant is no evidence for it."""
    chain = chain_of(world)
    world.now = NOW + timedelta(minutes=10)
    world.serve(did_url(world.acme.did), encode(build_document(world.acme.did, {"key-1": world.acme.secret.public})))
    world.publish(world.acme)
    at = NOW + timedelta(minutes=1)
    verifier = world.verifier()

    assert "did_not_found" == ending(lambda: verifier.verify_credential(chain, at=at)).code  # type: ignore[arg-type]


def test_a_stale_list_is_asked_for_once_more(world: World) -> None:
    """The second answer counts: fresh it accepts, stale again it does not."""
    chain = chain_of(world)
    world.publish(world.acme, signed_at=NOW - timedelta(minutes=2))
    old = world.served[world.acme.list_url]
    world.publish(world.acme)
    fresh = world.served[world.acme.list_url]
    inner = World()
    for answers, accepted in (([old, fresh], True), ([old, old], False)):
        left = list(answers)

        def get(url: str, accept: tuple[str, ...], max_age_s: float, left: list[object] = left) -> object:
            return left.pop(0) if url == world.acme.list_url else inner.get(url, accept, max_age_s)

        source = type("Source", (), {"get": staticmethod(get)})()
        verifier = Verifier(world.trust(), source=source, clock=FixedClock(NOW))
        if accepted:
            assert verifier.verify_credential(chain).holder is None  # type: ignore[arg-type]
        else:
            with pytest.raises(StatusStale):
                verifier.verify_credential(chain)  # type: ignore[arg-type]
        assert [] == left
