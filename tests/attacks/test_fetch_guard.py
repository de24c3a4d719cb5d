"""Layer I, outbound fetches, and layer K, status lists as sent: each attack meets its own code."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
import zlib
from typing import TYPE_CHECKING

import pytest
import trustme

from agentdid.errors import AgentdidError
from agentdid.limits import Limits
from agentdid.sources import fetch
from agentdid.sources.addresses import check_addresses, parse_networks
from agentdid.sources.fetch import GuardedFetcher
from agentdid.status.bitstring import StatusEntry, decode_list, encode_list, parse_entry, read_list
from tests.fault_server import (
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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.verify.needs import Resource

DID_JSON = ("application/did+json", "application/json")
SECRET = b'{"secret": "of the inner network"}'
PUBLIC = ["93.184.215.14"]


class _Party:
    """A fetcher in both its forms, and the server that it meets."""

    def __init__(self, server: FaultServer, fetcher: GuardedFetcher, kind: str) -> None:
        self.server = server
        self._fetcher = fetcher
        self._kind = kind

    def fetch(self, url: str, accept: tuple[str, ...] = ()) -> Resource:
        """Fetch by the blocking or by the asynchronous way."""
        if self._kind == "sync":
            return self._fetcher.fetch(url, accept)
        return asyncio.run(self._fetcher.afetch(url, accept))

    def refusal(self, url: str, accept: tuple[str, ...] = ()) -> AgentdidError:
        """Return the error of a fetch that must fail."""
        with pytest.raises(AgentdidError) as refusal:
            self.fetch(url, accept)
        return refusal.value


FAULTS = {
    "/ok": answer(b'{"id":"did:web:good.example"}'),
    "/packed": packed(b" " * 10_000),
    "/to-http": redirect("http://good.example/"),
    "/to-inside": redirect("https://10.0.0.1/"),
    "/to-file": redirect("file:///etc/passwd", 301),
    "/loop": redirect("/loop", 307),
    "/not-modified": answer(b"", status=304),
    "/bomb": bomb(32 * 2**20),
    "/long": answer(b" " * 60_000),
    "/endless": endless(),
    "/half-gzip": answer(zlib.compress(b"x" * 99, 9, 31)[:-4], headers=("Content-Encoding: gzip",)),
    "/gzip-and-more": answer(zlib.compress(b"x", 9, 31) + b"y", headers=("Content-Encoding: gzip",)),
    "/no-gzip": answer(b"no gzip at all", headers=("Content-Encoding: gzip",)),
    "/brotli": answer(b"x", headers=("Content-Encoding: br",)),
    "/gzip-twice": answer(b"x", headers=("Content-Encoding: gzip, gzip",)),
    "/drip-head": drip(),
    "/drip-body": drip_body(),
    "/late": delay(2, answer()),
    "/reset": reset(),
    "/truncated": truncate(b" " * 100, 99),
    "/garbage": lambda connection, _: connection.sendall(b"\x00\x01\x02 hello\r\n\r\n"),
    "/html": answer(SECRET, content_type="text/html; charset=utf-8"),
    "/two-types": answer(SECRET, headers=("Content-Type: text/html",)),
    "/missing": answer(SECRET, status=404),
    "/gone": answer(SECRET, status=410),
    "/broken": answer(SECRET, status=500),
    "/unavailable": answer(SECRET, status=503),
    "/partial": answer(SECRET, status=206),
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    """One server for all paths."""
    with FaultServer(dict(FAULTS)) as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def party(request: pytest.FixtureRequest, server: FaultServer, tmp_path: Path) -> _Party:
    """A fetcher that may speak to loopback and trusts the server's authority, short of patience."""
    fetcher = GuardedFetcher(
        ["127.0.0.1"],
        server.write_ca(tmp_path),
        Limits(max_fetch_bytes=50_000, fetch_timeout_s=0.5),
        lambda host, _: ["127.0.0.1"] if host == "good.example" else ["no address"],
    )
    server.requests.clear()
    return _Party(server, fetcher, request.param)


def _guarded(*addresses: str, allow: tuple[str, ...] = ()) -> GuardedFetcher:
    return GuardedFetcher(allow, resolver=lambda *_: addresses, limits=Limits(fetch_timeout_s=0.5))


def test_an_orderly_answer_is_had(party: _Party) -> None:
    """The guard is no wall: a good answer comes through, with the asker's own headers."""
    got = party.fetch(party.server.url("/ok"), DID_JSON)
    head = party.server.requests[0].lower()

    assert got.body == b'{"id":"did:web:good.example"}'
    assert head.startswith(b"get /ok http/1.1\r\n")
    assert f"host: good.example:{party.server.port}\r\n".encode() in head
    assert b"accept: application/did+json, application/json\r\n" in head
    assert b"accept-encoding: gzip\r\n" in head
    assert b"cookie" not in head


