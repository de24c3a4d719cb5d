"""Credentials as `vc+jwt` (VC-JOSE-COSE section 3.1.1): a JWT whose payload is the credential itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import TypMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import parse_jws, sign_jws
from agentdid.secure.claims import JWT_CLAIMS, check_agreement, check_header, secured_credential, take_claims

if TYPE_CHECKING:
    from agentdid.keys.secret import Signer
    from agentdid.secure.mechanism import Secured

TYP: Final = "vc+jwt"
MEDIA_TYPE: Final = "application/vc+jwt"


def read(token: str, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of a credential secured as a JWT.

    Raises:
        TypMismatch: `typ` is not `vc+jwt`, or it is an SD-JWT.
        KeySourceForbidden: `kid` is not an absolute DID URL.
        IssuerKeyMismatch: `iss` is not the credential's issuer.
        TypeMismatch: A claim disagrees with the credential, or has another type; and the errors of
            `proof.jws.parse_jws`.

    Spec: VC-JOSE-COSE sections 3.1.1, 3.1.3 and 4; specs/verification.md V4.
    """
    if "~" in token:
        raise TypMismatch("expected a JWT, got an SD-JWT", path="/typ")
    jws = parse_jws(token, limits)
    did = check_header(jws.header, TYP)
    document = jws.claims
    claims = take_claims(document, JWT_CLAIMS)
    check_agreement(claims, document)
    return secured_credential(TYP, token, jws, did, document, claims)


def issue(
    document: dict[str, object], signer: Signer, method_id: str, *, claims: dict[str, object] | None = None
) -> str:
    """Return the credential as a compact `vc+jwt`.

    Args:
        document: The credential without proof.
        signer: The issuer's key; its algorithm gives `alg`.
        method_id: Its absolute DID URL, the header's `kid`.
        claims: JWT claims to stand beside it (`iat`, `exp`, `cnf`).
    """
    return sign_jws({"typ": TYP, "cty": "vc", "kid": method_id}, {**document, **(claims or {})}, signer)
