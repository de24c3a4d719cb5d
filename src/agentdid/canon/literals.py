"""JSON scalars as RDF literals, one JSON spelling for each literal.

What is refused here is JSON that another JSON value could replace unseen: ``5`` and ``"5"`` under ``xsd:integer``,
``100`` and ``100.0``, ``"en"`` and ``"EN"``.

Spec: JSON-LD 1.1 Processing Algorithms and API sections 8.2.2 and 8.6; JSON-LD 1.1 section 10.2.
"""

from __future__ import annotations

import re
from typing import Final

from agentdid.canon import jcs
from agentdid.canon.nquads import escape, escape_json
from agentdid.errors import JsonRdfDivergence, JsonTooDeep
from agentdid.limits import DEFAULT

XSD: Final = "http://www.w3.org/2001/XMLSchema#"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_I18N: Final = "https://www.w3.org/ns/i18n#"
_DOUBLE: Final = f"{XSD}double"
_JSON: Final = f"^^<{RDF}JSON>"
_NATIVE: Final = re.compile(
    r"https?://www\.w3\.org/2001/XMLSchema#(boolean|double|float|(unsigned)?(Long|Int|Short|Byte)"
    r"|long|int|short|byte|integer|(positive|negative|nonPositive|nonNegative)Integer)"
)
_LANGUAGE: Final = re.compile(r"[a-z]{1,8}(-[a-z0-9]{1,8})*")  # BCP 47 by its outline, N-Quads LANGTAG
_VALUE_OBJECT: Final = frozenset({"@value", "@language", "@direction"})
_FIXED_POINT: Final = 1e21  # RFC 8785 writes smaller whole numbers without a point; JSON-LD calls them integers


def is_native(datatype: str | None) -> bool:
    """Whether the JSON of a datatype is a number or a boolean. A decimal is not: as a number it would lose digits."""
    return datatype is not None and _NATIVE.fullmatch(datatype) is not None


def write_native(value: float, datatype: str | None) -> str:
    """Return a number or a boolean, coerced to a datatype or not.

    Raises:
        JsonRdfDivergence: The datatype is one of strings, or the number would lose digits or is not spelled as RFC
            8785 has it.
    """
    if datatype is not None and not is_native(datatype):
        raise JsonRdfDivergence("a number or boolean that RDF does not tell from a string")
    if isinstance(value, bool):
        text, own = ("true" if value else "false"), f"{XSD}boolean"
    elif isinstance(value, int) and datatype != _DOUBLE:
        text, own = str(value), f"{XSD}integer"
    else:
        if isinstance(value, float):
            _check_float(value)
        text, own = _double(float(value)), _DOUBLE
        if float(text) != value:
            raise JsonRdfDivergence("a number that xsd:double writes with fewer digits")
    return f'"{text}"^^<{datatype or own}>'


def write_coerced(text: str, datatype: str) -> str:
    """Return a string coerced to a datatype.

    Raises:
        JsonRdfDivergence: A number or a boolean would be the same literal.
    """
    if is_native(datatype) and _looks_native(text, datatype):
        raise JsonRdfDivergence("a string that RDF does not tell from a number or a boolean")
    return f'"{escape(text)}"^^<{datatype}>'


def language_suffix(language: str | None, direction: str | None) -> str:
    """Return what follows the quote of a string with a language, a direction, both or neither.

    Deviation D30: a direction is signed as a datatype of the i18n namespace (``rdfDirection`` "i18n-datatype"), as
    the field's implementations do; without it RDF would drop the direction.
    """
    if direction is not None:
        return f"^^<{_I18N}{language or ''}_{direction}>"
    return f"@{language}" if language else ""


def write_value_object(value: dict[str, object], default: str | None) -> str:
    """Return a string with a language, a direction or both.

    Args:
        value: The object that holds ``@value``.
        default: The suffix that a string alone would have in its place, or nothing where it would be no literal.

    Raises:
        JsonRdfDivergence: Another member, or it says no more than the string alone.
    """
    text, language, direction = value["@value"], value.get("@language"), value.get("@direction")
    if not value.keys() <= _VALUE_OBJECT or type(text) is not str:
        raise JsonRdfDivergence("expected @value with a string, @language and @direction, and nothing else")
    if "@language" in value:
        check_tag(language)
    if "@direction" in value and direction not in ("ltr", "rtl"):  # it may be any JSON
        raise JsonRdfDivergence("expected ltr or rtl", path="/@direction")
    suffix = language_suffix(language, direction)  # type: ignore[arg-type]  # strings or nothing, by the checks above
    if suffix in {"", default}:
        raise JsonRdfDivergence("a value object that says what the string alone says")
    return f'"{escape(text)}"{suffix}'


def check_tag(language: object) -> None:
    """Hold that a language tag is spelled as RDF compares it. Raises `JsonRdfDivergence`."""
    if type(language) is not str or _LANGUAGE.fullmatch(language) is None:
        raise JsonRdfDivergence("expected a language tag in lower case, as RDF compares them", path="/@language")


def write_json(value: object, *, plain: bool) -> str:
    """Return a JSON literal: the RFC 8785 bytes of any JSON value.

    Args:
        value: Plain Python values.
        plain: Sorted `orjson` output is RFC 8785 for it (`strict_json.JsonText.plain`).

    Raises:
        JsonRdfDivergence: A number has another spelling than RFC 8785 gives it.
    """
    if plain:
        raw = jcs.canonicalize_plain(value)
    else:
        check_spelling(value, DEFAULT.max_depth)
        raw = jcs.canonicalize(value)
    return f'"{escape_json(raw.decode())}"{_JSON}'


def check_spelling(value: object, depth: int) -> None:
    """Hold that no number within a value has another spelling than RFC 8785 gives it. Raises `JsonRdfDivergence`."""
    if depth <= 0:
        raise JsonTooDeep("arrays and objects are nested deeper than the limit")
    if isinstance(value, float):
        _check_float(value)
    elif isinstance(value, dict):
        for each in value.values():
            check_spelling(each, depth - 1)
    elif isinstance(value, list):
        for each in value:
            check_spelling(each, depth - 1)


def _check_float(value: float) -> None:
    if value.is_integer() and abs(value) < _FIXED_POINT:
        raise JsonRdfDivergence("a whole number is written without a point or an exponent")


def _double(value: float) -> str:
    """Return the canonical form of an xsd:double, with at most 16 digits."""
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}E{int(exponent)}"


def _looks_native(text: str, datatype: str) -> bool:
    """Whether some number or boolean is written as this text under the datatype."""
    if text in {"true", "false"}:
        return True
    try:
        number = float(text)
    except ValueError:
        return False
    if datatype != _DOUBLE and re.fullmatch(r"0|-?[1-9][0-9]{0,15}", text):
        return True
    return number == number and abs(number) != float("inf") and text == _double(number)  # noqa: PLR0124  # not a NaN
