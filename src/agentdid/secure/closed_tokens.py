"""Tokens of one closed form, their payloads read by one typed decoding: the `vp+jwt` and the links that we write.

As `secure.closed_forms`, and for the same reason: a payload is read here that is as short as JSON has its value, with
the members of the form and no other. Of anything else nothing is said (`None`), and the readers of every form judge it
(`secure.jose`, `secure.sd_jwt`).

Spec: VC-JOSE-COSE sections 3.1.2 and 3.2; RFC 9901 section 7.1.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from agentdid.codec.base import decode_base64url
from agentdid.codec.instant import parse_instant, parse_numeric_date
from agentdid.codec.late_json import LateObject
from agentdid.credential.model import AGENTDID_V1, CAPABILITY_TYPE, CREDENTIALS_V2, Credential
from agentdid.credential.parse import check_typed, check_url
from agentdid.did.syntax import check_did, split_did_url
from agentdid.errors import AgentdidError
from agentdid.proof.disclosures import open_payload
from agentdid.proof.jws import KEYS_OF_ALG, parse_header
from agentdid.secure import jose, sd_jwt
from agentdid.secure.claims import JWT_CLAIMS, take_claims
from agentdid.secure.mechanism import Binding, Secured, Signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.limits import Limits

_C = TypeVar("_C")

ENVELOPE: Final = f"data:{sd_jwt.MEDIA_TYPE},"
"""How the `id` of an enveloped SD-JWT begins."""
_CONTEXTS: Final = ([CREDENTIALS_V2], [CREDENTIALS_V2, AGENTDID_V1])
_PRESENTATION: Final = ["VerifiablePresentation"]
_CAPABILITY: Final = ("VerifiableCredential", CAPABILITY_TYPE)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, OverflowError, RecursionError)

_write: Final = msgspec.json.Encoder().encode


@final
class Envelope(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An enveloped credential."""

    context: Literal["https://www.w3.org/ns/credentials/v2"] = field(name="@context")
    id: str
    type: Literal["EnvelopedVerifiableCredential"]


