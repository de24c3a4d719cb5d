"""DID documents: which keys a DID lists, and for what (DID Core section 5, Controlled Identifiers section 2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.instant import parse_instant
from agentdid.did.syntax import check_did, split_did_url
from agentdid.errors import (
    DidDocumentMismatch,
    DidInvalid,
    EncodingInvalid,
    ExtraMissing,
    KeyInvalid,
    PurposeNotAuthorized,
    TypeMismatch,
)
from agentdid.keys.jwk import decode_jwk, encode_jwk
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentdid.keys.public import PublicKey

DID_V1: Final = "https://www.w3.org/ns/did/v1"
MULTIKEY_V1: Final = "https://w3id.org/security/multikey/v1"
RELATIONSHIPS: Final = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation")
"""What a signing key of ours is listed under; `keyAgreement` is read, and never signs."""
ALL_RELATIONSHIPS: Final = (*RELATIONSHIPS, "keyAgreement")
_MULTIBASE_TYPES: Final = frozenset(
    {"Multikey", "Ed25519VerificationKey2020", "X25519KeyAgreementKey2020", "EcdsaSecp256r1VerificationKey2019"}
)
_JWK_TYPES: Final = frozenset({"JsonWebKey", "JsonWebKey2020"})
_MAX_METHODS: Final = 256


@final
class VerificationMethod(Value, frozen=True):
    """One key of a document, not loaded yet: a bad key harms only who uses it.

    Attributes:
        id: Absolute DID URL.
        type: `Multikey`, `JsonWebKey`, …
        controller: Whose key it says it is.
        expires: The instant after which nothing verifies under it, or `None`.
        revoked: The instant from which it is retired, or `None`.
        material: `publicKeyMultibase` or `publicKeyJwk` as it stands.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"material"})

    id: str
    type: str
    controller: str
    expires: datetime | None
    revoked: datetime | None
    material: object

    def public_key(self) -> PublicKey:
        """Return the key.

        Raises:
            KeyInvalid, EncodingInvalid: An unknown type, or not a well-formed key of it.
        """
        if self.type in _MULTIBASE_TYPES:
            return decode_multikey(self.material)  # type: ignore[arg-type]  # refuses what is not text
        if self.type in _JWK_TYPES:
            return decode_jwk(self.material)
        raise KeyInvalid(f"verification methods of type {self.type[:64]} are not used")


@final
class DidDocument(Value, frozen=True):
    """What a DID says of itself.

    Attributes:
        id: The DID.
        methods: Absolute DID URL → key.
        relationships: `assertionMethod`, `authentication`, … → the ids listed there.
        also_known_as: Never honoured as proof of anything (ATTACKS H12).
    """

    id: str
    methods: Mapping[str, VerificationMethod]
    relationships: Mapping[str, frozenset[str]]
    also_known_as: tuple[str, ...] = ()

    def find_key(self, method_id: str, relationship: str, at: datetime) -> PublicKey:
        """Return the key of that id, if the DID lists it for that purpose at that instant.

        Raises:
            PurposeNotAuthorized: It is not there, not under the relationship, another's, expired or revoked.
            KeyInvalid, EncodingInvalid: It is there and is no key, or the document lists a component of a composite
                key outside it.

        Spec: Controlled Identifiers section 3.3; draft-ietf-lamps-pq-composite-sigs-19 section 10.3.
        """
        method = self.methods.get(method_id)
        if method is None or method_id not in self.relationships.get(relationship, ()):
            raise PurposeNotAuthorized(f"the DID document does not list the key under {relationship}")
        if method.controller != self.id:
            raise PurposeNotAuthorized("the key is controlled by another DID")
        if method.expires is not None and at >= method.expires:
            raise PurposeNotAuthorized("the key has expired")
        if method.revoked is not None and at >= method.revoked:
            raise PurposeNotAuthorized("the key has been revoked")
        key = method.public_key()
        if len(self.methods) > 1:
            self._check_components(key)
        return key

    def _check_components(self, key: PublicKey) -> None:
        """Hold that the document lists no component of a composite key beside it. Raises `KeyInvalid`."""
        composites = [
            each
            for each in self.methods.values()
            if isinstance(each.material, dict) and each.material.get("kty") == "AKP" and each.type in _JWK_TYPES
        ]
        if composites or key.algorithm.security == "hybrid":
            from agentdid.keys.composite import check_separate  # noqa: PLC0415  # most documents hold none

            found = [key, *(_find_public(each) for each in self.methods.values())]
            check_separate(each for each in found if each is not None)


