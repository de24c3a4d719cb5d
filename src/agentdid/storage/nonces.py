"""Nonces: handed out without being stored, and consumed once, here in the memory of one process.

A nonce carries its own end and a MAC under a key that is born and lost together with the set of consumed ones: when
that set is lost (a restart, a restore), every nonce from before is unknown, so nothing can be answered twice. Several
processes share theirs in `storage.replay`.
"""

from __future__ import annotations

import hmac
import secrets
from bisect import bisect_right
from datetime import timedelta
from heapq import heappop, heappush
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import Malformed
from agentdid.limits import DEFAULT, Limits
from agentdid.storage.spending import DONE, REPLAYED, SLACK_S, TAKEN, UNAVAILABLE, settle

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.delegation.charges import Spend
    from agentdid.storage.denied import DeniedStore
    from agentdid.storage.memory_denied import MemoryDenied

_RANDOM_BYTES: Final = 16
_END_BYTES: Final = 8
_MAC_BYTES: Final = 16
_NONCE_CHARS: Final = -(-(_RANDOM_BYTES + _END_BYTES + _MAC_BYTES) * 4 // 3)
KEY_BYTES: Final = 32
_CALL, _TOTAL, _REQUEST = range(3)
_CLEAR: Final = "clear"


class NonceStore(Protocol):
    """Hands nonces out, and takes each back once."""

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce."""
        ...

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        ...

    def take(
        self,
        audience: str,
        nonce: str,
        keep_until: datetime,
        at: datetime,
        spend: Spend | None = None,
        names: tuple[str, ...] = (),
    ) -> str:
        """Consume atomically, what is spent with it too, if none of `names` is denied; see `verify.needs.Takes`."""
        ...

    @property
    def denied(self) -> DeniedStore:
        """The deny list beside it."""
        ...

    def close(self) -> None:
        """Let go of the file or the connections, if it has any."""
        ...


@final
class MemoryTakes:
    """Nonces and counters of one process. Its end is the end of every nonce it handed out, and of what it counted."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._key = secrets.token_bytes(KEY_BYTES)
        self._taken: set[tuple[str, str]] = set()
        self._ends: list[tuple[float, tuple[str, str]]] = []  # a heap, the next to be forgotten first
        self._forgotten = 0.0
        self._book = MemoryBook()
        self._lock = Lock()
        self._denied: MemoryDenied | None = None

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return check(self._key, nonce, at)

    @property
    def denied(self) -> MemoryDenied:
        """The deny list beside it, which ends with the process too."""
        with self._lock:
            if self._denied is None:
                from agentdid.storage.memory_denied import MemoryDenied  # noqa: PLC0415  # most verifiers deny nobody

                self._denied = MemoryDenied()
            return self._denied

    def take(
        self,
        audience: str,
        nonce: str,
        keep_until: datetime,
        at: datetime,
        spend: Spend | None = None,
        names: tuple[str, ...] = (),
    ) -> str:
        """Consume atomically; when full, new ones are "unavailable", and none is forgotten early."""
        if names and (found := self.denied.find(names, at)) != _CLEAR:
            return found
        entry, now = (audience, nonce), at.timestamp()
        last_use, keep = times(self._key, nonce, keep_until)
        with self._lock:
            while self._ends and self._ends[0][0] < now:
                until, past = heappop(self._ends)
                self._taken.discard(past)
                self._forgotten = max(self._forgotten, until)
            if entry in self._taken:
                return REPLAYED
            if last_use <= self._forgotten or len(self._taken) >= self._limits.max_nonces:
                return UNAVAILABLE
            answer = TAKEN if spend is None else self._book.settle(spend, now, self._limits.max_counted)
            if answer in DONE:
                self._taken.add(entry)
                heappush(self._ends, (keep, entry))
            return answer

    def close(self) -> None:
        """Nothing is held open."""


@final
class MemoryBook:
    """Counters in memory, held by whoever holds the lock."""

    def __init__(self) -> None:
        self._calls: dict[str, list[float]] = {}
        self._totals: dict[str, int] = {}
        self._requests: dict[str, str] = {}
        self._ends: list[tuple[float, int, str]] = []  # a heap: until when, what kind, which
        self._forgotten = 0.0

    def settle(self, spend: Spend, at: float, most: int) -> str:
        """Charge by `spending.settle`, after forgetting what has ended; when full, nothing is counted any more."""
        while self._ends and self._ends[0][0] < at - SLACK_S:
            until, kind, key = heappop(self._ends)
            if kind == _CALL:
                self._end_call(key)
            elif kind == _TOTAL:
                self._totals.pop(key, None)
            else:
                self._requests.pop(key, None)
                continue
            self._forgotten = max(self._forgotten, until)
        if len(self._ends) + len(spend.charges) >= most:
            return UNAVAILABLE
        return settle(self, spend, at, self._forgotten)

    def _end_call(self, key: str) -> None:
        calls = self._calls.get(key)
        if calls:
            calls.pop(0)
            if not calls:
                del self._calls[key]

    def find_request(self, name: str) -> str | None:
        """Return the fingerprint that was charged under a name."""
        return self._requests.get(name)

    def newest(self, key: str) -> float:
        """Return the instant of the last call, or 0."""
        calls = self._calls.get(key)
        return calls[-1] if calls else 0.0

    def calls(self, key: str, after: float) -> int:
        """Return how many calls came after an instant."""
        calls = self._calls.get(key, ())
        return len(calls) - bisect_right(calls, after)

    def find_total(self, key: str) -> int | None:
        """Return what a counter has reached."""
        return self._totals.get(key)

    def add_call(self, key: str, at: float, keep_until: float) -> None:
        """Count a call; instants never go back, by `spending.settle`."""
        self._calls.setdefault(key, []).append(at)
        heappush(self._ends, (keep_until, _CALL, key))

    def set_total(self, key: str, total: int, keep_until: float) -> None:
        """Set what a counter has reached."""
        if key not in self._totals:
            heappush(self._ends, (keep_until, _TOTAL, key))
        self._totals[key] = total

    def add_request(self, name: str, fingerprint: str, keep_until: float) -> None:
        """Remember what was charged under a name."""
        self._requests[name] = fingerprint
        heappush(self._ends, (keep_until, _REQUEST, name))


def issue(key: bytes, at: datetime, limits: Limits) -> str:
    """Return a fresh nonce, good for `nonce_life_s` from `at`."""
    end = int((at + timedelta(seconds=limits.nonce_life_s)).timestamp())
    body = secrets.token_bytes(_RANDOM_BYTES) + end.to_bytes(_END_BYTES, "big")
    return encode_base64url(body + _mac(key, body))


def check(key: bytes, nonce: str, at: datetime) -> str:
    """Return "ours", "expired" or "unknown" for a nonce under this key.

    One that looks like ours and was made under another key is from before the store was lost, for all that can be told:
    it has ended with it (ATTACKS P03).
    """
    if _find_body(nonce) is None:
        return "unknown"
    end = _find_end(key, nonce)
    return "ours" if end is not None and at.timestamp() <= end else "expired"


def times(key: bytes, nonce: str, keep_until: datetime) -> tuple[float, float]:
    """Return until when a nonce can be answered, and until when it is kept: never less.

    A nonce whose last use is not after the newest forgotten one may itself have been forgotten (the clock went
    forward, then back, ATTACKS P10), and is not taken.
    """
    end, keep = _find_end(key, nonce), keep_until.timestamp()
    return (keep, keep) if end is None else (end, max(keep, end))


def _find_end(key: bytes, nonce: str) -> int | None:
    raw = _find_body(nonce)
    if raw is None or not hmac.compare_digest(raw[-_MAC_BYTES:], _mac(key, raw[:-_MAC_BYTES])):
        return None
    return int.from_bytes(raw[_RANDOM_BYTES:-_MAC_BYTES], "big")


def _find_body(nonce: str) -> bytes | None:
    """Return the bytes of a nonce that has the form of ours."""
    if len(nonce) != _NONCE_CHARS:
        return None
    try:
        return decode_base64url(nonce)
    except Malformed:
        return None


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
