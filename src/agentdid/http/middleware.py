"""Bounds that hold before any route sees a request: header size and count, body size while it streams, media type."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from agentdid.http.problems import problem, receipt_header
from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_HEADERS: Final = 100
MAX_HEAD: Final = 262_144
"""Bytes of a request's head that a server must hand over (`h11_max_incomplete_event_size`); bounds are ours."""
_OVERHEAD: Final = 8_192
"""Bytes of headers beside the one that carries a presentation."""


class _TooLarge(Exception):  # ends a request from inside its receive channel
    """The body went over its bound."""


@final
class BoundedRequests:
    """An ASGI middleware (ATTACKS Q01, Q03, Q04)."""

    def __init__(self, app: ASGIApp, limits: Limits = DEFAULT, *, json_only: bool = True) -> None:
        self._app = app
        self._limits = limits
        self._json_only = json_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or answer 413, 415 or 431 for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        refused = self._refuse(headers)
        if refused is not None:
            await problem(*refused)(scope, receive, send)
            return
        left = self._limits.max_input_bytes
        started = False

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if left < 0 and not started:
                return  # FastAPI makes a 400 of any error while it reads a body; the answer is ours, below
            started = started or message["type"] == "http.response.start"
            await send(message)

        with suppress(_TooLarge):
            await self._app(scope, bounded, watched)
        if left < 0 and not started:
            await self._too_large()(scope, receive, send)

    def _refuse(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, str, str] | None:
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > _MAX_HEADERS or size > self._limits.max_header_bytes + _OVERHEAD:
            return 431, "input_too_large", "the headers are too many or too large"
        found = dict(headers)
        length = found.get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > self._limits.max_input_bytes:
            return 413, "input_too_large", f"a body is at most {self._limits.max_input_bytes} bytes"
        if self._json_only and found.get(b"content-type", b"").lower().startswith(b"multipart/"):
            return 415, "unsupported_media_type", "expected application/json"
        return None

    def _too_large(self) -> ASGIApp:
        return problem(413, "input_too_large", f"a body is at most {self._limits.max_input_bytes} bytes")


@final
class Receipts:
    """An ASGI middleware that puts the receipt of a request's decision to the answer (specs/decision-receipt.md R8).

    The answer is the route's own, whatever kind it makes; only here is it seen as it goes out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def receipted(message: Message) -> None:
            receipt = scope.get("state", {}).get("agentdid_receipt")
            if message["type"] == "http.response.start" and receipt is not None:
                added = [(name.encode(), value.encode()) for name, value in receipt_header(receipt).items()]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._app(scope, receive, receipted)
