"""What a did:key's document looks like: the options of the method, and the type that a key is shown as under each."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self, final

from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519

from agentdid.codec.base import encode_base58btc, encode_base64url, encode_multibase
from agentdid.codec.varint import encode_varint
from agentdid.did.key import PREFIX, public_key, relationships
from agentdid.errors import KeyInvalid, TypeMismatch
from agentdid.keys.jwk import encode_jwk
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.public import PublicKey

DID_V1_1: Final = "https://www.w3.org/ns/did/v1.1"
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
