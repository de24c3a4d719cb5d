"""`protect` and `require_capability`: a route that lets agents in, and what it answers where it cannot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from agentdid import http as faces
from agentdid.http import protect, require_capability
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import encode_authorization
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.case import HttpRequest
from agentdid.verify.decide import Grant
from tests.chains import capability_of, chain_of, grant_of, root_document, sign
from tests.guarded import Client
from tests.world import AUDIENCE, World

if TYPE_CHECKING:
    from agentdid.verify.needs import Takes

TOOL = "mcp://partner.example/tools/lookup"


@pytest.fixture
def world() -> World:
    """The world of the API."""
    return World()


async def tool_resource_arguments(request: Request) -> dict[str, object]:
    """What a tool's constraints speak about."""
    return {"name": request.path_params["name"]}


def api(world: World, takes: Takes | None = None) -> FastAPI:
    """An API with a route of each kind."""
    app = FastAPI()
    protect(app, world.verifier(takes=takes or MemoryTakes()))

    @app.api_route("/v1/invoices/{number}", methods=["GET", "POST", "HEAD"])
    async def invoice(grant: Annotated[Grant, Depends(require_capability("invoice.read"))]) -> dict[str, object]:
        return {"agent": grant.agent, "ip": "yes"}

    @app.post("/tools/{name}")
    async def tool(
        grant: Annotated[
            Grant,
            Depends(
                require_capability(
                    "invoice.lookup", kind="mcp_tool", resource=lambda _: TOOL, arguments=tool_resource_arguments
                )
            ),
        ],
    ) -> dict[str, object]:
        return {"agent": grant.agent, "principal": grant.principal, "delegators": list(grant.delegators)}

    @app.get("/open")
    async def everybody(number: int = 0) -> dict[str, int]:
        return {"number": number}

    @app.get("/broken")
    async def broken() -> None:
        message = "a secret: 7f3a"
        raise ValueError(message)

    return app


def test_a_route_lets_in(world: World) -> None:
    """GET, HEAD and POST, each bound to itself."""
    client = Client(world, api(world))

    assert [200, 200, 200] == [
        client.present("GET", "/v1/invoices/7", list(chain_of(world))).status_code,
        client.present("HEAD", "/v1/invoices/7", list(chain_of(world))).status_code,
        client.present("POST", "/v1/invoices/7", list(chain_of(world)), b"{}").status_code,
    ]


def test_a_route_for_a_tool(world: World) -> None:
    """Kind, resource and arguments of a route are what the application says they are."""
    document = root_document(world)
    grant_of(document).update(
        type="mcp_tool", actions=["invoice.lookup"], resources=[TOOL],
        constraints={"name": {"type": "enum", "in": ["vat"]}},
    )  # fmt: skip
    owned = [
        {"prefix": f"{AUDIENCE}/", "root": world.partner.did},
        {"prefix": "mcp://partner.example/", "root": world.partner.did},
    ]
    trust = world.trust(resource=owned)
    app = api(world)
    app.state.agentdid = world.verifier(trust=trust, takes=MemoryTakes())
    chain: list[object] = [sign(world, document, world.acme)]
    client = Client(world, app)
    # the challenge comes from the verifier that was protected with; its nonces are not this one's
    refused = client.present("POST", "/tools/vat", chain)
    again = FastAPI()
    protect(again, app.state.agentdid)
    again.router.routes.extend(route for route in app.router.routes if getattr(route, "path", "") == "/tools/{name}")
    accepted = Client(world, again).present("POST", "/tools/vat", chain)
    other = Client(world, again).present("POST", "/tools/all", chain)

    assert (401, "nonce_expired") == (refused.status_code, refused.json()["code"])
    assert {
        "agent": world.agent.did, "principal": world.acme.did, "delegators": [world.acme.did],
    } == accepted.json()  # fmt: skip
    assert (403, "capability_target_mismatch") == (other.status_code, other.json()["code"])


def test_an_app_that_was_not_prepared(world: World) -> None:
    """Without `protect` a guarded route lets nobody in, and says so to its programmer."""
    app = FastAPI()

    @app.get("/")
    async def guarded(grant: Annotated[Grant, Depends(require_capability("invoice.read"))]) -> None:
        pass

    with pytest.raises(RuntimeError, match="protect"):
        asyncio.run(_raising(app))


