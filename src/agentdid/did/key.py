"""did:key: the key is the identifier, so the document is computed.

`z` and `u` spell the same bytes, and both are read: which of the two is written is for `keys.multikey` to say. Two
did:keys are compared by `same_did`, which compares keys and not spellings.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, final

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519

from agentdid.codec.base import decode_multibase, encode_base58btc, encode_base64url, encode_multibase
from agentdid.codec.varint import decode_varint, encode_varint
from agentdid.did.document import RELATIONSHIPS, DidDocument, VerificationMethod
from agentdid.did.syntax import MAX_DID
from agentdid.errors import DidInvalid, EncodingInvalid, KeyInvalid, TypeMismatch
from agentdid.keys.algorithms import BY_MULTICODEC
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.public import load_public
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.public import PublicKey

PREFIX: Final = "did:key:"
DID_V1_1: Final = "https://www.w3.org/ns/did/v1.1"
_KEY_AGREEMENT: Final = ("keyAgreement",)
_MAX_REMEMBERED: Final = 256  # characters; classical keys take under 160, and strangers shall not fill a cache
_X25519: Final = 0xEC


@final
class Format(Value, frozen=True):
    """One `publicKeyFormat`: what a key is shown as (did:key, Signature and Encryption Method Creation).

    Attributes:
        name: The `type` of the verification method.
        member: Which member holds the key.
        context: The JSON-LD context of the type, where the default context does not have it.
        only_for: The multicodec of the one kind of key that it can show; `None`: any.
        derived: What the X25519 key derived from an Ed25519 key is then shown as.
        experimental: Whether it has to be enabled.
    """

    name: str
    member: str
    context: str | None = None
    only_for: int | None = None
    derived: str = "Multikey"
    experimental: bool = False


_SUITES: Final = "https://w3id.org/security/suites"
_MULTIBASE, _JWK, _BASE58 = "publicKeyMultibase", "publicKeyJwk", "publicKeyBase58"
FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        row.name: row
        for row in (
            Format("Multikey", _MULTIBASE),
            Format("JsonWebKey", _JWK, derived="JsonWebKey"),
            Format("JsonWebKey2020", _JWK, f"{_SUITES}/jws-2020/v1", derived="JsonWebKey2020"),
            Format(
                "Ed25519VerificationKey2020",
                _MULTIBASE,
                f"{_SUITES}/ed25519-2020/v1",
                0xED,
                derived="X25519KeyAgreementKey2020",
            ),
            Format("X25519KeyAgreementKey2020", _MULTIBASE, f"{_SUITES}/x25519-2020/v1", _X25519),
            # what came before, as the method's own test vectors show keys
            Format(
                "Ed25519VerificationKey2018",
                _BASE58,
                f"{_SUITES}/ed25519-2018/v1",
                0xED,
                derived="X25519KeyAgreementKey2019",
                experimental=True,
            ),
            Format("X25519KeyAgreementKey2019", _BASE58, f"{_SUITES}/x25519-2019/v1", _X25519, experimental=True),
            Format(
                "EcdsaSecp256k1VerificationKey2019", _BASE58, f"{_SUITES}/secp256k1-2019/v1", 0xE7, experimental=True
            ),
            Format("P256Key2021", _BASE58, f"{_SUITES}/multikey-2021/v1", 0x1200, experimental=True),
            Format("Bls12381G2Key2020", _BASE58, f"{_SUITES}/bls12381-2020/v1", 0xEB, experimental=True),
        )
    }
)


@final
class KeyLengthInvalid(DidInvalid):
    """The bytes are not as many as keys of their multicodec have; the did:key method has a name for that."""


@final
class OptionInvalid(TypeMismatch):
    """A resolution option of another form than its definition gives it."""


@final
class KeyFormatUnknown(TypeMismatch):
    """`publicKeyFormat` names nothing that is known here."""


@final
class KeyFormatInvalid(TypeMismatch):
    """`publicKeyFormat` names what has to be asked for as experimental, or what this key cannot be shown as."""


@final
class Options(Value, frozen=True):
    """How a document is shown (did:key, Document Creation Algorithm). The keys in it are the same under all of them.

    Attributes:
        key_format: `publicKeyFormat`.
        experimental: `enableExperimentalPublicKeyTypes`.
        context: `defaultContext`.
        derive: `enableEncryptionKeyDerivation`: whether an Ed25519 key gets an X25519 key for `keyAgreement`.
    """

    key_format: str = "Multikey"
    experimental: bool = False
    context: tuple[str, ...] = (DID_V1_1,)
    derive: bool = True

    @classmethod
    def parse(cls, options: Mapping[str, object]) -> Self:
        """Return the options that a resolution request says, whether as text or as JSON; others are not ours.

        Raises:
            OptionInvalid: A value of another type.
            KeyFormatUnknown, KeyFormatInvalid: By `publicKeyFormat`.
        """
        usual = cls()
        name = options.get("publicKeyFormat", usual.key_format)
        context = options.get("defaultContext", usual.context)
        context = [context] if isinstance(context, str) else context
        if not isinstance(name, str) or not isinstance(context, list | tuple):
            raise OptionInvalid("expected publicKeyFormat to be text and defaultContext to be URLs")
        if not context or not all(isinstance(each, str) and each for each in context):
            raise OptionInvalid("expected defaultContext to be URLs")
        experimental = _flag(options, "enableExperimentalPublicKeyTypes", default=usual.experimental)
        if name not in FORMATS:
            # who switches experimental types off asks for the known ones, which this is not
            switched = "enableExperimentalPublicKeyTypes" in options and not experimental
            raise (KeyFormatInvalid if switched else KeyFormatUnknown)(f"expected one of {', '.join(FORMATS)}")
        if FORMATS[name].experimental and not experimental:
            raise KeyFormatInvalid("the publicKeyFormat is an experimental one, which was not enabled")
        derive = _flag(options, "enableEncryptionKeyDerivation", default=usual.derive)
        return cls(name, experimental, tuple(context), derive)


_AS_WE_SHOW_IT: Final = Options()


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
    return _known(did) if len(did) <= _MAX_REMEMBERED else _decode(did)


def resolve(did: str) -> DidDocument:
    """Return the document of a did:key; its one method is `did:key:X#X`, listed under all that such a key is for.

    The X25519 key that `document_json` derives signs nothing, so it is left out here. Raises as `public_key`.
    """
    return _resolve(did) if len(did) <= _MAX_REMEMBERED else _document(did)


def document_json(did: str, options: Options = _AS_WE_SHOW_IT) -> dict[str, object]:
    """Return the JSON of a did:key's document.

    Raises:
        DidInvalid, KeyInvalid: As `public_key`.
        KeyFormatInvalid: The key cannot be shown in the format asked for.

    Spec: The did:key Method, Document Creation Algorithm.
    """
    key = public_key(did)
    shown = FORMATS[options.key_format]
    if shown.only_for not in (None, key.algorithm.multicodec):
        raise KeyFormatInvalid(f"a key of {key.algorithm.name} is not shown as {shown.name}")
    name = did[len(PREFIX) :]
    document: dict[str, object] = {"@context": list(options.context), "id": did}
    method = {**_method(did, name, shown), shown.member: _material(key, name, shown)}
    document["verificationMethod"] = [method]
    document.update({each: [method["id"]] for each in relationships(key)})
    contexts = [*options.context, shown.context]
    if options.derive and key.algorithm.name == "Ed25519":
        also = FORMATS[shown.derived]
        raw = _derive(key)
        name = encode_multibase(encode_varint(_X25519) + raw, "z")
        document["keyAgreement"] = [{**_method(did, name, also), also.member: _derived_material(raw, name, also)}]
        contexts.append(also.context)
    document["@context"] = list(dict.fromkeys(each for each in contexts if each is not None))
    return document


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


def _decode(did: str) -> PublicKey:
    if not did.startswith(PREFIX) or len(did) > MAX_DID:
        raise DidInvalid("expected a did:key")
    try:
        code, raw = decode_varint(decode_multibase(did[len(PREFIX) :]))
    except EncodingInvalid as error:
        raise DidInvalid(f"not a did:key ({error.detail})") from None
    algorithm = BY_MULTICODEC.get(code)
    if algorithm is None or len(raw) != algorithm.public_len:
        raise KeyLengthInvalid("not as many bytes as a public key of a known multicodec has")
    return load_public(algorithm.name, raw)


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


def _method(did: str, name: str, shown: Format) -> dict[str, object]:
    return {"id": f"{did}#{name}", "type": shown.name, "controller": did}


def _material(key: PublicKey, name: str, shown: Format) -> object:
    if shown.member == _JWK:
        return encode_jwk(key)
    return encode_base58btc(key.raw) if shown.member == _BASE58 else name


def _derived_material(raw: bytes, name: str, shown: Format) -> object:
    if shown.member == _JWK:
        return {"kty": "OKP", "crv": "X25519", "x": encode_base64url(raw)}  # RFC 8037 §2
    return encode_base58btc(raw) if shown.member == _BASE58 else name


def _derive(key: PublicKey) -> bytes:
    """Return the X25519 key of an Ed25519 key (RFC 7748 section 4.1). Raises `KeyInvalid`: it is not on the curve."""
    try:
        raw: bytes = crypto_sign_ed25519_pk_to_curve25519(key.raw)
    except RuntimeError:  # libsodium's word for a point that is none, or not of the prime order
        raise KeyInvalid("an Ed25519 key that is no point of the curve's main subgroup") from None
    return raw


def _flag(options: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = options.get(name, default)
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise OptionInvalid(f"expected {name} to be true or false")
