"""One table of a configuration file: every key is taken once, and one that nobody took is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast, final

from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SECONDS: Final = 31_536_000
"""A year: longer than anything here may be believed without asking again."""


@final
class Table:
    """A table with what nobody took of it yet. Its methods raise `ValueError`, which names the table and the key.

    Args:
        name: What messages call it.
        value: As `tomllib` reads it.
    """

    def __init__(self, name: str, value: object) -> None:
        if not isinstance(value, dict) and not hasattr(value, "keys"):
            message = f"{name} must be a table"
            raise ValueError(message)
        self.name = name
        self._left: dict[str, object] = dict(cast("Mapping[str, object]", value))

    def text(self, key: str) -> str:
        """Take a text that must be there."""
        value = self.find_text(key)
        if value is None:
            message = f"{self.name}: key {key!r} is missing"
            raise ValueError(message)
        return value

    def find_text(self, key: str) -> str | None:
        """Take a text; `None` where there is none."""
        value = self._left.pop(key, None)
        if value is not None and (not isinstance(value, str) or not value):
            message = f"{self.name}: {key} must be a non-empty string"
            raise ValueError(message)
        return value

    def texts(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """Take a list of texts, which is not empty unless it is optional."""
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

    def did(self, key: str) -> str:
        """Take a DID that must be there."""
        return self._checked(self.text(key))

    def dids(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """Take a list of DIDs, which is not empty unless it is optional."""
        return tuple([self._checked(each) for each in self.texts(key, optional=optional)])

    def _checked(self, text: str) -> str:
        try:
            check_did(text)
        except DidInvalid:
            message = f"{self.name}: {text!r} is not a DID"
            raise ValueError(message) from None
        return text

    def flag(self, key: str, *, otherwise: bool = False) -> bool:
        """Take a truth; `otherwise` where there is none."""
        value = self._left.pop(key, otherwise)
        if not isinstance(value, bool):
            message = f"{self.name}: {key} must be true or false"
            raise ValueError(message)
        return value

    def whole(self, key: str, default: int, most: int) -> int:
        """Take a whole number from 0 on."""
        value = self._left.pop(key, default)
        if type(value) is not int or not 0 <= value <= most:
            message = f"{self.name}: {key} must be a whole number, at most {most}"
            raise ValueError(message)
        return value

    def seconds(self, key: str, default: float) -> float:
        """Take a time in seconds, more than none."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SECONDS:
            message = f"{self.name}: {key} must be a number of seconds"
            raise ValueError(message)
        return float(value)

    def numbers(self, names: frozenset[str]) -> dict[str, int | float]:
        """Take all that is left: numbers, each of one of these names."""
        found = {}
        for key in list(self._left):
            value = self._left.pop(key)
            if key not in names:
                message = f"{self.name}: unknown key {key!r}"
                raise ValueError(message)
            if isinstance(value, bool) or not isinstance(value, int | float):
                message = f"{self.name}: {key} must be a number"
                raise ValueError(message)
            found[key] = value
        return found

    def rest(self) -> dict[str, str]:
        """Take all that is left: texts."""
        found = {key: self.find_text(key) for key in list(self._left)}
        return {key: value for key, value in found.items() if value is not None}

    def table(self, key: str) -> Table:
        """Take a table; an empty one where there is none."""
        return Table(f"{self.name}.{key}", self._left.pop(key, {}))

    def find_table(self, key: str) -> Table | None:
        """Take a table; `None` where there is none."""
        return self.table(key) if key in self._left else None

    def tables(self, key: str) -> list[Table]:
        """Take an array of tables; an empty one where there is none."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            message = f"{self.name}: {key} must be an array of tables"
            raise ValueError(message)
        return [Table(f"{self.name}.{key}[{position}]", each) for position, each in enumerate(value)]

    def take(self, key: str) -> object:
        """Take whatever is there; `None` for nothing."""
        return self._left.pop(key, None)

    def close(self) -> None:
        """Hold that nothing is left."""
        if self._left:
            message = f"{self.name}: unknown key {min(self._left)!r}"
            raise ValueError(message)
