"""What an issuer is asked for, what it needs to carry it out, and what it hands over."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.strict_json import encode
from agentdid.record import Value
from agentdid.secure import sd_jwt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agentdid.delegation.link import ParentLink
    from agentdid.issuer.status_ledger import Wanted
    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer
    from agentdid.verify.states import Link

DEFAULT_TTL: Final = timedelta(hours=1)
BITSTRING: Final = "bitstring"
TOKEN_LIST: Final = "token"  # noqa: S105  # a kind of status list


@final
class Issued(Value, frozen=True):
    """A freshly minted credential.

    Attributes:
        id: The credential's `id`, by which it is revoked.
        credential: Compact text, or an object with its proof.
        chain: It and every link above it, root first.
        list_url: The status list that says whether it is revoked.
        index: Its entry there.
        repeated: Whether an idempotency key named it: it was issued before.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"credential", "chain"})

    id: str
    credential: str | dict[str, object]
    chain: tuple[str | dict[str, object], ...]
    list_url: str
    index: int
    repeated: bool = False


@final
class Order(Value, frozen=True):
    """One credential to be issued; see `Issuer.issue` for the members."""

    to: str
    capability: Mapping[str, object]
    parent: Sequence[str | dict[str, object]] | None = None
    claims: Mapping[str, object] | None = None
    disclosable: Sequence[tuple[str | int, ...]] = ()
    ttl: timedelta = DEFAULT_TTL
    form: str = sd_jwt.TYP
    status: str = BITSTRING
    suspendable: bool = True
    idempotency_key: str | None = None

    def digest(self) -> bytes:
        """Return what tells this order from another under the same idempotency key."""
        return hashlib.sha256(
            encode(
                {
                    "to": self.to, "capability": self.capability, "parent": self.parent, "claims": self.claims,
                    "disclosable": [list(each) for each in self.disclosable], "ttl": self.ttl.total_seconds(),
                    "form": self.form, "status": self.status, "suspendable": self.suspendable,
                }
            )
        ).digest()  # fmt: skip


@final
class Draft(Value, frozen=True, eq=False):
    """An order that can be carried out, and with what."""

    order: Order
    wanted: Wanted
    signer: Signer
    method_id: str
    above: tuple[Link, ...]
    hangs_on: ParentLink | None


@final
class Blank:
    """A key of the right kind that signs nothing: for the dry run."""

    def __init__(self, public: PublicKey) -> None:
        self.public = public

    def sign(self, message: bytes) -> bytes:  # noqa: ARG002  # a Signer
        """Return zeros of the right length."""
        return bytes(self.public.algorithm.signature_len)


def chunks(orders: Iterable[Order], size: int) -> Iterator[list[Order]]:
    """Yield the orders, so many at a time, taking no more of them than that."""
    waiting = iter(orders)
    while some := list(islice(waiting, size)):
        yield some
