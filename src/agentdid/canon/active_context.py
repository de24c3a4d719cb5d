"""What each member name means at one place of a document: JSON-LD active contexts, made from term tables.

An active context is never changed after it is made. What a document asks of it (a field by member name, the context
under a set of types) is worked out once and remembered, within bounds, so that documents cost a look-up a member.

Spec: JSON-LD 1.1 Processing Algorithms and API sections 4.1, 4.2 and 5.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from agentdid.canon.contexts import find_layers
from agentdid.canon.literals import RDF, check_tag, is_native, language_suffix
from agentdid.canon.nquads import is_iri
from agentdid.canon.term_table import Layers, Uncovered
from agentdid.canon.terms import IRI, JSON, LITERAL, SKIP, UNSET, VOCAB, Term, define_terms
from agentdid.errors import ContextNotAllowed, JsonRdfDivergence, TermUndefined, TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE: Final = f"<{RDF}type>"
_MAX_REMEMBERED: Final = 1024  # a stranger can invent any number of names and types


@final
class Field:
    """What one member name does in one active context, ready for the writer.

    Attributes:
        kind: One of the constants above.
        quick: `LITERAL` or `IRI` if strings need nothing but that; else 0.
        link: What stands between the subject and the object of a statement: the predicate, in spaces.
        begin, end: If `quick`, what stands between the subject and a string, and what after it.
        datatype: The IRI that strings and numbers are coerced to, or nothing.
        suffix: What follows the closing quote of a string.
        nests: Objects without keywords of their own are nodes of the same graph.
        native: Numbers and booleans have this datatype, so strings that look like them are refused.
        container: `list`, `language` or nothing.
        graph: Objects are graphs of their own.
        language, direction: Of strings without a datatype.
    """

    __slots__ = (
        "active", "begin", "container", "datatype", "direction", "end", "graph", "inner", "kind", "language", "link",
        "native", "nests", "quick", "scalar", "scope", "suffix", "term",
    )  # fmt: skip

    def __init__(self, active: ActiveContext, name: str, term: Term, predicate: str) -> None:
        self.active = active
        self.term = term
        self.link = f" <{predicate}> "
        coercion = term.type
        self.kind = {"@id": IRI, "@vocab": VOCAB, "@json": JSON}.get(coercion or "", LITERAL)
        self.datatype = coercion if coercion is not None and coercion[0] != "@" else None
        if self.datatype is not None and is_iri(self.datatype) is None:
            raise TermUndefined("no context gives this member's values an absolute IRI as datatype")
        self.native = is_native(self.datatype)
        self.graph = "@graph" in term.container
        self.container = next((each[1:] for each in term.container if each in {"@list", "@language"}), "")
        self.language = active.language if term.language == UNSET else term.language
        self.direction = active.direction if term.direction == UNSET else term.direction
        if self.language is not None:
            check_tag(self.language)
        if self.direction not in {None, "ltr", "rtl"}:
            raise ContextNotAllowed("expected ltr or rtl", path="/@direction")
        self.suffix = f"^^<{self.datatype}>" if self.datatype else language_suffix(self.language, self.direction)
        if coercion in {"@id", "@vocab", "@json"}:
            self.suffix = ""
        simple = term.scope is None and not term.container_matters()
        self.quick = 0
        if simple and ((self.kind == LITERAL and not self.native) or (self.kind == IRI and not active.prefixes)):
            self.quick = self.kind
        self.begin, self.end = (f"{self.link}<", ">") if self.kind == IRI else (f'{self.link}"', f'"{self.suffix}')
        self.nests = self.kind != JSON and not self.graph and not self.container
        # §5.1.2 steps 7 and 8: a nested object leaves type-scoped terms and enters property-scoped ones.
        outer = active.previous or active
        self.inner: ActiveContext | None = None if term.scope is not None else outer
        self.scalar: ActiveContext | None = None if term.scope is not None else active
        self.scope = name

    def enter(self) -> ActiveContext:
        """Return the active context of objects in this field."""
        if self.inner is None:
            active = self.active
            self.inner = process(active.previous or active, self.term.scope or [], override=True)
        return self.inner

    def enter_scalar(self) -> ActiveContext:
        """Return the active context of strings in this field."""
        if self.scalar is None:
            scalar = process(self.active, self.term.scope or [], override=True)
            inside = scalar.terms.get(self.scope)
            # §5.1.2 step 4 asks the inner context for the coercion. Where that is another one, others may differ.
            if inside is None or inside[:5] != self.term[:5]:
                raise Uncovered
            self.scalar = scalar
        return self.scalar


@final
class ActiveContext:
    """Member names and their terms at one place. Made by `process` only."""

    __slots__ = (
        "direction", "fields", "has_id", "has_type", "language", "preferred", "prefixes", "previous",
        "terms", "typed_contexts", "vocab", "vocab_iris",
    )  # fmt: skip

    def __init__(
        self,
        terms: dict[str, Term],
        vocab: str | None = None,
        language: str | None = None,
        direction: str | None = None,
        previous: ActiveContext | None = None,
    ) -> None:
        self.terms = terms
        self.vocab = vocab
        self.language = language
        self.direction = direction
        self.previous = previous
        self.fields: dict[str, Field] = {}
        self.typed_contexts: dict[str | tuple[str, ...], tuple[ActiveContext, tuple[str, ...]]] = {}
        self.vocab_iris: dict[str, str] = {}
        self.prefixes = frozenset(name for name, term in terms.items() if term.prefix)
        self.has_id = _means(terms, "id", "@id")
        self.has_type = _means(terms, "type", "@type")
        self.preferred: dict[tuple[str, str], str] | None = None

    def is_empty(self) -> bool:
        """Whether nothing has a meaning here."""
        return not self.terms and self.vocab is None and self.language is None and self.direction is None

    def field(self, name: str) -> Field:
        """Return what a member name does, and remember it.

        Raises:
            TermUndefined: No context defines it.
            JsonRdfDivergence: A keyword, an IRI, or a second name for what another member name says.
        """
        field = self._field(name)
        if len(self.fields) < _MAX_REMEMBERED:
            self.fields[name] = field
        return field

    def _field(self, name: str) -> Field:
        if name[:1] == "@" or ":" in name:
            raise JsonRdfDivergence("a keyword or an IRI as a member name: JSON readers do not see what it says")
        term = self.terms.get(name)
        if term is None:
            if self.vocab is None:
                raise TermUndefined("no context defines this member")
            term = Term(self.vocab + name)
        iri = term.iri
        if iri is None:
            raise TermUndefined("no context defines this member")
        if iri[0] == "@":
            if (iri, name) not in {("@id", "id"), ("@type", "type")}:
                raise JsonRdfDivergence("another name for a keyword")
            field = Field(self, name, term, iri)
            field.kind, field.quick, field.nests = SKIP, 0, False
            return field
        if is_iri(iri) is None:
            raise TermUndefined("no context gives this member an absolute IRI")
        if self.prefer(iri, term) not in {name, None}:
            raise JsonRdfDivergence("another member name says the same")
        return Field(self, name, term, iri)

    def prefer(self, iri: str, term: Term) -> str | None:
        """Return the one name that may be used of all those for the IRI, if there is a term for it.

        Protected terms come before others, then the choice of compaction: the shortest, the least (JSON-LD 1.1 API
        section 6.2). Names whose values can never be the same RDF do not compete.
        """
        if self.preferred is None:
            found: dict[tuple[str, str], str] = {}
            order = sorted(self.terms.items(), key=lambda each: (not each[1].protected, len(each[0]), each[0]))
            for name, each in order:
                if each.iri is not None:
                    found.setdefault((each.iri, _shape(each)), name)
            self.preferred = found
        return self.preferred.get((iri, _shape(term)))

    def typed_list(self, types: object) -> tuple[ActiveContext, tuple[str, ...]] | None:
        """Return what `typed` remembers of a list, if it does."""
        try:
            return self.typed_contexts.get(tuple(types))  # type: ignore[arg-type]  # what is no list raises
        except TypeError:
            return None

    def typed(self, types: object) -> tuple[ActiveContext, tuple[str, ...]]:
        """Return the context of an object of these types, and what of each type's statement follows the subject.

        Raises:
            TermUndefined: A type that no context defines.
            JsonRdfDivergence: An empty list, a repeated type, or a type under a second name.
            TypeMismatch: Not a string or a list of strings.

        Spec: JSON-LD 1.1 API section 5.1.2 step 11.
        """
        names = (types,) if isinstance(types, str) else tuple(types) if isinstance(types, list) else None
        if names is None or not all(isinstance(each, str) for each in names):
            raise TypeMismatch("expected a type or a list of types", path="/type")
        if not names or len(set(names)) != len(names):
            raise JsonRdfDivergence("no types, or a type twice", path="/type")
        scoped = self
        for name in sorted(names):
            term = self.terms.get(name)
            if term is not None and term.scope is not None:
                scoped = process(scoped, term.scope, propagate=False)
        if scoped.has_type != self.has_type:
            raise Uncovered
        try:
            found = (scoped, tuple([f" {_TYPE} {self.vocab_iri(name)}" for name in names]))
        except (TermUndefined, JsonRdfDivergence) as error:
            error.path = "/type"
            raise
        if len(self.typed_contexts) < _MAX_REMEMBERED:
            self.typed_contexts[names if isinstance(types, list) else names[0]] = found
        return found

    def vocab_iri(self, text: str) -> str:
        """Return a type, or a value coerced to ``@vocab``, as it stands in a quad.

        Raises:
            TermUndefined: It would be relative, and dropped.
            JsonRdfDivergence: It is an IRI for which there is a term, a compact IRI, or a keyword.
        """
        found = self.vocab_iris.get(text)
        if found is None:
            found = f"<{self._vocab_iri(text)}>"
            if len(self.vocab_iris) < _MAX_REMEMBERED:
                self.vocab_iris[text] = found
        return found

    def _vocab_iri(self, text: str) -> str:
        term = self.terms.get(text)
        if term is not None:
            iri = term.iri
            if iri is None or is_iri(iri) is None:
                raise TermUndefined("no context gives this term an absolute IRI")
            if self.prefer(iri, _BARE) not in {text, None}:
                raise JsonRdfDivergence("another term says the same")
            return iri
        if text[:1] == "@":
            raise JsonRdfDivergence("a keyword as a value")
        if ":" in text:
            self.check_iri(text)
            iri = text
        elif self.vocab is not None and is_iri(self.vocab + text):
            iri = self.vocab + text
        else:
            raise TermUndefined("no context defines this term")
        if self.prefer(iri, _BARE) is not None:
            raise JsonRdfDivergence("an IRI where there is a term that says the same")
        return iri

    def check_iri(self, text: str) -> None:
        """Hold that an identifier means itself: an absolute IRI that no context shortens or lengthens.

        Raises:
            TermUndefined: It is relative, and would be dropped.
            JsonRdfDivergence: It is a blank node's label, a compact IRI, or not an IRI.
        """
        if is_iri(text) is None:
            if ":" in text and (text[0] == "_" or is_iri(text.partition(":")[0] + ":")):
                raise JsonRdfDivergence("a blank node's label, or an IRI with characters that cannot stand in one")
            raise TermUndefined("expected an absolute IRI: relative ones are dropped")
        if self.prefixes:
            prefix, _, suffix = text.partition(":")
            if prefix in self.prefixes and not suffix.startswith("//"):
                raise JsonRdfDivergence("a compact IRI, which JSON readers read as it stands")


def process(
    active: ActiveContext,
    layers: Layers,
    *,
    override: bool = False,
    propagate: bool = True,
    loading: tuple[str, ...] = (),
) -> ActiveContext:
    """Return the active context after a local one.

    Args:
        active: Where the local context stands.
        layers: The local context.
        override: Protected terms may be redefined: property-scoped contexts only.
        propagate: Objects nested within go on in it; type-scoped contexts do not.
        loading: URLs that are being read, which may not be read again within.

    Raises:
        ContextNotAllowed: A protected term is redefined, or the context is not one.
        ContextLoadForbidden: It names a context that is not known.
        Uncovered: It uses what tables do not say.

    Spec: JSON-LD 1.1 API section 4.1.2.
    """
    result = active
    previous = active.previous if propagate else active.previous or active
    for layer in layers:
        if layer is None:
            if not override and any(term.protected for term in result.terms.values()):
                raise ContextNotAllowed("protected terms are not forgotten", path="/@context")
            result = ActiveContext({})
        elif isinstance(layer, str):
            if layer in loading:
                raise ContextNotAllowed("contexts that include one another", path="/@context")
            result = process(result, find_layers(layer), loading=(*loading, layer))
        else:
            result = _apply(result, layer, override=override)
    return ActiveContext(result.terms, result.vocab, result.language, result.direction, previous)


def _apply(active: ActiveContext, layer: Mapping[str, Any], *, override: bool) -> ActiveContext:
    vocab = layer.get("vocab", active.vocab)
    language = layer.get("language", active.language)
    return ActiveContext(
        define_terms(active.terms, vocab, layer, override=override),
        vocab,
        language.lower() if language else language,
        layer.get("direction", active.direction),
    )


def _means(terms: Mapping[str, Term], name: str, keyword: str) -> bool:
    term = terms.get(name)
    return term is not None and term.iri == keyword


def _shape(term: Term) -> str:
    """Return what keeps values of two terms for one IRI apart, whatever the values are."""
    if term.type == "@json":
        return "json"
    return "graph" if "@graph" in term.container else "list" if "@list" in term.container else ""


EMPTY: Final = ActiveContext({})
"""Where a document begins."""
_BARE: Final = Term("")
