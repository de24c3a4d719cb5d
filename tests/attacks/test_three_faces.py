"""One attack, three faces: the library, `agentdid verify --json` and problem+json give the same code and family."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentdid.cli.main import EXIT_CODES, main
from agentdid.codec.instant import encode_instant
from agentdid.delegation.usage import Request
from agentdid.errors import CODES
from agentdid.http import create_verifier_app
from agentdid.http.problems import FRESH
from agentdid.present.presentation import make_presentation
from agentdid.verify.needs import Resource
from tests.chains import (
    FORMS,
    PRESENTED,
    Wire,
    capability_of,
    chain_of,
    child_document,
    forged,
    grant_of,
    root_document,
    sign,
)
from tests.world import AUDIENCE, NOW, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Callable

READ = {"action": "invoice.read", "resource": f"{RESOURCE}/7"}
Made = tuple[list[Wire], Party]


def _child(world: World, form: str, change: Callable[[dict[str, Any]], object], **options: Any) -> Made:  # noqa: ANN401
    root = sign(world, root_document(world), world.acme, form)
    document = child_document(world, root, world.agent, world.helper, **options)
    change(document)
    return [root, sign(world, document, world.agent, form)], world.helper


def _root(world: World, form: str, change: Callable[[dict[str, Any]], object]) -> Made:
    document = root_document(world)
    change(document)
    return [sign(world, document, world.acme, form)], world.agent


def _revoked(world: World, form: str, party: str) -> Made:
    made = _child(world, form, lambda _: None, index=3)
    getattr(world, party).revoked.update({3, 7})
    world.publish(getattr(world, party))
    return made


def _unlisted(world: World, form: str) -> Made:
    del world.served[world.acme.list_url]
    return chain_of(world, form), world.agent


def _unresolved(world: World, form: str) -> Made:
    del world.served["https://acme.example/.well-known/did.json"]
    return chain_of(world, form), world.agent


def _stale(world: World, form: str) -> Made:
    world.publish(world.acme, signed_at=world.now - timedelta(minutes=5))
    return chain_of(world, form), world.agent


def _ended(world: World, document: dict[str, Any]) -> None:
    document["validFrom"] = encode_instant(world.now - timedelta(hours=2))
    document["validUntil"] = encode_instant(world.now - timedelta(hours=1))


ATTACKS: dict[str, tuple[str, Callable[[World, str], Made]]] = {
    "L01": (
        "capability_not_attenuated",
        lambda w, f: _child(w, f, lambda d: grant_of(d)["actions"].append("invoice.pay")),
    ),
    "L02 absent": ("chain_link_mismatch", lambda w, f: (chain_of(w, f, w.agent, w.helper)[1:], w.helper)),
    "L02 forged": ("signature_invalid", lambda w, f: ([forged(link) for link in chain_of(w, f)], w.agent)),
    "L04": ("chain_parent_revoked", lambda w, f: _revoked(w, f, "acme")),
    "K25 leaf": ("status_revoked", lambda w, f: _revoked(w, f, "agent")),
    "L05": ("capability_expanded_time", lambda w, f: _child(w, f, lambda d: d.update(
        validUntil=encode_instant(w.now + timedelta(hours=9))), index=4)),
    "L07": ("chain_too_deep", lambda w, f: (chain_of(w, f, *[w.agent] * 6), w.agent)),
    "L14": ("capability_unknown_caveat", lambda w, f: _root(
        w, f, lambda d: grant_of(d)["constraints"].update(x={"type": "moon"}))),
    "L15": ("delegation_forbidden", lambda w, f: _child(
        w, f, lambda d: capability_of(d)["delegation"].update(depth=2))),
    "L12": ("type_mismatch", lambda w, f: _root(
        w, f, lambda d: grant_of(d)["limits"].update(n={"max": -1, "window": "PT1H"}))),
    "L17": ("chain_root_untrusted", lambda w, f: _root(w, f, lambda d: capability_of(d).update(root=w.acme.did))),
    "L19": ("capability_target_mismatch", lambda w, f: _root(
        w, f, lambda d: grant_of(d).update(resources=[f"{RESOURCE}/8"]))),
    "V01": ("issuer_untrusted", lambda w, f: _root(
        w, f, lambda d: capability_of(d).update(principal="did:web:x.example"))),
    "V03": ("holder_binding_failed", lambda w, f: (chain_of(w, f), w.stranger)),
    "V06": ("expired", lambda w, f: _root(w, f, lambda d: _ended(w, d))),
    "K01": ("status_unavailable", _unlisted),
    "K15": ("status_stale", _stale),
    "K04": ("range_error", lambda w, f: _root(w, f, lambda d: d["credentialStatus"].update(statusListIndex="131072"))),
    "I14": ("fetch_failed", _unresolved),
    "hybrid": ("hybrid_component_missing", lambda w, f: _root(
        w, f, lambda d: capability_of(d).update(minSecurity="pq"))),
    "approval": ("approval_required", lambda w, f: _root(w, f, lambda d: grant_of(d).update(
        approval={"when": "always", "approvers": [w.acme.did], "threshold": 1}))),
    "none": ("", lambda w, f: (chain_of(w, f, w.agent, w.helper), w.helper)),
}  # fmt: skip


def sources_of(world: World) -> dict[str, object]:
    """What a world serves, as `--sources` wants it."""
    return {url: json.loads(held.body) for url, held in world.served.items() if isinstance(held, Resource)}


def write_trust(world: World) -> None:
    """The world's policy as a file."""
    Path("trust.toml").write_text(
        f'audience = "{AUDIENCE}"\ndid = "{world.partner.did}"\n'
        f'[[resource]]\nprefix = "{AUDIENCE}/"\nroot = "{world.partner.did}"\n'
        f'[[anchor]]\ndid = "{world.acme.did}"\ntypes = ["AgentCapabilityCredential"]\n'
        f'roots = ["{world.partner.did}"]\nactions = ["invoice.*"]\n',
        "utf-8",
    )


