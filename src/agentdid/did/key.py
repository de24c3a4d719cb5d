"""did:key: the key is the identifier, so the document is computed.

`z` and `u` spell the same bytes, and both are read: which of the two is written is for `keys.multikey` to say. Two
did:keys are compared by `same_did`, which compares keys and not spellings. How a document is shown is for
`did.key_document` to say.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.codec.base import decode_multibase
from agentdid.codec.varint import decode_varint
from agentdid.did.document import RELATIONSHIPS, DidDocument, VerificationMethod
from agentdid.did.syntax import MAX_DID
from agentdid.errors import DidInvalid, EncodingInvalid, KeyInvalid
from agentdid.keys.algorithms import BY_PREFIX
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.public import load_row

if TYPE_CHECKING:
    from agentdid.keys.public import PublicKey

PREFIX: Final = "did:key:"
# the one method of a did:key neither ends nor is revoked; if it did, this would be too late
_ANY_INSTANT: Final = datetime.max.replace(tzinfo=UTC)
_KEY_AGREEMENT: Final = ("keyAgreement",)
MAX_REMEMBERED: Final = 256  # characters; classical keys take under 160, and strangers shall not fill a cache


@final
class KeyLengthInvalid(DidInvalid):
    """The bytes are not as many as keys of their multicodec have; the did:key method has a name for that."""


def create(key: PublicKey) -> str:
    """Return the did:key of a public key."""
    return PREFIX + encode_multikey(key)


def public_key(did: str) -> PublicKey:
    """Return the key that a did:key is.

    Raises:
        DidInvalid: Not multibase of a known multicodec and exactly its key (`KeyLengthInvalid`).
        KeyInvalid: The bytes are no key: off its curve, of small order, not canonical.

    Spec: The did:key Method, Decode Public Key Algorithm; ATTACKS H01, H03.
    """
    return _known(did) if len(did) <= MAX_REMEMBERED else _decode(did)


def resolve(did: str) -> DidDocument:
    """Return the document of a did:key; its one method is `did:key:X#X`, listed under all that such a key is for.

    The X25519 key that `document_json` derives signs nothing, so it is left out here. Raises as `public_key`.
    """
    return _resolve(did) if len(did) <= MAX_REMEMBERED else _document(did)


@lru_cache(maxsize=4096)
def find_key(did: str, method_id: str, relationship: str) -> PublicKey:
    """Return the key of that id, if the did:key lists it under that relationship: its text says so, at every instant.

    For short texts only (`MAX_REMEMBERED`). Raises as `resolve` and `DidDocument.find_key`.
    """
    return resolve(did).find_key(method_id, relationship, _ANY_INSTANT)


def document_json(did: str) -> dict[str, object]:
    """Return the JSON of a did:key's document as it is shown by default. Raises as `did.key_document.document_json`."""
    from agentdid.did import key_document  # noqa: PLC0415  # who verifies shows nobody a document

    return key_document.document_json(did)


def relationships(key: PublicKey) -> tuple[str, ...]:
    """Return what a key may be listed under: a key that signs is not for agreement, and the other way round."""
    return _KEY_AGREEMENT if key.algorithm.agrees else RELATIONSHIPS


def same_did(one: str, other: str) -> bool:
    """Whether two DIDs are one: to the letter, or as did:keys of one key, whose `z` and `u` forms are one by bytes."""
    if one == other:
        return True
    if not (one.startswith(PREFIX) and other.startswith(PREFIX)):
        return False
    try:
        return public_key(one) == public_key(other)
    except (DidInvalid, KeyInvalid):
        return False


_PREFIX_LEN: Final = len(PREFIX)
_CODE_LEN: Final = 2  # bytes of every code in the table


def _decode(did: str) -> PublicKey:
    if not did.startswith(PREFIX) or len(did) > MAX_DID:
        raise DidInvalid("expected a did:key")
    try:
        coded = decode_multibase(did[_PREFIX_LEN:])
        algorithm = BY_PREFIX.get(coded[:_CODE_LEN])
        if algorithm is None or len(coded) != algorithm.public_len + _CODE_LEN:
            decode_varint(coded)  # a code that is not one is another error
            raise KeyLengthInvalid("not as many bytes as a public key of a known multicodec has")
    except EncodingInvalid as error:
        raise DidInvalid(f"not a did:key ({error.detail})") from None
    return load_row(algorithm, coded[_CODE_LEN:])


def _document(did: str) -> DidDocument:
    key = public_key(did)
    name = did[len(PREFIX) :]
    method_id = f"{did}#{name}"
    method = VerificationMethod(method_id, "Multikey", did, None, None, name)
    return DidDocument(
        id=did,
        methods=MappingProxyType({method_id: method}),
        relationships=MappingProxyType(dict.fromkeys(relationships(key), frozenset({method_id}))),
    )


_known: Final = lru_cache(maxsize=4096)(_decode)
_resolve: Final = lru_cache(maxsize=4096)(_document)
