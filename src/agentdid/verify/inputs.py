"""Bytes into texts: size, then one strict parse of all that was not met before. What they say is not looked at."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, final

from msgspec import Raw

from agentdid.canon.jcs import canonicalize_plain
from agentdid.codec.json_parts import splitter
from agentdid.codec.strict_json import JsonText, parse, write_given
from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.errors import EncodingInvalid, InputTooLarge, Malformed
from agentdid.proof.jws import is_compact
from agentdid.proof.suites import JCS_NAMES
from agentdid.record import Value
from agentdid.verify.known_links import find_known_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case
    from agentdid.verify.known_links import KnownLink, Text
    from agentdid.verify.states import Link

COSE: Final = (b"\xd2", b"\x84")
"""How COSE_Sign1 begins: its tag, or its array without one; no text does."""
_TEXTS: Final = (bytes, str)
_INSIDE: Final = "verifiableCredential"
_split: Final = splitter(_INSIDE)
_CAPABILITY: Final = CAPABILITY_TYPE.encode()
CLOSED_LEVELS: Final = 16
"""No closed form is deeper, credentials in their presentation included: a capability in one has eleven levels."""
_ABOVE: Final = 2  # levels around each credential: the presentation, and the array


@final
class Item(Value, frozen=True, eq=False):
    """One credential of the input, parsed apart or known.

    Attributes:
        text: All of it as it came.
        parsed: What was parsed, where the text was not known.
        known: What is remembered of the text.
        canonical: Its RFC 8785 form; `None` for a credential that came alone, for nothing around it is signed.
        link: The credential taken apart, where it has the closed form of a link.
        secured: How it is signed, where that had to be known before.
    """

    text: Text
    parsed: JsonText | None
    known: KnownLink | None
    canonical: Raw | None
    link: Link | None = None
    secured: Secured | None = None


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
    """Hold that the input is a compact token, a COSE_Sign1 or one strict JSON text.

    Sets `case.text`, and `case.items` where credentials can be parsed apart; of the closed form of a presentation
    (`secure.closed_forms`) `case.presented` in place of the text.

    Raises:
        JsonInvalid, JsonDuplicateKey, JsonTooDeep, JsonNumberRange, EncodingInvalid: As `codec.strict_json.parse`.
    """
    raw = case.raw
    if type(raw) is bytes and raw[:1] == b"{":  # most inputs are compact JSON, which needs no look for white space
        if case.question.holder:
            _parse_presentation(case, raw)
        else:
            _parse_credential(case, raw)
        return
    token = _find_token(raw)
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


def _parse_credential(case: Case, octets: bytes) -> None:
    known = find_known_link(case, octets)
    link = _read_link(case, octets, 0) if known is None and octets.isascii() else None
    if known is None and link is None:
        case.text = parse(octets, case.question.trust.limits)
        case.items = (Item(octets, case.text, None, None),)
    else:
        case.items = (Item(octets, None, known, None, link and link[0]),)


def _parse_presentation(case: Case, octets: bytes) -> None:
    """Parse what is around the credentials, and of these what is not known; or else the whole as one."""
    limits = case.question.trust.limits
    # a member or element takes two bytes at least: in so short a text none of its parts can have too many
    if octets.isascii() and len(octets) <= 2 * limits.max_members:
        try:
            if _parse_closed(case, octets) or _parse_apart(case, octets):
                return
        except Malformed:
            pass  # parsed as one, it is refused for what is wrong first
    case.text = parse(octets, limits)


def _parse_closed(case: Case, octets: bytes) -> bool:
    """Take a presentation of the closed form apart; return whether it was one."""
    trust = case.question.trust
    if trust.presentation_proofs or trust.limits.max_depth < CLOSED_LEVELS:
        return False
    forms = _closed_forms()
    form = forms.find_presentation(octets)
    items = [] if form is None else _parse_items(case, map(bytes, form.verifiable_credential))
    if form is None or items is None:
        return False
    presented = forms.read_presentation(form, octets, [each.canonical for each in items])
    if presented is None:
        return False
    case.presented, case.items = presented, tuple(items)
    return True


@cache
def _closed_forms() -> ModuleType:
    from agentdid.secure import closed_forms  # noqa: PLC0415  # 2 ms that a bare credential does not pay

    return closed_forms


def _parse_apart(case: Case, octets: bytes) -> bool:
    """Parse the credentials of a presentation apart from what is around them; return whether that can be done."""
    parts = _split(octets)
    if parts is None:
        return False
    around, texts = parts
    text = parse(around, case.question.trust.limits)
    # where statements are signed, nothing of the credentials is read in vain
    items = _parse_items(case, texts) if text.plain and _is_around(text.value) else None
    if items is None:
        return False
    text.value[_INSIDE] = [item.canonical for item in items]  # type: ignore[index]  # an object, by _is_around
    case.text, case.items = text, tuple(items)
    return True


def _parse_items(case: Case, texts: Iterable[bytes]) -> list[Item] | None:
    """Return the credentials of a presentation, or `None` where the form of one must be found in the whole."""
    items = []
    for position, each in enumerate(texts):
        known = find_known_link(case, each)
        if known is not None and known.canonical is not None:
            items.append(Item(each, None, known, known.canonical))
            continue
        item = _parse_item(case, each, position)
        if item is None:
            return None
        items.append(item)
    return items


def _parse_item(case: Case, octets: bytes, position: int) -> Item | None:
    """Return a credential that is not known, or `None` where its canonical form must be found in the whole."""
    limits = case.question.trust.limits
    link = _read_link(case, octets, position)
    if link is not None:
        return Item(octets, None, None, link[1], link[0])
    parsed = parse(octets, limits, above=_ABOVE)
    if not parsed.plain or type(parsed.value) is not dict:
        return None
    return Item(octets, parsed, None, Raw(canonicalize_plain(parsed.value)))


def _read_link(case: Case, octets: bytes, position: int) -> tuple[Link, Raw] | None:
    """Return an ASCII text as a link and its canonical form, if it is one of the closed form."""
    limits = case.question.trust.limits
    if _CAPABILITY not in octets or limits.max_depth < CLOSED_LEVELS or len(octets) > 2 * limits.max_members:
        return None
    return _closed_links()(octets, limits, position)


@cache
def _closed_links() -> Callable[[bytes, Limits, int], tuple[Link, Raw] | None]:
    from agentdid.verify.closed_links import read_link  # noqa: PLC0415  # as above

    return read_link


def _is_around(presentation: Any) -> bool:  # noqa: ANN401  # an object, by its text
    """Whether it is the credentials that are apart, and what is signed is put together from the forms of its parts."""
    if presentation[_INSIDE]:
        return False
    proofs = presentation.get("proof")
    for proof in proofs if type(proofs) is list else (proofs,):
        name = proof.get("cryptosuite") if type(proof) is dict else None
        if type(name) is not str or name not in JCS_NAMES:
            return False
    return True
