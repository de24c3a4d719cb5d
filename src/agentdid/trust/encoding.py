"""A policy as JSON, for evidence bundles: all that bears on a decision, nothing of how documents are fetched."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from msgspec import structs

from agentdid.errors import TypeMismatch
from agentdid.limits import Limits
from agentdid.trust.anchor import Anchor
from agentdid.trust.anchors import Trust
from agentdid.trust.content import IGNORED, Content
from agentdid.trust.profile import STRICT, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.credential.type_metadata import HeldType
    from agentdid.did.universal import UniversalResolver
    from agentdid.policy.rules import Rules
    from agentdid.trust.denied import DenyEntry
    from agentdid.trust.registry import Registry
    from agentdid.trust.trust_list import ListRef


def encode_trust(trust: Trust) -> dict[str, object]:
    """Return the policy as JSON."""
    return {
        "audience": trust.audience,
        "did": trust.did,
        "resources": dict(trust.resources),
        "anchors": [each.encode() for each in trust.anchors],
        "limits": {name: getattr(trust.limits, name) for name in Limits.__struct_fields__},
        "anyIssuer": trust.any_issuer,
        **({} if trust.content == IGNORED else {"content": trust.content.encode()}),
        **({"presentationProofs": list(trust.presentation_proofs)} if trust.presentation_proofs else {}),
        # the product's own is not written, so that no bundle of before there was one changes
        **({} if trust.profile == STRICT else {"profile": structs.asdict(trust.profile)}),
        **({"types": [each.metadata.octets.decode() for each in trust.types.values()]} if trust.types else {}),
        **({} if trust.policy is None else {"policy": dict(trust.policy.source)}),
        **({"denied": [each.encode() for each in trust.denied.values()]} if trust.denied else {}),
        **({"denies": True} if trust.denies else {}),
        **({"lists": [_encode_list(each) for each in trust.lists]} if trust.lists else {}),
        **({"registries": [each.encode() for each in trust.registries]} if trust.registries else {}),
        "resolver": None
        if trust.resolver is None
        else {"url": trust.resolver.url, "methods": list(trust.resolver.methods)},
    }


def decode_trust(value: object) -> Trust:
    """Return the policy that `encode_trust` wrote.

    Raises:
        TypeMismatch: It did not write this.
    """
    try:
        row = cast("dict[str, Any]", value)
        return Trust(
            audience=row["audience"],
            did=row["did"],
            resources=MappingProxyType(dict(row["resources"])),
            anchors=tuple([Anchor.decode(each) for each in row["anchors"]]),
            limits=Limits(**row["limits"]),
            any_issuer=row["anyIssuer"],
            content=Content.decode(row["content"]) if "content" in row else IGNORED,
            presentation_proofs=tuple(row.get("presentationProofs", ())),
            profile=Profile(**row.get("profile", {})),
            types=_held_types(row.get("types", [])),
            policy=_rules(row.get("policy")),
            denied=_denied(row.get("denied", [])),
            denies=row.get("denies", False),
            lists=_lists(row.get("lists", [])),
            registries=_registries(row.get("registries", [])),
            # bundles of before there was one have no such member
            resolver=None if row.get("resolver") is None else _named_resolver(**row["resolver"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TypeMismatch("expected a trust policy as this version writes it", path="/trust") from None


def _held_types(texts: list[str]) -> Mapping[str, HeldType]:
    if not texts:
        return MappingProxyType({})
    from agentdid.credential.type_metadata import hold_types, parse_type_metadata  # noqa: PLC0415  # as above

    return hold_types(parse_type_metadata(each.encode()) for each in texts)


def _rules(table: object) -> Rules | None:
    if table is None:
        return None
    from agentdid.policy.table import decode_rules  # noqa: PLC0415  # as above

    return decode_rules(table)


def _denied(rows: list[dict[str, Any]]) -> Mapping[str, DenyEntry]:
    if not rows:
        return MappingProxyType({})
    from agentdid.trust.denied import decode_denied  # noqa: PLC0415  # as above

    return decode_denied(rows)


def _encode_list(ref: ListRef) -> dict[str, object]:
    from agentdid.trust.trust_list import encode_ref  # noqa: PLC0415  # as above

    return encode_ref(ref)


def _lists(rows: list[object]) -> tuple[ListRef, ...]:
    if not rows:
        return ()
    from agentdid.trust.trust_list import decode_ref  # noqa: PLC0415  # as above

    return tuple([decode_ref(each) for each in rows])


def _registries(rows: list[object]) -> tuple[Registry, ...]:
    if not rows:
        return ()
    from agentdid.trust.registry import Registry  # noqa: PLC0415  # as above

    return tuple([Registry.decode(each) for each in rows])


def _named_resolver(url: str, methods: Sequence[str]) -> UniversalResolver:
    from agentdid.did.universal import UniversalResolver  # noqa: PLC0415  # most policies name none

    return UniversalResolver(url, tuple(methods))
