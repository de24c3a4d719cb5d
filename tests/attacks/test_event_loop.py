"""Q14: judging is work, and none of it is done where a server waits for its other clients."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import httpx
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from agentdid.http import create_verifier_app, protect, require_capability
from agentdid.present.exchange import encode_authorization
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.decide import Grant
from tests.chains import JCS
from tests.world import AUDIENCE, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Reading = Annotated[Grant, Depends(require_capability("invoice.read"))]


def poison(world: World) -> str:
    """A presentation whose blank nodes take as many steps to label as are allowed; nobody's signature is on it."""
    (root,) = world.root(form="eddsa-rdfc-2022")
    assert isinstance(root, dict)
    hubs = [{"type": ["VerifiableCredential"], "credentialSubject": [{"name": "x"} for _ in range(9)]}] * 2
    made: dict[str, Any] = json.loads(world.present([root], form=JCS))
    return json.dumps({**made, "verifiableCredential": [{**root, "evidence": hubs}]})


async def lag_during(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """How long some work took, and how long the loop did nothing else at worst."""
    worst, done = 0.0, False

    async def tick() -> None:
        nonlocal worst
        before = time.perf_counter()
        while not done:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            worst, before = max(worst, now - before), now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    worst, begun = 0.0, time.perf_counter()
    await work()
    took = time.perf_counter() - begun
    done = True
    await ticking
    return took, worst


def test_q14_a_guarded_route(world: World) -> None:
    """Q14: while the costliest header is judged, the loop serves others: its lag is a small part of the work."""
    app = FastAPI()
    protect(app, world.verifier(takes=MemoryTakes()))

    @app.get("/v1/invoices/7")
    async def invoice(grant: Reading) -> dict[str, object]:
        return {"agent": grant.agent}

    header = {"Authorization": encode_authorization(poison(world))}

    async def run() -> tuple[list[tuple[float, float]], set[str]]:
        codes: set[str] = set()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=AUDIENCE) as client:

            async def call() -> None:
                codes.add((await client.get("/v1/invoices/7", headers=header)).json()["code"])

            await call()  # what is imported once
            found = [await lag_during(call) for _ in range(5)]
        return found, codes

    found, codes = asyncio.run(run())
    took, worst = min(took for took, _ in found), min(worst for _, worst in found)

    assert {"canonicalization_limit"} == codes
    assert worst < took / 3


def test_q14_the_decision_log_is_not_written_in_the_loop(world: World) -> None:
    """Q14: nor does the loop wait for the disk on which the evidence is kept."""

    class SlowLog:
        """A disk that takes its time."""

        def append(self, bundle: dict[str, object]) -> None:
            """Keep one bundle."""
            del bundle
            time.sleep(0.3)

    verifier = world.verifier(takes=MemoryTakes(), log=SlowLog())
    presented = world.present(world.root(), challenge="c")

    async def run() -> tuple[float, float]:
        return await lag_during(lambda: verifier.averify(presented, challenge="c"))

    took, worst = asyncio.run(run())

    assert took > 0.3
    assert worst < took / 2


def test_services_judge_in_threads(world: World) -> None:
    """Q14: the routes of a service that judge are functions, which its framework runs in threads."""
    judging = {
        route.path: asyncio.iscoroutinefunction(route.endpoint)
        for route in create_verifier_app(world.verifier()).routes
        if isinstance(route, APIRoute) and route.methods == {"POST"}
    }

    assert {"/verify": False, "/credentials/verify": False, "/challenges": False} == judging
