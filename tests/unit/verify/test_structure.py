"""Inputs of every form and of none, how they are recorded, and what a driver may not answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, Malformed, TypeMismatch
from agentdid.storage.decision_log import DecisionLog
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.case import ISSUED_HERE, IssuedHere, Question
from agentdid.verify.evidence import replay
from agentdid.verify.flow import judgement
from agentdid.verify.memory import Memory, _Recent
from agentdid.verify.needs import NeedFacts, NeedKeys, NeedMark, Resource
from agentdid.verify.run import report_of
from tests.chains import JCS, NONCE, Ending, Wire, capability_of, chain_of, ending, root_document, sign
from tests.world import NOW, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
MALFORMED = Ending("type_mismatch", "malformed", "structure")


@pytest.fixture
def world() -> World:
    """The world of the input."""
    return World()


def enveloped(token: str, **changes: object) -> dict[str, Any]:
    """A `vp+jwt` in VCDM's envelope."""
    return {
        "@context": [CREDENTIALS_V2],
        "type": "EnvelopedVerifiablePresentation",
        "id": f"data:application/vp+jwt,{token}",
    } | changes


@pytest.mark.parametrize("shape", ["str", "bytes", "spaced", "envelope", "envelope text", "envelope list"])
def test_a_jwt_in_each_shape(world: World, shape: str) -> None:
    """Text, bytes, with white space around, and in an envelope as a value or as text."""
    token = world.present(chain_of(world), challenge=NONCE)
    shapes: dict[str, Any] = {
        "str": token,
        "bytes": token.encode(),
        "spaced": f"\r\n {token}\t\n",
        "envelope": enveloped(token),
        "envelope text": json.dumps(enveloped(token)),
        "envelope list": enveloped(token, type=["EnvelopedVerifiablePresentation"]),
    }

    assert world.agent.did == world.verifier().authorize(shapes[shape], challenge=NONCE, request=READ).agent


@pytest.mark.parametrize("shape", ["dict", "str", "bytes"])
def test_json_in_each_shape(world: World, shape: str) -> None:
    """A Data Integrity presentation as a value, as text and as bytes."""
    text = world.present(chain_of(world, JCS), challenge=NONCE, form=JCS)
    shapes: dict[str, Any] = {"dict": json.loads(text), "str": text, "bytes": text.encode()}

    assert world.agent.did == world.verifier().authorize(shapes[shape], challenge=NONCE, request=READ).agent


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"@context": ["https://www.w3.org/2018/credentials/v1"]}, "type_mismatch"),
        ({"@context": "https://www.w3.org/2018/credentials/v1"}, "type_mismatch"),
        ({"id": 7}, "type_mismatch"),
        ({"id": "https://elsewhere.example/vp"}, "type_mismatch"),
        ({"id": "data:application/jwt,eyJ"}, "typ_mismatch"),
        ({"id": "data:application/vp+jwt;base64,eyJ"}, "typ_mismatch"),
        ({"id": "data:application/vp+jwt,"}, "header_invalid"),
        ({"id": "data:application/vp+jwt,eyJ~"}, "typ_mismatch"),
        ({"id": "data:application/vp+jwt,eyJ~eyJ"}, "typ_mismatch"),
        ({"type": "VerifiablePresentation"}, "proof_missing"),
        ({"type": "Envelope"}, "type_mismatch"),
        ({"type": "Envelope", "payload": "e30", "signatures": []}, "header_invalid"),
    ],
)
def test_an_envelope_that_holds_nothing(world: World, changes: dict[str, object], code: str) -> None:
    """Another context, no data: URL, another media type, no token, no presentation (C11 too)."""
    found = ending(lambda: world.verifier().verify(enveloped("eyJ", **changes), challenge=NONCE))

    assert (code, "structure") == (found.code, found.check)
    assert [] == world.asked


