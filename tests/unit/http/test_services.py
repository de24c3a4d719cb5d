"""The issuer's and the verifier's services, in process: what their routes answer, and what holds before any route."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from agentdid.clock import FixedClock
from agentdid.errors import CODES
from agentdid.http import create_issuer_app, create_verifier_app
from agentdid.http.middleware import BoundedRequests
from agentdid.http.problems import FRESH, status_of
from agentdid.http.service import create_service
from agentdid.issuer.issuer import Issuer
from agentdid.limits import Limits
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "token-of-the-test"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def world() -> World:
    """The world of the services."""
    return World()


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """A company that issues."""
    with Issuer.create(
        tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP, did="did:web:acme.example", clock=FixedClock(NOW)
    ) as made:
        yield made


def call(app: Any, method: str, target: str, **options: Any) -> httpx.Response:  # noqa: ANN401  # ASGI, httpx
    """Call once."""

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://acme.example") as client:
            return await client.request(method, target, **options)

    return asyncio.run(run())


def issuing(issuer: Issuer) -> FastAPI:
    """The issuer's service."""
    return create_issuer_app(issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest())


def wanted(world: World, **changes: object) -> dict[str, object]:
    """What is asked of the issuer."""
    return {"to": world.agent.did, "capability": world.capability()} | changes


@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
def test_a_credential_is_issued_listed_and_revoked(world: World, issuer: Issuer, form: str) -> None:
    """Issued under the token; the list is public, with ETag and gzip; revoking changes it, once."""
    app = issuing(issuer)
    made = call(app, "POST", "/credentials", json=wanted(world, format=form), headers=AUTHORIZED)
    path = issuer.list_url(issuer.ledger.find(made.json()["id"]).list_id).removeprefix("https://acme.example")
    plain = call(app, "GET", path, headers={"Accept-Encoding": "identity"})
    packed = call(app, "GET", path, headers={"Accept-Encoding": "gzip"})
    same = call(app, "GET", path, headers={"If-None-Match": f'"x", {plain.headers["ETag"]}'})
    revoke = f"/credentials/{made.json()['id']}/revoke"
    changed = [call(app, "POST", revoke, headers=AUTHORIZED).json()["changed"] for _ in range(2)]
    after = call(app, "GET", path)

    assert 201 == made.status_code
    assert [made.json()["credential"]] == made.json()["chain"]
    assert ("application/vc", "gzip", 304, b"") == (
        plain.headers["Content-Type"], packed.headers["Content-Encoding"], same.status_code, same.content,
    )  # fmt: skip
    assert plain.content == packed.content == gzip.decompress(gzip.compress(plain.content))
    assert {"max-age=15"} == {plain.headers["Cache-Control"], same.headers["Cache-Control"]}
    assert [True, False] == changed
    assert plain.headers["ETag"] != after.headers["ETag"]


def test_the_same_idempotency_key(world: World, issuer: Issuer) -> None:
    """A retry after a lost answer names the same credential and the same index (N19)."""
    app = issuing(issuer)
    headers = AUTHORIZED | {"Idempotency-Key": "one"}
    first, second, other = (
        call(app, "POST", "/credentials", json=wanted(world), headers=each).json()["id"]
        for each in (headers, headers, AUTHORIZED)
    )

    assert first == second != other


def test_the_did_document(issuer: Issuer) -> None:
    """It is public, at the place that did:web says, and cacheable."""
    answer = call(issuing(issuer), "GET", "/.well-known/did.json")

    assert issuer.did_document() == answer.json()
    assert ("application/did+json", "max-age=60") == (answer.headers["Content-Type"], answer.headers["Cache-Control"])


def test_a_did_key_serves_no_document(tmp_path: Path) -> None:
    """A did:key is its own document; and without a token hash nobody can issue."""
    with Issuer.create(tmp_path / "key.db", passphrase=PASSPHRASE, kdf=CHEAP) as issuer:
        app = create_issuer_app(issuer, token_hash=None)

        assert 404 == call(app, "GET", "/.well-known/did.json").status_code
        assert 401 == call(app, "POST", "/credentials", json={}, headers=AUTHORIZED).status_code


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"to": "nobody"}, 400, "did_invalid"),
        ({"capability": {}}, 400, "type_mismatch"),
        ({"claims": {"id": "did:web:x.example"}}, 400, "type_mismatch"),
        ({"claims": {"name": "Ada"}, "disclosable": ["validUntil"]}, 422, "sd_claim_not_allowed"),
        ({"disclosable": ["credentialSubject.nothing"]}, 422, "request_invalid"),
        ({"disclosable": ["]["]}, 422, "request_invalid"),
        ({"format": "eddsa-rdfc-1999"}, 422, "request_invalid"),
        ({"format": "eddsa-jcs-2022", "claims": {"n": 1}, "disclosable": ["n"]}, 422, "request_invalid"),
        ({"ttl_s": 0}, 422, "request_invalid"),
        ({"ttl_s": 366 * 86_400 + 1}, 422, "request_invalid"),
        ({"parent": []}, 422, "chain_link_mismatch"),
        ({"parent": ["x"] * 9}, 422, "request_invalid"),
        ({"parent": ["eyJ"]}, 400, "header_invalid"),
    ],
)
def test_what_is_not_issued(world: World, issuer: Issuer, changes: dict[str, object], status: int, code: str) -> None:
    """Each with its code, and no index was burnt for it."""
    answer = call(issuing(issuer), "POST", "/credentials", json=wanted(world, **changes), headers=AUTHORIZED)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert () == tuple(issuer.ledger.search())


