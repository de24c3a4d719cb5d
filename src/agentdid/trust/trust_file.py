"""`trust.toml`: a policy as its operator writes it.

An unknown key is an error, and so is a missing one that is not optional.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.delegation.resources import find_normal
from agentdid.errors import Malformed
from agentdid.limits import DEFAULT, Limits
from agentdid.trust.anchor import DEFAULT_SECURITY, KEYS_AT, ORIGIN, SECURITY, Anchor, is_pattern
from agentdid.trust.anchors import Trust
from agentdid.trust.content import IGNORED, RELATED, SCHEMAS, Content
from agentdid.trust.profile import STRICT
from agentdid.trust.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agentdid.credential.type_metadata import HeldType
    from agentdid.did.universal import UniversalResolver
    from agentdid.policy.rules import Rules
    from agentdid.trust.denied import DenyEntry
    from agentdid.trust.registry import Registry
    from agentdid.trust.scope import Scope
    from agentdid.trust.trust_list import ListRef

_MAX_TYPE_BYTES: Final = 262_144
_MAX_CEDAR_BYTES: Final = 1_048_576
_LIMIT_NAMES: Final = frozenset(Limits.__struct_fields__)


def load_trust(path: str | Path) -> Trust:
    """Return the policy in a file; relative file names in it are relative to it.

    Raises:
        ValueError: An unknown or missing key, a wrong type, or a value that cannot be meant.
        OSError: The file cannot be read.
    """
    import tomllib  # noqa: PLC0415  # only needed where a file is read

    try:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib takes 7 ms to import, a tenth of a first verdict
            table = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: {error}"
        raise ValueError(message) from None
    return parse_trust(table, path)


def parse_trust(table: Mapping[str, object], beside: str | Path | None = None) -> Trust:
    """Return the policy that a parsed TOML table says.

    Args:
        table: As `tomllib` reads it.
        beside: The file to whose folder relative file names belong.

    Raises:
        ValueError: An unknown or missing key, a wrong type, or a value that cannot be meant.
    """
    reader = Table("trust", table)
    audience = reader.text("audience")
    did = reader.did("did")
    resources = {}
    for row in reader.tables("resource"):
        prefix = find_normal(row.text("prefix"))
        if prefix is None:
            message = f"{row.name}: prefix must be an absolute URI without query or fragment"
            raise ValueError(message)
        resources[prefix] = row.did("root")
        row.close()
    anchors = tuple(_anchor(row) for row in reader.tables("anchor"))
    lists, registries = _lists(reader.tables("trust_list")), _registries(reader.tables("registry"))
    limits = _limits(reader.table("limits"))
    fetch = reader.table("fetch")
    allow, ca = fetch.texts("allow", optional=True), fetch.find_text("ca")
    fetch.close()
    resolver = _resolver(reader)
    content = _content(reader)
    profile = structs.replace(STRICT, vc_claims=True) if reader.flag("vc_jwt_1_1") else STRICT
    types = _types(reader.tables("type"), beside)
    proofs = reader.texts("presentation_proofs", optional=True)
    kept = reader.table("store")
    store = kept.find_text("url")
    denies = kept.flag("deny", otherwise=store is not None)
    kept.close()
    policy = _policy(reader.take("policy"), beside)
    denied = _denied(reader.tables("deny"))
    reader.close()
    if ca is not None and beside is not None:
        ca = os.path.join(os.path.dirname(beside), ca)  # noqa: PTH118, PTH120  # as above
    return Trust(
        audience,
        did,
        MappingProxyType(resources),
        anchors,
        limits,
        allow,
        ca,
        resolver=resolver,
        content=content,
        profile=profile,
        types=types,
        presentation_proofs=proofs,
        store=store,
        policy=policy,
        denied=denied,
        denies=denies,
        lists=lists,
        registries=registries,
    )


def _policy(table: object, beside: str | Path | None) -> Rules | None:
    """Return the verifier's own rules. Raises `ValueError`, `OSError`, `ExtraMissing`."""
    if table is None:
        return None
    from agentdid.policy.table import parse_rules  # noqa: PLC0415  # most policies state none

    if isinstance(table, dict) and "cedar" in table:
        named = [table["cedar"]] if isinstance(table["cedar"], str) else table["cedar"]
        if isinstance(named, list):
            table = {**table, "cedar": [_cedar_file(each, beside) if isinstance(each, str) else each for each in named]}
    return parse_rules(table)


