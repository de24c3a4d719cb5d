"""Texts into a `Parsed`: every part in its form, and parts that hang together. No key is touched."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from agentdid.codec.strict_json import JsonText
from agentdid.credential.model import APPROVAL_TYPE, CAPABILITY_TYPE
from agentdid.credential.parse import parse_credential, parse_presentation
from agentdid.did.syntax import check_did
from agentdid.errors import (
    AgentdidError,
    DelegationForbidden,
    InputTooLarge,
    TypeMismatch,
    TypMismatch,
)
from agentdid.proof.sd_jwt_json import MEMBERS
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import data_integrity
from agentdid.secure.envelope import CREDENTIAL, PRESENTATION, open_envelope
from agentdid.secure.mechanism import Secured
from agentdid.trust.profile import STRICT, Profile
from agentdid.verify.inputs import CLOSED_LEVELS, Item
from agentdid.verify.known_links import NewText, find_known_link, text_of
from agentdid.verify.states import Link, Parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from msgspec import Raw

    from agentdid.credential.model import Credential
    from agentdid.delegation.approval import HumanApproval
    from agentdid.delegation.capability import Capability
    from agentdid.limits import Limits
    from agentdid.verify.case import Case
    from agentdid.verify.forms import Readers
    from agentdid.verify.known_links import KnownLink, Text

# What reads tokens (`verify.forms`), and what judges capabilities, is imported when the first is met: a process whose
# first verdict needs neither does not wait for them.
SD_JWT_VC: Final = "dc+sd-jwt"
_SUBJECT: Final = "/credentialSubject"
_CAPABILITY: Final = "/credentialSubject/capability"


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
        secured, holder, (items, plain) = None, None, _read_credentials(case, case.text)
    links: list[Link] = []
    chain: list[Link] = []
    others: list[Link] = []
    for item in items:
        link = _read_item(case, item, plain, len(links))
        links.append(link)
        (others if link.capability is None else chain).append(link)
    # a root alone hangs together
    if len(chain) > 1 or (chain and chain[0].capability.parent is not None):  # type: ignore[union-attr]  # in a chain
        from agentdid.delegation.chain import check_connected  # noqa: PLC0415  # as above

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
        DelegationForbidden: Something does (specs/selective-disclosure.md S11).
    """
    for link in chain[:-1]:
        if link.secured.is_selective:
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
        if type(item) is str or type(item) is bytes:
            token: Secured = _forms().read_token(item, limits, profile)
            return token
        raise TypeMismatch("expected a credential")
    if _has_type(item, CREDENTIAL):
        return _read_enveloped(item, _forms().credential_readers(profile), limits)
    if not MEMBERS.isdisjoint(item):
        serialized: Secured = _forms().read_serialized(item, limits)
        return serialized
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
    if written.is_selective and not trust.profile.any_disclosure:
        from agentdid.secure.mandatory import check_hideable  # noqa: PLC0415  # most proofs hide nothing

        check_hideable(written)
    return written


def _read_item(case: Case, item: object, plain: bool, position: int) -> Link:
    """Return one credential taken apart, or as it was when it verified before."""
    text: Text | None = None
    canonical: Raw | None = None
    known: KnownLink | None = None
    value = item
    if type(item) is Item:
        text, canonical, known = item.text, item.canonical, item.known
        if item.link is not None:
            if not case.question.keeps:
                case.new[position] = NewText(text, 0, canonical)
            return item.link
        if item.parsed is not None:
            value, plain = item.parsed.value, item.parsed.plain
        elif item.secured is not None:
            value = item.secured
    elif isinstance(item, str | dict):
        text = text_of(item)
        known = find_known_link(case, text)
    if known is not None:
        case.known[position] = known
        case.budget.rdfc_steps -= known.rdfc_steps  # as a fresh memory would
        return known.at(position)
    question = case.question
    trust, left = question.trust, case.budget.rdfc_steps
    secured = value  # taken apart already, where the presentation is bound to it
    if not isinstance(secured, Secured):
        several = type(value) is dict and type(value.get("proof")) is list
        required = trust.find_required(value) if several else ()  # type: ignore[arg-type]  # an object
        secured = read_credential(value, plain, trust.limits, trust.profile, base=question.keeps, required=required)
    link = _link(secured, position, trust.limits, case)
    if text is not None and not question.keeps:
        case.new[position] = NewText(text, left - case.budget.rdfc_steps, canonical)
    return link


def _read_presentation(case: Case, text: JsonText | str | bytes) -> tuple[Secured, str | None, Sequence[object], bool]:
    if case.presented is not None:
        holder: str = case.presented.document["holder"]  # type: ignore[assignment]  # by its form
        return case.presented, holder, case.items, False
    limits, profile = case.question.trust.limits, case.question.trust.profile
    if type(text) is not JsonText:
        bound = _forms().find_bound(text)
        closed = _read_closed(case, text) if bound is None else None
        if closed is not None:
            return closed
        return (
            _open(_forms().read_presented(text, limits, profile), plain=False)
            if bound is None
            else _read_bound(case, bound)
        )
    value = text.value
    if type(value) is not dict:
        raise TypeMismatch("expected a presentation")
    if _has_type(value, PRESENTATION):
        return _open(_read_enveloped(value, _forms().presentation_readers(profile), limits), plain=False)
    if not MEMBERS.isdisjoint(value):
        secured, credential = _forms().read_presented_json(value, limits)
        return secured, None, [credential], False
    if not _has_type(value, "VerifiablePresentation"):
        raise TypeMismatch("expected a VerifiablePresentation", path="/type")
    required = case.question.trust.presentation_proofs
    secured = data_integrity.read(text, data_integrity.AUTHENTICATION, limits, required)
    return _open(write_signed(case, secured), text.plain, case.items)


