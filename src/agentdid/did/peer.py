"""did:peer: identifiers that two parties hand each other, the document within them.

Numalgo 0 is a key, 2 lists keys and services, 4 carries a whole document beside its hash. These are computed. Numalgo
1, 3 and the short form of 4 are hashes of what the peer has to have sent before, so here they are not found.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from agentdid.codec.base import decode_base64url, decode_multibase, encode_base64url, encode_multibase
from agentdid.codec.strict_json import encode, parse_object
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.did import key as did_key
from agentdid.did.document import DID_V1, MULTIKEY_V1, DidDocument, parse_document, show_key
from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid, DidNotFound, KeyInvalid, Malformed
from agentdid.keys.algorithms import BY_MULTICODEC
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.keys.pair import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.keys.public import PublicKey

PREFIX: Final = "did:peer:"
FRAGMENT: Final = "key-1"
PURPOSES: Final[Mapping[str, str]] = {
    "A": "assertionMethod",
    "E": "keyAgreement",
    "V": "authentication",
    "I": "capabilityInvocation",
    "D": "capabilityDelegation",
}
"""Purpose codes of numalgo 2."""
_SERVICE: Final = "S"
_ABBREVIATIONS: Final = {"t": "type", "s": "serviceEndpoint", "r": "routingKeys", "a": "accept"}
_MESSAGING_SHORT: Final = "dm"
_MESSAGING: Final = "DIDCommMessaging"
# What a service endpoint may be. A scheme that a browser runs or that reads files is not one of them (ATTACKS H07);
# addresses behind http and https are the guard's to judge when they are used.
_SCHEMES: Final = frozenset({"http", "https", "ws", "wss", "did", "didcomm", "mailto", "urn"})
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HASHED: Final = re.compile(r"z[1-9A-HJ-NP-Za-km-z]{46,47}")
_SHA256: Final = b"\x12\x20"  # multihash: sha2-256, 32 bytes
_JSON: Final = 0x0200  # multicodec json
_MAX_ELEMENTS: Final = 64


def create2(keys: Sequence[tuple[str, PublicKey]], services: Sequence[Mapping[str, object]] = ()) -> str:
    """Return the did:peer:2 of keys and services.

    Args:
        keys: A purpose code of `PURPOSES` and its key, in the order of `#key-1`, `#key-2`, …
        services: As a document lists them; they are written in full, without abbreviations.

    Raises:
        DidInvalid: No key, an unknown purpose, or a service that a resolver refuses.
    """
    parts = [f".{purpose}{encode_multikey(key)}" for purpose, key in keys]
    parts += [f".{_SERVICE}{encode_base64url(encode(dict(each)))}" for each in services]
    did = f"{PREFIX}2{''.join(parts)}"
    document_json(did)
    return did


def create4(document: Mapping[str, object]) -> str:
    """Return the long form of the did:peer:4 of an input document: without `id`, its references relative.

    Raises:
        DidInvalid: It is no such document.
    """
    encoded = encode_multibase(encode_varint(_JSON) + encode(dict(document)), "z")
    did = f"{PREFIX}4{_multihash(encoded)}:{encoded}"
    resolve(did)
    return did


def input_document(key: PublicKey, beside: PublicKey | None = None) -> dict[str, object]:
    """Return the input document of a did:peer:4 with a key, `#key-1`, under every relationship it is fit for.

    Args:
        key: The key.
        beside: A second one, `#key-1-pq`, under the same relationships.
    """
    keys = {FRAGMENT: key} if beside is None else {FRAGMENT: key, FRAGMENT + SUFFIX: beside}
    return {
        "@context": [DID_V1, MULTIKEY_V1],
        "verificationMethod": [{"id": f"#{name}", **show_key(each)} for name, each in keys.items()],
        **{name: [f"#{each}" for each in keys] for name in did_key.relationships(key)},
    }


def short_form(did: str) -> str:
    """Return the short form of a did:peer:4; the same DID where it is one already."""
    return PREFIX + did[len(PREFIX) :].partition(":")[0]


def short_document(did: str) -> dict[str, object]:
    """Return the document of the short form of a did:peer:4, for whoever has the long one.

    Raises:
        DidInvalid: Not the long form of a did:peer:4.

    Spec: did:peer:4, Resolving a DID.
    """
    short = short_form(did)
    if not did.startswith(f"{PREFIX}4") or short == did:
        raise DidInvalid("expected the long form of a did:peer:4")
    document: dict[str, object] = _renamed(document_json(did), did, short)  # type: ignore[assignment]  # stays an object
    names: list[object] = document["alsoKnownAs"]  # type: ignore[assignment]  # a list, by document_json
    return {**document, "alsoKnownAs": [did if each == short else each for each in names]}


@lru_cache(maxsize=256)
def resolve(did: str) -> DidDocument:
    """Return the document of a did:peer. Raises as `document_json`."""
    try:
        return parse_document(document_json(did), did)
    except (DidInvalid, KeyInvalid):
        raise
    except Malformed as error:
        raise DidInvalid(f"not a did:peer ({error})") from None


def document_json(did: str) -> dict[str, object]:
    """Return the JSON of a did:peer's document.

    Raises:
        DidInvalid: Not a did:peer, or what it carries is not what its numalgo says (ATTACKS H07).
        KeyInvalid: A key of numalgo 0 or 2 that is not one.
        DidNotFound: A hash: only the peer who made it can show its document.

    Spec: Peer DID Method, sections Method 0 to Method 4.
    """
    check_did(did)
    numalgo, rest = did[len(PREFIX) : len(PREFIX) + 1], did[len(PREFIX) + 1 :]
    if not did.startswith(PREFIX) or numalgo not in _READERS:
        raise DidInvalid("expected a did:peer of numalgo 0 to 4")
    return _READERS[numalgo](did, rest)


def _numalgo0(did: str, rest: str) -> dict[str, object]:
    document = did_key.document_json(did_key.PREFIX + rest)
    return _renamed(document, did_key.PREFIX + rest, did)  # type: ignore[return-value]  # an object stays one


def _renamed(value: object, old: str, new: str) -> object:
    if isinstance(value, str):
        return new + value[len(old) :] if value.startswith(old) else value
    if isinstance(value, list):
        return [_renamed(each, old, new) for each in value]
    if isinstance(value, dict):
        return {name: _renamed(each, old, new) for name, each in value.items()}
    return value


def _hashed(_did: str, rest: str) -> dict[str, object]:
    if _HASHED.fullmatch(rest) is None:
        raise DidInvalid("expected the multihash of a did:peer")
    raise DidNotFound("the document behind a hash is only had from the peer who made it")


def _numalgo2(did: str, rest: str) -> dict[str, object]:
    first, *elements = rest.split(".")
    if first or not elements or len(elements) > _MAX_ELEMENTS:
        raise DidInvalid(f"expected 1 to {_MAX_ELEMENTS} elements, each after a dot")
    document: dict[str, object] = {"@context": [DID_V1, MULTIKEY_V1], "id": did}
    methods: list[dict[str, object]] = []
    relationships: dict[str, list[str]] = {}
    services: list[dict[str, object]] = []
    unnamed = 0
    for element in elements:
        purpose, value = element[:1], element[1:]
        if purpose == _SERVICE:
            service = _service(value)
            if "id" not in service:
                service["id"] = f"#service-{unnamed}" if unnamed else "#service"
                unnamed += 1
            services.append(service)
            continue
        if purpose not in PURPOSES:
            raise DidInvalid("expected a purpose code A, E, V, I, D or S")
        method_id = f"#key-{len(methods) + 1}"
        methods.append({"id": method_id, "controller": did, "type": "Multikey", "publicKeyMultibase": _key(value)})
        relationships.setdefault(PURPOSES[purpose], []).append(method_id)
    if not methods:
        raise DidInvalid("expected at least one key")
    document["verificationMethod"] = methods
    document.update(relationships)
    if services:
        document["service"] = services
    document["alsoKnownAs"] = [f"{PREFIX}3{_multihash(rest)}"]
    return document


def _key(text: str) -> str:
    """Return the text if it is a Multikey. One of a kind that is not in our table is listed, and of no use to us."""
    try:
        code, raw = decode_varint(decode_multibase(text))
    except Malformed as error:
        raise DidInvalid(f"not a key of a did:peer ({error.detail})") from None
    if not raw:
        raise DidInvalid("not a key of a did:peer")
    if code in BY_MULTICODEC:
        decode_multikey(text)
    return text


def _service(text: str) -> dict[str, object]:
    try:
        found = _expand(parse_object(decode_base64url(text)).value)
    except Malformed as error:
        raise DidInvalid(f"not a service of a did:peer ({error.detail})") from None
    service: dict[str, object] = found  # type: ignore[assignment]  # an object stays one
    if not isinstance(service.get("type"), str) or "serviceEndpoint" not in service:
        raise DidInvalid("a service has a type and a serviceEndpoint")
    name = service.get("id", "#")
    if not isinstance(name, str) or not name.startswith("#"):
        raise DidInvalid("the id of a service is relative")
    _check_endpoint(service["serviceEndpoint"])
    return service


def _expand(value: object) -> object:
    """Write the abbreviations of a service out: names of members everywhere, and the value of its type."""
    if isinstance(value, list):
        return [_expand(each) for each in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, object] = {}
    short: str
    for short, each in value.items():
        name = _ABBREVIATIONS.get(short, short)
        if name in found:
            raise DidInvalid("a member of a service stands twice, once abbreviated")
        found[name] = _MESSAGING if name == "type" and each == _MESSAGING_SHORT else _expand(each)
    return found


def _check_endpoint(value: object) -> None:
    if isinstance(value, str):
        scheme = _SCHEME.match(value)
        if scheme is None or scheme.group(1).lower() not in _SCHEMES:
            raise DidInvalid("a service endpoint is a URI of a scheme that is safe to follow")
    elif isinstance(value, list):
        for each in value:
            _check_endpoint(each)
    elif isinstance(value, dict):
        if "uri" in value:
            _check_endpoint(value["uri"])
    else:
        raise DidInvalid("a service endpoint is a URI, an object or a list of them")


def _numalgo4(did: str, rest: str) -> dict[str, object]:
    hashed, colon, encoded = rest.partition(":")
    if not colon:
        return _hashed(did, rest)
    if hashed != _multihash(encoded):
        raise DidInvalid("the hash of a did:peer:4 is another document's")
    try:
        code, raw = decode_varint(decode_multibase(encoded))
        document: dict[str, object] = parse_object(raw).value  # type: ignore[assignment]  # an object, by its parser
    except Malformed as error:
        raise DidInvalid(f"not the document of a did:peer:4 ({error.detail})") from None
    if code != _JSON or not encoded.startswith("z") or "id" in document:
        raise DidInvalid("expected the base58btc of a JSON document without id")
    names = document.get("alsoKnownAs", [])
    if not isinstance(names, list):
        raise DidInvalid("expected alsoKnownAs to be a list")
    services = document.get("service", [])
    for each in services if isinstance(services, list) else [services]:
        if not isinstance(each, dict) or "serviceEndpoint" not in each:
            raise DidInvalid("a service has a serviceEndpoint")
        _check_endpoint(each["serviceEndpoint"])
    found = {name: _controlled(value, did, name) for name, value in document.items()}
    found["alsoKnownAs"] = [*names, PREFIX + "4" + hashed]
    found["id"] = did
    return found


def _controlled(value: object, did: str, name: str) -> object:
    """Put the DID as `controller` to every verification method that names none."""
    if name not in ("verificationMethod", *PURPOSES.values()) or not isinstance(value, list):
        return value
    return [{"controller": did, **each} if isinstance(each, dict) else each for each in value]


def _multihash(text: str) -> str:
    return encode_multibase(_SHA256 + sha256(text.encode("ascii")).digest(), "z")


_READERS: Final = {"0": _numalgo0, "1": _hashed, "2": _numalgo2, "3": _hashed, "4": _numalgo4}
