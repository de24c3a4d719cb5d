"""The capability of one link, read from its closed schema.

What it establishes: every member of PROTOCOL section 1 is there, has its one form, and nothing else is there; so no
two readers can differ about what a link grants. Whether it is narrower than its parent, who signed it and whether
the root may say this is judged elsewhere. Rules:

* A member that is missing, unknown or outside its form is `type_mismatch`, with a JSON Pointer to the place.
* A constraint of an unknown type is `capability_unknown_caveat`.
* Lists are never empty and hold each value once.
* A root link has depth 0, no parent, and grants from nowhere; any other link has all three.
* A grant with limits or an approval needs exactly one audience: its counters stand at one verifier.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, final

from msgspec import Raw
from msgspec.json import decode

from agentdid.canon.jcs import canonicalize_plain
from agentdid.codec.base import decode_multibase
from agentdid.codec.strict_json import encode, parse
from agentdid.delegation.constraints import (
    MAX_LIST,
    MAX_NETWORKS,
    Constraint,
    Enum,
    find_decimal,
    parse_constraint,
    parse_decimal,
    parse_scalars,
)
from agentdid.delegation.resources import find_normal
from agentdid.did.syntax import check_did
from agentdid.errors import AgentdidError, DidInvalid, EncodingInvalid, InputTooLarge, TypeMismatch
from agentdid.record import Value
from agentdid.secure.mechanism import SECURITY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from agentdid.limits import Limits

GRANT_TYPES: Final = frozenset({"http", "mcp_tool", "a2a_skill"})
ENVIRONMENT: Final = "env."
"""Names that begin so come from the verifier alone, never from the request."""
MAX_AUTONOMY: Final = 5

_CAPABILITY: Final = frozenset(
    {"root", "principal", "purpose", "grants", "audience", "delegation", "parent", "minSecurity"}
)
_GRANT: Final = frozenset(
    {"id", "from", "type", "actions", "resources", "constraints", "limits", "approval", "autonomyMax"}
)
_CALLS: Final = frozenset({"max", "window"})
_BUDGET: Final = frozenset({"max", "unit", "argument", "unitArgument"})
_APPROVAL: Final = frozenset({"when", "approvers", "threshold"})
_DELEGATION: Final = frozenset({"depth", "maxDepth"})
_PARENT: Final = frozenset({"id", "digestMultibase"})

_NAME: Final = re.compile(r"[!-~]{1,256}")
"""Identifiers, actions, units, names of arguments: visible ASCII, so that no two look alike."""
_DURATION: Final = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,9})W|(?:([0-9]{1,9})D)?(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?)"
)
_SECONDS: Final = (604_800, 86_400, 3_600, 60, 1)
_MAX_WINDOW_CHARS: Final = 64
"""Four parts of nine digits take 42 characters; no stranger makes the cache hold more."""
_MAX_REMEMBERED: Final = 4_096
"""Bytes of a capability; no stranger makes the cache hold longer ones."""
_SHA256_MULTIHASH: Final = b"\x12\x20"
_DIGEST_BYTES: Final = 32
_MAX_MULTIBASE_CHARS: Final = 64
"""34 bytes take 47 characters in base58btc and in base64url."""


@final
class CallLimit(Value, frozen=True):
    """At most `maximum` calls in any window of `window_s` seconds."""

    maximum: int
    window_s: int


@final
class BudgetLimit(Value, frozen=True):
    """At most `maximum` of `unit` in the link's whole life.

    Attributes:
        maximum: Never negative.
        unit: What is counted, such as `EUR`.
        argument: The argument that says how much one request takes.
        unit_argument: The argument that says in which unit.
    """

    maximum: Decimal
    unit: str
    argument: str
    unit_argument: str


Limit: TypeAlias = CallLimit | BudgetLimit


@final
class Approval(Value, frozen=True):
    """When people must have agreed, and how many of whom.

    Attributes:
        when: `None` for always; else, by name of an argument, the amount above which (a `Decimal`) or the values for
            which (an `Enum`) an approval is needed. One entry that applies is enough.
        approvers: DIDs whose approvals count.
        threshold: How many distinct approvers it takes.
    """

    when: Mapping[str, Decimal | Enum] | None
    approvers: frozenset[str]
    threshold: int


@final
class CapabilityGrant(Value, frozen=True):
    """Some actions on some resources, and under which conditions.

    Attributes:
        id: Its name inside this link.
        source: The parent's grant that it narrows (`from`); `None` in a root link.
        type: `http`, `mcp_tool` or `a2a_skill`.
        actions: Literal names.
        resources: In the one spelling of `resources.find_normal`, in the order of the document.
        constraints: By name of an argument, or of a fact of the environment (`env.…`).
        limits: By name.
        approval: When an approval is needed; `None` for never.
        autonomy_max: The highest level of autonomy, 0 to 5, of what may be done.
    """

    id: str
    source: str | None
    type: str
    actions: frozenset[str]
    resources: tuple[str, ...]
    constraints: Mapping[str, Constraint]
    limits: Mapping[str, Limit]
    approval: Approval | None
    autonomy_max: int


@final
class ParentRef(Value, frozen=True):
    """The link before this one: its credential's `id` and the SHA-256 of what was signed (32 bytes)."""

    id: str
    digest: bytes


