"""What the attacks have in common: a world, and the two faces that judge in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from agentdid.cli import app
from tests.forgery import Faces
from tests.world import World


@pytest.fixture
def world() -> World:
    """A world of its own for each attack."""
    return World()


@pytest.fixture(scope="session")
def verbs() -> object:
    """The tree of verbs, made once: typer makes it anew for every call, which takes longer than the call."""
    return typer.main.get_command(app.app)


@pytest.fixture
def faces(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], verbs: object, monkeypatch: pytest.MonkeyPatch
) -> Faces:
    """The library and the command line, which must agree."""
    monkeypatch.setattr(app, "app", verbs)
    return Faces(world, tmp_path, capsys)