@pytest.mark.parametrize(
    ("raw", "code", "check"),
    [
        (b"\xff\xfe", "encoding_invalid", "parse"),
        (b"ey\xff", "encoding_invalid", "parse"),
        ("ey\ud800", None, None),
        ("\ud800", "encoding_invalid", "parse"),
        ("[]", "type_mismatch", "structure"),
        ("7", "type_mismatch", "structure"),
        ('"eyJ"', "type_mismatch", "structure"),
        ("x" * 262_145, "input_too_large", "size"),
        (b"x" * 262_145, "input_too_large", "size"),
    ],
)
def test_what_is_no_input(world: World, tmp_path: Path, raw: bytes | str, code: str | None, check: str | None) -> None:
    """Each with its code; and its evidence can be recorded and replays, whatever the bytes."""
    place = tmp_path / "log"
    found = ending(lambda: world.verifier(log=DecisionLog(place)).verify(raw, challenge=NONCE))
    again = replay(json.loads(place.read_bytes()))

    assert isinstance(again, Malformed)
    assert found.code == again.code
    if code is not None:
        assert (code, check) == (found.code, found.check)


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": "\ud800"}, "encoding_invalid"),
        ({"\udfff": 1}, "encoding_invalid"),
        ({"a": float("nan")}, "json_invalid"),
        ({"a": float("inf")}, "json_invalid"),
        ({"a": 10**30}, "json_number_range"),
        (_nested(64), "json_too_deep"),
        (_nested(900), "json_too_deep"),
        (_nested(100_000), "json_too_deep"),
        ({"a": "x" * 262_144}, "input_too_large"),
    ],
)
def test_a_value_that_another_parser_let_through(
    world: World, tmp_path: Path, value: dict[str, Any], code: str
) -> None:
    """What `json.loads` makes of a hostile text is refused as the text is (A03, A05, A07, A08), recorded or not."""
    verifier = world.verifier(log=DecisionLog(tmp_path / "log"))
    for judge in (
        lambda: world.verifier().verify(value, challenge=NONCE),
        lambda: world.verifier().verify_credential([value]),
        lambda: verifier.verify(value, challenge=NONCE),
    ):
        with pytest.raises(Malformed) as caught:
            judge()
        assert code == caught.value.code
    assert code == world.verifier().inspect(value).code
    for line in (tmp_path / "log").read_bytes().splitlines() if (tmp_path / "log").exists() else ():
        assert code == report_of(replay(json.loads(line))).code


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_without("id"), "type_mismatch"),
        (_without("validFrom"), "type_mismatch"),
        (_without("validUntil"), "type_mismatch"),
        (lambda d: d["credentialSubject"].pop("capability"), "type_mismatch"),
        (lambda d: d["credentialSubject"].pop("id"), "type_mismatch"),
        (lambda d: d["credentialSubject"].update(id="https://agent.example"), "did_invalid"),
        (lambda d: d.update(issuer="https://acme.example"), "did_invalid"),
        (lambda d: d.update(credentialSubject=[d["credentialSubject"]]), "type_mismatch"),
        (lambda d: d.update(credentialSubject=[]), "type_mismatch"),
        (lambda d: capability_of(d).update(parent={"id": "x", "digestMultibase": "u"}), "type_mismatch"),
        (lambda d: capability_of(d)["delegation"].update(depth=1), "type_mismatch"),
    ],
)
def test_a_capability_without_its_form(world: World, change: Callable[[dict[str, Any]], object], code: str) -> None:
    """A link names itself, one subject by a DID, its issuer by a DID, and both ends of its life (C3-C5)."""
    document = root_document(world)
    change(document)
    link = sign(world, document, world.acme, JCS)
    found = ending(lambda: world.verifier().verify_credential(link))  # type: ignore[arg-type]  # a wire value

    assert Ending(code, "malformed", "structure") == found
    assert [] == world.asked


def test_too_many_and_none(world: World) -> None:
    """Seventeen credentials are too many, none is no input."""
    document = root_document(world)
    document["type"] = ["VerifiableCredential", "EmployeeCredential"]
    document["credentialSubject"] = {"id": world.agent.did}
    link: Wire = sign(world, document, world.acme, JCS)
    many: Any = [link] * 17

    assert [Ending("input_too_large", "malformed", "structure"), MALFORMED] == [
        ending(lambda: world.verifier().verify_credential(many)),
        ending(lambda: world.verifier().verify_credential([])),
    ]


