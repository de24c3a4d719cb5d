"""eddsa-jcs-2022 both ways: credentials, chains and presentations, whole and spoiled, with @digitalbazaar/vc."""

from __future__ import annotations

import copy
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.did.key import document_json
from agentdid.keys.multikey import encode_multikey
from agentdid.secure import data_integrity
from interop import documents
from interop.cell import ACCEPTED, OURS, THEIRS, Cell, refusal
from interop.judge import HTTP, ask, judge
from interop.parties import (
    ACME,
    AT,
    AUDIENCE,
    CHALLENGE,
    FOREIGN_DOCUMENTS,
    HELPER,
    HOLDER,
    HOUR,
    ISSUER,
    LIMITED,
    REVOKED,
    STRANGER,
    SUITE,
    Party,
)
from interop.stack import NodeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

STACK: Final = NodeStack("digitalbazaar", "@digitalbazaar/vc")
FORMAT: Final = "eddsa-jcs-2022"
Document = dict[str, Any]
MINUTE: Final = timedelta(minutes=1)
_BOUND: Final = {"challenge": CHALLENGE, "domain": AUDIENCE, "expires": encode_instant(AT + MINUTE)}


@dataclass(frozen=True)
class Wanted:
    """A document to be signed: by whom, for what, with which members in its proof."""

    document: Document
    by: Party
    purpose: str = data_integrity.ASSERTION
    options: Mapping[str, object] = field(default_factory=dict)
    at: datetime = AT


def credentials() -> dict[str, Wanted]:
    """Return the credentials, by the name under which cases speak of them."""
    stranger = documents.plain(issuer=STRANGER.did)
    return {
        "plain": Wanted(documents.plain(), ISSUER),
        "capability": Wanted(documents.capability(), ACME),
        "revoked": Wanted(documents.capability(REVOKED), ACME),
        "impostor": Wanted(documents.plain(), STRANGER),
        "stranger": Wanted(stranger, STRANGER),
        "authentication": Wanted(documents.plain(), ISSUER, data_integrity.AUTHENTICATION),
        "limited": Wanted(documents.plain(issuer=LIMITED.did), LIMITED),
        "future": Wanted(documents.plain(validFrom=encode_instant(AT + HOUR / 2)), ISSUER),
        "proof expires": Wanted(documents.plain(), ISSUER, options={"expires": encode_instant(AT + MINUTE)}),
    }


def presentations(signed: Mapping[str, Document]) -> dict[str, Wanted]:
    """Return what is made of signed credentials: a delegated capability, and presentations."""
    spoiled = change("credentialSubject", "name", "Zoe")(signed["plain"])
    authentication = data_integrity.AUTHENTICATION

    def vp(document: Document, by: Party = HOLDER, purpose: str = authentication, **options: object) -> Wanted:
        return Wanted(document, by, purpose, _BOUND | options)

    held = documents.presentation([signed["plain"]])
    no_domain = Wanted(held, HOLDER, authentication, {name: _BOUND[name] for name in ("challenge", "expires")})
    return {
        "delegated": Wanted(documents.delegated([signed["capability"]]), HOLDER),
        "vp": vp(held),
        "vp capability": vp(documents.presentation([signed["capability"]])),
        "vp http": vp(documents.http_presentation([signed["capability"]], HTTP.method, HTTP.url)),
        "vp other challenge": vp(held, challenge="b3RoZXI"),
        "vp other domain": vp(held, domain="https://api.other.example"),
        "vp domain list": vp(held, domain=[AUDIENCE]),
        "vp no domain": no_domain,
        "vp assertion": vp(held, purpose=data_integrity.ASSERTION),
        "vp stranger": vp(documents.presentation([signed["plain"]], STRANGER.did), STRANGER),
        "vp other holder": vp(documents.presentation([signed["plain"]], HOLDER.did), STRANGER),
        "vp spoiled": vp(documents.presentation([spoiled])),
    }


