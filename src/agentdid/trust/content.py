"""What a verifier asks about documents beside a credential: related resources and schemas (`[content]`)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast, final

from msgspec import structs

from agentdid.credential.digests import parse_sri
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

RELATED: Final = ("carried", "fetched")
"""Which related resources are held against their digests: contexts that the package carries (the default), or all."""
SCHEMAS: Final = ("ignored", "checked")
"""Whether credentials conform to their schemas. Default first."""


@final
class Content(Value, frozen=True):
    """The demands; the product makes none of them unless its policy does.

    Attributes:
        fetches_related: Every related resource is fetched, and held against its digest.
        checks_schemas: Every schema is fetched, and the credential held against it.
        pins: URL of a schema → its digest (Subresource Integrity), for those that credentials name without one.
    """

    fetches_related: bool = False
    checks_schemas: bool = False
    pins: Mapping[str, str] = MappingProxyType({})

    def __post_init__(self) -> None:
        for pin in self.pins.values():
            parse_sri(pin)  # a policy that cannot be met is a mistake, and said now
        structs.force_setattr(self, "pins", MappingProxyType(dict(self.pins)))

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {"related": self.fetches_related, "schemas": self.checks_schemas, "pins": dict(self.pins)}

    @classmethod
    def decode(cls, value: object) -> Content:
        """Return what `encode` wrote. Raises `KeyError`, `TypeError` or `Malformed` for anything else."""
        row = cast("dict[str, Any]", value)
        return cls(row["related"], row["schemas"], row["pins"])


IGNORED: Final = Content()
