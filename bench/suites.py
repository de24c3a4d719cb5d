"""Data Integrity suites: what verifying and issuing cost beside one Ed25519 verification by libsodium, peers beside.

The credential has 12 claims and 1.4 kB, under a context that defines them, so that every suite can sign it. A hybrid
set is compared with its own two signatures, checked by the same libraries and nothing more. Nothing is remembered of a
verdict: every call checks every signature.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.canon import contexts
from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode, parse
from agentdid.delegation.link import build_link
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.keys import pair
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, hybrid
from agentdid.sources.source import RecordedSource
from agentdid.status.bitstring import build_list_credential
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.memory import Memory
from bench import peers
from bench.measure import CALLS, Row, Work, compare
from bench.verify import AGENT, AUDIENCE, CLAIMS, ISSUER, LIST_URL, NOW, _presented, capability, credential, floor

if TYPE_CHECKING:
    from agentdid.keys.secret import Signer

_VOCABULARY: Final = "https://acme.example/vocabulary#"
CONTEXT_URL: Final = "https://acme.example/contexts/employee/v1"
CONTEXT: Final[dict[str, object]] = {
    "@context": {
        "@version": 1.1,
        "@protected": True,
        "EmployeeCredential": f"{_VOCABULARY}EmployeeCredential",
        "email": f"{_VOCABULARY}email",
        "phone": f"{_VOCABULARY}phone",
        **{name: f"{_VOCABULARY}{name}" for name in CLAIMS},
    }
}
JCS, RDFC = "eddsa-jcs-2022", "eddsa-rdfc-2022"
ACME: Final = "did:web:acme.example"


def register() -> None:
    """Make the credential's context usable."""
    body = encode(CONTEXT)
    contexts.register(CONTEXT_URL, body, hashlib.sha256(body).hexdigest())


def _sign(document: dict[str, object], suite: str) -> dict[str, object]:
    return data_integrity.add_proof(document, ISSUER[0], ISSUER[2], SUITES[suite], created=NOW)


def _verifier(suite: str) -> Verifier:
    listed = build_list_credential(LIST_URL, ISSUER[1], ["revocation"], bytes(16_384), valid_from=NOW)
    source = RecordedSource.load({LIST_URL: _sign(listed, suite)}, NOW)
    return Verifier(_trust(ISSUER[1]), source=source, clock=FixedClock(NOW), memory=Memory(max_links=0))


def _trust(issuer: str) -> Trust:
    return Trust.parse(
        {
            "audience": AUDIENCE,
            "did": "did:web:partner.example",
            "resource": [{"prefix": f"{AUDIENCE}/", "root": ISSUER[1]}],
            "anchor": [{"did": issuer, "types": ["EmployeeCredential"]}],
        }
    )


def _verify(suite: str, bar: float) -> Work:
    text = encode(_sign(credential(), suite))
    return Work(lambda: [text] * CALLS, _verifier(suite).verify_credential, bar)


def _issue(suite: str, bar: float) -> Work:
    def call(document: Any) -> object:  # noqa: ANN401  # what `credential` returns
        return encode(_sign(document, suite))

    return Work(lambda: [credential() for _ in range(CALLS)], call, bar)


def _with_status(suite: str, bar: float) -> Work:
    status = {
        "id": f"{LIST_URL}#94567",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": LIST_URL,
    }
    document = build_link(
        issuer=ISSUER[1], subject=AGENT[1], capability=capability(), at=NOW - timedelta(hours=1),
        ttl=timedelta(hours=9), status=status,
    )  # fmt: skip
    signed = _sign(document, suite)
    return _presented(_verifier(suite), lambda _: signed, suite, bar)


def _hybrid() -> tuple[Work, dict[str, Work]]:
    """Return both signatures alone, and a credential under them from text to decision."""
    keys = pair.as_signer(pair.load(pair.HYBRID, b"acme" * 16))
    document = {**credential(), "issuer": ACME}
    signed = hybrid.add_set(document, keys, f"{ACME}#key-1", created=NOW)
    text = encode(signed)
    listed = build_document(ACME, pair.public_keys(keys, "key-1"))
    source = RecordedSource.load({did_web.url(ACME): listed}, NOW)
    verifier = Verifier(_trust(ACME), source=source, clock=FixedClock(NOW), memory=Memory(max_links=0))
    signatures = data_integrity.read(parse(text), data_integrity.ASSERTION).signatures
    public = [each.public for each in _members(keys)]

    def both(_: object) -> None:
        for signature, key in zip(signatures, public, strict=True):
            key.verify(signature.value, signature.message)

    return Work(lambda: [None] * CALLS, both, 1.0), {
        "hybrid-set credential, beside its two signatures": Work(
            lambda: [text] * CALLS, verifier.verify_credential, 1.3
        )
    }


def _members(signer: Signer) -> tuple[Signer, ...]:
    return signer.keys if isinstance(signer, pair.KeyPair) else (signer,)


def rows() -> list[Row]:
    """Return the figures: suites by libsodium's verification, then the hybrid set by its own two signatures."""
    register()
    works = {
        "verify an eddsa-jcs-2022 credential": _verify(JCS, 1.6),
        "verify an eddsa-rdfc-2022 credential": _verify(RDFC, 2.5),
        "issue an eddsa-jcs-2022 credential": _issue(JCS, 0.8),
        "issue an eddsa-rdfc-2022 credential": _issue(RDFC, 1.6),
        "presentation + credential + status (eddsa-jcs-2022)": _with_status(JCS, 3.3),
        "presentation + credential + status (eddsa-rdfc-2022)": _with_status(RDFC, 6.5),
    }
    own = compare(floor(), works)
    with peers.started({name: _sign(credential(), name) for name in (JCS, RDFC)}, {CONTEXT_URL: CONTEXT}) as others:
        beside = compare(floor(), others, peers.ROUNDS) if others else []
    return [*own, *beside, *compare(*_hybrid())]
