"""What a VC-API instance leaves behind when a signal ends it: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.vc_api import served

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_ledger_ends_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of its lists goes with it, though Python's own exit does not run."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))

    with served(tmp_path):
        assert list(temporary.glob("*/lists.db"))

    assert not list(temporary.iterdir())
