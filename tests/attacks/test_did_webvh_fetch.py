"""did:webvh over real HTTPS: log and witnesses from a server that answers as it should, or as none should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agentdid.codec.strict_json import encode, parse
from agentdid.did.document import build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import PLACEHOLDER, STAND_IN, template
from agentdid.did.webvh.witness import add_proofs, witness_proof
from agentdid.limits import Limits
from agentdid.sources.cache import CachedSource
from agentdid.sources.fetch import GuardedFetcher
from agentdid.sources.resolver import Resolver
from agentdid.sources.source import NetworkSource
from agentdid.storage.marks import MemoryMarks
from tests.dns_server import DnsServer
from tests.fault_server import (
    Fault,
    FaultServer,
    answer,
    bomb,
    delay,
    drip,
    drip_body,
    endless,
    packed,
    redirect,
    reset,
    truncate,
)
from tests.logs import BEGUN, HOUR, secret, witness_did

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.did.webvh.log import History

LOG = "/.well-known/did.jsonl"
WITNESS = "/.well-known/did-witness.json"
JSONL = "text/jsonl"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server on loopback under a name."""
    with FaultServer() as running:
        yield running


def made(server: FaultServer, **parameters: object) -> History:
    """A log of two entries for a DID at the server."""
    place = template("good.example", server.port)
    text = encode(build_document(place.replace(PLACEHOLDER, STAND_IN), {"key-1": secret(1).public})).decode()
    document = parse(text.replace(STAND_IN, PLACEHOLDER)).value
    history = write.create(document, secret(1), at=BEGUN, parameters=parameters)  # type: ignore[arg-type]  # an object
    return write.update(history, secret(1), at=BEGUN + HOUR)


def code_of(server: FaultServer, folder: Path, did: str, **given: object) -> str:
    """The code with which the DID is refused; empty where it resolves."""
    bounds = Limits(fetch_timeout_s=2.0, max_fetch_bytes=200_000)
    with DnsServer({"good.example": [("127.0.0.1",)]}) as dns:
        fetcher = GuardedFetcher(["127.0.0.1"], server.write_ca(folder), bounds, resolver=dns.resolver)
        found = Resolver(CachedSource(fetcher), limits=bounds, **given).resolve(did)  # type: ignore[arg-type]
    return "" if found.error is None else found.error.code


@pytest.mark.parametrize("kind", [JSONL, "text/plain", "application/json", "application/octet-stream"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_log_that_is_served(server: FaultServer, tmp_path: Path, kind: str, zipped: bool) -> None:
    """Under any of the types that servers give a .jsonl file, packed or not."""
    history = made(server)
    body = write.encode_log(history)
    server.faults = {LOG: answer(body, content_type=kind)}
    if zipped:
        server.faults = {LOG: packed(body)}

    assert "" == code_of(server, tmp_path, history.latest.did)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (answer(b"", status=404), "did_not_found"), (answer(b"", status=410), "did_not_found"),
        (answer(b"", status=500), "fetch_failed"), (answer(b"", status=503), "fetch_failed"),
        (redirect("https://good.example/did.jsonl"), "fetch_redirect"),
        (redirect("http://127.0.0.1/"), "fetch_redirect"),
        (answer(b"<html>", content_type="text/html"), "fetch_content_type"), (reset(), "fetch_failed"),
        (truncate(b"x" * 500, 100), "fetch_failed"), (delay(3, answer()), "fetch_timeout"), (drip(), "fetch_timeout"),
        (drip_body(), "fetch_timeout"), (endless(), "fetch_too_large"), (bomb(8 * 2**20), "fetch_too_large"),
        (answer(b" " * 300_000, content_type=JSONL), "fetch_too_large"),
        (answer(b"{}\n", content_type=JSONL), "did_log_invalid"), (answer(b"", content_type=JSONL), "did_log_invalid"),
    ],
    ids=str,
)  # fmt: skip
def test_j17_what_a_server_does(server: FaultServer, tmp_path: Path, fault: Fault, code: str) -> None:
    """J17, I05, I10, I14: no answer, a wrong one, one that does not end; a log is bounded in bytes and in time."""
    server.faults = {LOG: fault}

    assert code == code_of(server, tmp_path, made(server).latest.did)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (None, ""), (answer(b"", status=404), "did_witness_threshold"), (answer(b"", status=500), "fetch_failed"),
        (reset(), "fetch_failed"), (drip_body(), "fetch_timeout"), (endless(), "fetch_too_large"),
        (answer(b"[]"), "did_witness_threshold"), (answer(b"{"), "did_witness_threshold"),
        (redirect("https://good.example/w"), "fetch_redirect"),
    ],
    ids=str,
)  # fmt: skip
def test_the_witness_file_is_had_or_nothing_is(
    server: FaultServer, tmp_path: Path, fault: Fault | None, code: str
) -> None:
    """A log that needs approval is never believed without: whatever keeps the file away refuses the DID."""
    history = made(server, witness={"threshold": 1, "witnesses": [{"id": witness_did(11)}]})
    version = history.latest.version_id
    proofs = add_proofs(None, version, [witness_proof(version, secret(11), BEGUN)], history)
    server.faults = {
        LOG: answer(write.encode_log(history), content_type=JSONL),
        WITNESS: answer(proofs) if fault is None else fault,
    }

    assert code == code_of(server, tmp_path, history.latest.did)


