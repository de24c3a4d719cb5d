"""Cedar policies: valid before anything is judged, shown what they read, and never permitting by mistake."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cedarpy
import pytest
from msgspec import structs

from agentdid.errors import ExtraMissing
from agentdid.policy.cedar import CedarPolicy
from agentdid.policy.cedar_text import parse_policies, shipped_schema
from agentdid.policy.facts import Facts, Verdict
from tests.vectors_dir import ROOT

if TYPE_CHECKING:
    from pathlib import Path

API = "https://api.partner.example/v1"
FACTS = Facts(
    agent="did:key:z6MkntPHE2NM3bhZP55qUR7Xt49Ci7cYEW9afexuTvZ8wNT3",
    principal="did:web:acme.example",
    root="did:web:partner.example",
    issuers=("did:web:acme.example", "did:key:z6Mkreho18dsGaKkgDXteNgV7VHxmru2UPVD14rJhmHAbpnQ"),
    depth=1,
    security="classical",
    purpose="invoice reconciliation",
    type="http",
    action="invoice.pay",
    resource=f"{API}/invoices/7",
    arguments={"amount": "100.00", "currency": "EUR", "urgent": True, "tags": ["a", "b"], "note": "näh 🧾"},
    autonomy=2,
    autonomy_max=3,
    autonomy_required=1,
    risk=40,
    at=datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
    ip="192.0.2.7",
)
EVERYTHING = "(principal, action, resource)"
PERMIT_ALL = '@id("all") permit(principal, action, resource);\n'
LIMIT = (
    '@id("limit") forbid(principal, action, resource) when '
    '{ context.arguments has amount.number && context.arguments.amount.number.greaterThan(decimal("200.0")) };\n'
)


def judge(text: str, **changes: object) -> Verdict:
    """What the policies say of the facts, with some of them changed."""
    return CedarPolicy([("test.cedar", text)]).judge(structs.replace(FACTS, **changes))


def when(condition: str, **changes: object) -> str:
    """The outcome of one policy that permits where a condition holds."""
    return judge(f"permit(principal, action, resource) when {{ {condition} }};", **changes).outcome


@pytest.mark.parametrize(
    "condition",
    [
        f'principal == Agent::"{FACTS.agent}"',
        'action == Action::"invoice.pay"',
        'action in [Action::"invoice.read", Action::"invoice.pay"]',
        f'resource == Resource::"{API}/invoices/7"',
        f'resource in Resource::"{API}/invoices"',
        f'resource in Resource::"{API}/invoices/7"',
        'context.action like "invoice.*"',
        "context.autonomy == 2 && context.autonomyMax == 3 && context.autonomyRequired == 1",
        'context.delegator == "did:key:z6Mkreho18dsGaKkgDXteNgV7VHxmru2UPVD14rJhmHAbpnQ"',
        'context.rootIssuer == "did:web:acme.example" && context.issuers.contains("did:web:acme.example")',
        'context.depth == 1 && context.security == "classical" && context.type == "http"',
        'context.hour == 9 && context.weekday == 3 && context.now == datetime("2026-11-25T09:30:00Z")',
        'context.now.toTime() < duration("10h")',
        'context has ip && context.ip.isInRange(ip("192.0.2.0/24"))',
        'context.principal == "did:web:acme.example" && context.root == "did:web:partner.example"',
        'context.purpose == "invoice reconciliation" && context.risk == 40',
        f'context.resource == "{API}/invoices/7"',
        'context.arguments has amount.number && context.arguments.amount.number == decimal("100.0")',
        'context.arguments has amount.text && context.arguments.amount.text == "100.00"',
        "context.arguments has urgent.flag && context.arguments.urgent.flag",
        'context.arguments has tags.items && context.arguments.tags.items.containsAll(["a", "b"])',
        'context.arguments has note.text && context.arguments.note.text == "näh 🧾"',
        'context has arguments && !(context.arguments has "x-y") && !(context has behaviour)',
        "!context.approved",
    ],
)
def test_every_fact_can_be_read(condition: str) -> None:
    """Each member of the schema has the value that it is said to have, and fits it (B10-B12)."""
    assert "permit" == when(condition)


@pytest.mark.parametrize(
    "condition",
    [
        f'resource in Resource::"{API}/invoice"',
        f'resource in Resource::"{API}/invoices/70"',
        'action == Action::"invoice.read"',
        'context.security == "hybrid"',
        "context has behaviour",
    ],
)
def test_what_does_not_hold_does_not_permit(condition: str) -> None:
    """A prefix of a segment is not a place above, and so on."""
    assert "deny" == when(condition)


def test_the_verdict_names_what_decided() -> None:
    """All policies that had a part in it, by `@id`, else by file and line; nothing for those that had none."""
    text = f"{PERMIT_ALL}\n\npermit(principal, action, resource);\n{LIMIT}"

    assert Verdict("permit", ("all", "test.cedar:4")) == judge(text)
    assert Verdict("deny", ("limit",), ("a policy forbids it",)) == judge(text, arguments={"amount": 201})


def test_nothing_is_permitted_by_default() -> None:
    """Where no policy applies the answer is no, and says so."""
    found = judge('permit(principal, action == Action::"invoice.read", resource);')

    assert Verdict("deny", ("cedar:no-permit",), ("no policy permits it",)) == found


def test_forbid_beats_permit_whatever_the_order() -> None:
    """Cedar's rule, in one file or two."""
    over = structs.replace(FACTS, arguments={"amount": "200.01"})
    for sources in ([("a", LIMIT), ("b", PERMIT_ALL)], [("a", PERMIT_ALL), ("b", LIMIT)], [("a", PERMIT_ALL + LIMIT)]):
        policy = CedarPolicy(sources)

        assert (("deny", ("limit",)), ("permit", ("all",))) == (
            (policy.judge(over).outcome, policy.judge(over).names),
            (policy.judge(FACTS).outcome, policy.judge(FACTS).names),
        )


