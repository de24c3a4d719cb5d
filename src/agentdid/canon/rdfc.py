"""RDFC-1.0: labels for blank nodes that depend on nothing but the dataset, and the lines in their order.

Most blank nodes differ in what stands around them; then one hash each settles their labels. Where they do not, the
full algorithm tries permutations, and a sender can choose a dataset that makes it try very many: every quad looked at
is paid for from the budget of the input, so poison costs bounded work.
"""

from __future__ import annotations

from hashlib import sha256, sha384
from itertools import pairwise, permutations
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.canon.nquads import Quad, write_lines
from agentdid.errors import CanonicalizationLimit
from agentdid.limits import DEFAULT, Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from hashlib import _Hash

HASHES: Final[Mapping[str, Callable[[bytes], _Hash]]] = MappingProxyType({"sha256": sha256, "sha384": sha384})
"""The hashes of RDFC-1.0 section 3."""
NO_GROUND: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})
_MAX_RECURSION: Final = 200  # blank nodes in a row that look alike; Python's own stack holds a thousand frames


def canonicalize_quads(quads: Iterable[Quad], *, hash_name: str = "sha256", budget: Budget | None = None) -> bytes:
    """Return the canonical N-Quads of a dataset, UTF-8.

    Args:
        quads: In any order, terms in canonical spelling; repeated quads count once.
        hash_name: `sha256` or `sha384`.
        budget: Pays for the work; by default that of one input under the default limits.

    Raises:
        CanonicalizationLimit: The budget is spent.

    Spec: RDFC-1.0 section 4.
    """
    found = list(dict.fromkeys(quads))
    return "".join(write_lines(relabel(found, canonical_labels(found, hash_name=hash_name, budget=budget)))).encode()


def canonical_labels(
    quads: Sequence[Quad],
    *,
    hash_name: str = "sha256",
    budget: Budget | None = None,
    ground: Mapping[str, Sequence[str]] = NO_GROUND,
) -> dict[str, str]:
    """Return the canonical label of each blank node: ``_:b7`` to ``_:c14n0``.

    Args:
        quads: Without repetitions. Those that mention no blank node may be left out.
        ground: Statements (subject, predicate and object as one text) that mention none either, and are not among the
            quads, by the blank node that names their graph.
        hash_name: `sha256` or `sha384`.
        budget: As for `canonicalize_quads`.

    Raises:
        CanonicalizationLimit: The budget is spent.

    Spec: RDFC-1.0 section 4.4.3.
    """
    return _Labelling(quads, ground, HASHES[hash_name], budget or Budget.of(DEFAULT)).label()


def relabel(quads: Iterable[Quad], labels: Mapping[str, str]) -> list[Quad]:
    """Return the quads with their blank nodes renamed; every blank node has a label."""
    return [
        (
            labels[s] if s[0] == "_" else s,
            p,
            labels[o] if o[0] == "_" else o,
            labels[g] if g[:1] == "_" else g,
        )
        for s, p, o, g in quads
    ]