def test_j01_a_server_that_takes_its_log_back(server: FaultServer, tmp_path: Path) -> None:
    """J01 over the network: the resolver remembers, whatever the cache forgot."""
    history, marks = made(server), MemoryMarks()
    body = write.encode_log(history)
    server.faults = {LOG: answer(body, content_type=JSONL)}
    assert "" == code_of(server, tmp_path, history.latest.did, marks=marks)

    server.faults = {LOG: answer(body.splitlines(keepends=True)[0], content_type=JSONL)}
    assert "did_log_rollback" == code_of(server, tmp_path, history.latest.did, marks=marks)


def test_i02_a_name_that_points_inside(server: FaultServer, tmp_path: Path) -> None:
    """I02, I04: a did:webvh goes through the same guard as a did:web."""
    did = made(server).latest.did
    for addresses in (("10.0.0.1",), ("93.184.216.34", "::ffff:127.0.0.1"), ("64:ff9b::7f00:1",)):
        with DnsServer({"good.example": [addresses]}) as dns:
            fetcher = GuardedFetcher((), server.write_ca(tmp_path), resolver=dns.resolver)
            found = Resolver(CachedSource(fetcher)).resolve(did)
        assert found.error is not None
        assert ("fetch_forbidden_address", []) == (found.error.code, server.requests)


def test_localhost_is_a_name_for_development(tmp_path: Path) -> None:
    """D37: a did:webvh may be at localhost, and is fetched only where the operator allowed the address."""
    with FaultServer(names=("localhost",)) as running:
        place = template("localhost", running.port)
        text = encode(build_document(place.replace(PLACEHOLDER, STAND_IN), {"key-1": secret(1).public})).decode()
        document = parse(text.replace(STAND_IN, PLACEHOLDER)).value
        at = datetime.now(UTC) - timedelta(minutes=1)
        history = write.create(document, secret(1), at=at)  # type: ignore[arg-type]  # an object
        running.faults = {LOG: answer(write.encode_log(history), content_type=JSONL)}
        allowed = Resolver(NetworkSource(["127.0.0.1", "::1"], running.write_ca(tmp_path)))
        closed = Resolver(NetworkSource((), running.write_ca(tmp_path)))

        assert allowed.resolve(history.latest.did).error is None
        error = closed.resolve(history.latest.did).error
        assert error is not None
        assert "fetch_forbidden_address" == error.code
