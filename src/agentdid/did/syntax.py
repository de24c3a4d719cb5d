"""DIDs and DID URLs as text (DID Core section 3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from agentdid.errors import DidInvalid
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DID: Final = 8_192
"""Characters: an ML-DSA-87 did:jwk has about 4,700, a did:peer:4 as many as its document needs."""
# DID Core §3.1: idchar is a letter, digit, ".", "-", "_" or percent-encoded octet; the last segment is not empty.
_IDCHAR: Final = r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})"
_DID: Final = re.compile(rf"did:([A-Za-z0-9]+):((?:{_IDCHAR}*:)*{_IDCHAR}+)")
# RFC 3986 §3.3-3.5: a path is pchar and "/", a query and a fragment are pchar, "/" and "?".
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*")
_FRAGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+")


@final
class DidUrlInvalid(DidInvalid):
    """The text begins as a DID does, and goes on as no DID URL does; DID Resolution has a name for that."""


@final
class DidUrl(Value, frozen=True):
    """A DID URL in its parts (DID Core section 3.2), each as it is written; empty where there is none."""

    did: str
    path: str
    query: str
    fragment: str

    @property
    def is_did(self) -> bool:
        """Whether it is a DID and nothing else."""
        return not (self.path or self.query or self.fragment)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The DID parameters of its query. Raises `DidUrlInvalid` where one stands twice."""
        from urllib.parse import parse_qsl  # noqa: PLC0415  # a first verdict dereferences nothing

        pairs = parse_qsl(self.query, keep_blank_values=True)
        found = dict(pairs)
        if len(found) != len(pairs):
            raise DidUrlInvalid("a DID parameter stands twice")
        return found


def check_did(text: object) -> str:
    """Hold that `text` is a bare DID, no DID URL; return its method name as it is written.

    Whether the method is known is for `did.resolve.plan` to say.

    Raises:
        DidInvalid: Not a DID: another scheme, a path, query, fragment or parameter, a character outside the grammar.

    Spec: DID Core section 3.1.
    """
    # not left to the cache: what is no text may have no hash either
    if type(text) is not str:
        raise DidInvalid("expected a DID: did:method:identifier")
    return _read_method(text)


@lru_cache(maxsize=4096)
def _read_method(text: str) -> str:
    found = _DID.fullmatch(text) if len(text) <= MAX_DID else None
    if found is None:
        raise DidInvalid("expected a DID: did:method:identifier")
    return found.group(1)


def split_did_url(text: object) -> tuple[str, str]:
    """Return the DID and the fragment of an absolute DID URL that has nothing else: a verification method's id.

    Raises:
        DidInvalid: Not such a URL.

    Spec: DID Core section 3.2.
    """
    if type(text) is not str:  # as in `check_did`
        raise DidInvalid("expected an absolute DID URL with a fragment")
    return _split(text)


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[str, str]:
    did, mark, fragment = text.partition("#")
    if not mark or _FRAGMENT.fullmatch(fragment) is None:
        raise DidInvalid("expected an absolute DID URL with a fragment")
    check_did(did)
    return did, fragment


def parse_did_url(text: str) -> DidUrl:
    """Return the parts of a DID URL, of which a bare DID is one.

    Raises:
        DidInvalid: The DID in it is none.
        DidUrlInvalid: What follows the DID is no path, query or fragment.

    Spec: DID Core section 3.2.
    """
    if len(text) > MAX_DID:
        raise DidInvalid(f"a DID URL has at most {MAX_DID} characters")
    rest, mark, fragment = text.partition("#")
    rest, asked, query = rest.partition("?")
    did, slash, path = rest.partition("/")
    path = slash + path
    check_did(did)
    if (
        _PATH.fullmatch(path) is None
        or (mark and _FRAGMENT.fullmatch(fragment) is None)
        or (asked and _FRAGMENT.fullmatch(query) is None)
    ):
        raise DidUrlInvalid("expected a DID URL: a DID, then at most a path, a query and a fragment")
    return DidUrl(did, path, query, fragment)
