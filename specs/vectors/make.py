"""The vectors of the specifications: what narrows, is permitted, charged, approved, recorded and signed; who is let.

``python specs/vectors/make.py`` writes them, ``--check`` says whether the files are what this script makes. Each case
is one change to a capability that is written out in full; what is expected stands beside it, by hand, and the script
refuses to write a file in which the implementation answers otherwise.
"""

# ruff: noqa: INP001  # a script beside what it writes
from __future__ import annotations

import json
import sys
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import policy_cases
from audit_vectors import audit_log, decision_receipt

from agentdid.codec.base import encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.model import Credential
from agentdid.delegation.approval import digest_of_call, digest_of_chain
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.charges import charges_of
from agentdid.delegation.narrowing import check_narrower
from agentdid.delegation.usage import Request, approval_applies, exercise
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.errors import AgentdidError, CapabilityTargetMismatch
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from agentdid.trust.anchors import Trust
from agentdid.trust.scope import Claim
from agentdid.trust.trust_list import ListRef, build_trust_list, decode_scope
from agentdid.verify.case import Question, open_case
from agentdid.verify.listed import find_listed
from agentdid.verify.memory import Memory
from agentdid.verify.needs import NeedFacts, NeedKeys, Resource

HERE: Final = Path(__file__).resolve().parent
TRUST_AT: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
END: Final = datetime(2026, 11, 1, 19, tzinfo=UTC)
API: Final = "https://api.partner.example/v1"
Json = dict[str, Any]
GRANT: Final[Json] = {
    "id": "pay",
    "from": None,
    "type": "http",
    "actions": ["invoice.pay", "invoice.read"],
    "resources": [f"{API}/payments"],
    "constraints": {
        "amount": {"type": "range", "min": "1", "max": "500.00"},
        "region": {"type": "enum", "in": ["EU", "UK"]},
    },
    "limits": {
        "calls": {"max": 100, "window": "PT1H"},
        "budget": {"max": "1000.00", "unit": "EUR", "argument": "amount", "unitArgument": "currency"},
    },
    "approval": {
        "when": {"amount": {"gt": "200.00"}, "region": {"in": ["UK"]}},
        "approvers": ["did:web:acme.example", "did:web:auditor.example"],
        "threshold": 1,
    },
    "autonomyMax": 2,
}
ROOT: Final[Json] = {
    "root": "did:web:partner.example",
    "principal": "did:web:acme.example",
    "purpose": "invoice reconciliation",
    "grants": [GRANT],
    "audience": ["did:web:partner.example"],
    "delegation": {"depth": 0, "maxDepth": 3},
    "parent": None,
    "minSecurity": "classical",
}
CHILD: Final[Json] = deepcopy(ROOT) | {
    "grants": [{**deepcopy(GRANT), "id": "c", "from": "pay"}],
    "delegation": {"depth": 1, "maxDepth": 3},
    "parent": {
        "id": "urn:uuid:3f2a6d0e-8c51-4b7e-9d1f-0a6b5c4d3e2f",
        "digestMultibase": "uEiCGbGjmfMFbH_sd56aZqWezn6hmTjZHtbPOGUrGCa649w",
    },
}
NOT: Final = "capability_not_attenuated"
DEPTH: Final = "delegation_forbidden"
SHAPE: Final = "type_mismatch"

