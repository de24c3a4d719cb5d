"""Statements by JSON Pointer: what the selective cryptosuites sign one by one, hide and reveal.

A holder reveals parts of a JSON document, and the issuer has signed statements. In between stand labels: a blank node
of a part must keep the label it had in the whole. The specifications give each blank node an identifier for the time
of a selection (they skolemize); here the writer of statements is told which object of the part is which of the whole,
with the same outcome and no identifier that a document could contain itself.

`Grouping` is what an issuer needs: the canonical statements in order, and for each group of pointers which of them its
part of the document makes. `Disclosure` is what a holder needs. Labels are replaced by a function of the canonical
ones, so that they tell nothing of what is hidden; the suites differ in that function.

Spec: vc-di-ecdsa sections 3.4 and 3.5; vc-di-bbs section 3.3.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from agentdid.canon.contexts import STRICT, ContextRules
from agentdid.canon.jsonld import locate_nodes, read_quads
from agentdid.canon.rdfc import canonical_labels, relabel
from agentdid.codec.base import encode_base64url
from agentdid.errors import DerivedProofMalformed, EncodingInvalid, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agentdid.canon.nquads import Quad
    from agentdid.limits import Budget

Relabelling: TypeAlias = "Callable[[Mapping[str, str]], Mapping[str, str]]"
"""From a map of blank nodes to canonical labels (`_:c14n0`) to one of the same blank nodes to other labels."""

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")  # RFC 6901 §4


@final
class Group(Value, frozen=True, eq=False):
    """What one list of pointers selects.

    Attributes:
        document: The part itself; `None` if there are no pointers.
        matching: The canonical statements that the selection makes, by their position among all.
        rest: The others.
        quads: The selection's statements, blank nodes labelled as in the whole document before labels were replaced.
    """

    document: dict[str, object] | None
    matching: dict[int, str]
    rest: dict[int, str]
    quads: list[Quad]


@final
class Grouping(Value, frozen=True, eq=False):
    """A document's canonical statements, and which of them each group of pointers selects.

    Attributes:
        lines: All statements, labels replaced, in order.
        quads: The same one for one, blank nodes labelled as they were before.
        labels: What each blank node of `quads` is called in `lines`.
        groups: By the names that were given.
    """

    lines: list[str]
    quads: list[Quad]
    labels: Mapping[str, str]
    groups: dict[str, Group]


@final
class Disclosure(Value, frozen=True, eq=False):
    """What a holder shows of a document, and what a verifier must be told to find its statements again.

    Attributes:
        document: The part that is shown.
        labels: What the shown part's canonical labels (`c14n0`) were replaced by in the whole, both without `_:`.
        mandatory: Positions of the mandatory statements among the shown ones.
        chosen: Positions of the shown statements that are not mandatory, among all that are not.
        optional: All statements that are not mandatory, in order.
        obligatory: All that are, in order.
    """

    document: dict[str, object]
    labels: dict[str, str]
    mandatory: list[int]
    chosen: list[int]
    optional: list[str]
    obligatory: list[str]


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
        document: Without `proof`; left unchanged, and nothing that is returned shares anything with it.
        relabelling: Such as `hmac_labels(key)`.
        groups: Pointers by the name of their group.
        rules: What ``@context`` may be.
        budget: Pays for canonical labels.

    Raises:
        TypeMismatch: A pointer selects nothing, or a part of what is one statement.
        JsonRdfDivergence, TermUndefined, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: As
            `canon.jsonld.canonicalize`; and where a list or a graph would be selected from.

    Spec: vc-di-ecdsa section 3.4.17.
    """
    whole: dict[str, object] = _copy(document)
    found, places = locate_nodes(whole, rules=rules)
    labels = relabelling(canonical_labels(found, budget=budget))
    lines, quads = _sort(found, labels)
    position = {quad: at for at, quad in enumerate(quads)}
    result = {}
    for name, pointers in groups.items():
        known = dict(places)
        part = _select_part(whole, pointers, known) if pointers else None
        selected = [] if part is None else locate_nodes(part, rules=rules, given=known)[0]
        try:
            matching = {position[quad] for quad in selected}
        except KeyError:
            raise TypeMismatch("a JSON Pointer selects a part of what is one statement") from None
        result[name] = Group(
            document=part,
            matching={at: line for at, line in enumerate(lines) if at in matching},
            rest={at: line for at, line in enumerate(lines) if at not in matching},
            quads=selected,
        )
    return Grouping(lines, quads, labels, result)


def disclose(
    document: dict[str, object],
    relabelling: Relabelling,
    mandatory: Sequence[str],
    selective: Sequence[str],
    *,
    rules: ContextRules = STRICT,
    budget: Budget | None = None,
) -> Disclosure:
    """Return what a holder shows of a document: what the issuer's and the holder's pointers select, and no more.

    Raises:
        TypeMismatch: No pointer at all; and the errors of `canonicalize_and_group`.

    Spec: vc-di-ecdsa section 3.5.6; vc-di-bbs section 3.3.6, steps to the adjusted indexes.
    """
    pointers = [*mandatory, *selective]
    grouping = canonicalize_and_group(
        document, relabelling, {"mandatory": mandatory, "shown": pointers}, rules=rules, budget=budget
    )
    obliged, shown = grouping.groups["mandatory"], grouping.groups["shown"]
    if shown.document is None:
        raise TypeMismatch("nothing is mandatory and nothing is selected, so nothing would be shown")
    labels = grouping.labels
    canonical = canonical_labels(shown.quads, budget=budget)
    return Disclosure(
        shown.document,
        {label[2:]: labels[node][2:] for node, label in canonical.items()},
        [at for at, whole in enumerate(shown.matching) if whole in obliged.matching],
        [at for at, whole in enumerate(obliged.rest) if whole in shown.matching],
        list(obliged.rest.values()),
        list(obliged.matching.values()),
    )


