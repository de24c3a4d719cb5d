"""Hearing of newer status lists at once: an issuer's stream of list versions, followed in a thread.

An event is a hint and no more. It makes us fetch a list that we hold, as we would have soon anyway; what came is
verified as always. So a stream that lies, or is silent, costs freshness down to what the policy demands, no verdict.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Final, Protocol, Self, cast, final

from agentdid.codec.strict_json import parse_object
from agentdid.errors import AgentdidError, Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

IDLE_S: Final = 45.0
"""Longer than two of the comments that an issuer sends when nothing happens."""
_MAX_WAIT_S: Final = 30.0
_FIRST_WAIT_S: Final = 0.5
_CLOSE_S: Final = 10.0
_MAX_EVENT: Final = 16_384
_MIN_BETWEEN_S: Final = 0.1
"""A list is fetched again at most ten times a second, whatever a stream says."""


class Refreshing(Protocol):
    """A source that listens and refreshes: `agentdid.sources.source.NetworkSource`, by its shape."""

    def refresh(self, url: str) -> bool:
        """Fetch a held document anew."""
        ...

    def listen(self, url: str, idle_s: float, stopped: Callable[[], bool]) -> AbstractContextManager[Iterator[bytes]]:
        """Open a stream of events."""
        ...


@final
class StatusEvents:
    """Follows one issuer's stream until `close`; begins again, at growing intervals, when it breaks off.

    Args:
        source: Whose held lists are refreshed.
        url: The stream's https URL, `…/status/events` of an issuer.
    """

    def __init__(self, source: Refreshing, url: str) -> None:
        self._source = source
        self._url = url
        self._versions: dict[str, object] = {}
        self._stop = threading.Event()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agentdid-events", daemon=True)
        self._thread.start()

    def wait_connected(self, timeout_s: float) -> bool:
        """Return whether the stream is open, waiting for that so long at most."""
        return self._connected.wait(timeout_s)

    def close(self) -> None:
        """Follow no longer; returns when the connection is closed."""
        self._stop.set()
        self._thread.join(_CLOSE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stop.is_set():
            try:
                with self._source.listen(self._url, IDLE_S, self._stop.is_set) as pieces:
                    for event in _events(pieces):
                        self._connected.set()
                        wait_s = _FIRST_WAIT_S
                        self._take(event)
                        if self._stop.is_set():
                            return
            except Undecided:
                pass  # it is followed again
            self._connected.clear()
            self._stop.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311  # so that not all come at once
            wait_s = min(2 * wait_s, _MAX_WAIT_S)

    def _take(self, data: str) -> None:
        try:
            news = cast("dict[str, object]", parse_object(data.encode()).value) if data else {}
        except AgentdidError:
            return  # not meant for us
        url, version = news.get("url"), news.get("version")
        if isinstance(url, str) and self._versions.get(url) != version:
            # what is not held is not remembered either: a stream cannot make us keep its words
            if self._source.refresh(url):
                self._versions[url] = version
            self._stop.wait(_MIN_BETWEEN_S)


def _events(pieces: Iterator[bytes]) -> Iterator[str]:
    """Yield the data of each event, and nothing for a comment (HTML, section 9.2.6).

    Raises:
        Undecided: By the stream.
    """
    held = b""
    data: list[str] = []
    for piece in pieces:
        held += piece
        *lines, held = held.split(b"\n")
        if len(held) > _MAX_EVENT:
            return
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if not text:
                yield "\n".join(data)
                data = []
            elif text.startswith("data:") and len(data) < _MAX_EVENT:
                data.append(text.removeprefix("data:").removeprefix(" "))