# what is changed in the child, by JSON Pointer; the code that is expected, null for narrower; where it is found
NARROWING: Final[tuple[tuple[str, Json, str | None, str], ...]] = (
    ("the same", {}, None, ""),
    ("fewer actions", {"/grants/0/actions": ["invoice.read"]}, None, ""),
    ("another action", {"/grants/0/actions": ["invoice.read", "invoice.list"]}, NOT, "/grants/0/actions"),
    ("no action", {"/grants/0/actions": []}, SHAPE, "/grants/0/actions"),
    ("a star", {"/grants/0/actions": ["invoice.*"]}, SHAPE, "/grants/0/actions"),
    ("below", {"/grants/0/resources": [f"{API}/payments/7"]}, None, ""),
    ("below, with a slash", {"/grants/0/resources": [f"{API}/payments/"]}, None, ""),
    ("another spelling", {"/grants/0/resources": ["HTTPS://API.partner.example:443/v1/p%61yments"]}, None, ""),
    ("beside", {"/grants/0/resources": [f"{API}/payments2"]}, NOT, "/grants/0/resources"),
    ("above", {"/grants/0/resources": [API]}, NOT, "/grants/0/resources"),
    ("dots", {"/grants/0/resources": [f"{API}/payments/../x"]}, NOT, "/grants/0/resources"),
    ("encoded twice", {"/grants/0/resources": [f"{API}/payments/%252e"]}, NOT, "/grants/0/resources"),
    ("case of the path", {"/grants/0/resources": [f"{API}/Payments"]}, NOT, "/grants/0/resources"),
    ("a trailing dot of the host", {"/grants/0/resources": ["https://api.partner.example./v1/payments"]}, NOT,
     "/grants/0/resources"),
    ("an encoded slash", {"/grants/0/resources": [f"{API}/payments%2f7"]}, SHAPE, "/grants/0/resources"),
    ("a smaller range", {"/grants/0/constraints/amount": {"type": "range", "min": "1.0", "max": "499.999"}}, None, ""),
    ("a constant in the range", {"/grants/0/constraints/amount": {"type": "const", "value": "500"}}, None, ""),
    ("an integer in the range", {"/grants/0/constraints/amount": {"type": "const", "value": 500}}, None, ""),
    ("an enum in the range", {"/grants/0/constraints/amount": {"type": "enum", "in": ["1", "500.000"]}}, None, ""),
    ("a greater range", {"/grants/0/constraints/amount": {"type": "range", "min": "1", "max": "500.01"}}, NOT,
     "/grants/0/constraints/amount"),
    ("half a range", {"/grants/0/constraints/amount": {"type": "range", "max": "500.00"}}, NOT,
     "/grants/0/constraints/amount"),
    ("an exponent", {"/grants/0/constraints/amount": {"type": "range", "max": "1e2"}}, SHAPE,
     "/grants/0/constraints/amount/max"),
    ("a number for a decimal", {"/grants/0/constraints/amount": {"type": "range", "max": 100}}, SHAPE,
     "/grants/0/constraints/amount/max"),
    ("another kind of constraint", {"/grants/0/constraints/amount": {"type": "prefix", "value": "1"}}, NOT,
     "/grants/0/constraints/amount"),
    ("an unknown kind", {"/grants/0/constraints/amount": {"type": "regex", "value": "."}}, "capability_unknown_caveat",
     "/grants/0/constraints/amount/type"),
    ("a constraint dropped", {"/grants/0/constraints": {"amount": GRANT["constraints"]["amount"]}}, NOT,
     "/grants/0/constraints/region"),
    ("a constraint added", {"/grants/0/constraints/to": {"type": "const", "value": True}}, None, ""),
    ("fewer calls in longer", {"/grants/0/limits/calls": {"max": 99, "window": "PT60M1S"}}, None, ""),
    ("more calls", {"/grants/0/limits/calls": {"max": 101, "window": "PT1H"}}, NOT, "/grants/0/limits/calls"),
    ("a shorter window", {"/grants/0/limits/calls": {"max": 100, "window": "PT59M"}}, NOT, "/grants/0/limits/calls"),
    ("a limit dropped", {"/grants/0/limits": {"calls": GRANT["limits"]["calls"]}}, NOT, "/grants/0/limits/budget"),
    ("another currency", {"/grants/0/limits/budget/unit": "USD"}, NOT, "/grants/0/limits/budget"),
    ("counted by another argument", {"/grants/0/limits/budget/argument": "net"}, NOT, "/grants/0/limits/budget"),
    ("a negative limit", {"/grants/0/limits/budget/max": "-1"}, SHAPE, "/grants/0/limits/budget/max"),
    ("always approved", {"/grants/0/approval/when": "always"}, None, ""),
    ("approved from less", {"/grants/0/approval/when/amount": {"gt": "199.99"}}, None, ""),
    ("approved from more", {"/grants/0/approval/when/amount": {"gt": "200.01"}}, NOT, "/grants/0/approval"),
    ("approved for fewer values", {"/grants/0/approval/when": {"amount": {"gt": "200.00"}}}, NOT, "/grants/0/approval"),
    ("approved for more values", {"/grants/0/approval/when/region": {"in": ["UK", "EU"]}}, None, ""),
    ("another approver", {"/grants/0/approval/approvers": ["did:web:evil.example"]}, NOT, "/grants/0/approval"),
    ("two of two", {"/grants/0/approval/threshold": 2}, None, ""),
    ("approved by nobody", {"/grants/0/approval": None}, NOT, "/grants/0/approval"),
    ("more autonomy", {"/grants/0/autonomyMax": 3}, NOT, "/grants/0/autonomyMax"),
    ("less autonomy", {"/grants/0/autonomyMax": 0}, None, ""),
    ("another type", {"/grants/0/type": "mcp_tool"}, NOT, "/grants/0/type"),
    ("out of no grant", {"/grants/0/from": "read"}, NOT, "/grants/0/from"),
    ("an omission", {"/grants/0/limits": "(removed)"}, SHAPE, "/grants/0"),
    ("an addition", {"/grants/0/note": "x"}, SHAPE, "/grants/0"),
    ("another root", {"/root": "did:web:evil.example"}, NOT, "/root"),
    ("another principal", {"/principal": "did:web:evil.example"}, NOT, "/principal"),
    ("another purpose", {"/purpose": "anything"}, NOT, "/purpose"),
    ("another audience", {"/audience": ["did:web:evil.example"]}, NOT, "/audience"),
    ("two audiences", {"/audience": ["did:web:partner.example", "did:web:evil.example"]}, SHAPE, "/grants/0"),
    ("stronger signatures", {"/minSecurity": "hybrid"}, None, ""),
    ("less depth below", {"/delegation/maxDepth": 1}, None, ""),
    ("more depth below", {"/delegation/maxDepth": 4}, DEPTH, "/delegation/maxDepth"),
    ("a depth left out", {"/delegation/depth": 2}, DEPTH, "/delegation/depth"),
)  # fmt: skip

