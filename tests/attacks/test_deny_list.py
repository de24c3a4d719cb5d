"""The deny list: whoever and whatever is on it gets no further, in any part, at once, and learns nothing more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from agentdid.codec.base import encode_multibase
from agentdid.codec.strict_json import encode, parse
from agentdid.delegation.usage import Request
from agentdid.did import key as did_key
from agentdid.errors import AgentdidError, Denied, EvidenceMismatch, StoreUnavailable
from agentdid.keys.composite import components
from agentdid.keys.jwk import thumbprint
from agentdid.keys.multikey import encode_multikey
from agentdid.storage.denied import MemoryDenied
from agentdid.trust.denied import DenyEntry, make_entry
from agentdid.verify.evidence import replay
from agentdid.verify.needs import NeedDenied, NeedTake
from agentdid.verify.run import report_of
from tests.attacks import test_stapled_status as staples
from tests.attacks.test_approvals import Scene
from tests.attacks.test_limits import SHARED, STORES, open_takes, place_of
from tests.chains import FORMS, NONCE, SD_JWT, Wire, chain_of, ending, opened, root_document, sign
from tests.databases import valkey_process
from tests.world import AUDIENCE, NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentdid.keys.public import PublicKey
    from agentdid.verifier.service import Verifier
    from agentdid.verify.decide import Grant
    from agentdid.verify.needs import Answer

ROOT = Path(__file__).resolve().parents[2]
READ = Request("http", "invoice.read", f"{RESOURCE}/7")
_NUMBERS = count()


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    """Stores that `open_takes` opened are closed."""
    from tests.attacks.test_limits import _OPENED  # noqa: PLC0415  # the list of that helper

    yield
    while _OPENED:
        _OPENED.pop().close()


def shown(world: World, chain: list[Wire], holder: Party | None = None, **options: Any) -> tuple[str, str]:  # noqa: ANN401
    """A presentation and the nonce it answers."""
    nonce = f"n{next(_NUMBERS)}"
    return world.present(chain, holder, challenge=nonce, **options), nonce


def authorize(verifier: Verifier, world: World, chain: list[Wire], holder: Party | None = None) -> Grant:
    """One request, with a nonce of its own."""
    presented, nonce = shown(world, chain, holder)
    return verifier.authorize(presented, challenge=nonce, request=READ)


def code(verifier: Verifier, world: World, chain: list[Wire], holder: Party | None = None) -> str | None:
    """The code it ends with; `None` for a grant."""
    try:
        authorize(verifier, world, chain, holder)
    except AgentdidError as error:
        return error.code
    return None


def digest(wire: Wire) -> str:
    """How a child names this link."""
    return encode_multibase(b"\x12\x20" + opened(wire).digest, "u")


@pytest.mark.parametrize("form", FORMS)
def test_whatever_is_named_is_denied(form: str) -> None:
    """Issuers, subjects, holder, every credential and every key: one check, one code, no word more, nothing fetched."""
    world = World()
    chain = chain_of(world, form, world.agent, world.helper)
    documents = [opened(link).document for link in chain]
    named = [("did", each.did) for each in (world.acme, world.agent, world.helper)]
    named += [("credential", str(each["id"])) for each in documents]
    named += [("credential", digest(each)) for each in chain]
    named += [("key", thumbprint(each.secret.public)) for each in (world.acme, world.agent, world.helper)]
    found = []
    for kind, value in named:
        verifier = world.verifier()
        assert code(verifier, world, chain, world.helper) is None
        verifier.deny(kind, value, reason="a reason that nobody is told")
        world.asked.clear()
        presented, nonce = shown(world, chain, world.helper)
        found.append(ending(lambda: verifier.authorize(presented, challenge=nonce, request=READ)))  # noqa: B023
        with pytest.raises(Denied) as refusal:
            authorize(verifier, world, chain, world.helper)
        assert ("this verifier denies it", "") == (refusal.value.detail, refusal.value.path)
        assert [url for url in world.asked if "status" in url] == []

    assert {("denied", "refused", "denied")} == {(each.code, each.family, each.check) for each in found}
    assert 10 == len(found)


def test_what_is_not_named_passes() -> None:
    """Entries for others, and for parts of names, deny nobody."""
    world = World()
    verifier = world.verifier()
    for kind, value in (
        ("did", world.stranger.did), ("did", "did:web:acme.example:unit"), ("credential", "urn:uuid"),
        ("key", thumbprint(world.stranger.secret.public)), ("credential", world.agent.did),
    ):  # fmt: skip
        verifier.deny(kind, value)

    assert code(verifier, world, world.root()) is None


def test_an_approver_is_denied() -> None:
    """A denied approver's approval denies the call it came with; without it the call lacks an approval."""
    scene = Scene()
    approval = scene.approval()
    scene.verifier.deny("did", scene.boss.did)

    assert ["denied", "approval_required"] == [scene.code(approval), scene.code()]
    assert scene.code(scene.approval(scene.auditor)) is None


