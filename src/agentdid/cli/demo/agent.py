"""An agent of the demo: a process with a wallet on disk, told by its standard input what to do, a JSON line each.

Beside what a wallet does, it can misbehave: widen a capability, replay, address another audience, change a byte.
Run as a process of its own: ``python -m agentdid.cli.demo.agent WALLET CA [DID DOCUMENT]`` with AGENTDID_PASSPHRASE
set; with a did:web and the file where its document belongs the agent has two keys, a classical and a post-quantum one.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import httpx

from agentdid.codec.strict_json import encode
from agentdid.delegation.link import ParentLink, build_link, default_form, secure_link
from agentdid.did.document import build_document
from agentdid.did.resolve import fragment_of
from agentdid.errors import AgentdidError
from agentdid.keys import pair
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import encode_authorization, normalize_url
from agentdid.present.presentation import FORMATS, make_presentation
from agentdid.sources.source import NetworkSource
from agentdid.verify.case import HttpRequest
from agentdid.wallet.disclosure import grant_paths, withhold_chain
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK: Final = ("127.0.0.1", "::1")
_TIMEOUT_S: Final = 10.0


@final
class Agent:
    """One agent and its one client."""

    def __init__(self, wallet: Path, ca: Path, did: str | None = None, document: Path | None = None) -> None:
        self._wallet = Wallet.create(wallet, passphrase=os.environ["AGENTDID_PASSPHRASE"])
        if did is None or document is None:
            self.did = self._wallet.create_did()
        else:
            self.did = did
            keys = pair.generate(pair.HYBRID)
            self._wallet.add_keys(did, keys)
            document.parent.mkdir(parents=True)
            listed = pair.public_keys(pair.as_signer(keys), fragment_of(did))
            document.write_bytes(encode(build_document(did, listed)))
        self._source = NetworkSource(allow=LOOPBACK, ca=ca)
        trust = ssl.create_default_context(cafile=str(ca))
        self._sent: str = ""
        # the whole integration of an agent: one argument
        self._client = httpx.Client(
            auth=self._wallet.auth(receipts=True), verify=trust, trust_env=False, timeout=_TIMEOUT_S,
            event_hooks={"request": [self._remember]},
        )  # fmt: skip
        self._plain = httpx.Client(verify=trust, trust_env=False, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Let go of clients and wallet."""
        self._client.close()
        self._plain.close()
        self._wallet.close()

    def receive(self, chain: list[object]) -> dict[str, object]:
        """Verify a chain over the network and keep it."""
        held = self._wallet.receive(chain, source=self._source)
        return {"id": held.id}

    def delegate(self, credential: str, to: str, capability: dict[str, object], ttl_s: int) -> dict[str, object]:
        """Make a narrower capability for another agent; no socket is opened."""
        chain = self._wallet.delegate(credential, to=to, capability=capability, ttl=timedelta(seconds=ttl_s))
        return {"chain": chain}

    def call(self, url: str) -> dict[str, object]:
        """Call the partner as any httpx user would."""
        return _answer(self._client.get(url))

    def replay(self, url: str) -> dict[str, object]:
        """Send the last presentation once more."""
        return _answer(self._plain.get(url, headers={"Authorization": self._sent}))

    def misaddress(self, url: str, audience: str) -> dict[str, object]:
        """Send a presentation that was made for another audience."""
        return self._send(url, self._present(url, audience=audience))

    def corrupt(self, url: str) -> dict[str, object]:
        """Change one character of a fresh presentation's signature."""
        made = self._present(url)
        at = len(made) - 40
        return self._send(url, made[:at] + ("A" if made[at] != "A" else "B") + made[at + 1 :])

    def strip(self, url: str) -> dict[str, object]:
        """Take the post-quantum proof off a fresh presentation."""
        made = json.loads(self._present(url))
        made["proof"] = made["proof"][0]
        return self._send(url, json.dumps(made))

    def widen(self, url: str, resource: str) -> dict[str, object]:
        """Sign a link from oneself to oneself that grants more than its parent, and present it."""
        held = self._wallet.credentials()[-1]
        capability = held.leaf.capability
        if capability is None:
            message = "the last credential is no capability"
            raise ValueError(message)
        signer, method_id = self._wallet.signer(held.subject)
        now = datetime.now(UTC)
        shown: Any = held.leaf.credential.document["credentialSubject"]
        wider = json.loads(json.dumps(shown["capability"]))
        for grant in wider["grants"]:
            grant["from"] = grant["id"]
        document: Any = build_link(
            issuer=held.subject, subject=held.subject, capability=wider, at=now, ttl=timedelta(seconds=30),
            parent=ParentLink(held.leaf.credential, capability, held.leaf.secured.digest),
        )  # fmt: skip
        for grant in document["credentialSubject"]["capability"]["grants"]:
            grant["resources"] = [resource]  # after the library's own check, which would have refused it
        link = secure_link(document, signer, method_id, form=default_form(signer), at=now)
        chain = [*withhold_chain(held.chain, grant_paths(held.leaf)), link]
        challenge = self._challenge(url)
        made = make_presentation(
            chain, holder=held.subject, signer=signer, method_id=method_id, audience=challenge.audience,
            challenge=challenge.nonce, at=now, http=HttpRequest("GET", normalize_url(url), None),
            form=FORMATS[-1] if isinstance(signer, pair.KeyPair) else FORMATS[0],
        )  # fmt: skip
        return self._send(url, made)

    def _present(self, url: str, *, audience: str | None = None) -> str:
        challenge = self._challenge(url)
        query = None if challenge.dcql is None else self._plain.get(challenge.dcql).json()
        return self._wallet.present(
            challenge=challenge.nonce,
            audience=audience or challenge.audience,
            query=query,
            http=HttpRequest("GET", normalize_url(url), None),
        )

    def _challenge(self, url: str) -> Challenge:
        challenge = Challenge.find(self._plain.get(url).headers.get_list("WWW-Authenticate"))
        if challenge is None:
            message = "the partner asked for nothing"
            raise ValueError(message)
        return challenge

    def _send(self, url: str, presentation: str) -> dict[str, object]:
        return _answer(self._plain.get(url, headers={"Authorization": encode_authorization(presentation)}))

    def _remember(self, request: httpx.Request) -> None:
        self._sent = request.headers.get("Authorization", self._sent)


def _answer(response: httpx.Response) -> dict[str, object]:
    body = response.json()
    return {"status": response.status_code, "code": body.get("code"), "body": body}


def main(wallet: str, ca: str, did: str | None = None, document: str | None = None) -> None:
    """Obey standard input until it ends; answer each line with one line."""
    agent = Agent(Path(wallet), Path(ca), did, None if document is None else Path(document))
    verbs: dict[str, Callable[..., dict[str, object]]] = {
        "receive": agent.receive,
        "delegate": agent.delegate,
        "call": agent.call,
        "replay": agent.replay,
        "misaddress": agent.misaddress,
        "corrupt": agent.corrupt,
        "strip": agent.strip,
        "widen": agent.widen,
    }
    sys.stdout.write(json.dumps({"did": agent.did}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        verb = verbs[order.pop("do")]
        try:
            answer = verb(**order)
        except AgentdidError as error:
            answer = {"status": None, "code": error.code, "body": {"detail": error.detail}}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    agent.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
