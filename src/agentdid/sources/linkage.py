"""Domain linkage looked up: the origin's resource and the DID's document, and what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.did.document import parse_document
from agentdid.errors import CODES, DidNotFound, FetchFailed, Undecided
from agentdid.limits import DEFAULT, Limits
from agentdid.trust.linkage import Linkage, check_linkage, configuration_url, read_configuration
from agentdid.verify.needs import Absent

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.sources.resolver import Resolver
    from agentdid.verify.needs import Source


def find_linkage(
    did: str, origin: str, *, source: Source, resolver: Resolver, at: datetime, limits: Limits = DEFAULT
) -> Linkage:
    """Return the entry by which an origin and a DID are linked.

    Args:
        did: The DID.
        origin: The https origin.
        source: Where the resource is had from.
        resolver: Where the DID document is had from.
        at: The instant of judgement.
        limits: `max_key_age_s` is how old either may be.

    Raises:
        IssuerUntrusted: The origin does not say that it is this DID's.
        TypeMismatch and other `Malformed`: `origin` is none, or what it serves is no DID configuration.
        Undecided: One of the two could not be had.
    """
    url = configuration_url(origin)
    answer = source.get(url, (), limits.max_key_age_s)
    if isinstance(answer, Absent):
        error = CODES.get(answer.code, FetchFailed)
        raise (error if issubclass(error, Undecided) else FetchFailed)(answer.detail)
    linkages = read_configuration(answer.body, origin, did, limits)
    resolved = resolver.resolve(did)
    if resolved.document is None:
        raise resolved.error or DidNotFound("the DID has no document")
    return check_linkage(linkages, parse_document(resolved.document, did), at)
