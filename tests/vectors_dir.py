"""Where the official test vectors lie; a test that needs some says so when they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("AGENTDID_VECTORS", ROOT.parent / "shared" / "vectors"))


def vectors(name: str) -> Path:
    """Return the folder `name` of the official vectors, or skip the calling test."""
    folder = FOLDER / name
    if not folder.exists():
        pytest.skip(f"official vectors {name!r} are not here; set AGENTDID_VECTORS")
    return folder
