"""vc+sd-jwt both ways, Ed25519 and P-256, with @sd-jwt/core (JavaScript) and sd-jwt (Python)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.proof.disclosures import hide, open_payload
from agentdid.proof.jws import sign_jws
from agentdid.secure import sd_jwt
from interop import documents
from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.judge import ask, judge, without_jwt_claims
from interop.parties import ACME, AT, HOUR, ISSUER, ISSUER_P256, STRANGER, STRANGER_P256, Party
from interop.stack import Answer, NodeStack, PythonStack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

JAVASCRIPT: Final = NodeStack("sdjwt_js", "@sd-jwt/core")
PYTHON: Final = PythonStack("sdjwt_python", "sd-jwt")
FORMAT: Final = "vc+sd-jwt"
Path = tuple[str | int, ...]
Stack = NodeStack | PythonStack

_S: Final = "credentialSubject"
FLAT: Final[tuple[Path, ...]] = (
    (_S, "name"),
    (_S, "メモ"),
    (_S, "address", "street"),
    (_S, "degrees", 1),
    (_S, "numbers"),
)
RECURSIVE: Final[tuple[Path, ...]] = (*FLAT, (_S, "address"), (_S, "degrees"))
GRANTS: Final[tuple[Path, ...]] = (
    (_S, "name"), (_S, "capability", "grants", 0), (_S, "capability", "grants", 1),
)  # fmt: skip
_FORGED: Final = "said by no issuer"
_DECOYS: Final[tuple[tuple[Path, int], ...]] = (((_S,), 3), ((_S, "address"), 2))


@dataclass(frozen=True)
class Wanted:
    """A token to be issued.

    Attributes:
        payload: The credential and the JWT claims beside it.
        by: Who signs.
        hide: What becomes a disclosure.
        decoys: Where digests stand that nothing leads to, and how many; theirs alone make them.
        header: More members of the header.
        hash: `_sd_alg`.
    """

    payload: dict[str, Any]
    by: Party
    hide: tuple[Path, ...] = FLAT
    decoys: tuple[tuple[Path, int], ...] = ()
    header: tuple[tuple[str, Any], ...] = ()
    hash: str = "sha-256"

    @property
    def protected(self) -> dict[str, Any]:
        """The header without `alg`."""
        return {"typ": sd_jwt.TYP, "cty": "vc", "kid": self.by.method_id} | dict(self.header)


def tokens(issuer: Party, stranger: Party) -> dict[str, Wanted]:
    """Return what is issued, by the name under which cases speak of it."""
    second = int(AT.timestamp())
    hour = int(HOUR.total_seconds())
    payload = documents.plain(issuer=issuer.did) | {"iat": second}
    kid = (("kid", issuer.method_id),)
    return {
        "plain": Wanted(payload, issuer),
        "nothing hidden": Wanted(payload, issuer, hide=()),
        "capability": Wanted(documents.capability() | {"iat": second}, ACME, GRANTS),
        "expires": Wanted(payload | {"exp": second + hour // 4}, issuer),
        "begins": Wanted(payload | {"nbf": second + hour // 4}, issuer),
        "impostor": Wanted(payload, stranger, header=kid),
        "stranger": Wanted(payload, stranger),
        "critical": Wanted(payload, issuer, header=(("crit", ["x"]), ("x", 1))),
        "other type": Wanted(payload, issuer, header=(("typ", "JWT"),)),
        "issuer hidden": Wanted(payload, issuer, hide=(*FLAT, ("issuer",))),
    }


def theirs_alone(issuer: Party) -> dict[str, Wanted]:
    """Return what we can read and do not write: hidden within hidden, decoys, other digests."""
    payload = documents.plain(issuer=issuer.did) | {"iat": int(AT.timestamp())}
    return {
        "recursive": Wanted(payload, issuer, RECURSIVE),
        "decoys": Wanted(payload, issuer, decoys=_DECOYS),
        "sha-512": Wanted(payload, issuer, hash="sha-512"),
    }


@dataclass(frozen=True)
class Case:
    """One thing to try; the attributes as in `data_integrity.Case`.

    Attributes:
        keep: What the holder discloses before it is judged; `None` where the token goes as it is.
        held_by_us: Whether our holder withholds the rest, not theirs.
        theirs_only: Whether only they sign it.
        ours_only: Who refuses to sign it.
    """

    name: str
    of: str
    code: str | None = None
    says: str = ""
    change: Callable[[str], str] | None = None
    keep: tuple[Path, ...] | None = None
    held_by_us: bool = False
    at: datetime = AT
    by: tuple[str, ...] = ("@sd-jwt/core", "sd-jwt")
    theirs_only: bool = False
    ours_only: tuple[str, ...] = ()


def _segments(token: str) -> tuple[list[str], list[str]]:
    issued, *disclosures, _ = token.split("~")
    return issued.split("."), disclosures


def _join(segments: Sequence[str], disclosures: Sequence[str]) -> str:
    return "~".join([".".join(segments), *disclosures, ""])


def _recoded(segment: str, **changes: object) -> str:
    return encode_base64url(encode(json.loads(decode_base64url(segment)) | changes))


def payload_changed(token: str) -> str:
    """Return the token with another `id` in its payload."""
    (head, body, tail), disclosures = _segments(token)
    return _join([head, _recoded(body, id="urn:uuid:0"), tail], disclosures)


def signature_changed(token: str) -> str:
    """Return the token with one bit of its signature changed."""
    (head, body, tail), disclosures = _segments(token)
    raw = bytearray(decode_base64url(tail))
    raw[7] ^= 1
    return _join([head, body, encode_base64url(bytes(raw))], disclosures)


def unsigned(token: str) -> str:
    """Return the token with `alg` none and no signature."""
    (head, body, _), disclosures = _segments(token)
    return _join([_recoded(head, alg="none"), body, ""], disclosures)


def disclosure_changed(token: str) -> str:
    """Return the token with another value in its first disclosure."""
    segments, (first, *others) = _segments(token)
    *salt, _ = json.loads(decode_base64url(first))
    return _join(segments, [encode_base64url(encode([*salt, _FORGED])), *others])


def disclosure_added(token: str) -> str:
    """Return the token with a disclosure that no digest leads to."""
    segments, disclosures = _segments(token)
    return _join(segments, [*disclosures, encode_base64url(encode(["c2FsdC1zYWx0LXNhbHQtcw", "role", _FORGED]))])


def disclosure_twice(token: str) -> str:
    """Return the token with its first disclosure given twice."""
    segments, disclosures = _segments(token)
    return _join(segments, [disclosures[0], *disclosures])


_SIGNATURE: Final = "[Ss]ignature|verification failed|Verification failed"
_DIGEST: Final = "[Dd]isclosure|digest|hash"
CASES: Final = (
    Case("everything disclosed", "plain"),
    Case("nothing can be hidden", "nothing hidden"),
    Case("nothing disclosed", "plain", keep=()),
    Case("some disclosed by their holder", "plain", keep=((_S, "メモ"), (_S, "address", "street"), (_S, "degrees", 1))),
    Case("some disclosed by our holder", "plain", keep=((_S, "メモ"), (_S, "address", "street")), held_by_us=True),
    Case("capability", "capability"),
    Case("capability, one grant disclosed by their holder", "capability", keep=((_S, "capability", "grants", 1),)),
    Case("hidden within hidden", "recursive", theirs_only=True),
    Case(
        "hidden within hidden, some disclosed by their holder", "recursive", theirs_only=True,
        keep=((_S, "address", "street"),),
    ),
    Case("decoys", "decoys", theirs_only=True),
    Case("digests of SHA-512", "sha-512", theirs_only=True, by=("@sd-jwt/core",)),
    Case("payload changed", "plain", "signature_invalid", _SIGNATURE, payload_changed),
    Case("signature changed", "plain", "signature_invalid", _SIGNATURE, signature_changed),
    Case("signed by somebody else in the issuer's name", "impostor", "signature_invalid", _SIGNATURE),
    Case("signed by somebody else", "stranger", "issuer_key_mismatch", _SIGNATURE),
    Case("alg none", "plain", "alg_not_allowed", f"{_SIGNATURE}|[Aa]lg", unsigned),
    Case("disclosure changed", "plain", "sd_disclosure_unreferenced", _DIGEST, disclosure_changed),
    Case("disclosure that nothing leads to", "plain", "sd_disclosure_unreferenced", _DIGEST, disclosure_added),
    Case("disclosure given twice", "plain", "sd_digest_duplicate", _DIGEST, disclosure_twice),
    Case("exp in the past", "expires", "expired", "expired", at=AT + HOUR / 2),
    Case("nbf in the future", "begins", "not_yet_valid", "not yet valid"),
    Case("validUntil in the past", "plain", "expired", at=AT + 2 * HOUR),
    Case("critical extension nobody knows", "critical", "crit_unsupported", "crit", ours_only=("sd-jwt",)),
    Case("typ of another kind", "other type", "typ_mismatch"),
    Case("issuer hidden", "issuer hidden"),
)  # fmt: skip


def cells(stack: Stack) -> list[Cell]:
    """Return every cell of one implementation. Raises `StackUnavailable`."""
    return [
        cell
        for issuer, stranger in ((ISSUER, STRANGER), (ISSUER_P256, STRANGER_P256))
        for cell in [*_judged_by_them(stack, issuer, stranger), *_judged_by_us(stack, issuer, stranger)]
    ]


def _cases(stack: Stack, issuer: Party, *, ours: bool) -> list[Case]:
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
    answers = stack.ask(
        [
            {
                "op": "issue", "payload": each.payload, "hide": [list(path) for path in each.hide],
                "decoys": [[list(path), count] for path, count in each.decoys], "header": each.protected,
                "key": each.by.secret_jwk, "alg": each.by.alg, "hash": each.hash,
            }
            for each in wanted.values()
        ]
    )  # fmt: skip
    return {name: _result(stack, name, answer) for name, answer in zip(wanted, answers, strict=True)}


def _given(stack: Stack, cases: Sequence[Case], issued: dict[str, str]) -> list[str]:
    """Return the token of each case: changed, or with what a holder chose to disclose."""
    presented = {
        case.name: sd_jwt.withhold(issued[case.of], frozenset(case.keep))
        for case in cases
        if case.keep is not None and case.held_by_us
    }
    chosen = [case for case in cases if case.keep is not None and not case.held_by_us]
    answers = stack.ask(
        [
            {"op": "present", "token": issued[case.of], "keep": [list(path) for path in case.keep or ()]}
            for case in chosen
        ]
    )
    presented |= {case.name: _result(stack, case.name, answer) for case, answer in zip(chosen, answers, strict=True)}
    return [
        presented.get(case.name) or (issued[case.of] if case.change is None else case.change(issued[case.of]))
        for case in cases
    ]


def _result(stack: Stack, name: str, answer: Answer) -> Any:  # noqa: ANN401  # any JSON value
    if not answer.ok:
        message = f"{stack.name} did not make {name!r}: {answer.error}"
        raise RuntimeError(message)
    return answer.result


def shown(wanted: Wanted, keep: tuple[Path, ...] | None) -> dict[str, Any]:
    """Return the credential as whoever judges it must see it.

    Hiding and leaving out are one: what is neither kept nor above something kept is missing from it.
    """
    gone = [
        path
        for path in wanted.hide
        if keep is not None and not any(path[: len(kept)] == kept[: len(path)] for kept in keep)
    ]
    outer = [path for path in gone if not any(other != path and path[: len(other)] == other for other in gone)]
    payload, _ = hide(wanted.payload, outer)
    open_payload(payload, [])
    return without_jwt_claims(payload)


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
        got = refusal(answer.error, case.says or "(?!)")
        if answer.ok:
            held = without_jwt_claims(answer.result) == shown(wanted[case.of], case.keep)
            if case.code is not None:
                held = _FORGED not in json.dumps(answer.result)  # what is taken for valid must not be the forgery
            got = ACCEPTED if held else "other claims"
        expected = REFUSED if case.says else ACCEPTED
        made.append(Cell(stack.name, OURS, FORMAT, issuer.alg, case.name, expected, got, answer.error))
    return made


def _judged_by_us(stack: Stack, issuer: Party, stranger: Party) -> list[Cell]:
    wanted = tokens(issuer, stranger) | theirs_alone(issuer)
    cases = _cases(stack, issuer, ours=False)
    issued = _issue_theirs(stack, {case.of: wanted[case.of] for case in cases})
    made = []
    for case, token in zip(cases, _given(stack, cases, issued), strict=True):
        claims = shown(wanted[case.of], case.keep) if case.code is None else None
        question = ask(token, case.at, presented=False, claims=claims)
        made.append(
            Cell(
                stack.name, THEIRS, FORMAT, issuer.alg, case.name, case.code or ACCEPTED, judge(question), "", question
            )
        )
    return made
