"""Canonical N-Quads, beside one Ed25519 verification by libsodium, and beside PyLD with pyoxigraph where they install.

The document is a capability credential of about 1.4 kB with a status; the proof options are those of eddsa-rdfc-2022.
Both are hashed, as a verifier does. What a verification may cost in all is 2.5x: its own signature, parsing, and this.
"""

from __future__ import annotations

from hashlib import sha256
from importlib import util
from typing import TYPE_CHECKING, Any, Final

from agentdid.canon.contexts import find_document
from agentdid.canon.jsonld import canonicalize
from agentdid.codec.strict_json import encode, parse_object
from bench.measure import CALLS, Row, Work, compare
from bench.verify import AGENT, ISSUER, LIST_URL, capability, floor

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXTS: Final = ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/agentdid/v1"]
BAR: Final = 0.85  # 45 of 53 microseconds
PARSED_BAR: Final = 1.2
GENERAL_BAR: Final = 1_000.0  # for comparison only


def document() -> dict[str, object]:
    """Return a capability credential without its proof."""
    return {
        "@context": CONTEXTS,
        "id": "urn:uuid:3f0d3c52-6f5a-4a1d-9a58-6c43fbb1a7a5",
        "type": ["VerifiableCredential", "AgentCapabilityCredential"],
        "issuer": ISSUER[1],
        "validFrom": "2026-11-24T11:00:00Z",
        "validUntil": "2026-11-24T20:00:00Z",
        "credentialSubject": {"id": AGENT[1], "capability": capability()},
        "credentialStatus": {
            "id": f"{LIST_URL}#94567",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": LIST_URL,
        },
    }


def options() -> dict[str, object]:
    """Return the proof without its value."""
    return {
        "@context": CONTEXTS,
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-11-24T11:00:00Z",
        "verificationMethod": ISSUER[2],
        "proofPurpose": "assertionMethod",
    }


def rows() -> list[Row]:
    """Measure our canonicalization of a credential and its proof options, alone and with parsing."""
    text = encode({**document(), "proof": options()})

    def hash_both(parts: tuple[dict[str, object], dict[str, object]]) -> bytes:
        return b"".join(sha256(canonicalize(part, plain=True)).digest() for part in parts)

    def parse_and_hash(raw: bytes) -> bytes:
        body: dict[str, Any] = parse_object(raw).value  # type: ignore[assignment]  # an object
        proof = body.pop("proof")
        return hash_both((proof, body))

    works = {
        "canonicalize credential + proof options, RDFC": Work(
            lambda: [(options(), document())] * CALLS, hash_both, BAR
        ),
        "the same, parsing included": Work(lambda: [text] * CALLS, parse_and_hash, PARSED_BAR),
    }
    if util.find_spec("pyld") and util.find_spec("pyoxigraph"):
        works["the same documents by PyLD and pyoxigraph"] = Work(
            lambda: [(options(), document())], _general(), GENERAL_BAR
        )
    return compare(floor(), works)


def _general() -> Callable[[Any], object]:
    import pyoxigraph  # noqa: PLC0415  # a peer
    from pyld import jsonld  # type: ignore[import-untyped]  # noqa: PLC0415  # a peer

    def load(url: str, _options: object) -> dict[str, object]:
        return {"contextUrl": None, "documentUrl": url, "document": find_document(url)}

    def call(parts: Any) -> None:  # noqa: ANN401  # what `rows` prepares
        for part in parts:
            text = jsonld.to_rdf(part, {"documentLoader": load, "format": "application/n-quads"})
            dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, pyoxigraph.RdfFormat.N_QUADS))
            dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)

    return call
