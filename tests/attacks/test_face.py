"""The command line as its caller sees it: exit codes, one JSON object on stdout, never a traceback, nothing forged."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentdid.cli.main import main
from agentdid.codec.strict_json import encode, parse
from tests.forgery import CHALLENGE, Faces, acme_document, badge_token, flip, policy
from tests.vectors_dir import ROOT
from tests.world import World


def spawn(*arguments: str, data: bytes = b"", **environment: str) -> tuple[int, bytes, bytes]:
    """Run a real process; return its exit code, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", *arguments],
        input=data, capture_output=True, check=False, timeout=60, env={**os.environ, **environment},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr + done.stdout
    return done.returncode, done.stdout, done.stderr


INPUTS: dict[str, tuple[int, str, str | None]] = {
    "good": (0, "accepted", None),
    "tampered": (1, "refused", "signature_invalid"),
    "no-list": (3, "undecided", "status_unavailable"),
    "duplicate": (4, "malformed", "json_duplicate_key"),
    "binary": (4, "malformed", "encoding_invalid"),
    "deep": (4, "malformed", "json_too_deep"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_processes(world: World, faces: Faces, name: str) -> None:
    """Exit codes 0, 1, 3 and 4, from a file or from stdin."""
    code, outcome, reason = INPUTS[name]
    chain = str(world.root()[0])
    documents: dict[str, bytes] = {
        "tampered": flip(chain.split("~", maxsplit=1)[0], -20).encode() + b"~" + chain.partition("~")[2].encode(),
        "duplicate": b'{"a":1,"a":2}', "binary": bytes(range(256)), "deep": b"[" * 100_000,
    }  # fmt: skip
    if name == "no-list":
        del world.served[world.acme.list_url]
    data = documents.get(name, chain.encode())
    arguments = [*faces.arguments(data), "--json", "--credential"]
    found, out, _ = spawn(*arguments)
    shown = json.loads(out)

    assert (code, outcome, reason) == (found, shown["outcome"], shown["code"])
    if name in ("good", "deep"):
        arguments[1] = "-"
        assert (found, shown) == ((again := spawn(*arguments, data=data))[0], json.loads(again[1]))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_of_another_encoding(world: World, faces: Faces, encoding: str) -> None:
    """What a sender writes is printed in whatever the terminal reads, and JSON stays JSON."""
    token = badge_token(world, id="urn:example:\u4e2d\U0001f600\u00e9").sign(world.acme)
    arguments = faces.arguments(token)
    found, out, _ = spawn(*arguments, "--json", PYTHONIOENCODING=encoding)
    plain = spawn(*arguments, PYTHONIOENCODING=encoding)

    assert (0, "accepted") == (found, json.loads(out.decode(encoding))["outcome"])
    assert 0 == plain[0]


@pytest.mark.parametrize(
    "name",
    ["x\naccepted\n  ok  signatures", "x\r\naccepted", "\u001b[2J\u001b[1;1Haccepted", "\u2028accepted", "\u202eok"],
)
def test_r01_a_name_that_forges_lines(
    world: World, faces: Faces, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """R01: a member's name stands in the path of an error; it begins no line and moves no cursor."""
    token = badge_token(world)
    token.payload["credentialSubject"][name] = {"_sd_alg": "x"}
    code = main(faces.arguments(token.sign(world.acme)))
    out = capsys.readouterr().out

    assert 4 == code
    assert out.startswith("malformed: sd_disclosure_malformed\n")
    assert [] == [line for line in out.splitlines() if line.startswith("accepted") or "\u001b" in line]
    assert 1 + 9 == len(out.split("\n")) - 1
    assert "\u202e" not in out


def test_r01_a_servers_text(world: World, faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    """R01: nor does the type of a key in a DID document."""
    document: Any = parse(world.served[acme_document(world)].body).value  # type: ignore[union-attr]  # it was served
    document["verificationMethod"][0]["type"] = "x\naccepted\u001b[2J"
    world.serve(acme_document(world), encode(document))
    main(faces.arguments(badge_token(world).sign(world.acme)))
    out = capsys.readouterr().out

    assert [] == [line for line in out.splitlines() if line.startswith("accepted") or "\u001b" in line]


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        (["--at", "yesterday"], "dateTimeStamp"), (["--at", "2026-11-24"], "dateTimeStamp"),
        (["--at", ""], "dateTimeStamp"),
        (["--action", "x"], "together"), (["--resource", "x"], "together"), (["--trust", "none.toml"], "none.toml"),
        (["--sources", "none.json"], "none.json"), (["--unknown"], "unknown"),
    ],
)  # fmt: skip
def test_usage(world: World, faces: Faces, capsys: pytest.CaptureFixture[str], more: list[str], detail: str) -> None:
    """A wrong command line is exit code 2, told as JSON where that was asked for."""
    code = main([*faces.arguments("x"), *more, "--json"])
    captured = capsys.readouterr()

    assert (2, "usage") == (code, json.loads(captured.out)["outcome"])
    assert detail in captured.err
    assert "Traceback" not in captured.err


def test_a_challenge_is_not_answered_by_a_bare_credential(world: World, faces: Faces) -> None:
    """D18: whoever names a challenge has it answered, or is told that it was not."""
    for document in (str(world.root()[0]), world.root(form="eddsa-jcs-2022")[0], world.root()):
        verdict = faces(document, challenge=CHALLENGE)
        assert verdict.code in ("kb_missing", "type_mismatch")


def test_verify_without_a_challenge_does_not_accept_a_presentation(
    world: World, faces: Faces, capsys: pytest.CaptureFixture[str]
) -> None:
    """D19: a presentation is never accepted without a nonce that it answers."""
    for form, code in (("vp+jwt", "nonce_mismatch"), ("eddsa-jcs-2022", "invalid_challenge_error")):
        presented = world.present(world.root(), form=form)
        found = main([*faces.arguments(presented, policy(world)), "--json"])
        assert (1, code) == (found, json.loads(capsys.readouterr().out)["code"])


def test_e22_no_check_is_an_assertion() -> None:
    """E22: the package has no `assert` and no `__debug__`, which go with `-O`; the rule finds them."""

    def found(text: str) -> int:
        nodes = list(ast.walk(ast.parse(text)))
        return sum(isinstance(each, ast.Assert) or getattr(each, "id", "") == "__debug__" for each in nodes)

    files = sorted((ROOT / "src" / "agentdid").rglob("*.py"))

    assert 2 == found("assert holds\nif __debug__: pass")
    assert len(files) > 100
    assert [] == [str(file) for file in files if found(file.read_text("utf-8"))]


def test_e22_under_python_o(tmp_path: Path) -> None:
    """E22: no check is an `assert`: a part of every layer gives the same answers under `python -O`.

    Pytest's own assertions go with `-O`, so each answer is compared by the script itself.
    """
    script = ROOT / "tests" / "attacks" / "without_asserts.py"
    runs = [
        subprocess.run([sys.executable, *flags, str(script)], capture_output=True, check=True, timeout=60, cwd=ROOT,
                       env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
        for flags in ([], ["-O"], ["-OO"])
    ]  # fmt: skip
    answers = [json.loads(each) for each in runs]

    assert [True, False, False] == [each.pop("asserts") for each in answers]
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) > 40
    assert {"good", "presented"} == {name for name, code in answers[0].items() if code is None}
