"""Key binding (RFC 9901 sections 4.3 and 7.3): an SD-JWT presented by itself, its holder's key proven beside it.

The key is the one that the credential's `cnf` names, by value or as a DID URL. A credential without `cnf` names its
holder by the subject's DID; then the KB-JWT's `kid` says which of that DID's keys signed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import parse_numeric_date
from agentdid.did.jwk import create
from agentdid.did.syntax import split_did_url
from agentdid.errors import (
    DidInvalid,
    KbInvalid,
    KeySourceForbidden,
    Malformed,
    TypeMismatch,
    TypMismatch,
)
from agentdid.keys.jwk import decode_jwk
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.disclosures import digest_of
from agentdid.proof.jws import KEYS_OF_ALG, JoseHeader, parse_jws, sign_jws
from agentdid.secure.mechanism import Binding, Secured, Signature

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer

TYP: Final = "kb+jwt"


def read(token: str, credential: Secured, subject: str | None, limits: Limits = DEFAULT) -> Secured:
    """Return the parts of the key binding behind an SD-JWT.

    Args:
        token: The whole: ``<SD-JWT><KB-JWT>``.
        credential: The SD-JWT before it, taken apart.
        subject: Who may present it, as the credential says; usually a DID.
        limits: Sizes, and how long a binding is fresh.

    Raises:
        TypMismatch: `typ` is not `kb+jwt`.
        KbInvalid: Neither `cnf` nor the subject says whose key it must be, or the KB-JWT brings its own.
        TypeMismatch: `iat` is absent or not a whole number.
            And the errors of `proof.jws.parse_jws`.

    Spec: RFC 9901 sections 4.3 and 7.3.
    """
    presented, _, binding = token.rpartition("~")
    presented += "~"
    try:
        jws = parse_jws(binding, limits)
    except KeySourceForbidden:
        raise KbInvalid("the key is the one that the credential names, none that comes along") from None
    header, claims = jws.header, jws.claims
    if header.typ != TYP:
        raise TypMismatch(f"expected typ {TYP}", path="/typ")
    did, method_id, key = _holder(credential, header, subject)
    algorithm = credential.claims.get("_sd_alg", "sha-256")
    covers = claims.get("sd_hash") == digest_of(presented, str(algorithm))
    if "iat" not in claims:
        raise TypeMismatch("a key binding has iat", path="/iat")
    issued = parse_numeric_date(claims["iat"], "/iat")
    expires = issued + timedelta(seconds=limits.max_kb_age_s)
    if "exp" in claims:
        expires = min(expires, parse_numeric_date(claims["exp"], "/exp"))
    find = claims.get
    return Secured(
        TYP,
        {},
        (
            Signature(
                method_id,
                did,
                "authentication",
                header.alg,
                KEYS_OF_ALG[header.alg],
                jws.signing_input,
                jws.signature,
                key=key,
            ),
        ),
        b"",  # a presentation is nobody's parent
        issued,
        expires,
        parse_numeric_date(claims["nbf"], "/nbf") if "nbf" in claims else None,
        token,
        {},
        Binding(find("aud"), find("nonce"), issued, expires, find("htm"), find("htu"), find("contentDigest"), covers),
    )


def bind(
    token: str,
    signer: Signer,
    method_id: str,
    *,
    audience: str,
    nonce: str,
    at: datetime,
    request: dict[str, object] | None = None,
) -> str:
    """Return the SD-JWT with a key binding behind it.

    Args:
        token: The SD-JWT with the disclosures to present, ending in a tilde.
        signer: The key that `cnf` names, or one of the subject's.
        method_id: Its absolute DID URL, the header's `kid`.
        audience: What the verifier calls itself.
        nonce: The one it handed out.
        at: Now.
        request: `htm`, `htu` and `contentDigest` of the one HTTP request it goes with.

    Raises:
        ValueError: No SD-JWT, or one that has a key binding already.

    Spec: RFC 9901 section 4.3.
    """
    if not token.endswith("~"):
        message = "expected an SD-JWT that ends in a tilde"
        raise ValueError(message)
    algorithm = parse_jws(token.partition("~")[0]).claims.get("_sd_alg", "sha-256")
    claims = {"iat": int(at.timestamp()), "aud": audience, "nonce": nonce, **(request or {})}
    claims["sd_hash"] = digest_of(token, str(algorithm))
    return token + sign_jws({"typ": TYP, "kid": method_id}, claims, signer)


def _holder(credential: Secured, header: JoseHeader, subject: str | None) -> tuple[str, str, PublicKey | None]:
    """Return who must have signed: DID or name, verification method, and the key where `cnf` has it by value."""
    confirmation = credential.claims.get("cnf")
    if confirmation is None:
        try:
            did, _ = split_did_url(header.kid)
        except DidInvalid:
            raise KbInvalid("the credential has no cnf, and kid is not an absolute DID URL", path="/kid") from None
        if did != subject:
            raise KbInvalid("the credential has no cnf, and kid is no key of its subject", path="/kid")
        return did, str(header.kid), None
    if not isinstance(confirmation, dict) or len(confirmation) != 1 or not confirmation.keys() & {"jwk", "kid"}:
        raise KbInvalid("expected cnf to name one key by jwk or kid", path="/cnf")
    if "kid" in confirmation:
        try:
            did, _ = split_did_url(confirmation["kid"])
        except DidInvalid:
            raise KbInvalid("expected cnf.kid to be an absolute DID URL", path="/cnf/kid") from None
        return did, confirmation["kid"], None
    try:
        key = decode_jwk(confirmation["jwk"])
    except Malformed as error:
        raise KbInvalid(f"expected cnf to name a key ({error.code})", path="/cnf/jwk") from None
    return subject or create(key), "", key
