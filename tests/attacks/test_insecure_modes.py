"""R11: nothing in the environment, no flag and no key of a trust file weakens what is verified."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentdid.trust.anchors import Trust
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).resolve().parents[2] / "src" / "agentdid"
SECRETS = {"AGENTDID_PASSPHRASE", "AGENTDID_PIN", "AGENTDID_ISSUER_TOKEN", "AGENTDID_VERIFIER_TOKEN"}
"""All that is read of the environment, and that by the command line alone."""


READING = ("os.environ", "environ", "os.environb", "os.getenv", "getenv")


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Each module of the package with its tree."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


def test_r11_what_is_read_of_the_environment() -> None:
    """R11: the list of variables is closed, and has only secrets in it; only the command line reads them."""
    readers, variables = set(), set()
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) in READING:
                readers.add(name)
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) in READING:
                variables |= {node.slice.value} if isinstance(node.slice, ast.Constant) else set()
            elif isinstance(node, ast.Call):
                assert not [each.arg for each in node.keywords if each.arg in ("envvar", "auto_envvar_prefix")], name
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                variables |= set(re.findall(r"AGENTDID_[A-Z_]*[A-Z]", node.value))

    assert variables == SECRETS
    assert {"cli"} == {each.partition("/")[0] for each in readers}


def test_r11_no_client_trusts_the_environment_or_skips_tls() -> None:
    """R11, I13: each HTTP client says `trust_env=False`, and none says `verify=False`."""
    clients = 0
    for name, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            options = {each.arg: ast.unparse(each.value) for each in node.keywords}
            assert "False" != options.get("verify"), name
            assert "CERT_NONE" not in options.values(), name
            if ast.unparse(node.func) in ("httpx.Client", "httpx.AsyncClient", "httpx.get", "httpx.post"):
                clients += 1
                assert "False" == options.get("trust_env"), name
        text = ast.unparse(tree)
        assert not [each for each in ("check_hostname = False", "CERT_NONE", "_create_unverified") if each in text], (
            name
        )

    assert clients > 0


def test_r11_no_check_is_an_assertion() -> None:
    """R11, E22: `python -O` takes nothing away, because nothing in the package is an `assert` or asks `__debug__`."""
    found = [
        (name, node.lineno)
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Name) and node.id == "__debug__")
    ]

    assert [] == found


@pytest.mark.parametrize(
    "key",
    ["insecure", "verify", "debug", "any_issuer", "profile", "allow_unsigned", "skip_status", "development", "lenient"],
)
@pytest.mark.parametrize("table", ["", "anchor", "limits", "resource", "fetch"])
def test_r11_a_trust_file_has_no_such_key(key: str, table: str) -> None:
    """R11: whatever switches verification off elsewhere is unknown here, and a policy with it is none."""
    policy = World().policy()
    given: dict[str, object] = {key: True}
    if table == "":
        policy = {**policy, **given}
    elif table in ("anchor", "resource"):
        rows = policy[table]
        assert isinstance(rows, list)
        policy = {**policy, table: [{**rows[0], **given}]}
    else:
        policy = {**policy, table: given}

    with pytest.raises(ValueError, match=key):
        Trust.parse(policy)


@pytest.mark.parametrize(
    "flag", ["--insecure", "--no-verify", "--skip-status", "--allow-unsigned", "--debug", "--any-issuer", "--no-tls"]
)
@pytest.mark.parametrize("verb", [("verify", "-"), ("serve", "verifier"), ("serve", "issuer"), ("wallet", "receive")])
def test_r11_no_verb_has_such_a_flag(verb: tuple[str, ...], flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """R11: a flag that would weaken anything is a usage error."""
    from agentdid.cli.main import main  # noqa: PLC0415  # only here

    code = main([*verb, flag])

    assert 2 == code
    assert flag in capsys.readouterr().err


def test_r11_names_that_others_honour_change_nothing(tmp_path: Path) -> None:
    """R11: a verifier in an environment full of switches that other stacks honour answers as in an empty one."""
    policy = tmp_path / "trust.toml"
    policy.write_text('audience = "https://api.partner.example"\ndid = "did:web:partner.example"\n'
                      '[[resource]]\nprefix = "https://api.partner.example/"\nroot = "did:web:partner.example"\n',
                      "utf-8")  # fmt: skip
    switches = dict.fromkeys(
        (
            "AGENTDID_INSECURE", "AGENTDID_DEBUG", "AGENTDID_ALLOW_ANY", "AGENTDID_SKIP_STATUS", "AGENTDID_TRUST",
            "IGNORE_ASSERTION", "IGNORE_ASSERTION_KEY_IS_AUTHORIZED", "PYTHONHTTPSVERIFY", "DEBUG", "INSECURE",
            "NODE_TLS_REJECT_UNAUTHORIZED", "SSL_NO_VERIFY", "FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY",
        ),
        "1",
    )  # fmt: skip
    document = World().root(form="eddsa-jcs-2022")[0]
    import json  # noqa: PLC0415  # only here

    answers = []
    for extra in ({}, switches):
        plain = {name: each for name, each in os.environ.items() if name not in switches}
        answers.append(
            subprocess.run(
                [sys.executable, "-m", "agentdid.cli.main", "verify", "-", "--credential", "--json", "--trust", policy],
                input=json.dumps(document).encode(), capture_output=True, timeout=60, check=False, env=plain | extra,
            )
        )  # fmt: skip

    assert "issuer_untrusted" == json.loads(answers[0].stdout)["code"]
    assert [1, 1] == [each.returncode for each in answers]
    assert [json.loads(each.stdout)["code"] for each in answers] == ["issuer_untrusted"] * 2
