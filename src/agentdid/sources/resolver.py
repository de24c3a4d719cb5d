"""DIDs resolved and DID URLs dereferenced, as DID Resolution has it: nothing is raised for what was asked.

A method either computes its document or says what to ask for (`did.resolve`); here it is asked for, of a `Source`.
Whatever was fetched is read as a verifier reads it, so that nobody is shown a document that would not be believed.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, final

from agentdid.clock import Clock, SystemClock
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import parse, parse_object
from agentdid.did.dereference import VERSIONING, dereference, expand
from agentdid.did.key_document import OptionInvalid, Options
from agentdid.did.resolve import Ask, plan_json, read
from agentdid.did.result import (
    DEREFERENCING_TYPE,
    DID_TYPE,
    RESULT_TYPE,
    URI_LIST,
    Dereferencing,
    FeatureUnsupported,
    RepresentationUnsupported,
    Resolution,
)
from agentdid.did.syntax import parse_did_url
from agentdid.errors import CODES, AgentdidError, DidMethodUnsupported, DidNotFound, Undecided
from agentdid.limits import DEFAULT, Limits
from agentdid.verify.memory import Memory
from agentdid.verify.needs import Absent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.did.syntax import DidUrl
    from agentdid.did.universal import UniversalResolver
    from agentdid.sources.webvh import Resolved
    from agentdid.verify.needs import Answer, Marks, Source

REPRESENTATIONS: Final = (DID_TYPE, "application/did+ld+json", "application/did+json")
"""What a document is given as: they are one JSON text (DID Core 1.1 section 6)."""
_TYPES: Final = (*REPRESENTATIONS, URI_LIST, RESULT_TYPE, DEREFERENCING_TYPE)
_NO_CACHE: Final = "noCache"
_EXPAND: Final = "expandRelativeUrls"
_WEBVH: Final = "did:webvh:"
_PEER_4: Final = "did:peer:4"
_MAX_LONG_FORMS: Final = 1_024  # 8 kB each at the most
_WHOIS: Final = "/whois"
_RELATIONSHIP: Final = "verificationRelationship"
_NOTHING: Final[Mapping[str, object]] = {}


@final
class Resolver:
    """Resolves DIDs of the methods that are built, and others only where somebody was named who may be asked.

    Args:
        source: Where documents come from.
        limits: `max_key_age_s` is how old a document may be.
        universal: Who resolves the methods that are not built; by default nobody, and never one of ours.
        clock: What says when a document was had.
        marks: The versions seen of each did:webvh; without any, a log that was taken back is not noticed.
    """

    __slots__ = ("_clock", "_limits", "_long_forms", "_marks", "_memory", "_source", "_universal")

    def __init__(
        self,
        source: Source,
        *,
        limits: Limits = DEFAULT,
        universal: UniversalResolver | None = None,
        clock: Clock | None = None,
        marks: Marks | None = None,
    ) -> None:
        self._source = source
        self._limits = limits
        self._universal = universal
        self._clock = clock or SystemClock()
        self._marks = marks
        self._memory = Memory()
        self._long_forms: OrderedDict[str, str] = OrderedDict()  # of did:peer:4, by their short ones

    def resolve(self, did: str, options: Mapping[str, object] = _NOTHING) -> Resolution:
        """Return the document of a DID, or the error by its name.

        Args:
            did: The DID.
            options: `noCache`, `expandRelativeUrls`, the version of a did:webvh (`versionId`, `versionTime`,
                `versionNumber`), and those of the did:key method.

        Spec: DID Resolution section 4.
        """
        try:
            planned = self._plan(did, options)
            if not isinstance(planned, Resolution):
                ask, max_age_s = planned
                planned = (
                    self._read_log(did, options, max_age_s)
                    if did.startswith(_WEBVH)
                    else self._read(ask, self._source.get(ask.url, ask.accept, max_age_s))
                )
            return _shown(planned, options)
        except AgentdidError as error:
            return Resolution(None, error)

    async def aresolve(self, did: str, options: Mapping[str, object] = _NOTHING) -> Resolution:
        """As `resolve`, without blocking the event loop."""
        try:
            planned = self._plan(did, options)
            if not isinstance(planned, Resolution):
                ask, max_age_s = planned
                if did.startswith(_WEBVH):
                    import asyncio  # noqa: PLC0415  # 47 ms that the synchronous path does not pay

                    planned = await asyncio.to_thread(self._read_log, did, options, max_age_s)
                else:
                    planned = self._read(ask, await self._source.aget(ask.url, ask.accept, max_age_s))
            return _shown(planned, options)
        except AgentdidError as error:
            return Resolution(None, error)

    def dereference(self, url: str, options: Mapping[str, object] = _NOTHING) -> Dereferencing:
        """Return what a DID URL names, or the error by its name.

        Args:
            url: The DID URL; a bare DID names its document, and a path under a did:webvh a file.
            options: `accept`, `verificationRelationship`, and those of `resolve`.

        Spec: DID Resolution section 5; did:webvh 1.0, DID URL Resolution.
        """
        try:
            parts, asked = self._prepare(url, options)
            if _names_file(parts):
                return self._read_file(parts, asked)
            return self._finish(parts, options, self.resolve(parts.did, asked))
        except AgentdidError as error:
            return Dereferencing(None, error=error)

    async def adereference(self, url: str, options: Mapping[str, object] = _NOTHING) -> Dereferencing:
        """As `dereference`, without blocking the event loop."""
        try:
            parts, asked = self._prepare(url, options)
            if _names_file(parts):
                import asyncio  # noqa: PLC0415  # as above

                return await asyncio.to_thread(self._read_file, parts, asked)
            return self._finish(parts, options, await self.aresolve(parts.did, asked))
        except AgentdidError as error:
            return Dereferencing(None, error=error)

    def _prepare(self, url: str, options: Mapping[str, object]) -> tuple[DidUrl, Mapping[str, object]]:
        """Return the parts of a DID URL, and the options of resolving its DID: its own version among them."""
        parts = parse_did_url(url)
        if options.get("accept", DID_TYPE) not in _TYPES:
            raise RepresentationUnsupported(f"expected {' or '.join(REPRESENTATIONS)} or {URI_LIST}")
        relationship = options.get(_RELATIONSHIP)
        if relationship is not None and not isinstance(relationship, str):
            raise OptionInvalid(f"expected {_RELATIONSHIP} to be text")
        given = parts.parameters
        return parts, {**options, **{name: given[name] for name in VERSIONING if name in given}}

    def _finish(self, parts: DidUrl, options: Mapping[str, object], found: Resolution) -> Dereferencing:
        if found.document is None:
            return Dereferencing(None, error=found.error)
        relationship = options.get(_RELATIONSHIP)
        return dereference(
            parts,
            found.document,
            found.document_metadata,
            uri_list=options.get("accept") == URI_LIST,
            relationship=relationship if isinstance(relationship, str) else None,
        )

    def _plan(self, did: str, options: Mapping[str, object]) -> Resolution | tuple[Ask, float]:
        """Return the outcome, or what to ask for and how old it may be."""
        shown = Options.parse(options)
        max_age_s = 0 if _flag(options, _NO_CACHE) else self._limits.max_key_age_s
        _flag(options, _EXPAND)
        try:
            planned = self._plan_peer(did) if did.startswith(_PEER_4) else plan_json(did, shown)
        except DidMethodUnsupported:
            if self._universal is None:
                raise
            planned = self._universal.ask(did)
        if not did.startswith(_WEBVH) and any(name in options for name in VERSIONING):
            raise FeatureUnsupported("the DID's method keeps no versions")
        return (planned, max_age_s) if isinstance(planned, Ask) else Resolution(planned)

    def _plan_peer(self, did: str) -> dict[str, object] | Ask:
        """Return the document of a did:peer:4; that of a short form where its long one was seen before.

        Spec: did:peer:4, Resolving a DID.
        """
        from agentdid.did import peer  # noqa: PLC0415  # most resolvers meet no did:peer

        short = peer.short_form(did)
        if short == did and did in self._long_forms:
            return peer.short_document(self._long_forms[did])
        planned = plan_json(did)
        self._long_forms[short] = did
        if len(self._long_forms) > _MAX_LONG_FORMS:
            self._long_forms.popitem(last=False)
        return planned

    def _read_log(self, did: str, options: Mapping[str, object], max_age_s: float) -> Resolution:
        found, at = self._resolved(did, options, max_age_s)
        return Resolution(found.document, None, found.metadata, {"retrieved": encode_instant(at)})

    def _resolved(self, did: str, options: Mapping[str, object], max_age_s: float) -> tuple[Resolved, datetime]:
        from agentdid.sources import webvh  # noqa: PLC0415  # most resolvers meet no did:webvh

        at = self._clock.now()
        found = webvh.resolve(
            did,
            self._source,
            at=at,
            version={name: options[name] for name in VERSIONING if name in options},
            max_age_s=max_age_s,
            memory=self._memory,
            marks=self._marks,
            limits=self._limits,
        )
        return found, at

    def _read_file(self, parts: DidUrl, options: Mapping[str, object]) -> Dereferencing:
        """Return what a path under a did:webvh names: its URL, or what is there."""
        from agentdid.did.webvh.resolve import WHOIS_TYPE  # noqa: PLC0415  # most resolvers meet no did:webvh
        from agentdid.sources import webvh  # noqa: PLC0415

        if parts.fragment or parts.parameters.keys() - set(VERSIONING):
            raise FeatureUnsupported("a path goes with no other parameter than a version, and with no fragment")
        wanted = options.get("accept", DEREFERENCING_TYPE)
        if wanted in REPRESENTATIONS:
            raise RepresentationUnsupported("a path names a file, not a DID document")
        max_age_s = 0 if _flag(options, _NO_CACHE) else self._limits.max_key_age_s
        found, _ = self._resolved(parts.did, options, max_age_s)
        url = webvh.locate_file(found, parts.path)
        if wanted == URI_LIST:
            return Dereferencing([url], URI_LIST)
        content, kind = _content(webvh.fetch_file(found, self._source, parts.path).body, self._limits)
        kind = WHOIS_TYPE if parts.path == _WHOIS else kind
        return Dereferencing(content, kind, dereferencing_metadata={"contentUrl": url})

    def _read(self, ask: Ask, answer: Answer) -> Resolution:
        if isinstance(answer, Absent):
            found = CODES.get(answer.code, DidNotFound)
            raise (found if issubclass(found, Undecided) else DidNotFound)(answer.detail)
        said = {"retrieved": encode_instant(answer.held_at)}
        if self._universal is not None and self._universal.is_ask(ask):
            outcome = self._universal.read(ask.did, answer.body)
            return Resolution(outcome.document, None, outcome.document_metadata, said)
        read(ask.did, answer.body)
        return Resolution(
            parse_object(answer.body).value,  # type: ignore[arg-type]  # an object, by read
            resolution_metadata=said,
        )


def _names_file(parts: DidUrl) -> bool:
    return bool(parts.path) and parts.did.startswith(_WEBVH)


def _shown(found: Resolution, options: Mapping[str, object]) -> Resolution:
    if found.document is None or not _flag(options, _EXPAND):
        return found
    return Resolution(expand(found.document), None, found.document_metadata, found.resolution_metadata)


def _flag(options: Mapping[str, object], name: str) -> bool:
    value = options.get(name, False)
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise OptionInvalid(f"expected {name} to be true or false")


def _content(body: bytes, limits: Limits) -> tuple[object, str]:
    """Return what a file holds, and its media type: its JSON, or its text; anything else is not for JSON to carry."""
    try:
        value = parse(body, limits).value
    except AgentdidError:
        value = None
    if isinstance(value, dict | list):
        return value, "application/json"
    try:
        return body.decode("utf-8"), "text/plain"
    except UnicodeDecodeError:
        raise RepresentationUnsupported(f"the file is no text; accept {URI_LIST} to learn where it is") from None
