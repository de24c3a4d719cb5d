"""The roots of a growing log in steps of its logarithm, without the log: what is kept between two appends.

Spec: RFC 9162 section 2.1.1; `merkle.Tree` holds all hashes, and makes proofs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.audit.merkle import EMPTY_ROOT, HASH_BYTES, hash_inner
from agentdid.errors import AuditLogInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_SIZE: Final = 1 << 62


@final
class Frontier:
    """The complete subtrees that a log of `size` entries consists of, the largest first."""

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        """Begin with nothing, or where another left off.

        Args:
            size: How many entries there are.
            nodes: The hashes of their complete subtrees, the largest first.

        Raises:
            AuditLogInvalid: Not as many as there are ones in the size.
        """
        if not 0 <= size < _MAX_SIZE or len(nodes) != size.bit_count() or any(len(n) != HASH_BYTES for n in nodes):
            raise AuditLogInvalid("expected a hash for each complete subtree of the log")
        self.size = size
        self.nodes = list(nodes)

    def append(self, leaf: bytes) -> None:
        """Add the next entry by its leaf hash."""
        size, nodes = self.size, self.nodes
        while size & 1:
            leaf = hash_inner(nodes.pop(), leaf)
            size >>= 1
        nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all entries."""
        if not self.nodes:
            return EMPTY_ROOT
        node = self.nodes[-1]
        for left in self.nodes[-2::-1]:
            node = hash_inner(left, node)
        return node

    def copy(self) -> Frontier:
        """Return another that grows on its own."""
        return Frontier(self.size, self.nodes)
