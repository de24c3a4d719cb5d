"""A presentation made: chosen credentials, signed by their holder for one audience, one challenge and one request."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, jose
from agentdid.secure.envelope import PRESENTATION, envelop, envelop_octets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agentdid.keys.secret import Signer
    from agentdid.verify.case import HttpRequest

_COSE: Final = "vp+cose"
_TOKENS: Final = (jose.TYP, jose.SD_TYP, _COSE)
_KEY_BINDING: Final = "kb+jwt"
FORMATS: Final = (*_TOKENS, *SUITES, _KEY_BINDING)
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
    statuses: Sequence[str] = (),
) -> str:
    """Return a presentation as text: a compact token, a `vp+cose` in its envelope, or JSON with a Data Integrity proof.

    Args:
        credentials: Root first; tokens as text, Data Integrity credentials as objects.
        holder: The DID that presents: the leaf's subject.
        signer: A key of the holder, in its `authentication`.
        method_id: The key's absolute DID URL.
        audience: What the verifier calls itself, byte for byte.
        challenge: The nonce it handed out.
        at: Now.
        http: The one HTTP request this goes with, if it does.
        form: One of `FORMATS`; `kb+jwt` presents one SD-JWT by itself, its key binding behind it.
        statuses: Stapled statuses of the credentials (specs/stapled-status.md).

    Raises:
        ValueError: An unknown form, or one that the key cannot sign, or that these credentials cannot have.

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
    if statuses:
        request["statuses"] = list(statuses)
    begin = at.replace(microsecond=0)
    if form == _KEY_BINDING:
        return _bind(credentials, signer, method_id, audience=audience, nonce=challenge, at=begin, request=request)
    if form in _TOKENS:
        claims = {
            "iss": holder,
            "aud": audience,
            "nonce": challenge,
            "iat": int(begin.timestamp()),
            "exp": int(begin.timestamp()) + LIFE_S,
            **request,
        }
        return _sign(form, presentation, signer, method_id, claims)
    if form not in SUITES:
        message = f"unknown form {form!r}, expected one of {', '.join(FORMATS)}"
        raise ValueError(message)
    if request:
        presentation = {**presentation, "@context": [CREDENTIALS_V2, AGENTDID_V1], "request": request}
    secured = data_integrity.add_proof(
        presentation,
        signer,
        method_id,
        SUITES[form],
        purpose=data_integrity.AUTHENTICATION,
        created=begin,
        options={
            "challenge": challenge,
            "domain": audience,
            "expires": encode_instant(begin + timedelta(seconds=LIFE_S)),
        },
    )
    return encode(secured).decode("utf-8")


def _sign(form: str, presentation: dict[str, object], signer: Signer, method_id: str, claims: dict[str, object]) -> str:
    if form != _COSE:
        return jose.sign(presentation, signer, method_id, claims, typ=form)
    from agentdid.secure import cose  # noqa: PLC0415  # only where COSE is wanted

    octets = cose.sign(presentation, signer, method_id, claims)
    return encode(envelop_octets(octets, cose.VP_MEDIA_TYPE, PRESENTATION)).decode("utf-8")


def _bind(
    credentials: Sequence[str | dict[str, object]],
    signer: Signer,
    method_id: str,
    *,
    audience: str,
    nonce: str,
    at: datetime,
    request: dict[str, object],
) -> str:
    from agentdid.secure import key_binding  # noqa: PLC0415  # only where an SD-JWT goes by itself

    if len(credentials) != 1 or not isinstance(credentials[0], str):
        message = f"{_KEY_BINDING} presents one SD-JWT by itself, got {len(credentials)} credentials"
        raise ValueError(message)
    return key_binding.bind(credentials[0], signer, method_id, audience=audience, nonce=nonce, at=at, request=request)


def _embed(credential: str | dict[str, object]) -> dict[str, object]:
    return credential if isinstance(credential, dict) else envelop(credential)
