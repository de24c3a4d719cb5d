"""Revocation at a running verifier, over real HTTP with TLS: within the bound, and within a second with the stream."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentdid.clock import SystemClock
from agentdid.errors import AgentdidError
from agentdid.http.issuer_admin import admin_verifier
from agentdid.http.issuer_app import create_issuer_app
from agentdid.issuer.issuer import Issuer
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from tests.servers import authority, bound_socket, client_context, origin_of, serving
from tests.stores import CHEAP, PASSPHRASE
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "token-of-the-test"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Site:
    """A running issuer, and how a verifier comes to trust it."""

    def __init__(self, issuer: Issuer, origin: str, folder: Path) -> None:
        self.issuer = issuer
        self.origin = origin
        self.client = httpx.Client(base_url=origin, verify=client_context(), trust_env=False, headers=HEADERS)
        self.ca = folder / "ca.pem"
        authority().cert_pem.write_to_path(str(self.ca))
        self.world = World()

    def issue(self, **more: object) -> Any:  # noqa: ANN401  # JSON
        """Issue a credential over HTTP."""
        capability = self.world.capability(principal=self.issuer.did)
        body = {"to": self.world.agent.did, "capability": capability} | more
        answer = self.client.post("/credentials", json=body)
        assert 201 == answer.status_code, answer.text
        return answer.json()

    def verifier(self, staleness_s: int) -> Verifier:
        """A verifier that asks this site over the network."""
        table: dict[str, object] = {
            "audience": "https://api.partner.example",
            "did": self.world.partner.did,
            "resource": [{"prefix": "https://api.partner.example/", "root": self.world.partner.did}],
            "anchor": [
                {"did": self.issuer.did, "types": ["AgentCapabilityCredential"], "roots": [self.world.partner.did],
                 "actions": ["invoice.*"], "principals": [self.issuer.did]}
            ],
            "limits": {"status_staleness_s": staleness_s},
            "fetch": {"allow": ["127.0.0.1"], "ca": str(self.ca)},
        }  # fmt: skip
        return Verifier(Trust.parse(table))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The running issuer."""
    listener = bound_socket()
    with Issuer.create(
        tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP, base_url=origin_of(listener), refresh_s=0.5
    ) as issuer:
        app = create_issuer_app(
            issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest(), verifier=admin_verifier(issuer)
        )
        with serving(app, listener, tmp_path) as origin:
            made = Site(issuer, origin, tmp_path)
            with made.client:
                yield made


def code_of(verifier: Verifier, credential: Any) -> str | None:  # noqa: ANN401  # a credential
    """The code of a judgement; `None` when the credential is accepted."""
    try:
        verifier.verify_credential(credential)
    except AgentdidError as error:
        return error.code
    return None


def seconds_until(verifier: Verifier, credential: Any, code: str | None, bound_s: float) -> float:  # noqa: ANN401
    """How long it takes until the verifier says `code`; a second longer than the bound at most."""
    begun = time.monotonic()
    while code_of(verifier, credential) != code:
        if time.monotonic() - begun > bound_s + 1:
            pytest.fail(f"not {code} within {bound_s} s")
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.mark.parametrize("status", ["bitstring", "token"])
def test_a_revocation_is_known_within_a_second_by_the_stream(site: Site, status: str) -> None:
    """With a bound of an hour, what the stream says is known at once: revoked, suspended and reinstated."""
    verifier = site.verifier(3_600)
    made = [site.issue(statusForm=status) for _ in range(2)]
    with verifier.follow(f"{site.origin}/status/events") as events:
        assert events.wait_connected(10)
        assert [None, None] == [code_of(verifier, each["credential"]) for each in made]
        taken = []
        for act, number, code in (
            ("suspend", 1, "status_suspended"), ("reinstate", 1, None), ("revoke", 0, "status_revoked"),
        ):  # fmt: skip
            answer = site.client.post(f"/credentials/{made[number]['id']}/{act}", json={"reason": "test"})
            assert {"id": made[number]["id"], "changed": True} == answer.json()
            taken.append(seconds_until(verifier, made[number]["credential"], code, 1.0))

        assert None is code_of(verifier, made[1]["credential"])
    print("seconds until known by the stream:", [round(each, 3) for each in taken])  # noqa: T201  # a figure
    assert max(taken) < 1


def test_a_revocation_is_known_within_the_bound_without_it(site: Site) -> None:
    """Without a stream it takes as long as a list may be old, and no longer."""
    verifier = site.verifier(2)
    made = site.issue()
    assert None is code_of(verifier, made["credential"])
    site.client.post(f"/credentials/{made['id']}/revoke")
    taken = seconds_until(verifier, made["credential"], "status_revoked", 2.0)

    print("seconds until known without the stream:", round(taken, 3))  # noqa: T201  # a figure
    assert taken < 2.5


