"""The examples of the specifications, from fixed keys at a fixed instant: ``python specs/examples/make.py``.

With ``--check`` nothing is written; the exit code says whether the files are what this script makes. Every secret key
here is a party's name, so none of them may ever be used for anything else.
"""

# ruff: noqa: INP001  # a script beside what it writes
from __future__ import annotations

import hashlib
import json
import secrets
import sys
import tempfile
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Final
from unittest.mock import patch

from agentdid.audit.attribution import attributed
from agentdid.audit.receipt import ReceiptKey
from agentdid.audit.record import ISSUANCE, REVOCATION, SUSPENSION, Named, Record
from agentdid.clock import FixedClock
from agentdid.codec.base import encode_base64url
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode, parse
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.delegation.link import ParentLink, build_link, secure_link
from agentdid.delegation.usage import Request
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.errors import ApprovalRequired, NonceReplayed, SignatureInvalid
from agentdid.keys import pair
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import encode_authorization, normalize_url
from agentdid.present.presentation import make_presentation
from agentdid.proof import disclosures
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, derivation, hybrid
from agentdid.secure.mandatory import mandatory_pointers
from agentdid.sources.source import RecordedSource
from agentdid.status.bitstring import build_list_credential, decode_list
from agentdid.status.staple import sign_staple
from agentdid.storage.audit_log import AuditLog
from agentdid.storage.audit_read import Prover
from agentdid.storage.log_folder import LogFolder
from agentdid.storage.nonces import MemoryTakes
from agentdid.trust.anchors import Trust
from agentdid.trust.trust_list import build_trust_list
from agentdid.verifier.service import Verifier
from agentdid.verify.case import HttpRequest
from agentdid.verify.structure import read_chain
from agentdid.wallet.approve import read_asked, sign_approval

HERE: Final = Path(__file__).resolve().parent
AT: Final = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
AUDIENCE: Final = "https://api.partner.example"
NONCE: Final = "bm90LXJhbmRvbS1hdC1hbGw"
URL: Final = f"{AUDIENCE}/v1/invoices/7?region=EU"
REQUEST: Final = Request("http", "invoice.read", f"{AUDIENCE}/v1/invoices/7", {"region": "EU"})
SUITE: Final = SUITES["eddsa-jcs-2022"]
# 131,072 zero bits as one gzip member. Fixed, because implementations of deflate differ in their choices.
EMPTY_LIST: Final = "uH4sIAAAAAAACA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
WIDTH: Final = 116
TRUST: Final = f"""\
audience = "{AUDIENCE}"
did = "did:web:partner.example"

[[resource]]
prefix = "{AUDIENCE}/"
root = "did:web:partner.example"

[[anchor]]
did = "did:web:acme.example"
types = ["AgentCapabilityCredential"]
roots = ["did:web:partner.example"]
actions = ["invoice.*"]
"""

REGISTRY_URL: Final = "https://registry.example/trust/agents"
TRUST_LIST: Final = f"""\
audience = "{AUDIENCE}"
did = "did:web:partner.example"

[[resource]]
prefix = "{AUDIENCE}/"
root = "did:web:partner.example"

[[trust_list]]
url = "{REGISTRY_URL}"
issuer = "did:web:registry.example"
types = ["AgentCapabilityCredential"]
roots = ["did:web:partner.example"]
actions = ["invoice.*"]
max_depth = 1
max_age = 3600
"""


@dataclass(frozen=True)
class Party:
    """Somebody with a DID and the key that its name spells."""

    did: str
    secret: SecretKey

    @property
    def method_id(self) -> str:
        """The absolute DID URL of its one key."""
        return f"{self.did}#{'key-1' if ':web:' in self.did else self.did.removeprefix('did:key:')}"


def party(name: str, *, web: bool = False) -> Party:
    """Return the party of that name: its seed is the name, repeated to 32 bytes."""
    secret = SecretKey.from_seed("Ed25519", (name.encode() * 32)[:32])
    return Party(did_web.create(f"{name}.example") if web else did_key.create(secret.public), secret)


ACME: Final = party("acme", web=True)
PARTNER: Final = party("partner", web=True)
AGENT: Final = party("agent")
HELPER: Final = party("helper")
REGISTRY: Final = party("registry", web=True)
LIST_URL: Final = "https://acme.example/status/1"


