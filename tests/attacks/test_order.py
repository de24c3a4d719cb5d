"""PROTOCOL section 3: the code of the first failing stage is the answer, and no later stage has run.

Every pair of faults, each of another stage, in one presentation; and each fault alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from agentdid.delegation.usage import Request
from tests.forgery import CHALLENGE, Faces, Token, flip, policy
from tests.world import RESOURCE, World


@dataclass
class Draft:
    """A presentation in the making, with what it is judged by."""

    world: World
    link: Token
    table: dict[str, object]
    audience: str = "https://api.partner.example"
    action: str = "invoice.read"
    break_signature: bool = False
    padding: str = ""
    tail: str = ""
    members: dict[str, Any] = field(default_factory=dict)

    def present(self) -> str:
        """Return it, signed by issuer and holder."""
        credential = self.link.sign(self.world.acme)
        if self.break_signature:
            issued, tilde, rest = credential.partition("~")
            credential = flip(issued, -20) + tilde + rest
        token = Token.read(self.world.present([credential], audience=self.audience))
        token.payload |= self.members
        if self.padding:
            token.payload["padding"] = self.padding
        return token.sign(self.world.agent) + self.tail


def _capability(draft: Draft) -> dict[str, Any]:
    return draft.link.payload["credentialSubject"]["capability"]  # type: ignore[no-any-return]  # JSON


def _size(draft: Draft) -> None:
    draft.padding = "x" * 300_000


def _structure(draft: Draft) -> None:
    draft.members["type"] = "VerifiablePresentation,Admin"


def _algorithms(draft: Draft) -> None:
    _capability(draft)["minSecurity"] = "hybrid"


def _root(draft: Draft) -> None:
    draft.table["anchor"] = []


def _signatures(draft: Draft) -> None:
    draft.break_signature = True


def _holder(draft: Draft) -> None:
    draft.audience = "https://other.example"


def _validity(draft: Draft) -> None:
    draft.link.payload["validUntil"] = "2026-11-24T11:58:00Z"
    draft.link.payload["validFrom"] = "2026-11-24T11:00:00Z"


def _status(draft: Draft) -> None:
    draft.world.acme.revoked.add(7)
    draft.world.publish(draft.world.acme)


def _request(draft: Draft) -> None:
    draft.action = "invoice.list"


FAULTS: dict[str, tuple[Callable[[Draft], None], str, str]] = {
    "size": (_size, "malformed", "input_too_large"),
    "structure": (_structure, "malformed", "type_mismatch"),
    "algorithms": (_algorithms, "refused", "hybrid_component_missing"),
    "root": (_root, "refused", "issuer_untrusted"),
    "signatures": (_signatures, "refused", "signature_invalid"),
    "holder": (_holder, "refused", "audience_mismatch"),
    "validity": (_validity, "refused", "expired"),
    "status": (_status, "refused", "status_revoked"),
    "request": (_request, "refused", "capability_target_mismatch"),
}


def judge(world: World, faces: Faces, *names: str) -> tuple[str, str | None, str | None]:
    """Return the answer to a presentation with these faults, and the check that gave it."""
    draft = Draft(world, Token.read(str(world.root()[0])), policy(world))
    for name in names:
        FAULTS[name][0](draft)
    request = Request("http", draft.action, f"{RESOURCE}/7", {})
    verdict = faces(draft.present(), challenge=CHALLENGE, trust=draft.table, request=request)
    return (*verdict.answer, verdict.check)


def test_no_fault(world: World, faces: Faces) -> None:
    """What the faults are put into is accepted."""
    assert ("accepted", None, None) == judge(world, faces)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault(world: World, faces: Faces, name: str) -> None:
    """Each has its code, at its check."""
    _, family, code = FAULTS[name]

    assert (family, code, name) == judge(world, faces, name)


@pytest.mark.parametrize(("first", "second"), list(combinations(FAULTS, 2)))
def test_each_pair(world: World, faces: Faces, first: str, second: str) -> None:
    """Of two faults the earlier stage's is the answer."""
    _, family, code = FAULTS[first]

    assert (family, code, first) == judge(world, faces, first, second)


def test_all_faults(world: World, faces: Faces) -> None:
    """Of all of them the first."""
    assert ("malformed", "input_too_large", "size") == judge(world, faces, *FAULTS)


def test_a_refused_presentation_consumes_nothing(world: World) -> None:
    """Whatever was refused, the same nonce still serves the right presentation, once."""
    verifier = world.verifier(trust=world.trust(**policy(world)))
    request = Request("http", "invoice.read", f"{RESOURCE}/7", {})
    right = world.present(world.root())
    for name in ("size", "structure", "algorithms", "signatures", "holder", "validity", "request"):
        draft = Draft(world, Token.read(str(world.root()[0])), policy(world))
        FAULTS[name][0](draft)
        asked = Request("http", draft.action, f"{RESOURCE}/7", {})
        report = _refuse(verifier, draft.present(), asked)
        assert FAULTS[name][2] == report
    assert world.agent.did == verifier.authorize(right, challenge=CHALLENGE, request=request).agent
    assert "nonce_replayed" == _refuse(verifier, right, request)


def _refuse(verifier: Any, presented: str, request: Request) -> str:  # noqa: ANN401  # a Verifier
    from agentdid.errors import AgentdidError  # noqa: PLC0415

    with pytest.raises(AgentdidError) as refusal:
        verifier.authorize(presented, challenge=CHALLENGE, request=request)
    return refusal.value.code


@pytest.mark.parametrize("seconds", [61, 86_400])
def test_a_malformed_time_comes_before_an_expired_one(world: World, faces: Faces, seconds: int) -> None:
    """Form is judged before time, in one member as in two."""
    draft = Draft(world, Token.read(str(world.root()[0])), policy(world))
    draft.link.payload["validUntil"] = (world.now - timedelta(seconds=seconds)).isoformat().replace("+00:00", "")

    assert ("malformed", "type_mismatch") == faces(draft.present(), challenge=CHALLENGE).answer
