"""did:key: the key is the identifier, so the document is computed."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from agentdid.codec.base import decode_multibase
from agentdid.codec.varint import decode_varint
from agentdid.did.document import RELATIONSHIPS, DidDocument, VerificationMethod, build_document
from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid, EncodingInvalid
from agentdid.keys.algorithms import BY_MULTICODEC
from agentdid.keys.multikey import decode_multikey, encode_multikey

if TYPE_CHECKING:
    from agentdid.keys.public import PublicKey

PREFIX: Final = "did:key:"


def create(key: PublicKey) -> str:
    """Return the did:key of a public key."""
    return PREFIX + encode_multikey(key)


@lru_cache(maxsize=4096)
def resolve(did: str) -> DidDocument:
    """Return the document of a did:key; its one method is `did:key:X#X`, listed under every signing relationship.

    Raises:
        DidInvalid: Not multibase of a known multicodec and exactly its key.
        KeyInvalid: A key that is not one: off its curve, of small order.

    Spec: The did:key Method section 3.
    """
    check_did(did)
    name = did.removeprefix(PREFIX)
    try:
        code, raw = decode_varint(decode_multibase(name))
        row = BY_MULTICODEC.get(code)
        if row is None or len(raw) != row.public_len:
            raise DidInvalid("not a did:key (no key of its multicodec)")
        key = decode_multikey(name)
    except EncodingInvalid as error:
        raise DidInvalid(f"not a did:key ({error.detail})") from None
    if encode_multikey(key) != name:
        raise DidInvalid("not the canonical spelling of a did:key")
    method_id = f"{did}#{name}"
    method = VerificationMethod(method_id, "Multikey", did, None, None, name)
    listed = frozenset({method_id})
    return DidDocument(
        id=did,
        methods=MappingProxyType({method_id: method}),
        relationships=MappingProxyType(dict.fromkeys(RELATIONSHIPS, listed)),
    )


def document_json(did: str) -> dict[str, object]:
    """Return the JSON of a did:key's document. Raises as `resolve`."""
    (method,) = resolve(did).methods.values()
    return build_document(did, {did.removeprefix(PREFIX): method.public_key()})
