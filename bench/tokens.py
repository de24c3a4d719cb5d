"""Tokens, beside one Ed25519 verification by libsodium: what JWT, SD-JWT and key binding cost to judge and to make.

Each work of ours is a whole judgement: secured text in, decision out, every signature checked, parsing inside the
timing. With `--peers` the same tokens are also judged by other packages of this environment, in the same rounds; they
check signatures, disclosures and times, and no trust, status or replay.
"""

from __future__ import annotations

import itertools
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from agentdid.clock import SystemClock
from agentdid.keys.jwk import encode_jwk, encode_secret_jwk
from agentdid.keys.secret import SecretKey
from agentdid.secure import key_binding, sd_jwt, sd_jwt_vc, vc_jwt
from agentdid.sources.source import RecordedSource
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from bench.measure import CALLS, Row, Work, compare
from bench.verify import AGENT, AUDIENCE, CLAIMS, DISCLOSED, ISSUER, credential, floor

if TYPE_CHECKING:
    from collections.abc import Callable

VCT: Final = "https://acme.example/employee"
PATHS: Final = [("credentialSubject", name) for name in CLAIMS]
_UNBOUNDED: Final = 1e9
"""The bar of a peer: none."""


def _document() -> dict[str, object]:
    """Return the credential of the other benches, valid at any time: peers read the machine's clock."""
    document = credential()
    del document["validUntil"]
    return document | {"validFrom": "2026-01-01T00:00:00Z"}


def _verifier() -> Verifier:
    trust = Trust.parse(
        {
            "audience": AUDIENCE,
            "did": "did:web:partner.example",
            "resource": [{"prefix": f"{AUDIENCE}/", "root": ISSUER[1]}],
            "anchor": [{"did": ISSUER[1], "types": ["EmployeeCredential", VCT]}],
        }
    )
    return Verifier(trust, source=RecordedSource.load({}, SystemClock().now()), clock=SystemClock())


def _jwt_verify() -> Work:
    token = vc_jwt.issue(_document(), ISSUER[0], ISSUER[2]).encode()
    return Work(lambda: [token] * CALLS, _verifier().verify_credential, 1.7)


def _bound(token: str, bar: float) -> Work:
    verifier, numbers = _verifier(), itertools.count()

    def one() -> tuple[bytes, str]:
        nonce = f"nonce-{next(numbers)}"
        at = SystemClock().now()
        bound = key_binding.bind(token, AGENT[0], AGENT[2], audience=AUDIENCE, nonce=nonce, at=at)
        return bound.encode(), nonce

    def call(each: Any) -> object:  # noqa: ANN401  # what `one` returns
        return verifier.verify(each[0], challenge=each[1])

    return Work(lambda: [one() for _ in range(CALLS)], call, bar)


def _claims(holder: SecretKey = AGENT[0]) -> dict[str, object]:
    confirmation = {"jwk": encode_jwk(holder.public)}
    return {"iss": ISSUER[1], "vct": VCT, "sub": AGENT[1], "cnf": confirmation, "iat": 1_767_225_600, **CLAIMS}


def _four_of_twelve() -> str:
    """Return an SD-JWT of VCDM with 4 of 12 claims disclosed and the holder's key in `cnf`."""
    confirmation = {"jwk": encode_jwk(AGENT[0].public)}
    token = sd_jwt.issue(_document(), ISSUER[0], ISSUER[2], disclosable=PATHS, claims={"cnf": confirmation})
    return sd_jwt.withhold(token, frozenset(("credentialSubject", name) for name in DISCLOSED))


def _four_of_twelve_vc(holder: SecretKey = AGENT[0]) -> str:
    """Return the same as an SD-JWT VC."""
    token = sd_jwt_vc.issue(_claims(holder), ISSUER[0], ISSUER[2], disclosable=[(name,) for name in CLAIMS])
    return sd_jwt.withhold(token, frozenset((name,) for name in DISCLOSED))


def _jwt_issue() -> Work:
    def call(document: Any) -> object:  # noqa: ANN401  # what `credential` returns
        return vc_jwt.issue(document, ISSUER[0], ISSUER[2])

    return Work(lambda: [credential() for _ in range(CALLS)], call, 0.7)


def _sd_jwt_issue() -> Work:
    def call(document: Any) -> object:  # noqa: ANN401  # as above
        return sd_jwt.issue(document, ISSUER[0], ISSUER[2], disclosable=PATHS)

    return Work(lambda: [credential() for _ in range(CALLS)], call, 1.1)


