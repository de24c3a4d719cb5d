"""The deny list in Valkey or Redis, beside the nonces: one hash, read by one command for all names.

A field is a name; its value says until when it counts (in ms, 0 for ever), then the entry as JSON, so that the script
of `storage.valkey` reads it too. It lasts as long as what the server keeps: entries that must outlive a flush stand in
the trust file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from msgspec.json import decode

from agentdid.codec.strict_json import encode
from agentdid.errors import StoreUnavailable
from agentdid.storage.memory_denied import CLEAR, UNAVAILABLE, place_of
from agentdid.trust.denied import DenyEntry, name_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# one hash tag, so that a cluster keeps all of one store in one place, as a script needs
PREFIX: Final = b"{agentdid:takes}:"
DENIED: Final = b"denied"


@final
class ValkeyDenied:
    """The deny list of all processes that share one server."""

    def __init__(self, client: Any, key: Callable[[], bytes]) -> None:  # noqa: ANN401  # redis.Redis, an extra
        self._client = client
        self._key = key

    def find(self, names: tuple[str, ...], at: datetime) -> str:
        """Return "clear", "denied:<place>" or "unavailable"; of a server that lost its state always the last."""
        try:
            with self._client.pipeline(transaction=True) as both:
                both.get(PREFIX + b"state")
                both.hmget(PREFIX + DENIED, names)
                state, held = both.execute()
        except valkey_errors():
            return UNAVAILABLE
        if state != self._key():
            return UNAVAILABLE
        counting = {
            name for name, value in zip(names, held, strict=True) if value is not None and _read(value).counts_at(at)
        }
        return place_of(names, counting) or CLEAR

    def add(self, entry: DenyEntry) -> bool:
        """Write an entry, in place of an older one; return whether there was none. Raises `StoreUnavailable`."""
        ends = 0 if entry.until is None else round(entry.until.timestamp() * 1_000)
        try:
            return bool(self._client.hset(PREFIX + DENIED, entry.name, b"%d %s" % (ends, encode(entry.encode()))))
        except valkey_errors() as error:
            raise _unavailable(error) from None

    def remove(self, kind: str, value: str) -> bool:
        """Take an entry off the list; return whether there was one. Raises `StoreUnavailable`."""
        try:
            return bool(self._client.hdel(PREFIX + DENIED, name_of(kind, value)))
        except valkey_errors() as error:
            raise _unavailable(error) from None

    def entries(self) -> list[DenyEntry]:
        """Return all that is on it, by kind and value. Raises `StoreUnavailable`."""
        try:
            held = self._client.hvals(PREFIX + DENIED)
        except valkey_errors() as error:
            raise _unavailable(error) from None
        return sorted((_read(value) for value in held), key=lambda each: (each.kind, each.value))


def valkey_errors() -> tuple[type[Exception], ...]:
    """Return what a client raises when its server does not do what it should."""
    from redis.exceptions import RedisError  # noqa: PLC0415  # an extra

    return (RedisError, OSError)


def _read(value: bytes) -> DenyEntry:
    return DenyEntry.decode(decode(value.partition(b" ")[2]))


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"the server did not answer ({type(error).__name__})")
