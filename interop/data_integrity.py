"""eddsa-jcs-2022 both ways: credentials, chains and presentations, whole and spoiled, with @digitalbazaar/vc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.codec.base import encode_base64url
from agentdid.codec.instant import encode_instant
from agentdid.did.key import document_json
from agentdid.secure import data_integrity
from interop.cell import ACCEPTED, OURS, REFUSED, Cell, refusal
from interop.data_integrity_cases import CASES, Document, Wanted, change, credentials, last, presentations
from interop.judge import ask
from interop.parties import AT, AUDIENCE, CHALLENGE, FOREIGN_DOCUMENTS, HOLDER, SUITE
from interop.stack import NodeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STACK: Final = NodeStack("digitalbazaar", "@digitalbazaar/vc")
FORMAT: Final = "eddsa-jcs-2022"
_ED25519: Final = "Ed25519"


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
            purpose=each.purpose, created=AT, options=dict(each.options),
        )
        for name, each in wanted.items()
    }  # fmt: skip


def _sign_theirs(wanted: dict[str, Wanted]) -> dict[str, Document]:
    return STACK.make(
        {
            name: {
                "op": "sign", "document": each.document, "key": each.by.multikey_pair, "created": encode_instant(AT),
                "purpose": each.purpose, "options": dict(each.options), "documents": dict(FOREIGN_DOCUMENTS),
            }
            for name, each in wanted.items()
        }
    )  # fmt: skip


def _judged_by_them(signed: Mapping[str, Document]) -> list[Cell]:
    answers = STACK.ask(
        [
            {
                "op": "verifyPresentation" if case.presented else "verifyCredential",
                "input": case.apply(signed[case.of]),
                "now": encode_instant(case.at),
                "documents": dict(FOREIGN_DOCUMENTS),
                "challenge": CHALLENGE,
                "domain": AUDIENCE,
            }
            for case in CASES
        ]
    )
    return [
        case.judged_by_them(STACK.name, FORMAT, _ED25519, answer) for case, answer in zip(CASES, answers, strict=True)
    ]


def _judged_by_us(signed: Mapping[str, Document]) -> list[Cell]:
    made = []
    for case in CASES:
        chain = [*(signed[name] for name in case.above), case.apply(signed[case.of])]
        given = chain if case.above else chain[0]
        question = ask(given, case.at, presented=case.presented, http=case.http)
        made.append(case.judged_by_us(STACK.name, FORMAT, _ED25519, question))
    return made


def _keys() -> list[Cell]:
    """Key texts and DID documents, ours beside theirs."""
    ours = document_json(HOLDER.did)
    seed = encode_base64url(HOLDER.secret.export_seed())
    pair, resolved = STACK.ask([{"op": "key", "seed": seed}, {"op": "resolve", "did": HOLDER.did}])
    same = {
        ("Multikey", "the pair of a seed"): pair.ok
        and all(
            HOLDER.multikey_pair[name] == pair.result[name] for name in ("publicKeyMultibase", "secretKeyMultibase")
        ),
        ("did:key document", "method and relationships"): resolved.ok
        and all(
            ours[name] == resolved.result[name]
            for name in ("id", "authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation")
        )
        and ours["verificationMethod"] == resolved.result["verificationMethod"],
    }
    return [
        Cell(STACK.name, OURS, form, _ED25519, case, "same", "same" if held else "differs")
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
        Cell(STACK.name, OURS, "JSON-LD", "none", "term that no context defines", REFUSED,
             ACCEPTED if undefined.ok else refusal(undefined.error, "[Ss]afe mode"), undefined.error),
    ]  # fmt: skip
