"""Our own JSON-LD context, carried in the package and pinned by its digest."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Final

AGENTDID_V1_URL: Final = "https://w3id.org/agentdid/v1"
AGENTDID_V1_SHA256: Final = "f0cf2f39f9c54ab647776794a65c106644ba029f8778eb5d18d3845bb7a43dd6"


def load_agentdid_v1() -> bytes:
    """Return the context file, byte for byte as in specs/contexts.

    Raises:
        RuntimeError: The file in the installation is not the one that this version was released with (ATTACKS F19).
    """
    body = resources.files("agentdid.canon").joinpath("agentdid-v1.jsonld").read_bytes()
    if hashlib.sha256(body).hexdigest() != AGENTDID_V1_SHA256:
        message = "the agentdid context of this installation has been changed"
        raise RuntimeError(message)
    return body