def last(signed: Mapping[str, Document]) -> dict[str, Wanted]:
    """Return what is made of delegated capabilities."""
    chain = [signed["capability"], signed["delegated"]]
    return {
        "vp chain": Wanted(
            documents.presentation(chain, HELPER.did), HELPER, data_integrity.AUTHENTICATION, dict(_BOUND)
        )
    }


def change(*path: Any) -> Callable[[Document], Document]:  # noqa: ANN401  # names, indexes, and the value last
    """Return a change: the value at a path becomes another; `None` takes the member away."""
    *steps, name, value = path

    def apply(document: Document) -> Document:
        changed = copy.deepcopy(document)
        place = changed
        for step in steps:
            place = place[step]
        if value is None:
            del place[name]
        else:
            place[name] = value(place[name]) if callable(value) else value
        return changed

    return apply


def _flip(value: str) -> str:
    raw = bytearray(decode_multibase(value))
    raw[7] ^= 1
    return encode_multibase(bytes(raw), "z")


@dataclass(frozen=True)
class Case:
    """One thing to try.

    Attributes:
        name: In words.
        of: Which document, or a chain of them, root first.
        code: Our answer: a code, or `None` where it is to be accepted.
        says: What a foreign refusal is about; the empty pattern where the specification has it accepted.
        change: What is done after signing.
        at: When it is judged.
    """

    name: str
    of: tuple[str, ...]
    code: str | None = None
    says: str = ""
    change: Callable[[Document], Document] | None = None
    at: datetime = AT

    @property
    def presented(self) -> bool:
        """Whether it is a presentation."""
        return self.of[0].startswith("vp")


