"""Where a judgement's documents come from: a file of recorded answers, or the network through its guard.

Importing this module, and making a source, loads nothing that can reach a network; the first question to a
`NetworkSource` does.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, final

from msgspec import structs

from agentdid.codec.strict_json import encode, parse_object
from agentdid.errors import DidNotFound, FetchFailed, FetchRedirect, TypeMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.verify.needs import Absent, Answer, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from agentdid.clock import Clock
    from agentdid.sources.cache import CachedSource

NOT_THERE: Final = frozenset({404, 410})
"""The HTTP statuses that say there is no such document (RFC 9110 sections 15.5.5 and 15.5.11)."""
_REDIRECTS: Final = range(300, 400)
_FAILURES: Final = range(300, 600)
ANY_TYPE: Final = "*/*"
_DID_TYPE: Final = "application/did"
# did:webvh 1.0: the log, a presentation by /whois, and any file that a path under a DID names
_WEBVH_TYPES: Final = frozenset({"text/jsonl", "application/vp", ANY_TYPE})
_STATUS: Final = "$status"
# The operator wrote this file, or a test did: it may hold many lists.
_FILE_LIMITS: Final = structs.replace(DEFAULT, max_input_bytes=67_108_864, max_members=2_000_000)


def missing_code(accept: tuple[str, ...]) -> str:
    """Return the code of what is not there: that of a DID, where the media types asked for are those of one."""
    of_did = any(each.startswith(_DID_TYPE) or each in _WEBVH_TYPES for each in accept)
    return DidNotFound.code if of_did else FetchFailed.code


@final
class RecordedSource:
    """Answers that were written down, all held at one instant. What is not written down is unavailable.

    A `did:web` or `did:webvh` may be written as the DID or as the URL of its document or log; both questions find it.
    """

    __slots__ = ("_answers",)

    def __init__(self, answers: Mapping[str, Resource | int]) -> None:
        self._answers = dict(answers)  # a number is the HTTP status of a recorded failure

    @classmethod
    def load(cls, recorded: Path | Mapping[str, object], held_at: datetime) -> RecordedSource:
        """Return the source of a `--sources` file, or of the object that such a file holds.

        Each key is a URL or a DID. An object is a JSON body, a string a raw body, `{"$status": 404}` a failure.

        Args:
            recorded: The file, or its contents.
            held_at: When all of it counts as had, aware.

        Raises:
            Malformed: The file is not strict JSON (`json_…`, `encoding_invalid`).
            TypeMismatch: A value is of another form, or two keys name one document.
            DidInvalid: A `did:web` key that names no document.
            OSError: The file cannot be read.

        Spec: CONTRACT, `agentdid verify --sources`.
        """
        if isinstance(recorded, Path):
            recorded = cast("dict[str, object]", parse_object(recorded.read_bytes(), _FILE_LIMITS).value)
        answers: dict[str, Resource | int] = {}
        for key, value in recorded.items():
            path = "/" + key.replace("~", "~0").replace("/", "~1")
            url = _document_url(key)
            answer = _read_answer(url, value, held_at, path)
            for name in {key, url}:
                if name in answers:
                    raise TypeMismatch("another key names the same document", path=path)
                answers[name] = answer
        return cls(answers)

    def for_did(self, did: str) -> Answer | None:
        """Return what was written down for a DID of any method; `None` where nothing was."""
        return self.get(did, (_DID_TYPE,), 0) if did in self._answers else None

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:  # noqa: ARG002  # it has no age
        """Return the recorded answer for `url`; `Absent` where there is none."""
        answer = self._answers.get(url)
        if answer is None:
            return Absent(url, missing_code(accept), "not among the recorded answers")
        if isinstance(answer, Resource):
            return answer
        if answer in _REDIRECTS:
            return Absent(url, FetchRedirect.code, f"recorded as {answer}")
        return Absent(url, missing_code(accept) if answer in NOT_THERE else FetchFailed.code, f"recorded as {answer}")

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`; nothing is waited for."""
        return self.get(url, accept, max_age_s)


@final
class NetworkSource:
    """The network, guarded (`agentdid.sources.fetch`) and cached (`agentdid.sources.cache`), made when first asked.

    Args:
        allow: Addresses and CIDRs that may be connected to although they are not public (trust file, `[fetch]`).
        ca: A PEM file of certificate authorities to trust beside the system's.
        limits: Sizes and times of one fetch.
        clock: What says when a document was had and how old it is.

    `get` and `aget` raise `ValueError` or `OSError` where `allow` or `ca` is unusable: the operator's mistake.
    """

    __slots__ = ("_allow", "_ca", "_clock", "_limits", "_lock", "_made")

    def __init__(
        self,
        allow: Sequence[str] = (),
        ca: str | Path | None = None,
        limits: Limits = DEFAULT,
        clock: Clock | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._ca = ca
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._made: CachedSource | None = None

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Return the document at `url`, at most `max_age_s` old, or why there is none."""
        return self._source().get(url, accept, max_age_s)

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`, without blocking the event loop."""
        return await self._source().aget(url, accept, max_age_s)

    def refresh(self, url: str) -> bool:
        """Fetch a document anew that is held; return whether a new one came. See `CachedSource.refresh`."""
        return self._source().refresh(url)

    def listen(self, url: str, idle_s: float, stopped: Callable[[], bool]) -> AbstractContextManager[Iterator[bytes]]:
        """Open a stream without an end, through the guard. See `GuardedFetcher.listen`."""
        return self._source().fetcher.listen(url, idle_s, stopped)

    def _source(self) -> CachedSource:
        """The cache over the guard, made once however many threads ask first."""
        with self._lock:
            if self._made is None:
                # Here and not above: who judges with what he holds loads no HTTP.
                from agentdid.sources.cache import CachedSource  # noqa: PLC0415
                from agentdid.sources.fetch import GuardedFetcher  # noqa: PLC0415
                from agentdid.sources.trqp import AskingFetcher  # noqa: PLC0415

                fetcher = GuardedFetcher(self._allow, self._ca, self._limits, clock=self._clock)
                self._made = CachedSource(AskingFetcher(fetcher), self._clock)
            return self._made


def _document_url(key: str) -> str:
    """Where the document of a key is asked for: the URL of a did:web or of a did:webvh's log, else as it stands."""
    if key.startswith("did:webvh:"):
        from agentdid.did.webvh.identifier import parse_identifier  # noqa: PLC0415  # as below

        return parse_identifier(key).log_url
    if not key.startswith("did:web:"):
        return key
    from agentdid.did.web import url  # noqa: PLC0415  # most files name no did:web

    return url(key)


def _read_answer(url: str, value: object, held_at: datetime, path: str) -> Resource | int:
    """The document that a value writes down, or the status of its failure. Raises `TypeMismatch`."""
    if isinstance(value, str):
        return Resource(url, value.encode(), held_at)
    if not isinstance(value, dict):
        raise TypeMismatch("expected an object, a string or a failure", path=path)
    if _STATUS not in value:
        return Resource(url, encode(value), held_at)
    status = value[_STATUS]
    if len(value) != 1 or type(status) is not int or status not in _FAILURES:
        raise TypeMismatch("expected an HTTP status from 300 to 599 and nothing else", path=path)
    return status
