"""What was done, one step after the other, so that what failed can be seen and done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.errors import AgentdidError
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable

DONE, NOTHING, FAILED = "done", "nothing", "failed"
_FAULTS: Final = (AgentdidError, OSError, ValueError)


@final
class Step(Value, frozen=True):
    """One thing that was tried.

    Attributes:
        act: What.
        target: On what.
        outcome: `done`; `nothing`, as there was nothing left to do; `failed`.
        detail: For people.
        code: Of the error, where one has a code.
    """

    act: str
    target: str
    outcome: str
    detail: str = ""
    code: str | None = None

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "act": self.act,
            "target": self.target,
            "outcome": self.outcome,
            "detail": self.detail,
            "code": self.code,
        }


def attempt(act: str, target: str, run: Callable[[], str | None]) -> Step:
    """Do one thing and say how it went; a failure is a step, so that the ones after it are tried.

    Args:
        act: What.
        target: On what.
        run: Does it, and returns what was done in words; `None` where there was nothing to do.
    """
    try:
        detail = run()
    except _FAULTS as error:
        return Step(act, target, FAILED, str(error), getattr(error, "code", None))
    return Step(act, target, NOTHING if detail is None else DONE, detail or "")