def capability(grants: list[dict[str, object]], max_depth: int) -> dict[str, object]:
    """Return a capability over the partner's invoices, for acme."""
    return {
        "root": PARTNER.did,
        "principal": ACME.did,
        "purpose": "invoice reconciliation",
        "grants": grants,
        "audience": [PARTNER.did],
        "delegation": {"maxDepth": max_depth},
        "minSecurity": "classical",
    }


READ: Final[dict[str, object]] = {
    "id": "read",
    "from": None,
    "type": "http",
    "actions": ["invoice.read", "invoice.list"],
    "resources": [f"{AUDIENCE}/v1/invoices"],
    "constraints": {"region": {"type": "enum", "in": ["EU", "UK"]}},
    "limits": {},
    "approval": None,
    "autonomyMax": 2,
}
PAY: Final[dict[str, object]] = {
    "id": "pay",
    "from": None,
    "type": "http",
    "actions": ["invoice.pay"],
    "resources": [f"{AUDIENCE}/v1/payments"],
    "constraints": {"amount": {"type": "range", "max": "500.00"}},
    "limits": {
        "calls": {"max": 100, "window": "PT1H"},
        "budget": {"max": "1000.00", "unit": "EUR", "argument": "amount", "unitArgument": "currency"},
    },
    "approval": {"when": {"amount": {"gt": "200.00"}}, "approvers": [ACME.did], "threshold": 1},
    "autonomyMax": 1,
}
ONE: Final[dict[str, object]] = {
    **READ,
    "id": "one",
    "from": "read",
    "actions": ["invoice.read"],
    "resources": [f"{AUDIENCE}/v1/invoices/7"],
    "constraints": {"region": {"type": "const", "value": "EU"}},
    "autonomyMax": 1,
}


def root_document() -> dict[str, object]:
    """Return acme's credential for its agent, unsigned."""
    return build_link(
        issuer=ACME.did,
        subject=AGENT.did,
        capability=capability([READ, PAY], 3),
        at=AT - timedelta(hours=1),
        ttl=timedelta(hours=8),
        status={
            "id": f"{LIST_URL}#94567",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": LIST_URL,
        },
        credential_id="urn:uuid:3f2a6d0e-8c51-4b7e-9d1f-0a6b5c4d3e2f",
    )


def sign(document: dict[str, object], by: Party, at: datetime, form: str = SUITE.name) -> str | dict[str, object]:
    """Return a link as its issuer signs it; the salts of an SD-JWT are fixed too."""
    counter = iter(range(1_000))

    def salt(size: int) -> bytes:
        return hashlib.sha256(f"salt {next(counter)}".encode()).digest()[:size]

    with patch.object(disclosures, "os", SimpleNamespace(urandom=salt)):
        return secure_link(document, by.secret, by.method_id, form=form, at=at)


def chain() -> list[str | dict[str, object]]:
    """Return acme's credential and the narrower one that its agent made for a helper."""
    root = sign(root_document(), ACME, AT - timedelta(hours=1))
    (link,) = read_chain([root], DEFAULT)
    if link.capability is None:
        raise TypeError("the root is a capability")
    begin = AT - timedelta(minutes=1)
    child = build_link(
        issuer=AGENT.did,
        subject=HELPER.did,
        capability=capability([ONE], 3),
        at=begin,
        ttl=timedelta(minutes=10),
        parent=ParentLink(link.credential, link.capability, link.secured.digest),
        credential_id="urn:uuid:7b9e1c44-52d0-4f6a-8e3b-1d2c3b4a5968",
    )
    return [root, sign(child, AGENT, begin)]


PAYMENT: Final = Request("http", "invoice.pay", f"{AUDIENCE}/v1/payments", {"amount": "250.00", "currency": "EUR"})


def approval() -> tuple[dict[str, object], dict[str, object]]:
    """Return what the agent's payment needs approved, and acme's approval of it."""
    (root, _) = chain()
    presentation = make_presentation(
        [root],
        holder=AGENT.did,
        signer=AGENT.secret,
        method_id=AGENT.method_id,
        audience=AUDIENCE,
        challenge=NONCE,
        at=AT,
        form=SUITE.name,
    )
    verifier = Verifier(policy(), source=RecordedSource.load(sources(), AT), clock=FixedClock(AT))
    try:
        verifier.authorize(presentation, challenge=NONCE, request=PAYMENT)
    except ApprovalRequired as refusal:
        asked = dict(refusal.approval or {})
    with patch.object(uuid, "uuid4", lambda: "0d5c1f7e-6b1a-4c52-9a3e-5f4e3d2c1b0a"):
        _, made = sign_approval(
            read_asked(asked),
            ACME.secret,
            ACME.method_id,
            issuer=ACME.did,
            at=AT,
            ttl=timedelta(minutes=5),
            form=SUITE.name,
        )
    if isinstance(made, str):
        raise TypeError("a Data Integrity credential is an object")
    return asked, made


