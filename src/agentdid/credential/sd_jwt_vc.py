"""What an SD-JWT VC says, in the terms of this package: types, issuer, subject and validity from its claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.codec.instant import parse_numeric_date
from agentdid.credential.model import CAPABILITY_TYPE, Credential
from agentdid.did.jwk import create
from agentdid.did.syntax import split_did_url
from agentdid.errors import DidInvalid, Malformed, TypeMismatch
from agentdid.keys.jwk import decode_jwk

if TYPE_CHECKING:
    from datetime import datetime

_DID = "did:"


def parse_sd_jwt_vc(claims: dict[str, object], issuer: str) -> Credential:
    """Return the credential that an SD-JWT VC's claims say; the members' types were held when it was taken apart.

    Args:
        claims: All of them, disclosures applied.
        issuer: The DID whose key signed.

    Raises:
        TypeMismatch: Its `vct` is a type of VCDM; `nbf` or `exp` are no times, or in the wrong order.

    Spec: SD-JWT VC section 2.2.2.
    """
    types = (str(claims["vct"]), *claims.get("aka_vcts", ()))  # type: ignore[misc]  # strings, by its reader
    if CAPABILITY_TYPE in types:
        raise TypeMismatch("a capability is a credential of VCDM", path="/vct")
    begin, end = _instant(claims, "nbf"), _instant(claims, "exp")
    if begin is not None and end is not None and begin > end:
        raise TypeMismatch("nbf is later than exp", path="/exp")
    identifier = claims.get("jti")
    return Credential(
        identifier if isinstance(identifier, str) else None,
        types,
        issuer,
        (subject_of(claims),),
        begin,
        end,
        (),
        claims,
    )


def subject_of(claims: dict[str, object]) -> str | None:
    """Return who may present it: `sub` if that is a DID, else the DID of `cnf`, of a bare key its did:jwk.

    Whether `cnf` has its form is for the key binding to say; one that has none names nobody.
    """
    subject = claims.get("sub")
    if isinstance(subject, str) and subject.startswith(_DID):
        return subject
    confirmation = claims.get("cnf")
    if isinstance(confirmation, dict):
        try:
            if "kid" in confirmation:
                return split_did_url(confirmation["kid"])[0]
            if "jwk" in confirmation:
                return create(decode_jwk(confirmation["jwk"]))
        except (DidInvalid, Malformed):
            return None
    return subject if isinstance(subject, str) else None


def _instant(claims: dict[str, object], name: str) -> datetime | None:
    return parse_numeric_date(claims[name], f"/{name}") if name in claims else None
