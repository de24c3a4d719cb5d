"""DIDs resolved and DID URLs dereferenced, as DID Resolution has it: nothing is raised for what was asked.

A method either computes its document or says what to ask for (`did.resolve`); here it is asked for, of a `Source`.
Whatever was fetched is read as a verifier reads it, so that nobody is shown a document that would not be believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.clock import Clock, SystemClock
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import parse_object
from agentdid.did.dereference import VERSIONING, dereference
from agentdid.did.key_document import OptionInvalid, Options
from agentdid.did.resolve import Ask, plan_json, read
from agentdid.did.result import (
    DEREFERENCING_TYPE,
    DID_TYPE,
    RESULT_TYPE,
    URI_LIST,
    Dereferencing,
    RepresentationUnsupported,
    Resolution,
    ResourceMissing,
)
from agentdid.did.syntax import parse_did_url
from agentdid.errors import CODES, AgentdidError, DidMethodUnsupported, DidNotFound, Undecided
from agentdid.limits import DEFAULT, Limits
from agentdid.verify.needs import Absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.did.universal import UniversalResolver
    from agentdid.verify.needs import Answer, Source

REPRESENTATIONS: Final = (DID_TYPE, "application/did+ld+json", "application/did+json")
"""What a document is given as: they are one JSON text (DID Core 1.1 section 6)."""
_NO_CACHE: Final = "noCache"
_WEBVH: Final = "did:webvh:"
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
    """

    __slots__ = ("_clock", "_limits", "_source", "_universal")

    def __init__(
        self,
        source: Source,
        *,
        limits: Limits = DEFAULT,
        universal: UniversalResolver | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._source = source
        self._limits = limits
        self._universal = universal
        self._clock = clock or SystemClock()

    def resolve(self, did: str, options: Mapping[str, object] = _NOTHING) -> Resolution:
        """Return the document of a DID, or the error by its name.

        Args:
            did: The DID.
            options: `noCache`, and those of the did:key method.

        Spec: DID Resolution section 4.
        """
        try:
            asked = self._plan(did, options)
            if isinstance(asked, Resolution):
                return asked
            ask, max_age_s = asked
            if did.startswith(_WEBVH):
                return self._read_log(did)
            return self._read(ask, self._source.get(ask.url, ask.accept, max_age_s))
        except AgentdidError as error:
            return Resolution(None, error)

    async def aresolve(self, did: str, options: Mapping[str, object] = _NOTHING) -> Resolution:
        """As `resolve`, without blocking the event loop."""
        try:
            asked = self._plan(did, options)
            if isinstance(asked, Resolution):
                return asked
            ask, max_age_s = asked
            if did.startswith(_WEBVH):
                import asyncio  # noqa: PLC0415  # 47 ms that the synchronous path does not pay

                return await asyncio.to_thread(self._read_log, did)
            return self._read(ask, await self._source.aget(ask.url, ask.accept, max_age_s))
        except AgentdidError as error:
            return Resolution(None, error)

    def dereference(self, url: str, options: Mapping[str, object] = _NOTHING) -> Dereferencing:
        """Return what a DID URL names, or the error by its name.

        Args:
            url: The DID URL; a bare DID names its document.
            options: `accept`, `verificationRelationship`, and those of `resolve`.

        Spec: DID Resolution section 5.
        """
        return self._dereference(url, options, self.resolve)

    async def adereference(self, url: str, options: Mapping[str, object] = _NOTHING) -> Dereferencing:
        """As `dereference`, without blocking the event loop."""
        try:
            did = parse_did_url(url).did
        except AgentdidError as error:
            return Dereferencing(None, error=error)
        resolved = await self.aresolve(did, options)
        return self._dereference(url, options, lambda _did, _options: resolved)

    def _dereference(
        self,
        url: str,
        options: Mapping[str, object],
        resolve: Callable[[str, Mapping[str, object]], Resolution],
    ) -> Dereferencing:
        try:
            parts = parse_did_url(url)
            if any(name in parts.parameters for name in VERSIONING):
                raise ResourceMissing("no method here keeps versions under these parameters")
            accept = options.get("accept", DID_TYPE)
            if accept not in (*REPRESENTATIONS, URI_LIST, RESULT_TYPE, DEREFERENCING_TYPE):
                raise RepresentationUnsupported(f"expected {' or '.join(REPRESENTATIONS)} or {URI_LIST}")
            relationship = options.get(_RELATIONSHIP)
            if relationship is not None and not isinstance(relationship, str):
                raise OptionInvalid(f"expected {_RELATIONSHIP} to be text")
            found = resolve(parts.did, options)
            if found.document is None:
                return Dereferencing(None, error=found.error)
            return dereference(
                parts,
                found.document,
                found.document_metadata,
                uri_list=accept == URI_LIST,
                relationship=relationship,
            )
        except AgentdidError as error:
            return Dereferencing(None, error=error)

    def _plan(self, did: str, options: Mapping[str, object]) -> Resolution | tuple[Ask, float]:
        """Return the outcome, or what to ask for and how old it may be."""
        shown = Options.parse(options)
        fresh = options.get(_NO_CACHE, "false")
        if fresh not in (True, False, "true", "false"):
            raise OptionInvalid(f"expected {_NO_CACHE} to be true or false")
        max_age_s = 0 if fresh in (True, "true") else self._limits.max_key_age_s
        try:
            planned = plan_json(did, shown)
        except DidMethodUnsupported:
            if self._universal is None:
                raise
            return self._universal.ask(did), max_age_s
        if isinstance(planned, Ask):
            return planned, max_age_s
        return Resolution(planned)

    def _read_log(self, did: str) -> Resolution:
        from agentdid.sources import webvh  # noqa: PLC0415  # most resolvers meet no did:webvh

        at = self._clock.now()
        found = webvh.resolve(did, self._source, at=at, limits=self._limits)
        return Resolution(found.document, None, found.metadata, {"retrieved": encode_instant(at)})

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
