"""Approvals: bound to one call by one chain at one verifier, counted once each, used up atomically."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, ApprovalRequired
from agentdid.keys.pair import HYBRID
from agentdid.secure.data_integrity import HYBRID_SET
from agentdid.storage.takes import open_takes
from agentdid.verify.case import HttpRequest
from agentdid.verify.evidence import replay
from agentdid.wallet.approve import check_chain, read_asked, sign_approval
from tests.attacks.test_limits import SHARED, STORES, place_of
from tests.chains import FORMS, JCS, SD_JWT
from tests.racers import race
from tests.world import NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from agentdid.verify.decide import Grant

PAY = Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "250.00", "currency": "EUR"})
_NUMBERS = count()
Wire = str | dict[str, object]


class Scene:
    """A chain whose use needs approval, the verifier, and whoever may approve."""

    def __init__(self, threshold: int = 1, when: object = "always", **options: Any) -> None:  # noqa: ANN401  # of a verifier
        self.world = world = World()
        self.boss, self.auditor = world.party("boss"), world.party("auditor")
        self.rule = {"when": when, "approvers": [self.boss.did, self.auditor.did], "threshold": threshold}
        self.grant = world.grant(actions=["invoice.pay"], approval=self.rule)
        self.chain: list[Wire] = world.root(capability=world.capability(grants=[self.grant]))
        self.verifier = world.verifier(**options)

    def authorize(
        self, *approvals: Wire, request: Request = PAY, chain: list[Wire] | None = None, holder: Party | None = None,
        http: HttpRequest | None = None, form: str = "vp+jwt",
    ) -> Grant:  # fmt: skip
        """One request, with a nonce of its own."""
        nonce = f"n{next(_NUMBERS)}"
        presented = self.world.present(
            [*(chain or self.chain), *approvals], holder, challenge=nonce, http=http, form=form
        )
        return self.verifier.authorize(presented, challenge=nonce, request=request, http=http)

    def asked(self, **options: Any) -> dict[str, object]:  # noqa: ANN401  # of `authorize`
        """What the refusal says is to be approved."""
        with pytest.raises(ApprovalRequired) as refusal:
            self.authorize(**options)
        assert refusal.value.approval is not None
        return dict(refusal.value.approval)

    def approval(
        self, by: Party | None = None, *, asked: dict[str, object] | None = None, uses: int = 1, form: str = SD_JWT,
        ttl_s: int = 300, signed_by: Party | None = None,
    ) -> Wire:  # fmt: skip
        """A credential by which somebody approves."""
        who = by or self.boss
        key = signed_by or who
        _, made = sign_approval(
            read_asked(asked or self.asked()), key.secret, who.method_id, issuer=who.did, at=NOW,
            ttl=timedelta(seconds=ttl_s), uses=uses, form=form,
        )  # fmt: skip
        return made

    def code(self, *approvals: Wire, **options: Any) -> str | None:  # noqa: ANN401  # of `authorize`
        """The code it ends with; `None` for a grant."""
        try:
            self.authorize(*approvals, **options)
        except AgentdidError as error:
            return error.code
        return None


@pytest.mark.parametrize("around", ["vp+jwt", JCS])
@pytest.mark.parametrize("form", FORMS)
def test_an_approval_permits_once(form: str, around: str) -> None:
    """With an approval the call is permitted, and with the same again it is not."""
    scene = Scene()
    approval = scene.approval(form=form)
    grant = scene.authorize(approval, form=around)

    assert [scene.boss.did] == [link.credential.issuer for link in grant.approvals]
    assert 1 == len(grant.encode()["grant"]["approvals"])  # type: ignore[index, call-overload]  # JSON
    assert "approval_used" == scene.code(approval, form=around)
    assert "approval_required" == scene.code()


def test_an_approval_for_several_uses() -> None:
    """`maxUses` says how often; each use is another presentation."""
    scene = Scene()
    approval = scene.approval(uses=3)

    assert [None, None, None, "approval_used"] == [scene.code(approval) for _ in range(4)]


@pytest.mark.parametrize(
    "request_",
    [
        Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "250.01", "currency": "EUR"}),
        Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "250.0", "currency": "EUR"}),
        Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "250.00", "currency": "USD"}),
        Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "250.00", "currency": "EUR", "to": "x"}),
        Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "250.00"}),
        Request("http", "invoice.pay", f"{RESOURCE}/8", PAY.arguments),
        Request("http", "invoice.pay", f"{RESOURCE}/7?x=1", PAY.arguments),
    ],
)
def test_an_approval_is_for_its_arguments(request_: Request) -> None:
    """Any other argument, spelling, or resource is another call, which nobody approved."""
    scene = Scene()

    assert "approval_required" == scene.code(scene.approval(), request=request_)


def test_an_approval_is_for_its_body() -> None:
    """Over HTTP the body's digest is part of what was approved."""
    scene = Scene()
    one, other = (HttpRequest("POST", f"{RESOURCE}/7", f"sha-256=:{name}:") for name in ("YQ==", "Yg=="))
    approval = scene.approval(asked=scene.asked(http=one))

    assert ["approval_required", "approval_required", None] == [
        scene.code(approval, http=other), scene.code(approval), scene.code(approval, http=one),
    ]  # fmt: skip


