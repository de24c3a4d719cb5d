"""Presentations as `vp+jwt` (VC-JOSE-COSE section 3.1.2): a JWT whose payload is the presentation itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import TypeMismatch, TypMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import parse_jws, sign_jws
from agentdid.secure.claims import check_header, instant_of, signature_of, take_claims
from agentdid.secure.mechanism import Binding, Secured

if TYPE_CHECKING:
    from agentdid.keys.secret import Signer

TYP: Final = "vp+jwt"
MEDIA_TYPE: Final = "application/vp+jwt"
_CLAIMS: Final = frozenset({"iss", "aud", "nonce", "jti", "iat", "nbf", "exp", "cnf", "htm", "htu", "contentDigest"})


def read(token: str, limits: Limits = DEFAULT, *, timed: bool = True) -> Secured:
    """Return the parts of a presentation secured as a JWT.

    Args:
        token: The compact JWT.
        limits: Its size.
        timed: Whether it must say when it was made and when it ends.

    Raises:
        TypMismatch: `typ` is not `vp+jwt`, or it is an SD-JWT.
        TypeMismatch: `iat` or `exp` is absent or not a whole number; `iss` is no string.
        KeySourceForbidden: `kid` is not an absolute DID URL; and the errors of `proof.jws.parse_jws`.

    Spec: VC-JOSE-COSE section 3.1.2; specs/verification.md V4.
    """
    if "~" in token:
        raise TypMismatch("expected a JWT, got an SD-JWT", path="/typ")
    jws = parse_jws(token, limits)
    did = check_header(jws.header, TYP)
    payload = jws.claims
    claims = take_claims(payload, _CLAIMS)
    if "vc" in payload or "vp" in payload:
        # a reader of VC-JWT 1.1 would take another document from this token (VC-JOSE-COSE section 3.1.3)
        raise TypeMismatch("the claims vc and vp do not stand in a token", path="/vp")
    if not isinstance(claims.get("iss", ""), str):
        raise TypeMismatch("expected a string", path="/iss")
    for name in ("iat", "exp") if timed else ():
        if name not in claims:
            raise TypeMismatch(f"a presentation has {name}", path=f"/{name}")
    issued, expires = instant_of(claims, "iat"), instant_of(claims, "exp")
    find = claims.get
    return Secured(
        TYP,
        payload,
        (signature_of(jws, did, "authentication"),),
        b"",  # a presentation is nobody's parent
        issued,
        expires,
        instant_of(claims, "nbf"),
        token,
        claims,
        Binding(find("aud"), find("nonce"), issued, expires, find("htm"), find("htu"), find("contentDigest")),
    )


def sign(presentation: dict[str, object], signer: Signer, method_id: str, claims: dict[str, object]) -> str:
    """Return the presentation as a compact `vp+jwt`.

    Args:
        presentation: VCDM members only.
        signer: The holder's key.
        method_id: Its absolute DID URL, the header's `kid`.
        claims: `iss`, `aud`, `nonce`, `iat`, `exp`, and over HTTP `htm`, `htu`, `contentDigest`.
    """
    return sign_jws({"typ": TYP, "cty": "vp", "kid": method_id}, {**presentation, **claims}, signer)
