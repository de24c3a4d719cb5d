"""Term definitions: what a layer of a context makes of the names that were defined before it.

Spec: JSON-LD 1.1 Processing Algorithms and API sections 4.2.2 and 5.2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from agentdid.canon.term_table import Layers, Uncovered, is_prefix
from agentdid.errors import ContextNotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping

LITERAL: Final = 1
IRI: Final = 2
VOCAB: Final = 3
JSON: Final = 4
SKIP: Final = 5
"""How a field's strings become RDF: kinds of `active_context.Field`. `SKIP` is for `id`, `type` and `@context`."""

UNSET: Final = "@unset"
"""Of a term's language or direction: those of the context hold."""


class Term(NamedTuple):
    """A term definition; `iri` is nothing if the name was taken away."""

    iri: str | None
    type: str | None = None
    container: tuple[str, ...] = ()
    language: str | None = UNSET
    direction: str | None = UNSET
    prefix: bool = False
    scope: Layers | None = None
    protected: bool = False

    def container_matters(self) -> bool:
        """Whether values are more than a set."""
        return self.container not in {(), ("@set",)}


def define_terms(
    terms: Mapping[str, Term], vocab: str | None, layer: Mapping[str, Any], *, override: bool
) -> dict[str, Term]:
    """Return the terms after a layer.

    Args:
        terms: Those before it.
        vocab: Where terms without an IRI lie, the layer's own ``vocab`` counted.
        layer: Of a term table.
        override: Protected terms may be redefined.

    Raises:
        ContextNotAllowed: A protected term is redefined, terms define one another, or one has no IRI.
        Uncovered: It uses what tables do not say.
    """
    definitions = _Definitions(terms, vocab, layer, override=override)
    for name in layer["terms"]:
        definitions.define(name)
    return definitions.terms


@final
class _Definitions:
    """One layer being applied."""

    __slots__ = ("done", "layer", "override", "terms", "vocab")

    def __init__(
        self, terms: Mapping[str, Term], vocab: str | None, layer: Mapping[str, Any], *, override: bool
    ) -> None:
        self.layer = layer
        self.override = override
        self.terms = dict(terms)
        self.vocab = vocab
        self.done: dict[str, bool] = {}

    def define(self, name: str) -> None:
        if name in self.done:
            if not self.done[name]:
                raise ContextNotAllowed("terms that are defined by one another", path="/@context")
            return
        self.done[name] = False
        before = self.terms.pop(name, None)
        term = self.term(name, self.layer["terms"][name])
        if before is not None and before.protected and not self.override:
            if term._replace(protected=True) != before:
                raise ContextNotAllowed("a protected term is redefined", path="/@context")
            term = before
        self.terms[name] = term
        self.done[name] = True

    def term(self, name: str, entry: Any) -> Term:  # noqa: ANN401  # JSON of a table
        protected = self.layer.get("protected", False)
        if entry is None:
            return Term(None, protected=protected)
        if isinstance(entry, str):
            written = self.expand(entry)
            return Term(written, prefix=written[0] != "@" and is_prefix(written), protected=protected)
        iri = self.own_iri(name, entry)
        coercion = entry.get("type")
        if coercion is not None and coercion[0] != "@":
            coercion = self.expand(coercion)
        language = entry.get("language", UNSET)
        return Term(
            iri,
            coercion,
            tuple(entry.get("container", ())),
            language.lower() if language else language,
            entry.get("direction", UNSET),
            entry.get("prefix", False),
            entry.get("scope"),
            entry.get("protected", protected),
        )

    def own_iri(self, name: str, entry: Mapping[str, Any]) -> str | None:
        if "iri" in entry:
            iri = entry["iri"]
            if iri is None or iri == name:
                return None if iri is None else self.relative(name)
            return self.expand(iri)
        return self.relative(name)

    def relative(self, name: str) -> str:
        if self.vocab is None:
            raise ContextNotAllowed("a term without an IRI", path="/@context")
        return self.vocab + name

    def expand(self, text: str) -> str:
        """Return an IRI written out: section 5.2.2, with ``vocab`` and a local context."""
        if text[0] == "@":
            return text
        if text in self.layer["terms"]:
            self.define(text)
        term = self.terms.get(text)
        if term is not None:
            if term.iri is None:
                raise Uncovered
            return term.iri
        prefix, colon, suffix = text.partition(":")
        if colon:
            if prefix == "_":
                raise Uncovered
            if suffix.startswith("//"):
                return text
            if prefix in self.layer["terms"]:
                self.define(prefix)
            begin = self.terms.get(prefix)
            return text if begin is None or begin.iri is None or not begin.prefix else begin.iri + suffix
        if self.vocab is None:
            raise ContextNotAllowed("a term with a relative IRI", path="/@context")
        return self.vocab + text
