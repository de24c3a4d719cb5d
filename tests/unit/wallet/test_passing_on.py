"""Delegating, approving and giving up: what the wallet signs for others, and remembers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.cli.main import main
from agentdid.clock import FixedClock
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError
from agentdid.issuer.issuer import Issuer
from agentdid.verify.needs import Resource
from agentdid.wallet.approve import read_asked
from agentdid.wallet.store import WalletStore
from agentdid.wallet.wallet import Wallet
from tests.chains import FORMS, JCS, SD_JWT
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
TEN = timedelta(minutes=10)


@pytest.fixture
def world() -> World:
    """The world of the test."""
    return World()


@pytest.fixture
def wallet(world: World, tmp_path: Path) -> Iterator[Wallet]:
    """The agent's wallet, with a root of two grants."""
    with wallet_of(world, world.agent, tmp_path / "agent.wallet") as made:
        grants = [world.grant(), world.grant(id="g2", actions=["invoice.list"])]
        made.receive(world.root(capability=world.capability(grants=grants)), source=world)
        yield made


def wallet_of(world: World, party: Party, path: Path) -> Wallet:
    """A wallet that holds a party's key."""
    made = Wallet.create(path, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(world.now))
    made.add_key(party.did, party.secret)
    return made


def held_id(wallet: Wallet) -> str:
    """The id of the one credential in a wallet."""
    (held,) = wallet.credentials()
    return held.id


def code_of(world: World, chain: list[Any], holder: Party) -> str | None:
    """How a request by a chain ends; `None` for a grant."""
    nonce = f"n{len(world.asked)}-{id(chain)}"
    try:
        world.verifier().authorize(world.present(chain, holder, challenge=nonce), challenge=nonce, request=READ)
    except AgentdidError as error:
        return error.code
    return None


@pytest.mark.parametrize("form", [None, *FORMS])
def test_only_what_differs_is_said(world: World, wallet: Wallet, form: str | None) -> None:
    """Without changes all grants are passed on; with some, what is not said stays the parent's; in any form."""
    everything = wallet.delegate(held_id(wallet), to=world.helper.did, narrower={}, ttl=TEN, form=form)
    wanted = {"grants": [{"from": "g1", "id": "one", "resources": [f"{RESOURCE}/7"], "autonomyMax": 1}]}
    chain = wallet.delegate(held_id(wallet), to=world.helper.did, narrower=wanted, ttl=TEN, form=form)
    grants = [
        world.verifier().verify_credential(each).capability.grants  # type: ignore[union-attr]  # a capability
        for each in (everything, chain)
    ]

    assert [["g1", "g2"], ["one"]] == [[grant.id for grant in each] for each in grants]
    assert ((f"{RESOURCE}/7",), frozenset({"invoice.read"}), 1) == (
        grants[1][0].resources, grants[1][0].actions, grants[1][0].autonomy_max,
    )  # fmt: skip
    assert code_of(world, chain, world.helper) is None
    assert [] == [url for url in world.asked if "helper" in url]


@pytest.mark.parametrize(
    ("narrower", "code"),
    [
        ({"grants": [{"from": "g1", "actions": ["invoice.pay"]}]}, "capability_not_attenuated"),
        ({"grants": [{"from": "nowhere"}]}, "capability_not_attenuated"),
        ({"audience": ["did:web:evil.example"]}, "capability_not_attenuated"),
        ({"delegation": {"maxDepth": 6}}, "delegation_forbidden"),
        ({"delegation": {"depth": 0}}, "type_mismatch"),
        ({"root": "did:web:evil.example"}, "type_mismatch"),
        ({"grants": "all"}, "type_mismatch"),
        ({"grants": [{"id": "g1"}]}, "type_mismatch"),
        ({"grants": []}, "type_mismatch"),
    ],
)
def test_nothing_wider_is_made(world: World, wallet: Wallet, narrower: dict[str, object], code: str) -> None:
    """What asks for more than the parent has is refused, not cut down, and leaves no trace."""
    with pytest.raises(AgentdidError) as refusal:
        wallet.delegate(held_id(wallet), to=world.helper.did, narrower=narrower, ttl=TEN)

    assert code == refusal.value.code
    assert () == wallet.minted()


