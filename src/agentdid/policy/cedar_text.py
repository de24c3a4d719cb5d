"""Cedar policies as they are written: where each stands, what it is called, what it reads, and the schema it must fit.

Nothing is decided here. What is not a set of valid policies is a `ValueError` that names file and line, so a verifier
with a broken policy never starts (specs/policy.md B9).
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.delegation.constraints import find_decimal
from agentdid.delegation.resources import find_normal, is_crooked
from agentdid.errors import ExtraMissing
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal
    from types import ModuleType

ANY_ACTION: Final = "*"
"""The declared action that stands for all that policies do not name."""
ARGUMENTS: Final = "arguments"
BEHAVIOUR: Final = "behaviour"
BEHAVIOUR_PARTS: Final = ("score", "action", "hour", "pace", "place", "refusals")
ARGUMENT: Final = frozenset({"text", "number", "flag", "items"})
MEMBERS: Final = frozenset(
    {
        "action", "approved", "arguments", "autonomy", "autonomyMax", "autonomyRequired", "behaviour", "delegator",
        "depth", "hour", "ip", "issuers", "now", "principal", "purpose", "resource", "risk", "root", "rootIssuer",
        "security", "type", "weekday",
    }
)  # fmt: skip
"""What the context, an argument and a score have in the schema."""
_TO_ARGUMENT: Final = 2
_SCHEMA: Final = "agentdid.cedarschema"
_EMPTY: Final = "type Arguments = {};"
_ACTION: Final = re.compile(r"[!-~]{1,256}")
_NAMED: Final = frozenset({"type", "id"})
_NUMBER: Final = re.compile(r"policy([0-9]+)")
_MAX_SHOWN: Final = 5
_ORDER: Final = frozenset({"lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"})
_EQUALITY: Final = frozenset({"==", "!="})
_PAIR: Final = ("left", "right")
_NUMBER_AT: Final = 3


@final
class Reading(Value, frozen=True):
    """What policies look at: nothing else need be shown to the engine.

    Attributes:
        members: Of the context.
        arguments: Of the request, by name: by which members of `Argument` they are read.
        bounds: Of arguments that are read as a number only to compare it with numbers that stand there: those, sorted.
        agents: Those that are named.
        actions: Those that are named, sorted.
        resources: Those that are named, sorted.
    """

    members: frozenset[str]
    arguments: dict[str, frozenset[str]]
    bounds: dict[str, tuple[Decimal, ...]]
    agents: frozenset[str]
    actions: tuple[str, ...]
    resources: tuple[str, ...]


@final
class PolicyText(Value, frozen=True):
    """Valid policies of one or more files.

    Attributes:
        text: All of them, in the order of the files.
        names: What each is called: its `@id`, else its file and line.
        reading: What they look at.
        schema: What they were validated against: the shipped schema with their arguments and actions in it.
    """

    text: str
    names: tuple[str, ...]
    reading: Reading
    schema: str


def load_engine() -> ModuleType:
    """Return `cedarpy`, which only users of Cedar policies import.

    Raises:
        ExtraMissing: The extra `policy` is not installed.
    """
    try:
        import cedarpy  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ExtraMissing("Cedar policies need the extra policy: pip install 'agentdid[policy]'") from None
    return cedarpy


def parse_policies(sources: Sequence[tuple[str, str]]) -> PolicyText:
    """Return the policies in some files, parsed and validated.

    Args:
        sources: Name and text of each file.

    Raises:
        ValueError: They do not parse, do not fit the schema, or two have one name; with file and line.
        ExtraMissing: The extra `policy` is not installed.
    """
    engine = load_engine()
    places: list[str] = []
    for file, text in sources:
        lines = _parse_file(engine, file, text)
        if not lines:
            message = f"{file}: no policy in it"
            raise ValueError(message)
        places += [f"{file}:{line}" for line in lines]
    text = "\n".join(each for _, each in sources)
    tree = json.loads(engine.policies_to_json_str(text))
    policies = [tree["staticPolicies"][f"policy{number}"] for number in range(len(places))]
    names = tuple(_names(policies, places))
    reading = _read(policies, places)
    schema = schema_for(reading)
    found = engine.validate_policies(text, schema)
    if not found.validation_passed:
        raise ValueError("\n".join(_located(found.errors, places)))
    return PolicyText(text, names, reading, schema)


@cache
def shipped_schema() -> str:
    """Return the schema that comes with the package: all facts, no argument, no action by name."""
    return files("agentdid.policy").joinpath(_SCHEMA).read_text("utf-8")


def schema_for(reading: Reading) -> str:
    """Return the shipped schema with the arguments and actions of some policies in it (specs/policy.md B10)."""
    members = "".join(f"  {_quote(name)}?: Argument,\n" for name in sorted(reading.arguments))
    schema = shipped_schema()
    if members:
        schema = schema.replace(_EMPTY, f"type Arguments = {{\n{members}}};")
    applies = "appliesTo { principal: [Agent], resource: [Resource], context: Facts }"
    return schema + "".join(f"action {_quote(name)} {applies};\n" for name in reading.actions if name != ANY_ACTION)


def _parse_file(engine: ModuleType, file: str, text: str) -> list[int]:
    """Return the line of each policy in a file. Raises `ValueError` where it does not parse."""
    statements = list(_statements(text))
    try:
        parsed = engine.PolicySet.from_str(text)
    except ValueError as error:
        for line, statement in statements:
            try:
                engine.PolicySet.from_str(statement)
            except ValueError as found:
                message = f"{file}:{line}: the policy that begins here does not parse: {found}"
                raise ValueError(message) from None
        message = f"{file}: {error}"
        raise ValueError(message) from None
    if parsed.templates():
        message = f"{file}: a template is no policy: ?principal and ?resource have no meaning here"
        raise ValueError(message)
    if len(parsed) != len(statements):
        message = f"{file}: {len(parsed)} policies, but {len(statements)} statements"
        raise ValueError(message)
    return [line for line, _ in statements]


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each statement: what ends in a semicolon outside strings and comments."""
    begin: int | None = None
    line = first = 1
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\n":
            line += 1
        elif text.startswith("//", at):
            at = text.find("\n", at)
            if at < 0:
                break
            continue
        elif not character.isspace():
            if begin is None:
                begin, first = at, line
            if character == '"':
                end = _string_end(text, at)
                line += text.count("\n", at, end)
                at = end
            elif character == ";":
                yield first, text[begin : at + 1]
                begin = None
        at += 1
    if begin is not None:
        yield first, text[begin:]


