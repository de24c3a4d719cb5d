"""What objects with the same member names, and values of the same types, become: worked out once for all of them.

Most members of most credentials are strings that stand in their statements as they are. They are looked at together,
by a few scans over all of their texts, and written together; an object in which one of them needs an escape, or is
refused, is written member by member.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, final

from agentdid.canon.nquads import is_iri
from agentdid.canon.terms import IRI, LITERAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.canon.active_context import Field


@final
class Plan:
    """What is done with each member of an object of these names and types.

    Args:
        fields: What each member name does, but for those that make no statement.
        node: Such an object.

    Attributes:
        members: All of them.
        others: Those that are written one by one in any case.
    """

    __slots__ = ("frames", "iris", "members", "others", "read")

    def __init__(self, fields: Mapping[str, Field], node: Mapping[str, object]) -> None:
        quick = {name: field.quick if type(node[name]) is str else 0 for name, field in fields.items()}
        self.members = tuple(fields.items())
        self.others = tuple([each for each in self.members if not quick[each[0]]])
        literals = [name for name in fields if quick[name] == LITERAL]
        names = [*literals, *(name for name in fields if quick[name] == IRI)]
        self.iris = len(literals)
        self.read: Callable[[Mapping[str, Any]], tuple[str, ...]] = (
            itemgetter(*names) if len(names) > 1 else lambda node: tuple([node[name] for name in names])
        )
        self.frames = [(fields[name].begin, fields[name].end) for name in names]

    def fill(self, node: Mapping[str, object], subject: str) -> list[str] | None:
        """Return the statements of all members but `others`, or nothing if one of these does not stand as it is."""
        values = self.read(node)
        text = "".join(values)
        # what `nquads.escape` looks for, and IRIs that mean themselves
        if text.isprintable() and '"' not in text and "\\" not in text and all(map(is_iri, values[self.iris :])):
            return [f"{subject}{begin}{each}{end}" for (begin, end), each in zip(self.frames, values, strict=True)]
        return None
