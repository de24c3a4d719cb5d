"""Bytes into a `Parsed`: size, strict parse, and parts that hang together. No key is touched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from agentdid.codec.strict_json import JsonText, parse, write_given
from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.chain import check_connected, check_form
from agentdid.did.syntax import check_did
from agentdid.errors import (
    AgentdidError,
    DelegationForbidden,
    EncodingInvalid,
    HeaderInvalid,
    InputTooLarge,
    KbMissing,
    TypeMismatch,
    TypMismatch,
)
from agentdid.proof.jws import is_compact
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import data_integrity, jose, sd_jwt, vc_jwt
from agentdid.secure.envelope import CREDENTIAL, PRESENTATION, open_envelope
from agentdid.trust.profile import STRICT, Profile
from agentdid.verify.known_links import find_known_link, text_of
from agentdid.verify.states import Link, Parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case

# media type → what reads such a token
_CREDENTIALS: Final[Mapping[str, Callable[[str, Limits], Secured]]] = {
    vc_jwt.MEDIA_TYPE: vc_jwt.read,
    sd_jwt.MEDIA_TYPE: sd_jwt.read,
}
_PRESENTATIONS: Final[Mapping[str, Callable[[str, Limits], Secured]]] = {jose.MEDIA_TYPE: jose.read}
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
    item: object,
    plain: bool,
    limits: Limits,
    profile: Profile = STRICT,
    *,
    base: bool = False,
    required: Sequence[str] = (),
) -> Secured:
    """Return one secured credential: compact text, an object with a proof, or an envelope around compact text.

    Args:
        item: The credential.
        plain: What `strict_json.parse` found of the text it comes from.
        limits: Sizes and counts.
        profile: What is asked beyond what specifications ask.
        base: Whether the reader is a holder, who alone takes base proofs.
        required: Which of several proofs count, by the policy; by default all do.

    Raises:
        TypeMismatch, TypMismatch, HeaderInvalid, and the errors of the securing mechanism.
    """
    if type(item) is not dict:
        if type(item) is str:
            return sd_jwt.read(item, limits) if "~" in item else vc_jwt.read(item, limits)
        raise TypeMismatch("expected a credential")
    if _has_type(item, CREDENTIAL):
        return _read_enveloped(item, _CREDENTIALS if profile is STRICT else _credentials(profile), limits)
    if not _JOSE_JSON.isdisjoint(item):
        raise _jose_json()
    text, several = JsonText(item, plain), not profile.one_signer
    return data_integrity.read(text, data_integrity.ASSERTION, limits, required, base=base, several=several)


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
    several = type(item) is dict and type(item.get("proof")) is list
    required = trust.find_required(item) if several else ()  # type: ignore[arg-type]  # an object, by the line above
    secured = read_credential(item, plain, trust.limits, trust.profile, base=question.keeps, required=required)
    return _link(secured, position, trust.limits, case)


def _read_presentation(case: Case, text: JsonText | str) -> tuple[Secured, str | None, Sequence[object], bool]:
    limits, profile = case.question.trust.limits, case.question.trust.profile
    if type(text) is JsonText:
        value = text.value
        if type(value) is not dict:
            raise TypeMismatch("expected a presentation")
        if _has_type(value, PRESENTATION):
            readers = _PRESENTATIONS if profile is STRICT else _presentations(profile)
            return _open(_read_enveloped(value, readers, limits), plain=False)
        if not _JOSE_JSON.isdisjoint(value):
            raise _jose_json()
        if not _has_type(value, "VerifiablePresentation"):
            raise TypeMismatch("expected a VerifiablePresentation", path="/type")
        required = case.question.trust.presentation_proofs
        secured = data_integrity.read(text, data_integrity.AUTHENTICATION, limits, required)
        return _open(write_signed(case, secured), text.plain)
    if "~" in text:
        if text.endswith("~"):
            raise KbMissing("a bare SD-JWT; expected a presentation by its holder")
        raise TypMismatch("expected a vp+jwt; an SD-JWT with its own key binding is not taken")
    return _open(jose.read(text, limits, timed=profile.bound_time), plain=False)


def _open(secured: Secured, plain: bool) -> tuple[Secured, str | None, Sequence[object], bool]:
    presentation = parse_presentation(secured.document)
    return secured, presentation.holder, presentation.credentials, plain


def _read_credentials(text: JsonText | str) -> tuple[Sequence[object], bool]:
    if type(text) is not JsonText:
        return [text], False
    value = text.value
    return (value if type(value) is list else [value]), text.plain


def _credentials(profile: Profile) -> Mapping[str, Callable[[str, Limits], Secured]]:
    if not profile.vc_claims:
        return _CREDENTIALS
    from agentdid.secure import vc_claims  # noqa: PLC0415  # the product never reads them

    return {**_CREDENTIALS, vc_claims.MEDIA_TYPE: vc_claims.read_credential}


def _presentations(profile: Profile) -> Mapping[str, Callable[[str, Limits], Secured]]:
    readers: dict[str, Callable[[str, Limits], Secured]]
    readers = {**_PRESENTATIONS, jose.MEDIA_TYPE: partial(jose.read, timed=profile.bound_time)}
    if profile.vc_claims:
        from agentdid.secure import vc_claims  # noqa: PLC0415  # as above

        readers[vc_claims.MEDIA_TYPE] = vc_claims.read_presentation
    return readers


def _link(secured: Secured, position: int, limits: Limits, case: Case | None = None) -> Link:
    profile = STRICT
    try:
        if case is not None:
            profile = case.question.trust.profile
            secured = write_signed(case, secured)
        credential = parse_credential(secured.document, partial=profile is not STRICT and secured.form in SELECTIVE)
        capability: Capability | None = None
        if CAPABILITY_TYPE in credential.types:
            capability = _capability(secured, credential, limits)
        elif profile.issuer_signs:
            check_did(credential.issuer)
        if "relatedResource" in secured.document:
            from agentdid.credential.related import check_known  # noqa: PLC0415  # most credentials name none

            check_known(secured.document, bare=profile.bare_digests)
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


def _jose_json() -> HeaderInvalid:
    # a document that is a JWS in JSON to one reader and a credential to another (ATTACKS C11)
    return HeaderInvalid("expected compact serialization")
