"""docs/errors.md from the code itself: ``python -m tools.errors_page``; with ``--check``, whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from agentdid.cli.main import EXIT_CODES
from agentdid.errors import CODES, Malformed, Refused, Undecided

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
FAMILIES = (Malformed, Refused, Undecided)
WHO = {
    "malformed": "the sender changes bytes",
    "refused": "nobody; the answer is no",
    "undecided": "whoever asked, later",
}


def page() -> str:
    """Return the page: a table a family, a row a code."""
    lines = [
        "# Error codes",
        "",
        "Made from `src/agentdid/errors.py` by `python -m tools.errors_page`. A code never changes its meaning. Python",
        "raises one exception class a code; the command line and problem details carry the same code.",
    ]
    for family in FAMILIES:
        name = family.family
        lines += [
            "",
            f"## {family.__name__}",
            "",
            f"{' '.join((family.__doc__ or '').split())} Exit code {EXIT_CODES[name]}. Who acts next: {WHO[name]}.",
            "",
            "| code | meaning | W3C problem type |",
            "|---|---|---|",
        ]
        for code in sorted(CODES):
            found = CODES[code]
            if issubclass(found, family):
                meaning = " ".join((found.__doc__ or "").split()).replace("|", "\\|")
                lines.append(f"| `{code}` | {meaning} | {f'`{found.problem}`' if found.problem else ''} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is what it should be."""
    if "--check" in arguments:
        if not PAGE.exists() or PAGE.read_text("utf-8") != page():
            sys.stderr.write("docs/errors.md is not up to date: run python -m tools.errors_page\n")
            return 1
        return 0
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
