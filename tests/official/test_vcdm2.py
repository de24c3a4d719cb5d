"""The W3C test suite of VCDM 2.0: every file is taken or refused as its name says, or we say why not.

The suite hands its files to an issuer, which puts its own `issuer` in, and puts dates for their placeholders; so does
this test, but where the missing issuer is the point.
"""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.strict_json import JsonText, parse
from agentdid.credential.parse import parse_credential
from agentdid.errors import AgentdidError
from agentdid.secure import data_integrity
from tests.vectors_dir import ROOT, vectors

if TYPE_CHECKING:
    from pathlib import Path

ISSUER = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
DATES = {"PAST DATE": "2020-01-01T00:00:00Z", "FUTURE DATE": "2099-01-01T00:00:00Z"}


def names() -> list[str]:
    """Return every file of the suite, one placeholder where the vectors are absent: its test then says so."""
    try:
        folder = vectors("w3c-vcdm2-test-suite")
    except pytest.skip.Exception:
        return ["absent"]
    return [str(each.relative_to(folder)) for each in sorted(folder.rglob("*.json"))]


@cache
def divergences() -> dict[str, dict[str, str]]:
    """Return what we do otherwise, by file: our answer and the reason."""
    rows = tomllib.loads((ROOT / "tests" / "vectors" / "divergences.toml").read_text("utf-8"))
    return {row["id"]: row for row in rows.get("w3c-vcdm2-test-suite", [])}


def published(name: str) -> str:
    """Return the answer that a file's name states."""
    return "accepted" if name.endswith("-ok.json") else "refused"


def answer(name: str) -> str:
    """Return ours: `accepted`, or the code of the refusal."""
    folder: Path = vectors("w3c-vcdm2-test-suite")
    raw = (folder / name).read_text("utf-8")
    for placeholder, instant in DATES.items():
        raw = raw.replace(placeholder, instant)
    document: Any = parse(raw).value
    if "no-issuer" not in name and document.get("issuer", {}) == {}:
        document["issuer"] = ISSUER
    elif isinstance(document.get("issuer"), dict) and "id" not in document["issuer"]:
        document["issuer"]["id"] = ISSUER
    try:
        if "proof" in document:
            document = data_integrity.read(JsonText(document, plain=False), data_integrity.ASSERTION).document
        parse_credential(document)
    except AgentdidError as error:
        return error.code
    return "accepted"


@pytest.mark.parametrize("name", names())
def test_published_file(name: str) -> None:
    """Our answer is the published one, or the one that tests/vectors/divergences.toml explains."""
    found = answer(name)
    if name in divergences():
        assert divergences()[name]["ours"] == found
    else:
        assert published(name) == ("accepted" if found == "accepted" else "refused")


def test_every_divergence_is_still_real() -> None:
    """An explanation with nothing left to explain is deleted."""
    assert [] == [name for name in divergences() if (answer(name) == "accepted") == (published(name) == "accepted")]


def test_every_refusal_has_a_code_of_shape() -> None:
    """What the suite wants refused is refused for its shape or its context, and for nothing else."""
    codes = {answer(name) for name in names()}

    assert {"accepted", "type_mismatch", "context_not_allowed", "key_source_forbidden"} == codes
