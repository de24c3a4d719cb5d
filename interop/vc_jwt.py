"""vc+jwt both ways with jose, with keys of every curve that JavaScript's own cryptography signs with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentdid.proof.jws import sign_jws
from agentdid.secure import vc_jwt
from interop import documents
from interop.case import Case
from interop.cell import OURS, THEIRS, Cell
from interop.judge import ask, without_jwt_claims
from interop.parties import AT, HOUR, ISSUER, ISSUER_P256, ISSUER_P384, ISSUER_P521, STRANGER, STRANGER_P256, Party
from interop.sd_jwt_cases import payload_changed, signature_changed, unsigned
from interop.vp_jwt import STACK, on_token

if TYPE_CHECKING:
    from interop.stack import Answer

FORMAT: Final = vc_jwt.TYP
ISSUERS: Final = (ISSUER, ISSUER_P256, ISSUER_P384, ISSUER_P521)
_SECOND: Final = int(AT.timestamp())


@dataclass(frozen=True)
class Wanted:
    """A credential to be signed: its payload, by whom, its header, and the algorithm where it is not the key's."""

    payload: dict[str, Any]
    by: Party
    header: dict[str, Any]
    alg: str


@dataclass(frozen=True)
class CredentialCase(Case[str]):
    """A case of a credential.

    Attributes:
        signed_by: In which directions it is tried.
    """

    signed_by: tuple[str, ...] = (OURS, THEIRS)


def wanted(issuer: Party) -> dict[str, Wanted]:
    """Return what is signed, by the name under which cases speak of it."""
    payload = documents.plain(issuer=issuer.did) | {"iss": issuer.did, "iat": _SECOND}
    header = {"typ": FORMAT, "cty": "vc", "kid": issuer.method_id}
    stranger = STRANGER if issuer is ISSUER else STRANGER_P256

    def vc(by: Party = issuer, alg: str = "", head: dict[str, Any] | None = None, **changes: object) -> Wanted:
        return Wanted(payload | changes, by, header | (head or {}), alg or by.alg)

    return {
        "credential": vc(),
        "expires": vc(exp=_SECOND + 60),
        "begins": vc(nbf=_SECOND + 3_600),
        "other issuer": vc(iss=stranger.did),
        "impostor": vc(stranger),
        "other type": vc(head={"typ": "JWT"}),
        "critical": vc(head={"crit": ["x"], "x": 1}),
        "own key": vc(head={"jwk": stranger.public_jwk}),
        "old model": vc(vc={}),
        "hmac": vc(alg="HS256"),
        "none": vc(alg="none"),
    }


_SIGNATURE: Final = "signature verification failed|Invalid or unsupported"
_CLAIM: Final = '"(exp|iss|nbf)" claim'
CASES: Final = (
    CredentialCase("credential", "credential"),
    CredentialCase("expired", "expires", "expired", _CLAIM, at=AT + HOUR / 2),
    CredentialCase("not yet begun", "begins", "not_yet_valid", _CLAIM),
    CredentialCase("iss is somebody else", "other issuer", "issuer_key_mismatch", _CLAIM),
    CredentialCase("payload changed", "credential", "signature_invalid", _SIGNATURE, on_token(payload_changed)),
    CredentialCase("signature changed", "credential", "signature_invalid", _SIGNATURE, on_token(signature_changed)),
    CredentialCase("alg none", "credential", "alg_not_allowed", '"alg"', on_token(unsigned)),
    CredentialCase("typ of another kind", "other type", "typ_mismatch", '"typ"'),
    CredentialCase(
        "critical extension nobody knows", "critical", "crit_unsupported", "Extension Header", signed_by=(OURS,)
    ),
    CredentialCase("key in the header", "own key", "key_source_forbidden", signed_by=(THEIRS,)),
    CredentialCase("claims of VCDM 1.1", "old model", "type_mismatch", signed_by=(THEIRS,)),
    CredentialCase("HMAC with the public key", "hmac", "alg_not_allowed", '"alg"', signed_by=(THEIRS,)),
    CredentialCase("unsecured JWT", "none", "alg_not_allowed", '"alg"', signed_by=(THEIRS,)),
)
_BY_SOMEBODY_ELSE: Final = CredentialCase("signed by somebody else", "impostor", "signature_invalid", _SIGNATURE)


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    return [cell for issuer in ISSUERS for cell in (*_judged_by_them(issuer), *_judged_by_us(issuer))]


def _cases(issuer: Party, direction: str) -> list[CredentialCase]:
    # a stranger's key is of the same algorithm only where there is such a stranger
    more = (_BY_SOMEBODY_ELSE,) if issuer in (ISSUER, ISSUER_P256) else ()
    return [case for case in (*CASES, *more) if direction in case.signed_by]


def _judged_by_them(issuer: Party) -> list[Cell]:
    signed = wanted(issuer)
    cases = _cases(issuer, OURS)
    tokens = [
        case.apply(sign_jws(signed[case.of].header, signed[case.of].payload, signed[case.of].by.secret))
        for case in cases
    ]
    answers = STACK.ask(
        [
            {
                "op": "verify", "token": token, "key": issuer.public_jwk, "algorithms": [issuer.alg], "typ": FORMAT,
                "issuer": issuer.did, "now": int(case.at.timestamp()), "required": [],
            }
            for case, token in zip(cases, tokens, strict=True)
        ]
    )  # fmt: skip
    return [
        case.judged_by_them(STACK.name, FORMAT, issuer.alg, answer, held=_held(case, answer, signed))
        for case, answer in zip(cases, answers, strict=True)
    ]


def _held(case: CredentialCase, answer: Answer, signed: dict[str, Wanted]) -> bool:
    """Return whether what they read, where they accept, is what was signed."""
    if not answer.ok:
        return True
    return json.dumps(answer.result, sort_keys=True) == json.dumps(signed[case.of].payload, sort_keys=True)


def _judged_by_us(issuer: Party) -> list[Cell]:
    signed = wanted(issuer)
    cases = _cases(issuer, THEIRS)
    tokens = STACK.make(
        {
            case.of: {
                "op": "sign", "payload": each.payload, "header": each.header, "key": each.by.secret_jwk,
                "alg": each.alg,
            }
            for case, each in ((case, signed[case.of]) for case in cases)
        }
    )  # fmt: skip
    made = []
    for case in cases:
        claims = without_jwt_claims(signed[case.of].payload) if case.code is None else None
        question = ask(case.apply(tokens[case.of]), case.at, presented=False, claims=claims)
        made.append(case.judged_by_us(STACK.name, FORMAT, issuer.alg, question))
    return made
