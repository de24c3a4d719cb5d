"""Issuers on both databases: a SQLite file, and a real PostgreSQL that the tests start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of these folders."""
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a fresh issuer can be made: a file that is not there yet, or an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "issuer.db")
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()
