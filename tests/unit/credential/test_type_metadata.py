"""Type metadata of SD-JWT VCs: pinned, offline, and held to."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from pybase64 import standard_b64encode

from agentdid.codec.strict_json import encode
from agentdid.credential.type_metadata import hold_types, parse_type_metadata
from agentdid.errors import AgentdidError, TypeMismatch
from agentdid.secure import sd_jwt_vc
from agentdid.trust.anchors import Trust
from agentdid.verify.evidence import replay
from agentdid.verify.memory import Memory
from agentdid.verify.run import report_of
from tests.forgery import as_toml
from tests.tokens import party
from tests.vectors_dir import vectors
from tests.world import World

if TYPE_CHECKING:
    from pathlib import Path

VCT = "https://acme.example/badge"
BASE = "https://acme.example/base"
RULES = [
    {"path": ["name"], "mandatory": True, "sd": "always"}, {"path": ["level"], "sd": "never"},
    {"path": ["teams", None, "id"], "sd": "always"}, {"path": ["teams"], "mandatory": False},
]  # fmt: skip


def sri(octets: bytes) -> str:
    """Return the Subresource Integrity digest of a document."""
    return f"sha256-{standard_b64encode(hashlib.sha256(octets).digest()).decode()}"


def policy(tmp_path: Path, world: World, *documents: dict[str, Any], **changes: object) -> Trust:
    """Return a policy, read from a file, that holds these types."""
    issuer = party("issuer", "P-256")
    rows = []
    for position, document in enumerate(documents):
        octets = encode(document)
        (tmp_path / f"{position}.json").write_bytes(octets)
        rows.append({"vct": document["vct"], "file": f"{position}.json", "integrity": sri(octets)} | changes)
    anchors = [{"did": issuer.did, "types": [VCT]}]
    table = world.policy(anchor=anchors, **({"type": rows} if rows else {}))
    (tmp_path / "trust.toml").write_text(as_toml(table), "utf-8")
    return Trust.load(tmp_path / "trust.toml")


def code_of(world: World, trust: Trust, hidden: list[tuple[str | int, ...]], **claims: object) -> str | None:
    """Return how a credential of the type is refused; `None` where it is accepted."""
    issuer = party("issuer", "P-256")
    token = sd_jwt_vc.issue({"vct": VCT, **claims}, issuer.secret, issuer.method_id, disclosable=hidden)
    return world.verifier(trust=trust).inspect(token, holder=False).code


GOOD: dict[str, Any] = {"name": "Ada", "level": 3, "teams": [{"id": 1, "x": 1}, {"id": 2}]}
HIDDEN: list[tuple[str | int, ...]] = [("name",), ("teams", 0, "id"), ("teams", 1, "id")]


def test_the_rules_of_a_type(tmp_path: Path) -> None:
    """Mandatory claims are there; what must, may or may not be withheld can, or cannot."""
    world = World()
    trust = policy(tmp_path, world, {"vct": VCT, "claims": RULES})

    assert code_of(world, trust, HIDDEN, **GOOD) is None
    assert "type_mismatch" == code_of(world, trust, [], level=3)
    assert "type_mismatch" == code_of(world, trust, HIDDEN[1:], **GOOD)
    assert "type_mismatch" == code_of(world, trust, HIDDEN[:2], **GOOD)
    assert "sd_claim_not_allowed" == code_of(world, trust, [*HIDDEN, ("level",)], **GOOD)
    assert code_of(world, trust, [("name",), ("teams",)], **GOOD) is None


def test_a_type_that_is_not_held() -> None:
    """What the policy does not hold says nothing."""
    world, issuer = World(), party("issuer", "P-256")
    trust = world.trust(anchor=[{"did": issuer.did, "types": [VCT]}])

    assert code_of(world, trust, [], level=3, **{"vct#integrity": "sha256-AAAA"}) is None


def test_a_type_extends_another(tmp_path: Path) -> None:
    """Its own rules before those above; the document above is the one it names (SD-JWT VC section 5.6.5)."""
    world = World()
    above = {"vct": BASE, "claims": [{"path": ["level"], "mandatory": True, "sd": "always"}, RULES[0]]}
    below = {
        "vct": VCT, "extends": BASE, "extends#integrity": sri(encode(above)),
        "claims": [{"path": ["level"], "sd": "never"}],
    }  # fmt: skip
    trust = policy(tmp_path, world, above, below)

    assert code_of(world, trust, [("name",)], name="Ada", level=3) is None
    assert "type_mismatch" == code_of(world, trust, [], level=3)
    assert "sd_claim_not_allowed" == code_of(world, trust, [("name",), ("level",)], name="Ada", level=3)


def test_the_document_is_the_one_that_the_credential_pins(tmp_path: Path) -> None:
    """`vct#integrity` of another document refuses the credential."""
    world = World()
    document = {"vct": VCT, "name": "Badge"}
    trust = policy(tmp_path, world, document)

    assert code_of(world, trust, [], **{"vct#integrity": sri(encode(document))}) is None
    assert "type_metadata_mismatch" == code_of(world, trust, [], **{"vct#integrity": sri(b"{}")})


def test_a_policy_with_other_types_reads_it_again(tmp_path: Path) -> None:
    """A memory may be shared: what one policy's rules refuse, they refuse however often another took it."""
    world, issuer, memory = World(), party("issuer", "P-256"), Memory()
    lax = policy(tmp_path, world, {"vct": VCT})
    token = sd_jwt_vc.issue({"vct": VCT, "level": 3}, issuer.secret, issuer.method_id)
    for _ in range(3):
        world.verifier(trust=lax, memory=memory).verify_credential(token)
    strict = policy(tmp_path, world, {"vct": VCT, "claims": RULES})
    with pytest.raises(TypeMismatch):
        world.verifier(trust=strict, memory=memory).verify_credential(token)


