"""Edits of JSON-LD documents that an attacker would try: the signature should notice, or the reader refuse."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

from tests.jsonld_documents import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Place = tuple[Any, Any]  # a container, and a key or an index in it

ALIASES = (
    ("id", "@id"), ("type", "@type"), ("issuer", "https://www.w3.org/2018/credentials#issuer"), ("sort", "kind"),
    ("credentialStatus", "https://www.w3.org/2018/credentials#credentialStatus"), ("issuer", "cred:issuer"),
    ("validUntil", "https://www.w3.org/2018/credentials#validUntil"), ("expires", "expiration"),
    ("alias", "word"), ("Red", "Crimson"), ("count", "ex:count"), ("motto", "https://example.org/vocab#motto"),
)  # fmt: skip
TYPES = (
    ("VerifiableCredential", "https://www.w3.org/2018/credentials#VerifiableCredential"), ("Red", "Crimson"),
    ("Red", "ex:Red"), ("Red", "https://example.org/vocab#Red"), ("assertionMethod", "https://w3id.org/security#assertionMethod"),
)  # fmt: skip


def mutate(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return the document with one to three edits."""
    mutated = copy.deepcopy(document)
    for _ in range(rng.randrange(1, 4)):
        rng.choice(EDITS)(mutated, rng)
        mutated = json.loads(json.dumps(mutated))  # no part stands in two places
    return mutated


def normal(value: object) -> object:
    """Return JSON without the three differences that `canon.jsonld` leaves to JSON-LD documents."""
    if isinstance(value, list):
        return normal(value[0]) if len(value) == 1 else sorted((normal(each) for each in value), key=repr)
    if isinstance(value, dict):
        if value.keys() == {"id"}:
            return normal(value["id"])
        return sorted((name, normal(each)) for name, each in value.items() if name != "@context")
    return (type(value).__name__, repr(value))


def _places(value: Json) -> Iterator[Place]:
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, each in items:
        if key == "@context":
            continue
        yield value, key
        if isinstance(each, dict | list):
            yield from _places(each)


def _objects(document: Json) -> list[dict[str, Any]]:
    return [document, *(each[key] for each, key in _places(document) if isinstance(each[key], dict))]


def _somewhere(document: Json, rng: random.Random) -> Place | None:
    places = list(_places(document))
    return rng.choice(places) if places else None


def _rename(document: Json, rng: random.Random) -> None:
    pairs = [(a, b) for a, b in ALIASES] + [(b, a) for a, b in ALIASES]
    rng.shuffle(pairs)
    for node in rng.sample(found := _objects(document), len(found)):
        for name, other in pairs:
            if name in node and other not in node:
                node[other] = node.pop(name)
                return


def _retype(document: Json, rng: random.Random) -> None:
    for one, two in rng.sample(TYPES, len(TYPES)):
        for name, other in ((one, two), (two, one)):
            for container, key in _places(document):
                if container[key] == name:
                    container[key] = other
                    return


def _respell(document: Json, rng: random.Random) -> None:
    place = _somewhere(document, rng)
    if place is None:
        return
    container, key = place
    value = container[key]
    spellings: list[Any] = [
        [value],
        [value, value],
        {"@value": value},
        {"@list": [value]},
        {"@set": [value]},
        [[value]],
    ]
    if isinstance(value, bool):
        spellings.append(str(value).lower())
    elif isinstance(value, int | float):
        spellings += [float(value), str(value), {"@value": value, "@type": "http://www.w3.org/2001/XMLSchema#integer"}]
    elif isinstance(value, str):
        spellings += [
            {"id": value},
            {"@id": value},
            {"@value": value, "@type": "http://www.w3.org/2001/XMLSchema#string"},
        ]
        spellings += [value.upper(), {"@value": value, "@language": "la"}]
        if value.lstrip("-").isdigit():
            spellings.append(int(value))
        if value in {"true", "false"}:
            spellings.append(value == "true")
    elif isinstance(value, dict):
        spellings += [
            {"@graph": value},
            {"@graph": [value]},
            {**value, "@index": "x"},
            {"@included": value},
            value.get("id"),
        ]
        spellings.append({"@nest": value})
    elif isinstance(value, list):
        spellings += [value[::-1], [*value, *value], value[:1], value[0] if value else None, {"@list": value}]
    container[key] = rng.choice(spellings)


def _add(document: Json, rng: random.Random) -> None:
    node = rng.choice(_objects(document))
    node[rng.choice(("undefined", "evidence", "issuer", "@index", "@reverse", "@included", "note", "x", "id"))] = (
        rng.choice((None, [], {}, "x", [None], {"@value": None}, {"@list": []}, {"@set": []}))
    )


def _remove(document: Json, rng: random.Random) -> None:
    node = rng.choice(_objects(document))
    names = [name for name in node if name != "@context"]
    if names:
        del node[rng.choice(names)]


def _move(document: Json, rng: random.Random) -> None:
    """Move members between two objects of one identifier, or of none."""
    nodes = _objects(document)
    one, two = rng.choice(nodes), rng.choice(nodes)
    names = [name for name in one if name not in {"@context", "id", "type"} and name not in two]
    if one is not two and names:
        if rng.random() < 0.5 and isinstance(one.get("id"), str):
            two["id"] = one["id"]
        name = rng.choice(names)
        if not any(each is two for each in _objects({"x": one[name]})):
            two[name] = one.pop(name)


def _same_id(document: Json, rng: random.Random) -> None:
    nodes = [node for node in _objects(document) if isinstance(node.get("id"), str)]
    if len(nodes) > 1:
        rng.choice(nodes)["id"] = rng.choice(nodes)["id"]


EDITS: tuple[Callable[[Any, random.Random], None], ...] = (
    _rename, _rename, _retype, _respell, _respell, _respell, _respell, _add, _remove, _move, _same_id,
)  # fmt: skip
