"""TRQP v2.0: our registry and our client over real HTTP, and whatever else a registry may answer."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, FetchFailed, Malformed
from agentdid.http.trqp_app import create_trqp_app
from agentdid.sources.source import NetworkSource, RecordedSource
from agentdid.sources.trqp import TrqpClient
from agentdid.trust.registry import AUTHORIZATION, RECOGNITION, Query
from agentdid.trust.scope import Claim
from agentdid.verifier.lookup import look_up
from agentdid.verifier.service import Verifier
from agentdid.verifier.shelf import Shelf
from agentdid.verify.decide import Decision
from agentdid.verify.evidence import replay
from agentdid.verify.needs import Resource
from tests.fault_server import Fault, FaultServer, answer, bomb, delay, drip_body, endless, redirect, reset, truncate
from tests.servers import authority as certificates
from tests.servers import bound_socket, serving
from tests.trust_lists import CAPABILITY, below, build, entry, sign
from tests.world import RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.verify.needs import Answer

LOWER = "https://sector.example/trust/list"
READ = Request(type="http", action="invoice.read", resource=f"{RESOURCE}/7", arguments={}, id="r1")


class Registry(World):
    """Two authorities, the files of their lists, and the service that answers from them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(datetime.now(UTC).replace(microsecond=0))
        self.folder = folder
        self.registry = self.party("registry", method="web")
        self.sector = self.party("sector", method="web")
        self.write(
            "registry",
            entries=[
                entry(self, self.acme),
                entry(self, self.helper, types=["DiplomaCredential"], roots=None, actions=None),
            ],
            lists=[below(self, self.sector, LOWER, actions=["order.*"])],
        )
        self.write("sector", url=LOWER, entries=[entry(self, self.stranger, actions=["order.*", "invoice.*"])])

    def write(self, name: str, **members: Any) -> None:  # noqa: ANN401  # as `build` has them
        """Sign a party's list into its file."""
        signer = getattr(self, name)
        (self.folder / name).write_bytes(sign(self, signer, build(self, signer, **members)))

    def shelf(self) -> Shelf:
        """Return the lists as they are answered from."""
        return Shelf([self.folder / "registry", self.folder / "sector"], self, clock=FixedClock(self.now))

    def app(self) -> Any:  # noqa: ANN401  # an ASGI app
        """Return the service."""
        return create_trqp_app(self.shelf(), clock=FixedClock(self.now))


@pytest.fixture
def world(tmp_path: Path) -> Registry:
    """Return the world."""
    return Registry(tmp_path)


@pytest.fixture
def origin(world: Registry, tmp_path: Path) -> Iterator[str]:
    """Serve the registry over TLS on loopback."""
    listener = bound_socket()
    with serving(world.app(), listener, tmp_path) as origin:
        yield origin


def network(folder: Path, **options: Any) -> NetworkSource:  # noqa: ANN401  # as the source has them
    """Return the network as the guard lets these tests have it."""
    file = folder / "authority.pem"
    certificates().cert_pem.write_to_path(str(file))
    return NetworkSource(allow=["127.0.0.1", "::1"], ca=str(file), **options)


def ask(app: Any, path: str, body: object, **headers: str) -> httpx.Response:  # noqa: ANN401  # an ASGI app
    """Ask an app; bytes are sent as they are."""

    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://trqp.example") as client:
            content = body if isinstance(body, bytes) else encode(body)
            return await client.post(path, content=content, headers={"Content-Type": "application/json"} | headers)

    return asyncio.run(go())


def question(world: Registry, **changes: object) -> dict[str, object]:
    """Return the question whether acme may grant to read invoices."""
    return {
        "entity_id": world.acme.did,
        "authority_id": world.registry.did,
        "action": "grant:invoice.read",
        "resource": world.partner.did,
    } | changes


