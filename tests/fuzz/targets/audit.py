"""What is kept and shown of decisions: log lines, proofs, receipts; and what registries publish and answer."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from agentdid.audit.head import split_line
from agentdid.audit.packed import read_line
from agentdid.audit.proofs import find_origin, hold_entry, hold_growth
from agentdid.audit.receipt import read_receipt
from agentdid.codec.base import decode_base64url
from agentdid.codec.strict_json import encode, parse_object
from agentdid.credential.parse import parse_credential
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.storage.log_folder import decode_kept
from agentdid.trust.registry import Query, parse_answer, parse_name
from agentdid.trust.trust_list import find_sequence, parse_trust_list
from tests.fuzz import material
from tests.fuzz.target import Target, hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.keys.public import PublicKey

_PARTNER: Final = "did:web:partner.example"
_QUERY: Final = Query("authorization", "did:web:acme.example", "did:web:registry.example", "issue", "badge", None)


def _key() -> PublicKey:
    """The key of the log that our specification shows."""
    seed = json.loads((material.EXAMPLES / "keys.json").read_bytes())[_PARTNER]["seed"]
    return SecretKey.from_seed("Ed25519", decode_base64url(seed)).public


def _line(data: bytes) -> None:
    for read in (split_line, read_line):
        with contextlib.suppress(ValueError):  # a torn line is named by who walks the log
            read(data)
    decode_kept(data)


def _entry(data: bytes) -> None:
    shown = hold_entry(parse_object(data).value, _key())
    hold(shown.record.index >= 0, "an entry without a place")


def _growth(data: bytes) -> None:
    before, after = hold_growth(parse_object(data).value, _key())
    hold(before.size <= after.size, "a log that shrank")


def _origin(data: bytes) -> None:
    find_origin(material.text_of(data))


def _receipt(data: bytes) -> None:
    receipt = read_receipt(material.text_of(data))
    hold(receipt.signature.did == receipt.statement.iss, "signed by another than who decided")


def _trust_list(data: bytes) -> None:
    document: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    found = parse_trust_list(parse_credential(document))
    hold(found.sequence == find_sequence(document), "two sequences of one list")


def _answer(data: bytes) -> None:
    parse_answer(data, _QUERY, DEFAULT)


def _name(data: bytes) -> None:
    url, _ = parse_name(material.text_of(data))
    hold(url.startswith("https://"), "something else than https is asked")


def _lines() -> Iterator[bytes]:
    yield from (material.EXAMPLES / "audit-log.jsonl").read_bytes().splitlines()


def _example(name: str) -> list[bytes]:
    return [(material.EXAMPLES / name).read_bytes().strip()]


_GOOD: Final = {
    "entity_id": _QUERY.entity,
    "authority_id": _QUERY.authority,
    "action": _QUERY.action,
    "resource": _QUERY.resource,
    "authorized": True,
    "time_evaluated": "2026-11-24T12:00:00Z",
    "message": "yes",
    "context": {},
}

TARGETS: Final = (
    Target("audit-line", _line, lambda: list(_lines())),
    Target("audit-entry", _entry, lambda: _example("audit-entry.json")),
    Target("audit-growth", _growth, lambda: _example("audit-growth.json")),
    Target("audit-origin", _origin, lambda: _example("audit-checkpoint.txt")),
    Target("receipt", _receipt, lambda: _example("decision-receipt.jwt")),
    Target("trust-list", _trust_list, lambda: _example("trust-list.json")),
    Target("registry-answer", _answer, lambda: [encode(_GOOD)]),
    Target("registry-name", _name, lambda: [_QUERY.name("https://registry.example").encode()]),
)