@pytest.mark.parametrize("algorithm", ["ML-DSA-44-Ed25519", "ML-DSA-44+Ed25519", "P-256"])
def test_a_component_of_a_key_is_denied(algorithm: str) -> None:
    """A composite key is denied by either half, a pair by either key."""
    world = World()
    name = "Ed25519+ML-DSA-44" if "+" in algorithm else algorithm
    issuer = world.party("many", method="web", algorithm=name)
    form = {"P-256": SD_JWT, "ML-DSA-44-Ed25519": SD_JWT}.get(algorithm, "hybrid-set")
    keys: tuple[PublicKey, ...]
    if "+" in algorithm:
        keys = tuple(each.public for each in (issuer.secret.classical, issuer.secret.post_quantum))  # type: ignore[union-attr]  # a KeyPair
    else:
        public = issuer.secret.public
        keys = (public, *components(public))
    anchor = {
        "did": issuer.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did],
        "actions": ["invoice.*"], "status_issuers": [world.acme.did],
    }  # fmt: skip
    capability = world.capability(principal=issuer.did)
    chain = world.root(issuer, form=form, capability=capability)
    if algorithm == "ML-DSA-44-Ed25519":  # no list of its own: what stands in a JWT signs no Data Integrity list
        made = world.capability(principal=issuer.did)
        chain = world.root(issuer, form=form, capability=made, index=None)
    trust = world.trust(anchor=[anchor])
    for key in keys:
        verifier = world.verifier(trust=trust)
        before = code(verifier, world, chain)
        verifier.deny("key", thumbprint(key))

        assert before in (None, "status_unavailable")
        assert "denied" == code(verifier, world, chain)


def test_a_did_key_is_denied_in_every_spelling() -> None:
    """A did:key is its key: denied in base58btc it is denied in base64url, and by its key's thumbprint."""
    world = World()
    public = world.agent.secret.public
    other = did_key.PREFIX + encode_multibase(b"\xed\x01" + public.raw, "u")
    spelled = Party("agent", world.agent.secret, other, f"{other}#{other.removeprefix(did_key.PREFIX)}")
    chain = world.root(subject=spelled)
    for kind, value in (("did", world.agent.did), ("did", other), ("key", encode_multikey(public)), ("key", other)):
        verifier = world.verifier()
        assert code(verifier, world, chain, spelled) is None
        verifier.deny(kind, value)

        assert "denied" == code(verifier, world, chain, spelled)


def test_denied_comes_before_what_else_is_wrong_and_after_the_holder() -> None:
    """Whatever else is wrong a denied party hears the same; whoever does not answer us hears nothing of it."""
    world = World()
    past = world.root(at=NOW - timedelta(hours=3), ttl=timedelta(hours=1))
    world.acme.revoked.add(7)
    world.publish(world.acme)
    verifier = world.verifier()
    verifier.deny("did", world.acme.did)
    presented, nonce = shown(world, world.root())
    delete = Request("http", "invoice.delete", f"{RESOURCE}/7")
    with pytest.raises(Denied):
        verifier.authorize(presented, challenge=nonce, request=replace(delete))

    assert ["denied", "denied"] == [code(verifier, world, past), code(verifier, world, world.root())]
    with pytest.raises(AgentdidError) as refusal:
        verifier.authorize(presented, challenge="another", request=READ)
    assert "nonce_mismatch" == refusal.value.code


