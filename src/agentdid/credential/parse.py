"""JSON objects into credentials and presentations: every member's shape is checked, here and nowhere else.

The rules stand in tables, a row a member, and the first context says which version's tables hold. Members that a
version does not name are left alone: whether an unknown member is an error depends on how the document is secured, not
on its shape. A rule says where inside its own value something is wrong; whoever applies it puts before that where the
value stands.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from msgspec import Raw

from agentdid.codec.instant import parse_instant
from agentdid.credential.digests import parse_multibase, parse_sri
from agentdid.credential.model import (
    AGENTDID_V1,
    CAPABILITY_TYPE,
    CREDENTIALS_V1,
    CREDENTIALS_V2,
    Credential,
    Presentation,
)
from agentdid.errors import AgentdidError, ContextNotAllowed, DidInvalid, TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Callable

# RFC 3986 §4.3 absolute-URI by its character set: a scheme, a colon and at least one more character.
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`\x7f]+")
_MAX_REMEMBERED: Final = 256  # characters
# BCP 47 by its outline; the registry is not consulted.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def parse_credential(document: dict[str, object], path: str = "", *, partial: bool = False) -> Credential:
    """Return the credential that an unsecured JSON object says, its shape checked.

    Args:
        document: The object without `proof`, disclosures applied.
        path: Where it stands in the input, for error messages.
        partial: Whether it is what a holder shows of a credential of VCDM 1.1, whose `issuanceDate` may be hidden.

    Raises:
        TypeMismatch: A member is absent or has another shape than section 4 of VCDM 2.0, or of VCDM 1.1, gives it.
        ContextNotAllowed: `@context` does not begin as it must.
    """
    if is_v1(document.get("@context")):
        kinds = document.get("type")
        if CAPABILITY_TYPE in (kinds if type(kinds) is list else (kinds,)):
            raise ContextNotAllowed(f"expected {CREDENTIALS_V2} as the first context", path=f"{path}/@context")
        _check_members(document, _CREDENTIAL_V1, _REQUIRED if partial else _REQUIRED_V1, path)
        begin, end = "issuanceDate", "expirationDate"
    else:
        _check_members(document, _CREDENTIAL, _REQUIRED, path)
        begin, end = "validFrom", "validUntil"
    names = document["type"]
    types: tuple[str, ...] = tuple(names) if type(names) is list else (names,)  # type: ignore[assignment]  # by its row
    if CAPABILITY_TYPE in types:
        _check_capability_context(document["@context"], path)
    issuer, subject = document["issuer"], document["credentialSubject"]
    valid_from = parse_instant(document[begin], path, begin) if begin in document else None
    valid_until = parse_instant(document[end], path, end) if end in document else None
    if valid_from is not None and valid_until is not None and valid_from > valid_until:
        raise TypeMismatch(f"{begin} is later than {end}", path=f"{path}/{end}")
    status = document.get("credentialStatus")
    # what the members are was held by their rows
    return Credential(
        document.get("id"),  # type: ignore[arg-type]
        types,
        issuer if type(issuer) is str else issuer["id"],  # type: ignore[index]
        (subject.get("id"),) if type(subject) is dict else tuple([each.get("id") for each in subject]),  # type: ignore[attr-defined]
        valid_from,
        valid_until,
        () if status is None else tuple(status) if type(status) is list else (status,),  # type: ignore[arg-type]
        document,
    )


def parse_presentation(document: dict[str, object], path: str = "") -> Presentation:
    """Return the presentation that an unsecured JSON object says, its shape checked.

    Raises:
        TypeMismatch: A member is absent or has another shape than VCDM 2.0 section 4.13 gives it; VCDM 1.1 section
            4.10 gives it the same.
        ContextNotAllowed: `@context` does not begin as it must.
    """
    if document.keys() == _PLAIN_PRESENTATION:
        try:
            _context(document["@context"])
            _type(document["type"], "VerifiablePresentation")
            _party(document["holder"])
            _embedded(document["verifiableCredential"])
        except AgentdidError:
            _check_members(document, _PRESENTATION, _REQUIRED_PRESENTATION, path)  # says what is wrong first, and where
            raise
    else:
        _check_members(document, _PRESENTATION, _REQUIRED_PRESENTATION, path)
    holder, credentials = document.get("holder"), document.get("verifiableCredential")
    # what the members are was held by their rows
    return Presentation(
        document.get("id"),  # type: ignore[arg-type]
        holder.get("id") if type(holder) is dict else holder,  # type: ignore[arg-type]
        () if credentials is None else tuple(credentials) if type(credentials) is list else (credentials,),  # type: ignore[arg-type]
        document,
    )


def is_v1(context: object) -> bool:
    """Whether a document with this `@context` is one of VCDM 1.1."""
    return type(context) is list and context[:1] == [CREDENTIALS_V1]


def check_url(value: object, path: str = "") -> None:
    """Hold that `value` is an absolute URL. Raises `TypeMismatch`; of what begins as a DID `DidInvalid`."""
    if type(value) is not str or not (_is_url(value) if len(value) <= _MAX_REMEMBERED else _is_long_url(value)):
        wrong = DidInvalid if type(value) is str and value.startswith("did:") else TypeMismatch
        raise wrong("expected an absolute URL", path=path)


def _is_long_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None


_is_url: Final = lru_cache(maxsize=4096)(_is_long_url)
"""Only asked about short texts, so that strangers cannot make it hold long ones."""


def _check_members(
    document: dict[str, object],
    table: dict[str, Callable[[object], None]],
    required: dict[str, None],
    path: str,
) -> None:
    if not document.keys() >= required.keys():
        missing = next(name for name in required if name not in document)
        raise TypeMismatch(f"member {missing} is missing", path=path)
    find = table.get
    name = ""
    try:
        for name, value in document.items():
            check = find(name)
            if check is not None:
                check(value)
    except AgentdidError as error:
        error.path = f"{path}/{name}{error.path}"
        raise


def _within(name: str, check: Callable[[object], object], value: object) -> None:
    """Apply a rule to a member of the value at hand."""
    try:
        check(value)
    except AgentdidError as error:
        error.path = f"/{name}{error.path}"
        raise


def _check_capability_context(context: object, path: str) -> None:
    # JSON readers and JSON-LD readers of a capability must see the same terms: our context stands second, and
    # nothing inline may redefine one (specs/capability-credential.md C2).
    if not isinstance(context, list) or context[1:2] != [AGENTDID_V1]:
        raise ContextNotAllowed(f"expected {AGENTDID_V1} as the second context", path=f"{path}/@context")
    for each in context:
        if type(each) is not str:
            raise ContextNotAllowed("a capability credential carries no inline context", path=f"{path}/@context")


def _context(value: object) -> None:
    if type(value) is not list or not value:
        raise TypeMismatch("expected a list of contexts")
    try:
        _check_contexts(tuple(value))
    except TypeError:  # an inline context has no hash, and so is not remembered
        _check_contexts.__wrapped__(value)


@lru_cache(maxsize=64)
def _check_contexts(value: tuple[object, ...]) -> None:
    """Hold what a list of contexts is; issuers write the same few, and strangers shall not fill a cache."""
    if value[0] != CREDENTIALS_V2 and value[0] != CREDENTIALS_V1:
        raise ContextNotAllowed(f"expected {CREDENTIALS_V2} as the first context")
    for each in value:
        if type(each) is not dict and not (type(each) is str and len(each) <= _MAX_REMEMBERED and _is_url(each)):
            check_url(each, f"/{value.index(each)}")


def _type(value: object, needed: str = "") -> None:
    """One or more names of types, and among them what the document must be (VCDM 2.0 section 4.5)."""
    try:
        _check_types(tuple(value) if type(value) is list else (value,), needed)
    except TypeError:  # what has no hash is no name
        raise TypeMismatch("expected a type name") from None


@lru_cache(maxsize=64)
def _check_types(names: tuple[object, ...], needed: str) -> None:
    if not names:
        raise TypeMismatch("expected at least one element")
    for each in names:
        if type(each) is not str or not each or " " in each:
            raise TypeMismatch("expected a type name")
    if needed and needed not in names:
        raise TypeMismatch(f"expected {needed} among the types")


def _some(value: object) -> list[object]:
    if type(value) is list:
        if not value:
            raise TypeMismatch("expected at least one element")
        return value
    return [value]


def _text(value: object) -> None:
    """A string, a language value object, or a list of such objects (VCDM 2.0 section 11.1)."""
    if type(value) is str:
        return
    for each in _some(value):
        if not isinstance(each, dict) or not isinstance(each.get("@value"), str):
            raise TypeMismatch("expected a string or a language value")
        language, direction = each.get("@language"), each.get("@direction")
        if not each.keys() <= {"@value", "@language", "@direction"}:
            raise TypeMismatch("a language value has only @value, @language and @direction")
        if "@language" in each and not (isinstance(language, str) and _LANGUAGE.fullmatch(language)):
            raise TypeMismatch("expected a language tag")
        if "@direction" in each and direction not in ("ltr", "rtl"):
            raise TypeMismatch("expected the direction ltr or rtl")


def _party(value: object) -> None:
    """A URL, or an object with one as its `id`: an issuer or a holder."""
    if type(value) is not dict:
        check_url(value)
        return
    check_url(value.get("id"), "/id")
    for name in ("name", "description"):
        if name in value:
            _within(name, _text, value[name])


def _subject(value: object) -> None:
    for each in (value,) if type(value) is dict else _some(value):
        if type(each) is not dict or not each:
            raise TypeMismatch("expected an object with at least one claim")
        if "id" in each:
            check_url(each["id"], "/id")


def check_typed(value: object) -> None:
    """One or more objects with a `type`, and a URL where they have an `id`."""
    for each in _some(value):
        if not isinstance(each, dict):
            raise TypeMismatch("expected an object")
        _within("type", _type, each.get("type"))
        if "id" in each:
            check_url(each["id"], "/id")


def _typed_with_id(value: object) -> None:
    """As `check_typed`, where the `id` is required too (VCDM 2.0 sections 4.11 and 5.6)."""
    check_typed(value)
    for each in _some(value):
        if "id" not in each:  # type: ignore[operator]  # an object, by check_typed
            raise TypeMismatch("member id is missing")


def _related(value: object) -> None:
    """`relatedResource`: unique URLs, each with a digest (VCDM 2.0 section 5.3)."""
    if not isinstance(value, list):
        raise TypeMismatch("expected a list")
    seen = set()
    for each in _some(value):
        if not isinstance(each, dict):
            raise TypeMismatch("expected an object")
        check_url(each.get("id"), "/id")
        if each["id"] in seen:
            raise TypeMismatch("the same resource stands twice", path="/id")
        seen.add(each["id"])
        sri, multibase = each.get("digestSRI"), each.get("digestMultibase")
        if sri is None and multibase is None:
            raise TypeMismatch("expected digestSRI or digestMultibase")
        if sri is not None:
            _within("digestSRI", parse_sri, sri)
        if multibase is not None:
            _within("digestMultibase", parse_multibase, multibase)


def _reserved(_value: object) -> None:
    """A word of the other version: a reader that knows both would not know which holds."""
    raise TypeMismatch("expected the members of one version of the data model")


def _embedded(value: object) -> None:
    for each in value if type(value) is list else (value,):
        # Raw: an object that is still text, by verify.inputs
        if type(each) is not Raw and (type(each) is not dict or not each):
            raise TypeMismatch("expected a credential object; a token stands in an enveloped credential")


_REQUIRED: Final = dict.fromkeys(("@context", "type", "issuer", "credentialSubject"))  # in the order they are missed in
_REQUIRED_V1: Final = {**_REQUIRED, "issuanceDate": None}
_REQUIRED_PRESENTATION: Final = dict.fromkeys(("@context", "type"))
_PLAIN_PRESENTATION: Final = frozenset({"@context", "type", "holder", "verifiableCredential"})
"""The members of most presentations, which are held without a look into a table for each."""
_COMMON: Final[dict[str, Callable[[object], None]]] = {
    "@context": _context,
    "id": check_url,
    "termsOfUse": check_typed,
}
_CREDENTIAL: Final[dict[str, Callable[[object], None]]] = _COMMON | {
    "type": partial(_type, needed="VerifiableCredential"),
    "name": _text,
    "description": _text,
    "issuer": _party,
    "credentialSubject": _subject,
    "credentialStatus": check_typed,
    "credentialSchema": _typed_with_id,
    "relatedResource": _related,
    "refreshService": check_typed,
    "evidence": check_typed,
    "renderMethod": check_typed,
    "confidenceMethod": check_typed,
}
_PRESENTATION: Final[dict[str, Callable[[object], None]]] = _COMMON | {
    "type": partial(_type, needed="VerifiablePresentation"),
    "holder": _party,
    "verifiableCredential": _embedded,
}
# VCDM 1.1 section 4: a status, a schema and a refresh service have an identifier; there are no names
_CREDENTIAL_V1: Final[dict[str, Callable[[object], None]]] = _COMMON | {
    "issuer": _party,
    "credentialSubject": _subject,
    "credentialStatus": _typed_with_id,
    "credentialSchema": _typed_with_id,
    "refreshService": _typed_with_id,
    "evidence": check_typed,
    "validFrom": _reserved,
    "validUntil": _reserved,
}
CREDENTIAL_MEMBERS: Final = frozenset(_CREDENTIAL) | {"validFrom", "validUntil"}
PRESENTATION_MEMBERS: Final = frozenset(_PRESENTATION)
"""What VCDM 2.0 defines at the top of a document."""