_SIGNATURE: Final = "Invalid signature"
_PROOF: Final = "Did not verify any proofs"
CASES: Final = (
    Case("nested, unicode, numbers", ("plain",)),
    Case("capability, status good", ("capability",)),
    Case("delegated capability", ("capability", "delegated")),
    Case("one text changed", ("plain",), "signature_invalid", _SIGNATURE, change("credentialSubject", "name", "Zoe")),
    Case(
        "text composed (NFC)", ("plain",), "signature_invalid", _SIGNATURE,
        change("credentialSubject", "name", lambda text: unicodedata.normalize("NFC", text)),
    ),
    Case(
        "number changed in its last place", ("plain",), "signature_invalid", _SIGNATURE,
        change("credentialSubject", "numbers", 8, 333333333.3333334),
    ),
    Case(
        "list reordered", ("plain",), "signature_invalid", _SIGNATURE,
        change("credentialSubject", "degrees", lambda rows: rows[::-1]),
    ),
    Case(
        "grant widened", ("capability",), "signature_invalid", _SIGNATURE,
        change("credentialSubject", "capability", "grants", 0, "actions", ["invoice.read", "invoice.pay"]),
    ),
    Case(
        "claim added", ("plain",), "signature_invalid", _SIGNATURE,
        change("credentialSubject", lambda it: {**it, "x": 1}),
    ),
    Case("signature changed", ("plain",), "signature_invalid", _SIGNATURE, change("proof", "proofValue", _flip)),
    Case(
        "created changed", ("plain",), "signature_invalid", _SIGNATURE,
        change("proof", "created", encode_instant(AT - HOUR)),
    ),
    Case("proof's context taken away", ("plain",), "signature_invalid", _SIGNATURE, change("proof", "@context", None)),
    Case(
        "proof's context is not the document's", ("plain",), "proof_verification_error", "does not start with",
        change("proof", "@context", ["https://www.w3.org/2018/credentials/v1"]),
    ),
    Case(
        "context added behind the signed ones", ("plain",),
        change=change("@context", lambda it: [*it, "https://w3id.org/security/data-integrity/v2"]),
    ),
    Case(
        "another key named", ("plain",), "issuer_key_mismatch", _SIGNATURE,
        change("proof", "verificationMethod", STRANGER.method_id),
    ),
    Case(
        "signed by somebody else", ("impostor",), "issuer_key_mismatch",
        "must match the verification method controller",
    ),
    Case("signed for authentication", ("authentication",), "proof_purpose_mismatch", _PROOF),
    Case("key not for assertions", ("limited",), "purpose_not_authorized", "not authorized"),
    Case(
        "unknown suite", ("plain",), "proof_suite_unsupported", _PROOF,
        change("proof", "cryptosuite", "eddsa-jcs-2021"),
    ),
    Case("no proof", ("plain",), "proof_missing", "No matching proofs", change("proof", None)),
    Case("expired", ("plain",), "expired", "is after", at=AT + 2 * HOUR),
    Case("not yet valid", ("future",), "not_yet_valid", "is before"),
    Case("proof expired", ("proof expires",), "expired", "expire", at=AT + HOUR / 2),
    Case("revoked", ("revoked",), "status_revoked", "revoked"),
    Case("presentation", ("vp",)),
    Case("presentation of a capability", ("vp capability",)),
    Case("presentation of a chain", ("vp chain",)),
    Case("presentation for one HTTP request", ("vp http",)),
    Case("other challenge", ("vp other challenge",), "invalid_challenge_error", "challenge is not as expected"),
    Case("other domain", ("vp other domain",), "invalid_domain_error", "domain is not as expected"),
    Case("no domain", ("vp no domain",), "invalid_domain_error", "domain is not as expected"),
    Case("domain is a list of one", ("vp domain list",)),
    Case("presentation signed for assertion", ("vp assertion",), "proof_purpose_mismatch", _PROOF),
    Case("presented by somebody else", ("vp stranger",)),
    Case("presented in the holder's name", ("vp other holder",), "issuer_key_mismatch", "holder|controller"),
    Case("presentation expired", ("vp",), "expired", "expire", at=AT + HOUR / 6),
    Case(
        "presentation's signature changed", ("vp",), "signature_invalid", _SIGNATURE,
        change("proof", "proofValue", _flip),
    ),
    Case(
        "presentation's challenge changed", ("vp other challenge",), "signature_invalid", _SIGNATURE,
        change("proof", "challenge", CHALLENGE),
    ),
    Case(
        "presentation's domain changed", ("vp other domain",), "signature_invalid", _SIGNATURE,
        change("proof", "domain", AUDIENCE),
    ),
    Case(
        "presentation's lifetime prolonged", ("vp",), "signature_invalid", _SIGNATURE,
        change("proof", "expires", encode_instant(AT + MINUTE / 2)),
    ),
    Case("presented credential spoiled", ("vp spoiled",), "signature_invalid", _SIGNATURE),
    Case(
        "presented credential exchanged", ("vp",), "signature_invalid", _SIGNATURE,
        change("verifiableCredential", 0, "id", "urn:uuid:0"),
    ),
)  # fmt: skip


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    ours, theirs = _make(_sign), _make(_sign_theirs)
    return [*_judged_by_them(ours), *_judged_by_us(theirs), *_keys(), *_expanded(ours)]


def _make(sign: Callable[[dict[str, Wanted]], dict[str, Document]]) -> dict[str, Document]:
    signed = sign(credentials())
    for wanted in (presentations, last):
        signed |= sign(wanted(signed))
    return signed


def _sign(wanted: dict[str, Wanted]) -> dict[str, Document]:
    return {
        name: data_integrity.add_proof(
            each.document, each.by.secret, each.by.method_id, SUITE,
            purpose=each.purpose, created=each.at, options=dict(each.options),
        )
        for name, each in wanted.items()
    }  # fmt: skip


def _sign_theirs(wanted: dict[str, Wanted]) -> dict[str, Document]:
    tasks: list[dict[str, object]] = [
        {
            "op": "sign", "document": each.document, "key": each.by.multikey_pair, "created": encode_instant(each.at),
            "purpose": each.purpose, "options": dict(each.options), "documents": dict(FOREIGN_DOCUMENTS),
        }
        for each in wanted.values()
    ]  # fmt: skip
    signed = {}
    for name, answer in zip(wanted, STACK.ask(tasks), strict=True):
        if not answer.ok:
            message = f"{STACK.name} did not sign {name!r}: {answer.error}"
            raise RuntimeError(message)
        signed[name] = answer.result
    return signed


