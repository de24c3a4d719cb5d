"""VCDM 2.0 credentials as SD-JWT (`vc+sd-jwt`: VC-JOSE-COSE section 3.2, RFC 9901), read and made.

What may be hidden is narrow on purpose (specs/capability-credential.md C9): of a capability credential only whole
grants and the subject's other claims, of any credential nothing by which it is judged.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import parse_numeric_date
from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.did.syntax import split_did_url
from agentdid.errors import (
    DidInvalid,
    HeaderInvalid,
    InputTooLarge,
    IssuerKeyMismatch,
    KbInvalid,
    KeySourceForbidden,
    SdClaimNotAllowed,
    TypeMismatch,
    TypMismatch,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.disclosures import Place, hide, open_payload, pointer
from agentdid.proof.jws import KEYS_OF_ALG, JoseHeader, parse_jws, sign_jws
from agentdid.secure.mechanism import Secured, Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.keys.secret import Signer

TYP: Final = "vc+sd-jwt"
MEDIA_TYPE: Final = "application/vc+sd-jwt"
JWT_CLAIMS: Final = frozenset({"iss", "sub", "jti", "iat", "nbf", "exp", "aud", "cnf", "vct", "status"})
"""Registered claims that may stand beside the VCDM members (VC-JOSE-COSE section 3.1.3); no part of the document."""
_NEVER_HIDDEN: Final = JWT_CLAIMS | {
    "@context", "id", "type", "issuer", "validFrom", "validUntil", "credentialStatus", "credentialSchema",
    "credentialSubject", "relatedResource", "termsOfUse",
}  # fmt: skip
_GRANTS: Final = ("credentialSubject", "capability", "grants")


def read(token: str, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of an SD-JWT credential, its disclosures applied.

    Args:
        token: ``<issuer-signed JWT>~<disclosure>~…~``, ending in a tilde.
        limits: Size, depth and number of disclosures.

    Raises:
        HeaderInvalid: Not the compact form.
        KbInvalid: A key binding JWT stands where none may (ATTACKS D29).
        TypMismatch: `typ` is not `vc+sd-jwt`.
        KeySourceForbidden: `kid` is not an absolute DID URL.
        IssuerKeyMismatch: `iss` is not the credential's issuer.
        SdClaimNotAllowed: Something is hidden that may not be; and the errors of `proof.disclosures`.

    Spec: RFC 9901 section 7.1; VC-JOSE-COSE sections 3.2 and 4.
    """
    if len(token) > limits.max_input_bytes:
        raise InputTooLarge(f"a token is at most {limits.max_input_bytes} bytes")
    issued, tilde, rest = token.partition("~")
    if not tilde:
        raise HeaderInvalid("expected an SD-JWT, which has a tilde after its issuer-signed part")
    disclosures = rest.split("~")
    if disclosures.pop():
        raise KbInvalid("a credential carries no key binding JWT; the presentation around it binds the holder")
    jws = parse_jws(issued, limits)
    did = check_header(jws.header, TYP)
    document = jws.claims
    places = open_payload(document, disclosures, limits)
    claims = take_claims(document, JWT_CLAIMS)
    hidden = _check_places(places, document)
    _check_agreement(claims, document)
    header = jws.header
    signature = Signature(
        header.kid,  # type: ignore[arg-type]  # a string, by check_header
        did,
        "assertionMethod",
        header.alg,
        KEYS_OF_ALG[header.alg],
        jws.signing_input,
        jws.signature,
    )
    return Secured(
        TYP,
        document,
        (signature,),
        hashlib.sha256(jws.signing_input).digest(),
        parse_numeric_date(claims["iat"], "/iat") if "iat" in claims else None,
        parse_numeric_date(claims["exp"], "/exp") if "exp" in claims else None,
        parse_numeric_date(claims["nbf"], "/nbf") if "nbf" in claims else None,
        token,
        claims,
        None,
        hidden,
    )


def take_claims(payload: dict[str, object], names: frozenset[str]) -> dict[str, object]:
    """Return the members of those names, which are taken out of the payload: what is left is the document."""
    claims = {}
    for name in names:
        if name in payload:
            claims[name] = payload.pop(name)
    return claims


def issue(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    *,
    disclosable: Sequence[tuple[str | int, ...]] = (),
    claims: dict[str, object] | None = None,
) -> str:
    """Return the credential as an SD-JWT with every disclosure.

    Args:
        document: The credential without proof.
        signer: The issuer's key.
        method_id: Its absolute DID URL, the header's `kid`.
        disclosable: Paths to what the holder may later withhold.
        claims: JWT claims to stand beside it (`iat`, `exp`, `cnf`).

    Raises:
        SdClaimNotAllowed: A path leads to what may not be hidden.
        ValueError: A path leads nowhere.
    """
    capability = CAPABILITY_TYPE in _types(document)
    for path in disclosable:
        check_disclosable(path, capability=capability)
    payload, disclosures = hide({**document, **(claims or {})}, disclosable)
    issued = sign_jws({"typ": TYP, "cty": "vc", "kid": method_id}, payload, signer)
    return "~".join([issued, *disclosures, ""])