def test_whole_or_narrower_but_not_both(world: World, wallet: Wallet) -> None:
    """A caller says it in one way."""
    for given in ({}, {"capability": {}, "narrower": {}}):
        with pytest.raises(TypeError, match="either"):
            wallet.delegate(held_id(wallet), to=world.helper.did, ttl=TEN, **given)  # type: ignore[arg-type]


def test_a_parent_valid_for_less(world: World, wallet: Wallet) -> None:
    """A child that would outlive its parent is not made; without a status none lives over an hour."""
    for ttl, code in ((timedelta(hours=9), "delegation_forbidden"), (timedelta(minutes=61), "delegation_forbidden")):
        with pytest.raises(AgentdidError) as refusal:
            wallet.delegate(held_id(wallet), to=world.helper.did, narrower={}, ttl=ttl)
        assert code == refusal.value.code


@pytest.fixture
def statuses(world: World, tmp_path: Path) -> Iterator[Issuer]:
    """The agent's own status service, served by the world."""
    with Issuer.create(
        tmp_path / "status.db", passphrase=PASSPHRASE, secret=world.agent.secret, base_url="https://agent.example",
        kdf=CHEAP, clock=FixedClock(world.now),
    ) as made:  # fmt: skip
        yield made


def publish(world: World, statuses: Issuer) -> None:
    """Serve the service's lists as they are now."""
    for name in statuses.ledger.lists():
        signed = statuses.signed_list(name)
        world.served[signed.url] = Resource(signed.url, signed.body, world.now)


def test_a_delegation_with_its_own_status(world: World, wallet: Wallet, statuses: Issuer) -> None:
    """The delegator's list speaks for the link: it may live longer than an hour, and is revoked with one bit."""
    assert world.agent.did == statuses.did
    chain = wallet.delegate(
        held_id(wallet), to=world.helper.did, narrower={}, ttl=timedelta(hours=6), statuses=statuses
    )
    publish(world, statuses)
    assert code_of(world, chain, world.helper) is None
    (minted,) = wallet.minted()
    done = wallet.relinquish(minted.id, statuses=statuses)
    publish(world, statuses)

    assert ((minted.id,), (), False) == (done.revoked, done.standing, done.held)
    assert "status_revoked" == code_of(world, chain, world.helper)
    assert [False] == [each.stands_at(world.now) for each in wallet.minted()]


def test_a_status_service_of_somebody_else(world: World, wallet: Wallet, tmp_path: Path) -> None:
    """Another DID's list would speak for nobody here, so no index is burnt for it."""
    with Issuer.create(tmp_path / "other.db", passphrase=PASSPHRASE, kdf=CHEAP) as other:
        with pytest.raises(AgentdidError) as refusal:
            wallet.delegate(held_id(wallet), to=world.helper.did, narrower={}, ttl=TEN, statuses=other)
        assert [] == list(other.ledger.search())

    assert "delegation_forbidden" == refusal.value.code


def test_a_refused_delegation_burns_no_index(world: World, wallet: Wallet, statuses: Issuer) -> None:
    """What is not narrower is refused before an entry is allotted."""
    with pytest.raises(AgentdidError):
        wallet.delegate(
            held_id(wallet), to=world.helper.did, narrower={"audience": ["did:web:x.example"]}, ttl=TEN,
            statuses=statuses,
        )  # fmt: skip

    assert [] == list(statuses.ledger.search())


def test_the_lineage_is_kept(world: World, wallet: Wallet, tmp_path: Path) -> None:
    """Every link that was made stands in the wallet, under seal, also after it is opened anew."""
    parent = held_id(wallet)
    chains = [
        wallet.delegate(parent, to=subject, narrower={}, ttl=TEN) for subject in (world.helper.did, world.stranger.did)
    ]
    wallet.close()
    with Wallet.open(tmp_path / "agent.wallet", passphrase=PASSPHRASE, clock=FixedClock(NOW)) as again:
        minted = again.minted()

    assert [world.helper.did, world.stranger.did] == [each.subject for each in minted]
    assert [parent] * 2 == [each.parent for each in minted]
    assert [chain[-1] for chain in chains] == [each.wire for each in minted]
    assert world.helper.did.encode() not in (tmp_path / "agent.wallet").read_bytes()


