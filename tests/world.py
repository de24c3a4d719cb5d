"""A small world in memory: parties with DIDs, status lists they sign, and a source that serves what they publish.

Nothing here is a stand-in for what is tested: keys, signatures, lists and documents are made by the library itself;
only the network is replaced, by a dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agentdid.clock import FixedClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.link import ParentLink, build_link, secure_link
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.keys import pair
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.limits import DEFAULT
from agentdid.present.presentation import make_presentation
from agentdid.proof.suites import find_suite
from agentdid.secure import data_integrity, derivation, hybrid
from agentdid.status.bitstring import build_list_credential
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.needs import Absent, Resource
from agentdid.verify.structure import read_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.secret import SecretKey
    from agentdid.verify.case import HttpRequest
    from agentdid.verify.needs import Answer

BLS = "BLS12-381-G2"
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
AUDIENCE = "https://api.partner.example"
RESOURCE = "https://api.partner.example/v1/invoices"


@dataclass
class Party:
    """Somebody with a DID and a key from a fixed seed."""

    name: str
    secret: SecretKey | pair.KeyPair
    did: str
    method_id: str
    revoked: set[int] = field(default_factory=set)

    @property
    def list_url(self) -> str:
        """Where this party's one status list is."""
        return f"https://{self.name}.example/status/1"


