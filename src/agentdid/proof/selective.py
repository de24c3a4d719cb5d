"""Statements by JSON Pointer: what the selective cryptosuites sign one by one, hide and reveal.

A holder reveals parts of a JSON document, and the issuer has signed statements. In between stand labels: a blank node
of a part must keep the label it had in the whole. So objects without an identifier get one for the time of a
selection (they are skolemized, `urn:bnid:…`), and statements about it become statements about a blank node again.

`Grouping` is the one result: the canonical statements in order, and for each group of pointers which of them its part
of the document makes. Labels are replaced by a function of the canonical ones, so that they tell nothing of what is
hidden; the suites differ in that function.

Spec: vc-di-ecdsa sections 3.4 and 3.5; vc-di-bbs section 3.3.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from agentdid.canon.contexts import STRICT, ContextRules
from agentdid.canon.jsonld import locate_nodes, to_quads
from agentdid.canon.nquads import Quad, write_lines
from agentdid.canon.rdfc import canonical_labels, relabel
from agentdid.codec.base import encode_base64url
from agentdid.errors import JsonRdfDivergence, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentdid.limits import Budget

Relabelling: TypeAlias = "Callable[[Mapping[str, str]], Mapping[str, str]]"
"""From a map of blank nodes to canonical labels (`_:c14n0`) to one of the same blank nodes to other labels."""

_SKOLEM: Final = "urn:bnid:"
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")  # RFC 6901 §4


@final
class Group(Value, frozen=True, eq=False):
    """What one list of pointers selects.

    Attributes:
        matching: The canonical statements that the selection makes, by their position among all.
        rest: The others.
        quads: The selection's statements, blank nodes labelled as in the whole document before labels were replaced.
    """

    matching: dict[int, str]
    rest: dict[int, str]
    quads: list[Quad]


@final
class Grouping(Value, frozen=True, eq=False):
    """A document's canonical statements, and which of them each group of pointers selects.

    Attributes:
        lines: All statements, labels replaced, in order.
        labels: What each blank node of `Group.quads` is called in `lines`.
        groups: By the names that were given.
    """

    lines: list[str]
    labels: Mapping[str, str]
    groups: dict[str, Group]


def canonicalize_and_group(
    document: dict[str, object],
    relabelling: Relabelling,
    groups: Mapping[str, Sequence[str]],
    *,
    rules: ContextRules = STRICT,
    budget: Budget | None = None,
) -> Grouping:
    """Return the statements of a document and which of them each group of JSON Pointers selects.

    Args:
        document: Without `proof`.
        relabelling: Such as `hmac_labels(key)`.
        groups: Pointers by the name of their group.
        rules: What ``@context`` may be.
        budget: Pays for canonical labels.

    Raises:
        TypeMismatch: A pointer selects nothing.
        JsonRdfDivergence, TermUndefined, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: As
            `canon.jsonld.canonicalize`; and where a list or a graph would be selected from.

    Spec: vc-di-ecdsa section 3.4.17.
    """
    quads, places = locate_nodes(document, rules=rules)
    labels = relabelling(canonical_labels(quads, budget=budget))
    lines = write_lines(relabel(quads, labels))
    whole = _skolemize(document, places)
    found = {}
    for name, pointers in groups.items():
        part = select(whole, pointers)
        selected = [] if part is None else _deskolemize(to_quads(part, rules=rules))
        mentioned = set(write_lines(relabel(selected, labels)))
        found[name] = Group(
            matching={position: line for position, line in enumerate(lines) if line in mentioned},
            rest={position: line for position, line in enumerate(lines) if line not in mentioned},
            quads=selected,
        )
    return Grouping(lines, labels, found)


def canonicalize_with_labels(
    document: dict[str, object],
    relabelling: Relabelling,
    *,
    rules: ContextRules = STRICT,
    budget: Budget | None = None,
) -> tuple[list[str], Mapping[str, str]]:
    """Return a document's statements in order, labels replaced, and the labels.

    Raises:
        As `canonicalize_and_group`.

    Spec: vc-di-ecdsa section 3.4.2.
    """
    quads = to_quads(document, rules=rules)
    labels = relabelling(canonical_labels(quads, budget=budget))
    return write_lines(relabel(quads, labels)), labels


def hmac_labels(key: bytes) -> Relabelling:
    """Return the relabelling of ecdsa-sd-2023: the HMAC-SHA-256 of a canonical label, in multibase.

    Spec: vc-di-ecdsa section 3.4.4.
    """

    def relabelling(canonical: Mapping[str, str]) -> Mapping[str, str]:
        return {node: f"_:{_hmac(key, label)}" for node, label in canonical.items()}

    return relabelling


def shuffled_labels(key: bytes) -> Relabelling:
    """Return the relabelling of bbs-2023: `_:b0`, `_:b1`, … in the order of the HMACs of the canonical labels.

    Spec: vc-di-bbs section 3.3.1.
    """

    def relabelling(canonical: Mapping[str, str]) -> Mapping[str, str]:
        order = sorted(canonical, key=lambda node: _hmac(key, canonical[node]))
        return {node: f"_:b{position}" for position, node in enumerate(order)}

    return relabelling


def given_labels(labels: Mapping[str, str]) -> Relabelling:
    """Return the relabelling that a derived proof carries: canonical label to replaced label, both without `_:`.

    The function it returns raises `TypeMismatch` of a label that the proof does not name.
    """

    def relabelling(canonical: Mapping[str, str]) -> Mapping[str, str]:
        try:
            return {node: f"_:{labels[label.removeprefix('_:')]}" for node, label in canonical.items()}
        except KeyError:
            raise TypeMismatch("the proof names no label for a blank node", path="/proof/proofValue") from None

    return relabelling


def select(document: dict[str, object], pointers: Sequence[str]) -> dict[str, object] | None:
    """Return the part of a document that JSON Pointers select, with identifiers and types on the way to it.

    Args:
        document: Left unchanged; the part shares nothing with it.
        pointers: RFC 6901; of an array's elements only the selected ones are kept, in their order.

    Returns:
        Nothing if there are no pointers.

    Raises:
        TypeMismatch: A pointer is not one, or selects nothing.

    Spec: vc-di-ecdsa sections 3.4.11 to 3.4.13.
    """
    if not pointers:
        return None
    selection = _begin(document)
    if "@context" in document:
        selection["@context"] = copy.deepcopy(document["@context"])
    for pointer in pointers:
        _select(document, selection, _parse_pointer(pointer))
    dense: dict[str, object] = _compress(selection)
    return dense


@final
class _Sparse(dict[int, Any]):
    """An array of which some elements have been selected."""


def _parse_pointer(pointer: str) -> list[str]:
    if type(pointer) is not str or (pointer and pointer[0] != "/"):
        raise TypeMismatch("expected a JSON Pointer")
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _begin(value: object) -> dict[str, Any]:
    """Return the start of an object's selection: what it is and what it is called."""
    if not isinstance(value, dict):
        return {}
    return {name: copy.deepcopy(value[name]) for name in ("id", "type") if name in value}


