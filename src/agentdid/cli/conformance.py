"""What the W3C vc-jose-cose suite asks of an implementation: signature, media type and structure, and nothing else.

It has no DIDs and no clock: the key is handed over, `exp` and an `iat` that is no number are passed over, and envelopes
in a presentation are judged by their shape. No verdict of a verifier rests on this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.credential.model import CREDENTIALS_V2
from agentdid.credential.parse import CREDENTIAL_MEMBERS, PRESENTATION_MEMBERS, parse_credential, parse_presentation
from agentdid.errors import EncodingInvalid, HeaderInvalid, KbInvalid, TypeMismatch, TypMismatch
from agentdid.keys.jwk import decode_jwk, decode_secret_jwk
from agentdid.proof import cose
from agentdid.proof.disclosures import hide, open_payload
from agentdid.proof.jws import KEYS_OF_ALG, parse_jws, sign_jws
from agentdid.secure.claims import JWT_CLAIMS, PRESENTATION_CLAIMS
from agentdid.secure.envelope import CREDENTIAL, decode_base64
from agentdid.secure.mechanism import Signature
from agentdid.wallet.disclosure import parse_path

if TYPE_CHECKING:
    from agentdid.keys.public import PublicKey

FEATURES: Final = tuple(f"{what}_{how}" for what in ("credential", "presentation") for how in ("jose", "sdjwt", "cose"))
_SUFFIXES: Final = {"jose": "jwt", "sdjwt": "sd-jwt", "cose": "cose"}


def issue(document: object, method: dict[str, object], feature: str, paths: object = ()) -> str | None:
    """Return the secured document, COSE in base64; `None` for a feature that is none.

    Args:
        document: A credential or a presentation, unsecured.
        method: A verification method with `secretKeyJwk`; its `id` becomes `kid`.
        feature: One of `FEATURES`.
        paths: What to hide, as `a.b` or `x[0]`.

    Raises:
        AgentdidError: The document has not the form of its data model, or the key is none.
        ValueError: A path that leads nowhere.
    """
    if feature not in FEATURES:
        return None
    what, how = feature.split("_")
    _check_document(document, what)
    secret = decode_secret_jwk(method.get("secretKeyJwk"))
    kind = "vc" if what == "credential" else "vp"
    typ, kid = f"{kind}+{_SUFFIXES[how]}", str(method.get("id"))
    body: dict[str, object] = document  # type: ignore[assignment]  # an object, by the check
    if how == "cose":
        from pybase64 import standard_b64encode  # noqa: PLC0415  # as COSE

        octets = cose.sign1(body, secret, typ=f"application/{typ}", content_type=f"application/{kind}", kid=kid)
        return standard_b64encode(octets).decode("ascii")
    if not isinstance(paths, list | tuple):
        raise TypeMismatch("expected an array of paths")
    payload, disclosures = hide(body, [parse_path(str(each)) for each in paths] if how == "sdjwt" else [])
    token = sign_jws({"typ": typ, "cty": kind, "kid": kid}, payload, secret)
    return "~".join([token, *disclosures, ""]) if how == "sdjwt" else token


def verify(given: bytes, method: dict[str, object], feature: str) -> dict[str, object] | None:
    """Return the document of which the key's owner signed this form; `None` for a feature that is none.

    Raises:
        AgentdidError: The signature, the media type or the structure does not hold.
    """
    if feature not in FEATURES:
        return None
    what, how = feature.split("_")
    key = decode_jwk(method.get("publicKeyJwk"))
    typ = f"{'vc' if what == 'credential' else 'vp'}+{_SUFFIXES[how]}"
    try:
        text = given.decode("ascii").strip()
    except UnicodeDecodeError:
        raise EncodingInvalid("expected ASCII") from None
    document = _open_cose(text, key, typ) if how == "cose" else _open_token(text, key, typ)
    _check_document(document, what)
    return document


def _open_token(text: str, key: PublicKey, typ: str) -> dict[str, object]:
    issued, tilde, rest = text.partition("~")
    if bool(tilde) != typ.endswith("sd-jwt"):
        raise HeaderInvalid("an SD-JWT has a tilde behind its signed part, a JWT none")
    jws = parse_jws(issued)
    if jws.header.typ != typ:
        raise TypMismatch(f"expected typ {typ}", path="/typ")
    _check_signature(jws.header.alg, key, jws.signing_input, jws.signature)
    if tilde:
        disclosures = rest.split("~")
        if disclosures.pop():
            raise KbInvalid("expected no key binding JWT")
        open_payload(jws.claims, disclosures)
    return jws.claims


def _open_cose(text: str, key: PublicKey, typ: str) -> dict[str, object]:
    parts = cose.parse_sign1(decode_base64(text))
    if parts.header.typ != f"application/{typ}":
        raise TypMismatch(f"expected typ application/{typ}", path="/typ")
    _check_signature(parts.header.alg, key, parts.signing_input, parts.signature)
    return parts.document


def _check_signature(alg: str, key: PublicKey, message: bytes, value: bytes) -> None:
    Signature("", "", "", alg, KEYS_OF_ALG[alg], message, value).check(key)


def _check_document(document: object, what: str) -> None:
    """Hold that it has the form of its data model, says nothing twice, and has no other members at its top."""
    if type(document) is not dict:
        raise TypeMismatch("expected an object")
    known = CREDENTIAL_MEMBERS if what == "credential" else PRESENTATION_MEMBERS
    claims = JWT_CLAIMS if what == "credential" else PRESENTATION_CLAIMS
    for name in document:
        if name not in known and name not in claims:
            raise TypeMismatch("a member that the data model does not define", path=f"/{name}")
    owner = document.get("issuer" if what == "credential" else "holder")
    if isinstance(owner, dict):
        owner = owner.get("id")
    if "iss" in document and owner is not None and document["iss"] != owner:
        raise TypeMismatch("iss is not the issuer or holder", path="/iss")
    if what == "credential":
        parse_credential(document)
        return
    for position, each in enumerate(parse_presentation(document).credentials):
        types, url, context = each.get("type"), each.get("id"), each.get("@context")
        if types not in (CREDENTIAL, [CREDENTIAL]) or not isinstance(url, str) or not url.startswith("data:"):
            raise TypeMismatch("expected an enveloped credential", path=f"/verifiableCredential/{position}")
        if (context[:1] if isinstance(context, list) else [context]) != [CREDENTIALS_V2]:
            raise TypeMismatch("expected the context of VCDM 2.0", path=f"/verifiableCredential/{position}/@context")
