"""The did:webvh 1.0 test suite: every scenario of every maker, and every log or DID that must be refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.did.result import error_name
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.log import parse_log
from agentdid.errors import AgentdidError, DidWitnessThreshold
from agentdid.sources.source import RecordedSource
from agentdid.sources.webvh import resolve
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 24, tzinfo=UTC)
# This maker's resolver was asked for versions 1 and 2 and recorded version 3 both times: it knew no `versionNumber`.
UNNUMBERED = ("multi-update", "python")
_RESULT = re.compile(r"resolutionResult(?:\.([0-9]+))?\.json")
_LITERAL = re.compile(r'did: "([^"]+)"')


def _cases(*, negative: bool) -> list[Path]:
    folder = vectors("did-webvh-test-suite") / "vectors"
    return sorted(
        log.parent for log in folder.glob("*/*/did.jsonl") if log.parent.parent.name.startswith("negative-") == negative
    )


def _source(folder: Path) -> tuple[str, RecordedSource]:
    """Return the DID that a recording is about and what it publishes."""
    body = (folder / "did.jsonl").read_bytes()
    did = json.loads(body.splitlines()[-1])["state"]["id"]
    answers: dict[str, object] = {did: body.decode()}
    witnesses = folder / "did-witness.json"
    if witnesses.exists():
        answers[parse_identifier(did).witness_url] = witnesses.read_text("utf-8")
    return did, RecordedSource.load(answers, NOW)


def _too_few(folder: Path) -> bool:
    """Whether a recording of `witness-update` has one proof of the entry that replaces two witnesses by one.

    The replaced list governs that entry (Witness Lists); makers have mended theirs since
    (decentralized-identity/didwebvh-ts issues 117 and 135), and some recorded that it does not resolve.
    """
    if folder.parent.name != "witness-update":
        return False
    last = json.loads((folder / "did.jsonl").read_bytes().splitlines()[-1])["versionId"]
    rows = json.loads((folder / "did-witness.json").read_bytes())
    return 1 == len({proof["verificationMethod"] for row in rows if row["versionId"] == last for proof in row["proof"]})


def _same(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without what makers write differently: relative ids, a closing slash, implied services."""
    did = document["id"]
    services = [
        {
            **each,
            "id": did + each["id"] if each["id"].startswith("#") else each["id"],
            "serviceEndpoint": each["serviceEndpoint"].rstrip("/"),
        }
        for each in document.get("service", [])
    ]
    implied = (f"{did}#files", f"{did}#whois")
    return {**document, "service": [each for each in services if each["id"] not in implied]}


def test_every_scenario_resolves_to_the_recorded_document() -> None:
    """Documents of every version that was recorded, whoever made the log."""
    seen = 0
    for folder in _cases(negative=False):
        if _too_few(folder):
            continue
        did, source = _source(folder)
        for file in sorted(folder.glob("resolutionResult*.json")):
            recorded = json.loads(file.read_bytes())
            assert recorded["didDocument"] is not None, file
            found = _RESULT.fullmatch(file.name)
            assert found is not None
            number = None if (folder.parent.name, folder.name) == UNNUMBERED else found[1]
            asked = did if number is None else f"{did}?versionNumber={number}"
            resolved = resolve(asked, source, at=NOW)

            assert _same(recorded["didDocument"]) == _same(resolved.document), file
            assert recorded["didDocumentMetadata"]["versionId"] == resolved.metadata["versionId"]
            assert bool(recorded["didDocumentMetadata"].get("deactivated")) == resolved.metadata["deactivated"]
            by_id = f"{did}?versionId={resolved.version.version_id}"
            by_time = f"{did}?versionTime={resolved.version.time_text}"
            assert resolve(by_id, source, at=NOW).version.line == resolve(by_time, source, at=NOW).version.line
            seen += 1
    assert seen >= 39


def test_a_replaced_witness_list_governs_the_entry_that_replaces_it() -> None:
    """The explained difference: these logs hold in all but their witnesses, and are refused for that alone."""
    seen = set()
    for folder in _cases(negative=False):
        if not _too_few(folder):
            continue
        did, source = _source(folder)
        assert 2 == len(parse_log((folder / "did.jsonl").read_bytes()).versions)
        with pytest.raises(DidWitnessThreshold, match="1 of 2 witnesses"):
            resolve(did, source, at=NOW)
        seen.add(folder.name)
    assert {"python", "ts", "java"} <= seen


def test_every_negative_is_refused() -> None:
    """Logs that must not resolve, and DIDs that are refused before anybody is asked."""
    seen = 0
    for folder in _cases(negative=True):
        body = (folder / "did.jsonl").read_bytes()
        script = (folder.parent / "script.yaml").read_text("utf-8")
        literal = _LITERAL.findall(script)
        assert bool(literal) != bool(body.strip()), folder
        for did in literal:
            with pytest.raises(AgentdidError) as caught:
                resolve(did, RecordedSource({}), at=NOW)
            assert ("did_invalid", "invalidDid") == (caught.value.code, error_name(caught.value))
        if body.strip():
            with pytest.raises(AgentdidError) as caught:
                resolve(*_source(folder), at=NOW)
            assert caught.value.code in ("did_log_invalid", "did_witness_threshold"), folder
            assert "invalidDid" == error_name(caught.value)
        seen += 1
    assert seen >= 8
