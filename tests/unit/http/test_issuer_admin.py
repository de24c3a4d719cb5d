"""The administrator's API of an issuer: who may, what a body cannot set, batches, search, rotation, and its OpenAPI."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.http.issuer_admin import admin_verifier
from agentdid.http.issuer_app import create_issuer_app
from agentdid.issuer.issuer import Issuer
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import content_digest, encode_authorization
from agentdid.present.presentation import make_presentation
from agentdid.storage.controlled import make
from agentdid.verify.case import HttpRequest
from tests.stores import CHEAP, PASSPHRASE
from tests.unit.http.test_services import call
from tests.world import NOW, Party, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from fastapi import FastAPI

TOKEN = "token-of-the-test"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
ORIGIN = "https://acme.example"


@pytest.fixture
def world() -> World:
    """The world of the service."""
    return World()


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """A company that issues."""
    with Issuer.create(
        tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP, did="did:web:acme.example", clock=FixedClock(NOW)
    ) as made:
        yield made


@pytest.fixture
def app(issuer: Issuer) -> FastAPI:
    """Its service, which takes the token and capabilities."""
    verifier = admin_verifier(issuer, clock=FixedClock(NOW))
    return create_issuer_app(issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest(), verifier=verifier)


def wanted(world: World, **changes: object) -> dict[str, object]:
    """What is asked of the issuer."""
    return {"to": world.agent.did, "capability": world.capability()} | changes


def admin_chain(issuer: Issuer, admin: Party, actions: list[str], resource: str = ORIGIN, **members: object) -> Any:  # noqa: ANN401
    """A capability over the issuer's own service."""
    grant = World.grant(actions=actions, resources=[resource], **members)
    capability = {
        "root": issuer.did, "principal": issuer.did, "purpose": "administration", "grants": [grant],
        "audience": [issuer.did], "delegation": {"maxDepth": 0}, "parent": None, "minSecurity": "classical",
    }  # fmt: skip
    return list(issuer.issue(to=admin.did, capability=capability).chain)


def as_admin(app: FastAPI, admin: Party, chain: Any, method: str, path: str, body: object = None) -> httpx.Response:  # noqa: ANN401
    """Call with a presentation for this one request, in answer to the challenge that the first try gets."""
    content = b"" if body is None else encode(body)
    headers = {"Content-Type": "application/json"} if content else {}
    first = call(app, method, path, content=content, headers=headers)
    assert 401 == first.status_code
    challenge = Challenge.find([first.headers["WWW-Authenticate"]])
    assert challenge is not None
    presented = make_presentation(
        chain, holder=admin.did, signer=admin.secret, method_id=admin.method_id, audience=challenge.audience,
        challenge=challenge.nonce, at=NOW, http=HttpRequest(method, f"{ORIGIN}{path}", content_digest(content)),
    )  # fmt: skip
    shown = {"Authorization": encode_authorization(presented)}
    return call(app, method, path, content=content, headers=headers | shown)


def test_a_capability_over_itself_lets_in(world: World, issuer: Issuer, app: FastAPI) -> None:
    """Who holds the issuer's own capability may do what it says, and nothing else; a revoked one lets nobody in."""
    admin = world.helper
    chain = admin_chain(issuer, admin, ["issuer.issue", "issuer.revoke"])
    made = as_admin(app, admin, chain, "POST", "/credentials", wanted(world))
    revoked = as_admin(app, admin, chain, "POST", f"/credentials/{made.json()['id']}/revoke", {"reason": "test"})
    reading = as_admin(app, admin, chain, "GET", "/credentials")
    stranger = as_admin(app, world.stranger, chain, "POST", "/credentials", wanted(world))
    entry = next(each for each in issuer.ledger.walk() if each.subject == admin.did)
    issuer.revoke(entry.credential_id)
    after = as_admin(app, admin, chain, "POST", "/credentials", wanted(world))

    assert (201, 200, True) == (made.status_code, revoked.status_code, revoked.json()["changed"])
    assert [(403, "query_not_satisfied"), (403, "holder_binding_failed"), (403, "status_revoked")] == [
        (each.status_code, each.json()["code"]) for each in (reading, stranger, after)
    ]


