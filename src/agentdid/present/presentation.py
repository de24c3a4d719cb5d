"""A presentation made: chosen credentials, signed by their holder for one audience, one challenge and one request."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, hybrid, jose
from agentdid.secure.envelope import envelop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentdid.keys.secret import Signer
    from agentdid.verify.case import HttpRequest

FORMATS: Final = (jose.TYP, *SUITES, data_integrity.HYBRID_SET)
"""The forms a presentation can be secured in; the first is the default."""
LIFE_S: Final = 60
"""From `iat` to `exp`: all that a verifier allows (limits.max_presentation_life_s)."""


def make_presentation(
    credentials: Sequence[str | dict[str, object]],
    *,
    holder: str,
    signer: Signer,
    method_id: str,
    audience: str,
    challenge: str,
    at: datetime,
    http: HttpRequest | None = None,
    form: str = jose.TYP,
) -> str:
    """Return a presentation as text: a compact `vp+jwt`, or JSON with a Data Integrity proof.

    Args:
        credentials: Root first; tokens as text, Data Integrity credentials as objects.
        holder: The DID that presents: the leaf's subject.
        signer: A key of the holder, in its `authentication`.
        method_id: The key's absolute DID URL.
        audience: What the verifier calls itself, byte for byte.
        challenge: The nonce it handed out.
        at: Now.
        http: The one HTTP request this goes with, if it does.
        form: One of `FORMATS`.

    Raises:
        ValueError: An unknown form, or one that the key cannot sign.

    Spec: VC-JOSE-COSE section 3.1.2; Data Integrity section 4.2; specs/presentation-over-http.md H6-H8.
    """
    presentation: dict[str, object] = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": holder,
        "verifiableCredential": [_embed(each) for each in credentials],
    }
    request: dict[str, object] = {}
    if http is not None:
        request = {"htm": http.method, "htu": http.url}
        if http.content_digest is not None:
            request["contentDigest"] = http.content_digest
    begin = at.replace(microsecond=0)
    if form == jose.TYP:
        claims = {
            "iss": holder,
            "aud": audience,
            "nonce": challenge,
            "iat": int(begin.timestamp()),
            "exp": int(begin.timestamp()) + LIFE_S,
            **request,
        }
        return jose.sign(presentation, signer, method_id, claims)
    if form not in FORMATS:
        message = f"unknown form {form!r}, expected one of {', '.join(FORMATS)}"
        raise ValueError(message)
    if request:
        presentation = {**presentation, "@context": [CREDENTIALS_V2, AGENTDID_V1], "request": request}
    options: dict[str, object] = {
        "challenge": challenge,
        "domain": audience,
        "expires": encode_instant(begin + timedelta(seconds=LIFE_S)),
    }
    purpose = data_integrity.AUTHENTICATION
    if form == data_integrity.HYBRID_SET:
        secured = hybrid.add_set(presentation, signer, method_id, purpose=purpose, created=begin, options=options)
    else:
        secured = data_integrity.add_proof(
            presentation, signer, method_id, SUITES[form], purpose=purpose, created=begin, options=options
        )
    return encode(secured).decode("utf-8")


def _embed(credential: str | dict[str, object]) -> dict[str, object]:
    return credential if isinstance(credential, dict) else envelop(credential)