def test_an_address_is_verified_as_an_address(party: _Party) -> None:
    """A URL of an allowed address is checked against the certificate's address."""
    assert party.fetch(party.server.url("/ok", "127.0.0.1")).body


def test_gzip_is_unpacked(party: _Party) -> None:
    """A packed body is the same document."""
    assert party.fetch(party.server.url("/packed")).body == b" " * 10_000


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:6379",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",  # noqa: S104  # asked, not bound
        "[::]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::ffff:127.0.0.1]",
    ],
)
def test_i01_own_host(host: str) -> None:
    """I01: this host is not fetched from, however it is written, and never over http."""
    guarded = GuardedFetcher(limits=Limits(fetch_timeout_s=1.5))

    for ask in (guarded.fetch, lambda url: asyncio.run(guarded.afetch(url))):
        with pytest.raises(AgentdidError) as refusal:
            ask(f"https://{host}/.well-known/did.json")
        assert refusal.value.code == "fetch_forbidden_address"


@pytest.mark.parametrize(
    "address",
    [
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:a00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "not an address",
    ],
)
def test_i02_i04_inner_addresses(address: str) -> None:
    """I02, I04: a name with an inner address is not fetched from, be it the only one or one of several."""
    found: list[str] = []
    guarded = GuardedFetcher(resolver=lambda *_: found)
    for found[:] in ([address], [*PUBLIC, address], [address, *PUBLIC]):
        with pytest.raises(AgentdidError) as refusal:
            guarded.fetch("https://inner.example/")
        assert refusal.value.code == "fetch_forbidden_address"
        assert address not in str(refusal.value)


def test_public_addresses_pass() -> None:
    """The guard refuses what is not public, and nothing else; mapped addresses are judged as what they map to."""
    public = ("8.8.8.8", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1", "192.0.1.1", "::ffff:9.9.9.9", "8.8.8.8")

    assert check_addresses(public, ()) == (
        "8.8.8.8", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1", "192.0.1.1", "9.9.9.9",
    )  # fmt: skip


def test_what_is_allowed_is_allowed_by_name() -> None:
    """`[fetch] allow` opens exactly the networks it lists."""
    allow = parse_networks(["10.0.0.0/30", "fd00::5"])

    assert check_addresses(["10.0.0.3", "fd00::5"], allow) == ("10.0.0.3", "fd00::5")
    for outside in ("10.0.0.4", "fd00::6", "127.0.0.1"):
        with pytest.raises(AgentdidError) as refusal:
            check_addresses([outside], allow)
        assert refusal.value.code == "fetch_forbidden_address"
    with pytest.raises(ValueError, match="host bits"):
        parse_networks(["10.0.0.1/8"])


def test_a_name_is_resolved_once(server: FaultServer, tmp_path: Path) -> None:
    """A name that answers otherwise the second time (rebinding) is never asked a second time."""
    asked: list[str] = []

    def rebinding(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    fetcher = GuardedFetcher(["127.0.0.1"], server.write_ca(tmp_path), resolver=rebinding)

    assert fetcher.fetch(server.url("/ok")).body
    assert asked == ["good.example"]


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example/",
        "file:///etc/passwd",
        "ftp://good.example/",
        "//good.example/",
        "https:good.example",
        "https:///did.json",
        "https://user@good.example/",
        "https://good.example@10.0.0.1/",
        "https://good.example\\@10.0.0.1/",
        "https://good.example:0/",
        "https://good.example:65536/",
        "https://good.example:443x/",
        "https://good.example /",
        "https://good.example/\r\nHost: other.example",
        "https://good.example/a b",
        "https://good%2eexample/",
        "https://gööd.example/",
        "https://good..example/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 127 + "example/",
        "",
    ],
)
def test_only_plain_https_urls_are_fetched(url: str) -> None:
    """Nothing but an https URL that all readers read alike is looked at."""
    guarded = _guarded(*PUBLIC)

    for ask in (guarded.fetch, lambda each: asyncio.run(guarded.afetch(each))):
        with pytest.raises(AgentdidError) as refusal:
            ask(url)
        assert refusal.value.code == "fetch_scheme"


@pytest.mark.parametrize("path", ["/to-http", "/to-inside", "/to-file", "/loop", "/not-modified"])
def test_i05_redirects(party: _Party, path: str) -> None:
    """I05: a redirect ends the matter; its target is not asked."""
    assert party.refusal(party.server.url(path)).code == "fetch_redirect"
    assert len(party.server.requests) == 1


