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

from typing import TYPE_CHECKING

from agentdid.canon.contexts import STRICT, ContextRules
from agentdid.canon.dataset import Dataset
from agentdid.canon.term_table import Uncovered
from agentdid.canon.writer import Writer
from agentdid.errors import JsonRdfDivergence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.canon.nquads import Quad
    from agentdid.limits import Budget


def canonicalize(
    document: dict[str, object],
    *,
    hash_name: str = "sha256",
    budget: Budget | None = None,
    plain: bool = False,
    rules: ContextRules | None = None,
) -> bytes:
    """Return the canonical N-Quads of a JSON-LD document, UTF-8: what an RDF cryptosuite hashes.

    Args:
        document: As the strict parser gave it, with its ``@context``.
        hash_name: RDFC-1.0's own hash, `sha256` or `sha384`.
        budget: Pays for labelling blank nodes; by default that of one input under the default limits.
        plain: What `strict_json.parse` found of the text this comes from: JSON literals need no second walk.
        rules: What ``@context`` may be; by default `STRICT`.

    Raises:
        TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden: See the module.
        CanonicalizationLimit: Poison.
        JsonTooDeep, TypeMismatch, EncodingInvalid: It is not such a document.
        ImportError: It needs the general processor, and the extra `rdf` is not installed.
    """
    return _write(document, plain=plain, rules=rules or STRICT).canonicalize(hash_name=hash_name, budget=budget)


def to_quads(document: dict[str, object], *, plain: bool = False, rules: ContextRules = STRICT) -> list[Quad]:
    """Return the statements of a document, blank nodes labelled in the order of their places.

    Raises:
        As `canonicalize`, but for the budget.
    """
    dataset = _write(document, plain=plain, rules=rules)
    dataset.check_text()
    return dataset.quads()


def read_quads(document: dict[str, object], *, plain: bool = False, rules: ContextRules = STRICT) -> list[Quad]:
    """Return what `to_quads` returns to a caller who writes the lines itself, and sees there what is no UTF-8.

    Raises:
        As `to_quads`, but `EncodingInvalid`.
    """
    return _write(document, plain=plain, rules=rules).quads()


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
    writer = Writer(plain=False, rules=rules, given=given)
    try:
        writer.document(document)
    except Uncovered:
        raise JsonRdfDivergence("the places of blank nodes are known under term tables only") from None
    if given is not None and writer.dataset.labels:
        raise JsonRdfDivergence("of lists and of graphs nothing is selected: no object stands for their blank nodes")
    return writer.dataset.quads(), writer.places


def _write(document: dict[str, object], *, plain: bool, rules: ContextRules) -> Dataset:
    writer = Writer(plain=plain, rules=rules)
    try:
        writer.document(document)
    except Uncovered:
        from agentdid.canon.general import write_document  # noqa: PLC0415  # seldom, and heavy

        dataset = Dataset()
        write_document(document, rules, dataset, dataset.graphs[0])
        return dataset
    return writer.dataset
