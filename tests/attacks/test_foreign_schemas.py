"""Q09, Q10: a schema is a stranger's program; it fetches nothing, runs no pattern, and comes to an end."""

from __future__ import annotations

import socket
import urllib.request
import warnings
from typing import Any

import pytest

from agentdid.codec.strict_json import encode
from agentdid.errors import CODES
from tests.attacks.test_three_faces import by_command
from tests.forgery import badge, policy, prove
from tests.unit.verify.test_content import THERE, sri
from tests.world import World

DRAFTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
)
ELSEWHERE = {"$ref": "https://evil.example/other.json"}
SCHEMAS: dict[str, tuple[str, dict[str, Any]]] = {
    "Q10 https": ("fetch_scheme", ELSEWHERE),
    "Q10 http": ("fetch_scheme", {"$ref": "http://169.254.169.254/latest"}),
    "Q10 file": ("fetch_scheme", {"$ref": "file:///etc/passwd"}),
    "Q10 relative": ("fetch_scheme", {"$ref": "other.json"}),
    "Q10 within": ("fetch_scheme", {"properties": {"credentialSubject": {"allOf": [{"not": ELSEWHERE}]}}}),
    "Q10 defined": ("fetch_scheme", {"$ref": "#/definitions/x", "definitions": {"x": ELSEWHERE}}),
    "Q10 absent": ("fetch_scheme", {"$ref": "#/definitions/x"}),
    "Q10 itself": ("json_too_deep", {"$ref": "#"}),
    "Q10 round": ("json_too_deep", {
        "$ref": "#/definitions/x", "definitions": {"x": {"$ref": "#/definitions/y"}, "y": {"$ref": "#/definitions/x"}},
    }),
    "Q10 any of itself": ("json_too_deep", {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
    "Q10 many": ("schema_unsupported", {
        "$ref": "#/definitions/d0",
        "definitions": {
            **{f"d{each}": {"allOf": [{"$ref": f"#/definitions/d{each + 1}"}] * 2} for each in range(40)}, "d40": {},
        },
    }),
    "Q09 pattern": ("schema_unsupported", {"properties": {"id": {"pattern": "(a+)+$"}}}),
    "Q09 pattern of names": ("schema_unsupported", {"patternProperties": {"^(a+)+$": {}}}),
}  # fmt: skip


def judged(world: World, schema: dict[str, Any], pinned: bool = True) -> tuple[str | None, list[str]]:
    """Return what a badge under a schema comes to, and who was asked."""
    body = encode(schema)
    world.serve(THERE, body)
    named = {"id": THERE, "type": "JsonSchema", **({"digestSRI": sri(body)} if pinned else {})}
    signed = prove(badge(world, credentialSchema=named), world.acme)
    trust = world.trust(**policy(world, content={"schemas": "checked"}))
    report = world.verifier(trust=trust).inspect(signed, holder=False)
    return report.code, world.asked


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("row", SCHEMAS)
def test_q10_a_schema_that_asks_for_more(row: str, draft: str) -> None:
    """Q10, Q09: references to elsewhere and without an end, and patterns: refused, and nobody is asked for anything."""
    code, members = SCHEMAS[row]
    found, asked = judged(World(), {"$id": THERE, "$schema": draft, **members})

    assert code == found
    assert not [each for each in asked if "evil" in each or "169.254" in each or each.startswith("file:")]


@pytest.mark.parametrize("draft", DRAFTS)
def test_q10_no_socket_and_no_file_is_opened(draft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q10: with warnings that are none, as outside of tests: the library behind it opens what a reference names."""
    opened: list[object] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *args, **_: opened.append(args))
    monkeypatch.setattr(socket.socket, "connect", lambda *args: opened.append(args))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [
            judged(World(), {"$id": THERE, "$schema": draft, "$ref": each})[0]
            for each in (
                "http://127.0.0.1:9/latest",
                "https://127.0.0.1:9/",
                "file:///etc/hostname",
                "ftp://127.0.0.1/x",
            )
        ]

    assert ["fetch_scheme"] * 4 == found
    assert [] == opened


@pytest.mark.parametrize("draft", DRAFTS)
def test_q10_a_schema_that_refers_to_itself_in_the_small(draft: str) -> None:
    """Q10: what comes to an end within the document is processed: a tree's schema refers to itself."""
    tree = {
        "$id": THERE, "$schema": draft, "definitions": {
            "tree": {"type": ["object", "array", "string", "number", "boolean"],
                     "additionalProperties": {"$ref": "#/definitions/tree"}},
        }, "$ref": "#/definitions/tree",
    }  # fmt: skip

    assert (None, THERE) == (judged(World(), tree)[0], THERE)


def test_q10_the_command_line(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:  # noqa: ANN401
    """Q10: by default no schema is even fetched, whatever it says; the presentation is judged by all else."""
    monkeypatch.chdir(tmp_path)
    world = World()
    world.serve(THERE, encode({"$id": THERE, "$schema": DRAFTS[0], **ELSEWHERE}))
    answer = by_command(world, world.present(world.root(), challenge="c"), "c", capsys)

    assert (None, "accepted") == (answer["code"], answer["outcome"])
    assert {"fetch_scheme", "json_too_deep", "schema_unsupported"} <= CODES.keys()
