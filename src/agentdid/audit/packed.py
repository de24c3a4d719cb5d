"""Evidence as a log keeps it: one line a bundle, and the documents it refers to by digest in lines of their own.

A status list serves thousands of decisions: it stands once a day, and each bundle names it.

Spec: specs/audit-log.md G20-G23.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, final

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import decode_base64url, encode_base64url, encode_multibase
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError
from agentdid.limits import Limits
from agentdid.record import Value

LIMITS: Final = Limits(max_input_bytes=64 * 1024 * 1024, max_members=1_000_000)
"""Of a line of evidence, which holds an input or a document whole."""
_MULTIHASH: Final = b"\x12\x20"


@final
class Packed(Value, frozen=True, eq=False):
    """One bundle, packed.

    Attributes:
        line: Its JSON.
        bodies: What it refers to, by multibase multihash.
    """

    line: bytes
    bodies: dict[str, bytes]


def digest_of(octets: bytes) -> str:
    """Return the multibase multihash (base64url, SHA-256) of some bytes."""
    return encode_multibase(_MULTIHASH + sha256(octets).digest(), "u")


@lru_cache(maxsize=4_096)
def name_digest(digest: bytes) -> str:
    """Return a SHA-256 digest as a multibase multihash, as `digestMultibase` has it; links and lists come again."""
    return encode_multibase(_MULTIHASH + digest, "u")


def encode_body(name: str, body: bytes) -> bytes:
    """Return the line of a document: its digest, and its body as text or, where it is no UTF-8, in base64url."""
    try:
        return canonicalize({"digest": name, "text": body.decode("utf-8")})
    except UnicodeDecodeError:
        return canonicalize({"base64url": encode_base64url(body), "digest": name})


def decode_body(line: bytes) -> tuple[str, bytes] | None:
    """Return digest and body of a document's line; `None` for a line of another kind.

    Raises:
        ValueError: Not as it was written, or of another digest.
    """
    value = read_line(line)
    if "digest" not in value:
        return None
    try:
        body = value["text"].encode("utf-8") if "text" in value else decode_base64url(value["base64url"])
        name = value["digest"]
    except (KeyError, AttributeError, AgentdidError):
        raise ValueError("not a document as it is written") from None
    if digest_of(body) != name or encode_body(name, body) != line:
        raise ValueError("the document is another than its digest says")
    return name, body


def read_line(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line of evidence. Raises `ValueError`."""
    try:
        value = parse(line, LIMITS).value
    except AgentdidError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("not a line of evidence")  # about a file's content
    return value
