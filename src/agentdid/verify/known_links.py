"""Credentials that this verifier has verified before: taken apart once; the signatures of a chain's links checked once.

What is remembered is what a text alone decides: its parts, the keys under which a link's signatures held, and that it
is narrower than the parent it came with. Everything else is judged anew every time: whose key it is now, for which
purpose, until when, pins, parent digest, validity, status, trust. Rules:

* A credential is known by all of its text: the token with its disclosures, or the JSON text with its proofs.
* It counts only under the very policy it was read by, and a signature only under the very key that it held under.
* Only credentials whose signatures held are kept, up to a size and a number; strangers fill nothing. One that belongs
  to no chain is kept when it comes again, so that a stream of new ones does not go through the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, final

from msgspec import structs

from agentdid.codec.strict_json import encode
from agentdid.record import Value

if TYPE_CHECKING:
    from msgspec import Raw

    from agentdid.keys.public import PublicKey
    from agentdid.trust.anchors import Trust
    from agentdid.verify.case import Case
    from agentdid.verify.states import Link
    from agentdid.verify.status_list import Entry

Text: TypeAlias = bytes | str
MAX_BYTES: Final = 16_384
"""A longer credential is read each time: a delegate must not make us hold megabytes."""


@final
class KnownLink(Value, frozen=True, eq=False):
    """A credential whose signatures held.

    Attributes:
        text: All of it.
        link: Its parts, shared by all judgements that meet the text: nobody changes them.
        trust: The policy it was read by.
        rdfc_steps: What reading it took of the budget, and takes each time.
        canonical: The text's RFC 8785 form, if it stood in a presentation that signs it.
        keys: Under which its signatures held, in their order; none where they are to be checked every time.
        entries: Where its statuses stand, once they were read, each with the member it came from.
    """

    text: Text
    link: Link
    trust: Trust
    rdfc_steps: int
    canonical: Raw | None
    keys: tuple[PublicKey, ...]
    entries: tuple[tuple[str, Entry], ...] | None = None

    def at(self, position: int) -> Link:
        """Return the credential as it stands at that place of an input."""
        link = self.link
        return link if link.position == position else structs.replace(link, position=position)


def find_known_link(case: Case, text: Text) -> KnownLink | None:
    """Return what is known of a credential's text under the policy of this judgement; `None` for a new one."""
    known = case.memory.links.find(text)
    if known is None:
        return None
    question = case.question
    # what a credential is read as hangs on more than it says: which proofs count, whose types are held, every bound
    if known.trust is not question.trust and known.trust != question.trust:
        return None
    # a holder's base proof is no verifier's link; and what is refused for its cost is refused where that is paid
    return None if question.keeps or known.rdfc_steps > case.budget.rdfc_steps else known


def text_of(item: object) -> Text:
    """Return all of a credential as one text: a compact token, or the JSON text of an object."""
    return item if isinstance(item, str) else encode(item)


def keep_link(case: Case, link: Link, keys: tuple[PublicKey, ...]) -> None:
    """Remember a credential whose signatures just held under `keys`."""
    position, memory = link.position, case.memory
    known = case.known.get(position)
    in_chain = link.capability is not None
    if known is not None:
        if in_chain and memory.signatures:
            case.known[position] = held_now = structs.replace(known, keys=keys)
            memory.links.keep(known.text, held_now)
        return
    new = case.new.get(position)
    if new is None or len(new.text) > MAX_BYTES or not (in_chain or memory.has_met(new.text)):
        return
    held = keys if in_chain and memory.signatures else ()
    trust = case.question.trust
    memory.links.keep(new.text, KnownLink(new.text, link, trust, new.rdfc_steps, new.canonical, held))


@final
class NewText(Value, frozen=True, eq=False):
    """A text that is not known: what it may be remembered by."""

    text: Text
    rdfc_steps: int
    canonical: Raw | None
