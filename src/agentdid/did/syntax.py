"""DIDs and DID URLs as text (DID Core section 3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from agentdid.errors import DidInvalid

_MAX_LENGTH: Final = 8_192  # characters; an ML-DSA did:key has about 2,700
# DID Core §3.1: idchar is a letter, digit, ".", "-", "_" or percent-encoded octet; the last segment is not empty.
_IDCHAR: Final = r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})"
_DID: Final = re.compile(rf"did:([A-Za-z0-9]+):((?:{_IDCHAR}*:)*{_IDCHAR}+)")
_FRAGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+")  # RFC 3986 §3.5


@lru_cache(maxsize=4096)
def check_did(text: str) -> str:
    """Hold that `text` is a bare DID, no DID URL; return its method name as it is written.

    Whether the method is known is for `did.resolve.plan` to say.

    Raises:
        DidInvalid: Not a DID: another scheme, a path, query, fragment or parameter, a character outside the grammar.

    Spec: DID Core section 3.1.
    """
    found = _DID.fullmatch(text) if isinstance(text, str) and len(text) <= _MAX_LENGTH else None
    if found is None:
        raise DidInvalid("expected a DID: did:method:identifier")
    return found.group(1)


def split_did_url(text: object) -> tuple[str, str]:
    """Return the DID and the fragment of an absolute DID URL that has nothing else: a verification method's id.

    Raises:
        DidInvalid: Not such a URL.

    Spec: DID Core section 3.2.
    """
    if not isinstance(text, str):
        raise DidInvalid("expected an absolute DID URL with a fragment")
    return _split(text)


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[str, str]:
    did, mark, fragment = text.partition("#")
    if not mark or _FRAGMENT.fullmatch(fragment) is None:
        raise DidInvalid("expected an absolute DID URL with a fragment")
    check_did(did)
    return did, fragment
