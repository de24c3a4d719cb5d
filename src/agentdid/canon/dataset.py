"""The statements of one document as they are written: texts of three terms, by graph.

Most of them are never taken apart. The one blank node that most proofs have is called as it is in the end; only where
there are more must their labels be found out.
"""

from __future__ import annotations

from itertools import islice
from operator import eq
from typing import TYPE_CHECKING, Final, final

from agentdid.canon.rdfc import canonical_labels, relabel
from agentdid.errors import EncodingInvalid, JsonRdfDivergence

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.canon.nquads import Quad
    from agentdid.limits import Budget

_END: Final = " .\n"
_CLOSED: Final = frozenset('">')
"""What an IRI and most literals end with; a blank node's label does not."""


@final
class Graph:
    """One graph of a dataset.

    Attributes:
        name: As it stands in a line; empty for the default graph.
        statements: Subject, predicate and object, with a space between.
        add: Adds one.
        described: The subjects that have been described here.
    """

    __slots__ = ("add", "described", "name", "statements")

    def __init__(self, name: str) -> None:
        self.name = name
        self.statements: list[str] = []
        self.add: Callable[[str], None] = self.statements.append
        self.described: set[str] = set()

    def describe(self, subject: str) -> None:
        """Note that a node is described here. Raises `JsonRdfDivergence` if it was already."""
        if subject in self.described:
            raise JsonRdfDivergence("a node is described in two places, which RDF does not tell apart", path="/id")
        self.described.add(subject)

    def clear(self) -> None:
        """Forget all that was written here."""
        self.statements.clear()
        self.described.clear()


@final
class Dataset:
    """The graphs of a document, the default graph first, and how many blank nodes they have."""

    __slots__ = ("graphs", "labels")

    def __init__(self) -> None:
        self.graphs = [Graph("")]
        self.labels = 0

    def fresh(self) -> str:
        """Return a new blank node's label. Of one blank node it is the canonical label already."""
        label = f"_:c14n{self.labels}"
        self.labels += 1
        return label

    def open_graph(self, name: str) -> Graph:
        """Return a new graph."""
        graph = Graph(name)
        self.graphs.append(graph)
        return graph

    def canonicalize(self, *, hash_name: str, budget: Budget | None) -> bytes:
        """Return the canonical N-Quads, UTF-8.

        Raises:
            JsonRdfDivergence: A statement stands twice.
            CanonicalizationLimit: The budget is spent.
            EncodingInvalid: A lone surrogate.

        Spec: RDFC-1.0 section 4.4.3.
        """
        lines = self._relabel(hash_name, budget) if self.labels > 1 else self._lines()
        # without the point at its end: the space before it is less than whatever else may follow a term
        lines.sort()
        if any(map(eq, lines, islice(lines, 1, None))):
            raise _twice()
        return _encode(f"{_END.join(lines)}{_END}")

    def quads(self) -> list[Quad]:
        """Return every statement as a quad. Raises `JsonRdfDivergence` if one stands twice."""
        found = [_split(text, graph.name) for graph in self.graphs for text in graph.statements]
        if len(set(found)) != len(found):
            raise _twice()
        return found

    def check_text(self) -> None:
        """Hold that every text is one of Unicode characters. Raises `EncodingInvalid` for a lone surrogate."""
        _encode("".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = self.graphs[0].statements
        for graph in self.graphs[1:]:
            lines = [*lines, *[f"{text} {graph.name}" for text in graph.statements]]
        return lines

    def _relabel(self, hash_name: str, budget: Budget | None) -> list[str]:
        """Return the statements with canonical labels; only those with a blank node in them are taken apart."""
        linked: list[Quad] = []
        ground: dict[str, list[str]] = {}
        for graph in self.graphs:
            name, texts = graph.name, ground.setdefault(graph.name, [])
            for text in graph.statements:
                if text[0] == "_" or text[-1] not in _CLOSED:
                    linked.append(_split(text, name))
                else:
                    texts.append(text)
        labels = canonical_labels(linked, hash_name=hash_name, budget=budget, ground=ground)
        lines = [f"{s} {p} {o} {g}" if g else f"{s} {p} {o}" for s, p, o, g in relabel(linked, labels)]
        for name, texts in ground.items():
            lines += [f"{text} {labels.get(name, name)}" for text in texts] if name else texts
        return lines


def _split(text: str, graph: str) -> Quad:
    subject, predicate, value = text.split(" ", 2)
    return subject, predicate, value, graph


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None


def _twice() -> JsonRdfDivergence:
    return JsonRdfDivergence("a value stands twice, which RDF says once")
