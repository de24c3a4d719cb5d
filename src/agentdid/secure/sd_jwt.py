"""VCDM 2.0 credentials as SD-JWT (`vc+sd-jwt`: VC-JOSE-COSE section 3.2, RFC 9901), read and made.

What may be hidden is narrow on purpose (specs/capability-credential.md C9): of a capability credential only whole
grants and the subject's other claims, of any credential nothing by which it is judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.errors import HeaderInvalid, InputTooLarge, KbInvalid, SdClaimNotAllowed
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.disclosures import NO_DECOYS, Path, Place, hide, open_payload, pointer
from agentdid.proof.jws import Jws, parse_jws, sign_jws
from agentdid.secure.claims import JWT_CLAIMS, check_agreement, check_header, secured_credential, take_claims

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.keys.secret import Signer
    from agentdid.secure.mechanism import Secured

TYP: Final = "vc+sd-jwt"
MEDIA_TYPE: Final = "application/vc+sd-jwt"
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
    jws, disclosures = split(token, limits)
    did = check_header(jws.header, TYP)
    document = jws.claims
    algorithm = document.get("_sd_alg")
    places = open_payload(document, disclosures, limits)
    claims = take_claims(document, JWT_CLAIMS)
    hidden = check_places(places, document)
    check_agreement(claims, document)
    if algorithm is not None:
        claims["_sd_alg"] = algorithm  # under which a key binding JWT hashes too
    return secured_credential(TYP, token, jws, did, document, claims, hidden_grants=hidden)


def split(token: str, limits: Limits) -> tuple[Jws, list[str]]:
    """Return the issuer-signed part of an SD-JWT, taken apart, and its disclosures.

    Raises:
        InputTooLarge, HeaderInvalid: Its size; not the compact form.
        KbInvalid: A key binding JWT stands behind it; and the errors of `proof.jws.parse_jws`.
    """
    if len(token) > limits.max_input_bytes:
        raise InputTooLarge(f"a token is at most {limits.max_input_bytes} bytes")
    issued, tilde, rest = token.partition("~")
    if not tilde:
        raise HeaderInvalid("expected an SD-JWT, which has a tilde after its issuer-signed part")
    disclosures = rest.split("~")
    if disclosures.pop():
        raise KbInvalid("a credential carries no key binding JWT; the presentation around it binds the holder")
    return parse_jws(issued, limits), disclosures


def issue(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    *,
    disclosable: Sequence[Path] = (),
    claims: dict[str, object] | None = None,
    decoys: Mapping[Path, int] = NO_DECOYS,
) -> str:
    """Return the credential as an SD-JWT with every disclosure.

    Args:
        document: The credential without proof.
        signer: The issuer's key.
        method_id: Its absolute DID URL, the header's `kid`.
        disclosable: Paths to what the holder may later withhold.
        claims: JWT claims to stand beside it (`iat`, `exp`, `cnf`).
        decoys: How many digests of nothing an object or array gets, by its path; only where something may be hidden.

    Raises:
        SdClaimNotAllowed: A path leads to what may not be hidden.
        ValueError: A path leads nowhere.
    """
    capability = CAPABILITY_TYPE in _types(document)
    for path in disclosable:
        check_disclosable(path, capability=capability)
    for path in decoys:
        # an undisclosed place may be a decoy, and a verifier judges both alike
        check_disclosable((*path, 0 if isinstance(_at(document, path), list) else "decoy"), capability=capability)
    payload, disclosures = hide({**document, **(claims or {})}, disclosable, decoys=decoys)
    issued = sign_jws({"typ": TYP, "cty": "vc", "kid": method_id}, payload, signer)
    return "~".join([issued, *disclosures, ""])


def withhold(token: str, keep: frozenset[Path], limits: Limits = DEFAULT) -> str:
    """Return the SD-JWT with only those disclosures that the kept paths need; of either kind, VCDM or SD-JWT VC.

    Args:
        token: As issued or received.
        keep: Paths in the opened document as received; a kept path keeps what lies above and below it.
        limits: As for `read`.

    Raises:
        As `split` and `proof.disclosures.open_payload`.
    """
    jws, disclosures = split(token, limits)
    issued = token.partition("~")[0]
    needed = set()
    for place in open_payload(jws.claims, disclosures, limits):
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


def check_places(places: tuple[Place, ...], document: dict[str, object]) -> bool:
    """Hold that nothing was hidden that may not be; return whether grants were withheld."""
    hidden = False
    capability = CAPABILITY_TYPE in _types(document)
    for place in places:
        # An undisclosed property may be a decoy (RFC 9901 §4.2.5); its place is judged with an ordinary name.
        leaf: str | int = 0 if place.in_array else (place.key or "decoy")
        check_disclosable((*place.path, leaf), capability=capability)
        hidden = hidden or (place.path == _GRANTS and place.encoded is None)
    return hidden


def _at(document: object, path: Path) -> object:
    for step in path:
        document = document[step]  # type: ignore[index]  # a path that leads nowhere is the caller's mistake
    return document


def _types(document: dict[str, object]) -> list[object]:
    types = document.get("type")
    return types if isinstance(types, list) else [types]
