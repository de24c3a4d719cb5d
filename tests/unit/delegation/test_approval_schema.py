"""The shipped JSON Schema of an approval refuses what the parser refuses."""

from __future__ import annotations

import json

import jsonschema
import pytest

from agentdid.delegation.approval import parse_approval
from agentdid.errors import AgentdidError
from tests.vectors_dir import ROOT

SCHEMA = json.loads((ROOT / "specs/schemas/approval-v1.schema.json").read_text("utf-8"))
APPROVAL = json.loads((ROOT / "specs/examples/approval.json").read_text("utf-8"))["credentialSubject"]["approval"]


def test_the_example_fits() -> None:
    """The example of specs/approval.md is one that both take."""
    jsonschema.Draft202012Validator(SCHEMA).validate(APPROVAL)

    assert 1 == parse_approval(APPROVAL).max_uses


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ftp"}, {"action": ""}, {"resource": 7}, {"argumentsDigest": None}, {"chainDigest": ""},
        {"audience": []}, {"audience": "did:web:a.example"}, {"audience": ["did:web:a.example"] * 2},
        {"audience": ["acme"]}, {"maxUses": 0}, {"maxUses": 1_001}, {"maxUses": "1"}, {"note": 1},
    ],
)  # fmt: skip
def test_schema_and_parser_refuse_alike(change: dict[str, object]) -> None:
    """Each of these is refused by both."""
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(APPROVAL | change))
    with pytest.raises(AgentdidError):
        parse_approval(APPROVAL | change)
