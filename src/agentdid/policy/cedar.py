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

from decimal import Decimal
from functools import lru_cache
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
_REMEMBERED: Final = 1_024
_MAX_REMEMBERED: Final = 2_048
"""Characters of a context; no stranger makes the cache hold longer ones."""


def _extension(function: str, argument: str) -> dict[str, object]:
    return {"__extn": {"fn": function, "arg": argument}}


def _datetime(at: datetime) -> dict[str, object]:
    """Return an instant as Cedar reads it: RFC 3339 in UTC, to the millisecond."""
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    return _extension("datetime", f"{text}.{at.microsecond // 1000:03}Z")


def _behaviour(score: Score) -> dict[str, int]:
    parts = dict(score.parts)
    return {"score": score.total, **{name: parts.get(name, 0) for name in BEHAVIOUR_PARTS[1:]}}


_MEMBERS: Final[Mapping[str, Callable[[Facts], object]]] = {
    "action": lambda facts: facts.action,
    "autonomy": lambda facts: facts.autonomy,
    "autonomyMax": lambda facts: facts.autonomy_max,
    "autonomyRequired": lambda facts: facts.autonomy_required,
    "behaviour": lambda facts: None if facts.score is None else _behaviour(facts.score),
    "delegator": lambda facts: facts.issuers[-1],
    "depth": lambda facts: facts.depth,
    "hour": lambda facts: facts.at.hour,
    "ip": lambda facts: None if facts.ip is None else _extension("ip", facts.ip),
    "issuers": lambda facts: facts.issuers,
    "now": lambda facts: _datetime(facts.at),
    "principal": lambda facts: facts.principal,
    "purpose": lambda facts: facts.purpose,
    "resource": lambda facts: facts.resource,
    "risk": lambda facts: facts.risk,
    "root": lambda facts: facts.root,
    "rootIssuer": lambda facts: facts.issuers[0],
    "security": lambda facts: facts.security,
    "type": lambda facts: facts.type,
    "weekday": lambda facts: facts.at.isoweekday(),
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

    __slots__ = ("_entities", "_from_json", "_is_authorized", "_nothing", "_policies", "_remembered", "_shown", "text")

    def __init__(self, sources: Sequence[tuple[str, str]]) -> None:
        self.text = parse_policies(sources)
        engine = load_engine()._internal  # noqa: SLF001  # see `_ask`
        self._is_authorized = engine.is_authorized
        self._from_json = engine.Entities.from_json_str
        self._policies = engine.PolicySet.from_str(self.text.text)
        self._nothing = self._from_json("[]")
        self._shown = tuple((name, find) for name, find in _MEMBERS.items() if name in self.text.reading.members)
        self._entities = lru_cache(_REMEMBERED)(self._find_entities)
        self._remembered = lru_cache(_REMEMBERED)(self._evaluate)  # the same facts have the same answer

    def judge(self, facts: Facts) -> Verdict:
        """Return what the policies say of a request; never raises for what is in it."""
        context = self.show(facts)
        if isinstance(context, str):
            return Verdict(DENY, (_UNREADABLE,), (context,))
        if _APPROVED not in self.text.reading.members:
            return self._ask(facts, context)
        found = self._ask(facts, {**context, _APPROVED: False})
        if found.outcome == PERMIT or _FAILED in found.names:
            return found
        if self._ask(facts, {**context, _APPROVED: True}).outcome != PERMIT:
            return found
        return Verdict(APPROVAL, found.names, ("the policies let this happen only with an approval",))

    def show(self, facts: Facts) -> dict[str, object] | str:
        """Return the context that the policies are shown, as Cedar's JSON: what they read of it, but for `approved`.

        Or why an argument cannot be shown as they read it.
        """
        context = {name: value for name, find in self._shown if (value := find(facts)) is not None}
        if ARGUMENTS in self.text.reading.members:
            shown = _arguments(facts.arguments, self.text.reading.arguments)
            if isinstance(shown, str):
                return shown
            context[ARGUMENTS] = shown
        return context

    def _ask(self, facts: Facts, context: dict[str, object]) -> Verdict:
        try:
            text = _ENCODER.encode(context).decode()
            if len(text) <= _MAX_REMEMBERED and len(facts.resource) <= _MAX_REMEMBERED:
                return self._remembered(facts.agent, facts.action, facts.resource, text)
            return self._evaluate(facts.agent, facts.action, facts.resource, text)
        except (ValueError, TypeError, OverflowError):  # a text that is no Unicode, a number that is no JSON
            return Verdict(DENY, (_FAILED,), ("the request cannot be put to the policies",))

    def _evaluate(self, agent: str, action: str, resource: str, context: str) -> Verdict:
        request = {
            "principal": {"type": "Agent", "id": agent},
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Resource", "id": resource},
            "context": context,
        }
        # the engine's own call, of which the public one is a wrapper that costs a third of it again
        answer = _DECODER.decode(self._is_authorized(request, self._policies, self._entities(resource)))
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


def _arguments(given: Mapping[str, object], read: Mapping[str, frozenset[str]]) -> dict[str, object] | str:
    """Return those arguments that policies read, or why one of them cannot be read as they do (specs/policy.md B11)."""
    shown: dict[str, object] = {}
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
            found["number"] = _extension("decimal", format(exact, "f"))
    return found
