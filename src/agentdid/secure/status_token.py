"""Status list tokens as JWT and as CWT: who signed what, and the claims in one shape.

A token names its key by an absolute DID URL in `kid`, as every token here does: the DID is the list's issuer. That the
signature holds and that this issuer may speak for a credential is judged by `agentdid.verify`.

Spec: draft-ietf-oauth-status-list sections 5.1 and 5.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.cbor import Tagged, decode_cbor, encode_cbor
from agentdid.codec.instant import parse_numeric_date
from agentdid.did.syntax import split_did_url
from agentdid.errors import (
    AlgKeyMismatch,
    AlgNotAllowed,
    CritUnsupported,
    DidInvalid,
    HeaderInvalid,
    IssuerKeyMismatch,
    KeySourceForbidden,
    TypeMismatch,
    TypMismatch,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import KEYS_OF_ALG, parse_jws, sign_jws
from agentdid.record import Value
from agentdid.secure.claims import check_header
from agentdid.secure.mechanism import Signature

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.keys.secret import Signer

JWT_TYP: Final = "statuslist+jwt"
CWT_TYP: Final = "application/statuslist+cwt"
_SIGN1: Final = 18
"""RFC 9052 section 4.2: the tag of a COSE_Sign1."""
_CWT: Final = 61
"""RFC 8392 section 6: the tag that may stand before it."""
_ALG, _CRIT, _KID, _TYP = 1, 2, 4, 16  # RFC 9052 section 3.1; RFC 9596
# The IANA registry of COSE algorithms; ML-DSA by draft-ietf-cose-dilithium. -8 stands for EdDSA, -19 for Ed25519.
_COSE: Final = {
    -8: "EdDSA", -19: "Ed25519", -7: "ES256", -9: "ES256", -35: "ES384", -51: "ES384", -36: "ES512", -52: "ES512",
    -48: "ML-DSA-44", -49: "ML-DSA-65", -50: "ML-DSA-87",
}  # fmt: skip
_COSE_OF: Final = {"EdDSA": -8, "ES256": -7, "ES384": -35, "ES512": -36, "ML-DSA-44": -48, "ML-DSA-65": -49,
                   "ML-DSA-87": -50}  # fmt: skip
_CLAIMS: Final = {1: "iss", 2: "sub", 4: "exp", 5: "nbf", 6: "iat", 65_534: "ttl", 65_533: "status_list"}
_CLAIM_OF: Final = {name: label for label, name in _CLAIMS.items()}


@final
class StatusToken(Value, frozen=True, eq=False):
    """A status list token taken apart; its signature has not been checked.

    Attributes:
        issuer: The DID whose key it names.
        claims: By their JWT names, whichever form they came in; `lst` is text in a JWT and bytes in a CWT.
        signature: What must hold.
        issued: `iat`.
        expires: `exp`.
        begins: `nbf`.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"claims"})

    issuer: str
    claims: dict[str, object]
    signature: Signature
    issued: datetime
    expires: datetime | None
    begins: datetime | None