PAY: Final[Json] = {
    "type": "http",
    "action": "invoice.pay",
    "resource": f"{API}/payments/7",
    "arguments": {"amount": "120.00", "currency": "EUR", "region": "EU"},
}
MISMATCH: Final = "capability_target_mismatch"
# what is changed in the request; whether it is permitted; whether an approval is needed
REQUESTS: Final[tuple[tuple[str, Json, str | None, bool], ...]] = (
    ("as granted", {}, None, False),
    ("with a query", {"/resource": f"{API}/payments/7?amount=9"}, None, False),
    ("an integer", {"/arguments/amount": 120}, None, False),
    ("at the bound", {"/arguments/amount": "500.00"}, None, True),
    ("over the bound", {"/arguments/amount": "500.01"}, MISMATCH, False),
    ("a fraction as a number", {"/arguments/amount": 120.5}, MISMATCH, False),
    ("twice", {"/arguments/amount": ["120.00", "1.00"]}, MISMATCH, False),
    ("absent", {"/arguments/amount": "(removed)"}, MISMATCH, False),
    ("above the approval's bound", {"/arguments/amount": "200.01"}, None, True),
    ("at the approval's bound", {"/arguments/amount": "200.00"}, None, False),
    ("a region to be approved", {"/arguments/region": "UK"}, None, True),
    ("a region of another type", {"/arguments/region": True}, MISMATCH, False),
    ("another unit", {"/arguments/currency": "USD"}, MISMATCH, False),
    ("no unit", {"/arguments/currency": "(removed)"}, MISMATCH, False),
    ("another action", {"/action": "invoice.list"}, MISMATCH, False),
    ("another type", {"/type": "a2a_skill"}, MISMATCH, False),
    ("above", {"/resource": API}, MISMATCH, False),
    ("dots", {"/resource": f"{API}/payments/../payments"}, MISMATCH, False),
    ("encoded dots", {"/resource": f"{API}/payments/%2e%2e/x"}, MISMATCH, False),
    ("an encoded slash", {"/resource": f"{API}/payments/7%2f8"}, MISMATCH, False),
)


def changed(value: Json, changes: Json) -> Json:
    """Return a copy with some places changed, or taken out."""
    made = deepcopy(value)
    for pointer, new in changes.items():
        at: Any = made
        *steps, last = pointer.split("/")[1:]
        for step in steps:
            at = at[int(step) if isinstance(at, list) else step]
        if new == "(removed)":
            del at[last]
        else:
            at[int(last) if isinstance(at, list) else last] = deepcopy(new)
    return made


def narrowing() -> Json:
    """Return the cases of specs/delegation.md D9-D20, and of C6-C18 where a child has not the form."""
    cases = []
    for name, changes, code, path in NARROWING:
        child = changed(CHILD, changes)
        hold((name, code, path), (name, *_outcome(child)))
        cases.append({"name": name, "child": child, "code": code, "path": path})
    return {"parent": ROOT, "cases": cases}


