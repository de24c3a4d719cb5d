"""vc+sd-jwt both ways, Ed25519 and P-256, with @sd-jwt/core (JavaScript) and sd-jwt (Python)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agentdid.proof.disclosures import hide
from agentdid.proof.jws import sign_jws
from agentdid.secure import sd_jwt
from interop.judge import ask, without_jwt_claims
from interop.parties import ACME, ISSUER, ISSUER_P256, STRANGER, STRANGER_P256, Party
from interop.sd_jwt_cases import CASES, FORGED, TokenCase, Wanted, shown, theirs_alone, tokens
from interop.stack import NodeStack, PythonStack, Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interop.cell import Cell

JAVASCRIPT: Final = NodeStack("sdjwt_js", "@sd-jwt/core")
PYTHON: Final = PythonStack("sdjwt_python", "sd-jwt")
FORMAT: Final = sd_jwt.TYP


def cells(stack: Stack) -> list[Cell]:
    """Return every cell of one implementation. Raises `StackUnavailable`."""
    return [
        cell
        for issuer, stranger in ((ISSUER, STRANGER), (ISSUER_P256, STRANGER_P256))
        for cell in [*_judged_by_them(stack, issuer, stranger), *_judged_by_us(stack, issuer, stranger)]
    ]


def _cases(stack: Stack, issuer: Party, *, ours: bool) -> list[TokenCase]:
    # acme, who issues the capability, has one key; it is tried once
    return [
        case
        for case in CASES
        if stack.package in case.by
        and not (case.theirs_only if ours else stack.package in case.ours_only)
        and (issuer is ISSUER or case.of != "capability")
    ]


def _issue(wanted: Wanted) -> str:
    if not wanted.header and ("issuer",) not in wanted.hide:
        document = without_jwt_claims(wanted.payload)
        claims = {name: value for name, value in wanted.payload.items() if name not in document}
        return sd_jwt.issue(document, wanted.by.secret, wanted.by.method_id, disclosable=wanted.hide, claims=claims)
    # what our issuer does not sign, made from its parts
    payload, disclosures = hide(wanted.payload, wanted.hide)
    return "~".join([sign_jws(wanted.protected, payload, wanted.by.secret), *disclosures, ""])


def _issue_theirs(stack: Stack, wanted: dict[str, Wanted]) -> dict[str, str]:
    return stack.make(
        {
            name: {
                "op": "issue", "payload": each.payload, "hide": [list(path) for path in each.hide],
                "decoys": [[list(path), count] for path, count in each.decoys], "header": each.protected,
                "key": each.by.secret_jwk, "alg": each.by.alg, "hash": each.hash,
            }
            for name, each in wanted.items()
        }
    )  # fmt: skip


def _given(stack: Stack, cases: Sequence[TokenCase], issued: dict[str, str]) -> list[str]:
    """Return the token of each case: changed, or with what a holder chose to disclose."""
    presented = {
        case.name: sd_jwt.withhold(issued[case.of], frozenset(case.keep))
        for case in cases
        if case.keep is not None and case.held_by_us
    }
    presented |= stack.make(
        {
            case.name: {"op": "present", "token": issued[case.of], "keep": [list(path) for path in case.keep]}
            for case in cases
            if case.keep is not None and not case.held_by_us
        }
    )
    return [presented.get(case.name) or case.apply(issued[case.of]) for case in cases]


def _judged_by_them(stack: Stack, issuer: Party, stranger: Party) -> list[Cell]:
    wanted = tokens(issuer, stranger)
    issued = {name: _issue(each) for name, each in wanted.items()}
    cases = _cases(stack, issuer, ours=True)
    answers = stack.ask(
        [
            {
                "op": "verify", "token": token, "now": int(case.at.timestamp()), "alg": issuer.alg,
                "key": (ACME if case.of == "capability" else issuer).public_jwk,
            }
            for case, token in zip(cases, _given(stack, cases, issued), strict=True)
        ]
    )  # fmt: skip
    made = []
    for case, answer in zip(cases, answers, strict=True):
        held = True
        if answer.ok and case.code is None:
            held = without_jwt_claims(answer.result) == shown(wanted[case.of], case.keep)
        elif answer.ok:
            held = FORGED not in json.dumps(answer.result)  # what is taken for valid must not be the forgery
        made.append(case.judged_by_them(stack.name, FORMAT, issuer.alg, answer, held=held))
    return made


def _judged_by_us(stack: Stack, issuer: Party, stranger: Party) -> list[Cell]:
    wanted = tokens(issuer, stranger) | theirs_alone(issuer)
    cases = _cases(stack, issuer, ours=False)
    issued = _issue_theirs(stack, {case.of: wanted[case.of] for case in cases})
    made = []
    for case, token in zip(cases, _given(stack, cases, issued), strict=True):
        claims = shown(wanted[case.of], case.keep) if case.code is None else None
        question = ask(token, case.at, presented=False, claims=claims)
        made.append(case.judged_by_us(stack.name, FORMAT, issuer.alg, question))
    return made
