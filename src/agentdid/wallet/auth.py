"""`httpx.Client(auth=wallet.auth())`: answers a partner's challenge with a presentation bound to the one request.

The flow is a generator, as httpx's own (`httpx.Auth.auth_flow`); the synchronous and the asynchronous client drive
the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import httpx

from agentdid.audit.receipt import HEADER, MAX_RECEIPT
from agentdid.codec.strict_json import parse
from agentdid.errors import FetchScheme, Malformed, QueryNotSatisfied
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import content_digest, encode_authorization, normalize_url
from agentdid.query.dcql import Query, parse_query
from agentdid.verify.case import HttpRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from agentdid.wallet.wallet import Wallet

    Approve = Callable[[dict[str, object]], Sequence[str | dict[str, object]]]

_ROUNDS: Final = 3
"""Presentations for one call: a server may lose a nonce (ATTACKS Z19), but it may not make us sign without end."""
_MAX_QUERIES: Final = 64
_PROBLEM: Final = "application/problem+json"
_REQUIRED: Final = "approval_required"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@final
class AgentAuth(httpx.Auth):
    """An httpx authentication that presents a wallet's credentials where a server asks for them.

    Nothing is signed for a challenge whose audience is not the origin that was called, nor over plain http other
    than to this machine. Errors of the wallet (`capability_ambiguous`, `query_not_satisfied`, …) reach the caller.

    Spec: specs/presentation-over-http.md.
    """

    def __init__(
        self, wallet: Wallet, *, principal: str | None = None, approve: Approve | None = None, receipts: bool = False
    ) -> None:
        self._wallet = wallet
        self._receipts = receipts
        self._principal = principal
        self._approve = approve
        self._queries: dict[str, Query] = {}

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Drive the flow for `httpx.Client`."""
        request.read()
        flow = self._flow(request)
        sent = next(flow)
        while True:
            response = yield sent
            if sent is not request or response.status_code == httpx.codes.FORBIDDEN:
                response.read()
            try:
                sent = flow.send(response)
            except StopIteration:
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Drive the flow for `httpx.AsyncClient`."""
        await request.aread()
        flow = self._flow(request)
        sent = next(flow)
        while True:
            response = yield sent
            if sent is not request or response.status_code == httpx.codes.FORBIDDEN:
                await response.aread()
            try:
                sent = flow.send(response)
            except StopIteration:
                return

    def _flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield from self._present(request, ())
        asked = _find_asked(response) if self._approve is not None else None
        if asked is not None and self._approve is not None and (given := self._approve(asked)):
            del request.headers["Authorization"]  # which was for the nonce before
            yield from self._present(request, given)

    def _present(
        self, request: httpx.Request, approvals: Sequence[str | dict[str, object]]
    ) -> Generator[httpx.Request, httpx.Response, httpx.Response]:
        """Send a request, answer the challenges that come, and return what it came to."""
        response = yield request
        for _ in range(_ROUNDS):
            if response.status_code != httpx.codes.UNAUTHORIZED:
                break
            challenge = Challenge.find(response.headers.get_list("WWW-Authenticate"))
            if challenge is None:
                break  # somebody else's kind of authentication
            url = str(request.url)
            challenge.check_for(url)
            if request.url.scheme != "https" and request.url.host not in _LOOPBACK:
                raise FetchScheme("presentations are sent over https only")
            query = None
            if challenge.dcql is not None:
                query = self._queries.get(challenge.dcql)
                if query is None:
                    query = _read_query((yield httpx.Request("GET", challenge.dcql)), challenge.dcql)
                    if len(self._queries) < _MAX_QUERIES:
                        self._queries[challenge.dcql] = query
            presentation = self._wallet.present(
                challenge=challenge.nonce,
                audience=challenge.audience,
                query=query,
                principal=self._principal,
                http=HttpRequest(request.method, normalize_url(url), content_digest(request.content)),
                approvals=approvals,
            )
            request.headers["Authorization"] = encode_authorization(presentation)
            response = yield request
            if self._receipts:
                self._keep_receipt(request, response, presentation)
        return response

    def _keep_receipt(self, request: httpx.Request, response: httpx.Response, presentation: str) -> None:
        token = response.headers.get(HEADER)
        if token is not None and len(token) <= MAX_RECEIPT:
            self._wallet.keep_receipt(token, presentation, method=request.method, url=str(request.url))


def _find_asked(response: httpx.Response) -> dict[str, object] | None:
    """Return what a partner wants approved, or `None` where it wants nothing of the kind."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if response.status_code != httpx.codes.FORBIDDEN or kind != _PROBLEM:
        return None
    try:
        value = parse(response.content).value
    except Malformed:
        return None
    asked = value.get("approval") if isinstance(value, dict) and value.get("code") == _REQUIRED else None
    return asked if isinstance(asked, dict) else None


def _read_query(response: httpx.Response, url: str) -> Query:
    if response.status_code != httpx.codes.OK or str(response.url) != url:
        raise QueryNotSatisfied(f"the query that the challenge names could not be read ({response.status_code})")
    return parse_query(parse(response.content).value)
