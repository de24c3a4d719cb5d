"""The VC-API instance as official suites meet it: its own process, real HTTP, and the manifest it wrote."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_READY_S = 120.0  # a laden machine
_POLL_S = 0.05


@final
class Served:
    """One process; what it answers is kept as it came."""

    def __init__(self, client: httpx.Client, manifest: dict[str, str]) -> None:
        self.client = client
        self.manifest = manifest

    def post(self, path: str, body: object) -> httpx.Response:
        """Send JSON."""
        return self.client.post(path, json=body)

    def issue(self, instance: str, credential: object, **options: Any) -> httpx.Response:  # noqa: ANN401  # JSON
        """Ask an instance for a credential."""
        return self.post(f"/{instance}/credentials/issue", {"credential": credential, "options": options})

    def issued(self, instance: str, credential: object, **options: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
        """Return the credential that an instance made."""
        answer = self.issue(instance, credential, **options)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["verifiableCredential"]
        return found

    def verify(self, credential: object, **options: Any) -> httpx.Response:  # noqa: ANN401  # JSON
        """Have a credential verified."""
        return self.post("/credentials/verify", {"verifiableCredential": credential, "options": options})

    def verify_presentation(self, presentation: object, **options: Any) -> httpx.Response:  # noqa: ANN401  # JSON
        """Have a presentation verified."""
        return self.post("/presentations/verify", {"verifiablePresentation": presentation, "options": options})


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """Run the instance until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    manifest = folder / "manifest.json"
    command = [sys.executable, "-m", "agentdid.cli.main", "serve", "vc-api", "--port", str(port)]
    process = subprocess.Popen([*command, "--manifest", str(manifest), *options], stderr=subprocess.PIPE)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            _wait(client, process)
            yield Served(client, json.loads(manifest.read_bytes()))
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_S
    while True:
        try:
            client.get("/healthz")
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > until:
                message = "the instance did not start"
                raise RuntimeError(message) from None
            time.sleep(_POLL_S)
        else:
            return
