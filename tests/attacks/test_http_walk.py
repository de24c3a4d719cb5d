"""`httpx.Client(auth=wallet.auth())` over real HTTPS: the retry walk, and what a thief or a false server can do."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from agentdid.clock import FixedClock
from agentdid.errors import AgentdidError, AudienceMismatch, FetchScheme, HeaderInvalid, QueryNotSatisfied
from agentdid.http import protect, require_capability
from agentdid.present.challenge import Challenge
from agentdid.verify.decide import Grant
from agentdid.wallet.wallet import Wallet
from tests.servers import bound_socket, client_context, origin_of, serving
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TIMEOUT_S = 10.0


class Partner:
    """A partner's API on a port of its own, and what it was sent."""

    def __init__(self, world: World, origin: str) -> None:
        self.world, self.origin = world, origin
        self.seen: list[str] = []
        self.spurious = 0
        trust = world.trust(audience=origin, resource=[{"prefix": f"{origin}/", "root": world.partner.did}])
        self.verifier = world.verifier(trust=trust)
        self.app = FastAPI()

        @self.app.middleware("http")
        async def watch(request: Request, call_next: Callable[[Request], Any]) -> Response:
            shown = request.headers.get("authorization")
            if shown is not None:
                self.seen.append(shown)
                if self.spurious:
                    self.spurious -= 1
                    fresh = Challenge(self.verifier.issue_nonce(), origin).encode()
                    return JSONResponse({"code": "nonce_expired"}, 401, {"WWW-Authenticate": fresh})
            answer: Response = await call_next(request)
            return answer

        @self.app.api_route("/v1/invoices/{number}", methods=["GET", "POST", "PUT"])
        async def invoice(
            number: int, grant: Annotated[Grant, Depends(require_capability("invoice.read"))], request: Request
        ) -> dict[str, object]:
            return {"invoice": number, "agent": grant.agent, "length": len(await request.body())}

        protect(self.app, self.verifier)


@pytest.fixture
def world() -> World:
    """The world of the walk."""
    return World()


@pytest.fixture
def partner(world: World, tmp_path: Path) -> Iterator[Partner]:
    """A partner that serves."""
    with ExitStack() as stack:
        listener = bound_socket()
        made = Partner(world, origin_of(listener))
        stack.enter_context(serving(made.app, listener, tmp_path))
        yield made


