"""vp+jwt both ways, Ed25519 and P-256, with jose; and the thumbprints of keys (RFC 7638)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentdid.keys.jwk import thumbprint
from agentdid.present.presentation import LIFE_S, make_presentation
from agentdid.proof.jws import sign_jws
from agentdid.secure import jose, sd_jwt
from interop import documents
from interop.case import Case
from interop.cell import ACCEPTED, OURS, THEIRS, Cell
from interop.judge import HTTP, ask
from interop.parties import (
    ACME,
    AT,
    AUDIENCE,
    CHALLENGE,
    HOLDER,
    HOLDER_P256,
    HOUR,
    ISSUER,
    STRANGER,
    STRANGER_P256,
    Party,
)
from interop.sd_jwt_cases import payload_changed, signature_changed, unsigned
from interop.stack import NodeStack

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

STACK: Final = NodeStack("jose_js", "jose")
FORMAT: Final = jose.TYP
_OTHER: Final = "https://api.other.example"
_SECOND: Final = int(AT.timestamp())


@dataclass(frozen=True)
class Wanted:
    """A presentation to be signed: its payload, by whom, which members its header has."""

    payload: dict[str, Any]
    by: Party
    header: dict[str, Any]
    alg: str


def _token(issuer: Party, document: dict[str, object], hide: tuple[tuple[str | int, ...], ...] = ()) -> str:
    return sd_jwt.issue(document, issuer.secret, issuer.method_id, disclosable=hide, claims={"iat": _SECOND})


def wanted(holder: Party, stranger: Party) -> dict[str, Wanted]:
    """Return what is signed, by the name under which cases speak of it."""
    subject = ("credentialSubject", "メモ")
    plain = _token(ISSUER, documents.plain(subject=holder.did), (subject,))
    envelope = {
        "@context": documents.CREDENTIALS_V2,
        "id": f"data:{sd_jwt.MEDIA_TYPE},{plain}",
        "type": "EnvelopedVerifiableCredential",
    }
    claims: dict[str, Any] = {
        "iss": holder.did, "aud": AUDIENCE, "nonce": CHALLENGE, "iat": _SECOND, "exp": _SECOND + LIFE_S,
    }  # fmt: skip
    payload = documents.presentation([envelope], holder.did) | claims
    header = {"typ": jose.TYP, "cty": "vp", "kid": holder.method_id}

    def vp(by: Party = holder, alg: str = "", head: dict[str, Any] | None = None, **changes: object) -> Wanted:
        return Wanted(payload | changes, by, header | (head or {}), alg or by.alg)

    without = vp()
    del without.payload["exp"]
    return {
        "vp": vp(),
        "http": vp(htm=HTTP.method, htu=HTTP.url),
        "other audience": vp(aud=_OTHER),
        "audience list": vp(aud=[AUDIENCE]),
        "other nonce": vp(nonce="b3RoZXI"),
        "long": vp(exp=_SECOND + int(HOUR.total_seconds())),
        "no exp": without,
        "impostor": vp(stranger),
        "stranger": vp(stranger, head={"kid": stranger.method_id}, holder=stranger.did, iss=stranger.did),
        "other issuer": vp(iss=stranger.did),
        "other type": vp(head={"typ": "JWT"}),
        "critical": vp(head={"crit": ["x"], "x": 1}),
        "own key": vp(stranger, head={"jwk": stranger.public_jwk}),
        "hmac": vp(alg="HS256"),
        "none": vp(alg="none"),
    }


@dataclass(frozen=True)
class PresentationCase(Case[str]):
    """A case of a presentation.

    Attributes:
        signed_by: In which directions it is tried: we do not sign what no verifier takes, nor does jose.
    """

    signed_by: tuple[str, ...] = (OURS, THEIRS)


def on_token(change: Callable[[str], str]) -> Callable[[str], str]:
    """Return a change of an SD-JWT as one of a JWT."""
    return lambda token: change(f"{token}~").removesuffix("~")


_SIGNATURE: Final = "signature verification failed"
_ALG: Final = '"alg"'
_CLAIM: Final = '"(aud|exp|iss)" claim'
CASES: Final = (
    PresentationCase("presentation", "vp"),
    PresentationCase("presentation for one HTTP request", "http"),
    PresentationCase("other audience", "other audience", "audience_mismatch", _CLAIM),
    PresentationCase("audience is a list of one", "audience list"),
    PresentationCase("other nonce", "other nonce", "nonce_mismatch", signed_by=(THEIRS,)),
    PresentationCase("expired", "vp", "expired", _CLAIM, at=AT + HOUR / 2),
    PresentationCase("lives for an hour", "long"),
    PresentationCase("no exp", "no exp", "type_mismatch", _CLAIM),
    PresentationCase("payload changed", "vp", "signature_invalid", _SIGNATURE, on_token(payload_changed)),
    PresentationCase("signature changed", "vp", "signature_invalid", _SIGNATURE, on_token(signature_changed)),
    PresentationCase("signed by somebody else in the holder's name", "impostor", "signature_invalid", _SIGNATURE),
    PresentationCase("presented by somebody else", "stranger", "holder_binding_failed", f"{_SIGNATURE}|{_CLAIM}"),
    PresentationCase("iss is somebody else", "other issuer", "holder_binding_failed", _CLAIM),
    PresentationCase("typ of another kind", "other type", "typ_mismatch", '"typ"'),
    PresentationCase(
        "critical extension nobody knows", "critical", "crit_unsupported", "Extension Header", signed_by=(OURS,)
    ),
    PresentationCase("brings its own key", "own key", "key_source_forbidden", _SIGNATURE),
    PresentationCase("HMAC with the public key", "hmac", "alg_not_allowed", _ALG, signed_by=(THEIRS,)),
    PresentationCase("alg none", "vp", "alg_not_allowed", _ALG, on_token(unsigned)),
    PresentationCase("unsecured JWT", "none", "alg_not_allowed", _ALG, signed_by=(THEIRS,)),
)


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    made = []
    for holder, stranger in ((HOLDER, STRANGER), (HOLDER_P256, STRANGER_P256)):
        signed = wanted(holder, stranger)
        made += [*_judged_by_them(signed, holder), *_judged_by_us(signed, holder)]
    return [*made, *_made_by_our_holder(), *_thumbprints()]


def _sign(each: Wanted) -> str:
    return sign_jws(each.header, each.payload, each.by.secret)


def _verify_task(token: str, holder: Party, at: datetime) -> dict[str, object]:
    return {
        "op": "verify", "token": token, "key": holder.public_jwk, "algorithms": [holder.alg], "typ": jose.TYP,
        "issuer": holder.did, "audience": AUDIENCE, "now": int(at.timestamp()),
    }  # fmt: skip


def _judged_by_them(signed: dict[str, Wanted], holder: Party) -> list[Cell]:
    cases = [case for case in CASES if OURS in case.signed_by]
    answers = STACK.ask([_verify_task(case.apply(_sign(signed[case.of])), holder, case.at) for case in cases])
    return [
        case.judged_by_them(STACK.name, FORMAT, holder.alg, answer) for case, answer in zip(cases, answers, strict=True)
    ]


def _judged_by_us(signed: dict[str, Wanted], holder: Party) -> list[Cell]:
    cases = [case for case in CASES if THEIRS in case.signed_by]
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
        question = ask(case.apply(tokens[case.of]), case.at, presented=True, http=case.of == "http")
        made.append(case.judged_by_us(STACK.name, FORMAT, holder.alg, question))
    return made


def _made_by_our_holder() -> list[Cell]:
    """What our wallet really sends, with a capability in it."""
    chain = [_token(ACME, documents.capability(), (("credentialSubject", "capability", "grants", 0),))]
    token = make_presentation(
        chain, holder=HOLDER.did, signer=HOLDER.secret, method_id=HOLDER.method_id, audience=AUDIENCE,
        challenge=CHALLENGE, at=AT, http=HTTP,
    )  # fmt: skip
    (answer,) = STACK.ask([_verify_task(token, HOLDER, AT)])
    got = ACCEPTED if answer.ok else f"refused otherwise: {answer.error}"
    return [Cell(STACK.name, OURS, FORMAT, HOLDER.alg, "presentation of a capability", ACCEPTED, got, answer.error)]


def _thumbprints() -> list[Cell]:
    parties = (HOLDER, HOLDER_P256)
    answers = STACK.ask([{"op": "thumbprint", "key": each.public_jwk} for each in parties])
    return [
        Cell(
            STACK.name, OURS, "JWK thumbprint", each.alg, "SHA-256 of the key", thumbprint(each.secret.public),
            answer.result if answer.ok else "refused", answer.error,
        )
        for each, answer in zip(parties, answers, strict=True)
    ]  # fmt: skip
