"""What every scheme of this package (a module named in a row of the table) can do, and how it is found."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.algorithms import Algorithm


class Scheme(Protocol):
    """One file of mathematics. Its functions take a row of the table and bytes of the row's lengths."""

    def load_public(self, row: Algorithm, raw: bytes) -> Callable[[bytes, bytes], None]:
        """Return what checks `(signature, message)` under a key. Raises `KeyInvalid` for what is no key."""
        ...

    def load_secret(self, row: Algorithm, seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
        """Return the public key of a seed, and what signs. Raises `KeyInvalid` for what is no secret."""
        ...

    def generate_seed(self, row: Algorithm) -> bytes:
        """Return a fresh secret."""
        ...


@cache
def find_scheme(name: str) -> Scheme:
    """Return the module that a row names as its scheme, imported when the first key of it is met."""
    return cast("Scheme", import_module(f"agentdid.keys.{name}"))
