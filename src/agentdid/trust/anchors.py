"""A verifier's trust: who owns which resources, and who else may issue what. Whatever is not said here is no.

`Trust.load` reads `trust.toml`; the same policy travels in evidence bundles by `Trust.encode` and `Trust.decode`.
"""

from __future__ import annotations

import os
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast, final

from msgspec import structs

from agentdid.delegation.resources import find_normal, is_below
from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid, Malformed, TypeMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.trust.content import IGNORED, RELATED, SCHEMAS, Content
from agentdid.trust.profile import STRICT, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agentdid.canon.contexts import ContextRules
    from agentdid.credential.type_metadata import HeldType
    from agentdid.did.universal import UniversalResolver
    from agentdid.policy.rules import Rules

SECURITY: Final = ("classical-ok", "hybrid-if-declared", "hybrid-required", "pq-required")
"""PROTOCOL section 5, weakest first."""
# https, a host and at most a port: RFC 6454 §6.2. The default port is not written, so that one origin has one spelling.
ORIGIN: Final = re.compile(r"https://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?!443$)[1-9][0-9]{0,4})?")
KEYS_AT: Final = ("decision", "signing")
"""PROTOCOL section 3.3, the default first."""
_MAX_TYPE_BYTES: Final = 262_144
_BASE_TYPES: Final = frozenset({"VerifiableCredential"})
_LIMIT_NAMES: Final = frozenset(Limits.__struct_fields__)


@final
class Anchor(Value, frozen=True):
    """One issuer that is believed about one set of things.

    Attributes:
        did: The issuer.
        types: Exact credential types it may issue.
        roots: Owners on whose behalf it may start a capability chain.
        actions: What such a chain may grant; a trailing `.*` stands for everything below.
        principals: For whom such a chain may act, beside its issuer and its subject.
        status_issuers: Who else may sign its status lists.
        keys: If not empty, the RFC 7638 thumbprints of the only keys that are taken.
        security: What its signatures must be made of.
        linked_domain: The https origin that must say it is this issuer's (`trust.linkage`); `None`: none.
        keys_at: By which keys of a did:webvh its credentials are judged: those it has at the `decision`, or, for a
            credential that says it is older, those it had at the `signing`. The latter believes the time that the
            signer claims, so whoever finds a key that was retired can sign for the past; a key that a later version
            lists as `revoked` is taken for nothing.
        required_proofs: If not empty, which proofs of a Data Integrity credential count, each name one of them: a
            proof's `id`, its verification method, the DID of it, or its suite. Others are not looked at.
    """

    did: str
    types: tuple[str, ...]
    roots: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    status_issuers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    security: str = "hybrid-if-declared"
    linked_domain: str | None = None
    keys_at: str = "decision"
    required_proofs: tuple[str, ...] = ()

    def covers_action(self, action: str) -> bool:
        """Whether a chain under this anchor may grant `action`."""
        return any(
            action.startswith(pattern[:-1]) if pattern.endswith(".*") else action == pattern for pattern in self.actions
        )