@pytest.fixture
def wallet(world: World, partner: Partner, tmp_path: Path) -> Iterator[Wallet]:
    """The agent's wallet, with a capability at the partner."""
    with Wallet.create(tmp_path / "agent.wallet", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as made:
        made.add_key(world.agent.did, world.agent.secret)
        made.receive(root_at(world, partner.origin), source=world)
        yield made


def root_at(world: World, origin: str, **changes: object) -> list[Any]:
    """A root link over the invoices of an origin."""
    grant = world.grant(resources=[f"{origin}/v1/invoices"], **changes)
    return list(world.root(capability=world.capability(grants=[grant])))


class Caller:
    """A client, synchronous or asynchronous, by the same face."""

    def __init__(self, kind: str, auth: httpx.Auth | None) -> None:
        self._kind = kind
        self._options: dict[str, Any] = {
            "auth": auth, "verify": client_context(), "trust_env": False, "timeout": _TIMEOUT_S,
        }  # fmt: skip

    def __call__(self, method: str, url: str, *, follow: bool = False, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Call once."""
        if self._kind == "sync":
            with httpx.Client(follow_redirects=follow, **self._options) as client:
                return client.request(method, url, **options)

        async def run() -> httpx.Response:
            async with httpx.AsyncClient(follow_redirects=follow, **self._options) as client:
                return await client.request(method, url, **options)

        return asyncio.run(run())


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, wallet: Wallet) -> Caller:
    """The agent's client."""
    return Caller(request.param, wallet.auth())


plain = Caller("sync", None)


def test_the_walk(partner: Partner, call: Caller, world: World) -> None:
    """Called, challenged, answered, let in; again for another method, URL and body; each presentation another."""
    answers = [
        call("GET", f"{partner.origin}/v1/invoices/7"),
        call("GET", f"{partner.origin}/v1/invoices/7?region=EU&region=US#part"),
        call("POST", f"{partner.origin}/v1/invoices/8", json={"amount": "1.00"}),
        call("PUT", f"{partner.origin}/v1/invoices/9", content=b"\x00\xff" * 9_000),
    ]

    assert [200] * 4 == [answer.status_code for answer in answers]
    assert {world.agent.did} == {answer.json()["agent"] for answer in answers}
    assert [0, 0, 17, 18_000] == [answer.json()["length"] for answer in answers]
    assert 4 == len(set(partner.seen))


def test_z19_a_nonce_that_is_lost(partner: Partner, call: Caller) -> None:
    """Z19: a server that spuriously refuses a good nonce, twice, is answered a third time."""
    for lost in (1, 2):
        partner.spurious = lost

        assert 200 == call("GET", f"{partner.origin}/v1/invoices/7").status_code
    assert 5 == len(set(partner.seen))


def test_a_server_that_never_has_enough(partner: Partner, call: Caller) -> None:
    """A server that challenges without end gets three presentations for a call, and then the caller gets its 401."""
    partner.spurious = 99

    assert 401 == call("GET", f"{partner.origin}/v1/invoices/7").status_code
    assert 3 == len(partner.seen)


def presented(wallet: Wallet, method: str, url: str, content: bytes = b"") -> str:
    """The Authorization header that the wallet makes for one call, not yet sent."""
    request = httpx.Request(method, url, content=content)
    flow = wallet.auth().sync_auth_flow(request)
    sent = next(flow)
    with httpx.Client(verify=client_context(), trust_env=False, timeout=_TIMEOUT_S) as client:
        while "Authorization" not in sent.headers:
            sent = flow.send(client.send(sent))
    flow.close()
    return sent.headers["Authorization"]


def test_a_replayed_header(partner: Partner, wallet: Wallet) -> None:
    """The same header again, to the same URL, by the same agent: 401, the code, and a fresh challenge."""
    url = f"{partner.origin}/v1/invoices/7"
    header = {"Authorization": presented(wallet, "GET", url)}
    first, second = plain("GET", url, headers=header), plain("GET", url, headers=header)
    challenge = Challenge.find(second.headers.get_list("WWW-Authenticate"))

    assert (200, 401, "nonce_replayed") == (first.status_code, second.status_code, second.json()["code"])
    assert "application/problem+json" == second.headers["Content-Type"]
    assert challenge is not None
    assert partner.origin == challenge.audience


@pytest.mark.parametrize(
    ("method", "target", "content"),
    [
        ("PUT", "/v1/invoices/7?region=EU", b'{"amount":"1"}'),
        ("POST", "/v1/invoices/8?region=EU", b'{"amount":"1"}'),
        ("POST", "/v1/invoices/7?region=US", b'{"amount":"1"}'),
        ("POST", "/v1/invoices/7?region=EU&region=US", b'{"amount":"1"}'),
        ("POST", "/v1/invoices/7?", b'{"amount":"1"}'),
        ("POST", "/v1/invoices/%37?region=EU", b'{"amount":"1"}'),
        ("POST", "/v1/invoices/7?region=EU", b'{"amount":"2"}'),
        ("POST", "/v1/invoices/7?region=EU", b'{"amount":"1"} '),
        ("POST", "/v1/invoices/7?region=EU", b""),
    ],
)
def test_a_stolen_header(partner: Partner, wallet: Wallet, method: str, target: str, content: bytes) -> None:
    """On another method, URL or body it is refused; and it was not consumed by that."""
    body, url = b'{"amount":"1"}', f"{partner.origin}/v1/invoices/7?region=EU"
    headers = {"Authorization": presented(wallet, "POST", url, body), "Content-Type": "application/json"}
    stolen = plain(method, f"{partner.origin}{target}", headers=headers, content=content)

    assert (403, "holder_binding_failed") == (stolen.status_code, stolen.json()["code"])
    assert 200 == plain("POST", url, headers=headers, content=body).status_code


def test_l20_a_presentation_passed_on_to_another_partner(
    partner: Partner, wallet: Wallet, world: World, tmp_path: Path
) -> None:
    """L20: what one service was shown opens no other, even of the same owner; here not even its nonce is known."""
    listener = bound_socket()
    other = Partner(world, origin_of(listener))
    with serving(other.app, listener, tmp_path):
        header = {"Authorization": presented(wallet, "GET", f"{partner.origin}/v1/invoices/7")}
        passed = plain("GET", f"{other.origin}/v1/invoices/7", headers=header)

    # the URL is not the other's: the resource's root was trusted, the audience was not
    assert (403, "audience_mismatch") == (passed.status_code, passed.json()["code"])


def false_server(challenges: list[str], location: str | None = None) -> FastAPI:
    """A server that challenges as it likes, and keeps what it is shown."""
    app = FastAPI()
    app.state.shown = []

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(path: str, request: Request) -> Response:
        if "authorization" in request.headers:
            app.state.shown.append(request.headers["authorization"])
        if path == "away" and location is not None:
            return RedirectResponse(location)
        response = JSONResponse({}, 401)
        for each in challenges:
            response.headers.append("WWW-Authenticate", each)
        return response

    return app


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ('AgentVP nonce="n", aud="https://api.partner.example"', AudienceMismatch),
        ('AgentVP nonce="n", aud="{partner}"', AudienceMismatch),
        ('AgentVP nonce="n", aud="{here}/"', AudienceMismatch),
        ('AgentVP nonce="n", aud="{here}", dcql="https://evil.example/dcql"', AudienceMismatch),
        ('AgentVP nonce="n", aud="{here}", dcql="{here}.evil.example/dcql"', (AudienceMismatch, HeaderInvalid)),
        ('AgentVP nonce="n", aud="{here}", dcql="{here}/dcql"', QueryNotSatisfied),
        ('AgentVP nonce="n", aud="{here}", dcql="{here}/away"', QueryNotSatisfied),
        ('AgentVP nonce="n", nonce="m", aud="{here}"', HeaderInvalid),
        ('AgentVP aud="{here}"', HeaderInvalid),
        ('AgentVP nonce="", aud="{here}"', HeaderInvalid),
        ('AgentVP nonce="n"', HeaderInvalid),
    ],
)
def test_a_false_challenge(
    partner: Partner, wallet: Wallet, tmp_path: Path, header: str, error: type[AgentdidError]
) -> None:
    """A challenge for another audience, with its query elsewhere, or of no form: nothing is signed, nothing sent."""
    listener = bound_socket()
    here = origin_of(listener)
    server = false_server([header.format(here=here, partner=partner.origin)], f"{partner.origin}/dcql")
    with serving(server, listener, tmp_path), pytest.raises(error):
        Caller("sync", wallet.auth())("GET", f"{here}/v1/invoices/7", follow=True)

    assert [] == server.state.shown + partner.seen


