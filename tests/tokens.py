"""Parties with a key of each JOSE algorithm, and credentials and presentations as tokens of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.did import jwk as did_jwk
from agentdid.did import key as did_key
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey
from tests.forgery import Token, badge
from tests.world import Party, World

if TYPE_CHECKING:
    from collections.abc import Iterable

JOSE_KEYS: Final = tuple(name for name, row in ALGORITHMS.items() if row.jose and row.signs)
"""Every algorithm whose keys sign tokens here."""


def party(name: str, algorithm: str) -> Party:
    """Return a party whose DID carries its key: did:key, or did:jwk where no multicodec is registered."""
    row = ALGORITHMS[algorithm]
    seed = (name.encode() * row.seed_len)[: row.seed_len]
    if algorithm == "P-521":
        seed = b"\0" + seed[1:]  # below the order of the curve
    secret = SecretKey.from_seed(algorithm, seed)
    if row.multicodec is None:
        did, fragment = did_jwk.create(secret.public), "0"
    else:
        did = did_key.create(secret.public)
        fragment = did.removeprefix("did:key:")
    return Party(name, secret, did, f"{did}#{fragment}")


def badge_jwt(world: World, claims: dict[str, object] | None = None, **changes: object) -> Token:
    """Return a badge as a `vc+jwt` of acme's, to be signed."""
    header = {"alg": "EdDSA", "typ": "vc+jwt", "cty": "vc", "kid": world.acme.method_id}
    return Token(header, {**badge(world, **changes), **(claims or {})}, None)


def anchors(world: World, issuers: Iterable[Party], types: Iterable[str] = ("BadgeCredential",)) -> dict[str, object]:
    """Return a policy in which these may issue these types."""
    return world.policy(anchor=[{"did": each.did, "types": list(types)} for each in issuers])
