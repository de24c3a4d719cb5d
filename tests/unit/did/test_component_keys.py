"""A composite key in a DID document: used whole, and its halves never beside it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentdid.did.document import DidDocument, parse_document
from agentdid.errors import KeyInvalid
from agentdid.keys.composite import components
from agentdid.keys.jwk import encode_jwk
from agentdid.keys.public import PublicKey
from agentdid.keys.secret import SecretKey

DID = "did:web:acme.example"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
WHOLE = SecretKey.from_seed("ML-DSA-44-Ed25519", bytes(range(64))).public
OTHER = SecretKey.from_seed("Ed25519", b"\7" * 32).public


def document(*keys: PublicKey) -> DidDocument:
    """Return a document that lists the keys as #0, #1, … for everything."""
    methods = [
        {"id": f"#{at}", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": encode_jwk(key)}
        for at, key in enumerate(keys)
    ]
    return parse_document(
        {"id": DID, "verificationMethod": methods, "assertionMethod": [each["id"] for each in methods]}, DID
    )


def test_a_composite_beside_keys_of_its_own() -> None:
    """Alone, and beside a stranger, it is found; so is the stranger."""
    assert WHOLE == document(WHOLE).find_key(f"{DID}#0", "assertionMethod", NOW)
    assert WHOLE == document(WHOLE, OTHER).find_key(f"{DID}#0", "assertionMethod", NOW)
    assert OTHER == document(WHOLE, OTHER).find_key(f"{DID}#1", "assertionMethod", NOW)


@pytest.mark.parametrize("part", components(WHOLE), ids=lambda key: key.algorithm.name)
def test_a_listed_component_refuses_the_document(part: PublicKey) -> None:
    """Neither the composite nor the component nor a third key of such a document is used."""
    for at in range(3):
        with pytest.raises(KeyInvalid, match="component"):
            document(WHOLE, part, OTHER).find_key(f"{DID}#{at}", "assertionMethod", NOW)


def test_a_bad_key_beside_a_composite_harms_only_who_uses_it() -> None:
    """A method that is no key is left out of the comparison."""
    listed = document(WHOLE, OTHER)
    bad = {"kty": "OKP", "crv": "Ed25519", "x": "AA"}
    methods = [
        {"id": f"#{at}", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": jwk}
        for at, jwk in enumerate((encode_jwk(WHOLE), bad))
    ]
    mixed = parse_document({"id": DID, "verificationMethod": methods, "assertionMethod": ["#0", "#1"]}, DID)

    assert listed.find_key(f"{DID}#0", "assertionMethod", NOW) == mixed.find_key(f"{DID}#0", "assertionMethod", NOW)
    with pytest.raises(KeyInvalid):
        mixed.find_key(f"{DID}#1", "assertionMethod", NOW)
