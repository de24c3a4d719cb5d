"""Schemas of credentials: what they may refer to and cost, and how they are recognized."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest

from agentdid.codec.base import encode_multibase
from agentdid.credential.json_schema import check_conforms, open_schema, parse_references
from agentdid.errors import AgentdidError, SchemaInvalid, SchemaUnsupported, TypeMismatch

ID = "https://acme.example/schemas/badge.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
CREDENTIAL: dict[str, object] = {"credentialSubject": {"id": "did:example:ada", "level": 3, "tags": ["a", "b"]}}


def schema(**keywords: object) -> dict[str, object]:
    """Return a schema of the subject."""
    return {"$id": ID, "$schema": DRAFT, "properties": {"credentialSubject": keywords}}


def named(**members: object) -> dict[str, object]:
    """Return a credential that names the schema."""
    return {**CREDENTIAL, "credentialSchema": {"id": ID, "type": "JsonSchema", **members}}


@pytest.mark.parametrize(
    "keywords",
    [
        {"required": ["level"]},
        {"properties": {"level": {"type": "integer", "maximum": 3}}},
        {"properties": {"tags": {"uniqueItems": True}}},
        {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}},
        {"properties": {"pattern": {"type": "string"}}},
    ],
)
def test_conforms(keywords: dict[str, object]) -> None:
    """Keywords of the standard, and references within."""
    found = schema(**keywords)
    if "$defs" in keywords:
        found = {**schema(**{"$ref": "#/$defs/x"}), "$defs": keywords["$defs"]}

    check_conforms(CREDENTIAL, found)


@pytest.mark.parametrize(
    ("keywords", "place"),
    [
        ({"required": ["name"]}, "required does not hold at /credentialSubject"),
        ({"properties": {"level": {"maximum": 2}}}, "maximum does not hold at /credentialSubject/level"),
        ({"additionalProperties": False}, "additionalProperties does not hold at /credentialSubject"),
    ],
)
def test_violated(keywords: dict[str, object], place: str) -> None:
    """The refusal says which keyword of which place, and never the value."""
    with pytest.raises(TypeMismatch) as caught:
        check_conforms(CREDENTIAL, schema(**keywords), "/credentialSchema")

    assert (place, "/credentialSchema") == (caught.value.detail, caught.value.path)


def doubling(depth: int) -> dict[str, object]:
    """Return a schema whose references double at every level."""
    definitions: dict[str, object] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(depth)
    }
    return {"$id": ID, "$schema": DRAFT, "$defs": {**definitions, f"d{depth}": {}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    "found",
    [
        schema(properties={"name": {"pattern": "(a+)+$"}}),
        schema(patternProperties={"^(a+)+$": {}}),
        schema(propertyNames={"pattern": "x"}),
        {"$id": ID, "$schema": "https://json-schema.org/draft/unknown/schema"},
        {"$id": ID, "$schema": "http://json-schema.org/draft-04/schema#"},
        doubling(40),
    ],
    ids=[
        "pattern",
        "patternProperties",
        "propertyNames",
        "unknown",
        "draft-04",
        "doubling",
    ],
)
def test_not_processed(found: dict[str, object]) -> None:
    """Nothing is fetched, no pattern is run, no work is without bound: the answer is that there is none."""
    with pytest.raises(SchemaUnsupported):
        check_conforms(CREDENTIAL, found)


def test_many_unique_items() -> None:
    """Thousands of objects, each of which would be compared with each."""
    many = {"credentialSubject": {"tags": [{"x": position} for position in range(5_000)]}}

    with pytest.raises(SchemaUnsupported):
        check_conforms(many, schema(properties={"tags": {"uniqueItems": True}}))


@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft-07/schema"]
)
def test_draft_7(draft: str) -> None:
    """Both spellings of its name."""
    check_conforms(CREDENTIAL, {**schema(required=["level"]), "$schema": draft})
    with pytest.raises(TypeMismatch):
        check_conforms(CREDENTIAL, {**schema(required=["name"]), "$schema": draft})


def test_no_schema_of_its_version() -> None:
    """What its own metaschema refuses."""
    with pytest.raises(SchemaInvalid):
        check_conforms(CREDENTIAL, schema(type="nonsense"))


def test_digests() -> None:
    """A reference holds the file against what is stated, in either spelling; both must hold."""
    body = b'{"a":1}'
    digest = hashlib.sha256(body).digest()
    right = {
        "digestSRI": f"sha256-{b64encode(digest).decode()}",
        "digestMultibase": encode_multibase(b"\x12\x20" + digest, "u"),
    }
    for name, value in right.items():
        (reference,) = parse_references(named(**{name: value}))
        reference.check_digest(body)
        with pytest.raises(TypeMismatch):
            reference.check_digest(body + b" ")
    (reference,) = parse_references(named(**right))
    reference.check_digest(body)
    (unpinned,) = parse_references(named())
    unpinned.check_digest(body)

    assert () == unpinned.digests
    (other,) = parse_references(named(digestSRI=f"sha256-{b64encode(bytes(32)).decode()}"))
    with pytest.raises(TypeMismatch):
        reference.pinned(other.digests[0]).check_digest(body)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"id": ID, "type": "Other"}, "schema_unsupported"),
        ({"id": ID, "type": ["JsonSchema", "JsonSchemaCredential"]}, "schema_unsupported"),
        ({"id": ID, "type": "JsonSchema", "digestSRI": "sha256-AAAA"}, "type_mismatch"),
        ({"id": ID, "type": "JsonSchema", "digestMultibase": "!"}, "encoding_invalid"),
    ],
)
def test_references_that_cannot_be_followed(member: dict[str, object], expected: str) -> None:
    """Each with its code."""
    with pytest.raises(AgentdidError) as caught:
        parse_references({"credentialSchema": member})

    assert expected == caught.value.code


def test_none_and_several() -> None:
    """A credential without schemas has none; several stand in a list."""
    both: Any = [{"id": ID, "type": "JsonSchema"}, {"id": ID, "type": ["X", "JsonSchemaCredential"]}]

    assert () == parse_references({})
    assert ["/credentialSchema/0", "/credentialSchema/1"] == [
        each.path for each in parse_references({"credentialSchema": both})
    ]


@pytest.mark.parametrize("content", [[], "x", {"$id": ID}, {"$schema": DRAFT}, {"$id": f"{ID}x", "$schema": DRAFT}])
def test_no_schema(content: object) -> None:
    """What does not say which schema it is, and of which version, is none; another one is not the one that is meant."""
    (reference,) = parse_references(named())

    with pytest.raises(SchemaInvalid):
        open_schema(reference, content)
