"""The real services in process, and honest requests to each, to be mutated."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import parse
from agentdid.http import create_approval_app, create_issuer_app, create_verifier_app
from agentdid.http.issuer_admin import admin_verifier
from agentdid.http.resolver_app import create_resolver_app
from agentdid.http.vc_api import app as vc_api
from agentdid.issuer.issuer import Issuer
from agentdid.sources.resolver import Resolver
from tests.fuzz import material
from tests.stores import CHEAP, PASSPHRASE
from tests.unit.wallet.test_passing_on import asked_of, wallet_of, watched
from tests.world import NOW, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from fastapi import FastAPI

_TOKEN: Final = "token-of-the-test"
_HASH: Final = hashlib.sha256(_TOKEN.encode()).hexdigest()
_BEARER: Final = {"Authorization": f"Bearer {_TOKEN}"}


@dataclass(frozen=True)
class Asked:
    """One honest request."""

    method: str
    path: str
    body: object = None


@dataclass(frozen=True)
class Service:
    """A service and what honest clients ask of it.

    Attributes:
        app: The ASGI app.
        asked: Honest requests.
        headers: What opens the routes that are not for everybody.
        endless: Routes whose answer does not end.
    """

    app: FastAPI
    asked: tuple[Asked, ...]
    headers: dict[str, str] = field(default_factory=dict)
    endless: tuple[str, ...] = ()


@contextmanager
def issuer(folder: Path) -> Iterator[Service]:
    """An issuer's service, its administration included."""
    here = World()
    with Issuer.create(
        folder / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP, did=here.acme.did, clock=FixedClock(NOW)
    ) as made:
        app = create_issuer_app(made, token_hash=_HASH, verifier=admin_verifier(made, clock=FixedClock(NOW)))
        wanted = {"to": here.agent.did, "capability": here.capability(), "ttl_s": 60, "claims": {"name": "Ada"}}
        issued = made.issue(to=here.agent.did, capability=here.capability())
        name = quote(issued.id, safe="")
        yield Service(
            app,
            (
                Asked("POST", "/credentials", wanted),
                Asked("POST", "/credentials", wanted | {"format": "eddsa-jcs-2022", "statusForm": "token"}),
                Asked("POST", "/credentials/batch", {"credentials": [wanted, wanted]}),
                Asked("POST", "/credentials/status", {"act": "suspend", "subject": here.stranger.did, "reason": "x"}),
                Asked("POST", f"/credentials/{name}/suspend", {"reason": "lost"}),
                Asked("POST", f"/credentials/{name}/reinstate"),
                Asked("GET", f"/credentials/{name}"),
                Asked("GET", f"/credentials?subject={quote(here.agent.did)}&limit=3&after=0"),
                Asked("GET", "/status/aggregation"),
                Asked("GET", "/status/1"),
                Asked("GET", "/status/1/7"),
                Asked("GET", "/.well-known/did.json"),
            ),
            _BEARER,
            ("/status/events",),
        )


@contextmanager
def verifier(_folder: Path) -> Iterator[Service]:
    """A verifier's service; its challenges are its own, so honest presentations end at the nonce."""
    here = material.world()
    judge = here.verifier()
    request = {"action": "invoice.read", "resource": RESOURCE, "arguments": {"amount": "1.00"}, "id": "r1"}
    bodies: list[dict[str, object]] = [
        {"presentation": each.decode(), "challenge": material.CHALLENGE, "request": request}
        for each in material.presentations()
    ]
    bodies.append({"presentation": parse(material.presentations()[-1]).value, "challenge": judge.issue_nonce()})
    query = {"credentials": [{"id": "a", "format": "vc+sd-jwt", "meta": {"type_values": [["X"]]}}]}
    bodies.append({**bodies[0], "query": query})
    yield Service(
        create_verifier_app(judge),
        (
            Asked("POST", "/challenges"),
            *(Asked("POST", "/verify", each) for each in bodies),
            Asked("POST", "/credentials/verify", {"credential": list(material.chain())}),
            Asked("POST", "/credentials/verify", {"credential": material.secured("vc+sd-jwt").decode()}),
            Asked("POST", "/credentials/verify", {"credential": parse(material.secured("eddsa-rdfc-2022")).value}),
        ),
    )


