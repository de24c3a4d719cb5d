"""Texts into a `Parsed`: every part in its form, and parts that hang together. No key is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agentdid.codec.strict_json import JsonText
from agentdid.credential.model import CAPABILITY_TYPE, CREDENTIALS_V2
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.chain import check_connected, check_form
from agentdid.did.syntax import check_did
from agentdid.errors import (
    AgentdidError,
    HeaderInvalid,
    InputTooLarge,
    KbMissing,
    TypeMismatch,
    TypMismatch,
)
from agentdid.secure import data_integrity, jose, sd_jwt
from agentdid.verify.inputs import Item
from agentdid.verify.memory import KnownCredential
from agentdid.verify.states import Link, Parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case

_Read: TypeAlias = "Secured | KnownCredential"
_CREDENTIAL_ENVELOPE: Final = "EnvelopedVerifiableCredential"
_PRESENTATION_ENVELOPE: Final = "EnvelopedVerifiablePresentation"
_CAPABILITY: Final = "/credentialSubject/capability"
_JOSE_JSON: Final = frozenset({"payload", "signatures", "signature", "protected"})


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
        secured, holder, items = _read_presentation(case)
    else:
        secured, holder, items = None, None, _read_credentials(case)
    links: list[Link] = []
    chain: list[Link] = []
    others: list[Link] = []
    for item in items:
        position = len(links)
        link = item.at(position) if isinstance(item, KnownCredential) else _link(item, position, limits)
        links.append(link)
        (others if link.capability is None else chain).append(link)
    if chain:
        check_connected([(each.credential, each.capability) for each in chain], limits)  # type: ignore[misc]
    if len(links) > limits.max_credentials:
        raise InputTooLarge(f"at most {limits.max_credentials} credentials")
    if not links:
        raise TypeMismatch("expected at least one credential", path="/verifiableCredential")
    case.parsed = Parsed(tuple(chain), tuple(others), tuple(chain + others), secured, holder)


def remember(case: Case) -> None:
    """Keep the credentials that were new, after every check passed."""
    limits = case.question.trust.limits
    for link in case.parsed.links:
        if link.position in case.texts:
            text, canonical = case.texts[link.position]
            case.memory.keep_credential(text, KnownCredential(limits, link, canonical))


def read_credential(item: object, plain: bool, limits: Limits) -> Secured:
    """Return one secured credential: compact text, an object with a proof, or an envelope around compact text.

    Raises:
        TypeMismatch, TypMismatch, HeaderInvalid, and the errors of the securing mechanism.
    """
    token = _find_token(item)
    return _read_object(item, plain, limits) if token is None else sd_jwt.read(token, limits)


def read_chain(items: list[object], limits: Limits) -> tuple[Link, ...]:
    """Return credentials taken apart, none of them verified; for whoever holds them already.

    Raises:
        Malformed, Refused: As for `check_structure`.
    """
    return tuple(
        _link(read_credential(each, plain=False, limits=limits), position, limits)
        for position, each in enumerate(items)
    )


def _read_presentation(case: Case) -> tuple[Secured, str | None, list[_Read]]:
    text, limits = case.text, case.question.trust.limits
    if type(text) is JsonText:
        value = text.value
        if type(value) is not dict:
            raise TypeMismatch("expected a presentation")
        if not _has_type(value, _PRESENTATION_ENVELOPE):
            if not _JOSE_JSON.isdisjoint(value):
                raise _jose_json()
            if not _has_type(value, "VerifiablePresentation"):
                raise TypeMismatch("expected a VerifiablePresentation", path="/type")
            secured = data_integrity.read(text, data_integrity.AUTHENTICATION, limits)
            return _open(case, secured, text.plain)
        text = _envelope(value, "application/vp+jwt")
    if "~" in text:
        if text.endswith("~"):
            raise KbMissing("a bare SD-JWT; expected a presentation by its holder")
        raise TypMismatch("expected a vp+jwt; an SD-JWT with its own key binding is not taken")
    case.items = ()  # whatever stood beside the envelope
    return _open(case, jose.read(text, limits), plain=False)


def _open(case: Case, secured: Secured, plain: bool) -> tuple[Secured, str | None, list[_Read]]:
    presentation = parse_presentation(secured.document)
    return secured, presentation.holder, _read_items(case, case.items or presentation.credentials, plain)


def _read_credentials(case: Case) -> list[_Read]:
    text = case.text
    if case.items or type(text) is not JsonText:
        return _read_items(case, case.items or (text,), plain=False)
    value = text.value
    return _read_items(case, value if type(value) is list else (value,), text.plain)


def _read_items(case: Case, items: Sequence[object], plain: bool) -> list[_Read]:
    found: list[_Read] = []
    for item in items:
        found.append(_read_item(case, item, plain, len(found)))
    return found


def _read_item(case: Case, item: object, plain: bool, position: int) -> _Read:
    """Return a credential of the input taken apart, or what is remembered of it."""
    limits = case.question.trust.limits
    if type(item) is Item:
        if item.known is not None:
            return item.known
        case.texts[position] = (item.text, item.canonical)
        return read_credential(item.parsed.value, item.parsed.plain, limits)  # type: ignore[union-attr]  # not known
    token = _find_token(item)
    if token is None:
        return _read_object(item, plain, limits)
    known = case.memory.find_credential(token, limits)
    if known is not None:
        return known
    case.texts[position] = (token, None)
    return sd_jwt.read(token, limits)


def _find_token(item: object) -> str | None:
    """Return the compact text of a credential that is one, bare or in an envelope; `None` for another object.

    Raises:
        TypeMismatch: Neither text nor an object; and the errors of `_envelope`.
    """
    if type(item) is dict:
        return _envelope(item, sd_jwt.MEDIA_TYPE) if _has_type(item, _CREDENTIAL_ENVELOPE) else None
    if type(item) is str:
        return item
    raise TypeMismatch("expected a credential")


def _read_object(item: Any, plain: bool, limits: Limits) -> Secured:  # noqa: ANN401  # an object, by _find_token
    if not _JOSE_JSON.isdisjoint(item):
        raise _jose_json()
    return data_integrity.read(JsonText(item, plain), data_integrity.ASSERTION, limits)


def _link(secured: Secured, position: int, limits: Limits) -> Link:
    try:
        credential = parse_credential(secured.document)
        capability: Capability | None = None
        if CAPABILITY_TYPE in credential.types:
            capability = _capability(secured, credential, limits)
        else:
            check_did(credential.issuer)
    except AgentdidError as error:
        error.path = f"/{position}{error.path}"
        raise
    return Link(secured, credential, capability, position)


def _capability(secured: Secured, credential: Credential, limits: Limits) -> Capability:
    subject = secured.document["credentialSubject"]
    if type(subject) is not dict:
        raise TypeMismatch("a capability credential has one subject", path="/credentialSubject")
    if "capability" not in subject:
        raise TypeMismatch("member capability is missing", path=_CAPABILITY)
    capability = parse_capability(subject["capability"], limits, path=_CAPABILITY, hidden_grants=secured.hidden_grants)
    check_form(credential, capability, "")
    return capability


def _envelope(item: dict[str, object], media_type: str) -> str:
    """Return the token inside an enveloped credential or presentation (VCDM 2.0 sections 4.13 and 4.14)."""
    context = item.get("@context")
    if (context[:1] != [CREDENTIALS_V2]) if type(context) is list else (context != CREDENTIALS_V2):
        raise TypeMismatch(f"expected {CREDENTIALS_V2} as context of an envelope", path="/@context")
    url = item.get("id")
    if not isinstance(url, str) or not url.startswith("data:"):
        raise TypeMismatch("expected a data: URL", path="/id")
    end = url.find(",")
    if url[len("data:") : end] != media_type or end < 0:
        raise TypMismatch(f"expected a data: URL of {media_type}", path="/id")
    return url[end + 1 :]


def _has_type(item: dict[str, object], name: str) -> bool:
    types = item.get("type")
    return name in types if type(types) is list else types == name


def _jose_json() -> HeaderInvalid:
    # a document that is a JWS in JSON to one reader and a credential to another (ATTACKS C11)
    return HeaderInvalid("expected compact serialization")
