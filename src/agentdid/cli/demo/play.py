"""The play in eleven steps: who does what, and what must come of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.cli.demo.stage import HOST, free_ports
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.cli.demo.stage import Stage

STALENESS_S: Final = 2.0
"""How old a status list may be at the partner: the bound within which a revocation must bite."""
_REFRESH_S: Final = "0.4"
_POLL_S: Final = 0.1
_MAX_HEADER: Final = 57_344
"""Four links under two proofs each, and the presentation, in base64url."""


@final
class Step(Value, frozen=True):
    """One step as it went.

    Attributes:
        name: Its field in the JSON.
        title: What happens, for people.
        expected: `accepted`, or the error code that must come.
        observed: What came.
        seconds: How long it took.
        facts: More of what was seen.
    """

    name: str
    title: str
    expected: str
    observed: str
    seconds: float
    facts: dict[str, object]

    @property
    def ok(self) -> bool:
        """Whether it went as stated."""
        return self.observed == self.expected

    def encode(self) -> dict[str, object]:
        """Return the step as JSON."""
        return {
            "title": self.title,
            "ok": self.ok,
            "expected": self.expected,
            "observed": self.observed,
            "seconds": round(self.seconds, 3),
            **self.facts,
        }


Outcome = tuple[str, dict[str, object]]


@final
class Play:
    """The actors on their stage, and the steps in order."""

    def __init__(self, stage: Stage, *, hybrid: bool = False) -> None:
        self._stage = stage
        self._hybrid = hybrid
        self._acme_port, self._partner_port, self._api_port, self._site_port = free_ports(4)
        self._acme = f"did:web:{HOST}%3A{self._acme_port}"
        self._partner = f"did:web:{HOST}%3A{self._partner_port}"
        self._api = f"https://{HOST}:{self._api_port}"
        self._invoice = f"{self._api}/v1/invoices/7"
        self._chain: list[object] = []
        self._credential = ""
        self._delegated: list[object] = []

    @property
    def steps(self) -> list[tuple[str, str, str, Callable[[], Outcome]]]:
        """Name, title, expectation and action of each step."""
        # a token and a proof say each in its own way that they were made for somebody else
        elsewhere = "invalid_domain_error" if self._hybrid else "audience_mismatch"
        stripped = ("stripped", "refused: its post-quantum proof taken away", "hybrid_component_missing", self._strip)
        return [
            ("partner_grants_company", "the partner grants the company", "accepted", self._grant),
            ("company_issues_to_agent", "the company issues to its agent", "accepted", self._issue),
            ("agent_is_let_in", f"the agent is let in, {self._shows}", "accepted", self._call),
            ("agent_delegates", "the agent delegates a narrower capability, offline", "accepted", self._delegate),
            ("subagent_is_let_in", "the sub-agent is let in for what it may", "accepted", self._call_below),
            ("subagent_beyond", "refused: for what it may not", "capability_target_mismatch", self._call_beyond),
            ("subagent_widens", "refused: its own, widened capability", "capability_not_attenuated", self._widen),
            ("replayed", "refused: a presentation sent twice", "nonce_replayed", self._replay),
            ("misaddressed", "refused: a presentation for another audience", elsewhere, self._misaddress),
            ("corrupted", "refused: one byte changed", "signature_invalid", self._corrupt),
            *([stripped] if self._hybrid else []),
            ("revoked", "refused: the company revoked the agent", "chain_parent_revoked", self._revoke),
            ("receipts_hold", "the agent's receipts are signed, for what it presented", "accepted", self._receipts),
            ("replays_offline", "the partner's log replays to the same decisions", "accepted", self._replay_log),
        ]

    @property
    def _shows(self) -> str:
        return "every signature of both kinds" if self._hybrid else "disclosing only what was asked"

    def prepare(self) -> None:
        """Start both organisations, the partner's API and both agents; processes that can start together do."""
        stage = self._stage
        key = "hybrid" if self._hybrid else "ed25519"
        making = [
            stage.begin("issuer", "init", "--db", f"{name}.db", "--did", did, "--key", key)
            for name, did in (("acme", self._acme), ("partner", self._partner))
        ]
        self._agent, self._subagent = (
            stage.actor(name, f"did:web:{HOST}%3A{self._site_port}:{name}" if self._hybrid else None)
            for name in ("agent", "subagent")
        )
        for each in making:
            stage.finish(each)
        self._write_trust()
        tls = ("--tls-cert", str(stage.certificate), "--tls-key", str(stage.key))
        services = [
            (
                stage.serve(
                    "agentdid.cli.main",
                    ("serve", "issuer", "--db", f"{name}.db", "--port", str(port), "--refresh", _REFRESH_S, *tls),
                ),
                port,
            )
            for name, port in (("acme", self._acme_port), ("partner", self._partner_port))
        ]
        api = (str(self._api_port), str(stage.certificate), str(stage.key))
        arguments = ("trust.toml", "audit", "partner.db", *api)
        services.append((stage.serve("agentdid.cli.demo.partner", arguments), self._api_port))
        if self._hybrid:
            stage.site.mkdir(exist_ok=True)
            place = (str(stage.site), str(self._site_port), str(stage.certificate), str(stage.key))
            services.append((stage.serve("agentdid.cli.demo.site", place), self._site_port))
        for process, port in services:
            stage.await_ready(process, port)

    def act(self, name: str, title: str, expected: str, action: Callable[[], Outcome]) -> Step:
        """Return one step as it went."""
        start = time.perf_counter()
        observed, facts = action()
        return Step(name, title, expected, observed, time.perf_counter() - start, facts)

    def _write_trust(self) -> None:
        (self._stage.folder / "trust.toml").write_text(
            f"""audience = "{self._api}"
did = "{self._partner}"

[[resource]]
prefix = "{self._api}/"
root = "{self._partner}"

[limits]
status_staleness_s = {STALENESS_S:.0f}
max_header_bytes = {_MAX_HEADER}

[fetch]
allow = ["127.0.0.1", "::1"]
ca = "ca.pem"
""",
            "utf-8",
        )

    def _capability(self, grants: list[dict[str, object]]) -> dict[str, object]:
        return {
            "root": self._partner,
            "principal": self._acme,
            "purpose": "invoice reconciliation",
            "grants": [
                {"type": "http", "constraints": {}, "limits": {}, "approval": None, "autonomyMax": 2, **grant}
                for grant in grants
            ],
            "audience": [self._partner],
            "delegation": {"maxDepth": 3},
            "minSecurity": "hybrid" if self._hybrid else "classical",
        }

    def _write(self, name: str, value: object) -> str:
        (self._stage.folder / name).write_text(json.dumps(value), "utf-8")
        return name

    def _grant(self) -> Outcome:
        resources = [f"{self._api}/v1"]
        capability = self._capability(
            [
                {"id": "read", "from": None, "actions": ["invoice.read"], "resources": resources},
                {"id": "pay", "from": None, "actions": ["payment.send"], "resources": resources},
            ]
        )
        made = self._stage.agentdid(
            "issuer", "issue", "--db", "partner.db", "--to", self._acme, "--ttl", "1h", "--out", "root.vc",
            "--capability", self._write("root.json", capability),
        )  # fmt: skip
        return made["outcome"], {"credential": made["id"]}

    def _issue(self) -> Outcome:
        resources = [f"{self._api}/v1/invoices"]
        capability = self._capability(
            [
                {"id": "read", "from": "read", "actions": ["invoice.read"], "resources": resources},
                {"id": "pay", "from": "pay", "actions": ["payment.send"], "resources": [f"{self._api}/v1/payments"]},
            ]
        )
        claims = {"team": "accounts payable", "contact": "ap@acme.example"}
        # two proofs over one document hide nothing, so it has nothing to hide
        hidden = ["--claims", self._write("claims.json", claims), "--disclosable", "team", "--disclosable", "contact"]
        made = self._stage.agentdid(
            "issuer", "issue", "--db", "acme.db", "--parent", "root.vc", "--to", self._agent.did, "--ttl", "30m",
            *([] if self._hybrid else hidden), "--capability", self._write("agent.json", capability),
        )  # fmt: skip
        self._chain, self._credential = made["chain"], made["id"]
        received = self._agent.do("receive", chain=self._chain)
        outcome = "accepted" if received.get("id") == self._credential else str(received.get("code"))
        return outcome, {"credential": self._credential, "agent": self._agent.did}

    def _call(self) -> Outcome:
        answer = self._agent.do("call", url=self._invoice)
        seen = answer["body"].get("seen", {})
        shown = [grant["id"] for grant in seen.get("capability", {}).get("grants", [])]
        if not self._hybrid and answer["status"] == 200 and (sorted(seen) != ["capability", "id"] or shown != ["read"]):  # noqa: PLR2004
            return "disclosed_too_much", {"grants": shown, "claims": sorted(seen)}
        return _outcome(answer), {"disclosedGrants": shown, "disclosedClaims": sorted(seen)}

    def _delegate(self) -> Outcome:
        capability = self._capability(
            [{"id": "one", "from": "read", "actions": ["invoice.read"], "resources": [self._invoice]}]
        )
        made = self._agent.do(
            "delegate", credential=self._credential, to=self._subagent.did, capability=capability, ttl_s=300
        )
        self._delegated = made.get("chain", [])
        received = self._subagent.do("receive", chain=self._delegated)
        outcome = "accepted" if "id" in received else str(received.get("code"))
        return outcome, {"links": len(self._delegated), "subagent": self._subagent.did}

    def _call_below(self) -> Outcome:
        answer = self._subagent.do("call", url=self._invoice)
        return _outcome(answer), {"status": answer["status"]}

    def _call_beyond(self) -> Outcome:
        answer = self._subagent.do("call", url=f"{self._api}/v1/invoices/8")
        return _outcome(answer), {"status": answer["status"]}

    def _widen(self) -> Outcome:
        answer = self._subagent.do("widen", url=self._invoice, resource=f"{self._api}/v1/invoices")
        return _outcome(answer), {"status": answer["status"]}

    def _replay(self) -> Outcome:
        first = self._subagent.do("call", url=self._invoice)
        answer = self._subagent.do("replay", url=self._invoice)
        return _outcome(answer) if first["status"] == 200 else "not_let_in_before", {"status": answer["status"]}  # noqa: PLR2004

    def _misaddress(self) -> Outcome:
        answer = self._subagent.do("misaddress", url=self._invoice, audience="https://another.example")
        return _outcome(answer), {"status": answer["status"]}

    def _corrupt(self) -> Outcome:
        answer = self._subagent.do("corrupt", url=self._invoice)
        return _outcome(answer), {"status": answer["status"]}

    def _strip(self) -> Outcome:
        answer = self._subagent.do("strip", url=self._invoice)
        return _outcome(answer), {"status": answer["status"]}

    def _revoke(self) -> Outcome:
        before = _outcome(self._subagent.do("call", url=self._invoice))
        if before != "accepted":
            return f"refused_before_revocation_{before}", {}
        self._stage.agentdid("issuer", "revoke", "--db", "acme.db", "--credential", self._credential)
        start = last = time.monotonic()
        while True:
            asked = time.monotonic()
            answer = _outcome(self._subagent.do("call", url=self._invoice))
            if answer != "accepted":
                break
            last = asked
            if last - start > STALENESS_S:
                return "accepted_after_the_bound", {"boundSeconds": STALENESS_S}
            time.sleep(_POLL_S)
        return answer, {"refusedAfterSeconds": round(time.monotonic() - start, 3), "boundSeconds": STALENESS_S}

    def _receipts(self) -> Outcome:
        answer = self._stage.agentdid("wallet", "receipts", "--wallet", "agent.wallet", "--trust", "trust.toml")
        outcomes = [row["outcome"] for row in answer["receipts"]]
        return answer["outcome"] if outcomes else "no_receipts", {"receipts": outcomes}

    def _replay_log(self) -> Outcome:
        answer: dict[str, Any] = self._stage.agentdid("replay", "audit")
        return answer["outcome"], {"decisions": answer["replayed"]}


def _outcome(answer: dict[str, Any]) -> str:
    return "accepted" if answer["status"] == 200 else str(answer["code"])  # noqa: PLR2004