def test_an_answer_has_the_protocols_form(world: Registry) -> None:
    """Authorization Response Schema: the question's members again, the verdict, and when it was evaluated."""
    got = ask(world.app(), "/authorization", question(world), **{"X-Request-ID": "d4f34c12-9b7a"})

    assert (200, "application/json", "d4f34c12-9b7a") == (
        got.status_code, got.headers["content-type"], got.headers["x-request-id"],
    )  # fmt: skip
    assert got.json() == question(world) | {
        "authorized": True,
        "time_evaluated": world.now.isoformat().replace("+00:00", "Z"),
        "message": "a list of the authority says so",
    }


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, True),
        ({"action": "grant:order.place"}, False),
        ({"action": "grant:invoice.read", "resource": "did:web:other.example"}, False),
        ({"action": "issue", "resource": CAPABILITY}, False),
        ({"entity_id": "helper", "action": "issue", "resource": "DiplomaCredential"}, True),
        ({"entity_id": "helper", "action": "issue", "resource": "BadgeCredential"}, False),
        ({"entity_id": "did:web:nobody.example"}, False),
        ({"entity_id": "stranger", "action": "grant:order.place"}, True),
        ({"entity_id": "stranger", "action": "grant:invoice.read"}, False),
    ],
)
def test_authorization_is_what_the_lists_say(world: Registry, changes: dict[str, object], verdict: bool) -> None:
    """L29: an entry, or one of a list that is named, within what names it; anything else is no."""
    who = getattr(world, str(changes.get("entity_id")), None)
    asked = question(world, **(changes if who is None else changes | {"entity_id": who.did}))

    assert verdict == ask(world.app(), "/authorization", asked).json()["authorized"]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"action": "grant:order.place"}, True),
        ({"action": "grant:invoice.read"}, False),
        ({"entity_id": "did:web:acme.example", "action": "grant:order.place"}, False),
    ],
)
def test_recognition_is_of_who_signs_a_named_list(world: Registry, changes: dict[str, object], verdict: bool) -> None:
    """An authority recognizes whom it lets speak by a list of its own, about no more than that."""
    asked = question(world, **({"entity_id": world.sector.did} | changes))

    assert verdict == ask(world.app(), "/recognition", asked).json()["recognized"]


def test_a_time_is_answered_about(world: Registry) -> None:
    """Context, time: the answer is about that instant, and says so; before the list began nobody is let."""
    later = (world.now + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    never = "2020-01-01T00:00:00Z"
    found = [
        ask(world.app(), "/authorization", question(world, context={"time": time, "more": "x"})).json()
        for time in (later, never)
    ]

    assert [(True, later), (False, never)] == [(each["authorized"], each["time_requested"]) for each in found]
    assert {"time": later, "more": "x"} == found[0]["context"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        ({}, 422),
        ({"entity_id": 1}, 422),
        ({"action": ""}, 422),
        ({"resource": "a b"}, 422),
        ({"context": []}, 422),
        ({"context": {"time": "now"}}, 422),
        ({"context": {"time": 1}}, 422),
        ({"authority_id": "did:web:other.example"}, 404),
        ({"action": "verify"}, 404),
        ({"action": "grant:"}, 404),
    ],
)
def test_what_is_no_question_is_a_problem(world: Registry, body: object, status: int) -> None:
    """HTTPS Binding, Error Handling: problem details, and nothing of what was sent in them."""
    sent = question(world) | body if isinstance(body, dict) and body else body
    got = ask(world.app(), "/authorization", sent)

    assert (got.headers["content-type"], got.json()["status"]) == ("application/problem+json", got.status_code)
    assert got.status_code in (status, 400)


def test_a_list_that_does_not_verify_is_not_answered_from(world: Registry) -> None:
    """A file that was changed, has ended or went back makes no answer: 503, and not ready."""
    app = world.app()
    good = (world.folder / "registry").read_bytes()
    assert ask(app, "/authorization", question(world)).status_code == 200
    (world.folder / "registry").write_bytes(good.replace(b"invoice.*", b"invoice.r"))
    forged = ask(app, "/authorization", question(world))
    world.write("registry", entries=[entry(world, world.acme)], sequence=0)
    older = ask(app, "/authorization", question(world))
    world.write("registry", entries=[entry(world, world.acme)], begin=world.now - timedelta(days=3), sequence=9)
    ended = ask(app, "/authorization", question(world))
    (world.folder / "registry").unlink()
    gone = ask(app, "/authorization", question(world))

    assert ["signature_invalid", "trust_list_stale", "trust_list_stale", "store_unavailable"] == [
        each.json()["code"] for each in (forged, older, ended, gone)
    ]
    assert {403, 503} >= {each.status_code for each in (forged, older, ended, gone)}


