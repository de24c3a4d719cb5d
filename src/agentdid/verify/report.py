"""What was checked, in order, and how each check ended: the whole story, also of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, final

from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.errors import AgentdidError
    from agentdid.policy.rules import Ruling
    from agentdid.verify.case import Question
    from agentdid.verify.evidence import Evidence
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Parsed

PASSED: Final = "passed"
NOT_RUN: Final = "not_run"
_SIGNATURES: Final = "signatures"
_HOLDER: Final = "holder"


@final
class CheckResult(Value, frozen=True):
    """How one check ended.

    Attributes:
        check: Its name in `verify.flow`.
        outcome: `passed`, `not_run`, or the family of the error: `malformed`, `refused`, `undecided`.
        code: The error's code, or `None`.
        detail: For people; empty when it passed.
        path: JSON Pointer into the input, or empty.
        spec: The sentences of specs/verification.md that the check keeps.
    """

    check: str
    outcome: str
    code: str | None
    detail: str
    path: str
    spec: str


class Named(Protocol):
    """A check as the report needs it: what it is called, and which sentences it keeps."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def spec(self) -> str:
        """Its sentences in specs/verification.md."""
        ...


@final
class Report:
    """The outcome of a judgement and of each of its checks; the rows are only made when somebody looks.

    Attributes:
        error: What ended it, or `None`.
        question: What was asked.
        ruling: How the verifier's own policy decided, if it was asked.
    """

    __slots__ = ("_exchange", "_parsed", "_reached", "_recipe", "error", "question", "ruling")

    def __init__(
        self,
        recipe: Sequence[Named],
        reached: int,
        error: AgentdidError | None,
        question: Question,
        exchange: Sequence[tuple[Need, Reply]],
        parsed: Parsed | None = None,
        ruling: Ruling | None = None,
    ) -> None:
        self._recipe = recipe
        self._reached = reached
        self.error = error
        self.question = question
        self._exchange = exchange
        self._parsed = parsed
        self.ruling = ruling

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents of the chain, root first, where the verifier looks at behaviour and it is known who sent this."""
        policy = self.question.trust.policy
        held = any(named.name == _HOLDER for named in self._recipe[: self._reached])
        if policy is None or policy.behaviour is None or self._parsed is None or not held:
            return ()
        return self._parsed.agents if self.question.request is not None else ()

    @property
    def outcome(self) -> str:
        """How the judgement ended: `accepted`, `malformed`, `refused` or `undecided`."""
        return "accepted" if self.error is None else self.error.family

    @property
    def established(self) -> Parsed | None:
        """The input, once every signature held: until then whom it names is nothing but its sender's word."""
        return self._parsed if any(named.name == _SIGNATURES for named in self._recipe[: self._reached]) else None

    @property
    def evidence(self) -> Evidence:
        """The question and every answer from outside, so that the decision can be replayed."""
        from agentdid.verify.evidence import Evidence  # noqa: PLC0415  # which stands on the flow that makes reports

        return Evidence(self.question, tuple(self._exchange))

    @property
    def code(self) -> str | None:
        """The code of the first check that did not pass, or `None`."""
        return None if self.error is None else self.error.code

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """A row for each check of the recipe, in its order."""
        rows = []
        for position, named in enumerate(self._recipe):
            name, spec = named.name, named.spec
            if position < self._reached:
                rows.append(CheckResult(name, PASSED, None, "", "", spec))
            elif position == self._reached and self.error is not None:
                error = self.error
                rows.append(CheckResult(name, error.family, error.code, error.detail, error.path, spec))
            else:
                rows.append(CheckResult(name, NOT_RUN, None, "", "", spec))
        return tuple(rows)

    def encode(self) -> dict[str, object]:
        """Return the report as the JSON object of the command line and of problem details."""
        asked = getattr(self.error, "approval", None)
        return {
            **({} if asked is None else {"approval": asked}),
            **({} if self.ruling is None else {"policy": self.ruling.encode()}),
            **({"agents": list(self.agents)} if self.agents else {}),
            "outcome": self.outcome,
            "code": self.code,
            "detail": "" if self.error is None else self.error.detail,
            "path": "" if self.error is None else self.error.path,
            "checks": [
                {
                    "check": row.check,
                    "outcome": row.outcome,
                    "code": row.code,
                    "detail": row.detail,
                    "path": row.path,
                    "spec": row.spec,
                }
                for row in self.checks
            ],
        }

    def __repr__(self) -> str:
        return f"Report(outcome={self.outcome!r}, code={self.code!r})"
