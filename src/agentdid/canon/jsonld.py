"""JSON-LD documents to canonical N-Quads, directly from term tables, where JSON and RDF say the same.

A signature over RDF protects the statements, and a verifier reads JSON. So a document is taken only if no other JSON
that an attacker could write in its place makes the same statements:

* Every member is a term of the contexts at hand, and of several names for one property only the preferred one is
  taken. Full IRIs, compact IRIs, keywords and second names for keywords are not member names. Types and values
  coerced to ``@vocab`` alike.
* Identifiers and coerced IRIs are absolute, without blank node labels.
* No null, no empty list (but a container ``@list``), no list in a list, no value twice, no node described in two
  places of one graph, nothing but a node with statements where a graph is expected.
* A string that is not coerced is a string, a number a number. Strings that look like numbers are refused where the
  datatype is one of numbers, numbers where it is not; so are numbers not in their RFC 8785 spelling and numbers that
  ``xsd:double`` would round.
* Value objects hold ``@value`` and a lower-case ``@language``, ``@direction`` or both, and not what is the default.
* ``@context`` stands at the top and in objects that are graphs of their own, and holds what `ContextRules` allow.

Three differences are left, because JSON-LD documents are written so: a list of one value is the value; an object of
``id`` alone is its identifier, where one is expected; the order of a list that is not a ``@list`` is not signed.

What tables do not say (`term_table.Uncovered`) goes to the general processor, with the same outcome for the same
document (`canon.general`, extra ``rdf``).

Deviation D31: JSON-LD allows more.

Spec: JSON-LD 1.1 Processing Algorithms and API sections 5.1, 5.3, 7 and 8; RDFC-1.0; Data Integrity sections 4.6
"Validating Contexts" and 5.4 "Securing Data Losslessly".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.canon.active_context import (
    EMPTY,
    IRI,
    JSON,
    LITERAL,
    SKIP,
    VOCAB,
    ActiveContext,
    Field,
    is_iri,
    process,
)
from agentdid.canon.contexts import STRICT, ContextRules
from agentdid.canon.literals import (
    RDF,
    check_tag,
    language_suffix,
    write_coerced,
    write_json,
    write_native,
    write_value_object,
)
from agentdid.canon.nquads import Quad, escape, write_lines
from agentdid.canon.rdfc import canonical_labels, relabel
from agentdid.canon.term_table import Uncovered, compile_context
from agentdid.errors import (
    AgentdidError,
    ContextNotAllowed,
    EncodingInvalid,
    JsonRdfDivergence,
    JsonTooDeep,
    TermUndefined,
    TypeMismatch,
)
from agentdid.limits import DEFAULT, Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TYPE: Final = f"<{RDF}type>"
_FIRST: Final = f"<{RDF}first>"
_REST: Final = f"<{RDF}rest>"
_NIL: Final = f"<{RDF}nil>"
_MAX_ROOTS: Final = 256
_NO_LABELS: Final[Mapping[int, str]] = MappingProxyType({})


def canonicalize(
    document: dict[str, object],
    *,
    hash_name: str = "sha256",
    budget: Budget | None = None,
    plain: bool = False,
    rules: ContextRules = STRICT,
) -> bytes:
    """Return the canonical N-Quads of a JSON-LD document, UTF-8: what an RDF cryptosuite hashes.

    Args:
        document: As the strict parser gave it, with its ``@context``.
        hash_name: RDFC-1.0's own hash, `sha256` or `sha384`.
        budget: Pays for labelling blank nodes; by default that of one input under the default limits.
        plain: What `strict_json.parse` found of the text this comes from: JSON literals need no second walk.
        rules: What ``@context`` may be.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden: See the module.
        CanonicalizationLimit: Poison.
        JsonTooDeep, TypeMismatch, EncodingInvalid: It is not such a document.
        ImportError: It needs the general processor, and the extra `rdf` is not installed.
    """
    quads, labels = _quads(document, plain=plain, rules=rules)
    lines = _lines(quads)
    if labels > 1:
        lines = write_lines(relabel(quads, canonical_labels(quads, hash_name=hash_name, budget=budget)))
    return _encode("".join(lines))


def to_quads(document: dict[str, object], *, plain: bool = False, rules: ContextRules = STRICT) -> list[Quad]:
    """Return the statements of a document, blank nodes labelled in the order of their places.

    Raises:
        As `canonicalize`, but for the budget.
    """
    quads, _ = _quads(document, plain=plain, rules=rules)
    _encode("".join(_lines(quads)))
    return quads


def locate_nodes(
    document: dict[str, object], *, rules: ContextRules = STRICT, given: Mapping[int, str] | None = None
) -> tuple[list[Quad], dict[int, str]]:
    """Return a document's statements, and the label of each object without an identifier, by the object's `id()`.

    Args:
        document: As for `canonicalize`.
        rules: As for `canonicalize`.
        given: The labels to use, by `id()`: of a part of a document, those of the whole.

    Raises:
        As `to_quads`; and `JsonRdfDivergence` of a document that only the general processor reads, and where labels
            are given, of lists and graphs, whose blank nodes no object of the document stands for.
    """
    writer = _Writer(plain=False, rules=rules, given=given)
    try:
        writer.document(document)
    except Uncovered:
        raise JsonRdfDivergence("the places of blank nodes are known under term tables only") from None
    if given is not None and writer.labels:
        raise JsonRdfDivergence("of lists and of graphs nothing is selected: no object stands for their blank nodes")
    if len(set(writer.quads)) != len(writer.quads):
        raise JsonRdfDivergence("a value stands twice, which RDF says once")
    return writer.quads, writer.places


def _quads(document: dict[str, object], *, plain: bool, rules: ContextRules) -> tuple[list[Quad], int]:
    writer = _Writer(plain=plain, rules=rules)
    try:
        writer.document(document)
    except Uncovered:
        return _expand(document, rules, 0)
    return writer.quads, writer.labels


def _expand(document: dict[str, object], rules: ContextRules, first_label: int) -> tuple[list[Quad], int]:
    from agentdid.canon.general import expand_to_quads  # noqa: PLC0415  # seldom, and heavy

    return expand_to_quads(document, rules, first_label)


def _lines(quads: list[Quad]) -> list[str]:
    lines = write_lines(quads)
    if len(lines) != len(quads):
        raise JsonRdfDivergence("a value stands twice, which RDF says once")
    return lines


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None


def enter_context(active: ActiveContext, local: object, rules: ContextRules) -> ActiveContext:
    """Return the active context after a document's ``@context``.

    Raises:
        ContextNotAllowed, ContextLoadForbidden, TypeMismatch: The rules do not let it through.
        Uncovered: Tables do not say it.
    """
    contexts: list[Any] = local if isinstance(local, list) else [local]
    key = tuple(contexts) if active is EMPTY else ()
    try:
        found: ActiveContext | None = rules.roots.get(key)
    except TypeError:
        found, key = None, ()  # an inline context
    if found is None:
        rules.check(contexts)
        found = active
        for each in contexts:
            found = process(found, [each] if isinstance(each, str) else compile_context(_document(each)))
        if key and len(rules.roots) < _MAX_ROOTS:
            rules.roots[key] = found
    return found


def _document(inline: dict[str, object]) -> dict[str, object]:
    """Return an inline context as a context file has it; W3C suites write such a file's object inline, whole."""
    return inline if inline.keys() == {"@context"} else {"@context": inline}