def test_an_approval_is_for_its_chain() -> None:
    """The same agent with another chain, even of the same content, has no approval."""
    scene = Scene()
    world = scene.world
    other = world.root(index=8, capability=world.capability(grants=[scene.grant]))

    assert "approval_required" == scene.code(scene.approval(), chain=other)
    assert None is scene.code(scene.approval(asked=scene.asked(chain=other)), chain=other)


def test_an_approval_is_for_its_verifier() -> None:
    """An approval that names another audience approves nothing here."""
    scene = Scene()
    asked = scene.asked() | {"audience": [scene.world.stranger.did]}

    assert "approval_required" == scene.code(scene.approval(asked=asked))


def test_v03_another_agents_approval() -> None:
    """Issued to somebody else, it is not the presenter's to show."""
    scene = Scene()
    asked: dict[str, Any] = scene.asked()
    asked["links"][-1]["subject"] = scene.world.helper.did

    assert "holder_binding_failed" == scene.code(scene.approval(asked=asked))


def test_v01_whoever_is_not_named_approves_nothing() -> None:
    """An approval by a DID that no grant names is one that nobody trusts; its keys are not even asked for."""
    scene = Scene()
    outsider = scene.world.party("outsider", method="web")
    approval = scene.approval(outsider)
    scene.world.asked.clear()

    assert "issuer_untrusted" == scene.code(approval)
    assert [] == scene.world.asked


def test_a_forged_approval() -> None:
    """In the approver's name, signed by another key."""
    scene = Scene()

    assert "signature_invalid" == scene.code(scene.approval(signed_by=scene.world.stranger))


def test_two_of_two_are_two_people() -> None:
    """Distinct approvers count towards the threshold: two approvals of one are one."""
    scene = Scene(threshold=2)
    boss, again, auditor = scene.approval(), scene.approval(), scene.approval(scene.auditor)

    assert ["approval_required", "approval_required", None] == [
        scene.code(boss), scene.code(boss, again), scene.code(boss, auditor),
    ]  # fmt: skip
    assert "approval_used" == scene.code(again, auditor)


def test_a_subject_of_a_link_never_approves() -> None:
    """An agent that is named as approver of its own capability, or of one it passed on, counts for nothing."""
    world = World()
    grant = world.grant(
        actions=["invoice.pay"],
        approval={"when": "always", "approvers": [world.agent.did, world.helper.did], "threshold": 1},
    )
    scene = Scene()
    scene.world, scene.verifier = world, world.verifier()
    root = world.root(capability=world.capability(grants=[grant]))
    child = {**grant, "id": "c1", "from": "g1"}
    scene.chain = world.child(
        root, world.agent, world.helper, capability=world.capability(grants=[child], delegation={"maxDepth": 5})
    )
    asked = scene.asked(holder=world.helper)

    assert [[]] == [rule["approvers"] for rule in asked["rules"][:1]]  # type: ignore[index]  # rows
    for by in (world.agent, world.helper):
        assert "approval_required" == scene.code(scene.approval(by, asked=asked), holder=world.helper)


def other_spelling(world: World, name: str) -> Party:
    """A party whose did:key is spelt in base64url: the same key, another string."""
    party = world.party(name)
    did = f"did:key:{encode_multibase(decode_multibase(party.did.removeprefix('did:key:')), 'u')}"
    return Party(party.name, party.secret, did, f"{did}#{did.removeprefix('did:key:')}")


def test_one_key_in_two_spellings_is_one_approver() -> None:
    """A10: who holds the capability under one spelling of a did:key does not approve it under the other, nor twice."""
    scene = Scene(threshold=2)
    world, boss = scene.world, scene.boss
    twin = other_spelling(world, "boss")
    rule = {"when": "always", "approvers": [boss.did, twin.did], "threshold": 1}
    for holder, threshold, expected in ((twin, 1, "approval_required"), (world.agent, 2, "approval_required"),
                                        (world.agent, 1, None)):  # fmt: skip
        grant = {**scene.grant, "approval": {**rule, "threshold": threshold}}
        scene.chain = world.root(subject=holder, capability=world.capability(grants=[grant]))
        asked = scene.asked(holder=holder)
        approvals = [scene.approval(by, asked=asked) for by in (boss, twin)]
        assert expected == scene.code(*approvals, holder=holder)
        assert (holder is twin) == ([] == asked["rules"][0]["approvers"])  # type: ignore[index]  # rows


