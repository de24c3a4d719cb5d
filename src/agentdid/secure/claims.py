"""JWT claims beside the members of a credential, and the header that names the key: what every JOSE form shares."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import parse_numeric_date
from agentdid.did.syntax import split_did_url
from agentdid.errors import DidInvalid, IssuerKeyMismatch, KeySourceForbidden, TypeMismatch, TypMismatch
from agentdid.proof.jws import KEYS_OF_ALG
from agentdid.secure.mechanism import Binding, Secured, Signature

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.proof.jws import JoseHeader, Jws

JWT_CLAIMS: Final = frozenset({"iss", "sub", "jti", "iat", "nbf", "exp", "aud", "cnf", "vct", "status"})
"""Registered claims that may stand beside the VCDM members (VC-JOSE-COSE section 3.1.3); no part of the document."""

PRESENTATION_CLAIMS: Final = frozenset(
    {"iss", "aud", "nonce", "jti", "iat", "nbf", "exp", "cnf", "htm", "htu", "contentDigest", "statuses"}
)
"""What stands beside the members of a presentation; `htm`, `htu`, `contentDigest` and `statuses` are ours."""


def take_claims(payload: dict[str, object], names: frozenset[str]) -> dict[str, object]:
    """Return the members of those names, which are taken out of the payload: what is left is the document."""
    claims = {}
    for name in names & payload.keys():
        claims[name] = payload.pop(name)
    return claims


def check_header(header: JoseHeader, typ: str | None) -> str:
    """Return the DID whose key the header names; its `typ` must be `typ`, or absent where that is `None`.

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


def secured_credential(
    form: str,
    token: str,
    jws: Jws,
    did: str,
    document: dict[str, object],
    claims: dict[str, object],
    *,
    hidden_grants: bool = False,
    disclosed: tuple[tuple[str | int, ...], ...] = (),
) -> Secured:
    """Return a credential in a token whose header was held by `check_header`, with the times that it says.

    Args:
        form: As `Secured.form`.
        token: As it travels.
        jws: What the issuer signed of it.
        did: Whose key its header names.
        document: The credential in it.
        claims: What stands beside that.
        hidden_grants: As `Secured.hidden_grants`.
        disclosed: As `Secured.disclosed`.

    Raises:
        TypeMismatch: A time is no NumericDate.
    """
    return Secured(
        form,
        document,
        (signature_of(jws, did, "assertionMethod"),),
        hashlib.sha256(jws.signing_input).digest(),
        instant_of(claims, "iat"),
        instant_of(claims, "exp"),
        instant_of(claims, "nbf"),
        token,
        claims,
        hidden_grants=hidden_grants,
        disclosed=disclosed,
    )


def signature_of(jws: Jws, did: str, purpose: str) -> Signature:
    """Return the signature of a token whose header was held by `check_header`."""
    header = jws.header
    return Signature(
        header.kid,  # type: ignore[arg-type]  # a string, by check_header
        did,
        purpose,
        header.alg,
        KEYS_OF_ALG[header.alg],
        jws.signing_input,
        jws.signature,
    )


def instant_of(claims: dict[str, object], name: str) -> datetime | None:
    """Return the instant of a NumericDate claim, or `None` without it. Raises `TypeMismatch`."""
    return parse_numeric_date(claims[name], f"/{name}") if name in claims else None


def check_agreement(claims: dict[str, object], document: dict[str, object]) -> None:
    """Hold that JWT claims say what the credential says (VC-JOSE-COSE section 3.1.3; ATTACKS C15 and C17).

    Raises:
        TypeMismatch: A claim of another type or value; or the claims `vc` or `vp`.
        IssuerKeyMismatch: `iss` is not the issuer.
    """
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


def binding_of(claims: dict[str, object], document: dict[str, object], *, timed: bool = True) -> Binding:
    """Return what ties a presentation to its moment and its audience.

    Args:
        claims: Taken out of the presentation.
        document: What was left: VCDM members.
        timed: Whether it must say when it was made and when it ends.

    Raises:
        TypeMismatch: `iat` or `exp` is absent or not a whole number; `iss` is no string; the claims `vc` or `vp`.
    """
    if "vc" in document or "vp" in document:
        # a reader of VC-JWT 1.1 would take another document from this token (VC-JOSE-COSE section 3.1.3)
        raise TypeMismatch("the claims vc and vp do not stand in a token", path="/vp")
    if not isinstance(claims.get("iss", ""), str):
        raise TypeMismatch("expected a string", path="/iss")
    for name in ("iat", "exp") if timed else ():
        if name not in claims:
            raise TypeMismatch(f"a presentation has {name}", path=f"/{name}")
    find = claims.get
    return Binding(
        find("aud"),
        find("nonce"),
        instant_of(claims, "iat"),
        instant_of(claims, "exp"),
        find("htm"),
        find("htu"),
        find("contentDigest"),
    )