def sources() -> dict[str, object]:
    """Return what the network would serve: DID documents, a status list with no bit set, a trust list."""
    if any(decode_list(EMPTY_LIST)):
        raise ValueError("the list is not empty")
    document = build_list_credential(
        LIST_URL, ACME.did, ["revocation"], bytes(16_384), valid_from=AT, valid_until=AT + timedelta(days=1), ttl_s=60
    )
    subject: dict[str, object] = document["credentialSubject"]  # type: ignore[assignment]  # one object
    subject["encodedList"] = EMPTY_LIST
    return {
        did_web.url(ACME.did): build_document(ACME.did, {"key-1": ACME.secret.public}),
        did_web.url(PARTNER.did): build_document(PARTNER.did, {"key-1": PARTNER.secret.public}),
        LIST_URL: data_integrity.add_proof(document, ACME.secret, ACME.method_id, SUITE, created=AT),
        did_web.url(REGISTRY.did): build_document(REGISTRY.did, {"key-1": REGISTRY.secret.public}),
        REGISTRY_URL: trust_list(),
    }


def trust_list() -> dict[str, object]:
    """Return the registry's list, signed: acme may start chains for invoices, and a sector's list says who else."""
    capability_type = "AgentCapabilityCredential"
    entries: list[dict[str, object]] = [
        {
            "issuers": [ACME.did, "did:web:beta.example"],
            "types": [capability_type],
            "roots": [PARTNER.did],
            "actions": ["invoice.*"],
        },
        {
            "issuers": ["did:web:academy.example"],
            "types": ["DiplomaCredential"],
            "security": "hybrid-required",
            "validUntil": "2027-01-01T00:00:00Z",
        },
    ]
    lists: list[dict[str, object]] = [
        {
            "issuer": "did:web:sector.example",
            "url": "https://sector.example/trust/list",
            "types": [capability_type],
            "roots": [PARTNER.did],
            "actions": ["invoice.read"],
            "maxDepth": 0,
        }
    ]
    begin = AT - timedelta(hours=12)
    document = build_trust_list(
        REGISTRY_URL, REGISTRY.did, 7, entries, lists, valid_from=begin, valid_until=begin + timedelta(days=1)
    )
    return data_integrity.add_proof(document, REGISTRY.secret, REGISTRY.method_id, SUITE, created=begin)


def hybrid_set() -> dict[str, object]:
    """Return acme's capability under two proofs of one group.

    ML-DSA signs the same message differently each time: the signature that stands in the file is kept while it holds.
    """
    keys = pair.as_signer(pair.load(pair.HYBRID, b"acme" * 16))
    made = hybrid.add_set(root_document(), keys, ACME.method_id, created=AT - timedelta(hours=1))
    place = HERE / "proof-sets.json"
    if place.exists():
        kept = json.loads(place.read_text("utf-8"))["proof"][1]["proofValue"]
        first, second = made["proof"]  # type: ignore[misc]  # two proofs
        again: dict[str, object] = {**made, "proof": [first, {**second, "proofValue": kept}]}  # type: ignore[has-type]
        (*_, signature) = data_integrity.read(parse(encode(again)), data_integrity.ASSERTION).signatures
        try:
            signature.check(keys.keys[1].public)  # type: ignore[union-attr]  # two keys
        except SignatureInvalid:
            return made
        return again
    return made


def present(form: str, http: HttpRequest | None) -> str:
    """Return the helper's presentation of the chain."""
    return make_presentation(
        chain(),
        holder=HELPER.did,
        signer=HELPER.secret,
        method_id=HELPER.method_id,
        audience=AUDIENCE,
        challenge=NONCE,
        at=AT,
        http=http,
        form=form,
    )


