"""Enveloped credentials and presentations (VCDM 2.0 sections 4.13 and 4.14): a token in the `id` of a JSON object."""

from __future__ import annotations

from typing import Final

from pybase64 import standard_b64encode

from agentdid.codec.base import decode_base64url
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.errors import EncodingInvalid, TypeMismatch, TypMismatch
from agentdid.proof.jws import find_typ

CREDENTIAL: Final = "EnvelopedVerifiableCredential"
PRESENTATION: Final = "EnvelopedVerifiablePresentation"
_SCHEME: Final = "data:"
BASE64: Final = ";base64"
"""Behind the media type of what is bytes: COSE (VC-JOSE-COSE section 3.3.2)."""
_URL_ALPHABET: Final = str.maketrans("+/", "-_")


def open_envelope(item: dict[str, object]) -> tuple[str, str]:
    """Return the media type of an envelope, as it is written, and what stands behind it.

    Raises:
        TypeMismatch: Another context than VCDM 2.0, or `id` is no data: URL.
        TypMismatch: A data: URL without a media type.
    """
    context = item.get("@context")
    if (context[:1] != [CREDENTIALS_V2]) if type(context) is list else (context != CREDENTIALS_V2):
        raise TypeMismatch(f"expected {CREDENTIALS_V2} as context of an envelope", path="/@context")
    url = item.get("id")
    if type(url) is not str or not url.startswith(_SCHEME):
        raise TypeMismatch("expected a data: URL", path="/id")
    end = url.find(",")
    if end < 0:
        raise TypMismatch("expected a data: URL of a media type", path="/id")
    return url[len(_SCHEME) : end], url[end + 1 :]


def envelop(token: str, kind: str = CREDENTIAL) -> dict[str, object]:
    """Return the envelope around a compact token; its media type is that of the token's `typ`."""
    typ = find_typ(token) or ("vc+sd-jwt" if "~" in token else "vc+jwt")  # what has no typ, no verifier takes
    return {"@context": CREDENTIALS_V2, "id": f"{_SCHEME}application/{typ},{token}", "type": kind}


def envelop_octets(octets: bytes, media_type: str, kind: str = CREDENTIAL) -> dict[str, object]:
    """Return the envelope around bytes, which stand in it in base64."""
    text = standard_b64encode(octets).decode("ascii")
    return {"@context": CREDENTIALS_V2, "id": f"{_SCHEME}{media_type}{BASE64},{text}", "type": kind}


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 in its one spelling, with its padding or without (RFC 4648 section 4).

    Raises:
        EncodingInvalid: Another alphabet, white space, stray bits, or padding of the wrong length.
    """
    bare = text.rstrip("=")
    if "-" in text or "_" in text or (len(bare) < len(text) and len(text) % 4):
        raise EncodingInvalid("expected base64")
    return decode_base64url(bare.translate(_URL_ALPHABET))
