"""Trust lists: who is let by them, and every way in which one could let more than it may (specs/trust-list.md)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.link import build_link, secure_link
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, IssuerUntrusted
from agentdid.keys.jwk import thumbprint
from agentdid.verifier.service import Verifier
from agentdid.verify.decide import Decision
from agentdid.verify.evidence import replay
from agentdid.verify.memory import Memory
from agentdid.verify.needs import Absent
from tests.fault_server import Fault, FaultServer, answer, bomb, drip_body, endless
from tests.trust_lists import CAPABILITY, URL, below, build, entry, publish, row, sign
from tests.world import RESOURCE, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world import Party

LOWER = "https://sector.example/trust/list"
READ = Request(type="http", action="invoice.read", resource=f"{RESOURCE}/7", arguments={})


class Registry(World):
    """A world in which the policy has no anchor: whoever is let is let by the registry's list."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = self.party("registry", method="web")
        self.sector = self.party("sector", method="web")

    def judge(
        self, *rows: dict[str, object], chain: list[str | dict[str, object]] | None = None, anchors: object = (),
        memory: Memory | None = None, request: Request | None = None,
    ) -> Decision:  # fmt: skip
        """Judge a chain by acme under a policy of these lists."""
        trust = self.trust(anchor=list(anchors), trust_list=list(rows or [row(self, self.registry)]))  # type: ignore[call-overload]
        verifier = Verifier(trust, source=self, clock=FixedClock(self.now), memory=memory)
        return verifier.verify_credential(chain or self.root(), request=request)  # type: ignore[arg-type]  # a chain

    def refusal(self, *rows: dict[str, object], **options: object) -> AgentdidError:
        """Return what a judgement is refused for."""
        with pytest.raises(AgentdidError) as caught:
            self.judge(*rows, **options)  # type: ignore[arg-type]  # as `judge` has them
        return caught.value


@pytest.fixture
def world() -> Registry:
    """Return the world."""
    return Registry()


@pytest.mark.parametrize("form", ["eddsa-jcs-2022", "vc+jwt"])
def test_a_list_lets_an_issuer(world: Registry, form: str) -> None:
    """L18: an issuer that no anchor lets is let by an entry, for what the entry and the policy both say."""
    publish(world, world.registry, form=form, entries=[entry(world, world.acme)])

    decision = world.judge()

    assert decision.permits(READ)
    assert {each.by for each in decision.verified.freshness} >= {f"trust list {URL}", f"validity of trust list {URL}"}
    assert decision.safe_until <= world.now + timedelta(seconds=300)


def test_nobody_is_let_whom_no_list_names(world: Registry) -> None:
    """L18: default deny."""
    publish(world, world.registry, entries=[entry(world, world.helper)])

    assert world.refusal().code == "issuer_untrusted"


def test_a_list_by_another_did_says_nothing(world: Registry) -> None:
    """L12: the DID that the policy names must have signed, whatever `issuer` says."""
    document = build(world, world.registry, entries=[entry(world, world.acme)])
    world.serve(URL, sign(world, world.stranger, document))
    forged = world.refusal()
    publish(world, world.stranger, entries=[entry(world, world.acme)])
    other = world.refusal()

    assert [forged.code, other.code] == ["issuer_untrusted"] * 2
    assert "issuer_key_mismatch" in other.detail


def test_a_list_whose_signature_does_not_hold_says_nothing(world: Registry) -> None:
    """L13: one changed byte."""
    publish(world, world.registry, entries=[entry(world, world.helper)])
    body = world.served[URL].body.replace(world.helper.did.encode(), world.acme.did.encode())  # type: ignore[union-attr]
    world.serve(URL, body)

    error = world.refusal()

    assert error.code == "issuer_untrusted"
    assert "signature_invalid" in error.detail


