"""The selective suites on the command line: a base proof issued and kept, a derived one presented and verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdid.proof.suites import SELECTIVE
from tests.unit.cli.test_cli import AUDIENCE, PARTNER, Shell, quick, shell, write

__all__ = ["quick", "shell"]  # fixtures
KEYS = {"ecdsa-sd-2023": "p256", "bbs-2023": "bls"}


def capability(owner: str) -> dict[str, Any]:
    """Return a capability over invoices that the issuer owns."""
    return {
        "root": owner, "principal": owner, "purpose": "invoice reconciliation", "audience": [PARTNER],
        "grants": [
            {
                "id": "read", "from": None, "type": "http", "actions": ["invoice.read"],
                "resources": [f"{AUDIENCE}/v1/invoices"], "constraints": {}, "limits": {}, "approval": None,
                "autonomyMax": 2,
            }
        ],
        "delegation": {"maxDepth": 2}, "minSecurity": "classical",
    }  # fmt: skip


@pytest.mark.parametrize("form", SELECTIVE)
def test_from_issuer_to_verifier(shell: Shell, form: str) -> None:
    """What `--disclosable` lets the holder hide, `--disclose` shows; the rest is always there."""
    agent = shell("wallet", "init", "--wallet", "w")["did"]
    acme = shell("issuer", "init", "--db", "i", "--key", KEYS[form], "--base-url", "https://status.acme.example")["did"]
    write("capability.json", capability(acme))
    write("claims.json", {"name": "Ada", "description": "keeps books"})
    issued = shell(
        "issuer", "issue", "--db", "i", "--to", agent, "--capability", "capability.json", "--claims", "claims.json",
        "--disclosable", "name", "--disclosable", "description", "--format", form, "--out", "vc.json",
    )  # fmt: skip
    files = shell("issuer", "publish", "--db", "i", "--out", "site")["files"]
    write("sources.json", {url: json.loads(Path(name).read_text()) for url, name in files.items()})
    Path("trust.toml").write_text(
        f'audience = "{AUDIENCE}"\ndid = "{PARTNER}"\n[[resource]]\nprefix = "{AUDIENCE}/"\nroot = "{acme}"\n'
    )
    shell("wallet", "receive", "vc.json", "--wallet", "w", "--sources", "sources.json")
    shell(
        "wallet", "present", "--wallet", "w", "--challenge", "c", "--audience", AUDIENCE, "--disclose",
        "credentialSubject.name", "--format", "eddsa-jcs-2022", "--out", "vp.json",
    )  # fmt: skip
    judge = ("verify", "vp.json", "--trust", "trust.toml", "--sources", "sources.json")
    base = shell("verify", "vc.json", "--credential", "--trust", "trust.toml", "--sources", "sources.json", code=1)
    (credential,) = json.loads(Path("vp.json").read_text())["verifiableCredential"]

    assert "accepted" == shell(*judge, "--challenge", "c")["outcome"]
    assert {"id", "name", "capability"} == set(credential["credentialSubject"])
    assert form == credential["proof"]["cryptosuite"]
    assert "base_proof_presented" == base["code"]

    shell("issuer", "revoke", "--db", "i", "--credential", issued["id"])
    shell("issuer", "publish", "--db", "i", "--out", "site")
    write("sources.json", {url: json.loads(Path(name).read_text()) for url, name in files.items()})
    assert "status_revoked" == shell(*judge, "--challenge", "c", code=1)["code"]


def test_a_status_is_not_disclosable(shell: Shell) -> None:
    """What the credential is judged by cannot be hidden (ATTACKS G04)."""
    agent = shell("wallet", "init", "--wallet", "w")["did"]
    acme = shell("issuer", "init", "--db", "i", "--key", "p256")["did"]
    write("capability.json", capability(acme))
    answer = shell(
        "issuer", "issue", "--db", "i", "--to", agent, "--capability", "capability.json", "--disclosable",
        "/validUntil", "--format", "ecdsa-sd-2023", code=1,
    )  # fmt: skip

    assert "mandatory_missing" == answer["code"]


def test_a_wallet_presents_with_its_key(shell: Shell) -> None:
    """A key that signs credentials only is no wallet's."""
    shell("wallet", "init", "--wallet", "w", "--key", "bls", code=2)