def withhold(token: str, keep: frozenset[tuple[str | int, ...]], limits: Limits = DEFAULT) -> str:
    """Return the SD-JWT with only those disclosures that the kept paths need.

    Args:
        token: As issued or received.
        keep: Paths in the opened document as received; a kept path keeps what lies above and below it.
        limits: As for `read`.
    """
    issued, *disclosures = token.split("~")[:-1]
    needed = set()
    for place in open_payload(parse_jws(issued, limits).claims, disclosures, limits):
        if place.key is not None:
            path = (*place.path, place.key)
            if any(path[: len(kept)] == kept[: len(path)] for kept in keep):
                needed.add(place.encoded)
    return "~".join([issued, *[each for each in disclosures if each in needed], ""])


def check_disclosable(path: tuple[str | int, ...], *, capability: bool) -> None:
    """Hold that the value at `path` may be hidden. Raises `SdClaimNotAllowed` (specs/capability-credential.md C9)."""
    top = path[0]
    allowed = top not in _NEVER_HIDDEN
    if top == "credentialSubject" and len(path) > 1:
        # the subject's id ties the credential to its holder; a list of subjects is counted from within
        allowed = path[1] != "id" and not (isinstance(path[1], int) and path[2:] in ((), ("id",)))
    if capability:
        whole_grant = path[:3] == _GRANTS and len(path) == len(_GRANTS) + 1
        other_claim = top == "credentialSubject" and len(path) > 1 and path[1] not in ("id", "capability")
        allowed = whole_grant or (other_claim and isinstance(path[1], str))
    if not allowed:
        raise SdClaimNotAllowed("this may not be hidden from a verifier", path=pointer(path))


def check_header(header: JoseHeader, typ: str) -> str:
    """Return the DID whose key the header names.

    Raises:
        TypMismatch: `typ` is not exactly `typ`.
        KeySourceForbidden: `kid` is not an absolute DID URL.
    """
    if header.typ != typ:
        raise TypMismatch(f"expected typ {typ}", path="/typ")
    try:
        did, _ = split_did_url(header.kid)
    except DidInvalid:
        raise KeySourceForbidden("expected kid to be an absolute DID URL", path="/kid") from None
    return did


def _check_places(places: tuple[Place, ...], document: dict[str, object]) -> bool:
    """Hold that nothing was hidden that may not be; return whether grants were withheld."""
    hidden = False
    capability = CAPABILITY_TYPE in _types(document)
    for place in places:
        # An undisclosed property may be a decoy (RFC 9901 §4.2.5); its place is judged with an ordinary name.
        leaf: str | int = 0 if place.in_array else (place.key or "decoy")
        check_disclosable((*place.path, leaf), capability=capability)
        hidden = hidden or (place.path == _GRANTS and place.encoded is None)
    return hidden


def _check_agreement(claims: dict[str, object], document: dict[str, object]) -> None:
    """Hold that JWT claims say what the credential says (VC-JOSE-COSE section 3.1.3; ATTACKS C15 and C17)."""
    if "vc" in document or "vp" in document:
        # a reader of VC-JWT 1.1 would take another document from this token (VC-JOSE-COSE section 3.1.3)
        raise TypeMismatch("the claims vc and vp do not stand in a token", path="/vc")
    issuer = document.get("issuer")
    if "iss" in claims:
        if not isinstance(claims["iss"], str):
            raise TypeMismatch("expected a string", path="/iss")
        if claims["iss"] != (issuer.get("id") if isinstance(issuer, dict) else issuer):
            raise IssuerKeyMismatch("iss is not the credential's issuer", path="/iss")
    subject = document.get("credentialSubject")
    if "sub" in claims and claims["sub"] != (subject.get("id") if isinstance(subject, dict) else None):
        raise TypeMismatch("sub is not the credential's subject", path="/sub")
    if "jti" in claims and claims["jti"] != document.get("id"):
        raise TypeMismatch("jti is not the credential's id", path="/jti")
    if "cnf" in claims and not isinstance(claims["cnf"], dict):
        raise TypeMismatch("expected an object", path="/cnf")


def _types(document: dict[str, object]) -> list[object]:
    types = document.get("type")
    return types if isinstance(types, list) else [types]
