"""Server-sent events of an issuer's list versions: whoever holds a list hears at once that there is a newer one.

One look at the ledger every quarter of a second serves all who listen, whichever process made the change. An event says
only that a list changed; the list itself is fetched and verified as always, so that nobody need believe an event.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from agentdid.codec.strict_json import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MEDIA_TYPE: Final = "text/event-stream"
POLL_S: Final = 0.25
HEARTBEAT_S: Final = 15.0
MAX_LISTENERS: Final = 1_000


@final
class VersionFeed:
    """The versions of an issuer's lists, for any number of listeners of one event loop.

    Args:
        versions: Asks the ledger: name of a list → its version. It may block.
        url: The URL of a name.
        poll_s: How often it is asked while somebody listens.
    """

    def __init__(
        self, versions: Callable[[], dict[str, int]], url: Callable[[str], str], *, poll_s: float = POLL_S
    ) -> None:
        self._versions = versions
        self._url = url
        self._poll_s = poll_s
        self._known: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nobody more is listened to."""
        return self._listeners >= MAX_LISTENERS

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the state of all lists as events, then each change, and a comment where nothing happens for long."""
        self._listeners += 1
        try:
            if self._task is None or self._task.done():
                self._known = await asyncio.to_thread(self._versions)
                self._task = asyncio.create_task(self._poll())
            told: dict[str, int] = {}
            yield b"retry: 1000\n\n"
            while True:
                news = {name: version for name, version in self._known.items() if told.get(name) != version}
                for name, version in news.items():
                    yield _event(self._url(name), version)
                told |= news
                async with self._changed:
                    if all(told.get(name) == version for name, version in self._known.items()):
                        try:
                            await asyncio.wait_for(self._changed.wait(), HEARTBEAT_S)
                        except TimeoutError:
                            yield b": still here\n\n"
        finally:
            self._listeners -= 1
            if self._listeners == 0 and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            with suppress(Exception):  # a database that does not answer now is asked again
                found = await asyncio.to_thread(self._versions)
                if found != self._known:
                    async with self._changed:
                        self._known = found
                        self._changed.notify_all()


def _event(url: str, version: int) -> bytes:
    return b"event: list\ndata: " + encode({"url": url, "version": version}) + b"\n\n"