@final
class Capability(Value, frozen=True):
    """What one link of a chain grants.

    Attributes:
        root: DID of the resources' owner.
        principal: DID of the party that is acted for.
        purpose: What it is for, in words.
        grants: In the order of the document; an SD-JWT may have hidden some.
        audience: DIDs of the verifiers it is meant for.
        depth: 0 in a root link, then one more in each.
        max_depth: The greatest depth a descendant may have.
        parent: The link before; `None` in a root link.
        min_security: `classical`, `pq` or `hybrid`: the weakest proof that any link may carry.
    """

    root: str
    principal: str
    purpose: str
    grants: tuple[CapabilityGrant, ...]
    audience: frozenset[str]
    depth: int
    max_depth: int
    parent: ParentRef | None
    min_security: str

    def find_grant(self, grant_id: str | None) -> CapabilityGrant | None:
        """Return the grant of that id, or `None` when there is none or it was not disclosed."""
        for grant in self.grants:
            if grant.id == grant_id:
                return grant
        return None


def pointer_step(name: str) -> str:
    """Return a member's name as one step of a JSON Pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def parse_capability(value: object, limits: Limits, *, path: str = "", hidden_grants: bool = False) -> Capability:
    """Return the capability that a credential's subject states.

    Args:
        value: Plain JSON, as `codec.strict_json` reads it.
        limits: Bounds the number of grants.
        path: Where `value` stands, as a JSON Pointer; it begins the place that an error names.
        hidden_grants: Whether some grants were not disclosed; then none may be left.

    Raises:
        TypeMismatch: Outside the closed schema.
        CapabilityUnknownCaveat: A constraint of unknown type.
        DidInvalid: A DID that is none.
        InputTooLarge: Too many grants, or too long a list.

    Spec: specs/capability-credential.md C5-C18.
    """
    try:
        text = encode(value)
    except TypeError:
        text = b""  # not a JSON value; what is wrong with it is said below
    try:
        if 0 < len(text) <= _MAX_REMEMBERED:
            return _parse_text(text, limits.max_grants, hidden_grants)
        return _parse(value, limits.max_grants, hidden_grants)
    except AgentdidError as error:
        error.path = f"{path}{error.path}"
        raise


def find_capability(text: bytes, limits: Limits) -> tuple[Capability, Raw] | None:
    """Return the capability of an ASCII text, and its RFC 8785 form; `None` where it has to be parsed.

    Only of a short text, and one that is as long as that form, which so is it but for the order of members.
    """
    if len(text) > _MAX_REMEMBERED:
        return None
    try:
        return _find_text(text, limits.max_grants)
    except AgentdidError:
        return None  # `parse_capability` says what is wrong, and where


@lru_cache(maxsize=1024)
def _find_text(text: bytes, max_grants: int) -> tuple[Capability, Raw] | None:
    parsed = parse(text)
    form = canonicalize_plain(parsed.value)
    if not parsed.plain or len(form) != len(text):
        return None
    return _parse(parsed.value, max_grants, hidden=False), Raw(form)


@lru_cache(maxsize=1024)
def _parse_text(text: bytes, max_grants: int, hidden: bool) -> Capability:
    """Return the capability of its JSON text: an agent presents one capability many times, and it never changes."""
    return _parse(decode(text), max_grants, hidden)


def _parse(value: object, max_grants: int, hidden: bool) -> Capability:
    """Return the capability; the paths of errors begin at it."""
    members = _object(value, _CAPABILITY, "")
    delegation = _object(members["delegation"], _DELEGATION, "/delegation")
    depth = _count(delegation["depth"], "", "delegation/depth")
    parent = None if members["parent"] is None else _parent(members["parent"], "/parent")
    if (parent is None) != (depth == 0):
        raise TypeMismatch("a root link has depth 0 and no parent, any other has both", path="/parent")
    purpose = members["purpose"]
    if type(purpose) is not str or not purpose:
        raise TypeMismatch("expected a non-empty string", path="/purpose")
    security = members["minSecurity"]
    if type(security) is not str or security not in SECURITY_LEVELS:
        raise TypeMismatch("expected classical, pq or hybrid", path="/minSecurity")
    audience = _dids(members["audience"], "", "audience")
    return Capability(
        _did(members["root"], "", "root"),
        _did(members["principal"], "", "principal"),
        purpose,
        _grants(members["grants"], max_grants, "/grants", root=parent is None, hidden=hidden, audience=audience),
        audience,
        depth,
        _count(delegation["maxDepth"], "", "delegation/maxDepth"),
        parent,
        security,
    )


def _grants(
    value: object, max_grants: int, path: str, *, root: bool, hidden: bool, audience: frozenset[str]
) -> tuple[CapabilityGrant, ...]:
    """Return the grants of a link, in their order, each held against the link it stands in."""
    if type(value) is not list or not (value or hidden):
        raise TypeMismatch("expected a non-empty array", path=path)
    if len(value) > max_grants:
        raise InputTooLarge(f"at most {max_grants} grants", path=path)
    grants = []
    seen = set()
    for position, each in enumerate(value):
        place = f"{path}/{position}"
        grant = parse_grant(each, place)
        if (grant.source is None) != root:
            raise TypeMismatch("null in a root link, the id of a parent grant in any other", path=f"{place}/from")
        if grant.id in seen:
            raise TypeMismatch("another grant has this id", path=f"{place}/id")
        if len(audience) != 1 and (grant.limits or grant.approval is not None):
            raise TypeMismatch("limits and approvals need exactly one audience", path=place)
        seen.add(grant.id)
        grants.append(grant)
    return tuple(grants)


def parse_grant(value: object, path: str = "") -> CapabilityGrant:
    """Return one grant, held by itself. Raises as `parse_capability`."""
    members = _object(value, _GRANT, path)
    kind = members["type"]
    if type(kind) is not str or kind not in GRANT_TYPES:
        raise TypeMismatch("expected http, mcp_tool or a2a_skill", path=f"{path}/type")
    autonomy = members["autonomyMax"]
    if type(autonomy) is not int or not 0 <= autonomy <= MAX_AUTONOMY:
        raise TypeMismatch(f"expected an integer from 0 to {MAX_AUTONOMY}", path=f"{path}/autonomyMax")
    approval = members["approval"]
    return CapabilityGrant(
        _name(members["id"], path, "id"),
        None if members["from"] is None else _name(members["from"], path, "from"),
        kind,
        _actions(members["actions"], path, "actions"),
        _resources(members["resources"], kind, path, "resources"),
        _constraints(members["constraints"], path, "constraints"),
        _limits(members["limits"], path, "limits"),
        None if approval is None else _approval(approval, f"{path}/approval"),
        autonomy,
    )


def _actions(value: object, path: str, member: str) -> frozenset[str]:
    """Return literal action names."""
    actions = _texts(value, path, member)
    for action in actions:
        # an action is a literal: one with a star is a wish for a wildcard, which would silently grant nothing
        if _NAME.fullmatch(action) is None or "*" in action:
            raise TypeMismatch("expected literal names of visible ASCII, without *", path=f"{path}/{member}")
    return actions


def _resources(value: object, kind: str, path: str, member: str) -> tuple[str, ...]:
    """Return resources in their one spelling, in their order, each once."""
    texts = _texts(value, path, member, MAX_NETWORKS)
    if len(texts) == 1:
        return (_resource(next(iter(texts)), kind, path, member),)
    normals = tuple(_resource(text, kind, path, member) for text in value)  # type: ignore[attr-defined]  # _texts held it
    if len(set(normals)) != len(normals):
        raise TypeMismatch("a resource stands twice", path=f"{path}/{member}")
    return normals


def _resource(text: str, kind: str, path: str, member: str) -> str:
    """Return one resource in its one spelling, fit for the grant's type."""
    normal = find_normal(text)
    if normal is None or (kind == "http" and not normal.startswith(("https://", "http://"))):
        raise TypeMismatch(
            "expected absolute URIs without query, fragment, userinfo, //, \\, ;, %2f, %5c and %00",
            path=f"{path}/{member}",
        )
    return normal