def test_bare_credentials_are_denied() -> None:
    """Without a holder too, and in an inspection; neither consumes anything."""
    world = World()
    verifier = world.verifier()
    chain = world.root()
    verifier.verify_credential(list(chain))
    verifier.deny("did", world.agent.did)
    with pytest.raises(Denied):
        verifier.verify_credential(list(chain))

    assert "denied" == verifier.inspect(list(chain)).code
    presented, nonce = shown(world, chain)
    assert "denied" == verifier.inspect(presented, challenge=nonce).code


def policy_of(world: World, *entries: dict[str, str]) -> Any:  # noqa: ANN401  # a Trust
    """The partner's policy with entries of its own."""
    return world.trust(deny=list(entries))


def test_entries_of_the_policy_count() -> None:
    """`[[deny]]` needs no store; an entry counts until a minute after its end."""
    world = World()
    chain = world.root()
    ends = {"kind": "did", "value": world.agent.did, "reason": "x"}
    cases = [
        ("2026-11-24T12:00:00Z", "denied"), ("2026-11-24T11:59:01Z", "denied"), ("2026-11-24T11:59:00Z", None),
        ("2026-11-24T11:00:00Z", None),
    ]  # fmt: skip
    found = [code(world.verifier(trust=policy_of(world, {**ends, "until": until})), world, chain) for until, _ in cases]

    assert [each for _, each in cases] == found
    verifier = world.verifier(trust=policy_of(world, ends))
    assert "denied" == code(verifier, world, chain)
    assert [] == [need for need, _ in _refused(verifier, world, chain).evidence.exchange if type(need) is NeedDenied]


def _refused(verifier: Verifier, world: World, chain: list[Wire], holder: Party | None = None) -> Any:  # noqa: ANN401  # a Report
    with pytest.raises(AgentdidError) as refusal:
        authorize(verifier, world, chain, holder)
    return refusal.value.report


@pytest.mark.parametrize(
    "entry",
    [
        {"kind": "person", "value": "x"},
        {"kind": "did", "value": "acme"},
        {"kind": "key", "value": "short"},
        {"kind": "did", "value": "did:web:a.example", "until": "tomorrow"},
        {"kind": "did", "value": "did:web:a.example", "since": "2026-11-24T12:00:00"},
        {"kind": "did", "value": "did:web:a.example", "why": "x"},
        {"kind": "did"},
    ],
)
def test_an_entry_that_cannot_be_meant_is_an_error(entry: dict[str, str]) -> None:
    """A kill switch with a typing error in it is said at the start, not found out when it is needed."""
    with pytest.raises(ValueError, match=r"deny\[0\]"):
        policy_of(World(), entry)


def test_nobody_is_asked_where_there_is_no_list() -> None:
    """A policy without a list has no such check, and its take names nobody; so with `deny = false`."""
    world = World()
    for trust in (world.trust(), world.trust(store={"url": "memory:", "deny": False})):
        grant = authorize(world.verifier(trust=trust), world, world.root())

        assert "denied" not in [each.check for each in grant.decision.checks]
        assert [()] == [need.names for need, _ in grant.decision.exchange if isinstance(need, NeedTake)]
    listed = authorize(world.verifier(trust=world.trust(store={"url": "memory:"})), world, world.root())
    assert [("clear"), ("taken")] == [
        reply for need, reply in listed.decision.exchange if isinstance(need, NeedDenied | NeedTake)
    ]


def on(kind: str, folder: Path, world: World) -> tuple[Verifier, Any]:
    """A verifier whose store has a deny list, and that store."""
    store = open_takes(place_of(kind, folder))
    return world.verifier(takes=store, denied=store.denied), store


