"""What every service has: problem answers, bounds, health, and counters without anybody's name in them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from pydantic import BaseModel, ValidationError

from agentdid.codec.strict_json import parse_object
from agentdid.http.middleware import BoundedRequests
from agentdid.http.problems import add_handlers
from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_M = TypeVar("_M", bound=BaseModel)


def body_of(model: type[_M], *, empty: Callable[[], _M] | None = None) -> Callable[[Request], Awaitable[_M]]:
    """Return a dependency that reads the request's body as strict JSON of a model: no member stands in it twice.

    Args:
        model: What is expected.
        empty: What no body at all stands for; by default it is refused.
    """

    async def read(request: Request) -> _M:
        """Read it."""
        body = await request.body()
        if not body and empty is not None:
            return empty()
        try:
            return model.model_validate(parse_object(body, request.app.state.limits).value)
        except ValidationError as error:
            found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
            raise RequestValidationError(found) from None

    read.reads_no_query = True  # type: ignore[attr-defined]  # as http.guard looks at it
    return read


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return what `openapi_extra` says of a body that `body_of` reads."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


def create_service(
    title: str,
    *,
    limits: Limits = DEFAULT,
    is_ready: Callable[[], bool] = lambda: True,
    close: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Return an app with `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, bounds and problem answers.

    `app.state.outcomes` counts by outcome and code; no DID, nonce or claim is ever a label (ATTACKS R08).

    Args:
        title: Its name.
        limits: What a request may be.
        is_ready: Whether it can serve now.
        close: Runs when the service ends; what Python runs at exit does not run when a signal ended it.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Serve, then close."""
        yield
        close()

    app = FastAPI(title=title, docs_url=None, redoc_url=None, lifespan=lifespan)
    add_handlers(app)
    app.add_middleware(BoundedRequests, limits=limits)
    app.state.limits = limits
    registry = CollectorRegistry()
    app.state.outcomes = Counter(
        "agentdid_outcomes", "What was asked, by outcome.", ["outcome", "code"], registry=registry
    )

    @app.get("/healthz", include_in_schema=False)
    async def health() -> dict[str, str]:
        """Whether the process runs."""
        return {"status": "ok"}

    @app.get("/readyz", include_in_schema=False)
    async def ready(response: Response) -> dict[str, str]:
        """Whether it can serve now."""
        if is_ready():
            return {"status": "ok"}
        response.status_code = 503
        return {"status": "not ready"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """What was counted, in the Prometheus text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app
