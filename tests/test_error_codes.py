"""The book of errors: unique, stable words, each raised somewhere, and a page that says the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from agentdid import errors
from agentdid.errors import CODES, AgentdidError, Malformed, Refused, Undecided
from tools.errors_page import PAGE, page

SOURCES = Path(errors.__file__).parent
FAMILIES = (Malformed, Refused, Undecided)


def _used_names() -> set[str]:
    """Return every name that the source mentions outside the book itself, imports not counted."""
    names = set()
    for file in SOURCES.rglob("*.py"):
        if file != Path(errors.__file__):
            tree = ast.parse(file.read_text("utf-8"))
            names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            names |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in CODES}
    return names


def test_codes_are_flat_snake_case_words() -> None:
    """Dashboards match on codes: one spelling, for ever."""
    assert [] == [code for code in CODES if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)]


def test_each_code_belongs_to_one_family() -> None:
    """Who acts next is never in doubt."""
    assert [] == [code for code, found in CODES.items() if sum(issubclass(found, each) for each in FAMILIES) != 1]


def test_each_code_says_what_it_means() -> None:
    """The page is made of docstrings, so every class has its own."""
    assert [] == [code for code, found in CODES.items() if not found.__dict__.get("__doc__")]


def test_each_code_is_raised() -> None:
    """A code that nothing raises is a promise nobody keeps."""
    used = _used_names()

    assert [] == [code for code, found in CODES.items() if found.__name__ not in used and code not in used]


def test_the_page_is_made_from_the_book() -> None:
    """docs/errors.md is what `python -m tools.errors_page` writes."""
    assert page() == PAGE.read_text("utf-8")


def test_a_code_is_taken_once() -> None:
    """Two classes cannot share a code."""
    with pytest.raises(TypeError, match="'expired' is taken"):
        type("Again", (Refused,), {}, code="expired")


def test_a_retired_code_stays_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """What once had a meaning never gets another."""
    monkeypatch.setattr(errors, "RETIRED", frozenset({"once_meant"}))
    with pytest.raises(TypeError, match="'once_meant' is taken"):
        type("Again", (Refused,), {}, code="once_meant")


def test_an_error_says_its_code_place_and_detail() -> None:
    """What people read begins with what machines read."""
    error: AgentdidError = errors.Expired("valid until then", path="/0/validUntil")

    assert "expired at /0/validUntil: valid until then" == str(error)
    assert {"code": "expired", "detail": "valid until then", "path": "/0/validUntil"} == error.as_problem()