def _outcome(child: Json) -> tuple[str | None, str]:
    try:
        check_narrower(parse_capability(child, DEFAULT), parse_capability(ROOT, DEFAULT))
    except AgentdidError as error:
        return error.code, error.path
    return None, ""


def requests() -> Json:
    """Return the cases of specs/delegation.md D21-D29: a chain of two links, and what each request comes to."""
    chain = [ROOT, CHILD]
    links = [parse_capability(each, DEFAULT) for each in chain]
    credentials = [_credential(0), _credential(1)]
    cases = []
    for name, changes, code, approval in REQUESTS:
        wanted = changed(PAY, changes)
        request = Request(**wanted)
        case: Json = {"name": name, "request": wanted, "code": code}
        try:
            used = exercise(links, request)
        except CapabilityTargetMismatch as error:
            hold((name, code, False), (name, error.code, approval))
        else:
            hold((name, code, approval), (name, None, any(approval_applies(each, request) for each in used)))
            case["exercised"] = [each.id for each in used]
            case["approval"] = approval
            case["charges"] = [
                {
                    "link": link.id,
                    "limit": each.place,
                    "amount": each.amount,
                    "max": each.maximum,
                    "window": each.window_s,
                }
                for link, grant in zip(credentials, used, strict=True)
                for each in charges_of([(link, grant)], request, END)
            ]
        cases.append(case)
    return {
        "links": [
            {"issuer": each.issuer, "id": each.id, "capability": capability}
            for each, capability in zip(credentials, chain, strict=True)
        ],
        "cases": cases,
    }


def _credential(depth: int) -> Credential:
    issuer = ("did:web:acme.example", "did:key:z6MkntPHE2NM3bhZP55qUR7Xt49Ci7cYEW9afexuTvZ8wNT3")[depth]
    identifier = ("urn:uuid:3f2a6d0e-8c51-4b7e-9d1f-0a6b5c4d3e2f", "urn:uuid:7b9e1c44-52d0-4f6a-8e3b-1d2c3b4a5968")[
        depth
    ]
    return Credential(identifier, (), issuer, (), None, END, (), {})


