"""What the documents say runs, leads somewhere and is so: commands, Python, links, files, codes, tests, numbers."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.main import get_command

from agentdid.cli.app import app
from agentdid.errors import CODES
from agentdid.limits import Limits
from agentdid.policy.table import CONDITIONS
from agentdid.trust.anchor import Anchor
from agentdid.trust.anchors import Trust
from agentdid.trust.trust_list import ListRef
from tests.vectors_dir import ROOT
from tools import errors_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click import Command

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("specs/*.md")])
COMMANDS = [ROOT / "README.md", ROOT / "docs" / "quickstart.md", ROOT / "docs" / "lifecycle.md"]
# What CONTRACT's table of verbs has and this version builds: verb → options.
BUILT = {
    "demo": {"--json", "--keep"},
    "did create": {"--method", "--key", "--wallet", "--out", "--json"},
    "did resolve": {"--json"},
    "issuer init": {"--db", "--did", "--method", "--key", "--base-url", "--json"},
    "issuer issue": {
        "--db", "--to", "--capability", "--parent", "--claims", "--disclosable", "--ttl", "--out", "--format", "--json",
    },
    "issuer revoke": {"--db", "--credential", "--json"},
    "issuer suspend": {"--db", "--credential", "--json"},
    "issuer reinstate": {"--db", "--credential", "--json"},
    "issuer list": {"--db", "--json"},
    "issuer show": {"--db", "--credential", "--json"},
    "issuer batch": {"--db", "--out", "--capability", "--batch", "--json"},
    "issuer publish": {"--db", "--out", "--json"},
    "wallet init": {"--wallet", "--json"},
    "wallet receive": {"--wallet", "--trust", "--sources", "--json"},
    "wallet list": {"--wallet", "--json"},
    "wallet show": {"--wallet", "--credential", "--json"},
    "wallet present": {
        "--wallet", "--challenge", "--audience", "--query", "--credential", "--disclose", "--format", "--out", "--json",
    },
    "wallet delegate": {"--wallet", "--credential", "--to", "--capability", "--ttl", "--out", "--json"},
    "wallet approve": {"--wallet", "--out", "--json"},
    "wallet receipts": {"--wallet", "--proof", "--check", "--trust", "--sources", "--json"},
    "wallet relinquish": {"--wallet", "--credential", "--json"},
    "agent provision": {
        "--wallet", "--name", "--capability", "--issuer-db", "--issuer", "--ttl", "--status", "--publish", "--json",
    },
    "agent review": {"--wallet", "--log", "--days", "--at", "--out", "--json"},
    "agent renew": {
        "--wallet", "--credential", "--replacement", "--issuer-db", "--issuer", "--capability", "--new-did", "--rotate",
        "--status-db", "--out", "--json",
    },
    "agent retire": {
        "--wallet", "--did", "--issuer-db", "--issuer", "--trust", "--deny-db", "--verifier", "--status-db",
        "--publish", "--json",
    },
    "deny add": {"--trust", "--db", "--did", "--credential", "--key", "--reason", "--until", "--json"},
    "deny remove": {"--trust", "--db", "--did", "--credential", "--key", "--json"},
    "deny list": {"--trust", "--db", "--json"},
    "verify": {
        "--trust", "--at", "--challenge", "--credential", "--action", "--resource", "--arguments", "--sources",
        "--evidence", "--json",
    },
    "replay": {"--day", "--key", "--json"},
    "trust show": {"--trust", "--json"},
    "trust add": {"--trust", "--did", "--type", "--root", "--action", "--list", "--json"},
    "trust check": {"--trust", "--issuer", "--type", "--root", "--action", "--sources", "--at", "--json"},
    "trust publish": {"--db", "--out", "--format", "--json"},
    "audit verify": {"--key", "--did", "--since", "--json"},
    "audit show": {"--agent", "--action", "--outcome", "--day", "--json"},
    "audit export": {"--agent", "--action", "--outcome", "--day", "--out", "--json"},
    "audit prove": {"--entry", "--since", "--out", "--json"},
    "audit checkpoint": {"--out", "--json"},
    "audit forget": {"--before", "--json"},
    "serve issuer": {"--port", "--db"},
    "serve verifier": {"--port", "--db"},
    "serve approvals": {"--port", "--wallet"},
    "serve resolver": {"--port", "--db"},
    "serve trqp": {"--port", "--list", "--trust", "--sources"},
    "serve vc-api": {"--port", "--manifest", "--lenient-issuer"},
    "interop json-schema validate": {"--format", "--schema", "--credential", "--output"},
    "did link-domain": {"--did", "--origin", "--wallet"},
    "did update": {"--document", "--wallet", "--json"},
    "did rotate": {"--wallet", "--json"},
    "did move": {"--host", "--wallet", "--json"},
    "did deactivate": {"--wallet", "--json"},
    "did log": {"--wallet", "--json"},
    "did witness": {"--wallet", "--json"},
    "did approve": {"--wallet", "--json"},
    "capability lint": {"--parent", "--json"},
    "doctor": {"--json"},
    "policy check": {"--json"},
    "policy schema": {"--json"},
    "policy show": {"--trust", "--json"},
    "inspect": {"--json"},
    "interop vc-jose-cose issue": {"--input", "--key", "--feature", "--sd", "--output"},
    "interop vc-jose-cose verify": {"--input", "--key", "--feature", "--output"},
}  # fmt: skip
# Words of the documents that look like codes and are something else: limits, members of a policy, names in Python.
NAMES = {name for kind in (Limits, Anchor, Trust, ListRef) for name in kind.__struct_fields__} | {
    "a2a_skill", "mcp_tool", "safe_until", "verify_credential", "require_capability", "token_endpoint", "dcql_query",
    "type_values", "check_root", "ldp_vc", "aka_vcts", "authority_id", "entity_id", "max_age", "time_evaluated",
    "window_s", *CONDITIONS,
}  # fmt: skip
# Codes of HTTP's own mistakes, which no judgement answers (http/).
HTTP_CODES = {"presentation_required", "statement_not_found"}

_FENCE = re.compile(r"^(<!-- run -->\n)?```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_TICKED = re.compile(r"`([^`\n]+)`")
_WORD = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
_INVOKED = re.compile(r"(?:^|[ (/])agentdid ((?:[a-z-]+ ?)+)((?:[^\n]|\\\n)*)", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_DEVIATION = re.compile(r"^- \*\*D([0-9]+)\*\* ", re.MULTILINE)


def _blocks(page: Path, language: str) -> list[tuple[bool, str]]:
    """Return whether it is to be run, and the text, of each block of one language."""
    return [(bool(run), text) for run, kind, text in _FENCE.findall(page.read_text("utf-8")) if kind == language]


def _verbs(command: Command, name: str = "") -> Iterator[tuple[str, Command]]:
    """Yield each verb by its full name."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word, each in below.items():
        yield from _verbs(each, f"{name} {word}".strip())


