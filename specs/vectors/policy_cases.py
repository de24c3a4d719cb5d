"""The vectors of specs/policy.md: what policies answer, and how unusual a call is; expectations stand here by hand."""

# ruff: noqa: INP001  # a script beside what it writes
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import structs

from agentdid.codec.instant import encode_instant
from agentdid.policy.behaviour import Baseline, Observation, Score, find_pace, score_of
from agentdid.policy.facts import Facts
from agentdid.policy.table import parse_rules

API: Final = "https://api.partner.example/v1"
AGENT: Final = "did:key:z6MkntPHE2NM3bhZP55qUR7Xt49Ci7cYEW9afexuTvZ8wNT3"
Json = dict[str, Any]
# the last one reads every fact, so that every context is shown in full; what it says never holds
CEDAR: Final = """
@id("read") permit(principal, action == Action::"invoice.read", resource in Resource::"https://api.partner.example/v1/invoices")
when { context.autonomy >= 1 };
@id("small") permit(principal, action == Action::"invoice.pay", resource)
when { context.arguments has amount.number && context.arguments.amount.number.lessThanOrEqual(decimal("500.0")) };
@id("large") forbid(principal, action, resource)
when { context.arguments has amount.number && context.arguments.amount.number.greaterThan(decimal("200.0")) }
unless { context.approved };
@id("never") forbid(principal, action, resource)
when { context.action == "" || context.autonomy < 0 || context.autonomyMax < 0 || context.autonomyRequired < 0
  || (context has behaviour && context.behaviour.score < 0) || context.delegator == "" || context.depth < 0
  || context.hour < 0 || (context has ip && context.ip.isMulticast()) || context.issuers.isEmpty()
  || context.now < datetime("1970-01-01") || context.principal == "" || context.resource == "" || context.risk < 0
  || context.root == "" || context.rootIssuer == "" || context.security == "" || context.type == ""
  || context.weekday < 1 || context.purpose == "" };
"""
TABLE: Final[Json] = {
    "cedar": [{"file": "policies.cedar", "text": CEDAR}],
    "approvers": ["did:web:acme.example"],
    "action": [{"actions": ["invoice.*"], "autonomy": 1, "risk": 20}, {"actions": ["invoice.pay"], "autonomy": 2}],
    "rule": [
        {"name": "near", "max_depth": 1},
        {"name": "careful", "actions": ["invoice.pay"], "any": [{"min_security": "hybrid"}, {"score_at_most": 60}]},
    ],
}
FACTS: Final = Facts(
    agent=AGENT,
    principal="did:web:acme.example",
    root="did:web:partner.example",
    issuers=("did:web:acme.example",),
    depth=0,
    security="classical",
    purpose="invoice reconciliation",
    type="http",
    action="invoice.pay",
    resource=f"{API}/invoices/7",
    arguments={"amount": "120.00", "currency": "EUR"},
    autonomy=2,
    autonomy_max=2,
    autonomy_required=2,
    risk=20,
    at=datetime(2026, 11, 1, 12, tzinfo=UTC),
    score=Score(AGENT, 30, (("hour", 20), ("place", 10))),
)
# what is changed in the facts; outcome; names
POLICIES: Final[tuple[tuple[str, Json, str, list[str]], ...]] = (
    ("as it stands", {}, "permit", ["autonomy", "careful", "near", "small"]),
    ("another action", {"action": "invoice.list", "autonomy_required": 1}, "deny", ["cedar:no-permit"]),
    ("to read", {"action": "invoice.read", "autonomy_required": 1}, "permit", ["autonomy", "near", "read"]),
    ("beside", {"action": "invoice.read", "autonomy_required": 1, "resource": f"{API}/invoices2"}, "deny", ["cedar:no-permit"]),
    ("an integer", {"arguments": {"amount": 120}}, "permit", ["autonomy", "careful", "near", "small"]),
    ("no amount", {"arguments": {}}, "deny", ["cedar:no-permit"]),
    ("to be approved", {"arguments": {"amount": "200.01"}}, "approval", ["large"]),
    ("too much, approved or not", {"arguments": {"amount": "500.01"}}, "deny", ["large"]),
    ("a float", {"arguments": {"amount": 120.5}}, "deny", ["cedar:arguments"]),
    ("too fine", {"arguments": {"amount": "0.00001"}}, "deny", ["cedar:arguments"]),
    ("too large", {"arguments": {"amount": "922337203685477.5808"}}, "deny", ["cedar:arguments"]),
    ("several", {"arguments": {"amount": ["120.00"]}}, "deny", ["cedar:arguments"]),
    ("no number", {"arguments": {"amount": "1e2"}}, "deny", ["cedar:arguments"]),
    ("demoted", {"autonomy": 1}, "approval", ["autonomy"]),
    ("demoted, and to be approved", {"autonomy": 1, "arguments": {"amount": "300"}}, "approval", ["autonomy", "large"]),
    ("passed on twice", {"depth": 2}, "deny", ["near"]),
    ("unusual", {"score": Score(AGENT, 61, (("pace", 40), ("refusals", 21)))}, "deny", ["careful"]),
    ("unusual, well signed", {"score": Score(AGENT, 61, (("pace", 40), ("refusals", 21))), "security": "hybrid"},
     "permit", ["autonomy", "careful", "near", "small"]),
    ("behaviour not looked at", {"score": None, "ip": "192.0.2.7"}, "deny", ["careful"]),
)  # fmt: skip