def test_giving_up_what_is_held(world: World, wallet: Wallet, statuses: Issuer) -> None:
    """It is not held any more; of what was made out of it, what can be revoked is, and the rest is named."""
    parent = held_id(wallet)
    wallet.delegate(parent, to=world.helper.did, narrower={}, ttl=TEN, statuses=statuses)
    wallet.delegate(parent, to=world.stranger.did, narrower={}, ttl=TEN)
    one, two = wallet.minted()
    done = wallet.relinquish(parent, statuses=statuses)

    assert (True, (one.id,), (two.id,)) == (done.held, done.revoked, tuple(each.id for each in done.standing))
    assert () == wallet.credentials()
    with pytest.raises(AgentdidError) as refusal:
        wallet.relinquish(parent)
    assert "credential_not_found" == refusal.value.code


def test_a_wallet_of_before_there_was_a_lineage(world: World, wallet: Wallet, tmp_path: Path) -> None:
    """It opens, and begins to keep one."""
    parent = held_id(wallet)
    wallet.close()
    store = WalletStore.open(tmp_path / "agent.wallet", PASSPHRASE.encode())
    with store._engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE minted")
        connection.commit()
    store.close()
    with Wallet.open(tmp_path / "agent.wallet", passphrase=PASSPHRASE, clock=FixedClock(NOW)) as again:
        assert () == again.minted()
        again.delegate(parent, to=world.helper.did, narrower={}, ttl=TEN)
        assert 1 == len(again.minted())


# --- approving ---------------------------------------------------------------------------------------------------


def watched(world: World, boss: Party) -> list[Any]:
    """A chain whose use needs the boss's approval."""
    rule = {"when": "always", "approvers": [boss.did], "threshold": 1}
    return world.root(capability=world.capability(grants=[world.grant(approval=rule)]))


def asked_of(world: World, chain: list[Any]) -> dict[str, object]:
    """What a refusal of it says is to be approved."""
    with pytest.raises(AgentdidError) as refusal:
        world.verifier().authorize(world.present(chain, challenge="n"), challenge="n", request=READ)
    return dict(refusal.value.approval)  # type: ignore[attr-defined]  # an ApprovalRequired


@pytest.mark.parametrize("form", [SD_JWT, JCS])
def test_the_wallet_approves(world: World, tmp_path: Path, form: str) -> None:
    """Its one DID that may approve signs; it is kept in the lineage; the agent presents it."""
    boss = world.party("boss")
    chain = watched(world, boss)
    with wallet_of(world, boss, tmp_path / "boss.wallet") as wallet:
        wallet.create_did()
        made = wallet.approve(asked_of(world, chain), form=form)
        (minted,) = wallet.minted()

    assert ("approval", world.agent.did) == (minted.kind, minted.subject)
    assert code_of(world, [*chain, made], world.agent) is None


def test_who_may_not_approve(world: World, tmp_path: Path) -> None:
    """A wallet without such a DID signs nothing, nor for too long."""
    boss = world.party("boss")
    asked = asked_of(world, watched(world, boss))
    with wallet_of(world, world.stranger, tmp_path / "w1") as wallet, wallet_of(world, boss, tmp_path / "w2") as able:
        codes = []
        for signer, options in ((wallet, {}), (able, {"did": world.stranger.did}), (able, {"ttl": timedelta(hours=1)})):
            with pytest.raises(AgentdidError) as refusal:
                signer.approve(asked, **options)  # type: ignore[arg-type]
            codes.append(refusal.value.code)
        assert () == able.minted()

    assert ["holder_binding_failed", "holder_binding_failed", "type_mismatch"] == codes


@pytest.mark.parametrize("did", [["did:web:acme.example"], {}, 1, None], ids=repr)
@pytest.mark.parametrize("place", ["audience", "approvers"])
def test_what_is_asked_names_no_did(world: World, place: str, did: object) -> None:
    """A request whose DIDs are no text is malformed, whoever sent it."""
    asked: dict[str, Any] = asked_of(world, watched(world, world.party("boss")))
    (rule,) = asked["rules"]
    changed = {"audience": [did]} if place == "audience" else {"rules": [{**rule, "approvers": [did]}]}

    with pytest.raises(AgentdidError) as refusal:
        read_asked({**asked, **changed})

    assert "did_invalid" == refusal.value.code


