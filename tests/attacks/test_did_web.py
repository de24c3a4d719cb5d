"""I01, I07, I09, I14, I20 as a verifier's user meets them; the guard itself is attacked in test_fetch_guard."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentdid.cli.main import main
from agentdid.codec.strict_json import encode, parse
from agentdid.errors import AgentdidError
from agentdid.sources.source import NetworkSource
from agentdid.verify.needs import Absent, Resource
from tests.forgery import BADGE, Faces, Token, acme_document, as_toml, badge_token, policy
from tests.world import NOW, Party, World


def by(world: World, did: str) -> tuple[Token, dict[str, object]]:
    """Return a badge whose issuer is `did`, and a policy that names it."""
    token = badge_token(world, issuer=did)
    token.header["kid"] = f"{did}#key-1"
    return token, policy(world, anchor=[{"did": did, "types": [BADGE]}])


INSIDE = [
    "did:web:127.0.0.1%3A6379", "did:web:localhost", "did:web:localhost%3A8443", "did:web:0.0.0.0",
    "did:web:169.254.169.254",
    "did:web:10.0.0.1", "did:web:192.168.1.1%3A8080:path", "did:web:100.64.0.1", "did:web:127.1", "did:web:2130706433",
    "did:web:0x7f000001", "did:web:0177.0.0.1", "did:web:172.16.0.1",
]  # fmt: skip


@pytest.mark.parametrize("did", INSIDE)
def test_i01_i02_hosts_inside(world: World, did: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """I01, I02: trusted or not, a host inside is never connected to: through the library and the command line."""
    token, trust = by(world, did)
    verifier = world.verifier(trust=world.trust(**trust))
    verifier._source = NetworkSource()
    (tmp_path / "input").write_text(token.sign(world.acme), "utf-8")
    (tmp_path / "trust.toml").write_text(as_toml(trust), "utf-8")
    with pytest.raises(AgentdidError) as refusal:
        verifier.verify_credential(token.sign(world.acme))
    code = main(["verify", str(tmp_path / "input"), "--trust", str(tmp_path / "trust.toml"), "--json"])
    shown = json.loads(capsys.readouterr().out)

    assert ("undecided", "fetch_forbidden_address") == (refusal.value.family, refusal.value.code)
    assert ("undecided", "fetch_forbidden_address", 3) == (shown["outcome"], shown["code"], code)


SPELLINGS = [
    "did:web:[::1]", "did:web:%5B%3A%3A1%5D", "did:web:acme.example:%2e%2e:x", "did:web:acme.example:..:x",
    "did:web:acme.example:.", "did:web:acme.example:a%2fb", "did:web:acme.example:a%5Cb", "did:web:acme.example:a%00",
    "did:web:user%40acme.example", "did:web:acme.example:%252e%252e", "did:web:acme.example%2f..",
    "did:web:acme..example",
    "did:web:ACME.example", "did:web:acme.example%3A0", "did:web:acme.example%3A99999", "did:web:acme.example%3A080",
    "did:web:acme.example%3a443", "did:web:acme.example%3A443%3A1", "did:web:.acme.example", "did:web:acme.example.",
    "did:web:acme_.example", "did:web:acme.example::x", "did:web:%61cme.example", "did:web:acme.example%3A",
    "did:web:acme.example%3A-1", "did:web:acme.example%3A4%343",
]  # fmt: skip


@pytest.mark.parametrize("did", SPELLINGS)
def test_i07_spellings(world: World, faces: Faces, capsys: pytest.CaptureFixture[str], did: str) -> None:
    """I07: whatever somebody decodes once more; nobody is asked, and no policy helps."""
    code = main(["did", "resolve", did, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert ("malformed", "did_invalid", 4) == (shown["outcome"], shown["code"], code)
    if "[" in did or "::" in did:
        return  # no DID by its grammar: a policy does not take it either

    token, trust = by(world, did)
    verdict = faces(token.sign(world.acme), trust=trust)
    assert ("malformed", "did_invalid", ()) == (*verdict.answer, verdict.asked)


@pytest.mark.parametrize(
    "did", ["did:web:host.example%3A8443:a:b", "did:web:host.example:a%20b", "did:web:a.b-c.example"]
)
def test_z07_ports_and_paths(world: World, faces: Faces, did: str) -> None:
    """Z07: a port, a path, and an encoded octet that hides nothing."""
    from agentdid.did import web  # noqa: PLC0415
    from agentdid.did.document import build_document  # noqa: PLC0415

    world.serve(web.url(did), encode(build_document(did, {"key-1": world.acme.secret.public})))
    token, trust = by(world, did)

    assert ("accepted", None) == faces(token.sign(world.acme), trust=trust).answer


IDS: list[object] = [
    "did:web:evil.example", "did:web:acme.example#", "did:web:ACME.example", "did:web:acme.example:x", "", None, 1,
    ["did:web:acme.example"], "https://acme.example",
]  # fmt: skip


@pytest.mark.parametrize("value", IDS, ids=repr)
def test_i09_a_document_about_another(world: World, faces: Faces, value: object) -> None:
    """I09: `id` is the DID that was asked for, to the letter."""
    document: Any = parse(world.served[acme_document(world)].body).value  # type: ignore[union-attr]  # it was served
    world.serve(acme_document(world), encode({**document, "id": value}))

    assert ("refused", "did_document_mismatch") == faces(badge_token(world).sign(world.acme)).answer


def test_i09_a_document_without_id(world: World, faces: Faces) -> None:
    """I09: absent is another."""
    document: Any = parse(world.served[acme_document(world)].body).value  # type: ignore[union-attr]  # it was served
    del document["id"]
    world.serve(acme_document(world), encode(document))

    assert ("refused", "did_document_mismatch") == faces(badge_token(world).sign(world.acme)).answer


BODIES: dict[str, tuple[bytes, str]] = {
    "html": (b"<!doctype html><html></html>", "json_invalid"),
    "empty": (b"", "json_invalid"),
    "array": (b"[]", "type_mismatch"),
    "null": (b"null", "type_mismatch"),
    "text": (b'"did:web:acme.example"', "type_mismatch"),
    "two": (b"{}{}", "json_invalid"),
    "deep": (b"[" * 100 + b"]" * 100, "json_too_deep"),
    "nothing-in-it": (b"{}", "did_document_mismatch"),
    "methods-object": (b'{"id":"did:web:acme.example","verificationMethod":{}}', "type_mismatch"),
    "methods-null": (b'{"id":"did:web:acme.example","verificationMethod":null}', "type_mismatch"),
    "many-methods": (
        encode({"id": "did:web:acme.example", "assertionMethod": [f"#{each}" for each in range(257)]}), "type_mismatch",
    ),
    "only-an-id": (b'{"id":"did:web:acme.example"}', "purpose_not_authorized"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_i14_bodies(world: World, faces: Faces, name: str) -> None:
    """I14: what a server says that is no DID document."""
    body, code = BODIES[name]
    world.serve(acme_document(world), body)

    assert code == faces(badge_token(world).sign(world.acme)).code


@pytest.mark.parametrize(
    ("status", "code"), [(404, "did_not_found"), (410, "did_not_found"), (500, "fetch_failed"), (302, "fetch_redirect")]
)
def test_i14_failures_as_recorded(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, code: str, faces: Faces
) -> None:
    """I05, I14: a failure is undecided, whatever came as its body; the command line says so with 3."""
    arguments = faces.arguments(badge_token(world).sign(world.acme))
    (tmp_path / "sources.json").write_bytes(encode({world.acme.did: {"$status": status}}))
    exit_code = main([*arguments, "--json"])
    shown = json.loads(capsys.readouterr().out)

    assert ("undecided", code, 3) == (shown["outcome"], shown["code"], exit_code)


@pytest.mark.parametrize(
    "code", ["fetch_timeout", "fetch_tls", "fetch_too_large", "fetch_redirect", "did_not_found", "odd"]
)
def test_what_cannot_be_had_is_undecided(world: World, code: str) -> None:
    """Each reason keeps its code, and one that is no reason is still no document."""
    world.served[acme_document(world)] = Absent(acme_document(world), code, "detail")
    report = world.verifier(trust=world.trust(**policy(world))).inspect(badge_token(world).sign(world.acme))

    assert ("undecided", code if code != "odd" else "did_not_found") == (report.outcome, report.code)


@pytest.mark.parametrize(("age", "code"), [(300, None), (301, "did_not_found"), (-60, None), (-61, "did_not_found")])
def test_i17_how_old_a_document_may_be(world: World, age: int, code: str | None) -> None:
    """I17: keys are believed for 300 s after they were had, and not before."""
    held = world.served[acme_document(world)]
    world.served[acme_document(world)] = Resource(held.url, held.body, NOW - timedelta(seconds=age))  # type: ignore[union-attr]
    report = world.verifier(trust=world.trust(**policy(world))).inspect(badge_token(world).sign(world.acme))

    assert code == report.code


def test_i17_a_removed_key(world: World, faces: Faces) -> None:
    """I17: the same verifier, the same credential, and a document that no longer lists the key."""
    verifier = world.verifier(trust=world.trust(**policy(world)))
    token = badge_token(world).sign(world.acme)
    assert "accepted" == verifier.inspect(token).outcome

    document: Any = parse(world.served[acme_document(world)].body).value  # type: ignore[union-attr]  # it was served
    world.serve(acme_document(world), encode({**document, "assertionMethod": []}))
    assert "purpose_not_authorized" == verifier.inspect(token).code


def test_i20_what_a_server_said_is_not_shown(world: World, faces: Faces) -> None:
    """I20: the body of an internal page reaches no report."""
    world.serve(
        acme_document(world), b'{"id":"did:web:acme.example","secret":"canary-7f3a","assertionMethod":"canary-7f3a"}'
    )
    verifier = world.verifier(trust=world.trust(**policy(world)))
    report = verifier.inspect(badge_token(world).sign(world.acme))

    assert "type_mismatch" == report.code
    assert b"canary" not in encode(report.encode())


def test_v12_urls_in_a_credential_are_not_fetched(world: World, faces: Faces) -> None:
    """V12, F17: evidence, schemas, services, contexts and terms of use stay where they are."""
    there = "https://evil.example/x"
    token = badge_token(
        world, evidence=[{"id": there, "type": "X"}], refreshService={"id": there, "type": "X"},
        termsOfUse={"id": there, "type": "X"}, credentialSchema={"id": there, "type": "JsonSchema"},
        relatedResource=[{"id": there, "digestSRI": f"sha256-{'A' * 43}="}],
        **{"@context": ["https://www.w3.org/ns/credentials/v2", there]},
    )  # fmt: skip
    verdict = faces(token.sign(world.acme))

    assert (acme_document(world),) == verdict.asked


def test_a_stranger_is_not_looked_up(world: World, faces: Faces) -> None:
    """A presenter's did:web is not asked for unless it is the leaf's subject."""
    stranger: Party = world.party("nobody", method="web")
    presented = world.present(world.root(), stranger)
    verdict = faces(presented, challenge="n-0S6_WzA2Mj")

    assert ("refused", "holder_binding_failed") == verdict.answer
    assert [] == [each for each in verdict.asked if "nobody" in each]
