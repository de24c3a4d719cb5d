"""Recorded answers, and the network that is loaded late."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agentdid.errors import AgentdidError
from agentdid.limits import Limits
from agentdid.sources.source import NetworkSource, RecordedSource
from agentdid.verify.needs import Absent, Resource
from tests.fault_server import FaultServer, answer

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 1, tzinfo=UTC)
DID_TYPES = ("application/did+json", "application/json")
RECORDED: dict[str, object] = {
    "https://status.example/1": {"id": "list", "n": 1},
    "https://status.example/2": "eyJ.x.y",
    "https://status.example/3": {"$status": 503},
    "https://status.example/4": {"$status": 404},
    "https://status.example/5": {"$status": 302},
    "did:web:acme.example": {"id": "did:web:acme.example"},
    "did:web:acme.example:agents:1": {"$status": 404},
    "did:web:late.example": {"$status": 500},
    "did:example:1": {"id": "did:example:1"},
}


def _load(recorded: dict[str, object] | None = None) -> RecordedSource:
    return RecordedSource.load(RECORDED if recorded is None else recorded, AT)


@pytest.mark.parametrize(
    ("url", "accept", "expected"),
    [
        ("https://status.example/1", (), Resource("https://status.example/1", b'{"id":"list","n":1}', AT)),
        ("https://status.example/2", (), Resource("https://status.example/2", b"eyJ.x.y", AT)),
        ("https://status.example/3", (), Absent("https://status.example/3", "fetch_failed", "recorded as 503")),
        ("https://status.example/4", (), Absent("https://status.example/4", "fetch_failed", "recorded as 404")),
        ("https://status.example/5", (), Absent("https://status.example/5", "fetch_redirect", "recorded as 302")),
        ("https://s.example/", (), Absent("https://s.example/", "fetch_failed", "not among the recorded answers")),
        (
            "https://acme.example/.well-known/did.json",
            DID_TYPES,
            Resource("https://acme.example/.well-known/did.json", b'{"id":"did:web:acme.example"}', AT),
        ),
        (
            "https://acme.example/agents/1/did.json",
            DID_TYPES,
            Absent("https://acme.example/agents/1/did.json", "did_not_found", "recorded as 404"),
        ),
        (
            "https://late.example/.well-known/did.json",
            DID_TYPES,
            Absent("https://late.example/.well-known/did.json", "fetch_failed", "recorded as 500"),
        ),
        (
            "https://none.example/.well-known/did.json",
            DID_TYPES,
            Absent("https://none.example/.well-known/did.json", "did_not_found", "not among the recorded answers"),
        ),
    ],
)
def test_what_is_recorded_is_the_answer(url: str, accept: tuple[str, ...], expected: Resource | Absent) -> None:
    """Bodies, failures and gaps each have their answer, a DID's document under its URL; both ways of asking agree."""
    source = _load()

    assert expected == source.get(url, accept, 0)
    assert expected == asyncio.run(source.aget(url, accept, 0))


def test_the_answer_for_a_did() -> None:
    """A DID of any method can be asked for as it was written."""
    source = _load()

    assert source.for_did("did:example:1") == Resource("did:example:1", b'{"id":"did:example:1"}', AT)
    assert source.for_did("did:web:acme.example") is source.get("https://acme.example/.well-known/did.json", (), 0)
    assert source.for_did("did:example:2") is None
    missing = source.for_did("did:web:acme.example:agents:1")
    assert isinstance(missing, Absent)
    assert missing.code == "did_not_found"


def test_a_file_is_read(tmp_path: Path) -> None:
    """A file and the object in it are the same source."""
    file = tmp_path / "sources.json"
    file.write_text(json.dumps(RECORDED, indent=2), encoding="utf-8")
    source = RecordedSource.load(file, AT)

    assert all(source.get(url, (), 0) == _load().get(url, (), 0) for url in RECORDED)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"https://a.example/": "1", "https://a.example/": "2"}', "json_duplicate_key"),
        (b'{"https://a.example/": "1"', "json_invalid"),
        (b"[]", "type_mismatch"),
    ],
)
def test_a_broken_file_is_refused(raw: bytes, code: str, tmp_path: Path) -> None:
    """The file is strict JSON like all else."""
    file = tmp_path / "sources.json"
    file.write_bytes(raw)

    with pytest.raises(AgentdidError) as refusal:
        RecordedSource.load(file, AT)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("recorded", "code", "path"),
    [
        ({"https://a.example/": 7}, "type_mismatch", "/https:~1~1a.example~1"),
        ({"https://a.example/~": ["x"]}, "type_mismatch", "/https:~1~1a.example~1~0"),
        ({"a": None}, "type_mismatch", "/a"),
        ({"a": {"$status": "404"}}, "type_mismatch", "/a"),
        ({"a": {"$status": True}}, "type_mismatch", "/a"),
        ({"a": {"$status": 200}}, "type_mismatch", "/a"),
        ({"a": {"$status": 600}}, "type_mismatch", "/a"),
        ({"a": {"$status": 404, "x": 1}}, "type_mismatch", "/a"),
        ({"did:web:a.example": {}, "https://a.example/.well-known/did.json": {}}, "type_mismatch", None),
        ({"did:web:a.example%2f..": {}}, "did_invalid", None),
    ],
)
def test_a_broken_recording_is_refused(recorded: dict[str, object], code: str, path: str | None) -> None:
    """A value of no meaning, and two answers for one document, are the writer's mistakes."""
    with pytest.raises(AgentdidError) as refusal:
        _load(recorded)

    assert code == refusal.value.code
    assert path in {None, refusal.value.path}


def test_the_network_is_loaded_late() -> None:
    """Making a network source loads nothing that can reach a network."""
    program = (
        "import sys\n"
        "from agentdid.sources.source import NetworkSource, RecordedSource\n"
        "NetworkSource()\n"
        "print({'httpx', 'httpcore', 'anyio', 'ssl', 'socket', 'asyncio', 'sqlite3'} & set(sys.modules))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout == "set()\n"


def test_the_network_is_guarded_and_cached(tmp_path: Path) -> None:
    """A network source fetches once through the guard, and answers in both ways."""
    with FaultServer({"/1": answer(b"{}")}) as server:
        url = server.url("/1", "127.0.0.1")
        source = NetworkSource(["127.0.0.1"], server.write_ca(tmp_path), Limits(fetch_timeout_s=1))
        first = source.get(url, ("application/json",), 60)

        assert isinstance(first, Resource)
        assert asyncio.run(source.aget(url, ("application/json",), 60)) is first
        assert len(server.requests) == 1
        assert NetworkSource().get(url, (), 60) == Absent(
            url, "fetch_forbidden_address", "the host is at an address that is not public"
        )
