"""The files of a did:webvh, below a folder that is served."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agentdid.codec.strict_json import encode
from agentdid.did.web import url as web_url
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.parallel import build_parallel

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.storage.controlled import Controlled


def write_did(made: Controlled, folder: Path) -> list[Path]:
    """Write what is published of a DID, each file whole, the witnesses' proofs first; return where.

    Raises:
        DidWitnessThreshold: The first entry is not approved yet.
        OSError: A file cannot be written.
    """
    published = made.published()
    files = dict(made.files())
    files[web_url(parse_identifier(published.latest.did).web)] = encode(build_parallel(published.latest))
    written = []
    for url, body in files.items():
        place = folder / urlsplit(url).path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        making = place.with_name(f".{place.name}.new")
        making.write_bytes(body)
        making.replace(place)
        written.append(place)
    return written
