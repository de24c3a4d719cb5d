"""Who takes part, from fixed seeds at a fixed instant; what they publish; and what our verifier believes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.strict_json import parse
from agentdid.did import key as did_key
from agentdid.did.document import build_document
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from agentdid.status.bitstring import build_list_credential
from agentdid.trust.anchors import Trust

if TYPE_CHECKING:
    from collections.abc import Mapping

# Long past on any clock: the foreign status library judges lists by the machine's time and takes no other.
AT: Final = datetime(2025, 1, 15, 12, 0, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
AUDIENCE: Final = "https://api.partner.example"
CHALLENGE: Final = "c29tZXRoaW5nLW5vYm9keS1ndWVzc2Vz"
SUITE: Final = SUITES["eddsa-jcs-2022"]
CONTEXTS: Final = Path(__file__).resolve().parent.parent / "specs" / "contexts"


@dataclass(frozen=True)
class Party:
    """Somebody with a DID and one key, its seed the name repeated; nothing else may ever use such a key."""

    secret: SecretKey
    did: str
    method_id: str

    @property
    def public_jwk(self) -> dict[str, str]:
        """The key as foreign JOSE libraries take it."""
        return encode_jwk(self.secret.public)

    @property
    def secret_jwk(self) -> dict[str, str]:
        """The key pair as foreign JOSE libraries take it (RFC 7518 section 6.2.2, RFC 8037 section 2)."""
        return {**self.public_jwk, "d": encode_base64url(self.secret.export_seed())}

    @property
    def alg(self) -> str:
        """What the key signs with in JOSE, spelled as every library knows it."""
        return self.secret.public.algorithm.jose[0]

    @property
    def multikey_pair(self) -> dict[str, str]:
        """The key pair as foreign Data Integrity libraries take it."""
        return {
            "id": self.method_id,
            "controller": self.did,
            "publicKeyMultibase": encode_multikey(self.secret.public),
            "secretKeyMultibase": encode_multibase(b"\x80\x26" + self.secret.export_seed(), "z"),  # ed25519-priv
        }


def party(name: str, algorithm: str = "Ed25519", did: str | None = None) -> Party:
    """Return the party of a name: a did:key, or the DID given with its key as `#key-1`."""
    length = ALGORITHMS[algorithm].seed_len
    seed = (name.encode() * length)[:length]
    # a scalar of P-521 has a bit in its first byte
    secret = SecretKey.from_seed(algorithm, b"\0" + seed[1:] if algorithm == "P-521" else seed)
    if did is not None:
        return Party(secret, did, f"{did}#key-1")
    made = did_key.create(secret.public)
    return Party(secret, made, f"{made}#{made.removeprefix('did:key:')}")


ISSUER: Final = party("issuer")
ISSUER_P256: Final = party("issuer", "P-256")
ISSUER_P384: Final = party("issuer", "P-384")
ISSUER_P521: Final = party("issuer", "P-521")
ISSUER_BLS: Final = party("issuer", "BLS12-381-G2")
HOLDER: Final = party("holder")
HOLDER_P256: Final = party("holder", "P-256")
STRANGER: Final = party("stranger")
STRANGER_P256: Final = party("stranger", "P-256")
HELPER: Final = party("helper")
ACME: Final = party("acme", did="did:web:acme.example")
LIMITED: Final = party("limited", did="did:web:limited.example")
"""Its key stands under `authentication` alone."""
PARTNER: Final = "did:web:partner.example"
LIST_URL: Final = "https://acme.example/status/1"
GOOD, REVOKED = 7, 8
CREDENTIAL_TYPE: Final = "InteropCredential"
SELECTIVE_TYPES: Final = ("PermanentResidentCardCredential", "Iso18013DriversLicenseCredential")


MLDSA44: Final = "ML-DSA-44"
_KEYS: Final = ("Ed25519", "P-256", "P-384", MLDSA44)
SUITE_ISSUERS: Final = {name: party("issuer", name) for name in _KEYS}
"""Key algorithm → who issues with such a key."""
SUITE_HOLDERS: Final = {name: party("holder", name) for name in _KEYS}


def _list() -> dict[str, object]:
    bits = bytearray(16_384)
    bits[REVOKED // 8] |= 0x80 >> REVOKED % 8
    document = build_list_credential(
        LIST_URL, ACME.did, ["revocation"], bytes(bits), valid_from=AT, valid_until=AT + timedelta(days=36_500)
    )
    return data_integrity.add_proof(document, ACME.secret, ACME.method_id, SUITE, created=AT)


def status(index: int) -> dict[str, object]:
    """Return acme's status entry of an index."""
    return {
        "id": f"{LIST_URL}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": LIST_URL,
    }


PUBLISHED: Final[Mapping[str, object]] = {
    ACME.did: build_document(ACME.did, {"key-1": ACME.secret.public}),
    LIMITED.did: build_document(LIMITED.did, {"key-1": LIMITED.secret.public}, relationships=["authentication"]),
    LIST_URL: _list(),
}
"""DID or URL → document: all that anybody can ask for."""
CONTEXT: Final = parse((CONTEXTS / "agentdid-v1.jsonld").read_bytes()).value
FOREIGN_DOCUMENTS: Final[Mapping[str, object]] = {**PUBLISHED, "https://w3id.org/agentdid/v1": CONTEXT}
"""The same for JSON-LD libraries, with our context."""

TRUST: Final = Trust.parse(
    {
        "audience": AUDIENCE,
        "did": PARTNER,
        "resource": [{"prefix": f"{AUDIENCE}/", "root": PARTNER}],
        "anchor": [
            {"did": who.did, "types": [CREDENTIAL_TYPE]}
            for who in (ISSUER, ISSUER_P256, ISSUER_P384, ISSUER_P521, HOLDER, LIMITED, STRANGER)
        ]
        + [{"did": who.did, "types": list(SELECTIVE_TYPES)} for who in (ISSUER_P256, ISSUER_BLS)]
        + [
            {
                "did": who.did,
                "types": ["AgentCapabilityCredential"],
                "roots": [PARTNER],
                "actions": ["invoice.*"],
                "principals": [ACME.did],
                "status_issuers": [ACME.did],
            }
            for who in (ISSUER_P256, ISSUER_BLS)
        ]
        + [
            {
                "did": who.did,
                "types": ["AgentCapabilityCredential", "JsonSchemaCredential"],
                "roots": [PARTNER],
                "actions": ["invoice.*"],
                "principals": [ACME.did],
                "status_issuers": [ACME.did],
            }
            for who in SUITE_ISSUERS.values()
        ]
        + [
            {
                "did": ACME.did,
                "types": ["AgentCapabilityCredential"],
                "roots": [PARTNER],
                "actions": ["invoice.*"],
            }
        ],
    }
)