def _cedar_file(name: str, beside: str | Path | None) -> dict[str, str]:
    """Return name and text of a file of Cedar policies. Raises `ValueError`, `OSError`."""
    place = name if beside is None else os.path.join(os.path.dirname(beside), name)  # noqa: PTH118, PTH120  # as above
    with open(place, "rb") as stream:  # noqa: PTH123  # as above
        octets = stream.read(_MAX_CEDAR_BYTES + 1)
    if len(octets) > _MAX_CEDAR_BYTES:
        message = f"{name}: more than {_MAX_CEDAR_BYTES} bytes of policies"
        raise ValueError(message)
    try:
        return {"file": name, "text": octets.decode("utf-8")}
    except UnicodeDecodeError as error:
        message = f"{name}: {error}"
        raise ValueError(message) from None


def _types(rows: list[Table], beside: str | Path | None) -> Mapping[str, HeldType]:
    """Return the type metadata in the files that a policy pins. Raises `ValueError`, `OSError`."""
    if not rows:
        return MappingProxyType({})
    from agentdid.credential.digests import parse_sri  # noqa: PLC0415  # most policies hold none
    from agentdid.credential.type_metadata import hold_types, parse_type_metadata  # noqa: PLC0415

    found = []
    for row in rows:
        vct, file, integrity = row.text("vct"), row.text("file"), row.text("integrity")
        row.close()
        place = file if beside is None else os.path.join(os.path.dirname(beside), file)  # noqa: PTH118, PTH120
        with open(place, "rb") as stream:  # noqa: PTH123  # as above
            octets = stream.read(_MAX_TYPE_BYTES)
        try:
            metadata = parse_type_metadata(octets)
            pinned = any(each.is_of(octets) for each in parse_sri(integrity))
        except Malformed as error:
            message = f"{row.name}: {file}: {error}"
            raise ValueError(message) from None
        if metadata.vct != vct or not pinned:
            message = f"{row.name}: {file} is not the document of this type that is pinned"
            raise ValueError(message)
        found.append(metadata)
    return hold_types(found)


def _denied(rows: list[Table]) -> Mapping[str, DenyEntry]:
    if not rows:
        return MappingProxyType({})
    from agentdid.trust.denied import read_denied  # noqa: PLC0415  # most policies deny nobody by name

    return read_denied(rows)


def _anchor(row: Table) -> Anchor:
    anchor = Anchor(
        did=row.did("did"),
        types=row.texts("types"),
        roots=row.dids("roots", optional=True),
        actions=row.texts("actions", optional=True),
        principals=row.dids("principals", optional=True),
        status_issuers=row.dids("status_issuers", optional=True),
        keys=row.texts("keys", optional=True),
        security=row.find_text("security") or DEFAULT_SECURITY,
        linked_domain=row.find_text("linked_domain"),
        keys_at=row.find_text("keys_at") or KEYS_AT[0],
        required_proofs=row.texts("required_proofs", optional=True),
    )
    row.close()
    if anchor.security not in SECURITY:
        message = f"{row.name}: security must be one of {', '.join(SECURITY)}"
        raise ValueError(message)
    if anchor.linked_domain is not None and ORIGIN.fullmatch(anchor.linked_domain) is None:
        message = f"{row.name}: linked_domain must be an https origin such as https://example.com"
        raise ValueError(message)
    if anchor.keys_at not in KEYS_AT:
        message = f"{row.name}: keys_at must be one of {', '.join(KEYS_AT)}"
        raise ValueError(message)
    _check_patterns(row, anchor.actions)
    if "AgentCapabilityCredential" in anchor.types and not (anchor.roots and anchor.actions):
        message = f"{row.name}: an anchor for capabilities names roots and actions"
        raise ValueError(message)
    return anchor


