"""Which reader takes which form of a token: by media type in an envelope, by `typ` and shape where it stands bare.

COSE, key bindings and SD-JWT VCs are read by modules of their own, which a verifier that never meets them never loads.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.errors import IssuerKeyMismatch, KbInvalid, KbMissing
from agentdid.proof import sd_jwt_json
from agentdid.proof.jws import find_typ
from agentdid.secure import jose, sd_jwt, vc_jwt
from agentdid.secure.envelope import BASE64, decode_base64
from agentdid.trust.profile import STRICT, Profile
from agentdid.verify.structure import SD_JWT_VC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import TypeAlias

    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured

    Readers: TypeAlias = Mapping[str, Callable[[str, Limits], Secured]]

_OLD_TYPS: Final = (None, "JWT")  # of VCDM 1.1


def _cose_credential(content: str, limits: Limits) -> Secured:
    from agentdid.secure import cose  # noqa: PLC0415  # see the module

    return cose.read_credential(decode_base64(content), limits)


def _cose_presentation(content: str, limits: Limits, *, timed: bool = True) -> Secured:
    from agentdid.secure import cose  # noqa: PLC0415  # as above

    return cose.read_presentation(decode_base64(content), limits, timed=timed)


_CREDENTIALS: Final[Readers] = {
    vc_jwt.MEDIA_TYPE: vc_jwt.read,
    sd_jwt.MEDIA_TYPE: sd_jwt.read,
    f"application/vc+cose{BASE64}": _cose_credential,
}
_PRESENTATIONS: Final[Mapping[str, Callable[..., Secured]]] = {
    jose.MEDIA_TYPE: jose.read,
    jose.SD_MEDIA_TYPE: jose.read_sd,
    f"application/vp+cose{BASE64}": _cose_presentation,
}


def credential_readers(profile: Profile) -> Readers:
    """Return what stands before the comma of an enveloped credential → what reads what stands behind it."""
    if not profile.vc_claims:
        return _CREDENTIALS
    from agentdid.secure import vc_claims  # noqa: PLC0415  # most policies do not read them

    return {**_CREDENTIALS, vc_claims.MEDIA_TYPE: vc_claims.read_credential}


def presentation_readers(profile: Profile) -> Readers:
    """Return the same for an enveloped presentation."""
    if profile is STRICT:
        return _PRESENTATIONS
    readers = {media_type: partial(read, timed=profile.bound_time) for media_type, read in _PRESENTATIONS.items()}
    if not profile.vc_claims:
        return readers
    from agentdid.secure import vc_claims  # noqa: PLC0415  # as above

    return {**readers, vc_claims.MEDIA_TYPE: vc_claims.read_presentation}


def read_token(token: str | bytes, limits: Limits, profile: Profile = STRICT) -> Secured:
    """Return the parts of a credential that is a compact token, or the bytes of a COSE_Sign1."""
    if isinstance(token, bytes):
        from agentdid.secure import cose  # noqa: PLC0415  # as above

        return cose.read_credential(token, limits)
    if "~" in token:
        return _read_sd_jwt(token, limits)
    if profile.vc_claims and find_typ(token) in _OLD_TYPS:
        from agentdid.secure import vc_claims  # noqa: PLC0415  # as above

        return vc_claims.read_credential(token, limits)
    return vc_jwt.read(token, limits)


def read_serialized(item: dict[str, object], limits: Limits) -> Secured:
    """Return the parts of a credential that is an SD-JWT in JSON.

    Raises:
        HeaderInvalid: Another JSON serialization, or one beside other members (ATTACKS C11).
        KbInvalid: It has a key binding JWT.
        IssuerKeyMismatch: Two signatures by different DIDs.
    """
    serialized = sd_jwt_json.read(item, limits)
    if serialized.key_binding:
        raise KbInvalid("a credential carries no key binding JWT; the presentation around it binds the holder")
    return _read_all(serialized.tokens, item, limits)


def read_presented(token: str | bytes, limits: Limits, profile: Profile) -> Secured:
    """Return the parts of a bare token that is a presentation; one with a key binding is for `read_bound`.

    Raises:
        KbMissing: An SD-JWT without key binding, which nobody presents.
        The errors of the reader of its kind.
    """
    if isinstance(token, bytes):
        from agentdid.secure import cose  # noqa: PLC0415  # as above

        return cose.read_presentation(token, limits, timed=profile.bound_time)
    if "~" not in token:
        if profile.vc_claims and find_typ(token) in _OLD_TYPS:
            from agentdid.secure import vc_claims  # noqa: PLC0415  # as above

            return vc_claims.read_presentation(token, limits)
        return jose.read(token, limits, timed=profile.bound_time)
    if find_typ(token) != jose.SD_TYP:
        raise KbMissing("a bare SD-JWT; expected a presentation by its holder")
    return jose.read_sd(token, limits, timed=profile.bound_time)


def find_bound(token: str | bytes) -> str | None:
    """Return the SD-JWT that a key binding stands behind; `None` where none does."""
    if type(token) is not str or "~" not in token or token.endswith("~"):
        return None
    return token[: token.rindex("~") + 1]


def read_presented_json(item: dict[str, object], limits: Limits) -> tuple[Secured, Secured]:
    """Return the same of an SD-JWT in JSON with its key binding; without one it is `KbMissing`."""
    serialized = sd_jwt_json.read(item, limits)
    if not serialized.key_binding:
        raise KbMissing("an SD-JWT in JSON without kb_jwt; expected a presentation by its holder")
    credential = _read_all(serialized.tokens, item, limits)
    return read_bound(f"{serialized.tokens[0]}{serialized.key_binding}", credential, limits), credential


def _read_sd_jwt(token: str, limits: Limits) -> Secured:
    if find_typ(token) == SD_JWT_VC:
        from agentdid.secure import sd_jwt_vc  # noqa: PLC0415  # as above

        return sd_jwt_vc.read(token, limits)
    return sd_jwt.read(token, limits)


def read_bound(token: str, credential: Secured, limits: Limits) -> Secured:
    """Return the parts of the key binding behind an SD-JWT, which is taken apart already."""
    return _key_binding().read(token, credential, _subject(credential), limits)  # type: ignore[no-any-return]


@cache
def _key_binding() -> ModuleType:
    from agentdid.secure import key_binding  # noqa: PLC0415  # as above

    return key_binding


def _subject(credential: Secured) -> str | None:
    """Return who may present it, as it says; the shape of its members is looked at later."""
    if credential.form == SD_JWT_VC:
        from agentdid.credential.sd_jwt_vc import subject_of  # noqa: PLC0415  # as above

        return subject_of(credential.document)
    subject = credential.document.get("credentialSubject")
    found = subject.get("id") if isinstance(subject, dict) else None
    return found if isinstance(found, str) else None


def _read_all(tokens: tuple[str, ...], item: dict[str, object], limits: Limits) -> Secured:
    """Return a credential with all its signatures: as with proofs, every one must hold, and all are by one DID."""
    first = _read_sd_jwt(tokens[0], limits)
    if len(tokens) == 1:
        return first
    signatures = [*first.signatures, *(_read_sd_jwt(each, limits).signatures[0] for each in tokens[1:])]
    if any(each.did != first.signer for each in signatures):
        raise IssuerKeyMismatch("all signatures must be by one DID", path="/signatures")
    return structs.replace(first, signatures=tuple(signatures), sent=item)
