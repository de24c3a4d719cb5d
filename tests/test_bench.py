"""What `bench/` measures is work that is accepted; how long it takes is for `python -m bench` to say."""

from __future__ import annotations

import pytest

from agentdid.verify.decide import Decision
from bench import suites


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "eddsa-rdfc-2022"])
def test_what_is_measured_of_suites_is_accepted(suite: str) -> None:
    """One credential, and one presentation with its status, under each suite that has a bar."""
    suites.register()
    for work in (suites._verify(suite, 1.0), suites._with_status(suite, 1.0)):
        decision = work.call(work.prepare()[0])

        assert isinstance(decision, Decision)  # a refusal is raised