async def _raising(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUDIENCE) as client:
        await client.get("/")


def test_a_store_that_hands_out_no_challenge(world: World) -> None:
    """Who cannot be challenged is not let in: 503, not a defect."""

    class Consuming:
        """Takes, and hands nothing out."""

        check = staticmethod(lambda _nonce, _at: "ours")
        take = staticmethod(lambda *_: "taken")

    answer = Client(world, api(world, Consuming())).call("GET", "/v1/invoices/7")

    assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])


def test_defects_show_nothing(world: World) -> None:
    """An error of the application is a 500 without its words; its own 422s echo nothing."""
    client = Client(world, api(world))
    broken, wrong = client.call("GET", "/broken"), client.call("GET", "/open?number=7f3a")

    assert (500, "internal") == (broken.status_code, broken.json()["code"])
    assert (422, "request_invalid", "query/number: int_parsing") == (
        wrong.status_code, wrong.json()["code"], wrong.json()["detail"],
    )  # fmt: skip
    assert "7f3a" not in broken.text + wrong.text


def test_the_query_of_an_action(world: World) -> None:
    """What must be shown is public, cacheable and bounded."""
    client = Client(world, api(world))
    shown = client.call("GET", "/.well-known/agentdid/dcql?action=invoice.read")

    assert "invoice.read" in shown.text
    assert "max-age=300" == shown.headers["Cache-Control"]
    assert [400, 400, 400] == [
        client.call("GET", f"/.well-known/agentdid/dcql{query}").status_code
        for query in ("", "?action=", f"?action={'a' * 257}")
    ]


@pytest.mark.parametrize("scheme", ["AgentVP", "agentvp", "AGENTVP"])
def test_the_scheme_in_any_case(world: World, scheme: str) -> None:
    """RFC 9110 section 11.1: a scheme's case says nothing; its value is still judged."""
    answer = Client(world, api(world)).call("GET", "/v1/invoices/7", authorization=f"{scheme} e30")

    assert (400, "type_mismatch") == (answer.status_code, answer.json()["code"])
    assert not answer.headers.get_list("WWW-Authenticate")


def test_an_expired_presentation_is_asked_for_again(world: World) -> None:
    """Its own end is cured by another (401); the end of a credential is not (403)."""
    from datetime import timedelta  # noqa: PLC0415  # of this test alone

    client = Client(world, api(world))
    first = Challenge.find(client.call("GET", "/v1/invoices/7").headers.get_list("WWW-Authenticate"))
    assert first is not None
    bound = HttpRequest("GET", f"{AUDIENCE}/v1/invoices/7", None)
    found = []
    for at, chain in (
        (world.now - timedelta(minutes=3), chain_of(world)),
        (world.now, world.root(ttl=timedelta(seconds=1), at=world.now - timedelta(hours=1))),
    ):
        presented = world.present(list(chain), challenge=first.nonce, http=bound, at=at)
        answer = client.call("GET", "/v1/invoices/7", authorization=encode_authorization(presented))
        found.append((answer.status_code, answer.json()["code"], bool(answer.headers.get("WWW-Authenticate"))))

    assert [(401, "expired", True), (403, "expired", False)] == found


def test_env_ip_is_the_peers(world: World) -> None:
    """`env.ip` is the address that called; a header does not set it."""
    document = root_document(world)
    grant_of(document)["constraints"] = {"env.ip": {"type": "cidr", "in": ["10.0.0.0/8"]}}
    capability_of(document)["purpose"] = "from one network"
    client = Client(world, api(world))
    answer = client.present("GET", "/v1/invoices/7?env.ip=10.0.0.1", [sign(world, document, world.acme)])

    assert (403, "capability_target_mismatch") == (answer.status_code, answer.json()["code"])


def test_the_public_names_of_the_faces() -> None:
    """Names come when they are asked for, and no others."""
    assert all(callable(getattr(faces, name)) for name in faces.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        faces.nonsense  # noqa: B018  # that it raises is the point
