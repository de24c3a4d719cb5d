"""A real HTTPS server on loopback that answers as it should, or as no server should.

`FaultServer` speaks TLS with certificates of a throw-away authority and plays one `Fault` per path. What was asked is
kept in `requests`, so that a test can say that nobody was asked.
"""

from __future__ import annotations

import datetime as dt
import gzip
import re
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeAlias

import trustme

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

Fault: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""Plays one answer into a connection; the event says that the server stops."""


def answer(
    body: bytes = b"{}", *, status: int = 200, content_type: str = "application/json", headers: tuple[str, ...] = ()
) -> Fault:
    """An orderly answer."""

    def play(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(_head(status, content_type, len(body), *headers) + body)

    return play


def redirect(location: str, status: int = 302) -> Fault:
    """A redirect to `location`."""
    return answer(b"", status=status, headers=(f"Location: {location}",))


def delay(seconds: float, then: Fault) -> Fault:
    """Nothing for a while, then another answer."""

    def play(connection: socket.socket, stopped: threading.Event) -> None:
        if not stopped.wait(seconds):
            then(connection, stopped)

    return play


def drip(raw: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", pause_s: float = 0.05) -> Fault:
    """`raw` a byte at a time, then spaces for as long as anybody listens."""

    def play(connection: socket.socket, stopped: threading.Event) -> None:
        for place in range(100_000):
            if stopped.is_set():
                return
            connection.sendall(raw[place : place + 1] or b" ")
            time.sleep(pause_s)

    return play


def drip_body(pause_s: float = 0.05) -> Fault:
    """A prompt head, then the body a byte at a time."""

    def play(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(_head(200, "application/json", 9_999))
        drip(b"", pause_s)(connection, stopped)

    return play


def reset() -> Fault:
    """The connection is reset instead of an answer."""

    def play(connection: socket.socket, _: threading.Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return play


def truncate(body: bytes, sent: int) -> Fault:
    """`sent` bytes of a longer body, then the end."""

    def play(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(_head(200, "application/json", len(body)) + body[:sent])

    return play


def endless() -> Fault:
    """A chunked body without an end."""

    def play(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        while not stopped.is_set():
            connection.sendall(chunk)

    return play


def bomb(size: int) -> Fault:
    """`size` spaces in as little gzip as there can be."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(size // 2**20)) + packer.flush()
    return answer(packed, headers=("Content-Encoding: gzip",))


def packed(body: bytes) -> Fault:
    """An orderly answer in gzip."""
    return answer(gzip.compress(body), headers=("Content-Encoding: gzip",))


class FaultServer:
    """HTTPS on loopback for the names given, one `Fault` per path; anything else is a 404.

    Args:
        faults: What to play, by path.
        names: Host names and addresses in the certificate.
        expired: Whether the certificate's time is over.
        authority: Who signs the certificate; a new one, if none is given.
        plain: Speak HTTP without TLS.
    """

    def __init__(
        self,
        faults: dict[str, Fault] | None = None,
        *,
        names: tuple[str, ...] = ("good.example", "127.0.0.1"),
        expired: bool = False,
        authority: trustme.CA | None = None,
        plain: bool = False,
    ) -> None:
        self.faults = faults or {}
        self.authority = authority or trustme.CA()
        self.requests: list[bytes] = []
        self._tls: ssl.SSLContext | None = None
        if not plain:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            until = dt.datetime.now(dt.UTC) - dt.timedelta(days=1) if expired else None
            begin = until - dt.timedelta(days=1) if until else None
            self.authority.issue_cert(*names, not_before=begin, not_after=until).configure_cert(self._tls)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def url(self, path: str, host: str = "good.example") -> str:
        """Return the https URL of `path` here."""
        return f"https://{host}:{self.port}{path}"

    def write_ca(self, folder: Path) -> Path:
        """Return a PEM file with the authority's certificate."""
        file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(file)
        return file

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait until every answer has ended."""
        self._stopped.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        """Serve each connection in a thread until the socket is closed."""
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        """Speak TLS, then HTTP."""
        with connection:
            connection.settimeout(3)
            with suppress(OSError):  # a client that hangs up is what some tests are about
                if self._tls is None:
                    self._answer(connection)
                    return
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        """Read one request and play its fault."""
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65_536)
            if not piece:
                return
            if piece.startswith(b"\x16"):  # a TLS hello to a server that speaks none
                connection.sendall(_head(400, "text/plain", 0))
                return
            request += piece
        head, _, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        # what is not read when a connection is closed resets it, and the answer may be lost
        while length is not None and len(body) < int(length[1]):
            piece = connection.recv(65_536)
            if not piece:
                return
            body += piece
        self.requests.append(head + b"\r\n\r\n" + body)
        path = request.split(b" ", 2)[1].decode("ascii")
        self.faults.get(path, answer(b"not here", status=404, content_type="text/plain"))(connection, self._stopped)


def _head(status: int, content_type: str, length: int, *headers: str) -> bytes:
    """Return the head of an answer."""
    lines = (
        f"HTTP/1.1 {status} X",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
        "Connection: close",
        *headers,
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")
