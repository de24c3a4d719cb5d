"""What a verifier asks for, in the Digital Credentials Query Language of OpenID4VP 1.0.

What it establishes: which of some credentials answer a query, and which of their claims a holder must disclose for
it. It decides nothing about trust: a verifier judges what was presented by its own rules, whatever it asked for
(OpenID4VP 1.0 section 6.4.1). Rules:

* Members that the specification does not define are ignored; those that it defines have its forms.
* Formats are compared as written. `meta.type_values` speaks of the credential's types, as full IRIs or as the short
  names of our two contexts; `meta.vct_values` of its `vct`. A format that we do not speak is never matched.
* `trusted_authorities` name kinds of trust that we do not have, so a query with them is never matched.
* A claim whose value is not among `values` counts as absent; type and value are compared exactly.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, final

from agentdid.errors import InputTooLarge, QueryNotSatisfied, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Path: TypeAlias = tuple[str | int, ...]
"""Where one value stands in a credential: member names and array indexes."""

MAX_QUERIES: Final = 64
"""Credential queries of one query: each is held against every credential."""
MAX_CLAIMS: Final = 128
"""Claims of one query, all credential queries together: each is a walk through every credential."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_\-]+")
_EXPANDED: Final = {
    "VerifiableCredential": "https://www.w3.org/2018/credentials#VerifiableCredential",
    "AgentCapabilityCredential": "https://w3id.org/agentdid/v1#AgentCapabilityCredential",
}
_OBJECTS: Final = (dict, MappingProxyType)
_ARRAYS: Final = (list, tuple)
"""Claims come as parsed, or deeply frozen."""
_ACTIONS: Final = ("credentialSubject", "capability", "grants", None, "actions", None)


@final
class ClaimQuery(Value, frozen=True):
    """One claim that is asked for.

    Attributes:
        id: Its name in `claim_sets`, if it has one.
        path: The claims path pointer; `None` stands for all elements of an array.
        values: What its value may be; `None` for anything.
    """

    id: str | None
    path: tuple[str | int | None, ...]
    values: tuple[str | int | bool, ...] | None


@final
class CredentialQuery(Value, frozen=True):
    """One credential that is asked for.

    Attributes:
        id: Its name in the answer and in `credential_sets`.
        format: The credential format identifier.
        multiple: Whether several credentials may answer.
        types: Alternatives, each a set of types (full IRIs where known) that must all be there; `None` for any.
        vcts: The `vct` values that fit; `None` for any.
        has_authorities: Whether `trusted_authorities` restrict the issuer.
        holder_binding: Whether a proof of the holder's key is needed.
        claims: What must be there.
        options: The claims to select, most wanted first; each option is enough.
    """

    id: str
    format: str
    multiple: bool
    types: tuple[frozenset[str], ...] | None
    vcts: frozenset[str] | None
    has_authorities: bool
    holder_binding: bool
    claims: tuple[ClaimQuery, ...]
    options: tuple[tuple[ClaimQuery, ...], ...]


@final
class CredentialSet(Value, frozen=True):
    """Combinations of credential queries, by id; one of them must be answered when `required`."""

    options: tuple[tuple[str, ...], ...]
    required: bool


@final
class Query(Value, frozen=True):
    """A whole query. Without credential sets, every credential query must be answered."""

    quiet: ClassVar[frozenset[str]] = frozenset({"source"})

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSet, ...]
    source: Mapping[str, object]
    """The JSON object as it was stated, for whoever hands the query on."""


@final
class Candidate(Value, frozen=True):
    """A credential that may answer.

    Attributes:
        format: The credential format identifier.
        types: Its types, as written or as full IRIs.
        claims: The credential as a JSON object, disclosures put in their places.
        holder_bound: Whether the holder's key is, or can be, proven with it.
    """

    format: str
    types: Sequence[str]
    claims: Mapping[str, object]
    holder_bound: bool


@final
class Hit(Value, frozen=True):
    """One candidate that answers a credential query: its index, and the claims that were selected in it."""

    index: int
    paths: frozenset[Path]


