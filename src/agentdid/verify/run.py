"""Drivers: they carry needs out of the judgement and answers in, and keep the exchange as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.errors import AgentdidError
from agentdid.verify.flow import judgement
from agentdid.verify.needs import NeedConduct, NeedDenied, NeedFacts, NeedKeys, NeedMark, NeedTake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentdid.clock import Clock
    from agentdid.verify.case import Question
    from agentdid.verify.decide import Decision, Grant
    from agentdid.verify.memory import Memory
    from agentdid.verify.needs import Baselines, DenyList, Marks, Need, Reply, Source, Takes
    from agentdid.verify.report import Report

_FETCHED: Final = (NeedKeys, NeedFacts)


def run(question: Question, memory: Memory, clock: Clock, answer: Callable[[Need], Reply]) -> Decision | Grant:
    """Judge an input, each need answered by `answer`.

    Raises:
        AgentdidError: Of one of the three families, its `report` set.
    """
    exchange: list[tuple[Need, Reply]] = []
    steps = judgement(question, memory, clock, exchange)
    try:
        need = next(steps)
        while True:
            reply = answer(need)
            exchange.append((need, reply))
            need = steps.send(reply)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # what a judgement returns


def answer_from(
    need: Need,
    source: Source,
    takes: Takes | None,
    clock: Clock,
    marks: Marks | None = None,
    denied: DenyList | None = None,
    baselines: Baselines | None = None,
) -> Reply:
    """Return the answer to one need: documents from `source`, nonces from `takes`, versions seen from `marks`.

    Without `takes` nothing is consumed, so what comes of it permits nothing; without `marks` nothing was seen before; a
    policy that has a deny list is not satisfied without `denied`, nor one that looks at behaviour without `baselines`.
    """
    if isinstance(need, NeedTake):
        return _take(need, takes, clock, denied)
    if isinstance(need, NeedFacts):
        return tuple([source.get(url, (), need.max_age_s) for url in need.urls])
    if isinstance(need, NeedKeys):
        return source.get(need.url, need.accept, need.max_age_s)
    if isinstance(need, NeedMark):
        return "kept" if marks is None else marks.advance(need.scid, need.versions)
    if isinstance(need, NeedConduct):
        return "unavailable" if baselines is None else baselines.find(need)
    if isinstance(need, NeedDenied):
        return "unavailable" if denied is None else denied.find(need.names, clock.now())
    return "unknown" if takes is None else takes.check(need.nonce, clock.now())


def _take(need: NeedTake, takes: Takes | None, clock: Clock, denied: DenyList | None) -> str:
    if need.names:
        # in one step where one store has both; else just before, and what is refused has consumed nothing
        if takes is not None and denied is not None and getattr(takes, "denied", None) is denied:
            return takes.take(need.audience, need.nonce, need.keep_until, clock.now(), need.spend, need.names)  # type: ignore[call-arg]  # as such a store takes
        found = "unavailable" if denied is None else denied.find(need.names, clock.now())
        if found != "clear":
            return found
    if takes is None:
        return "taken"
    if need.spend is None:
        return takes.take(need.audience, need.nonce, need.keep_until, clock.now())
    return takes.take(need.audience, need.nonce, need.keep_until, clock.now(), need.spend)


async def arun(
    question: Question,
    memory: Memory,
    clock: Clock,
    answer: Callable[[Need], Reply],
    fetch: Callable[[Need], Awaitable[Callable[[], Reply]]],
    aside: Callable[..., Awaitable[Need | Decision | Grant]],
) -> Decision | Grant:
    """As `run`; documents are awaited, and all else happens in a thread.

    An input of two kilobytes can be worth a fifth of a second of canonicalizing (`limits.max_rdfc_steps`), and whoever
    sends it needs no key: an event loop that did it would do nothing else meanwhile (ATTACKS Q14).

    Args:
        question: What is asked.
        memory: What was learnt from bytes that cannot change.
        clock: For the decision's own later use.
        answer: Answers, in that thread, what need not be fetched.
        fetch: Fetches what `NeedKeys` and `NeedFacts` ask for, and returns what makes the reply of it, in the thread.
        aside: Calls a function with its arguments in a thread.
    """
    exchange: list[tuple[Need, Reply]] = []
    steps = judgement(question, memory, clock, exchange)

    def advance(need: Need, reply: Reply) -> Need | Decision | Grant:
        """Go on from a reply to the next document that is needed, or to the end."""
        while True:
            exchange.append((need, reply))
            need = steps.send(reply)
            if isinstance(need, _FETCHED):
                return need
            reply = answer(need)

    def start() -> Need | Decision | Grant:
        """Go on to the first document that is needed, or to the end."""
        need = next(steps)
        return need if isinstance(need, _FETCHED) else advance(need, answer(need))

    found = await aside(_ended, start)
    while isinstance(found, _FETCHED):
        made, need = await fetch(found), found
        found = await aside(_ended, lambda: advance(need, made()))  # noqa: B023  # it is over before the next
    return found  # type: ignore[return-value]  # no need, by advance


def _ended(steps: Callable[[], Need | Decision | Grant]) -> Need | Decision | Grant:
    try:
        return steps()
    except StopIteration as end:  # which no future can carry
        return end.value  # type: ignore[no-any-return]  # what a judgement returns


def report_of(result: Decision | Grant | AgentdidError) -> Report:
    """Return the report of a decision, of a grant, or of a refusal that came from a judgement."""
    if isinstance(result, AgentdidError):
        return result.report  # type: ignore[return-value]  # set by verify.flow
    return result.report if hasattr(result, "report") else result.decision.report
