"""ATTACKS layers H and I where DIDs are resolved: through a verifier, a real server, its cache and its guard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.errors import AgentdidError
from agentdid.keys.secret import SecretKey
from agentdid.limits import Limits
from agentdid.sources.cache import CachedSource
from agentdid.sources.fetch import GuardedFetcher
from agentdid.sources.resolver import Resolver
from agentdid.sources.source import NetworkSource
from tests.dns_server import SILENCE, DnsServer
from tests.fault_server import (
    Fault,
    FaultServer,
    answer,
    bomb,
    delay,
    drip,
    drip_body,
    endless,
    redirect,
    reset,
    truncate,
)
from tests.world import NOW, World

KEY = SecretKey.from_seed("Ed25519", b"\1" * 32).public
DID_TYPE = "application/did+json"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server on loopback that the guard allows by name."""
    with FaultServer() as running:
        yield running


def resolver(server: FaultServer, folder: Path, **limits: float) -> Resolver:
    """A resolver that may reach loopback, with little patience."""
    bounds = Limits(**{"fetch_timeout_s": 2.0, "max_fetch_bytes": 200_000, **limits})  # type: ignore[arg-type]
    allowed = NetworkSource(["127.0.0.1"], server.write_ca(folder), bounds)
    return Resolver(allowed, limits=bounds)


def code_of(server: FaultServer, folder: Path, fault: Fault, did: str = "", **limits: float) -> str:
    """The code with which a did:web that meets a fault is refused; empty where it resolves."""
    name = did or f"did:web:127.0.0.1%3A{server.port}"
    server.faults = {"/.well-known/did.json": fault, "/a/did.json": fault}
    found = resolver(server, folder, **limits).resolve(name)
    return "" if found.error is None else found.error.code


def document(did: str) -> bytes:
    """A document with one key."""
    return encode(build_document(did, {"k": KEY}))


def test_z07_did_web_with_port_and_path(server: FaultServer, tmp_path: Path) -> None:
    """Accepted, over TLS with the host's own certificate."""
    did = did_web.create("127.0.0.1", server.port, ["a"])

    assert "" == code_of(server, tmp_path, answer(document(did), content_type=DID_TYPE), did)
    assert server.requests[0].startswith(b"GET /a/did.json ")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (redirect("https://127.0.0.1/"), "fetch_redirect"),
        (redirect("http://169.254.169.254/", 307), "fetch_redirect"),
        (bomb(200 * 2**20), "fetch_too_large"),
        (endless(), "fetch_too_large"),
        (drip(), "fetch_timeout"),
        (drip_body(), "fetch_timeout"),
        (delay(3, answer()), "fetch_timeout"),
        (reset(), "fetch_failed"),
        (truncate(b"x" * 1_000, 10), "fetch_failed"),
        (answer(b"<html>", content_type="text/html"), "fetch_content_type"),
        (answer(b"gone", status=404), "did_not_found"),
        (answer(b"gone", status=410), "did_not_found"),
        (answer(b"oops", status=500), "fetch_failed"),
        (answer(b"{"), "json_invalid"),
        (answer(b"[]"), "type_mismatch"),
        (answer(document("did:web:evil.example")), "did_document_mismatch"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_i05_i09_i10_i14_what_a_server_does(fault: Fault, code: str, server: FaultServer, tmp_path: Path) -> None:
    """Redirects, bombs, streams, drips, resets, cuts, other types, other documents: each its code."""
    assert code == code_of(server, tmp_path, fault, fetch_timeout_s=0.4 if code == "fetch_timeout" else 2.0)


def test_i14_a_document_under_404_is_none(server: FaultServer, tmp_path: Path) -> None:
    """A body that is valid does not make a 404 an answer."""
    did = f"did:web:127.0.0.1%3A{server.port}"

    assert "did_not_found" == code_of(server, tmp_path, answer(document(did), status=404, content_type=DID_TYPE))


@pytest.mark.parametrize(
    "did",
    ["did:web:127.0.0.1%3A6379", "did:web:localhost", "did:web:0.0.0.0", "did:web:169.254.169.254", "did:web:10.0.0.1"],
)
def test_i01_i02_addresses_inside(did: str) -> None:
    """A did:web that spells one is refused before anything is connected to, and never over http."""
    found = Resolver(NetworkSource()).resolve(did)

    assert found.error is not None
    assert "fetch_forbidden_address" == found.error.code


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (("169.254.169.254",), "fetch_forbidden_address"), (("10.1.2.3",), "fetch_forbidden_address"),
        (("100.64.0.1",), "fetch_forbidden_address"), (("fd00::1",), "fetch_forbidden_address"),
        (("64:ff9b::a00:1",), "fetch_forbidden_address"), (("::ffff:10.0.0.1",), "fetch_forbidden_address"),
        (("93.184.216.34", "10.0.0.1"), "fetch_forbidden_address"), ((), "fetch_failed"), (SILENCE, "fetch_timeout"),
        (None, "fetch_failed"),
    ],
    ids=str,
)  # fmt: skip
def test_i02_i04_names_that_point_inside(addresses: tuple[str, ...] | None, code: str) -> None:
    """Every address of a name must be public: private, mapped, translated and mixed answers are refused."""
    names = {} if addresses is None else {"inside.example": [addresses]}
    with DnsServer(names) as dns:
        source = CachedSource(GuardedFetcher(limits=Limits(fetch_timeout_s=0.5), resolver=dns.resolver))
        found = Resolver(source).resolve("did:web:inside.example")

    assert found.error is not None
    assert code == found.error.code


