"""How hard property tests look: `dev` by default, `ci` in CI, and `HYPOTHESIS_PROFILE=long` when there is time.

`ci` tries the same examples in every run, so that a red run is a change's doing; the others draw anew. The bound on one
example is generous: two laden cores are no finding, work without bound is.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Final

from hypothesis import HealthCheck, settings

PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
_FACTORS: Final = {"dev": 1, "ci": 1, "long": 50}
_BOUND: Final = timedelta(seconds=5)
_LADEN: Final = (HealthCheck.too_slow,)

settings.register_profile(
    "ci", derandomize=True, database=None, deadline=_BOUND, print_blob=True, suppress_health_check=_LADEN
)
settings.register_profile("dev", deadline=_BOUND, suppress_health_check=_LADEN)
settings.register_profile(
    "long",
    max_examples=100 * _FACTORS["long"],
    deadline=_BOUND,
    suppress_health_check=(*_LADEN, HealthCheck.data_too_large),
)


def examples(count: int) -> int:
    """Return how many examples a test tries that tries `count` of them in CI."""
    return count * _FACTORS[PROFILE]