class World:
    """Parties, what they publish, and the instant at which it is. Serves as a `Source`."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self.asked: list[str] = []
        self.served: dict[str, Resource | Absent] = {}
        self.partner = self.party("partner", method="web")
        self.acme = self.party("acme", method="web")
        self.agent = self.party("agent")
        self.helper = self.party("helper")
        self.stranger = self.party("stranger")

    def party(self, name: str, *, method: str = "key", algorithm: str = "Ed25519") -> Party:
        """Return a party; one with did:web publishes its document and an empty status list."""
        size = sum(ALGORITHMS[each].seed_len for each in algorithm.split("+"))
        secret = pair.as_signer(pair.load(algorithm, (name.encode() * 64)[:size]))
        did = did_key.create(secret.public) if method == "key" else did_web.create(f"{name}.example")
        fragment = did.removeprefix("did:key:") if method == "key" else "key-1"
        party = Party(name, secret, did, f"{did}#{fragment}")
        if method == "web":
            self.serve(did_web.url(did), encode(build_document(did, pair.public_keys(secret, "key-1"))))
        if find_suite(algorithm) is not None or algorithm in (BLS, pair.HYBRID):  # what lists are signed with here
            self.publish(party)
        return party

    def serve(self, url: str, body: bytes) -> None:
        """Serve a body from now on."""
        self.served[url] = Resource(url, body, self.now)

    def publish(self, party: Party, *, signed_at: datetime | None = None, size: int = 131_072) -> None:
        """Sign and serve a party's status list as it stands."""
        bits = bytearray(size // 8)
        for index in party.revoked:
            bits[index >> 3] |= 0x80 >> (index & 7)
        at = signed_at or self.now
        document = build_list_credential(
            party.list_url, party.did, ["revocation"], bytes(bits), valid_from=at, valid_until=at + timedelta(days=1)
        )
        suite = find_suite(party.secret.public.algorithm.name)
        if isinstance(party.secret, pair.KeyPair):
            signed = hybrid.add_set(document, party.secret, party.method_id, created=at)
        elif suite is None:
            assert party.secret.public.algorithm.name == BLS
            whole = derivation.add_base_proof(
                document, party.secret, party.method_id, "bbs-2023", pointers=[""], created=at
            )
            signed = derivation.derive(whole, [])
        else:
            signed = data_integrity.add_proof(document, party.secret, party.method_id, suite, created=at)
        self.serve(party.list_url, encode(signed))

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:  # noqa: ARG002  # a Source
        """Serve what was published."""
        self.asked.append(url)
        return self.served.get(url, Absent(url, "fetch_failed", "nobody is there"))

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """Serve what was published."""
        return self.get(url, accept, max_age_s)

    def policy(self, **changes: object) -> dict[str, object]:
        """Return the partner's policy as a table: it owns its API and lets acme start chains for invoices."""
        table: dict[str, object] = {
            "audience": AUDIENCE,
            "did": self.partner.did,
            "resource": [{"prefix": f"{AUDIENCE}/", "root": self.partner.did}],
            "anchor": [
                {
                    "did": self.acme.did,
                    "types": ["AgentCapabilityCredential"],
                    "roots": [self.partner.did],
                    "actions": ["invoice.*"],
                }
            ],
        }
        return table | changes

    def trust(self, **changes: object) -> Trust:
        """Return the partner's policy, parsed."""
        return Trust.parse(self.policy(**changes))

    def verifier(self, **options: object) -> Verifier:
        """Return a verifier that asks this world at this world's time."""
        trust = options.pop("trust", None) or self.trust()
        return Verifier(trust, source=self, clock=FixedClock(self.now), **options)  # type: ignore[arg-type]

    def capability(self, **changes: object) -> dict[str, object]:
        """Return a capability over invoices, complete as specs/capability-credential.md has it."""
        return {
            "root": self.partner.did,
            "principal": self.acme.did,
            "purpose": "invoice reconciliation",
            "grants": [self.grant()],
            "audience": [self.partner.did],
            "delegation": {"depth": 0, "maxDepth": 5},
            "parent": None,
            "minSecurity": "classical",
        } | changes

    @staticmethod
    def grant(**changes: object) -> dict[str, object]:
        """Return a grant to read invoices."""
        return {
            "id": "g1",
            "from": None,
            "type": "http",
            "actions": ["invoice.read"],
            "resources": [RESOURCE],
            "constraints": {},
            "limits": {},
            "approval": None,
            "autonomyMax": 2,
        } | changes

    def root(
        self, issuer: Party | None = None, subject: Party | None = None, *, index: int | None = 7,
        form: str = "vc+sd-jwt",
        ttl: timedelta = timedelta(hours=8), capability: Mapping[str, object] | None = None,
        claims: Mapping[str, object] | None = None, at: datetime | None = None,
        disclosable: list[tuple[str | int, ...]] | None = None,
    ) -> list[str | dict[str, object]]:  # fmt: skip
        """Return a chain of one link, by default from acme to its agent."""
        return self._link(
            issuer or self.acme, subject or self.agent, None, index, form, ttl, capability or self.capability(), claims,
            at, disclosable or [],
        )  # fmt: skip

    def child(
        self, chain: list[str | dict[str, object]], issuer: Party, subject: Party, *, index: int | None = None,
        form: str = "vc+sd-jwt", ttl: timedelta = timedelta(minutes=10),
        capability: Mapping[str, object] | None = None, at: datetime | None = None,
    ) -> list[str | dict[str, object]]:  # fmt: skip
        """Return the chain with one more link."""
        (*_, leaf) = read_chain(list(chain), DEFAULT)
        if leaf.capability is None:
            message = "only a capability has children"
            raise TypeError(message)
        parent = ParentLink(leaf.credential, leaf.capability, leaf.secured.digest)
        wanted = capability or self.capability(
            grants=[self.grant(id="c1", **{"from": "g1" if leaf.capability.depth == 0 else "c1"})],
            delegation={"maxDepth": leaf.capability.max_depth},
        )
        return [*chain, *self._link(issuer, subject, parent, index, form, ttl, wanted, None, at, [])]

    def _link(
        self, issuer: Party, subject: Party, parent: ParentLink | None, index: int | None, form: str, ttl: timedelta,
        capability: Mapping[str, object], claims: Mapping[str, object] | None, at: datetime | None,
        disclosable: list[tuple[str | int, ...]],
    ) -> list[str | dict[str, object]]:  # fmt: skip
        begin = at or self.now - timedelta(minutes=1)
        document = build_link(
            issuer=issuer.did, subject=subject.did, capability=capability, at=begin, ttl=ttl, parent=parent,
            status=None if index is None else self.status(issuer, index), claims=claims,
        )  # fmt: skip
        return [secure_link(document, issuer.secret, issuer.method_id, form=form, at=begin, disclosable=disclosable)]

    @staticmethod
    def status(issuer: Party, index: int) -> dict[str, object]:
        """Return a status entry in a party's list."""
        return {
            "id": f"{issuer.list_url}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(index),
            "statusListCredential": issuer.list_url,
        }

    def present(
        self, chain: list[str | dict[str, object]], holder: Party | None = None, *, challenge: str = "n-0S6_WzA2Mj",
        audience: str = AUDIENCE, http: HttpRequest | None = None, form: str = "vp+jwt", at: datetime | None = None,
    ) -> str:  # fmt: skip
        """Return a presentation of a chain by its subject."""
        who = holder or self.agent
        return make_presentation(
            chain, holder=who.did, signer=who.secret, method_id=who.method_id, audience=audience, challenge=challenge,
            at=at or self.now, http=http, form=form,
        )  # fmt: skip
