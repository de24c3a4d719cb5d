"""Bytes into a `Parsed`: size, strict parse, and parts that hang together. No key is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.codec.strict_json import JsonText, parse, write_given
from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.credential.parse import parse_presentation
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.chain import check_connected, check_form
from agentdid.did.syntax import check_did
from agentdid.errors import (
    AgentdidError,
    DelegationForbidden,
    EncodingInvalid,
    InputTooLarge,
    TypeMismatch,
    TypMismatch,
)
from agentdid.proof.jws import is_compact
from agentdid.proof.sd_jwt_json import MEMBERS
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import data_integrity
from agentdid.secure.envelope import CREDENTIAL, PRESENTATION, open_envelope
from agentdid.secure.mechanism import Secured
from agentdid.trust.profile import STRICT, Profile
from agentdid.verify.forms import (
    COSE,
    SD_JWT_VC,
    credential_readers,
    presentation_readers,
    read_members,
    read_presented,
    read_presented_json,
    read_serialized,
    read_token,
)
from agentdid.verify.known_links import find_known_link, text_of
from agentdid.verify.states import Link, Parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.limits import Limits
    from agentdid.verify.case import Case
    from agentdid.verify.forms import Readers

_CAPABILITY: Final = "/credentialSubject/capability"
_TEXTS: Final = (bytes, str)


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
    if raw[:1] in COSE:
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
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: As
            `write_signed`.
        The errors of the securing mechanisms, whose parts are taken apart here.

    Spec: specs/verification.md V2-V3.
    """
    question = case.question
    limits = question.trust.limits
    if question.holder:
        secured, holder, items, plain = _read_presentation(case, case.text)
    else:
        secured, holder, (items, plain) = None, None, _read_credentials(case.text)
    links: list[Link] = []
    chain: list[Link] = []
    others: list[Link] = []
    for item in items:
        link = _read_item(case, item, plain, len(links))
        links.append(link)
        (others if link.capability is None else chain).append(link)
    if chain:
        check_connected([(each.credential, each.capability) for each in chain], limits)  # type: ignore[misc]
        check_parents(chain)
    if len(links) > limits.max_credentials:
        raise InputTooLarge(f"at most {limits.max_credentials} credentials")
    if not links and question.trust.profile.credentials_presented:
        raise TypeMismatch("expected at least one credential", path="/verifiableCredential")
    if question.trust.profile.defined_terms:
        _check_terms(case, secured, links)
    case.parsed = Parsed(tuple(chain), tuple(others), tuple(chain + others), secured, holder)


def check_parents(chain: Sequence[Link]) -> None:
    """Hold that nothing hangs on a credential that its holder derived: each derivation has another digest.

    Raises:
        DelegationForbidden: Something does (specs/capability-credential.md C1).
    """
    for link in chain[:-1]:
        if link.secured.form in SELECTIVE:
            raise DelegationForbidden(f"a credential under {link.secured.form} is nobody's parent", path=link.path)


def read_credential(
    item: object, plain: bool, limits: Limits, profile: Profile = STRICT, *, base: bool = False
) -> Secured:
    """Return one secured credential: compact text, an object with a proof, or an envelope around compact text.

    Args:
        item: The credential.
        plain: What `strict_json.parse` found of the text it comes from.
        limits: Sizes and counts.
        profile: What is asked beyond what specifications ask.
        base: Whether the reader is a holder, who alone takes base proofs.

    Raises:
        TypeMismatch, TypMismatch, HeaderInvalid, and the errors of the securing mechanism.
    """
    if type(item) is not dict:
        if type(item) is str or type(item) is bytes:
            return read_token(item, limits, profile)
        raise TypeMismatch("expected a credential")
    if _has_type(item, CREDENTIAL):
        return _read_enveloped(item, credential_readers(profile), limits)
    if not MEMBERS.isdisjoint(item):
        return read_serialized(item, limits)
    return data_integrity.read(JsonText(item, plain), data_integrity.ASSERTION, limits, base=base)


def read_chain(items: list[object], limits: Limits) -> tuple[Link, ...]:
    """Return credentials taken apart, none of them verified; for whoever holds them already.

    Raises:
        Malformed, Refused: As for `check_structure`.
    """
    return tuple(
        _link(read_credential(each, plain=False, limits=limits, base=True), position, limits)
        for position, each in enumerate(items)
    )


