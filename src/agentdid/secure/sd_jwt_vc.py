"""SD-JWT VC (`dc+sd-jwt`, draft-ietf-oauth-sd-jwt-vc): a credential that is claims and a type, outside VCDM.

Its issuer signs with a key of a DID, as everywhere here; who may present it is said by `cnf`, and by `sub` if that is
a DID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import IssuerKeyMismatch, SdClaimNotAllowed, TypeMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.disclosures import NO_DECOYS, Path, hide, open_payload, pointer
from agentdid.proof.jws import sign_jws
from agentdid.secure.claims import check_header, secured_credential
from agentdid.secure.sd_jwt import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentdid.keys.secret import Signer
    from agentdid.secure.mechanism import Secured

TYP: Final = "dc+sd-jwt"
MEDIA_TYPE: Final = "application/dc+sd-jwt"
NEVER_HIDDEN: Final = frozenset(
    {"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "aud", "jti"}
)
"""SD-JWT VC section 2.2.2.3; `aud`, `jti` and `aka_vcts` are ours: what a verifier judges by it sees."""
_JUDGED: Final = ("iss", "sub", "jti", "iat", "nbf", "exp", "aud", "cnf", "status")


def read(token: str, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of an SD-JWT VC, its disclosures applied; the document is all of its claims.

    Raises:
        TypMismatch: `typ` is not `dc+sd-jwt`.
        KeySourceForbidden: `kid` is not an absolute DID URL.
        IssuerKeyMismatch: `iss` is not the DID of `kid`.
        TypeMismatch: A registered claim that is missing or of another type.
        SdClaimNotAllowed: Something is hidden that may not be; and the errors of `secure.sd_jwt.split` and of
            `proof.disclosures`.

    Spec: SD-JWT VC sections 2.2 and 2.4; RFC 9901 section 7.1.
    """
    jws, disclosures = split(token, limits)
    did = check_header(jws.header, TYP)
    document = jws.claims
    algorithm = document.get("_sd_alg")
    places = open_payload(document, disclosures, limits)
    for place in places:
        _check_path((*place.path, 0 if place.in_array else (place.key or "decoy")))
    _check_claims(document, did)
    claims: dict[str, object] = {name: document[name] for name in _JUDGED if name in document}
    if algorithm is not None:
        claims["_sd_alg"] = algorithm
    return secured_credential(
        TYP,
        token,
        jws,
        did,
        document,
        claims,
        disclosed=tuple([(*place.path, place.key) for place in places if place.key is not None]),
    )


def issue(
    claims: dict[str, object],
    signer: Signer,
    method_id: str,
    *,
    disclosable: Iterable[Path] = (),
    decoys: Mapping[Path, int] = NO_DECOYS,
) -> str:
    """Return an SD-JWT VC with every disclosure.

    Args:
        claims: `vct` and all others; `iss`, where it is there, is the DID of `method_id`.
        signer: The issuer's key.
        method_id: Its absolute DID URL, the header's `kid`.
        disclosable: Paths to what the holder may later withhold.
        decoys: How many digests of nothing an object or array gets, by its path.

    Raises:
        SdClaimNotAllowed: A path leads to what may not be hidden.
        TypeMismatch, IssuerKeyMismatch: As `read`.
        ValueError: A path leads nowhere.

    Spec: SD-JWT VC section 2.
    """
    paths = list(disclosable)
    for path in paths:
        _check_path(path)
    for path in decoys:
        _check_path((*path, "decoy"))
    _check_claims(claims, method_id.partition("#")[0])
    payload, disclosures = hide(claims, paths, decoys=decoys)
    issued = sign_jws({"typ": TYP, "kid": method_id}, payload, signer)
    return "~".join([issued, *disclosures, ""])


def _check_path(path: Path) -> None:
    if not path or path[0] in NEVER_HIDDEN:
        raise SdClaimNotAllowed("this may not be hidden from a verifier", path=pointer(path))


def _check_claims(claims: dict[str, object], did: str) -> None:
    if type(claims.get("vct")) is not str or not claims["vct"]:
        raise TypeMismatch("expected the credential's type", path="/vct")
    if "vc" in claims or "vp" in claims or "@context" in claims:
        raise TypeMismatch("an SD-JWT VC is no document of the W3C data model", path="/vct")
    for name in ("iss", "sub", "jti", "vct#integrity"):
        if name in claims and type(claims[name]) is not str:
            raise TypeMismatch("expected a string", path=f"/{name}")
    if "iss" in claims and claims["iss"] != did:
        raise IssuerKeyMismatch("signed by another DID than the issuer", path="/iss")
    others = claims.get("aka_vcts", [])
    if not isinstance(others, list) or not all(isinstance(each, str) and each for each in others):
        raise TypeMismatch("expected types", path="/aka_vcts")
    for name in ("cnf", "status"):
        if name in claims and type(claims[name]) is not dict:
            raise TypeMismatch("expected an object", path=f"/{name}")