def test_the_client_asks_over_http(world: Registry, origin: str, tmp_path: Path) -> None:
    """Authorization and recognition, by our client from our registry, over TLS and through the guard."""
    client = TrqpClient(origin, network(tmp_path))
    yes = client.ask(Query(AUTHORIZATION, world.acme.did, world.registry.did, "grant:invoice.read", world.partner.did))
    no = client.ask(Query(AUTHORIZATION, world.acme.did, world.registry.did, "issue", "BadgeCredential"))
    peer = client.ask(Query(RECOGNITION, world.sector.did, world.registry.did, "grant:order.place", world.partner.did))

    assert (True, False, True) == (yes.positive, no.positive, peer.positive)
    assert abs((yes.evaluated - world.now).total_seconds()) < 60
    with pytest.raises(FetchFailed):
        client.ask(Query(AUTHORIZATION, world.acme.did, "did:web:nobody.example", "issue", "BadgeCredential"))
    timed = client.ask(Query(AUTHORIZATION, world.acme.did, world.registry.did, "issue", "x", "2020-01-01T00:00:00Z"))
    assert not timed.positive


def row(world: World, url: str, authority: str, **changes: object) -> dict[str, object]:
    """Return a `[[registry]]` of the policy."""
    return {
        "url": url,
        "authority": authority,
        "types": [CAPABILITY],
        "roots": [world.partner.did],
        "actions": ["invoice.*", "order.*"],
    } | changes


class Both:
    """The registry over the network, everything else from the world."""

    def __init__(self, world: World, source: NetworkSource) -> None:
        self._world = world
        self._source = source
        self.asked: list[str] = []

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Ask where it is."""
        if not url.startswith("trqp+"):
            return self._world.get(url, accept, max_age_s)
        self.asked.append(url)
        return self._source.get(url, accept, max_age_s)

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`."""
        if not url.startswith("trqp+"):
            return await self._world.aget(url, accept, max_age_s)
        return await self._source.aget(url, accept, max_age_s)


def test_a_verifier_believes_a_registry(world: Registry, origin: str, tmp_path: Path) -> None:
    """L28-L32: a chain is let by a registry's word, for what was asked alone; it bounds the decision, and replays."""
    source = Both(world, network(tmp_path))
    trust = world.trust(anchor=[], registry=[row(world, origin, world.registry.did)])
    verifier = Verifier(trust, source=source, clock=FixedClock(world.now))
    grants = [world.grant(actions=["invoice.read"]), world.grant(id="g2", actions=["order.place"])]
    chain: Any = world.root(capability=world.capability(grants=grants))
    decision = verifier.verify_credential(chain)
    again = verifier.verify_credential(chain, request=READ)
    stranger: Any = world.root(issuer=world.stranger, capability=world.capability(principal=world.stranger.did))
    bundle = decision.report.evidence.encode(decision)

    assert decision.permits(READ)
    assert decision.capability is not None
    assert [each.id for each in decision.capability.grants] == ["g1"]
    assert f"registry {origin}" in {each.by for each in again.verified.freshness}
    assert isinstance(replay(json.loads(encode(bundle))), Decision)
    with pytest.raises(AgentdidError) as refused:
        verifier.verify_credential(stranger)
    assert refused.value.code == "issuer_untrusted"
    assert isinstance(asyncio.run(averify(verifier, world, chain)), AgentdidError)


async def averify(verifier: Verifier, world: World, chain: Any) -> object:  # noqa: ANN401  # a chain
    """Return what a presentation is refused for, asked without blocking."""
    try:
        return await verifier.averify(world.present(chain, challenge="unknown"), challenge="another")
    except AgentdidError as error:
        return error


