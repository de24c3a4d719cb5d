"""Nonces: handed out without being stored, and consumed once, here in the memory of one process.

A nonce carries its own end and a MAC under a key that is born and lost together with the set of consumed ones: when
that set is lost (a restart, a restore), every nonce from before is unknown, so nothing can be answered twice. Several
processes share theirs in `storage.replay`.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from heapq import heappop, heappush
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import Malformed
from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from datetime import datetime

_RANDOM_BYTES: Final = 16
_END_BYTES: Final = 8
_MAC_BYTES: Final = 16
_NONCE_CHARS: Final = -(-(_RANDOM_BYTES + _END_BYTES + _MAC_BYTES) * 4 // 3)
KEY_BYTES: Final = 32


class NonceStore(Protocol):
    """Hands nonces out, and takes each back once."""

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce."""
        ...

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        ...

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume atomically; return "taken", "replayed" or "unavailable"."""
        ...


@final
class MemoryTakes:
    """Nonces of one process. Its end is the end of every nonce it handed out."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._key = secrets.token_bytes(KEY_BYTES)
        self._taken: set[tuple[str, str]] = set()
        self._ends: list[tuple[float, tuple[str, str]]] = []  # a heap, the next to be forgotten first
        self._forgotten = 0.0
        self._lock = Lock()

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return check(self._key, nonce, at)

    def take(self, audience: str, nonce: str, keep_until: datetime, at: datetime) -> str:
        """Consume atomically; when full, new ones are "unavailable", and none is forgotten early."""
        entry = (audience, nonce)
        last_use, keep = times(self._key, nonce, keep_until)
        with self._lock:
            while self._ends and self._ends[0][0] < at.timestamp():
                until, past = heappop(self._ends)
                self._taken.discard(past)
                self._forgotten = max(self._forgotten, until)
            if entry in self._taken:
                return "replayed"
            if last_use <= self._forgotten or len(self._taken) >= self._limits.max_nonces:
                return "unavailable"
            self._taken.add(entry)
            heappush(self._ends, (keep, entry))
            return "taken"


def issue(key: bytes, at: datetime, limits: Limits) -> str:
    """Return a fresh nonce, good for `nonce_life_s` from `at`."""
    end = int((at + timedelta(seconds=limits.nonce_life_s)).timestamp())
    body = secrets.token_bytes(_RANDOM_BYTES) + end.to_bytes(_END_BYTES, "big")
    return encode_base64url(body + _mac(key, body))


def check(key: bytes, nonce: str, at: datetime) -> str:
    """Return "ours", "expired" or "unknown" for a nonce under this key."""
    end = _find_end(key, nonce)
    if end is None:
        return "unknown"
    return "ours" if at.timestamp() <= end else "expired"


def times(key: bytes, nonce: str, keep_until: datetime) -> tuple[float, float]:
    """Return until when a nonce can be answered, and until when it is kept: never less.

    A nonce whose last use is not after the newest forgotten one may itself have been forgotten (the clock went
    forward, then back, ATTACKS P10), and is not taken.
    """
    end, keep = _find_end(key, nonce), keep_until.timestamp()
    return (keep, keep) if end is None else (end, max(keep, end))


def _find_end(key: bytes, nonce: str) -> int | None:
    if len(nonce) != _NONCE_CHARS:
        return None
    try:
        raw = decode_base64url(nonce)
    except Malformed:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, body)):
        return None
    return int.from_bytes(body[_RANDOM_BYTES:], "big")


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
