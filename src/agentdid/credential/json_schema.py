"""`credentialSchema` of the types JsonSchema and JsonSchemaCredential (Verifiable Credentials JSON Schema).

A schema is somebody else's program, so it is bounded: it refers to itself only, no pattern of it is run, and its
references cost work that runs out. Where it comes from is asked and answered elsewhere (`verify`).

Needs the extra `schema`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast, final

from msgspec import structs

from agentdid.credential.digests import Digest, parse_multibase, parse_sri
from agentdid.credential.parse import check_url
from agentdid.errors import ExtraMissing, FetchScheme, JsonTooDeep, SchemaInvalid, SchemaUnsupported, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JSON_SCHEMA: Final = "JsonSchema"
JSON_SCHEMA_CREDENTIAL: Final = "JsonSchemaCredential"
TYPES: Final = (JSON_SCHEMA, JSON_SCHEMA_CREDENTIAL)
# Verifiable Credentials JSON Schema section 2.2: every schema credential names this schema, and no other
_OF_SCHEMAS: Final = "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json"
_OF_SCHEMAS_SRI: Final = "sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW"
# section 3: `$schema` → the validator's name in `jsonschema`; both spellings of Draft 7 are in use
_VERSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
        "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
        "http://json-schema.org/draft-07/schema": "Draft7Validator",
        "https://json-schema.org/draft-07/schema": "Draft7Validator",
    }
)
_PATTERNS: Final = frozenset({"pattern", "patternProperties"})
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_MAX_REFERENCES: Final = 4_096
"""References followed in one validation: a schema of n definitions can ask for 2^n of them."""
_MAX_NESTED: Final = 64
"""References followed inside one another: one a level of the deepest document (`limits.max_depth`)."""
_MAX_UNIQUE: Final = 1_024
"""Elements of an array that must all differ: objects are compared each with each."""


@final
class SchemaReference(Value, frozen=True):
    """One `credentialSchema`.

    Attributes:
        url: The schema's identifier, which is where it is had.
        kind: `JsonSchema` or `JsonSchemaCredential`.
        digests: Sets of digests, each of which the schema's file has one of; none where nothing pins it.
        path: Where it stands in the credential.
    """

    url: str
    kind: str
    digests: tuple[tuple[Digest, ...], ...]
    path: str

    def pinned(self, digests: tuple[Digest, ...]) -> SchemaReference:
        """Return the same with one more set of digests."""
        return structs.replace(self, digests=(*self.digests, digests))

    def check_digest(self, body: bytes) -> None:
        """Hold that `body` is the file that is meant. Raises `TypeMismatch`: it became another one, or always was."""
        if not all(any(each.is_of(body) for each in group) for group in self.digests):
            raise TypeMismatch("the schema has another digest", path=self.path)


def parse_references(document: Mapping[str, object]) -> tuple[SchemaReference, ...]:
    """Return what a well-formed credential names as its schemas.

    Raises:
        SchemaUnsupported: One is of another type.
        TypeMismatch, EncodingInvalid: A digest has not its form.

    Spec: Verifiable Credentials JSON Schema sections 2.1 and 4.1.
    """
    value = document.get("credentialSchema")
    if value is None:
        return ()
    found = []
    for position, each in enumerate(value if isinstance(value, list) else [value]):
        path = "/credentialSchema" if value is each else f"/credentialSchema/{position}"
        types = each["type"] if isinstance(each["type"], list) else [each["type"]]
        kinds = [name for name in types if name in TYPES]
        if len(kinds) != 1:
            raise SchemaUnsupported(f"expected the type {' or '.join(TYPES)}", path=f"{path}/type")
        digests = []
        if each.get("digestSRI") is not None:
            digests.append(parse_sri(each["digestSRI"]))
        if each.get("digestMultibase") is not None:
            digests.append((parse_multibase(each["digestMultibase"]),))
        found.append(SchemaReference(each["id"], kinds[0], tuple(digests), path))
    return tuple(found)


def open_schema(reference: SchemaReference, content: object) -> dict[str, object]:
    """Return the schema that a reference means, out of its credential where it stands in one.

    Args:
        reference: From `parse_references`.
        content: The JSON that was had.

    Raises:
        SchemaInvalid: It is no schema, or not the one that is meant.

    Spec: Verifiable Credentials JSON Schema sections 2.1, 2.2 and 3.1.
    """
    if reference.kind == JSON_SCHEMA_CREDENTIAL:
        return _open_credential(reference, content)
    schema = _identified(content)
    if schema["$id"] != reference.url:
        raise SchemaInvalid("the schema identifies itself as another one", path=reference.path)
    return schema


def check_conforms(document: Mapping[str, object], schema: dict[str, object], path: str = "") -> None:
    """Hold that a credential conforms to a schema.

    Args:
        document: The credential without proof.
        schema: From `open_schema`.
        path: Where the reference stands.

    Raises:
        TypeMismatch: It does not.
        SchemaUnsupported: Another version of JSON Schema, a pattern, or more work than the limits allow.
        FetchScheme: A reference to elsewhere.
        JsonTooDeep: References without an end.
        SchemaInvalid: No valid schema of its version.
        ExtraMissing: The extra `schema` is not installed.

    Spec: Verifiable Credentials JSON Schema section 4.2.
    """
    version = schema["$schema"]
    name = _VERSIONS.get(str(version).removesuffix("#"))
    if name is None:
        raise SchemaUnsupported("expected JSON Schema 2020-12, 2019-09 or Draft 7", path=path)
    _check_keywords(schema, path)
    try:
        import jsonschema  # noqa: PLC0415  # an extra, and a quarter of a second
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # noqa: PLC0415  # it has no types
        from referencing.exceptions import Unresolvable  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ExtraMissing("JSON Schema needs: pip install 'agentdid[schema]'") from None
    base = getattr(jsonschema, name)
    # the https spelling of Draft 7 is not one that the library knows its metaschema by
    schema = {**schema, "$schema": base.META_SCHEMA["$schema"]}
    work = _Work(path)
    bounded = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # its stubs leave it out
        base, {key: work.bound(base.VALIDATORS[key]) for key in (*_REFERENCES, "uniqueItems") if key in base.VALIDATORS}
    )
    try:
        bounded.check_schema(schema)
        # a registry of our own: the library's default one opens whatever URL a reference has, files too
        error = next(bounded(schema, registry=REGISTRY).iter_errors(dict(document)), None)
    except jsonschema.exceptions.SchemaError:
        raise SchemaInvalid("no valid schema of its version", path=path) from None
    except Unresolvable:
        # ATTACKS Q10: whatever scheme a reference has, nothing is fetched for it
        raise FetchScheme("a schema refers to itself only, and nothing is fetched for it", path=path) from None
    except RecursionError:
        raise JsonTooDeep("the schema is nested too deep", path=path) from None
    if error is not None:
        # which keyword of which place; never the value
        place = "/".join(str(each) for each in error.absolute_path)
        raise TypeMismatch(f"{error.validator} does not hold at /{place}", path=path)


@final
class _Work:
    """What a schema may still cause."""

    def __init__(self, path: str) -> None:
        self._left = _MAX_REFERENCES
        self._depth = 0
        self._path = path

    def bound(self, keyword: Any) -> Any:  # noqa: ANN401  # the library's own
        """Return a keyword's function that pays for each call."""

        def paid(validator: Any, value: object, instance: object, schema: object) -> Iterator[object]:  # noqa: ANN401
            self._left -= 1
            if self._left < 0 or (isinstance(instance, list) and len(instance) > _MAX_UNIQUE and value is True):
                raise SchemaUnsupported("the schema asks for more work than the limit allows", path=self._path)
            self._depth += 1
            if self._depth > _MAX_NESTED:
                raise JsonTooDeep("the schema refers to itself without an end", path=self._path)
            try:
                yield from keyword(validator, value, instance, schema) or ()
            finally:
                self._depth -= 1

        return paid


