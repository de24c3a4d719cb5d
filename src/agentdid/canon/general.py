"""The general processor, for documents under contexts that term tables do not cover. Needs the extra ``rdf``.

PyLD expands, with the same contexts as the tables and no others, and compacts again; a document that does not come
back as it was said something that RDF does not say. What was expanded is then written as statements here, under the
same rules as `canon.jsonld`: nothing relative, nothing empty, nothing twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from agentdid.canon.contexts import ContextRules, find_document
from agentdid.canon.literals import RDF, check_spelling, language_suffix, write_coerced, write_json, write_native
from agentdid.canon.nquads import escape, is_iri
from agentdid.errors import AgentdidError, ContextNotAllowed, JsonRdfDivergence, JsonTooDeep, TermUndefined
from agentdid.limits import DEFAULT

if TYPE_CHECKING:
    from types import ModuleType

    from agentdid.canon.dataset import Dataset, Graph

_MAX_DEPTH: Final = 32
"""Objects within objects: PyLD's work grows with the square of it."""
_TYPE: Final = f"<{RDF}type>"
_NIL: Final = f"<{RDF}nil>"
_XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"
_VALUE: Final = frozenset({"@value", "@type", "@language", "@direction"})
_NAMES: Final = frozenset({"@value", "@language", "@direction", "@none"})


def write_document(document: dict[str, object], rules: ContextRules, dataset: Dataset, graph: Graph) -> None:
    """Write the statements of a document.

    Args:
        document: With its ``@context``; no other context stands in it.
        rules: What ``@context`` may be.
        dataset: Labels its blank nodes, and gets its graphs.
        graph: Of the dataset; its default graph is written there.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden: As `jsonld.canonicalize`.
        ImportError: The extra `rdf` is not installed.
    """
    context = document.get("@context")
    rules.check(context if isinstance(context, list) else [context])
    _check_depth(document, _MAX_DEPTH, top=True)
    check_spelling(document, DEFAULT.max_depth)
    expanded = _round_trip(document)
    _Writer(dataset).node(expanded, graph)


def _round_trip(document: dict[str, object]) -> dict[str, Any]:
    """Return the expanded document, once it is sure that compaction gives back what it was made of."""
    pyld = _import_pyld()
    dropped: list[str] = []
    options = {"documentLoader": _load, "processingMode": "json-ld-1.1", "base": ""}
    try:
        expanded = pyld.expand(document, options, on_property_dropped=dropped.append)
        again = pyld.compact(expanded, {"@context": document["@context"]}, {**options, "skipExpansion": True})
    except Exception as error:  # noqa: BLE001  # PyLD trips over malformed contexts in every way that Python has
        raise _cause(error) from None
    if dropped:
        raise TermUndefined("no context defines a member")
    if _count_iris({**document, "@context": None}) != 1 + _count_in_literals(expanded):
        raise JsonRdfDivergence("a keyword or an IRI as a member name: JSON readers do not see what it says")
    if len(expanded) != 1:
        raise JsonRdfDivergence("expected a document of one object")
    if _normal({**again, "@context": None}) != _normal({**document, "@context": None}):
        raise JsonRdfDivergence("the document is not what its statements compact to")
    found: dict[str, Any] = expanded[0]
    return found


def _import_pyld() -> ModuleType:
    try:
        from pyld import jsonld  # type: ignore[import-untyped]  # noqa: PLC0415  # an extra, and heavy
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing; install the general JSON-LD processor with: pip install 'agentdid[rdf]'"
        raise ImportError(message) from error
    return jsonld  # type: ignore[no-any-return]  # PyLD has no types


def _load(url: str, _options: object) -> dict[str, object]:
    """Answer PyLD from the contexts that are known; nothing is ever fetched."""
    return {"contextUrl": None, "documentUrl": url, "document": find_document(url)}


def _cause(error: BaseException | None) -> Exception:
    """Return what stopped PyLD: an error of ours that it wrapped, or that it found the context wanting."""
    while error is not None:
        if isinstance(error, RecursionError):
            return JsonTooDeep("contexts are nested deeper than the limit")
        if isinstance(error, AgentdidError | RuntimeError):
            return error
        error = getattr(error, "cause", None) or error.__cause__ or error.__context__
    return ContextNotAllowed("the general processor does not take the context or its use", path="/@context")


def _check_depth(value: object, depth: int, *, top: bool = False) -> None:
    if depth <= 0:
        raise JsonTooDeep("objects are nested deeper than the limit")
    if isinstance(value, dict):
        if "@context" in value and not top:
            raise ContextNotAllowed("a context within an object", path="/@context")
        for each in value.values():
            _check_depth(each, depth - 1)
    elif isinstance(value, list):
        for each in value:
            _check_depth(each, depth - 1)