@pytest.mark.parametrize("kind", STORES)
def test_each_store_keeps_a_list(kind: str, tmp_path: Path) -> None:
    """Written, found, replaced, listed, taken off; an end is kept; what is looked up is a whole name."""
    store = open_takes(place_of(kind, tmp_path)).denied
    until = NOW + timedelta(minutes=5)
    one = make_entry("did", "did:web:a.example", reason="first", since=NOW)
    ending_ = make_entry("credential", "urn:uuid:1 with a space", reason="ends", since=NOW, until=until)
    names = ("did did:web:b.example", "credential urn:uuid:1 with a space", "did did:web:a.example")

    assert ("clear", []) == (store.find(names, NOW), store.entries())
    assert [True, True, False] == [store.add(one), store.add(ending_), store.add(replace(one, reason="second"))]
    assert [ending_, replace(one, reason="second")] == store.entries()
    late = until + timedelta(seconds=61)
    assert ["denied:1", "denied:2", "clear"] == [
        store.find(names, NOW), store.find(names, late), store.find(names[:2], late),
    ]  # fmt: skip
    assert [True, False] == [store.remove("did", "did:web:a.example"), store.remove("did", "did:web:a.example")]
    assert [ending_] == store.entries()


@pytest.mark.parametrize("kind", STORES)
def test_a_take_asks_once_more(kind: str, tmp_path: Path) -> None:
    """What is denied takes nothing: when the entry is gone the same nonce is taken, and the budget is whole."""
    store = open_takes(place_of(kind, tmp_path))
    entry = make_entry("did", "did:web:a.example", since=NOW)
    store.denied.add(entry)

    def take(*names: str) -> str:
        return store.take(AUDIENCE, "n", NOW + timedelta(minutes=5), NOW, None, names)

    assert "denied:1" == take("did did:web:b.example", entry.name)
    store.denied.remove(entry.kind, entry.value)
    assert ["taken", "replayed"] == [take("did did:web:b.example", entry.name), take()]


class Slow:
    """A source that does something when a status list is asked for: while the judgement is under way."""

    def __init__(self, world: World, act: Callable[[], object]) -> None:
        self._world, self._act = world, act

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Serve, and act."""
        if "/status/" in url:
            self._act()
        return self._world.get(url, accept, max_age_s)

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`."""
        return self.get(url, accept, max_age_s)


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("apart", [False, True], ids=["one store", "two stores"])
def test_an_entry_written_while_a_judgement_runs_counts(kind: str, apart: bool, tmp_path: Path) -> None:
    """The last step asks anew: refused there, with nothing consumed; lifted, the same presentation is good."""
    world = World()
    verifier, store = on(kind, tmp_path, world)
    verifier._takes = open_takes("memory:") if apart else store
    entry = make_entry("did", world.agent.did, since=NOW)
    verifier._source = Slow(world, lambda: store.denied.add(entry))
    presented, nonce = shown(world, world.root())
    found = ending(lambda: verifier.authorize(presented, challenge=nonce, request=READ))

    assert ("denied", "take") == (found.code, found.check)
    verifier._source = world
    store.denied.remove(entry.kind, entry.value)
    assert "accepted" == verifier.authorize(presented, challenge=nonce, request=READ).decision.report.outcome


def test_who_signed_a_status_list_is_denied() -> None:
    """A list signed by a denied issuer of lists, or a denied key, vouches for nobody."""
    world = World()
    lists = world.party("lists", method="web")
    world.publish(lists)
    anchor = {
        "did": world.acme.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did],
        "actions": ["invoice.*"], "status_issuers": [lists.did],
    }  # fmt: skip
    made = root_document(world)
    made["credentialStatus"] = world.status(lists, 7)
    chain = [sign(world, made, world.acme)]
    for kind, value in (("did", lists.did), ("key", thumbprint(lists.secret.public))):
        verifier = world.verifier(trust=world.trust(anchor=[anchor]))
        assert code(verifier, world, chain) is None
        verifier.deny(kind, value)
        assert "denied" == code(verifier, world, chain)
    fixed = world.verifier(trust=world.trust(anchor=[anchor], deny=[{"kind": "did", "value": lists.did}]))
    assert "denied" == code(fixed, world, chain)


def test_who_signed_a_stapled_status_is_denied() -> None:
    """What a holder carries along of a denied issuer of lists vouches for nobody either."""
    world = World()
    lists = world.party("lists", method="web")
    anchor = {
        "did": world.acme.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did],
        "actions": ["invoice.*"], "status_issuers": [lists.did],
    }  # fmt: skip
    presented = staples.present(world, world.root(), [staples.staple(world, signer=lists)], SD_JWT)
    source = staples.Offline(world)
    verifier = world.verifier(trust=world.trust(anchor=[anchor]))
    verifier._source = source
    verifier.deny("did", lists.did)
    with pytest.raises(Denied):
        verifier.authorize(presented, challenge=NONCE, request=READ)
    verifier.denied.remove("did", lists.did)

    assert "accepted" == verifier.authorize(presented, challenge=NONCE, request=READ).decision.report.outcome