@pytest.mark.parametrize(
    "bounds",
    [
        {"roots": ["did:web:other.example"]},
        {"actions": ["order.*"]},
        {"types": ["DiplomaCredential"]},
    ],
)
def test_an_entry_is_no_broader_than_the_policy(world: Registry, bounds: dict[str, object]) -> None:
    """L20: what the policy does not let a list speak of, no entry lets anybody."""
    publish(world, world.registry, entries=[entry(world, world.acme)])

    assert world.refusal(row(world, world.registry, **bounds)).code == "issuer_untrusted"


def test_an_entry_is_cut_to_the_policy(world: Registry) -> None:
    """L20: of what an entry says beyond the policy nothing is left, of the rest all."""
    publish(world, world.registry, entries=[entry(world, world.acme, actions=["invoice.*", "order.*"])])
    grants = [world.grant(id="g1", actions=["invoice.read"]), world.grant(id="g2", actions=["order.place"])]
    chain = world.root(capability=world.capability(grants=grants))

    decision = world.judge(row(world, world.registry, actions=["invoice.read"]), chain=chain)

    assert decision.capability is not None
    assert [each.id for each in decision.capability.grants] == ["g1"]


def test_principals_are_bounded_too(world: Registry) -> None:
    """L20: for whom a chain may act beside issuer and subject takes the entry's word and the policy's."""
    other = "did:web:principal.example"
    chain = world.root(capability=world.capability(principal=other))
    publish(world, world.registry, entries=[entry(world, world.acme, principals=[other])])

    assert world.refusal(chain=chain).code == "issuer_untrusted"
    assert world.judge(row(world, world.registry, principals=[other]), chain=chain).permits(READ)


def chained(world: Registry, named: dict[str, object], **changes: object) -> None:
    """Publish a list that names the sector's, which lets acme."""
    publish(world, world.registry, lists=[named])
    publish(world, world.sector, url=LOWER, entries=[entry(world, world.acme, **changes)])


def test_a_list_below_lets_within_the_list_above(world: Registry) -> None:
    """L22: one list deep, where the policy allows one."""
    chained(world, below(world, world.sector, LOWER))

    decision = world.judge(row(world, world.registry, max_depth=1))

    assert decision.permits(READ)
    assert {f"trust list {LOWER}", f"trust list {URL}"} <= {each.by for each in decision.verified.freshness}


@pytest.mark.parametrize(
    "named",
    [
        {"actions": ["order.*"]},
        {"roots": ["did:web:other.example"]},
        {"types": ["DiplomaCredential"]},
        {"actions": ["invoice.read.*"]},
    ],
)
def test_a_list_below_does_not_widen(world: Registry, named: dict[str, object]) -> None:
    """L23: whatever it says, it is held to what names it; nor is it asked about what it may not speak of."""
    chained(world, below(world, world.sector, LOWER, **named))

    assert world.refusal(row(world, world.registry, max_depth=1)).code == "issuer_untrusted"
    assert LOWER not in world.asked


def test_depth_is_bounded_by_the_policy_and_by_each_list(world: Registry) -> None:
    """L22: by default no list below is asked, nor one that a list lower than its `maxDepth` names."""
    chained(world, below(world, world.sector, LOWER))
    third = "https://third.example/list"
    undepth = world.refusal()
    publish(world, world.sector, url=LOWER, lists=[below(world, world.helper, third)])
    publish(world, world.helper, url=third, entries=[entry(world, world.acme)])
    named_shallow = world.refusal(row(world, world.registry, max_depth=4))
    publish(world, world.registry, lists=[below(world, world.sector, LOWER, maxDepth=1)])

    assert [undepth.code, named_shallow.code] == ["issuer_untrusted"] * 2
    assert world.judge(row(world, world.registry, max_depth=2)).permits(READ)
    assert world.refusal(row(world, world.registry, max_depth=1)).code == "issuer_untrusted"


def test_loops_end(world: Registry) -> None:
    """L24: lists that name each other, or themselves, are asked once on a way."""
    publish(world, world.registry, lists=[below(world, world.sector, LOWER, maxDepth=4)])
    publish(
        world, world.sector, url=LOWER,
        lists=[below(world, world.registry, URL, maxDepth=4), below(world, world.sector, LOWER, maxDepth=4)],
    )  # fmt: skip

    assert world.refusal(row(world, world.registry, max_depth=4)).code == "issuer_untrusted"
    assert [world.asked.count(each) for each in (URL, LOWER)] == [1, 1]