@pytest.mark.parametrize(
    "amount",
    [
        "9" * 40, 10**18, 10**400, "922337203685477.5808", "100.00001", "1e9", "+5", " 5", "0x10", "\u0665", 5000.5,
        True, None, ["5000"], {"value": "5000"}, "", "\ud800", "5000,00", -(10**16),
    ],
)  # fmt: skip
def test_a_number_in_another_form_does_not_get_round_a_limit(amount: object) -> None:
    """An argument that is there, and is not what the policies read it as, denies (B11)."""
    found = judge(PERMIT_ALL + LIMIT, arguments={"amount": amount})

    assert ("deny", ("cedar:arguments",)) == (found.outcome, found.names)


@pytest.mark.parametrize("amount", ["200.0001", 201, "922337203685477.5807", "200.00010"])
def test_a_number_that_cedar_holds_is_compared_exactly(amount: object) -> None:
    """To the ten-thousandth, and up to the largest."""
    assert ("limit",) == judge(PERMIT_ALL + LIMIT, arguments={"amount": amount}).names


@pytest.mark.parametrize("amount", ["200.00", 200, "-0", "-922337203685477.5807", "0.0001"])
def test_a_number_within_the_limit(amount: object) -> None:
    """What is not above it is permitted."""
    assert "permit" == judge(PERMIT_ALL + LIMIT, arguments={"amount": amount}).outcome


def test_an_argument_that_no_policy_reads_is_not_shown() -> None:
    """Whatever else a request has, of whatever kind and size, changes nothing."""
    others = {"temperature": 0.7, "text": "x" * 100_000, "nested": {"a": [None]}, "big": 10**300, "bad": "\udfff"}

    assert "permit" == judge(PERMIT_ALL + LIMIT, arguments={"amount": "1", **others}).outcome


def test_texts_of_any_kind_are_what_they_are() -> None:
    """Quotes, newlines, other scripts and what looks like Cedar are compared as text."""
    for text in ('"; permit(principal, action, resource); //', "\n\t\x00", "ä\u0308", "🧾" * 300, "\u202e"):
        quoted = cedarpy_string(text)
        condition = f"context.arguments has note.text && context.arguments.note.text == {quoted}"

        assert ("permit", "deny") == (
            when(condition, arguments={"note": text}), when(condition, arguments={"note": f"{text}x"}),
        )  # fmt: skip


def cedarpy_string(text: str) -> str:
    """A Cedar string literal, everything escaped."""
    return '"' + "".join(f"\\u{{{ord(each):x}}}" for each in text) + '"'


def test_a_policy_that_cannot_be_evaluated_denies() -> None:
    """An overflow in one policy is not passed over, though another permits (B13)."""
    text = (
        PERMIT_ALL + '@id("sum") forbid(principal, action, resource) when { context.risk + 9223372036854775807 < 0 };'
    )
    found = judge(text)

    assert ("deny", ("cedar:error",)) == (found.outcome, found.names)
    # what the engine itself would say: the broken policy counts for nothing
    answer = cedarpy.is_authorized(
        {"principal": 'Agent::"a"', "action": 'Action::"*"', "resource": 'Resource::"r"', "context": {"risk": 1}},
        text,
        [],
    )
    assert answer.allowed
    assert answer.diagnostics.errors


def test_a_text_that_is_no_unicode_denies() -> None:
    """Where a fact cannot be written at all nothing is permitted."""
    found = judge('permit(principal, action, resource) when { context.purpose != "x" };', purpose="\ud800")

    assert ("deny", ("cedar:error",)) == (found.outcome, found.names)


def test_an_address_that_is_none_denies() -> None:
    """`env.ip` is the verifier's own; one that Cedar cannot read permits nothing."""
    policy = PERMIT_ALL + "forbid(principal, action, resource) when { context has ip && context.ip.isLoopback() };"

    assert ["permit", "deny", "deny"] == [judge(policy, ip=ip).outcome for ip in (None, "127.0.0.1", "999.1.1.1")]


