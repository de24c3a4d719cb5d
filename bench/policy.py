"""The verifier's own policy: what a request costs more with it than without, in verifications of one signature.

The same presentations of the same chain, its links known, are judged by verifiers that differ in their `[policy]` only,
in turn; a figure is the difference of their times over one bare Ed25519 verification. Each call has an amount and a
resource of its own. Where policies cannot tell two calls apart, they are judged once: `Cedar` is that, as it is in
service. With `nothing of the call known` they read the resource's text, so that each call goes through the engine.
"""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING, Final

from agentdid.delegation.usage import Request
from agentdid.verify.memory import Memory
from bench.chain import FORMS, _chain, _lists, _parties, _present, _verifier, floor_of
from bench.measure import CALLS, ROUNDS, Row, Work, _spread, sample
from bench.verify import AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.verifier.service import Verifier

BAR: Final = 1.1
"""Issue 6: a Cedar decision costs at most this much of a verification."""
CEDAR: Final = """
@id("read") permit(principal, action in [Action::"invoice.read", Action::"invoice.list"], resource)
when { context.autonomy >= 1 && context.rootIssuer like "did:*" };
@id("sign-off") forbid(principal, action, resource)
when { context.arguments has amount.number && context.arguments.amount.number.greaterThan(decimal("450.0")) }
unless { context.approved };
@id("untrusted") forbid(principal, action, resource) when { context.security == "classical" && context.risk > 80 };
"""
ACTION: Final = [{"actions": ["invoice.*"], "autonomy": 1, "risk": 20}]
RULES: Final[dict[str, object]] = {"action": ACTION, "rule": [{"max_depth": 4}, {"any": [{"risk_at_most": 50}]}]}
READS_RESOURCE: Final = (
    CEDAR
    + """
@id("never") forbid(principal, action, resource) when { context.resource == "" };
"""
)
POLICIES: Final[dict[str, tuple[dict[str, object], float]]] = {
    "rules": (RULES, BAR),
    "rules and behaviour": ({**RULES, "behaviour": {"demotion": [{"score": 50, "levels": 1}]}}, 2.0),
    "Cedar": ({"cedar": [{"file": "bench.cedar", "text": CEDAR}], "action": ACTION}, BAR),
    "Cedar, nothing of the call known": (
        {"cedar": [{"file": "bench.cedar", "text": READS_RESOURCE}], "action": ACTION}, 5.0,
    ),
}  # fmt: skip
_DEPTH: Final = 2


def rows(rounds: int = ROUNDS) -> list[Row]:
    """Return the figures."""
    works = _works()
    bare = works.pop("")
    floor = floor_of([64])
    one = Work(floor.prepare, floor.call, 1.0)
    ratios: dict[str, list[float]] = {name: [] for name in works}
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in (one, bare, *works.values()):
        sample(work)
    for _ in range(rounds):
        for name, work in works.items():
            unit = sample(one)
            before, own, after = sample(bare), sample(work), sample(bare)
            unit = (unit + sample(one)) / 2
            times[name].append(own - (before + after) / 2)
            ratios[name].append(times[name][-1] / unit)
    return [
        Row(
            f"policy, {name}: more than without",
            statistics.median(ratios[name]),
            *_spread(ratios[name]),
            statistics.median(times[name]) * 1e6,
            POLICIES[name][1],
        )
        for name in works
    ]


def _works() -> dict[str, Work]:
    """Return the judgement without a policy, by the name "", and with each."""
    form, around = FORMS["JCS"]
    parties = _parties(0)[-_DEPTH - 1 :]
    chain = _chain(form, parties)
    lists, roots, leaf = _lists(parties), [parties[0][1][1]], parties[-1][1]
    numbers = itertools.count()

    def prepare() -> list[tuple[bytes, str, Request]]:
        found = []
        for number in itertools.islice(numbers, CALLS):
            arguments = {"amount": f"{number % 400}.{number % 89 + 10}", "region": "EU"}
            request = Request("http", "invoice.read", f"{AUDIENCE}/v1/invoices/{number}", arguments)
            nonce = f"policy-{number}"
            found.append((_present(chain, leaf, around, nonce), nonce, request))
        return found

    def judging(verifier: Verifier) -> Callable[[tuple[bytes, str, Request]], object]:
        return lambda each: verifier.authorize(each[0], challenge=each[1], request=each[2])

    made = {"": Work(prepare, judging(_verifier(lists, roots, Memory())), BAR)}
    for name, (policy, bar) in POLICIES.items():
        made[name] = Work(prepare, judging(_verifier(lists, roots, Memory(), policy=policy)), bar)
    return made