@final
class PresentationPayload(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """The payload of a `vp+jwt`."""

    context: list[str] = field(name="@context")
    type: list[str]
    holder: str
    verifiable_credential: list[Envelope]
    iss: str | UnsetType = UNSET
    aud: str
    nonce: str
    iat: int
    exp: int
    htm: str | UnsetType = UNSET
    htu: str | UnsetType = UNSET
    content_digest: str | UnsetType = UNSET


@final
class LinkSubject(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Who is granted what, the capability as text."""

    id: str
    capability: Raw


@final
class LinkPayload(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """The payload of a link as SD-JWT: only in its capability something may be hidden."""

    context: list[str] = field(name="@context")
    id: str
    type: tuple[str, str]
    issuer: str
    valid_from: str
    valid_until: str
    credential_subject: LinkSubject
    credential_status: dict[str, str] | UnsetType = UNSET
    iat: int
    sd_alg: Literal["sha-256"] = field(name="_sd_alg")


_decode_presentation: Final = msgspec.json.Decoder(PresentationPayload).decode
_decode_link: Final = msgspec.json.Decoder(LinkPayload).decode


def read_presentation(token: str) -> tuple[Secured, list[dict[str, object]]] | None:
    """Return the parts of a `vp+jwt` and its envelopes; `None` where other readers have to look at it."""
    try:
        found = _take_apart(token, jose.TYP, "authentication", _decode_presentation)
        if found is None:
            return None
        payload, signature, _, _ = found
        issued, expires = parse_numeric_date(payload.iat, ""), parse_numeric_date(payload.exp, "")
    except AgentdidError:
        return None
    did = signature.did
    claims = {
        name: value
        for name, value in (
            ("aud", payload.aud), ("nonce", payload.nonce), ("iat", payload.iat), ("exp", payload.exp),
            ("iss", payload.iss), ("htm", payload.htm), ("htu", payload.htu), ("contentDigest", payload.content_digest),
        )
        if value is not UNSET
    }  # fmt: skip
    if (
        payload.context not in _CONTEXTS
        or payload.type != _PRESENTATION
        or payload.holder != did
        or claims.get("iss", did) != did
        or not payload.verifiable_credential
    ):
        return None
    find = claims.get
    binding = Binding(payload.aud, payload.nonce, issued, expires, find("htm"), find("htu"), find("contentDigest"))
    envelopes: list[dict[str, object]] = [
        {"@context": each.context, "id": each.id, "type": each.type} for each in payload.verifiable_credential
    ]
    document: dict[str, object] = {
        "@context": payload.context,
        "type": payload.type,
        "holder": payload.holder,
        "verifiableCredential": envelopes,
    }
    # a presentation is nobody's parent
    secured = Secured(jose.TYP, document, (signature,), b"", issued, expires, None, token, claims, binding)
    return secured, envelopes


def read_link(
    token: str, limits: Limits, find_capability: Callable[[bytes, tuple[str, ...], Limits], tuple[_C, bool] | None]
) -> tuple[Secured, Credential, _C] | None:
    """Return the parts of a link as SD-JWT, what it says, and its capability; `None` as `read_presentation`.

    Args:
        token: The SD-JWT, ending in a tilde.
        limits: Are handed on.
        find_capability: Gives the capability of its text and the disclosures, and whether grants are withheld.
    """
    issued, *disclosures = token.split("~")
    if not disclosures or disclosures.pop():
        return None
    try:
        found = _take_apart(issued, sd_jwt.TYP, "assertionMethod", _decode_link)
        if found is None:
            return None
        payload, signature, signing_input, octets = found
        subject, issuer, status = payload.credential_subject, payload.issuer, payload.credential_status
        if payload.context != _CONTEXTS[1] or payload.type != _CAPABILITY or issuer != signature.did:
            return None
        check_did(issuer)
        check_did(subject.id)
        check_url(payload.id)
        if status is not UNSET:
            check_typed(status)
        begin, end_at = parse_instant(payload.valid_from, ""), parse_instant(payload.valid_until, "")
        signed_at = parse_numeric_date(payload.iat, "")
    except AgentdidError:
        return None
    given = tuple(disclosures)
    opened = find_capability(bytes(subject.capability), given, limits)
    if opened is None or begin > end_at:
        return None
    capability, hidden = opened
    body = LateObject(_open, octets, given)
    statuses: Any = () if status is UNSET else (status,)
    credential = Credential(payload.id, _CAPABILITY, issuer, (subject.id,), begin, end_at, statuses, body)
    claims = {"iat": payload.iat, "_sd_alg": payload.sd_alg}
    digest = sha256(signing_input).digest()
    secured = Secured(
        sd_jwt.TYP, body, (signature,), digest, signed_at, None, None, token, claims, None, hidden
    )  # fmt: skip
    return secured, credential, capability


def _take_apart(
    token: str, typ: str, purpose: str, decode: Callable[[bytes], Any]
) -> tuple[Any, Signature, bytes, bytes] | None:
    """Return a token's payload, signature, signed bytes and the payload's text; `None` where it has another form.

    Raises:
        AgentdidError: It is none, or names no key.
    """
    first = token.find(".")
    second = token.find(".", first + 1)
    if second < 0 or not token.isascii():
        return None
    header = parse_header(token[:first])
    octets = decode_base64url(token[first + 1 : second])
    value = decode_base64url(token[second + 1 :])
    if header.typ != typ or not octets.isascii():
        return None
    try:
        payload = decode(octets)
        written = _write(payload)
    except _UNREADABLE:
        return None
    if len(written) != len(octets):
        return None
    did, _ = split_did_url(header.kid)
    message = token[:second].encode()
    alg = header.alg
    return payload, Signature(str(header.kid), did, purpose, alg, KEYS_OF_ALG[alg], message, value), message, octets


def _open(octets: bytes, disclosures: tuple[str, ...]) -> dict[str, object]:
    """Return the document of a payload's text, its disclosures applied."""
    document: dict[str, object] = msgspec.json.decode(octets)
    open_payload(document, disclosures)
    take_claims(document, JWT_CLAIMS)
    return document
