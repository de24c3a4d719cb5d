"""What the attacks have in common: a world, and the two faces that judge in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forgery import Faces
from tests.world import World


@pytest.fixture
def world() -> World:
    """A world of its own for each attack."""
    return World()


@pytest.fixture
def faces(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Faces:
    """The library and the command line, which must agree."""
    return Faces(world, tmp_path, capsys)
