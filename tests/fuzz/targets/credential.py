"""Credentials and presentations as documents, and what they point to: schemas, related resources, type metadata."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.strict_json import encode, parse_object
from agentdid.credential import digests, json_schema, related, sd_jwt_vc
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.credential.type_metadata import check_type, hold_types, parse_type_metadata
from agentdid.errors import AgentdidError
from agentdid.query.dcql import Candidate, evaluate, parse_query, query_for_action, select_paths
from agentdid.secure.sd_jwt_vc import read as read_sd_jwt_vc
from tests.forgery import seal
from tests.fuzz import material
from tests.fuzz.target import Target, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA_URL: Final = "https://acme.example/badge.json"
_SCHEMA: Final = {
    "$id": _SCHEMA_URL,
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "credentialSubject": {
            "type": "object",
            "required": ["name"],
            "properties": {"level": {"type": "integer", "maximum": 5}},
        }
    },
    "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"const": 1}]}},
    "uniqueItems": True,
}


def _parse(data: bytes) -> None:
    document: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    for partial in (False, True):
        try:
            found = parse_credential(document, partial=partial)
        except AgentdidError:
            continue
        json_schema.parse_references(document)
        related.check_known(document)
        hold(found.valid_until is None or found.valid_until.tzinfo is not None, "an instant without a zone")
    with contextlib.suppress(AgentdidError):
        parse_presentation(document)


def _schema(data: bytes) -> None:
    (reference,) = json_schema.parse_references({"credentialSchema": {"id": _SCHEMA_URL, "type": "JsonSchema"}})
    schema = json_schema.open_schema(reference, parse_object(data).value)
    json_schema.check_conforms(material.credential(), schema)


def _schema_credential(data: bytes) -> None:
    document: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    for reference in json_schema.parse_references(
        {"credentialSchema": {"id": str(document.get("id")), "type": "JsonSchemaCredential"}}
    ):
        json_schema.check_conforms(material.credential(), json_schema.open_schema(reference, document))


def _sd_jwt_vc(data: bytes) -> None:
    acme = material.world().acme
    header = {"alg": "EdDSA", "typ": "dc+sd-jwt", "kid": acme.method_id}
    secured = read_sd_jwt_vc(seal(encode(header), encode(parse_object(data).value), acme, []))
    sd_jwt_vc.parse_sd_jwt_vc(secured.document, secured.signer)


def _type_metadata(data: bytes) -> None:
    metadata = parse_type_metadata(data)
    try:
        held = hold_types([metadata])
    except ValueError:
        return  # a policy's mistake: it extends what the policy does not hold
    claims = {"vct": next(iter(held)), "name": "Ada", "address": {"street": ["a", "b"]}}
    check_type(held, claims, [("name",), ("address", "street", 0)])


def _digests(data: bytes) -> None:
    for parse in (digests.parse_sri, digests.parse_multibase):
        with contextlib.suppress(AgentdidError):
            parse(material.text_of(data))


def _dcql(data: bytes) -> None:
    query = parse_query(parse_object(data).value)
    claims = material.credential()
    evaluate(query, [Candidate("ldp_vc", ("VerifiableCredential", "BadgeCredential"), claims, True)])
    for each in query.credentials:
        with contextlib.suppress(AgentdidError):
            select_paths(each, claims)


def _documents() -> Iterator[bytes]:
    yield encode(material.credential())
    yield encode(
        material.credential(
            credentialSchema={"id": _SCHEMA_URL, "type": "JsonSchema", "digestSRI": "sha384-" + "A" * 64}
        )
    )
    yield encode(
        {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiablePresentation"],
            "holder": "did:web:a.example",
            "verifiableCredential": [material.credential()],
        }
    )
    yield from material.published("w3c-vcdm2-test-suite", most=60)


def _schema_credentials() -> Iterator[bytes]:
    yield encode(
        material.credential(
            id=_SCHEMA_URL,
            type=["VerifiableCredential", "JsonSchemaCredential"],
            credentialSchema={
                "id": "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json",
                "type": "JsonSchema",
            },
            credentialSubject={"id": "https://acme.example/s", "type": "JsonSchema", "jsonSchema": _SCHEMA},
        )
    )
    yield from material.published("w3c-vc-json-schema-test-suite", most=20)


def _queries() -> Iterator[bytes]:
    yield encode(query_for_action("invoice.read"))
    yield encode(
        {
            "credentials": [
                {
                    "id": "a",
                    "format": "ldp_vc",
                    "meta": {"type_values": [["BadgeCredential"]]},
                    "multiple": True,
                    "claims": [
                        {"id": "n", "path": ["credentialSubject", "name"], "values": ["Ada"]},
                        {"id": "m", "path": ["evidence", None, "id"]},
                        {"id": "o", "path": ["evidence", 0]},
                    ],
                    "claim_sets": [["n", "m"], ["o"]],
                }
            ],
            "credential_sets": [{"options": [["a"]], "required": False}],
        }
    )
    yield from material.published("dcql-ts", most=80, having="credentials")


TARGETS: Final = (
    Target("credential", _parse, _documents),
    Target("json-schema", _schema, lambda: [encode(_SCHEMA)]),
    Target("json-schema-credential", _schema_credential, _schema_credentials),
    Target(
        "sd-jwt-vc-claims",
        _sd_jwt_vc,
        lambda: [
            encode(material.payload(material.secured("dc+sd-jwt"))),
            *material.published("sd-jwt-vc", most=20, having="iss"),
        ],
    ),
    Target(
        "type-metadata",
        _type_metadata,
        lambda: [
            encode(
                {
                    "vct": "https://acme.example/badge",
                    "name": "Badge",
                    "claims": [
                        {"path": ["name"], "sd": "always"},
                        {"path": ["address", "street", None], "sd": "allowed", "mandatory": True},
                    ],
                }
            ),
            *material.published("sd-jwt-vc", most=20, having="claims"),
        ],
    ),
    Target(
        "digests",
        _digests,
        lambda: [b"sha384-" + b"A" * 64, b"uEiAAAA", b"zQmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE"],
    ),
    Target("dcql", _dcql, _queries),
)
