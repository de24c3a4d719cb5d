"""The table in docs/security.md: made from the tests, and of every row that the attack list has."""

from __future__ import annotations

import re

import pytest

from tests.vectors_dir import FOLDER
from tools.attack_table import LATER, find_tests, ids_of, main, read_rows, table

LIST = FOLDER.parent / "ATTACKS.md"
LAYERS, WAITING = read_rows()
TESTS = find_tests()
IDS = [name for rows in LAYERS.values() for name in rows if name != "layer"]


def test_the_page_is_what_the_tool_writes() -> None:
    """Who adds a test or a row writes the page anew."""
    assert 0 == main(["--check"])
    shown = table()

    assert [] == [name for name in IDS if f"| {name} |" not in shown]


@pytest.mark.parametrize("name", IDS)
def test_each_row_has_a_test(name: str) -> None:
    """A row has a test, or says in a word what it waits for, and never both."""
    assert (name in TESTS) != (name in WAITING)


def test_the_rows_are_those_of_the_list() -> None:
    """No id of ours is made up, none is left out; layers M and N come with OpenID4VP and OpenID4VCI."""
    if not LIST.exists():
        pytest.skip("the attack list is not beside the vectors")
    listed = re.findall(r"^\| ([A-Z][0-9]{2}) \|", LIST.read_text("utf-8"), re.MULTILINE)

    assert [each for each in listed if each[0] not in "MN"] == IDS
    assert set(WAITING) <= set(IDS)


def test_ids_are_read_from_names_and_docstrings() -> None:
    """An id in the middle of a sentence is none: only what a test says that it shows."""
    assert {"K06", "K16"} == ids_of("test_k06_k16_lists", "Lists.")
    assert {"D04", "D12"} == ids_of("test_nested", "D04, D12: at the top.")
    assert {"D04", "E01"} == ids_of("test_e01_x", "D04: like A01.")
    assert set() == ids_of("test_a_b64_thing", "As A01 has it.") - {"B64"}
    assert LATER not in LAYERS