def test_rules_of_parent_and_child_both_hold() -> None:
    """A child that asks for two where its parent asks for one needs two; approvals that count twice are used once."""
    scene = Scene()
    world = scene.world
    child = {**scene.grant, "id": "c1", "from": "g1", "approval": {**scene.rule, "threshold": 2}}
    scene.chain = world.child(
        scene.chain, world.agent, world.helper, capability=world.capability(grants=[child], delegation={"maxDepth": 5})
    )
    asked = scene.asked(holder=world.helper)
    boss, auditor = scene.approval(asked=asked), scene.approval(scene.auditor, asked=asked)

    assert [1, 2] == [rule["threshold"] for rule in asked["rules"]]  # type: ignore[attr-defined]  # rows
    assert "approval_required" == scene.code(boss, holder=world.helper)
    assert 2 == len(scene.authorize(boss, auditor, holder=world.helper).approvals)


def test_only_where_it_applies() -> None:
    """Below the amount no approval is needed, and one that is there anyway is not used up."""
    scene = Scene(when={"amount": {"gt": "200.00"}})
    small = Request("http", "invoice.pay", f"{RESOURCE}/7", {"amount": "200.00", "currency": "EUR"})
    approval = scene.approval()

    assert [None, None, "approval_used"] == [
        scene.code(approval, request=small), scene.code(approval), scene.code(approval),
    ]  # fmt: skip


def test_env_names_are_the_verifiers() -> None:
    """`when` may speak about `env.ip`; an argument of that name is never read."""
    scene = Scene(when={"env.ip": {"in": ["10.0.0.1"]}})
    request = Request("http", "invoice.pay", f"{RESOURCE}/7", {"env.ip": "10.0.0.2"})
    codes = []
    for address in ("10.0.0.1", "10.0.0.2"):
        nonce = f"n{next(_NUMBERS)}"
        presented = scene.world.present(scene.chain, challenge=nonce)
        try:
            scene.verifier.authorize(presented, challenge=nonce, request=request, environment={"env.ip": address})
            codes.append(None)
        except AgentdidError as error:
            codes.append(error.code)

    assert ["approval_required", None] == codes
    assert "approval_required" == scene.code(request=request)  # unknown counts as applying


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"maxUses": 0}, "type_mismatch"),
        ({"maxUses": "1"}, "type_mismatch"),
        ({"audience": []}, "type_mismatch"),
        ({"audience": ["did:web:a.example", "did:web:b.example"]}, "type_mismatch"),
        ({"type": "ftp"}, "type_mismatch"),
        ({"action": ""}, "type_mismatch"),
        ({"extra": 1}, "type_mismatch"),
    ],
)
def test_an_approval_outside_its_form(change: dict[str, object], code: str) -> None:
    """The closed schema, held before any key is touched."""
    scene = Scene()
    approval = _resigned(scene, lambda document: document["credentialSubject"]["approval"].update(change))

    assert code == scene.code(approval)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(type=["VerifiableCredential", "HumanApprovalCredential", "Extra"]),
        lambda document: document.pop("validUntil"),
        lambda document: document.update(validUntil="2026-11-24T12:15:01Z"),
        lambda document: document.pop("id"),
        lambda document: document.update(credentialSubject=[document["credentialSubject"]] * 2),
    ],
)
def test_v08_an_approval_that_is_not_one(change: Any) -> None:  # noqa: ANN401  # a change
    """V08: exact types; an id, one subject, and a life of minutes."""
    scene = Scene()

    assert "type_mismatch" == scene.code(_resigned(scene, change))


def _resigned(scene: Scene, change: Any) -> dict[str, object]:  # noqa: ANN401  # a change
    from agentdid.proof.suites import SUITES  # noqa: PLC0415  # only here
    from agentdid.secure import data_integrity  # noqa: PLC0415

    made: Any = scene.approval(form=JCS)
    document = {name: value for name, value in made.items() if name != "proof"}
    change(document)
    return data_integrity.add_proof(document, scene.boss.secret, scene.boss.method_id, SUITES[JCS], created=NOW)


def test_v06_an_approval_ends() -> None:
    """V06: past its end, and skew, it is expired."""
    scene = Scene()
    approval = scene.approval(ttl_s=60)
    scene.world.now = NOW + timedelta(seconds=121)
    scene.world.publish(scene.world.acme)
    scene.verifier = scene.world.verifier()

    assert "expired" == scene.code(approval)


def test_a_retry_uses_nothing_up() -> None:
    """The same call under the same request id takes neither a second use nor a second approval."""
    scene = Scene()
    approval = scene.approval()
    request = Request(PAY.type, PAY.action, PAY.resource, PAY.arguments, "r1")

    assert [False, True] == [scene.authorize(approval, request=request).repeated for _ in range(2)]
    assert "approval_used" == scene.code(approval)


