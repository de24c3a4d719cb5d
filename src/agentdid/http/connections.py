"""Connections that wait for nobody: who is slow to send a request is hung up on (ATTACKS Q06).

uvicorn bounds how long a connection may be idle between requests, and neither the head of a request nor its body. A
thousand connections that each send a byte now and then would take every descriptor that the process may have.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


def raise_descriptors() -> None:
    """Let this process have as many descriptors as it may have; many systems begin with 1,024."""
    try:
        import resource  # noqa: PLC0415  # Unix only
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # where "unlimited" is more than the system gives
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class PromptRequests(H11Protocol):
    """uvicorn's HTTP/1.1, with a bound on how long a request may take to come.

    Attributes:
        head_s: Seconds from the connection, or from the first byte of a later request, to the end of its head.
        body_s: Seconds from there to the end of its body.
    """

    head_s: ClassVar[float] = 10.0
    body_s: ClassVar[float] = 30.0
    _owed: str = ""
    _timer: asyncio.TimerHandle | None = None

    @final
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._watch()

    @final
    def data_received(self, data: bytes) -> None:
        """Take what came, and look what is owed now."""
        super().data_received(data)
        self._watch()

    @final
    def on_response_complete(self) -> None:
        """Wait for the next request, which uvicorn bounds until its first byte."""
        super().on_response_complete()
        self._watch()

    @final
    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    def _watch(self) -> None:
        owed = self._find_owed()
        if owed != self._owed:
            self._stop()
            self._owed = owed
            if owed:
                self._timer = self.loop.call_later(self.head_s if owed == "head" else self.body_s, self._hang_up)

    def _find_owed(self) -> str:
        if self.transport.is_closing() or self.timeout_keep_alive_task is not None:
            return ""
        if self.cycle is not None and self.cycle.more_body:
            return "body"
        return "head" if self.cycle is None or self.cycle.response_complete else ""

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._owed = ""

    def _hang_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
