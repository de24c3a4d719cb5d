"""`POST /credentials/verify` and `POST /presentations/verify`: the product's judgement under this instance's policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.errors import (
    InvalidChallengeError,
    InvalidDomainError,
    ProofPurposeMismatch,
    TypeMismatch,
)
from agentdid.http.vc_api.policy import trust_of
from agentdid.secure.data_integrity import ASSERTION, AUTHENTICATION
from agentdid.verify.case import Question
from agentdid.verify.memory import Memory
from agentdid.verify.run import answer_from, run

if TYPE_CHECKING:
    from agentdid.clock import Clock
    from agentdid.trust.profile import Profile
    from agentdid.verify.needs import Need, Reply, Source

_TEXTS: Final = (str, type(None))


@final
class Verifying:
    """The verifier of one process."""

    def __init__(self, profile: Profile, source: Source, clock: Clock) -> None:
        self._profile = profile
        self._source = source
        self._clock = clock
        self._memory = Memory()

    def check_credential(self, given: object, options: dict[str, object]) -> None:
        """Hold that a credential verifies.

        Args:
            given: `verifiableCredential` of the request: an object, or a token as text.
            options: `expectedProofPurpose`, `domain` and `challenge` are read.

        Raises:
            AgentdidError: It does not.
        """
        _check_purpose(options, ASSERTION)
        self._judge(given, holder=False)
        _check_credential_binding(given, options)

    def check_presentation(self, given: object, options: dict[str, object]) -> None:
        """Hold that a presentation, and every credential in it, verifies. Arguments and errors as above."""
        _check_purpose(options, AUTHENTICATION)
        domain, challenge = _text(options, "domain"), _text(options, "challenge")
        self._judge(given, holder=True, domain=domain, challenge=challenge)

    def _judge(self, given: object, *, holder: bool, domain: str | None = None, challenge: str | None = None) -> None:
        if type(given) is not dict and type(given) is not str:
            raise TypeMismatch("expected an object or a token")
        trust = trust_of(self._profile, domain)
        run(Question(given, holder, trust, self._clock.now(), challenge), self._memory, self._clock, self._answer)

    def _answer(self, need: Need) -> Reply:
        return answer_from(need, self._source, None, self._clock)


def _check_purpose(options: dict[str, object], purpose: str) -> None:
    # what the judgement holds is the one purpose that fits; a request that expects another one is answered at once
    expected = _text(options, "expectedProofPurpose")
    if expected is not None and expected != purpose:
        raise ProofPurposeMismatch(f"expected the purpose {purpose}", path="/options/expectedProofPurpose")


def _check_credential_binding(given: object, options: dict[str, object]) -> None:
    """Hold that every proof names the domain and the challenge that a request states (Data Integrity section 4.5)."""
    if type(given) is not dict:
        return
    proof = given.get("proof")
    for name, error in (("domain", InvalidDomainError), ("challenge", InvalidChallengeError)):
        expected = _text(options, name)
        if expected is None:
            continue
        for each in proof if type(proof) is list else [proof]:
            if type(each) is not dict or each.get(name) != expected:
                raise error(f"expected the {name} of the request", path=f"/proof/{name}")


def _text(options: dict[str, object], name: str) -> str | None:
    value = options.get(name)
    if not isinstance(value, _TEXTS):
        raise TypeMismatch("expected a string", path=f"/options/{name}")
    return value or None
