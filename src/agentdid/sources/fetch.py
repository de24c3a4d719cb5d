"""One HTTPS document from a server that nobody here trusts, or a code that says why not.

Whoever writes a DID or a status URL chooses where we connect to. So:

* https only, verified against the host's own name; no proxy, no redirect, no cookie, no second request on a connection.
* A name is resolved once. Every address it has must be public or allowed by name, and the connection goes to one of
  these addresses: a second look-up that could answer otherwise does not happen.
* One deadline from name look-up to last byte, held at every read, so that dripping bytes buys no time; one size limit
  for the body as sent and as unpacked, held while it is unpacked.
* No error says anything that the server sent, or which address it has: the asker might be its author.

It stands on httpcore, the transport below httpx, because the deadline and the choice of the address have to sit at the
socket: there httpx has no place for them.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, final

import httpcore

from agentdid.clock import Clock, SystemClock
from agentdid.errors import (
    FetchContentType,
    FetchFailed,
    FetchRedirect,
    FetchScheme,
    FetchTimeout,
    FetchTls,
    FetchTooLarge,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.sources.addresses import check_addresses, parse_address, parse_networks
from agentdid.sources.source import ANY_TYPE, NOT_THERE
from agentdid.verify.needs import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Resolver: TypeAlias = Callable[[str, int], Iterable[str]]

# RFC 3986 without what two readers read differently: no user information, no escape in the host, no backslash, no
# octet outside visible ASCII. A fragment is the reader's business and never sent.
_URL: Final = re.compile(
    r"(?i:https)://(?P<host>\[[0-9A-Fa-f:.]+\]|[\w-]{1,63}(?:\.[\w-]{1,63})*)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-\"$->@-\[\]-~]*)?(?P<query>\?[!-\"$-\[\]-~]*)?(?:#[!-~]*)?",
    re.ASCII,
)
_MAX_HOST_CHARS: Final = 253  # RFC 1035 §2.3.4
_MAX_PORT: Final = 65_535
_GZIP: Final = zlib.MAX_WBITS | 16
_OK: Final = 200
_LOOK_S: Final = 0.2
_EVENTS: Final = ("text/event-stream",)
_REDIRECTS: Final = range(300, 400)

# A look-up cannot be interrupted, only left behind. This bounds how many threads dead servers can make us leave.
_THREADS: Final = threading.BoundedSemaphore(256)

_T = TypeVar("_T")


@final
class DocumentMissing(FetchFailed):
    """The server says that it has no such document (404, 410)."""


@final
class GuardedFetcher:
    """Fetches documents over HTTPS from public addresses, within bounds of size and time.

    Args:
        allow: Addresses and CIDRs that may be connected to although they are not public.
        ca: A PEM file of certificate authorities to trust beside the system's.
        limits: `max_fetch_bytes` and `fetch_timeout_s`.
        resolver: From host and port to addresses; the system's, if none is given. It may block.
        clock: What says when a document was had.

    Raises:
        ValueError: `allow` holds something else than addresses and CIDRs.
        OSError: `ca` cannot be read, or is no PEM file (`ssl.SSLError`).
    """

    __slots__ = ("_allow", "_clock", "_limits", "_resolver", "_tls")

    def __init__(
        self,
        allow: Sequence[str] = (),
        ca: str | Path | None = None,
        limits: Limits = DEFAULT,
        resolver: Resolver | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._allow = parse_networks(allow)
        self._tls = ssl.create_default_context()
        if ca is not None:
            self._tls.load_verify_locations(cafile=ca)
        self._limits = limits
        self._resolver = resolver or _resolve
        self._clock = clock or SystemClock()

    def fetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """Return the document at `url`. It counts as held from before the request was sent.

        Args:
            url: An https URL.
            accept: The media types that will do; empty: any.

        Raises:
            FetchScheme: Not an https URL.
            FetchForbiddenAddress: The host has an address that is neither public nor allowed.
            FetchTls: The connection or the certificate does not hold.
            FetchRedirect: The answer is a redirect.
            FetchTooLarge: The body is over `max_fetch_bytes`, as sent or as unpacked.
            FetchTimeout: The last byte did not come within `fetch_timeout_s`.
            FetchContentType: The answer is of another type.
            FetchFailed: No such name, no connection, broken off, or any answer but 200; `DocumentMissing` for 404, 410.
        """
        return self._exchange("GET", url, accept, None)

    def post(self, url: str, body: bytes, accept: Sequence[str] = ()) -> Resource:
        """Return what is answered to a JSON text, within the same bounds. Raises as `fetch`."""
        return self._exchange("POST", url, accept, body)

    def _exchange(self, method: str, url: str, accept: Sequence[str], content: bytes | None) -> Resource:
        place = _parse_url(url)
        deadline = _Deadline(self._limits.fetch_timeout_s)
        held_at = self._clock.now()
        with _named_errors():
            addresses = check_addresses(self._look_up(place).result(deadline.left_s()), self._allow)
            with (
                httpcore.ConnectionPool(self._tls, network_backend=_Backend(addresses, deadline)) as pool,
                pool.stream(method, place.url, headers=_headers(place, accept, content), content=content) as response,
            ):
                body = _Body(response, accept, self._limits.max_fetch_bytes)
                for chunk in response.iter_stream():
                    body.feed(chunk)
        return Resource(url, body.finish(), held_at)

    async def afetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """As `fetch`, without blocking the event loop: the same fetch, in a thread that ends with its deadline."""
        return await asyncio.wrap_future(_begin(lambda: self.fetch(url, accept)))

    async def apost(self, url: str, body: bytes, accept: Sequence[str] = ()) -> Resource:
        """As `post`, without blocking the event loop."""
        return await asyncio.wrap_future(_begin(lambda: self.post(url, body, accept)))

    @contextmanager
    def listen(self, url: str, idle_s: float, stopped: Callable[[], bool]) -> Iterator[Iterator[bytes]]:
        """Open a stream of events at `url`, without an end; yields its pieces as they come.

        Args:
            url: An https URL.
            idle_s: How long may pass between two pieces.
            stopped: Asked several times a second; when it says so, the stream is over.

        Raises:
            FetchTimeout: Nothing came for `idle_s`, or the stream did not begin within `fetch_timeout_s`.
            The other errors of `fetch`, while the stream is opened or read.
        """
        place = _parse_url(url)
        deadline = _Deadline(self._limits.fetch_timeout_s)
        with _named_errors():
            addresses = check_addresses(self._look_up(place).result(deadline.left_s()), self._allow)
            with (
                httpcore.ConnectionPool(self._tls, network_backend=_Backend(addresses, deadline, stopped)) as pool,
                pool.stream("GET", place.url, headers=_headers(place, _EVENTS)) as response,
            ):
                _Body(response, _EVENTS, self._limits.max_fetch_bytes)  # judges the answer's head
                if _header(response, b"content-encoding") not in (b"", b"identity"):
                    raise FetchFailed("a stream of events is not packed")
                deadline.renew(idle_s)
                yield _renewing(response.iter_stream(), deadline, idle_s)

    def _look_up(self, place: _Place) -> Future[tuple[str, ...]]:
        """The addresses of the host, to come: asked for in a thread of its own, as they stand for a literal one."""
        if parse_address(place.host) is None:
            return _begin(lambda: tuple(self._resolver(place.host, place.port)))
        found: Future[tuple[str, ...]] = Future()
        found.set_result((place.host,))
        return found


def _begin(work: Callable[[], _T]) -> Future[_T]:
    """What `work` will return or raise, done in a thread of its own. Raises `FetchTimeout` where too much is begun."""
    threads = _THREADS  # the one that was taken from is given back to
    if not threads.acquire(blocking=False):
        raise FetchTimeout("too many look-ups and fetches are still unanswered")
    future: Future[_T] = Future()
    future.set_running_or_notify_cancel()  # so that a waiter who gives up cannot cancel it under the thread

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  # handed to the waiter
            future.set_exception(error)
        finally:
            threads.release()

    # A daemon, so that a look-up left behind does not keep the process from ending.
    threading.Thread(target=run, name="agentdid-fetch", daemon=True).start()
    return future


class _Place(Value, frozen=True):
    """Where to ask and for what, from one reading of the URL."""

    host: str
    port: int
    target: str

    @property
    def url(self) -> httpcore.URL:
        """The URL as the transport takes it: the host is still the name, which TLS verifies."""
        return httpcore.URL(scheme=b"https", host=self.host.encode(), port=self.port, target=self.target.encode())

    @property
    def authority(self) -> str:
        """The `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"  # noqa: PLR2004  # https


class _Deadline:
    """An instant on the monotonic clock, after which nothing is waited for."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def renew(self, seconds: float) -> None:
        """Wait for so long from now."""
        self._at = time.monotonic() + seconds

    def left_s(self) -> float:
        """Return the seconds that are left. Raises `FetchTimeout` when none is."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise FetchTimeout("the answer did not come in time")
        return left


class _Body:
    """Judges an answer's head at once, then takes its body in, counting both sides of the unpacking."""

    __slots__ = ("_chunks", "_gzip", "_left", "_max_bytes", "_unpacked_left")

    def __init__(self, response: httpcore.Response, accept: Sequence[str], max_bytes: int) -> None:
        status = response.status
        if status in _REDIRECTS:
            raise FetchRedirect(f"the server answered {status}; redirects are not followed")
        if status in NOT_THERE:
            raise DocumentMissing(f"the server answered {status}")
        if status != _OK:
            raise FetchFailed(f"the server answered {status}")
        if accept and ANY_TYPE not in accept and _content_type(response) not in accept:
            raise FetchContentType(f"expected {' or '.join(accept)}")
        coding = _header(response, b"content-encoding")
        if coding not in (b"", b"identity", b"gzip"):
            raise FetchFailed("the server used a content coding that was not asked for")
        self._gzip = zlib.decompressobj(_GZIP) if coding == b"gzip" else None
        self._chunks: list[bytes] = []
        self._max_bytes = self._left = self._unpacked_left = max_bytes
        length = _header(response, b"content-length")
        if length.isdigit() and int(length) > max_bytes:
            raise self._too_large()

    def feed(self, chunk: bytes) -> None:
        """Take in what was read. Raises `FetchTooLarge`, `FetchFailed`."""
        self._left -= len(chunk)
        if self._left < 0:
            raise self._too_large()
        if self._gzip is not None:
            try:
                chunk = self._gzip.decompress(chunk, self._unpacked_left + 1)
            except zlib.error:
                raise FetchFailed("the body is not the gzip it is said to be") from None
            self._unpacked_left -= len(chunk)
            if self._unpacked_left < 0:
                raise self._too_large()
        self._chunks.append(chunk)

    def finish(self) -> bytes:
        """Return the whole body, unpacked. Raises `FetchFailed` where the gzip is cut short or has a tail."""
        if self._gzip is not None and (not self._gzip.eof or self._gzip.unused_data):
            raise FetchFailed("the body is not one whole gzip member")
        return b"".join(self._chunks)

    def _too_large(self) -> FetchTooLarge:
        """The error of a body over its limit."""
        return FetchTooLarge(f"the body has more than {self._max_bytes} bytes")


class _Stream(httpcore.NetworkStream):
    """A connection that ends at the deadline, whatever the waits in between."""

    def __init__(
        self, inner: httpcore.NetworkStream, deadline: _Deadline, stopped: Callable[[], bool] | None = None
    ) -> None:
        self._inner = inner
        self._deadline = deadline
        self._stopped = stopped

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  # the deadline rules
        """As httpcore has it; the wait is what is left of the time, or ends where somebody says stop."""
        while self._stopped is not None:
            try:
                return self._inner.read(max_bytes, min(self._deadline.left_s(), _LOOK_S))
            except httpcore.ReadTimeout:
                if self._stopped():
                    return b""
        return self._inner.read(max_bytes, self._deadline.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """As httpcore has it; the wait is what is left of the time."""
        self._inner.write(buffer, self._deadline.left_s())

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """As httpcore has it; the handshake has what is left of the time."""
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left_s())
        return _Stream(inner, self._deadline, self._stopped)

    def get_extra_info(self, info: str) -> object:
        """As httpcore has it."""
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were vetted, whatever the host's name is by now."""

    def __init__(
        self, addresses: tuple[str, ...], deadline: _Deadline, stopped: Callable[[], bool] | None = None
    ) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._stopped = stopped
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002  # its addresses are known
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each gets its share of what is left of the time."""
        *others, last = self._addresses
        for tried, address in enumerate(others):
            share_s = self._deadline.left_s() / (len(self._addresses) - tried)
            try:
                found = self._inner.connect_tcp(address, port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Stream(found, self._deadline, self._stopped)
        found = self._inner.connect_tcp(last, port, self._deadline.left_s(), local_address, socket_options)
        return _Stream(found, self._deadline, self._stopped)


def _renewing(pieces: Iterable[bytes], deadline: _Deadline, idle_s: float) -> Iterator[bytes]:
    """The pieces; each that came renews the time to wait for the next."""
    for piece in pieces:
        deadline.renew(idle_s)
        yield piece


def _parse_url(url: str) -> _Place:
    """Read a URL, once and for all. Raises `FetchScheme`."""
    parts = _URL.fullmatch(url)
    port = int(parts["port"] or 443) if parts else 0
    if parts is None or not 0 < port <= _MAX_PORT or len(parts["host"]) > _MAX_HOST_CHARS:
        raise FetchScheme("expected an https URL of a host, at most with a port, a path and a query")
    return _Place(parts["host"].strip("[]").lower(), port, (parts["path"] or "/") + (parts["query"] or ""))


def _resolve(host: str, port: int) -> list[str]:
    """The system's name look-up."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _headers(place: _Place, accept: Sequence[str], content: bytes | None = None) -> list[tuple[str, str]]:
    """All that the server learns of us, but what is asked."""
    sent = [] if content is None else [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    return [
        *sent,
        ("Host", place.authority),
        ("Accept", ", ".join(accept) or "*/*"),
        ("Accept-Encoding", "gzip"),
        ("User-Agent", "agentdid"),
        ("Connection", "close"),
    ]


def _header(response: httpcore.Response, name: bytes) -> bytes:
    """The value of a header in lower case, empty where there is none."""
    # Two headers of one name are joined, and then are no value that anybody asked for.
    return b", ".join(value for key, value in response.headers if key.lower() == name).lower()


def _content_type(response: httpcore.Response) -> str:
    """The media type without its parameters."""
    return _header(response, b"content-type").partition(b";")[0].strip().decode("latin-1")


@contextmanager
def _named_errors() -> Iterator[None]:
    """Give what the transport raises its code."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise FetchTimeout("the answer did not come in time") from error
    except (OSError, UnicodeError, httpcore.NetworkError, httpcore.ProtocolError) as error:
        if _has_tls_error(error):
            raise FetchTls("the TLS connection could not be made, or its certificate does not hold") from error
        raise FetchFailed("the server could not be found or reached, or broke off") from error


def _has_tls_error(error: BaseException | None) -> bool:
    """Whether TLS is at the root of an error, which the transport wraps in its own."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
