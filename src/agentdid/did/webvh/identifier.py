"""The identifier `did:webvh:SCID:host[%3Aport][:path…]`, and the URLs that it spells (did:webvh 1.0, DID-to-HTTPS)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX: Final = "did:webvh:"
PLACEHOLDER: Final = "{SCID}"
"""What stands for the SCID until it is known (did:webvh 1.0, Generate SCID)."""
STAND_IN: Final = "Qm" + "1" * 44
"""What a SCID could be, and no hash is: for a document that is made before there is one."""
LOG_NAME: Final = "did.jsonl"
WITNESS_NAME: Final = "did-witness.json"
# base58btc of a SHA-256 multihash (0x12 0x20 …): always 46 characters that begin with Qm
MULTIHASH: Final = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}")
# A-labels in lower case, so that one host has one DID and no octet of it is encoded.
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_NUMERIC: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")  # a last label like this makes readers see an IPv4 address
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_MAX_PORT: Final = 65_535
_MAX_HOST: Final = 253  # RFC 1035 §2.3.4
# An encoded slash, backslash, dot, NUL, at sign or percent would be decoded once more by somebody (ATTACKS I07).
_FORBIDDEN: Final = re.compile(r"%(?:2e|2f|5c|00|40|25)", re.IGNORECASE)


@final
class Identifier(Value, frozen=True):
    """A did:webvh in its parts.

    Attributes:
        did: As it was given.
        scid: The self-certifying part.
        host: In lower case, A-labels.
        port: `None` for 443.
        segments: Of the path, as they are written.
    """

    did: str
    scid: str
    host: str
    port: int | None
    segments: tuple[str, ...]

    @property
    def log_url(self) -> str:
        """Where the log is."""
        return self._beside(LOG_NAME)

    @property
    def witness_url(self) -> str:
        """Where the witnesses' proofs are: beside the log."""
        return self._beside(WITNESS_NAME)

    @property
    def base_url(self) -> str:
        """Where the files of the DID are, with a trailing slash; never under `.well-known`."""
        return "/".join([self._origin, *self.segments, ""])

    @property
    def web(self) -> str:
        """The parallel did:web."""
        return "did:web:" + self.did.removeprefix(f"{PREFIX}{self.scid}:")

    @property
    def _origin(self) -> str:
        return f"https://{self.host}{'' if self.port is None else f':{self.port}'}"

    def _beside(self, name: str) -> str:
        return "/".join([self._origin, *(self.segments or (".well-known",)), name])


@lru_cache(maxsize=1024)
def parse_identifier(did: str) -> Identifier:
    """Return the parts of a did:webvh.

    Raises:
        DidInvalid: It has not the form of the method, its host is an address, or two readers could read it differently.

    Spec: did:webvh 1.0, Method-Specific Identifier; ATTACKS I07.
    """
    check_did(did)
    if not did.startswith(PREFIX) or _FORBIDDEN.search(did):
        raise DidInvalid("expected did:webvh:SCID:host, …:host%3Aport or …:host:path")
    scid, _, place = did.removeprefix(PREFIX).partition(":")
    if MULTIHASH.fullmatch(scid) is None:
        raise DidInvalid("expected an SCID: a SHA-256 multihash in base58btc")
    return _parse_place(did, scid, place)


def template(host: str, port: int | None = None, path: Sequence[str] = ()) -> str:
    """Return the DID of a place before its SCID is known. Raises `DidInvalid`."""
    shown = host.lower() if port is None else f"{host.lower()}%3A{port}"
    place = ":".join([shown, *path])
    # held to the grammar with a SCID that could be one, as the placeholder is no character of a DID
    parse_identifier(f"{PREFIX}{STAND_IN}:{place.replace(PLACEHOLDER, STAND_IN)}")
    return f"{PREFIX}{PLACEHOLDER}:{place}"


def _parse_place(did: str, scid: str, place: str) -> Identifier:
    authority, *segments = place.split(":")
    host, mark, port = authority.partition("%3A")
    labels = host.split(".")
    if _HOST.fullmatch(host) is None or len(host) > _MAX_HOST or _NUMERIC.fullmatch(labels[-1]) is not None:
        raise DidInvalid("expected a lower-case host name, not an address")
    # Deviation D37: the grammar wants two labels; localhost is a host name for development and never public.
    if len(labels) == 1 and host != "localhost":
        raise DidInvalid("expected a host name of two labels or more")
    if mark and (_PORT.fullmatch(port) is None or int(port) > _MAX_PORT):
        raise DidInvalid("expected a port of 1 to 65535")
    if any(segment in ("", ".", "..") for segment in segments):
        raise DidInvalid("a path has no empty or dot segments")
    return Identifier(did, scid, host, int(port) if mark else None, tuple(segments))
