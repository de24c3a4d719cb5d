"""COSE_Sign1 (RFC 9052 section 4.2) over a JSON object: strict CBOR, an allowed algorithm, everything protected.

The counterpart of `proof.jws` in bytes. Which typ is right and whose key it is are judged above; what two readers
could read two ways, and any key that comes along, is refused here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.cbor import Tagged, decode_cbor, encode_cbor
from agentdid.codec.strict_json import JsonText, encode, parse
from agentdid.errors import (
    AgentdidError,
    AlgKeyMismatch,
    AlgNotAllowed,
    CritUnsupported,
    HeaderInvalid,
    InputTooLarge,
    IssuerUntrusted,
    KeySourceForbidden,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.secret import Signer

ALGORITHMS: Final[Mapping[int, str]] = MappingProxyType(
    {
        # RFC 9053 table 1 and section 2.2; RFC 9864 section 2 gives each its fully specified number
        -7: "ES256", -9: "ES256",
        -35: "ES384", -51: "ES384",
        -36: "ES512", -52: "ES512",
        -8: "EdDSA", -19: "Ed25519",
        # RFC 9964; composites have no number yet
        -48: "ML-DSA-44", -49: "ML-DSA-65", -50: "ML-DSA-87",
    }
)  # fmt: skip
"""COSE `alg` → the JOSE name of the same algorithm; what is not here is not allowed."""
_NUMBERS: Final = MappingProxyType({name: number for number, name in reversed(list(ALGORITHMS.items()))})
_ALG, _CRIT, _CONTENT_TYPE, _KID, _CLAIMS, _TYP = 1, 2, 3, 4, 15, 16
_CHAIN: Final = (32, 33)  # x5bag, x5chain: RFC 9360
_KEY_SOURCES: Final = (13, 14, 35)  # kcwt, kccs (RFC 9528), x5u
_TAGS: Final = (18,)  # COSE_Sign1_Tagged
_PARTS: Final = 4
# RFC 8392 section 3.1, RFC 8747; 10 is the nonce of RFC 9711
_CLAIM_NAMES: Final = MappingProxyType(
    {1: "iss", 2: "sub", 3: "aud", 4: "exp", 5: "nbf", 6: "iat", 8: "cnf", 10: "nonce"}
)
_CLAIM_LABELS: Final = MappingProxyType({name: label for label, name in _CLAIM_NAMES.items()})


@final
class CoseHeader(Value, frozen=True):
    """A protected header whose every parameter that could change the outcome has been looked at.

    Attributes:
        alg: The JOSE name of its algorithm.
        typ: RFC 9596.
        content_type: Of the payload.
        kid: Its bytes as text.
        claims: The CWT claims in it (RFC 9597), by their JWT names.
    """

    alg: str
    typ: str | None
    content_type: str | None
    kid: str | None
    claims: dict[str, object]


@final
class CoseSign1(Value, frozen=True, eq=False):
    """A COSE_Sign1 taken apart; its signature has not been checked."""

    quiet: ClassVar[frozenset[str]] = frozenset({"signing_input", "signature"})

    header: CoseHeader
    payload: JsonText
    signing_input: bytes
    signature: bytes

    @property
    def document(self) -> dict[str, object]:
        """The payload, which is an object."""
        return self.payload.value  # type: ignore[return-value]  # parse_sign1 made sure


def parse_sign1(octets: bytes, limits: Limits = DEFAULT) -> CoseSign1:
    """Return the parts of a COSE_Sign1 whose payload is a JSON object, tagged or not.

    Raises:
        InputTooLarge: It is over `limits.max_input_bytes`; nothing was decoded.
        EncodingInvalid: Not one CBOR item in its one spelling.
        HeaderInvalid: Not four parts, anything unprotected, no payload, or one that is no object.
        AlgNotAllowed, CritUnsupported, KeySourceForbidden, IssuerUntrusted: By the protected header.

    Spec: RFC 9052 sections 3, 4.2 and 4.4.
    """
    if len(octets) > limits.max_input_bytes:
        raise InputTooLarge(f"a token is at most {limits.max_input_bytes} bytes")
    parts = decode_cbor(octets)
    if type(parts) is Tagged and parts.tag in _TAGS:
        parts = parts.value
    if type(parts) is not list or len(parts) != _PARTS:
        raise HeaderInvalid("expected the four parts of a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if type(protected) is not bytes or type(signature) is not bytes:
        raise HeaderInvalid("expected protected header and signature as byte strings")
    if unprotected != {}:
        raise HeaderInvalid("every header parameter is protected")  # Deviation D39
    header = _parse_header(protected)
    if type(payload) is not bytes or not payload:
        raise HeaderInvalid("expected a payload; detached payloads are not taken")
    text = parse(payload, limits)
    if type(text.value) is not dict:
        raise HeaderInvalid("expected an object as payload")
    return CoseSign1(header, text, _to_be_signed(protected, payload), signature)


def find_typ(octets: bytes) -> str | None:
    """Return the `typ` that a COSE_Sign1 names, `None` for none or an unreadable one; nothing of it is believed."""
    try:
        return parse_sign1(octets).header.typ
    except AgentdidError:
        return None


def sign1(
    document: dict[str, object],
    signer: Signer,
    *,
    typ: str,
    content_type: str,
    kid: str,
    claims: Mapping[str, object] | None = None,
) -> bytes:
    """Return the COSE_Sign1 of a JSON object, tagged, its `alg` taken from the signer's key.

    Args:
        document: The payload.
        signer: The key.
        typ: Its type, a media type.
        content_type: Of the payload, a media type.
        kid: The key's id.
        claims: CWT claims by their JWT names, beside the payload in the header.

    Raises:
        AlgKeyMismatch: The key is of a kind that COSE has no number for.

    Spec: RFC 9052 section 4.4; RFC 9596; RFC 9597.
    """
    names = [name for name in signer.public.algorithm.jose if name in _NUMBERS]
    if not names:
        raise AlgKeyMismatch(f"no COSE algorithm signs with a key of {signer.public.algorithm.name}")
    header: dict[int, object] = {
        _ALG: _NUMBERS[names[0]], _CONTENT_TYPE: content_type, _KID: kid.encode(), _TYP: typ,
    }  # fmt: skip
    if claims:
        header[_CLAIMS] = {_CLAIM_LABELS.get(name, name): each for name, each in claims.items()}
    protected, payload = encode_cbor(header), encode(document)
    signature = signer.sign(_to_be_signed(protected, payload))
    return encode_cbor(Tagged(_TAGS[0], [protected, {}, payload, signature]))


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return encode_cbor(["Signature1", protected, b"", payload])


def _parse_header(protected: bytes) -> CoseHeader:
    header = decode_cbor(protected) if protected else {}
    if type(header) is not dict:
        raise HeaderInvalid("expected a map as header")
    if _CRIT in header:
        raise CritUnsupported("no critical extension is understood", path="/crit")
    alg = header.get(_ALG)
    name = ALGORITHMS.get(alg) if type(alg) is int else None
    if name is None:
        raise AlgNotAllowed(f"expected one of {', '.join(str(each) for each in ALGORITHMS)}", path="/alg")
    if not header.keys().isdisjoint(_KEY_SOURCES):
        raise KeySourceForbidden("a key comes from the issuer's DID document only")
    if not header.keys().isdisjoint(_CHAIN):
        raise IssuerUntrusted("a certificate chain confers no authority", path="/x5chain")
    kid = header.get(_KID)
    if kid is not None and type(kid) is not bytes:
        raise HeaderInvalid("expected a byte string", path="/kid")
    for label in (_TYP, _CONTENT_TYPE):
        if label in header and type(header[label]) is not str:
            raise HeaderInvalid("expected a media type as text", path="/typ")
    try:
        text = None if kid is None else kid.decode("utf-8")
    except UnicodeDecodeError:
        raise HeaderInvalid("expected UTF-8", path="/kid") from None
    return CoseHeader(name, header.get(_TYP), header.get(_CONTENT_TYPE), text, _claims(header.get(_CLAIMS, {})))


def _claims(given: object) -> dict[str, object]:
    if type(given) is not dict:
        raise HeaderInvalid("expected CWT claims to be a map", path="/claims")
    claims = {}
    for label, value in given.items():
        name = _CLAIM_NAMES.get(label) if type(label) is int else label
        if name == "cnf":
            # it would name the only key that may present this; a COSE_Key is not read, so it is not passed over
            raise HeaderInvalid("a COSE_Key as cnf is not taken", path="/cnf")
        if name is not None:
            if name in claims:
                raise HeaderInvalid("a CWT claim stands twice, by label and by name", path=f"/{name}")
            claims[name] = value
    return claims
