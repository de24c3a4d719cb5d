"""The table of attacks in docs/security.md from the tests themselves: ``python -m tools.attack_table``.

A test shows an attack when its name has the attack's id (``test_k06_k16_lists``) or its docstring begins with it
(``"D04, D12: …"``). ``tests/attacks/rows.toml`` has the ids, a few words for each, and those whose part is not built
yet. With ``--check`` it says whether the page is up to date.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security.md"
ROWS = ROOT / "tests" / "attacks" / "rows.toml"
BEGIN = "<!-- made by `python -m tools.attack_table` -->"
END = "<!-- end -->"
LATER = "later"
_IN_NAME = re.compile(r"(?<=_)[a-z][0-9]{2}(?=_|$)")
_IN_DOCSTRING = re.compile(r"((?:[A-Z][0-9]{2}(?:, | and )?)+):")
_SENTENCES = "test_specs.py"
"""Its docstrings number the sentences of specs/, some of which look alike."""


def read_rows() -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return the layers by letter, each with its ids in order, and what comes later, by id."""
    rows = tomllib.loads(ROWS.read_text("utf-8"))
    later = rows.pop(LATER)
    return rows, later


def find_tests(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Return which tests show which attack, by id: `file::function`, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        if path.name == _SENTENCES:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for name in ids_of(node.name, ast.get_docstring(node) or ""):
                    found.setdefault(name, []).append(f"{path.relative_to(folder.parent).as_posix()}::{node.name}")
    return found


def ids_of(name: str, docstring: str) -> set[str]:
    """Return the ids that a test's name and docstring have."""
    begun = _IN_DOCSTRING.match(docstring)
    told = set() if begun is None else set(re.findall(r"[A-Z][0-9]{2}", begun[1]))
    return told | {each.upper() for each in _IN_NAME.findall(name)}


def table() -> str:
    """Return the part of the page: a table a layer."""
    layers, later = read_rows()
    tests = find_tests()
    total = sum(len(rows) - 1 for rows in layers.values())
    shown = sum(1 for rows in layers.values() for name in rows if name in tests)
    lines = [f"{shown} of {total} rows have tests; {len(later)} wait for a part that is not built yet."]
    for letter, rows in layers.items():
        lines += ["", f"### {letter}. {rows['layer']}", "", "| id | attack | a test |", "|---|---|---|"]
        for name, words in rows.items():
            if name != "layer":
                lines.append(f"| {name} | {words} | {_shown(name, tests.get(name, []), later.get(name))} |")
    return "\n".join(lines)


def page() -> str:
    """Return the page as it should be."""
    before, _, rest = PAGE.read_text("utf-8").partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}\n{after}"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is what it should be."""
    if "--check" in arguments:
        if PAGE.read_text("utf-8") != page():
            sys.stderr.write("docs/security.md is not up to date: run python -m tools.attack_table\n")
            return 1
        return 0
    PAGE.write_text(page(), "utf-8")
    return 0


def _shown(name: str, tests: list[str], later: str | None) -> str:
    """Return the one test that says most about a row: of tests/attacks if there is one, by its name if it has it."""
    if not tests:
        return later or "none"
    found = min(tests, key=lambda each: (f"_{name.lower()}_" not in each, not each.startswith("tests/attacks/"), each))
    return f"`{found}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
