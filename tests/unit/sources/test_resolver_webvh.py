"""did:webvh through the resolver and its HTTP face: versions, files, what was seen, how old a log may be."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from agentdid.did import peer as did_peer
from agentdid.did.document import parse_document
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.http.resolver_app import create_resolver_app
from agentdid.sources.resolver import Resolver
from agentdid.sources.source import RecordedSource
from agentdid.storage.marks import MemoryMarks, SqlMarks
from agentdid.verify.needs import Absent, Answer, Resource
from tests.logs import plain, secret

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.did.webvh.log import History

NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Still:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """Return where it stands."""
        return self.at


class Counting:
    """A source that holds what it served until the asker wants it newer, and counts what it fetched."""

    def __init__(self, history: History, clock: Still) -> None:
        self.url = parse_identifier(history.latest.did).log_url
        self.body = write.encode_log(history)
        self.clock, self.fetched = clock, 0
        self._held: Resource | None = None

    def get(self, url: str, _accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Return the log."""
        if url != self.url:
            return Absent(url, "did_not_found", "not here")
        now = self.clock.now()
        if self._held is None or now - self._held.held_at > timedelta(seconds=max_age_s):
            self._held, self.fetched = Resource(url, self.body, now), self.fetched + 1
        return self._held

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`."""
        return self.get(url, accept, max_age_s)


def _resolver(history: History, more: dict[str, object] | None = None, **given: Any) -> Resolver:  # noqa: ANN401
    answers: dict[str, object] = {history.latest.did: write.encode_log(history).decode(), **(more or {})}
    return Resolver(RecordedSource.load(answers, NOW), clock=Still(), **given)  # type: ignore[arg-type]


def ask(resolver: Resolver, path: str, accept: str | None = None) -> httpx.Response:
    """Ask the service for a path as it stands."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(create_resolver_app(resolver))
        async with httpx.AsyncClient(transport=transport, base_url="https://resolver.example") as client:
            return await client.get(f"/1.0/identifiers/{path}", headers={} if accept is None else {"Accept": accept})

    return asyncio.run(go())


@pytest.mark.parametrize(
    "query", ["versionNumber=2", "versionId={}", "versionTime=2026-11-01T01:30:00Z"], ids=lambda each: each[:9]
)
def test_a_version_is_an_option_of_resolution(query: str) -> None:
    """Beside the DID it is a resolution option, in the DID URL a parameter; both give the version."""
    history = plain(3)
    did, wanted = history.latest.did, history.versions[1]
    query = query.format(wanted.version_id)
    beside = ask(_resolver(history), f"{quote(did, safe='')}?{query}").json()
    within = ask(_resolver(history), quote(f"{did}?{query}", safe="")).json()
    unencoded = ask(_resolver(history), f"{did}#key-1?{query}".replace("#", "%23")).json()

    assert (did, wanted.version_id) == (beside["didDocument"]["id"], beside["didDocumentMetadata"]["versionId"])
    assert (did, wanted.version_id) == (within["content"]["id"], within["contentMetadata"]["versionId"])
    assert f"{did}#key-1" == unencoded["content"]["id"]


def test_an_older_version_names_the_next_one() -> None:
    """`nextVersionId` and `nextUpdate`, and neither of the latest (DID Resolution section 4.3)."""
    history = plain(3)
    resolver = _resolver(history)
    older = resolver.resolve(history.latest.did, {"versionNumber": "2"}).document_metadata
    latest = resolver.resolve(history.latest.did).document_metadata

    assert (history.versions[2].version_id, "2026-11-01T02:00:00Z") == (older["nextVersionId"], older["nextUpdate"])
    assert not {"nextVersionId", "nextUpdate"} & latest.keys()


@pytest.mark.parametrize(
    ("query", "status"),
    [("versionNumber=9", 404), ("versionNumber=x", 400), ("versionTime=2020-01-01T00:00:00Z", 404),
     ("versionTime=yesterday", 400), ("versionId=1-Qm", 404)],
)  # fmt: skip
def test_versions_that_are_not_there(query: str, status: int) -> None:
    """`notFound`, or the fault of who asks."""
    history = plain(3)

    assert status == ask(_resolver(history), f"{quote(history.latest.did, safe='')}?{query}").status_code


def test_files_under_a_did() -> None:
    """JSON and text are shown as what they are; anything else, and whoever prefers it, is told where it is."""
    history = plain(2)
    did = history.latest.did
    more: dict[str, object] = {
        "https://acme.example/whois.vp": {"type": "VerifiablePresentation"},
        "https://acme.example/a/b.txt": "hello",
    }
    resolver = _resolver(history, more)
    whois = ask(resolver, quote(f"{did}/whois", safe="")).json()
    text = ask(resolver, f"{did}/a/b.txt").json()
    there = ask(resolver, quote(f"{did}/a/b.txt", safe=""), "text/uri-list")

    assert {"type": "VerifiablePresentation"} == whois["content"]
    assert {"contentType": "application/vp", "contentUrl": "https://acme.example/whois.vp"} == (
        whois["didUrlDereferencingMetadata"]
    )
    assert ("hello", "text/plain") == (text["content"], text["didUrlDereferencingMetadata"]["contentType"])
    assert (303, "https://acme.example/a/b.txt") == (there.status_code, there.headers["location"])
    assert 404 == ask(resolver, quote(f"{did}/nothing", safe="")).status_code
    assert 406 == ask(resolver, quote(f"{did}/whois", safe=""), "application/did").status_code
    assert 400 == ask(resolver, quote(f"{did}/a/%2e%2e/b", safe="")).status_code
    assert 501 == ask(resolver, quote(f"{did}/whois#x", safe="")).status_code


def test_a_file_that_is_no_text_is_not_put_into_json() -> None:
    """406; where it is can be learnt."""
    history = plain(1)
    did = history.latest.did

    class Bytes(Counting):
        def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
            return Resource(url, b"\xff\xfe", NOW) if url.endswith(".bin") else super().get(url, accept, max_age_s)

    resolver = Resolver(Bytes(history, Still()), clock=Still())  # type: ignore[arg-type]

    assert 406 == ask(resolver, quote(f"{did}/a.bin", safe="")).status_code
    assert 303 == ask(resolver, quote(f"{did}/a.bin", safe=""), "text/uri-list").status_code


@pytest.mark.parametrize("kept", ["memory", "file"])
def test_j01_the_resolver_remembers_what_it_saw(kept: str, tmp_path: Path) -> None:
    """A log that was taken back is refused; with a file, by the next process too."""
    new, marks = plain(3), MemoryMarks()
    old = write.encode_log(new).splitlines(keepends=True)[:2]

    def seen() -> MemoryMarks | SqlMarks:
        return marks if kept == "memory" else SqlMarks.open(tmp_path / "seen.db")

    assert _resolver(new, marks=seen()).resolve(new.latest.did).error is None
    back = Resolver(RecordedSource.load({new.latest.did: b"".join(old).decode()}, NOW), marks=seen(), clock=Still())  # type: ignore[arg-type]
    answer = ask(back, quote(new.latest.did, safe=""))

    assert 400 == answer.status_code
    assert "did_log_rollback" == answer.json()["didResolutionMetadata"]["error"]["code"]


@pytest.mark.parametrize(("ttl", "fetched"), [(3_600, 1), (60, 2), (0, 2)])
def test_a_log_is_held_no_longer_than_it_says(ttl: int, fetched: int) -> None:
    """`ttl` bounds how old a log may be (did:webvh 1.0, Parameters); `noCache` asks anew."""
    history, clock = plain(2, ttl=ttl), Still()
    source = Counting(history, clock)
    resolver = Resolver(source, clock=clock)  # type: ignore[arg-type]
    assert resolver.resolve(history.latest.did).error is None
    clock.at += timedelta(seconds=90)
    assert resolver.resolve(history.latest.did).error is None

    assert fetched == source.fetched
    assert resolver.resolve(history.latest.did, {"noCache": "true"}).error is None
    assert source.fetched >= 2


def test_a_short_did_peer_4_is_known_once_its_long_form_was_seen() -> None:
    """Its document is that of the long form under the short name (did:peer:4, Resolving a DID)."""
    long = did_peer.create4(did_peer.input_document(secret(1).public))
    short = did_peer.short_form(long)
    resolver = Resolver(RecordedSource({}))
    unknown = resolver.resolve(short).error
    assert unknown is not None
    assert "did_not_found" == unknown.code
    assert resolver.resolve(long).error is None
    found: Any = resolver.resolve(short).document

    assert (short, [long]) == (found["id"], found["alsoKnownAs"])
    assert short == found["verificationMethod"][0]["controller"]
    assert parse_document(found, short).find_key(f"{short}#key-1", "authentication", NOW) == secret(1).public


def test_relative_ids_are_expanded_where_asked() -> None:
    """`expandRelativeUrls` (DID Resolution section 4.4 step 6)."""
    document = {
        "id": "did:web:acme.example",
        "verificationMethod": [{"id": "#k", "type": "Multikey", "controller": "did:web:acme.example"}],
        "authentication": ["#k", {"id": "#l", "type": "Multikey", "controller": "did:web:acme.example"}],
        "service": [{"id": "#s", "type": "X", "serviceEndpoint": "https://acme.example/#s"}],
        "alsoKnownAs": ["#not-one"],
    }
    resolver = Resolver(RecordedSource.load({"did:web:acme.example": document}, NOW))
    found = json.loads(json.dumps(resolver.resolve("did:web:acme.example", {"expandRelativeUrls": True}).document))

    assert "did:web:acme.example#k" == found["verificationMethod"][0]["id"]
    assert "did:web:acme.example#k" == found["authentication"][0]
    assert "did:web:acme.example#l" == found["authentication"][1]["id"]
    assert ("did:web:acme.example#s", "https://acme.example/#s") == (
        found["service"][0]["id"], found["service"][0]["serviceEndpoint"],
    )  # fmt: skip
    assert ["#not-one"] == found["alsoKnownAs"]
    assert document == resolver.resolve("did:web:acme.example").document
    assert resolver.resolve("did:web:acme.example", {"expandRelativeUrls": "maybe"}).error is not None
