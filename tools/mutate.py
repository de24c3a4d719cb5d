"""Mutation testing: ``python -m tools.mutate delegation`` changes our code in one place at a time and runs its tests.

Each mutant is a child of one process that has the third-party packages imported; in the child the mutated source
stands in for the module when it is imported, and the first failing test ends it. What no test notices survived:
either a test is missing, or the change changes nothing that anybody can see (`docs/testing.md` says which those are).
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "src"
TESTS: Final = {
    "delegation": ("tests/unit/delegation", "tests/property/test_narrowing.py", "tests/property/test_chains.py"),
    "status": ("tests/unit/status", "tests/property/test_bitstring_properties.py", "tests/attacks/test_status_lists.py",
               "tests/attacks/test_token_status_lists.py", "tests/attacks/test_stapled_status.py"),
    "verify": ("tests/unit/verify", "tests/attacks/test_order.py", "tests/attacks/test_holder_binding.py",
               "tests/attacks/test_anchors.py", "tests/attacks/test_delegation_chains.py"),
}  # fmt: skip
"""Package → the tests that are its own; what they let live is tried with all of `tests/attacks` by ``--all``."""
_HEAVY: Final = (
    "pytest",
    "hypothesis",
    "msgspec",
    "nacl.bindings",
    "sqlalchemy",
    "httpx",
    "cryptography.x509",
    "typer",
)
_OPTIONS: Final = (
    "-x", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip
_SWAPS: Final[dict[type[ast.AST], tuple[type[ast.AST], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Add,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.FloorDiv,),
    ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run the mutants; return 1 if any survived."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description="Mutation testing.")
    parser.add_argument("package", choices=TESTS)
    parser.add_argument("files", nargs="*", help="of the package; by default all")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="and no longer")
    parser.add_argument("--all", action="store_true", help="with all of tests/attacks")
    parser.add_argument("--json", type=Path, help="where the outcome of each mutant is written")
    chosen = parser.parse_args(arguments)
    tests = (*TESTS[chosen.package], *(("tests/attacks",) if chosen.all else ()))
    files = [SOURCE / "agentdid" / chosen.package / each for each in chosen.files]
    files = files or sorted((SOURCE / "agentdid" / chosen.package).glob("*.py"))
    mutants = [(path, what) for path in files for what in find_mutants(ast.parse(path.read_text("utf-8")))]
    if chosen.sample is not None and chosen.sample < len(mutants):
        mutants = random.Random(chosen.seed).sample(mutants, chosen.sample)  # noqa: S311  # no secret
    for each in _HEAVY:
        importlib.import_module(each)
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    os.environ["CI"] = "1"  # the same examples for every mutant
    start = time.monotonic()
    whole = _try(None, tests, 600)
    if whole != "survived":
        sys.stderr.write("the tests fail without any mutation\n")
        return 2
    bound = 10 + 5 * (time.monotonic() - start)
    outcomes: Counter[str] = Counter()
    rows = []
    for path, (place, words) in mutants:
        if time.monotonic() - start > 60 * chosen.minutes:
            break
        outcome = _try((path, place), tests, bound)
        outcomes[outcome] += 1
        name = f"{path.relative_to(SOURCE / 'agentdid')}:{words}"
        rows.append({"mutant": name, "outcome": outcome})
        if outcome == "survived":
            sys.stdout.write(f"survived  {name}\n")
            sys.stdout.flush()
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), "utf-8")
    done = sum(outcomes.values())
    sys.stdout.write(f"{chosen.package}: {done - outcomes['survived']} of {done} mutants noticed, {dict(outcomes)}\n")
    return 1 if outcomes["survived"] else 0


def find_mutants(tree: ast.Module) -> list[tuple[int, str]]:
    """Return the number of each mutant and what it changes."""
    return [(number, words) for number, (words, _) in enumerate(_mutations(tree))]


def _mutations(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield what changes where; the tree is changed while the caller looks at it, and put back after."""
    said = {id(part) for node in ast.walk(tree) for each in _annotations(node) for part in ast.walk(each)}
    for node in ast.walk(tree):
        if id(node) in said:
            continue  # nobody runs it
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Compare):
            yield from _swap_each(node.ops, line, tree)
        elif isinstance(node, ast.BoolOp | ast.BinOp):
            for other in _SWAPS.get(type(node.op), ()):
                before, node.op = node.op, other()  # type: ignore[assignment]  # an operator of its kind
                yield f"{line}: {type(before).__name__} to {other.__name__}", tree
                node.op = before
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            before_operand, node.operand = node.operand, ast.UnaryOp(ast.Not(), node.operand)
            yield f"{line}: not taken off", tree
            node.operand = before_operand
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            before_value = node.value
            node.value = before_value + 1
            yield f"{line}: {before_value} to {before_value + 1}", tree
            node.value = before_value
        elif isinstance(node, ast.Constant) and type(node.value) is bool:
            node.value = not node.value
            yield f"{line}: {not node.value} to {node.value}", tree
            node.value = not node.value
        elif isinstance(node, ast.If | ast.FunctionDef | ast.For | ast.Module | ast.Try):
            yield from _drop_each(node.body, tree)


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns


def _swap_each(operators: list[ast.cmpop], line: int, tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for place, operator in enumerate(operators):
        for other in _SWAPS.get(type(operator), ()):
            operators[place] = other()  # type: ignore[call-overload]  # a comparison
            yield f"{line}: {type(operator).__name__} to {other.__name__}", tree
        operators[place] = operator


def _drop_each(body: list[ast.stmt], tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Leave out calls whose value nobody takes, and what is raised: checks, that is."""
    for place, statement in enumerate(body):
        call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.YieldFrom)
        if call or isinstance(statement, ast.Raise):
            body[place] = ast.copy_location(ast.Pass(), statement)
            yield f"{statement.lineno}: {ast.unparse(statement)[:60]} left out", tree
            body[place] = statement


def _mutated(path: Path, wanted: int) -> CodeType:
    for number, (_, tree) in enumerate(_mutations(ast.parse(path.read_text("utf-8")))):
        if number == wanted:
            found: Any = ast.fix_missing_locations(copy.deepcopy(tree))
            return compile(found, str(path), "exec")
    raise IndexError(wanted)


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from mutated code."""

    def __init__(self, path: Path, code: CodeType) -> None:
        self._name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        self._path = path
        self._code = code

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Find the one module."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        module.__file__ = str(self._path)
        exec(self._code, module.__dict__)  # noqa: S102  # our own source


def _try(mutant: tuple[Path, int] | None, tests: Sequence[str], bound_s: float) -> str:
    """Return how a mutant ended: noticed, survived, or too slow."""
    child = os.fork()
    if child == 0:
        os.setsid()
        _run(mutant, tests)
    until = time.monotonic() + bound_s
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "noticed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "too slow"


def _run(mutant: tuple[Path, int] | None, tests: Sequence[str]) -> None:
    """Run the tests in this process, which ends here."""
    code = 3
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(nowhere, each)
        if mutant is not None:
            sys.meta_path.insert(0, _StandIn(mutant[0], _mutated(*mutant)))
        import pytest  # noqa: PLC0415  # imported before the fork

        code = int(pytest.main([*_OPTIONS, *tests]))
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
