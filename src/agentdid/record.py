"""Values: members by name, frozen when made, at a tenth of a frozen dataclass's cost (docs/adr/0006-values.md).

Two values are equal when their members are; with ``eq=False`` a value equals only itself.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Value(Struct, frozen=True):
    """The base of every value type: ``class Name(Value, frozen=True)``.

    Attributes:
        quiet: Members that `repr` leaves out: secrets, and what would flood a log.
    """

    quiet: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.quiet]
        return f"{type(self).__name__}({', '.join(shown)})"
