"""Linting: the words are there, every wider dimension is named, and the lint agrees with the law."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.cli.main import main
from agentdid.delegation import lint
from agentdid.delegation.narrowing import is_narrower
from agentdid.errors import AgentdidError
from tests import strategies as own
from tests.capabilities import child_json, parse, root_json
from tests.profiles import examples
from tests.vectors_dir import ROOT
from tests.world import World

if TYPE_CHECKING:
    from pathlib import Path

STEADY = settings(max_examples=examples(120))
SCHEMA = json.loads((ROOT / "specs/schemas/capability-v1.schema.json").read_text("utf-8"))


def test_every_condition_is_said() -> None:
    """Actions, resources, constraints, limits and approvals of a grant each have their words."""
    said = "\n".join(lint.describe(parse(root_json())))

    for words in (
        "act for did:web:acme.example",
        "invoice.list, invoice.read on",
        "https://api.partner.example/v1/invoices and below",
        "if amount is a number up to 100",
        "if region is one of 'EU', 'UK'",
        "at most 100 calls in any hour",
        "at most 1000.00 EUR of amount (in currency) in its whole life",
        "with the approval of 1 of did:web:acme.example, did:web:auditor.example when amount is over 80.00",
        "up to autonomy level 2",
        "passed on, narrower, 3 times",
    ):
        assert words in said


def test_all_kinds_of_constraint_have_words() -> None:
    """The six kinds, and a window of any length."""
    value = root_json()
    value["grants"][0]["constraints"] = {
        "a": {"type": "const", "value": True},
        "b": {"type": "range", "min": "1", "max": "2"},
        "c": {"type": "range", "min": "1"},
        "d": {"type": "prefix", "value": "x-"},
        "env.ip": {"type": "cidr", "in": ["10.0.0.0/8"]},
        "env.time": {"type": "timeWindow", "days": ["mon", "fri"], "from": "09:00", "to": "24:00", "zone": "UTC"},
    }
    value["grants"][0]["limits"] = {"calls": {"max": 3, "window": "PT90S"}}
    value["grants"][0]["approval"]["when"] = "always"
    value["minSecurity"], value["delegation"]["maxDepth"] = "hybrid", 0
    said = "\n".join(lint.describe(parse(value)))

    for words in (
        "exactly True", "from 1 to 2", "a number from 1\n", "begins with 'x-'", "an address in 10.0.0.0/8",
        "Monday, Friday, 09:00 to 24:00 UTC", "3 calls in any 90 seconds", "every time", "signed hybrid",
        "cannot be passed on",
    ):  # fmt: skip
        assert words in said


def test_every_wider_dimension_is_named() -> None:
    """A child that is wider in everything has a finding for each place."""
    parent, child = root_json(), child_json()
    child.update(root="did:web:a.example", principal="did:web:b.example", purpose="other", minSecurity="classical")
    parent["minSecurity"] = "pq"
    child["audience"] = ["did:web:evil.example"]
    child["delegation"] = {"depth": 9, "maxDepth": 9}
    grant = child["grants"][0]
    grant.update(
        type="mcp_tool", actions=["invoice.pay"], resources=["https://other.example/x"], approval=None, autonomyMax=5,
        constraints={"amount": {"type": "range", "max": "101"}}, limits={"calls": {"max": 101, "window": "PT1H"}},
    )  # fmt: skip
    child["grants"].append({**grant, "id": "g2", "from": "nowhere"})
    found = [each.path for each in lint.find_wider_dimensions(parse(child), parse(parent))]

    assert [
        "/delegation/depth", "/delegation/depth", "/delegation/maxDepth", "/root", "/principal", "/purpose",
        "/audience", "/minSecurity", "/grants/0/type", "/grants/0/actions", "/grants/0/resources",
        "/grants/0/constraints/amount", "/grants/0/constraints/region", "/grants/0/limits/calls",
        "/grants/0/limits/budget", "/grants/0/approval", "/grants/0/autonomyMax", "/grants/1/from",
    ] == found  # fmt: skip


@STEADY
@given(st.data(), own.grants(), own.grants(), st.booleans())
def test_the_lint_agrees_with_the_law(
    data: st.DataObject, parent: dict[str, Any], other: dict[str, Any], related: bool
) -> None:
    """Something is found exactly where a child is not narrower."""
    child = data.draw(own.narrowed(parent)) if related else other
    wide, narrow = root_json(), child_json()
    wide["grants"], narrow["grants"] = [{**parent, "id": "p"}], [{**child, "from": "p"}]
    found = lint.find_wider_dimensions(parse(narrow), parse(wide))

    assert is_narrower(parse(narrow), parse(wide)) == (found == [])


@STEADY
@given(own.grants())
def test_what_is_well_formed_has_words_and_fits_the_schema(grant: dict[str, Any]) -> None:
    """Every capability that parses can be described, and is one that the shipped JSON Schema takes."""
    value = root_json()
    value["grants"] = [grant]
    lint.find_broad(parse(value))

    assert lint.describe(parse(value))
    jsonschema.Draft202012Validator(SCHEMA).validate(value)


MUTATIONS: tuple[tuple[str, object], ...] = (
    ("/root", "acme"), ("/purpose", ""), ("/grants", []), ("/audience", []), ("/delegation/depth", 1),
    ("/delegation/maxDepth", -1), ("/minSecurity", "none"), ("/parent", {}), ("/extra", 1),
    ("/grants/0/id", "a b"), ("/grants/0/from", "g0"), ("/grants/0/type", "ftp"), ("/grants/0/actions", ["a.*"]),
    ("/grants/0/actions", []), ("/grants/0/resources", ["https://a.example/?q"]),
    ("/grants/0/resources", ["mailto:x"]), ("/grants/0/resources", ["https://a.example/a;b"]),
    ("/grants/0/constraints/amount", {"type": "regex", "value": "."}),
    ("/grants/0/constraints/amount", {"type": "range"}), ("/grants/0/constraints/amount", {"type": "range", "max": 5}),
    ("/grants/0/constraints/amount", {"type": "enum", "in": ["a", 1]}),
    ("/grants/0/constraints/amount", {"type": "const", "value": None}),
    ("/grants/0/constraints/amount", {"type": "prefix", "value": ""}),
    ("/grants/0/constraints/amount", {"type": "cidr", "in": ["10.0.0.0"]}),
    ("/grants/0/constraints/amount", {"type": "timeWindow", "days": [], "from": "1", "to": "2", "zone": "UTC"}),
    ("/grants/0/limits/calls", {"max": -1, "window": "PT1H"}), ("/grants/0/limits/calls", {"max": 1, "window": "1h"}),
    ("/grants/0/limits/budget", {"max": "-1", "unit": "EUR", "argument": "a", "unitArgument": "b"}),
    ("/grants/0/limits/budget", {"max": "1e2", "unit": "EUR", "argument": "a", "unitArgument": "b"}),
    ("/grants/0/approval", {"when": {}, "approvers": ["did:web:a.example"], "threshold": 1}),
    ("/grants/0/approval", {"when": "always", "approvers": [], "threshold": 1}),
    ("/grants/0/approval", {"when": "always", "approvers": ["did:web:a.example"], "threshold": 0}),
    ("/grants/0/autonomyMax", 6), ("/grants/0/autonomyMax", None), ("/grants/0/note", "x"),
)  # fmt: skip


@pytest.mark.parametrize(("place", "value"), MUTATIONS)
def test_schema_and_parser_refuse_alike(place: str, value: object) -> None:
    """What the JSON Schema refuses the parser refuses; these all are refused by both."""
    changed = root_json()
    at: Any = changed
    *steps, last = place.split("/")[1:]
    for step in steps:
        at = at[int(step) if isinstance(at, list) else step]
    at[last] = value

    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(changed))
    with pytest.raises(AgentdidError):
        parse(changed)


def test_the_schemas_in_specs_are_those_in_the_package() -> None:
    """specs/schemas and what ships are the same bytes."""
    for file in sorted((ROOT / "specs" / "schemas").glob("*.json")):
        assert [file.read_bytes()] == [each.read_bytes() for each in (ROOT / "src").rglob(file.name)]


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["capability", "lint", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_command_explains_a_child(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A narrower child is accepted; a wider one ends with exit 1, the code, and every reason."""
    parent, child = root_json(), child_json()
    del parent["parent"], parent["delegation"]["depth"]
    (tmp_path / "p.json").write_text(json.dumps(parent))
    (tmp_path / "c.json").write_text(json.dumps(child))
    fine, shown = _run(capsys, str(tmp_path / "c.json"), "--parent", str(tmp_path / "p.json"))
    child["grants"][0]["actions"].append("invoice.pay")
    child["grants"][0]["constraints"] = {}
    (tmp_path / "c.json").write_text(json.dumps(child))
    wide, refused = _run(capsys, str(tmp_path / "c.json"), "--parent", str(tmp_path / "p.json"))

    assert (0, "accepted", []) == (fine, shown["outcome"], shown["links"][0]["problems"])
    assert (1, "capability_not_attenuated") == (wide, refused["code"])
    assert ["/grants/0/actions", "/grants/0/constraints/amount", "/grants/0/constraints/region"] == [
        each["path"] for each in refused["links"][0]["problems"]
    ]


def test_the_command_reads_chains_and_tokens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A chain as `wallet delegate` writes it is linted link by link; people read lines, not JSON."""
    world = World()
    chain = world.child(world.root(form="eddsa-jcs-2022"), world.agent, world.helper)
    (tmp_path / "chain.json").write_text(json.dumps(chain))
    code, shown = _run(capsys, str(tmp_path / "chain.json"))
    assert main(["capability", "lint", str(tmp_path / "chain.json")]) == 0
    text = capsys.readouterr().out

    assert (0, 2, [[], []]) == (code, len(shown["links"]), [each["problems"] for each in shown["links"]])
    assert f"lets {world.helper.did} act for {world.acme.did}" in text
    assert "has no constraint, no limit and no approval" in text


def test_the_command_refuses_what_is_no_capability(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4 and the code for what has not the form."""
    changed = root_json()
    changed["grants"][0]["limits"] = None
    (tmp_path / "c.json").write_text(json.dumps(changed))
    code, shown = _run(capsys, str(tmp_path / "c.json"))

    assert (4, "type_mismatch", "/grants/0/limits") == (code, shown["code"], shown["path"])