def works() -> dict[str, Work]:
    """Return what is timed, by row."""
    return {
        "verify a vc+jwt": _jwt_verify(),
        "verify a vc+sd-jwt, 4 of 12 claims, and its key binding": _bound(_four_of_twelve(), 3.4),
        "verify a dc+sd-jwt, 4 of 12 claims, and its key binding": _bound(_four_of_twelve_vc(), 3.4),
        "issue a vc+jwt": _jwt_issue(),
        "issue a vc+sd-jwt, 12 claims disclosable": _sd_jwt_issue(),
    }


def peers() -> dict[str, Work]:
    """Return the same works by other packages, those that are installed here."""
    makers: dict[str, Callable[[], dict[str, Work]]] = {"openvc": _openvc, "sd_jwt": _sd_jwt_python}
    return {name: work for package, make in makers.items() if find_spec(package) for name, work in make().items()}


def _openvc() -> dict[str, Work]:
    from openvc.keys import Ed25519SigningKey  # noqa: PLC0415  # a peer, which need not be here
    from openvc.proof.sd_jwt import SdJwtVcProofSuite  # noqa: PLC0415
    from openvc.proof.vc_jwt import VcJwtProofSuite  # noqa: PLC0415

    key = Ed25519SigningKey.from_jwk(encode_secret_jwk(ISSUER[0]), ISSUER[2])
    public = encode_jwk(ISSUER[0].public)
    jwts, sd_jwts = VcJwtProofSuite(), SdJwtVcProofSuite()
    token = jwts.sign(_document(), signing_key=key)
    at = SystemClock().now()
    bound = key_binding.bind(_four_of_twelve_vc(), AGENT[0], AGENT[2], audience=AUDIENCE, nonce="n", at=at)

    def verify(text: str) -> object:
        return sd_jwts.verify(text, public_key_jwk=public, audience=AUDIENCE, nonce="n", require_key_binding=True)

    return {
        "openvc: verify a VC-JWT (of VCDM 1.1)": _peer(token, lambda text: jwts.verify(text, public_key_jwk=public)),
        "openvc: verify a dc+sd-jwt, 4 of 12 claims, and its key binding": _peer(bound, verify),
        "openvc: issue a VC-JWT": _peer(_document(), lambda each: jwts.sign(each, signing_key=key)),
        "openvc: issue a dc+sd-jwt, 12 claims disclosable": _peer(
            _claims(), lambda each: sd_jwts.issue(each, signing_key=key, disclosable=CLAIMS)
        ),
    }


def _sd_jwt_python() -> dict[str, Work]:
    from jwcrypto.jwk import JWK  # noqa: PLC0415  # a peer, which need not be here
    from sd_jwt.common import SDObj  # noqa: PLC0415
    from sd_jwt.issuer import SDJWTIssuer  # noqa: PLC0415
    from sd_jwt.verifier import SDJWTVerifier  # noqa: PLC0415

    public, secret = JWK(**encode_jwk(ISSUER[0].public)), JWK(**encode_secret_jwk(ISSUER[0]))
    at = SystemClock().now()
    holder = SecretKey.from_seed("P-256", b"holder".rjust(32, b"h"))  # it takes key bindings of ES256 alone
    token = _four_of_twelve_vc(holder)
    bound = key_binding.bind(token, holder, f"{ISSUER[1]}#x", audience=AUDIENCE, nonce="n", at=at)
    hidden = {SDObj(name) if name in CLAIMS else name: each for name, each in _claims().items()}

    def verify(text: str) -> object:
        return SDJWTVerifier(text, lambda _issuer, _header: public, AUDIENCE, "n").get_verified_payload()

    def issue(claims: Any) -> object:  # noqa: ANN401  # marked claims
        return SDJWTIssuer(dict(claims), secret, sign_alg="EdDSA").sd_jwt_issuance

    return {
        "sd-jwt: verify an SD-JWT, 4 of 12 claims, and its key binding (ES256)": _peer(bound, verify),
        "sd-jwt: issue an SD-JWT, 12 claims disclosable": _peer(hidden, issue),
    }


def _peer(given: Any, call: Callable[[Any], object]) -> Work:  # noqa: ANN401  # whatever the peer takes
    return Work(lambda: [given] * CALLS, call, _UNBOUNDED)


def rows(*, with_peers: bool = False) -> list[Row]:
    """Return the figures."""
    return compare(floor(), works() | (peers() if with_peers else {}))
