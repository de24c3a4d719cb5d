"""Where the baselines of agents are kept: in memory, fed by each decision, or in memory beside a log that feeds them.

A baseline is a sum, so what is kept is never more than a few thousand numbers an agent, and no decision reads the log
again. `MemoryBaselines` sees what its own process decides; `LogBaselines` sees what all processes write to one log: a
decision log (`storage.decision_log`) or an audit log (`storage.audit_log`).

Spec: specs/policy.md B14-B19.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder

from agentdid.audit.head import split_line
from agentdid.audit.record import DECISION
from agentdid.codec.instant import parse_instant
from agentdid.delegation.resources import find_requested
from agentdid.errors import Malformed, StoreUnavailable
from agentdid.policy.behaviour import Baseline, Conduct, Conducts, Observation
from agentdid.storage.log_folder import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentdid.policy.rules import Rules
    from agentdid.verify.needs import NeedConduct

UNAVAILABLE: Final = "unavailable"
MAX_AGENTS: Final = 100_000
"""Agents in one process's memory. An agent that is new when they are this many is not judged: were another forgotten
for it, whoever delegates to enough new ones would be rid of its past."""
_CHUNK: Final = 1_048_576


@final
class MemoryBaselines:
    """Baselines in the memory of this process, fed by its own decisions. Safe among threads.

    Args:
        window_s: How long a window is (`[policy.behaviour]`).
        max_agents: How many agents are kept.
    """

    def __init__(self, window_s: int, max_agents: int = MAX_AGENTS) -> None:
        self._window_s = window_s
        self._max_agents = max_agents
        self._agents: dict[str, Baseline] = {}
        self._lock = Lock()

    def find(self, need: NeedConduct) -> Conducts | str:
        """Return the conduct of each agent; "unavailable" for windows of another length, or a new agent too many."""
        if need.window_s != self._window_s:
            return UNAVAILABLE
        with self._lock:
            full = len(self._agents) >= self._max_agents
            found: list[Conduct] = []
            for agent in need.agents:
                baseline = self._agents.get(agent)
                if baseline is None and full:
                    return UNAVAILABLE
                known = baseline or Baseline()
                found.append(known.conduct(agent, need.action, need.resource, need.at, need.window_s))
        return Conducts(tuple(found))

    def observe(self, observations: Iterable[Observation]) -> None:
        """Count some observations; those of agents too many are not kept, and `find` says so."""
        with self._lock:
            for each in observations:
                baseline = self._agents.get(each.agent)
                if baseline is None:
                    if len(self._agents) >= self._max_agents:
                        continue
                    baseline = self._agents[each.agent] = Baseline()
                baseline.add(each, self._window_s)


@final
class LogBaselines:
    """Baselines beside a log that several processes write: what is new in it is read before each answer.

    Args:
        path: A decision log, which need not be there yet, or the folder of an audit log.
        window_s: How long a window is.
    """

    def __init__(self, path: str | Path, window_s: int) -> None:
        given = Path(path)
        audited = given.name == RECORDS or given.is_dir()
        self._path = given / RECORDS if given.is_dir() else given
        self._read = read_recorded if audited else read_observations
        self._counted = MemoryBaselines(window_s)
        self._offset = 0
        self._file = (0, 0)
        self._lock = Lock()

    def find(self, need: NeedConduct) -> Conducts | str:
        """Return the conduct of each agent by all that the log says now; "unavailable" where it cannot be read."""
        try:
            with self._lock:
                for line in self._new_lines():
                    # a line that cannot be read is not passed over: what stands in it could be what matters
                    self._counted.observe(self._read(line) if line.strip() else ())
                    self._offset += len(line) + 1
        except (OSError, StoreUnavailable):
            return UNAVAILABLE
        return self._counted.find(need)

    def observe(self, observations: Sequence[Observation]) -> None:
        """Count nothing: the verifier's log has the decision, and it is counted from there, once."""

    def _new_lines(self) -> Iterator[bytes]:
        """Yield the whole lines that were written since, each once."""
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            if self._offset:
                raise
            return  # nothing was decided yet
        with stream:
            state = os.fstat(stream.fileno())
            if self._offset and (self._file != (state.st_dev, state.st_ino) or state.st_size < self._offset):
                raise StoreUnavailable("the decision log is another file than before, or has become shorter")
            self._file = (state.st_dev, state.st_ino)
            stream.seek(self._offset)
            rest = b""
            while chunk := stream.read(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines


def open_baselines(rules: Rules | None, log: str | Path | None) -> LogBaselines | None:
    """Return the baselines beside a log; `None` where the rules look at no behaviour, or there is no log."""
    if rules is None or rules.behaviour is None or log is None:
        return None
    return LogBaselines(log, rules.behaviour.window_s)


@final
class _Request(Struct):
    action: str
    resource: str


@final
class _Question(Struct):
    at: str
    request: _Request | None = None


@final
class _Decision(Struct):
    outcome: str
    code: str | None = None
    agents: list[str] = []


@final
class _Bundle(Struct):
    question: _Question
    decision: _Decision


_BUNDLES: Final = Decoder(_Bundle)


def read_observations(line: bytes) -> list[Observation]:
    """Return what one line of a decision log says of agents; nothing where behaviour was not looked at.

    Raises:
        StoreUnavailable: It is no evidence bundle: what it said of somebody is not known.
    """
    try:
        bundle = _BUNDLES.decode(line)
        request, agents = bundle.question.request, bundle.decision.agents
        if request is None or not agents:
            return []
        at = parse_instant(bundle.question.at, "")
    except (DecodeError, ValidationError, UnicodeDecodeError, Malformed):
        raise StoreUnavailable("the decision log has a line that is no evidence bundle") from None
    resource = find_requested(request.resource) or request.resource
    outcome, code = bundle.decision.outcome, bundle.decision.code
    return [Observation(at, agent, request.action, resource, outcome, code) for agent in agents]


def read_recorded(line: bytes) -> list[Observation]:
    """Return what one line of an audit log says of agents; nothing where it is about something else.

    What a write left that broke off says nothing either: what could not be recorded did not happen
    (specs/audit-log.md).
    """
    try:
        record, _ = split_line(line)
    except ValueError:
        return []
    call = record.request
    if record.kind != DECISION or call is None or record.agent is None:
        return []
    agents = dict.fromkeys(each.sub for each in record.links if each.sub is not None)
    return [Observation(record.at, each, call.action, call.resource, record.outcome, record.code) for each in agents]
