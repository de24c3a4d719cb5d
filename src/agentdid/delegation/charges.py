"""What one request costs: the counters that it charges, at every link, and the name under which it is charged once.

Pure arithmetic on what was established; who keeps the counters is the verifier's store (`verify.needs.Takes`). Rules:

* Every exercised grant's limits are charged, the leaf's and each ancestor's, so siblings share what is above them.
* A counter is named by link issuer, link id, grant id and the limit's name: another link's counters are others.
* A budget takes the request's own amount, in the limit's own unit; what cannot be read costs nothing because it was
  never permitted (`find_amount`, asked by `usage.permits`).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, final

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import encode_base64url
from agentdid.delegation.capability import BudgetLimit, CallLimit
from agentdid.delegation.constraints import find_number
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import CapabilityGrant, Limit
    from agentdid.delegation.usage import Request

_ONE: Final = "1"


@final
class Charge(Value, frozen=True):
    """One counter, and by how much one request moves it.

    Attributes:
        key: The counter's name: a digest, the same at every verifier.
        amount: A decimal, not negative.
        maximum: What the counter may reach, inclusive.
        window_s: The length of the sliding window in which it counts; `None` for the link's whole life.
        keep_until: Until when the counter can still be asked for.
        place: Whose limit it is, for people: grant and limit, or the approval's id.
        approval: Whether it is a use of an approval.
        pace: Whether it counts an agent's calls beside what is usual of it (specs/policy.md B20).
    """

    key: str
    amount: str
    maximum: str
    window_s: int | None
    keep_until: datetime
    place: str
    approval: bool = False
    pace: bool = False


@final
class Spend(Value, frozen=True):
    """Everything that one request consumes beside its nonce, all of it or nothing.

    Attributes:
        charges: Of limits first, then one use of each approval.
        request: The name under which it is charged once; `None` where the request has no id.
        fingerprint: What is charged under that name: another call under the same name is a conflict.
        keep_until: How long that name is remembered.
    """

    charges: tuple[Charge, ...]
    request: str | None
    fingerprint: str
    keep_until: datetime


def find_amount(limit: BudgetLimit, arguments: Mapping[str, object]) -> Decimal | None:
    """Return what a request takes of a budget, or `None` where it does not say so, once, in the budget's own unit.

    Spec: specs/delegation.md D28.
    """
    amount = find_number(arguments.get(limit.argument))
    unit = arguments.get(limit.unit_argument)
    return amount if amount is not None and amount >= 0 and type(unit) is str and unit == limit.unit else None


def charges_of(
    links: Iterable[tuple[Credential, CapabilityGrant]], request: Request, keep_until: datetime
) -> tuple[Charge, ...]:
    """Return what the exercised grants' limits are charged, root first.

    Args:
        links: Each link with its exercised grant.
        request: One that every grant permits.
        keep_until: For links whose validity has no end of its own.

    Spec: specs/delegation.md D28-D29.
    """
    charges = []
    for credential, grant in links:
        for name, limit in grant.limits.items():
            key = name_of("limit", credential.issuer, credential.id, grant.id, name)
            until = credential.valid_until or keep_until
            charges.append(_charge(limit, key, request, until, f"{grant.id}/{name}"))
    return tuple(charges)


def use_of(approval: Credential, max_uses: int, keep_until: datetime) -> Charge:
    """Return one use of an approval, of `max_uses` in its life."""
    key = name_of("approval", approval.issuer, approval.id)
    return Charge(key, _ONE, str(max_uses), None, approval.valid_until or keep_until, str(approval.id), approval=True)


def name_of(*parts: str | None) -> str:
    """Return the one name of some parts: no other parts have it, and it tells nothing about them."""
    return encode_base64url(sha256(canonicalize(list(parts))).digest())


def _charge(limit: Limit, key: str, request: Request, keep_until: datetime, place: str) -> Charge:
    if isinstance(limit, CallLimit):
        return Charge(key, _ONE, str(limit.maximum), limit.window_s, keep_until, place)
    amount = find_amount(limit, request.arguments)
    if amount is None:
        message = "a request without a readable amount is not permitted"
        raise TypeError(message)
    return Charge(key, format(amount, "f"), format(limit.maximum, "f"), None, keep_until, place)
