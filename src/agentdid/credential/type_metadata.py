"""Type metadata of SD-JWT VCs: documents that a policy holds, each pinned by its digest; nothing is fetched.

What a type says of its claims is held to: which must be there, and which the issuer must, may or may not let a holder
withhold. A type that extends another has its rules too, its own before them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.codec.strict_json import parse
from agentdid.credential.digests import parse_sri
from agentdid.errors import SdClaimNotAllowed, TypeMetadataMismatch, TypeMismatch
from agentdid.proof.disclosures import pointer
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SELECTIVE: Final = ("always", "allowed", "never")
_MAX_CHAIN: Final = 8


@final
class ClaimRule(Value, frozen=True):
    """What a type says of a claim: where it is (`None`: all elements), if it must be there, if it can be withheld."""

    path: tuple[str | int | None, ...]
    mandatory: bool
    selective: str


@final
class TypeMetadata(Value, frozen=True):
    """One type metadata document.

    Attributes:
        octets: As it is held, which digests are of.
        vct: The type it describes.
        extends: The type it stands on, if it does.
        extends_integrity: The digest of that one's document, if it is named.
        rules: Of its claims, in their order.
    """

    octets: bytes
    vct: str
    extends: str | None
    extends_integrity: str | None
    rules: tuple[ClaimRule, ...]


@final
class HeldType(Value, frozen=True):
    """A type with the rules of all that it extends, its own first."""

    metadata: TypeMetadata
    rules: tuple[ClaimRule, ...]


def parse_type_metadata(octets: bytes) -> TypeMetadata:
    """Return the type metadata that a document says.

    Raises:
        TypeMismatch: A member that is missing or of another type.
        Malformed: Not strict JSON.

    Spec: SD-JWT VC section 5.2.
    """
    document: Any = parse(octets).value
    if not isinstance(document, dict) or not isinstance(document.get("vct"), str):
        raise TypeMismatch("expected type metadata with its vct", path="/vct")
    for name in ("extends", "extends#integrity"):
        if not isinstance(document.get(name, ""), str):
            raise TypeMismatch("expected a string", path=f"/{name}")
    rules = document.get("claims", [])
    if not isinstance(rules, list):
        raise TypeMismatch("expected an array", path="/claims")
    return TypeMetadata(
        octets,
        document["vct"],
        document.get("extends"),
        document.get("extends#integrity"),
        tuple(_rule(each, position) for position, each in enumerate(rules)),
    )


def hold_types(documents: Iterable[TypeMetadata]) -> Mapping[str, HeldType]:
    """Return each type with all its rules.

    Raises:
        ValueError: A type twice, one that extends what is not held, another document than it names, or itself.

    Spec: SD-JWT VC sections 5.4 and 5.6.5.
    """
    by_name: dict[str, TypeMetadata] = {}
    for each in documents:
        if each.vct in by_name:
            message = f"two documents describe the type {each.vct}"
            raise ValueError(message)
        by_name[each.vct] = each
    return MappingProxyType({vct: HeldType(each, _all_rules(each, by_name)) for vct, each in by_name.items()})


def check_type(
    types: Mapping[str, HeldType], claims: Mapping[str, object], hidden: Sequence[tuple[str | int, ...]]
) -> None:
    """Hold that a credential is as its type says; a type that is not held says nothing.

    Args:
        types: What the policy holds.
        claims: Of the credential, disclosures applied.
        hidden: The paths of claims that were disclosed, and so could have been withheld.

    Raises:
        TypeMetadataMismatch: `vct#integrity` is of another document than is held.
        TypeMismatch: A mandatory claim is not there, or one that must be withholdable is not.
        SdClaimNotAllowed: A claim could be withheld that may not be.

    Spec: SD-JWT VC sections 5.5 and 5.6.
    """
    held = types.get(str(claims["vct"]))
    if held is None:
        return
    named = claims.get("vct#integrity")
    if named is not None and not any(each.is_of(held.metadata.octets) for each in parse_sri(named)):
        raise TypeMetadataMismatch("the type metadata that is held is another", path="/vct#integrity")
    for rule in held.rules:
        found = _find(rule.path, claims)
        if rule.mandatory and not found:
            raise TypeMismatch("the credential's type has a claim here", path=_shown(rule.path))
        for path in found:
            withheld = any(path[: len(each)] == each for each in hidden)
            if withheld and rule.selective == "never":
                raise SdClaimNotAllowed("the credential's type does not let this be hidden", path=pointer(path))
            if not withheld and rule.selective == "always":
                raise TypeMismatch("the credential's type lets its holder withhold this", path=pointer(path))


def _rule(value: object, position: int) -> ClaimRule:
    place = f"/claims/{position}"
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(path, list) or not path:
        raise TypeMismatch("expected an object with a path", path=place)
    for step in path:
        if step is not None and (isinstance(step, bool) or not isinstance(step, str | int)):
            raise TypeMismatch("expected names, indexes and null", path=f"{place}/path")
    mandatory, selective = value.get("mandatory", False), value.get("sd", "allowed")
    if not isinstance(mandatory, bool) or selective not in _SELECTIVE:
        raise TypeMismatch(f"expected mandatory to be true or false, sd of {', '.join(_SELECTIVE)}", path=place)
    return ClaimRule(tuple(path), mandatory, selective)


def _all_rules(metadata: TypeMetadata, by_name: Mapping[str, TypeMetadata]) -> tuple[ClaimRule, ...]:
    rules = {rule.path: rule for rule in reversed(metadata.rules)}
    chain = [metadata.vct]
    while metadata.extends is not None:
        above = by_name.get(metadata.extends)
        if above is None or above.vct in chain or len(chain) >= _MAX_CHAIN:
            message = f"the type {metadata.vct} extends {metadata.extends}, which is not held or extends it"
            raise ValueError(message)
        if metadata.extends_integrity is not None and not any(
            each.is_of(above.octets) for each in parse_sri(metadata.extends_integrity)
        ):
            message = f"the type {metadata.vct} extends another document of {above.vct} than the one that is held"
            raise ValueError(message)
        for rule in above.rules:
            rules.setdefault(rule.path, rule)
        chain.append(above.vct)
        metadata = above
    return tuple(rules.values())


def _find(path: tuple[str | int | None, ...], claims: object) -> list[tuple[str | int, ...]]:
    """Return where the values stand that a claim path selects (SD-JWT VC section 5.6.1)."""
    found: list[tuple[tuple[str | int, ...], Any]] = [((), claims)]
    for step in path:
        narrowed: list[tuple[tuple[str | int, ...], Any]] = []
        for at, value in found:
            if isinstance(step, str):
                if isinstance(value, dict) and step in value:
                    narrowed.append(((*at, step), value[step]))
            elif isinstance(value, list):
                chosen = range(len(value)) if step is None else [step] if step < len(value) else []
                narrowed += [((*at, index), value[index]) for index in chosen]
        found = narrowed
    return [at for at, _ in found]


def _shown(path: tuple[str | int | None, ...]) -> str:
    return pointer(["*" if step is None else step for step in path])
