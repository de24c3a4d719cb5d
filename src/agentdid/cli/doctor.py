"""`agentdid doctor`: what is installed here, and whether this machine can do what is asked of it."""

from __future__ import annotations

import platform
import sqlite3
import tempfile
from importlib import metadata, util
from pathlib import Path
from time import perf_counter
from typing import Final

from agentdid.canon.contexts import load_agentdid_v1
from agentdid.cli.options import AsJson
from agentdid.cli.render import print_done
from agentdid.errors import AgentdidError, ExtraMissing
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.storage.vault import Vault

_EXTRAS: Final = {
    "cli": ("typer", "rich"),
    "server": ("fastapi", "uvicorn"),
    "demo": ("trustme",),
    "bbs": ("py_arkworks_bls12381",),
    "pkcs11": ("pkcs11",),
    "policy": ("cedarpy",),
    "rdf": ("pyld",),
}
_PACKAGES: Final = ("agentdid", "cryptography", "pynacl", "msgspec", "httpx", "sqlalchemy")
_MIN_KDF_S: Final = 0.25


def doctor(as_json: AsJson = False) -> None:
    """Show versions, extras, algorithms, the cost of a passphrase guess, and what is wrong."""
    problems = []
    algorithms = {}
    for name, row in ALGORITHMS.items():
        try:
            if row.signs:
                secret = SecretKey.generate(name)
                secret.public.verify(secret.sign(b"doctor"), b"doctor")
            elif row.seed_len:
                SecretKey.generate(name)
            algorithms[name] = "works"
        except ExtraMissing as error:
            algorithms[name] = error.detail  # a choice of whoever installed this, not a problem
        except AgentdidError as error:
            algorithms[name] = error.code
            problems.append(f"{name} does not work here ({error.code})")
    try:
        load_agentdid_v1()
    except RuntimeError as error:
        problems.append(str(error))
    start = perf_counter()
    Vault.create(b"doctor")
    cost = perf_counter() - start
    if cost < _MIN_KDF_S:
        problems.append(f"a passphrase guess costs {cost:.2f} s here, less than {_MIN_KDF_S} s")
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder) / "private"
        private.touch(mode=0o600)
        if private.stat().st_mode & 0o077:
            problems.append("files cannot be kept from other users in the temporary folder")
    report: dict[str, object] = {
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "extras": {
            extra: all(util.find_spec(module) is not None for module in modules) for extra, modules in _EXTRAS.items()
        },
        "algorithms": algorithms,
        "suites": list(SUITES),
        "sqlite": sqlite3.sqlite_version,
        "passphraseGuessSeconds": round(cost, 3),
        "problems": problems,
    }
    lines = [f"{name:<24}{value}" for name, value in report.items() if name != "problems"]
    lines += [f"problem: {each}" for each in problems] or ["nothing is wrong"]
    print_done(report, "\n".join(lines), as_json=as_json)
