"""Random JSON-LD documents under known contexts: mostly what issuers write, and now and then what they should not."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any, Final, TypeAlias

from agentdid.canon import contexts
from agentdid.canon.active_context import EMPTY, JSON, SKIP, ActiveContext, Field
from agentdid.canon.contexts import OPEN
from agentdid.canon.local_context import enter_context
from agentdid.errors import AgentdidError

Json: TypeAlias = Any
V2: Final = "https://www.w3.org/ns/credentials/v2"
V1: Final = "https://www.w3.org/2018/credentials/v1"
ODD_URL: Final = "https://example.org/contexts/odd/v1"
ODD: Final = json.dumps(
    {
        "@context": {
            "@version": 1.1,
            "ex": "https://example.org/vocab#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            "steps": {"@id": "ex:steps", "@container": "@list"},
            "places": {"@id": "ex:places", "@type": "@id", "@container": "@list"},
            "titles": {"@id": "ex:titles", "@container": "@language"},
            "count": {"@id": "ex:count", "@type": "xsd:integer"},
            "weight": {"@id": "ex:weight", "@type": "xsd:double"},
            "price": {"@id": "ex:price", "@type": "xsd:decimal"},
            "flag": {"@id": "ex:flag", "@type": "xsd:boolean"},
            "motto": {"@id": "ex:motto", "@language": "la"},
            "banner": {"@id": "ex:banner", "@language": "ar", "@direction": "rtl"},
            "data": {"@id": "ex:data", "@type": "@json"},
            "kind": {"@id": "ex:kind", "@type": "@vocab"},
            "sort": {"@id": "ex:kind", "@type": "@vocab"},
            "about": {"@id": "ex:about", "@type": "@none"},
            "box": {"@id": "ex:box", "@container": ["@graph", "@set"]},
            "Red": "ex:Red",
            "Crimson": "ex:Red",
            "room": {"@id": "ex:room", "@context": {"floor": "ex:floor", "count": None}},
            "Hall": {"@id": "ex:Hall", "@context": {"floor": {"@id": "ex:level"}, "pillars": "ex:pillars"}},
        }
    }
).encode()
LISTS: Final = (
    [V2],
    [V2, "https://w3id.org/agentdid/v1"],
    [V2, "https://www.w3.org/ns/credentials/examples/v2"],
    [V2, "https://w3id.org/citizenship/v4rc1"],
    [V2, "https://w3id.org/vdl/v1", "https://w3id.org/vdl/aamva/v1"],
    [V2, "https://www.w3.org/ns/credentials/status/v1"],
    [V2, ODD_URL],
    [V2, ODD_URL],
    [V2, "https://w3id.org/agentdid/v1", ODD_URL],
    [V1],
    [V1, "https://w3id.org/security/data-integrity/v2"],
    [V1, "https://w3id.org/security/suites/ed25519-2020/v1"],
    [V1, "https://w3id.org/security/suites/jws-2020/v1"],
    [V1, "https://w3id.org/vc/status-list/2021/v1"],
    [V1, "https://w3id.org/citizenship/v2"],
    ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1", "https://w3id.org/security/jwk/v1"],
    ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/ed25519-2020/v1"],
    ["https://www.w3.org/ns/did/v1.1"],
    ["https://w3id.org/zcap/v1", "https://w3id.org/security/suites/ed25519-2020/v1"],
    ["https://w3id.org/security/v2"],
    [ODD_URL],
    [V2, {"@vocab": "https://example.org/any#", "alias": "https://example.org/any#word"}],
    [V2, {"@language": "en", "note": "https://example.org/note", "bare": {"@id": "urn:bare", "@language": None}}],
)
STRINGS: Final = (
    "", "plain", "Ada Lovelace", 'say "hi"', "back\\slash", "tab\tline\nfeed\r\x08\x0c", "\x00\x01\x1f", "\x7f\x80",
    "\u2028\u2029", "\ufffe\uffff", "\ufeffbom", "\U0001f600", "Göteborg", "e\u0301", "<b>", "_:b0", "true", "5",
    "5.0E0", "1.5", "-3", "2026-11-01T00:00:00Z", "did:key:z6Mk", "https://example.org/x", "relative", "@id", "id",
)  # fmt: skip
IRIS: Final = (
    "did:example:a", "did:example:b", "https://example.org/1", "https://example.org/a/../b?q=1#f", "urn:uuid:0",
    "HTTPS://Example.ORG/%7e", "https://example.org/ö", "did:key:z6Mk#z6Mk", "data:application/vc+jwt,e30.e30.",
)  # fmt: skip
BAD_IRIS: Final = ("", "relative", "_:b0", "https://example.org/a b", "ex:thing", "cred:issuer", "#frag", "@type")
NUMBERS: Final = (0, 1, -7, 5, 2**53 - 1, 1.5, -0.25, 1e-7, 5e-324, 1e21, 7.0, 0.1 + 0.2, 2**0.5)
JSONS: Final = ({}, [], {"b": [1, None, {"a": "\x7f\ufffe\\"}], "a": 0.5}, "text", 5, True, [[]], {"é": 1.25})
NONSENSE: Final = (None, [], [["x"]], {"@value": "x"}, {"@list": ["x"]}, {"@value": 5, "@type": "x"}, ["x", "x"])
CLASSES: Final = ("VerifiableCredential", "VerifiablePresentation", "BitstringStatusListEntry", "DataIntegrityProof")


def register_odd() -> None:
    """Make the context of these tests known."""
    contexts.register(ODD_URL, ODD, hashlib.sha256(ODD).hexdigest())


def chance(seed: int) -> random.Random:
    """Return a source of chance that gives the same again for the same seed."""
    return random.Random(seed)  # noqa: S311  # to be repeated, not to be unguessable


def make_document(rng: random.Random) -> dict[str, Any]:
    """Return a document; most are ones that `canonicalize` takes."""
    local = rng.choice(LISTS)
    maker = _Maker(rng)
    active = enter_context(EMPTY, local, OPEN)
    return {"@context": local if rng.random() < 0.95 or len(local) > 1 else local[0], **maker.node(active, 4)}


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.mischief = 0.15 if rng.random() < 0.3 else 0.0

    def bad(self) -> bool:
        return self.rng.random() < self.mischief

    def node(self, active: ActiveContext, depth: int) -> dict[str, Any]:
        rng = self.rng
        node: dict[str, Any] = {}
        if rng.random() < 0.6:
            node["id"] = rng.choice(BAD_IRIS) if self.bad() else f"{rng.choice(IRIS)}{rng.randrange(10**6)}"
        classes = [name for name in active.terms if name[:1].isupper()]
        if classes and rng.random() < 0.8:
            usual = [name for name in CLASSES if name in active.terms]
            types = rng.sample(classes, min(len(classes), rng.choice((1, 1, 2))))
            if usual and rng.random() < 0.6:
                types = list(dict.fromkeys([rng.choice(usual), *types[1:]]))
            if self.bad():
                types.append(rng.choice(("Undefined", "https://example.org/T", "https://example.org/vocab#Red")))
            node["type"] = types[0] if len(types) == 1 and rng.random() < 0.5 else types
            try:
                active, _ = active.typed(node["type"])
            except AgentdidError:
                return node
        names = [name for name, term in active.terms.items() if term.iri and term.iri[0] != "@"]
        for name in rng.sample(names, min(len(names), rng.randrange(1, 5))):
            try:
                field = active.field(name)
            except AgentdidError:
                if self.bad():
                    node[name] = "x"
                continue
            if field.kind != SKIP and (depth > 0 or not field.graph or self.bad()):
                node[name] = self.member(field, depth)
        if active.vocab is not None and rng.random() < 0.5:
            node[f"word{rng.randrange(3)}"] = rng.choice(STRINGS)
        if self.bad():
            node[rng.choice(("undefined", "https://example.org/p", "@graph", "@index", "ex:p", "@type"))] = "x"
        items = list(node.items())
        rng.shuffle(items)
        return dict(items)

    def member(self, field: Field, depth: int) -> object:
        rng = self.rng
        if self.bad():
            return rng.choice(
                (None, [], [["x"]], {"@value": "x"}, {"@list": ["x"]}, {"@value": 5, "@type": "x"}, ["x", "x"])
            )
        if field.kind == JSON:
            return rng.choice(JSONS)
        if field.container == "language":
            return {rng.choice(("en", "de", "zh-hant", "@none")): rng.choice(STRINGS), "fr": ["a", "b"]}
        if field.container == "list":
            return [self.value(field, depth) for _ in range(rng.randrange(4))]
        if rng.random() < 0.25:
            return [self.value(field, depth) for _ in range(rng.choice((1, 2, 2, 3)))]
        return self.value(field, depth)

    def value(self, field: Field, depth: int) -> object:
        rng = self.rng
        if depth > 0 and (field.graph or rng.random() < 0.4):
            if field.graph and field.enter().is_empty():
                local = rng.choice(LISTS)
                return {"@context": local, **self.node(enter_context(EMPTY, local, OPEN), depth - 1)}
            return self.node(field.enter(), depth - 1)
        if field.native:
            return rng.choice((rng.choice(NUMBERS), True, rng.choice(STRINGS)) if self.mischief else NUMBERS[:5])
        if field.kind in {2, 3}:
            if field.kind == 3:
                words = [name for name in field.enter_scalar().terms if name not in {"id", "type"}]
                return rng.choice([*words, *IRIS])
            return rng.choice(BAD_IRIS) if self.bad() else f"{rng.choice(IRIS)}{rng.randrange(100)}"
        roll = rng.random()
        if roll < 0.15 and field.datatype is None:
            return rng.choice(NUMBERS if self.mischief else NUMBERS[:9])
        if roll < 0.2 and field.datatype is None:
            return rng.random() < 0.5
        if roll < 0.3:
            tagged = {"@value": rng.choice(STRINGS), "@language": rng.choice(("en", "ar", "zh-hant"))}
            if rng.random() < 0.4:
                # PyLD takes two strings that differ in nothing but direction for one
                tagged |= {
                    "@value": f"{rng.choice(STRINGS)}{rng.randrange(10**9)}",
                    "@direction": rng.choice(("ltr", "rtl")),
                }
            return tagged
        return rng.choice(STRINGS) if roll < 0.8 else f"{rng.choice(STRINGS)}{rng.randrange(1000)}"
