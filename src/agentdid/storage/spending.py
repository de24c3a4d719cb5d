"""Counters: the one law by which every store charges, over whatever keeps the numbers.

A store hands its `Book`, locked for what is charged, to `settle`: everything is looked at first, then everything is
written, so a refusal has changed nothing. Amounts are whole numbers of 10^-62, exact for every decimal of 64
characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from agentdid.delegation.charges import Charge, Spend

TAKEN: Final = "taken"
REPEATED: Final = "repeated"
"""The nonce was taken; everything else was charged before, under the same request id."""
REPLAYED: Final = "replayed"
DONE: Final = frozenset({TAKEN, REPEATED})
UNAVAILABLE: Final = "unavailable"
CONFLICT: Final = "conflict"
EXCEEDED: Final = "exceeded"
"""Followed by a colon and the charge's place in `Spend.charges`."""
SCALE: Final = 62
"""Digits after the point: a decimal of 64 characters has a digit and a point before them."""
SLACK_S: Final = 60.0
"""What has ended is kept this much longer: clocks of verifiers that share a store differ."""


class Book(Protocol):
    """The numbers, as they stand for one transaction."""

    def find_request(self, name: str) -> str | None:
        """Return the fingerprint that was charged under a name."""
        ...

    def newest(self, key: str) -> float:
        """Return the instant of the last call that a counter has seen, or 0."""
        ...

    def calls(self, key: str, after: float) -> int:
        """Return how many calls a counter has seen after an instant."""
        ...

    def find_total(self, key: str) -> int | None:
        """Return what a counter has reached, or `None` where it is not known."""
        ...

    def add_call(self, key: str, at: float, keep_until: float) -> None:
        """Count a call."""
        ...

    def set_total(self, key: str, total: int, keep_until: float) -> None:
        """Set what a counter has reached."""
        ...

    def add_request(self, name: str, fingerprint: str, keep_until: float) -> None:
        """Remember what was charged under a name."""
        ...


def settle(book: Book, spend: Spend, at: float, forgotten: float) -> str:
    """Charge everything, or nothing; return "taken", "repeated", "conflict", "exceeded:…", "unavailable".

    Args:
        book: Locked against everybody else who charges the same.
        spend: What is charged.
        at: Now.
        forgotten: The end of the newest counter that was given up: a total that ended no later may be it, so it
            is not begun anew.

    Spec: specs/delegation.md D28-D31.
    """
    if spend.request is not None:
        known = book.find_request(spend.request)
        if known is not None:
            return REPEATED if known == spend.fingerprint else CONFLICT
    totals: dict[str, int] = {}
    instants: dict[str, float] = {}
    for place, charge in enumerate(spend.charges):
        if charge.window_s is not None:
            if at < forgotten:
                return UNAVAILABLE  # the clock went back to before what was given up: there may have been calls
            # a clock that went back opens no new window: the window ends at the newest call
            now = instants[charge.key] = max(at, book.newest(charge.key))
            if book.calls(charge.key, now - charge.window_s) >= int(charge.maximum):
                return f"{EXCEEDED}:{place}"
            continue
        total = book.find_total(charge.key)
        if total is None and charge.keep_until.timestamp() <= forgotten:
            return UNAVAILABLE
        totals[charge.key] = (total or 0) + units(charge.amount)
        if totals[charge.key] > units(charge.maximum):
            return f"{EXCEEDED}:{place}"
    _write(book, spend.charges, totals, instants)
    if spend.request is not None:
        book.add_request(spend.request, spend.fingerprint, spend.keep_until.timestamp())
    return TAKEN


def _write(book: Book, charges: tuple[Charge, ...], totals: dict[str, int], instants: dict[str, float]) -> None:
    for charge in charges:
        if charge.window_s is not None:
            now = instants[charge.key]
            book.add_call(charge.key, now, now + charge.window_s)
        else:
            book.set_total(charge.key, totals[charge.key], charge.keep_until.timestamp())


def units(amount: str) -> int:
    """Return a decimal that is not negative as a whole number of 10^-62."""
    whole, _, fraction = amount.partition(".")
    return int(whole + fraction.ljust(SCALE, "0"))
