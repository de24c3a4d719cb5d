"""The capability of PROTOCOL section 1 as plain JSON, and a delegated link under it, to change one thing in."""

from __future__ import annotations

import base64
import copy
from typing import Any, Final

from agentdid.delegation.capability import Capability, CapabilityGrant, parse_capability
from agentdid.limits import DEFAULT

DIGEST: Final = bytes(range(32))
DIGEST_MULTIBASE: Final = "u" + base64.urlsafe_b64encode(b"\x12\x20" + DIGEST).decode().rstrip("=")

_ROOT: Final[dict[str, Any]] = {
    "root": "did:web:partner.example",
    "principal": "did:web:acme.example",
    "purpose": "invoice reconciliation",
    "grants": [
        {
            "id": "g1",
            "from": None,
            "type": "http",
            "actions": ["invoice.read", "invoice.list"],
            "resources": ["https://api.partner.example/v1/invoices"],
            "constraints": {"amount": {"type": "range", "max": "100"}, "region": {"type": "enum", "in": ["EU", "UK"]}},
            "limits": {
                "calls": {"max": 100, "window": "PT1H"},
                "budget": {"max": "1000.00", "unit": "EUR", "argument": "amount", "unitArgument": "currency"},
            },
            "approval": {
                "when": {"amount": {"gt": "80.00"}},
                "approvers": ["did:web:acme.example", "did:web:auditor.example"],
                "threshold": 1,
            },
            "autonomyMax": 2,
        }
    ],
    "audience": ["did:web:partner.example"],
    "delegation": {"depth": 0, "maxDepth": 3},
    "parent": None,
    "minSecurity": "classical",
}


def root_json() -> dict[str, Any]:
    """A root link's capability, to be changed freely."""
    return copy.deepcopy(_ROOT)


def child_json(depth: int = 1) -> dict[str, Any]:
    """A delegated link's capability that grants exactly what the root does."""
    value = root_json()
    value["delegation"]["depth"] = depth
    value["parent"] = {"id": "urn:uuid:1b4e28ba-2fa1-4d3b-883f-0016d3cca427", "digestMultibase": DIGEST_MULTIBASE}
    for grant in value["grants"]:
        grant["from"] = grant["id"]
    return value


def bare_json() -> dict[str, Any]:
    """A root link's capability whose one grant has no conditions."""
    value = root_json()
    value["grants"][0].update(constraints={}, limits={}, approval=None)
    return value


def parse(value: object) -> Capability:
    """The capability that `value` states, under the default limits."""
    return parse_capability(value, DEFAULT)


def parse_grant(grant: dict[str, Any]) -> CapabilityGrant:
    """One grant of a root link, parsed; its `from` is made null."""
    value = root_json()
    value["grants"] = [{**grant, "from": None}]
    return parse(value).grants[0]
