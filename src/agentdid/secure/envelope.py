"""Enveloped credentials and presentations (VCDM 2.0 sections 4.13 and 4.14): a token in the `id` of a JSON object."""

from __future__ import annotations

from typing import Final

from agentdid.credential.model import CREDENTIALS_V2
from agentdid.errors import TypeMismatch, TypMismatch
from agentdid.proof.jws import find_typ

CREDENTIAL: Final = "EnvelopedVerifiableCredential"
PRESENTATION: Final = "EnvelopedVerifiablePresentation"
_SCHEME: Final = "data:"


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