def _normal(value: object) -> object:
    """Return JSON without the differences that JSON-LD documents are free in: a list of one is its element."""
    if isinstance(value, list):
        if len(value) == 1 and not isinstance(value[0], list):
            return _normal(value[0])
        return [("list", _normal(each)) if isinstance(each, list) else _normal(each) for each in value]
    if isinstance(value, dict):
        if value.keys() == {"id"}:
            return _normal(value["id"])
        return {name: _normal(each) for name, each in value.items()}
    return (type(value), value)


def _count_iris(value: object) -> int:
    """Return how many member names are keywords or IRIs, outside of value objects."""
    if isinstance(value, list):
        return sum(map(_count_iris, value))
    if not isinstance(value, dict):
        return 0
    names = [name for name in value if (name[:1] == "@" and name not in _NAMES) or ":" in name]
    return len(names) + sum(map(_count_iris, value.values()))


def _count_in_literals(value: object) -> int:
    """Return the part of them that stands in JSON literals of an expanded document, where they are only names."""
    if isinstance(value, list):
        return sum(map(_count_in_literals, value))
    if not isinstance(value, dict):
        return 0
    if value.get("@type") == "@json":
        return _count_iris(value["@value"])
    return sum(map(_count_in_literals, value.values()))


@final
class _Writer:
    """Statements of expanded JSON-LD (JSON-LD 1.1 API sections 7.2, 8.1)."""

    __slots__ = ("dataset",)

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def node(self, node: dict[str, Any], graph: Graph) -> str:
        subject = f"<{_iri(node['@id'])}>" if "@id" in node else self.dataset.fresh()
        if "@id" in node and len(node) > 1:
            graph.describe(subject)
        for name, values in node.items():
            if not values:
                raise JsonRdfDivergence("an empty value, which RDF leaves out")
            if name[0] == "@":
                self.keyword(subject, name, values, graph)
                continue
            for each in values:
                graph.statements.append(f"{subject} <{_iri(name)}> {self.value(each, graph)}")
        return subject

    def keyword(self, subject: str, name: str, values: Any, graph: Graph) -> None:  # noqa: ANN401  # expanded JSON-LD
        if name == "@type":
            for each in values:
                graph.statements.append(f"{subject} {_TYPE} <{_iri(each)}>")
        elif name == "@graph":
            inner = self.dataset.open_graph(subject)
            for each in values:
                self.within(each, inner)
        elif name == "@reverse":
            for predicate, sources in values.items():
                for each in sources:
                    graph.statements.append(f"{self.node(each, graph)} <{_iri(predicate)}> {subject}")
        elif name != "@id":
            raise JsonRdfDivergence("a keyword that RDF leaves out")

    def within(self, node: dict[str, Any], graph: Graph) -> None:
        before = len(graph.statements)
        if "@value" in node or "@list" in node:
            raise JsonRdfDivergence("a value in a graph, which RDF leaves out")
        self.node(node, graph)
        if len(graph.statements) == before:
            raise JsonRdfDivergence("expected an object with statements, which alone a graph can hold")

    def value(self, value: dict[str, Any], graph: Graph) -> str:
        if "@value" in value:
            return _literal(value)
        if "@list" in value:
            if value.keys() != {"@list"}:
                raise JsonRdfDivergence("a list with an index, which RDF leaves out")
            return self.ordered(value["@list"], graph)
        return self.node(value, graph)

    def ordered(self, values: list[Any], graph: Graph) -> str:
        if not values:
            return _NIL
        cells = [self.dataset.fresh() for _ in values]
        for cell, rest, each in zip(cells, [*cells[1:], _NIL], values, strict=True):
            graph.statements.append(f"{cell} <{RDF}first> {self.value(each, graph)}")
            graph.statements.append(f"{cell} <{RDF}rest> {rest}")
        return cells[0]


def _literal(value: dict[str, Any]) -> str:
    content, datatype = value["@value"], value.get("@type")
    if not value.keys() <= _VALUE:
        raise JsonRdfDivergence("a value with an index, which RDF leaves out")
    if content is None:
        raise JsonRdfDivergence("a null, which RDF leaves out")
    if datatype == "@json":
        return write_json(content, plain=False)
    if not isinstance(content, str):
        return write_native(content, datatype)
    if datatype is None:
        return f'"{escape(content)}"{language_suffix(value.get("@language"), value.get("@direction"))}'
    if datatype == _XSD_STRING:
        raise JsonRdfDivergence("the datatype of strings that have none")
    return write_coerced(content, _iri(datatype))


def _iri(text: str) -> str:
    if is_iri(text) is None:
        raise TermUndefined("expected an absolute IRI: others are dropped")
    return text
