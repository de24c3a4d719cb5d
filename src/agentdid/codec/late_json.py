"""A JSON object that is parsed when somebody looks at it: of most documents that are verified nobody does."""

from __future__ import annotations

from typing import Any, Final, final

from msgspec.json import Decoder

_decode: Final = Decoder().decode


@final
class LateObject:
    """The object of a text that was read already, so that it is known to be one.

    Args:
        octets: Its text.
        without: A member that it is shown without.
    """

    __slots__ = ("_octets", "_value", "_without")

    def __init__(self, octets: bytes, without: str = "") -> None:
        self._octets = octets
        self._without = without
        self._value: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        """Return the object, the same each time."""
        if self._value is None:
            value = _decode(self._octets)
            value.pop(self._without, None)
            self._value = value
        return self._value