def test_a_decision_is_replayed_with_its_types(tmp_path: Path) -> None:
    """The documents travel in the evidence."""
    world, issuer = World(), party("issuer", "P-256")
    trust = policy(tmp_path, world, {"vct": VCT, "claims": RULES})
    token = sd_jwt_vc.issue({"vct": VCT, "level": 3}, issuer.secret, issuer.method_id)
    with pytest.raises(TypeMismatch) as refusal:
        world.verifier(trust=trust).verify_credential(token)
    bundle = json.loads(encode(report_of(refusal.value).evidence.encode(refusal.value)))
    again = replay(bundle)

    assert "type_mismatch" == report_of(again).code
    assert trust.types.keys() == Trust.decode(bundle["trust"] if "trust" in bundle else trust.encode()).types.keys()


@pytest.mark.parametrize(
    ("documents", "changes"),
    [
        ([{"vct": VCT}], {"integrity": "sha256-AAAA"}), ([{"vct": VCT}], {"integrity": sri(b"x")}),
        ([{"vct": VCT}], {"vct": BASE}), ([{"vct": VCT}, {"vct": VCT}], {}), ([{"vct": VCT, "extends": BASE}], {}),
        ([{"vct": VCT, "extends": VCT}], {}), ([{"vct": VCT, "extends": BASE}, {"vct": BASE, "extends": VCT}], {}),
        ([{"vct": VCT, "extends": BASE, "extends#integrity": sri(b"x")}, {"vct": BASE}], {}),
        ([{"vct": VCT, "claims": {}}], {}), ([{"vct": VCT, "claims": [{"path": []}]}], {}),
        ([{"vct": VCT, "claims": [{"path": [True]}]}], {}),
        ([{"vct": VCT, "claims": [{"path": ["a"], "sd": "x"}]}], {}),
        ([{"vct": VCT, "claims": [{"path": ["a"], "mandatory": 1}]}], {}), ([{"vct": VCT, "extends": 1}], {}),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant(
    tmp_path: Path, documents: list[dict[str, Any]], changes: dict[str, object]
) -> None:
    """Another document than is pinned, rules of no form, a chain that does not end: an error of the policy."""
    with pytest.raises(ValueError, match="t"):
        policy(tmp_path, World(), *documents, **changes)


def test_published_metadata() -> None:
    """The documents of the draft are read, and the merged rules are the printed ones (sections 5.6.5.2 and A.2)."""
    rows = json.loads((vectors("sd-jwt-vc") / "examples.public.json").read_text("utf-8"))
    by_number = {row["n"]: row["value"] for row in rows}
    base, custom = (parse_type_metadata(encode(by_number[number])) for number in (19, 20))
    held = hold_types([base, custom])

    assert {tuple(each["path"]) for each in by_number[21]["claims"]} == {each.path for each in held[custom.vct].rules}
    assert (
        "https://galaxy.example.com/galactic-education-credential/v2"
        == parse_type_metadata(encode(by_number[29])).extends
    )


def test_not_a_document() -> None:
    """Type metadata is strict JSON with its type."""
    for octets in (b"[]", b"{}", b'{"vct":1}', b'{"vct":"a","vct":"b"}'):
        with pytest.raises(AgentdidError):
            parse_type_metadata(octets)
