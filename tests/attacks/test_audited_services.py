"""Services that keep audit logs, as processes of their own: several to one log, and ended as an operator ends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx

from agentdid.audit.receipt import HEADER
from agentdid.storage.audit_check import examine
from agentdid.storage.log_folder import records
from agentdid.verifier.replaying import replay_log
from tests.attacks.test_service_processes import PASSPHRASE, Process
from tests.world import AUDIENCE, RESOURCE, World

if TYPE_CHECKING:
    from pathlib import Path


def _init(folder: Path, name: str, did: str) -> str:
    database = str(folder / f"{name}.db")
    subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", "issuer", "init", "--db", database, "--did", did, "--json"],
        check=True, capture_output=True, timeout=60, env={**os.environ, "AGENTDID_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip
    return database


def _ask(client: httpx.Client, url: str, presented: object) -> httpx.Response:
    challenge = client.post(f"{url}/challenges").json()["nonce"]
    request = {"action": "invoice.read", "resource": f"{RESOURCE}/7"}
    return client.post(f"{url}/verify", json={"presentation": presented, "challenge": challenge, "request": request})


def test_two_verifiers_and_one_log(tmp_path: Path) -> None:
    """What both decide stands in the log, in one order; a service that is ended signs what it wrote."""
    world = World()
    database = _init(tmp_path, "partner", world.partner.did)
    trust = tmp_path / "trust.toml"
    trust.write_text(
        f'audience = "{AUDIENCE}"\ndid = "{world.partner.did}"\n'
        f'[[resource]]\nprefix = "{AUDIENCE}/"\nroot = "{world.partner.did}"\n'
    )
    audit = ("--audit", str(tmp_path / "audit"), "--issuer", database)
    shared = ("verifier", "--trust", str(trust), "--db", str(tmp_path / "takes.db"), *audit)
    with Process(tmp_path, "one", *shared) as one, Process(tmp_path, "two", *shared) as two:
        with httpx.Client(trust_env=False, timeout=30.0) as client:
            answers = [_ask(client, each.url, world.present(world.root())) for each in (one, two) * 3]
            answers.append(_ask(client, one.url, "no presentation"))
        codes = one.stop(), two.stop()
    health = examine(tmp_path / "audit")

    assert (143, 143) == codes
    # acme is nobody here: refused before its signature was looked at, so there is nobody to give a receipt to
    assert [("issuer_untrusted", False)] * 6 == [(each.json()["code"], HEADER in each.headers) for each in answers[:6]]
    assert ((), health.size, 10) == (health.faults, health.covered, health.size)
    assert ["log", "policy", "policy"] == [each.kind for each in records(tmp_path / "audit")][:3]
    assert (7, ()) == ((done := replay_log(tmp_path / "audit")).same, done.differing)


def test_an_issuer_service_and_its_log(tmp_path: Path) -> None:
    """What is issued and revoked over HTTP stands in the issuer's log, under its own key; its DID says so."""
    world = World()
    database = _init(tmp_path, "acme", world.acme.did)
    with Process(tmp_path, "issuer", "issuer", "--db", database, "--audit", str(tmp_path / "audit")) as process:
        (token,) = [line.rpartition(" ")[2] for line in process.output.splitlines() if "shown once" in line]
        bearer = {"Authorization": f"Bearer {token}"}
        with httpx.Client(trust_env=False, timeout=30.0, headers=bearer, base_url=process.url) as client:
            body = {"to": world.agent.did, "capability": world.capability()}
            made: dict[str, Any] = client.post("/credentials", json=body).json()
            client.post(f"/credentials/{made['id']}/revoke").raise_for_status()
            document = client.get("/.well-known/did.json").json()
        assert 143 == process.stop()
    sources = tmp_path / "sources.json"
    sources.write_text(json.dumps({"https://acme.example/.well-known/did.json": document}))
    verified = subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", "audit", "verify", str(tmp_path / "audit"), "--did",
         world.acme.did, "--sources", str(sources), "--json"],
        check=False, capture_output=True, timeout=60, text=True,
    )  # fmt: skip
    kinds = [(each.kind, each.links[0].id) for each in records(tmp_path / "audit") if each.links]

    assert [("issuance", made["id"]), ("revocation", made["id"])] == kinds
    assert (0, [], []) == (
        verified.returncode, json.loads(verified.stdout)["faults"], json.loads(verified.stdout)["notes"],
    )  # fmt: skip