@final
class _Issuer:
    """Labels in the order they are asked for (section 4.5)."""

    __slots__ = ("issued", "prefix")

    def __init__(self, prefix: str, issued: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.issued: dict[str, str] = {} if issued is None else issued

    def issue(self, node: str) -> str:
        label = self.issued.get(node)
        if label is None:
            label = self.issued[node] = f"{self.prefix}{len(self.issued)}"
        return label

    def copy(self) -> _Issuer:
        return _Issuer(self.prefix, dict(self.issued))


@final
class _Labelling:
    """The canonicalization state of section 4.4.1."""

    __slots__ = ("budget", "canonical", "first", "ground", "hash", "mentions")

    def __init__(
        self,
        quads: Sequence[Quad],
        ground: Mapping[str, Sequence[str]],
        hashed: Callable[[bytes], _Hash],
        budget: Budget,
    ) -> None:
        self.ground = ground
        self.hash = hashed
        self.budget = budget
        self.canonical = _Issuer("_:c14n")
        self.first: dict[str, str] = {}
        mentions: dict[str, list[Quad]] = {node: [] for node in ground if node[:1] == "_"}
        self.mentions = mentions
        for quad in quads:
            s, _, o, g = quad
            # each node once a quad; most terms are none
            if s[0] == "_":
                mentions.setdefault(s, []).append(quad)
            if o[0] == "_" and o != s:
                mentions.setdefault(o, []).append(quad)
            if g and g[0] == "_" and g not in (s, o):
                mentions.setdefault(g, []).append(quad)

    def label(self) -> dict[str, str]:
        """Steps 3 to 5 of section 4.4.3."""
        if len(self.mentions) == 1:
            return {node: self.canonical.issue(node) for node in self.mentions}
        by_hash: dict[str, list[str]] = {}
        for node in self.mentions:
            self.first[node] = self.hash_first_degree(node)
            by_hash.setdefault(self.first[node], []).append(node)
        shared = []
        for _, nodes in sorted(by_hash.items()):
            if len(nodes) == 1:
                self.canonical.issue(nodes[0])
            else:
                shared.append(nodes)
        for nodes in shared:
            self.label_alike(nodes)
        return self.canonical.issued

    def label_alike(self, nodes: list[str]) -> None:
        """Step 5, for the nodes of one first-degree hash."""
        paths = []
        for node in nodes:
            if node in self.canonical.issued:
                continue
            issuer = _Issuer("_:b")
            issuer.issue(node)
            paths.append(self.hash_n_degree(node, issuer, _MAX_RECURSION))
        for _, issuer in sorted(paths, key=lambda path: path[0]):
            for node in issuer.issued:
                self.canonical.issue(node)

    def hash_first_degree(self, node: str) -> str:
        """Section 4.6."""
        mentions = self.mentions[node]
        lines = [f"{text} _:a .\n" for text in self.ground.get(node, ())]
        self.budget.spend_rdfc(len(mentions) + len(lines))
        for s, p, o, g in mentions:
            if s[0] == "_":
                s = "_:a" if s == node else "_:z"  # noqa: PLW2901  # as it stands in the line
            if o[0] == "_":
                o = "_:a" if o == node else "_:z"  # noqa: PLW2901
            if not g:
                lines.append(f"{s} {p} {o} .\n")
            elif g[0] == "_":
                lines.append(f"{s} {p} {o} _:a .\n" if g == node else f"{s} {p} {o} _:z .\n")
            else:
                lines.append(f"{s} {p} {o} {g} .\n")
        lines.sort()
        return self.hash("".join(lines).encode()).hexdigest()

    def hash_related(self, related: str, quad: Quad, issuer: _Issuer, position: str) -> str:
        """Section 4.7."""
        label = self.canonical.issued.get(related) or issuer.issued.get(related) or self.first[related]
        predicate = "" if position == "g" else quad[1]
        return self.hash(f"{position}{predicate}{label}".encode()).hexdigest()

    def hash_n_degree(self, node: str, issuer: _Issuer, depth: int) -> tuple[str, _Issuer]:
        """Section 4.8."""
        if depth == 0:
            raise CanonicalizationLimit("blank nodes that look alike stand in too long a row")
        mentions = self.mentions[node]
        self.budget.spend_rdfc(len(mentions) + len(self.ground.get(node, ())))
        related_by_hash: dict[str, list[str]] = {}
        for quad in mentions:
            for position, term in (("s", quad[0]), ("o", quad[2]), ("g", quad[3])):
                if term[:1] == "_" and term != node:
                    found = self.hash_related(term, quad, issuer, position)
                    related_by_hash.setdefault(found, []).append(term)
        data = []
        for found, related in sorted(related_by_hash.items()):
            path, issuer = self.shortest_path(related, issuer, depth)
            data += [found, path]
        return self.hash("".join(data).encode()).hexdigest(), issuer

    def shortest_path(self, related: list[str], issuer: _Issuer, depth: int) -> tuple[str, _Issuer]:
        """Steps 5.4 of section 4.8: the least path through nodes that hash alike, and the labels it gave."""
        chosen, chosen_issuer = "", issuer
        for order in _orders(related):
            # the copy below is part of the work: a dictionary's entry costs a fiftieth of a quad
            self.budget.spend_rdfc(len(order) + len(issuer.issued) // 50)
            walked = self.walk(order, issuer.copy(), chosen, depth)
            if walked is not None and (not chosen or walked[0] < chosen):
                chosen, chosen_issuer = walked
        return chosen, chosen_issuer

    def walk(self, order: tuple[str, ...], issuer: _Issuer, chosen: str, depth: int) -> tuple[str, _Issuer] | None:
        """Return the path of one order, or nothing once it can no longer be the least."""
        path = ""
        to_visit = []
        for node in order:
            label = self.canonical.issued.get(node)
            if label is None:
                if node not in issuer.issued:
                    to_visit.append(node)
                label = issuer.issue(node)
            path += label
            if chosen and len(path) >= len(chosen) and path > chosen:
                return None
        for node in to_visit:
            found, inner = self.hash_n_degree(node, issuer, depth - 1)
            path += f"{issuer.issue(node)}<{found}>"
            issuer = inner
            if chosen and len(path) >= len(chosen) and path > chosen:
                return None
        return path, issuer


def _orders(nodes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield each order of the nodes once: where a node is there twice, exchanging the two is no other order.

    A graph is related to a node in it once for each statement of that node: 8 of them have 40,320 permutations, all
    alike.
    """
    if len(set(nodes)) == len(nodes):
        yield from permutations(nodes)
        return
    order = sorted(nodes)
    while True:
        yield tuple(order)
        # the next one in the order of words: the last rise is where it differs
        rises = [at for at, (one, following) in enumerate(pairwise(order)) if one < following]
        if not rises:
            return
        at = rises[-1]
        other = max(place for place in range(at + 1, len(order)) if order[place] > order[at])
        order[at], order[other] = order[other], order[at]
        order[at + 1 :] = reversed(order[at + 1 :])