@final
class Match(Value, frozen=True):
    """How candidates answer a query.

    Attributes:
        satisfied: Whether all that is required is there.
        hits: By id of each credential query, the candidates that answer it, in their order.
    """

    satisfied: bool
    hits: Mapping[str, tuple[Hit, ...]]


def parse_query(value: object) -> Query:
    """Return the query that a `dcql_query` object states.

    Raises:
        TypeMismatch: A defined member is missing or outside its form, or an identifier leads nowhere.
        InputTooLarge: More credential queries or claims than are looked at.

    Spec: OpenID4VP 1.0 section 6.
    """
    members = _object(value, "")
    listed = _array(members.get("credentials"), "/credentials")
    if len(listed) > MAX_QUERIES:
        raise InputTooLarge(f"at most {MAX_QUERIES} credential queries", path="/credentials")
    credentials = tuple(_credential(each, f"/credentials/{position}") for position, each in enumerate(listed))
    if sum(len(each.claims) for each in credentials) > MAX_CLAIMS:
        raise InputTooLarge(f"at most {MAX_CLAIMS} claims", path="/credentials")
    identifiers = _unique((each.id for each in credentials), "/credentials")
    sets: list[CredentialSet] = []
    if "credential_sets" in members:
        for position, each in enumerate(_array(members["credential_sets"], "/credential_sets")):
            sets.append(_credential_set(each, identifiers, f"/credential_sets/{position}"))
    return Query(credentials, tuple(sets), members)


def evaluate(query: Query, candidates: Sequence[Candidate]) -> Match:
    """Return which candidates answer which credential query, and whether that is enough.

    Spec: OpenID4VP 1.0 section 6.4.
    """
    hits = {each.id: tuple(_hits(each, candidates)) for each in query.credentials}
    if query.credential_sets:
        satisfied = all(
            any(all(hits[identifier] for identifier in option) for option in each.options)
            for each in query.credential_sets
            if each.required
        )
    else:
        satisfied = all(hits.values())
    return Match(satisfied, hits)


def check_satisfied(query: Query, candidates: Sequence[Candidate]) -> None:
    """Hold that the candidates answer all that the query requires. Raises `QueryNotSatisfied`."""
    match = evaluate(query, candidates)
    if not match.satisfied:
        missing = sorted(identifier for identifier, found in match.hits.items() if not found)
        raise QueryNotSatisfied(f"no credential for {', '.join(missing)}")


def select_paths(query: CredentialQuery, claims: Mapping[str, object]) -> frozenset[Path]:
    """Return where the values stand that a holder must disclose: of arrays, only the elements that fit.

    The value at a path is meant with all that it contains. Without `claims`, nothing need be disclosed.

    Raises:
        QueryNotSatisfied: A claim that is asked for is not there, or no value fits.

    Spec: OpenID4VP 1.0 sections 6.4.1 and 7.1.
    """
    paths = _find_paths(query, claims)
    if paths is None:
        raise QueryNotSatisfied(f"the credential lacks claims that {query.id} asks for")
    return paths


def query_for_action(action: str, formats: Sequence[str] = ("vc+sd-jwt", "ldp_vc")) -> dict[str, object]:
    """Return the query, as JSON, with which an API asks for the right to `action`, in any one of the formats.

    `multiple` is set: a delegated right is a chain of credentials, and each of them carries the action.
    """
    if not action or not formats:
        message = "a query needs an action and a format"
        raise ValueError(message)
    identifiers = [f"capability_{each.replace('+', '_')}" for each in formats]
    return {
        "credentials": [
            {
                "id": identifier,
                "format": each,
                "multiple": True,
                "meta": {"type_values": [list(_EXPANDED.values())]},
                "claims": [{"path": list(_ACTIONS), "values": [action]}],
            }
            for identifier, each in zip(identifiers, formats, strict=True)
        ],
        "credential_sets": [{"options": [[identifier] for identifier in identifiers]}],
    }