@final
class Cwt(Value, frozen=True, eq=False):
    """A COSE_Sign1 with claims, taken apart; its signature has not been checked.

    Attributes:
        alg: By its JOSE name.
        typ: The protected `typ`, of any kind.
        kid: The key's name, empty where there is none.
        claims: By their JWT names.
        signing_input: The signed bytes.
        signature: The signature.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"claims", "signing_input", "signature"})

    alg: str
    typ: object
    kid: bytes
    claims: dict[str, object]
    signing_input: bytes
    signature: bytes


def read_jwt(token: str, limits: Limits = DEFAULT) -> StatusToken:
    """Return the parts of a status list token in JWT form.

    Raises:
        TypMismatch: `typ` is not `statuslist+jwt`.
        KeySourceForbidden: `kid` is not an absolute DID URL.
        IssuerKeyMismatch: `iss` is there and names another.
        TypeMismatch: `iat` is absent, or a time is no whole number; and the errors of `proof.jws.parse_jws`.
    """
    jws = parse_jws(token, limits)
    did = check_header(jws.header, JWT_TYP)
    kid = str(jws.header.kid)
    signature = Signature(
        kid, did, "assertionMethod", jws.header.alg, KEYS_OF_ALG[jws.header.alg], jws.signing_input, jws.signature
    )
    return _token(did, jws.claims, signature)


def read_cwt(body: bytes) -> StatusToken:
    """Return the parts of a status list token in CWT form.

    Raises:
        TypMismatch, KeySourceForbidden, IssuerKeyMismatch, TypeMismatch: As `read_jwt`; and the errors of `parse_cwt`.

    Spec: draft-ietf-oauth-status-list section 5.2.
    """
    cwt = parse_cwt(body)
    if cwt.typ != CWT_TYP:
        raise TypMismatch(f"expected typ {CWT_TYP}", path="/typ")
    try:
        method_id = cwt.kid.decode("utf-8")
        did, _ = split_did_url(method_id)
    except (UnicodeDecodeError, DidInvalid):
        raise KeySourceForbidden("expected kid to be an absolute DID URL", path="/kid") from None
    signature = Signature(
        method_id, did, "assertionMethod", cwt.alg, KEYS_OF_ALG[cwt.alg], cwt.signing_input, cwt.signature
    )
    return _token(did, cwt.claims, signature)


def parse_cwt(body: bytes) -> Cwt:
    """Return the parts of a CWT that is a COSE_Sign1.

    Raises:
        HeaderInvalid: Not a COSE_Sign1 with a payload, or a header of another form.
        AlgNotAllowed: `alg` is not in the table, or not protected.
        CritUnsupported: Any critical extension.
        EncodingInvalid: As `codec.cbor.decode_cbor`.

    Spec: RFC 9052 sections 3, 4.2 and 4.4; RFC 8392 section 7.2.
    """
    value = decode_cbor(body)
    if isinstance(value, Tagged) and value.tag == _CWT:
        value = value.value
    parts = value.value if isinstance(value, Tagged) and value.tag == _SIGN1 else None
    if not isinstance(parts, list) or [type(each) for each in parts] != [bytes, dict, bytes, bytes]:
        raise HeaderInvalid("expected a COSE_Sign1 with its payload")
    protected, unprotected, payload, signature = parts
    header, claims = decode_cbor(protected), decode_cbor(payload)
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise HeaderInvalid("expected a map as header, and one as payload")
    if _CRIT in header or _CRIT in unprotected:
        raise CritUnsupported("no critical extension is understood")
    if header.keys() & unprotected.keys():
        raise HeaderInvalid("a parameter stands in both headers")
    number = header.get(_ALG)
    alg = _COSE.get(number) if type(number) is int else None
    if alg is None or alg not in KEYS_OF_ALG:
        raise AlgNotAllowed("expected an algorithm of the table in the protected header", path="/alg")
    kid = header.get(_KID, unprotected.get(_KID))
    return Cwt(
        alg,
        header.get(_TYP),
        kid if isinstance(kid, bytes) else b"",
        {_CLAIMS.get(label, str(label)): each for label, each in claims.items()},
        _to_be_signed(protected, payload),
        signature,
    )


def sign_jwt(claims: dict[str, object], signer: Signer, method_id: str) -> str:
    """Return a status list token as a JWT. Raises `AlgKeyMismatch` for a key that JOSE does not sign with."""
    return sign_jws({"typ": JWT_TYP, "kid": method_id}, claims, signer)


def sign_cwt(claims: dict[str, object], signer: Signer, method_id: str) -> bytes:
    """Return a status list token as a CWT. Raises `AlgKeyMismatch` for a key that COSE has no number for."""
    jose = signer.public.algorithm.jose
    if not jose or jose[0] not in _COSE_OF:
        raise AlgKeyMismatch(f"no COSE algorithm signs with a key of {signer.public.algorithm.name}")
    protected = encode_cbor({_ALG: _COSE_OF[jose[0]], _KID: method_id.encode(), _TYP: CWT_TYP})
    payload = encode_cbor({_CLAIM_OF[name]: each for name, each in claims.items()})
    signed = signer.sign(_to_be_signed(protected, payload))
    return encode_cbor(Tagged(_SIGN1, [protected, {}, payload, signed]))


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return encode_cbor(["Signature1", protected, b"", payload])  # RFC 9052 section 4.4


def _token(did: str, claims: dict[str, object], signature: Signature) -> StatusToken:
    if claims.get("iss", did) != did:
        raise IssuerKeyMismatch("iss is not the DID whose key signed", path="/iss")
    if "iat" not in claims:
        raise TypeMismatch("a status list token has iat", path="/iat")
    return StatusToken(
        did,
        claims,
        signature,
        parse_numeric_date(claims["iat"], "/iat"),
        parse_numeric_date(claims["exp"], "/exp") if "exp" in claims else None,
        parse_numeric_date(claims["nbf"], "/nbf") if "nbf" in claims else None,
    )
