"""Vectors of specs/audit-log.md and specs/decision-receipt.md; `make.py` writes them.

Hashes are computed here a second time, straight from the definitions of RFC 9162 section 2.1, and the implementation is
held against them.
"""

# ruff: noqa: INP001  # a script beside what it writes
from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from agentdid.audit.checkpoint import Checkpoint
from agentdid.audit.head import Head
from agentdid.audit.merkle import Tree, hash_leaf
from agentdid.audit.receipt import Logged, ReceiptKey, Statement, read_receipt
from agentdid.audit.record import DECISION, ISSUANCE, LOG, POLICY, RECOVERY, REVOCATION, Call, Named, Record
from agentdid.audit.walk import walk
from agentdid.codec.base import encode_base64url
from agentdid.errors import AgentdidError
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof.jws import sign_jws

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
KEY: Final = SecretKey.from_seed("Ed25519", (b"partner" * 32)[:32])
DID: Final = "did:web:partner.example"
ORIGIN: Final = f"{DID}/00000000"
AGENT: Final = "did:key:z6MkntPHE2NM3bhZP55qUR7Xt49Ci7cYEW9afexuTvZ8wNT3"
AT: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
DIGEST: Final = "uEiCGbGjmfMFbH_sd56aZqWezn6hmTjZHtbPOGUrGCa649w"
LINK: Final = Named("urn:uuid:3f2a6d0e-8c51-4b7e-9d1f-0a6b5c4d3e2f", "did:web:acme.example", AGENT, DIGEST)
SHORT: Final = Named(LINK.id, digest=DIGEST)
CALL: Final = Call("http", "invoice.read", "https://api.partner.example/v1/invoices/7", DIGEST)
CONTEXT: Final = {"version": "1", "origin": ORIGIN, "key": encode_multikey(KEY.public)}
TORN: Final = b'{"actor":"did:web:partner.example","at":"2026-11'
RECORDS: Final = (
    Record(AT, LOG, DID, context=CONTEXT),
    Record(AT, POLICY, DID, policy=DIGEST),
    Record(AT, DECISION, DID, "accepted", None, AGENT, DID, CALL, (LINK,), ("read",), policy=DIGEST),
    Record(AT, DECISION, DID, "refused", "status_revoked", AGENT, DID, CALL, (LINK,), policy=DIGEST),
    Record(AT, DECISION, DID, "malformed", "json_invalid", request=CALL, policy=DIGEST),
    Record(AT, ISSUANCE, DID, agent=AGENT, links=(LINK,), reasoning="urn:trace:5c1e", context={"ticket": "OPS-7"}),
    Record(AT, REVOCATION, DID, agent=AGENT, links=(LINK,)),
)


def audit_log(hold: Callable[[object, object], None]) -> Json:
    """Return a log, all its hashes and proofs, and what is to be named in changed ones."""
    lines = _lines()
    leaves = [sha256(b"\0" + line).digest() for line in lines]
    sums, before = [], bytes(32)
    for line in lines:
        if line == TORN:
            sums.append(None)
            continue
        body = line[: line.rindex(b',"sum"')] + b"}"
        before = sha256(before + body).digest()
        hold(encode_base64url(before), json.loads(line)["sum"])
        sums.append(encode_base64url(before))
    tree = Tree()
    for line in lines:
        tree.append(hash_leaf(line))
    sizes = range(1, len(lines) + 1)
    for size in sizes:
        hold(_root(leaves[:size]), tree.root(size))
    inclusion = []
    for index in range(len(lines)):
        path = _path(index, leaves)
        hold(path, list(tree.prove_inclusion(index)))
        inclusion.append({"index": index, "size": len(lines), "path": [encode_base64url(each) for each in path]})
    consistency = []
    for first in sizes:
        path = _proof(first, leaves, whole=True)
        hold(path, list(tree.prove_consistency(first)))
        consistency.append({"first": first, "second": len(lines), "path": [encode_base64url(each) for each in path]})
    notes = [Checkpoint(ORIGIN, size, _root(leaves[:size]), AT).sign(KEY) for size in sizes]
    cases = []
    for name, changed, named in _changed(lines):
        found = [step.index for step in walk(Head(), changed) if step.fault]
        hold((name, named), (name, found))
        cases.append({"name": name, "lines": [each.decode("latin-1") for each in changed], "named": named})
    return {
        "key": encode_multikey(KEY.public),
        "origin": ORIGIN,
        "lines": [line.decode() for line in lines],
        "sums": sums,
        "leaves": [encode_base64url(each) for each in leaves],
        "roots": [base64.b64encode(_root(leaves[:size])).decode() for size in sizes],
        "inclusion": inclusion,
        "consistency": consistency,
        "checkpoints": notes,
        "cases": cases,
    }


def _lines() -> list[bytes]:
    head, lines = Head(), []
    for record in RECORDS:
        if record.kind == REVOCATION:  # after a write that broke off
            lines.append(TORN)
            head.frontier.append(hash_leaf(TORN))
            context = {"torn": str(len(TORN)), "sha256": sha256(TORN).hexdigest()}
            lines.append(_write(head, Record(AT, RECOVERY, DID, context=context)))
        lines.append(_write(head, record))
    return lines


