"""The statements of one document as they are written: texts of three terms, by graph, and few of them taken apart.

While a document is written, a blank node stands in its statements as one control character, which no canonical IRI or
literal holds. So what is asked of blank nodes, which lines name this one and how they read with another label, is
asked of whole texts.
"""

from __future__ import annotations

from itertools import islice
from operator import eq
from typing import TYPE_CHECKING, Final, final

from agentdid.canon.rdfc import HASHES, canonical_labels
from agentdid.errors import EncodingInvalid, JsonRdfDivergence
from agentdid.limits import DEFAULT, Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.canon.nquads import Quad

_MARKS: Final = [chr(code) for code in range(1, 32) if chr(code) != "\n"]
"""What stands for the first blank nodes; those after them have a label from the start."""


@final
class Graph:
    """One graph of a dataset.

    Attributes:
        name: As it stands in a line; empty for the default graph.
        statements: Subject, predicate and object, with a space between.
        described: The subjects that have been described here.
    """

    __slots__ = ("described", "name", "statements")

    def __init__(self, name: str) -> None:
        self.name = name
        self.statements: list[str] = []
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
        """Return what stands for a new blank node."""
        number = self.labels
        self.labels += 1
        return _MARKS[number] if number < len(_MARKS) else f"_:b{number}"

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
        lines = self._lines()
        if self.labels:
            labels = self._label(lines, hash_name, budget or Budget.of(DEFAULT))
            lines = self._relabel(hash_name, budget) if labels is None else _rename(lines, labels)
        # without the point at its end: the space before it is less than whatever else may follow a term
        lines.sort()
        if any(map(eq, lines, islice(lines, 1, None))):
            raise _twice()
        return _encode(lines)

    def quads(self) -> list[Quad]:
        """Return every statement as a quad. Raises `JsonRdfDivergence` if one stands twice."""
        labels = self.names()
        found: list[Quad] = []
        for graph in self.graphs:
            name = labels.get(graph.name, graph.name)
            for text in _rename(graph.statements, labels):
                subject, predicate, value = text.split(" ", 2)
                found.append((subject, predicate, value, name))
        if len(set(found)) != len(found):
            raise _twice()
        return found

    def names(self) -> dict[str, str]:
        """Return the labels that blank nodes have in `quads`, by what stands for them."""
        return {mark: f"_:b{number}" for number, mark in enumerate(_MARKS[: self.labels])}

    def check_text(self) -> None:
        """Hold that every text is one of Unicode characters. Raises `EncodingInvalid` for a lone surrogate."""
        _encode(self._lines())

    def _lines(self) -> list[str]:
        lines = self.graphs[0].statements.copy()
        for graph in self.graphs[1:]:
            lines += [f"{text} {graph.name}" for text in graph.statements]
        return lines

    def _label(self, lines: list[str], hash_name: str, budget: Budget) -> dict[str, str] | None:
        """Return the canonical labels, where one hash each settles them (RDFC-1.0 section 4.4.3 steps 3 and 4)."""
        if self.labels == 1:
            return {_MARKS[0]: "_:c14n0"}
        if self.labels > len(_MARKS):
            return None
        marks = _MARKS[: self.labels]
        others = dict.fromkeys(marks, "_:z")
        hashed: dict[str, str] = {}
        steps = 0
        for mark in marks:
            # section 4.6: the one is called a, all others z
            mentions = [line.replace(mark, "_:a") for line in lines if mark in line]
            if not mentions:
                continue  # of a part that was taken back
            steps += len(mentions)
            found = HASHES[hash_name](_encode(sorted(_rename(mentions, others)))).hexdigest()
            if found in hashed:
                return None
            hashed[found] = mark
        budget.spend_rdfc(steps)
        return {hashed[found]: f"_:c14n{number}" for number, found in enumerate(sorted(hashed))}

    def _relabel(self, hash_name: str, budget: Budget | None) -> list[str]:
        """Return the lines with canonical labels, found by the whole algorithm."""
        quads = self.quads()
        labels = canonical_labels(quads, hash_name=hash_name, budget=budget)
        found = []
        for subject, predicate, value, graph in quads:
            terms = [labels.get(subject, subject), predicate, labels[value] if value[0] == "_" else value]
            found.append(" ".join([*terms, labels.get(graph, graph)] if graph else terms))
        return found


def _rename(lines: list[str], labels: Mapping[str, str]) -> list[str]:
    for mark, label in labels.items():
        lines = [line.replace(mark, label) if mark in line else line for line in lines]
    return lines


def _encode(lines: list[str]) -> bytes:
    """Return whole lines, UTF-8, of texts without the point at their end."""
    try:
        return " .\n".join([*lines, ""]).encode("utf-8")
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None


def _twice() -> JsonRdfDivergence:
    return JsonRdfDivergence("a value stands twice, which RDF says once")