@final
class _Writer:
    """One pass over one document."""

    __slots__ = ("add", "described", "given", "labels", "places", "plain", "quads", "rules")

    def __init__(self, *, plain: bool, rules: ContextRules, given: Mapping[int, str] | None = None) -> None:
        self.given = given or _NO_LABELS
        self.plain = plain
        self.rules = rules
        self.quads: list[Quad] = []
        self.add: Callable[[Quad], None] = self.quads.append
        self.labels = 0
        self.described: set[tuple[str, str]] = set()
        self.places: dict[int, str] = {}

    def document(self, document: dict[str, object]) -> None:
        if type(document) is not dict:
            raise TypeMismatch("expected a JSON object")
        local = document.get("@context")
        if local is None:
            raise ContextNotAllowed("expected a context", path="/@context")
        self.node(document, enter_context(EMPTY, local, self.rules), "", DEFAULT.max_depth)
        if not self.quads:
            raise JsonRdfDivergence("a document without statements")

    def fresh(self) -> str:
        # Of one blank node this is the canonical label already, and most proofs have one.
        label = f"_:c14n{self.labels}"
        self.labels += 1
        return label

    def node(  # noqa: PLR0912  # a call more for each member is a tenth of the time
        self, node: dict[str, object], active: ActiveContext, graph: str, depth: int
    ) -> str:
        """Write an object's statements; return its subject."""
        if depth <= 0:
            raise JsonTooDeep("objects are nested deeper than the limit")
        add = self.add
        types: tuple[str, ...] = ()
        if active.has_type and "type" in node:
            found = node["type"]
            typed = active.typed_contexts.get(found) if type(found) is str else active.typed_list(found)
            active, types = typed or active.typed(found)
        subject = self.subject(node, active, graph)
        for each in types:
            add((subject, _TYPE, each, graph))
        fields = active.fields
        name = ""
        try:
            for name, value in node.items():
                field = fields.get(name)
                if field is None:
                    if name == "@context":
                        continue
                    field = active.field(name)
                # Most members are strings that go straight into the quad; the scans are those of `escape`.
                if type(value) is str and field.quick:
                    if field.quick == LITERAL:
                        if not value.isprintable() or '"' in value or "\\" in value:
                            value = escape(value)  # noqa: PLW2901  # as it stands in the quad
                        add((subject, field.predicate, f'"{value}"{field.suffix}', graph))
                    else:
                        if is_iri(value) is None:
                            active.check_iri(value)  # says what is wrong
                        add((subject, field.predicate, f"<{value}>", graph))
                elif field.kind != SKIP:
                    self.member(subject, field, value, graph, depth)
        except AgentdidError as error:
            if type(error) is TermUndefined and "@type" in node:
                # what the type would define is undefined for us, and defined for a processor of JSON-LD (ATTACKS F13)
                raise JsonRdfDivergence("a keyword stands where its term would", path="/@type") from None
            error.path = f"/{name.replace('~', '~0').replace('/', '~1')}{error.path}"
            raise
        return subject

    def subject(self, node: dict[str, object], active: ActiveContext, graph: str) -> str:
        found = node.get("id") if active.has_id else None
        if found is None:
            if active.has_id and "id" in node:
                raise JsonRdfDivergence("a null, which RDF leaves out", path="/id")
            subject = self.places[id(node)] = self.given.get(id(node)) or self.fresh()
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
            place = (graph, subject)
            if place in self.described:
                raise JsonRdfDivergence("a node is described in two places, which RDF does not tell apart", path="/id")
            self.described.add(place)
        return subject

    def member(self, subject: str, field: Field, value: object, graph: str, depth: int) -> None:
        """Write a member's values, if it is not one uncoerced string."""
        if value is None:
            raise JsonRdfDivergence("a null, which RDF leaves out")
        if field.kind == JSON:
            self.add((subject, field.predicate, write_json(value, plain=self.plain), graph))
        elif field.container == "list":
            values = value if type(value) is list else [value]
            self.add((subject, field.predicate, self.ordered(field, values, graph, depth), graph))
        elif field.container == "language":
            for each in self.by_language(field, value):
                self.add((subject, field.predicate, each, graph))
        elif type(value) is list:
            if not value:
                raise JsonRdfDivergence("an empty list, which RDF leaves out")
            for position, each in enumerate(value):
                try:
                    self.add((subject, field.predicate, self.value(field, each, graph, depth), graph))
                except AgentdidError as error:
                    error.path = f"/{position}{error.path}"
                    raise
        else:
            self.add((subject, field.predicate, self.value(field, value, graph, depth), graph))

    def value(self, field: Field, value: object, graph: str, depth: int) -> str:
        """Return one value as it stands in a quad, having written what is within it."""
        kind = type(value)
        if kind is str:
            text: str = value  # type: ignore[assignment]  # by the line above
            if field.graph:
                self.refuse_in_graph()
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
                    self.refuse_in_graph()
                field.enter_scalar()
                return write_value_object(node, field.suffix if field.kind == LITERAL else None)
            return self.graph(field, node, depth) if field.graph else self.nested(field, node, graph, depth)
        if kind is int or kind is bool or kind is float:
            if field.graph:
                self.refuse_in_graph()
            field.enter_scalar()
            return write_native(value, field.datatype)  # type: ignore[arg-type]  # by the line above
        raise JsonRdfDivergence("a null or a list within a list, which RDF leaves out")

    def nested(self, field: Field, node: dict[str, object], graph: str, depth: int) -> str:
        if "@context" in node:
            enter_context(EMPTY, node["@context"], self.rules)
            raise ContextNotAllowed("a context within an object that is no document of its own", path="/@context")
        return self.node(node, field.enter(), graph, depth - 1)

    def graph(self, field: Field, node: dict[str, object], depth: int) -> str:
        """Write an object into a graph of its own; return the graph's name (JSON-LD 1.1 API section 5.1.2, 13.10)."""
        name = self.fresh()
        active = field.enter()
        before = len(self.quads)
        if "@context" in node and active.is_empty():
            self.inner_document(node, name, depth)
        else:
            if "@context" in node:
                active = enter_context(active, node["@context"], self.rules)
            self.node(node, active, name, depth - 1)
        if len(self.quads) == before:
            self.refuse_in_graph()
        return name

    def inner_document(self, document: dict[str, object], name: str, depth: int) -> None:
        """Write a document that stands within another and shares nothing with it."""
        before = len(self.quads)
        try:
            # from `EMPTY` itself, so that what is known of the list is found again
            self.node(document, enter_context(EMPTY, document["@context"], self.rules), name, depth - 1)
        except Uncovered:
            del self.quads[before:]
            quads, labels = _expand(document, self.rules, self.labels)
            self.quads += [(s, p, o, g or name) for s, p, o, g in quads]
            self.labels += labels

    def refuse_in_graph(self) -> None:
        raise JsonRdfDivergence("expected an object with statements, which alone a graph can hold")

    def ordered(self, field: Field, values: list[Any], graph: str, depth: int) -> str:
        """Write an RDF list; return its head."""
        if depth <= 0:
            raise JsonTooDeep("lists are nested deeper than the limit")
        if not values:
            return _NIL
        cells = [self.fresh() for _ in values]
        for cell, rest, each in zip(cells, [*cells[1:], _NIL], values, strict=True):
            if type(each) is list:
                first = self.ordered(field, each, graph, depth - 1)
            else:
                first = self.value(field, each, graph, depth)
            self.add((cell, _FIRST, first, graph))
            self.add((cell, _REST, rest, graph))
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