def policies() -> Json:
    """Return the cases of specs/policy.md B1-B13: facts, the context that Cedar is shown, and the answer."""
    rules = parse_rules(TABLE)
    if rules.cedar is None:
        raise SystemExit("no policies")
    cases = []
    for name, changes, outcome, names in POLICIES:
        facts = structs.replace(FACTS, **changes)
        found = rules.judge(facts)
        if (outcome, names) != (found.outcome, list(found.names)):
            message = f"{name}: expected {outcome} by {names}, got {found}"
            raise SystemExit(message)
        shown = rules.cedar.show(facts)
        context = None if isinstance(shown, str) else {**shown, "approved": False}
        cases.append({"name": name, "facts": _facts(facts), "context": context, "outcome": outcome, "policies": names})
    return {"policy": {**TABLE}, "schema": rules.cedar.text.schema, "cases": cases}


def _facts(facts: Facts) -> Json:
    shown: Json = {name: getattr(facts, name) for name in facts.__struct_fields__}
    shown["at"] = encode_instant(facts.at)
    shown["issuers"] = list(facts.issuers)
    shown["score"] = None if facts.score is None else facts.score.encode()
    return shown


BEGIN: Final = datetime(2026, 11, 1, 9, tzinfo=UTC)
# minutes after the beginning; action; resource; outcome; code
SEEN: Final[tuple[tuple[int, str, str, str, str | None], ...]] = (
    (0, "invoice.read", f"{API}/invoices/1", "accepted", None),
    (5, "invoice.read", f"{API}/invoices/2", "accepted", None),
    (59, "invoice.read", f"{API}/invoices/2/lines/1", "accepted", None),
    (60, "invoice.read", f"{API}/invoices/3", "accepted", None),
    (61, "invoice.pay", f"{API}/invoices/3", "refused", "approval_required"),
    (62, "invoice.pay", f"{API}/invoices/3", "accepted", None),
    (70, "invoice.pay", f"{API}/payments/3", "refused", "capability_target_mismatch"),
    (71, "invoice.read", f"{API}/invoices/4", "refused", "nonce_replayed"),
    (72, "invoice.read", f"{API}/invoices/4", "undecided", "status_unavailable"),
    (130, "invoice.read", f"{API}/invoices/5", "refused", "limit_exceeded"),
)
# minutes after the beginning; action; resource; calls of this window before; the parts of the score; the last call of
# this window with which it is not above `_BOUND`, where it is not already
OVER: Final = "over"
CALLS: Final[tuple[tuple[int, str, str, int, dict[str, int], int | str | None], ...]] = (
    (90, "invoice.read", f"{API}/invoices/9", 0, {"refusals": 10}, 8),
    (90, "invoice.list", f"{API}/invoices/9", 0, {"action": 30, "refusals": 10}, 5),
    (90, "invoice.read", f"{API}/payments/9", 0, {"place": 10, "refusals": 10}, 8),
    (150, "invoice.read", f"{API}/invoices/2/lines/7", 0, {"hour": 20, "refusals": 20}, 5),
    (150, "invoice.read", f"{API}/invoices/9", 4, {"hour": 20, "refusals": 20}, 5),
    (150, "invoice.read", f"{API}/invoices/9", 5, {"hour": 20, "pace": 20, "refusals": 20}, OVER),
    (150, "invoice.read", f"{API}/invoices/9", 8, {"hour": 20, "pace": 40, "refusals": 20}, OVER),
    (150, "invoice.list", f"{API}/x/9", 99, {"action": 30, "hour": 20, "pace": 40, "place": 10, "refusals": 20}, OVER),
    (24 * 60, "invoice.read", f"{API}/invoices/9", 0, {}, None),
)
_LEARNING: Final = 5
_BOUND: Final = 49


def behaviour() -> Json:
    """Return the cases of specs/policy.md B14-B17: observations of one agent, and what its next call would score."""
    baseline = Baseline()
    seen = []
    for minutes, action, resource, outcome, code in SEEN:
        one = Observation(BEGIN + timedelta(minutes=minutes), AGENT, action, resource, outcome, code)
        baseline.add(one, 3_600)
        seen.append({**{name: getattr(one, name) for name in one.__struct_fields__}, "at": encode_instant(one.at)})
    calls = []
    for minutes, action, resource, before, parts, pace in CALLS:
        at = BEGIN + timedelta(minutes=minutes)
        conduct = baseline.conduct(AGENT, action, resource, at, 3_600)
        conduct = structs.replace(conduct, calls=conduct.calls + before)
        score = score_of(conduct, _LEARNING)
        expected = {"agent": AGENT, "total": min(100, sum(parts.values())), "parts": parts}
        if score.encode() != expected:
            message = f"{minutes} {action}: expected {expected}, got {score} of {conduct}"
            raise SystemExit(message)
        found = OVER if score.total > _BOUND else find_pace(conduct, _LEARNING, _BOUND)
        if found != pace:
            message = f"{minutes} {action}: expected a pace of {pace}, got {found}"
            raise SystemExit(message)
        shown = {name: getattr(conduct, name) for name in conduct.__struct_fields__}
        shown["actionSeen"], shown["placeSeen"] = shown.pop("action_seen"), shown.pop("place_seen")
        calls.append(
            {
                "at": encode_instant(at),
                "action": action,
                "resource": resource,
                "conduct": shown,
                "score": expected,
                "pace": pace,
            }
        )
    return {"window_s": 3_600, "learning": _LEARNING, "bound": _BOUND, "observations": seen, "calls": calls}
