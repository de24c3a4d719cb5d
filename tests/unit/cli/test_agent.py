"""`agentdid agent …`: exit codes, JSON, and what cannot be meant; docs/lifecycle.md runs the whole walk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdid.cli.main import main
from tests.unit.cli.test_cli import Shell, quick, shell, write

__all__ = ["quick", "shell"]


@pytest.fixture
def acme(shell: Shell) -> str:
    """An issuer, and a capability of it."""
    did = str(shell("issuer", "init", "--db", "acme.db", "--base-url", "https://status.acme.example")["did"])
    grant = {
        "id": "g1", "from": None, "type": "http", "actions": ["invoice.read"],
        "resources": ["https://api.partner.example/v1"], "constraints": {}, "limits": {}, "approval": None,
        "autonomyMax": 1,
    }  # fmt: skip
    write(
        "capability.json",
        {
            "root": did, "principal": did, "purpose": "reading", "grants": [grant],
            "audience": ["did:web:partner.example"], "delegation": {"maxDepth": 2}, "minSecurity": "classical",
        },
    )  # fmt: skip
    return did


def provisioned(shell: Shell, name: str = "one", *more: str, code: int = 0) -> dict[str, Any]:
    """An agent."""
    return shell(
        "agent", "provision", "--wallet", f"{name}.wallet", "--name", name, "--issuer-db", "acme.db", "--capability",
        "capability.json", *more, code=code,
    )  # fmt: skip


def test_an_agent_s_life(shell: Shell, acme: str) -> None:
    """Provisioned twice as one, reviewed, renewed for a fresh DID, retired; each says what it did."""
    first, again = provisioned(shell), provisioned(shell)
    assert (False, True, first["did"]) == (first["repeated"], again["repeated"], again["did"])
    (held,) = first["credentials"]
    assert acme == held["issuer"]

    Path("empty.jsonl").write_text("")
    (found,) = shell("agent", "review", "--wallet", "one.wallet", "--log", "empty.jsonl", "--out", "p")["agents"]
    assert [(held["id"], "new", None)] == [(each["id"], each["state"], each["proposal"]) for each in found["holds"]]
    assert [] == list(Path("p").iterdir())

    helper = shell("wallet", "init", "--wallet", "helper.wallet")["did"]
    write("narrower.json", {"grants": [{"from": "g1"}]})
    shell(
        "wallet", "delegate", "--wallet", "one.wallet", "--credential", held["id"], "--to", helper, "--narrower",
        "narrower.json",
    )  # fmt: skip
    renewed = shell(
        "agent", "renew", "--wallet", "one.wallet", "--credential", held["id"], "--issuer-db", "acme.db", "--new-did",
        "--out", "chains",
    )  # fmt: skip
    assert renewed["did"] != first["did"]
    assert [helper] == [each["subject"] for each in renewed["children"]]
    (chain,) = Path("chains").iterdir()
    assert renewed["children"][0]["chain"] == json.loads(chain.read_text())

    done = shell(
        "agent", "retire", "--wallet", "one.wallet", "--issuer-db", "acme.db", "--deny-db", "nonces.db", "--publish",
        "site",
    )  # fmt: skip
    assert done["complete"]
    assert sorted([first["did"], renewed["did"]]) == sorted(done["dids"])
    assert {"revoked"} == {each["state"] for each in shell("issuer", "list", "--db", "acme.db")["credentials"]}
    assert 2 == len(shell("deny", "list", "--db", "nonces.db")["denied"])
    assert "wallet_closed" == provisioned(shell, code=1)["code"]


def test_a_retirement_that_is_not_complete_is_undecided(shell: Shell, acme: str) -> None:
    """Exit code 3 and every step: what could be done is done."""
    made = provisioned(shell)
    assert acme == made["credentials"][0]["issuer"]
    found = shell(
        "agent", "retire", "--did", made["did"], "--deny-db", "unix:///no/socket", "--deny-db", "nonces.db",
        "--issuer-db", "acme.db", code=3,
    )  # fmt: skip

    assert ("store_unavailable", False) == (found["code"], found["complete"])
    assert [("deny", "failed"), ("deny", "done"), ("revoke", "done"), ("publish", "nothing")] == [
        (each["act"], each["outcome"]) for each in found["steps"]
    ]


def test_words(shell: Shell, acme: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json each verb says it in lines."""
    held = provisioned(shell)["credentials"][0]["id"]
    Path("empty.jsonl").write_text("")
    assert acme
    assert 0 == main(["agent", "review", "--wallet", "one.wallet", "--log", "empty.jsonl"])
    assert f"new     {held}  0 uses, never used" in capsys.readouterr().out
    assert 0 == main(["agent", "renew", "--wallet", "one.wallet", "--credential", held, "--issuer-db", "acme.db"])
    assert "holds urn:uuid:" in capsys.readouterr().out
    assert 0 == main(["agent", "retire", "--wallet", "one.wallet"])
    assert "done     close       wallet  keys and credentials destroyed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "given",
    [
        ("provision", "--wallet", "w", "--name", "n", "--capability", "capability.json"),
        (
            "provision", "--wallet", "w", "--name", "n", "--capability", "capability.json", "--issuer", "https://x",
            "--issuer-db", "acme.db",
        ),
        ("provision", "--wallet", "w", "--name", "n", "--capability", "capability.json", "--issuer", "https://x"),
        ("retire",),
        ("retire", "--did", "did:key:x", "--deny-db", "memory:"),
        ("retire", "--did", "did:key:x", "--verifier", "https://x"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_usage_error(
    shell: Shell, acme: str, given: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No issuer, two, a service without a token, nobody to retire, a list that nobody reads."""
    monkeypatch.delenv("AGENTDID_ISSUER_TOKEN", raising=False)
    monkeypatch.delenv("AGENTDID_VERIFIER_TOKEN", raising=False)
    assert acme
    shell("agent", *given, code=2)

    assert not Path("w").exists()
