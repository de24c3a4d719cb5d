"""`agentdid policy …`, and what `verify` and `trust show` say of a verifier's own rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cedarpy
import pytest

from agentdid.cli.main import main
from agentdid.storage.baselines import LogBaselines, MemoryBaselines
from tests.vectors_dir import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.verifier.service import Verifier

EXAMPLES = ROOT / "specs" / "examples"
AT = ("--at", "2026-11-01T12:00:00Z")
READ = ("--action", "invoice.read", "--resource", "https://api.partner.example/v1/invoices/7")


@pytest.fixture(name="trust")
def _trust(tmp_path: Path) -> Path:
    """The trust file of the examples with the policy of the examples."""
    (tmp_path / "policy.cedar").write_bytes((EXAMPLES / "policy.cedar").read_bytes())
    (tmp_path / "arguments.json").write_text('{"region": "EU"}')
    place = tmp_path / "trust.toml"
    place.write_text((EXAMPLES / "trust.toml").read_text() + (EXAMPLES / "policy.toml").read_text())
    return place


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    """The JSON of one command line."""
    assert code == main([*arguments, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_policies_are_checked(trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, and what is read; a broken file is a mistake in usage, with file and line."""
    file = trust.with_name("policy.cedar")
    found = shown(capsys, "policy", "check", str(file))

    assert ["read", "small", "large"] == found["policies"]
    assert {"amount": ["number"]} == found["reads"]["arguments"]
    assert ["approved", "arguments", "autonomy"] == found["reads"]["context"]
    assert 0 == main(["policy", "check", str(file)])
    assert "reads context.arguments.amount as number" in capsys.readouterr().out
    file.write_text(file.read_text() + "\npermit(principal, action, resource) when { context.amount > 3 };\n")
    broken = shown(capsys, "policy", "check", str(file), code=2)
    assert f"{file}:14: " in broken["detail"]
    assert 2 == main(["policy", "check", str(trust.with_name("none.cedar"))])


def test_the_schema_is_printed(trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As shipped, or with what some policies read and name; Cedar's own tools take both."""
    file = trust.with_name("policy.cedar")
    shipped = shown(capsys, "policy", "schema")["schema"]
    own = shown(capsys, "policy", "schema", str(file))["schema"]

    assert (ROOT / "specs" / "schemas" / "agentdid.cedarschema").read_text() == shipped
    assert '"amount"?: Argument' in own
    assert not cedarpy.validate_policies(file.read_text(), shipped).validation_passed
    assert cedarpy.validate_policies(file.read_text(), own).validation_passed


def test_rules_are_shown_in_words(trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By `policy show`, and within `trust show`."""
    says = shown(capsys, "policy", "show", "--trust", str(trust))["says"]

    assert [
        "invoice.* needs autonomy 1 and has risk 20",
        "rule: name = near, max_depth = 2",
        "Cedar policies: read, small, large",
        "approvals: 1 of did:web:acme.example",
        "behaviour: windows of 3600 s, usual after 20 accepted calls",
        "a score of 50 lowers autonomy by 1",
        "a score of 80 lowers autonomy by 5",
    ] == says
    assert 0 == main(["trust", "show", "--trust", str(trust)])
    assert "policy: Cedar policies: read, small, large" in capsys.readouterr().out
    none = shown(capsys, "policy", "show", "--trust", str(EXAMPLES / "trust.toml"))
    assert None is none["policy"]


def test_verify_says_what_decided(trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, levels and score, as JSON and in words; a denial is exit 1."""
    common = ("--trust", str(trust), "--sources", str(EXAMPLES / "sources.json"), *AT)
    arguments = ("--arguments", str(trust.with_name("arguments.json")))
    file = str(EXAMPLES / "delegation.json")
    found = shown(capsys, "verify", file, *common, *READ, *arguments)

    assert ["autonomy", "near", "read"] == found["policy"]["policies"]
    assert 0 == main(["verify", file, *common, *READ, *arguments])
    assert "policy: permit, by autonomy, near, read\n  autonomy 1 of 1, 1 required; risk 20" in capsys.readouterr().out
    cedar = trust.with_name("policy.cedar")
    cedar.write_text(cedar.read_text().replace("context.autonomy >= 1", "context.autonomy >= 2"))
    denied = shown(capsys, "verify", file, *common, *READ, *arguments, code=1)
    assert ("policy_denied", ["cedar:no-permit"]) == (denied["code"], denied["policy"]["policies"])
    cedar.write_text("permit(")
    assert 2 == main(["verify", file, *common, *READ, *arguments])
    assert "policy.cedar:1" in capsys.readouterr().err


@pytest.mark.parametrize("options", [("--log", "decisions.jsonl"), ("--audit", "audit"), ()])
def test_what_was_seen_comes_from_the_log_that_is_kept(
    trust: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """A verifier service learns from its decision log, else from its audit log, else from its own memory."""
    monkeypatch.chdir(trust.parent)
    monkeypatch.setenv("AGENTDID_PASSPHRASE", "correct horse battery staple")
    assert 0 == main(["issuer", "init", "--db", "own.db", "--did", "did:web:partner.example"])
    text = trust.read_text()
    trust.write_text(text if "[policy.behaviour]" in text else f"{text}\n[policy.behaviour]\nlearning = 3\n")
    made: list[Verifier] = []

    def keep(verifier: Verifier, **_others: object) -> None:
        """Take the verifier in place of serving it."""
        made.append(verifier)

    monkeypatch.setattr("agentdid.http.verifier_app.create_verifier_app", keep)
    monkeypatch.setattr("agentdid.cli.commands.serve._run", lambda *_given: None)

    assert 0 == main(["serve", "verifier", "--trust", "trust.toml", "--issuer", "own.db", *options])
    assert (LogBaselines if options else MemoryBaselines) is type(made[0].baselines)