def _find_public(method: VerificationMethod) -> PublicKey | None:
    try:
        return method.public_key()
    except (KeyInvalid, EncodingInvalid, ExtraMissing):
        return None  # a bad key harms only who uses it


def parse_document(value: object, expected: str) -> DidDocument:
    """Return the document that a JSON value says, about the DID that was asked for.

    Raises:
        TypeMismatch: A member has another shape than DID Core gives it, or a method id stands twice.
        DidDocumentMismatch: It is about another DID.

    Spec: DID Core section 5; ATTACKS I09.
    """
    if not isinstance(value, dict):
        raise TypeMismatch("expected a DID document object")
    if value.get("id") != expected:
        raise DidDocumentMismatch("the document is about another DID", path="/id")
    methods: dict[str, VerificationMethod] = {}
    for position, each in enumerate(_some(value, "verificationMethod")):
        _add(methods, each, expected, f"/verificationMethod/{position}")
    relationships = {}
    for name in ALL_RELATIONSHIPS:
        listed = set()
        for position, each in enumerate(_some(value, name)):
            path = f"/{name}/{position}"
            listed.add(
                _absolute(each, expected, path) if isinstance(each, str) else _add(methods, each, expected, path)
            )
        relationships[name] = frozenset(listed)
    names = _some(value, "alsoKnownAs")
    if not all(isinstance(each, str) for each in names):
        raise TypeMismatch("expected URLs", path="/alsoKnownAs")
    return DidDocument(
        id=expected,
        methods=MappingProxyType(methods),
        relationships=MappingProxyType(relationships),
        also_known_as=tuple(names),  # type: ignore[arg-type]  # strings, by the line above
    )


def build_document(
    did: str,
    keys: Mapping[str, PublicKey],
    *,
    relationships: Sequence[str] = RELATIONSHIPS,
) -> dict[str, object]:
    """Return the JSON of a document that lists keys as Multikey methods; those without a multicodec as JsonWebKey.

    Args:
        did: The DID; it controls every key.
        keys: Fragment → key.
        relationships: What every key is listed under.
    """
    check_did(did)
    ids = [f"{did}#{fragment}" for fragment in keys]
    return {
        "@context": [DID_V1, MULTIKEY_V1],
        "id": did,
        "verificationMethod": [
            {"id": name, "controller": did, **show_key(key)} for name, key in zip(ids, keys.values(), strict=True)
        ],
        **dict.fromkeys(relationships, ids),
    }


def show_key(key: PublicKey) -> dict[str, object]:
    """Return the type of a key's verification method and its material: a JsonWebKey where it has no multicodec."""
    if key.algorithm.multicodec is None:
        return {"type": "JsonWebKey", "publicKeyJwk": encode_jwk(key)}
    return {"type": "Multikey", "publicKeyMultibase": encode_multikey(key)}


def _some(value: dict[str, object], name: str) -> list[object]:
    found = value.get(name, [])
    if not isinstance(found, list):
        raise TypeMismatch("expected an array", path=f"/{name}")
    if len(found) > _MAX_METHODS:
        raise TypeMismatch(f"expected at most {_MAX_METHODS} elements", path=f"/{name}")
    return found


def _add(methods: dict[str, VerificationMethod], value: object, did: str, path: str) -> str:
    if not isinstance(value, dict):
        raise TypeMismatch("expected a verification method", path=path)
    method_id = _absolute(value.get("id"), did, path)
    if method_id in methods:
        raise TypeMismatch("a verification method stands twice", path=path)
    kind, controller = value.get("type"), value.get("controller")
    if not isinstance(kind, str) or not isinstance(controller, str):
        raise TypeMismatch("a verification method has a type and a controller", path=path)
    expires, revoked = value.get("expires"), value.get("revoked")
    methods[method_id] = VerificationMethod(
        id=method_id,
        type=kind,
        controller=controller,
        expires=None if expires is None else parse_instant(expires, f"{path}/expires"),
        revoked=None if revoked is None else parse_instant(revoked, f"{path}/revoked"),
        material=value.get("publicKeyMultibase") if kind in _MULTIBASE_TYPES else value.get("publicKeyJwk"),
    )
    return method_id


def _absolute(value: object, did: str, path: str) -> str:
    """Return a method id as an absolute DID URL; `#key-1` is relative to the document (DID Core section 3.2.2)."""
    if not isinstance(value, str):
        raise TypeMismatch("expected the id of a verification method", path=path)
    absolute = f"{did}{value}" if value.startswith("#") else value
    try:
        split_did_url(absolute)
    except DidInvalid:
        raise TypeMismatch("expected a DID URL with a fragment", path=path) from None
    return absolute