def said(world: World, **changes: object) -> dict[str, object]:
    """Return a yes to the question whether acme may grant to read invoices."""
    return {
        "entity_id": world.acme.did,
        "authority_id": "did:web:registry.example",
        "action": "grant:invoice.read",
        "resource": world.partner.did,
        "authorized": True,
        "time_evaluated": world.now.isoformat().replace("+00:00", "Z"),
    } | changes


def judged(world: World, body: bytes, **changes: object) -> tuple[str, str | None]:
    """Return family and code of a judgement for which a registry answers this."""
    base = "https://trqp.example"
    query = Query(AUTHORIZATION, world.acme.did, "did:web:registry.example", "grant:invoice.read", world.partner.did)
    name = query.name(base)
    world.served[name] = Resource(name, body, world.now)
    trust = world.trust(anchor=[], registry=[row(world, base, "did:web:registry.example", **changes)])
    report = Verifier(trust, source=world, clock=FixedClock(world.now)).inspect(world.root())
    return report.outcome, report.code


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("accepted", None)),
        ({"message": "yes", "more": 1, "context": {}}, ("accepted", None)),
        ({"authorized": False}, ("refused", "issuer_untrusted")),
        ({"authorized": "true"}, ("refused", "issuer_untrusted")),
        ({"authorized": 1}, ("refused", "issuer_untrusted")),
        ({"authorized": None}, ("refused", "issuer_untrusted")),
        ({"recognized": True, "authorized": False}, ("refused", "issuer_untrusted")),
        ({"entity_id": "did:web:other.example"}, ("refused", "issuer_untrusted")),
        ({"authority_id": "did:web:other.example"}, ("refused", "issuer_untrusted")),
        ({"action": "grant:order.place"}, ("refused", "issuer_untrusted")),
        ({"resource": "did:web:other.example"}, ("refused", "issuer_untrusted")),
        ({"time_evaluated": "soon"}, ("refused", "issuer_untrusted")),
        ({"context": {"time": "2020-01-01T00:00:00Z"}}, ("refused", "issuer_untrusted")),
        ({"context": []}, ("refused", "issuer_untrusted")),
        ({"message": 1}, ("refused", "issuer_untrusted")),
        ({"time_evaluated": "2020-01-01T00:00:00Z"}, ("undecided", "trust_list_stale")),
        ({"time_evaluated": "2100-01-01T00:00:00Z"}, ("undecided", "trust_list_stale")),
    ],
)
def test_only_a_yes_to_the_very_question_counts(
    world: Registry, changes: dict[str, object], expected: tuple[str, str | None]
) -> None:
    """L30: malformed, about something else, or of another time: nobody is let."""
    assert expected == judged(world, encode(said(world, **changes)))


@pytest.mark.parametrize("body", [b"", b"true", b"[]", b"{", b"\xff", b'{"authorized":true,"authorized":true}'])
def test_what_is_no_answer_lets_nobody(world: Registry, body: bytes) -> None:
    """L30: it is JSON of the protocol's form, or nothing."""
    assert ("refused", "issuer_untrusted") == judged(world, body)


def test_a_registry_speaks_of_what_the_policy_lets_it(world: Registry) -> None:
    """L28, L31: beyond it nobody is asked; another principal is never let."""
    body = encode(said(world))

    assert ("refused", "issuer_untrusted") == judged(world, body, actions=["order.*"])
    assert ("refused", "issuer_untrusted") == judged(world, body, roots=["did:web:other.example"])
    assert not [each for each in world.asked if each.startswith("trqp+")]
    trust = world.trust(anchor=[], registry=[row(world, "https://trqp.example", "did:web:registry.example")])
    other: Any = world.root(capability=world.capability(principal="did:web:principal.example"))
    report = Verifier(trust, source=world, clock=FixedClock(world.now)).inspect(other)
    assert ("issuer_untrusted", []) == (report.code, [each for each in world.asked if each.startswith("trqp+")])