def test_a_query_does_not_stand_for_what_is_in_a_body(world: World, issuer: Issuer, app: FastAPI) -> None:
    """Who may issue to one party issues to no other: neither by a batch, nor with that party in the query."""
    admin = world.helper
    only = {"to": {"type": "const", "value": world.agent.did}}
    chain = admin_chain(issuer, admin, ["issuer.issue"], constraints=only)
    other = wanted(world, to=world.stranger.did)
    query = f"?to={world.agent.did}"
    codes = [
        as_admin(app, admin, chain, "POST", path, body).status_code
        for path, body in (
            ("/credentials", wanted(world)),
            ("/credentials", other),
            (f"/credentials{query}", other),
            ("/credentials/batch", {"credentials": [other]}),
            (f"/credentials/batch{query}", {"credentials": [other]}),
        )
    ]

    assert [201, 403, 403, 403, 403] == codes


@pytest.mark.parametrize("resource", [ORIGIN, f"{ORIGIN}/", f"{ORIGIN}/credentials", f"{ORIGIN}/keys/rotate"])
def test_who_may_issue_makes_himself_no_administrator(
    world: World, issuer: Issuer, app: FastAPI, resource: str
) -> None:
    """A capability over the service is not had by way of the service, but by the token or by delegation."""
    admin = world.helper
    chain = admin_chain(issuer, admin, ["issuer.issue"])

    def asking(where: str) -> dict[str, object]:
        grant = World.grant(actions=["issuer.rotate", "issuer.revoke"], resources=[where])
        own = world.capability(root=issuer.did, principal=issuer.did, grants=[grant], audience=[issuer.did])
        return {"to": admin.did, "capability": own}

    refused = [
        as_admin(app, admin, chain, "POST", "/credentials", asking(resource)),
        as_admin(app, admin, chain, "POST", "/credentials/batch", {"credentials": [wanted(world), asking(resource)]}),
    ]
    elsewhere = as_admin(app, admin, chain, "POST", "/credentials", asking(f"{ORIGIN}/v1/invoices"))
    by_token = call(
        app, "POST", "/credentials", content=encode(asking(resource)), headers={"Authorization": f"Bearer {TOKEN}"}
    )

    assert [(403, "capability_not_attenuated")] * 2 == [(each.status_code, each.json()["code"]) for each in refused]
    assert [201, 201] == [elsewhere.status_code, by_token.status_code]


def test_a_capability_of_somebody_else_does_not(world: World, app: FastAPI) -> None:
    """A capability that another issued, over this service or its own, lets nobody in."""
    found = as_admin(app, world.agent, world.root(), "POST", "/credentials", wanted(world))

    assert (403, "chain_root_untrusted") == (found.status_code, found.json()["code"])


