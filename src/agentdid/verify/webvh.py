"""did:webvh in a judgement: the log and what its witnesses say are asked for, verified, and held against what was seen.

* The order is: log, witnesses, high-water mark. Only a log that holds in all else can move the mark.
* A log that is behind the mark, or has another version there, is refused: it was taken back, or there are two of it.
* A judgement as of a past instant uses the version in force then, and neither asks for the mark nor moves it: what it
  was given counts as held then.

Spec: did:webvh 1.0, Read (Resolve); PROTOCOL section 3.3; ATTACKS layer J.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.did.resolve import WITNESS_ACCEPT, Ask
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.log import History, Version, check_clock, parse_log
from agentdid.did.webvh.resolve import document_of, find_at
from agentdid.did.webvh.witness import check_witnesses
from agentdid.errors import (
    DidDeactivated,
    DidDocumentMismatch,
    DidLogInvalid,
    DidLogRollback,
    DidNotFound,
    DidWitnessThreshold,
    EncodingInvalid,
    KeyInvalid,
    PurposeNotAuthorized,
    StoreUnavailable,
)
from agentdid.verify.memory import KnownLog
from agentdid.verify.needs import NeedMark

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from agentdid.did.document import DidDocument
    from agentdid.keys.public import PublicKey
    from agentdid.limits import Limits
    from agentdid.verify.memory import Memory
    from agentdid.verify.needs import Need, Reply, Resource

    Fetch = Callable[[Ask], Generator[Need, Reply, Resource]]


def find_history(
    ask: Ask, fetch: Fetch, memory: Memory, limits: Limits, latest: datetime | None
) -> Generator[Need, Reply, History]:
    """Return the verified log of a did:webvh.

    Args:
        ask: From `did.resolve.plan`.
        fetch: Asks for a document and returns it.
        memory: What was verified before is not verified again.
        limits: Of the log.
        latest: The present, with leeway; `None` for a judgement as of a past instant.

    Raises:
        DidLogInvalid, DidDeactivated, DidWitnessThreshold, FetchTooLarge: By the log.
        DidLogRollback: It does not go on from what was seen.
        StoreUnavailable: The store of marks did not answer.
    """
    named = parse_identifier(ask.did)
    answer = yield from fetch(ask)
    known = memory.logs.find(ask.did.encode())
    history = parse_log(answer.body, known=None if known is None else known.history, limits=limits)
    if history.scid != named.scid:
        raise DidLogInvalid("the log is that of another SCID", path="/1/parameters/scid")
    if latest is not None:
        check_clock(history, latest)
    witnessed = None
    if history.has_witnesses():
        try:
            file = yield from fetch(Ask(ask.did, named.witness_url, WITNESS_ACCEPT))
        except DidNotFound:
            raise DidWitnessThreshold("the log has witnesses, and no file with their proofs is published") from None
        witnessed = file.digest
        if known is None or known.history is not history or known.witnessed != witnessed:
            check_witnesses(history, file.body, limits)
    if latest is not None:
        yield from _check_mark(history)
    if known is None or known.history is not history or known.witnessed != witnessed:
        memory.logs.keep(ask.did.encode(), KnownLog(history, witnessed))
    return history


def current_version(history: History, did: str, at: datetime | None) -> Version:
    """Return the version to judge by: the last one, or the one in force at `at`.

    Raises:
        DidDeactivated: The DID was at its end.
        DidDocumentMismatch: The DID had another name.
        DidNotFound: There was no version yet.

    Spec: did:webvh 1.0, Read (Resolve) step 6; ATTACKS J15.
    """
    version = history.latest if at is None else find_at(history, at)
    if version is None:
        raise DidNotFound(f"{did}: there was no version at the asked instant")
    if version.parameters.deactivated:
        raise DidDeactivated(f"{did}: the DID is deactivated")
    if all(each.did != did for each in history.versions) or version.did != did:
        raise DidDocumentMismatch("the log is that of a DID with another name, or of one that moved", path="/id")
    return version


def find_past_key(
    history: History, did: str, method_id: str, relationship: str, signed_at: datetime, at: datetime
) -> PublicKey:
    """Return the key that a DID listed when a credential says it was signed, if none of its later versions revoked it.

    Args:
        history: The log.
        did: Whose key.
        method_id: Its id.
        relationship: What it must have been listed under.
        signed_at: When the signer claims to have signed.
        at: The instant of the judgement.

    Raises:
        PurposeNotAuthorized: It was not listed so then, or was revoked since.

    Spec: PROTOCOL section 3.3, `keys_at = "signing"`.
    """
    version = find_at(history, signed_at)
    if version is None or version.did != did:
        raise PurposeNotAuthorized("the DID did not exist when the credential says it was signed")
    key = document_of(version, did).find_key(method_id, relationship, signed_at)
    for later in history.versions[version.number :]:
        if later.time <= at and _is_revoked(document_of(later, later.did), key):
            raise PurposeNotAuthorized("the key was revoked since")
    return key


def _is_revoked(document: DidDocument, key: PublicKey) -> bool:
    """Whether a document lists a key, under whatever id, as revoked at any instant: its thief picks the time."""
    for method in document.methods.values():
        try:
            if method.revoked is not None and method.public_key() == key:
                return True
        except (KeyInvalid, EncodingInvalid):
            continue  # no key, so not this one
    return False


def _check_mark(history: History) -> Generator[Need, Reply, None]:
    answer = yield NeedMark(history.scid, tuple([each.version_id for each in history.versions]))
    if answer == "behind":
        raise DidLogRollback("the log ends before a version that was seen")
    if answer == "forked":
        raise DidLogRollback("the log has another version where one was seen")
    if answer != "kept":
        raise StoreUnavailable("the store of versions seen did not answer")