def write_signed(case: Case, secured: Secured) -> Secured:
    """Return it with what was signed written out, before anybody relies on its JSON.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: Statements
            were signed, and the JSON says something else, or may (ATTACKS layer F).
        DerivedProofMalformed, InputTooLarge: By a derived proof and its statements.
        MandatoryMissing: The holder could have hidden what is judged.
    """
    trust = case.question.trust
    written = secured.written(case.budget, trust.context_rules)
    if written.form in SELECTIVE and not trust.any_disclosure:
        from agentdid.secure.mandatory import check_hideable  # noqa: PLC0415  # most proofs hide nothing

        check_hideable(written)
    return written


def _read_item(case: Case, item: object, plain: bool, position: int) -> Link:
    """Return one credential taken apart, or as it was when it verified before."""
    question = case.question
    known = None
    if isinstance(item, str | dict) and not question.keeps:  # a holder's base proof is no verifier's link
        known = find_known_link(case, text_of(item), position)
    if known is not None:
        return Link(known.secured, known.credential, known.capability, position)
    trust = question.trust
    secured = item  # taken apart already, where the presentation is bound to it
    if not isinstance(secured, Secured):
        secured = read_credential(item, plain, trust.limits, trust.profile, base=question.keeps)
    return _link(secured, position, trust.limits, case)


def _read_presentation(case: Case, text: JsonText | str | bytes) -> tuple[Secured, str | None, Sequence[object], bool]:
    limits, profile = case.question.trust.limits, case.question.trust.profile
    if type(text) is not JsonText:
        secured, bound = read_presented(text, limits, profile)
        return _open(secured, plain=False) if bound is None else (secured, None, [bound], False)
    value = text.value
    if type(value) is not dict:
        raise TypeMismatch("expected a presentation")
    if _has_type(value, PRESENTATION):
        return _open(_read_enveloped(value, presentation_readers(profile), limits), plain=False)
    if not MEMBERS.isdisjoint(value):
        secured, bound = read_presented_json(value, limits)
        return secured, None, [bound], False
    if not _has_type(value, "VerifiablePresentation"):
        raise TypeMismatch("expected a VerifiablePresentation", path="/type")
    secured = data_integrity.read(text, data_integrity.AUTHENTICATION, limits)
    return _open(write_signed(case, secured), text.plain)


def _open(secured: Secured, plain: bool) -> tuple[Secured, str | None, Sequence[object], bool]:
    presentation = parse_presentation(secured.document)
    return secured, presentation.holder, presentation.credentials, plain


def _read_credentials(text: JsonText | str | bytes) -> tuple[Sequence[object], bool]:
    if type(text) is not JsonText:
        return [text], False
    value = text.value
    return (value if type(value) is list else [value]), text.plain


def _link(secured: Secured, position: int, limits: Limits, case: Case | None = None) -> Link:
    profile = STRICT
    try:
        if case is not None:
            profile = case.question.trust.profile
            secured = write_signed(case, secured)
        credential = read_members(secured, partial=profile is not STRICT and secured.form in SELECTIVE)
        if case is not None and case.question.trust.types and secured.form == SD_JWT_VC:
            from agentdid.credential.type_metadata import check_type  # noqa: PLC0415  # most policies hold no types

            check_type(case.question.trust.types, secured.document, secured.disclosed)
        capability: Capability | None = None
        if CAPABILITY_TYPE in credential.types:
            capability = _capability(secured, credential, limits)
        elif profile.issuer_signs:
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


def _check_terms(case: Case, presentation: Secured | None, links: list[Link]) -> None:
    """Hold that JSON-LD contexts define every word, whatever is signed."""
    # the product asks where statements are signed, which most inputs are not
    from agentdid.canon import contexts  # noqa: PLC0415
    from agentdid.canon.jsonld import to_quads  # noqa: PLC0415

    rules = case.question.trust.context_rules or contexts.STRICT
    for link in links:
        try:
            to_quads(link.credential.document, rules=rules)
        except AgentdidError as error:
            error.path = f"{link.path}{error.path}"
            raise
    if presentation is not None:
        to_quads(presentation.document, rules=rules)


def _read_enveloped(item: dict[str, object], readers: Readers, limits: Limits) -> Secured:
    """Return the parts of what stands in an envelope, by the one reader of its media type."""
    media_type, content = open_envelope(item)
    read = readers.get(media_type)
    if read is None:
        raise TypMismatch(f"expected a data: URL of {' or '.join(readers)}", path="/id")
    return read(content, limits)


def _has_type(item: dict[str, object], name: str) -> bool:
    types = item.get("type")
    return name in types if type(types) is list else types == name