def exchange(presentation: str) -> str:
    """Return a call, its challenge, and the call again with a presentation, as they go over the wire."""
    dcql = f"{AUDIENCE}/.well-known/agentdid/dcql?action=invoice.read"
    call = ["GET /v1/invoices/7?region=EU HTTP/1.1", "Host: api.partner.example"]
    answer = [
        "HTTP/1.1 401 Unauthorized",
        f"WWW-Authenticate: {Challenge(NONCE, AUDIENCE, dcql).encode()}",
        "Cache-Control: no-store",
        "Content-Type: application/problem+json",
    ]
    again = [*call, f"Authorization: {encode_authorization(presentation)}"]
    return "\n\n".join("\n".join(lines) for lines in (call, answer, again)) + "\n"


def judged(presentation: str, http: HttpRequest) -> tuple[dict[str, object], dict[str, object]]:
    """Return the decision on a presentation, and the evidence bundle of it."""
    kept: list[dict[str, object]] = []
    verifier = Verifier(
        policy(),
        source=RecordedSource.load(sources(), AT),
        takes=MemoryTakes(),
        clock=FixedClock(AT),
        log=SimpleNamespace(append=kept.append),
    )
    grant = verifier.authorize(presentation, challenge=NONCE, request=REQUEST, http=http)
    return grant.encode(), kept[0]


def ruled() -> dict[str, object]:
    """Return what a decision says of the verifier's own policy."""
    import tomllib  # noqa: PLC0415  # as Trust.load

    table = tomllib.loads(TRUST + (HERE / "policy.toml").read_text("utf-8"))
    verifier = Verifier(
        Trust.parse(table, HERE / "trust.toml"),
        source=RecordedSource.load(sources(), AT),
        takes=MemoryTakes(),
        clock=FixedClock(AT),
    )
    shown: dict[str, object] = verifier.authorize(present("vp+jwt", None), challenge=NONCE, request=REQUEST).encode()
    ruling: dict[str, object] = shown["policy"]  # type: ignore[assignment]  # JSON
    return ruling


def derived() -> dict[str, object]:
    """Return what an agent shows of a credential under ecdsa-sd-2023: its name, and nothing of what it does."""
    issuer, own = (SecretKey.from_seed("P-256", (name * 32)[:32]) for name in (b"acme", b"acme-proof"))
    did = did_key.create(issuer.public)
    document: dict[str, object] = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiableCredential"],
        "issuer": did,
        "validFrom": encode_instant(AT - timedelta(hours=1)),
        "validUntil": encode_instant(AT + timedelta(hours=7)),
        "credentialSubject": {"id": AGENT.did, "name": "Ledger", "description": "reconciles invoices"},
    }
    hidden = [("credentialSubject", "name"), ("credentialSubject", "description")]
    with (
        patch.object(derivation, "secrets", SimpleNamespace(token_bytes=lambda size: b"k" * size)),
        patch.object(derivation, "SecretKey", SimpleNamespace(generate=lambda _algorithm: own)),
    ):
        base = derivation.add_base_proof(
            document, issuer, f"{did}#{did.removeprefix('did:key:')}", "ecdsa-sd-2023",
            pointers=mandatory_pointers(document, hidden), created=AT - timedelta(hours=1),
        )  # fmt: skip
    return derivation.derive(base, ["/credentialSubject/name"])


