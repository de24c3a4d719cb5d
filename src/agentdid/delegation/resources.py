r"""When one resource is another, or lies below it: the one place where URIs are compared.

What it establishes: two readers of one resource text see the same place, and no spelling of a place outside a
granted one counts as inside it. Rules:

* Resources are absolute URIs of ASCII characters, without query, fragment or userinfo.
* ``//`` in the path, ``\``, ``;``, ``%2f``, ``%5c`` and ``%00`` are refused: servers disagree about them.
* Scheme and host are lower-cased, a default port is dropped, percent-encoding is brought to one spelling.
* A path with a ``.`` or ``..`` segment, or one encoded twice, reads well but lies below nothing: only its own
  equal. Neither is the host's trailing dot dropped, nor the path's case.

Whether a server may be asked for a resource is the fetch guard's matter, not ours.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_MAX_CHARS: Final = 2_048
"""A longer URI is not one that servers accept; it also bounds the cache below."""

# RFC 3986 characters of a path, less ";" and with percent triplets only whole.
_URI: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]*):(?://([A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?(?=/|\Z))?"
    r"((?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*)"
)
_FORBIDDEN: Final = re.compile(r"%2f|%5c|%00", re.IGNORECASE)
_TRIPLET: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT: Final = {"https": "443", "http": "80"}
_MAX_PORT: Final = 65_535


def _triplet(match: re.Match[str]) -> str:
    """Return a percent triplet decoded where it hides an unreserved character, else in upper case."""
    character = chr(int(match[0][1:], 16))
    return character if character in _UNRESERVED else match[0].upper()


def find_normal(text: str) -> str | None:
    """Return the one spelling of the resource `text`, or `None` when it is not a resource.

    Spec: specs/capability-credential.md C10; RFC 3986 section 6.2.2.
    """
    # before the cache, so that strangers cannot make it hold long texts
    return _find_normal(text) if len(text) <= _MAX_CHARS else None


@lru_cache(maxsize=1024)
def _find_normal(text: str) -> str | None:
    """Return the one spelling of a text of bounded length, or `None`."""
    match = _URI.fullmatch(text)
    if match is None or _FORBIDDEN.search(text):
        return None
    scheme, host, port, path = match[1].lower(), match[2], match[3], match[4]
    if "//" in path or (scheme in _DEFAULT_PORT and host is None) or (host is None and not path):
        return None
    if "%" in path:
        path = _TRIPLET.sub(_triplet, path)
    if host is None:
        return f"{scheme}:{path}"
    if port is None or port == _DEFAULT_PORT.get(scheme):
        return f"{scheme}://{host.lower()}{path or '/'}"
    if int(port) > _MAX_PORT:
        return None
    return f"{scheme}://{host.lower()}:{port}{path or '/'}"


@lru_cache(maxsize=1024)
def is_crooked(normal: str) -> bool:
    """Tell whether a server could read the resource as another place: dot segments, or encoded twice."""
    # "%25" is an encoded percent sign: a server that decodes twice would see a second encoding, such as "%252e".
    return "%25" in normal or not {".", ".."}.isdisjoint(normal.split(":", 1)[1].split("/"))


def is_below(normal: str, parent: str) -> bool:
    """Tell whether a resource equals `parent` or lies below it by path segment; both as `find_normal` spells them.

    ``…/a`` has ``…/a/`` and ``…/a/b`` below it, not ``…/ab``; ``…/a/`` has ``…/a/b`` below it, not ``…/a``.
    """
    if normal == parent:
        return True
    if not normal.startswith(parent if parent[-1] == "/" else parent + "/"):
        return False
    return not is_crooked(normal) and not is_crooked(parent)


def find_requested(url: str) -> str | None:
    """Return the one spelling of a request's URL without its query, or `None` when no grant can permit it.

    Spec: specs/delegation.md D24 (the query of a request is ignored in matching).
    """
    normal = find_normal(url.partition("?")[0])
    return None if normal is None or is_crooked(normal) else normal
