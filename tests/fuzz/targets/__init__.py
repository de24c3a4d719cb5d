"""Every target, in the order of the floors."""

from __future__ import annotations

from typing import Final

from tests.fuzz.target import Target
from tests.fuzz.targets import audit, codec, credential, delegation, did, secure, status, trust, verify

TARGETS: Final[tuple[Target, ...]] = (
    *codec.TARGETS,
    *did.TARGETS,
    *credential.TARGETS,
    *secure.TARGETS,
    *status.TARGETS,
    *delegation.TARGETS,
    *trust.TARGETS,
    *audit.TARGETS,
    *verify.TARGETS,
)


def find(name: str) -> Target:
    """Return the target of that name; raises `SystemExit` where there is none."""
    for each in TARGETS:
        if each.name == name:
            return each
    message = f"no target {name!r}; see --list"
    raise SystemExit(message)
