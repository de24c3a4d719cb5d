"""The service that is put together from its parts, and the manifest that tells a suite whose keys it signs with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import Request, Response  # FastAPI reads annotations when it runs

from agentdid.clock import Clock, SystemClock
from agentdid.codec.strict_json import encode, parse_object
from agentdid.did import key as did_key
from agentdid.errors import AgentdidError, CredentialNotFound, TypeMismatch
from agentdid.http.problems import problem
from agentdid.http.service import create_service
from agentdid.http.vc_api.contexts import register_contexts
from agentdid.http.vc_api.did import add_did
from agentdid.http.vc_api.instances import INSTANCES
from agentdid.http.vc_api.issuing import Issuing, derive_credential
from agentdid.http.vc_api.lists import PATH, OwnLists
from agentdid.http.vc_api.policy import CONFORMANCE, LENIENT, refusal
from agentdid.http.vc_api.verifying import Verifying
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from agentdid.limits import Limits
    from agentdid.sources.resolver import Resolver

ISSUERS: Final = {"ed": "Ed25519", "p256": "P-256", "p384": "P-384", "bls": "BLS12-381-G2", "mldsa44": "ML-DSA-44"}
"""The name of each issuer in the manifest, and what its key is of."""
_CREATED: Final = 201


def make_keys() -> dict[str, SecretKey]:
    """Return a fresh key for every issuer whose algorithm has secrets here; they live as long as the process."""
    return {
        name: SecretKey.generate(algorithm) for name, algorithm in ISSUERS.items() if ALGORITHMS[algorithm].seed_len
    }


def manifest(keys: Mapping[str, SecretKey]) -> dict[str, str]:
    """Return what the manifest says: each issuer's name and its did:key."""
    return {name: did_key.create(key.public) for name, key in keys.items()}


def create_vc_api_app(
    resolver: Resolver,
    keys: dict[str, SecretKey] | None = None,
    *,
    lenient_issuer: bool = False,
    clock: Clock | None = None,
) -> FastAPI:
    """Return the service.

    Args:
        resolver: Answers `GET /did/…`; nobody else asks it.
        keys: From `make_keys`, which is called without them.
        lenient_issuer: Whether a credential may be signed by another than its issuer.
        clock: Tells the time.
    """
    register_contexts()
    told = clock or SystemClock()
    keys = make_keys() if keys is None else keys
    lists = OwnLists(keys["ed"], told)
    app = create_service("agentdid VC-API", close=lists.close)
    issuing = Issuing(keys, lists, told)
    verifying = Verifying(LENIENT if lenient_issuer else CONFORMANCE, lists, told)
    add_did(app, resolver)

    async def on_agentdid(_request: Request, error: Exception) -> Response:
        """Answer a refusal."""
        app.state.outcomes.labels(error.family, error.code).inc()  # type: ignore[attr-defined]  # as registered
        return refusal(error)  # type: ignore[arg-type]  # registered for AgentdidError

    app.add_exception_handler(AgentdidError, on_agentdid)

    @app.post("/{instance}/credentials/issue")
    async def issue(instance: str, request: Request) -> Response:
        """Sign a credential."""
        row = INSTANCES.get(instance)
        if row is None:
            return problem(404, "http_404", f"expected an instance of {', '.join(INSTANCES)}")
        body, options = await _read(request, app.state.limits)
        secured = issuing.issue(row, body.get("credential"), options, _base_url(request))
        return _json({"verifiableCredential": secured}, _CREATED)

    @app.post("/credentials/verify")
    async def verify_credential(request: Request) -> Response:
        """Verify a credential."""
        body, options = await _read(request, app.state.limits)
        verifying.check_credential(body.get("verifiableCredential"), options)
        return _verified()

    @app.post("/presentations/verify")
    async def verify_presentation(request: Request) -> Response:
        """Verify a presentation."""
        body, options = await _read(request, app.state.limits)
        verifying.check_presentation(body.get("verifiablePresentation"), options)
        return _verified()

    @app.post("/credentials/derive")
    async def derive(request: Request) -> Response:
        """Derive what a holder shows of a credential."""
        body, options = await _read(request, app.state.limits)
        derived = derive_credential(body.get("verifiableCredential"), options)
        return _json({"verifiableCredential": derived}, _CREATED)

    @app.get(f"{PATH}/{{list_id}}")
    async def status_list(list_id: str, request: Request) -> Response:
        """Serve a status list."""
        try:
            body = lists.signed(list_id, f"{_base_url(request)}{PATH}/{list_id}")
        except CredentialNotFound:
            return problem(404, "http_404", "no such status list")
        return Response(body, media_type="application/json", headers={"Access-Control-Allow-Origin": "*"})

    return app


async def _read(request: Request, limits: Limits) -> tuple[dict[str, object], dict[str, object]]:
    """Return a request's body and its options."""
    body: dict[str, object] = parse_object(await request.body(), limits).value  # type: ignore[assignment]  # an object
    options = body.get("options")
    if options is None:
        return body, {}
    if type(options) is not dict:
        raise TypeMismatch("expected an object", path="/options")
    return body, options


def _base_url(request: Request) -> str:
    """Return where this service was called, as a proxy in front of it says (specs know only https lists)."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
    host = request.headers.get("x-forwarded-host", request.headers.get("host", "localhost")).split(",")[0].strip()
    return f"{scheme}://{host}"


def _verified() -> Response:
    return _json({"verified": True, "checks": ["proof"], "warnings": [], "errors": []}, 200)


def _json(content: dict[str, object], status: int) -> Response:
    return Response(encode(content), status, media_type="application/json")