def test_a_wider_child_is_not_issued(world: World, tmp_path: Path) -> None:
    """A refusal of the delegation's rules is 422: nobody's right was judged."""
    parent = world.root(subject=world.acme)
    place = tmp_path / "other.db"
    with Issuer.create(place, passphrase=PASSPHRASE, kdf=CHEAP, did=world.acme.did, clock=FixedClock(NOW)) as other:
        wide = world.capability(grants=[world.grant(actions=["invoice.pay"], **{"from": "g1"})])
        body = wanted(world, capability=wide, parent=parent)
        answer = call(
            create_issuer_app(other, token_hash=_hash()), "POST", "/credentials", json=body, headers=AUTHORIZED
        )

    assert (422, "capability_not_attenuated") == (answer.status_code, answer.json()["code"])


def _hash() -> str:
    return hashlib.sha256(TOKEN.encode()).hexdigest()


def test_every_code_has_its_status() -> None:
    """Malformed is 400 or 413, refused 401, 403, 404, 409 or 429, undecided 503; what a new one cures is 401."""
    allowed = {"malformed": {400, 413}, "refused": {401, 403, 404, 409, 429}, "undecided": {503}}
    for code, kind in CODES.items():
        status = status_of(kind("x"))

        assert status in allowed[kind.family]
        assert (code in FRESH) == (status == 401)


@pytest.mark.parametrize("ready", [True, False])
def test_readiness(*, ready: bool) -> None:
    """A service that cannot serve says 503, and still runs."""
    app = create_service("a service", is_ready=lambda: ready)

    assert [200 if ready else 503, 200] == [call(app, "GET", path).status_code for path in ("/readyz", "/healthz")]


def test_a_body_over_the_limit_while_it_streams() -> None:
    """413 for a body without a length, as soon as it is over; an answer that has begun is not begun again."""
    app = FastAPI()

    @app.post("/")
    async def read(body: dict[str, object]) -> int:
        return len(body)

    bounded = BoundedRequests(app, Limits(max_input_bytes=100))

    async def chunks() -> Any:  # noqa: ANN401  # an asynchronous generator
        for _ in range(3):
            yield b" " * 50

    answer = call(bounded, "POST", "/", content=chunks())

    assert (413, "input_too_large") == (answer.status_code, answer.json()["code"])


def test_a_body_over_the_limit_after_the_answer_began() -> None:
    """What was begun is cut off, not answered twice."""
    sent: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()

    async def run() -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b" " * 200}

        async def send(message: dict[str, object]) -> None:
            sent.append(str(message["type"]))

        await BoundedRequests(app, Limits(max_input_bytes=100))({"type": "http", "headers": []}, receive, send)  # type: ignore[arg-type]

    asyncio.run(run())
    assert ["http.response.start"] == sent


@pytest.mark.parametrize("length", [b"-1", b"x", b"1e9", b"99999999999999999999999", b"101", b""])
def test_a_length_that_is_none(length: bytes) -> None:
    """A `Content-Length` over the limit, or that is no number, is refused before anything is read."""
    status: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        pytest.fail("no route is reached")

    async def run() -> None:
        async def send(message: dict[str, Any]) -> None:
            status.extend([message["status"]] if "status" in message else [])

        scope = {"type": "http", "method": "POST", "headers": [(b"content-length", length)]}
        await BoundedRequests(app, Limits(max_input_bytes=100))(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    assert [413] == status


def test_what_is_no_http_passes() -> None:
    """The lifespan of an app is none of our bounds' business."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        seen.append(scope["type"])

    asyncio.run(BoundedRequests(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert ["lifespan"] == seen


def test_the_verifiers_service(world: World) -> None:
    """Challenges out, presentations in, decisions back; a credential by itself too."""
    app = create_verifier_app(world.verifier())
    challenge = call(app, "POST", "/challenges").json()
    presented = world.present(world.root(), challenge=challenge["nonce"])
    body = {"presentation": presented, "challenge": challenge["nonce"]}
    first, second = (call(app, "POST", "/verify", json=body) for _ in range(2))
    bare = call(app, "POST", "/credentials/verify", json={"credential": world.root()})
    odd = call(app, "POST", "/verify", json=body | {"request": {"action": "", "resource": "x"}})
    counted = call(app, "GET", "/metrics").text

    assert (world.trust().audience, 120) == (challenge["audience"], challenge["expiresIn"])
    assert [200, 401, 200, 422] == [each.status_code for each in (first, second, bare, odd)]
    assert "nonce_replayed" == second.json()["code"]
    assert [world.acme.did] == [link["issuer"] for link in first.json()["links"]]
    assert 'code="nonce_replayed",outcome="refused"} 1.0' in counted
    assert {"accepted"} == {json.loads(each.content)["outcome"] for each in (first, bare)}
