"""The service that is put together from its parts, and the manifest that tells a suite whose keys it signs with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.did import key as did_key
from agentdid.http.service import create_service
from agentdid.http.vc_api.did import add_did
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agentdid.sources.resolver import Resolver

ISSUERS: Final = {"ed": "Ed25519", "p256": "P-256", "p384": "P-384", "bls": "BLS12-381-G2", "mldsa44": "ML-DSA-44"}
"""The name of each issuer in the manifest, and what its key is of."""


def make_keys() -> dict[str, SecretKey]:
    """Return a fresh key for every issuer whose algorithm can sign here; they live as long as the process."""
    return {
        name: SecretKey.generate(algorithm)
        for name, algorithm in ISSUERS.items()
        if algorithm in ALGORITHMS and ALGORITHMS[algorithm].signs
    }


def manifest(keys: dict[str, SecretKey]) -> dict[str, str]:
    """Return what the manifest says: each issuer's name and its did:key."""
    return {name: did_key.create(key.public) for name, key in keys.items()}


def create_vc_api_app(resolver: Resolver) -> FastAPI:
    """Return the service."""
    app = create_service("agentdid VC-API")
    add_did(app, resolver)
    return app