@final
class Trust(Value, frozen=True):
    """The whole policy of one verifier.

    Attributes:
        audience: What presentations must name, byte for byte.
        did: The verifier's own DID, which `capability.audience` must include.
        resources: Resource prefix → the DID of its owner; the longest prefix decides.
        anchors: Never merged: one anchor alone must allow what is claimed.
        limits: The bounds of this verifier.
        fetch_allow: Addresses or networks that may be fetched from though they are not public.
        fetch_ca: A file of certificates to trust beside the system's.
        any_issuer: Set only by `UnsafeAnyIssuer`.
        types: The types of SD-JWT VCs whose metadata is held, by `vct`.
        resolver: Who is believed about DIDs of methods that are not built here; by default nobody.
        content: What is asked about documents beside a credential.
        presentation_proofs: If not empty, which proofs of a presentation count, as `Anchor.required_proofs`.
        profile: What is asked beyond what specifications ask. Of it a trust file sets `vc_claims` (`vc_jwt_1_1`); all
            else only test instances have otherwise.
        policy: What is wanted of requests beyond what is true (`policy.table`); `None` for nothing.
        store: Where nonces and counters are kept (`storage.takes.open_takes`); by default this process's memory.
        by_issuer: The anchors of each issuer with their types, in their order; follows from `anchors`, whatever was
            handed in.
        names_domain: Whether an anchor has a `linked_domain`; follows likewise.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"by_issuer", "names_domain", "store"})

    audience: str
    did: str
    resources: Mapping[str, str]
    anchors: tuple[Anchor, ...] = ()
    limits: Limits = DEFAULT
    fetch_allow: tuple[str, ...] = ()
    fetch_ca: str | None = None
    any_issuer: bool = False
    resolver: UniversalResolver | None = None
    content: Content = IGNORED
    presentation_proofs: tuple[str, ...] = ()
    profile: Profile = STRICT
    types: Mapping[str, HeldType] = MappingProxyType({})
    store: str | None = None
    policy: Rules | None = None
    by_issuer: Mapping[str, tuple[tuple[frozenset[str], Anchor], ...]] = MappingProxyType({})
    names_domain: bool = False

    def __post_init__(self) -> None:
        by_issuer: dict[str, tuple[tuple[frozenset[str], Anchor], ...]] = {}
        for anchor in self.anchors:
            by_issuer[anchor.did] = (*by_issuer.get(anchor.did, ()), (frozenset(anchor.types), anchor))
        structs.force_setattr(self, "by_issuer", MappingProxyType(by_issuer))
        structs.force_setattr(self, "names_domain", any(each.linked_domain is not None for each in self.anchors))

    @property
    def context_rules(self) -> ContextRules | None:
        """What `@context` may be, where statements are signed; `None` for `canon.contexts.STRICT`."""
        if not self.profile.any_context:
            return None
        from agentdid.canon.contexts import OPEN  # noqa: PLC0415  # most policies are strict

        return OPEN

    @classmethod
    def load(cls, path: str | Path) -> Trust:
        """Return the policy in a `trust.toml`; relative file names in it are relative to it.

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
        return cls.parse(table, path)

    @classmethod
    def parse(cls, table: Mapping[str, object], beside: str | Path | None = None) -> Trust:
        """Return the policy that a parsed TOML table says.

        Args:
            table: As `tomllib` reads it.
            beside: The file to whose folder relative file names belong.

        Raises:
            ValueError: An unknown or missing key, a wrong type, or a value that cannot be meant.
        """
        reader = _Table("trust", table)
        audience = reader.text("audience")
        did = _did(reader.text("did"), "did")
        resources = {}
        for row in reader.tables("resource"):
            prefix = find_normal(row.text("prefix"))
            if prefix is None:
                message = f"{row.name}: prefix must be an absolute URI without query or fragment"
                raise ValueError(message)
            resources[prefix] = _did(row.text("root"), row.name)
            row.close()
        anchors = tuple(_anchor(row) for row in reader.tables("anchor"))
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
        kept.close()
        policy = _policy(reader.take("policy"), beside)
        reader.close()
        if ca is not None and beside is not None:
            ca = os.path.join(os.path.dirname(beside), ca)  # noqa: PTH118, PTH120  # as above
        return cls(
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
        )

    @classmethod
    def nobody(cls) -> Trust:
        """Return the policy that believes nobody: what a verifier without a trust file has."""
        return cls(audience="", did="", resources=MappingProxyType({}))

    def encode(self) -> dict[str, object]:
        """Return the policy as JSON: all that bears on a decision, nothing of how documents are fetched."""
        return {
            "audience": self.audience,
            "did": self.did,
            "resources": dict(self.resources),
            "anchors": [
                {name: _plain(getattr(row, name)) for name in Anchor.__struct_fields__} for row in self.anchors
            ],
            "limits": {name: getattr(self.limits, name) for name in Limits.__struct_fields__},
            "anyIssuer": self.any_issuer,
            **({} if self.content == IGNORED else {"content": self.content.encode()}),
            **({"presentationProofs": list(self.presentation_proofs)} if self.presentation_proofs else {}),
            # the product's own is not written, so that no bundle of before there was one changes
            **({} if self.profile == STRICT else {"profile": structs.asdict(self.profile)}),
            **({"types": [each.metadata.octets.decode() for each in self.types.values()]} if self.types else {}),
            **({} if self.policy is None else {"policy": dict(self.policy.source)}),
            "resolver": None
            if self.resolver is None
            else {"url": self.resolver.url, "methods": list(self.resolver.methods)},
        }

    @classmethod
    def decode(cls, value: object) -> Trust:
        """Return the policy that `encode` wrote.

        Raises:
            TypeMismatch: It did not write this.
        """
        try:
            row = cast("dict[str, Any]", value)
            return cls(
                audience=row["audience"],
                did=row["did"],
                resources=MappingProxyType(dict(row["resources"])),
                anchors=tuple(
                    Anchor(**{name: tuple(each) if isinstance(each, list) else each for name, each in anchor.items()})  # type: ignore[arg-type]
                    for anchor in cast("list[dict[str, Any]]", row["anchors"])
                ),
                limits=Limits(**row["limits"]),
                any_issuer=row["anyIssuer"],
                content=Content.decode(row["content"]) if "content" in row else IGNORED,
                presentation_proofs=tuple(row.get("presentationProofs", ())),
                profile=Profile(**row.get("profile", {})),
                types=_held_types(row.get("types", [])),
                policy=_policy(row.get("policy"), None),
                # bundles of before there was one have no such member
                resolver=None if row.get("resolver") is None else _named_resolver(**row["resolver"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise TypeMismatch("expected a trust policy as this version writes it", path="/trust") from None

    def find_root(self, resource: str) -> str | None:
        """Return the DID that owns a normalized resource, by the longest configured prefix; `None` for nobody."""
        best: str | None = None
        for prefix in self.resources:
            if is_below(resource, prefix) and (best is None or len(prefix) > len(best)):
                best = prefix
        return None if best is None else self.resources[best]

    def find_required(self, document: dict[str, object]) -> tuple[str, ...]:
        """Return by which names the proofs of a credential count; none where some anchor for it has all proofs count.

        Nothing of the document's shape is known yet: what is wrong with it is said where its shape is checked.
        """
        issuer, types = document.get("issuer"), document.get("type")
        did = issuer.get("id") if isinstance(issuer, dict) else issuer
        named = tuple(each for each in (types if isinstance(types, list) else [types]) if isinstance(each, str))
        anchors = self.find_anchors(did, named) if isinstance(did, str) else ()
        if not all(anchor.required_proofs for anchor in anchors):
            return ()
        return tuple(dict.fromkeys(name for anchor in anchors for name in anchor.required_proofs))

    def find_anchors(self, issuer: str, types: tuple[str, ...]) -> tuple[Anchor, ...]:
        """Return the anchors under which `issuer` may issue a credential of these types.

        Exact strings only (ATTACKS A16, V08): an anchor fits when it lists every type but `VerifiableCredential`.
        """
        named = frozenset(types) - _BASE_TYPES
        return tuple([anchor for allowed, anchor in self.by_issuer.get(issuer, ()) if named and named <= allowed])


class UnsafeAnyIssuer:
    """A trust policy that believes every issuer: for a wallet that keeps what it was sent and lends nobody access.

    A verifier built on it authorizes whoever can sign. The name is meant to stand out in a review.
    """

    def __new__(cls, audience: str = "", did: str = "", limits: Limits = DEFAULT) -> Trust:  # type: ignore[misc]
        """Return the policy; it is an ordinary `Trust` whose `any_issuer` is set."""
        return Trust(audience, did, MappingProxyType({}), limits=limits, any_issuer=True)


@final
class _Table:
    """One table of the file: every key is taken once, and one that nobody took is an error."""

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, dict) and not hasattr(value, "keys"):
            message = f"{name} must be a table"
            raise ValueError(message)
        self.name = name
        self._left: dict[str, object] = dict(cast("Mapping[str, object]", value))

    def text(self, key: str) -> str:
        value = self.find_text(key)
        if value is None:
            message = f"{self.name}: key {key!r} is missing"
            raise ValueError(message)
        return value

    def find_text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is not None and (not isinstance(value, str) or not value):
            message = f"{self.name}: {key} must be a non-empty string"
            raise ValueError(message)
        return value

    def texts(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        if optional and key not in self._left:
            return ()
        value = self._left.pop(key, None)
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            message = f"{self.name}: {key} must be a list of non-empty strings"
            raise ValueError(message)
        if not value and not optional:
            message = f"{self.name}: {key} must not be empty"
            raise ValueError(message)
        return tuple(value)

    def flag(self, key: str) -> bool:
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            message = f"{self.name}: {key} must be true or false"
            raise ValueError(message)
        return value

    def numbers(self) -> dict[str, int | float]:
        found = {}
        for key in list(self._left):
            value = self._left.pop(key)
            if key not in _LIMIT_NAMES:
                message = f"{self.name}: unknown key {key!r}"
                raise ValueError(message)
            if isinstance(value, bool) or not isinstance(value, int | float):
                message = f"{self.name}: {key} must be a number"
                raise ValueError(message)
            found[key] = value
        return found

    def rest(self) -> dict[str, str]:
        found = {key: self.find_text(key) for key in list(self._left)}
        return {key: value for key, value in found.items() if value is not None}

    def table(self, key: str) -> _Table:
        return _Table(f"{self.name}.{key}", self._left.pop(key, {}))

    def find_table(self, key: str) -> _Table | None:
        return self.table(key) if key in self._left else None

    def tables(self, key: str) -> list[_Table]:
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            message = f"{self.name}: {key} must be an array of tables"
            raise ValueError(message)
        return [_Table(f"{self.name}.{key}[{position}]", each) for position, each in enumerate(value)]

    def take(self, key: str) -> object:
        return self._left.pop(key, None)

    def close(self) -> None:
        if self._left:
            message = f"{self.name}: unknown key {min(self._left)!r}"
            raise ValueError(message)


def _policy(table: object, beside: str | Path | None) -> Rules | None:
    """Return the verifier's own rules. Raises `ValueError`, `OSError`, `ExtraMissing`."""
    if table is None:
        return None
    from agentdid.policy.table import parse_rules  # noqa: PLC0415  # most policies state none

    return parse_rules(table, beside)


def _types(rows: list[_Table], beside: str | Path | None) -> Mapping[str, HeldType]:
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


def _held_types(texts: list[str]) -> Mapping[str, HeldType]:
    if not texts:
        return MappingProxyType({})
    from agentdid.credential.type_metadata import hold_types, parse_type_metadata  # noqa: PLC0415  # as above

    return hold_types(parse_type_metadata(each.encode()) for each in texts)


def _anchor(row: _Table) -> Anchor:
    anchor = Anchor(
        did=_did(row.text("did"), row.name),
        types=row.texts("types"),
        roots=tuple(_did(each, row.name) for each in row.texts("roots", optional=True)),
        actions=row.texts("actions", optional=True),
        principals=tuple(_did(each, row.name) for each in row.texts("principals", optional=True)),
        status_issuers=tuple(_did(each, row.name) for each in row.texts("status_issuers", optional=True)),
        keys=row.texts("keys", optional=True),
        security=row.find_text("security") or "hybrid-if-declared",
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
    for pattern in anchor.actions:
        if "*" in pattern and (pattern.count("*") > 1 or not pattern.endswith(".*") or pattern == ".*"):
            message = f"{row.name}: only a trailing .* is a wildcard, got {pattern!r}"
            raise ValueError(message)
    if "AgentCapabilityCredential" in anchor.types and not (anchor.roots and anchor.actions):
        message = f"{row.name}: an anchor for capabilities names roots and actions"
        raise ValueError(message)
    return anchor


def _resolver(reader: _Table) -> UniversalResolver | None:
    table = reader.find_table("resolver")
    if table is None:
        return None
    url, methods = table.text("url"), table.texts("methods")
    table.close()
    try:
        return _named_resolver(url, methods)
    except ValueError as error:
        message = f"{table.name}: {error}"
        raise ValueError(message) from None


def _content(reader: _Table) -> Content:
    table = reader.find_table("content")
    if table is None:
        return IGNORED
    related, schemas = table.find_text("related") or RELATED[0], table.find_text("schemas") or SCHEMAS[0]
    pins = table.table("pins")
    if related not in RELATED or schemas not in SCHEMAS:
        message = f"{table.name}: related is one of {', '.join(RELATED)}, schemas one of {', '.join(SCHEMAS)}"
        raise ValueError(message)
    try:
        content = Content(related == RELATED[1], schemas == SCHEMAS[1], pins.rest())
    except Malformed as error:
        message = f"{pins.name}: {error.detail}"
        raise ValueError(message) from None
    table.close()
    return IGNORED if content == IGNORED else content


def _named_resolver(url: str, methods: Sequence[str]) -> UniversalResolver:
    from agentdid.did.universal import UniversalResolver  # noqa: PLC0415  # most policies name none

    return UniversalResolver(url, tuple(methods))


def _limits(table: _Table) -> Limits:
    numbers = table.numbers()
    for name, value in numbers.items():
        if isinstance(getattr(DEFAULT, name), int) and not isinstance(value, int):
            message = f"{table.name}: {name} must be a whole number"
            raise ValueError(message)
    return Limits(**numbers)  # type: ignore[arg-type]  # names and types were checked above


def _did(text: str, name: str) -> str:
    try:
        check_did(text)
    except DidInvalid:
        message = f"{name}: {text!r} is not a DID"
        raise ValueError(message) from None
    return text


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