def test_every_type_is_asked_about(world: Registry) -> None:
    """L29: of a credential with two types both must be authorized."""
    base, authority = "https://trqp.example", "did:web:registry.example"
    trust = world.trust(
        anchor=[],
        registry=[row(world, base, authority, types=["DiplomaCredential", "BadgeCredential"], roots=[], actions=[])],
    )
    claim = Claim(world.acme.did, frozenset({"DiplomaCredential", "BadgeCredential"}))
    outcomes = []
    for badge in (True, False):
        for kind, verdict in (("DiplomaCredential", True), ("BadgeCredential", badge)):
            name = Query(AUTHORIZATION, world.acme.did, authority, "issue", kind).name(base)
            world.served[name] = Resource(
                name, encode(said(world, action="issue", resource=kind, authorized=verdict)), world.now
            )
        found = look_up(trust, claim, world, world.now)
        outcomes.append(None if found.refusal is None else found.refusal.code)

    assert [None, "issuer_untrusted"] == outcomes


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (answer(b"{}", status=404), {"fetch_failed"}),
        (answer(b"{}", status=500), {"fetch_failed"}),
        (answer(b"{}", content_type="text/html"), {"fetch_content_type"}),
        (redirect("https://good.example/authorization", 307), {"fetch_redirect"}),
        (reset(), {"fetch_failed"}),
        (truncate(b"{}" * 100, 5), {"fetch_failed"}),
        (endless(), {"fetch_too_large"}),
        (bomb(2**24), {"fetch_too_large"}),
        (delay(5, answer()), {"fetch_timeout"}),
        (drip_body(), {"fetch_timeout"}),
        (answer(b"{}"), {"type_mismatch"}),
    ],
)
def test_a_hostile_registry_lets_nobody(world: Registry, tmp_path: Path, fault: Fault, codes: set[str]) -> None:
    """L25, L32: whatever the server does, there is no yes, in bounded time, and its code says why."""
    with FaultServer({"/authorization": fault}, names=("127.0.0.1",)) as server:
        source = NetworkSource(
            allow=["127.0.0.1"], ca=server.write_ca(tmp_path), limits=world.trust(limits={"fetch_timeout_s": 1}).limits
        )
        client = TrqpClient(server.url("", host="127.0.0.1"), source)
        with pytest.raises(AgentdidError) as caught:
            client.ask(Query(AUTHORIZATION, world.acme.did, "did:web:registry.example", "issue", "x"))
    sent = server.requests[0]

    assert caught.value.code in codes
    assert sent.startswith(b"POST /authorization HTTP/1.1\r\n")
    assert b"content-type: application/json" in sent.lower()
    assert sent.endswith(b'"resource":"x"}')


@pytest.mark.parametrize("url", ["http://trqp.example", "https://trqp.example/?x", "trqp.example", "https://"])
def test_a_registry_has_an_https_url(world: Registry, url: str) -> None:
    """L28: as the client, so the policy."""
    with pytest.raises(ValueError, match="https URL"):
        TrqpClient(url, world)
    with pytest.raises(ValueError, match="registry"):
        world.trust(registry=[row(world, url, "did:web:registry.example")])


def test_a_question_has_a_name(world: Registry) -> None:
    """L33: the answer to it can be written down, and is found."""
    query = Query(AUTHORIZATION, world.acme.did, "did:web:registry.example", "issue", "x")
    name = query.name("https://trqp.example")
    source = RecordedSource.load({name: said(world, action="issue", resource="x")}, world.now)

    assert name.startswith("trqp+https://trqp.example/authorization?entity_id=did%3Aweb%3Aacme.example&authority_id=")
    assert TrqpClient("https://trqp.example/", source).ask(query).positive
    with pytest.raises(Malformed):
        TrqpClient("https://trqp.example", RecordedSource.load({name: {}}, world.now)).ask(query)


def test_the_service_has_what_every_service_has(world: Registry) -> None:
    """Health, readiness, metrics without names, and a schema."""
    app = world.app()

    async def go() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://trqp.example") as client:
            await client.post("/authorization", json=question(world))
            return [await client.get(path) for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")]

    health, ready, metrics, schema = asyncio.run(go())

    assert [200, 200, 200] == [each.status_code for each in (health, ready, schema)]
    assert "did:" not in metrics.text
    assert {"/authorization", "/recognition"} <= schema.json()["paths"].keys()
