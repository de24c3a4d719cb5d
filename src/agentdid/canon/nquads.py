"""N-Quads in their canonical form: terms as text, one spelling each.

A term is the text that stands in the line: ``<iri>``, ``_:label``, ``"text"``, ``"text"@tag``, ``"text"^^<iri>``. A
quad of such texts is written by putting spaces between them, and two terms are equal if their texts are.

Spec: RDFC-1.0 section A, "A Canonical form of N-Quads".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from agentdid.errors import EncodingInvalid, TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Iterable

Quad: TypeAlias = tuple[str, str, str, str]
"""Subject, predicate, object, graph; the graph is empty in the default graph."""

# RFC 3987 absolute IRIs by their character set, as N-Quads can write them without escapes.
is_iri: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`\x7f-\x9f\ufffe\uffff\ud800-\udfff]*"
).fullmatch
# ECHAR for these, UCHAR for the other controls and for what XML 1.1 does not call a character; the rest as it is.
_SHORT: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_ESCAPED: Final = re.compile('[\x00-\x1f"\\\\\x7f\ufffe\uffff]')
_UNESCAPES: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([tbnrf\"'\\]))")
_NUMBERED: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))()")
_PLAIN: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_SUBJECT: Final = r"(<[^>]*>|_:[^\s<>\"]+)"
_LITERAL: Final = r"\"((?:[^\"\\\n\r]|\\.)*)\"(?:(@[A-Za-z]+(?:-[A-Za-z0-9]+)*)|\^\^(<[^>]*>))?"
_LINE: Final = re.compile(rf"\s*{_SUBJECT}\s*(<[^>]*>)\s*(?:{_SUBJECT}|{_LITERAL})\s*(?:{_SUBJECT}\s*)?\.\s*(?:#.*)?")
_XSD_STRING: Final = "<http://www.w3.org/2001/XMLSchema#string>"


def escape(text: str) -> str:
    """Return what stands between the quotes of a literal."""
    # Three scans in C before the expression: most texts hold none of it. `isprintable` is false for every character
    # that must be escaped but the quote and the backslash, and for some others.
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return _ESCAPED.sub(_escaped, text)


def escape_json(text: str) -> str:
    """Return what `escape` does of JSON text, in which control characters cannot stand unescaped."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    if text.isascii() and "\x7f" not in text:
        return text
    return text.replace("\x7f", "\\u007F").replace("\ufffe", "\\uFFFE").replace("\uffff", "\\uFFFF")


def write_lines(quads: Iterable[Quad]) -> list[str]:
    """Return a line a quad, sorted by code point, repeated quads once."""
    return sorted({f"{s} {p} {o} {g} .\n" if g else f"{s} {p} {o} .\n" for s, p, o, g in quads})


def parse(text: str) -> list[Quad]:
    """Return the quads of an N-Quads document, every term in its canonical spelling.

    Raises:
        TypeMismatch: A line is not a quad.
        EncodingInvalid: An escape names no character.
    """
    quads = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise TypeMismatch(f"line {number} is not a quad")
        subject, predicate, node, value, tag, datatype, graph = found.groups()
        quads.append((_iri(subject), _iri(predicate), _object(node, value, tag, datatype), _iri(graph or "")))
    return quads


def _object(node: str | None, value: str, tag: str | None, datatype: str | None) -> str:
    if node is not None:
        return _iri(node)
    ending = tag or ("" if datatype is None or datatype == _XSD_STRING else f"^^{_iri(datatype)}")
    return f'"{escape(_UNESCAPES.sub(_unescaped, value))}"{ending}'


def _iri(term: str) -> str:
    if not term.startswith("<"):
        return term
    text = term[1:-1]
    if "\\" in text:
        # N-Quads 1.1 section 4, IRIREF: characters by their numbers, and no other escapes
        text = _NUMBERED.sub(_unescaped, text)
    if is_iri(text) is None:
        raise TypeMismatch("expected an absolute IRI between < and >")
    return f"<{text}>"


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return _SHORT.get(character) or f"\\u{ord(character):04X}"


def _unescaped(found: re.Match[str]) -> str:
    short, long, name = found.groups()
    try:
        return _PLAIN[name] if name else chr(int(short or long, 16))
    except (ValueError, OverflowError):
        raise EncodingInvalid("an escape names no character") from None
