"""The deny list over HTTP: with the verifier's token, effective for the next presentation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.http import create_verifier_app
from tests.unit.http.test_services import AUTHORIZED, TOKEN, call
from tests.world import RESOURCE, World

if TYPE_CHECKING:
    from fastapi import FastAPI


@pytest.fixture
def world() -> World:
    """The world of the service."""
    return World()


@pytest.fixture
def service(world: World) -> FastAPI:
    """The partner's verifier, whose token is known."""
    return create_verifier_app(world.verifier(), token_hash=hashlib.sha256(TOKEN.encode()).hexdigest())


def asked(service: FastAPI, world: World) -> dict[str, Any]:
    """What a presentation for a request is answered."""
    nonce = call(service, "POST", "/challenges").json()["nonce"]
    body = {
        "presentation": world.present(world.root(), challenge=nonce),
        "challenge": nonce,
        "request": {"action": "invoice.read", "resource": f"{RESOURCE}/7"},
    }
    return call(service, "POST", "/verify", json=body).json()  # type: ignore[no-any-return]  # JSON


def test_denied_listed_and_taken_off(service: FastAPI, world: World) -> None:
    """Denied from the answer on; the refusal says one word; taken off it is permitted again."""
    assert "accepted" == asked(service, world)["outcome"]
    entry = {"kind": "did", "value": world.agent.did, "reason": "stolen", "until": "2027-01-01T00:00:00Z"}
    made = call(service, "POST", "/denied", json=entry, headers=AUTHORIZED)

    assert (201, entry) == (made.status_code, {name: made.json()["entry"][name] for name in entry})
    refused = asked(service, world)
    assert (403, "denied", "this verifier denies it") == (refused["status"], refused["code"], refused["detail"])
    listed = call(service, "GET", "/denied", headers=AUTHORIZED).json()["denied"]
    assert [("store", world.agent.did)] == [(each["in"], each["value"]) for each in listed]
    named = {"kind": "did", "value": world.agent.did}
    removed = [call(service, "POST", "/denied/remove", json=named, headers=AUTHORIZED).json() for _ in range(2)]
    assert [True, False] == [each["removed"] for each in removed]
    assert "accepted" == asked(service, world)["outcome"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/denied"), ("POST", "/denied"), ("POST", "/denied/remove")])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}])
def test_without_the_token_nothing(service: FastAPI, method: str, path: str, headers: dict[str, str]) -> None:
    """Whoever has no token neither reads nor writes; before the body is looked at."""
    answer = call(service, method, path, headers=headers)

    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])


def test_a_verifier_without_a_token_has_no_such_route(world: World) -> None:
    """Nobody writes to the list of a verifier that was not told who may."""
    service = create_verifier_app(world.verifier())

    assert 404 == call(service, "GET", "/denied", headers=AUTHORIZED).status_code


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "person", "value": "x"},
        {"kind": "did", "value": "x"},
        {"kind": "key", "value": "x"},
        {"kind": "did", "value": "did:web:a.example", "until": "2027-01-01T00:00:00"},
        {"kind": "did", "value": "did:web:a.example", "why": "x"},
        {"kind": "did"},
    ],
)
def test_what_cannot_be_meant_is_422(service: FastAPI, body: dict[str, str]) -> None:
    """A wrong kind, value, time or member is said, and nothing is written."""
    answer = call(service, "POST", "/denied", json=body, headers=AUTHORIZED)

    assert (422, "request_invalid") == (answer.status_code, answer.json()["code"])
    assert [] == call(service, "GET", "/denied", headers=AUTHORIZED).json()["denied"]
    if "until" not in body and "why" not in body:
        assert 422 == call(service, "POST", "/denied/remove", json=body, headers=AUTHORIZED).status_code
