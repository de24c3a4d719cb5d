"""Receipts as an agent gets, keeps and holds them: over HTTP, of refusals too, and against a log."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from msgspec import structs

from agentdid import Grant
from agentdid.audit.receipt import HEADER, ReceiptKey, read_receipt
from agentdid.cli.main import main
from agentdid.clock import FixedClock
from agentdid.errors import AgentdidError, AuditLogInvalid, ReceiptInvalid
from agentdid.http import protect, require_capability
from agentdid.http.verifier_app import create_verifier_app
from agentdid.keys.secret import SecretKey
from agentdid.sources.resolver import Resolver
from agentdid.storage.audit_read import Prover, Wanted, select
from agentdid.wallet.receipts import check_fits, check_receipt, read_presented
from agentdid.wallet.wallet import Wallet
from tests.audit import OWNER, keeping, open_log
from tests.stores import CHEAP, PASSPHRASE
from tests.world import AUDIENCE, NOW, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.wallet.receipts import KeptReceipt

CHALLENGE = "n-0S6_WzA2Mj"


@pytest.fixture
def wallet(tmp_path: Path) -> Iterator[Wallet]:
    """A wallet of the world's agent, with one capability."""
    world = World()
    with Wallet.create(tmp_path / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as made:
        made.add_key(world.agent.did, world.agent.secret)  # type: ignore[arg-type]
        made.receive(world.root(), source=world)  # type: ignore[arg-type]
        yield made


def _api(world: World, folder: Path) -> FastAPI:
    api = FastAPI()
    protect(api, keeping(world, open_log(folder, world)))

    @api.get("/v1/invoices/{number}")
    async def invoice(number: int, _: Annotated[Grant, Depends(require_capability("invoice.read"))]) -> object:
        return PlainTextResponse("its own kind of answer") if number == 8 else {"number": number}

    @api.get("/v1/payments")
    async def pay(_: Annotated[Grant, Depends(require_capability("payment.send"))]) -> None:
        raise AssertionError

    return api


def _call(api: FastAPI, wallet: Wallet, *urls: str) -> list[httpx.Response]:
    async def run() -> list[httpx.Response]:
        auth = wallet.auth(receipts=True)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=AUDIENCE, auth=auth) as client:
            return [await client.get(url) for url in urls]

    return asyncio.run(run())


def test_receipts_over_http(wallet: Wallet, tmp_path: Path) -> None:
    """Every answer that rests on a decision carries a receipt, whatever the route makes; the wallet keeps them (R8)."""
    world = World()
    api = _api(world, tmp_path / "log")
    answers = _call(api, wallet, f"{RESOURCE}/7", f"{RESOURCE}/8", f"{RESOURCE}/7?a=1&a=2")
    kept = wallet.receipts()
    resolver = Resolver(world)

    assert [200, 200, 200] == [each.status_code for each in answers]
    assert [each.headers[HEADER] for each in answers] == [each.token for each in kept]
    assert [("", "GET", str(each.url)) for each in answers] == [(each.fault, each.method, each.url) for each in kept]
    assert ["accepted"] * 3 == [check_receipt(each, resolver).statement.outcome for each in kept]


def _shown(world: World, folder: Path) -> tuple[KeptReceipt, list[dict[str, object]], str]:
    """Return a receipt as kept, the proofs of the log's entries, and the presentation."""
    with open_log(folder, world) as log:
        verifier = keeping(world, log)
        shown = world.present(world.child(world.root(), world.agent, world.helper), world.helper)
        receipt = verifier.verify(shown, challenge=CHALLENGE).receipt
        with pytest.raises(AgentdidError):
            verifier.verify(shown, challenge=CHALLENGE)
    prover = Prover(folder, world.partner.secret.public)
    proofs = [prover.prove(index, line) for index, line, _ in select(folder, Wanted())]
    from agentdid.wallet import receipts  # noqa: PLC0415  # `keep` alone says nothing

    return receipts.keep(str(receipt), shown, NOW, "", ""), proofs, shown


def test_a_receipt_and_its_log(tmp_path: Path) -> None:
    """With the proof of its own entry it holds; with that of another, or of another log, it does not (R7)."""
    world = World()
    kept, proofs, _ = _shown(world, tmp_path / "log")
    elsewhere, others, _ = _shown(world, tmp_path / "other")
    resolver = Resolver(world)

    assert 2 == check_receipt(kept, resolver, proofs[2]).statement.log.index  # type: ignore[union-attr]
    assert "accepted" == check_receipt(elsewhere, resolver, others[2]).statement.outcome
    for wrong in (proofs[1], proofs[3]):
        with pytest.raises(ReceiptInvalid):
            check_receipt(kept, resolver, wrong)
    with pytest.raises(AuditLogInvalid):
        check_receipt(kept, resolver, others[2])
    with pytest.raises(AuditLogInvalid):
        check_receipt(kept, resolver, {**proofs[2], "path": []})