def test_i02_a_name_that_changes_its_mind(server: FaultServer, tmp_path: Path) -> None:
    """DNS rebinding: the connection goes to the address that was judged, and the name is asked for once a fetch."""
    did = f"did:web:good.example%3A{server.port}"
    server.faults = {"/.well-known/did.json": answer(document(did), content_type=DID_TYPE)}
    with DnsServer({"good.example": [("127.0.0.1",), ("10.0.0.1",)]}) as dns:
        fetcher = GuardedFetcher(["127.0.0.1"], server.write_ca(tmp_path), resolver=dns.resolver)
        clock = FixedClock(NOW)
        source = CachedSource(fetcher, clock)
        asked = Resolver(source)
        first = asked.resolve(did)
        looked_up = len(dns.asked)
        source._clock = FixedClock(NOW + timedelta(days=1))
        second = asked.resolve(did)

    assert (None, 2) == (first.error, looked_up)  # A and AAAA
    assert second.error is not None
    assert ("fetch_forbidden_address", 1) == (second.error.code, len(server.requests))


def test_i12_certificates(tmp_path: Path) -> None:
    """Self-signed by an authority that nobody named, expired, for another host."""
    for make in ({"expired": True}, {"names": ("other.example",)}):
        with FaultServer(**make) as running:  # type: ignore[arg-type]
            assert "fetch_tls" == code_of(running, tmp_path, answer())
    with FaultServer() as running:
        found = Resolver(NetworkSource(["127.0.0.1"])).resolve(f"did:web:127.0.0.1%3A{running.port}")
        assert found.error is not None
        assert "fetch_tls" == found.error.code


