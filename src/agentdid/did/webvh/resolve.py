"""A version out of a history, as DID Resolution returns it, and where the paths of a DID URL lead.

Spec: did:webvh 1.0, Reading did:webvh DID URLs and DID URL Resolution.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from agentdid.codec.instant import encode_instant
from agentdid.did.document import DidDocument, parse_document
from agentdid.did.webvh.identifier import Identifier, parse_identifier
from agentdid.errors import DidInvalid, DidNotFound

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.did.webvh.log import History, Version

WHOIS_TYPE: Final = "application/vp"
_WHOIS: Final = "/whois"
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")
# decoded once more by somebody, these would leave the folder (ATTACKS I07)
_FORBIDDEN: Final = re.compile(r"%(?:2e|2f|5c|00)|/\.{1,2}(?:/|$)", re.IGNORECASE)


def select(
    history: History,
    *,
    version_id: str | None = None,
    version_time: datetime | None = None,
    version_number: int | None = None,
) -> Version:
    """Return the version that every given parameter names; without any, the last.

    Raises:
        DidNotFound: There is none.
    """
    found = history.latest if version_time is None else find_at(history, version_time)
    if version_id is not None:
        found = next((each for each in history.versions if each.version_id == version_id), None)
        if found is not None and version_time is not None and find_at(history, version_time) is not found:
            found = None
    if version_number is not None:
        named = history.versions[version_number - 1] if 0 < version_number <= len(history.versions) else None
        found = named if (version_id is None and version_time is None) or named is found else None
    if found is None:
        raise DidNotFound("the log has no such version")
    return found


def find_at(history: History, at: datetime) -> Version | None:
    """Return the version in force at an instant; `None` before the first."""
    return next((each for each in reversed(history.versions) if each.time <= at), None)


def document_of(version: Version, did: str) -> DidDocument:
    """Return what a version says, for judging by.

    Raises:
        DidDocumentMismatch: The DID had another name then.
        TypeMismatch: The document has not the shape of DID Core.
    """
    return parse_document(version.state, did)


def document_json(version: Version) -> dict[str, object]:
    """Return a version's document with the services that the method implies, where it does not say otherwise.

    Spec: did:webvh 1.0, DID URL Path Resolution and WHOIS Resolution.
    """
    document = version.state
    named = parse_identifier(version.did)
    listed = document.get("service", [])
    services = list(listed) if isinstance(listed, list) else [listed]
    services += [each for each in _implicit(named) if _find_service(services, named, each["id"]) is None]
    return {**document, "service": services}


def metadata_of(history: History, version: Version) -> dict[str, object]:
    """Return the document metadata (did:webvh 1.0, Read (Resolve)): numbers are strings there."""
    now = history.latest.parameters
    witness = now.witness.encode()
    if witness:
        witness["threshold"] = str(now.witness.threshold)
    following = {}
    if version is not history.latest:
        later = history.versions[version.number]
        following = {"nextVersionId": later.version_id, "nextUpdate": _second(later)}
    return {
        "versionId": version.version_id,
        "versionTime": encode_instant(version.time),
        "created": _second(history.versions[0]),
        "updated": _second(history.latest),
        **following,
        "scid": history.scid,
        "portable": now.portable,
        "deactivated": now.deactivated,
        "ttl": str(now.ttl_s),
        "witness": witness,
        "watchers": list(now.watchers),
    }


def _second(version: Version) -> str:
    return encode_instant(version.time.replace(microsecond=0))  # DID Resolution §3.1: no fraction of one


def locate(version: Version, path: str) -> str:
    """Return the https URL of a path under a DID: `/whois` by its `#whois` service, any other by `#files`.

    Raises:
        DidInvalid: A path that two readers could read differently, or a service that is not at an https URL.

    Spec: did:webvh 1.0, DID URL Resolution: services in the document come before the implied ones.
    """
    named = parse_identifier(version.did)
    if _PATH.fullmatch(path) is None or _FORBIDDEN.search(path):
        raise DidInvalid("expected a path without dot segments")
    document = version.state
    listed = document.get("service", [])
    services = listed if isinstance(listed, list) else [listed]
    name = "whois" if path == _WHOIS else "files"
    service = _find_service(services, named, f"{named.did}#{name}")
    if service is None:
        return f"{named.base_url}whois.vp" if path == _WHOIS else named.base_url + path[1:]
    endpoint = service.get("serviceEndpoint")
    if not isinstance(endpoint, str) or not _is_https(endpoint):
        raise DidInvalid(f"the service #{name} is not at an https URL")
    return endpoint if path == _WHOIS else endpoint.rstrip("/") + path


def _is_https(text: str) -> bool:
    try:
        return urlsplit(text).scheme == "https"
    except ValueError:
        return False  # no URL at all


def _implicit(named: Identifier) -> tuple[dict[str, str], dict[str, str]]:
    return (
        {"id": f"{named.did}#files", "type": "relativeRef", "serviceEndpoint": named.base_url},
        {
            "@context": "https://identity.foundation/linked-vp/contexts/v1",
            "id": f"{named.did}#whois",
            "type": "LinkedVerifiablePresentation",
            "serviceEndpoint": f"{named.base_url}whois.vp",
        },
    )


def _find_service(services: list[Any], named: Identifier, service_id: str) -> dict[str, Any] | None:
    """Return the service of that id, written in full or relative to the document."""
    names = (service_id, service_id.removeprefix(named.did))
    found = next((each for each in services if isinstance(each, dict) and each.get("id") in names), None)
    return cast("dict[str, Any] | None", found)
