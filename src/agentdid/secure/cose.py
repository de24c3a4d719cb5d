"""Credentials and presentations as `vc+cose` and `vp+cose` (VC-JOSE-COSE section 3.3): JSON in a COSE_Sign1.

Claims that a JWT has beside the document stand in the header, as CWT claims (RFC 9597), or in the payload; where in
both, they say the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from agentdid.did.syntax import split_did_url
from agentdid.errors import DidInvalid, KeySourceForbidden, TypeMismatch, TypMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.cose import CoseSign1, parse_sign1, sign1
from agentdid.proof.jws import KEYS_OF_ALG
from agentdid.secure.claims import JWT_CLAIMS, PRESENTATION_CLAIMS, binding_of, check_agreement, instant_of, take_claims
from agentdid.secure.envelope import PRESENTATION, envelop_octets
from agentdid.secure.mechanism import Secured, Signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.secret import Signer

CREDENTIAL: Final = "vc+cose"
VP: Final = "vp+cose"
CREDENTIAL_MEDIA_TYPE: Final = "application/vc+cose"
VP_MEDIA_TYPE: Final = "application/vp+cose"


def read_credential(octets: bytes, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of a credential secured with COSE.

    Raises:
        TypMismatch: `typ` is not `application/vc+cose`.
        KeySourceForbidden: `kid` is not an absolute DID URL.
        IssuerKeyMismatch, TypeMismatch: A claim that disagrees with the credential, or has another type; and the
            errors of `proof.cose.parse_sign1`.

    Spec: VC-JOSE-COSE sections 3.3.1 and 4.
    """
    parts = parse_sign1(octets, limits)
    signature = _signature(parts, CREDENTIAL_MEDIA_TYPE, "assertionMethod")
    document = parts.document
    claims = _claims(parts, JWT_CLAIMS)
    check_agreement(claims, document)
    return Secured(
        CREDENTIAL,
        document,
        (signature,),
        hashlib.sha256(parts.signing_input).digest(),
        instant_of(claims, "iat"),
        instant_of(claims, "exp"),
        instant_of(claims, "nbf"),
        envelop_octets(octets, CREDENTIAL_MEDIA_TYPE),
        claims,
    )


def read_presentation(octets: bytes, limits: Limits = DEFAULT, *, timed: bool = True) -> Secured:
    """Return the parts of a presentation secured with COSE. Raises as `read_credential`.

    Spec: VC-JOSE-COSE section 3.3.2.
    """
    parts = parse_sign1(octets, limits)
    signature = _signature(parts, VP_MEDIA_TYPE, "authentication")
    claims = _claims(parts, PRESENTATION_CLAIMS)
    binding = binding_of(claims, parts.document, timed=timed)
    return Secured(
        VP,
        parts.document,
        (signature,),
        b"",  # a presentation is nobody's parent
        binding.issued,
        binding.expires,
        instant_of(claims, "nbf"),
        envelop_octets(octets, VP_MEDIA_TYPE, PRESENTATION),
        claims,
        binding,
    )


def issue(
    document: dict[str, object], signer: Signer, method_id: str, *, claims: Mapping[str, object] | None = None
) -> bytes:
    """Return the credential as a `vc+cose`, its claims (`iat`, `exp`) in the header."""
    return sign1(
        document, signer, typ=CREDENTIAL_MEDIA_TYPE, content_type="application/vc", kid=method_id, claims=claims
    )


def sign(presentation: dict[str, object], signer: Signer, method_id: str, claims: Mapping[str, object]) -> bytes:
    """Return the presentation as a `vp+cose`; the claims are those of `secure.jose.sign`."""
    return sign1(presentation, signer, typ=VP_MEDIA_TYPE, content_type="application/vp", kid=method_id, claims=claims)


def _signature(parts: CoseSign1, media_type: str, purpose: str) -> Signature:
    header = parts.header
    if header.typ != media_type:
        raise TypMismatch(f"expected typ {media_type}", path="/typ")
    try:
        did, _ = split_did_url(header.kid)
    except DidInvalid:
        raise KeySourceForbidden("expected kid to be an absolute DID URL", path="/kid") from None
    return Signature(
        header.kid,  # type: ignore[arg-type]  # a string, by the line above
        did,
        purpose,
        header.alg,
        KEYS_OF_ALG[header.alg],
        parts.signing_input,
        parts.signature,
    )


def _claims(parts: CoseSign1, names: frozenset[str]) -> dict[str, object]:
    inside, outside = take_claims(parts.document, names), parts.header.claims
    for name, value in outside.items():
        if inside.get(name, value) != value:
            raise TypeMismatch("the claim says one thing in the header and another in the payload", path=f"/{name}")
    return {**inside, **outside}