def _given(case: Case, signed: Mapping[str, Document]) -> list[Document]:
    *above, leaf = [signed[name] for name in case.of]
    if case.change is None:
        return [*above, leaf]
    changed = case.change(leaf)
    if changed == leaf:
        message = f"{case.name!r} changes nothing"
        raise ValueError(message)
    return [*above, changed]


def _judged_by_them(signed: Mapping[str, Document]) -> list[Cell]:
    tasks: list[dict[str, object]] = [
        {
            "op": "verifyPresentation" if case.presented else "verifyCredential",
            "input": _given(case, signed)[-1],
            "now": encode_instant(case.at),
            "documents": dict(FOREIGN_DOCUMENTS),
            "challenge": CHALLENGE,
            "domain": AUDIENCE,
        }
        for case in CASES
    ]
    return [
        Cell(
            STACK.name, OURS, FORMAT, "Ed25519", case.name,
            expected=ACCEPTED if not case.says else "refused",
            got=ACCEPTED if answer.ok else refusal(answer.error, case.says or "(?!)"),
            detail=answer.error,
        )
        for case, answer in zip(CASES, STACK.ask(tasks), strict=True)
    ]  # fmt: skip


def _judged_by_us(signed: Mapping[str, Document]) -> list[Cell]:
    made = []
    for case in CASES:
        given = _given(case, signed)
        question = ask(
            given if len(given) > 1 else given[0], case.at, presented=case.presented, http=case.of == ("vp http",)
        )
        made.append(
            Cell(STACK.name, THEIRS, FORMAT, "Ed25519", case.name, case.code or ACCEPTED, judge(question), "", question)
        )
    return made


def _keys() -> list[Cell]:
    """Key texts and DID documents, ours beside theirs."""
    ours = document_json(HOLDER.did)
    pair, resolved = STACK.ask([{"op": "key", **HOLDER.multikey_pair}, {"op": "resolve", "did": HOLDER.did}])
    same = {
        ("Multikey", "the pair of a seed"): pair.ok
        and pair.result["publicKeyMultibase"] == encode_multikey(HOLDER.secret.public),
        ("did:key document", "method and relationships"): resolved.ok
        and all(
            ours[name] == resolved.result[name]
            for name in ("id", "authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation")
        )
        and ours["verificationMethod"] == resolved.result["verificationMethod"],
    }
    return [
        Cell(STACK.name, OURS, form, "Ed25519", case, "same", "same" if held else "differs")
        for (form, case), held in same.items()
    ]


def _expanded(signed: Mapping[str, Document]) -> list[Cell]:
    """Our context under a JSON-LD processor: every term defined, the capability one JSON literal."""
    subject = "https://www.w3.org/2018/credentials#credentialSubject"
    capability = signed["capability"]
    unknown = change("credentialSubject", lambda it: {**it, "capabilities": 1})(capability)
    answers = STACK.ask(
        [
            {"op": "expand", "input": {name: value for name, value in each.items() if name != "proof"},
             "documents": dict(FOREIGN_DOCUMENTS)}
            for each in (capability, unknown)
        ]
    )  # fmt: skip
    whole, undefined = answers
    literals = [
        value["@value"]
        for entry in (whole.result[0][subject] if whole.ok else [])
        for values in entry.values()
        if isinstance(values, list)
        for value in values
        if isinstance(value, dict) and value.get("@type") == "@json"
    ]
    held = literals == [capability["credentialSubject"]["capability"]]
    return [
        Cell(STACK.name, OURS, "JSON-LD", "none", "capability is one JSON literal", "same",
             "same" if held else "differs", whole.error),
        Cell(STACK.name, OURS, "JSON-LD", "none", "term that no context defines", "refused",
             ACCEPTED if undefined.ok else refusal(undefined.error, "[Ss]afe mode"), undefined.error),
    ]  # fmt: skip
