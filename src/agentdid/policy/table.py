"""The `[policy]` table of a trust file, read into rules. Whatever is not understood is an error.

Spec: specs/policy.md B1-B8.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec.json import decode

from agentdid.codec.strict_json import encode
from agentdid.delegation.capability import MAX_AUTONOMY
from agentdid.delegation.constraints import TimeWindow, parse_constraint
from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid, Malformed
from agentdid.policy import builtin
from agentdid.policy.behaviour import MAX_SCORE
from agentdid.policy.facts import APPROVAL, DENY
from agentdid.policy.rules import MAX_RISK, ActionRow, BehaviourRule, Demotion, Rules
from agentdid.secure.mechanism import SECURITY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.policy.cedar import CedarPolicy
    from agentdid.policy.facts import Policy

_MAX_DEPTH: Final = 8
_WINDOW_S: Final = 3_600
_LEARNING: Final = 20
_MOST: Final = 1_000_000
_TOP: Final = frozenset({"cedar", "rule", "action", "approvers", "threshold", "behaviour"})
_FILE: Final = frozenset({"file", "text"})
_ANY: Final = "any"
_ALL: Final = "all"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def parse_rules(table: object) -> Rules:
    """Return the rules that a `[policy]` table states.

    Args:
        table: As `tomllib` reads it, but for `cedar`: there stand the files themselves, each an object of `file` and
            `text`.

    Raises:
        ValueError: An unknown key, a wrong type, a value that cannot be meant, or Cedar policies that are not valid.
        ExtraMissing: It names Cedar policies, and the extra `policy` is not installed.
    """
    given = _members("policy", table, _TOP)
    files = _cedar_files(given["cedar"]) if "cedar" in given else []
    rows = tuple(_row(*each) for each in _tables("policy", given, "action"))
    approvers = frozenset(_did(each, "policy: approvers") for each in _texts("policy", given, "approvers"))
    threshold = _whole("policy", given, "threshold", 1, 1, max(1, len(approvers)))
    behaviour = _behaviour(given["behaviour"]) if "behaviour" in given else None
    parts: list[Policy] = [builtin.Autonomy(APPROVAL)]
    parts += [_rule(*each) for each in _tables("policy", given, "rule")]
    cedar: CedarPolicy | None = None
    if files:
        from agentdid.policy.cedar import CedarPolicy  # noqa: PLC0415  # an extra, and most policies have none

        cedar = CedarPolicy(files)
        parts.append(cedar)
    return Rules(MappingProxyType(given), builtin.AllOf(tuple(parts)), rows, approvers, threshold, behaviour, cedar)


def decode_rules(source: object) -> Rules:
    """Return the rules of a `Rules.source`; of the same one the same, as the bundles of a log have it many times."""
    return _decoded(encode(source))


@lru_cache(maxsize=16)
def _decoded(text: bytes) -> Rules:
    return parse_rules(decode(text))


def _cedar_files(value: object) -> list[tuple[str, str]]:
    """Return name and text of each file, as they stand in the table: no name in a bundle makes us open a file."""
    if not isinstance(value, list) or not value:
        message = "policy: cedar must be a file name or a list of them"
        raise ValueError(message)
    found = []
    for each in value:
        if not isinstance(each, dict) or each.keys() != _FILE or not all(isinstance(one, str) for one in each.values()):
            message = "policy: cedar must be a file name or a list of them"
            raise ValueError(message)
        found.append((each["file"], each["text"]))
    return found


def _row(name: str, table: Mapping[str, Any]) -> ActionRow:
    _members(name, table, frozenset({"actions", "autonomy", "risk"}))
    row = ActionRow(
        _patterns(name, table),
        _whole(name, table, "autonomy", 0, 0, MAX_AUTONOMY),
        _whole(name, table, "risk", 0, 0, MAX_RISK),
    )
    if not row.actions or not (row.autonomy or row.risk):
        message = f"{name}: names actions, and the autonomy or the risk of them"
        raise ValueError(message)
    return row


def _behaviour(value: object) -> BehaviourRule:
    name = "policy.behaviour"
    table = _members(name, value, frozenset({"window_s", "learning", "demotion"}))
    demotions = []
    for place, row in _tables(name, table, "demotion"):
        _members(place, row, frozenset({"score", "levels"}))
        if row.keys() != {"score", "levels"}:
            message = f"{place}: names score and levels"
            raise ValueError(message)
        score = _whole(place, row, "score", 0, 1, MAX_SCORE)
        demotions.append(Demotion(score, _whole(place, row, "levels", 0, 1, MAX_AUTONOMY)))
    return BehaviourRule(
        _whole(name, table, "window_s", _WINDOW_S, 60, 86_400),
        _whole(name, table, "learning", _LEARNING, 1, _MOST),
        tuple(demotions),
    )


def _rule(name: str, table: Mapping[str, Any], depth: int = 0, above: Mapping[str, Any] = _NOTHING) -> Policy:
    """Return one rule: its conditions, all of which must hold; on the actions it names, or on all.

    What a rule inside another does not say of `otherwise` and `name` is as the outer one has it.
    """
    if depth > _MAX_DEPTH:
        message = f"{name}: rules are nested too deep"
        raise ValueError(message)
    _members(name, table, frozenset({"name", "actions", "otherwise", _ALL, _ANY, *CONDITIONS}))
    inherited = {key: each[key] for each in (above, table) for key in ("otherwise", "name") if key in each}
    otherwise = inherited.get("otherwise", DENY)
    if otherwise not in (DENY, APPROVAL):
        message = f"{name}: otherwise is {DENY} or {APPROVAL}"
        raise ValueError(message)
    called = inherited.get("name")
    if called is not None and (not isinstance(called, str) or not called):
        message = f"{name}: name must be a non-empty string"
        raise ValueError(message)
    parts: list[Policy] = [
        make(f"{name}: {key}", table[key], otherwise, called or key) for key, make in CONDITIONS.items() if key in table
    ]
    for key, compose in ((_ALL, builtin.AllOf), (_ANY, builtin.AnyOf)):
        if key in table:
            inner = [_rule(place, row, depth + 1, inherited) for place, row in _tables(name, table, key)]
            try:
                parts.append(compose(tuple(inner)))
            except ValueError as error:
                message = f"{name}: {error}"
                raise ValueError(message) from None
    if not parts:
        message = f"{name}: a rule states a condition"
        raise ValueError(message)
    policy = parts[0] if len(parts) == 1 else builtin.AllOf(tuple(parts))
    actions = _patterns(name, table)
    return builtin.When(actions, policy) if actions else policy


def _security(name: str, value: object, otherwise: str, called: str) -> Policy:
    if value not in SECURITY_LEVELS:
        message = f"{name} is one of {', '.join(SECURITY_LEVELS)}"
        raise ValueError(message)
    return builtin.MinSecurity(str(value), otherwise, called)


def _within(name: str, value: object, otherwise: str, called: str) -> Policy:
    try:
        hours = parse_constraint({"type": "timeWindow", **value} if isinstance(value, dict) else value, "")
    except Malformed as error:
        message = f"{name}: {error.detail}"
        raise ValueError(message) from None
    return builtin.Within(cast("TimeWindow", hours), otherwise, called)


def _number(make: Callable[[int, str, str], Policy], most: int) -> Callable[[str, object, str, str], Policy]:
    def condition(name: str, value: object, otherwise: str, called: str) -> Policy:
        return make(_whole(name, {"": value}, "", 0, 0, most), otherwise, called)

    return condition


def _purposes(name: str, value: object, otherwise: str, called: str) -> Policy:
    return builtin.PurposeIn(_set(name, value), otherwise, called)


def _principals(name: str, value: object, otherwise: str, called: str) -> Policy:
    found = frozenset(_did(each, name) for each in _set(name, value))
    return builtin.PrincipalIn(found, otherwise, called)


CONDITIONS: Final[Mapping[str, Callable[[str, object, str, str], Policy]]] = {
    "min_security": _security,
    "max_depth": _number(builtin.MaxDepth, 8),
    "within": _within,
    "autonomy_at_most": _number(builtin.AutonomyAtMost, MAX_AUTONOMY),
    "purpose_in": _purposes,
    "principal_in": _principals,
    "risk_at_most": _number(builtin.RiskAtMost, MAX_RISK),
    "score_at_most": _number(builtin.ScoreAtMost, MAX_SCORE),
}


def _members(name: str, value: object, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        message = f"{name} must be a table"
        raise ValueError(message)
    unknown = value.keys() - known
    if unknown:
        message = f"{name}: unknown key {min(unknown)!r}"
        raise ValueError(message)
    return value


def _tables(name: str, table: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        message = f"{name}: {key} must be an array of tables"
        raise ValueError(message)
    return [(f"{name}.{key}[{position}]", each) for position, each in enumerate(value)]


def _texts(name: str, table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        message = f"{name}: {key} must be a list of non-empty strings"
        raise ValueError(message)
    return value


def _set(name: str, value: object) -> frozenset[str]:
    found = _texts(name, {"value": value}, "value")
    if not found:
        message = f"{name} must not be empty"
        raise ValueError(message)
    return frozenset(found)


def _patterns(name: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    found = _texts(name, table, "actions")
    for pattern in found:
        if "*" in pattern and (pattern.count("*") > 1 or not pattern.endswith(".*") or pattern == ".*"):
            message = f"{name}: only a trailing .* is a wildcard, got {pattern!r}"
            raise ValueError(message)
    if "actions" in table and not found:
        message = f"{name}: actions must not be empty"
        raise ValueError(message)
    return tuple(found)


def _whole(name: str, table: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = table.get(key, default)
    if type(value) is not int or not (key not in table or least <= value <= most):
        message = f"{name}: {key} must be a whole number from {least} to {most}".replace(":  must", " must")
        raise ValueError(message)
    return value


def _did(text: str, name: str) -> str:
    try:
        check_did(text)
    except DidInvalid:
        message = f"{name}: {text!r} is not a DID"
        raise ValueError(message) from None
    return text