def canonicalize_with_labels(
    document: dict[str, object],
    relabelling: Relabelling,
    *,
    rules: ContextRules = STRICT,
    budget: Budget | None = None,
    plain: bool = False,
) -> tuple[list[str], list[Quad]]:
    """Return a document's statements in order, labels replaced, and the same one for one before that.

    Raises:
        As `canonicalize_and_group`.

    Spec: vc-di-ecdsa section 3.4.2.
    """
    quads = read_quads(document, plain=plain, rules=rules)
    return _sort(quads, relabelling(canonical_labels(quads, budget=budget)))


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

    The function it returns raises `DerivedProofMalformed` unless the proof names these labels and no others.
    """

    def relabelling(canonical: Mapping[str, str]) -> Mapping[str, str]:
        if len(labels) != len(canonical):
            raise DerivedProofMalformed("expected the proof to name a label for each blank node")
        try:
            return {node: f"_:{labels[label[2:]]}" for node, label in canonical.items()}
        except KeyError:
            raise DerivedProofMalformed("the proof names no label for a blank node") from None

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
    return _select_part(_copy(document), pointers, {}) if pointers else None


@final
class _Sparse(dict[int, Any]):
    """An array of which some elements have been selected."""


def _select_part(whole: dict[str, object], pointers: Sequence[str], places: dict[int, str]) -> dict[str, object]:
    """Return the part, which shares what is selected with the whole; name the objects on the way in `places`."""
    selection = _begin(whole, places, "@context", "id", "type")
    everything = False
    for pointer in pointers:
        path = _parse_pointer(pointer)
        _select(whole, selection, path, places)
        everything = everything or not path
    if everything:
        return whole
    _compress(selection)
    return selection


def _parse_pointer(pointer: str) -> list[str]:
    if type(pointer) is not str or (pointer and pointer[0] != "/"):
        raise TypeMismatch("expected a JSON Pointer")
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _begin(value: object, places: dict[int, str], *names: str) -> dict[str, Any]:
    """Return the start of an object's selection: what it is and what it is called."""
    if not isinstance(value, dict):
        return {}
    begun = {name: value[name] for name in names or ("id", "type") if name in value}
    label = places.get(id(value))
    if label is not None:
        places[id(begun)] = label
    return begun


def _select(whole: Any, selection: Any, path: list[str], places: dict[int, str]) -> None:  # noqa: ANN401  # JSON
    value, selected = whole, selection
    for depth, step in enumerate(path, 1):
        key = _step(value, step)
        value = value[key]
        if selected is None:
            continue  # all of it was selected before; the pointer must lead somewhere all the same
        if depth == len(path):
            selected[key] = value
            return
        inner = selected.get(key)
        if inner is value:
            selected = None
        elif inner is None:
            selected[key] = selected = _Sparse() if isinstance(value, list) else _begin(value, places)
        else:
            selected = inner


def _step(value: object, step: str) -> Any:  # noqa: ANN401  # a name or an index, by the kind of value
    if isinstance(value, dict) and step in value:
        return step
    if isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
        return int(step)
    raise TypeMismatch("a JSON Pointer selects nothing")


def _compress(selection: dict[str, Any]) -> None:
    # in place: the writer of statements knows objects by their identity
    for name, value in selection.items():
        if isinstance(value, _Sparse):
            selection[name] = _list(value)
        elif isinstance(value, dict):
            _compress(value)


def _list(sparse: _Sparse) -> list[Any]:
    elements = [sparse[position] for position in sorted(sparse)]
    for at, each in enumerate(elements):
        if isinstance(each, _Sparse):
            elements[at] = _list(each)
        elif isinstance(each, dict):
            _compress(each)
    return elements


def _copy(value: Any) -> Any:  # noqa: ANN401  # JSON
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _sort(quads: list[Quad], labels: Mapping[str, str]) -> tuple[list[str], list[Quad]]:
    """Return the lines of quads in order, and the quads in that of their lines."""
    lines = [f"{s} {p} {o} {g} .\n" if g else f"{s} {p} {o} .\n" for s, p, o, g in relabel(quads, labels)]
    try:
        "".join(lines).encode()
    except UnicodeEncodeError:
        raise EncodingInvalid("expected strings without lone surrogates") from None
    pairs = sorted(zip(lines, quads, strict=True))
    return [line for line, _ in pairs], [quad for _, quad in pairs]


def _hmac(key: bytes, label: str) -> str:
    return f"u{encode_base64url(hmac.digest(key, label[2:].encode(), 'sha256'))}"
