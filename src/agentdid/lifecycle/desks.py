"""An issuer as whoever looks after agents sees it: at hand, or behind its service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, final

from agentdid.codec.strict_json import parse
from agentdid.errors import CODES, AgentdidError, FetchFailed
from agentdid.issuer.own_source import OwnSource
from agentdid.issuer.status_ledger import Which

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import httpx

    from agentdid.issuer.issuer import Issuer
    from agentdid.issuer.orders import Order
    from agentdid.trust.denied import DenyEntry
    from agentdid.verify.needs import Source

_TIMEOUT_S: Final = 10.0
Wire = str | dict[str, object]


class Desk(Protocol):
    """Where credentials for agents are ordered and revoked."""

    name: str

    def issue(self, order: Order) -> list[Wire]:
        """Return the chain of a credential, root first; the order's idempotency key names it for ever."""
        ...

    def revoke(self, credential_id: str, reason: str) -> bool:
        """Revoke one credential for ever; return whether it was good until now."""
        ...

    def revoke_all(self, subject: str, reason: str) -> int:
        """Revoke all that was issued to a DID, for ever; return how many were good until now."""
        ...

    def publish(self) -> str | None:
        """Have the lists where verifiers read them; return where, or `None` where a service serves them."""
        ...

    def source(self, others: Source | None) -> Source | None:
        """Return where what this issuer publishes can be read, and all else by `others`."""
        ...


@final
class LocalDesk:
    """An issuer that is at hand.

    Args:
        issuer: The issuer; the caller closes it.
        folder: Where its lists are published as files, if they are.
    """

    def __init__(self, issuer: Issuer, folder: Path | None = None) -> None:
        self._issuer = issuer
        self._folder = folder
        self.name = issuer.did

    def issue(self, order: Order) -> list[Wire]:
        """Issue."""
        return list(self._issuer.issue_order(order).chain)

    def revoke(self, credential_id: str, reason: str) -> bool:
        """Revoke one."""
        return self._issuer.revoke(credential_id, reason=reason or None)

    def revoke_all(self, subject: str, reason: str) -> int:
        """Revoke all of a subject, at once."""
        return self._issuer.change_all("revoke", Which(subject=subject), reason=reason or None)

    def publish(self) -> str | None:
        """Write the DID document and the lists as files."""
        if self._folder is None:
            return None
        return f"{len(self._issuer.publish(self._folder))} files in {self._folder}"

    def source(self, others: Source | None) -> Source | None:
        """Return its own documents, and all else by `others`."""
        return OwnSource(self._issuer, others)


@final
class HttpDesk:
    """An issuer behind its service (`agentdid serve issuer`).

    Args:
        url: The service, without a trailing slash.
        token: Its administrator's token.
        client: To speak through; the caller closes it.
    """

    def __init__(self, url: str, token: str, client: httpx.Client) -> None:
        self.name = url
        self._call = _Caller(url, token, client)

    def issue(self, order: Order) -> list[Wire]:
        """Issue; a lost answer is asked for again under the same key."""
        body = {
            "to": order.to,
            "capability": dict(order.capability),
            "claims": None if order.claims is None else dict(order.claims),
            "disclosable": [".".join(str(step) for step in path) for path in order.disclosable],
            "parent": None if order.parent is None else list(order.parent),
            "ttl_s": int(order.ttl.total_seconds()),
            "statusForm": order.status,
            "suspendable": order.suspendable,
            **({} if order.form is None else {"format": order.form}),
        }
        headers = {} if order.idempotency_key is None else {"Idempotency-Key": order.idempotency_key}
        return list(self._call("/credentials", body, headers)["chain"])

    def revoke(self, credential_id: str, reason: str) -> bool:
        """Revoke one."""
        return self._status({"credentials": [credential_id]}, reason) > 0

    def revoke_all(self, subject: str, reason: str) -> int:
        """Revoke all of a subject, at once."""
        return self._status({"subject": subject}, reason)

    def publish(self) -> str | None:
        """Its lists are served as they are."""
        return None

    def source(self, others: Source | None) -> Source | None:
        """It is read over the network, as by everybody."""
        return others

    def _status(self, which: Mapping[str, object], reason: str) -> int:
        return int(self._call("/credentials/status", {"act": "revoke", **which, "reason": reason or None})["changed"])


@final
class HttpDenyList:
    """The deny list of a verifier behind its service (`agentdid serve verifier --admin`)."""

    def __init__(self, url: str, token: str, client: httpx.Client) -> None:
        self._call = _Caller(url, token, client)

    def add(self, entry: DenyEntry) -> bool:
        """Have an entry written; what was there before is not known."""
        until = None if entry.until is None else entry.until.isoformat()
        body = {"kind": entry.kind, "value": entry.value, "reason": entry.reason, "until": until}
        self._call("/denied", body)
        return True


@final
class _Caller:
    """Posts JSON, and raises what the service refuses for."""

    def __init__(self, url: str, token: str, client: httpx.Client) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = client

    def __call__(self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  # JSON
        """Return the answer's JSON. Raises what the service's code says; `FetchFailed` for everything else."""
        import httpx  # noqa: PLC0415  # an issuer at hand needs none

        try:
            answer = self._client.post(
                f"{self._url}{path}", json=dict(body), headers={**self._headers, **(headers or {})}, timeout=_TIMEOUT_S
            )
            value = parse(answer.content).value
        except (httpx.HTTPError, AgentdidError) as error:
            raise FetchFailed(f"{self._url} did not answer ({type(error).__name__})") from None
        if answer.is_success:
            return value
        code = value.get("code") if isinstance(value, dict) else None
        found = CODES.get(code) if isinstance(code, str) else None
        detail = value.get("detail") if isinstance(value, dict) else None
        if found is None:
            raise FetchFailed(f"{self._url} answered {answer.status_code} ({code}: {detail})")
        raise found(f"{self._url}: {detail}")