def _open_credential(reference: SchemaReference, content: object) -> dict[str, object]:
    if not isinstance(content, dict) or content.get("id") != reference.url:
        raise SchemaInvalid("expected a credential with the id that is named", path=reference.path)
    types, subject, own = content.get("type"), content.get("credentialSubject"), content.get("credentialSchema")
    if not isinstance(types, list) or not {"VerifiableCredential", JSON_SCHEMA_CREDENTIAL} <= set(map(str, types)):
        raise SchemaInvalid(f"expected a credential of the type {JSON_SCHEMA_CREDENTIAL}", path=reference.path)
    if (
        not isinstance(own, dict)
        or (own.get("id"), own.get("type")) != (_OF_SCHEMAS, JSON_SCHEMA)
        or own.get("digestSRI", _OF_SCHEMAS_SRI) != _OF_SCHEMAS_SRI
    ):
        raise SchemaInvalid("a schema credential names the schema of schema credentials", path=reference.path)
    if not isinstance(subject, dict) or subject.get("type") != JSON_SCHEMA:
        raise SchemaInvalid(f"expected a subject of the type {JSON_SCHEMA}", path=reference.path)
    return _identified(subject.get("jsonSchema"))


def _identified(content: object) -> dict[str, object]:
    if not isinstance(content, dict):
        raise SchemaInvalid("expected a JSON object")
    try:
        check_url(content.get("$id"))
    except TypeMismatch:
        raise SchemaInvalid("expected an absolute URL as $id") from None
    if not isinstance(content.get("$schema"), str):
        raise SchemaInvalid("expected $schema")
    return cast("dict[str, object]", content)


def _check_keywords(value: object, path: str) -> None:
    """Hold that no keyword runs a pattern: patterns of strangers are work without bound."""
    if isinstance(value, list):
        for each in value:
            _check_keywords(each, path)
    elif isinstance(value, dict):
        for name, each in value.items():
            # a property may be called so, and is described by an object
            if name in _PATTERNS and (isinstance(each, str) or name == "patternProperties"):
                raise SchemaUnsupported("patterns of a schema are not run", path=path)
            _check_keywords(each, path)
