"""The demo's stage: a folder, an ephemeral CA, ports on loopback, and real processes that end with it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self, cast, final

import httpx
import trustme

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST: Final = "localhost"
_READY_S: Final = 20.0
_POLL_S: Final = 0.05
_END_S: Final = 5.0
_VERB_S: Final = 30.0


class DemoFailed(Exception):
    """A process of the demo did not do what it was started for."""


@final
class Stage:
    """Everything the demo starts, and the end of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[str]] = []
        # one passphrase for this run's throw-away stores; it is in the environment of our own children only
        self._environment = {**os.environ, "AGENTDID_PASSPHRASE": secrets.token_urlsafe(16)}
        authority = trustme.CA()
        served = authority.issue_cert(HOST, "127.0.0.1")
        self.ca = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        authority.cert_pem.write_to_path(str(self.ca))
        served.cert_chain_pems[0].write_to_path(str(self.certificate))
        self.key.touch(mode=0o600)
        served.private_key_pem.write_to_path(str(self.key))
        self.site = folder / "site"
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=str(self.ca)), trust_env=False, timeout=5.0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def agentdid(self, *arguments: str) -> dict[str, Any]:
        """Run one `agentdid` command in a process of its own and return its JSON.

        Raises:
            DemoFailed: It did not end with the outcome `accepted`.
        """
        return self.finish(self.begin(*arguments))

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one `agentdid` command."""
        return self._start("agentdid.cli.main", [*arguments, "--json"], stdin=subprocess.DEVNULL)

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """Return the JSON of a command that was begun. Raises `DemoFailed`."""
        output, _ = process.communicate(timeout=_VERB_S)
        self._processes.remove(process)
        try:
            answer = cast("dict[str, Any]", json.loads(output))
        except json.JSONDecodeError:
            raise DemoFailed(f"a command ended with {process.returncode} and no answer") from None
        if process.returncode != 0:
            raise DemoFailed(f"a command was answered {answer.get('outcome')} {answer.get('code')}")
        return answer

    def serve(self, module: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
        """Start a service; wait for it with `await_ready`."""
        return self._start(module, arguments, stdin=subprocess.DEVNULL)

    def await_ready(self, process: subprocess.Popen[str], port: int) -> None:
        """Return when the service answers at all. Raises `DemoFailed`."""
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            if process.poll() is not None:
                raise DemoFailed(f"a service ended with {process.returncode} before it was ready")
            try:
                if self._client.get(f"https://{HOST}:{port}/").status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return
            except httpx.TransportError:
                time.sleep(_POLL_S)
        raise DemoFailed("a service was not ready in time")

    def actor(self, name: str, did: str | None = None) -> Actor:
        """Start an agent with a wallet of its own; one with a did:web and two keys where it is named."""
        arguments = [str(self.folder / f"{name}.wallet"), str(self.ca)]
        if did is not None:
            arguments += [did, str(self.site / name / "did.json")]
        return Actor(self._start("agentdid.cli.demo.agent", arguments, stdin=subprocess.PIPE))

    def _start(self, module: str, arguments: Sequence[str], *, stdin: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603  # our own modules with our own arguments
            [sys.executable, "-m", module, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self._environment,
            cwd=self.folder,
        )
        self._processes.append(process)
        return process


@final
class Actor:
    """One agent's process, told what to do a line at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._did = ""

    @property
    def did(self) -> str:
        """The agent's DID, its first line."""
        if not self._did:
            self._did = self._read()["did"]
        return self._did

    def do(self, verb: str, **arguments: object) -> dict[str, Any]:
        """Return the agent's answer to one order. Raises `DemoFailed` when it has ended."""
        _ = self.did
        stream = cast("IO[str]", self._process.stdin)
        try:
            stream.write(json.dumps({"do": verb, **arguments}) + "\n")
            stream.flush()
        except BrokenPipeError:
            raise DemoFailed("an agent has ended") from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = cast("IO[str]", self._process.stdout).readline()
        if not line:
            raise DemoFailed("an agent has ended")
        return cast("dict[str, Any]", json.loads(line))


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on; all are held until all are known, so none comes twice."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()