def test_however_many_lists_are_named_few_are_asked(world: Registry) -> None:
    """L24: the total is bounded, and what was not asked lets nobody."""
    urls = [f"https://sector.example/{position}" for position in range(40)]
    publish(world, world.registry, lists=[below(world, world.sector, each) for each in urls])
    for each in urls:
        publish(world, world.sector, url=each, entries=[entry(world, world.acme)] if each == urls[-1] else [])

    assert world.refusal(row(world, world.registry, max_depth=1)).code == "issuer_untrusted"
    assert len(set(world.asked) & set(urls)) == 7


def test_a_revoked_list_says_nothing(world: Registry) -> None:
    """L16: its status is read, and one that cannot be had leaves it open."""
    status = world.status(world.registry, 3)
    publish(world, world.registry, entries=[entry(world, world.acme)], status=status)
    assert world.judge().permits(READ)

    world.registry.revoked.add(3)
    world.publish(world.registry)
    revoked = world.refusal()
    world.served[world.registry.list_url] = Absent(world.registry.list_url, "fetch_timeout", "slow")
    unknown = world.refusal()

    assert [revoked.code, unknown.code] == ["issuer_untrusted", "status_unavailable"]
    assert "status_revoked" in revoked.detail


def test_an_ended_list_is_no_answer(world: Registry) -> None:
    """L15: a newer one may well let the issuer, so nothing is decided; it is asked for once more."""
    old = world.now - timedelta(days=2)
    publish(world, world.registry, entries=[entry(world, world.acme)], begin=old)

    error = world.refusal()

    assert (error.family, error.code) == ("undecided", "trust_list_stale")
    assert world.asked.count(URL) == 2


def test_a_list_of_tomorrow_says_nothing_today(world: Registry) -> None:
    """L15: nor does one before its validFrom."""
    publish(world, world.registry, entries=[entry(world, world.acme)], begin=world.now + timedelta(hours=1))

    assert world.refusal().code == "issuer_untrusted"


