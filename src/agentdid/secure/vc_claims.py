"""JWTs of VCDM 1.1, whose document stands in the claim `vc` or `vp`: read where a profile says so, never made.

VC-JOSE-COSE section 3.1.3 does not let these claims into a token of today, and the readers of today refuse them. What
they say twice they say alike (VCDM 1.1 section 6.3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import encode_instant
from agentdid.errors import TypeMismatch, TypMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import parse_jws
from agentdid.secure.claims import (
    JWT_CLAIMS,
    check_agreement,
    check_header,
    instant_of,
    secured_credential,
    signature_of,
    take_claims,
)
from agentdid.secure.mechanism import Binding, Secured

if TYPE_CHECKING:
    from agentdid.proof.jws import Jws

MEDIA_TYPE: Final = "application/jwt"
_CREDENTIAL_CLAIMS: Final = JWT_CLAIMS
_PRESENTATION_CLAIMS: Final = JWT_CLAIMS | {"nonce"}


def read_credential(token: str, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of a credential in the claim `vc`.

    Raises:
        TypMismatch: `typ` is there and not `JWT`, or it is an SD-JWT.
        KeySourceForbidden: `kid` is not an absolute DID URL.
        IssuerKeyMismatch, TypeMismatch: What is said twice is not said alike; and the errors of `proof.jws.parse_jws`.

    Spec: VCDM 1.1 section 6.3.1.
    """
    jws, did, document, claims = _open(token, "vc", _CREDENTIAL_CLAIMS, limits)
    for member, claim in (("issuer", "iss"), ("id", "jti")):
        if claim in claims:
            document.setdefault(member, claims[claim])
    subject = document.get("credentialSubject")
    if "sub" in claims and isinstance(subject, dict):
        subject.setdefault("id", claims["sub"])
    for member, claim in (("issuanceDate", "nbf"), ("expirationDate", "exp")):
        at = instant_of(claims, claim)
        if at is not None:
            document.setdefault(member, encode_instant(at))
    check_agreement(claims, document)
    return secured_credential("jwt_vc", token, jws, did, document, claims)


def read_presentation(token: str, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of a presentation in the claim `vp`. Raises as `read_credential`."""
    jws, did, document, claims = _open(token, "vp", _PRESENTATION_CLAIMS, limits)
    if "iss" in claims:
        document.setdefault("holder", claims["iss"])
    issued, expires = instant_of(claims, "iat"), instant_of(claims, "exp")
    return Secured(
        "vp+jwt",
        document,
        (signature_of(jws, did, "authentication"),),
        b"",  # a presentation is nobody's parent
        issued,
        expires,
        instant_of(claims, "nbf"),
        token,
        claims,
        Binding(claims.get("aud"), claims.get("nonce"), issued, expires),
    )


def _open(
    token: str, name: str, names: frozenset[str], limits: Limits
) -> tuple[Jws, str, dict[str, object], dict[str, object]]:
    if "~" in token:
        raise TypMismatch("expected a JWT, got an SD-JWT", path="/typ")
    jws = parse_jws(token, limits)
    did = check_header(jws.header, "JWT" if jws.header.typ is not None else None)
    payload = jws.claims
    claims = take_claims(payload, names)
    document = payload.pop(name, None)
    if type(document) is not dict:
        raise TypeMismatch("expected an object", path=f"/{name}")
    if payload:
        raise TypeMismatch(f"expected registered claims beside {name}")
    return jws, did, document, claims
