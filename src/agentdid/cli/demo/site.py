"""The demo's web server: it serves the DID documents of agents that have a did:web.

Run as a process of its own: ``python -m agentdid.cli.demo.site FOLDER PORT CERTIFICATE KEY``.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles


def main(folder: str, port: str, certificate: str, key: str) -> None:
    """Serve a folder's files on loopback until the process is ended."""
    app = FastAPI(openapi_url=None)
    app.mount("/", StaticFiles(directory=folder))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
