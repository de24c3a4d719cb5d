"""Questions to trust registries, over the guard (Trust Registry Query Protocol v2.0, HTTPS Binding).

A question is named by a URL of the scheme `trqp+https` (`trust.registry`). Whoever asks a source for such a URL gets
what the registry answered, held and shared as any other document: nothing above knows that it was asked by POST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from msgspec import structs

from agentdid.codec.strict_json import encode
from agentdid.errors import CODES, FetchFailed, FetchScheme, TypeMismatch, Undecided
from agentdid.limits import DEFAULT, Limits
from agentdid.trust.registry import SCHEME, check_base, parse_answer, parse_name
from agentdid.verify.needs import Absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from agentdid.sources.fetch import GuardedFetcher
    from agentdid.trust.registry import Answer, Query
    from agentdid.verify.needs import Resource, Source

JSON: Final = ("application/json",)


@final
class AskingFetcher:
    """A fetcher that also asks registries: `sources.cache` stands on it.

    Args:
        fetcher: What connects.
    """

    __slots__ = ("_fetcher",)

    def __init__(self, fetcher: GuardedFetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """Return a document, or a registry's answer.

        Raises:
            FetchContentType: A registry answered with anything but JSON.
            Other Undecided: As `GuardedFetcher.fetch`. A registry answers a question with 200 or not at all.
        """
        if not url.startswith(SCHEME):
            return self._fetcher.fetch(url, accept)
        place, body = _question(url)
        return structs.replace(self._fetcher.post(place, body, JSON), url=url)

    async def afetch(self, url: str, accept: Sequence[str] = ()) -> Resource:
        """As `fetch`, without blocking the event loop."""
        if not url.startswith(SCHEME):
            return await self._fetcher.afetch(url, accept)
        place, body = _question(url)
        return structs.replace(await self._fetcher.apost(place, body, JSON), url=url)

    def listen(self, url: str, idle_s: float, stopped: Callable[[], bool]) -> AbstractContextManager[Iterator[bytes]]:
        """As `GuardedFetcher.listen`."""
        return self._fetcher.listen(url, idle_s, stopped)


@final
class TrqpClient:
    """Asks one registry, for whoever wants to know and decides for himself what that is worth.

    Args:
        base: The registry's https URL, before `/authorization` and `/recognition`.
        source: Where it is asked: `sources.source.NetworkSource`.
        max_age_s: How old an answer may be.
        limits: Of an answer.

    Raises:
        ValueError: `base` is none.
    """

    __slots__ = ("_base", "_limits", "_max_age_s", "_source")

    def __init__(self, base: str, source: Source, *, max_age_s: float = 0, limits: Limits = DEFAULT) -> None:
        self._base = check_base(base)
        self._source = source
        self._max_age_s = max_age_s
        self._limits = limits

    def ask(self, query: Query) -> Answer:
        """Return the registry's answer to a question, its form checked.

        Raises:
            FetchFailed and other Undecided: There was none.
            Malformed: What came is none, or an answer to another question.
        """
        found = self._source.get(query.name(self._base), (), self._max_age_s)
        if isinstance(found, Absent):
            error = CODES.get(found.code, FetchFailed)
            raise (error if issubclass(error, Undecided) else FetchFailed)(found.detail)
        return parse_answer(found.body, query, self._limits)


def _question(url: str) -> tuple[str, bytes]:
    """Return where a question goes, and what is sent. Raises `FetchScheme`."""
    try:
        place, query = parse_name(url)
    except TypeMismatch:
        raise FetchScheme("expected the name of a registry's question") from None
    return place.removeprefix(SCHEME), encode(query.body())
