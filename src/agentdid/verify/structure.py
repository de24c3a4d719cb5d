"""Bytes into a `Parsed`: size, strict parse, and parts that hang together. No key is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.codec.strict_json import JsonText, parse, write_given
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.chain import check_connected, check_form
from agentdid.did.syntax import check_did
from agentdid.errors import (
    AgentdidError,
    EncodingInvalid,
    InputTooLarge,
    IssuerKeyMismatch,
    KbInvalid,
    KbMissing,
    TypeMismatch,
    TypMismatch,
)
from agentdid.proof import sd_jwt_json
from agentdid.proof.jws import find_typ, is_compact
from agentdid.proof.sd_jwt_json import MEMBERS
from agentdid.secure import data_integrity, jose, sd_jwt, vc_jwt
from agentdid.secure.envelope import BASE64, CREDENTIAL, PRESENTATION, decode_base64, open_envelope
from agentdid.verify.states import Link, Parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.credential.model import Credential
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case

_SD_JWT_VC: Final = "dc+sd-jwt"
_CAPABILITY: Final = "/credentialSubject/capability"
_TEXTS: Final = (bytes, str)
_COSE: Final = (b"\xd2", b"\x84")  # the tag of a COSE_Sign1, and its array without one; no text begins so


def _cose_credential(content: str, limits: Limits) -> Secured:
    from agentdid.secure import cose  # noqa: PLC0415  # a first verdict is seldom on COSE

    return cose.read_credential(decode_base64(content), limits)


def _cose_presentation(content: str, limits: Limits) -> Secured:
    from agentdid.secure import cose  # noqa: PLC0415  # as above

    return cose.read_presentation(decode_base64(content), limits)


# what stands before the comma of an envelope → what reads what stands behind it
_CREDENTIALS: Final[Mapping[str, Callable[[str, Limits], Secured]]] = {
    vc_jwt.MEDIA_TYPE: vc_jwt.read,
    sd_jwt.MEDIA_TYPE: sd_jwt.read,
    f"application/vc+cose{BASE64}": _cose_credential,
}
_PRESENTATIONS: Final[Mapping[str, Callable[[str, Limits], Secured]]] = {
    jose.MEDIA_TYPE: jose.read,
    jose.SD_MEDIA_TYPE: jose.read_sd,
    f"application/vp+cose{BASE64}": _cose_presentation,
}


def check_size(case: Case) -> None:
    """Hold that the input is within `max_input_bytes`, before anything reads it; sets `case.raw`.

    Raises:
        InputTooLarge: It is not.
        JsonTooDeep: A value that was handed in has no JSON text.
    """
    raw = case.question.raw
    limits = case.question.trust.limits
    if not isinstance(raw, _TEXTS):
        raw = write_given(raw, limits)
    limit = limits.max_input_bytes
    if len(raw) > limit:
        raise InputTooLarge(f"an input is at most {limit} bytes")
    case.raw = raw


def check_parse(case: Case) -> None:
    """Hold that the input is a compact token, a COSE_Sign1 or one strict JSON text; sets `case.text`.

    Raises:
        JsonInvalid, JsonDuplicateKey, JsonTooDeep, JsonNumberRange, EncodingInvalid: As `codec.strict_json.parse`.
    """
    raw = case.raw
    # most inputs are compact JSON, which needs no look for white space
    token = None if raw[:1] == b"{" else _find_token(raw)
    case.text = parse(raw, case.question.trust.limits) if token is None else token


def _find_token(raw: bytes | str) -> str | bytes | None:
    """Return the compact token or the COSE_Sign1, or `None` where a JSON text is meant."""
    if isinstance(raw, str):
        stripped = raw.strip(" \t\r\n")
        return stripped if is_compact(stripped) else None
    if raw[:1] in _COSE:
        return raw
    octets = raw.strip(b" \t\r\n")
    if not is_compact(octets):
        return None
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise EncodingInvalid("expected UTF-8") from None


def check_structure(case: Case) -> None:
    """Hold that every part has its form and all parts belong together; sets `case.parsed`.

    Raises:
        TypeMismatch, ContextNotAllowed, DidInvalid: Members of the wrong shape.
        ChainTooDeep, ChainLinkMismatch, InputTooLarge: Links that are too many or do not hang together.
        KbMissing: A bare SD-JWT where a holder must present it.
        The errors of the securing mechanisms, whose parts are taken apart here.

    Spec: specs/verification.md V2-V3.
    """
    question = case.question
    limits = question.trust.limits
    if question.holder:
        secured, holder, items = _read_presentation(case.text, limits)
    else:
        secured, holder, items = None, None, _read_credentials(case.text, limits)
    links: list[Link] = []
    for secured_item in items:
        links.append(_link(secured_item, len(links), limits))
    chain = tuple([each for each in links if each.capability is not None])
    if chain:
        check_connected([(each.credential, each.capability) for each in chain], limits)  # type: ignore[misc]
    if len(links) > limits.max_credentials:
        raise InputTooLarge(f"at most {limits.max_credentials} credentials")
    if not links:
        raise TypeMismatch("expected at least one credential", path="/verifiableCredential")
    others = tuple([each for each in links if each.capability is None])
    case.parsed = Parsed(chain, others, chain + others, secured, holder)


def read_credential(item: object, plain: bool, limits: Limits) -> Secured:
    """Return one secured credential: compact text, an object with a proof, or an envelope around compact text.

    Raises:
        TypeMismatch, TypMismatch, HeaderInvalid, and the errors of the securing mechanism.
    """
    if type(item) is not dict:
        if type(item) is str:
            return _read_sd_jwt(item, limits) if "~" in item else vc_jwt.read(item, limits)
        raise TypeMismatch("expected a credential")
    if _has_type(item, CREDENTIAL):
        return _read_enveloped(item, _CREDENTIALS, limits)
    if not MEMBERS.isdisjoint(item):
        return _read_serialized(item, limits)
    return data_integrity.read(JsonText(item, plain), data_integrity.ASSERTION, limits)


def read_chain(items: list[object], limits: Limits) -> tuple[Link, ...]:
    """Return credentials taken apart, none of them verified; for whoever holds them already.

    Raises:
        Malformed, Refused: As for `check_structure`.
    """
    return tuple(
        _link(read_credential(each, plain=False, limits=limits), position, limits)
        for position, each in enumerate(items)
    )


def _read_presentation(text: JsonText | str | bytes, limits: Limits) -> tuple[Secured, str | None, list[Secured]]:
    if type(text) is JsonText:
        value = text.value
        if type(value) is not dict:
            raise TypeMismatch("expected a presentation")
        if _has_type(value, PRESENTATION):
            return _open(_read_enveloped(value, _PRESENTATIONS, limits), plain=False, limits=limits)
        if not MEMBERS.isdisjoint(value):
            return _read_bound_json(value, limits)
        if not _has_type(value, "VerifiablePresentation"):
            raise TypeMismatch("expected a VerifiablePresentation", path="/type")
        secured = data_integrity.read(text, data_integrity.AUTHENTICATION, limits)
        return _open(secured, text.plain, limits)
    if isinstance(text, bytes):
        from agentdid.secure import cose  # noqa: PLC0415  # as above

        return _open(cose.read_presentation(text, limits), plain=False, limits=limits)
    if "~" not in text:
        return _open(jose.read(text, limits), plain=False, limits=limits)
    if not text.endswith("~"):
        return _read_bound(text, limits)
    if find_typ(text) != jose.SD_TYP:
        raise KbMissing("a bare SD-JWT; expected a presentation by its holder")
    return _open(jose.read_sd(text, limits), plain=False, limits=limits)


def _read_bound(text: str, limits: Limits) -> tuple[Secured, str | None, list[Secured]]:
    """Return an SD-JWT with its own key binding: a presentation of the one credential before it."""
    from agentdid.secure import key_binding  # noqa: PLC0415  # a form of its own, which most verifiers never meet

    credential = _read_sd_jwt(f"{text.rpartition('~')[0]}~", limits)
    subject = _read_members(credential).subjects
    return key_binding.read(text, credential, subject[0] if len(subject) == 1 else None, limits), None, [credential]


def _read_bound_json(item: dict[str, object], limits: Limits) -> tuple[Secured, str | None, list[Secured]]:
    """Return a presentation that is an SD-JWT in JSON with its key binding."""
    serialized = sd_jwt_json.read(item, limits)
    if not serialized.key_binding:
        raise KbMissing("an SD-JWT in JSON without kb_jwt; expected a presentation by its holder")
    secured, holder, (credential,) = _read_bound(f"{serialized.tokens[0]}{serialized.key_binding}", limits)
    return secured, holder, [_with_signatures(credential, serialized.tokens, item, limits)]


def _read_serialized(item: dict[str, object], limits: Limits) -> Secured:
    """Return the parts of a credential that is an SD-JWT in JSON."""
    serialized = sd_jwt_json.read(item, limits)
    if serialized.key_binding:
        raise KbInvalid("a credential carries no key binding JWT; the presentation around it binds the holder")
    return _with_signatures(_read_sd_jwt(serialized.tokens[0], limits), serialized.tokens, item, limits)


def _with_signatures(first: Secured, tokens: tuple[str, ...], item: dict[str, object], limits: Limits) -> Secured:
    """Return a credential with all its signatures: as with proofs, every one must hold, and all are by one DID."""
    if len(tokens) == 1:
        return first
    signatures = [*first.signatures, *(_read_sd_jwt(each, limits).signatures[0] for each in tokens[1:])]
    if any(each.did != first.signer for each in signatures):
        raise IssuerKeyMismatch("all signatures must be by one DID", path="/signatures")
    return structs.replace(first, signatures=tuple(signatures), wire=item)


def _read_sd_jwt(token: str, limits: Limits) -> Secured:
    """Return the parts of an SD-JWT of either kind, by its typ."""
    if find_typ(token) == _SD_JWT_VC:
        from agentdid.secure import sd_jwt_vc  # noqa: PLC0415  # as above

        return sd_jwt_vc.read(token, limits)
    return sd_jwt.read(token, limits)


def _read_members(secured: Secured) -> Credential:
    """Return what a credential says, by the data model of its form."""
    if secured.form != _SD_JWT_VC:
        return parse_credential(secured.document)
    from agentdid.credential.sd_jwt_vc import parse_sd_jwt_vc  # noqa: PLC0415  # as above

    return parse_sd_jwt_vc(secured.document, secured.signer)


def _open(secured: Secured, plain: bool, limits: Limits) -> tuple[Secured, str | None, list[Secured]]:
    presentation = parse_presentation(secured.document)
    return secured, presentation.holder, [read_credential(each, plain, limits) for each in presentation.credentials]


def _read_credentials(text: JsonText | str | bytes, limits: Limits) -> list[Secured]:
    if isinstance(text, bytes):
        from agentdid.secure import cose  # noqa: PLC0415  # as above

        return [cose.read_credential(text, limits)]
    if isinstance(text, str):
        return [read_credential(text, False, limits)]
    if type(text.value) is list:
        return [read_credential(each, text.plain, limits) for each in text.value]
    return [read_credential(text.value, text.plain, limits)]


def _link(secured: Secured, position: int, limits: Limits) -> Link:
    try:
        return _read_link(secured, position, limits)
    except AgentdidError as error:
        error.path = f"/{position}{error.path}"
        raise


def _read_link(secured: Secured, position: int, limits: Limits) -> Link:
    credential = _read_members(secured)
    if not credential.is_capability:
        check_did(credential.issuer)
        return Link(secured, credential, None, position)
    subject = secured.document["credentialSubject"]
    if type(subject) is not dict:
        raise TypeMismatch("a capability credential has one subject", path="/credentialSubject")
    if "capability" not in subject:
        raise TypeMismatch("member capability is missing", path=_CAPABILITY)
    capability = parse_capability(subject["capability"], limits, path=_CAPABILITY, hidden_grants=secured.hidden_grants)
    check_form(credential, capability, "")
    return Link(secured, credential, capability, position)


def _read_enveloped(
    item: dict[str, object], readers: Mapping[str, Callable[[str, Limits], Secured]], limits: Limits
) -> Secured:
    """Return the parts of what stands in an envelope, by the one reader of its media type."""
    media_type, content = open_envelope(item)
    read = readers.get(media_type)
    if read is None:
        raise TypMismatch(f"expected a data: URL of {' or '.join(readers)}", path="/id")
    return read(content, limits)


def _has_type(item: dict[str, object], name: str) -> bool:
    types = item.get("type")
    return name in types if type(types) is list else types == name