@contextmanager
def resolver(_folder: Path) -> Iterator[Service]:
    """A resolver's service."""
    identifiers = [
        *material.dids(),
        f"{material.world().acme.did}#key-1",
        "did:web:acme.example?service=files&relativeRef=/a",
    ]
    yield Service(
        create_resolver_app(Resolver(material.world())),
        (
            Asked("GET", "/1.0/methods"),
            *(Asked("GET", f"/1.0/identifiers/{quote(each, safe=':')}") for each in identifiers),
            Asked(
                "GET", f"/1.0/identifiers/{identifiers[0]}?publicKeyFormat=JsonWebKey&versionTime=2026-11-24T12:00:00Z"
            ),
        ),
    )


@contextmanager
def approvals(folder: Path) -> Iterator[Service]:
    """An approver's service."""
    here = World()
    boss = here.party("boss")
    chain = watched(here, boss)
    with wallet_of(here, boss, folder / "boss.wallet") as wallet:
        asked = {"approval": asked_of(here, chain), "chain": chain}
        yield Service(
            create_approval_app(wallet, token_hash=_HASH, clock=FixedClock(NOW)),
            (
                Asked("POST", "/approvals", asked),
                Asked("GET", "/approvals"),
                Asked("GET", "/approvals/x"),
                Asked("POST", "/approvals/x/decision", {"approve": True}),
            ),
            _BEARER,
        )


@contextmanager
def conformance(_folder: Path) -> Iterator[Service]:
    """The VC-API instance that official suites speak to."""
    app = vc_api.create_vc_api_app(Resolver(material.world()), clock=FixedClock(NOW))
    plain = material.credential(type=["VerifiableCredential"], credentialSubject={"id": "urn:x:1", "name": "Ada"})
    for name in ("relatedResource", "credentialStatus", "evidence", "termsOfUse"):
        del plain[name]
    issue = [
        Asked(
            "POST", f"/{name}/credentials/issue", {"credential": plain, "options": {"mandatoryPointers": ["/issuer"]}}
        )
        for name in ("eddsa-rdfc-2022", "ecdsa-sd-2023", "BitstringStatusList", "EnvelopingProof", "mldsa44-jcs-2024")
    ]
    made = {}
    for name in ("eddsa-jcs-2022", "ecdsa-sd-2023", "bbs-2023"):
        answer = call(app, "POST", f"/{name}/credentials/issue", json=issue[0].body)
        made[name] = answer.json()["verifiableCredential"]
    checks = [Asked("POST", "/credentials/verify", {"verifiableCredential": each}) for each in made.values()]
    checks += [
        Asked(
            "POST",
            "/credentials/derive",
            {"verifiableCredential": made[name], "options": {"selectivePointers": ["/name"]}},
        )
        for name in ("ecdsa-sd-2023", "bbs-2023")
    ]
    presented = parse(material.presentations()[-1]).value
    options = {"challenge": material.CHALLENGE, "domain": "https://api.partner.example"}
    checks.append(Asked("POST", "/presentations/verify", {"verifiablePresentation": presented, "options": options}))
    did = quote(material.dids()[0], safe="")
    yield Service(app, (*issue, *checks, Asked("GET", f"/did/{did}"), Asked("GET", "/status-lists/1")))


def call(app: FastAPI, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401  # httpx
    """Call once; what the app raises is raised."""
    import asyncio  # noqa: PLC0415  # beside its caller

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://acme.example") as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


SERVICES: Final[dict[str, Callable[[Path], AbstractContextManager[Service]]]] = {
    "issuer": issuer,
    "verifier": verifier,
    "resolver": resolver,
    "approvals": approvals,
    "vc-api": conformance,
}
