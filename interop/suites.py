"""Every Data Integrity suite both ways: signed by us and judged by Digital Bazaar's libraries, and the other way round.

ML-DSA is signed and verified by @noble/post-quantum, over canonical bytes that their JSON-LD and JCS libraries make.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

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
Sign = Callable[[str, Party, Document, str], Document]


def subjects(issuer: str, subject: str) -> Document:
    """Return a credential of several subjects, two of them without a name: nested, in scripts, every term defined."""
    return {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "id": "urn:uuid:6d0f1c2e-7d0c-4d5e-9a0b-2b1f4c3d5e6f",
        "type": ["VerifiableCredential", "HumanApprovalCredential"],
        "issuer": {"id": issuer, "name": {"@value": "Société Générale d'Essai", "@language": "fr"}},
        "name": ["Ordner", "フォルダー", "\U0001f4c1 e\u0301 \u00e9"],
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
    _Case("one text changed", "subjects", "signature_invalid", _changed("name/0", "Mappe")),
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
    made = []
    for name, algorithm in KEYED:
        sign = _sign_mldsa if algorithm == MLDSA44 else _sign_theirs
        made += _judged_by_them(name, algorithm, _documents(name, algorithm, _sign_ours))
        made += _judged_by_us(name, algorithm, _documents(name, algorithm, sign))
    return made


def _documents(name: str, algorithm: str, sign: Sign) -> dict[str, Document]:
    issuer, holder = SUITE_ISSUERS[algorithm], SUITE_HOLDERS[algorithm]
    signed = {"subjects": sign(name, issuer, _with_context(name, subjects(issuer.did, holder.did)), _ASSERTION)}
    capability: Document = documents.capability()
    capability |= {"issuer": issuer.did}
    capability["credentialSubject"] = {**capability["credentialSubject"], "id": holder.did}
    del capability["credentialSubject"]["name"]
    signed["capability"] = sign(name, issuer, _with_context(name, capability), _ASSERTION)
    one = subjects(issuer.did, holder.did)
    single = sign(
        name, issuer, _with_context(name, one | {"credentialSubject": one["credentialSubject"][0]}), _ASSERTION
    )
    presentation = documents.presentation([single], holder.did)
    signed["presentation"] = sign(name, holder, _with_context(name, presentation), _AUTHENTICATION)
    return signed


def _with_context(name: str, document: Document) -> Document:
    contexts = [*document["@context"], *([_ED25519_2020] if name == "Ed25519Signature2020" else [])]
    return {**document, "@context": contexts}


def _sign_ours(name: str, by: Party, document: Document, purpose: str) -> Document:
    options: dict[str, object] = dict(_BOUND) if purpose == "authentication" else {}
    return data_integrity.add_proof(
        document, by.secret, by.method_id, SUITES[name], purpose=purpose, created=AT, options=options
    )


def _pair(by: Party) -> dict[str, str]:
    return {
        "id": by.method_id,
        "controller": by.did,
        "publicKeyMultibase": encode_multikey(by.secret.public),
        "secretKeyMultibase": encode_secret_multikey(by.secret),
    }


def _sign_theirs(name: str, by: Party, document: Document, purpose: str) -> Document:
    task = {
        "op": "sign", "suite": name, "document": document, "key": _pair(by), "created": encode_instant(AT),
        "purpose": purpose, "options": _BOUND if purpose == _AUTHENTICATION else {},
        "documents": _DOCUMENTS,
    }  # fmt: skip
    return STACK.make({"signed": task})["signed"]  # type: ignore[no-any-return]  # a document


def _sign_mldsa(name: str, by: Party, document: Document, purpose: str) -> Document:
    proof = {
        "type": "DataIntegrityProof", "cryptosuite": name, "created": encode_instant(AT),
        "verificationMethod": by.method_id, "proofPurpose": purpose,
        **(_BOUND if purpose == "authentication" else {}),
        **({"@context": document["@context"]} if "jcs" in name else {}),
    }  # fmt: skip
    seed = encode_base64url(by.secret.export_seed())
    task = {"op": "signMldsa", "document": document, "seed": seed, "proof": proof, "documents": _DOCUMENTS}
    return STACK.make({"signed": task})["signed"]  # type: ignore[no-any-return]  # a document


def _judged_by_them(name: str, algorithm: str, signed: dict[str, Document]) -> list[Cell]:
    tasks: list[dict[str, object]] = []
    for case in _CASES:
        given = case.change(signed[case.of])
        by = (SUITE_HOLDERS if case.of == "presentation" else SUITE_ISSUERS)[algorithm]
        if algorithm == MLDSA44:
            key = encode_base64url(by.secret.public.raw)
            tasks.append({"op": "verifyMldsa", "input": given, "publicKey": key, "documents": _DOCUMENTS})
            continue
        presented = case.of == "presentation"
        tasks.append(
            {
                "op": "verify", "suite": name, "input": given, "now": encode_instant(AT),
                "purpose": "authentication" if presented else "assertionMethod",
                "options": {"challenge": CHALLENGE, "domain": AUDIENCE}, "documents": _DOCUMENTS,
            }
        )  # fmt: skip
    made = []
    for case, answer in zip(_CASES, STACK.ask(tasks), strict=True):
        whole = case.code is None
        got = ACCEPTED if answer.ok else refusal(answer.error, "(?!)" if whole else _SAYS)
        expected = ACCEPTED if whole else REFUSED
        made.append(Cell(STACK.name, OURS, name, algorithm, case.name, expected, got, answer.error))
    return made


def _judged_by_us(name: str, algorithm: str, signed: dict[str, Document]) -> list[Cell]:
    made = []
    for case in _CASES:
        presented = case.of == "presentation"
        given = case.change(signed[case.of])
        got = judge(ask(given, AT, presented=presented))
        made.append(Cell(STACK.name, THEIRS, name, algorithm, case.name, case.code or ACCEPTED, got))
    return made
