"""A client of guarded routes, in process: it is challenged, and presents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from agentdid.present.challenge import Challenge
from agentdid.present.exchange import content_digest, encode_authorization, normalize_url
from agentdid.verify.case import HttpRequest
from tests.world import AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from fastapi import FastAPI

    from tests.world import World


class Client:
    """Calls an app, and presents where it is challenged."""

    def __init__(self, world: World, app: FastAPI) -> None:
        self._world, self._app = world, app

    def call(
        self, method: str, target: str, content: bytes = b"", *, raw: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """Call once; `raw` is the target as it stands on the wire, where httpx would spell it otherwise."""
        sent = self._app if raw is None else _as_sent(self._app, raw)

        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(sent, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=AUDIENCE) as client:
                return await client.request(
                    method,
                    target,
                    content=content,
                    headers={name.replace("_", "-"): each for name, each in headers.items()},
                )

        return asyncio.run(run())

    def present(
        self, method: str, target: str, chain: list[Any], content: bytes = b"", *, raw: bytes | None = None,
        **headers: str,
    ) -> httpx.Response:  # fmt: skip
        """Call, be challenged, present a chain bound to this call."""
        asked = self.call(method, target, content, raw=raw, **headers)
        challenge = Challenge.find(asked.headers.get_list("WWW-Authenticate"))
        if challenge is None:
            return asked
        bound = HttpRequest(method, normalize_url(f"{AUDIENCE}{target}"), content_digest(content))
        presented = self._world.present(chain, challenge=challenge.nonce, http=bound)
        return self.call(method, target, content, raw=raw, authorization=encode_authorization(presented), **headers)


def _as_sent(app: FastAPI, raw: bytes) -> Callable[..., Awaitable[None]]:
    """As a server that took this target: `path` decoded from it, `raw_path` as it came (uvicorn over h11)."""
    from urllib.parse import unquote  # noqa: PLC0415  # only here

    path, _, query = raw.partition(b"?")

    async def called(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        seen = {**scope, "path": unquote(path.decode("ascii")), "raw_path": path, "query_string": query}
        await app(seen, receive, send)

    return called