def _constraints(value: object, path: str, member: str) -> Mapping[str, Constraint]:
    """Return constraints by the name of what they constrain."""
    if type(value) is not dict:
        raise TypeMismatch("expected an object", path=f"{path}/{member}")
    return MappingProxyType(
        {
            _name(name, path, member): parse_constraint(each, f"{path}/{member}/{pointer_step(name)}")
            for name, each in value.items()
        }
    )


def _limits(value: object, path: str, member: str) -> Mapping[str, Limit]:
    """Return limits by name."""
    if type(value) is not dict:
        raise TypeMismatch("expected an object", path=f"{path}/{member}")
    return MappingProxyType(
        {
            _name(name, path, member): _limit(each, f"{path}/{member}/{pointer_step(name)}")
            for name, each in value.items()
        }
    )


def _limit(value: object, path: str) -> Limit:
    """Return a limit in the form that its members show: calls in a window, or a budget."""
    if type(value) is dict and value.keys() == _CALLS:
        window = value["window"]
        window_s = _find_seconds(window) if type(window) is str and len(window) <= _MAX_WINDOW_CHARS else None
        if not window_s:
            raise TypeMismatch("expected an ISO 8601 duration of whole seconds, above zero", path=f"{path}/window")
        return CallLimit(_count(value["max"], path, "max"), window_s)
    if type(value) is dict and value.keys() == _BUDGET:
        maximum = value["max"]
        # "-0" too: a limit has no sign
        if type(maximum) is not str or maximum.startswith("-") or (number := find_decimal(maximum)) is None:
            raise TypeMismatch("expected a decimal as a string, not negative", path=f"{path}/max")
        return BudgetLimit(
            number,
            _name(value["unit"], path, "unit"),
            _name(value["argument"], path, "argument"),
            _name(value["unitArgument"], path, "unitArgument"),
        )
    raise TypeMismatch("expected the members max and window, or max, unit, argument and unitArgument", path=path)


