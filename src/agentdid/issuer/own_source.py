"""What an issuer itself publishes, as a source: nothing is fetched for what is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from agentdid.errors import AgentdidError
from agentdid.verify.needs import Absent, Resource

if TYPE_CHECKING:
    from agentdid.issuer.issuer import Issuer
    from agentdid.verify.needs import Answer, Source


@final
class OwnSource:
    """A `Source` of an issuer's DID document and status lists; others are asked for beside it, if anything.

    Args:
        issuer: Whose.
        others: Where everything else comes from; by default from nowhere.
    """

    def __init__(self, issuer: Issuer, others: Source | None = None) -> None:
        self._issuer = issuer
        self._others = others

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Return the issuer's own document, or what the other source has."""
        found = self._find(url)
        if found is not None:
            return found
        if self._others is not None:
            return self._others.get(url, accept, max_age_s)
        return Absent(url, "fetch_failed", "not this issuer's")

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`."""
        found = self._find(url)
        if found is None and self._others is not None:
            return await self._others.aget(url, accept, max_age_s)
        return found or Absent(url, "fetch_failed", "not this issuer's")

    def _find(self, url: str) -> Answer | None:
        prefix = self._issuer.list_url("")
        now = self._issuer.clock.now()
        try:
            if url.startswith(prefix):
                return Resource(url, self._issuer.signed_list(url.removeprefix(prefix)).body, now)
            found = self._issuer.did_files().get(url)
        except AgentdidError as error:
            return Absent(url, "fetch_failed", error.code)
        return None if found is None else Resource(url, found[0], now)