def test_i13_no_proxy(server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy variables do not move a fetch."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    did = f"did:web:127.0.0.1%3A{server.port}"

    assert "" == code_of(server, tmp_path, answer(document(did), content_type=DID_TYPE))


def test_i20_an_error_shows_nothing_of_the_answer(server: FaultServer, tmp_path: Path) -> None:
    """Neither the body nor the address of an internal server comes back to the asker."""
    server.faults = {"/.well-known/did.json": answer(b"SECRET-BODY", status=500)}
    found = resolver(server, tmp_path).resolve(f"did:web:127.0.0.1%3A{server.port}")

    assert found.error is not None
    assert "SECRET" not in str(found.encode())


class Site:
    """A fetcher whose site's document changes, and that counts how often it is asked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[str] = []
        self.down = False

    def fetch(self, url: str, accept: object = ()) -> object:  # noqa: ARG002  # a Fetcher's shape
        """Serve the world's document as it is now, as had now."""
        self.asked.append(url)
        found = self.world.get(url, (), 0)
        if self.down or not hasattr(found, "body"):
            from agentdid.errors import FetchFailed  # noqa: PLC0415  # the guard's own word

            raise FetchFailed("down")
        return type(found)(url, found.body, self.world.now)


def rotated(world: World) -> SecretKey:
    """Publish another key for acme and return it."""
    fresh = SecretKey.from_seed("Ed25519", b"\7" * 32)
    world.serve(did_web.url(world.acme.did), encode(build_document(world.acme.did, {"key-2": fresh.public})))
    return fresh


def verify(world: World, source: CachedSource, chain: object) -> str:
    """The code of a verdict at the world's time."""
    from agentdid.verifier.service import Verifier  # noqa: PLC0415  # as its users import it

    verifier = Verifier(world.trust(), source=source, clock=FixedClock(world.now))
    try:
        verifier.verify_credential(chain)  # type: ignore[arg-type]  # a chain
    except AgentdidError as error:
        return error.code
    return ""


def at(world: World, source: CachedSource, seconds: float) -> None:
    """Let time pass for the world and the cache over it."""
    world.now = NOW + timedelta(seconds=seconds)
    source._clock = FixedClock(world.now)


@pytest.mark.parametrize("down", [False, True])
def test_i18_a_storm_of_unknown_keys(down: bool) -> None:
    """A hundred strangers' key ids in ten minutes: the issuer's document is had once a minute at most."""
    world = World()
    site = Site(world)
    source = CachedSource(site, FixedClock(NOW))  # type: ignore[arg-type]  # a Fetcher by its shape
    world.acme.method_id = f"{world.acme.did}#nobody-knows"
    chain = world.root(ttl=timedelta(hours=8))
    assert "purpose_not_authorized" == verify(world, source, chain)
    site.down = down
    fetched = len(site.asked)
    for second in range(0, 290, 3):
        at(world, source, second)
        assert "purpose_not_authorized" == verify(world, source, chain)

    assert len(site.asked) - fetched <= 290 / 60


def test_i18_a_key_that_came_since_is_found_within_a_minute() -> None:
    """After a rotation the new key counts, although the old document may be held for five minutes."""
    world = World()
    site = Site(world)
    source = CachedSource(site, FixedClock(NOW))  # type: ignore[arg-type]
    assert "" == verify(world, source, world.root())
    fresh = rotated(world)
    world.acme.secret, world.acme.method_id = fresh, f"{world.acme.did}#key-2"
    world.publish(world.acme)
    chain = world.root()
    at(world, source, 30)
    assert "purpose_not_authorized" == verify(world, source, chain)
    at(world, source, 61)
    world.publish(world.acme)

    assert "" == verify(world, source, chain)


def test_i17_a_removed_key_counts_no_longer_than_the_document_may_be_held() -> None:
    """300 s after it was had, the document is asked for again, and the key is gone."""
    world = World()
    site = Site(world)
    source = CachedSource(site, FixedClock(NOW))  # type: ignore[arg-type]
    chain = world.root()
    assert "" == verify(world, source, chain)
    status = world.served[world.acme.list_url]
    rotated(world)
    at(world, source, 301)
    world.served[world.acme.list_url] = status

    assert "purpose_not_authorized" == verify(world, source, chain)


def test_single_flight_of_resolutions(server: FaultServer, tmp_path: Path) -> None:
    """Ten who ask at once cause one fetch."""
    did = f"did:web:127.0.0.1%3A{server.port}"
    server.faults = {"/.well-known/did.json": delay(0.2, answer(document(did), content_type=DID_TYPE))}
    asked = resolver(server, tmp_path)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(asked.resolve(did).document)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert (10, 1) == (sum(each is not None for each in found), len(server.requests))


def test_h12_other_names_of_a_did_prove_nothing() -> None:
    """An issuer that says it is also known as a trusted one is as untrusted as before."""
    world = World()
    stranger = world.party("stranger2", method="web")
    body = {**build_document(stranger.did, {"key-1": stranger.secret.public}), "alsoKnownAs": [world.acme.did]}
    world.serve(did_web.url(stranger.did), encode({**body, "controller": world.acme.did}))
    with pytest.raises(AgentdidError) as caught:
        world.verifier().verify_credential(world.root(issuer=stranger))  # type: ignore[arg-type]  # a chain

    assert "issuer_untrusted" == caught.value.code
    assert did_web.url(stranger.did) not in world.asked
