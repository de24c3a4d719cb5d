"""What a guarded route reads and what the guard judged are one: nothing constrained comes in by another door."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import Body, Depends, FastAPI, Query, Request
from pydantic import BaseModel

from agentdid.http import protect, require_capability
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.decide import Grant
from tests.chains import grant_of, root_document, sign
from tests.guarded import Client
from tests.world import AUDIENCE, World

DENIED = (403, "capability_target_mismatch")
AMOUNT = {"amount": {"type": "range", "max": "500.00"}}
REGION = {"region": {"type": "enum", "in": ["EU"]}}
HUGE = b'{"amount": 99999}'
PAY = f"{AUDIENCE}/v1/pay"
Paying = Annotated[Grant, Depends(require_capability("invoice.pay"))]


class Filters(BaseModel):
    """What a query may say, as one model."""

    region: str


def _filters(limit: int = 0) -> int:
    return limit


def api(world: World) -> FastAPI:
    """Routes that read what they do from each place that a request has."""
    app = FastAPI()
    protect(app, world.verifier(takes=MemoryTakes()))

    @app.post("/v1/pay")
    async def pay(grant: Paying, amount: Annotated[float, Body(embed=True)] = 0) -> dict[str, float]:
        del grant
        return {"paid": amount}

    @app.post("/v1/pay/nested")
    async def nested(grant: Paying, payment: Annotated[dict[str, float], Body(embed=True)]) -> dict[str, float]:
        del grant
        return payment

    @app.get("/v1/pay/by-hand")
    async def by_hand(grant: Paying, request: Request) -> dict[str, str]:
        del grant
        return dict(request.query_params)

    @app.get("/v1/pay/declared")
    async def declared(grant: Paying, region: str, filters: Annotated[int, Depends(_filters)] = 0) -> dict[str, object]:
        del grant
        return {"region": region, "filters": filters}

    @app.get("/v1/pay/undeclared")
    async def undeclared(grant: Paying) -> dict[str, str]:
        del grant
        return {"region": "every one"}

    @app.get("/v1/pay/modelled")
    async def modelled(grant: Paying, filters: Annotated[Filters, Query()]) -> dict[str, str]:
        del grant
        return {"region": filters.region}

    @app.get("/v1/pay/{region}/all")
    async def region(grant: Paying, region: str) -> dict[str, str]:
        del grant
        return {"region": region}

    @app.get("/v1/pay/files/{place:path}")
    async def files(grant: Paying, place: str) -> dict[str, str]:
        del grant
        return {"place": place}

    return app


def paying(world: World, constraints: dict[str, object], resource: str = PAY) -> list[object]:
    """A root link that lets its holder pay, within these constraints."""
    document = root_document(world)
    grant_of(document).update(actions=["invoice.pay"], resources=[resource], constraints=constraints, limits={})
    return [sign(world, document, world.acme)]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/vnd.partner+json",
        "application/merge-patch+json; charset=utf-8",
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/json-seq",
        "application/json, text/plain",
        "nonsense",
    ],
)
@pytest.mark.parametrize("body", [HUGE, b'[{"amount": 99999}]', b"99999"])
def test_a_body_that_is_not_judged_beside_a_query_that_is(world: World, content_type: str | None, body: bytes) -> None:
    """An amount in the query does not stand for another in a body; what the guard does not read, it does not know."""
    client = Client(world, api(world))
    headers = {} if content_type is None else {"content_type": content_type}
    answer = client.present("POST", "/v1/pay?amount=1", paying(world, AMOUNT), body, **headers)

    assert DENIED == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_beside_a_query(world: World, content_type: str) -> None:
    """A form is not read by the guard; so nothing is known of what it says, nor of a query beside it."""
    answer = Client(world, api(world)).present(
        "POST", "/v1/pay?amount=1", paying(world, AMOUNT), b"amount=99999", content_type=content_type
    )

    assert DENIED == (answer.status_code, answer.json()["code"])


def test_a_body_and_a_query_that_are_both_judged(world: World) -> None:
    """JSON under its own media type is read; the amount in it counts, alone or not at all."""
    client, chain = Client(world, api(world)), paying(world, AMOUNT)
    found = [
        client.present("POST", target, chain, body, content_type="Application/JSON; charset=utf-8").status_code
        for target, body in (
            ("/v1/pay", b'{"amount": 5}'),
            ("/v1/pay?other=1", b'{"amount": 5}'),
            ("/v1/pay", HUGE),
            ("/v1/pay?amount=1", HUGE),
            ("/v1/pay?amount=5", b'{"amount": 5}'),
            ("/v1/pay?amount=1&amount=1", b"{}"),
        )
    ]

    assert [200, 200, 403, 403, 200, 403] == found


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("declared?region=EU", 200),
        ("declared?region=EU&limit=7&x=1", 200),
        ("declared?region=US", 403),
        ("declared?region=US&region=EU", 403),
        ("by-hand?region=EU", 200),
        ("by-hand?region=US", 403),
        ("modelled?region=EU", 200),
        ("modelled?region=US", 403),
        ("undeclared?region=EU", 403),
        ("undeclared", 403),
    ],
)
def test_a_parameter_that_nobody_reads_stands_for_nothing(world: World, target: str, status: int) -> None:
    """A route that does not look at the region is not called for one, by a query that it passes over."""
    answer = Client(world, api(world)).present("GET", f"/v1/pay/{target}", paying(world, REGION))

    assert status == answer.status_code


def test_an_amount_within_an_object(world: World) -> None:
    """A query does not stand for what the route takes from within an object of the body."""
    body = b'{"payment": {"amount": 99999}}'
    found = [
        Client(world, api(world)).present("POST", target, paying(world, AMOUNT), body, content_type="application/json")
        for target in ("/v1/pay/nested", "/v1/pay/nested?amount=1")
    ]

    assert [DENIED] * 2 == [(each.status_code, each.json()["code"]) for each in found]


def test_a_part_of_the_path_is_an_argument(world: World) -> None:
    """What a route reads from its path is what is judged, and a query of that name does not stand for it."""
    client, chain = Client(world, api(world)), paying(world, REGION)
    found = [
        client.present("GET", target, chain).status_code
        for target in ("/v1/pay/EU/all", "/v1/pay/US/all", "/v1/pay/US/all?region=EU", "/v1/pay/EU/all?region=US")
    ]

    assert [200, 403, 403, 200] == found


@pytest.mark.parametrize("target", ["/v1/pay/files/public#/../../all", "/v1/pay/files/public#x"])
def test_a_fragment_in_a_target(world: World, target: str) -> None:
    """RFC 9112 section 3.2: a target has no fragment; what stands behind one would be routed and not judged."""
    client = Client(world, api(world))
    chain = paying(world, {}, f"{PAY}/files/public")
    plain = client.present("GET", "/v1/pay/files/public", chain)
    answer = client.present("GET", target, chain, raw=target.encode())

    assert {"place": "public"} == plain.json()
    assert (400, "header_invalid") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/v1/%70ay/files/public", 200),
        ("/v1/pay/files/public/./x", 403),
        ("/v1/pay/files/public/../x", 403),
        ("/v1/pay/files/public/%2e%2e/x", 403),
        ("/v1/pay/files/public/%252e%252e/x", 403),
        ("/v1/pay/files/public%2fx", 403),
        ("/v1/pay/files/public//x", 403),
        ("/v1/pay/files/public;x", 403),
        ("/v1/pay/files/public%5c..%5cx", 403),
        ("/v1/pay/files/public%00", 403),
        ("/v1/pay/files/Public", 403),
        ("/v1/pay/files/publicx", 403),
        ("/v1/pay/files/%EF%BD%90ublic", 403),
        ("/v1/pay/files/public%23x", 403),
        ("/v1/pay/files/public%3Fx", 403),
    ],
)  # fmt: skip
def test_paths_as_the_router_reads_them(world: World, target: str, status: int) -> None:
    """L10: the path is judged as it was sent; the router decodes it, and no spelling comes from inside to outside."""
    chain = paying(world, {}, f"{PAY}/files/public")
    answer = Client(world, api(world)).present("GET", target, chain, raw=target.encode())

    assert status == answer.status_code