def approvals() -> Json:
    """Return digests of calls and chains (specs/approval.md A5, A6), with the bytes that are hashed in plain sight."""
    calls = []
    for arguments, content_digest in (
        ({"amount": "250.00", "currency": "EUR"}, None),
        ({"currency": "EUR", "amount": "250.00"}, None),
        ({"amount": "250.0", "currency": "EUR"}, None),
        ({"ä": [1, True, None], "b": {"c": 1.5}}, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
    ):
        request = Request("http", "invoice.pay", f"{API}/payments", arguments)
        call = {
            "type": request.type,
            "action": request.action,
            "resource": request.resource,
            "arguments": arguments,
            "contentDigest": content_digest,
        }
        calls.append({"call": call, "argumentsDigest": digest_of_call(request, content_digest)})
    digests = [bytes([number]) * 32 for number in range(3)]
    links = [encode_multibase(b"\x12\x20" + each, "u") for each in digests]
    chains = [{"links": links[:size], "chainDigest": digest_of_chain(digests[:size])} for size in (1, 2, 3)]
    return {"calls": calls, "chains": chains}


PARTNER: Final = "did:web:partner.example"
OTHER: Final = "did:web:other.example"
SCOPE: Final[Json] = {"types": ["AgentCapabilityCredential"], "roots": [PARTNER], "actions": ["invoice.*"]}
FIRST: Final = "https://a.example/list"
SECOND: Final = "https://b.example/list"
THIRD: Final = "https://c.example/list"
CLAIM: Final[Json] = {
    "issuer": "did:web:acme.example",
    "types": ["AgentCapabilityCredential"],
    "root": PARTNER,
    "principal": None,
    "actions": ["invoice.read"],
}


def trust_lists() -> Json:
    """Whom lists let, for what, and by which way; each case is one change to lists that let acme read invoices."""
    acme: Json = {"issuers": ["did:web:acme.example"], **SCOPE}
    entry: Json = {"sequence": 1, "entries": [acme], "lists": []}
    below: Json = {"issuer": "did:web:b.example", "url": SECOND, "maxDepth": 0, **SCOPE}
    named: Json = {"sequence": 1, "entries": [], "lists": [below]}
    deeper: Json = {"issuer": "did:web:c.example", "url": THIRD, "maxDepth": 0, **SCOPE}
    policy: Json = {"url": FIRST, "issuer": "did:web:a.example", "maxDepth": 0, **SCOPE}
    deep: Json = {**policy, "maxDepth": 2}
    two: Json = {FIRST: named, SECOND: entry}
    wide: Json = {"issuers": ["did:web:acme.example"], **SCOPE, "actions": ["invoice.*", "order.*"]}
    diploma: Json = {"types": ["DiplomaCredential"]}
    rows: list[tuple[str, Json, Json, Json, list[str] | None, list[str]]] = [
        ("an entry lets its issuer", policy, {FIRST: entry}, CLAIM, ["invoice.read"], [FIRST]),
        ("nobody else", policy, {FIRST: entry}, {**CLAIM, "issuer": "did:web:acme.example.org"}, None, []),
        ("not beyond the policy's actions", {**policy, "actions": ["order.*"]}, {FIRST: entry}, CLAIM, None, []),
        ("not beyond the policy's roots", {**policy, "roots": [OTHER]}, {FIRST: entry}, CLAIM, None, []),
        ("not beyond the policy's types", {**policy, **diploma}, {FIRST: entry}, CLAIM, None, []),
        (
            "what the entry says beyond the policy is cut away",
            policy,
            {FIRST: {**entry, "entries": [wide]}},
            {**CLAIM, "actions": ["invoice.read", "order.place"]},
            ["invoice.read"],
            [FIRST],
        ),
        (
            "a narrower pattern is what two leave",
            {**policy, "actions": ["invoice.read.*"]},
            {FIRST: entry},
            {**CLAIM, "actions": ["invoice.read", "invoice.read.one"]},
            ["invoice.read.one"],
            [FIRST],
        ),
        ("for another root", policy, {FIRST: entry}, {**CLAIM, "root": OTHER}, None, []),
        ("for another principal", policy, {FIRST: entry}, {**CLAIM, "principal": OTHER}, None, []),
        (
            "for a principal that entry and policy name",
            {**policy, "principals": [OTHER]},
            {FIRST: {**entry, "entries": [{**acme, "principals": [OTHER]}]}},
            {**CLAIM, "principal": OTHER},
            ["invoice.read"],
            [FIRST],
        ),
        (
            "for a principal that the entry alone names",
            policy,
            {FIRST: {**entry, "entries": [{**acme, "principals": [OTHER]}]}},
            {**CLAIM, "principal": OTHER},
            None,
            [],
        ),
        (
            "two entries are not merged",
            {**policy, "types": ["AgentCapabilityCredential", "DiplomaCredential"]},
            {FIRST: {**entry, "entries": [{**acme, **diploma}, {**acme, "roots": [OTHER]}]}},
            CLAIM,
            None,
            [],
        ),
        (
            "an entry that has ended",
            policy,
            {FIRST: {**entry, "entries": [{**acme, "validUntil": "2026-10-31T00:00:00Z"}]}},
            CLAIM,
            None,
            [],
        ),
        (
            "an entry that has not begun",
            policy,
            {FIRST: {**entry, "entries": [{**acme, "validFrom": "2026-12-01T00:00:00Z"}]}},
            CLAIM,
            None,
            [],
        ),
        (
            "a member that is not known",
            policy,
            {FIRST: {**entry, "entries": [acme, {**acme, "more": 1}]}},
            CLAIM,
            None,
            [],
        ),
        (
            "a credential of another type",
            {**policy, **diploma},
            {FIRST: {**entry, "entries": [{"issuers": ["did:web:acme.example"], **diploma}]}},
            {**CLAIM, **diploma, "root": None, "actions": []},
            [],
            [FIRST],
        ),
        ("a list below", deep, two, CLAIM, ["invoice.read"], [FIRST, SECOND]),
        ("a list below, which the policy does not ask", policy, two, CLAIM, None, []),
        (
            "a list below is held to what names it",
            deep,
            {FIRST: {**named, "lists": [{**below, "actions": ["invoice.pay"]}]}, SECOND: entry},
            CLAIM,
            None,
            [],
        ),
        (
            "a named list that has ended",
            deep,
            {FIRST: {**named, "lists": [{**below, "validUntil": "2026-10-31T00:00:00Z"}]}, SECOND: entry},
            CLAIM,
            None,
            [],
        ),
        (
            "a third list, as the one above allows",
            deep,
            {
                FIRST: {**named, "lists": [{**below, "maxDepth": 1}]},
                SECOND: {**entry, "entries": [], "lists": [deeper]},
                THIRD: entry,
            },
            CLAIM,
            ["invoice.read"],
            [FIRST, SECOND, THIRD],
        ),
        (
            "a third list, which the one above does not allow",
            deep,
            {FIRST: named, SECOND: {**entry, "entries": [], "lists": [deeper]}, THIRD: entry},
            CLAIM,
            None,
            [],
        ),
        (
            "a list that names itself",
            deep,
            {FIRST: {**named, "lists": [{**below, "issuer": "did:web:a.example", "url": FIRST}]}},
            CLAIM,
            None,
            [],
        ),
    ]
    cases = []
    for title, asked, lists, claim, allowed, way in rows:
        hold((allowed, way), _let(asked, lists, claim))
        cases.append({"case": title, "policy": asked, "lists": lists, "claim": claim, "allowed": allowed, "way": way})
    return {"at": encode_instant(TRUST_AT), "cases": cases}


def _let(policy: Json, lists: Json, claim: Json) -> tuple[list[str] | None, list[str]]:
    """Return what signed lists of this content let a claim do, and by which way."""
    served = {}
    for number, (url, content) in enumerate(lists.items()):
        did = f"did:web:{url[8:].partition('/')[0]}"
        secret = SecretKey.from_seed("Ed25519", bytes([number + 1]) * 32)
        document = build_trust_list(
            url, did, content["sequence"], [], [], valid_from=TRUST_AT, valid_until=TRUST_AT + timedelta(days=1)
        )
        document["credentialSubject"] = {"trustList": content}
        suite = SUITES["eddsa-jcs-2022"]
        served[url] = encode(data_integrity.add_proof(document, secret, f"{did}#key-1", suite, created=TRUST_AT))
        served[did_web.url(did)] = encode(build_document(did, {"key-1": secret.public}))
    scope = decode_scope({"principals": [], "statusIssuers": [], "security": "hybrid-if-declared", **policy})
    ref = ListRef(policy["url"], policy["issuer"], scope, max_depth=policy["maxDepth"])
    trust = Trust("", "", MappingProxyType({}), lists=(ref,))
    case = open_case(Question(b"", False, trust, TRUST_AT), Memory())
    steps = find_listed(
        case, Claim(**{**claim, "types": frozenset(claim["types"]), "actions": tuple(claim["actions"])})
    )
    try:
        need = next(steps)
        while True:
            need = steps.send(_answer(need, served))
    except StopIteration as end:
        found = end.value
    if not found.anchors:
        return None, []
    wanted = claim["actions"]
    return [each for each in wanted if found.anchors[0].covers_action(each)], list(found.ways[0])


def _answer(need: object, served: dict[str, bytes]) -> Any:  # noqa: ANN401  # as the need
    if isinstance(need, NeedFacts):
        return tuple(Resource(url, served[url], TRUST_AT) for url in need.urls)
    if isinstance(need, NeedKeys):
        return Resource(need.url, served[need.url], TRUST_AT)
    return "kept"


def hold(expected: object, actual: object) -> None:
    """Hold that the implementation answers what stands here by hand."""
    if expected != actual:
        message = f"expected {expected}, got {actual}"
        raise SystemExit(message)


def show(value: Json) -> str:
    """Return JSON with a case a line."""
    members = []
    for name, each in value.items():
        rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in each) if isinstance(each, list) else None
        text = json.dumps(each, ensure_ascii=False) if rows is None else f"[\n  {rows}\n ]"
        members.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(members) + "\n}\n"


MAKERS: Final = {
    "narrowing": narrowing,
    "requests": requests,
    "approvals": approvals,
    "trust-lists": trust_lists,
    "audit-log": lambda: audit_log(hold),
    "decision-receipt": lambda: decision_receipt(hold),
    "policies": policy_cases.policies,
    "behaviour": policy_cases.behaviour,
}


def main() -> int:
    """Write the files, or say whether they are up to date."""
    stale = []
    for name, make in MAKERS.items():
        text = show(make())
        place = HERE / f"{name}.json"
        if "--check" not in sys.argv:
            place.write_text(text, "utf-8")
        elif not place.exists() or place.read_text("utf-8") != text:
            stale.append(place.name)
    if stale:
        sys.stderr.write(f"not up to date: {', '.join(stale)}; run specs/vectors/make.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
