"""DID URLs: the part of a document, or the service, that one names (DID Resolution section 5.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from agentdid.did.document import ALL_RELATIONSHIPS
from agentdid.did.result import URI_LIST, Dereferencing, RepresentationUnsupported, ResourceMissing
from agentdid.did.syntax import DidUrlInvalid
from agentdid.errors import PurposeNotAuthorized

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentdid.did.syntax import DidUrl

_SELECTING: Final = ("service", "serviceType", "relativeRef")
VERSIONING: Final = ("versionId", "versionTime", "versionNumber")
"""DID parameters that say which version of the document is meant: for who resolves it, not for this module."""
_WEB: Final = frozenset({"http", "https"})
# RFC 3986 §4.2 without the network-path reference: nobody's DID URL takes a reader to another host than the service's.
_RELATIVE: Final = re.compile(r"(?!//)(?![^/?#]*:)(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*")


def dereference(
    url: DidUrl,
    document: dict[str, object],
    metadata: Mapping[str, object],
    *,
    uri_list: bool = False,
    relationship: str | None = None,
) -> Dereferencing:
    """Return what a DID URL names in the document of its DID.

    Args:
        url: The DID URL.
        document: Of its DID, in the version that it asks for.
        metadata: The document's.
        uri_list: Whether URLs of services are wanted (`accept: text/uri-list`) and not a document.
        relationship: `verificationRelationship`: what the method that is named must be listed under.

    Raises:
        DidUrlInvalid: A parameter of another form than its definition gives it.
        RepresentationUnsupported: URLs are wanted of what is no service.
        ResourceMissing: Nothing there is named so, or by a path, which no method here gives a meaning.
        PurposeNotAuthorized: The method is not listed under `relationship`.
    """
    parameters = url.parameters
    selecting = {name: parameters[name] for name in _SELECTING if name in parameters}
    if url.path or not parameters.keys() <= {*_SELECTING, *VERSIONING}:
        raise ResourceMissing("no method here gives this path or query a meaning")
    if selecting:
        services = _select(url, document, selecting)
        if uri_list:
            return Dereferencing(_urls(url, services, selecting), URI_LIST)
        document = {**document, "service": services}
    elif uri_list:
        raise RepresentationUnsupported("only services have URLs to list")
    if not url.fragment:
        return Dereferencing(document, content_metadata=metadata)
    found = _find(f"{url.did}#{url.fragment}", url.did, document)
    if found is None:
        raise ResourceMissing("the document has nothing of this fragment")
    if relationship is not None:
        _check_relationship(f"{url.did}#{url.fragment}", url.did, document, relationship)
    context = document.get("@context")
    return Dereferencing(found if context is None else {"@context": context, **found})


def expand(document: dict[str, object]) -> dict[str, object]:
    """Return a document whose relative DID URLs are absolute: ids of its parts, and what relationships list.

    Spec: DID Resolution section 4.4 step 6 (`expandRelativeUrls`).
    """
    did = str(document.get("id"))

    def shown(each: object, *, listed: bool) -> object:
        if isinstance(each, dict):
            return {**each, "id": _joined(each["id"], did)} if "id" in each else each
        return _joined(each, did) if listed else each

    expanded: dict[str, object] = {}
    for name, value in document.items():
        listed = name in ALL_RELATIONSHIPS
        parts = isinstance(value, list)
        expanded[name] = [shown(each, listed=listed) for each in value] if parts else shown(value, listed=listed)  # type: ignore[attr-defined]  # a list
    return expanded


def _joined(value: object, did: str) -> object:
    # DID Core §3.2.2: what does not begin with the DID itself is a path, a query or a fragment under it
    return f"{did}{value}" if isinstance(value, str) and value[:1] in ("#", "/", "?") else value


def _each(document: dict[str, object], name: str) -> list[object]:
    found = document.get(name, [])
    return found if isinstance(found, list) else [found]


def _absolute(value: object, did: str) -> object:
    return f"{did}{value}" if isinstance(value, str) and value.startswith("#") else value


def _parts(document: dict[str, object]) -> Iterator[dict[str, object]]:
    for name in ("verificationMethod", *ALL_RELATIONSHIPS, "service"):
        for each in _each(document, name):
            if isinstance(each, dict):
                yield each


def _find(wanted: str, did: str, document: dict[str, object]) -> dict[str, object] | None:
    return next((each for each in _parts(document) if _absolute(each.get("id"), did) == wanted), None)


def _check_relationship(wanted: str, did: str, document: dict[str, object], relationship: str) -> None:
    listed = _each(document, relationship) if relationship in ALL_RELATIONSHIPS else []
    names = [_absolute(each.get("id") if isinstance(each, dict) else each, did) for each in listed]
    if wanted not in names:
        raise PurposeNotAuthorized("the document does not list the method under the relationship asked for")


def _select(url: DidUrl, document: dict[str, object], selecting: Mapping[str, str]) -> list[dict[str, object]]:
    wanted, kind = selecting.get("service"), selecting.get("serviceType")
    if wanted is None and kind is None:
        raise DidUrlInvalid("relativeRef goes with service or serviceType")
    if wanted is not None and not wanted.startswith("did:"):
        wanted = f"{url.did}#{wanted.removeprefix('#')}"
    found = []
    for each in _each(document, "service"):
        if not isinstance(each, dict):
            continue
        if wanted is not None and _absolute(each.get("id"), url.did) != wanted:
            continue
        types = each.get("type")
        if kind is not None and kind not in (types if isinstance(types, list) else [types]):
            continue
        found.append(each)
    if not found:
        raise ResourceMissing("the document has no such service")
    reference = selecting.get("relativeRef")
    if reference is None:
        return found
    if _RELATIVE.fullmatch(reference) is None:
        raise DidUrlInvalid("expected relativeRef to be a relative reference within the service's host")
    return [{**each, "serviceEndpoint": _refer(each.get("serviceEndpoint"), reference)} for each in found]


def _refer(endpoint: object, reference: str) -> object:
    """Resolve a reference against an endpoint, or each of a list of them; one that is an object stays as it is."""
    if isinstance(endpoint, list):
        return [_refer(each, reference) for each in endpoint]
    return urljoin(endpoint, reference) if isinstance(endpoint, str) and _is_web(endpoint) else endpoint


def _is_web(text: str) -> bool:
    try:
        return urlsplit(text).scheme in _WEB
    except ValueError:
        return False  # no URL that anybody could call


def _urls(url: DidUrl, services: list[dict[str, object]], selecting: Mapping[str, str]) -> list[str]:
    found = []
    for each in services:
        endpoint = each.get("serviceEndpoint")
        for one in endpoint if isinstance(endpoint, list) else [endpoint]:
            if not isinstance(one, str) or ("relativeRef" in selecting and not _is_web(one)):
                continue
            if url.fragment and "#" in one:
                raise DidUrlInvalid("both the DID URL and the service endpoint have a fragment")
            found.append(f"{one}#{url.fragment}" if url.fragment else one)
    if not found:
        raise ResourceMissing("the service has no URL")
    return found
