"""Presentations as `vp+jwt` and `vp+sd-jwt` (VC-JOSE-COSE sections 3.1.2 and 3.2.2): the payload is the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import HeaderInvalid, KbInvalid, SdClaimNotAllowed, TypMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.disclosures import Place, open_payload, pointer
from agentdid.proof.jws import Jws, parse_jws, sign_jws
from agentdid.secure.claims import (
    PRESENTATION_CLAIMS,
    binding_of,
    check_header,
    instant_of,
    signature_of,
    take_claims,
)
from agentdid.secure.mechanism import Secured

if TYPE_CHECKING:
    from agentdid.keys.secret import Signer

TYP: Final = "vp+jwt"
MEDIA_TYPE: Final = "application/vp+jwt"
SD_TYP: Final = "vp+sd-jwt"
SD_MEDIA_TYPE: Final = "application/vp+sd-jwt"
_CREDENTIALS: Final = "verifiableCredential"


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
    return _secured(parse_jws(token, limits), TYP, token, timed=timed)


def read_sd(token: str, limits: Limits = DEFAULT, *, timed: bool = True) -> Secured:
    """Return the parts of a presentation secured as an SD-JWT, its disclosures applied.

    Raises:
        HeaderInvalid: Not the compact form of an SD-JWT.
        KbInvalid: A key binding JWT stands behind it; its holder signed it already.
        SdClaimNotAllowed: Something else than credentials is hidden; and the errors of `read` and of
            `proof.disclosures`.

    Spec: VC-JOSE-COSE section 3.2.2; RFC 9901 section 7.1.
    """
    issued, tilde, rest = token.partition("~")
    if not tilde:
        raise HeaderInvalid("expected an SD-JWT, which has a tilde after its signed part")
    disclosures = rest.split("~")
    if disclosures.pop():
        raise KbInvalid("a presentation that its holder signed carries no key binding JWT")
    jws = parse_jws(issued, limits)
    check_header(jws.header, SD_TYP)
    for place in open_payload(jws.claims, disclosures, limits):
        _check_place(place)
    return _secured(jws, SD_TYP, token, timed=timed)


def sign(
    presentation: dict[str, object], signer: Signer, method_id: str, claims: dict[str, object], *, typ: str = TYP
) -> str:
    """Return the presentation as a compact `vp+jwt`, or as a `vp+sd-jwt` that hides nothing.

    Args:
        presentation: VCDM members only.
        signer: The holder's key.
        method_id: Its absolute DID URL, the header's `kid`.
        claims: `iss`, `aud`, `nonce`, `iat`, `exp`, and over HTTP `htm`, `htu`, `contentDigest`.
        typ: `TYP` or `SD_TYP`.
    """
    token = sign_jws({"typ": typ, "cty": "vp", "kid": method_id}, {**presentation, **claims}, signer)
    return f"{token}~" if typ == SD_TYP else token


def _secured(jws: Jws, typ: str, token: str, *, timed: bool) -> Secured:
    did = check_header(jws.header, typ)
    payload = jws.claims
    claims = take_claims(payload, PRESENTATION_CLAIMS)
    binding = binding_of(claims, payload, timed=timed)
    return Secured(
        typ,
        payload,
        (signature_of(jws, did, "authentication"),),
        b"",  # a presentation is nobody's parent
        binding.issued,
        binding.expires,
        instant_of(claims, "nbf"),
        token,
        claims,
        binding,
    )


def _check_place(place: Place) -> None:
    # a credential may be hidden, as its holder left out another; nothing by which the presentation is judged
    if place.path != (_CREDENTIALS,) or not place.in_array:
        raise SdClaimNotAllowed("of a presentation only credentials may be hidden", path=pointer(place.path))
