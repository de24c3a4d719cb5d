"""Bytes into a `Parsed`: size, strict parse, and parts that hang together. No key is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.codec.strict_json import JsonText, parse, write_given
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.chain import check_connected, check_form
from agentdid.did.syntax import check_did
from agentdid.errors import (
    AgentdidError,
    EncodingInvalid,
    HeaderInvalid,
    InputTooLarge,
    KbMissing,
    TypeMismatch,
    TypMismatch,
)
from agentdid.proof.jws import is_compact
from agentdid.secure import data_integrity, jose, sd_jwt
from agentdid.verify.states import Link, Parsed

if TYPE_CHECKING:
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.trust.anchors import Trust
    from agentdid.verify.case import Case

_CREDENTIAL_ENVELOPE: Final = "EnvelopedVerifiableCredential"
_PRESENTATION_ENVELOPE: Final = "EnvelopedVerifiablePresentation"
_CAPABILITY: Final = "/credentialSubject/capability"
_TEXTS: Final = (bytes, str)
_JOSE_JSON: Final = frozenset({"payload", "signatures", "signature", "protected"})


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
    """Hold that the input is a compact token or one strict JSON text; sets `case.text`.

    Raises:
        JsonInvalid, JsonDuplicateKey, JsonTooDeep, JsonNumberRange, EncodingInvalid: As `codec.strict_json.parse`.
    """
    raw = case.raw
    # most inputs are compact JSON, which needs no look for white space
    token = None if raw[:1] == b"{" else _find_token(raw)
    case.text = parse(raw, case.question.trust.limits) if token is None else token


def _find_token(raw: bytes | str) -> str | None:
    """Return the compact token, or `None` where a JSON text is meant."""
    if isinstance(raw, str):
        stripped = raw.strip(" \t\r\n")
        return stripped if is_compact(stripped) else None
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
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: As
            `write_signed`.
        The errors of the securing mechanisms, whose parts are taken apart here.

    Spec: specs/verification.md V2-V3.
    """
    question = case.question
    limits = question.trust.limits
    if question.holder:
        secured, holder, items = _read_presentation(case, case.text, limits)
    else:
        secured, holder, items = None, None, _read_credentials(case, case.text, limits)
    links: list[Link] = []
    for secured_item in items:
        links.append(_link(secured_item, len(links), limits, case))
    chain = tuple([each for each in links if each.capability is not None])
    if chain:
        check_connected([(each.credential, each.capability) for each in chain], limits)  # type: ignore[misc]
    if len(links) > limits.max_credentials:
        raise InputTooLarge(f"at most {limits.max_credentials} credentials")
    if not links:
        raise TypeMismatch("expected at least one credential", path="/verifiableCredential")
    others = tuple([each for each in links if each.capability is None])
    case.parsed = Parsed(chain, others, chain + others, secured, holder)


def read_credential(item: object, plain: bool, limits: Limits, trust: Trust | None = None) -> Secured:
    """Return one secured credential: compact text, an object with a proof, or an envelope around compact text.

    Args:
        item: What stands in the input.
        plain: What the strict parser found of it.
        limits: Sizes.
        trust: The policy, which may say which of several proofs count; by default all do.

    Raises:
        TypeMismatch, TypMismatch, HeaderInvalid, and the errors of the securing mechanism.
    """
    if type(item) is not dict:
        if type(item) is str:
            return sd_jwt.read(item, limits)
        raise TypeMismatch("expected a credential")
    if _has_type(item, _CREDENTIAL_ENVELOPE):
        return sd_jwt.read(_envelope(item, sd_jwt.MEDIA_TYPE), limits)
    _check_not_jose_json(item)
    proofs = item.get("proof")
    required = trust.find_required(item) if trust is not None and type(proofs) is list and len(proofs) > 1 else ()
    return data_integrity.read(JsonText(item, plain), data_integrity.ASSERTION, limits, required)


def read_chain(items: list[object], limits: Limits) -> tuple[Link, ...]:
    """Return credentials taken apart, none of them verified; for whoever holds them already.

    Raises:
        Malformed, Refused: As for `check_structure`.
    """
    return tuple(
        _link(read_credential(each, plain=False, limits=limits), position, limits)
        for position, each in enumerate(items)
    )


def write_signed(case: Case, secured: Secured) -> Secured:
    """Return it with what was signed written out, before anybody relies on its JSON.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: Statements
            were signed, and the JSON says something else, or may (ATTACKS layer F).
    """
    return secured.written(case.budget, case.question.trust.context_rules)


def _read_presentation(case: Case, text: JsonText | str, limits: Limits) -> tuple[Secured, str | None, list[Secured]]:
    if type(text) is JsonText:
        value = text.value
        if type(value) is not dict:
            raise TypeMismatch("expected a presentation")
        if not _has_type(value, _PRESENTATION_ENVELOPE):
            _check_not_jose_json(value)
            if not _has_type(value, "VerifiablePresentation"):
                raise TypeMismatch("expected a VerifiablePresentation", path="/type")
            required = case.question.trust.presentation_proofs
            secured = data_integrity.read(text, data_integrity.AUTHENTICATION, limits, required)
            return _open(case, write_signed(case, secured), text.plain, limits)
        text = _envelope(value, "application/vp+jwt")
    if "~" in text:
        if text.endswith("~"):
            raise KbMissing("a bare SD-JWT; expected a presentation by its holder")
        raise TypMismatch("expected a vp+jwt; an SD-JWT with its own key binding is not taken")
    return _open(case, jose.read(text, limits), plain=False, limits=limits)


def _open(case: Case, secured: Secured, plain: bool, limits: Limits) -> tuple[Secured, str | None, list[Secured]]:
    presentation = parse_presentation(secured.document)
    trust = case.question.trust
    items = [read_credential(each, plain, limits, trust) for each in presentation.credentials]
    return secured, presentation.holder, items


def _read_credentials(case: Case, text: JsonText | str, limits: Limits) -> list[Secured]:
    trust = case.question.trust
    if isinstance(text, str):
        return [read_credential(text, False, limits)]
    if type(text.value) is list:
        return [read_credential(each, text.plain, limits, trust) for each in text.value]
    return [read_credential(text.value, text.plain, limits, trust)]


def _link(secured: Secured, position: int, limits: Limits, case: Case | None = None) -> Link:
    try:
        if case is not None:
            secured = write_signed(case, secured)
        return _read_link(secured, position, limits)
    except AgentdidError as error:
        error.path = f"/{position}{error.path}"
        raise


def _read_link(secured: Secured, position: int, limits: Limits) -> Link:
    credential = parse_credential(secured.document)
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


def _check_not_jose_json(item: dict[str, object]) -> None:
    # a document that is a JWS in JSON to one reader and a credential to another (ATTACKS C11)
    if not _JOSE_JSON.isdisjoint(item):
        raise HeaderInvalid("expected compact serialization")
