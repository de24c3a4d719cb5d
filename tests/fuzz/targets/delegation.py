"""Capabilities, constraints, resources, requests and approvals."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.strict_json import encode, parse_object
from agentdid.delegation import approval, capability, constraints, lint, narrower, resources, usage
from agentdid.delegation.charges import find_amount
from agentdid.delegation.narrowing import check_narrower, constraint_narrower, is_narrower
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT
from agentdid.wallet.approve import read_asked
from agentdid.wallet.disclosure import parse_path
from tests import capabilities
from tests.fuzz import material
from tests.fuzz.target import Target, hold
from tests.world import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

_VALUES: Final = (
    "EU",
    "EU-west",
    "10.1.2.3",
    "5",
    "7.5",
    "-2",
    0,
    1,
    5,
    True,
    None,
    5.5,
    "2026-11-24T12:00:00Z",
    "::1",
    [],
)


def _capability(data: bytes) -> None:
    value = parse_object(data).value
    for hidden in (False, True):
        try:
            parsed = capability.parse_capability(value, DEFAULT, hidden_grants=hidden)
        except AgentdidError:
            continue
        lint.describe(parsed)
        lint.find_broad(parsed)
        hold(hidden or not parsed.grants or parsed.grants[0].actions, "a grant without actions")
        _below(parsed)


def _below(parsed: capability.Capability) -> None:
    child = capabilities.parse(capabilities.child_json())
    lint.find_wider_dimensions(child, parsed)
    held = is_narrower(child, parsed)
    try:
        check_narrower(child, parsed)
    except AgentdidError:
        hold(not held, "narrower, and refused")
    else:
        hold(held, "not narrower, and taken")


def _constraint(data: bytes) -> None:
    found = constraints.parse_constraint(parse_object(data).value, "")
    hold(constraint_narrower(found, found), "wider than itself")
    for value in _VALUES:
        hold(found.permits(value) in (True, False), "neither yes nor no")


def _decimal(data: bytes) -> None:
    text = material.text_of(data)
    number = constraints.find_decimal(text)
    hold(number is None or (isinstance(number, Decimal) and number.is_finite() and text.isascii()), "no number")


def _resource(data: bytes) -> None:
    text = material.text_of(data)
    normal = resources.find_normal(text)
    requested = resources.find_requested(text)
    if normal is not None:
        hold(resources.find_normal(normal) == normal, "the normal form of itself is another")
        hold(resources.is_crooked(normal) or resources.is_below(normal, normal), "not below itself")
    if requested is not None and normal is not None:
        resources.is_below(requested, normal)


def _request(data: bytes) -> None:
    value: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    arguments = value.get("arguments")
    try:
        request = usage.Request(
            str(value.get("type")),
            str(value.get("action")),
            str(value.get("resource")),
            arguments if isinstance(arguments, dict) else {},
        )
    except (TypeError, ValueError):
        return  # the verifier's own program makes requests
    for grant in capabilities.parse(capabilities.root_json()).grants:
        usage.permits(grant, request)
        usage.approval_applies(grant, request)
        for limit in grant.limits.values():
            if isinstance(limit, capability.BudgetLimit):
                find_amount(limit, request.arguments)
    approval.digest_of_call(request, None)


def _approval(data: bytes) -> None:
    found = approval.parse_approval(parse_object(data).value)
    hold(found.max_uses > 0, "an approval of nothing")


def _asked(data: bytes) -> None:
    read_asked(parse_object(data).value).words()


def _narrower(data: bytes) -> None:
    changes: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    try:
        narrower.fill_narrower(capabilities.root_json(), changes)
    except (TypeError, ValueError):
        return  # what the delegating program asked for


def _path(data: bytes) -> None:
    with contextlib.suppress(ValueError):  # what the holder typed
        parse_path(material.text_of(data))


def _capabilities() -> Iterator[bytes]:
    yield encode(capabilities.root_json())
    yield encode(capabilities.child_json())
    yield encode(capabilities.bare_json())


def _constraints() -> Iterator[bytes]:
    for each in (
        {"type": "const", "value": "EU"},
        {"type": "enum", "in": ["EU", "UK"]},
        {"type": "range", "min": "-1.5", "max": "100"},
        {"type": "prefix", "value": "EU"},
        {"type": "cidr", "in": ["10.0.0.0/8", "2001:db8::/32"]},
        {"type": "timeWindow", "days": ["mon", "tue"], "from": "08:00", "to": "24:00", "zone": "Etc/GMT+2"},
        {"type": "timeWindow", "days": ["mon"], "from": "00:00", "to": "18:00", "zone": "Europe/Berlin"},
    ):
        yield encode(each)


_ASKED: Final = {"type": "http", "action": "invoice.pay", "resource": RESOURCE, "arguments": {"amount": "250.00"}}

TARGETS: Final = (
    Target("capability", _capability, _capabilities),
    Target("constraint", _constraint, _constraints),
    Target("decimal", _decimal, lambda: [b"500.00", b"-1.5", b"0", b"1" * 40]),
    Target(
        "resource",
        _resource,
        lambda: [RESOURCE.encode(), b"https://a.example/%7Ea/../b?c#d", b"mcp://tool/x", b"https://[::1]:8443/a"],
    ),
    Target("request", _request, lambda: [encode(_ASKED)]),
    Target(
        "approval",
        _approval,
        lambda: [
            encode(json.loads((material.EXAMPLES / "approval.json").read_bytes())["credentialSubject"]["approval"])
        ],
    ),
    Target("approval-asked", _asked, lambda: [(material.EXAMPLES / "approval-required.json").read_bytes()]),
    Target(
        "narrower",
        _narrower,
        lambda: [encode({"grants": [{"from": "g1", "actions": ["invoice.read"]}]}), b'{"delegation":{"maxDepth":2}}'],
    ),
    Target("claim-path", _path, lambda: [b"credentialSubject.name", b"/a/b~1c/0", b"a[0].b"]),
)