def _credential(value: object, path: str) -> CredentialQuery:
    """Return one credential query (section 6.1)."""
    members = _object(value, path)
    meta = _object(members.get("meta"), f"{path}/meta")
    authorities = "trusted_authorities" in members
    if authorities:
        for position, each in enumerate(_array(members["trusted_authorities"], f"{path}/trusted_authorities")):
            _authority(each, f"{path}/trusted_authorities/{position}")
    claims: tuple[ClaimQuery, ...] = ()
    if "claims" in members:
        listed = _array(members["claims"], f"{path}/claims")
        claims = tuple(_claim(each, f"{path}/claims/{position}") for position, each in enumerate(listed))
        _unique((each.id for each in claims if each.id is not None), f"{path}/claims")
    return CredentialQuery(
        _identifier(members.get("id"), f"{path}/id"),
        _text(members.get("format"), f"{path}/format"),
        _flag(members, "multiple", path, default=False),
        _types(meta["type_values"], f"{path}/meta/type_values") if "type_values" in meta else None,
        _texts(meta["vct_values"], f"{path}/meta/vct_values") if "vct_values" in meta else None,
        authorities,
        _flag(members, "require_cryptographic_holder_binding", path, default=True),
        claims,
        _claim_sets(members["claim_sets"], claims, f"{path}/claim_sets") if "claim_sets" in members else (claims,),
    )


def _claim(value: object, path: str) -> ClaimQuery:
    """Return one claims query (section 6.3)."""
    members = _object(value, path)
    steps: list[str | int | None] = []
    for step in _array(members.get("path"), f"{path}/path"):
        if isinstance(step, bool) or not isinstance(step, str | int | None) or (isinstance(step, int) and step < 0):
            raise TypeMismatch("expected strings, nulls and indexes", path=f"{path}/path")
        steps.append(step)
    values: list[str | int | bool] = []
    for each in _array(members["values"], f"{path}/values") if "values" in members else ():
        if not isinstance(each, str | int):  # a boolean is an int
            raise TypeMismatch("expected strings, integers or booleans", path=f"{path}/values")
        values.append(each)
    identifier = _identifier(members["id"], f"{path}/id") if "id" in members else None
    return ClaimQuery(identifier, tuple(steps), tuple(values) if values else None)


def _claim_sets(value: object, claims: tuple[ClaimQuery, ...], path: str) -> tuple[tuple[ClaimQuery, ...], ...]:
    """Return the options of `claim_sets` as the claims that they name."""
    known = {each.id: each for each in claims}
    if not claims or None in known:
        raise TypeMismatch("claim_sets need claims, each with an id", path=path)
    options: list[tuple[ClaimQuery, ...]] = []
    for position, option in enumerate(_array(value, path)):
        if type(option) is not list or not all(type(each) is str and each in known for each in option):
            raise TypeMismatch("expected ids of claims", path=f"{path}/{position}")
        options.append(tuple(known[each] for each in option))
    return tuple(options)


def _credential_set(value: object, identifiers: frozenset[str], path: str) -> CredentialSet:
    """Return one credential set query (section 6.2)."""
    members = _object(value, path)
    options: list[tuple[str, ...]] = []
    for position, option in enumerate(_array(members.get("options"), f"{path}/options")):
        place = f"{path}/options/{position}"
        named = tuple(_text(each, place) for each in _array(option, place))
        if not identifiers.issuperset(named):
            raise TypeMismatch("expected ids of credential queries", path=place)
        options.append(named)
    return CredentialSet(tuple(options), _flag(members, "required", path, default=True))


def _authority(value: object, path: str) -> None:
    """Hold the form of one trusted authorities query (section 6.1.1)."""
    members = _object(value, path)
    _text(members.get("type"), f"{path}/type")
    _texts(members.get("values"), f"{path}/values")


def _types(value: object, path: str) -> tuple[frozenset[str], ...]:
    """Return the alternatives of `type_values` (section B.1.1)."""
    alternatives = _array(value, path)
    return tuple(_expand(_texts(each, f"{path}/{position}")) for position, each in enumerate(alternatives))


def _expand(types: Iterable[str]) -> frozenset[str]:
    """Return types as full IRIs, where the short name is one of our contexts'."""
    return frozenset(_EXPANDED.get(each, each) for each in types)


