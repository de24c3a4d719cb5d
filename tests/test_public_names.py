"""The front door: the names others import, that they come lazily, and what importing costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import agentdid
import agentdid.http


def _modules_after(code: str) -> set[str]:
    """Return the top-level packages a fresh process has imported after running some code."""
    script = f"{code}\nimport sys; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("package", [agentdid, agentdid.http])
def test_public_names_are_sorted_and_real(package: object) -> None:
    """Each name in __all__ can be imported, and they are in order."""
    names: list[str] = package.__all__  # type: ignore[attr-defined]

    assert sorted(names) == names
    assert [] == [name for name in names if not hasattr(package, name)]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy door has no other rooms."""
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        agentdid.Nobody  # noqa: B018


def test_dir_lists_the_door() -> None:
    """`dir(agentdid)` is what a reader may use."""
    assert agentdid.__all__ == dir(agentdid)


def test_importing_the_package_imports_nothing_of_others() -> None:
    """`import agentdid` is cheap because it does nothing."""
    heavy = {"nacl", "cryptography", "msgspec", "sqlalchemy", "httpx", "fastapi", "asyncio", "dataclasses"}

    assert set() == heavy & (_modules_after("import agentdid") - _modules_after("pass"))


def test_a_verdict_needs_no_server_client_or_database() -> None:
    """The core path imports none of asyncio, FastAPI, httpx or SQLAlchemy."""
    code = "from agentdid import Trust, Verifier, Request; from agentdid.verify.run import run"
    heavy = {"asyncio", "fastapi", "httpx", "sqlalchemy", "sqlite3", "pydantic", "typer"}

    assert set() == heavy & _modules_after(code)