def _select(document: Any, selection: Any, path: list[str]) -> None:  # noqa: ANN401  # JSON
    value, selected = document, selection
    if not path:
        selection.update(copy.deepcopy(document))
        return
    for depth, step in enumerate(path, 1):
        key = _step(value, step)
        value = value[key]
        if depth == len(path):
            if isinstance(value, dict) and isinstance(selected.get(key), dict):
                selected[key].clear()  # a part of it was selected before; now all of it is
                selected[key].update(copy.deepcopy(value))
            else:
                selected[key] = copy.deepcopy(value)
            return
        if key not in selected:
            selected[key] = _Sparse() if isinstance(value, list) else _begin(value)
        selected = selected[key]
        if isinstance(selected, list):
            return  # the whole array was selected before


def _step(value: object, step: str) -> str | int:
    if isinstance(value, dict) and step in value:
        return step
    if isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
        return int(step)
    raise TypeMismatch("a JSON Pointer selects nothing")


def _compress(value: Any) -> Any:  # noqa: ANN401  # JSON
    if isinstance(value, _Sparse):
        return [_compress(value[position]) for position in sorted(value)]
    if isinstance(value, dict):
        return {name: _compress(each) for name, each in value.items()}
    return value


def _skolemize(value: Any, places: Mapping[int, str]) -> Any:  # noqa: ANN401  # JSON
    """Return a copy in which each object that is a blank node is named after its label."""
    if isinstance(value, list):
        return [_skolemize(each, places) for each in value]
    if not isinstance(value, dict):
        return value
    label = places.get(id(value))
    named = {name: each if name == "@context" else _skolemize(each, places) for name, each in value.items()}
    return named if label is None else {"id": _SKOLEM + label.removeprefix("_:"), **named}


def _deskolemize(quads: list[Quad]) -> list[Quad]:
    if any(term[:1] == "_" for quad in quads for term in quad):
        raise JsonRdfDivergence("of lists and of graphs nothing is selected: their blank nodes have no identifier")
    return [(_deskolemize_term(s), p, _deskolemize_term(o), _deskolemize_term(g)) for s, p, o, g in quads]


def _deskolemize_term(term: str) -> str:
    return f"_:{term[len(_SKOLEM) + 1 : -1]}" if term.startswith(f"<{_SKOLEM}") else term


def _hmac(key: bytes, label: str) -> str:
    digest = hmac.new(key, label.removeprefix("_:").encode(), hashlib.sha256).digest()
    return f"u{encode_base64url(digest)}"