def by_command(world: World, presented: str, challenge: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The answer of the command line, its exit code held against its outcome."""
    write_trust(world)
    Path("sources.json").write_text(json.dumps(sources_of(world)), "utf-8")
    Path("input").write_text(presented, "utf-8")
    capsys.readouterr()
    code = main(
        [
            "verify",
            "input",
            "--trust",
            "trust.toml",
            "--sources",
            "sources.json",
            "--challenge",
            challenge,
            "--json",
            "--at",
            encode_instant(world.now),
            "--action",
            READ["action"],
            "--resource",
            READ["resource"],
        ]
    )  # fmt: skip
    captured = capsys.readouterr()
    answer: dict[str, Any] = json.loads(captured.out)

    assert EXIT_CODES[answer["outcome"]] == code
    assert "Traceback" not in captured.err
    return answer


def by_service(world: World, make: Callable[[str], str]) -> httpx.Response:
    """The answer of the verifier's service."""

    async def run() -> httpx.Response:
        app = create_verifier_app(world.verifier())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUDIENCE) as client:
            nonce = (await client.post("/challenges")).json()["nonce"]
            text = make(nonce)
            presented = json.loads(text) if text.startswith("{") else text
            body = {"presentation": presented, "challenge": nonce, "request": READ}
            return await client.post("/verify", json=body)

    return asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_same_answer_everywhere(
    attack: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code and the family are the row's, by each face; and nothing of it is an uncaught error."""
    monkeypatch.chdir(tmp_path)
    world = World()
    code, made = ATTACKS[attack]
    chain, holder = made(world, form)

    def make(nonce: str) -> str:
        return make_presentation(
            chain, holder=holder.did, signer=holder.secret, method_id=holder.method_id, audience=AUDIENCE,
            challenge=nonce, at=NOW, form=PRESENTED[form],
        )  # fmt: skip

    family = CODES[code].family if code else "accepted"
    report = world.verifier().inspect(make("c"), challenge="c", request=Request("http", **READ))
    command = by_command(world, make("c"), "c", capsys)
    service = by_service(world, make)
    shown = service.json()

    assert (code or None, family) == (report.code, report.outcome)
    # a world serves nothing as "unreachable"; to the command line what its sources lack is not found
    assert (("did_not_found" if code == "fetch_failed" else code) or None, family) == (
        command["code"],
        command["outcome"],
    )
    assert (code or None) == shown["code"]
    if code:
        expected = {"malformed": 400, "refused": 403, "undecided": 503}[family]
        assert (401 if code in FRESH else expected) == service.status_code
        assert "application/problem+json" == service.headers["Content-Type"]
        # what is to be approved is said too, the same in each face
        asked = shown.pop("approval", None)
        assert {"type", "title", "status", "code", "detail"} == shown.keys()
        assert (asked is not None) == (code == "approval_required") == ("approval" in command)
    else:
        assert 200 == service.status_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json_invalid"),
        ("{}", "type_mismatch"),
        ("[]", "type_mismatch"),
        ('{"type":"VerifiablePresentation","type":"VerifiablePresentation"}', "json_duplicate_key"),
        ('{"type":"VerifiablePresentation"}', "proof_missing"),
        ("[" * 70 + "]" * 70, "json_too_deep"),
        ('{"n":1e400}', "json_number_range"),
        ('{"s":"\\ud800"}', "encoding_invalid"),
        ("eyJhbGciOiJub25lIn0.e30.", "alg_not_allowed"),
        ("eyJ", "header_invalid"),
    ],
)
def test_what_is_no_presentation(
    text: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever comes, the command line answers with the code and its exit code, and no file of trust changes that."""
    monkeypatch.chdir(tmp_path)
    answer = by_command(World(), text, "c", capsys)

    assert (code, CODES[code].family) == (answer["code"], answer["outcome"])
