"""Decentralized identity and verifiable capability credentials for software agents.

An agent holds a `Wallet`, an `Issuer` mints what it may do, a `Verifier` judges it under a `Trust` policy. Every name
is imported when it is first used: `import agentdid` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agentdid.delegation.usage import Request
    from agentdid.errors import AgentdidError, Malformed, Refused, Undecided
    from agentdid.issuer.issuer import Issuer
    from agentdid.trust.anchors import Trust
    from agentdid.verifier.service import Verifier
    from agentdid.verify.decide import Decision, Grant
    from agentdid.wallet.wallet import Wallet

__all__ = [
    "AgentdidError",
    "Decision",
    "Grant",
    "Issuer",
    "Malformed",
    "Refused",
    "Request",
    "Trust",
    "Undecided",
    "Verifier",
    "Wallet",
    "__version__",
]

__version__: Final = "0.1.0"

_HOMES: Final = {
    "AgentdidError": "errors",
    "Decision": "verify.decide",
    "Grant": "verify.decide",
    "Issuer": "issuer.issuer",
    "Malformed": "errors",
    "Refused": "errors",
    "Request": "delegation.usage",
    "Trust": "trust.anchors",
    "Undecided": "errors",
    "Verifier": "verifier.service",
    "Wallet": "wallet.wallet",
}


def __getattr__(name: str) -> object:
    """Return a public name, importing its module now."""
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