@pytest.mark.parametrize(
    "header", ['Bearer realm="x"', 'AgentVPX nonce="n", aud="{here}"', "", 'Basic realm="AgentVP"']
)
def test_somebody_elses_challenge(wallet: Wallet, tmp_path: Path, header: str) -> None:
    """Other schemes of authentication are the caller's matter: it gets its 401."""
    listener = bound_socket()
    here = origin_of(listener)
    server = false_server([header.format(here=here)])
    with serving(server, listener, tmp_path):
        assert 401 == Caller("sync", wallet.auth())("GET", f"{here}/v1/invoices/7").status_code

    assert [] == server.state.shown


def test_a_redirect_to_another_origin(partner: Partner, call: Caller, tmp_path: Path) -> None:
    """A server that sends the client on to the partner does not make it sign for what it was not told to call."""
    listener = bound_socket()
    server = false_server([], f"{partner.origin}/v1/invoices/7")
    with serving(server, listener, tmp_path) as here, pytest.raises(AudienceMismatch):
        call("GET", f"{here}/away", follow=True)

    assert [] == partner.seen


def test_plain_http_to_somebody_else(wallet: Wallet, world: World) -> None:
    """Over plain http nothing is presented to another machine."""
    origin = "http://api.partner.example"
    request = httpx.Request("GET", f"{origin}/v1/invoices/7")
    flow = wallet.auth().sync_auth_flow(request)
    next(flow)
    answer = httpx.Response(401, headers={"WWW-Authenticate": Challenge("n", origin).encode()}, request=request)
    with pytest.raises(FetchScheme):
        flow.send(answer)


