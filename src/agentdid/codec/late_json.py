"""A JSON object that is made when somebody looks at it: of most documents that are verified nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class LateObject:
    """The object that a function makes of a text that was read already, so that it is known to be one.

    Args:
        make: Called once, when the object is looked at.
        given: What it is called with.
    """

    __slots__ = ("_given", "_make", "_value")

    def __init__(self, make: Callable[..., dict[str, Any]], *given: object) -> None:
        self._make = make
        self._given = given
        self._value: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        """Return the object, the same each time."""
        if self._value is None:
            self._value = self._make(*self._given)
        return self._value