def _string_end(text: str, at: int) -> int:
    """Return where the string that begins at `at` ends, or the end of the text."""
    at += 1
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text) - 1)


def _names(policies: list[dict[str, Any]], places: list[str]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for policy, place in zip(policies, places, strict=True):
        name = policy.get("annotations", {}).get("id") or place
        if name in taken:
            message = f"{place}: the policy at {taken[name]} has the same @id, {name!r}"
            raise ValueError(message)
        taken[name] = place
        yield name


def _read(policies: list[dict[str, Any]], places: list[str]) -> Reading:
    members: set[str] = set()
    arguments: dict[str, set[str]] = {}
    named: dict[str, set[str]] = {"Agent": set(), "Action": set(), "Resource": set()}
    bounds: dict[str, set[Decimal] | None] = {}
    for policy, place in zip(policies, places, strict=True):
        for path in _paths(policy["conditions"], place):
            _check_known(path, place)
            members.add(path[0])
            if path[0] == ARGUMENTS and len(path) > 1:
                arguments.setdefault(path[1], set()).update(path[2:3])
        _find_bounds(policy["conditions"], bounds)
        for kind, name in _entities(policy):
            if kind in named:
                named[kind].add(name)
        for name in named["Action"]:
            if _ACTION.fullmatch(name) is None:
                message = f"{place}: no capability has an action {name!r}"
                raise ValueError(message)
        for name in named["Resource"]:
            if find_normal(name) != name or is_crooked(name):
                message = f"{place}: a resource is written in its one spelling, not {name!r}"
                raise ValueError(message)
    return Reading(
        frozenset(members),
        {name: frozenset(found) for name, found in arguments.items()},
        {name: tuple(sorted(found)) for name, found in bounds.items() if found is not None},
        frozenset(named["Agent"]),
        tuple(sorted(named["Action"])),
        tuple(sorted(named["Resource"])),
    )


def _check_known(path: tuple[str, ...], place: str) -> None:
    """Hold that what is read exists: for Cedar `has` of a name that is nobody's is valid, and a `forbid` never."""
    known = path[0] in MEMBERS
    if path[0] == ARGUMENTS and len(path) > _TO_ARGUMENT:
        known = path[2] in ARGUMENT
    elif path[0] == BEHAVIOUR and len(path) > 1:
        known = path[1] in BEHAVIOUR_PARTS
    if not known:
        message = f"{place}: there is no context.{'.'.join(path)}"
        raise ValueError(message)


def _paths(node: Any, place: str) -> Iterator[tuple[str, ...]]:  # noqa: ANN401  # Cedar's JSON policy format
    """Yield every path of members that an expression reads of the context. Raises `ValueError` for the whole of it."""
    if isinstance(node, list):
        for each in node:
            yield from _paths(each, place)
    elif isinstance(node, dict):
        for operator, operand in node.items():
            if operator == "Var" and operand == "context":
                message = f"{place}: the context is read by its members, not as a whole"
                raise ValueError(message)
            if operator in {".", "has"}:
                path = _context_path(operand["left"])
                if path is not None:
                    if operator == "." and (*path, operand["attr"]) == (ARGUMENTS,):
                        message = f"{place}: arguments are read by their names, not as a whole"
                        raise ValueError(message)
                    yield (*path, operand["attr"])
                    continue
            if operator == "Record":
                yield from _paths(list(operand.values()), place)
            elif operator != "Value":
                yield from _paths(operand, place)


def _context_path(node: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the members that lead from the context to an expression; `None` where it is another expression."""
    if node == {"Var": "context"}:
        return ()
    inner = node.get(".")
    above = None if inner is None else _context_path(inner["left"])
    return None if above is None or inner is None else (*above, inner["attr"])


def _find_bounds(node: Any, bounds: dict[str, set[Decimal] | None]) -> None:  # noqa: ANN401  # as above
    """Note the numbers with which arguments are compared; `None` for an argument whose number is used otherwise."""
    if isinstance(node, list):
        for each in node:
            _find_bounds(each, bounds)
    elif isinstance(node, dict):
        for operator, operand in node.items():
            pair = _operands(operator, operand)
            names, literals = [_number_of(each) for each in pair], [_literal_of(each) for each in pair]
            if len(pair) == len(_PAIR) and any(names) and any(each is not None for each in literals):
                name = next(each for each in names if each)
                known = bounds.setdefault(name, set())
                if known is not None:
                    known.update(each for each in literals if each is not None)
                continue
            if operator == "." and _number_of({operator: operand}):
                bounds[str(_number_of({operator: operand}))] = None
                continue
            _find_bounds(operand, bounds)


def _operands(operator: str, operand: Any) -> list[Any]:  # noqa: ANN401  # as above
    """Return the two sides of a comparison of decimals, or nothing."""
    if operator in _ORDER:
        return list(operand)
    if operator in _EQUALITY:
        return [operand[side] for side in _PAIR]
    return []


def _number_of(node: Any) -> str | None:  # noqa: ANN401  # as above
    """Return the argument whose number an expression is; `None` where it is another expression."""
    path = _context_path(node) if isinstance(node, dict) else None
    return path[1] if path is not None and len(path) == _NUMBER_AT and path[::2] == (ARGUMENTS, "number") else None


def _literal_of(node: Any) -> Decimal | None:  # noqa: ANN401  # as above
    """Return the number that stands there, or `None`."""
    given = node.get("decimal") if isinstance(node, dict) else None
    value = given[0].get("Value") if isinstance(given, list) else None
    return find_decimal(value) if isinstance(value, str) else None


def _entities(node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # as above
    """Yield type and id of every entity that a policy names."""
    if isinstance(node, list):
        for each in node:
            yield from _entities(each)
    elif isinstance(node, dict):
        if node.keys() == _NAMED and all(isinstance(each, str) for each in node.values()):
            yield node["type"], node["id"]
        for each in node.values():
            yield from _entities(each)


def _located(errors: Sequence[Any], places: list[str]) -> Iterator[str]:
    """Yield what is wrong, each with file and line."""
    for error in errors[:_MAX_SHOWN]:
        number = _NUMBER.fullmatch(error.policy_id)
        place = places[int(number[1])] if number is not None else "policies"
        yield f"{place}: {error.error.removeprefix(f'for policy `{error.policy_id}`, ')}"
    if len(errors) > _MAX_SHOWN:
        yield f"and {len(errors) - _MAX_SHOWN} more"


def _quote(name: str) -> str:
    """Return a Cedar string."""
    plain = "".join(
        f"\\{each}" if each in '"\\' else each if each.isprintable() else f"\\u{{{ord(each):x}}}" for each in name
    )
    return f'"{plain}"'
