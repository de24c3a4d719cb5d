"""Documents beside a credential: related resources and schemas, where the policy asks."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from tests.forgery import badge_token, policy
from tests.world import World

if TYPE_CHECKING:
    from agentdid.verify.report import Report

THERE = "https://acme.example/schemas/badge.json"
SCHEMA = encode(
    {
        "$id": THERE,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"credentialSubject": {"required": ["id"]}},
    }
)
STRICTER = SCHEMA.replace(b'["id"]', b'["id","missing"]')
V2 = "https://www.w3.org/ns/credentials/v2"
V2_SRI = "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"


def sri(body: bytes) -> str:
    """Return a Subresource Integrity digest."""
    return f"sha256-{b64encode(hashlib.sha256(body).digest()).decode()}"


@pytest.fixture
def world() -> World:
    """A world with a schema in it."""
    made = World()
    made.serve(THERE, SCHEMA)
    return made


def verifier(world: World, **content: object) -> Verifier:
    """Return the partner's verifier with these demands."""
    trust = Trust.parse(policy(world, **({"content": content} if content else {})))
    return Verifier(trust, source=world, clock=FixedClock(world.now))


def judged(world: World, changes: dict[str, object], **content: object) -> Report:
    """Return the report on a badge."""
    return verifier(world, **content).inspect(badge_token(world, **changes).sign(world.acme), holder=False)


def named(**members: object) -> dict[str, object]:
    """Return the members of a badge that names the schema."""
    return {"credentialSchema": {"id": THERE, "type": "JsonSchema", **members}}


def related(**members: object) -> dict[str, object]:
    """Return the members of a badge that names a resource."""
    return {"relatedResource": [{"id": THERE, **members}]}


def test_nothing_is_asked_by_default(world: World) -> None:
    """A schema that does not hold and a resource that is another one are not looked at, and nobody is asked."""
    report = judged(world, {**named(digestSRI=sri(b"x")), **related(digestSRI=sri(b"x"))})

    assert report.code is None
    assert THERE not in world.asked
    assert "content" not in [each.check for each in report.checks]


def test_a_carried_context_is_always_held(world: World) -> None:
    """Its digest is known without asking anybody."""
    right = {"relatedResource": [{"id": V2, "digestSRI": V2_SRI}]}
    wrong = {"relatedResource": [{"id": V2, "digestSRI": sri(b"x")}]}

    assert [None, "related_resource_mismatch"] == [judged(world, each).code for each in (right, wrong)]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"digestSRI": sri(SCHEMA)}, None),
        ({"digestSRI": sri(b"x")}, "related_resource_mismatch"),
        ({"id": "https://acme.example/absent", "digestSRI": sri(SCHEMA)}, "fetch_failed"),
    ],
)
def test_related_resources(world: World, members: dict[str, object], expected: str | None) -> None:
    """V10: fetched and held against their digests; one that cannot be had leaves it undecided."""
    report = judged(world, related(**members), related="fetched")

    assert expected == report.code
    if expected is not None:
        refused = next(each for each in report.checks if each.code)
        assert ("content", "/0/relatedResource/0") == (refused.check, refused.path)


@pytest.mark.parametrize(
    ("members", "pins", "body", "expected"),
    [
        ({"digestSRI": sri(SCHEMA)}, {}, SCHEMA, None),
        ({}, {THERE: sri(SCHEMA)}, SCHEMA, None),
        ({"digestSRI": sri(STRICTER)}, {}, STRICTER, "type_mismatch"),
        ({"digestSRI": sri(SCHEMA)}, {}, STRICTER, "type_mismatch"),
        ({"digestSRI": sri(SCHEMA)}, {THERE: sri(STRICTER)}, SCHEMA, "type_mismatch"),
        ({}, {}, SCHEMA, "type_mismatch"),
        ({"id": "https://acme.example/absent", "digestSRI": sri(SCHEMA)}, {}, SCHEMA, "fetch_failed"),
        ({"type": "Other"}, {}, SCHEMA, "schema_unsupported"),
        ({"digestSRI": sri(b"[]")}, {}, b"[]", "schema_invalid"),
        ({"digestSRI": sri(b"{")}, {}, b"{", "json_invalid"),
    ],
)
def test_schemas(
    world: World, members: dict[str, object], pins: dict[str, str], body: bytes, expected: str | None
) -> None:
    """V09: checked only as what the credential or the policy pins, whoever serves it."""
    world.serve(THERE, body)

    assert expected == judged(world, named(**members), schemas="checked", pins=pins).code


def test_a_schema_is_required(world: World) -> None:
    """V09: a credential that names none is refused where the policy asks for one, and only there."""
    reports = [judged(world, {}, schemas=each) for each in ("ignored", "checked", "required")]

    assert [None, None, "type_mismatch"] == [each.code for each in reports]
    assert judged(world, named(digestSRI=sri(SCHEMA)), schemas="required").code is None


def test_it_stands_after_status(world: World) -> None:
    """The one place of the check, in every recipe that the policy asks it of."""
    report = judged(world, named(digestSRI=sri(SCHEMA)), schemas="checked")
    names = [each.check for each in report.checks]

    assert names.index("content") == names.index("status") + 1


def test_it_travels_with_the_policy(world: World) -> None:
    """What is encoded into evidence decodes to the same demands, and to none where there were none."""
    trust = Trust.parse(policy(world, content={"schemas": "checked", "pins": {THERE: sri(SCHEMA)}}))
    silent = Trust.parse(policy(world))

    assert trust.content == Trust.decode(trust.encode()).content
    assert Trust.decode(silent.encode()).content is silent.content
    assert "content" not in silent.encode()


@pytest.mark.parametrize(
    "content",
    [{"related": "all"}, {"schemas": "yes"}, {"pins": {THERE: "md5-AAAA"}}, {"unknown": "x"}, {"pins": {THERE: 1}}],
)
def test_a_policy_that_cannot_be_meant(world: World, content: dict[str, object]) -> None:
    """Said when the file is read."""
    with pytest.raises(ValueError, match="content"):
        Trust.parse(policy(world, content=content))