def test_a_replay_says_the_same() -> None:
    """Refused or accepted, at either place: the bundle leads to the decision, and a changed answer is found."""
    world = World()
    verifier = world.verifier(trust=world.trust(store={"url": "memory:"}))
    chain = world.root()
    grant = authorize(verifier, world, chain)
    good = grant.decision.report.evidence.encode(grant)
    verifier.deny("did", world.agent.did)
    presented, nonce = shown(world, chain)
    with pytest.raises(Denied) as refusal:
        verifier.authorize(presented, challenge=nonce, request=READ)
    bad = report_of(refusal.value).evidence.encode(refusal.value)
    for bundle in (good, bad):
        again: Any = parse(encode(bundle)).value

        replay(again)
        (asked,) = [each for each in again["answers"] if each["need"]["kind"] == "denied"]
        asked["reply"] = "clear" if asked["reply"] != "clear" else "denied:0"
        with pytest.raises(EvidenceMismatch):
            replay(again)


def test_a_replay_knows_the_policy_s_entries() -> None:
    """Entries of the policy travel with it."""
    world = World()
    verifier = world.verifier(trust=policy_of(world, {"kind": "did", "value": world.agent.did}))
    with pytest.raises(Denied) as refusal:
        authorize(verifier, world, world.root())
    bundle: Any = parse(encode(report_of(refusal.value).evidence.encode(refusal.value))).value

    replay(bundle)
    del bundle["question"]["trust"]["denied"]
    with pytest.raises(EvidenceMismatch):
        replay(bundle)


def test_a_decision_relied_upon_later_is_held_against_the_list() -> None:
    """`permits` is pure; whoever relies on a decision asks anew, and a decision without names is judged again."""
    world = World()
    verifier = world.verifier(trust=world.trust(store={"url": "memory:"}))
    presented, nonce = shown(world, world.root())
    decision = verifier.verify(presented, challenge=nonce)
    verifier.check_not_denied(decision)
    verifier.deny("key", thumbprint(world.agent.secret.public))
    with pytest.raises(Denied):
        verifier.check_not_denied(decision)
    assert decision.permits(READ)
    other = world.verifier()
    presented, nonce = shown(world, world.root())
    before = other.verify(presented, challenge=nonce)
    other.check_not_denied(before)
    other.deny("did", world.stranger.did)
    with pytest.raises(StoreUnavailable):
        other.check_not_denied(before)


@pytest.mark.parametrize("kind", SHARED)
def test_a_list_that_does_not_answer_is_no_yes(kind: str, tmp_path: Path) -> None:
    """A file or table that is gone, a server that lost its data: `store_unavailable`, at the check itself."""
    world = World()
    verifier, store = on(kind, tmp_path, world)
    assert code(verifier, world, world.root()) is None
    if kind == "sqlite":
        (tmp_path / "takes.db").unlink()
    elif kind == "postgres":
        with store._engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE agentdid_nonces.denied")
    else:
        store._client.flushdb()
    presented, nonce = shown(world, world.root())
    found = ending(lambda: verifier.authorize(presented, challenge=nonce, request=READ))

    assert ("store_unavailable", "undecided", "denied") == (found.code, found.family, found.check)


def test_a_file_that_was_made_anew_is_another_list(tmp_path: Path) -> None:
    """Whoever knew the list that was lost does not take an empty one for it."""
    world = World()
    verifier, store = on("sqlite", tmp_path, world)
    store.denied.add(make_entry("did", world.agent.did, since=NOW))
    (tmp_path / "takes.db").unlink()
    open_takes(f"sqlite:{tmp_path / 'takes.db'}")

    assert "store_unavailable" == code(verifier, world, world.root())


