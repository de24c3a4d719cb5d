"""One HTTP request as a presentation names it: method, URL and body in one spelling, and the header it goes in."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Final
from urllib.parse import urlsplit

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import EncodingInvalid, HeaderInvalid, InputTooLarge
from agentdid.limits import DEFAULT, Limits

SCHEME: Final = "AgentVP"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def origin(url: str) -> str:
    """Return the origin of a URL: scheme and host in lower case, the port only when it is not the default.

    Raises:
        HeaderInvalid: Not an absolute http(s) URL, or one with userinfo.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise HeaderInvalid("expected an absolute URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise HeaderInvalid("expected an absolute http(s) URL without userinfo")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def normalize_url(url: str) -> str:
    """Return the target URI as `htu` carries it: origin, path and query as sent, no fragment.

    Deviation D23: unlike DPoP's, our `htu` keeps the query, which holds arguments (specs/presentation-over-http.md H8).

    Raises:
        HeaderInvalid: As `origin`.
    """
    called = origin(url)
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{called}{parts.path or '/'}{query}"


def content_digest(body: bytes) -> str | None:
    """Return the `Content-Digest` value of a body (RFC 9530, sha-256); `None` for an empty one."""
    return None if not body else f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def encode_authorization(presentation: str) -> str:
    """Return the `Authorization` value that carries a presentation, compact text or JSON text."""
    return f"{SCHEME} {encode_base64url(presentation.encode('utf-8'))}"


def decode_authorization(header: str, limits: Limits = DEFAULT) -> str:
    """Return the presentation in an `Authorization` value.

    Raises:
        InputTooLarge: Over `limits.max_header_bytes`; nothing was decoded.
        HeaderInvalid: Another scheme.
        EncodingInvalid: Not base64url of UTF-8.
    """
    if len(header) > limits.max_header_bytes:
        raise InputTooLarge(f"a presentation in a header is at most {limits.max_header_bytes} bytes")
    scheme, _, value = header.partition(" ")
    if scheme.lower() != SCHEME.lower():
        raise HeaderInvalid(f"expected the scheme {SCHEME}")
    try:
        return decode_base64url(value).decode("utf-8")
    except UnicodeDecodeError:
        raise EncodingInvalid("expected UTF-8") from None
