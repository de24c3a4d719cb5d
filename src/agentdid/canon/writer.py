"""One pass over a JSON-LD document: its statements by its term tables, or why there are none.

The rules are those of `canon.jsonld`. What tables do not say is `Uncovered`; of a document that stands within another
the general processor then writes that one alone.

Spec: JSON-LD 1.1 Processing Algorithms and API sections 5.1, 5.3, 7 and 8.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.canon.active_context import EMPTY, ActiveContext, Field
from agentdid.canon.dataset import Dataset, Graph
from agentdid.canon.literals import (
    RDF,
    check_tag,
    language_suffix,
    write_coerced,
    write_json,
    write_native,
    write_value_object,
)
from agentdid.canon.local_context import enter_context
from agentdid.canon.nquads import escape, is_iri
from agentdid.canon.term_table import Uncovered
from agentdid.canon.terms import IRI, JSON, LITERAL, SKIP, VOCAB
from agentdid.errors import (
    AgentdidError,
    ContextNotAllowed,
    JsonRdfDivergence,
    JsonTooDeep,
    TermUndefined,
    TypeMismatch,
)
from agentdid.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.canon.contexts import ContextRules

_FIRST: Final = f"<{RDF}first>"
_REST: Final = f"<{RDF}rest>"
_NIL: Final = f"<{RDF}nil>"
_NO_LABELS: Final[Mapping[int, str]] = MappingProxyType({})


@final
class Writer:
    """Writes one document.

    Args:
        plain: JSON literals need no second walk.
        rules: What ``@context`` may be.
        given: The labels of some objects without identifiers, by `id()`.

    Attributes:
        dataset: What is written.
        places: The label of each object without an identifier, by `id()`.
    """

    __slots__ = ("dataset", "given", "places", "plain", "rules")

    def __init__(self, *, plain: bool, rules: ContextRules, given: Mapping[int, str] | None = None) -> None:
        self.given = given or _NO_LABELS
        self.plain = plain
        self.rules = rules
        self.dataset = Dataset()
        self.places: dict[int, str] = {}

    def document(self, document: dict[str, object]) -> None:
        """Write the document.

        Raises:
            Uncovered: Tables do not say all of it; and the errors of `jsonld.canonicalize`.
        """
        if type(document) is not dict:
            raise TypeMismatch("expected a JSON object")
        local = document.get("@context")
        if local is None:
            raise ContextNotAllowed("expected a context", path="/@context")
        graph = self.dataset.graphs[0]
        self.node(document, enter_context(EMPTY, local, self.rules), graph, DEFAULT.max_depth)
        if not graph.statements:
            raise JsonRdfDivergence("a document without statements")

    def node(  # noqa: C901, PLR0912  # a call more for each member is a tenth of the time
        self, node: dict[str, object], active: ActiveContext, graph: Graph, depth: int
    ) -> str:
        """Write an object's statements; return its subject."""
        if depth <= 0:
            raise JsonTooDeep("objects are nested deeper than the limit")
        types: tuple[str, ...] = ()
        if active.has_type and "type" in node:
            found = node["type"]
            typed = active.typed_contexts.get(found) if type(found) is str else active.typed_list(found)
            active, types = typed or active.typed(found)
        subject = self.subject(node, active, graph)
        add, fields = graph.add, active.fields
        for each in types:
            add(f"{subject}{each}")
        name = ""
        try:
            for name, value in node.items():
                field = fields.get(name)
                if field is None:
                    if name == "@context":
                        continue
                    field = active.field(name)
                # Most members are strings that go straight into the statement; the scans are those of `escape`.
                if type(value) is str and field.quick:
                    if field.quick == LITERAL:
                        if not value.isprintable() or '"' in value or "\\" in value:
                            value = escape(value)  # noqa: PLW2901  # as it stands in the statement
                    elif is_iri(value) is None:
                        active.check_iri(value)  # says what is wrong
                    add(f"{subject}{field.begin}{value}{field.end}")
                elif type(value) is dict and field.nests and "@value" not in value and "@context" not in value:
                    add(f"{subject}{field.link}{self.node(value, field.inner or field.enter(), graph, depth - 1)}")
                elif field.kind != SKIP:
                    self.member(f"{subject}{field.link}", field, value, graph, depth)
        except AgentdidError as error:
            if type(error) is TermUndefined and "@type" in node:
                # what the type would define is undefined for us, and defined for a processor of JSON-LD (ATTACKS F13)
                raise JsonRdfDivergence("a keyword stands where its term would", path="/@type") from None
            error.path = f"/{name.replace('~', '~0').replace('/', '~1')}{error.path}"
            raise
        return subject

    def subject(self, node: dict[str, object], active: ActiveContext, graph: Graph) -> str:
        """Return what stands for an object in statements, noting where it is described."""
        found = node.get("id") if active.has_id else None
        if found is None:
            if active.has_id and "id" in node:
                raise JsonRdfDivergence("a null, which RDF leaves out", path="/id")
            subject = self.places[id(node)] = self.given.get(id(node)) or self.dataset.fresh()
            return subject
        if type(found) is not str:
            raise TypeMismatch("expected an identifier to be a string", path="/id")
        if active.prefixes or is_iri(found) is None:
            try:
                active.check_iri(found)
            except AgentdidError as error:
                error.path = "/id"
                raise
        subject = f"<{found}>"
        if len(node) > 1:
            graph.describe(subject)
        return subject

    def member(self, begin: str, field: Field, value: object, graph: Graph, depth: int) -> None:
        """Write a member's values, each after what its statement begins with."""
        add = graph.add
        if value is None:
            raise JsonRdfDivergence("a null, which RDF leaves out")
        if field.kind == JSON:
            add(f"{begin}{write_json(value, plain=self.plain)}")
        elif field.container == "list":
            values = value if type(value) is list else [value]
            add(f"{begin}{self.ordered(field, values, graph, depth)}")
        elif field.container == "language":
            for each in self.by_language(field, value):
                add(f"{begin}{each}")
        elif type(value) is list:
            if not value:
                raise JsonRdfDivergence("an empty list, which RDF leaves out")
            for position, each in enumerate(value):
                try:
                    add(f"{begin}{self.value(field, each, graph, depth)}")
                except AgentdidError as error:
                    error.path = f"/{position}{error.path}"
                    raise
        else:
            add(f"{begin}{self.value(field, value, graph, depth)}")

    def value(self, field: Field, value: object, graph: Graph, depth: int) -> str:
        """Return one value as it stands in a statement, having written what is within it."""
        kind = type(value)
        if kind is str:
            text: str = value  # type: ignore[assignment]  # by the line above
            if field.quick == LITERAL:
                return f'"{escape(text)}{field.end}'
            if field.graph:
                raise _no_graph()
            if field.kind == IRI:
                field.enter_scalar().check_iri(text)
                return f"<{text}>"
            if field.kind == VOCAB:
                return field.enter_scalar().vocab_iri(text)
            field.enter_scalar()
            return write_coerced(text, field.datatype) if field.datatype else f'"{escape(text)}"{field.suffix}'
        if kind is dict:
            node: dict[str, object] = value  # type: ignore[assignment]  # by the line above
            if "@value" in node:
                if field.graph:
                    raise _no_graph()
                field.enter_scalar()
                return write_value_object(node, field.suffix if field.kind == LITERAL else None)
            if field.graph:
                return self.graph(field, node, depth)
            if "@context" in node:
                enter_context(EMPTY, node["@context"], self.rules)
                raise ContextNotAllowed("a context within an object that is no document of its own", path="/@context")
            return self.node(node, field.enter(), graph, depth - 1)
        if kind is int or kind is bool or kind is float:
            if field.graph:
                raise _no_graph()
            field.enter_scalar()
            return write_native(value, field.datatype)  # type: ignore[arg-type]  # by the line above
        raise JsonRdfDivergence("a null or a list within a list, which RDF leaves out")

    def graph(self, field: Field, node: dict[str, object], depth: int) -> str:
        """Write an object into a graph of its own; return the graph's name (JSON-LD 1.1 API section 5.1.2, 13.10)."""
        graph = self.dataset.open_graph(self.dataset.fresh())
        active = field.enter()
        if "@context" in node and active.is_empty():
            self.inner_document(node, graph, depth)
        else:
            if "@context" in node:
                active = enter_context(active, node["@context"], self.rules)
            self.node(node, active, graph, depth - 1)
        if not graph.statements:
            raise _no_graph()
        return graph.name

    def inner_document(self, document: dict[str, object], graph: Graph, depth: int) -> None:
        """Write a document that stands within another and shares nothing with it."""
        before = len(self.dataset.graphs)
        try:
            # from `EMPTY` itself, so that what is known of the list is found again
            self.node(document, enter_context(EMPTY, document["@context"], self.rules), graph, depth - 1)
        except Uncovered:
            from agentdid.canon.general import write_document  # noqa: PLC0415  # seldom, and heavy

            del self.dataset.graphs[before:]
            graph.clear()
            write_document(document, self.rules, self.dataset, graph)

    def ordered(self, field: Field, values: list[Any], graph: Graph, depth: int) -> str:
        """Write an RDF list; return its head."""
        if depth <= 0:
            raise JsonTooDeep("lists are nested deeper than the limit")
        if not values:
            return _NIL
        cells = [self.dataset.fresh() for _ in values]
        for cell, rest, each in zip(cells, [*cells[1:], _NIL], values, strict=True):
            if type(each) is list:
                first = self.ordered(field, each, graph, depth - 1)
            else:
                first = self.value(field, each, graph, depth)
            graph.statements += [f"{cell} {_FIRST} {first}", f"{cell} {_REST} {rest}"]
        return cells[0]

    def by_language(self, field: Field, value: object) -> list[str]:
        """Return the strings of a language map."""
        if type(value) is not dict or field.kind != LITERAL or field.datatype is not None or field.graph:
            raise Uncovered
        field.enter_scalar()
        found = []
        for tag, texts in value.items():
            if tag != "@none":
                check_tag(tag)
            suffix = language_suffix(None if tag == "@none" else tag, field.direction)
            for text in texts if type(texts) is list and texts else [texts]:
                if type(text) is not str:
                    raise JsonRdfDivergence("expected strings in a language map")
                found.append(f'"{escape(text)}"{suffix}')
        if not found:
            raise JsonRdfDivergence("an empty language map, which RDF leaves out")
        return found


def _no_graph() -> JsonRdfDivergence:
    return JsonRdfDivergence("expected an object with statements, which alone a graph can hold")
