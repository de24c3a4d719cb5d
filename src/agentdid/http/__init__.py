"""HTTP faces: a guard for FastAPI routes, and the services. Needs the extra `server`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agentdid.http.approval_app import create_approval_app
    from agentdid.http.guard import protect, require_capability
    from agentdid.http.issuer_app import create_issuer_app
    from agentdid.http.verifier_app import create_verifier_app

__all__ = ["create_approval_app", "create_issuer_app", "create_verifier_app", "protect", "require_capability"]

_HOMES: Final = {
    "create_approval_app": "approval_app",
    "create_issuer_app": "issuer_app",
    "create_verifier_app": "verifier_app",
    "protect": "guard",
    "require_capability": "guard",
}


def __getattr__(name: str) -> object:
    """Return a public name, importing its module now; a missing extra is said by name."""
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        return getattr(import_module(f"{__name__}.{home}"), name)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("agentdid"):
            raise
        message = f"{error.name} is missing; install the services with: pip install 'agentdid[server]'"
        raise ImportError(message) from error