def _read_closed(case: Case, text: str | bytes) -> tuple[Secured, str | None, Sequence[object], bool] | None:
    """Return the same of a `vp+jwt` of the closed form (`secure.closed_tokens`); `None` of anything else."""
    limits = case.question.trust.limits
    if type(text) is not str or limits.max_depth < CLOSED_LEVELS or len(text) > 2 * limits.max_members:
        return None
    found = _read_closed_token()(case, text)
    if found is None:
        return None
    secured, items = found
    return secured, secured.signer, items, False


@cache
def _read_closed_token() -> Callable[[Case, str], tuple[Secured, list[Item]] | None]:
    from agentdid.verify.closed_links import read_presentation  # noqa: PLC0415  # as above

    return read_presentation


@cache
def _forms() -> ModuleType:
    from agentdid.verify import forms  # noqa: PLC0415  # as above

    return forms


def _read_bound(case: Case, bound: str) -> tuple[Secured, str | None, Sequence[object], bool]:
    """Return the key binding that is the whole text, and the SD-JWT before it, by itself or as known."""
    trust = case.question.trust
    known = find_known_link(case, bound)
    credential = read_credential(bound, False, trust.limits) if known is None else known.link.secured
    secured = _forms().read_bound(case.text, credential, trust.limits)
    return secured, None, [Item(bound, None, known, None, secured=credential)], False


def _open(
    secured: Secured, plain: bool, items: Sequence[Item] = ()
) -> tuple[Secured, str | None, Sequence[object], bool]:
    presentation = parse_presentation(secured.document)
    return secured, presentation.holder, items or presentation.credentials, plain


def _read_credentials(case: Case, text: JsonText | str | bytes) -> tuple[Sequence[object], bool]:
    if case.items:
        return case.items, False
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
        credential = read_members(secured, partial=profile.any_disclosure and secured.form in SELECTIVE)
        if case is not None and case.question.trust.types and secured.form == SD_JWT_VC:
            from agentdid.credential.type_metadata import check_type  # noqa: PLC0415  # most policies hold no types

            check_type(case.question.trust.types, secured.document, secured.disclosed)
        capability: Capability | None = None
        approval: HumanApproval | None = None
        if CAPABILITY_TYPE in credential.types:
            capability = _capability(secured, credential, limits)
        elif APPROVAL_TYPE in credential.types:
            from agentdid.delegation.approval import check_approval_form, parse_approval  # noqa: PLC0415  # as above

            approval = parse_approval(_member(secured, "approval"), f"{_SUBJECT}/approval")
            check_approval_form(credential, limits)
        elif profile.issuer_signs:
            check_did(credential.issuer)
        if "relatedResource" in secured.document:
            from agentdid.credential.related import check_known  # noqa: PLC0415  # most credentials name none

            check_known(secured.document, bare=profile.bare_digests)
    except AgentdidError as error:
        error.path = f"/{position}{error.path}"
        raise
    return Link(secured, credential, capability, position, approval)


def _capability(secured: Secured, credential: Credential, limits: Limits) -> Capability:
    from agentdid.delegation.capability import parse_capability  # noqa: PLC0415  # as above
    from agentdid.delegation.chain import check_form  # noqa: PLC0415

    value = _member(secured, "capability")
    capability = parse_capability(value, limits, path=_CAPABILITY, hidden_grants=secured.hidden_grants)
    check_form(credential, capability, "")
    return capability


def read_members(secured: Secured, *, partial: bool = False) -> Credential:
    """Return what a credential says, by the data model of its form."""
    if secured.form != SD_JWT_VC:
        return parse_credential(secured.document, partial=partial)
    from agentdid.credential.sd_jwt_vc import parse_sd_jwt_vc  # noqa: PLC0415  # as above

    return parse_sd_jwt_vc(secured.document, secured.signer)


def _member(secured: Secured, name: str) -> object:
    """Return a member of the one subject of a capability or an approval."""
    subject = secured.document["credentialSubject"]
    if type(subject) is not dict:
        raise TypeMismatch("such a credential has one subject", path=_SUBJECT)
    if name not in subject:
        raise TypeMismatch(f"member {name} is missing", path=f"{_SUBJECT}/{name}")
    return subject[name]


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
    if presentation is not None:  # whose credentials were looked at, and may stand in it as canonical text
        to_quads(
            {name: each for name, each in presentation.document.items() if name != "verifiableCredential"}, rules=rules
        )


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
