"""Links that this verifier has verified before: taken apart once, their signatures checked once.

What is remembered of a link is what its bytes alone decide: its parts, the key under which its signatures held, and
that it is narrower than the parent it came with. Everything else is judged anew every time: whose key it is now, for
which purpose, until when, pins, parent digest, validity, status, trust. Rules:

* A link is known by the SHA-256 of all of it: the token with its disclosures, or the JSON text with its proofs.
* It counts only under the very key (and the very limits) that it was verified with.
* Only links of chains whose signatures held are kept, up to a size and a number; strangers fill nothing.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, final

from agentdid.codec.strict_json import encode
from agentdid.record import Value

if TYPE_CHECKING:
    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.keys.public import PublicKey
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case
    from agentdid.verify.states import Link

MAX_BYTES: Final = 16_384
"""A longer link is verified each time: a delegate must not make us hold megabytes."""


@final
class KnownLink(Value, frozen=True, eq=False):
    """A link whose signatures held.

    Attributes:
        secured: Its parts.
        credential: What it says.
        capability: What it grants.
        limits: Under which it was read.
        keys: Under which its signatures held, in their order.
    """

    secured: Secured
    credential: Credential
    capability: Capability
    limits: Limits
    keys: tuple[PublicKey, ...]


def find_known_link(case: Case, text: bytes, position: int) -> KnownLink | None:
    """Return what is known of the link at `position`, and note by what it is known; `None` for a new one.

    Args:
        case: Of the judgement; `case.digests` is set.
        text: All of the link.
        position: Where it stands among the credentials of the input.
    """
    if len(text) > MAX_BYTES:
        return None
    digest = case.digests[position] = sha256(text).digest()
    known = case.memory.links.find(digest)
    return known if known is not None and known.limits == case.question.trust.limits else None


def text_of(item: object) -> bytes:
    """Return all of a link as one text: a compact token, or the JSON text of an object."""
    return item.encode("utf-8", "surrogatepass") if isinstance(item, str) else encode(item)


def has_held(case: Case, link: Link, keys: tuple[PublicKey, ...]) -> bool:
    """Whether the very same link's signatures held before under these very keys."""
    digest = case.digests.get(link.position)
    known = None if digest is None else case.memory.links.find(digest)
    return known is not None and known.secured is link.secured and known.keys == keys


def keep_link(case: Case, link: Link, keys: tuple[PublicKey, ...]) -> None:
    """Remember a link of a chain whose signatures just held under `keys`."""
    digest = case.digests.get(link.position)
    if digest is not None and link.capability is not None:
        known = KnownLink(link.secured, link.credential, link.capability, case.question.trust.limits, keys)
        case.memory.links.keep(digest, known)
