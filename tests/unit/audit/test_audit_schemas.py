"""The shipped schemas of records and receipts say of the examples and vectors what the implementation does."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from agentdid.audit.head import Head
from agentdid.audit.proofs import hold_entry, hold_growth
from agentdid.audit.receipt import read_receipt
from agentdid.audit.walk import walk
from agentdid.errors import AgentdidError, AuditLogInvalid
from agentdid.keys.multikey import decode_multikey
from tests.vectors_dir import ROOT

SPECS = ROOT / "specs"


def _schema(name: str) -> Draft202012Validator:
    schema = json.loads((SPECS / "schemas" / f"{name}-v1.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _vectors(name: str) -> dict[str, list[dict[str, object]]]:
    return json.loads((SPECS / "vectors" / f"{name}.json").read_text("utf-8"))  # type: ignore[no-any-return]


def test_records() -> None:
    """Every entry of the example and of the vectors is one by the schema; a claim in it is none."""
    schema = _schema("audit-record")
    lines = (SPECS / "examples" / "audit-log.jsonl").read_text("utf-8").splitlines()
    lines += [line for line in _vectors("audit-log")["lines"] if line.endswith("}")]  # type: ignore[attr-defined]

    assert [] == [error.message for line in lines for error in schema.iter_errors(json.loads(line))]
    assert not schema.is_valid({**json.loads(lines[0]), "name": "Ada"})


def test_receipts() -> None:
    """The schema takes the claims that are taken, and no others of the vectors that are malformed."""
    schema = _schema("decision-receipt")
    example = json.loads((SPECS / "examples" / "decision-receipt.json").read_text("utf-8"))

    assert schema.is_valid(example)
    assert schema.is_valid(_vectors("decision-receipt")["claims"])
    assert not schema.is_valid({**example, "exp": 1})


@pytest.mark.parametrize("case", _vectors("audit-log")["cases"], ids=lambda case: str(case["name"]))
def test_changed_logs(case: dict[str, list[str]]) -> None:
    """A changed log of the vectors is found where they say (specs/audit-log.md G18)."""
    lines = [each.encode("latin-1") for each in case["lines"]]

    assert case["named"] == [step.index for step in walk(Head(), lines) if step.fault]


@pytest.mark.parametrize("case", _vectors("decision-receipt")["cases"], ids=lambda case: str(case["name"]))
def test_receipt_vectors(case: dict[str, str | None]) -> None:
    """Each receipt of the vectors comes to what they say (specs/decision-receipt.md R4-R5)."""
    key = decode_multikey(str(_vectors("decision-receipt")["key"]))
    code = None
    try:
        read_receipt(case["token"]).signature.check(key)
    except AgentdidError as error:
        code = error.code

    assert case["code"] == code


def test_proofs() -> None:
    """The shown entry and the shown growth hold (G26, G28); with one character of a path changed they do not."""
    key = decode_multikey(str(_vectors("audit-log")["key"]))
    entry, growth = (
        json.loads((SPECS / "examples" / f"audit-{name}.json").read_text()) for name in ("entry", "growth")
    )

    assert (2, "decision") == ((shown := hold_entry(entry, key).record).index, shown.kind)
    assert [4, 7] == [each.size for each in hold_growth(growth, key)]
    for hold, proof in ((hold_entry, entry), (hold_growth, growth)):
        first = proof["path"][0]
        wrong = {**proof, "path": [("A" if first[0] != "A" else "B") + first[1:], *proof["path"][1:]]}
        for value in (wrong, {**proof, "path": proof["path"][1:]}, {**proof, "more": 1}, None):
            with pytest.raises(AuditLogInvalid):
                hold(value, key)  # type: ignore[operator]