def _write(head: Head, record: Record) -> bytes:
    line, entry, digest = head.write(record)
    head.grow(entry.leaf, digest)
    return line


def _changed(lines: list[bytes]) -> list[tuple[str, list[bytes], list[int]]]:
    """Return changed logs, each with the entries that are to be named."""

    def at(index: int, line: bytes) -> list[bytes]:
        return [*lines[:index], line, *lines[index + 1 :]]

    # by hand: name, lines, the numbers that are named
    return [
        ("as it was written", lines, []),
        ("an outcome", at(3, lines[3].replace(b"refused", b"revused")), [3]),
        ("a running digest", at(2, lines[2][:-3] + (b"B" if lines[2][-3:-2] == b"A" else b"A") + b'"}'), [2]),
        ("a lower index", at(2, lines[2].replace(b'"index":2', b'"index":1')), [2]),
        ("a higher index", at(2, lines[2].replace(b'"index":2', b'"index":8')), [2]),
        ("a space", at(4, lines[4].replace(b'":', b'": ', 1)), [4]),
        ("a line removed", [*lines[:3], *lines[4:]], [3]),
        ("a line repeated", [*lines[:4], *lines[3:]], [3]),
        ("two lines exchanged", [*lines[:2], lines[3], lines[2], *lines[4:]], [2]),
        ("what was torn", at(6, TORN[:-1] + b"2"), [6]),
        ("cut short", at(8, lines[8][:40]), [8]),
    ]


def _root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    cut = _cut(len(leaves))
    return sha256(b"\1" + _root(leaves[:cut]) + _root(leaves[cut:])).digest()


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    cut = _cut(len(leaves))
    if index < cut:
        return [*_path(index, leaves[:cut]), _root(leaves[cut:])]
    return [*_path(index - cut, leaves[cut:]), _root(leaves[:cut])]


def _proof(first: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """RFC 9162 section 2.1.4.1."""
    if first == len(leaves):
        return [] if whole else [_root(leaves)]
    cut = _cut(len(leaves))
    if first <= cut:
        return [*_proof(first, leaves[:cut], whole=whole), _root(leaves[cut:])]
    return [*_proof(first - cut, leaves[cut:], whole=False), _root(leaves[:cut])]


def _cut(size: int) -> int:
    cut = 1
    while cut * 2 < size:
        cut *= 2
    return cut


def decision_receipt(hold: Callable[[object, object], None]) -> Json:
    """Return receipts, and what reading each comes to."""
    key = ReceiptKey(KEY, f"{DID}#key-1")
    leaf = encode_base64url(hash_leaf(_lines()[2]))
    statement = Statement(
        DID, AGENT, int(AT.timestamp()), "accepted", DIGEST, (SHORT,), None, AT.replace(minute=1),
        "https://api.partner.example", "bm90LXJhbmRvbS1hdC1hbGw", DIGEST, CALL, ("read",), (), Logged(ORIGIN, 2, leaf),
    )  # fmt: skip
    whole = key.sign(statement)
    claims = json.loads(base64.urlsafe_b64decode(whole.split(".")[1] + "=="))
    header = {"typ": "agentdid-receipt+jwt", "kid": key.method_id}
    invalid = "receipt_invalid"
    cases = []
    for name, token, code in (
        ("as it was signed", whole, None),
        ("another typ", sign_jws({**header, "typ": "JWT"}, claims, KEY), invalid),
        ("another's kid", sign_jws({**header, "kid": "did:web:evil.example#key-1"}, claims, KEY), invalid),
        ("a relative kid", sign_jws({**header, "kid": "#key-1"}, claims, KEY), invalid),
        ("no policy", sign_jws(header, {k: v for k, v in claims.items() if k != "policy"}, KEY), invalid),
        ("an unknown claim", sign_jws(header, {**claims, "exp": 1}, KEY), invalid),
        ("a time with a fraction", sign_jws(header, {**claims, "iat": 1.5}, KEY), invalid),
        ("an argument's value", sign_jws(header, {**claims, "request": {**claims["request"], "a": 1}}, KEY), invalid),
        ("another outcome", _forge(whole, "accepted", "approved"), "signature_invalid"),
        ("another signature", whole[:-20] + ("A" if whole[-20] != "A" else "B") + whole[-19:], "signature_invalid"),
    ):
        hold((name, code), (name, _read(token)))
        cases.append({"name": name, "token": token, "code": code})
    return {"key": encode_multikey(KEY.public), "did": DID, "claims": claims, "cases": cases}


def _forge(token: str, old: str, new: str) -> str:
    head, body, signature = token.split(".")
    text = base64.urlsafe_b64decode(body + "==").replace(old.encode(), new.encode())
    return f"{head}.{encode_base64url(text)}.{signature}"


def _read(token: str) -> str | None:
    try:
        read_receipt(token).signature.check(KEY.public)
    except AgentdidError as error:
        return error.code
    return None
