"""What signatures withstand, held against what is asked: by each link of the chain, by the policy, by the signer's DID.

* Every step counts: each link, each other credential, the presentation, each status list.
* What the chain's links ask for (`minSecurity`), the highest of it, every step of the chain meets.
* What an anchor asks for, every step under it meets; where no anchor speaks, `hybrid-if-declared`.
* `hybrid-if-declared`: a DID that lists keys of both kinds, or of which a post-quantum signature was seen before, does
  not sign with a classical one alone. What was seen is remembered beside the marks of did:webvh, and outlives this
  process where they do.

Spec: specs/proof-sets.md P9-P14; PROTOCOL section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import EncodingInvalid, ExtraMissing, HybridComponentMissing, KeyInvalid, StoreUnavailable
from agentdid.secure.mechanism import SECURITY_LEVELS, level_of
from agentdid.verify.needs import NeedMark

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from agentdid.did.document import DidDocument
    from agentdid.secure.mechanism import Signature
    from agentdid.trust.anchor import Anchor
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link

CLASSICAL, PQ, HYBRID = SECURITY_LEVELS
IF_DECLARED: Final = "hybrid-if-declared"
_LAX: Final = "classical-ok"
_WEAKEST: Final = {_LAX: CLASSICAL, IF_DECLARED: CLASSICAL, "pq-required": PQ, "hybrid-required": HYBRID}
_SEEN: Final = "pq:"
"""Before a DID, in the store of marks; no SCID of a did:webvh looks so."""


def weakest(levels: Iterable[str]) -> str:
    """Return the weakest of some levels; `classical` of none."""
    return min(levels, key=SECURITY_LEVELS.index, default=CLASSICAL)


def find_needed(links: Iterable[Link]) -> str:
    """Return what the links of a chain ask of every step: the highest `minSecurity` among them."""
    asked = [link.capability.min_security for link in links if link.capability is not None]
    return max(asked, key=SECURITY_LEVELS.index, default=CLASSICAL)


def check_level(case: Case, level: str, path: str) -> None:
    """Hold that a step is as strong as the chain asks. Raises `HybridComponentMissing`."""
    if SECURITY_LEVELS.index(level) < SECURITY_LEVELS.index(case.needed):
        raise HybridComponentMissing(f"the chain asks for {case.needed} signatures, got {level}", path=path)


def fitting_anchors(anchors: tuple[Anchor, ...], level: str, path: str) -> tuple[Anchor, ...]:
    """Return the anchors for which signatures of a level are enough. Raises `HybridComponentMissing` for none."""
    strength = SECURITY_LEVELS.index(level)
    fitting = tuple([each for each in anchors if strength >= SECURITY_LEVELS.index(_WEAKEST[each.security])])
    if anchors and not fitting:
        raise HybridComponentMissing(f"the anchor asks for post-quantum signatures, got {level}", path=path)
    return fitting


def hold_anchors(case: Case, links: Iterable[Link], level: str, path: str) -> None:
    """Hold that a step under links is strong enough for an anchor of each. Raises `HybridComponentMissing`."""
    for link in links:
        anchors = case.anchors.get(link.position, ())
        fitting = fitting_anchors(anchors, level, path)
        if len(fitting) < len(anchors):
            case.keep_anchors(link, fitting)


def check_declared(
    case: Case, signatures: tuple[Signature, ...], links: tuple[Link, ...], path: str
) -> Generator[Need, Reply, None]:
    """Hold that a DID that has both kinds of keys did not sign with a classical one alone.

    Sets `case.downgraded` where the policy takes it all the same (`classical-ok`).

    Args:
        case: The judgement.
        signatures: Of one step; they held.
        links: Whose anchors speak for it.
        path: Where it stands.

    Raises:
        HybridComponentMissing: It did.
        StoreUnavailable: Whether it was seen could not be found out.

    Spec: specs/proof-sets.md P12-P13; ATTACKS S01, S07.
    """
    level, did = level_of(signatures), signatures[0].did
    seen = case.seen.get(did)
    if seen is None or (level != CLASSICAL and not seen):
        # only a document that can change could leave the other kind of key out
        changing = did in case.asked and not case.question.historical
        seen = case.seen[did] = changing and (yield from _ask_seen(did, level))
    document = case.documents.get(did)  # none where a signed claim carried the key itself: that one key is all there is
    if level != CLASSICAL or not (seen or (document and _declares_both(document, signatures[0].purpose))):
        return
    for link in links:
        anchors = case.anchors.get(link.position, ())
        lax = tuple([each for each in anchors if each.security == _LAX])
        if not lax:
            raise HybridComponentMissing("the signer has post-quantum keys, and signed without one", path=path)
        case.keep_anchors(link, lax)
    case.downgraded = True


def _ask_seen(did: str, level: str) -> Generator[Need, Reply, bool]:
    """Return whether a post-quantum signature of a DID was seen; if this is one, it is from now on."""
    answer = yield NeedMark(f"{_SEEN}{did}", () if level == CLASSICAL else (PQ,))
    if answer not in ("kept", "behind"):
        raise StoreUnavailable("the store of signatures seen did not answer")
    return level != CLASSICAL or answer == "behind"


def _declares_both(document: DidDocument, relationship: str) -> bool:
    listed = document.relationships.get(relationship, frozenset())
    if len(listed) < 2:  # noqa: PLR2004  # a kind each
        return False
    kinds = set()
    for name in listed:
        try:
            kinds.add(document.methods[name].public_key().algorithm.security)
        except (KeyError, KeyInvalid, EncodingInvalid, ExtraMissing):
            continue  # a bad key harms only who uses it
    return CLASSICAL in kinds and len(kinds) > 1