@pytest.mark.parametrize("path", ["/credentials", "/credentials/batch", "/credentials/status", "/keys/rotate"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
def test_nobody_else_may(app: FastAPI, path: str, headers: dict[str, str]) -> None:
    """Without a token or a capability: 401, and nothing was read of the body."""
    answer = call(app, "POST", path, content=b"{", headers=headers)

    assert 401 == answer.status_code
    assert answer.json()["code"] in ("token_required", "presentation_required")


@pytest.mark.parametrize(
    "member",
    [
        "issuer",
        "validFrom",
        "validUntil",
        "credentialStatus",
        "id",
        "proof",
        "@context",
        "type",
        "iss",
        "status",
        "key",
    ],
)
def test_n15_a_body_cannot_set_what_is_the_issuers(world: World, issuer: Issuer, app: FastAPI, member: str) -> None:
    """N15: server-owned members are refused with a problem that does not repeat them, alone or in a batch."""
    answers = [
        call(app, "POST", "/credentials", json=wanted(world, **{member: "x"}), headers=AUTHORIZED),
        call(
            app, "POST", "/credentials/batch", json={"credentials": [wanted(world, **{member: 1})]}, headers=AUTHORIZED
        ),
    ]

    assert [(422, "request_invalid")] * 2 == [(each.status_code, each.json()["code"]) for each in answers]
    assert ["application/problem+json"] * 2 == [each.headers["content-type"] for each in answers]
    assert not any(member in each.json()["detail"] for each in answers if member not in ("id", "type", "key"))
    assert [] == issuer.ledger.search()


@pytest.mark.parametrize("member", ["id", "capability"])
def test_n15_claims_cannot_either(world: World, app: FastAPI, member: str) -> None:
    """N15: nor can the claims about the subject."""
    answer = call(app, "POST", "/credentials", json=wanted(world, claims={member: "x"}), headers=AUTHORIZED)

    assert (400, "type_mismatch") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
@pytest.mark.parametrize("status", ["bitstring", "token"])
def test_n19_the_same_key_the_same_credential(
    world: World, issuer: Issuer, app: FastAPI, form: str, status: str
) -> None:
    """N19: byte for byte the same, also from another process; another order under the key is a conflict."""
    if (form, status) == ("eddsa-jcs-2022", "token"):
        pytest.skip("no token, no claim")
    headers = AUTHORIZED | {"Idempotency-Key": "one"}
    body = wanted(world, format=form, statusForm=status, claims={"name": "Ada"})
    first, second = (call(app, "POST", "/credentials", json=body, headers=headers) for _ in range(2))
    other = call(app, "POST", "/credentials", json=body | {"ttl_s": 60}, headers=headers)

    assert (201, 201) == (first.status_code, second.status_code)
    assert first.content == second.content
    assert (409, "credential_exists") == (other.status_code, other.json()["code"])
    assert 1 == issuer.ledger.count()


def test_z18_a_batch(world: World, issuer: Issuer, app: FastAPI) -> None:
    """Z18, N18: ten that are asked for together have ten ids, indexes and salts; one that is refused stops none."""
    orders = [wanted(world, claims={"n": n, "m": 1}, disclosable=["credentialSubject.m"]) for n in range(10)]
    orders[4]["to"] = "nobody"
    headers = AUTHORIZED | {"Idempotency-Key": "batch"}
    answers = [call(app, "POST", "/credentials/batch", json={"credentials": orders}, headers=headers) for _ in range(2)]
    rows = [json.loads(line) for line in answers[0].text.splitlines()]
    good = [row for row in rows if "id" in row]
    salted = [tuple(row["credential"].split("~")[1:-1]) for row in good]
    entries = [issuer.ledger.find(row["id"]) for row in good]

    assert ("application/x-ndjson", list(range(10))) == (
        answers[0].headers["content-type"], [row["position"] for row in rows],
    )  # fmt: skip
    assert {"position": 4, "status": 400, "code": "did_invalid"} == {
        name: value for name, value in rows[4].items() if name != "detail"
    }
    assert (
        9 == len(good) == len({entry.index for entry in entries}) == len({each for row in salted for each in row}) // 2
    )
    assert answers[0].content == answers[1].content
    assert 9 == issuer.ledger.count()


def test_search_and_history(world: World, issuer: Issuer, app: FastAPI) -> None:
    """Pages that go on, by subject, key and state; one credential with all that was done to it."""
    made = [call(app, "POST", "/credentials", json=wanted(world), headers=AUTHORIZED).json()["id"] for _ in range(5)]
    call(app, "POST", f"/credentials/{made[1]}/suspend", headers=AUTHORIZED)
    call(app, "POST", f"/credentials/{made[2]}/revoke", json={"reason": "lost"}, headers=AUTHORIZED)
    call(app, "POST", "/credentials/status", json={"act": "suspend", "credentials": [made[3]]}, headers=AUTHORIZED)
    first = call(app, "GET", "/credentials?limit=3", headers=AUTHORIZED).json()
    second = call(app, "GET", f"/credentials?limit=3&before={first['next']}", headers=AUTHORIZED).json()
    suspended = call(app, "GET", "/credentials?state=suspended", headers=AUTHORIZED).json()
    counts = [
        len(call(app, "GET", f"/credentials?before={number}", headers=AUTHORIZED).json()["credentials"])
        for number in (1 << 63, 1 << 200, -(1 << 63) - 1)
    ]
    one = call(app, "GET", f"/credentials/{made[2]}", headers=AUTHORIZED).json()

    assert made[::-1] == [each["id"] for page in (first, second) for each in page["credentials"]]
    assert None is second["next"]
    assert [5, 5, 0] == counts  # numbers that no database counts to
    assert [made[3], made[1]] == [each["id"] for each in suspended["credentials"]]
    assert ("revoked", [("revoke", "lost")]) == (
        one["state"], [(each["act"], each["reason"]) for each in one["history"]],
    )  # fmt: skip
    assert one["key"] == f"{issuer.did}#key-1"
    assert 404 == call(app, "GET", "/credentials/urn:none", headers=AUTHORIZED).status_code


def test_k25_no_way_back_over_http(world: World, app: FastAPI) -> None:
    """K25: reinstating or suspending what was revoked is a conflict, by itself and with the kill switch a nothing."""
    made = call(app, "POST", "/credentials", json=wanted(world), headers=AUTHORIZED).json()["id"]
    plain = call(app, "POST", "/credentials", json=wanted(world, suspendable=False), headers=AUTHORIZED).json()["id"]
    call(app, "POST", f"/credentials/{made}/revoke", headers=AUTHORIZED)
    answers = [
        call(app, "POST", f"/credentials/{each}/{act}", headers=AUTHORIZED)
        for each, act in ((made, "reinstate"), (made, "suspend"), (plain, "suspend"))
    ]
    many = call(app, "POST", "/credentials/status", json={"act": "reinstate", "everything": True}, headers=AUTHORIZED)

    assert [(409, "revocation_final"), (409, "revocation_final"), (409, "credential_not_suspendable")] == [
        (each.status_code, each.json()["code"]) for each in answers
    ]
    assert {"changed": 0} == many.json()


def test_p09_rotation_breaks_nothing_that_is_out(world: World, tmp_path: Path) -> None:
    """P09: after a rotation what was issued before and after verifies, and so do the lists."""
    made = make("acme.example", None, [], at=NOW - timedelta(hours=1))
    with Issuer.create(
        tmp_path / "vh.db", passphrase=PASSPHRASE, kdf=CHEAP, webvh=made, clock=FixedClock(NOW)
    ) as issuer:
        app = create_issuer_app(issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest())
        body = {"to": world.agent.did, "capability": world.capability(principal=issuer.did)}
        before = call(app, "POST", "/credentials", json=body, headers=AUTHORIZED).json()
        rotated = call(app, "POST", "/keys/rotate", headers=AUTHORIZED)
        after = call(app, "POST", "/credentials", json=body, headers=AUTHORIZED).json()
        for url, (content, _) in issuer.did_files().items():
            world.serve(url, content)
        for name in issuer.lists.names():
            world.serve(issuer.list_url(name), issuer.signed_list(name).body)
        anchor = {
            "did": issuer.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did],
            "actions": ["invoice.*"], "principals": [issuer.did],
        }  # fmt: skip
        verifier = world.verifier(trust=world.trust(anchor=[anchor]))

        assert 204 == rotated.status_code
        for each in (before, after):
            assert verifier.verify_credential(each["credential"]).credentials


def test_a_did_key_cannot_rotate(tmp_path: Path) -> None:
    """A did:key is its key: 422, and nothing changed."""
    with Issuer.create(tmp_path / "key.db", passphrase=PASSPHRASE, kdf=CHEAP) as issuer:
        app = create_issuer_app(issuer, token_hash=hashlib.sha256(TOKEN.encode()).hexdigest())
        answer = call(app, "POST", "/keys/rotate", headers=AUTHORIZED)

    assert (422, "did_method_unsupported") == (answer.status_code, answer.json()["code"])


def test_the_openapi_document_is_complete(app: FastAPI) -> None:
    """Every route has a summary and its answers; what needs an administrator says how to be one."""
    document = call(app, "GET", "/openapi.json").json()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    guarded = {name for name, operation in operations.items() if operation.get("security")}

    assert {"token", "capability"} == document["components"]["securitySchemes"].keys()
    assert guarded == {name for name in operations if "/credentials" in name or "/keys" in name}
    assert {"GET /status/events", "GET /status/{name}", "GET /status/aggregation"} < operations.keys()
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"] or name in guarded, name
        if name in guarded:
            assert {"401", "422", "503"} <= operation["responses"].keys(), name
        if name.startswith("POST") and name != "POST /keys/rotate":
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schema["additionalProperties"] is False, name


def test_times_are_aware(world: World, app: FastAPI) -> None:
    """A time without a zone in the kill switch is refused, not guessed; one with a zone is an instant."""
    call(app, "POST", "/credentials", json=wanted(world), headers=AUTHORIZED)
    naive = call(app, "POST", "/credentials/status", json={"issuedFrom": "2026-11-24T00:00:00"}, headers=AUTHORIZED)
    aware = call(
        app, "POST", "/credentials/status", headers=AUTHORIZED,
        json={"issuedFrom": datetime.isoformat(NOW - timedelta(1)), "issuedUntil": "2026-11-24T13:00:00+01:00"},
    )  # fmt: skip

    assert (422, {"changed": 1}) == (naive.status_code, aware.json())