def _lists(rows: list[Table]) -> tuple[ListRef, ...]:
    if not rows:
        return ()
    from agentdid.trust.trust_list import (  # noqa: PLC0415  # most policies name none
        DEFAULT_MAX_AGE_S,
        HARD_MAX_DEPTH,
        ListRef,
        check_list_url,
    )

    found = []
    for row in rows:
        try:
            url = check_list_url(row.text("url"))
        except Malformed as error:
            message = f"{row.name}: url: {error.detail}"
            raise ValueError(message) from None
        ref = ListRef(
            url=url,
            issuer=row.did("issuer"),
            keys=row.texts("keys", optional=True),
            max_depth=row.whole("max_depth", 0, HARD_MAX_DEPTH),
            max_age_s=row.seconds("max_age", DEFAULT_MAX_AGE_S),
            scope=_scope(row, principals=row.dids("principals", optional=True), status=True),
        )
        row.close()
        found.append(ref)
    return tuple(found)


def _registries(rows: list[Table]) -> tuple[Registry, ...]:
    if not rows:
        return ()
    from agentdid.trust.registry import DEFAULT_MAX_AGE_S, Registry, check_base  # noqa: PLC0415  # as above

    found = []
    for row in rows:
        try:
            url = check_base(row.text("url"))
        except ValueError as error:
            message = f"{row.name}: url: {error}"
            raise ValueError(message) from None
        authority, max_age_s = row.text("authority"), row.seconds("max_age", DEFAULT_MAX_AGE_S)
        found.append(Registry(url, authority, _scope(row), max_age_s))
        row.close()
    return tuple(found)


def _scope(row: Table, principals: tuple[str, ...] = (), *, status: bool = False) -> Scope:
    """What others are believed about: never more than the file says."""
    from agentdid.trust.scope import Scope, check_scope  # noqa: PLC0415  # as above

    scope = Scope(
        types=row.texts("types"),
        roots=row.dids("roots", optional=True),
        actions=row.texts("actions", optional=True),
        principals=principals,
        status_issuers=row.dids("status_issuers", optional=True) if status else (),
        security=row.find_text("security") or DEFAULT_SECURITY,
    )
    _check_patterns(row, scope.actions)
    if scope.security not in SECURITY:
        message = f"{row.name}: security must be one of {', '.join(SECURITY)}"
        raise ValueError(message)
    try:
        check_scope(scope)
    except ValueError as error:
        message = f"{row.name}: {error}"
        raise ValueError(message) from None
    return scope


def _check_patterns(row: Table, actions: tuple[str, ...]) -> None:
    for pattern in actions:
        if not is_pattern(pattern):
            message = f"{row.name}: only a trailing .* is a wildcard, got {pattern!r}"
            raise ValueError(message)


def _resolver(reader: Table) -> UniversalResolver | None:
    table = reader.find_table("resolver")
    if table is None:
        return None
    url, methods = table.text("url"), table.texts("methods")
    table.close()
    from agentdid.did.universal import UniversalResolver  # noqa: PLC0415  # most policies name none

    try:
        return UniversalResolver(url, methods)
    except ValueError as error:
        message = f"{table.name}: {error}"
        raise ValueError(message) from None


def _content(reader: Table) -> Content:
    table = reader.find_table("content")
    if table is None:
        return IGNORED
    related, schemas = table.find_text("related") or RELATED[0], table.find_text("schemas") or SCHEMAS[0]
    pins = table.table("pins")
    try:
        content = Content(related, schemas, pins.rest())
    except Malformed as error:
        message = f"{pins.name}: {error.detail}"
        raise ValueError(message) from None
    except ValueError as error:
        message = f"{table.name}: {error}"
        raise ValueError(message) from None
    table.close()
    return IGNORED if content == IGNORED else content


def _limits(table: Table) -> Limits:
    numbers = table.numbers(_LIMIT_NAMES)
    for name, value in numbers.items():
        if isinstance(getattr(DEFAULT, name), int) and not isinstance(value, int):
            message = f"{table.name}: {name} must be a whole number"
            raise ValueError(message)
    return Limits(**numbers)  # type: ignore[arg-type]  # names and types were checked above