@pytest.mark.parametrize(("start", "end", "good"), [(-2, -1, False), (1, 2, False), (-1, 1, True)])
def test_an_entry_has_its_own_time(world: Registry, start: int, end: int, good: bool) -> None:
    """L19: an entry counts in its time alone, and bounds the decision by it."""
    times = {
        name: (world.now + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
        for name, hours in (("validFrom", start), ("validUntil", end))
    }
    publish(world, world.registry, entries=[entry(world, world.acme, **times)])

    if good:
        assert f"entry of trust list {URL}" in {each.by for each in world.judge().verified.freshness}
    else:
        assert world.refusal().code == "issuer_untrusted"


def test_what_is_held_too_long_is_asked_again(world: Registry) -> None:
    """L14: `max_age` bounds the copy; one that is older is no answer."""
    publish(world, world.registry, entries=[entry(world, world.acme)])
    world.now += timedelta(minutes=10)
    world.partner, world.acme = world.party("partner", method="web"), world.party("acme", method="web")
    world.registry = world.party("registry", method="web")

    assert world.judge(row(world, world.registry, max_age=900)).permits(READ)
    assert world.refusal(row(world, world.registry, max_age=300)).code == "trust_list_stale"


@pytest.mark.parametrize(
    ("code", "family"),
    [("fetch_failed", "undecided"), ("fetch_too_large", "undecided"), ("fetch_timeout", "undecided")],
)
def test_a_list_that_cannot_be_had_decides_nothing(world: Registry, code: str, family: str) -> None:
    """L25: undecided where it could have let the issuer, else refused; and no harm where another list lets it."""
    world.served[URL] = Absent(URL, code, "no")
    mattered = world.refusal()
    beside = world.refusal(row(world, world.registry, actions=["order.*"]))
    publish(world, world.sector, url=LOWER, entries=[entry(world, world.acme)])
    rescued = world.judge(row(world, world.registry), row(world, world.sector, url=LOWER))

    assert (mattered.code, mattered.family) == (code, family)
    assert beside.code == "issuer_untrusted"
    assert rescued.permits(READ)


def test_a_list_never_goes_back(world: Registry) -> None:
    """L17: once a list of a URL was believed, an older one is not, however well it is signed."""
    memory = Memory()
    publish(world, world.registry, entries=[entry(world, world.acme)], sequence=7)
    older = world.served[URL]
    publish(world, world.registry, entries=[], sequence=8)
    world.refusal(memory=memory)
    world.served[URL] = older

    assert world.refusal(memory=memory).code == "issuer_untrusted"
    assert world.judge(memory=Memory()).permits(READ)


def test_keys_are_pinned(world: Registry) -> None:
    """L13, L21: an entry's `keys` are the only ones of its issuer, the policy's the only ones of the list's."""
    right, other = thumbprint(world.acme.secret.public), thumbprint(world.stranger.secret.public)
    publish(world, world.registry, entries=[entry(world, world.acme, keys=[other])])
    mismatch = world.refusal()
    publish(world, world.registry, entries=[entry(world, world.acme, keys=[right])], sequence=2)
    pinned_list = world.refusal(row(world, world.registry, keys=[other]))

    assert [mismatch.code, pinned_list.code] == ["issuer_untrusted"] * 2
    own = thumbprint(world.registry.secret.public)
    assert world.judge(row(world, world.registry, keys=[own])).permits(READ)


def test_an_anchor_and_an_entry_are_never_merged(world: Registry) -> None:
    """L21: an anchor that lacks the root and an entry that lacks the action allow nothing together."""
    anchor = {
        "did": world.acme.did,
        "types": [CAPABILITY],
        "roots": ["did:web:other.example"],
        "actions": ["invoice.*"],
    }
    publish(world, world.registry, entries=[entry(world, world.acme, actions=["order.*"])])
    two = row(world, world.registry, actions=["invoice.*", "order.*"])

    assert world.refusal(two, anchors=[anchor]).code == "issuer_untrusted"


def test_two_entries_are_never_merged(world: Registry) -> None:
    """L21: one names the type, another the root and action."""
    other = entry(world, world.acme, types=["DiplomaCredential"], roots=None, actions=None)
    wrong = entry(world, world.acme, roots=["did:web:other.example"])
    publish(world, world.registry, entries=[other, wrong])

    assert world.refusal(row(world, world.registry, types=[CAPABILITY, "DiplomaCredential"])).code == "issuer_untrusted"


def test_a_list_does_not_loosen_the_anchor_that_covers(world: Registry) -> None:
    """L18: where an anchor covers the claim, no list is asked, and the anchor's pins stand."""
    anchor = {
        "did": world.acme.did,
        "types": [CAPABILITY],
        "roots": [world.partner.did],
        "actions": ["invoice.*"],
        "keys": [thumbprint(world.stranger.secret.public)],
    }
    publish(world, world.registry, entries=[entry(world, world.acme)])

    assert world.refusal(anchors=[anchor]).code == "issuer_untrusted"
    assert URL not in world.asked


def test_security_of_a_list_and_of_its_entries(world: Registry) -> None:
    """L13, L20: what the policy asks of a list its signature meets, and what any list on the way asks, the chain."""
    publish(world, world.registry, entries=[entry(world, world.acme, security="pq-required")])
    entry_asks = world.refusal()
    publish(world, world.registry, entries=[entry(world, world.acme)], sequence=2)
    policy_asks = world.refusal(row(world, world.registry, security="pq-required"))

    assert [entry_asks.code, policy_asks.code] == ["hybrid_component_missing", "issuer_untrusted"]


def test_status_issuers_come_from_entry_and_policy(world: Registry) -> None:
    """L20: who else may sign an issuer's status lists takes both."""
    helper = world.party("helper", method="web")
    status = world.status(helper, 9)
    begin = world.now - timedelta(minutes=1)
    document = build_link(
        issuer=world.acme.did, subject=world.agent.did, capability=world.capability(), at=begin, ttl=timedelta(hours=1),
        parent=None, status=status, claims=None,
    )  # fmt: skip
    chain = [secure_link(document, world.acme.secret, world.acme.method_id, form="vc+sd-jwt", at=begin)]
    publish(world, world.registry, entries=[entry(world, world.acme, statusIssuers=[helper.did])])

    assert world.refusal(chain=chain).code == "status_issuer_mismatch"
    assert world.judge(row(world, world.registry, status_issuers=[helper.did]), chain=chain).permits(READ)


@pytest.mark.parametrize(
    "content",
    [
        {"sequence": 1, "entries": []},
        {"sequence": "1", "entries": [], "lists": []},
        {"sequence": -1, "entries": [], "lists": []},
        {"sequence": True, "entries": [], "lists": []},
        {"sequence": 1, "entries": {}, "lists": []},
        {"sequence": 1, "entries": [], "lists": [], "more": 1},
        {"sequence": 1, "entries": [1], "lists": []},
    ],
)
def test_what_is_no_list_says_nothing(world: Registry, content: dict[str, object]) -> None:
    """L3: the schema is closed."""
    document = build(world, world.registry) | {"credentialSubject": {"trustList": content}}
    world.serve(URL, sign(world, world.registry, document))

    error = world.refusal()

    assert (error.code, "type_mismatch" in error.detail) == ("issuer_untrusted", True)


@pytest.mark.parametrize(
    "change",
    [
        {"issuers": []},
        {"issuers": ["acme"]},
        {"types": []},
        {"roots": []},
        {"actions": None},
        {"actions": ["*"]},
        {"actions": ["inv*ice"]},
        {"security": "none"},
        {"keys": ["short"]},
        {"validFrom": "yesterday"},
        {"validFrom": "2027-01-01T00:00:00Z", "validUntil": "2026-01-01T00:00:00Z"},
        {"more": True},
        {"principals": "did:web:a.example"},
    ],
)
def test_one_bad_entry_and_the_list_says_nothing(world: Registry, change: dict[str, object]) -> None:
    """L5: a reader that skipped what it does not know would let more than was meant."""
    publish(world, world.registry, entries=[entry(world, world.acme), entry(world, world.helper, **change)])

    assert world.refusal().code == "issuer_untrusted"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\xfe", b"a.b.c", b"{" * 5_000, b'{"id":1,"id":2}'])
def test_whatever_is_served_nothing_breaks(world: Registry, body: bytes) -> None:
    """L12: what is no signed list says nothing."""
    world.serve(URL, body)

    assert world.refusal().code == "issuer_untrusted"


def test_a_list_of_another_url_says_nothing_here(world: Registry) -> None:
    """L11: its `id` is where it was had."""
    publish(world, world.registry, url=LOWER, entries=[entry(world, world.acme)])
    world.serve(URL, world.served[LOWER].body)  # type: ignore[union-attr]

    assert world.refusal().code == "issuer_untrusted"


def test_a_decision_by_a_list_replays_offline(world: Registry) -> None:
    """L27: the list is in the evidence, and leads to the same decision; another list does not."""
    chained(world, below(world, world.sector, LOWER))
    accepted = world.judge(row(world, world.registry, max_depth=1), request=READ)
    bundle = accepted.report.evidence.encode(accepted)
    refused = world.refusal(row(world, world.registry))
    denied = refused.report.evidence.encode(refused)  # type: ignore[attr-defined]  # a report

    assert isinstance(replay(json.loads(encode(bundle))), Decision)
    assert isinstance(replay(json.loads(encode(denied))), IssuerUntrusted)


def test_many_issuers_are_looked_up_by_name(world: Registry) -> None:
    """L9: a list is read once however many verdicts it leads to, and holds the last issuer as well as the first."""
    many = [f"did:web:issuer{number}.example" for number in range(2_000)]
    publish(world, world.registry, entries=[entry(world, world.acme, issuers=[*many, world.acme.did])])
    memory = Memory()

    assert all(world.judge(memory=memory).permits(READ) for _ in range(3))
    (known,) = [each for each in memory.trust_lists._values.values() if each.content is not None]
    assert known.content is not None
    assert len(known.content.entries) == 2_001


@pytest.mark.parametrize(
    "change",
    [
        {"types": []},
        {"roots": []},
        {"actions": []},
        {"url": "http://registry.example/list"},
        {"url": "https://registry.example/list?x=1"},
        {"issuer": "registry"},
        {"max_depth": 9},
        {"max_age": 0},
        {"security": "strong"},
        {"actions": ["*"]},
        {"more": 1},
    ],
)
def test_a_policy_says_what_its_lists_may_speak_of(world: Registry, change: dict[str, object]) -> None:
    """L10: bounds that are missing are an error, never everything."""
    with pytest.raises(ValueError, match="trust_list"):
        world.trust(trust_list=[row(world, world.registry, **change)])


@pytest.mark.parametrize("kind", ["did", "key"])
@pytest.mark.parametrize("named", ["registry", "sector"])
def test_who_signed_a_list_on_the_way_can_be_denied(world: Registry, kind: str, named: str) -> None:
    """N8: the kill switch reaches whoever let the issuer, and nobody who did not."""
    chained(world, below(world, world.sector, LOWER))
    publish(world, world.stranger, url=f"{LOWER}/other", entries=[])
    others = row(world, world.stranger, url=f"{LOWER}/other")
    trust = world.trust(anchor=[], trust_list=[others, row(world, world.registry, max_depth=1)])
    verifier = Verifier(trust, source=world, clock=FixedClock(world.now))
    party: Party = getattr(world, named)

    def code(number: int) -> str | None:
        presented = world.present(world.root(), challenge=f"n{number}")
        try:
            verifier.authorize(presented, challenge=f"n{number}", request=READ)
        except AgentdidError as error:
            return error.code
        return None

    found = [code(0)]
    verifier.deny("did", world.stranger.did)
    found.append(code(1))
    verifier.deny(kind, party.did if kind == "did" else thumbprint(party.secret.public))
    found.append(code(2))

    assert [None, None, "denied"] == found


def test_a_list_is_a_step_of_the_chain(world: Registry) -> None:
    """L13: what let the issuer counts in the decision's level; what was heard and let nobody does not."""
    registry = world.party("quantum", method="web", algorithm="ML-DSA-44")
    publish(world, registry, url="https://quantum.example/list", entries=[])
    publish(world, world.registry, entries=[entry(world, world.acme)])
    rows = [row(world, registry, url="https://quantum.example/list"), row(world, world.registry)]
    decision = world.judge(*rows)

    assert decision.verified.lists[0] == "classical"
    assert len(decision.verified.lists) == 2  # the list that let acme, and acme's status list


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (answer(b"", status=404), "fetch_failed"),
        (endless(), "fetch_too_large"),
        (bomb(2**24), "fetch_too_large"),
        (drip_body(), "fetch_timeout"),
        (answer(b"{}"), "issuer_untrusted"),
        (answer(b"[" * 100_000), "issuer_untrusted"),
    ],
)
def test_whatever_serves_a_list_nobody_is_let(world: Registry, tmp_path: Path, fault: Fault, code: str) -> None:
    """L5, L25: over real HTTP a server that misbehaves makes no yes, in bounded time."""
    with FaultServer({"/list": fault}, names=("127.0.0.1",)) as server:
        url = server.url("/list", host="127.0.0.1")
        trust = world.trust(
            anchor=[], trust_list=[row(world, world.registry, url=url)], limits={"fetch_timeout_s": 1},
            fetch={"allow": ["127.0.0.1"], "ca": str(server.write_ca(tmp_path))},
        )  # fmt: skip
        started = time.monotonic()
        report = Verifier(trust).inspect(world.root(at=datetime.now(UTC)))

    assert (report.code, time.monotonic() - started < 10) == (code, True)
