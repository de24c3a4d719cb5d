"""did:jwk: a JSON Web Key is the identifier, so the document is computed. Its one method is `#0`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agentdid.canon.jcs import canonicalize_plain
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import parse_object
from agentdid.did.document import DID_V1, RELATIONSHIPS, DidDocument, parse_document
from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid, KeyInvalid, Malformed
from agentdid.keys.algorithms import BY_JWK
from agentdid.keys.jwk import SECRET_MEMBERS, decode_jwk, encode_jwk

if TYPE_CHECKING:
    from agentdid.keys.algorithms import Algorithm
    from agentdid.keys.public import PublicKey

PREFIX: Final = "did:jwk:"
FRAGMENT: Final = "0"
_JWS_2020: Final = "https://w3id.org/security/suites/jws-2020/v1"
_KEY_AGREEMENT: Final = "keyAgreement"
_KEY_WRAPPING: Final = "ECDH-ES"
"""How the `alg` of every key that agrees on another begins (RFC 7518 section 4.6)."""


def create(key: PublicKey) -> str:
    """Return the did:jwk of a public key: of the members its thumbprint is made of, in canonical order."""
    return PREFIX + encode_base64url(canonicalize_plain(encode_jwk(key)))


@lru_cache(maxsize=256)
def resolve(did: str) -> DidDocument:
    """Return the document of a did:jwk. Raises as `document_json`."""
    return parse_document(document_json(did), did)


def document_json(did: str) -> dict[str, object]:
    """Return the JSON of a did:jwk's document.

    `use`, `key_ops` and `alg` say what the key is for, and it is listed under nothing else: whoever uses it for that
    is told `purpose_not_authorized` (ATTACKS H05). A key of a kind that is not in our table is shown, and of no use.

    Raises:
        DidInvalid: Not base64url of the JSON of a public JWK, or one with a secret member (ATTACKS H04).
        KeyInvalid: A key of a known kind that is not one.

    Spec: did:jwk Method, Read.
    """
    check_did(did)
    jwk = _jwk(did)
    row = _row(jwk)
    if row is not None:
        try:
            # a curve's key is judged without `alg`: where the two disagree it is a key all the same, for nothing
            decode_jwk(jwk if row.crv is None else {name: jwk[name] for name in jwk if name != "alg"})
        except KeyInvalid:
            raise
        except Malformed as error:  # a coordinate that is not base64url
            raise KeyInvalid(f"not a public key ({error.detail})") from None
    method_id = f"{did}#{FRAGMENT}"
    return {
        "@context": [DID_V1, _JWS_2020],
        "id": did,
        "verificationMethod": [{"id": method_id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}],
        **{name: [method_id] for name in _relationships(jwk, row)},
    }


def _jwk(did: str) -> dict[str, object]:
    if not did.startswith(PREFIX):
        raise DidInvalid("expected a did:jwk")
    try:
        jwk: dict[str, object] = parse_object(decode_base64url(did[len(PREFIX) :])).value  # type: ignore[assignment]
    except Malformed as error:
        raise DidInvalid(f"not a did:jwk ({error.detail})") from None
    if SECRET_MEMBERS & jwk.keys():
        raise DidInvalid("a JWK with secret members is nobody's identifier")
    if not isinstance(jwk.get("kty"), str):
        raise DidInvalid("expected a JWK with kty")
    for name in ("use", "alg", "crv"):
        if not isinstance(jwk.get(name, ""), str):
            raise DidInvalid(f"expected the JWK member {name} to be text")
    operations = jwk.get("key_ops", [])
    if not isinstance(operations, list) or not all(isinstance(each, str) for each in operations):
        raise DidInvalid("expected the JWK member key_ops to be a list of texts")
    return jwk


def _row(jwk: dict[str, object]) -> Algorithm | None:
    name = jwk.get("crv", jwk.get("alg", ""))  # an AKP key has no curve, and its algorithm is its kind (RFC 9964 §4)
    return BY_JWK.get((jwk["kty"], name))  # type: ignore[arg-type]  # texts, by _jwk


def _relationships(jwk: dict[str, object], row: Algorithm | None) -> tuple[str, ...]:
    use, alg = jwk.get("use"), jwk.get("alg")
    signs = use in (None, "sig") and not (row is not None and row.agrees)
    agrees = use in (None, "enc") and (jwk["kty"] == "EC" if row is None else row.agrees or row.scheme == "ecdsa")
    if isinstance(alg, str):
        # an algorithm that the key is not of contradicts it, and then it is for nothing
        signs = signs and (row is None or alg in row.jose) and not alg.startswith(_KEY_WRAPPING)
        agrees = agrees and alg.startswith(_KEY_WRAPPING)
    if "key_ops" in jwk:
        operations = frozenset(jwk["key_ops"])  # type: ignore[call-overload]  # a list, by _jwk
        signs = signs and "verify" in operations
        agrees = agrees and bool(operations & {"deriveKey", "deriveBits"} or not operations)
    return (*(RELATIONSHIPS if signs else ()), *((_KEY_AGREEMENT,) if agrees else ()))
