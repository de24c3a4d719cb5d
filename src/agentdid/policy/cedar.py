"""Cedar policies as a policy: parsed once, shown only what they read, and failing closed.

The engine is `cedarpy`, of the extra `policy`. Rules:

* Nothing is permitted by default, and a `forbid` beats every `permit`: that is Cedar.
* A policy that cannot be evaluated denies, whatever the others say; Cedar itself would leave it out.
* An argument that is there, but by none of the members by which policies read it, denies: otherwise a sender would
  get round a `forbid` by writing a number as something else.
* Policies that forbid `unless { context.approved }` ask for approvals: they are judged as if nobody had approved, and
  where that denies, as if enough had.

Spec: specs/policy.md B9-B13.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, final

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from agentdid.delegation.constraints import find_number
from agentdid.delegation.resources import is_below
from agentdid.policy.cedar_text import ARGUMENTS, BEHAVIOUR_PARTS, load_engine, parse_policies
from agentdid.policy.facts import APPROVAL, DENY, PERMIT, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from agentdid.policy.behaviour import Score
    from agentdid.policy.facts import Facts

_BY_DEFAULT: Final = "cedar:no-permit"
_UNREADABLE: Final = "cedar:arguments"
_FAILED: Final = "cedar:error"
_APPROVED: Final = "approved"
_ALLOW: Final = "Allow"


@final
class _Diagnostics(Struct, frozen=True):
    reason: list[str]
    errors: list[str]


@final
class _Answer(Struct, frozen=True):
    decision: str
    diagnostics: _Diagnostics


_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(_Answer)
_UNIT: Final = Decimal("0.0001")
_MAX_NUMBER: Final = Decimal("922337203685477.5807")
"""Cedar's `decimal` is a 64-bit count of ten-thousandths."""
_NUMBER: Final = "number"
_REMEMBERED: Final = 1_024
_MAX_TEXT: Final = 256
"""Characters of one argument of a verdict that is remembered; no stranger makes us hold longer ones."""


def _extension(function: str, argument: str) -> dict[str, object]:
    return {"__extn": {"fn": function, "arg": argument}}


def _datetime(at: datetime) -> dict[str, object]:
    """Return an instant as Cedar reads it: RFC 3339 in UTC, to the millisecond."""
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    return _extension("datetime", f"{text}.{at.microsecond // 1000:03}Z")


def _ip(address: str) -> dict[str, object]:
    return _extension("ip", address)


def _behaviour(score: Score) -> dict[str, int]:
    parts = dict(score.parts)
    return {"score": score.total, **{name: parts.get(name, 0) for name in BEHAVIOUR_PARTS[1:]}}


# name → the fact itself, and how it is written where that is another
_MEMBERS: Final[Mapping[str, tuple[Callable[[Facts], object], Callable[[Any], object] | None]]] = {
    "action": (lambda facts: facts.action, None),
    "autonomy": (lambda facts: facts.autonomy, None),
    "autonomyMax": (lambda facts: facts.autonomy_max, None),
    "autonomyRequired": (lambda facts: facts.autonomy_required, None),
    "behaviour": (lambda facts: facts.score, _behaviour),
    "delegator": (lambda facts: facts.issuers[-1], None),
    "depth": (lambda facts: facts.depth, None),
    "hour": (lambda facts: facts.at.hour, None),
    "ip": (lambda facts: facts.ip, _ip),
    "issuers": (lambda facts: facts.issuers, None),
    "now": (lambda facts: facts.at, _datetime),
    "principal": (lambda facts: facts.principal, None),
    "purpose": (lambda facts: facts.purpose, None),
    "resource": (lambda facts: facts.resource, None),
    "risk": (lambda facts: facts.risk, None),
    "root": (lambda facts: facts.root, None),
    "rootIssuer": (lambda facts: facts.issuers[0], None),
    "security": (lambda facts: facts.security, None),
    "type": (lambda facts: facts.type, None),
    "weekday": (lambda facts: facts.at.isoweekday(), None),
}
"""The context's members in agentdid.cedarschema; `None` is left out. The other two are `approved` and `arguments`."""


