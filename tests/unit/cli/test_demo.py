"""`agentdid demo`: real processes, real HTTPS on loopback, every step as it was stated."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_STATED = {
    "partner_grants_company": "accepted",
    "company_issues_to_agent": "accepted",
    "agent_is_let_in": "accepted",
    "agent_delegates": "accepted",
    "subagent_is_let_in": "accepted",
    "subagent_beyond": "capability_target_mismatch",
    "subagent_widens": "capability_not_attenuated",
    "replayed": "nonce_replayed",
    "misaddressed": "audience_mismatch",
    "corrupted": "signature_invalid",
    "revoked": "chain_parent_revoked",
    "replays_offline": "accepted",
    "receipts_hold": "accepted",
}


_HYBRID = _STATED | {"misaddressed": "invalid_domain_error", "stripped": "hybrid_component_missing"}


@pytest.mark.parametrize(("option", "stated"), [((), _STATED), (("--hybrid",), _HYBRID)], ids=["plain", "hybrid"])
def test_the_demo_does_what_it_says(tmp_path: Path, option: tuple[str, ...], stated: dict[str, str]) -> None:
    """Exit 0, one JSON object on stdout, every step with its stated outcome, nothing left running or readable."""
    kept = tmp_path / "kept"
    ended = subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", "demo", "--json", *option, "--keep", str(kept)],
        cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    answer = json.loads(ended.stdout)

    assert (0, "accepted") == (ended.returncode, answer["outcome"]), ended.stderr
    assert {name: step["observed"] for name, step in answer["steps"].items()} == stated
    assert all(step["ok"] and step["seconds"] >= 0 for step in answer["steps"].values())
    assert "Traceback" not in ended.stderr
    assert not [
        place for place in kept.iterdir() if place.stat().st_mode & 0o077 and place.suffix in (".db", ".wallet", ".key")
    ]


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    """`--keep` makes a new folder or does nothing."""
    ended = subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", "demo", "--json", "--keep", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (2, "usage") == (ended.returncode, json.loads(ended.stdout)["outcome"])
    assert [] == list(tmp_path.iterdir())
