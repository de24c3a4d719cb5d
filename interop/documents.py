"""What is signed: credentials and presentations without their proofs, the same for us and for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.codec.instant import encode_instant
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.delegation.link import ParentLink, build_link
from agentdid.limits import DEFAULT
from agentdid.verify.structure import read_chain
from interop.parties import ACME, AT, AUDIENCE, CREDENTIAL_TYPE, GOOD, HELPER, HOLDER, HOUR, ISSUER, PARTNER, status

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES: Final = "https://www.w3.org/ns/credentials/examples/v2"
# Texts in several scripts, outside the BMP, decomposed and right to left; keys whose UTF-16 order (RFC 8785 section
# 3.2.3) is not their code point order; numbers in every notation of section 3.2.2.3.
NESTED: Final[dict[str, object]] = {
    "name": "Zoe\u0308 Nguyễn 🜚 \u202b\u05e2\u05d1\u05e8\u05d9\u05ea\u202c",
    "メモ": '改行\nタブ\t"引用" \\ \u2028 \u007f',
    "\ufb33": ["\ufb33", "\U0001f600", "\u20ac", "\r", "1", "</script>"],
    "\U0001f600": "before the one above",
    "address": {"street": "Große Straße 7", "lines": [["a", ["b", []]], {}, {"deep": {"deeper": [None, True, False]}}]},
    "degrees": [{"type": "Diploma", "year": 1999}, {"type": "Master", "year": 2004}, "none"],
    "numbers": [0, -1, 9007199254740991, 0.1, 4.50, 2e-3, 1e21, 1e-27, 333333333.33333329, 5e-324],
}


def plain(issuer: str = ISSUER.did, subject: str = HOLDER.did, **changes: object) -> dict[str, object]:
    """Return a VCDM 2.0 credential with nested objects, lists, scripts and numbers."""
    return {
        "@context": [CREDENTIALS_V2, EXAMPLES],
        "id": "urn:uuid:3a1f2c6e-5f0d-4c39-9d3b-7a1d1a6f3c11",
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "issuer": issuer,
        "validFrom": encode_instant(AT - HOUR),
        "validUntil": encode_instant(AT + HOUR),
        "credentialSubject": {"id": subject, **NESTED},
    } | changes


def grant(name: str, action: str, above: str | None = None) -> dict[str, object]:
    """Return a grant over the partner's invoices."""
    return {
        "id": name,
        "from": above,
        "type": "http",
        "actions": [action],
        "resources": [f"{AUDIENCE}/v1/invoices"],
        "constraints": {"region": {"type": "enum", "in": ["EU", "UK"]}},
        "limits": {},
        "approval": None,
        "autonomyMax": 2,
    }


def capability(index: int = GOOD) -> dict[str, object]:
    """Return acme's capability credential for the holder, with two grants and a status entry."""
    return build_link(
        issuer=ACME.did, subject=HOLDER.did, at=AT - HOUR, ttl=2 * HOUR, status=status(index),
        capability=capability_of([grant("read", "invoice.read"), grant("list", "invoice.list")]),
        claims={"name": "Приём счетов"}, credential_id=f"urn:uuid:0b0cf5ce-8a3c-4f0e-9d43-0000000000{index:02}",
    )  # fmt: skip


def delegated(chain: Sequence[str | dict[str, object]]) -> dict[str, object]:
    """Return what the holder of a signed capability delegates to the helper."""
    (*_, leaf) = read_chain(list(chain), DEFAULT)
    if leaf.capability is None:
        message = "only a capability is delegated"
        raise TypeError(message)
    return build_link(
        issuer=HOLDER.did, subject=HELPER.did, at=AT, ttl=HOUR / 6,
        parent=ParentLink(leaf.credential, leaf.capability, leaf.secured.digest),
        capability=capability_of([grant("read-on", "invoice.read", "read")]),
        credential_id="urn:uuid:0b0cf5ce-8a3c-4f0e-9d43-000000000099",
    )  # fmt: skip


def presentation(credentials: Sequence[object], holder: str = HOLDER.did, **changes: object) -> dict[str, object]:
    """Return a presentation without its proof."""
    return {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": holder,
        "verifiableCredential": list(credentials),
    } | changes


def http_presentation(credentials: Sequence[object], method: str, url: str) -> dict[str, object]:
    """Return a presentation that serves one HTTP request only (specs/presentation-over-http.md)."""
    return presentation(credentials, request={"htm": method, "htu": url}) | {"@context": [CREDENTIALS_V2, AGENTDID_V1]}


def capability_of(grants: list[dict[str, object]]) -> dict[str, object]:
    """Return a capability of these grants over the partner's API, for acme."""
    return {
        "root": PARTNER,
        "principal": ACME.did,
        "purpose": "invoice reconciliation",
        "grants": grants,
        "audience": [PARTNER],
        "delegation": {"maxDepth": 3},
        "minSecurity": "classical",
    }