@final
class CedarPolicy:
    """The Cedar policies of one or more files. Safe among threads.

    Args:
        sources: Name and text of each file.

    Raises:
        ValueError: They do not parse, or do not fit the schema; with file and line.
        ExtraMissing: The extra `policy` is not installed.
    """

    __slots__ = (
        "_entities",
        "_find",
        "_from_json",
        "_is_authorized",
        "_known",
        "_nothing",
        "_policies",
        "_shown",
        "text",
    )

    def __init__(self, sources: Sequence[tuple[str, str]]) -> None:
        self.text = parse_policies(sources)
        engine = load_engine()._internal  # noqa: SLF001  # see `_ask`
        self._is_authorized = engine.is_authorized
        self._from_json = engine.Entities.from_json_str
        self._policies = engine.PolicySet.from_str(self.text.text)
        self._nothing = self._from_json("[]")
        self._shown = tuple((name, *row) for name, row in _MEMBERS.items() if name in self.text.reading.members)
        self._find = tuple(find for _, find, _ in self._shown)
        self._known: dict[tuple[object, ...], Verdict] = {}

    def judge(self, facts: Facts) -> Verdict:
        """Return what the policies say of a request; never raises for what is in it."""
        arguments = _arguments(facts.arguments, self.text.reading.arguments)
        if isinstance(arguments, str):
            return Verdict(DENY, (_UNREADABLE,), (arguments,))
        key = self._tell_apart(facts, arguments)
        known = None if key is None else self._known.get(key)
        if known is None:
            known = self._judge(facts, arguments)
            if key is not None:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[key] = known
        return known

    def show(self, facts: Facts) -> dict[str, object] | str:
        """Return the context that the policies are shown, as Cedar's JSON: what they read of it, but for `approved`.

        Or why an argument cannot be shown as they read it.
        """
        arguments = _arguments(facts.arguments, self.text.reading.arguments)
        return arguments if isinstance(arguments, str) else self._context(facts, arguments)

    def _tell_apart(self, facts: Facts, arguments: dict[str, dict[str, object]]) -> tuple[object, ...] | None:
        """Return all in which the policies could tell one request from another; `None` for one of too many texts.

        Agents, actions and resources have no members: that one is named, and for a resource which named ones it lies
        below, is all that can be asked of it. A number that is only compared is known by its place among the numbers
        that it is compared with. So two requests with one key have one verdict.
        """
        reading = self.text.reading
        resource = facts.resource
        places = tuple([each for each in reading.resources if is_below(resource, each)])
        found: list[object] = [
            facts.agent if facts.agent in reading.agents else None,
            facts.action if facts.action in reading.actions else None,
            places,
            resource in places,
        ]
        found.extend([find(facts) for find in self._find])
        for name, members in arguments.items():
            parts: list[object] = [name]
            for member, value in members.items():
                if type(value) is str and len(value) > _MAX_TEXT:
                    return None
                if member == _NUMBER:
                    bounds = reading.bounds.get(name)
                    value = value if bounds is None else _place_among(bounds, value)  # type: ignore[arg-type]  # noqa: PLW2901
                parts += (member, tuple(value) if type(value) is list else value)
            found.append(tuple(parts))
        return tuple(found)

    def _context(self, facts: Facts, arguments: dict[str, dict[str, object]]) -> dict[str, object]:
        context: dict[str, object] = {}
        for name, find, write in self._shown:
            value = find(facts)
            if value is not None:
                context[name] = value if write is None else write(value)
        if ARGUMENTS in self.text.reading.members:
            context[ARGUMENTS] = {
                name: {member: _decimal(value) if member == _NUMBER else value for member, value in members.items()}
                for name, members in arguments.items()
            }
        return context

    def _judge(self, facts: Facts, arguments: dict[str, dict[str, object]]) -> Verdict:
        context = self._context(facts, arguments)
        if _APPROVED not in self.text.reading.members:
            return self._ask(facts, context)
        found = self._ask(facts, {**context, _APPROVED: False})
        if found.outcome == PERMIT or _FAILED in found.names:
            return found
        if self._ask(facts, {**context, _APPROVED: True}).outcome != PERMIT:
            return found
        return Verdict(APPROVAL, found.names, ("the policies let this happen only with an approval",))

    def _ask(self, facts: Facts, context: dict[str, object]) -> Verdict:
        try:
            request = {
                "principal": {"type": "Agent", "id": facts.agent},
                "action": {"type": "Action", "id": facts.action},
                "resource": {"type": "Resource", "id": facts.resource},
                "context": _ENCODER.encode(context).decode(),
            }
            # the engine's own call, of which the public one is a wrapper that costs a third of it again
            answer = _DECODER.decode(self._is_authorized(request, self._policies, self._find_entities(facts.resource)))
        except (ValueError, TypeError, OverflowError):  # a text that is no Unicode, a number that is no JSON
            return Verdict(DENY, (_FAILED,), ("the request cannot be put to the policies",))
        if answer.diagnostics.errors:
            return Verdict(DENY, (_FAILED,), ("a policy could not be evaluated",))
        # Cedar numbers policies by where they stand
        reasons = answer.diagnostics.reason
        names = tuple(sorted([self.text.names[int(each.removeprefix("policy"))] for each in reasons]))
        if answer.decision == _ALLOW:
            return Verdict(PERMIT, names)
        reason = "a policy forbids it" if names else "no policy permits it"
        return Verdict(DENY, names or (_BY_DEFAULT,), (reason,))

    def _find_entities(self, resource: str) -> Any:  # noqa: ANN401  # of the engine
        """Return the one entity that policies may ask about: the resource, in the named ones that it lies below."""
        above = [each for each in self.text.reading.resources if each != resource and is_below(resource, each)]
        if not above:
            return self._nothing
        entity = {
            "uid": {"type": "Resource", "id": resource},
            "attrs": {},
            "parents": [{"type": "Resource", "id": each} for each in above],
        }
        return self._from_json(_ENCODER.encode([entity]).decode())


def _place_among(bounds: tuple[Decimal, ...], number: Decimal) -> int:
    """Return where a number is: odd at a bound, even between two."""
    place = bisect_left(bounds, number)
    return 2 * place + (place < len(bounds) and bounds[place] == number)


def _decimal(number: object) -> dict[str, object]:
    return _extension("decimal", format(number, "f"))


def _arguments(given: Mapping[str, object], read: Mapping[str, frozenset[str]]) -> dict[str, dict[str, object]] | str:
    """Return those arguments that policies read, or why one of them cannot be read as they do (specs/policy.md B11)."""
    shown: dict[str, dict[str, object]] = {}
    for name, members in read.items():
        if name not in given:
            continue
        found = {member: value for member, value in _members(given[name]).items() if member in members}
        if members and not found:
            return f"the policies read the argument {name!r} as {' or '.join(sorted(members))}, which it is not"
        shown[name] = found
    return shown


def _members(value: object) -> dict[str, object]:
    """Return an argument as the schema's `Argument`: every member that fits."""
    if type(value) is bool:
        return {"flag": value}
    if type(value) is list or type(value) is tuple:
        return {"items": list(value)} if all(type(each) is str for each in value) else {}
    found: dict[str, object] = {"text": value} if type(value) is str else {}
    number = find_number(value)
    if number is not None and abs(number) <= _MAX_NUMBER:
        exact = number.quantize(_UNIT)
        if exact == number:
            found[_NUMBER] = exact
    return found
