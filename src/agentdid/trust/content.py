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
SCHEMAS: Final = ("ignored", "checked", "required")
"""Whether credentials conform to the schemas they name, or have to name one. Default first."""


@final
class Content(Value, frozen=True):
    """The demands; the product makes none of them unless its policy does.

    Attributes:
        related: Of `RELATED`: with `fetched`, every related resource is fetched, and held against its digest.
        schemas: Of `SCHEMAS`: with `checked`, every schema is fetched, and the credential held against it; with
            `required`, a credential that names none is refused.
        pins: URL of a schema → its digest (Subresource Integrity), for those that credentials name without one.
    """

    related: str = RELATED[0]
    schemas: str = SCHEMAS[0]
    pins: Mapping[str, str] = MappingProxyType({})

    def __post_init__(self) -> None:
        if self.related not in RELATED or self.schemas not in SCHEMAS:
            message = f"related is one of {', '.join(RELATED)}, schemas one of {', '.join(SCHEMAS)}"
            raise ValueError(message)
        for pin in self.pins.values():
            parse_sri(pin)  # a policy that cannot be met is a mistake, and said now
        structs.force_setattr(self, "pins", MappingProxyType(dict(self.pins)))

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {"related": self.related, "schemas": self.schemas, "pins": dict(self.pins)}

    @classmethod
    def decode(cls, value: object) -> Content:
        """Return what `encode` wrote. Raises `KeyError`, `TypeError` or `Malformed` for anything else."""
        row = cast("dict[str, Any]", value)
        return cls(row["related"], row["schemas"], row["pins"])


IGNORED: Final = Content()
