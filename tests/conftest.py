"""What holds for every test: how hard hypothesis looks."""

from __future__ import annotations

from hypothesis import settings

from tests.profiles import PROFILE

settings.load_profile(PROFILE)
