"""What is signed as vc+sd-jwt, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.proof.disclosures import hide, open_payload
from agentdid.secure import sd_jwt
from interop import documents
from interop.case import Case
from interop.judge import without_jwt_claims
from interop.parties import ACME, AT, HOUR, Party

if TYPE_CHECKING:
    from collections.abc import Sequence

Path = tuple[str | int, ...]

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
FORGED: Final = "said by no issuer"
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
class TokenCase(Case[str]):
    """A case of a token.

    Attributes:
        keep: What the holder discloses before it is judged; `None` where the token goes as it is.
        held_by_us: Whether our holder withholds the rest, not theirs.
        by: The packages that it is tried with.
        theirs_only: Whether only they sign it.
        ours_only: Who refuses to sign it.
    """

    keep: tuple[Path, ...] | None = None
    held_by_us: bool = False
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
    return _join(segments, [encode_base64url(encode([*salt, FORGED])), *others])


def disclosure_added(token: str) -> str:
    """Return the token with a disclosure that no digest leads to."""
    segments, disclosures = _segments(token)
    return _join(segments, [*disclosures, encode_base64url(encode(["c2FsdC1zYWx0LXNhbHQtcw", "role", FORGED]))])


def disclosure_twice(token: str) -> str:
    """Return the token with its first disclosure given twice."""
    segments, disclosures = _segments(token)
    return _join(segments, [disclosures[0], *disclosures])


_SIGNATURE: Final = "[Ss]ignature|verification failed|Verification failed"
_DIGEST: Final = "[Dd]isclosure|digest|hash"
CASES: Final = (
    TokenCase("everything disclosed", "plain"),
    TokenCase("nothing can be hidden", "nothing hidden"),
    TokenCase("nothing disclosed", "plain", keep=()),
    TokenCase(
        "some disclosed by their holder", "plain",
        keep=((_S, "メモ"), (_S, "address", "street"), (_S, "degrees", 1)),
    ),
    TokenCase("some disclosed by our holder", "plain", keep=((_S, "メモ"), (_S, "address", "street")), held_by_us=True),
    TokenCase("capability", "capability"),
    TokenCase("capability, one grant disclosed by their holder", "capability", keep=((_S, "capability", "grants", 1),)),
    TokenCase("hidden within hidden", "recursive", theirs_only=True),
    TokenCase(
        "hidden within hidden, some disclosed by their holder", "recursive", theirs_only=True,
        keep=((_S, "address", "street"),),
    ),
    TokenCase("decoys", "decoys", theirs_only=True),
    TokenCase("digests of SHA-512", "sha-512", theirs_only=True, by=("@sd-jwt/core",)),
    TokenCase("payload changed", "plain", "signature_invalid", _SIGNATURE, payload_changed),
    TokenCase("signature changed", "plain", "signature_invalid", _SIGNATURE, signature_changed),
    TokenCase("signed by somebody else in the issuer's name", "impostor", "signature_invalid", _SIGNATURE),
    TokenCase("signed by somebody else", "stranger", "issuer_key_mismatch", _SIGNATURE),
    TokenCase("alg none", "plain", "alg_not_allowed", f"{_SIGNATURE}|[Aa]lg", unsigned),
    TokenCase("disclosure changed", "plain", "sd_disclosure_unreferenced", _DIGEST, disclosure_changed),
    TokenCase("disclosure that nothing leads to", "plain", "sd_disclosure_unreferenced", _DIGEST, disclosure_added),
    TokenCase("disclosure given twice", "plain", "sd_digest_duplicate", _DIGEST, disclosure_twice),
    TokenCase("exp in the past", "expires", "expired", "expired", at=AT + HOUR / 2),
    TokenCase("nbf in the future", "begins", "not_yet_valid", "not yet valid"),
    TokenCase("validUntil in the past", "plain", "expired", at=AT + 2 * HOUR),
    TokenCase("critical extension nobody knows", "critical", "crit_unsupported", "crit", ours_only=("sd-jwt",)),
    TokenCase("typ of another kind", "other type", "typ_mismatch"),
    TokenCase("issuer hidden", "issuer hidden"),
)  # fmt: skip


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
