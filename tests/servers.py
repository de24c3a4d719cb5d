"""Real servers for tests: an ASGI app under uvicorn, with TLS on loopback, in a thread, while a `with` lasts."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import trustme
import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_READY_S = 10.0


@cache
def authority() -> trustme.CA:
    """One throw-away certificate authority for all tests of a run."""
    return trustme.CA()


def client_context() -> ssl.SSLContext:
    """What a client needs to trust these servers, and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return context


def bound_socket() -> socket.socket:
    """A socket on a free port of loopback, so that a server's origin is known before it serves."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def origin_of(listener: socket.socket) -> str:
    """The origin under which a server on this socket is called."""
    return f"https://localhost:{listener.getsockname()[1]}"


@contextmanager
def serving(app: Any, listener: socket.socket, folder: Path, **options: Any) -> Iterator[str]:  # noqa: ANN401  # ASGI
    """Serve an app over TLS until the block ends; yields its origin."""
    port = listener.getsockname()[1]
    certificate, key = folder / f"{port}.pem", folder / f"{port}.key"
    served = authority().issue_cert("localhost", "127.0.0.1")
    served.cert_chain_pems[0].write_to_path(str(certificate))
    served.private_key_pem.write_to_path(str(key))
    given = {"log_level": "warning", "access_log": False, "server_header": False, "lifespan": "off"} | options
    config = uvicorn.Config(app, ssl_certfile=str(certificate), ssl_keyfile=str(key), **given)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + _READY_S
        while not server.started:
            if time.monotonic() > until or not thread.is_alive():
                message = "the server did not start"
                raise RuntimeError(message)
            time.sleep(0.005)
        yield origin_of(listener)
    finally:
        server.should_exit = True
        thread.join(_READY_S)
        listener.close()
