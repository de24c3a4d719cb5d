"""Values that pass through one judgement: frozen for the type checker, plain objects when it runs.

A frozen dataclass costs a tenth of a microsecond a member more to make, and one presentation makes a hundred members.
What leaves the judgement (`Credential`, `Capability`, `Verified`, `Decision`, `Grant`) is frozen at run time as well;
what only passes through it is a record (docs/adr/0006-records.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(field,))
def record(cls: type[_T]) -> type[_T]:
    """Make a slotted dataclass of which type checkers let nobody assign a member; a record equals only itself."""
    return dataclass(slots=True, eq=False)(cls)
