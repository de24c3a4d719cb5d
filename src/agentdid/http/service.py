"""What every service has: problem answers, bounds, health, and counters without anybody's name in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest

from agentdid.http.middleware import BoundedRequests
from agentdid.http.problems import add_handlers
from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import Callable


def create_service(title: str, *, limits: Limits = DEFAULT, is_ready: Callable[[], bool] = lambda: True) -> FastAPI:
    """Return an app with `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, bounds and problem answers.

    `app.state.outcomes` counts by outcome and code; no DID, nonce or claim is ever a label (ATTACKS R08).
    """
    app = FastAPI(title=title, docs_url=None, redoc_url=None)
    add_handlers(app)
    app.add_middleware(BoundedRequests, limits=limits)
    registry = CollectorRegistry()
    app.state.outcomes = Counter(
        "agentdid_outcomes", "What was asked, by outcome.", ["outcome", "code"], registry=registry
    )

    @app.get("/healthz", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    async def ready(response: Response) -> dict[str, str]:
        if is_ready():
            return {"status": "ok"}
        response.status_code = 503
        return {"status": "not ready"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app