@pytest.mark.parametrize("path", ["/bomb", "/long", "/endless"])
def test_i10_too_large(party: _Party, path: str) -> None:
    """I10: a body over the limit, as sent or as unpacked, announced or not, is dropped at the limit."""
    assert party.refusal(party.server.url(path)).code == "fetch_too_large"


@pytest.mark.parametrize(
    "path",
    [
        "/half-gzip", "/gzip-and-more", "/no-gzip", "/brotli", "/gzip-twice", "/reset", "/truncated", "/garbage",
        "/broken", "/unavailable", "/partial", "/missing", "/gone",
    ],
)  # fmt: skip
def test_broken_answers(party: _Party, path: str) -> None:
    """Whatever is no whole answer with status 200 is a failure."""
    assert party.refusal(party.server.url(path)).code == "fetch_failed"


@pytest.mark.parametrize("path", ["/drip-head", "/drip-body", "/late"])
def test_time_is_one_budget(party: _Party, path: str) -> None:
    """Dripping bytes buy no time: head and body together have one deadline."""
    begin = time.monotonic()

    assert party.refusal(party.server.url(path)).code == "fetch_timeout"
    assert time.monotonic() - begin < 1


def test_a_handshake_that_does_not_come(party: _Party) -> None:
    """A server that takes the connection and then says nothing costs no more than the deadline."""
    begin = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://good.example:{mute.getsockname()[1]}/"

        assert party.refusal(url).code == "fetch_timeout"
    assert time.monotonic() - begin < 1


def test_a_server_that_is_not_there(party: _Party) -> None:
    """A refused connection is a failure."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert party.refusal(f"https://good.example:{port}/").code == "fetch_failed"


def test_a_deadline_that_is_over_leaves_no_time() -> None:
    """No wait is begun after the deadline."""
    with pytest.raises(AgentdidError) as refusal:
        fetch._Deadline(-1).left_s()

    assert refusal.value.code == "fetch_timeout"


def test_a_name_server_that_does_not_answer(server: FaultServer) -> None:
    """The look-up is part of the budget."""

    def slow(*_: object) -> list[str]:
        time.sleep(0.5)
        return PUBLIC

    fetcher = GuardedFetcher(limits=Limits(fetch_timeout_s=0.1), resolver=slow)
    begin = time.monotonic()

    for ask in (fetcher.fetch, lambda url: asyncio.run(fetcher.afetch(url))):
        with pytest.raises(AgentdidError) as refusal:
            ask(server.url("/ok"))
        assert refusal.value.code == "fetch_timeout"
    assert time.monotonic() - begin < 0.5


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label")])
def test_a_name_without_an_address(error: Exception) -> None:
    """A name that cannot be resolved, or has no address, is a failure."""

    def failing(*_: object) -> list[str]:
        raise error

    for guarded in (GuardedFetcher(resolver=failing), _guarded()):
        with pytest.raises(AgentdidError) as refusal:
            guarded.fetch("https://none.example/")
        assert refusal.value.code == "fetch_failed"


def test_look_ups_left_behind_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead name server cannot fill the process with waiting threads."""
    monkeypatch.setattr(fetch, "_THREADS", threading.BoundedSemaphore(1))
    go, done = threading.Event(), threading.Event()

    def dead(*_: object) -> list[str]:
        go.wait(2)
        done.set()
        return []

    guarded = GuardedFetcher(limits=Limits(fetch_timeout_s=0.05), resolver=dead)
    details = []
    for _ in range(2):
        with pytest.raises(AgentdidError) as refusal:
            guarded.fetch("https://dead.example/")
        assert refusal.value.code == "fetch_timeout"
        details.append(refusal.value.detail)
    go.set()

    assert details == ["the answer did not come in time", "too many look-ups and fetches are still unanswered"]
    assert done.wait(2)


def test_a_host_of_ipv6_is_named_in_brackets() -> None:
    """The `Host` header of an IPv6 address has its brackets, and a port where it is not https's own."""
    assert fetch._parse_url("https://[2606:4700::1111]/a?b#c").authority == "[2606:4700::1111]"
    assert fetch._parse_url("https://[2606:4700::1111]:8443/").authority == "[2606:4700::1111]:8443"
    assert fetch._parse_url("HTTPS://Good.Example:443?a=/").authority == "good.example"
    assert fetch._parse_url("https://good.example?a=/").target == "/?a=/"
    assert fetch._parse_url("https://good.example/a?b#c").target == "/a?b"


def test_the_next_address_is_tried(party: _Party, tmp_path: Path) -> None:
    """A host with one dead address is reached at its other, in whichever order they stand."""
    addresses = ["127.0.0.77", "127.0.0.1"]
    fetcher = GuardedFetcher(["127.0.0.0/8"], party.server.write_ca(tmp_path), resolver=lambda *_: addresses)

    for _ in range(2):
        assert fetcher.fetch(party.server.url("/ok")).body
        assert asyncio.run(fetcher.afetch(party.server.url("/ok"))).body
        addresses.reverse()