def audited() -> dict[str, str]:
    """Return the partner's log of what it judged and issued, proofs of it, and the receipt of the first decision."""
    presentation = present("vp+jwt", HttpRequest("GET", normalize_url(URL), None))
    http = HttpRequest("GET", normalize_url(URL), None)
    clock = FixedClock(AT)
    with tempfile.TemporaryDirectory() as name, patch.object(secrets, "token_hex", lambda _: "0" * 8):
        folder = Path(name) / "log"
        with AuditLog.open(folder, PARTNER.secret, owner=PARTNER.did, clock=clock) as log:
            verifier = Verifier(
                policy(), source=RecordedSource.load(sources(), AT), takes=MemoryTakes(), clock=clock, audit=log,
                receipts=ReceiptKey(PARTNER.secret, PARTNER.method_id),
            )  # fmt: skip
            with attributed(reasoning="urn:trace:5c1e", context={"ticket": "OPS-7"}):
                grant = verifier.authorize(presentation, challenge=NONCE, request=REQUEST, http=http)
            try:
                verifier.authorize(presentation, challenge=NONCE, request=REQUEST, http=http)
            except NonceReplayed as refusal:
                refused = str(refusal.receipt)
            first = log.checkpoint()
            named = Named("urn:uuid:3f2a6d0e-8c51-4b7e-9d1f-0a6b5c4d3e2f", PARTNER.did, ACME.did)
            for kind in (ISSUANCE, SUSPENSION, REVOCATION):
                log.append(Record(AT, kind, PARTNER.did, agent=ACME.did, links=(named,)))
        lines = list(LogFolder(folder).lines())
        prover = Prover(folder, PARTNER.secret.public)
        entry, growth = prover.prove(2, lines[2]), prover.prove_since(first)
    receipt = str(grant.receipt)
    return {
        "audit-log.jsonl": "".join(f"{line.decode()}\n" for line in lines),
        "audit-checkpoint.txt": prover.note,
        "audit-record.json": show(json.loads(lines[2])) + "\n",
        "audit-entry.json": show(entry) + "\n",
        "audit-growth.json": show(growth) + "\n",
        "decision-receipt.jwt": receipt + "\n",
        "decision-receipt.json": show(json.loads(_decode(receipt.split(".")[1]))) + "\n",
        "decision-receipt.refused.jwt": refused + "\n",
    }


def policy() -> Trust:
    """Return the partner's trust policy."""
    import tomllib  # noqa: PLC0415  # as Trust.load

    return Trust.parse(tomllib.loads(TRUST))


def show(value: object, indent: str = "", before: int = 0) -> str:
    """Return JSON laid out for people: what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(indent) + before + len(flat) < WIDTH:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        heads = [(f"{json.dumps(name)}: ", each) for name, each in value.items()]
    else:
        heads = [("", each) for each in value]
    lines = [f"{inner}{head}{show(each, inner, len(head))}" for head, each in heads]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(lines) + f"\n{indent}{closing}"


def files() -> dict[str, str]:
    """Return name → text of every file."""
    http = HttpRequest("GET", normalize_url(URL), None)
    token = present("vp+jwt", http)
    decision, bundle = judged(token, http)
    payload = token.split(".")[1]
    asked, approved = approval()
    made = {
        "approval.json": approved,
        "approval-required.json": asked,
        "capability-credential.json": chain()[0],
        "delegation.json": chain(),
        "verification.json": decision,
        "policy-decision.json": ruled(),
        "presentation-over-http.json": json.loads(_decode(payload)),
        "presentation-eddsa-jcs-2022.json": json.loads(present(SUITE.name, None)),
        "evidence-bundle.json": bundle,
        "proof-sets.json": hybrid_set(),
        "trust-list.json": trust_list(),
        "derived-ecdsa-sd-2023.json": derived(),
        "sources.json": sources(),
        "keys.json": {
            each.did: {"algorithm": "Ed25519", "seed": encode_base64url(each.secret.export_seed())}
            for each in (ACME, PARTNER, AGENT, HELPER, REGISTRY)
        },
    }
    texts = {name: show(value) + "\n" for name, value in made.items()}
    document = root_document()
    texts["capability-credential.sd-jwt.txt"] = f"{sign(document, ACME, AT - timedelta(hours=1), 'vc+sd-jwt')}\n"
    status = sign_staple(
        LIST_URL, 94567, "revocation", 0, ACME.secret, ACME.method_id, at=AT, life=timedelta(minutes=5)
    )
    texts["stapled-status.jwt"] = status + "\n"
    texts["stapled-status.json"] = show(json.loads(_decode(status.split(".")[1]))) + "\n"
    texts["presentation.vp.jwt"] = present("vp+jwt", None) + "\n"
    texts["presentation-over-http.txt"] = exchange(token)
    texts["trust.toml"] = TRUST
    texts["trust-list.toml"] = TRUST_LIST
    return texts | audited()


def _decode(segment: str) -> bytes:
    from agentdid.codec.base import decode_base64url  # noqa: PLC0415  # only here

    return decode_base64url(segment)


def main(arguments: list[str]) -> int:
    """Write the files, or say which are not what they should be."""
    stale = []
    for name, text in files().items():
        place = HERE / name
        if "--check" in arguments:
            if not place.exists() or place.read_text("utf-8") != text:
                stale.append(name)
        else:
            place.write_text(text, "utf-8")
    if stale:
        sys.stderr.write(f"not up to date: {', '.join(stale)}; run python specs/examples/make.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