@pytest.mark.parametrize("name", ["digest", "holder", "audience", "nonce", "links", "verifiers"])
def test_a_receipt_for_something_else(name: str, tmp_path: Path) -> None:
    """Of another presentation, holder, audience, nonce, chain or verifier it is `receipt_invalid` (R6)."""
    kept, _, _ = _shown(World(), tmp_path / "log")
    changed = ("did:web:evil.example",) if name in ("links", "verifiers") else "another"

    with pytest.raises(ReceiptInvalid):
        check_fits(read_receipt(kept.token), structs.replace(kept.presented, **{name: changed}))


def test_a_changed_receipt(tmp_path: Path) -> None:
    """One character changed anywhere in the token, and it is refused (R4, R5)."""
    world = World()
    kept, _, shown = _shown(world, tmp_path / "log")
    resolver = Resolver(world)

    assert kept.presented == read_presented(shown, NOW)
    for at in range(0, len(kept.token), 7):
        token = kept.token[:at] + ("A" if kept.token[at] not in "A." else "B") + kept.token[at + 1 :]
        with pytest.raises(AgentdidError):
            check_receipt(structs.replace(kept, token=token), resolver)


def test_receipts_are_by_the_verifier(tmp_path: Path) -> None:
    """A verifier signs as its own DID alone, and by a key that its document lists."""
    world = World()
    with pytest.raises(ValueError, match="own DID"):
        world.verifier(receipts=ReceiptKey(world.acme.secret, world.acme.method_id))
    bls = ReceiptKey(SecretKey.generate("BLS12-381-G2"), world.partner.method_id)
    with pytest.raises(ValueError, match="JOSE"):
        world.verifier(receipts=bls)
    kept, _, _ = _shown(world, tmp_path / "log")
    world.served.clear()
    with pytest.raises(AgentdidError) as refusal:
        check_receipt(kept, Resolver(world))

    assert "undecided" == refusal.value.family


def test_the_service_answers_with_receipts(tmp_path: Path) -> None:
    """The verifier service puts them in the same header, of refusals too."""
    world = World()
    app = create_verifier_app(keeping(world, open_log(tmp_path / "log", world)))

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUDIENCE) as client:
            nonce = (await client.post("/challenges")).json()["nonce"]
            body = {"presentation": world.present(world.root(), challenge=nonce), "challenge": nonce}
            return await client.post("/verify", json=body), await client.post("/verify", json=body)

    first, second = asyncio.run(run())

    assert (200, "accepted") == (first.status_code, read_receipt(first.headers[HEADER]).statement.outcome)
    assert ("nonce_replayed", "refused") == (
        read_receipt(second.headers[HEADER]).statement.code, read_receipt(second.headers[HEADER]).statement.outcome,
    )  # fmt: skip


def test_the_verb(wallet: Wallet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`wallet receipts` lists and holds them, and ends with 1 where one does not hold."""
    world = World()
    folder = tmp_path / "log"
    (answer,) = _call(_api(world, folder), wallet, f"{RESOURCE}/7")
    open_log(folder, world).close()
    sources = tmp_path / "sources.json"
    sources.write_text(json.dumps({url: json.loads(held.body) for url, held in world.served.items()}))  # type: ignore[union-attr]
    proof = tmp_path / "proof.json"
    assert 0 == main(["audit", "prove", str(folder), "--entry", "2", "--out", str(proof)])
    capsys.readouterr()
    phrase = tmp_path / "phrase"
    phrase.write_text(PASSPHRASE)
    arguments = ["wallet", "receipts", "--wallet", str(tmp_path / "agent.wallet"), "--passphrase-file", str(phrase)]
    arguments += ["--sources", str(sources), "--json"]
    code, shown = main([*arguments, "--proof", str(proof)]), json.loads(capsys.readouterr().out)
    stranger = world.present(world.root(), challenge="another")
    wallet.keep_receipt(answer.headers[HEADER], stranger)  # the same receipt again changes nothing
    wallet.keep_receipt(answer.headers[HEADER][:-4] + "AAAA", stranger)
    after, rows = main(arguments), json.loads(capsys.readouterr().out)["receipts"]

    assert (0, 1, True, OWNER) == (
        code, len(shown["receipts"]), shown["receipts"][0]["proved"], shown["receipts"][0]["verifier"],
    )  # fmt: skip
    assert (1, [None, "receipt_invalid"]) == (after, [row["code"] for row in rows])
