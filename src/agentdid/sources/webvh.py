"""did:webvh resolved outside of a judgement: documents, versions, and the files under a DID, from any `Source`.

It drives what `verify.webvh` asks for, so a resolution is held to the same log, witnesses and mark as a verdict.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from agentdid.clock import seconds
from agentdid.codec.instant import parse_instant
from agentdid.did.dereference import VERSIONING
from agentdid.did.resolve import Ask, plan
from agentdid.did.syntax import parse_did_url
from agentdid.did.webvh.resolve import WHOIS_TYPE, document_json, locate, metadata_of, select
from agentdid.errors import (
    CODES,
    AgentdidError,
    DidDeactivated,
    DidInvalid,
    DidMethodUnsupported,
    DidNotFound,
    Undecided,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.sources.source import ANY_TYPE
from agentdid.verify.memory import Memory
from agentdid.verify.needs import Absent, NeedKeys, NeedMark, Resource
from agentdid.verify.webvh import find_history

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    from agentdid.did.webvh.log import History, Version
    from agentdid.verify.needs import Marks, Need, Reply, Source

_WHOIS: Final = "/whois"
_MAX_NUMBER_DIGITS: Final = 9


@final
class Resolved(Value, frozen=True, eq=False):
    """One version of a did:webvh.

    Attributes:
        history: The whole log.
        version: The version that was asked for.
        path: Of the DID URL; empty where it is the DID's own document.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"history"})

    history: History
    version: Version
    path: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The version's document, with the services that the method implies."""
        return document_json(self.version)

    @property
    def metadata(self) -> dict[str, object]:
        """DID document metadata."""
        return metadata_of(self.history, self.version)


def resolve(
    did_url: str,
    source: Source,
    *,
    at: datetime,
    version: Mapping[str, object] | None = None,
    max_age_s: float = 0,
    memory: Memory | None = None,
    marks: Marks | None = None,
    limits: Limits = DEFAULT,
) -> Resolved:
    """Return what a did:webvh, or a DID URL of one with `versionId`, `versionTime` or `versionNumber`, names.

    Args:
        did_url: With any path; its fragment is for the reader of the document.
        source: Where the log and the witness file come from.
        at: The present.
        version: More of the three parameters; one that the DID URL has as well counts there.
        max_age_s: How old the log may be; never older than its own `ttl`.
        memory: What was verified before is not verified again.
        marks: What was seen before; none: nothing was.
        limits: Of the log.

    Raises:
        DidInvalid: No did:webvh, or parameters that cannot be meant.
        DidNotFound and `fetch_…`: The log, or the version, is not to be had.
        DidLogInvalid, DidLogRollback, DidWitnessThreshold, DidDeactivated: By the log.

    Spec: did:webvh 1.0, Read (Resolve) and Reading did:webvh DID URLs.
    """
    parts = parse_did_url(did_url)
    planned = plan(parts.did)
    if not isinstance(planned, Ask) or not parts.did.startswith("did:webvh:"):
        raise DidMethodUnsupported("expected a did:webvh")
    asked = _read_version({**(version or {}), **parts.parameters})
    history = fetch_history(planned, source, at=at, max_age_s=max_age_s, memory=memory, marks=marks, limits=limits)
    found = select(history, **asked)
    # what is written under a DID that changed its name is found under the name that was asked for
    if all(each.did != parts.did for each in history.versions):
        raise DidNotFound("no version of the log is about this DID")
    return Resolved(history, found, parts.path)


def fetch_history(
    ask: Ask,
    source: Source,
    *,
    at: datetime,
    max_age_s: float = 0,
    memory: Memory | None = None,
    marks: Marks | None = None,
    limits: Limits = DEFAULT,
) -> History:
    """Return the verified log, fetched anew where what is held is older than its own `ttl`. Raises as `resolve`."""
    oldest: list[datetime] = []

    def once(bound: float) -> History:
        oldest.clear()
        fetch = partial(_fetch, bound, oldest)
        steps = find_history(ask, fetch, memory or Memory(), limits, at + seconds(limits.leeway_s))
        try:
            need = next(steps)
            while True:
                need = steps.send(_answer(need, source, marks))
        except StopIteration as end:
            found: History = end.value
            return found

    history = once(max_age_s)
    ttl_s = history.latest.parameters.ttl_s
    if ttl_s < max_age_s and any(at - each > seconds(ttl_s) for each in oldest):
        history = once(ttl_s)
    return history


def locate_file(resolved: Resolved, path: str) -> str:
    """Return the URL of the file that a DID URL's path names: `/whois`, or one beside the log.

    Raises:
        DidDeactivated: The DID is at its end, and says nothing any more.
        DidInvalid: A path or a service that cannot be followed.

    Spec: did:webvh 1.0, DID URL Path Resolution and WHOIS Resolution.
    """
    if resolved.version.parameters.deactivated:
        raise DidDeactivated("the DID is deactivated")
    return locate(resolved.version, path)


def fetch_file(resolved: Resolved, source: Source, path: str) -> Resource:
    """Return the file that a DID URL's path names. Raises as `locate_file`, `DidNotFound` and `fetch_…`."""
    url = locate_file(resolved, path)
    accept = (WHOIS_TYPE, "application/json", "application/ld+json", "application/vp+jwt", "text/plain",
              "application/octet-stream") if path == _WHOIS else (ANY_TYPE,)  # fmt: skip
    answer = source.get(url, accept, 0)
    if isinstance(answer, Absent):
        raise _missing(answer)
    return answer


def dereference(resolved: Resolved, source: Source) -> Resource:
    """Return the file that the path of a resolved DID URL names. Raises as `fetch_file`."""
    return fetch_file(resolved, source, resolved.path)


def _fetch(max_age_s: float, held: list[datetime], ask: Ask) -> Generator[Need, Reply, Resource]:
    answer = yield NeedKeys(ask.did, ask.url, ask.accept, max_age_s)
    if isinstance(answer, Absent):
        raise _missing(answer)
    if not isinstance(answer, Resource):
        message = "NeedKeys is answered by a Resource or an Absent"
        raise TypeError(message)
    held.append(answer.held_at)
    return answer


def _missing(answer: Absent) -> AgentdidError:
    error = CODES.get(answer.code, DidNotFound)
    return (error if issubclass(error, Undecided) else DidNotFound)(answer.detail)


def _answer(need: Need, source: Source, marks: Marks | None) -> Reply:
    if isinstance(need, NeedMark):
        return "kept" if marks is None else marks.advance(need.scid, need.versions)
    if isinstance(need, NeedKeys):
        return source.get(need.url, need.accept, need.max_age_s)
    message = "a did:webvh needs a log, a witness file and a mark"
    raise TypeError(message)


def _read_version(found: Mapping[str, object]) -> dict[str, Any]:
    """Return the arguments of `select`; other parameters are for those who use the document."""
    asked: dict[str, Any] = {}
    for name in VERSIONING:
        if name in found and not isinstance(found[name], str):
            raise DidInvalid(f"expected {name} to be text")
    if "versionId" in found:
        asked["version_id"] = found["versionId"]
    if "versionTime" in found:
        try:
            asked["version_time"] = parse_instant(str(found["versionTime"]).replace(" ", "+"), "")
        except AgentdidError as error:
            raise DidInvalid(f"versionTime: {error.detail}") from None
    if "versionNumber" in found:
        number = str(found["versionNumber"])
        if not number.isascii() or not number.isdigit() or len(number) > _MAX_NUMBER_DIGITS:
            raise DidInvalid("versionNumber is a whole number")
        asked["version_number"] = int(number)
    return asked