def _approval(value: object, path: str) -> Approval:
    """Return the approval rule of a grant."""
    members = _object(value, _APPROVAL, path)
    approvers = _dids(members["approvers"], path, "approvers")
    threshold = members["threshold"]
    if type(threshold) is not int or not 1 <= threshold <= len(approvers):
        raise TypeMismatch("expected an integer from 1 to the number of approvers", path=f"{path}/threshold")
    when = members["when"]
    if when == "always":
        return Approval(None, approvers, threshold)
    if type(when) is not dict or not when:
        raise TypeMismatch("expected always, or an object with an entry", path=f"{path}/when")
    entries = {
        _name(name, path, "when"): _entry(each, f"{path}/when/{pointer_step(name)}") for name, each in when.items()
    }
    return Approval(MappingProxyType(entries), approvers, threshold)


def _entry(value: object, path: str) -> Decimal | Enum:
    """Return one entry of `when`: the amount of `gt`, or the values of `in`."""
    if type(value) is dict and value.keys() == {"gt"}:
        return parse_decimal(value["gt"], f"{path}/gt")
    if type(value) is dict and value.keys() == {"in"}:
        return Enum(*parse_scalars(value["in"], f"{path}/in"))
    raise TypeMismatch("expected an object with gt or in", path=path)


def _parent(value: object, path: str) -> ParentRef:
    """Return the reference to the parent link."""
    members = _object(value, _PARENT, path)
    identifier, text = members["id"], members["digestMultibase"]
    if type(identifier) is not str or not identifier:
        raise TypeMismatch("expected a non-empty string", path=f"{path}/id")
    raw = b""
    if type(text) is str and len(text) <= _MAX_MULTIBASE_CHARS:
        try:
            raw = decode_multibase(text)
        except EncodingInvalid:
            raw = b""
    if len(raw) != len(_SHA256_MULTIHASH) + _DIGEST_BYTES or not raw.startswith(_SHA256_MULTIHASH):
        raise TypeMismatch("expected the multibase (z or u) of a SHA-256 multihash", path=f"{path}/digestMultibase")
    return ParentRef(identifier, raw[len(_SHA256_MULTIHASH) :])


