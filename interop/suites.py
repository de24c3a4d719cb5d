"""Every Data Integrity suite both ways: signed by us and judged by Digital Bazaar's libraries, and the other way round.

ML-DSA is signed and verified by @noble/post-quantum, over canonical bytes that their JSON-LD and JCS libraries make.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.canon.contexts import find_document
from agentdid.codec.base import decode_multibase, encode_base64url, encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.keys.multikey import encode_multikey, encode_secret_multikey
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from interop import documents
from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.judge import ask, judge
from interop.parties import (
    AT,
    AUDIENCE,
    CHALLENGE,
    FOREIGN_DOCUMENTS,
    HOUR,
    MLDSA44,
    SUITE_HOLDERS,
    SUITE_ISSUERS,
    Party,
)
from interop.stack import NodeStack

if TYPE_CHECKING:
    from collections.abc import Callable

STACK: Final = NodeStack("digitalbazaar_suites", "@digitalbazaar/data-integrity")
KEYED: Final = tuple((name, each) for name, suite in SUITES.items() for each in suite.algorithms)
_ED25519_2020: Final = "https://w3id.org/security/suites/ed25519-2020/v1"
_CONTEXTS: Final = {url: {"@context": find_document(url)["@context"]} for url in (_ED25519_2020,)}
_DOCUMENTS: Final = {**FOREIGN_DOCUMENTS, **_CONTEXTS}
_BOUND: Final = {"challenge": CHALLENGE, "domain": AUDIENCE, "expires": encode_instant(AT + timedelta(minutes=1))}
_SAYS: Final = "Invalid signature|verif|[Ss]afe mode|not.*defined|term"

_ASSERTION: Final = data_integrity.ASSERTION
_AUTHENTICATION: Final = data_integrity.AUTHENTICATION

Document = dict[str, Any]
Key = tuple[str, str, str]
Wanted = tuple[Party, Document, str]


def subjects(issuer: str, subject: str) -> Document:
    """Return a credential of several subjects, two of them without a name: nested, in scripts, every term defined."""
    return {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "id": "urn:uuid:6d0f1c2e-7d0c-4d5e-9a0b-2b1f4c3d5e6f",
        "type": ["VerifiableCredential", "JsonSchemaCredential"],
        "issuer": {"id": issuer, "name": {"@value": "Société Générale d'Essai", "@language": "fr"}},
        "name": [
            {"@value": "フォルダー \U0001f4c1 e\u0301 \u00e9", "@language": "ja"},
            {"@value": "Ordner", "@language": "de"},
        ],
        "description": {"@value": "\u05e9\u05dc\u05d5\u05dd", "@language": "he", "@direction": "rtl"},
        "validFrom": encode_instant(AT - HOUR),
        "validUntil": encode_instant(AT + HOUR),
        "credentialSubject": [
            {"id": subject, "capability": documents.NESTED},
            {"approval": {"\ufb33": [1, None], "\U0001f600": {"a": []}}},
            {"approval": {"\ufb33": [2, None], "\U0001f600": {"a": []}}},
        ],
        "evidence": [
            {"type": "VerifiableCredential", "name": "first", "description": 'tab\t"quote" \\ \u2028'},
            {"type": "VerifiableCredential", "name": "second"},
        ],
        "termsOfUse": {"type": "VerifiablePresentation", "id": "urn:x:terms"},
    }


def _changed(path: str, value: object) -> Callable[[Document], Document]:
    def apply(document: Document) -> Document:
        changed = copy.deepcopy(document)
        *steps, last = path.split("/")
        place: Any = changed
        for step in steps:
            place = place[int(step) if isinstance(place, list) else step]
        place[int(last) if isinstance(place, list) else last] = value
        return changed

    return apply


def _flip(document: Document) -> Document:
    value = document["proof"]["proofValue"]
    raw = bytearray(decode_multibase(value))
    raw[9] ^= 1
    return _changed("proof/proofValue", encode_multibase(bytes(raw), value[0]))(document)


@dataclass(frozen=True)
class _Case:
    """What becomes of a signed document, and the code with which we refuse it."""

    name: str
    of: str
    code: str | None = None
    change: Callable[[Document], Document] = copy.deepcopy


_CASES: Final = (
    _Case("several subjects, nested, unicode", "subjects"),
    _Case("capability", "capability"),
    _Case("presentation", "presentation"),
    _Case("one text changed", "subjects", "signature_invalid", _changed("name/1/@value", "Mappe")),
    _Case(
        "text in a literal changed", "subjects", "signature_invalid",
        _changed("credentialSubject/0/capability/name", "Zoe"),
    ),
    _Case(
        "an unnamed subject changed", "subjects", "signature_invalid",
        _changed("credentialSubject/1/approval/\ufb33/0", 3),
    ),
    _Case("signature changed", "subjects", "signature_invalid", _flip),
    _Case(
        "created changed", "subjects", "signature_invalid", _changed("proof/created", encode_instant(AT - HOUR)),
    ),
    _Case("presented credential changed", "presentation", "signature_invalid",
          _changed("verifiableCredential/0/validUntil", encode_instant(AT + 2 * HOUR))),
)  # fmt: skip


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    ours, theirs = _documents(_sign_ours), _documents(_sign_theirs)
    return [*_judged_by_them(ours), *_judged_by_us(theirs)]


def _documents(sign: Callable[[dict[Key, Wanted]], dict[Key, Document]]) -> dict[Key, Document]:
    """Return every document under every suite, by suite, key algorithm and name."""
    wanted: dict[Key, Wanted] = {}
    for name, algorithm in KEYED:
        issuer, holder = SUITE_ISSUERS[algorithm], SUITE_HOLDERS[algorithm]
        several = subjects(issuer.did, holder.did)
        capability: Document = documents.capability() | {"issuer": issuer.did}
        capability["credentialSubject"] = {
            "id": holder.did,
            "capability": capability["credentialSubject"]["capability"],
        }
        one = several | {"credentialSubject": several["credentialSubject"][0]}
        for title, document in (("subjects", several), ("capability", capability), ("one", one)):
            wanted[name, algorithm, title] = issuer, document, _ASSERTION
    signed = sign(wanted)
    presented: dict[Key, Wanted] = {}
    for name, algorithm in KEYED:
        holder = SUITE_HOLDERS[algorithm]
        held = documents.presentation([signed[name, algorithm, "one"]], holder.did)
        presented[name, algorithm, "presentation"] = holder, held, _AUTHENTICATION
    return signed | sign(presented)


def _sign_ours(wanted: dict[Key, Wanted]) -> dict[Key, Document]:
    made = {}
    for key, (by, document, purpose) in wanted.items():
        options: dict[str, object] = dict(_BOUND) if purpose == _AUTHENTICATION else {}
        made[key] = data_integrity.add_proof(
            _with_context(key[0], document), by.secret, by.method_id, SUITES[key[0]], purpose=purpose, created=AT,
            options=options,
        )  # fmt: skip
    return made


def _sign_theirs(wanted: dict[Key, Wanted]) -> dict[Key, Document]:
    tasks = {key: _task(key[0], *each) for key, each in wanted.items()}
    return STACK.make(tasks)  # type: ignore[arg-type, return-value]  # whatever names they go by


def _task(name: str, by: Party, document: Document, purpose: str) -> dict[str, object]:
    bound = _BOUND if purpose == _AUTHENTICATION else {}
    shown = _with_context(name, document)
    if by.secret.public.algorithm.name != MLDSA44:
        return {
            "op": "sign", "suite": name, "document": shown, "key": _pair(by), "created": encode_instant(AT),
            "purpose": purpose, "options": bound, "documents": _DOCUMENTS,
        }  # fmt: skip
    proof = {
        "type": "DataIntegrityProof", "cryptosuite": name, "created": encode_instant(AT),
        "verificationMethod": by.method_id, "proofPurpose": purpose, **bound,
        **({"@context": shown["@context"]} if "jcs" in name else {}),
    }  # fmt: skip
    seed = encode_base64url(by.secret.export_seed())
    return {"op": "signMldsa", "document": shown, "seed": seed, "proof": proof, "documents": _DOCUMENTS}


def _pair(by: Party) -> dict[str, str]:
    return {
        "id": by.method_id,
        "controller": by.did,
        "publicKeyMultibase": encode_multikey(by.secret.public),
        "secretKeyMultibase": encode_secret_multikey(by.secret),
    }


def _judged_by_them(signed: dict[Key, Document]) -> list[Cell]:
    asked = [(name, algorithm, case) for name, algorithm in KEYED for case in _CASES]
    tasks: list[dict[str, object]] = []
    for name, algorithm, case in asked:
        given = case.change(signed[name, algorithm, case.of])
        presented = case.of == "presentation"
        by = (SUITE_HOLDERS if presented else SUITE_ISSUERS)[algorithm]
        if algorithm == MLDSA44:
            key = encode_base64url(by.secret.public.raw)
            tasks.append({"op": "verifyMldsa", "input": given, "publicKey": key, "documents": _DOCUMENTS})
            continue
        tasks.append(
            {
                "op": "verify", "suite": name, "input": given, "now": encode_instant(AT),
                "purpose": _AUTHENTICATION if presented else _ASSERTION,
                "options": {"challenge": CHALLENGE, "domain": AUDIENCE}, "documents": _DOCUMENTS,
            }
        )  # fmt: skip
    made = []
    for (name, algorithm, case), answer in zip(asked, STACK.ask(tasks), strict=True):
        whole = case.code is None
        got = ACCEPTED if answer.ok else refusal(answer.error, "(?!)" if whole else _SAYS)
        expected = ACCEPTED if whole else REFUSED
        made.append(Cell(STACK.name, OURS, name, algorithm, case.name, expected, got, answer.error))
    return made


def _judged_by_us(signed: dict[Key, Document]) -> list[Cell]:
    made = []
    for name, algorithm in KEYED:
        for case in _CASES:
            given = case.change(signed[name, algorithm, case.of])
            got = judge(ask(given, AT, presented=case.of == "presentation"))
            made.append(Cell(STACK.name, THEIRS, name, algorithm, case.name, case.code or ACCEPTED, got))
    return made


def _with_context(name: str, document: Document) -> Document:
    contexts = [*document["@context"], *([_ED25519_2020] if name == "Ed25519Signature2020" else [])]
    return {**document, "@context": contexts}
