"""JSON-LD contexts in our own form: layers of terms, compact IRIs written out, and back again.

A context is a list of layers, applied in turn. A layer is nothing (everything is forgotten), the URL of another
context, or an object:

* ``terms``: member name to entry. An entry is an IRI or keyword, nothing (the name is taken away), or an object of
  ``iri``, ``type``, ``container`` (a sorted list), ``scope`` (layers), ``protected``, ``prefix``, ``language`` and
  ``direction``.
* ``protected``, ``vocab``, ``language``, ``direction``: as the keywords of those names.

What this form does not say is `Uncovered`: ``@base``, ``@import``, ``@propagate``, ``@reverse``, ``@nest``, the
containers of index, id and type, and everything that is not a JSON-LD 1.1 context. Documents under such a context are
left to the general processor.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Layers: TypeAlias = list[Any]
"""Layers of a context, as in the module's docstring."""

_CONTAINERS: Final = frozenset({"@set", "@list", "@graph", "@language"})
_DEFINITION: Final = frozenset(
    {"@id", "@type", "@container", "@context", "@protected", "@prefix", "@language", "@direction"}
)
_KEYWORD: Final = re.compile(r"@[A-Za-z]+")
_DELIMITERS: Final = (":", "/", "?", "#", "[", "]", "@")  # RFC 3986 §2.2 gen-delims: a prefix ends with one
_ALIASABLE: Final = frozenset({"@id", "@type", "@value", "@language", "@direction", "@graph", "@included", "@none"})
_MAX_SCOPES: Final = 16  # scoped contexts within scoped contexts


class Uncovered(Exception):  # says where to go on, not that something went wrong
    """The context or document says something that only the general processor understands."""


def compile_context(document: object) -> Layers:
    """Return the layers of a context file's object, or of an inline context's ``{"@context": …}``.

    Raises:
        Uncovered: It says what the form cannot, or is not a context.
    """
    if not isinstance(document, dict) or "@context" not in document:
        raise Uncovered
    return _layers(document["@context"], _MAX_SCOPES)


def rebuild_context(layers: Layers) -> dict[str, object]:
    """Return a context file's object that means what the layers say."""
    return {"@context": [_rebuild_layer(layer) for layer in layers]}


def is_prefix(iri: str) -> bool:
    """Whether a term that is written as this IRI alone may begin compact IRIs (JSON-LD 1.1 API section 4.2.2)."""
    return iri.endswith(_DELIMITERS)


def _layers(value: object, depth: int) -> Layers:
    if depth == 0:
        raise Uncovered
    return [_layer(each, depth) for each in (value if isinstance(value, list) else [value])]


def _layer(value: object, depth: int) -> object:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise Uncovered
    layer: dict[str, object] = {}
    terms: dict[str, object] = {}
    for name, entry in value.items():
        if name[:1] == "@":
            _keyword(layer, name, entry)
        elif name == "" or ":" in name or "/" in name:
            raise Uncovered
        else:
            terms[name] = _entry(entry, value, depth)
    layer["terms"] = terms
    return layer


def _keyword(layer: dict[str, object], name: str, value: object) -> None:
    if name == "@version":
        covered = value == 1.1  # noqa: PLR2004  # the version of JSON-LD
    elif name == "@protected":
        covered = type(value) is bool
        if value is True:
            layer["protected"] = True
    elif name == "@vocab":
        covered = value is None or (isinstance(value, str) and "://" in value)
        layer["vocab"] = value
    elif name in {"@language", "@direction"}:
        covered = value is None or isinstance(value, str)
        layer[name[1:]] = value
    else:
        covered = False
    if not covered:
        raise Uncovered


def _entry(value: object, local: Mapping[str, object], depth: int) -> object:
    if value is None:
        return None
    if isinstance(value, str):
        return _iri(value, local)
    if not isinstance(value, dict) or not value.keys() <= _DEFINITION:
        raise Uncovered
    entry: dict[str, object] = {}
    if "@id" in value:
        entry["iri"] = None if value["@id"] is None else _iri(value["@id"], local)
    if "@type" in value:
        entry["type"] = _iri(value["@type"], local, types=True)
    if "@container" in value:
        found = value["@container"]
        containers = found if isinstance(found, list) else [found]
        if not all(isinstance(each, str) for each in containers) or not _CONTAINERS.issuperset(containers):
            raise Uncovered
        entry["container"] = sorted(set(containers))
    if "@context" in value:
        entry["scope"] = _layers(value["@context"], depth - 1)
    return entry | _flags(value)


def _flags(value: Mapping[str, object]) -> dict[str, object]:
    """Return the members of a definition that are taken as they are."""
    found = {name[1:]: value[name] for name in ("@protected", "@prefix", "@language", "@direction") if name in value}
    for name, each in found.items():
        if type(each) is not bool if name in {"protected", "prefix"} else not isinstance(each, str | None):
            raise Uncovered
    return found


def _iri(value: object, local: Mapping[str, object], *, types: bool = False) -> str:
    """Return a keyword as it is and a compact IRI written out, if its prefix is a term of the same layer."""
    if not isinstance(value, str) or value == "":
        raise Uncovered
    if _KEYWORD.fullmatch(value):
        if value not in ({"@id", "@vocab", "@json", "@none"} if types else _ALIASABLE):
            raise Uncovered
        return value
    for _ in range(len(local)):
        prefix, colon, suffix = value.partition(":")
        if not colon or suffix.startswith("//"):
            break
        begin = local.get(prefix)
        if not isinstance(begin, str) or not is_prefix(begin):
            break
        value = begin + suffix
    return value


def _rebuild_layer(layer: Any) -> object:  # noqa: ANN401  # JSON, read back
    if layer is None or isinstance(layer, str):
        return layer
    rebuilt: dict[str, object] = {"@version": 1.1}
    rebuilt |= {f"@{name}": layer[name] for name in ("protected", "vocab", "language", "direction") if name in layer}
    rebuilt |= {name: _rebuild_entry(entry) for name, entry in layer["terms"].items()}
    return rebuilt


def _rebuild_entry(entry: Any) -> object:  # noqa: ANN401  # JSON, read back
    if entry is None or isinstance(entry, str):
        return entry
    rebuilt = {f"@{'id' if name == 'iri' else name}": value for name, value in entry.items() if name != "scope"}
    if "scope" in entry:
        rebuilt["@context"] = [_rebuild_layer(layer) for layer in entry["scope"]]
    return rebuilt