def test_evidence_holds_bytes_that_are_no_text(world: World, tmp_path: Path) -> None:
    """A list that is served as bytes stands in the bundle as they are; so do a lost one and a nonce of ours."""
    place, takes = tmp_path / "log", MemoryTakes()
    verifier = world.verifier(log=DecisionLog(place), takes=takes)
    nonce = takes.issue(NOW)
    presented = world.present(chain_of(world), challenge=nonce)
    good = world.served[world.acme.list_url]
    world.serve(world.acme.list_url, b"\xff\x00")
    ending(lambda: verifier.authorize(presented, challenge=ISSUED_HERE, request=READ))
    del world.served[world.acme.list_url]
    ending(lambda: verifier.authorize(presented, challenge=IssuedHere(nonce), request=READ))
    world.served[world.acme.list_url] = good
    verifier.authorize(json.loads(json.dumps(enveloped(presented))), challenge=IssuedHere(nonce), request=READ)
    ending(lambda: verifier.authorize(presented, challenge=IssuedHere("another"), request=READ))
    bundles = [json.loads(line) for line in place.read_bytes().splitlines()]

    assert ["status_verification_error", "status_unavailable", None, "nonce_mismatch"] == [
        report_of(replay(bundle)).code for bundle in bundles
    ]
    assert [True, nonce, nonce, "another"] == [bundle["question"]["challenge"]["issuedHere"] for bundle in bundles]


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b["question"].pop("challenge"),
        lambda b: b["question"].update(input=7),
        lambda b: b["question"].update(at="yesterday"),
        lambda b: b["question"].update(challenge={}),
        lambda b: b["question"]["trust"].pop("audience"),
        lambda b: b["question"]["trust"].update(anchors=[{"did": 1}]),
        lambda b: b["question"]["trust"].update(limits={"max_chain": 99}),
        lambda b: b.update(answers=7),
        lambda b: b.pop("decision"),
        lambda b: b["answers"][0].update(reply={"url": "x"}),
        lambda b: b["answers"][0].update(reply={"url": "x", "heldAt": "x", "text": "x"}),
        lambda b: b["answers"][0].update(reply={"url": "x", "heldAt": NOW.isoformat(), "base64url": "="}),
        lambda b: b["answers"][0].update(reply={"url": "x", "heldAt": NOW.isoformat(), "text": 7}),
    ],
)
def test_a_bundle_that_is_none(world: World, tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Whatever is missing or odd in a bundle, it is malformed, and nothing else comes of it."""
    place = tmp_path / "log"
    presented = world.present(chain_of(world), challenge=NONCE)
    world.verifier(log=DecisionLog(place)).authorize(presented, challenge=NONCE, request=READ)
    bundle = json.loads(place.read_bytes())
    replay(bundle)
    change(bundle)
    with pytest.raises(TypeMismatch):
        replay(bundle)


@pytest.mark.parametrize("reply", ["ours", ()])
def test_a_driver_that_answers_something_else(world: World, reply: object) -> None:
    """A need is answered in its own kind; another kind is a mistake of the driver's."""
    question = Question(
        raw=world.present(chain_of(world), challenge=NONCE), holder=True, trust=world.trust(), at=NOW,
        challenge=NONCE, request=READ,
    )  # fmt: skip
    for wrong in (NeedKeys, NeedFacts):
        steps = judgement(question, Memory(), world.verifier()._clock)
        need = next(steps)
        while not isinstance(need, wrong):
            marked = isinstance(need, NeedMark)
            need = steps.send("kept" if marked else world.get(need.url, (), 0))  # type: ignore[union-attr]  # NeedKeys
        with pytest.raises(TypeError):
            steps.send(reply)  # type: ignore[arg-type]  # that is the point


def test_memory_is_bounded() -> None:
    """The least recently used is forgotten first."""
    recent: _Recent[int] = _Recent(2)
    for number in range(3):
        recent.keep(bytes([number]), number)
        recent.find(b"\x00")

    assert [0, None, 2] == [recent.find(bytes([number])) for number in range(3)]


def test_what_was_learnt_is_no_verdict(world: World) -> None:
    """The same verifier judges the same bytes again, with the list and the document that are served by then."""
    chain: Any = chain_of(world)
    verifier = world.verifier()
    before = verifier.verify_credential(chain)
    world.acme.revoked.add(7)
    world.publish(world.acme)
    after = ending(lambda: verifier.verify_credential(chain))
    other = world.party("other", method="web")
    document = {**json.loads(_body(world, other.did)), "id": world.acme.did}
    text = encode(document).decode().replace(other.did, world.acme.did)
    world.serve("https://acme.example/.well-known/did.json", text.encode())
    changed = ending(lambda: verifier.verify_credential(chain))

    assert before.code is None
    assert ["status_revoked", "signature_invalid"] == [after.code, changed.code]


def _body(world: World, did: str) -> bytes:
    held = world.served[f"https://{did.removeprefix('did:web:')}/.well-known/did.json"]
    assert isinstance(held, Resource)
    return held.body


def test_an_error_of_the_caller_is_not_the_senders(world: World) -> None:
    """A request that cannot be meant, or a query that is none, is refused where it is made."""
    with pytest.raises(ValueError, match="type"):
        Request("smtp", "a", "b")
    with pytest.raises(AgentdidError):
        world.verifier().verify("eyJ", challenge=NONCE, query={"credentials": [encode_base64url(b"")]})
