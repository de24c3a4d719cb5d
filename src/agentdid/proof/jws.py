"""Compact JWS (RFC 7515 section 7.1): three segments, an allowed algorithm, and never a key from the token itself.

Which typ is right and whose key it is are judged above; here a token is taken apart so that nothing in it is read
two ways.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import JsonText, encode, parse
from agentdid.errors import (
    AgentdidError,
    AlgKeyMismatch,
    AlgNotAllowed,
    CritUnsupported,
    HeaderInvalid,
    InputTooLarge,
    IssuerUntrusted,
    KeySourceForbidden,
)
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.secret import Signer

_MAX_HEADER: Final = 16_384
"""Characters of a header segment: one whose `kid` is the did:key of an ML-DSA-87 key has 9,400."""
_MAX_REMEMBERED: Final = 1_024
"""The same, of those that are remembered: classical ones are under 500."""

KEYS_OF_ALG: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        alg: tuple(row.name for row in ALGORITHMS.values() if alg in row.jose)
        for alg in {alg for row in ALGORITHMS.values() for alg in row.jose}
    }
)
"""JOSE `alg` → the key algorithms that may stand behind it; what is not here is not allowed (RFC 8725 section 3.1)."""


@final
class JoseHeader(Value, frozen=True):
    """A protected header whose every member that could change the outcome has been looked at."""

    alg: str
    typ: str | None
    cty: str | None
    kid: str | None


@final
class Jws(Value, frozen=True, eq=False):
    """A compact token taken apart; its signature has not been checked."""

    quiet: ClassVar[frozenset[str]] = frozenset({"signing_input", "signature"})

    header: JoseHeader
    payload: JsonText
    signing_input: bytes
    signature: bytes

    @property
    def claims(self) -> dict[str, object]:
        """The payload, which is an object."""
        return self.payload.value  # type: ignore[return-value]  # parse_jws made sure


def parse_jws(token: str, limits: Limits = DEFAULT) -> Jws:
    """Return the parts of a compact JWS whose payload is a JSON object.

    Raises:
        InputTooLarge: The token is over `limits.max_input_bytes`; nothing was decoded.
        HeaderInvalid: Not three segments, no payload, header or payload not an object, `b64` used.
        EncodingInvalid: A segment is not the one base64url spelling of its bytes.
        AlgNotAllowed, CritUnsupported, KeySourceForbidden, IssuerUntrusted: As `parse_header`.

    Spec: RFC 7515 section 5.2; RFC 8725 sections 3.1, 3.10 and 3.11.
    """
    if len(token) > limits.max_input_bytes:
        raise InputTooLarge(f"a token is at most {limits.max_input_bytes} bytes")
    # found, not split: a scan for one character is many times faster, and a payload is long
    first = token.find(".")
    second = token.find(".", first + 1)
    if second < 0 or token.find(".", second + 1) >= 0:  # RFC 7515 section 7.1
        if token.count(".") == 4:  # noqa: PLR2004  # RFC 7516 section 7.1
            parse_header(token[:first])  # a JWE's algorithm is none of ours (ATTACKS C20)
        raise HeaderInvalid("expected three segments")
    header = parse_header(token[:first])
    if second == first + 1:
        raise HeaderInvalid("expected a payload; detached payloads are not taken")
    payload = parse(decode_base64url(token[first + 1 : second]), limits)
    if type(payload.value) is not dict:
        raise HeaderInvalid("expected an object as payload")
    return Jws(header, payload, token[:second].encode("ascii"), decode_base64url(token[second + 1 :]))


def is_compact(text: str | bytes) -> bool:
    """Whether a text is meant as a compact token: it begins with its header's ``{`` in base64url, an ``e``.

    No JSON text begins so, and white space within the header changes only what follows.
    """
    return text[:1] in ("e", b"e")


def find_typ(token: str) -> str | None:
    """Return the `typ` that a compact token names, `None` for none or an unreadable one; nothing of it is believed."""
    try:
        return parse_header(token[: token.find(".")]).typ
    except AgentdidError:
        return None


def parse_header(segment: str) -> JoseHeader:
    """Return what a protected header says; short ones are remembered by their spelling, as issuers reuse theirs.

    Raises:
        HeaderInvalid: Not an object, or `b64` without `crit` (RFC 7797 section 6).
        AlgNotAllowed: `alg` is not in the table of algorithms: `none`, HMAC and RSA never are.
        CritUnsupported: Any critical extension; none is understood.
        KeySourceForbidden: The token brings its own key, or says where to fetch one.
        IssuerUntrusted: A certificate chain; none confers authority here.
    """
    if len(segment) <= _MAX_REMEMBERED:
        return _remembered(segment)
    if len(segment) > _MAX_HEADER:
        raise InputTooLarge(f"a protected header is at most {_MAX_HEADER} characters")
    return _parse_header(segment)


def _parse_header(segment: str) -> JoseHeader:
    header = parse(decode_base64url(segment)).value
    if not isinstance(header, dict):
        raise HeaderInvalid("expected an object as header")
    if "crit" in header:
        raise CritUnsupported("no critical extension is understood", path="/crit")
    if "b64" in header:
        raise HeaderInvalid("unencoded payloads are not taken", path="/b64")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in KEYS_OF_ALG:
        raise AlgNotAllowed(f"expected one of {', '.join(sorted(KEYS_OF_ALG))}", path="/alg")
    for name in ("jwk", "jku", "x5u"):
        if name in header:
            raise KeySourceForbidden("a key comes from the issuer's DID document only", path=f"/{name}")
    if "x5c" in header:
        raise IssuerUntrusted("a certificate chain confers no authority", path="/x5c")
    for name in ("typ", "cty", "kid"):
        if name in header and not isinstance(header[name], str):
            raise HeaderInvalid("expected a string", path=f"/{name}")
    return JoseHeader(alg, header.get("typ"), header.get("cty"), header.get("kid"))


_remembered: Final = lru_cache(maxsize=1024)(_parse_header)


def sign_jws(header: dict[str, object], payload: dict[str, object], signer: Signer) -> str:
    """Return the compact JWS of `payload`, its `alg` taken from the signer's key.

    Raises:
        AlgKeyMismatch: The key is of a kind that JOSE does not sign with.

    Spec: RFC 7515 section 5.1.
    """
    algorithm = signer.public.algorithm
    if not algorithm.jose:
        raise AlgKeyMismatch(f"no JOSE algorithm signs with a key of {algorithm.name}")
    protected = {"alg": algorithm.jose[0], **header}
    signing_input = f"{encode_base64url(encode(protected))}.{encode_base64url(encode(payload))}"
    return f"{signing_input}.{encode_base64url(signer.sign(signing_input.encode('ascii')))}"