@pytest.mark.parametrize("kind", ["self-signed", "expired", "wrong host", "wrong address", "no tls"])
def test_i12_certificates(kind: str, tmp_path: Path) -> None:
    """I12: the certificate is by a known authority, in its time, for the very host; an added CA adds only itself."""
    known = trustme.CA()
    with FaultServer(
        {"/": answer()},
        names=("other.example",) if kind.startswith("wrong") else ("good.example",),
        expired=kind == "expired",
        authority=trustme.CA() if kind == "self-signed" else known,
        plain=kind == "no tls",
    ) as server:
        known.cert_pem.write_to_path(tmp_path / "ca.pem")
        fetcher = GuardedFetcher(["127.0.0.1"], tmp_path / "ca.pem", resolver=lambda *_: ["127.0.0.1"])
        url = server.url("/", "127.0.0.1" if kind == "wrong address" else "good.example")

        for ask in (fetcher.fetch, lambda each: asyncio.run(fetcher.afetch(each))):
            with pytest.raises(AgentdidError) as refusal:
                ask(url)
            assert refusal.value.code == "fetch_tls"
        assert server.requests == []


def test_i13_proxies(party: _Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """I13: the environment cannot put a proxy between us and the host."""
    with FaultServer(plain=True) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)

        assert party.fetch(party.server.url("/ok")).body
        assert proxy.requests == []


@pytest.mark.parametrize("path", ["/html", "/two-types"])
def test_i14_content_type(party: _Party, path: str) -> None:
    """I14: a page is not a document, even where its bytes could be one."""
    assert party.refusal(party.server.url(path), DID_JSON).code == "fetch_content_type"


@pytest.mark.parametrize("path", ["/html", "/missing", "/broken", "/no-gzip", "/garbage", "/to-inside"])
def test_i20_errors_tell_nothing(party: _Party, path: str) -> None:
    """I20: no word of the server's answer, and no address, reaches the asker."""
    words = str(party.refusal(party.server.url(path), DID_JSON).as_problem())

    for secret in ("secret", "inner", "text/html", "127.0.0.1", "10.0.0.1", str(party.server.port), "hello"):
        assert secret not in words


def _encoded(raw: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://status.example/1",
}


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        ({"statusListIndex": "-1"}, "range_error"),
        ({"statusListIndex": "131072"}, "range_error"),
        ({"statusListIndex": "18446744073709551616"}, "range_error"),
        ({"statusPurpose": "suspension"}, "status_verification_error"),
        ({"statusSize": "1"}, "status_malformed"),
        ({"statusSize": 0}, "status_malformed"),
        ({"statusSize": 16}, "status_malformed"),
        ({"statusSize": 2**31}, "status_malformed"),
    ],
)
def test_k04_k11_k18_entries(attack: dict[str, object], code: str) -> None:
    """K04, K11, K18: an entry that the list cannot answer is refused, and never counts as not revoked."""
    held = read_list(
        {
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "validFrom": "2026-11-01T00:00:00Z",
            "credentialSubject": {
                "type": "BitstringStatusList",
                "statusPurpose": "revocation",
                "encodedList": encode_list(bytes(16384)),
            },
        },
        url="https://status.example/1",
        issuer="did:web:status.example",
        signed_at=None,
    )

    assert held.value(parse_entry(ENTRY)) == 0
    with pytest.raises(AgentdidError) as refusal:
        held.value(parse_entry(ENTRY | attack))
    assert refusal.value.code == code


def test_k04_a_hand_made_entry() -> None:
    """K04: not even an entry that no parser made reads from the end of the list."""
    with pytest.raises(AgentdidError) as refusal:
        parse_entry(ENTRY | {"statusListIndex": "-131072"})

    assert refusal.value.code == "range_error"
    assert StatusEntry("revocation", 7, "https://status.example/1") == parse_entry(ENTRY)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (zlib.compress(bytes(16383), 9, 31), "status_list_length_error"),
        (zlib.compress(bytes(2**24 + 1), 9, 31), "status_list_too_large"),
        (zlib.compress(bytes(16384), 9), "status_malformed"),
        (zlib.compress(bytes(16384), 9, 31) * 2, "status_malformed"),
    ],
)
def test_k06_k16_lists(raw: bytes, code: str) -> None:
    """K06, K16: a list has its least and its greatest size, and one gzip member."""
    with pytest.raises(AgentdidError) as refusal:
        decode_list(_encoded(raw))

    assert refusal.value.code == code