def test_approvals_are_held_and_go_along(world: World, wallet: Wallet, tmp_path: Path) -> None:
    """An agent may keep an approval in its wallet; it is never chosen as what answers a challenge by itself."""
    boss = world.party("boss")
    chain = watched(world, boss)
    with wallet_of(world, boss, tmp_path / "boss.wallet") as approver:
        approval = approver.approve(asked_of(world, chain))
    wallet.relinquish(held_id(wallet))
    wallet.receive(chain, source=world)
    wallet.receive(approval, source=world)
    presented = wallet.present(challenge="n", audience="https://api.partner.example", approvals=[approval])

    assert world.verifier().authorize(presented, challenge="n", request=READ).approvals
    assert 2 == len(wallet.credentials())


# --- the command line --------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """A command's exit code and JSON."""
    code = main([*arguments, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Delegate --narrower, with a status service of the wallet's own DID; list; relinquish."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    root = run(capsys, "issuer", "init", "--db", "root.db", "--base-url", "https://root.example")[1]["did"]
    agent = run(capsys, "wallet", "init", "--wallet", "agent.wallet")[1]["did"]
    grant = World.grant(resources=["https://api.root.example/v1"])
    capability = {
        "root": root, "principal": root, "purpose": "x", "grants": [grant], "audience": [root],
        "delegation": {"maxDepth": 3}, "minSecurity": "classical",
    }  # fmt: skip
    (tmp_path / "cap.json").write_text(json.dumps(capability))
    issued = run(capsys, "issuer", "issue", "--db", "root.db", "--to", agent, "--capability", "cap.json")[1]
    (tmp_path / "cred").write_text(issued["credential"])
    assert run(capsys, "issuer", "publish", "--db", "root.db", "--out", "pub")[0] == 0
    published = (tmp_path / "pub").glob("status/*")
    lists = {f"https://root.example/status/{each.name}": json.loads(each.read_text()) for each in published}
    (tmp_path / "sources.json").write_text(json.dumps(lists))
    received = run(capsys, "wallet", "receive", "cred", "--wallet", "agent.wallet", "--sources", "sources.json")
    held = received[1]["credential"]["id"]
    init = ("issuer", "init", "--db", "own.db", "--key-of", "agent.wallet", "--base-url", "https://agent.example")
    assert (0, agent) == (run(capsys, *init)[0], agent)
    (tmp_path / "n.json").write_text(json.dumps({"grants": [{"from": "g1", "autonomyMax": 0}]}))
    delegate = (
        "wallet", "delegate", "--wallet", "agent.wallet", "--credential", held, "--to", root, "--narrower", "n.json",
        "--status-db", "own.db", "--ttl", "50m",
    )  # fmt: skip
    code, made = run(capsys, *delegate)
    minted = run(capsys, "wallet", "list", "--wallet", "agent.wallet")[1]["minted"]
    gone = run(
        capsys, "wallet", "relinquish", "--wallet", "agent.wallet", "--credential", held, "--status-db", "own.db"
    )

    assert (0, 2) == (code, len(made["chain"]))
    assert [("delegation", root, True)] == [(each["kind"], each["subject"], each["revocable"]) for each in minted]
    assert (0, True, [minted[0]["id"]], []) == (
        gone[0], gone[1]["held"], gone[1]["revoked"], gone[1]["standing"],
    )  # fmt: skip


def test_the_approve_command(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows what is asked, signs only where somebody says so, and what it signs is an approval."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", PASSPHRASE)
    boss = world.party("boss")
    chain = watched(world, boss)
    wallet_of(world, boss, tmp_path / "boss.wallet").close()
    (tmp_path / "asked.json").write_text(json.dumps({"code": "approval_required", "approval": asked_of(world, chain)}))
    (tmp_path / "chain.json").write_text(json.dumps(chain))
    base = ["wallet", "approve", str(tmp_path / "asked.json"), "--wallet", str(tmp_path / "boss.wallet")]
    unasked = main(base)
    capsys.readouterr()
    code = main([*base, "--chain", str(tmp_path / "chain.json"), "--yes", "--json"])
    shown = capsys.readouterr()

    assert (2, 0) == (unasked, code)
    assert "asks to do invoice.read (http) on" in shown.err
    assert "up to autonomy level 2" in shown.err
    assert json.loads(shown.out)["credential"].startswith("ey")