def test_what_the_capability_does_not_reach(partner: Partner, wallet: Wallet, call: Caller, world: World) -> None:
    """A revoked or foreign capability is presented once and refused with its code; there is no second try."""
    world.acme.revoked.add(7)
    world.publish(world.acme)
    refused = call("GET", f"{partner.origin}/v1/invoices/7")

    assert (403, "status_revoked") == (refused.status_code, refused.json()["code"])
    assert {"type", "title", "status", "code", "detail"} == refused.json().keys()
    assert 1 == len(partner.seen)


def test_what_is_counted_or_approved(partner: Partner, wallet: Wallet, world: World, tmp_path: Path) -> None:
    """A limit without room is 429 `limit_exceeded`; what needs an approval is 403 `approval_required`."""
    found = []
    for name, changes in (
        ("limits", {"limits": {"calls": {"max": 0, "window": "PT1H"}}}),
        ("approval", {"approval": {"when": "always", "approvers": [world.acme.did], "threshold": 1}}),
        ("region", {"constraints": {"region": {"type": "const", "value": "EU"}}}),
    ):
        with Wallet.create(tmp_path / name, passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as other:
            other.add_key(world.agent.did, world.agent.secret)
            other.receive(root_at(world, partner.origin, **changes), source=world)
            client = Caller("sync", other.auth())
            for query in ("", "?region=EU", "?region=EU&region=EU"):
                answer = client("GET", f"{partner.origin}/v1/invoices/7{query}")
                found.append((answer.status_code, answer.json().get("code")))

    assert [(429, "limit_exceeded")] * 3 == found[:3]
    assert [(403, "approval_required")] * 3 == found[3:6]
    assert [(403, "capability_target_mismatch"), (200, None), (403, "capability_target_mismatch")] == found[6:]


def test_arguments_from_query_and_body(partner: Partner, wallet: Wallet, world: World, tmp_path: Path) -> None:
    """A constrained argument comes once, from the query or a JSON body; twice, or of another media type, it denies."""
    changes = {"constraints": {"amount": {"type": "range", "max": "5"}}}
    found = []
    with Wallet.create(tmp_path / "w", passphrase=PASSPHRASE, kdf=CHEAP, clock=FixedClock(NOW)) as other:
        other.add_key(world.agent.did, world.agent.secret)
        other.receive(root_at(world, partner.origin, **changes), source=world)
        client = Caller("sync", other.auth())
        for query, media_type, body in (
            ("?amount=5", "text/plain", b""),
            ("", "application/json", b'{"amount":"5"}'),
            ("", "application/json; charset=utf-8", b'{"amount":5}'),
            ("?amount=6", "text/plain", b""),
            ("", "application/json", b'{"amount":"6"}'),
            ("", "application/json", b'{"amount":5.5}'),
            ("?amount=5", "application/json", b'{"amount":"5"}'),
            ("", "text/plain", b'{"amount":"5"}'),
            ("", "application/json", b'["amount","5"]'),
            ("", "application/json", b'{"amount":"5","amount":"6"}'),
            ("", "application/json", b'{"amount":'),
        ):
            headers = {"Content-Type": media_type}
            answer = client("POST", f"{partner.origin}/v1/invoices/7{query}", headers=headers, content=body)
            found.append((answer.status_code, answer.json().get("code")))

    denied = (403, "capability_target_mismatch")
    assert [(200, None)] * 3 + [denied] * 6 + [(400, "json_duplicate_key"), (400, "json_invalid")] == found