def test_a_paused_server_is_undecided() -> None:
    """A Valkey that does not answer within its bound is no yes."""
    world = World()
    verifier, _ = on("valkey", Path(), world)
    server = valkey_process()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        assert "store_unavailable" == code(verifier, world, world.root())
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_a_store_that_cannot_be_opened_is_undecided(tmp_path: Path) -> None:
    """The policy names a file in a folder that is no folder: nobody passes."""
    world = World()
    (tmp_path / "no folder").write_text("")
    verifier = world.verifier(trust=world.trust(store={"url": f"sqlite:{tmp_path / 'no folder' / 'x.db'}"}))

    assert "store_unavailable" == verifier.inspect(list(world.root())).code


def test_a_store_without_a_list_is_undecided() -> None:
    """A store of somebody's own that has no deny list does not stand for an empty one."""

    class Bare:
        """Takes all there is."""

        def check(self, nonce: str, at: object) -> str:  # noqa: ARG002  # Takes
            """Return "ours"."""
            return "ours"

        def take(self, *given: object) -> str:  # noqa: ARG002  # Takes
            """Return "taken"."""
            return "taken"

    world = World()
    verifier = world.verifier(takes=Bare(), trust=world.trust(store={"url": "memory:"}))

    assert "store_unavailable" == code(verifier, world, world.root())
    with pytest.raises(StoreUnavailable):
        verifier.deny("did", world.agent.did)
    apart = world.verifier(takes=Bare(), denied=MemoryDenied())
    assert code(apart, world, world.root()) is None


_JUDGE = """
import sys, time
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError
from agentdid.storage.takes import open_takes
from tests.world import RESOURCE, World

world = World()
store = open_takes(sys.argv[1])
verifier = world.verifier(takes=store, denied=store.denied)
request = Request("http", "invoice.read", f"{RESOURCE}/7")
chain = world.root()
made = [(world.present(chain, challenge=f"{sys.argv[2]}-{n}"), f"{sys.argv[2]}-{n}") for n in range(400)]
print("ready", flush=True)
sys.stdin.readline()
for presented, nonce in made:
    begun = time.monotonic()
    try:
        verifier.authorize(presented, challenge=nonce, request=request)
        code = "accepted"
    except AgentdidError as error:
        code = error.code
    print(begun, code, flush=True)
    if code != "accepted":
        break
"""


@pytest.mark.parametrize("kind", SHARED)
def test_an_entry_is_effective_at_once_in_every_process(kind: str, tmp_path: Path) -> None:
    """Two processes judge without pause; the command line denies: no judgement begun after it returned is a yes."""
    place = place_of(kind, tmp_path)
    open_takes(place)
    world = World()
    judges = [
        subprocess.Popen(
            [sys.executable, "-c", _JUDGE, place, f"judge{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
        )
        for number in range(2)
    ]  # fmt: skip
    try:
        for judge in judges:
            assert "ready\n" == judge.stdout.readline()  # type: ignore[union-attr]  # a pipe
        for judge in judges:
            judge.stdin.write("go\n")  # type: ignore[union-attr]
            judge.stdin.flush()  # type: ignore[union-attr]
        first = [judge.stdout.readline() for judge in judges]  # type: ignore[union-attr]  # a yes of each, before
        store = open_takes(place)
        store.denied.add(make_entry("did", world.agent.did, since=NOW))
        written = time.monotonic()  # one clock for all processes of a machine
        rest = [judge.communicate(timeout=60)[0] for judge in judges]
    finally:
        for judge in judges:
            judge.kill()
    lines = [(one + others).splitlines() for one, others in zip(first, rest, strict=True)]
    rows = [(float(begun), said) for each in lines for begun, said in (line.split() for line in each)]

    assert ["accepted", "accepted"] == [each[0].split()[1] for each in lines]
    assert [] == [begun for begun, said in rows if said == "accepted" and begun > written]
    assert ["denied", "denied"] == [each[-1].split()[1] for each in lines]


def test_values_have_one_spelling() -> None:
    """What is written down is what is looked up; times are whole seconds with a zone."""
    with pytest.raises(ValueError, match="zone"):
        make_entry("did", "did:web:a.example", until=NOW.replace(tzinfo=None))
    entry = make_entry("did", "did:web:a.example", until=NOW + timedelta(microseconds=5))

    assert NOW == entry.until
    assert entry == DenyEntry.decode(entry.encode())