def _hits(query: CredentialQuery, candidates: Sequence[Candidate]) -> Iterable[Hit]:
    """Yield the candidates that answer a credential query, in their order."""
    if query.has_authorities:
        return
    for index, candidate in enumerate(candidates):
        if candidate.format == query.format and _fits(query, candidate):
            paths = _find_paths(query, candidate.claims)
            if paths is not None:
                yield Hit(index, paths)


def _fits(query: CredentialQuery, candidate: Candidate) -> bool:
    """Tell whether holder binding and metadata of a candidate fit."""
    if query.holder_binding and not candidate.holder_bound:
        return False
    if query.vcts is not None:
        vct = candidate.claims.get("vct")
        if type(vct) is not str or vct not in query.vcts:
            return False
    if query.types is None:
        return True
    types = _expand(candidate.types)
    return any(alternative <= types for alternative in query.types)


def _find_paths(query: CredentialQuery, claims: Mapping[str, object]) -> frozenset[Path] | None:
    """Return the claims of the first option that can be had, or `None` when none can."""
    # each claim is walked once, however many claim sets name it
    found = {claim: _find_claim(claim, claims) for claim in query.claims}
    for option in query.options:
        if all(found[claim] for claim in option):
            return frozenset().union(*(found[claim] for claim in option))
    return None


def _find_claim(claim: ClaimQuery, claims: Mapping[str, object]) -> frozenset[Path]:
    """Return where the claim's values stand; empty when the pointer fails or no value fits (section 7.1.1)."""
    selected: list[tuple[Path, object]] = [((), claims)]
    for step in claim.path:
        narrowed: list[tuple[Path, object]] = []
        for path, value in selected:
            if isinstance(step, str):
                if not isinstance(value, _OBJECTS):
                    return frozenset()
                if step in value:
                    narrowed.append(((*path, step), value[step]))
            elif not isinstance(value, _ARRAYS):
                return frozenset()
            elif step is None:
                narrowed.extend(((*path, index), each) for index, each in enumerate(value))
            elif step < len(value):
                narrowed.append(((*path, step), value[step]))
        selected = narrowed
    if claim.values is None:
        return frozenset(path for path, _ in selected)
    # type beside value: in Python True == 1 == 1.0
    wanted = {(type(each), each) for each in claim.values}
    scalars = ((path, value) for path, value in selected if isinstance(value, str | int))
    return frozenset(path for path, value in scalars if (type(value), value) in wanted)


def _object(value: object, path: str) -> dict[str, object]:
    """Return a JSON object."""
    if type(value) is not dict:
        raise TypeMismatch("expected an object", path=path)
    return value


def _array(value: object, path: str) -> list[object]:
    """Return a non-empty JSON array."""
    if type(value) is not list or not value:
        raise TypeMismatch("expected a non-empty array", path=path)
    return value


def _text(value: object, path: str) -> str:
    """Return a non-empty string."""
    if type(value) is not str or not value:
        raise TypeMismatch("expected a non-empty string", path=path)
    return value


def _texts(value: object, path: str) -> frozenset[str]:
    """Return the strings of a non-empty array."""
    return frozenset(_text(each, path) for each in _array(value, path))


def _identifier(value: object, path: str) -> str:
    """Return an identifier of section 6.1."""
    if type(value) is not str or _IDENTIFIER.fullmatch(value) is None:
        raise TypeMismatch("expected letters, digits, _ and -", path=path)
    return value


def _flag(members: Mapping[str, object], name: str, path: str, *, default: bool) -> bool:
    """Return a boolean member, or its default."""
    value = members.get(name, default)
    if type(value) is not bool:
        raise TypeMismatch("expected true or false", path=f"{path}/{name}")
    return value


def _unique(identifiers: Iterable[str], path: str) -> frozenset[str]:
    """Return identifiers that each stand once."""
    listed = list(identifiers)
    unique = frozenset(listed)
    if len(unique) != len(listed):
        raise TypeMismatch("an id stands twice", path=path)
    return unique