@lru_cache(maxsize=256)
def _find_seconds(text: str) -> int | None:
    """Return the seconds of an ISO 8601 duration, or `None` when it is not one of whole seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    return sum(int(part) * unit for part, unit in zip(match.groups("0"), _SECONDS, strict=True))


def _object(value: object, members: frozenset[str], path: str) -> dict[str, object]:
    """Return a JSON object that has exactly these members."""
    if type(value) is not dict or value.keys() != members:
        raise TypeMismatch(f"expected exactly the members {', '.join(sorted(members))}", path=path)
    return value


def _count(value: object, path: str, member: str) -> int:
    """Return an integer that is not negative."""
    # bool is a subclass of int, so the type itself is compared
    if type(value) is not int or value < 0:
        raise TypeMismatch("expected an integer, not negative", path=f"{path}/{member}")
    return value


def _name(value: object, path: str, member: str) -> str:
    """Return a name in visible ASCII."""
    if type(value) is not str or _NAME.fullmatch(value) is None:
        raise TypeMismatch("expected 1 to 256 characters of visible ASCII", path=f"{path}/{member}")
    return value


def _texts(value: object, path: str, member: str, most: int = MAX_LIST) -> frozenset[str]:
    """Return the distinct strings of a non-empty array."""
    if type(value) is not list or not value:
        raise TypeMismatch("expected a non-empty array", path=f"{path}/{member}")
    if len(value) > most:
        raise InputTooLarge(f"at most {most} elements", path=f"{path}/{member}")
    for each in value:
        if type(each) is not str:
            raise TypeMismatch("expected strings", path=f"{path}/{member}")
    texts = frozenset(value)
    if len(texts) != len(value):
        raise TypeMismatch("a value stands twice", path=f"{path}/{member}")
    return texts


def _did(value: object, path: str, member: str) -> str:
    """Return a DID; the refusal of another string says where it stands."""
    if type(value) is not str:
        raise TypeMismatch("expected a DID", path=f"{path}/{member}")
    try:
        check_did(value)
    except DidInvalid as refusal:
        refusal.path = f"{path}/{member}"
        raise
    return value


def _dids(value: object, path: str, member: str) -> frozenset[str]:
    """Return the distinct DIDs of a non-empty array."""
    dids = _texts(value, path, member)
    for did in dids:
        _did(did, path, member)
    return dids
