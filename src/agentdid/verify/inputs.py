"""Bytes into texts: size, then one strict parse of all that was not met before. What they say is not looked at."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, final

from msgspec import Raw

from agentdid.canon.jcs import canonicalize_plain
from agentdid.codec.json_parts import splitter
from agentdid.codec.strict_json import JsonText, parse, write_given
from agentdid.errors import EncodingInvalid, InputTooLarge, Malformed
from agentdid.proof.jws import is_compact
from agentdid.proof.suites import JCS_NAMES
from agentdid.record import Value
from agentdid.verify.known_links import find_known_link

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from agentdid.verify.case import Case
    from agentdid.verify.known_links import KnownLink

COSE: Final = (b"\xd2", b"\x84")
"""How COSE_Sign1 begins: its tag, or its array without one; no text does."""
_TEXTS: Final = (bytes, str)
_INSIDE: Final = "verifiableCredential"
_split: Final = splitter(_INSIDE)
_ABOVE: Final = 2  # levels around each credential: the presentation, and the array


@final
class Item(Value, frozen=True, eq=False):
    """One credential of the input, parsed apart or known.

    Attributes:
        text: Its JSON text as it came.
        parsed: What was parsed, where the text was not known.
        known: What is remembered of the text.
        canonical: Its RFC 8785 form; `None` for a credential that came alone, for nothing around it is signed.
    """

    text: bytes
    parsed: JsonText | None
    known: KnownLink | None
    canonical: Raw | None


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
    if known is None:
        case.text = parse(octets, case.question.trust.limits)
        case.items = (Item(octets, case.text, None, None),)
    else:
        case.items = (Item(octets, None, known, None),)


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
    trust, forms = case.question.trust, _closed_forms()
    if trust.presentation_proofs or trust.limits.max_depth < forms.LEVELS:
        return False
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
    items = _parse_items(case, texts)
    if items is None or not text.plain or not _is_around(text.value):
        return False
    text.value[_INSIDE] = [item.canonical for item in items]  # type: ignore[index]  # an object, by _is_around
    case.text, case.items = text, tuple(items)
    return True


def _parse_items(case: Case, texts: Iterable[bytes]) -> list[Item] | None:
    """Return the credentials of a presentation, or `None` where the form of one must be found in the whole."""
    items = []
    for each in texts:
        item = _parse_item(case, each)
        if item is None:
            return None
        items.append(item)
    return items


def _parse_item(case: Case, octets: bytes) -> Item | None:
    """Return a credential of a presentation, or `None` where its canonical form must be found in the whole."""
    limits = case.question.trust.limits
    known = find_known_link(case, octets)
    if known is not None and known.canonical is not None:
        return Item(octets, None, known, known.canonical)
    parsed = parse(octets, limits, above=_ABOVE)
    if not parsed.plain or type(parsed.value) is not dict:
        return None
    return Item(octets, parsed, None, Raw(canonicalize_plain(parsed.value)))


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
