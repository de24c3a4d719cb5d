"""Verifying, beside one Ed25519 verification by libsodium: secured text in, decision out, parsing inside the timing.

The credentials have 12 claims and about 1.4 kB. Nothing is remembered of a verdict: every call checks every signature
(`Memory(signatures=False)`; what a verifier remembers by default is a row). What a credential's text says is known when
it comes again (docs/adr/0010); in the rows "each a new one" nothing is.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from agentdid.clock import FixedClock
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.delegation.link import build_link, secure_link
from agentdid.did import key as did_key
from agentdid.keys.secret import SecretKey
from agentdid.present.presentation import make_presentation
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, sd_jwt
from agentdid.sources.source import RecordedSource
from agentdid.status.bitstring import StatusEntry, build_list_credential, read_list
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.memory import Memory
from bench.measure import CALLS, Row, Work, compare

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAST: Final = datetime(2020, 1, 1, tzinfo=UTC)
AUDIENCE: Final = "https://api.partner.example"
LIST_URL: Final = "https://status.acme.example/status/1"
SUITE: Final = SUITES["eddsa-jcs-2022"]
CLAIMS: Final = {
    "givenName": "Ada",
    "familyName": "Okonkwo-Lindqvist",
    "employeeNumber": "E-2026-004417",
    "department": "Accounts Payable",
    "costCentre": "4711-EU-NORTH",
    "office": "Gothenburg, Lindholmen",
    "role": "Reconciliation agent",
    "manager": "did:web:acme.example:people:mn",
    "clearance": 3,
    "languages": ["sv", "en", "ig"],
    "contact": {"email": "ap-agents@acme.example", "phone": "+46 31 555 01 00"},
    "hiredOn": "2026-03-02",
}
DISCLOSED: Final = ("givenName", "department", "role", "contact")


def _party(name: str) -> tuple[SecretKey, str, str]:
    secret = SecretKey.from_seed("Ed25519", (name.encode() * 32)[:32])
    did = did_key.create(secret.public)
    return secret, did, f"{did}#{did.removeprefix('did:key:')}"


ISSUER: Final = _party("issuer")
AGENT: Final = _party("agent")


def credential() -> dict[str, object]:
    """Return an unsigned credential of 12 claims."""
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://acme.example/contexts/employee/v1"],
        "id": "urn:uuid:3f0d3c52-6f5a-4a1d-9a58-6c43fbb1a7a5",
        "type": ["VerifiableCredential", "EmployeeCredential"],
        "issuer": ISSUER[1],
        "name": "Employee credential",
        "validFrom": "2026-11-24T11:00:00Z",
        "validUntil": "2026-11-24T20:00:00Z",
        "credentialSubject": {"id": AGENT[1], **CLAIMS},
    }


def capability() -> dict[str, object]:
    """Return a capability of one grant."""
    grant = {
        "id": "g1",
        "from": None,
        "type": "http",
        "actions": ["invoice.read", "invoice.list"],
        "resources": [f"{AUDIENCE}/v1/invoices"],
        "constraints": {"amount": {"type": "range", "max": "500.00"}, "region": {"type": "enum", "in": ["EU"]}},
        "limits": {},
        "approval": None,
        "autonomyMax": 2,
    }
    return {
        "root": ISSUER[1],
        "principal": ISSUER[1],
        "purpose": "invoice reconciliation",
        "grants": [grant],
        "audience": ["did:web:partner.example"],
        "delegation": {"depth": 0, "maxDepth": 3},
        "parent": None,
        "minSecurity": "classical",
    }


def _status_list() -> dict[str, object]:
    document = build_list_credential(LIST_URL, ISSUER[1], ["revocation"], bytes(16_384), valid_from=NOW)
    return data_integrity.add_proof(document, ISSUER[0], ISSUER[2], SUITE, created=NOW)


def _verifier(memory: Memory | None = None) -> Verifier:
    trust = Trust.parse(
        {
            "audience": AUDIENCE,
            "did": "did:web:partner.example",
            "resource": [{"prefix": f"{AUDIENCE}/", "root": ISSUER[1]}],
            "anchor": [{"did": ISSUER[1], "types": ["EmployeeCredential"]}],
        }
    )
    source = RecordedSource.load({LIST_URL: _status_list()}, NOW)
    return Verifier(trust, source=source, clock=FixedClock(NOW), memory=memory or Memory(signatures=False))


def floor() -> Work:
    """Return what figures are ratios to: one Ed25519 verification by libsodium."""
    public, secret = crypto_sign_seed_keypair(b"f" * 32)
    signed = crypto_sign(b"m" * 64, secret)
    return Work(lambda: [signed] * CALLS, lambda each: crypto_sign_open(each, public), 1.0)


def _jcs(verifier: Verifier) -> Work:
    text = encode(data_integrity.add_proof(credential(), ISSUER[0], ISSUER[2], SUITE, created=NOW))
    return Work(lambda: [text] * CALLS, verifier.verify_credential, 1.6)


def _jcs_each_new(verifier: Verifier) -> Work:
    """No two inputs alike but in what one issuer writes the same: nothing that is remembered by its text helps."""
    numbers = itertools.count()

    def one() -> bytes:
        number = next(numbers)
        document = credential()
        begin = NOW - timedelta(seconds=3600 + number)
        subject = did_key.create(SecretKey.from_seed("Ed25519", number.to_bytes(32, "big")).public)
        document["id"] = f"urn:uuid:3f0d3c52-6f5a-4a1d-9a58-{number:012x}"
        document["validFrom"], document["validUntil"] = (
            encode_instant(begin),
            encode_instant(begin + timedelta(hours=9)),
        )
        document["credentialSubject"] = {"id": subject, **CLAIMS, "employeeNumber": f"E-2026-{number}"}
        return encode(data_integrity.add_proof(document, ISSUER[0], ISSUER[2], SUITE, created=begin))

    return Work(lambda: [one() for _ in range(CALLS)], verifier.verify_credential, 1.6)


def _status_bit(verifier: Verifier) -> Work:  # noqa: ARG001  # a list that was decoded needs no verifier
    content = read_list(_status_list(), url=LIST_URL, issuer=ISSUER[1], signed_at=NOW)
    entry = StatusEntry("revocation", 94_567, LIST_URL)
    return Work(lambda: [entry] * CALLS, content.value, 0.02)


def _presented(verifier: Verifier, make: Callable[[int], str | dict[str, object]], form: str, bar: float) -> Work:
    numbers = itertools.count()

    def one() -> tuple[bytes, str]:
        number = next(numbers)
        nonce = f"nonce-{form}-{number}"
        made = make_presentation(
            [make(number)],
            holder=AGENT[1],
            signer=AGENT[0],
            method_id=AGENT[2],
            audience=AUDIENCE,
            challenge=nonce,
            at=NOW,
            form=form,
        )
        return made.encode(), nonce

    def call(each: Any) -> object:  # noqa: ANN401  # what `one` returns
        return verifier.verify(each[0], challenge=each[1])

    return Work(lambda: [one() for _ in range(CALLS)], call, bar)


def _token(number: int) -> str:
    """Return an SD-JWT of 12 claims that shows 4 of them."""
    paths = [("credentialSubject", name) for name in CLAIMS]
    document = credential() | {"id": f"urn:uuid:3f0d3c52-6f5a-4a1d-9a58-{number:012x}"}
    token = sd_jwt.issue(document, ISSUER[0], ISSUER[2], disclosable=paths)
    return sd_jwt.withhold(token, frozenset(("credentialSubject", name) for name in DISCLOSED))


def _sd_jwt(verifier: Verifier) -> Work:
    token = _token(0)
    return _presented(verifier, lambda _: token, "vp+jwt", 3.4)


def _sd_jwt_each_new(verifier: Verifier) -> Work:
    return _presented(verifier, _token, "vp+jwt", 3.4)


def _link(number: int) -> str | dict[str, object]:
    """Return a capability credential with a status."""
    status = {
        "id": f"{LIST_URL}#94567",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": LIST_URL,
    }
    begin = NOW - timedelta(seconds=3600 + number)
    document = build_link(
        issuer=ISSUER[1],
        subject=AGENT[1],
        capability=capability(),
        at=begin,
        ttl=timedelta(hours=9),
        parent=None,
        status=status,
        claims=None,
    )
    return secure_link(document, ISSUER[0], ISSUER[2], form="eddsa-jcs-2022", at=NOW, disclosable=[])


def _with_status(verifier: Verifier) -> Work:
    link = _link(0)
    return _presented(verifier, lambda _: link, "eddsa-jcs-2022", 3.3)


def _with_status_each_new(verifier: Verifier) -> Work:
    return _presented(verifier, _link, "eddsa-jcs-2022", 3.3)


def _with_status_by_default(_: Verifier) -> Work:
    """As an application makes its verifier: of a link it is remembered under which key its signature held."""
    return _with_status(_verifier(Memory()))


def works() -> dict[str, Work]:
    """Return what is timed, by row."""
    makers: dict[str, Callable[[Verifier], Work]] = {
        "eddsa-jcs-2022 credential": _jcs,
        "eddsa-jcs-2022 credential, each a new one": _jcs_each_new,
        "SD-JWT, 4 of 12 claims, in a vp+jwt": _sd_jwt,
        "SD-JWT, 4 of 12 claims, in a vp+jwt, each a new one": _sd_jwt_each_new,
        "presentation + capability credential + status (eddsa-jcs-2022)": _with_status,
        "presentation + capability credential + status, each a new one": _with_status_each_new,
        "presentation + capability credential + status, the credential's signature known": _with_status_by_default,
        "status of an entry, list decoded": _status_bit,
    }
    return {name: make(_verifier()) for name, make in makers.items()}


def rows() -> list[Row]:
    """Return the figures."""
    return compare(floor(), works())
