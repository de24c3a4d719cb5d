"""The verifier's deny list: no credential, party or key on it gets any further, whatever else holds.

It is asked once the presenter is known and has answered our challenge, so nobody learns from another's presentation
who is denied; and again in the last step, so that what was written meanwhile counts. One code says it, and nothing
says which of the names it was, but the evidence.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agentdid.codec.base import encode_multibase
from agentdid.did import key as did_key
from agentdid.errors import AgentdidError, Denied, PurposeNotAuthorized, StoreUnavailable
from agentdid.verify.needs import NeedDenied, NeedTake
from agentdid.verify.signatures import find_carried

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from datetime import datetime

    from agentdid.keys.public import PublicKey
    from agentdid.secure.mechanism import Signature
    from agentdid.verify.case import Case
    from agentdid.verify.decide import Decision
    from agentdid.verify.needs import DenyList, Need, Reply
    from agentdid.verify.states import Link

DENIED: Final = "denied:"
"""How an answer begins that says so; the place among the names follows."""
CLEAR: Final = "clear"
_SHA256: Final = b"\x12\x20"
"""The header of a SHA-256 multihash."""


def check_denied(case: Case) -> Generator[Need, Reply, None] | None:
    """Hold that nothing of what was presented is denied; sets `case.names`.

    Raises:
        Denied: A credential, a party or a key is.
        StoreUnavailable: The deny list did not answer.

    Spec: specs/deny-list.md N1-N8.
    """
    case.names = tuple(dict.fromkeys(_names(case)))
    _check_policy(case, case.names)
    return _ask(case.names) if case.question.trust.denies else None


def still_denied(case: Case) -> tuple[str, ...]:
    """Return what the last step asks the list for: all names, and who signed the status lists. Raises `Denied`."""
    more: list[str] = []
    for signature in dict.fromkeys(case.list_signatures):
        more += _of_did(signature.did)
        more += _of_keys(_keys(case, (signature,)))
    names = tuple(dict.fromkeys((*case.names, *more)))
    _check_policy(case, names[len(case.names) :])
    return names if case.question.trust.denies else ()


def _ask(names: tuple[str, ...]) -> Generator[Need, Reply, None]:
    answer = yield NeedDenied(names)
    if isinstance(answer, str) and answer.startswith(DENIED):
        raise Denied("this verifier denies it")
    if answer != CLEAR:
        raise StoreUnavailable("the deny list did not answer")


def _check_policy(case: Case, names: Iterable[str]) -> None:
    denied = case.question.trust.denied
    if denied and any(name in denied and denied[name].counts_at(case.question.at) for name in names):
        raise Denied("this verifier denies it")


def _names(case: Case) -> Iterator[str]:
    """Yield the name of each credential, party and key of the input: links root first, the presentation last."""
    for link in case.parsed.links:
        if link.credential.id is not None:
            yield f"credential {link.credential.id}"
        yield f"credential {encode_multibase(_SHA256 + link.secured.digest, 'u')}"
        for did in (link.credential.issuer, *link.credential.subjects):
            if did is not None:
                yield from _of_did(did)
        yield from _of_keys(_keys(case, link.secured.signatures, link))
        for signature in link.secured.signatures:
            yield from _of_did(signature.did)
    presentation = case.parsed.presentation
    if presentation is not None:
        for did in (presentation.signer, case.parsed.holder):
            if did is not None:
                yield from _of_did(did)
        yield from _of_keys(_keys(case, presentation.signatures))
    for signature in case.list_signatures:  # of the trust lists that let the issuer; status is looked at later
        yield from _of_did(signature.did)
        yield from _of_keys(_keys(case, (signature,)))


def _of_did(did: str) -> tuple[str, ...]:
    if not did.startswith(did_key.PREFIX):
        return (f"did {did}",)
    return _of_did_key(did) if len(did) <= did_key.MAX_REMEMBERED else _spell(did)


def _spell(did: str) -> tuple[str, ...]:
    try:
        key = did_key.public_key(did)
    except AgentdidError:
        return (f"did {did}",)  # no key, so nobody signs by it
    return (f"did {did_key.create(key)}", *_thumbprints(key))


_of_did_key = lru_cache(maxsize=1024)(_spell)


def _of_keys(keys: Iterable[PublicKey]) -> Iterator[str]:
    for key in keys:
        yield from _thumbprints(key)


@lru_cache(maxsize=512)
def _thumbprints(key: PublicKey) -> tuple[str, ...]:
    """Return the names of a key, and of the components of a composite one: whoever has one has half of it."""
    from agentdid.keys.composite import components  # noqa: PLC0415  # few keys are
    from agentdid.keys.jwk import thumbprint  # noqa: PLC0415  # most verifiers have no deny list

    return tuple(f"key {thumbprint(each)}" for each in (key, *components(key)))


def _keys(case: Case, signatures: Iterable[Signature], link: Link | None = None) -> Iterator[PublicKey]:
    """Yield the keys that signatures held under; all documents are at hand by now."""
    for signature in signatures:
        try:
            key = find_carried(case, signature, signature.purpose)
        except PurposeNotAuthorized:
            key = _past_key(case, signature, link)
        if key is not None:
            yield key


def _past_key(case: Case, signature: Signature, link: Link | None) -> PublicKey | None:
    """Return the key of a link that was judged by those of its signing (`Anchor.keys_at`)."""
    history = case.histories.get(signature.did)
    signed_at = None if link is None else link.secured.created or link.credential.valid_from
    if history is None or signed_at is None:
        return None
    from agentdid.verify.webvh import find_past_key  # noqa: PLC0415  # most judgements meet no did:webvh

    return find_past_key(history, signature.did, signature.method_id, signature.purpose, signed_at, case.question.at)


def check_still(decision: Decision, denied: DenyList, at: datetime) -> None:
    """Hold that nothing a decision rests on has been denied since it was made.

    Raises:
        Denied: Something was.
        StoreUnavailable: The list did not answer, or there was none when the decision was made: judge again.

    Spec: specs/deny-list.md N10.
    """
    asked = [need.names for need, _ in decision.exchange if isinstance(need, NeedDenied | NeedTake)]
    answer = denied.find(asked[-1], at) if asked and asked[-1] else ""
    if answer.startswith(DENIED):
        raise Denied("this verifier denies it")
    if answer != CLEAR:
        raise StoreUnavailable("the deny list did not answer")