def test_the_digest_is_that_of_what_is_shown() -> None:
    """Whoever approves sees what the digests name: a request with other digests is refused, and never signed."""
    asked: dict[str, Any] = Scene().asked()
    for change in (
        {"arguments": {"amount": "1.00", "currency": "EUR"}},
        {"resource": f"{RESOURCE}/8"},
        {"action": "invoice.read"},
        {"contentDigest": "sha-256=:YQ==:"},
        {"links": [{**asked["links"][0], "digestMultibase": "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]},
        {"argumentsDigest": asked["chainDigest"]},
        {"rules": "all"},
        {"links": []},
        {"extra": 1},
    ):
        with pytest.raises(AgentdidError) as refusal:
            read_asked(asked | change)
        assert "type_mismatch" == refusal.value.code


def test_the_chain_that_is_shown_is_the_one_that_is_named() -> None:
    """An approver who is handed the chain sees what its leaf allows; another chain is refused."""
    scene = Scene()
    asked = read_asked(scene.asked())

    assert any("invoice.pay" in line for line in check_chain(asked, scene.chain))
    with pytest.raises(AgentdidError) as refusal:
        check_chain(asked, scene.world.root(index=9))
    assert "chain_link_mismatch" == refusal.value.code


@pytest.mark.parametrize("asked_by", ["chain", "anchor"])
def test_an_approval_is_as_strong_as_the_chain(asked_by: str) -> None:
    """Who breaks classical signatures approves nothing where the chain, or the policy, asks for both kinds."""
    scene = Scene()
    world, weak = scene.world, scene.boss
    world.acme, world.agent = (world.party(name, method="web", algorithm=HYBRID) for name in ("acme", "agent"))
    strong = world.party("auditor", method="web", algorithm=HYBRID)
    scene.grant["approval"] = {"when": "always", "approvers": [weak.did, strong.did], "threshold": 1}
    security = "hybrid" if asked_by == "chain" else "classical"
    scene.chain = world.root(form=HYBRID_SET, capability=world.capability(grants=[scene.grant], minSecurity=security))
    table = world.policy()
    anchors = [{**each, "security": "hybrid-required"} for each in table["anchor"]]  # type: ignore[attr-defined]
    scene.verifier = world.verifier(trust=world.trust(**({} if asked_by == "chain" else {"anchor": anchors})))
    asked = scene.asked(form=HYBRID_SET)
    codes = [
        scene.code(scene.approval(by, asked=asked, form=form), form=HYBRID_SET)
        for by, form in ((weak, JCS), (strong, HYBRID_SET))
    ]

    assert ["hybrid_component_missing", None] == codes


def test_decisions_with_approvals_replay() -> None:
    """The refusal that says what is to be approved, the grant, and the refusal of a used one: each the same again."""
    kept: list[dict[str, Any]] = []
    scene = Scene(log=type("Log", (), {"append": staticmethod(kept.append)})())
    approval = scene.approval()
    codes = [scene.code(approval) for _ in range(2)]

    assert [None, "approval_used"] == codes
    assert 3 == len([replay(bundle) for bundle in kept])


@pytest.mark.parametrize("kind", STORES)
def test_fifty_parallel_uses_of_seven(kind: str, tmp_path: Path) -> None:
    """An approval for seven uses permits exactly seven of fifty parallel requests."""
    store = open_takes(place_of(kind, tmp_path))
    scene = Scene(takes=store)
    approval = scene.approval(uses=7)
    with ThreadPoolExecutor(50) as pool:
        codes = list(pool.map(lambda _: scene.code(approval), range(50)))
    store.close()

    assert (7, 43) == (codes.count(None), codes.count("approval_used"))


_RACER = """
import sys, json
from concurrent.futures import ThreadPoolExecutor
from agentdid.storage.takes import open_takes
from tests.attacks import test_approvals as mine

store = open_takes(sys.argv[1])
scene = mine.Scene(takes=store)
scene.chain = json.loads(sys.argv[2])
approval = sys.argv[3]
mine._NUMBERS = iter(range(int(sys.argv[4]), 10**9))
sys.stdin.readline()
with ThreadPoolExecutor(25) as pool:
    print(list(pool.map(lambda _: scene.code(approval), range(25))).count(None))
"""


@pytest.mark.parametrize("kind", SHARED)
def test_p01_two_processes_share_an_approval(kind: str, tmp_path: Path) -> None:
    """Two processes, 25 threads each, one approval for nine uses: exactly nine acceptances."""
    import json  # noqa: PLC0415  # only here

    place = place_of(kind, tmp_path)
    open_takes(place).close()
    scene = Scene()
    approval = str(scene.approval(uses=9))
    accepted = race(_RACER, [[place, json.dumps(scene.chain), approval, first] for first in ("10000", "20000")])

    assert 9 == accepted