VERBS = dict(_verbs(get_command(app)))  # type: ignore[arg-type]  # typer brings its own click
OPTIONS = {name: {each for option in verb.params for each in option.opts} for name, verb in VERBS.items()}


def _invocations(page: Path) -> list[tuple[str, str]]:
    """Return verb and options of each command line that a page shows."""
    found = []
    for _, text in _blocks(page, "sh"):
        for words, rest in _INVOKED.findall(text):
            known = [verb for verb in VERBS if f"{words.strip()} ".startswith(f"{verb} ")]
            found.append((max(known, key=len, default=words.strip()), rest))
    return found


@pytest.mark.parametrize("name", VERBS)
def test_help_says_all_that_is_written(name: str) -> None:
    """Words in brackets are markup where help is shown, and would be missing there."""
    command = VERBS[name]
    texts = [command.help or "", *(getattr(each, "help", None) or "" for each in command.params)]

    assert [] == [text for text in texts if re.search(r"\[[a-z#/@]", text)]


def test_the_error_book_is_up_to_date() -> None:
    """docs/errors.md is what `python -m tools.errors_page` writes."""
    assert errors_page.page() == (ROOT / "docs" / "errors.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the repository names one that is there."""
    links = [each for each in _LINK.findall(page.read_text("utf-8")) if "://" not in each and not each.startswith("#")]

    assert [] == [each for each in links if not (page.parent / each.partition("#")[0]).exists()]


def test_files_that_the_readme_names_are_there() -> None:
    """A path in README's ticks is a file or folder of the repository, or of the package."""
    ticked = _TICKED.findall(_FENCE.sub("", (ROOT / "README.md").read_text("utf-8")))
    paths = [each for each in ticked if re.fullmatch(r"[\w.-]+(/[\w.-]*)+", each) or each in ("LICENSE", "README.md")]
    bases = (ROOT, ROOT / "src" / "agentdid")

    assert len(paths) >= 10
    assert [] == [each for each in paths if not any((base / each).exists() for base in bases)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_compiles(page: Path) -> None:
    """Every block of Python that a page shows is Python, and what it imports of ours is there."""
    for _, text in _blocks(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agentdid"):
                module = __import__(str(node.module), fromlist=["*"])
                assert [] == [each.name for each in node.names if not hasattr(module, each.name)]


@pytest.mark.parametrize("page", COMMANDS, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page: Path) -> None:
    """Every `agentdid …` that a page shows is a verb, and each option is one of that verb's."""
    shown = _invocations(page)

    assert shown
    assert [] == [verb for verb, _ in shown if verb not in VERBS]
    assert [] == [
        (verb, option)
        for verb, rest in shown
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest)
        if option not in OPTIONS[verb]
    ]


@pytest.mark.parametrize("verb", BUILT)
def test_every_built_verb_helps(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` of each verb of the contract that is built shows the options that the contract lists."""
    command = get_command(app)
    command.main([*verb.split(), "--help"], prog_name="agentdid", standalone_mode=False)
    text = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    assert set() == BUILT[verb] - OPTIONS[verb]
    assert VERBS[verb].help
    assert [] == [option for option in BUILT[verb] if option not in text]


def test_no_verb_is_unknown_to_this_list() -> None:
    """A verb that is new is held to the contract too: it stands in `BUILT`."""
    assert set(BUILT) == set(VERBS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_codes_are_in_the_book(page: Path) -> None:
    """A word in ticks that looks like a code is a code, or one of the names that are known to be something else."""
    prose = _FENCE.sub("", page.read_text("utf-8"))
    words = {word for ticked in _TICKED.findall(prose) for word in [ticked.strip()] if _WORD.fullmatch(word)}

    assert set() == words - CODES.keys() - NAMES - HTTP_CODES


def test_http_codes_are_the_services_own() -> None:
    """A code that only HTTP answers with stands in http/, and never in the book."""
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src" / "agentdid" / "http").glob("*.py"))

    assert [] == [code for code in HTTP_CODES if f'"{code}"' not in source or code in CODES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_cited_tests_exist(page: Path) -> None:
    """A test that a page cites as proof is in its file."""
    cited = _TEST.findall(page.read_text("utf-8"))
    found = [(file, name, (ROOT / file).read_text("utf-8") if (ROOT / file).exists() else "") for file, name in cited]

    assert [] == [(file, name) for file, name, text in found if not text or (name and f"def {name}(" not in text)]


def test_every_threat_cites_a_test() -> None:
    """No row of the table of threats stands on its word."""
    table = (ROOT / "docs" / "security.md").read_text("utf-8").partition("## Threats")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 15
    assert [] == [row for row in rows if _TEST.search(row) is None]


def test_deviations_are_numbered_and_those_cited_exist() -> None:
    """Their numbers ascend from 1 without a gap; every `Deviation D…` of the source is among them."""
    numbers = [int(each) for each in _DEVIATION.findall((ROOT / "docs" / "deviations.md").read_text("utf-8"))]
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    cited = {int(each) for each in re.findall(r"Deviation D([0-9]+)", source)}

    assert list(range(1, len(numbers) + 1)) == numbers
    assert cited
    assert cited <= set(numbers)


def test_the_index_names_every_page() -> None:
    """docs/README.md leads to each page of docs/ and of specs/."""
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / each).resolve() for each in _LINK.findall(index.read_text("utf-8"))}
    pages = {*ROOT.glob("docs/**/*.md"), *ROOT.glob("specs/*.md")} - {index}

    assert set() == pages - named


@pytest.mark.parametrize("page", ["quickstart.md", "policy.md", "lifecycle.md"])
def test_a_page_runs(page: str, tmp_path: Path) -> None:
    """Every marked block of the first five minutes, and of policies, runs in its order, in an empty folder, offline."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    passphrase = "nothing worth keeping"  # of stores that end with the test
    environment = {**os.environ, "PATH": path, "AGENTDID_PASSPHRASE": passphrase, "AGENTDID_CHECKOUT": str(ROOT)}
    blocks = _FENCE.findall((ROOT / "docs" / page).read_text("utf-8"))
    marked = [(language, text) for run, language, text in blocks if run]
    for language, text in marked:
        command = ["sh", "-eu", "-c", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(  # the page is ours
            command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=120
        )

        assert 0 == done.returncode, f"{text}\n{done.stdout}{done.stderr}"
    assert {"sh", "python"} == {language for language, _ in marked}
