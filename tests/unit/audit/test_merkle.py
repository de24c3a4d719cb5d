"""The Merkle tree against RFC 9162's own definition, and its proofs against every change."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdid.audit.merkle import EMPTY_ROOT, Tree, check_consistency, check_inclusion, hash_leaf
from agentdid.errors import AuditLogInvalid

# The tree heads of Certificate Transparency's own reference tests (RFC 6962 and 9162 hash alike), entries in hex.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _tree(entries: list[bytes]) -> Tree:
    tree = Tree()
    for entry in entries:
        tree.append(hash_leaf(entry))
    return tree


def _mth(entries: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, as it stands there."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return sha256(b"\1" + _mth(entries[:half]) + _mth(entries[half:])).digest()


def test_published_roots() -> None:
    """The roots of the published entries at every size."""
    tree = _tree([bytes.fromhex(each) for each in ENTRIES])

    assert EMPTY_ROOT == Tree().root()
    assert ROOTS == [tree.root(size).hex() for size in range(1, 9)]


@pytest.mark.parametrize("size", range(34))
def test_every_root_and_proof(size: int) -> None:
    """Every size: the root is the definition's; every entry is proven, and every earlier size."""
    entries = [bytes((each,)) * each for each in range(size)]
    tree = _tree(entries)
    root = tree.root()

    assert _mth(entries) == root
    for index, entry in enumerate(entries):
        check_inclusion(hash_leaf(entry), index, size, tree.prove_inclusion(index), root)
    for first in range(1, size + 1):
        check_consistency(first, size, tree.prove_consistency(first), tree.root(first), root)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=70), st.data())
def test_a_change_anywhere_is_found(entries: list[bytes], data: st.DataObject) -> None:
    """An entry changed, removed or put in, and a proof with another bit, length, index or size: none of them holds."""
    tree = _tree(entries)
    size, root = len(entries), tree.root()
    index = data.draw(st.integers(0, size - 1))
    path = tree.prove_inclusion(index)
    other = data.draw(st.binary(max_size=8).filter(lambda each: each != entries[index]))
    with pytest.raises(AuditLogInvalid):
        check_inclusion(hash_leaf(other), index, size, path, root)
    for wrong in (path[:-1], (*path, root), tuple(_flip(each, data) for each in path)):
        with pytest.raises(AuditLogInvalid):
            check_inclusion(hash_leaf(entries[index]), index, size, wrong, root)
    changed = list(entries)
    changed[index] = other
    first = data.draw(st.integers(index + 1, size))
    rewritten = _tree(changed)
    with pytest.raises(AuditLogInvalid):
        check_consistency(first, size, rewritten.prove_consistency(first), tree.root(first), rewritten.root())
    with pytest.raises(AuditLogInvalid):
        check_consistency(size, first - 1, (), root, tree.root(first - 1))


def _flip(node: bytes, data: st.DataObject) -> bytes:
    at = data.draw(st.integers(0, 255))
    octets = bytearray(node)
    octets[at >> 3] ^= 1 << (at & 7)
    return bytes(octets)


@pytest.mark.parametrize("size", range(1, 20))
def test_a_consistency_path_of_another_length(size: int) -> None:
    """Shorter and longer paths, and equal sizes with a path."""
    tree = _tree([bytes((each,)) for each in range(size)])
    for first in range(1, size + 1):
        path = tree.prove_consistency(first)
        for wrong in (path[:-1] if path else (tree.root(),), (*path, tree.root())):
            with pytest.raises(AuditLogInvalid):
                check_consistency(first, size, wrong, tree.root(first), tree.root())


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 4)])
def test_what_there_is_no_proof_of(index: int, size: int) -> None:
    """Entries and sizes that the log does not have are the caller's mistake, or no proof."""
    tree = _tree([b"a", b"b", b"c"])
    with pytest.raises(ValueError, match="no "):
        tree.prove_inclusion(index, size)
    if size <= index:
        with pytest.raises(AuditLogInvalid):
            check_inclusion(hash_leaf(b"a"), index, size, (), tree.root())
    with pytest.raises(ValueError, match="no tree"):
        tree.prove_consistency(4)
    with pytest.raises(ValueError, match="no tree"):
        tree.prove_consistency(0)
