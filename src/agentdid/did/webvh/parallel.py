"""The did:web that may be published beside a did:webvh, and whether one that was is the same (ATTACKS J19).

Where the two differ the log is right: a did:web document is whatever its server says today.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec.json import decode

from agentdid.canon.jcs import canonicalize
from agentdid.codec.strict_json import encode
from agentdid.did.webvh.identifier import PREFIX, parse_identifier
from agentdid.did.webvh.resolve import document_json
from agentdid.errors import DidDocumentMismatch

if TYPE_CHECKING:
    from agentdid.did.webvh.log import Version


def build_parallel(version: Version) -> dict[str, Any]:
    """Return the did:web document that goes with a version.

    Spec: did:webvh 1.0, Publishing a Parallel did:web DID steps 1-5.
    """
    named = parse_identifier(version.did)
    text = encode(document_json(version)).decode().replace(f"{PREFIX}{named.scid}:", "did:web:")
    document = cast("dict[str, Any]", decode(text))
    listed = document.get("alsoKnownAs", [])
    names = [each for each in listed if each != named.web] if isinstance(listed, list) else []
    document["alsoKnownAs"] = list(dict.fromkeys([*names, named.did]))
    return document


def check_parallel(version: Version, document: object) -> None:
    """Hold that a did:web document says what the log says. Raises `DidDocumentMismatch`: the log is to be believed."""
    if canonicalize(_loose(document)) != canonicalize(_loose(build_parallel(version))):
        raise DidDocumentMismatch("the parallel did:web document is not what the did:webvh log says")


def _loose(document: object) -> object:
    """A document without what may differ: the order of other names."""
    names = document.get("alsoKnownAs") if isinstance(document, dict) else None
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        return document
    return {**cast("dict[str, Any]", document), "alsoKnownAs": sorted(set(names))}
