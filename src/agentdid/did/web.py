"""did:web: a DID document at an https URL that the identifier spells out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX: Final = "did:web:"
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")  # lower case, so that one host has one DID
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_MAX_PORT: Final = 65_535
# An encoded slash, backslash, dot, NUL, at sign or percent would be decoded once more by somebody (ATTACKS I07).
_FORBIDDEN: Final = re.compile(r"%(?:2e|2f|5c|00|40|25)", re.IGNORECASE)


def create(host: str, port: int | None = None, path: Sequence[str] = ()) -> str:
    """Return the did:web of a host, an optional port and path segments. Raises `DidInvalid`."""
    shown = host.lower() if port is None else f"{host.lower()}%3A{port}"
    did = PREFIX + ":".join([shown, *path])
    url(did)
    return did


def url(did: str) -> str:
    """Return the https URL of a did:web's document.

    Raises:
        DidInvalid: The identifier spells no such URL, or one that two readers could read differently.

    Spec: did:web Method section 3.2.
    """
    check_did(did)
    authority, *segments = did.removeprefix(PREFIX).split(":")
    if not did.startswith(PREFIX) or _FORBIDDEN.search(did):
        raise DidInvalid("expected did:web:host, host%3Aport or host:path")
    host, mark, port = authority.partition("%3A")
    if _HOST.fullmatch(host) is None or ".." in host:
        raise DidInvalid("expected a lower-case host name")
    if mark and (_PORT.fullmatch(port) is None or int(port) > _MAX_PORT):
        raise DidInvalid("expected a port of 1 to 65535")
    if any(segment in ("", ".", "..") for segment in segments):
        raise DidInvalid("a path has no empty or dot segments")
    place = "/".join(segments) if segments else ".well-known"
    return f"https://{host}{f':{port}' if mark else ''}/{place}/did.json"
