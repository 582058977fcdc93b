"""What holds for all tests: none asserts on time, and hypothesis does not either."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