def test_asking_for_an_approval() -> None:
    """`unless { context.approved }` asks; what would be denied all the same is denied."""
    text = PERMIT_ALL + LIMIT.replace("};", "} unless { context.approved };")
    hard = text + '@id("never") forbid(principal, action, resource) when { context.risk > 50 };'

    assert Verdict("approval", ("limit",), ("the policies let this happen only with an approval",)) == judge(
        text, arguments={"amount": 300}
    )
    assert ("permit", "approval", "deny") == (
        judge(hard).outcome,
        judge(hard, arguments={"amount": 300}).outcome,
        judge(hard, arguments={"amount": 300}, risk=60).outcome,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('permitALL;\n// " ;\n\npermit(principal action, resource);', "b.cedar:4: .*parse"),
        ("permit(principal, action,", "b.cedar:1: .*parse"),
        ('permitALL when { "a\n;\nb" == "c" };\npermit(;', "b.cedar:4: .*parse"),
        ('"', "b.cedar:1: .*parse"),
        ("", "b.cedar: no policy in it"),
        ("// nothing\n", "b.cedar: no policy in it"),
        ("permit(principal == ?principal, action, resource);", "b.cedar: a template is no policy"),
        ("\npermitALL when { context.securty == 1 };", "b.cedar:2: .*securty"),
        ('permitALL when { context.depth == "1" };', "b.cedar:1: .*Long"),
        ("permitALL when { context.arguments.amount.number > 1 };", "b.cedar:1: "),
        ('permitALL when { context.arguments.amount.text == "x" };', "b.cedar:1: .*optional"),
        ("permitALL when { context.behaviour.score < 1 };", "b.cedar:1: .*optional"),
        ("permitALL when { context.arguments has amount.amount };", "b.cedar:1: there is no"),
        ("forbidALL when { context has ipp && context.ipp.isLoopback() };", "b.cedar:1: there is no"),
        ("forbidALL when { context has behaviour.hours };", "b.cedar:1: there is no"),
        ("permitALL when { context == context };", "b.cedar:1: .*as a whole"),
        ("permitALL when { context.arguments == context.arguments };", "b.cedar:1: .*as a whole"),
        ('permit(principal in User::"x", action, resource);', "b.cedar:1: .*User"),
        ('permit(principal, action == Action::"a b", resource);', "b.cedar:1: no capability has an action"),
        ('permit(principal, action, resource in Resource::"HTTPS://a.example/x");', "b.cedar:1: a resource is written"),
        ('permit(principal, action, resource in Resource::"https://a.example/../x");', "b.cedar:1: a resource is"),
        ('@id("a")permitALL;\n@id("a")forbidALL;', "b.cedar:2: .*same @id"),
        ('permitALL when { decimal("1.00001") == decimal("1.0") };', "b.cedar:1: .*decimal"),
    ],
)  # fmt: skip
def test_what_is_not_valid_is_said_when_it_is_read(text: str, message: str) -> None:
    """With file and line, and never only when a request comes (B9)."""
    with pytest.raises(ValueError, match=rf"(?s)^{message}"):
        parse_policies([("a.cedar", PERMIT_ALL), ("b.cedar", text.replace("ALL", EVERYTHING))])


def test_a_line_is_counted_over_files() -> None:
    """An error in the second file is said of the second file."""
    with pytest.raises(ValueError, match=r"^two\.cedar:2: "):
        parse_policies(
            [
                ("one.cedar", PERMIT_ALL * 1 + LIMIT),
                ("two.cedar", "\nforbid(principal, action, resource) when { context.x };"),
            ]
        )


def test_a_missing_extra_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `cedarpy` the error names the extra."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # of __import__
        if name == "cedarpy":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExtraMissing, match=r"agentdid\[policy\]"):
        parse_policies([("a.cedar", PERMIT_ALL)])


def test_the_engines_own_call_says_what_its_public_one_says() -> None:
    """We call the function that `cedarpy.is_authorized` wraps; both answer alike."""
    policy = CedarPolicy([("a.cedar", PERMIT_ALL + LIMIT)])
    for amount, names in (("100.0", ["policy0"]), ("300.0", ["policy1"])):
        context = {"arguments": {"amount": {"number": {"__extn": {"fn": "decimal", "arg": amount}}}}}
        request = {
            "principal": {"type": "Agent", "id": FACTS.agent},
            "action": {"type": "Action", "id": FACTS.action},
            "resource": {"type": "Resource", "id": FACTS.resource},
            "context": context,
        }
        answer = cedarpy.is_authorized(request, policy.text.text, [])

        assert names == answer.diagnostics.reasons
        assert answer.allowed is (
            policy.judge(structs.replace(FACTS, arguments={"amount": amount})).outcome == "permit"
        )


def test_the_schema_in_specs_is_the_one_in_the_package() -> None:
    """specs/schemas/agentdid.cedarschema and what ships are the same bytes."""
    schemas: Path = ROOT / "specs" / "schemas"

    assert (schemas / "agentdid.cedarschema").read_text("utf-8") == shipped_schema()
    assert str(cedarpy.Schema.from_str(shipped_schema()))
