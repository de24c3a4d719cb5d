"""Chains as an attacker makes them: every signature real, nothing checked before it is signed.

`tests.world` makes what an honest party would; here a document is built by hand, changed at will, and signed.
"""

from __future__ import annotations

import uuid
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from agentdid.codec.base import encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.delegation.link import secure_link
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT
from agentdid.verify.structure import read_credential

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.secure.mechanism import Secured
    from tests.world import Party, World

SD_JWT: Final = "vc+sd-jwt"
JCS: Final = "eddsa-jcs-2022"
FORMS: Final = (SD_JWT, JCS)
"""The two securing mechanisms of a link."""
PRESENTED: Final = {SD_JWT: "vp+jwt", JCS: JCS}
"""The presentation that goes with each in these tests."""
NONCE: Final = "n-0S6_WzA2Mj"

Wire = str | dict[str, object]
Document = dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """How a judgement ended: the code, the family, the check that refused."""

    code: str | None
    family: str
    check: str


def ending(judge: Callable[[], object]) -> Ending:
    """Return how a judgement was refused, having held that no later check ran."""
    with pytest.raises(AgentdidError) as caught:
        judge()
    error = caught.value
    report: Any = error.report
    assert report is not None
    outcomes = [row.outcome for row in report.checks]
    at = next(place for place, outcome in enumerate(outcomes) if outcome != "passed")
    assert [error.family, *["not_run"] * (len(outcomes) - at - 1)] == outcomes[at:]
    return Ending(error.code, error.family, report.checks[at].check)


def opened(wire: Wire) -> Secured:
    """A link taken apart, nothing of it believed."""
    return read_credential(wire, plain=False, limits=DEFAULT)


def reference(parent: Wire) -> dict[str, object]:
    """What a child says of its parent."""
    secured = opened(parent)
    return {"id": secured.document["id"], "digestMultibase": encode_multibase(b"\x12\x20" + secured.digest, "u")}


def root_document(world: World, issuer: Party | None = None, subject: Party | None = None) -> Document:
    """An honest root link, unsigned: from acme to its agent, valid for eight hours."""
    return _document(world, issuer or world.acme, subject or world.agent, world.capability(), timedelta(hours=8), 7)


def child_document(world: World, parent: Wire, issuer: Party, subject: Party, *, index: int | None = None) -> Document:
    """An honest child of a link, unsigned: the same grants, for ten minutes."""
    above: Document = deepcopy(opened(parent).document)
    capability = above["credentialSubject"]["capability"]
    capability["delegation"]["depth"] += 1
    capability["parent"] = reference(parent)
    for grant in capability["grants"]:
        grant["from"] = grant["id"]
    return _document(world, issuer, subject, capability, timedelta(minutes=10), index)


def sign(world: World, document: Document, issuer: Party, form: str = SD_JWT, *, at: datetime | None = None) -> Wire:
    """The document signed as it stands."""
    return secure_link(document, issuer.secret, issuer.method_id, form=form, at=at or world.now - timedelta(minutes=1))


def chain_of(world: World, form: str = SD_JWT, *parties: Party) -> list[Wire]:
    """An honest chain from acme through the parties, each link for the next of them."""
    first, *others = parties or (world.agent,)
    chain = [sign(world, root_document(world, world.acme, first), world.acme, form)]
    issuer = first
    for subject in others:
        chain.append(sign(world, child_document(world, chain[-1], issuer, subject), issuer, form))
        issuer = subject
    return chain


def forged(wire: Wire) -> Wire:
    """The link with another signature of the right length, which nobody made."""
    if isinstance(wire, dict):
        proof: Document = dict(wire["proof"])  # type: ignore[call-overload]  # a proof
        value = proof["proofValue"]
        return {**wire, "proof": {**proof, "proofValue": f"{value[:20]}{'2' if value[20] != '2' else '3'}{value[21:]}"}}
    token, tilde, rest = wire.partition("~")
    place = len(token) - 20
    return f"{token[:place]}{'A' if token[place] != 'A' else 'B'}{token[place + 1 :]}{tilde}{rest}"


def capability_of(document: Document) -> Document:
    """The capability in a document, to be changed."""
    capability: Document = document["credentialSubject"]["capability"]
    return capability


def grant_of(document: Document, place: int = 0) -> Document:
    """A grant in a document, to be changed."""
    grant: Document = capability_of(document)["grants"][place]
    return grant


def _document(
    world: World, issuer: Party, subject: Party, capability: Document, ttl: timedelta, index: int | None
) -> Document:
    begin = world.now - timedelta(minutes=1)
    document: Document = {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": ["VerifiableCredential", "AgentCapabilityCredential"],
        "issuer": issuer.did,
        "validFrom": encode_instant(begin),
        "validUntil": encode_instant(begin + ttl),
        "credentialSubject": {"id": subject.did, "capability": deepcopy(capability)},
    }
    capability_of(document)["delegation"].setdefault("depth", 0)
    if index is not None:
        document["credentialStatus"] = world.status(issuer, index)
    return document
