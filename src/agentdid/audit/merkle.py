"""Merkle trees over an append-only log: roots, and proofs that an entry stands in it and that it only ever grew.

Spec: RFC 9162 section 2.1, with SHA-256.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, final

from agentdid.errors import AuditLogInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()
"""The root of a tree without entries (RFC 9162 section 2.1.1)."""


def hash_leaf(entry: bytes) -> bytes:
    """Return the leaf hash of an entry; no inner node has the same (RFC 9162 section 2.1.1)."""
    return sha256(b"\0" + entry).digest()


def hash_inner(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two (RFC 9162 section 2.1.1)."""
    return sha256(b"\1" + left + right).digest()


@final
class Tree:
    """The hashes of a log of any length: 64 bytes an entry, a root or a proof in steps of its logarithm."""

    def __init__(self) -> None:
        # level k holds the hashes of the complete subtrees over 2^k entries, in their order
        self._levels: list[bytearray] = [bytearray()]

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add the next entry by its leaf hash, as `hash_leaf` makes it."""
        node = leaf
        for level in self._levels:
            level.extend(node)
            if len(level) // HASH_BYTES % 2:
                return
            node = hash_inner(bytes(level[-2 * HASH_BYTES : -HASH_BYTES]), bytes(level[-HASH_BYTES:]))
        self._levels.append(bytearray(node))

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` entries; without `size`, over all."""
        size = self._size(size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def prove_inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the path from an entry to the root over the first `size` entries.

        Raises:
            ValueError: No such entry, or fewer entries than `size`.

        Spec: RFC 9162 section 2.1.3.1.
        """
        size = self._size(size)
        if not 0 <= index < size:
            message = f"no entry {index} among {size}"
            raise ValueError(message)
        begin, end = 0, size
        path = []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin = middle
        return tuple(reversed(path))

    def prove_consistency(self, first: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return what shows that the first `size` entries begin with those that were there at size `first`.

        Raises:
            ValueError: `first` is not from 1 to `size`, or there are fewer entries than `size`.

        Spec: RFC 9162 section 2.1.4.1.
        """
        size = self._size(size)
        if not 1 <= first <= size:
            message = f"no tree of {first} entries within one of {size}"
            raise ValueError(message)
        if first == size:
            return ()
        begin, end = 0, size
        path = []
        whole = True  # whether the tree at `first` is one that its holder has the root of
        while first != end:
            middle = begin + _split(end - begin)
            if first <= middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(begin, middle))
                begin = middle
                whole = False
        if not whole:
            path.append(self._hash(begin, end))
        return tuple(reversed(path))

    def _size(self, size: int | None) -> int:
        if size is None:
            return len(self)
        if not 0 <= size <= len(self):
            message = f"no tree of {size} entries within one of {len(self)}"
            raise ValueError(message)
        return size

    def _hash(self, begin: int, end: int) -> bytes:
        """Return the hash over the entries from `begin` to before `end`, where an aligned subtree begins."""
        width = end - begin
        level = width.bit_length() - 1
        if width == 1 << level:
            at = (begin >> level) * HASH_BYTES
            return bytes(self._levels[level][at : at + HASH_BYTES])
        middle = begin + _split(width)
        return hash_inner(self._hash(begin, middle), self._hash(middle, end))


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Hold that an entry stands at `index` of the log of which `root` is the root at `size`.

    Args:
        leaf: Its leaf hash.
        index: From 0.
        size: Of the log.
        path: From `Tree.prove_inclusion`.
        root: Of the log at that size, from a signed checkpoint.

    Raises:
        AuditLogInvalid: It does not, or the path has another length.

    Spec: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise AuditLogInvalid(f"no entry {index} in a log of {size}")
    at, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise AuditLogInvalid("the inclusion path is too long")
        if at & 1 or at == last:
            node = hash_inner(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hash_inner(node, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or node != root:
        raise AuditLogInvalid(f"entry {index} is not in the log of this root")


def check_consistency(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> None:
    """Hold that a log of `second` entries begins with all that it had at `first`.

    Args:
        first: The earlier size, from 1.
        second: The later size.
        path: From `Tree.prove_consistency`.
        first_root: The root at `first`.
        second_root: The root at `second`.

    Raises:
        AuditLogInvalid: It does not: an entry was changed, removed or put in between.

    Spec: RFC 9162 section 2.1.4.2.
    """
    if not 1 <= first <= second:
        raise AuditLogInvalid(f"a log of {second} entries is not one of {first} that grew")
    if first == second:
        if path or first_root != second_root:
            raise AuditLogInvalid("two roots of one size")
        return
    nodes = list(path)
    if first & (first - 1) == 0:
        nodes.insert(0, first_root)
    if not nodes:
        raise AuditLogInvalid("the consistency path is too short")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise AuditLogInvalid("the consistency path is too long")
        if at & 1 or at == last:
            old, new = hash_inner(node, old), hash_inner(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = hash_inner(new, node)
        at, last = at >> 1, last >> 1
    if last != 0 or old != first_root or new != second_root:
        raise AuditLogInvalid(f"the log of {second} entries does not begin as the one of {first} did")


def _split(width: int) -> int:
    """Return the largest power of two below `width`, which is at least 2."""
    return 1 << (width - 1).bit_length() - 1
