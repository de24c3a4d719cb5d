"""One VC-API instance for all tests that official suites' requests are sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vc_api import Served, served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The instance as it is meant."""
    with served(tmp_path_factory.mktemp("vc-api")) as running:
        yield running


@pytest.fixture(scope="session")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The instance that lets others than the issuer sign."""
    with served(tmp_path_factory.mktemp("vc-api-lenient"), "--lenient-issuer") as running:
        yield running