def test_the_kill_switch_over_http(site: Site) -> None:
    """One call revokes all of an agent's credentials, in all lists, and nobody else's; with no condition, none."""
    verifier = site.verifier(3_600)
    other = site.world.helper.did
    made = [site.issue(), site.issue(statusForm="token"), site.issue(suspendable=False), site.issue(to=other)]
    with verifier.follow(f"{site.origin}/status/events") as events:
        assert events.wait_connected(10)
        assert [None] * 4 == [code_of(verifier, each["credential"]) for each in made]
        refused = site.client.post("/credentials/status", json={"act": "revoke"})
        killed = site.client.post("/credentials/status", json={"subject": site.world.agent.did, "reason": "stolen"})
        for each in made[:3]:
            seconds_until(verifier, each["credential"], "status_revoked", 1.0)

        assert None is code_of(verifier, made[3]["credential"])
    assert (422, {"changed": 3}) == (refused.status_code, killed.json())


def test_the_stream_tells_every_list_and_is_kept_open(site: Site) -> None:
    """First the state of all lists, then each change: plain server-sent events."""
    made = site.issue(statusForm="token")
    found: list[str] = []
    with site.client.stream("GET", "/status/events", timeout=10) as answer:
        assert ("text/event-stream; charset=utf-8", "no-store") == (
            answer.headers["content-type"], answer.headers["cache-control"],
        )  # fmt: skip
        lines = answer.iter_lines()
        while len(found) < 4:
            line = next(lines)
            if line.startswith("data: "):
                found.append(line)
        site.client.post(f"/credentials/{made['id']}/revoke")
        while not any('"version":2' in line for line in found):
            found.append(next(lines))
    urls = {line.partition('"url":"')[2].partition('"')[0] for line in found if "data" in line}

    assert {site.issuer.lists.url(name) for name in site.issuer.lists.names()} == urls
    assert 4 == len(urls)


@pytest.mark.parametrize("port", [0, 1])
def test_a_stream_that_is_not_there_costs_nothing(site: Site, port: int) -> None:
    """A stream that cannot be had is tried again and again; verdicts come as without it."""
    verifier = site.verifier(60)
    made = site.issue()
    url = "https://127.0.0.1:1/status/events" if port else f"{site.origin}/healthz"
    with verifier.follow(url) as events:
        assert not events.wait_connected(0.3)
        assert None is code_of(verifier, made["credential"])
    with pytest.raises(TypeError, match="listen"):
        site.world.verifier().follow(url)


def test_a_list_is_served_as_http_has_it(site: Site) -> None:
    """ETag, 304, gzip as it is asked for, no list of the past, and the aggregation of token lists."""
    made = site.issue(statusForm="token")
    entry = site.issuer.ledger.find(made["id"])
    path = f"/status/{entry.list_id}"
    site.issuer.refresh_s = 60
    forms = [site.client.get(path + form) for form in ("", ".jwt", ".cwt")]
    answers = {
        accepted: site.client.get(path, headers={"Accept-Encoding": accepted}).headers.get("content-encoding")
        for accepted in ("gzip", "gzip;q=0", "identity", "br, gzip;q=0.5", "*")
    }
    again = site.client.get(path, headers={"If-None-Match": forms[0].headers["etag"]})

    assert ["application/vc", "application/statuslist+jwt", "application/statuslist+cwt"] == [
        each.headers["content-type"] for each in forms
    ]
    assert {"gzip": "gzip", "gzip;q=0": None, "identity": None, "br, gzip;q=0.5": "gzip", "*": "gzip"} == answers
    assert (304, b"") == (again.status_code, again.content)
    assert 501 == site.client.get(path, params={"time": "1"}).status_code
    assert [404, 404] == [site.client.get(each).status_code for each in ("/status/none", f"{path}.exe")]
    assert {"status_lists": [f"{site.origin}{path}.jwt"]} == site.client.get("/status/aggregation").json()


def test_slow_listeners_hold_nobody_up(site: Site) -> None:
    """Fifty who listen and never read; the list is served as before."""
    made = site.issue()
    held = []
    try:
        for _ in range(50):
            raw = socket.create_connection(("127.0.0.1", int(site.origin.rpartition(":")[2])))
            secure: ssl.SSLSocket = client_context().wrap_socket(raw, server_hostname="localhost")
            secure.sendall(b"GET /status/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held.append(secure)
        begun = time.monotonic()
        site.client.post(f"/credentials/{made['id']}/revoke")
        answer = site.client.get("/healthz")

        assert 200 == answer.status_code
        assert time.monotonic() - begun < 2
    finally:
        for each in held:
            each.close()


def test_the_clock_is_the_systems(site: Site) -> None:
    """Nothing in these tests is measured with a clock that was set."""
    assert isinstance(site.issuer.clock, SystemClock)
