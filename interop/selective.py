"""ecdsa-sd-2023 and bbs-2023 both ways with @digitalbazaar's suites: who signs, who derives, who verifies.

A proof goes through three hands. Where we sign, they verify what we derived and what they derived; where they sign, we
verify what they derived and what we did.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentdid.canon.contexts import find_document
from agentdid.codec.base import decode_multibase, encode_base64url, encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.delegation.link import build_link
from agentdid.keys.multikey import encode_secret_multikey
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import derivation
from agentdid.secure.mandatory import mandatory_pointers
from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.documents import capability_of, grant
from interop.judge import ask, judge
from interop.parties import AT, FOREIGN_DOCUMENTS, GOOD, HELPER, HOLDER, HOUR, ISSUER_BLS, ISSUER_P256, Party, status
from interop.stack import NodeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Document = dict[str, Any]
STACK: Final = NodeStack("digitalbazaar_sd", "@digitalbazaar/ecdsa-sd-2023-cryptosuite")
_CITIZENSHIP: Final = "https://w3id.org/citizenship/v4rc1"
_LICENCE: Final = ("https://w3id.org/vdl/v1", "https://w3id.org/vdl/aamva/v1")
_CONTEXTS: Final = {
    **{url: find_document(url) for url in (CREDENTIALS_V2, _CITIZENSHIP, *_LICENCE)},
    AGENTDID_V1: FOREIGN_DOCUMENTS[AGENTDID_V1],
}
_ISSUERS: Final = {"ecdsa-sd-2023": ISSUER_P256, "bbs-2023": ISSUER_BLS}
_HEADER: Final = b"for one occasion"


@dataclass(frozen=True)
class Credential:
    """What is signed, what its holder may hide, and what of that is shown."""

    document: Document
    hidden: Sequence[tuple[str | int, ...]]
    shown: Sequence[str]

    @property
    def mandatory(self) -> list[str]:
        """What every derivation shows."""
        return mandatory_pointers(self.document, self.hidden)


def _common(issuer: Party, kind: str, *contexts: str) -> Document:
    return {
        "@context": [CREDENTIALS_V2, *contexts],
        "id": "urn:uuid:7c3cf1c6-33f6-4ae2-8a4d-5f4cf0a7d0aa",
        "type": ["VerifiableCredential", kind],
        "issuer": {"id": issuer.did, "name": "Утопия"},
        "validFrom": encode_instant(AT - HOUR),
        "validUntil": encode_instant(AT + HOUR),
    }


def credentials(issuer: Party) -> dict[str, Credential]:
    """Return credentials with nested objects, arrays, several subjects, scripts and a JSON literal."""
    subject: tuple[str | int, ...] = ("credentialSubject",)
    resident = _common(issuer, "PermanentResidentCardCredential", _CITIZENSHIP) | {
        "name": [{"@value": "Karte", "@language": "de"}, {"@value": "بطاقة", "@language": "ar", "@direction": "rtl"}],
        "credentialSubject": {
            "id": HOLDER.did,
            "type": ["PermanentResident", "Person"],
            "givenName": "Zoe\u0308 🜚",
            "familyName": 'N"g\\u\nyễn\u007f',
            "birthCountry": "Arcadia",
            "birthDate": "1978-07-17",
            "permanentResidentCard": {
                "type": ["PermanentResidentCard"], "identifier": "83627465", "lprCategory": "C09",
                "lprNumber": "999-999-999",
            },
        },
    }  # fmt: skip
    licence = _common(issuer, "Iso18013DriversLicenseCredential", *_LICENCE) | {
        "credentialSubject": {
            "id": HOLDER.did,
            "type": "LicensedDriver",
            "driversLicense": {
                "type": "Iso18013DriversLicense",
                "document_number": "542426814",
                "family_name": "TURNER",
                "driving_privileges": [
                    {"codes": [{"code": "D"}], "vehicle_category_code": "D", "issue_date": "2019-01-01"},
                    {"codes": [{"code": "C"}, {"code": "B"}], "vehicle_category_code": "C"},
                ],
                "sex": 2,
            },
        },
        "evidence": [{"type": "VerifiableCredential", "name": name} for name in ("seen", "\U0001f511", "kept")],
    }
    several = _common(issuer, "PermanentResidentCardCredential", _CITIZENSHIP) | {
        "credentialSubject": [
            {"id": HOLDER.did, "name": "one", "description": "first"},
            {"id": HELPER.did, "name": "two", "description": "second"},
            {"name": "three", "description": [{"@value": "dritte", "@language": "de"}, "third"]},
        ],
        "evidence": [
            {"type": "VerifiableCredential", "name": "\U0001f511"},
            {"type": "VerifiableCredential", "name": "x"},
        ],
    }
    capability = build_link(
        issuer=issuer.did, subject=HOLDER.did, at=AT - HOUR, ttl=2 * HOUR, status=status(GOOD),
        capability=capability_of([grant("read", "invoice.read")]), claims={"name": "Приём счетов"},
        credential_id="urn:uuid:0b0cf5ce-8a3c-4f0e-9d43-0000000000aa",
    )  # fmt: skip
    driver = (*subject, "driversLicense")
    person = [(*subject, name) for name in ("givenName", "familyName", "birthCountry", "birthDate")]
    return {
        "nested objects": Credential(
            resident,
            [*person, (*subject, "permanentResidentCard"), ("name",)],
            ["/credentialSubject/familyName", "/credentialSubject/permanentResidentCard/lprNumber", "/name"],
        ),
        "arrays": Credential(
            licence,
            [("evidence", 0), ("evidence", 1), (*driver, "driving_privileges"), (*driver, "sex")],
            ["/credentialSubject/driversLicense/driving_privileges", "/evidence/1"],
        ),
        "several subjects": Credential(
            several,
            [(*subject, 0, "name"), (*subject, 1, "description"), (*subject, 2, "name"), ("evidence",)],
            ["/credentialSubject/2", "/evidence/0/name"],
        ),
        "a JSON literal": Credential(capability, [(*subject, "name")], ["/credentialSubject/name"]),
        "nothing chosen": Credential(resident, [*person, ("name",)], []),
    }


_FLIPPED: Final = 200  # within a signature, or a scalar


def _flip(document: Document) -> None:
    raw = bytearray(decode_multibase(document["proof"]["proofValue"]))
    raw[_FLIPPED] ^= 1
    document["proof"]["proofValue"] = encode_multibase(bytes(raw), "u")


def _append(document: Document) -> None:
    raw = decode_multibase(document["proof"]["proofValue"])
    document["proof"]["proofValue"] = encode_multibase(raw + b"\0", "u")


_SPOILED: Final[dict[str, tuple[Callable[[Document], object], str, str]]] = {
    "shown claim changed": (
        lambda document: document["credentialSubject"].__setitem__("familyName", "x"), "signature_invalid", "signature"
    ),
    "shown claim removed": (
        lambda document: document["credentialSubject"].pop("familyName"), "derived_proof_malformed", "does not"
    ),
    "mandatory member changed": (
        lambda document: document.__setitem__("validUntil", encode_instant(AT + 2 * HOUR)),
        "signature_invalid", "signature",
    ),
    "created changed": (
        lambda document: document["proof"].__setitem__("created", encode_instant(AT - HOUR / 2)),
        "signature_invalid", "signature",
    ),
    "a term that no context defines": (
        lambda document: document["credentialSubject"].__setitem__("shoeSize", 41), "term_undefined", "Safe mode",
    ),
    "another purpose": (
        lambda document: document["proof"].__setitem__("proofPurpose", "authentication"),
        "proof_purpose_mismatch", "required purpose",
    ),
    "a bit flipped": (_flip, "signature_invalid", "signature"),
    "a byte behind the proof value": (_append, "derived_proof_malformed", "valid .proofValue."),
}  # fmt: skip
"""What is done to a derived credential of nested objects, our code, and what their refusal speaks of."""


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    return [cell for suite in SELECTIVE for cell in (*_judged_by_them(suite), *_judged_by_us(suite))]


def _judged_by_them(suite: str) -> list[Cell]:
    issuer = _ISSUERS[suite]
    made = credentials(issuer)
    bases = {name: _base(each, issuer, suite) for name, each in made.items()}
    derived = {name: _derive(bases[name], each.shown) for name, each in made.items()}
    documents = derived | {
        f"{name}, derived by them": each for name, each in _derive_theirs(bases, made, suite).items()
    }
    expected = dict.fromkeys(documents, (ACCEPTED, "(?!)"))
    for name, (change, _, says) in _SPOILED.items():
        documents[name] = _changed(derived["nested objects"], change)
        expected[name] = (REFUSED, says)
    documents["base proof presented"] = bases["nested objects"]
    expected["base proof presented"] = (REFUSED, "valid .proofValue.")
    tasks = [{"op": "verify", "document": each, "suite": suite, "documents": _CONTEXTS} for each in documents.values()]
    return [
        Cell(
            STACK.name, OURS, suite, issuer.secret.public.algorithm.name, name, expected[name][0],
            ACCEPTED if answer.ok else refusal(answer.error, expected[name][1]), answer.error,
        )
        for name, answer in zip(documents, STACK.ask(tasks), strict=True)
    ]  # fmt: skip


def _judged_by_us(suite: str) -> list[Cell]:
    issuer = _ISSUERS[suite]
    made = credentials(issuer)
    bases = _base_theirs(made, issuer, suite)
    derived = _derive_theirs(bases, made, suite)
    documents = derived | {f"{name}, derived by us": _derive(bases[name], each.shown) for name, each in made.items()}
    expected = dict.fromkeys(documents, ACCEPTED)
    for name, (change, code, _) in _SPOILED.items():
        documents[name], expected[name] = _changed(derived["nested objects"], change), code
    documents["base proof presented"] = bases["nested objects"]
    expected["base proof presented"] = "base_proof_presented"
    return [_our_cell(suite, issuer, name, expected[name], document) for name, document in documents.items()]


def _our_cell(suite: str, issuer: Party, name: str, expected: str, document: Document) -> Cell:
    question = ask(document, AT, presented=False)
    algorithm = issuer.secret.public.algorithm.name
    return Cell(STACK.name, THEIRS, suite, algorithm, name, expected, judge(question), question=question)


def _changed(document: Document, change: Callable[[Document], object]) -> Document:
    changed = copy.deepcopy(document)
    change(changed)
    return changed


def _base(each: Credential, issuer: Party, suite: str) -> Document:
    return derivation.add_base_proof(
        each.document, issuer.secret, issuer.method_id, suite, pointers=each.mandatory, created=AT
    )


def _derive(base: Document, shown: Sequence[str]) -> Document:
    return derivation.derive(base, shown, presentation_header=_HEADER)


def _base_theirs(made: dict[str, Credential], issuer: Party, suite: str) -> dict[str, Document]:
    key = issuer.multikey_pair | {"secretKeyMultibase": encode_secret_multikey(issuer.secret)}
    return STACK.make(
        {
            name: {
                "op": "base", "document": each.document, "suite": suite, "key": key, "created": encode_instant(AT),
                "pointers": each.mandatory, "documents": _CONTEXTS,
            }
            for name, each in made.items()
        }
    )  # fmt: skip


def _derive_theirs(bases: dict[str, Document], made: dict[str, Credential], suite: str) -> dict[str, Document]:
    header = {"presentationHeader": encode_base64url(_HEADER)} if suite == "bbs-2023" else {}
    return STACK.make(
        {
            name: {
                "op": "derive", "document": bases[name], "suite": suite, "pointers": list(each.shown),
                "documents": _CONTEXTS, **header,
            }
            for name, each in made.items()
        }
    )  # fmt: skip
