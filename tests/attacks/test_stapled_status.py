"""Layer K for stapled statuses: what a holder carries along decides offline within the bound, and nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.delegation.usage import Request
from agentdid.issuer.issuer import Issuer
from agentdid.present.presentation import make_presentation
from agentdid.proof.jws import sign_jws
from agentdid.status.staple import TYP, sign_staple
from agentdid.storage.nonces import MemoryTakes
from agentdid.verifier.service import Verifier
from agentdid.verify.evidence import replay
from agentdid.verify.needs import Absent
from tests.chains import FORMS, JCS, NONCE, PRESENTED, Wire, chain_of, child_document, sign
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.verify.needs import Answer

READ = Request("http", "invoice.read", f"{RESOURCE}/7")


class Offline:
    """A source that has the DID documents, and lists only where it says that they are held."""

    def __init__(self, world: World, *, holds: bool = False, serves: bool = False) -> None:
        self.world = world
        self.holds = holds
        self.serves = serves
        self.asked: list[str] = []

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Answer, or say that it is not there."""
        if "/status/" in url:
            if max_age_s >= 0:
                self.asked.append(url)
            if not (self.holds if max_age_s < 0 else self.serves):
                return Absent(url, "fetch_failed", "offline")
        return self.world.get(url, accept, abs(max_age_s))

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`."""
        return self.get(url, accept, max_age_s)


class Frozen:
    """The world's time."""

    now = staticmethod(lambda: NOW)


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def staple(
    world: World,
    value: int = 0,
    *,
    signer: Party | None = None,
    age_s: int = 5,
    life_s: int = 300,
    **more: Any,  # noqa: ANN401  # of `sign_staple`
) -> str:
    """A stapled status of acme's entry 7."""
    who = signer or world.acme
    asked = {"list_url": world.acme.list_url, "index": 7, "purpose": "revocation"} | more
    return sign_staple(
        **asked, value=value, signer=who.secret, method_id=who.method_id,
        at=world.now - timedelta(seconds=age_s), life=timedelta(seconds=life_s),
    )  # fmt: skip


def present(world: World, chain: list[Wire], statuses: list[Any], form: str, holder: Party | None = None) -> str:
    """A presentation that carries them."""
    who = holder or world.agent
    return make_presentation(
        chain, holder=who.did, signer=who.secret, method_id=who.method_id, audience=AUDIENCE, challenge=NONCE,
        at=world.now, form=PRESENTED[form], statuses=statuses,
    )  # fmt: skip


def judge(world: World, presented: str, source: Offline | None = None, **limits: object) -> str | None:
    """The code of a judgement; `None` when it is accepted."""
    verifier = Verifier(
        world.trust(limits=limits), source=source or Offline(world), takes=MemoryTakes(), clock=Frozen()
    )
    return verifier.inspect(presented, challenge=NONCE, request=READ).code


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("value", "code"), [(0, None), (1, "status_revoked")])
def test_k01_a_stapled_status_decides_offline(world: World, form: str, value: int, code: str | None) -> None:
    """T6, T9: no list is asked for, and none is had; without it the same presentation is undecided."""
    chain = chain_of(world, form)
    source = Offline(world)
    carried = judge(world, present(world, chain, [staple(world, value)], form), source)
    bare = judge(world, present(world, chain, [], form), Offline(world))

    assert (code, []) == (carried, source.asked)
    assert "status_unavailable" == bare


@pytest.mark.parametrize(
    ("age_s", "life_s", "bound_s", "code"),
    [
        (60, 300, 60, None), (61, 300, 60, "status_unavailable"), (5, 300, 4, "status_unavailable"),
        (59, 1, 60, None), (59, 0, 30, "status_unavailable"), (200, 100, 300, "status_unavailable"),
        (-59, 300, 60, None), (-61, 300, 60, "status_unavailable"), (200, 400, 300, None),
    ],
)  # fmt: skip
def test_k15_it_is_believed_as_long_as_a_list(
    world: World, age_s: int, life_s: int, bound_s: int, code: str | None
) -> None:
    """K15, T6: its age is bounded by the policy, its end by itself, with a minute's skew against now."""
    presented = present(world, chain_of(world, JCS), [staple(world, age_s=age_s, life_s=life_s)], JCS)

    assert code == judge(world, presented, status_staleness_s=bound_s)


@pytest.mark.parametrize(
    "more",
    [
        {"index": 8}, {"purpose": "suspension"}, {"purpose": None}, {"list_url": "https://acme.example/status/2"},
    ],
)  # fmt: skip
def test_k11_one_of_another_entry_says_nothing(world: World, more: dict[str, object]) -> None:
    """K11, T6: another place, another purpose, another list: it is as if there were none."""
    presented = present(world, chain_of(world, JCS), [staple(world, **more)], JCS)

    assert "status_unavailable" == judge(world, presented)


@pytest.mark.parametrize("form", FORMS)
def test_k09_one_by_somebody_else(world: World, form: str) -> None:
    """K09, T7: truly signed by a stranger, or by the holder himself, is a mismatch and no good news."""
    for who in (world.stranger, world.agent):
        presented = present(world, chain_of(world, form), [staple(world, signer=who)], form)

        assert "status_issuer_mismatch" == judge(world, presented)


@pytest.mark.parametrize("form", FORMS)
def test_k08_a_forged_one(world: World, form: str) -> None:
    """K08, T7: another octet of the signature, or another key under acme's name, is a refusal, though a list is had."""
    token = staple(world)
    forged = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    by_name = sign_staple(
        world.acme.list_url, 7, "revocation", 0, world.stranger.secret, world.acme.method_id, at=world.now,
        life=timedelta(minutes=5),
    )  # fmt: skip
    found = {
        judge(world, present(world, chain_of(world, form), [each], form), Offline(world, serves=True))
        for each in (forged, by_name)
    }

    assert {"status_verification_error"} == found


@pytest.mark.parametrize("form", FORMS)
def test_k25_the_newest_evidence_wins(world: World, form: str) -> None:
    """K25, T8: a list that is held and was signed later is judged instead; an older one is not."""
    world.acme.revoked.add(7)
    world.publish(world.acme, signed_at=world.now - timedelta(seconds=3))
    presented = present(world, chain_of(world, form), [staple(world, age_s=5)], form)
    newer = judge(world, presented, Offline(world, holds=True, serves=True))
    world.publish(world.acme, signed_at=world.now - timedelta(seconds=8))
    older = judge(world, presented, Offline(world, holds=True, serves=True))
    several = present(world, chain_of(world, form), [staple(world, age_s=9), staple(world, 1, age_s=5)], form)

    assert ("status_revoked", None) == (newer, older)
    assert "status_revoked" == judge(world, several)


@pytest.mark.parametrize("form", FORMS)
def test_k25_a_chain_may_be_stapled_in_part(world: World, form: str) -> None:
    """What is not stapled is asked for; a parent's stapled revocation kills its descendants."""
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.agent, world.helper)
    document["credentialStatus"] = world.status(world.agent, 9)
    chain.append(sign(world, document, world.agent, form))
    source = Offline(world, serves=True)
    part = judge(world, present(world, chain, [staple(world)], form, world.helper), source)
    dead = judge(world, present(world, chain, [staple(world, 1)], form, world.helper), source)

    assert (None, "chain_parent_revoked") == (part, dead)
    assert {world.agent.list_url} == set(source.asked)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("statuses", [["x"], [7], ["e30.e30.e30"], [{}]])
def test_k18_what_is_none(world: World, form: str, statuses: list[Any]) -> None:
    """K18, T5: another form is malformed, and not passed over."""
    assert "status_malformed" == judge(world, present(world, chain_of(world, form), statuses, form))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "did:web:other.example"}, {"value": -1}, {"value": 256}, {"value": True}, {"index": -1}, {"index": "7"},
        {"iat": None}, {"exp": "soon"}, {"purpose": 7}, {"list": 7}, {"aud": "x"}, {"typ": "JWT"},
    ],
)  # fmt: skip
def test_k18_claims_of_another_form(world: World, changes: dict[str, object]) -> None:
    """K18, T1, T2: every claim has one form, and there are no others."""
    now = int(world.now.timestamp())
    claims: dict[str, object] = {
        "iss": world.acme.did, "list": world.acme.list_url, "index": 7, "purpose": "revocation", "value": 0,
        "iat": now, "exp": now + 60,
    }  # fmt: skip
    header = {"typ": changes.get("typ", TYP), "kid": world.acme.method_id}
    claims |= {name: value for name, value in changes.items() if name != "typ"}
    token = sign_jws(header, {name: each for name, each in claims.items() if each is not None}, world.acme.secret)

    assert "status_malformed" == judge(world, present(world, chain_of(world, JCS), [token], JCS))


def test_k18_too_many(world: World) -> None:
    """T5: two for each credential that may be there, and no more."""
    presented = present(world, chain_of(world, JCS), [staple(world, index=n) for n in range(33)], JCS)

    assert "status_malformed" == judge(world, presented)


def test_a_judgement_by_a_stapled_status_is_replayed(world: World) -> None:
    """The evidence says that nothing was held, and leads to the same decision."""
    kept: list[Any] = []

    class Log:
        """Keeps bundles."""

        append = staticmethod(kept.append)

    verifier = Verifier(world.trust(), source=Offline(world), takes=MemoryTakes(), clock=Frozen(), log=Log())
    presented = present(world, chain_of(world, JCS), [staple(world)], JCS)
    grant = verifier.authorize(presented, challenge=NONCE, request=READ)
    until = grant.decision.safe_until

    assert world.now + timedelta(seconds=55) == until
    assert replay(kept[0])


def test_t3_an_issuer_staples_what_its_list_says(world: World, tmp_path: Path) -> None:
    """T3, T4: every entry of a credential, before and after each act, offline at a verifier."""
    with Issuer.create(tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP, clock=Frozen()) as issuer:
        anchor = {
            "did": issuer.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did],
            "actions": ["invoice.*"], "principals": [issuer.did],
        }  # fmt: skip
        capability = world.capability(principal=issuer.did)
        found = []
        for status in ("bitstring", "token"):
            made = issuer.issue(to=world.agent.did, capability=capability, status=status)
            for act in (None, "suspend", "reinstate", "revoke"):
                if act is not None:
                    getattr(issuer, act)(made.id)
                presented = make_presentation(
                    list(made.chain), holder=world.agent.did, signer=world.agent.secret,
                    method_id=world.agent.method_id, audience=AUDIENCE, challenge=NONCE, at=world.now,
                    statuses=issuer.staple(made.id),
                )  # fmt: skip
                verifier = Verifier(
                    world.trust(anchor=[anchor]), source=Offline(world), takes=MemoryTakes(), clock=Frozen()
                )
                found.append(verifier.inspect(presented, challenge=NONCE, request=READ).code)

    assert [None, "status_suspended", None, "status_revoked"] * 2 == found
