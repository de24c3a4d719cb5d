"""The W3C suite of credential schemas by its command line, and the JSON Schema of VCDM 2.0 with its examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.cli.main import main
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.errors import AgentdidError
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ("2020-12", "2019-09", "Draft-7")
# credential, schema → the outcome that the suite's mapping states for it, the same in each version
EXPECTED = {
    "JsonSchema": {
        (1, 1): "success",  # identifies the schema, and conforms
        (1, 2): "failure",  # another schema's identifier
        (2, 1): "failure",  # the type is not JsonSchema
        (1, 3): "failure",  # no $id
        (1, 4): "failure",  # $id is no URL
        (1, 5): "failure",  # no $schema
        (1, 6): "failure",  # does not conform
        (1, 7): "indeterminate",  # an unknown version
    },
    "JsonSchemaCredential": {
        (1, 1): "success",
        (1, 2): "failure",  # the schema credential has another id
        (2, 1): "failure",  # the type is not JsonSchemaCredential
        (1, 3): "failure",  # the subject has no type
        (1, 4): "failure",  # the subject has another type
        (1, 5): "failure",  # no jsonSchema
        (1, 6): "failure",  # another schema of schema credentials
        (1, 7): "failure",  # no $id
        (1, 8): "failure",  # $id is no URL
        (1, 9): "failure",  # no $schema
        (1, 10): "failure",  # does not conform
        (1, 11): "indeterminate",  # an unknown version
    },
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "credential", "schema", "expected"),
    [(kind, *numbers, outcome) for kind, rows in EXPECTED.items() for numbers, outcome in rows.items()],
)
def test_published_outcome(
    tmp_path: Path, version: str, kind: str, credential: int, schema: int, expected: str
) -> None:
    """Each pair of files has the outcome that the suite states; the command itself succeeds."""
    folder = vectors(f"w3c-vc-json-schema-test-suite/{kind.lower()}/{version}")
    output = tmp_path / "made" / "result.json"
    files = ["--schema", str(folder / f"{schema}-schema.json")]
    files += ["--credential", str(folder / f"{credential}-credential.json"), "--output", str(output)]

    assert 0 == main(["interop", "json-schema", "validate", "--format", kind, *files])
    result = json.loads(output.read_bytes())
    assert expected == result["result"]
    assert {"result", "data"} == result.keys()


def test_files_that_are_no_json(tmp_path: Path) -> None:
    """A failure too; an unknown format is a usage error."""
    (tmp_path / "x.json").write_text("{", "utf-8")
    files = ["--schema", str(tmp_path / "x.json"), "--credential", str(tmp_path / "x.json")]
    output = ["--output", str(tmp_path / "out.json")]
    verb = ["interop", "json-schema", "validate", "--format"]

    assert 0 == main([*verb, "JsonSchema", *files, *output])
    assert "failure" == json.loads((tmp_path / "out.json").read_bytes())["result"]
    assert 2 == main([*verb, "Other", *files, *output])


def examples(kind: str) -> list[str]:
    """Return the examples of the specification, one placeholder where the vectors are absent."""
    try:
        folder = vectors(f"w3c-vcdm2-json-schema/{kind}")
    except pytest.skip.Exception:
        return ["absent"]
    return sorted(each.name for each in folder.glob("example-*.json"))


def read(kind: str, name: str) -> dict[str, Any]:
    """Return one file of the JSON Schema of VCDM 2.0."""
    found: dict[str, Any] = json.loads((vectors(f"w3c-vcdm2-json-schema/{kind}") / name).read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", examples("verifiable-credential"))
def test_examples_of_credentials(name: str) -> None:
    """What the specification's own schema takes has the shape that we take."""
    document = read("verifiable-credential", name)
    document.pop("proof", None)
    parse_credential(document)


@pytest.mark.parametrize("name", examples("verifiable-presentation"))
def test_examples_of_presentations(name: str) -> None:
    """The same of presentations."""
    document = read("verifiable-presentation", name)
    document.pop("proof", None)
    parse_presentation(document)


@pytest.mark.parametrize("name", examples("verifiable-credential"))
@pytest.mark.parametrize("member", ["@context", "type", "issuer", "credentialSubject"])
def test_required_members(name: str, member: str) -> None:
    """What the specification's schema requires, we require."""
    document = read("verifiable-credential", name)
    schema = read("verifiable-credential", "verifiable-credential-schema.json")
    required = schema.get("required", [])
    del document[member]

    assert member in required
    with pytest.raises(AgentdidError):
        parse_credential(document)
