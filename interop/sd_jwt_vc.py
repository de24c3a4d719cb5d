"""dc+sd-jwt with its key binding, both ways, Ed25519 and P-256, with openvc-core (Python) and @sd-jwt/sd-jwt-vc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentdid.secure import key_binding, sd_jwt_vc
from agentdid.secure.sd_jwt import withhold
from interop.case import Case
from interop.judge import ask
from interop.parties import (
    AT,
    AUDIENCE,
    CHALLENGE,
    CREDENTIAL_TYPE,
    HOLDER,
    HOLDER_P256,
    HOUR,
    ISSUER,
    ISSUER_P256,
    STRANGER,
    STRANGER_P256,
    Party,
)
from interop.sd_jwt_cases import disclosure_added, disclosure_changed, signature_changed
from interop.stack import NodeStack, PythonStack, Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.cell import Cell

OPENVC: Final = PythonStack("openvc_python", "openvc-core", "openvc")
JAVASCRIPT: Final = NodeStack("sdjwt_vc_js", "@sd-jwt/sd-jwt-vc")
FORMAT: Final = sd_jwt_vc.TYP
CLAIMS: Final[dict[str, object]] = {
    "given_name": "Zoe\u0308", "family_name": "Nguyễn", "age": 42, "over": [18],
    "address": {"street": "Große Straße 7"},
}  # fmt: skip
HIDDEN: Final = ("given_name", "family_name", "age", "address")
SHOWN: Final = ("given_name", "address")


@dataclass(frozen=True)
class Trio:
    """Issuer, holder and a stranger with keys of one algorithm."""

    issuer: Party
    holder: Party
    stranger: Party


TRIOS: Final = (Trio(ISSUER, HOLDER, STRANGER), Trio(ISSUER_P256, HOLDER_P256, STRANGER_P256))


@dataclass(frozen=True)
class BoundCase(Case[str]):
    """A case of an SD-JWT VC with its key binding.

    Attributes:
        audience: For whom the holder binds it.
        nonce: In answer to what.
        by: Whether a stranger binds it, or issues it.
        bound: How long ago, in seconds.
    """

    audience: str = AUDIENCE
    nonce: str = CHALLENGE
    by: str = ""
    bound: int = 0


def _without(token: str) -> str:
    return token.rpartition("~")[0] + "~"


def _fewer(token: str) -> str:
    issued, *disclosures = token.split("~")
    return "~".join([issued, *disclosures[1:]])


def _binding_changed(token: str) -> str:
    before, _, binding = token.rpartition("~")
    return f"{before}~{signature_changed(f'{binding}~').removesuffix('~')}"


def _on_issued(change: Callable[[str], str]) -> Callable[[str], str]:
    """Return a change of an SD-JWT as one of an SD-JWT with its key binding."""

    def apply(token: str) -> str:
        before, _, binding = token.rpartition("~")
        return change(f"{before}~") + binding

    return apply


_HASH: Final = "sd_hash"
_KB: Final = "[Kk]ey [Bb]inding|KB-JWT|kb|[Ss]ignature"
_SIGNATURE: Final = "[Ss]ignature"
_DISCLOSURE: Final = "[Dd]isclosure|digest|sd_hash|hash"
CASES: Final = (
    BoundCase("presented", "all"),
    BoundCase("presented in part", "some"),
    BoundCase("other audience", "some", "audience_mismatch", "aud", audience="https://api.other.example"),
    BoundCase("other nonce", "some", "nonce_mismatch", "[Nn]once", nonce="b3RoZXI"),
    BoundCase("no key binding", "some", "kb_missing", _KB, _without),
    BoundCase("bound by somebody else", "some", "kb_invalid", _KB, by="holder"),
    BoundCase("key binding's signature changed", "some", "kb_invalid", _KB, _binding_changed),
    BoundCase("one disclosure fewer", "some", "kb_sd_hash_mismatch", _HASH, _fewer),
    BoundCase("disclosure changed", "some", "sd_disclosure_unreferenced", _DISCLOSURE, _on_issued(disclosure_changed)),
    BoundCase("disclosure that nothing leads to", "some", "sd_disclosure_unreferenced", _DISCLOSURE,
              _on_issued(disclosure_added)),
    BoundCase("issuer's signature changed", "some", "signature_invalid", _SIGNATURE, _on_issued(signature_changed)),
    BoundCase("issued by somebody else", "some", "signature_invalid", _SIGNATURE, by="issuer"),
    BoundCase("bound ten minutes ago", "some", "expired", "iat|old|expired", bound=600),
    BoundCase("bound in ten minutes", "some", "issued_in_future", "iat|future", bound=-600),
)  # fmt: skip


def cells(stack: Stack) -> list[Cell]:
    """Return every cell of one implementation. Raises `StackUnavailable`."""
    return [cell for trio in TRIOS for cell in (*_judged_by_them(stack, trio), *_judged_by_us(stack, trio))]


def claims_of(trio: Trio) -> dict[str, Any]:
    """Return what is issued."""
    confirmation = {"jwk": trio.holder.public_jwk}
    second = int((AT - HOUR).timestamp())
    return {"iss": trio.issuer.did, "vct": CREDENTIAL_TYPE, "iat": second, "cnf": confirmation, **CLAIMS}


def _shown(trio: Trio, case: BoundCase) -> dict[str, Any]:
    names = HIDDEN if case.of == "all" else SHOWN
    return {name: each for name, each in claims_of(trio).items() if name not in HIDDEN or name in names}


def _keep(case: BoundCase) -> frozenset[tuple[str | int, ...]]:
    return frozenset((name,) for name in (HIDDEN if case.of == "all" else SHOWN))


def _issuer_of(trio: Trio, case: BoundCase) -> Party:
    return trio.stranger if case.by == "issuer" else trio.issuer


def _holder_of(trio: Trio, case: BoundCase) -> Party:
    return trio.stranger if case.by == "holder" else trio.holder


def _ours(trio: Trio, case: BoundCase) -> str:
    signer = _issuer_of(trio, case)
    token = sd_jwt_vc.issue(
        claims_of(trio), signer.secret, trio.issuer.method_id, disclosable=[(name,) for name in HIDDEN]
    )
    holder = _holder_of(trio, case)
    at = AT.fromtimestamp(AT.timestamp() - case.bound, AT.tzinfo)
    shown = withhold(token, _keep(case))
    return case.apply(
        key_binding.bind(shown, holder.secret, holder.method_id, audience=case.audience, nonce=case.nonce, at=at)
    )


def _judged_by_them(stack: Stack, trio: Trio) -> list[Cell]:
    answers = stack.ask(
        [
            {
                "op": "verify", "token": _ours(trio, case), "key": trio.issuer.public_jwk, "alg": trio.issuer.alg,
                "audience": AUDIENCE, "nonce": CHALLENGE, "now": int(AT.timestamp()),
            }
            for case in CASES
        ]
    )  # fmt: skip
    return [
        case.judged_by_them(
            stack.name, FORMAT, trio.issuer.alg, answer,
            held=not answer.ok or case.code is not None or answer.result == _shown(trio, case),
        )
        for case, answer in zip(CASES, answers, strict=True)
    ]  # fmt: skip


def _judged_by_us(stack: Stack, trio: Trio) -> list[Cell]:
    issued = stack.make(
        {
            case.name: {
                "op": "issue", "claims": claims_of(trio), "hide": list(HIDDEN), "holder": trio.holder.public_jwk,
                "key": _issuer_of(trio, case).secret_jwk, "kid": trio.issuer.method_id, "alg": trio.issuer.alg,
                "now": int((AT - HOUR).timestamp()),
            }
            for case in CASES
        }
    )  # fmt: skip
    bound = stack.make(
        {
            case.name: {
                "op": "present", "token": withhold(issued[case.name], _keep(case)), "alg": trio.holder.alg,
                "key": _holder_of(trio, case).secret_jwk, "kid": trio.holder.method_id, "audience": case.audience,
                "nonce": case.nonce, "now": int(AT.timestamp()) - case.bound,
            }
            for case in CASES
        }
    )  # fmt: skip
    made = []
    for case in CASES:
        claims = _shown(trio, case) if case.code is None else None
        question = ask(case.apply(bound[case.name]), AT, presented=True, claims=claims)
        made.append(case.judged_by_us(stack.name, FORMAT, trio.issuer.alg, question))
    return made
